"""What an association says about a claim beside yes and no, in any order and more than once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from builders import EAST_AND_WEST, enrolled, only, page, row, rows_of, take
from web_side import ENVIRONMENT, Side, at_work, problem

from gateway.flow.delivery.claims import show_claim
from gateway.flow.findings.looking import look_around
from gateway.store import findings, schema, schema_access

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def side(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    take(office, "east", page(row("S1", 1)))
    with at_work(office) as side:
        yield side


def say(side: Side, **message: Any) -> httpx.Response:
    claim_id = only(rows_of(side.office, schema.claim))["claim_id"]
    return side.post(f"claims/{claim_id}/decision", {"version": 1, **message})


def decided(side: Side) -> list[tuple[str, int]]:
    return [(stored["outcome"], stored["amount"]) for stored in rows_of(side.office, schema.claim_decision)]


def messages(side: Side) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = show_claim(side.office, only(rows_of(side.office, schema.claim))["claim_id"])[
        "messages"
    ]
    return told


def test_a_claim_on_its_way_through_the_office(side: Side) -> None:
    assert say(side, outcome="accepted").json()["amount"] == "0.00"
    assert say(side, outcome="papers", papers=["discharge_note", "bank_card"]).status_code == 200
    assert decided(side) == []
    look_around(side.office)
    with side.office.store.read() as tx:
        wanted = only(findings.open_findings(tx, code="papers_wanted"))
    assert (wanted.name, wanted.count, wanted.level) == ("nm", 1, "know")
    say(side, outcome="approved", amount="2490.00")
    assert decided(side) == [("approved", 249000)]
    say(side, outcome="paid", amount="2490.00", paid_on="2021-10-07")
    assert decided(side) == [("paid", 249000)]
    look_around(side.office)
    with side.office.store.read() as tx:
        assert findings.open_findings(tx, code="papers_wanted") == []
    assert [message["outcome"] for message in messages(side)] == ["accepted", "papers", "approved", "paid"]
    assert messages(side)[1]["papers"] == ["discharge_note", "bank_card"]
    assert messages(side)[3]["paid_on"] == "2021-10-07"


def test_a_refusal_keeps_its_reason(side: Side) -> None:
    assert say(side, outcome="refused", reason="not_covered").status_code == 200
    assert decided(side) == [("refused", 0)]
    assert only(messages(side))["reason"] == "not_covered"


def test_what_was_so_later_stands_whichever_comes_first(side: Side) -> None:
    paid = {"outcome": "paid", "amount": "2490.00", "paid_on": "2021-10-07", "at": "2021-10-07T10:00:00+08:00"}
    approved = {"outcome": "approved", "amount": "2400.00", "at": "2021-10-06T10:00:00+08:00"}
    assert say(side, **paid).status_code == 200
    overtaken = say(side, **approved)
    assert (overtaken.status_code, overtaken.json()["state"]) == (202, "overtaken")
    assert decided(side) == [("paid", 249000)]
    assert [message["outcome"] for message in messages(side)] == ["paid", "approved"]
    # A correction that is later still takes its place.
    say(side, outcome="refused", at="2021-10-08T08:00:00+08:00")
    assert decided(side) == [("refused", 0)]
    assert say(side, **paid).json()["state"] == "overtaken"


def test_the_same_message_twice_is_one(side: Side) -> None:
    for _ in range(3):
        answer = say(side, outcome="approved", amount="100.00", at="2021-10-06T10:00:00+08:00")
        assert answer.status_code == 200
    assert len(rows_of(side.office, schema_access.claim_message)) == 1
    assert decided(side) == [("approved", 10000)]


@pytest.mark.parametrize(
    "message",
    [
        {"outcome": "approved"},
        {"outcome": "paid"},
        {"outcome": "papers"},
        {"outcome": "papers", "papers": []},
        {"outcome": "papers", "papers": ["诊断证明"]},
        {"outcome": "papers", "papers": ["a"] * 21},
        {"outcome": "accepted", "amount": "1.00"},
        {"outcome": "accepted", "papers": ["a"]},
        {"outcome": "approved", "amount": "1.00", "reason": "because"},
        {"outcome": "approved", "amount": "1.00", "paid_on": "2021-10-07"},
        {"outcome": "paid", "amount": "1.00", "paid_on": "2021-13-07"},
        {"outcome": "refused", "reason": "1"},
        {"outcome": "refused", "at": "2021-10-07T10:00:00"},
        {"outcome": "perhaps"},
    ],
    ids=lambda message: repr(message)[:60],
)
def test_a_message_whose_parts_do_not_fit(message: dict[str, Any], side: Side) -> None:
    problem(say(side, **message), 422, "not_valid")
    assert rows_of(side.office, schema_access.claim_message) == []
