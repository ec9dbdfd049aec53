"""The night's guests (客串): every kind of error and every trap, once in each league that sends rows by itself.

The sandbox's own people are residents with plain names, so the generator brings its own: whoever it draws is enrolled
for the night, is in hospital once, and plays no other part. What stands in the row of that stay is written by
`truth_errors` and `truth_traps`; how the row must end follows from its label and from what the night's settings say
(`_end_of_error`, `_end_of_trap`). Neither feed carries telephone numbers, so the generator is told of none; no kind
needs one, each that leans on a telephone leans on the employer too.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import Final, Literal, cast

import msgspec

from gateway.model.national_id import checksum_ok, looks_like_id, normalise_id, to_18
from gateway.sandbox.leagues import Sent
from gateway.sandbox.people import LEAGUES, Dice, Person, category_at
from gateway.sandbox.truth import member_for, spoil
from gateway.sandbox.truth_errors import KINDS, Kind, SpoiledLine, clean_line
from gateway.sandbox.truth_limits import label_holds
from gateway.sandbox.truth_people import PAIRED, TruthPerson, World
from gateway.sandbox.truth_traps import NO_NAMES, NO_NUMBERS, TRAPS, Scene, Trap

SENDING: Final = ("hinggan", "bayannur")
"""The leagues that say by themselves what was settled: their rows are of members and strangers alike."""

ENROLLED_TWICE: Final = "enrolled_twice"
"""A guest without an error: a member under two numbers, whose one stay is claimed once."""

FIRST_GUEST: Final = 50_000_000
"""Where the guests' indexes begin, above everybody `person_at` can make."""

End = Literal["member", "open", "review", "stranger", "quarantined"]
"""How a guest's row ends; `open` where its label leaves it open: the member's, or in review, and nothing else."""

_WORLD: Final = 20_000
"""So many members has the world the guests come from: enough that two of them seldom share an employer."""

_REGIONS: Final = ("150999",)
_TRIES: Final = 200
_NEWBORN: Final = timedelta(days=40)
"""Nobody the generator knows is younger, but for the newborn under its mother's number."""
_EMPTY: Final = ("", "NULL")
"""What a mapping reads as no number at all, of the texts the generator writes."""
_MARKS: Final = "*●xX"
"""Marks that say a digit is hidden, where two stand together."""

_Drawn = tuple[SpoiledLine, TruthPerson]
"""A line, and the member it is about or is laid beside."""


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A row the generator wrote. `person`: the member it happened to, or whom a trap makes it look like."""

    kind: str
    league: str
    person: Person
    line: SpoiledLine
    end: End

    def tells(self, stay: Sent) -> Sent:
        """The row of this stay, with the particulars as the generator wrote them."""
        line, written = self.line, (self.line.id_number or "").strip()
        record = msgspec.structs.replace(
            stay.record,
            name=(line.name or "").strip() or None,
            id_type=line.id_type,
            id_number=_one_way(line.id_type, written),
            sex=line.sex,
            birth_date=_born(line, cast(date, stay.record.admitted_on)),
            person_no=line.person_no,
            employer_name=line.employer_name,
        )
        return Sent(
            person=self.person, record=record, name_written=line.name, id_written=line.id_number or "", end=self.end
        )


_AT_NIGHT: Final = (
    *(name for name, kind in KINDS.items() if kind.at_night),
    *(name for name, trap in TRAPS.items() if trap.at_night),
    ENROLLED_TWICE,
)


class Guests(msgspec.Struct, frozen=True, kw_only=True):
    """All guests' rows and who is enrolled because of them. By index: who of these has opted out, and which are
    former enrolments of a guest who has a newer number."""

    rows: tuple[Guest, ...]
    members: tuple[Person, ...]
    opted_out: frozenset[int]
    former: frozenset[int]


NOBODY: Final = Guests(rows=(), members=(), opted_out=frozenset(), former=frozenset())
"""A night without guests."""


def invite(seed: int, day: date, taken: Iterable[str]) -> Guests:
    """The guests of a night. `taken`: id numbers that somebody else in it has."""
    party = _Party(seed, day, frozenset(taken))
    rows = [party.guest(league, kind) for league in SENDING for kind in _AT_NIGHT]
    former = [party.former(guest) for guest in rows if guest.kind == ENROLLED_TWICE]
    return Guests(
        rows=tuple(rows),
        members=tuple([guest.person for guest in rows] + former),
        former=frozenset(person.index for person in former),
        opted_out=frozenset(guest.person.index for guest in rows if guest.kind == "opted_out"),
    )


def texts_of(sent: Sent) -> set[str]:
    """What stands in a row that says who somebody is: name and numbers, as written and as read."""
    record = sent.record
    texts = {record.name or sent.person.name, record.id_number or "", record.person_no or "", sent.id_written.strip()}
    # What is typed to get past the desk is nobody's, and stands in many a file that has no person in it.
    return {text for text in texts if len(text) > 1} - {*NO_NAMES, *NO_NUMBERS}


class _Party:
    """Draws the guests one after the other; nobody twice."""

    def __init__(self, seed: int, day: date, taken: frozenset[str]) -> None:
        self._seed, self._day, self._taken = seed, day, taken
        self._world = World(seed, members=_WORLD, regions=_REGIONS)
        self._drawn: set[int] = set()
        self._strangers = _WORLD

    def guest(self, league: str, kind: str) -> Guest:
        """The first one drawn for this league whose number is nobody else's and whose line is within its label."""
        for attempt in range(_TRIES):
            dice = Dice("guest", self._seed, league, kind, attempt)
            drawn = self._drawn_for(dice, kind)
            if drawn is None:
                continue
            line, person = drawn
            numbers = (person.id_number, _one_way(line.id_type, line.id_number or ""))
            if not self._taken.isdisjoint(numbers) or not label_holds(kind, line, person):
                continue
            self._drawn.add(person.index)
            member = _person(self._world.person(person.index), league, self._day)
            untrapped: End = _end_of_error(KINDS[kind], line, person) if kind in KINDS else "member"
            end = _end_of_trap(TRAPS[kind], line) if kind in TRAPS else untrapped
            return Guest(kind=kind, league=league, person=member, line=line, end=end)
        raise KeyError(kind)

    def former(self, guest: Guest) -> Person:
        """The same person as he was enrolled before, in another unit."""
        return _person(self._world.person(guest.person.index - FIRST_GUEST + 1), guest.league, self._day)

    def _drawn_for(self, dice: Dice, kind: str) -> _Drawn | None:
        if kind in KINDS:
            with suppress(KeyError):
                return spoil(dice, kind, self._somebody, "")
            return None
        if kind in TRAPS:
            return self._trapped(dice, TRAPS[kind])
        twice = self._world.in_role(dice, ENROLLED_TWICE)
        if twice is None or twice.index % 2 or twice.index in self._drawn:
            return None
        person = _without_phone(twice)
        return clean_line(dice, person, ""), person

    def _trapped(self, dice: Dice, trap: Trap) -> _Drawn | None:
        member = self._somebody(dice, trap)
        if member is None:
            return None
        self._strangers += 1
        stranger = _without_phone(self._world.person(self._strangers))
        scene = Scene(world=self._world, dice=dice, member=member, stranger=stranger, settlement_no="")
        line = trap.write(scene)
        return (line, member) if line else None

    def _somebody(self, dice: Dice, chosen: Kind | Trap) -> TruthPerson | None:
        """A member to whom it may happen. Of a pair only one would be enrolled, so who has a partner is left out."""
        person = member_for(self._world, dice, chosen)
        if person is None or person.role in PAIRED or person.index in self._drawn:
            return None
        return _without_phone(person)


