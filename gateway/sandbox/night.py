"""Everything a night in miniature needs: a roster, three leagues over two evenings, secrets, and the truth.

First evening: 兴安盟's file, 巴彦淖尔's pushes and 乌海's line hold what was settled up to the day before.
Second evening: what was settled on the day itself, refunds, and the first evening's file again, corrected.
"""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.model.member import Coverage
from gateway.sandbox.cloud_line_server import CloudLineServer, CloudLineWorld
from gateway.sandbox.faults import Faults
from gateway.sandbox.files import PATTERN, DayFile, day_file, drop
from gateway.sandbox.leagues import Sent
from gateway.sandbox.night_kinds import FIRST_GUEST, NOBODY, Guests, invite, texts_of
from gateway.sandbox.night_rows import CARE_TYPES, CAST, FEEDS, WOMENS_LEAGUE, NightRows, Truth
from gateway.sandbox.people import Dice, Person, person_at
from gateway.sandbox.pushes import SignedPush, pushes_of
from gateway.sandbox.roster import Periods, coverage_of, former_coverage, write_roster

FEWEST_MEMBERS: Final = 100
"""Below this a league has too few members for every part to be played."""

_SHARES = {"wuhai": 30, "hinggan": 40, "bayannur": 30}
_STRANGERS_FOR_TEN = 35
WOMENS_SCHEME: Final = "nm-women"


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """What happens before one run: files dropped, pushes sent, and what the cloud line knows more."""

    day: date
    files: tuple[DayFile, ...]
    pushes: tuple[SignedPush, ...]
    cloud_line: tuple[Sent, ...]


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """A prepared night. `insured`: feed → everybody insured there, members and strangers.

    The members are `people` of the sandbox's own and the guests. `personal` holds every name and id number (in every
    form written), phone, person number and diagnosis code that the leagues or the roster contain; `places` every
    hospital and visit number. The secrets are made from the seed.
    """

    folder: Path
    day: date
    roster: Path
    members: tuple[Person, ...]
    opted_out: frozenset[int]
    insured: Mapping[str, tuple[Person, ...]]
    evenings: tuple[Evening, Evening]
    truth: Truth
    personal: frozenset[str]
    places: frozenset[str]
    paas_id: str
    cloud_line_secret: str
    push_secret: str
    inbox_secret: str

    @property
    def drop_folder(self) -> Path:
        """Where 兴安盟 drops its files."""
        return self.folder / "dropped"

    def start_cloud_line(self, *, clock: Callable[[], float], faults: Faults | None = None) -> CloudLineServer:
        """乌海's server before the first evening; `clock` in Unix seconds must agree with the caller's."""
        world = CloudLineWorld(self.insured["wuhai"], ())
        return CloudLineServer.start(
            world, paas_id=self.paas_id, secret=self.cloud_line_secret, clock=clock, faults=faults
        )

    def begin(self, evening: int, cloud_line: CloudLineServer) -> tuple[SignedPush, ...]:
        """Drops the files of evening 0 or 1 and settles what the cloud line learns; the pushes to send."""
        now = self.evenings[evening]
        cloud_line.world.add(now.cloud_line)
        for file in now.files:
            drop(self.drop_folder, file)
        return now.pushes

    def connector(self, feed: str, cloud_line: CloudLineServer) -> dict[str, Any]:
        """What a feed file's [connector] must say about this night's servers, beside kind and secret."""
        if feed == "wuhai":
            return {
                "address": cloud_line.address,
                "paas_id": self.paas_id,
                "care_types": list(CARE_TYPES),
            }
        return {"folder": str(self.drop_folder), "pattern": PATTERN} if feed == "hinggan" else {}


