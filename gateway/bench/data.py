"""The benchmark's input: a roster and pages of national `setlinfo` rows on disk, the same for the same seed.

Of the rows the given share are members'; theirs and the strangers' are 60 % inpatient, 5 % special outpatient
care, 35 % others; 5 % of all rows are refunds of earlier ones and 1 % are wrong. Memory stays flat: a person
is made when a row needs one, and of earlier settlements only a few thousand wait to be refunded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final, cast

import msgspec

from gateway.model.record import SettlementRecord
from gateway.sandbox.national import SPOILINGS, encode, setlinfo, spoil
from gateway.sandbox.people import LEAGUES, Dice, Person, person_at
from gateway.sandbox.roster import coverage_of, write_roster
from gateway.sandbox.stays import everyday, inpatient, reversal_of, special_outpatient

DAY: Final = date(2022, 5, 31)
"""The last day of the bench's year, which is one coverage year of the 2021 edition."""

_FIRST = date(2021, 6, 1)
_WAITING = 4_000
_LEAGUES = tuple(LEAGUES)
_REVERSALS = 500
_BAD = 100


class BenchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: files, and the counts a run must come to. `bad` is counted inside the other two."""

    mapping: str
    roster: Path
    roster_rows: int
    pages: tuple[Path, ...]
    records: int
    members: int
    member_rows: int
    stranger_rows: int
    reversals: int
    bad: int
    bytes: int


class BenchCount(msgspec.Struct):
    """Counted while the rows stream by."""

    rows: int = 0
    members: int = 0
    reversals: int = 0
    bad: int = 0


def write_bench(
    folder: Path, *, records: int, members: int, hit_rate: float, seed: int, rows_per_page: int = 2000
) -> BenchPlan:
    """Writes roster.csv and pages/*.json below `folder`. `hit_rate` is the share of rows about members."""
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    paths = [pages / f"page-{n:05d}.json" for n in range(1, math.ceil(records / rows_per_page) + 1)]
    count, hits = BenchCount(), round(hit_rate * 10_000)
    rows = bench_rows(records=records, members=members, hits=hits, seed=seed, count=count)
    people = (_person(seed, index) for index in range(members))
    size = 0
    for path in paths:
        page = b'{"setlinfo":[' + b",".join(islice(rows, rows_per_page)) + b"]}"
        size += path.write_bytes(page)
    return BenchPlan(
        mapping="national",
        roster=folder / "roster.csv",
        roster_rows=write_roster(
            folder / "roster.csv", people, periods=lambda person: coverage_of(person, day=DAY, seed=seed)
        ),
        pages=tuple(paths),
        records=records,
        members=members,
        member_rows=count.members,
        stranger_rows=count.rows - count.members,
        reversals=count.reversals,
        bad=count.bad,
        bytes=size,
    )


def bench_rows(*, records: int, members: int, hits: int, seed: int, count: BenchCount) -> Iterator[bytes]:
    """The rows one by one as JSON; `hits` of ten thousand are members'. Counts into `count`."""
    dice = Dice("bench", seed)
    members_side = _Side(seed, first=0, people=members)
    strangers_side = _Side(seed, first=members, people=max(1, (records * 3) // 4))
    for serial in range(1, records + 1):
        count.rows += 1
        member = dice.chance(hits)
        count.members += member
        side = members_side if member else strangers_side
        yield _row(dice, side, serial, count)


class _Side:
    """Members or strangers: who they are, and which of their settlements may still be refunded."""

    def __init__(self, seed: int, *, first: int, people: int) -> None:
        self.seed = seed
        self.first = first
        self.people = people
        self.waiting: list[SettlementRecord] = []

    def person(self, dice: Dice) -> Person:
        """A person; three rows in ten are about the tenth of the people who are often ill."""
        among = max(1, self.people // 10) if dice.chance(3_000) else self.people
        return _person(self.seed, self.first + dice.below(among))

    def keep(self, dice: Dice, record: SettlementRecord) -> None:
        """Remembers a settlement for a later refund, in the place of another one once there are enough."""
        if len(self.waiting) < _WAITING:
            self.waiting.append(record)
        else:
            self.waiting[dice.below(_WAITING)] = record

    def take(self, dice: Dice) -> SettlementRecord:
        """A settlement that was not refunded before; it is forgotten here."""
        place = dice.below(len(self.waiting))
        self.waiting[place], self.waiting[-1] = self.waiting[-1], self.waiting[place]
        return self.waiting.pop()


def _row(dice: Dice, side: _Side, serial: int, count: BenchCount) -> bytes:
    if side.waiting and dice.chance(_REVERSALS):
        count.reversals += 1
        original = side.take(dice)
        settled_at = cast(datetime, original.settled_at) + timedelta(days=dice.below(20), minutes=40)
        return encode(setlinfo(reversal_of(original, settled_at=settled_at)))
    record = _mixed(dice, side.person(dice), serial)
    row = setlinfo(record)
    if dice.chance(_BAD):
        count.bad += 1
        return encode(spoil(row, dice.pick(SPOILINGS)))
    side.keep(dice, record)
    return encode(row)


def _mixed(dice: Dice, person: Person, serial: int) -> SettlementRecord:
    draw, day = dice.below(100), _FIRST + timedelta(days=dice.below(350))
    if draw < 60:
        return inpatient(dice, person, serial=serial, admitted=day)
    if draw < 65:
        return special_outpatient(dice, person, serial=serial, day=day)
    return everyday(dice, person, serial=serial, day=day)


def _person(seed: int, index: int) -> Person:
    return person_at(seed, index, league=_LEAGUES[index % len(_LEAGUES)], as_of=DAY)
