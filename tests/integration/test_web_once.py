"""A signed message of an association is good for one thing, and once: no other action, address or second time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from builders import EAST_AND_WEST, enrolled, only, page, payable, row, rows_of, take
from facts_side import woman
from review_side import states, wrong_name
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, Side, at_work, problem

from gateway.errors import Conflict, Unavailable
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.store import schema
from gateway.web.api import reviews

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    take(office, "east", page(wrong_name("A1", 1), row("B1", 2)))
    return office


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


class Letter:
    """One signed message, kept by somebody who may send it wherever and as often as he likes."""

    def __init__(self, side: Side, body: dict[str, Any], **how: Any) -> None:
        self._client, self._body = side.client, msgspec.json.encode(body)
        self._headers = side.signed(self._body, secret=ASSOCIATION_SECRET, **how)

    def to(self, path: str) -> httpx.Response:
        return self._client.post(f"/api/v1/{path}", content=self._body, headers=self._headers)


def at(item: int, action: str) -> str:
    return f"reviews/{item}/{action}?association=nm"


def test_what_was_signed_to_look_does_not_undo(side: Side, office: Office) -> None:
    item = only(list(states(office)))
    decide = {"action": "decide", "item": item, "by": "甲", "answer": "same"}
    assert Letter(side, decide).to(at(item, "decide")).status_code == 200
    look = {"action": "reveal", "item": item, "by": "甲"}
    problem(Letter(side, look).to(at(item, "undo")), 422, "not_valid")
    assert Letter(side, look).to(at(item, "reveal")).status_code == 200
    for action in ("reveal", "decide", "undo"):
        problem(Letter(side, {"item": item, "by": "甲", "answer": "same"}).to(at(item, action)), 422, "not_valid")
    assert states(office) == {item: "decided"}


def test_what_was_undone_is_not_undone_a_second_time(side: Side, office: Office, clock: Hands) -> None:
    item = only(list(states(office)))
    decide = {"action": "decide", "item": item, "by": "甲", "answer": "same"}
    letter = Letter(side, {"action": "undo", "item": item, "by": "甲"}, age=-300)
    Letter(side, decide).to(at(item, "decide"))
    assert letter.to(at(item, "undo")).status_code == 200
    Letter(side, decide).to(at(item, "decide"))
    told = problem(letter.to(at(item, "undo")), 409, "seen_before")
    assert "+08:00" in told["detail"]
    clock.move(seconds=600)
    problem(letter.to(at(item, "undo")), 409, "seen_before")
    clock.move(seconds=1)
    problem(letter.to(at(item, "undo")), 401, "not_authentic")
    assert states(office) == {item: "decided"}


def test_nobody_s_id_is_kept_longer_than_its_signature_holds(side: Side, office: Office, clock: Hands) -> None:
    item = only(list(states(office)))
    look = {"action": "reveal", "item": item, "by": "甲"}
    for _ in range(3):
        Letter(side, look).to(at(item, "reveal"))
    assert len(rows_of(office, schema.request_seen)) == 3
    clock.move(seconds=601)
    Letter(side, look).to(at(item, "reveal"))
    assert len(rows_of(office, schema.request_seen)) == 1


def test_who_looks_a_second_time_leaves_a_second_trace(side: Side, office: Office) -> None:
    item = only(list(states(office)))
    letter = Letter(side, {"action": "reveal", "item": item, "by": "甲"})
    assert letter.to(at(item, "reveal")).status_code == 200
    problem(letter.to(at(item, "reveal")), 409, "seen_before")
    assert len(rows_of(office, schema.review_access)) == 1


@pytest.mark.parametrize("error", [Unavailable("busy"), Conflict("first")])
def test_what_could_not_be_done_now_may_come_again(
    side: Side, office: Office, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = only(list(states(office)))
    letter = Letter(side, {"action": "reveal", "item": item, "by": "甲"})

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(reviews.reviewing, "reveal", fails)
        assert letter.to(at(item, "reveal")).status_code in (409, 503)
    assert letter.to(at(item, "reveal")).status_code == 200


def test_a_decision_is_about_the_claim_it_names_and_is_not_taken_twice(side: Side, office: Office) -> None:
    claim = only(rows_of(office, schema.claim))["claim_id"]
    path = f"associations/nm/claims/{claim}/decision"
    paid = {"action": "decision", "claim_id": claim, "version": 1, "outcome": "paid", "amount": "100.00"}
    nameless = {key: value for key, value in paid.items() if key != "claim_id"}
    problem(Letter(side, nameless).to(path), 422, "not_valid")
    problem(Letter(side, {**paid, "claim_id": "HB0"}).to(path), 422, "not_valid")
    first = Letter(side, paid)
    assert first.to(path).status_code == 200
    Letter(side, {**paid, "outcome": "refused", "amount": "0.00"}).to(path)
    problem(first.to(path), 409, "seen_before")
    assert only(rows_of(office, schema.claim_decision))["outcome"] == "refused"


def test_a_fact_taken_back_is_not_told_again(side: Side, office: Office, clock: Hands) -> None:
    clock.set(2022, 10, 8, 9)
    enrol(office, "nm", [woman(3)])
    fact = {"action": "add", "member_no": "M00003", "kind": "diagnosis", "on": "2022-06-20", "by": "甲"}
    first = Letter(side, {**fact, "disease": "breast_cancer"})
    number = first.to("associations/nm/facts").json()["fact_id"]
    back = {"action": "withdraw", "fact_id": number}
    assert Letter(side, back).to(f"associations/nm/facts/{number}/withdraw").status_code == 200
    before = payable(office)
    problem(first.to("associations/nm/facts"), 409, "seen_before")
    assert payable(office) == before


def test_a_question_is_good_for_its_own_address(side: Side) -> None:
    headers = side.signed(b"GET /api/v1/associations/nm/claims?limit=1", secret=ASSOCIATION_SECRET)
    for _ in range(2):
        assert side.client.get("/api/v1/associations/nm/claims?limit=1", headers=headers).status_code == 200
    for address in ("associations/nm/claims", "associations/nm/claims?limit=2", "associations/nm/facts?limit=1"):
        problem(side.client.get(f"/api/v1/{address}", headers=headers), 401, "not_authentic")
    empty = side.signed(b"", secret=ASSOCIATION_SECRET)
    problem(side.client.get("/api/v1/associations/nm/claims", headers=empty), 401, "not_authentic")