def _end_of_error(kind: Kind, line: SpoiledLine, person: TruthPerson) -> End:
    """An automatic kind is the member's, another is open.

    But a sound number of 18 characters proves somebody else, and the night looks nobody up by name who has one
    (`look_further = "unsound"`).
    """
    number = normalise_id(line.id_number or "")
    if _is_residents(line.id_type, number) and checksum_ok(number) and number != person.id_number:
        return "stranger"
    return "member" if kind.automatic else "open"


def _end_of_trap(trap: Trap, line: SpoiledLine) -> End:
    """A person looks, or it is a stranger. A stranger's number that cannot be right puts his row into quarantine,
    unless part of it is hidden on purpose."""
    if trap.review:
        return "review"
    number = _one_way(line.id_type, line.id_number or "") or ""
    wrong = number and _is_residents(line.id_type, number) and not checksum_ok(number)
    return "quarantined" if wrong and not any(mark * 2 in number for mark in _MARKS) else "stranger"


def _is_residents(id_type: str | None, number: str | None) -> bool:
    """Whether it is, or should be, a resident's number: those alone have a check digit."""
    return id_type == "01" or (id_type is None and looks_like_id(number or ""))


def _one_way(id_type: str | None, written: str) -> str | None:
    """The one way of writing a document's number, an old one in 18 characters; None where there is none."""
    number = normalise_id(written)
    if number in _EMPTY:
        return None
    try:
        return to_18(number) if _is_residents(id_type, number) else number
    except ValueError:
        return number


def _without_phone(person: TruthPerson) -> TruthPerson:
    return msgspec.structs.replace(person, phone="")


def _person(guest: TruthPerson, league: str, day: date) -> Person:
    """Somebody of the generator's as one insured in this league."""
    region = LEAGUES[league].region
    return Person(
        index=FIRST_GUEST + guest.index,
        league=league,
        region=region,
        person_no=guest.person_no,
        name=guest.name,
        id_type=guest.id_type,
        id_number=guest.id_number,
        sex=guest.sex,
        birth_date=guest.birth_date,
        nation="02" if guest.role == "mongol" else "01",
        phone=guest.phone,
        unit_no=region + guest.unit_no[1:],
        employer=guest.unit_name,
        category=category_at(guest.birth_date, guest.sex, day),
    )


def _born(line: SpoiledLine, admitted: date) -> date | None:
    """The birth date of the line. A newborn is as old on the day of this stay as on the line's own."""
    born, line_admitted = line.birth_date, cast(date, line.admitted_on)
    newborn = born is not None and line_admitted - born < _NEWBORN
    return admitted - (line_admitted - born) if born is not None and newborn else born
