"""The rows three leagues send over two evenings, and what must become of every one of them.

Beside what life brings, a small cast (演员) of members in each league makes sure that every kind of row occurs:
a transfer, a stay of a stranger, of a sister and of a newborn under a member's number, an oddly written id number,
each way of being wrong, a refund, a correction, a row that is taken back, stays that end on the last day, and one
stay that two leagues report. In the leagues that send rows by themselves come guests (`night_kinds`): every kind of
error in a member's particulars and every trap.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final, cast

import msgspec

from gateway.model.clock import SHANGHAI
from gateway.model.money import Money
from gateway.model.record import SettlementRecord
from gateway.sandbox.leagues import (
    PAID_CARE,
    Sent,
    as_filed,
    as_pushed,
    refund,
    sent_between,
    stay_ending,
    written,
)
from gateway.sandbox.national import SPOILINGS, written_otherwise
from gateway.sandbox.night_kinds import Guest
from gateway.sandbox.people import Dice, Person, other_name
from gateway.sandbox.roster import member_no, period_around
from gateway.sandbox.stays import everyday, inpatient, transferred
from gateway.sandbox.truth_people import sibling_name

HISTORY_DAYS: Final = 85
"""How far back settlements reach: less than the 90 days in which a claim must be made."""

CARE_TYPES: Final = ("21", "22", "24", "28", "14")
"""What the cloud line is asked for."""

FEEDS: Final = ("wuhai", "hinggan", "bayannur")
"""The three leagues of the night."""

CAST: Final = 20
"""How many members of each league play a part."""

WOMENS_LEAGUE: Final = "bayannur"
"""Where women at work are in 馨康 too; one of the cast who is learns there that she is ill."""

Rows = dict[str, list[Sent]]
"""Feed → its rows of one evening."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is so after both evenings.

    `live`: member number → settlements that stand, as the right mapping makes them. `open`: the same of those that
    a gateway may take as the member's or leave to a person. `rows`: feed → how its rows end (member, stranger, review,
    open, quarantined, duplicate), counted over the last received row of each number and sign. `guests`: settlement
    number → whose row it is and what was done to it. `superseded`: feed → rows a later one replaced or took back;
    乌海's depend on the sweep.
    `overlooked`: feed → of the quarantined, members' rows of care that no scheme pays and whose fault is not in
    their identity; who reads no more than it needs counts them as members'.
    """

    live: Mapping[str, tuple[SettlementRecord, ...]]
    open: Mapping[str, tuple[SettlementRecord, ...]]
    guests: Mapping[str, Guest]
    rows: Mapping[str, Counter[str]]
    superseded: Mapping[str, int]
    overlooked: Mapping[str, int]


class NightRows:
    """The rows of both evenings. `members` may not be opted out; the first CAST of each league play parts."""

    def __init__(
        self,
        seed: int,
        insured: Mapping[str, tuple[Person, ...]],
        members: Mapping[str, tuple[Person, ...]],
        guests: Iterable[Guest],
        day: date,
    ) -> None:
        self._seed, self._day, self._dice = seed, day, Dice("night", seed)
        self._serials = itertools.count(1)
        self._cast = {feed: members[feed][:CAST] for feed in FEEDS}
        self._eve = day - timedelta(days=1)
        self.before: Rows = {feed: self._history(feed, insured[feed]) for feed in FEEDS}
        self._tell_twice()
        self._guests: dict[str, Guest] = {}
        # One stay of every guest is among the rows of the first evening, as the guest's error or trap writes it.
        ended = day - timedelta(days=3)
        for serial, guest in enumerate(guests, start=_FIRST_OF_GUESTS):
            record = inpatient(Dice("guest", seed, serial), guest.person, serial=serial, admitted=ended)
            self._guests[record.settlement_no] = guest
            self.before[guest.league].append(guest.tells(stay_ending(guest.person, record, ended)))
        self.corrected = self._correct(self.before["hinggan"])
        self.today: Rows = {feed: self._of_today(feed, insured[feed]) for feed in FEEDS}
        self._members = {person.index for feed in FEEDS for person in members[feed]}

    def truth(self) -> Truth:
        """What the rows of both evenings come to."""
        last = {feed: self._last_received(feed) for feed in FEEDS}
        # Only the sums or the admission of these rows are wrong, and no scheme needs them.
        overlooked = dict.fromkeys(FEEDS, 0)
        for feed, rows in last.items():
            for sent in rows:
                needless = sent.spoiled in ("sums", "admitted") and sent.record.care_type not in PAID_CARE
                overlooked[feed] += needless and self._end(sent) == "quarantined"
        return Truth(
            live=self._that_end(last, "member"),
            open=self._that_end(last, "open"),
            guests=self._guests,
            rows={feed: Counter(map(self._end, rows)) for feed, rows in last.items()},
            superseded={"hinggan": len(self.before["hinggan"]), "bayannur": 0},
            overlooked=overlooked,
        )

    def _that_end(self, last: Rows, end: str) -> dict[str, tuple[SettlementRecord, ...]]:
        """Member number → settlements that stand and end like this."""
        records: dict[str, tuple[SettlementRecord, ...]] = {}
        for feed, rows in last.items():
            # The truth as this feed's mapping can know it; the cloud line's knows all of it.
            reading = {"hinggan": as_filed, "bayannur": as_pushed}.get(feed)
            refunded = {sent.record.settlement_no for sent in rows if sent.record.reversal}
            for sent in rows:
                # What is a refund, or was refunded, does not stand.
                if sent.record.settlement_no not in refunded and self._end(sent) == end:
                    number = member_no(sent.person)
                    record = reading(sent.record) if reading else sent.record
                    records[number] = (*records.get(number, ()), record)
        return records

    def all_rows(self) -> Iterator[Sent]:
        """Every row of both evenings, the corrected ones too."""
        for rows in (*self.before.values(), *self.today.values(), self.corrected):
            yield from rows

    def _history(self, feed: str, people: tuple[Person, ...]) -> list[Sent]:
        """What was settled before the day: by life and by the cast."""
        first = max(self._day - timedelta(days=HISTORY_DAYS), period_around(self._day)[0])
        others = [person for person in people if person not in self._cast[feed]]
        rows = sent_between(self._seed, others, first=first, last=self._eve, serials=self._serials)
        if feed == "wuhai":
            # The cloud line is only asked about members, and only for hospital and special outpatient care.
            rows = [sent for sent in rows if cast(str, sent.record.care_type_code).startswith(CARE_TYPES)]
        return rows + self._parts(feed)

    def _parts(self, feed: str) -> list[Sent]:
        """The parts that are played before the last day. The order is known to the methods below."""
        stays = [self._stay(person, ended=self._day - timedelta(days=3)) for person in self._cast[feed]]
        stays[3] = _under_name(stays[3], other_name(stays[3].person, seed=1))
        stays[4] = msgspec.structs.replace(stays[4], id_written=written_otherwise(stays[4].person, self._dice))
        for place, how in enumerate(SPOILINGS, start=5):
            stays[place] = msgspec.structs.replace(stays[place], spoiled=how)
        stays[15] = _under_name(stays[15], sibling_name(self._dice, stays[15].person.name, "F"))
        stays[16] = _under_name(stays[16], stays[16].person.name + "之女")
        if feed == WOMENS_LEAGUE:
            # The first woman at work who plays no other part has breast cancer, which 馨康 pays once confirmed.
            for place, stay in enumerate(stays[17:], start=17):
                if (stay.person.sex, stay.person.category) == ("F", "active"):
                    record = msgspec.structs.replace(stay.record, diagnosis_codes=("C50.400",))
                    stays[place] = msgspec.structs.replace(stay, record=record)
                    break
        moved = transferred(self._dice, stays[9].person, stays[9].record, serial=next(self._serials))
        stays.append(_left_by(stays[9].person, moved, self._eve))
        return stays[:10] + stays[12:]

    def _of_today(self, feed: str, people: tuple[Person, ...]) -> list[Sent]:
        """What is settled on the day: ordinary visits, two of the cast, and refunds of two of the cast."""
        rows = []
        for person in people[::12] if feed != "wuhai" else ():
            record = everyday(self._dice, person, serial=next(self._serials), day=self._day)
            rows.append(written(self._dice, person, record))
        rows += [self._stay(person, ended=self._day) for person in self._cast[feed][10:12]]
        refunded = {person.index for person in self._cast[feed][1:3]}
        now = _at(self._day, 15)
        return rows + [refund(sent, settled_at=now) for sent in self.before[feed] if sent.person.index in refunded]

    def _correct(self, rows: list[Sent]) -> list[Sent]:
        """The first file as it should have been: one row gone, one dearer, two unreadable ones mended."""
        removed, dearer = (person.index for person in self._cast["hinggan"][12:14])
        remaining = [sent for sent in rows if sent.person.index != removed]
        corrected = []
        for sent in remaining:
            if sent.person.index == dearer:
                # The same settlement with 88.00 yuan more, all of it in scope and paid in cash.
                more, record = Money(8_800), sent.record
                fields = ("total_amount", "in_scope_amount", "personal_amount", "cash_amount")
                changed = {name: cast(Money, getattr(record, name)) + more for name in fields}
                corrected.append(msgspec.structs.replace(sent, record=msgspec.structs.replace(record, **changed)))
            elif sent.spoiled in ("sums", "admitted"):
                corrected.append(msgspec.structs.replace(sent, spoiled=None))
            else:
                corrected.append(sent)
        return corrected

    def _tell_twice(self) -> None:
        """A stay that 巴彦淖尔 pushes under its own numbers and 兴安盟 files too.

        The file comes again on the second evening, so 兴安盟 is always the later one: its row is the duplicate.
        """
        filed, index = self.before["hinggan"], self._cast["hinggan"][14].index
        place = next(place for place, sent in enumerate(filed) if sent.person.index == index)
        number = next(self._serials)
        pushed = msgspec.structs.replace(
            filed[place].record, settlement_no=f"150800G{number:013d}", visit_no=f"150800{number:013d}"
        )
        self.before["bayannur"].append(msgspec.structs.replace(filed[place], record=pushed))
        filed[place] = msgspec.structs.replace(filed[place], duplicate=True)

    def _stay(self, person: Person, *, ended: date) -> Sent:
        record = inpatient(self._dice, person, serial=next(self._serials), admitted=ended)
        return stay_ending(person, record, ended)

    def _last_received(self, feed: str) -> list[Sent]:
        before = self.corrected if feed == "hinggan" else self.before[feed]
        last: dict[tuple[str, str], Sent] = {}
        for sent in itertools.chain(before, self.today[feed]):
            last[sent.record.settlement_no, sent.record.sign] = sent
        asked = last.values()
        return [sent for sent in asked if feed != "wuhai" or sent.person.index in self._members]

    def _end(self, sent: Sent) -> str:
        """How a row ends. Of a stranger only the identity is read, so only that can be found wrong; a member whose
        number has a false check digit is known by the rest of it, his name and his birth date."""
        if sent.end is not None:
            return sent.end
        member = sent.person.index in self._members
        wrong = ("total_missing", "sums", "admitted") if member else ("total_missing", "id_number")
        if sent.spoiled in wrong:
            return "quarantined"
        if not member:
            return "stranger"
        if sent.duplicate:
            return "duplicate"
        return "review" if sent.wrong_name else "member"


_FIRST_OF_GUESTS = 10**9
"""Guests' settlements are numbered from here on, so that those of the others do not depend on them."""


def _left_by(person: Person, record: SettlementRecord, last: date) -> Sent:
    """A stay cut short so that it ends, and is settled, by this day at the latest."""
    admitted = cast(date, record.admitted_on)
    ended = min(cast(date, record.discharged_on), last)
    cut = msgspec.structs.replace(
        record,
        discharged_on=ended,
        inpatient_days=max(1, (ended - admitted).days),
        settled_at=_at(ended, 16),
    )
    return Sent(person=person, record=cut, id_written=person.id_number)


def _under_name(sent: Sent, name: str) -> Sent:
    """The member's number in another's hand: a stranger's, a sister's, or his newborn daughter's."""
    record = msgspec.structs.replace(sent.record, name=name)
    return msgspec.structs.replace(sent, record=record, wrong_name=True)


def _at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
