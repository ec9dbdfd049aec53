"""One league's day: who is insured there, who of them is a member, what was settled, and how every row must end.

Beside what life brings, a small cast plays what must not be missing: each way of being wrong, another's name under a
member's number, an id number in another form, a refund.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.model.clock import SHANGHAI
from gateway.model.member import Coverage
from gateway.model.rows import RowClass
from gateway.sandbox.leagues import PAID_CARE, Sent, refund, sent_between, stay_ending
from gateway.sandbox.national import SPOILINGS, written_otherwise
from gateway.sandbox.people import Dice, Person, other_name, person_at
from gateway.sandbox.roster import SCHEME, period_around, write_roster
from gateway.sandbox.stays import inpatient


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A league's rows up to `day`, in order of settlement, and its roster. `members` holds their indexes."""

    league: str
    seed: int
    day: date
    folder: Path
    roster: Path
    people: tuple[Person, ...]
    members: frozenset[int]
    rows: tuple[Sent, ...]

    def end_of(self, sent: Sent) -> RowClass:
        """How a row ends. Of a stranger, and of a member's care that nobody pays, only the identity is read; a member
        whose number has a false check digit is known by the rest of it, the name and the birth date."""
        is_member = sent.person.index in self.members
        if sent.spoiled == "total_missing":
            return RowClass.QUARANTINED
        if not is_member:
            return RowClass.QUARANTINED if sent.spoiled == "id_number" else RowClass.NON_MEMBER
        if sent.wrong_name:
            return RowClass.REVIEW
        is_paid = sent.record.care_type in PAID_CARE
        if sent.spoiled in ("sums", "admitted") and is_paid:
            return RowClass.QUARANTINED
        return RowClass.MEMBER if is_paid else RowClass.NOT_PAYABLE

    def ends(self) -> Counter[RowClass]:
        """Class → how many of the rows end in it."""
        return Counter(self.end_of(sent) for sent in self.rows)


def write_script(
    folder: Path, league: str, *, seed: int, day: date, members: int = 60, strangers: int = 120, history: int = 60
) -> Script:
    """A league's script with its roster written as `roster.csv`; `history`: how many days before `day` it begins."""
    people = tuple(person_at(seed, index, league=league, as_of=day) for index in range(members + strangers))
    first_day, last_day = period_around(day)
    folder.mkdir(parents=True, exist_ok=True)
    roster = folder / "roster.csv"

    def periods(person: Person) -> tuple[Coverage, ...]:
        return (Coverage(first_day=first_day, last_day=last_day, scheme=SCHEME, category=person.category),)

    write_roster(roster, people[:members], periods=periods, opted_out=frozenset())
    first = max(day - timedelta(days=history), first_day)
    rows = [*_cast(seed, people, day), *_life(seed, people, first, day)]
    rows.sort(key=lambda sent: (sent.record.settled_at, sent.record.settlement_no, sent.record.sign))
    return Script(
        league=league,
        seed=seed,
        day=day,
        folder=folder,
        roster=roster,
        people=people,
        members=frozenset(range(members)),
        rows=tuple(rows),
    )


def _life(seed: int, people: tuple[Person, ...], first: date, day: date) -> list[Sent]:
    """What is settled for everybody who plays no part, up to the day."""
    others = people[_PARTS:]
    return sent_between(seed, others, first=first, last=day, serials=itertools.count(1))


_PARTS = len(SPOILINGS) + 4


def _cast(seed: int, people: tuple[Person, ...], day: date) -> Iterator[Sent]:
    """The stays of the first members: spoiled in each way, under another's name, oddly written, refunded, plain."""
    dice = Dice("script", seed)
    ended = day - timedelta(days=3)
    stays = [
        stay_ending(person, inpatient(dice, person, serial=10**6 + serial, admitted=ended), ended)
        for serial, person in enumerate(people[:_PARTS])
    ]
    for place, how in enumerate(SPOILINGS):
        yield msgspec.structs.replace(stays[place], spoiled=how)
    misnamed, odd, refunded, plain = stays[len(SPOILINGS) :]
    record = msgspec.structs.replace(misnamed.record, name=other_name(misnamed.person, seed=1))
    yield msgspec.structs.replace(misnamed, record=record, wrong_name=True)
    yield msgspec.structs.replace(odd, id_written=written_otherwise(odd.person, dice))
    yield refunded
    yield refund(refunded, settled_at=datetime(day.year, day.month, day.day, 15, tzinfo=SHANGHAI))
    yield plain
