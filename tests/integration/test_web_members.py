"""A member's enrolment over the API, and an opt-out: in force with the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from builders import EAST_AND_WEST, adds_up, claims, enrolled, only, page, row, rows_of, take, who
from web_side import ENVIRONMENT, Side, at_work, problem

from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def side(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    take(office, "east", page(row("S1", 1)))
    with at_work(office) as side:
        yield side


def out(side: Side, member_no: str, named: str | None = None) -> httpx.Response:
    return side.post(f"members/{member_no}/opt-out", {"member_no": named or member_no})


def test_an_opt_out_is_in_force_with_the_answer(side: Side) -> None:
    before = only(claims(side.office))
    told = out(side, "M00001")
    assert told.status_code == 200
    assert told.json()["member"]["opt_out"]
    left = only(told.json()["claims"])
    assert (left["claim_id"], left["status"], left["decision"]) == (before["claim_id"], "withdrawn", None)
    take(side.office, "east", page(row("S9", 1), row("S8", 2)))
    assert {claim["status"] for claim in claims(side.office) if claim["claim_id"] == left["claim_id"]} == {"withdrawn"}
    assert len(rows_of(side.office, schema.claim)) == 2
    assert adds_up(side.office)["member"] == 2


def test_the_same_again_changes_nothing_and_the_periods_stay(side: Side) -> None:
    shown = side.get("members/M00001").json()
    first, second = out(side, "M00001").json(), out(side, "M00001").json()
    assert first == second
    assert side.get("members/M00001").json() == shown | {"opt_out": True}
    assert who(1).name not in str(shown)


def test_what_was_decided_stays_and_is_told(side: Side) -> None:
    claim_id = only(claims(side.office))["claim_id"]
    side.post(f"claims/{claim_id}/decision", {"version": 1, "outcome": "paid", "amount": "2490.00"})
    assert only(out(side, "M00001").json()["claims"])["decision"] == "paid"


def test_nobody_s_number_and_another_s(side: Side) -> None:
    problem(side.get("members/M9"), 404, "unknown_member")
    problem(out(side, "M9"), 404, "unknown_member")
    problem(out(side, "M00001", named="M00002"), 422, "not_valid")
    assert [stored["opt_out"] for stored in rows_of(side.office, schema.member)] == [False, False]
