"""Everything a night in miniature needs: a roster, three leagues over two evenings, secrets, and the truth.

First evening: 兴安盟's file, 巴彦淖尔's pushes and 乌海's cloud line hold what was settled up to the day before.
Second evening: what was settled on the day itself, refunds of earlier settlements, and the first file again,
corrected: amounts that were wrong, a row that should not have been there, a row that was unreadable.
"""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from gateway.model.money import Money
from gateway.model.record import SettlementRecord
from gateway.sandbox.cloud_line_server import CloudLineServer, CloudLineWorld
from gateway.sandbox.faults import Faults
from gateway.sandbox.files import PATTERN, DayFile, day_file, drop
from gateway.sandbox.leagues import Sent, as_filed, as_pushed, refund, sent_between
from gateway.sandbox.people import Dice, Person, person_at
from gateway.sandbox.pushes import Push, pushes_of
from gateway.sandbox.roster import coverage_of, member_no, period_around, write_roster
from gateway.sandbox.stays import SHANGHAI, inpatient

HISTORY_DAYS: Final = 85
"""How far back settlements reach: less than the 90 days in which a claim must be made."""

CARE_TYPES: Final = ("21", "22", "24", "28", "140201")
"""What the cloud line is asked for."""

FEEDS: Final = ("wuhai", "hinggan", "bayannur")
_SHARES = {"wuhai": 30, "hinggan": 40, "bayannur": 30}
_INSURED_PER_MEMBER = 45
"""Tenths of insured people for each member: one in four or five is a member."""


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """What happens before one run: files dropped, pushes sent, and what the cloud line knows more."""

    day: date
    files: tuple[DayFile, ...]
    pushes: tuple[Push, ...]
    cloud_line: tuple[Sent, ...]


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is so after both evenings.

    `live`: member number → settlements that stand, as the right mapping makes them. `rows`: feed → how its rows
    end, counted over the last received row of each settlement number and sign: member, stranger, review,
    quarantined. `superseded`: feed → rows that a later one replaced (of 乌海: not known, it depends on the sweep).
    """

    live: dict[str, tuple[SettlementRecord, ...]]
    rows: dict[str, Counter[str]]
    superseded: dict[str, int]


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """A prepared night. Addresses are known once the servers run; secrets are made from the seed."""

    folder: Path
    day: date
    seed: int
    roster: Path
    members: tuple[Person, ...]
    opted_out: frozenset[int]
    insured: dict[str, tuple[Person, ...]]
    evenings: tuple[Evening, Evening]
    truth: Truth
    paas_id: str
    cloud_line_secret: str
    push_secret: str
    inbox_secret: str

    @property
    def drop_folder(self) -> Path:
        """Where 兴安盟 drops its files, named like PATTERN of `sandbox.files`."""
        return self.folder / "dropped"

    def start_cloud_line(
        self, *, clock: Callable[[], float], faults: Faults | None = None
    ) -> CloudLineServer:
        """乌海's server as it stands before the first evening; `begin` tells it more."""
        world = CloudLineWorld(self.insured["wuhai"], ())
        return CloudLineServer.start(
            world, paas_id=self.paas_id, secret=self.cloud_line_secret, clock=clock, faults=faults
        )

    def begin(self, evening: int, cloud_line: CloudLineServer) -> tuple[Push, ...]:
        """Drops the files of evening 0 or 1 and settles what the cloud line learns; the pushes to send."""
        now = self.evenings[evening]
        cloud_line.world.add(now.cloud_line)
        for file in now.files:
            drop(self.drop_folder, file)
        return now.pushes

    def connectors(self, cloud_line: CloudLineServer) -> dict[str, dict[str, Any]]:
        """Feed → what its connector's settings must say about this night's servers; secrets stay named."""
        return {
            "wuhai": {
                "address": cloud_line.address,
                "paas_id": self.paas_id,
                "care_types": list(CARE_TYPES),
            },
            "hinggan": {"folder": str(self.drop_folder), "pattern": PATTERN},
            "bayannur": {},
        }


