"""The prepared night: taken in by the real connectors and mappings, it comes to what its truth says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from by_hand import cloud_line, drop_folder, push

from gateway.core.match.measuring.trying import Trial
from gateway.core.normalise import CompiledMapping, Normal, compile_mapping
from gateway.core.roster import one_holder, read_roster
from gateway.errors import BadPage, NotAuthentic, Unavailable
from gateway.model.clock import SHANGHAI
from gateway.model.national_id import in_18
from gateway.model.record import SettlementRecord
from gateway.ports import SweepSubject
from gateway.sandbox.files import drop
from gateway.sandbox.night import FEEDS, FEWEST_MEMBERS, Night, build_night
from gateway.sandbox.night_kinds import ENROLLED_TWICE, SENDING, Guest
from gateway.sandbox.people import Person
from gateway.sandbox.pushes import Pusher
from gateway.sandbox.roster import member_no
from gateway.sandbox.servers import LocalServer, Request, ServerReply
from gateway.sandbox.truth_errors import KINDS
from gateway.sandbox.truth_traps import NO_NAMES, NO_NUMBERS, TRAPS
from gateway.settings.mappings import load_mapping
from gateway.settings.matching import load_model

DAY = date(2022, 5, 20)
ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "mappings"
HIDDEN = re.compile("[*●]{2}")
MAY_END = {"open": {"member", "review"}}
"""The ends of a row whose label leaves it open; any other ends as it says."""


def mapping(name: str) -> CompiledMapping:
    return compile_mapping(load_mapping(MAPPINGS / f"{name}.toml").language())


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return build_night(tmp_path_factory.mktemp("night"), seed=11, people=240, day=DAY)


class Taken:
    """A gateway in twenty lines: the last received row of each number and sign, and how it ends.

    Whether a row is a member's it tells by number and name alone; the guests' rows, whose numbers and names are
    spoiled, it matches as the gateway does, against the roster that was written.
    """

    def __init__(self, night: Night, feed: str) -> None:
        self._compiled = mapping(feed)
        enrolled = [person for person in night.members if person.index not in night.opted_out]
        self._members: dict[str, Person] = {person.id_number: person for person in enrolled}
        self._guests = night.truth.guests
        # Coverage tells the night that two member numbers are one person; here the latest stands for both.
        people = sorted(read_roster(night.roster.read_bytes()).people, key=lambda each: each.coverage)
        latest = {one_holder(each): each for each in people}
        self._trial = Trial(list(latest.values()), load_model(ROOT / "config" / "matching"))
        self.rows: dict[tuple[str, str], tuple[str, SettlementRecord | None]] = {}
        self.whose: dict[str, str] = {}
        self.unnumbered = 0

    def page(self, content: bytes, *, replaces: bool = False) -> None:
        if replaces:
            self.rows.clear()
        read = self._compiled.read(content)
        for index, identity in enumerate(self._compiled.identify(read, 0, len(read))):
            self._row(self._compiled, read, index, identity)

    def _row(self, compiled, read, index, identity) -> None:
        number, *_ = compiled.salvage(read, index)
        if number in self._guests:
            refused = isinstance(identity, tuple)
            self.rows[number, "+"] = self._guest(compiled, read, index, number, refused=refused)
            return
        if isinstance(identity, tuple):
            self._unnumbered(compiled, read, index)
            return
        key = identity.settlement_no, "-" if identity.reversal else "+"
        holder = self._members.get(in_18(identity.id_number or ""))
        if holder is None:
            self.rows[key] = "stranger", None
            return
        normalised = compiled.record(read, index)
        if not isinstance(normalised, Normal):
            self.rows[key] = "quarantined", None
        elif normalised.record.name != holder.name:
            self.rows[key] = "review", None
        else:
            self.rows[key] = "member", normalised.record

    def _guest(self, compiled, read, index, number, *, refused: bool) -> tuple[str, SettlementRecord | None]:
        subject = compiled.subject(read, index)
        decision = self._trial.decide(subject)
        if decision.outcome == "none":
            hidden = HIDDEN.search(subject.id_number or "")
            return ("quarantined" if refused and not hidden else "stranger"), None
        self.whose[number] = decision.member.member_no
        if decision.outcome == "review":
            return "review", None
        found = compiled.record(read, index)
        if isinstance(found, Normal):
            return "member", found.record
        return "member", compiled.record(read, index, as_written=True).record

    def _unnumbered(self, compiled, read, index) -> None:
        """A false check digit is forgiven where the rest of the number is a member's and so is the name."""
        found = compiled.record(read, index, as_written=True)
        written = found.record if isinstance(found, Normal) else None
        number = (written.id_number or "")[:17] if written else ""
        whose = [person for own, person in self._members.items() if own[:17] == number]
        if written is None or [person.name for person in whose] != [written.name]:
            self.unnumbered += 1
            return
        record = msgspec.structs.replace(written, id_number=whose[0].id_number)
        self.rows[record.settlement_no, record.sign] = "member", record

    def ends(self) -> Counter[str]:
        ends = Counter(end for end, _ in self.rows.values())
        ends["quarantined"] += self.unnumbered
        return +ends

    def live(self) -> dict[str, list[SettlementRecord]]:
        gone = {number for number, sign in self.rows if sign == "-"}
        found: dict[str, list[SettlementRecord]] = {}
        for (number, _), (end, record) in self.rows.items():
            if end == "member" and record is not None and number not in gone:
                whose = self.whose.get(number) or member_no(self._members[record.id_number or ""])
                found.setdefault(whose, []).append(record)
        return found


