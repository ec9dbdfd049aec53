"""`hubao bench --stage lookup`: one-click lookups of a served site, and what the gateway adds to the line's own time.

`hubao serve`, a 医保云专线 that knows how long each of its answers took, and the callers are three processes. Every
lookup is about another member and answers whole: records, match, estimate, claim, all committed. From the time the
caller waited, what the line took for this member is subtracted; the rest is the gateway's, its waiting included.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Final, cast

import httpx
import msgspec

from gateway import wiring
from gateway.bench.line import SECRET, has_stay, people_of
from gateway.bench.night import bench_site, refuse_used
from gateway.core.roster import RosterMember
from gateway.flow.roster.enrol import enrol
from gateway.flow.site.access_keys import KeyWish, make
from gateway.ports import SweepFeed, SweepSubject
from gateway.sandbox.people import Person, person_at
from gateway.sandbox.roster import coverage_of, member_no
from gateway.settings.shipped import shipped_folder
from gateway.store import runs

CALLERS: Final = (1, 10, 100)
_WARM_UP: Final = 20
_BARE: Final = 40
_LOOKUPS: Final = {1: 60, 10: 300, 100: 1_000}
_ENROL_AT_ONCE: Final = 50_000
_CARE_TYPES: Final = '["21"]'
"""One kind of care, so that a member with one stay is four calls of the line and one without is two."""


class CallersFigures(msgspec.Struct, frozen=True, kw_only=True):
    """So many callers at once. In ms: the line's own time, and what the gateway added to it, of all lookups, of those
    with a stay, and of those without settlements (which end at a tick, as strangers do). `cpu_ms`: of the server's
    process a lookup, null where it cannot be read."""

    callers: int
    lookups: int
    lookups_per_second: float
    line_p50_ms: float
    added_p50_ms: float
    added_p99_ms: float
    with_stay_p50_ms: float
    with_stay_p99_ms: float
    without_p50_ms: float
    without_p99_ms: float
    cpu_ms: float | None


class LookupBenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway adds, by how many ask at once; `line_ms`: what one call of the line takes in the middle.

    `bare_p50_ms`, `bare_p99_ms`: what asking the line alone adds on this machine, one after the other: the same
    connector in a loop, no server, no database. `load`: how many processes wanted this machine's processors meanwhile.
    """

    stage: str
    database: str
    suite: str
    members: int
    line_ms: float
    processors: int
    load: float
    bare_p50_ms: float
    bare_p99_ms: float
    callers: tuple[CallersFigures, ...]


class CallerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A lookup that was answered, and how many seconds its caller waited."""

    person: Person
    seconds: float


def bench_lookup(
    *, members: int, database: str, suite: str, seed: int, line_ms: float, callers: Sequence[int] = CALLERS
) -> LookupBenchResult:
    """Enrol so many members, serve the site, and let so many ask at once, one number of callers after the other."""
    folder = Path(tempfile.mkdtemp(prefix="hubao-bench-"))
    lookups = [_LOOKUPS.get(many, 10 * many) for many in callers]
    start = _WARM_UP + _BARE
    people = people_of(seed, start + sum(lookups), datetime.now(UTC).date())
    os.environ["HUBAO_WUHAI_SECRET"] = SECRET
    try:
        site = bench_site(folder / "site", database, suite)
        with line_process(seed, len(people), line_ms) as line:
            key = _prepare(site, line, people, members=max(members, len(people)), seed=seed)
            bare = _bare_loop(site, line, people[_WARM_UP:start])
            with served_site(site) as (address, pid):
                asyncio.run(_ask_all(address, key, people[:_WARM_UP], 4))
                figures = []
                for many, share in zip(callers, lookups, strict=True):
                    figures.append(_measured(address, line, pid, key, people[start : start + share], many))
                    start += share
        return LookupBenchResult(
            stage="lookup",
            database="sqlite" if database == "sqlite" else "postgresql",
            suite=suite,
            members=max(members, len(people)),
            line_ms=line_ms,
            processors=os.cpu_count() or 1,
            load=round(os.getloadavg()[0], 1),
            bare_p50_ms=_percentile(bare, 50),
            bare_p99_ms=_percentile(bare, 99),
            callers=tuple(figures),
        )
    finally:
        shutil.rmtree(folder)


@contextmanager
def line_process(seed: int, people: int, line_ms: float) -> Iterator[str]:
    """The address of a line in a process of its own."""
    words = [sys.executable, "-P", "-m", "gateway.bench.line", str(seed), str(people), str(line_ms)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)  # noqa: S603 - our own program.
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe.
        yield msgspec.json.decode(process.stdout.readline())["address"]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def served_site(site: Path) -> Iterator[tuple[str, int]]:
    """Address and process id of `hubao serve`."""
    words = [sys.executable, "-P", "-m", "gateway", "--site", str(site), "serve", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)  # noqa: S603 - our own program.
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe.
        address = re.search(r"http://127\.0\.0\.1:[0-9]+", process.stdout.readline().decode())
        if address is None:
            raise RuntimeError("hubao serve did not start")
        yield address[0], process.pid
    finally:
        process.terminate()
        process.wait()


def _prepare(site: Path, line: str, people: Sequence[Person], *, members: int, seed: int) -> str:
    """The line's feed file, the roster, and a key for lookups; returns the key."""
    feed = (shipped_folder() / "config" / "feeds" / "wuhai.toml").read_text(encoding="utf-8")
    feed = re.sub(r"(?m)^address = .*$", f'address = "{line}"', feed)
    feed = re.sub(r"(?m)^care_types = .*$", f"care_types = {_CARE_TYPES}", feed)
    feed = re.sub(r"(?m)^per_second = .*$", "per_second = 1000", feed)
    (site / "config" / "feeds" / "bench.toml").unlink()
    (site / "config" / "feeds" / "wuhai.toml").write_text(feed, encoding="utf-8")
    association = site / "config" / "associations" / "nm.toml"
    text = re.sub(r"(?ms)^\[delivery\]$.*?^$", '[delivery]\nkind = "pull"\n', association.read_text(encoding="utf-8"))
    association.write_text(f"{text}\n[lookups]\nper_minute = 100000\n", encoding="utf-8")
    os.environ["HUBAO_NM_REQUESTS_SECRET"] = wiring.new_webhook_secret()
    office = wiring.open_office(site)
    refuse_used(office)
    today = office.now().date()
    everybody = [
        *people,
        *(person_at(seed, index, league="wuhai", as_of=today) for index in range(len(people), members)),
    ]
    for start in range(0, members, _ENROL_AT_ONCE):
        enrol(
            office,
            "nm",
            [
                RosterMember(
                    member_no=member_no(person),
                    name=person.name,
                    id_number=person.id_number,
                    league="乌海市",
                    coverage=coverage_of(person, day=today, seed=seed),
                )
                for person in everybody[start : start + _ENROL_AT_ONCE]
            ],
        )
    with office.store.write() as tx:
        # The night is over: what is asked from here on is asked by the callers.
        run_id = runs.begin(tx, "wuhai", scheduled_for=office.now(), now=office.now())
        runs.end(tx, run_id or 0, outcome="done", pages=0, message="", now=office.now())
    wish = KeyWish(association="nm", name="bench", verbs=("lookup",), days=2)
    key = make(office, wish, wiring.new_access_key(), by="bench").secret
    office.store.close()
    return key


