"""`hubao bench --stage match`: the matching stage alone, on a large roster: rows as read → decided, nothing written.

Members and rows are made as they are needed, so memory says what matching itself holds. What is timed is asking the
database, opening candidates, deciding, and reading in full what is a member's; not generating, nor reading identities.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from gateway import wiring
from gateway.bench.data import DAY, BenchCount, bench_rows
from gateway.bench.night import FEED, bench_site, open_site, refuse_used
from gateway.core.normalise import Rows
from gateway.core.roster import RosterMember
from gateway.flow.office import Office
from gateway.flow.reading.rows import identify, look_up
from gateway.flow.roster.enrol import enrol
from gateway.runners.processes import own_peak, spread
from gateway.sandbox.people import LEAGUES, Person, person_at
from gateway.sandbox.roster import coverage_of, member_no

_LEAGUES: Final = tuple(LEAGUES)
_ENROL_AT_ONCE: Final = 50_000
_SINGLES: Final = 2_000


class MatchBenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the slowest process, and its processor seconds; milliseconds of one record alone; memory in MB after
    a tenth and at the end. Where others use the machine too, processor seconds are what to compare."""

    stage: str
    records: int
    members: int
    hit_rate: float
    database: str
    processes: int
    suite: str
    seconds: float
    cpu_seconds: float
    records_per_second: int
    stages: dict[str, float]
    single_p50_ms: float
    single_p99_ms: float
    peak_rss_mb: int
    peak_rss_mb_after_a_tenth: int
    counts: dict[str, int]


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one process does: every `processes`-th page from `first` on."""

    records: int
    members: int
    hits: int
    seed: int
    first: int
    processes: int


class _MatchTimes(msgspec.Struct, kw_only=True):
    identify: float = 0.0
    match: float = 0.0
    match_cpu: float = 0.0
    singles: list[float] = msgspec.field(default_factory=list)
    early_peak: int = 0
    counts: Counter[str] = msgspec.field(default_factory=Counter)


def bench_match(
    *, records: int, members: int, hit_rate: float, processes: int, database: str, suite: str, seed: int
) -> MatchBenchResult:
    """Enrol, then time the matching of all rows in so many processes at once."""
    folder = Path(tempfile.mkdtemp(prefix="hubao-bench-"))
    try:
        site = bench_site(folder / "site", database, suite)
        began = time.monotonic()
        _enrol(site, members, seed)
        imported = time.monotonic() - began
        hits = round(hit_rate * 10_000)
        plans = [
            _Plan(records=records, members=members, hits=hits, seed=seed, first=at, processes=processes)
            for at in range(processes)
        ]
        shares = spread(_work, [(site, plan) for plan in plans], open_site)
    finally:
        shutil.rmtree(folder)
    timed: list[_MatchTimes] = [share.result for share in shares]
    seconds = max(times.match for times in timed)
    singles = sorted(single for times in timed for single in times.singles)
    return MatchBenchResult(
        stage="match",
        records=records,
        members=members,
        hit_rate=hit_rate,
        database="sqlite" if database == "sqlite" else "postgresql",
        processes=processes,
        suite=suite,
        seconds=round(seconds, 3),
        cpu_seconds=round(max(times.match_cpu for times in timed), 3),
        records_per_second=round(records / seconds),
        stages={
            "roster_import": round(imported, 3),
            "identify": round(max(times.identify for times in timed), 3),
            "match": round(seconds, 3),
        },
        single_p50_ms=_at(singles, 0.5),
        single_p99_ms=_at(singles, 0.99),
        peak_rss_mb=sum(share.peak for share in shares) // 2**20,
        peak_rss_mb_after_a_tenth=sum(times.early_peak for times in timed) // 2**20,
        counts=dict(sum((times.counts for times in timed), Counter[str]())),
    )


def _at(values: list[float], share: float) -> float:
    """The value below which this share of the sorted seconds lies, in milliseconds."""
    return round(values[min(len(values) - 1, int(len(values) * share))] * 1000, 3)


def _enrol(site: Path, members: int, seed: int) -> None:
    office = wiring.open_office(site)
    refuse_used(office)
    # Every import touches nearly every page of a large index once: twenty of them are enough.
    at_once = max(_ENROL_AT_ONCE, members // 20)
    for start in range(0, members, at_once):
        people = (
            person_at(seed, index, league=_LEAGUES[index % len(_LEAGUES)], as_of=DAY)
            for index in range(start, min(start + at_once, members))
        )
        enrol(office, "nm", [_roster_member(person, seed) for person in people])
    office.store.close()


def _roster_member(person: Person, seed: int) -> RosterMember:
    return RosterMember(
        member_no=member_no(person),
        name=person.name,
        id_number=person.id_number,
        sex=person.sex,
        birth_date=person.birth_date,
        phone=person.phone,
        unit_no=person.unit_no,
        unit_name=person.employer,
        league=LEAGUES[person.league].name,
        category=person.category,
        coverage=coverage_of(person, day=DAY, seed=seed),
    )


def _pages(office: Office, plan: _Plan) -> Iterator[Rows]:
    """This process's pages, each made when it is wanted."""
    size = office.gateway.batch_rows
    rows = bench_rows(records=plan.records, members=plan.members, hits=plan.hits, seed=plan.seed, count=BenchCount())
    number = 0
    while page := list(islice(rows, size)):
        if number % plan.processes == plan.first:
            yield office.mapping_of(FEED).read(b'{"setlinfo":[' + b",".join(page) + b"]}")
        number += 1


def _work(office: Office, site: Path, plan: _Plan) -> _MatchTimes:
    timed = _MatchTimes()
    tenth = plan.records // (10 * plan.processes)
    done = 0
    for content in _pages(office, plan):
        began = time.monotonic()
        rows = identify(office, FEED, content, 0, len(content))
        identified, used = time.monotonic(), time.process_time()
        with office.store.read() as tx:
            look_up(tx, office, FEED, rows, content)
        timed.match += time.monotonic() - identified
        timed.match_cpu += time.process_time() - used
        timed.identify += identified - began
        timed.counts.update(row.row_class for row in rows)
        done += len(content)
        if not timed.early_peak and done >= tenth:
            timed.early_peak = own_peak()
    for content in islice(_pages(office, plan), 1 + _SINGLES // office.gateway.batch_rows):
        for index in range(min(len(content), _SINGLES)):
            # Seconds from one row of a page to its decision, alone in its transaction.
            began = time.monotonic()
            rows = identify(office, FEED, content, index, index + 1)
            with office.store.read() as tx:
                look_up(tx, office, FEED, rows, content)
            timed.singles.append(time.monotonic() - began)
    return timed