def guests_of(night: Night, feed: str) -> dict[str, Guest]:
    """Settlement number → guest, of one league."""
    return {number: guest for number, guest in night.truth.guests.items() if guest.league == feed}


def expected_ends(night: Night, feed: str, taken: Taken) -> Counter[str]:
    """How the rows of a feed must end: each open one as it did, and that is the member's or in review."""
    ends = Counter(night.truth.rows[feed])
    opened = [number for number, guest in guests_of(night, feed).items() if guest.end == "open"]
    assert ends.pop("open") == len(opened) > 10
    return ends + Counter(taken.rows[number, "+"][0] for number in opened)


def check_guests(night: Night, feed: str, taken: Taken) -> None:
    """Every guest's row ends as its label allows, about nobody else; an open one says the right thing or nothing."""
    live = taken.live()
    for number, guest in guests_of(night, feed).items():
        end, _ = taken.rows[number, "+"]
        assert end in MAY_END.get(guest.end, {guest.end}), guest.kind
        if end != "stranger" and end != "quarantined":
            assert taken.whose[number] == member_no(guest.person), guest.kind
        if guest.end == "open":
            assert live.get(member_no(guest.person), []) in ([], [*night.truth.open[member_no(guest.person)]])


def without_open(night: Night, live: dict[str, list[SettlementRecord]]) -> dict[str, list[SettlementRecord]]:
    return {number: records for number, records in live.items() if number not in night.truth.open}


def expected(night: Night, league: str) -> dict[str, list[SettlementRecord]]:
    theirs = {member_no(person) for person in night.members if person.league == league}
    return {
        number: sorted(records, key=lambda record: record.settlement_no)
        for number, records in night.truth.live.items()
        if number in theirs
    }


def sorted_live(taken: Taken) -> dict[str, list[SettlementRecord]]:
    return {
        number: sorted(records, key=lambda record: record.settlement_no) for number, records in taken.live().items()
    }