def _bare_loop(site: Path, line: str, people: Sequence[Person]) -> list[float]:
    """Milliseconds that asking alone adds to the line's own time, person by person."""
    office = wiring.open_office(site)
    # Which protocol a connector keeps follows from its feed's intake.
    connector, today = cast("SweepFeed", wiring.feed_connector(office, "wuhai")), office.now().date()
    taken = []
    for person in people:
        subject = SweepSubject(
            member_id=person.index,
            id_type="01",
            id_number=person.id_number,
            name=person.name,
            since=today - timedelta(days=365),
            until=today,
        )
        began = time.perf_counter()
        connector.ask([subject], now=office.now())
        taken.append(1000 * (time.perf_counter() - began))
    office.store.close()
    own = _own_times(line)
    return [took - own[member_no(person)] for took, person in zip(taken, people, strict=True)]


def _own_times(line: str) -> dict[str, float]:
    """Member number → milliseconds of the line's own, of everybody who was asked about."""
    times = httpx.get(f"{line}/times", trust_env=False).json()
    return {number: microseconds / 1000 for number, microseconds in times.items()}


def _measured(address: str, line: str, pid: int, key: str, people: Sequence[Person], callers: int) -> CallersFigures:
    began, cpu_began = time.monotonic(), _cpu_seconds(pid)
    answered = asyncio.run(_ask_all(address, key, people, callers))
    seconds, cpu_ended = time.monotonic() - began, _cpu_seconds(pid)
    own = _own_times(line)
    added = {answer.person.index: 1000 * answer.seconds - own[member_no(answer.person)] for answer in answered}
    with_stay = [added[person.index] for person in people if has_stay(person)]
    without = [added[person.index] for person in people if not has_stay(person)]
    cpu = None if cpu_began is None or cpu_ended is None else round(1000 * (cpu_ended - cpu_began) / len(people), 2)
    return CallersFigures(
        callers=callers,
        lookups=len(people),
        lookups_per_second=round(len(people) / seconds, 1),
        line_p50_ms=_percentile([own[member_no(person)] for person in people], 50),
        added_p50_ms=_percentile(list(added.values()), 50),
        added_p99_ms=_percentile(list(added.values()), 99),
        with_stay_p50_ms=_percentile(with_stay, 50),
        with_stay_p99_ms=_percentile(with_stay, 99),
        without_p50_ms=_percentile(without, 50),
        without_p99_ms=_percentile(without, 99),
        cpu_ms=cpu,
    )


def _percentile(milliseconds: Sequence[float], percent: int) -> float:
    return round(quantiles(milliseconds, n=100, method="inclusive")[percent - 1], 2)


def _cpu_seconds(pid: int) -> float | None:
    """What a process has used of the processor, in all its threads; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


async def _ask_all(address: str, key: str, people: Sequence[Person], callers: int) -> list[CallerAnswer]:
    """Every person is asked about once, by the first caller who is free. The callers come one after the other, over
    the time a first answer may take, so that they do not march in step."""
    waiting = list(reversed(people))
    answered: list[CallerAnswer] = []

    async def call(number: int) -> None:
        await asyncio.sleep(number / callers)
        host, _, port = address.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while waiting:
            person = waiting.pop()
            began = time.perf_counter()
            await _ask(reader, writer, key, person)
            answered.append(CallerAnswer(person=person, seconds=time.perf_counter() - began))
        writer.close()

    await asyncio.gather(*(call(number) for number in range(callers)))
    return answered


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, person: Person) -> None:
    """One lookup, whole. Raises RuntimeError where it is not what the line says of this person."""
    wish = {
        "action": "lookups",
        "purpose": "claim",
        "consent": f"SQ-{person.index}",
        "member_no": member_no(person),
        "wait_seconds": 60,
    }
    body = msgspec.json.encode(wish)
    head = (
        "POST /api/v1/associations/nm/lookups HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    status = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *([0-9]+)", status)
    answer = msgspec.json.decode(await reader.readexactly(int(length[1]) if length else 0))
    many = int(has_stay(person))
    if (answer.get("source"), len(answer.get("stays", ())), len(answer.get("claims", ()))) != ("line", many, many):
        raise RuntimeError(f"not what the line says: {answer.get('code', answer.get('source'))}")
