"""One-click claim: a member is looked up over the line, told what stands, and can see who asked; a stranger is told
nothing apart, and no line hears of that person."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from builders import claims, only, rows_of
from test_web_lookup import HEALTHY, PATIENT, PEOPLE, STAY, MakeLine, enrolled, make_line, wuhai
from typer.testing import CliRunner
from web_side import ENVIRONMENT, Side, at_work, page_states, problem

from gateway.cli.main import app
from gateway.errors import BadPage
from gateway.sandbox.faults import Fault, Scripted
from gateway.sandbox.people import Person
from gateway.sandbox.roster import member_no
from gateway.store import schema, schema_access
from gateway.web.api.lookups import LookupRoom, Measured
from gateway.web.problems import Problem

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

__all__ = ["make_line"]

STRANGER = PEOPLE[7]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def side(make_office: MakeOffice, make_line: MakeLine, database_url: str) -> Iterator[Side]:
    office = make_office(database_url, feeds=wuhai(make_line()))
    enrolled(office, PATIENT, HEALTHY)
    with at_work(office) as side:
        quick(side)
        yield side


def quick(side: Side) -> None:
    """Strangers wait no longer than a test bears."""
    room().measure("nm", Measured(0.05, "line"))


_ROOMS: list[LookupRoom] = []


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room of the application that is made."""
    _ROOMS.clear()
    before = LookupRoom.__init__

    def remembered(self: LookupRoom) -> None:
        before(self)
        _ROOMS.append(self)

    monkeypatch.setattr(LookupRoom, "__init__", remembered)


def room() -> LookupRoom:
    return _ROOMS[-1]


def ask(side: Side, person: Person | None = None, **wish: Any) -> httpx.Response:
    whom = {"member_no": member_no(person)} if person is not None else {}
    return side.post("lookups", {"purpose": "claim", "consent": "SQ-2021-1", **whom, **wish})