def test_wuhai_swept_twice_comes_to_the_truth(night: Night) -> None:
    clock = datetime.now(SHANGHAI).timestamp()
    line, taken = night.start_cloud_line(clock=lambda: clock), Taken(night, "wuhai")
    given = night.connector("wuhai", line)
    feed = cloud_line(
        address=given["address"],
        paas_id=given["paas_id"],
        secret=night.cloud_line_secret,
        facility_no="H15030099999",
        facility_name="测试",
        region="150300",
        care_types=tuple(given["care_types"]),
        per_second=1000,
        clock=lambda: datetime.fromtimestamp(clock, tz=SHANGHAI),
    )
    asked = [person for person in night.members if person.index not in night.opted_out]
    asked = [person for person in asked if person.league in ("wuhai", "hinggan")][:120]
    for evening, since in ((0, DAY - timedelta(days=365)), (1, DAY - timedelta(days=8))):
        night.begin(evening, line)
        until = night.evenings[evening].day
        swept = feed.ask(
            [
                SweepSubject(
                    member_id=person.index, id_type="01", id_number=person.id_number, name="", since=since, until=until
                )
                for person in asked
            ],
            now=datetime.now(SHANGHAI),
        )
        assert swept.failed == ()
        taken.page(swept.fetched.content)
    line.stop()
    assert sorted_live(taken) == expected(night, "wuhai")
    assert taken.ends()["member"] == night.truth.rows["wuhai"]["member"]
    assert taken.ends()["review"] == night.truth.rows["wuhai"]["review"]


def test_hinggan_files_of_two_evenings_come_to_the_truth(night: Night, tmp_path: Path) -> None:
    # A file that has just been written could still be growing, so the connector is told that time has passed.
    later = datetime.now(SHANGHAI).timestamp() + 3600
    folder = drop_folder(folder=tmp_path, pattern="setl_152200_*.csv", clock=lambda: later)
    parts: dict[str, Taken] = {}
    for evening in night.evenings:
        for file in evening.files:
            drop(tmp_path, file)
        for fetched in folder.fetch(None, first=None, last=None):
            parts[fetched.source] = Taken(night, "hinggan")
            parts[fetched.source].page(fetched.content)
            (totals,) = fetched.totals
            assert totals.rows == len(parts[fetched.source].rows) + parts[fetched.source].unnumbered
            folder.release(fetched)
    assert list(tmp_path.iterdir()) == []
    whole = Taken(night, "hinggan")
    for part in parts.values():
        whole.rows |= part.rows
        whole.whose |= part.whose
        whole.unnumbered += part.unnumbered
    assert len(parts) == 2
    ends = whole.ends()
    # What another league has said already shows only where both are seen.
    ends["duplicate"] += 1
    ends["member"] -= 1
    assert ends == expected_ends(night, "hinggan", whole)
    check_guests(night, "hinggan", whole)
    assert set(without_open(night, whole.live())) == expected(night, "hinggan").keys()
    for number, records in expected(night, "hinggan").items():
        filed = [record for record in sorted_live(whole)[number] if record.facility_no == records[0].facility_no]
        pushed = [record for record in records if record.settlement_no.startswith("150800G")]
        if pushed:
            (once,), (again,) = pushed, filed
            assert (once.admitted_on, once.discharged_on) == (again.admitted_on, again.discharged_on)
            assert once.total_amount == again.total_amount
        else:
            assert sorted_live(whole)[number] == records


def test_the_corrected_file_mends_removes_and_changes(night: Night) -> None:
    (first,), (corrected, today) = (evening.files for evening in night.evenings)
    assert (first.name, first.day) == (corrected.name, corrected.day)
    assert today.day == DAY
    assert corrected.rows == first.rows - 1
    before, after = Taken(night, "hinggan"), Taken(night, "hinggan")
    before.page(first.content)
    after.page(corrected.content)
    assert before.ends()["quarantined"] > after.ends()["quarantined"] > 0
    removed = set(before.rows) - set(after.rows)
    assert len(removed) == 1
    changed = [key for key in after.rows if key in before.rows and before.rows[key] != after.rows[key]]
    dearer = [
        after.rows[key][1].total_amount - before.rows[key][1].total_amount
        for key in changed
        if before.rows[key][1] is not None
    ]
    assert dearer == [8_800]