def build_night(folder: Path, *, seed: int, people: int, day: date, guests_too: bool = True) -> Night:
    """Prepares a night with `people` members and, `guests_too`, those of `night_kinds`; `day` is the second evening's.
    Writes the roster too."""
    if people < FEWEST_MEMBERS:
        raise ValueError(f"a night needs at least {FEWEST_MEMBERS} members")
    insured = _insured(seed, people, day)
    members = tuple(person for feed in FEEDS for person in insured[feed] if person.index < people)
    # The cast stands at the head of each league, so nobody of it opts out.
    opted_out = frozenset(league[CAST].index for league in _by_feed(members).values())
    enrolled = tuple(person for person in members if person.index not in opted_out)
    taken = (person.id_number for league in insured.values() for person in league)
    guests = invite(seed, day, taken) if guests_too else NOBODY
    rows = NightRows(seed, insured, _by_feed(enrolled), guests.rows, day)
    coming = _by_feed(guests.members)
    insured = {feed: residents + coming[feed] for feed, residents in insured.items()}
    members, opted_out = members + guests.members, opted_out | guests.opted_out
    folder.mkdir(parents=True, exist_ok=True)
    roster = folder / "roster.csv"
    write_roster(roster, members, periods=_periods(seed, day, guests), opted_out=opted_out)
    return Night(
        folder=folder,
        day=day,
        roster=roster,
        members=members,
        opted_out=opted_out,
        insured=insured,
        evenings=_evenings(rows, day),
        truth=rows.truth(),
        personal=_personal(insured, rows),
        places=_places(rows),
        paas_id="hubao-demo",
        cloud_line_secret=_secret(seed, "cloud line"),
        push_secret=f"whsec_{_secret(seed, 'push')}",
        inbox_secret=f"whsec_{_secret(seed, 'inbox')}",
    )


def _periods(seed: int, day: date, guests: Guests) -> Periods:
    def periods(person: Person) -> tuple[Coverage, ...]:
        if person.index in guests.former:
            return former_coverage(person, day=day)
        coverage = coverage_of(person, day=day, seed=seed)
        # The women at work of one league pay for 馨康 too, by the calendar year.
        at_work = (person.league, person.sex, person.category) == (WOMENS_LEAGUE, "F", "active")
        if person.index >= FIRST_GUEST or not at_work:
            return coverage
        first, last = date(day.year, 1, 1), date(day.year, 12, 31)
        return (*coverage, Coverage(first_day=first, last_day=last, scheme=WOMENS_SCHEME))

    return periods


def _evenings(rows: NightRows, day: date) -> tuple[Evening, Evening]:
    eve = day - timedelta(days=1)
    first = Evening(
        day=eve,
        files=(day_file(eve, rows.before["hinggan"]),),
        pushes=tuple(pushes_of(eve, rows.before["bayannur"])),
        cloud_line=tuple(rows.before["wuhai"]),
    )
    second = Evening(
        day=day,
        files=(day_file(eve, rows.corrected), day_file(day, rows.today["hinggan"])),
        pushes=tuple(pushes_of(day, rows.today["bayannur"])),
        cloud_line=tuple(rows.today["wuhai"]),
    )
    return first, second


def _insured(seed: int, members: int, day: date) -> dict[str, tuple[Person, ...]]:
    """Feed → who is insured there. Members have the indexes below `members`, strangers those above."""
    insured: dict[str, tuple[Person, ...]] = {}
    first_member, first_stranger = 0, members
    for feed in FEEDS:
        count = members - first_member if feed == FEEDS[-1] else members * _SHARES[feed] // 100
        strangers = count * _STRANGERS_FOR_TEN // 10
        indexes = itertools.chain(
            range(first_member, first_member + count), range(first_stranger, first_stranger + strangers)
        )
        insured[feed] = tuple(person_at(seed, index, league=feed, as_of=day) for index in indexes)
        first_member, first_stranger = first_member + count, first_stranger + strangers
    return insured


def _by_feed(people: tuple[Person, ...]) -> dict[str, tuple[Person, ...]]:
    return {feed: tuple(person for person in people if person.league == feed) for feed in FEEDS}


def _personal(insured: Mapping[str, tuple[Person, ...]], rows: NightRows) -> frozenset[str]:
    texts: set[str] = set()
    for person in itertools.chain.from_iterable(insured.values()):
        texts |= {person.name, person.id_number, person.phone, person.person_no}
    for sent in rows.all_rows():
        texts |= texts_of(sent) | {*sent.record.diagnosis_codes}
    return frozenset(texts)


def _places(rows: NightRows) -> frozenset[str]:
    numbers = {number for sent in rows.all_rows() for number in (sent.record.facility_no, sent.record.visit_no)}
    return frozenset(number for number in numbers if number)


def _secret(seed: int, use: str) -> str:
    """A secret for a demo on one machine, the same for the same seed; it guards nothing."""
    dice = Dice("secret", seed, use)
    return b64encode(bytes(dice.below(256) for _ in range(32))).decode()