def build_night(folder: Path, *, seed: int, people: int, day: date) -> Night:
    """Prepares a night with so many members. `day` is the second evening's; writes the roster into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    insured = _insured(seed, people, day)
    members = tuple(person for feed in FEEDS for person in insured[feed] if person.index < people)
    opted_out = frozenset(person.index for person in members[7::97])
    sent = _Rows(seed, insured, members, day)
    evenings = (sent.first(), sent.second())
    roster = folder / "roster.csv"
    write_roster(
        roster, members, periods=lambda person: coverage_of(person, day=day, seed=seed), opted_out=opted_out
    )
    return Night(
        folder=folder,
        day=day,
        seed=seed,
        roster=roster,
        members=members,
        opted_out=opted_out,
        insured=insured,
        evenings=evenings,
        truth=sent.truth(people, opted_out),
        paas_id="hubao-demo",
        cloud_line_secret=_secret(seed, "cloud line").decode(),
        push_secret=f"whsec_{_secret(seed, 'push').decode()}",
        inbox_secret=f"whsec_{_secret(seed, 'inbox').decode()}",
    )


def _secret(seed: int, use: str) -> bytes:
    """A secret for a demo on one machine, the same for the same seed; it guards nothing."""
    dice = Dice("secret", seed, use)
    return b64encode(bytes(dice.below(256) for _ in range(32)))


def _insured(seed: int, members: int, day: date) -> dict[str, tuple[Person, ...]]:
    """Feed → who is insured there. Members have the indexes below `members`, strangers those above."""
    insured: dict[str, tuple[Person, ...]] = {}
    first_member, first_stranger = 0, members
    for feed in FEEDS:
        count = members - first_member if feed == FEEDS[-1] else members * _SHARES[feed] // 100
        strangers = count * (_INSURED_PER_MEMBER - 10) // 10
        indexes = itertools.chain(
            range(first_member, first_member + count), range(first_stranger, first_stranger + strangers)
        )
        insured[feed] = tuple(person_at(seed, index, league=feed, as_of=day) for index in indexes)
        first_member, first_stranger = first_member + count, first_stranger + strangers
    return insured


class _Rows:
    """The rows of the three leagues, evening by evening, and what becomes of them."""

    def __init__(
        self, seed: int, insured: dict[str, tuple[Person, ...]], members: tuple[Person, ...], day: date
    ) -> None:
        self._day, self._dice = day, Dice("night", seed)
        self._serials = itertools.count(1)
        first = max(day - timedelta(days=HISTORY_DAYS), period_around(day)[0])
        before = day - timedelta(days=1)
        self._before = {feed: self._settled(seed, feed, insured[feed], first, before) for feed in FEEDS}
        self._today = {feed: self._today_of(seed, feed, insured[feed]) for feed in FEEDS}
        self._corrected = self._correct(self._before["hinggan"])

    def first(self) -> Evening:
        """Everything settled up to the day before, as it was first sent."""
        return self._evening(self._day - timedelta(days=1), self._before, corrected=None)

    def second(self) -> Evening:
        """The day's own, with refunds, and the corrected file of the day before."""
        return self._evening(self._day, self._today, corrected=self._corrected)

    def truth(self, people: int, opted_out: frozenset[int]) -> Truth:
        """What the rows of both evenings come to."""
        last = {feed: self._last_received(feed) for feed in FEEDS}
        kinds = {
            feed: Counter(_kind(sent, people, opted_out) for sent in rows) for feed, rows in last.items()
        }
        live: dict[str, list[SettlementRecord]] = {}
        for feed, rows in last.items():
            for sent in _standing(rows):
                if _kind(sent, people, opted_out) == "member":
                    live.setdefault(member_no(sent.person), []).append(_told(feed, sent.record))
        return Truth(
            live={number: tuple(records) for number, records in live.items()},
            rows=kinds,
            superseded={"hinggan": len(self._before["hinggan"]), "bayannur": 0},
        )

    def _evening(self, day: date, rows: dict[str, list[Sent]], corrected: list[Sent] | None) -> Evening:
        files = [day_file(day, rows["hinggan"])]
        if corrected is not None:
            files.insert(0, day_file(day - timedelta(days=1), corrected))
        return Evening(
            day=day,
            files=tuple(files),
            pushes=tuple(pushes_of(day, rows["bayannur"])),
            cloud_line=tuple(rows["wuhai"]),
        )

    def _settled(
        self, seed: int, feed: str, people: tuple[Person, ...], first: date, last: date
    ) -> list[Sent]:
        rows = sent_between(seed, people, first=first, last=last, serials=self._serials)
        # The cloud line is only asked for hospital and special outpatient care.
        return [sent for sent in rows if feed != "wuhai" or sent.record.care_type_code in CARE_TYPES]

    def _today_of(self, seed: int, feed: str, people: tuple[Person, ...]) -> list[Sent]:
        """The day's settlements, two stays of members that end today, and two refunds of earlier ones."""
        rows = self._settled(seed + 1, feed, people[::10], self._day, self._day)
        rows += [self._stay_ending_today(person) for person in self._two(people[: len(people) // 5])]
        return rows + self._refunds(self._before[feed])

    def _stay_ending_today(self, person: Person) -> Sent:
        record = inpatient(self._dice, person, serial=next(self._serials), admitted=self._day)
        days = cast(int, record.inpatient_days)
        moved = msgspec.structs.replace(
            record,
            admitted_on=self._day - timedelta(days=days),
            discharged_on=self._day,
            settled_at=_at(self._day, 11),
        )
        return Sent(person=person, record=moved, id_written=person.id_number)

    def _refunds(self, rows: list[Sent]) -> list[Sent]:
        """Refunds today of two stays that stood; recent ones, so that a sweep's window still sees them."""
        gone = {sent.record.settlement_no for sent in rows if sent.record.reversal}
        recent = [
            sent
            for sent in rows
            if sent.record.care_type == "inpatient"
            and sent.record.settlement_no not in gone
            and not sent.spoiled
            and not sent.wrong_name
        ][-2:]
        return [refund(sent, settled_at=_at(self._day, 15)) for sent in recent]

    def _two(self, people: tuple[Person, ...]) -> list[Person]:
        return [people[len(people) // 3], people[len(people) // 2]]

    def _correct(self, rows: list[Sent]) -> list[Sent]:
        """The first file as it should have been: one row gone, two dearer, the unreadable ones mended."""
        refunded = {sent.record.settlement_no for sent in rows if sent.record.reversal}
        plain = [sent for sent in rows if sent.record.settlement_no not in refunded and not sent.spoiled]
        removed, *dearer = (plain[-1], plain[-3], plain[len(plain) // 2])
        corrected = [sent for sent in rows if sent is not removed]
        return [_dearer(sent) if sent in dearer else _mended(sent) for sent in corrected]

    def _last_received(self, feed: str) -> list[Sent]:
        before = self._corrected if feed == "hinggan" else self._before[feed]
        last: dict[tuple[str, str], Sent] = {}
        for sent in itertools.chain(before, self._today[feed]):
            last[sent.record.settlement_no, sent.record.sign] = sent
        return list(last.values())


def _mended(sent: Sent) -> Sent:
    return msgspec.structs.replace(sent, spoiled=None)


def _dearer(sent: Sent) -> Sent:
    """The same settlement with 88.00 yuan more, all of it in scope and paid in cash."""
    more, record = Money(8_800), sent.record
    fields = ("total_amount", "in_scope_amount", "personal_amount", "cash_amount")
    changed = {name: cast(Money, getattr(record, name)) + more for name in fields}
    return msgspec.structs.replace(sent, record=msgspec.structs.replace(record, **changed))


def _kind(sent: Sent, people: int, opted_out: frozenset[int]) -> str:
    """How a row ends. Of a stranger only the identity is read, so that is all that can be wrong with him."""
    member = sent.person.index < people and sent.person.index not in opted_out
    if sent.spoiled in ("id_number", "total_missing") or (sent.spoiled and member):
        return "quarantined"
    if not member:
        return "stranger"
    return "review" if sent.wrong_name else "member"


def _standing(rows: Iterable[Sent]) -> Iterator[Sent]:
    listed = list(rows)
    gone = {sent.record.settlement_no for sent in listed if sent.record.reversal}
    return (sent for sent in listed if sent.record.settlement_no not in gone)


def _told(feed: str, record: SettlementRecord) -> SettlementRecord:
    """The truth as this feed's mapping can know it."""
    return {"wuhai": _same, "hinggan": as_filed, "bayannur": as_pushed}[feed](record)


def _same(record: SettlementRecord) -> SettlementRecord:
    return record


def _at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