class Gateway:
    """A receiving end: keeps each delivery once; refuses what is not authentic; fails when told to."""

    def __init__(self, secret: str, *, down_for: int = 0) -> None:
        self._feed = push(secret=secret)
        self._down_for = down_for
        self.pages: dict[str, bytes] = {}

    def point(self, request: Request) -> str:
        return "push"

    def answer(self, request: Request) -> ServerReply:
        if self._down_for:
            self._down_for -= 1
            return ServerReply(status=503)
        try:
            fetched = self._feed.accept(dict(request.headers), request.body, now=datetime.now(SHANGHAI))
        except (NotAuthentic, BadPage):
            return ServerReply(status=401)
        assert self.pages.setdefault(fetched.request, fetched.content) == fetched.content
        return ServerReply(status=202)


@pytest.fixture
def gateway(night: Night) -> Iterator[tuple[Gateway, LocalServer]]:
    app = Gateway(night.push_secret, down_for=3)
    with LocalServer(app) as server:
        yield app, server


def test_bayannur_pushes_come_to_the_truth(night: Night, gateway: tuple[Gateway, LocalServer]) -> None:
    app, server = gateway
    pusher = Pusher(f"{server.address}/api/v1/feeds/bayannur", night.push_secret, sleep=lambda seconds: None)
    taken = Taken(night, "bayannur")
    for evening in night.evenings:
        report = pusher.send_all(evening.pushes)
        assert report.taken == len(evening.pushes)
        assert (report.repeated, report.refused_stale, report.refused_forged) == (202, 401, 401)
    pusher.close()
    pushes = [push for evening in night.evenings for push in evening.pushes]
    assert list(app.pages.values()) == [push.body for push in pushes]
    for page in app.pages.values():
        taken.page(page)
    assert taken.ends() == expected_ends(night, "bayannur", taken)
    check_guests(night, "bayannur", taken)
    theirs = {member_no(person) for person in night.members if person.league == "bayannur"}
    live = {number: records for number, records in sorted_live(taken).items() if number in theirs}
    assert without_open(night, live) == expected(night, "bayannur")


def test_a_gateway_that_never_answers_is_given_up(night: Night) -> None:
    pusher = Pusher("http://127.0.0.1:9/push", night.push_secret, sleep=lambda seconds: None, tries=3)
    with pytest.raises(Unavailable):
        pusher.send(night.evenings[0].pushes[0])
    pusher.close()


def test_every_kind_of_row_occurs_in_every_league(night: Night) -> None:
    for feed in FEEDS:
        assert night.truth.rows[feed]["member"] > 20
        assert night.truth.rows[feed]["review"] >= 1
        assert night.truth.rows[feed]["quarantined"] >= 2
    assert sum(rows["duplicate"] for rows in night.truth.rows.values()) == 1
    strangers = sum(rows["stranger"] for rows in night.truth.rows.values())
    total = sum(rows.total() for feed, rows in night.truth.rows.items() if feed != "wuhai")
    assert 0.6 < strangers / total < 0.82
    facilities = {
        number: [record for record in records if record.care_type == "inpatient"]
        for number, records in night.truth.live.items()
    }
    transfers = [
        stays
        for stays in facilities.values()
        if any(
            a.facility_no != b.facility_no and (b.admitted_on - a.discharged_on).days in (0, 1)
            for a in stays
            for b in stays
        )
    ]
    assert len(transfers) >= 3