def plain(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told.pop("lookup_id")
    return told


NOTHING = {
    "state": "done",
    "source": "line",
    "as_of": "2021-10-08",
    "trial": False,
    "stays": [],
    "estimates": [],
    "claims": [],
}


def test_stays_estimates_and_the_claim_are_told(side: Side) -> None:
    told = plain(ask(side, PATIENT))
    stay, estimate, claim = only(told["stays"]), only(told["estimates"]), only(told["claims"])
    assert stay["settlement_no"] == STAY.record.settlement_no
    assert estimate["settlements"] == [STAY.record.settlement_no]
    assert claim["body"] == only(claims(side.office))["body"]
    assert estimate["payable"] == claim["payable"]
    assert sum(round(float(line["amount"]) * 100) for line in estimate["lines"]) == round(float(claim["payable"]) * 100)
    assert (told["source"], told["as_of"]) == ("line", "2021-10-08")


def test_by_id_number_and_name_as_by_member_number(side: Side) -> None:
    by_number = plain(ask(side, PATIENT))
    by_document = plain(ask(side, id_number=PATIENT.id_number, name=PATIENT.name))
    assert by_document == by_number
    # The number alone opens nothing: another name is somebody else.
    assert plain(ask(side, id_number=PATIENT.id_number, name=HEALTHY.name)) == NOTHING


def test_a_trial_reckons_the_same_and_keeps_nothing(side: Side) -> None:
    tried = plain(ask(side, PATIENT, trial=True))
    for table in (schema.page, schema.record, schema.claim, schema.delivery, schema.batch):
        assert rows_of(side.office, table) == []
    done = plain(ask(side, PATIENT))
    assert (tried["stays"], tried["estimates"]) == (done["stays"], done["estimates"])
    assert only(tried["claims"])["payable"] == only(done["claims"])["payable"]
    assert tried["trial"]
    # Of what is stored already a trial tells the same again.
    assert plain(ask(side, PATIENT, trial=True))["estimates"] == done["estimates"]
    assert len(rows_of(side.office, schema.claim)) == 1


def test_only_the_days_wanted_are_told(side: Side) -> None:
    day = STAY.record.settled_at
    assert day is not None
    assert only(plain(ask(side, PATIENT, since=day.date().isoformat(), until="2021-10-08"))["stays"])
    assert plain(ask(side, PATIENT, until="2021-06-01"))["stays"] == []


def test_a_stranger_is_told_what_a_member_without_stays_is(side: Side) -> None:
    assert plain(ask(side, HEALTHY)) == NOTHING
    before = len(rows_of(side.office, schema.page))
    assert plain(ask(side, STRANGER)) == NOTHING
    assert plain(ask(side, id_number=STRANGER.id_number, name=STRANGER.name)) == NOTHING
    assert len(rows_of(side.office, schema.page)) == before, "no line is asked about a stranger"


def test_who_opted_out_is_nobody_s_member(side: Side) -> None:
    enrolled(side.office, PATIENT, opt_out=True)
    assert plain(ask(side, PATIENT)) == NOTHING
    assert page_states(side.office) == []


def test_a_stranger_waits_a_time_drawn_from_the_latest(side: Side) -> None:
    room()._measured.clear()
    for _ in range(20):
        room().measure("nm", Measured(0.4, "line"))
    began = time.monotonic()
    plain(ask(side, STRANGER))
    # No upper bound: machines are slow. What is drawn is waited for.
    assert time.monotonic() - began >= 0.4


def test_only_answers_without_settlements_are_measured(side: Side) -> None:
    room()._measured.clear()
    plain(ask(side, PATIENT))
    plain(ask(side, STRANGER))
    assert not room()._measured.get("nm")
    plain(ask(side, HEALTHY))
    assert [measured.source for measured in room()._measured["nm"]] == ["line"]


def test_what_is_drawn_is_one_of_those_measured() -> None:
    waits = LookupRoom()
    assert 0.1 < waits.draw("nm", 0.0).seconds < 2
    for seconds in (1.0, 2.0, 3.0, 4.0):
        waits.measure("nm", Measured(seconds, "line"))
    lots = (-1.0, -0.6, -0.1, 0.4, 0.6, 1.0)
    assert [waits.draw("nm", lot).seconds for lot in lots] == [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]
    assert waits.draw("another", 0.0).seconds != 3.0


# ── lines that fail, and slow ones ──


def test_a_line_that_does_not_answer_leaves_what_is_stored(
    make_office: MakeOffice, make_line: MakeLine, sqlite_url: str
) -> None:
    line = make_line(*(Scripted("1101", nth, Fault.ERROR) for nth in range(2, 9)))
    office = make_office(sqlite_url, feeds=wuhai(line))
    enrolled(office, PATIENT, HEALTHY)
    with at_work(office) as side:
        first = plain(ask(side, PATIENT))
        second = plain(ask(side, PATIENT))
        # Nobody was asked about him in a night yet, so it is not known up to when that is whole.
        assert second == first | {"source": "stored", "as_of": None}
        # Where members are told that the line is down, so are strangers.
        plain(ask(side, HEALTHY))
        assert room().draw("nm", 0.0).source == "stored"
        assert plain(ask(side, STRANGER)) == NOTHING | {"source": "stored", "as_of": None}


@pytest.mark.parametrize("trial", [False, True])
def test_an_answer_that_cannot_be_read_is_no_answer_of_the_line(
    side: Side, monkeypatch: pytest.MonkeyPatch, trial: bool
) -> None:
    def unreadable(*_: object) -> None:
        raise BadPage("not_json", "不是 JSON (no JSON)")

    monkeypatch.setattr("gateway.flow.intake.work.read_page", unreadable)
    answer = plain(ask(side, PATIENT, trial=trial))
    assert (answer["source"], answer["as_of"], answer["stays"]) == ("stored", None, [])


def test_a_slow_line_is_asked_for_later(side: Side) -> None:
    answer = ask(side, PATIENT, wait_seconds=0)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    place = answer.headers["location"]
    assert place.endswith(answer.json()["lookup_id"])
    deadline = time.monotonic() + 10
    while (later := side.ask(place)).status_code == 202:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert only(plain(later)["stays"])["settlement_no"] == STAY.record.settlement_no


def test_the_place_of_another_s_lookup_is_not_there(side: Side) -> None:
    problem(side.get("lookups/" + "0" * 32), 404, "unknown_lookup")
    lookup_id = ask(side, HEALTHY).json()["lookup_id"]
    assert side.get(f"lookups/{lookup_id}").status_code == 200
    assert room().find(lookup_id, "another") is None


def test_each_caller_may_ask_so_often_a_minute() -> None:
    waits = LookupRoom()
    for _ in range(3):
        waits.admit("nm", "k1", per_minute=3)
    with pytest.raises(Problem) as refused:
        waits.admit("nm", "k1", per_minute=3)
    assert refused.value.code == "too_many"
    assert 1 <= int(refused.value.headers["retry-after"]) <= 61
    waits.admit("nm", "k2", per_minute=3)
    waits.admit("other", "k1", per_minute=3)


def test_too_many_questions_are_a_429(side: Side) -> None:
    for _ in range(60):
        room().admit("nm", "signature", per_minute=60)
    refused = ask(side, HEALTHY)
    problem(refused, 429, "too_many")
    assert int(refused.headers["retry-after"]) >= 1


# ── who asked ──


def test_a_member_can_be_told_who_asked(side: Side, clock: Hands) -> None:
    ask(side, HEALTHY)
    clock.move(minutes=5)
    ask(side, HEALTHY, purpose="enquiry", consent="SQ-2021-2", trial=True)
    ask(side, PATIENT)
    told = side.get(f"members/{member_no(HEALTHY)}/lookups").json()["lookups"]
    shown = [(trace["caller"], trace["purpose"], trace["consent"], trace["trial"]) for trace in told]
    assert shown == [("signature", "enquiry", "SQ-2021-2", True), ("signature", "claim", "SQ-2021-1", False)]
    problem(side.get("members/M-nobody/lookups"), 404, "unknown_member")
    words = ["--site", str(side.office.site), "access", "asked", member_no(HEALTHY), "--association", "nm", "--json"]
    assert json.loads(CliRunner().invoke(app, words).stdout.splitlines()[-1])["lookups"] == told


def test_of_a_stranger_nothing_is_kept_but_that_one_was_asked_about(side: Side) -> None:
    ask(side, id_number=STRANGER.id_number, name=STRANGER.name)
    stored = only(rows_of(side.office, schema_access.lookup))
    assert stored["member_id"] is None
    assert STRANGER.id_number not in repr(stored)
    assert STRANGER.name not in repr(stored)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"id_number": "150999198002300011"},
        {"member_no": "M1", "id_number": "150999198002300011", "name": "测试甲"},
        {"member_no": "M1", "consent": ""},
        {"member_no": "M1", "consent": "张三同意"},
        {"member_no": "M1", "purpose": "curiosity"},
        {"member_no": "M1", "wait_seconds": 61},
        {"member_no": "M1", "since": "2021-10-02", "until": "2021-10-01"},
        {"member_no": "M1", "since": "yesterday"},
        {"member_no": "M1", "action": "lookup"},
        {"member_no": "M1", "surprise": 1},
    ],
    ids=lambda wish: repr(wish)[:50],
)
def test_a_lookup_that_cannot_be_understood(side: Side, wish: dict[str, Any]) -> None:
    told = problem(ask(side, **wish), 422, "not_valid")
    assert "150999" not in str(told)
    assert rows_of(side.office, schema_access.lookup) == []


def test_purpose_and_consent_must_be_told(side: Side) -> None:
    for missing in ("purpose", "consent"):
        body = {"action": "lookups", "purpose": "claim", "consent": "SQ-1", "member_no": "M1"}
        del body[missing]
        problem(side.post("lookups", msgspec.json.encode(body)), 422, "not_valid")
