"""One person, now: the association asks, the simulated cloud line answers, the claims come back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, adds_up, claims, covered, live, only, row, rows_of
from web_side import ENVIRONMENT, Side, at_work, page_states, problem, wait_until

from gateway import wiring
from gateway.core.roster import RosterMember
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.sandbox.cloud_line_server import CloudLineServer, CloudLineWorld
from gateway.sandbox.faults import Fault, Faults, Scripted
from gateway.sandbox.leagues import Sent, sent_between
from gateway.sandbox.people import Person, person_at
from gateway.sandbox.roster import member_no
from gateway.settings.shipped import shipped_folder
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

DAY = date(2021, 10, 7)
PEOPLE = [person_at(3, index, league="wuhai", as_of=DAY) for index in range(300)]
SENT = sent_between(3, PEOPLE, first=date(2021, 6, 2), last=DAY, serials=itertools.count(1))


def plain_patient() -> tuple[Person, Sent]:
    """Somebody with one ordinary stay in hospital and nothing else."""
    for person in PEOPLE:
        mine = [sent for sent in SENT if sent.person is person]
        if len(mine) == 1 and person.category == "active" and not mine[0].spoiled and not mine[0].wrong_name:
            record = mine[0].record
            if record.care_type_code == "21" and record.in_scope_amount and record.insurance_type == "310":
                return person, mine[0]
    raise AssertionError("nobody was in hospital")


PATIENT, STAY = plain_patient()
HEALTHY = next(each for each in PEOPLE if all(sent.person is not each for sent in SENT))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


MakeLine = Callable[..., CloudLineServer]


@pytest.fixture
def make_line(clock: Hands) -> Iterator[MakeLine]:
    servers = []

    def unix() -> float:
        return clock.now.timestamp()

    def make(*faults: Scripted) -> CloudLineServer:
        servers.append(
            CloudLineServer.start(
                CloudLineWorld(PEOPLE, SENT),
                paas_id="hubao-wuhai",
                secret=ENVIRONMENT["HUBAO_WUHAI_SECRET"],
                clock=unix,
                faults=Faults(faults, hold_seconds=1.0),
            )
        )
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


def wuhai(line: CloudLineServer, **also: str) -> dict[str, str]:
    """The shipped feed file, pointed at this line."""
    text = (shipped_folder() / "config" / "feeds" / "wuhai.toml").read_text(encoding="utf-8")
    for before, after in {
        "http://127.0.0.1:8621": line.address,
        "per_second = 10\n": "per_second = 1000\n",
        **also,
    }.items():
        assert before in text
        text = text.replace(before, after)
    return {"wuhai": text, **EAST_AND_WEST}


def enrolled(office: Office, *people: Person, **changes: Any) -> None:
    enrol(office, "nm", [as_member(each, **changes) for each in people])


def as_member(person: Person, **changes: Any) -> RosterMember:
    fields = {"name": person.name, "id_number": person.id_number, "league": "乌海市", "coverage": (covered(),)}
    return RosterMember(member_no=member_no(person), **{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def side(make_office: MakeOffice, make_line: MakeLine, database_url: str) -> Iterator[Side]:
    office = make_office(database_url, feeds=wuhai(make_line()))
    enrolled(office, PATIENT, HEALTHY)
    with at_work(office) as side:
        yield side


def ask(side: Side, person: Person, **wish: Any) -> Any:
    whom = {"member_no": member_no(person), "wait_seconds": 30}
    return side.post("lookups", {"purpose": "claim", "consent": "SQ-2021-1", **whom, **wish})


def told_of(side: Side, person: Person) -> dict[str, Any]:
    answer = ask(side, person)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    del told["lookup_id"]
    return told


def test_the_claim_is_there_when_the_answer_comes(side: Side) -> None:
    answer = ask(side, PATIENT)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    claim = only(answer.json()["claims"])
    assert claim["body"] == only(claims(side.office))["body"]
    assert claim["body"]["member"]["member_no"] == member_no(PATIENT)
    assert only(claim["body"]["settlements"])["settlement_no"] == STAY.record.settlement_no
    assert adds_up(side.office) == {"member": 1}
    assert page_states(side.office) == ["done"]


def test_asking_twice_makes_no_second_claim(side: Side, clock: Hands) -> None:
    first = told_of(side, PATIENT)
    clock.move(minutes=1)
    assert told_of(side, PATIENT) == first
    assert len(live(side.office)) == 1
    assert adds_up(side.office) == {"member": 1, "superseded": 1}


def test_the_sweep_still_asks_him_from_where_it_stood(side: Side) -> None:
    ask(side, PATIENT)
    assert rows_of(side.office, schema.sweep_asked) == []
    assert rows_of(side.office, schema.feed) == []


def test_a_claim_another_feed_brought_is_told_too(side: Side) -> None:
    changes = {"psn_name": HEALTHY.name, "certno": HEALTHY.id_number}
    side.push(row("S1", 1, **changes))
    wait_until(lambda: "done" in page_states(side.office))
    assert only(told_of(side, HEALTHY)["claims"])["payable"] == "2490.00"


def test_only_whom_the_line_concerns_is_asked_about(
    make_office: MakeOffice, make_line: MakeLine, sqlite_url: str
) -> None:
    office = make_office(sqlite_url, feeds=wuhai(make_line()))
    elsewhere, uncovered, away = PEOPLE[0], PEOPLE[1], PEOPLE[2]
    enrolled(office, elsewhere, league="兴安盟")
    enrolled(office, uncovered, coverage=(covered("2018-06-01", "2019-05-31"),))
    enrolled(office, away, opt_out=True)
    with at_work(office) as side:
        # All of them, and somebody who is no member, are answered alike.
        alike = [told_of(side, person) for person in (elsewhere, uncovered, away, PEOPLE[3])]
        assert alike == [alike[0]] * 4
        assert (alike[0]["stays"], alike[0]["estimates"], alike[0]["claims"]) == ([], [], [])
    assert page_states(office) == []


def test_the_question_that_told_members_from_strangers_is_gone(side: Side) -> None:
    problem(side.post("lookup", {"member_no": member_no(PATIENT)}), 404, "not_found")


BAD_LOOKUPS: list[tuple[Any, str]] = [
    (b"", "bad_request"),
    (b'{"member_no":"\\ud800"}', "bad_request"),
    ({}, "not_valid"),
    ({"member_no": ""}, "not_valid"),
    ({"member_no": 7}, "not_valid"),
    ({"member_no": ["M1"]}, "not_valid"),
    ({"member_no": "M" * 65}, "not_valid"),
    ({"member_no": "M\x00"}, "not_valid"),
    ({"member_no": "M1", "id_number": "150999"}, "not_valid"),
    ({"member_no": "M1", "wait_seconds": -1}, "not_valid"),
    ({"member_no": "M1", "purpose": "curiosity"}, "not_valid"),
    ({"member_no": "M1", "consent": ""}, "not_valid"),
    ({"member_no": "M1", "since": "2021-10-09", "until": "2021-10-08"}, "not_valid"),
    ({"id_number": "150999198001010013"}, "not_valid"),
]


@pytest.mark.parametrize(("sent", "code"), BAD_LOOKUPS, ids=lambda each: repr(each)[:40])
def test_a_lookup_that_cannot_be_understood(side: Side, sent: Any, code: str) -> None:
    status = {"bad_request": 400, "not_valid": 422}[code]
    wish = {"purpose": "claim", "consent": "SQ-1", **sent} if isinstance(sent, dict) else sent
    told = problem(side.post("lookups", wish), status, code)
    assert "150999" not in str(told)
    assert page_states(side.office) == []


# ── a line that fails ──


def broken_line(make_office: MakeOffice, make_line: MakeLine, url: str, *faults: Scripted) -> Office:
    office = make_office(url, feeds=wuhai(make_line(*faults), **{"timeout_seconds = 30": "timeout_seconds = 1"}))
    enrolled(office, PATIENT)
    return office


def every(point: str, fault: Fault) -> list[Scripted]:
    return [Scripted(point, nth, fault) for nth in range(1, 5)]


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.BROKEN, Fault.REFUSED])
def test_a_line_that_does_not_answer_is_said_to(
    make_office: MakeOffice, make_line: MakeLine, sqlite_url: str, fault: Fault
) -> None:
    office = broken_line(make_office, make_line, sqlite_url, *every("1101", fault))
    with at_work(office) as side:
        told = told_of(side, PATIENT)
        assert (told["source"], told["as_of"], told["stays"]) == ("stored", None, [])
    assert page_states(office) == []


def test_half_an_answer_is_kept_and_said_to_be_half(
    make_office: MakeOffice, make_line: MakeLine, sqlite_url: str
) -> None:
    office = broken_line(make_office, make_line, sqlite_url, *every("5202", Fault.ERROR))
    with at_work(office) as side:
        assert told_of(side, PATIENT)["source"] == "stored"
        assert page_states(office) == ["done"]
        # The line recovers after four failures; three were used up by the first question.
        answers = [told_of(side, PATIENT) for _ in range(2)]
        assert answers[-1]["source"] == "line"
        assert len(only(answers[-1]["claims"])["body"]["settlements"]) == 1


def test_nobody_listens_at_the_line(make_office: MakeOffice, make_line: MakeLine, sqlite_url: str) -> None:
    line = make_line()
    office = make_office(sqlite_url, feeds=wuhai(line))
    enrolled(office, PATIENT)
    line.stop()
    with at_work(office) as side:
        assert told_of(side, PATIENT)["source"] == "stored"


def test_a_secret_of_the_line_that_is_missing_is_no_answer_of_it(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBAO_WUHAI_SECRET")
    assert told_of(side, PATIENT)["source"] == "stored"


def test_a_lookup_whose_page_is_there_already_tells_what_stands(side: Side) -> None:
    # The clock stands still, so that the second question and its answer are the same to the byte.
    assert told_of(side, PATIENT) == told_of(side, PATIENT)


def test_all_lookups_share_one_connector_and_so_one_rate_limit(
    make_office: MakeOffice, make_line: MakeLine, sqlite_url: str
) -> None:
    office = make_office(sqlite_url, feeds=wuhai(make_line()))
    enrolled(office, PATIENT, HEALTHY)
    made = []
    doors = wiring.doors()

    def counted(one: Office, name: str) -> Any:
        made.append(name)
        return doors.feed(one, name)

    with at_work(office, msgspec.structs.replace(doors, feed=counted)) as side:
        for person in (PATIENT, HEALTHY, PATIENT):
            assert ask(side, person).status_code == 200
    assert made == ["wuhai"]