def test_every_kind_of_error_and_every_trap_occurs_in_each_league_that_sends(night: Night) -> None:
    for feed in SENDING:
        kinds = Counter(guest.kind for guest in guests_of(night, feed).values())
        at_night = [name for name, kind in (*KINDS.items(), *TRAPS.items()) if kind.at_night]
        assert kinds == Counter([*at_night, ENROLLED_TWICE])
    ends = {(guest.kind, guest.end) for guest in night.truth.guests.values()}
    told = {kind: how for kind, how in KINDS.items() if how.at_night}
    assert {(kind, "member") for kind, how in told.items() if how.automatic} < ends
    assert {(kind, "open") for kind, how in told.items() if not how.automatic} <= ends
    assert {(kind, "review") for kind, trap in TRAPS.items() if trap.review and trap.at_night} < ends
    assert {end for kind, end in ends if kind in TRAPS and not TRAPS[kind].review} == {"stranger", "quarantined"}


def test_the_guests_are_on_the_roster_once_and_one_of_each_league_twice(night: Night) -> None:
    read = read_roster(night.roster.read_bytes())
    assert not read.findings
    assert len(read.people) == len(night.members)
    numbers = Counter(member.id_number for member in read.people)
    twice = {guest.person.id_number for guest in night.truth.guests.values() if guest.kind == ENROLLED_TWICE}
    assert {number for number, times in numbers.items() if times > 1} == twice
    assert {member.id_type for member in read.people} > {"01", "08"}
    out = {guest.person.index for guest in night.truth.guests.values() if guest.kind == "opted_out"}
    assert out < night.opted_out


def test_what_the_generator_wrote_stands_in_the_rows(night: Night) -> None:
    """Read back by the mappings: empty cells and nulls where it wrote nothing, its very signs where it wrote some."""
    pages = {
        "hinggan": [file.content for file in night.evenings[0].files],
        "bayannur": [push.body for push in night.evenings[0].pushes],
    }
    for feed, contents in pages.items():
        compiled, guests, found = mapping(feed), guests_of(night, feed), set()
        for content in contents:
            read = compiled.read(content)
            for index in range(len(read)):
                number, *_ = compiled.salvage(read, index)
                if number in guests:
                    line, subject = guests[number].line, compiled.subject(read, index)
                    assert (line.sex, line.id_type) == (subject.sex, subject.id_type)
                    assert (line.employer_name, line.person_no) == (subject.employer_name, subject.person_no)
                    assert ((line.name or "").strip() or None) == subject.name
                    assert line.birth_date == subject.birth_date or guests[number].kind == "used_for_newborn"
                    found.add(number)
        assert found == guests.keys()


def test_personal_texts_hold_everybody_and_nothing_short(night: Night) -> None:
    for person in night.members:
        assert {person.name, person.id_number, person.phone, person.person_no} <= night.personal
    for guest in night.truth.guests.values():
        texts = {guest.line.name or "", (guest.line.id_number or "").strip(), guest.line.person_no or ""}
        assert {text.strip() for text in texts if len(text) > 1} - {*NO_NAMES, *NO_NUMBERS} <= night.personal
    written = b"".join(file.content for evening in night.evenings for file in evening.files).decode("gb18030")
    assert sum(text in written for text in night.personal) > 500
    assert min(map(len, night.personal)) >= 2


def test_the_same_seed_makes_the_same_night(night: Night, tmp_path: Path) -> None:
    again = build_night(tmp_path, seed=11, people=240, day=DAY)
    assert again.roster.read_bytes() == night.roster.read_bytes()
    assert again.evenings == night.evenings
    assert again.truth == night.truth
    other = build_night(tmp_path, seed=12, people=240, day=DAY)
    assert other.push_secret != night.push_secret
    assert other.evenings != night.evenings


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2026, 1, 3), date(2022, 6, 2), date(2024, 2, 29)])
def test_a_night_may_be_on_any_day(tmp_path: Path, day: date) -> None:
    night = build_night(tmp_path, seed=1, people=FEWEST_MEMBERS, day=day)
    settled = [record.settled_at.date() for records in night.truth.live.values() for record in records]
    assert max(settled) == day
    assert msgspec.structs.asdict(night)["day"] == day


def test_too_few_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least"):
        build_night(tmp_path, seed=1, people=FEWEST_MEMBERS - 1, day=DAY)
