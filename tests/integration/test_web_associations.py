"""An association asks for its claims and says what it decided; nobody else can, and nothing slips past a cursor."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import pytest
from builders import EAST_AND_WEST, body, claims, enrolled, live, member, only, page, row, rows_of, take, versions, who
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, LEAGUE_SECRET, OTHER_SECRET, Side, at_work, problem

from gateway.errors import BadInput
from gateway.flow.delivery.claims import decide
from gateway.flow.office import Office
from gateway.flow.reviewing.decide import ReviewAnswer, undo
from gateway.flow.reviewing.decide import decide as review_decide
from gateway.flow.reviewing.show import show
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

SECOND_STAY = {"begndate": "2021-09-01", "enddate": "2021-09-10", "setl_time": "2021-09-10 10:00:00"}
DECISION: dict[str, Any] = {"version": 1, "outcome": "approved", "amount": "100.00"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return make_office(sqlite_url, feeds=EAST_AND_WEST)


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


@pytest.fixture
def either(make_office: MakeOffice, database_url: str) -> Iterator[Side]:
    """On both databases."""
    with at_work(make_office(database_url, feeds=EAST_AND_WEST)) as side:
        yield side


def settled(office: Office, *serials: int) -> None:
    """Each of these members has one claim."""
    enrolled(office, *serials)
    take(office, "east", page(*(row(f"S{serial}", serial) for serial in serials)))


def ids(answer: dict[str, Any]) -> list[str]:
    return [claim["claim_id"] for claim in answer["claims"]]


# ── who may ask ──

DOORS = [
    ("GET", "claims", b""),
    ("GET", "claims?limit=no", b""),
    ("POST", "claims/HB1/decision", b"{"),
    ("POST", "lookups", b"{"),
]


@pytest.mark.parametrize(("method", "path", "sent"), DOORS)
def test_without_the_association_s_own_signature_nothing_is_said(
    side: Side, method: str, path: str, sent: bytes
) -> None:
    url = f"/api/v1/associations/nm/{path}"
    text = f"GET {url}".encode() if method == "GET" else sent
    headers = [
        {},
        side.signed(text, secret=OTHER_SECRET),
        side.signed(text, secret=LEAGUE_SECRET),
        side.signed(text, secret=ASSOCIATION_SECRET, age=301),
        side.signed(text, secret=ASSOCIATION_SECRET, age=-301),
        side.signed(text + b" ", secret=ASSOCIATION_SECRET),
    ]
    for each in headers:
        told = problem(side.client.request(method, url, content=sent, headers=each), 401, "not_authentic")
        assert told["detail"] == ""
    right = side.signed(text, secret=ASSOCIATION_SECRET)
    assert side.client.request(method, url, content=sent, headers=right).status_code != 401


@pytest.mark.parametrize(("method", "path", "sent"), DOORS)
def test_an_association_nobody_knows_is_told_as_a_wrong_signature(
    side: Side, method: str, path: str, sent: bytes
) -> None:
    headers = side.signed(sent, secret=ASSOCIATION_SECRET)
    url = f"/api/v1/associations/another/{path}"
    problem(side.client.request(method, url, content=sent, headers=headers), 401, "not_authentic")


def test_a_secret_that_is_missing_is_our_fault(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBAO_NM_REQUESTS_SECRET")
    problem(side.get("claims"), 503, "not_configured")


@pytest.mark.parametrize("path", ["claims/HB1/decision", "lookups"])
def test_a_body_that_is_far_too_large(side: Side, path: str) -> None:
    problem(side.post(path, bytes(64 * 1024 + 1)), 413, "too_large")


def test_each_association_sees_only_its_own(make_office: MakeOffice, sqlite_url: str) -> None:
    first = make_office(sqlite_url, feeds=EAST_AND_WEST)
    settled(first, 1)
    add_association(first, "other", "env:HUBAO_TEST_SECRET")
    with at_work(make_office(sqlite_url)) as side:
        mine = only(ids(side.get("claims").json()))
        theirs = side.ask("/api/v1/associations/other/claims", secret=LEAGUE_SECRET)
        assert (theirs.status_code, theirs.json()) == (200, {"claims": [], "next": "", "more": False})
        path = f"claims/{mine}/decision"
        told = side.post(path, DECISION, association="other", secret=LEAGUE_SECRET)
        nobody_s = side.post("claims/HB0/decision", DECISION)
        assert problem(told, 404, "unknown_claim") == problem(nobody_s, 404, "unknown_claim")
        whom = {"member_no": "M00001", "purpose": "claim", "consent": "SQ-1", "wait_seconds": 60}
        not_theirs = side.post("lookups", whom, association="other", secret=LEAGUE_SECRET)
        assert (not_theirs.status_code, not_theirs.json()["claims"]) == (200, [])
        assert rows_of(first, schema.claim_decision) == []


def add_association(office: Office, name: str, secret: str) -> None:
    folder = office.site / "config" / "associations"
    shipped = (folder / "nm.toml").read_text(encoding="utf-8")
    named = shipped.replace('association = "nm"', f'association = "{name}"')
    text = named.replace("env:HUBAO_NM_REQUESTS_SECRET", secret)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


# ── the list ──


def test_a_claim_in_the_list_is_what_was_delivered(either: Side, clock: Hands) -> None:
    settled(either.office, 1)
    clock.move(minutes=1)
    answer = either.get("claims")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    claim = only(answer.json()["claims"])
    assert claim["body"] == body(either.office, claim["claim_id"], 1)
    assert claim["body"]["member"]["name"] == who(1).name
    assert (claim["payable"], claim["status"], claim["version"]) == ("2490.00", "proposed", 1)


def test_a_cursor_walks_through_every_claim_once(either: Side, clock: Hands) -> None:
    for serial in range(7):
        settled(either.office, serial)
        clock.move(seconds=1 if serial % 2 else 0)
    clock.move(minutes=1)
    seen, after, more = [], "", True
    while more:
        told = either.get("claims", limit=2, after=after).json()
        seen += ids(told)
        after, more = told["next"], told["more"]
    assert sorted(seen) == [claim["claim_id"] for claim in claims(either.office)]
    assert len(seen) == 7
    assert either.get("claims", after=after).json() == {"claims": [], "next": after, "more": False}


def test_what_changed_comes_after_the_cursor(side: Side, clock: Hands) -> None:
    settled(side.office, 1, 2)
    clock.move(minutes=1)
    after = side.get("claims").json()["next"]
    take(side.office, "east", page(row("S1", 1, refund=True)))
    told = only(side.get("claims", after=after).json()["claims"])
    assert (told["status"], told["version"], told["payable"]) == ("withdrawn", 2, "0.00")
    only(side.get("claims", status="withdrawn").json()["claims"])
    only(side.get("claims", status="proposed").json()["claims"])
    assert ids(side.get("claims", status="amended").json()) == []


def test_a_claim_committed_late_with_an_earlier_time_is_not_missed(side: Side, clock: Hands) -> None:
    settled(side.office, 1)
    first = side.get("claims").json()
    assert len(ids(first)) == 1
    # Its transaction named its time eight seconds ago and commits only now.
    clock.move(seconds=-8)
    settled(side.office, 2)
    clock.move(seconds=8)
    second = side.get("claims", after=first["next"]).json()
    assert len(ids(second)) == 1
    assert ids(second) != ids(first)
    assert ids(side.get("claims", after=second["next"]).json()) == []


def test_a_cursor_of_before_goes_on_where_it_stood(side: Side, clock: Hands) -> None:
    settled(side.office, 1)
    clock.move(minutes=5)
    settled(side.office, 2)
    at, claim_id = max(stored["updated_at"] for stored in rows_of(side.office, schema.claim)), "HB0"
    told = side.get("claims", after=opaque(f"{at}.{claim_id}".encode())).json()
    assert only(told["claims"])["updated_at"] == clock.now.isoformat()
    later = side.get("claims", after=opaque(f"{at + 1}.{claim_id}".encode())).json()
    assert (later["claims"], later["more"]) == ([], False)
    assert side.get("claims", after=later["next"]).json() == later


def test_an_expired_claim_is_listed_without_its_body(side: Side, clock: Hands) -> None:
    settled(side.office, 1)
    with side.office.store.write() as tx:
        tx.execute(schema.delivery.delete())
    clock.move(minutes=1)
    claim = only(side.get("claims").json()["claims"])
    assert (claim["body"], claim["payable"]) == (None, "2490.00")


def opaque(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "-1"},
        {"limit": "1e2"},
        {"limit": "９９"},
        {"limit": "9" * 5000},
        {"status": "deleted-by-150999"},
        {"status": ""},
        {"after": "no cursor"},
        {"after": "AAAA"},
        {"after": "\x00"},
        {"after": "游标"},
        {"after": opaque(b"1")},
        {"after": opaque(b"-1.HB")},
        {"after": opaque(b"1.HB' or 1=1")},
        {"after": opaque(b"1.HB\x00")},
        {"after": opaque(b"9999999999999999999999.HB")},
        {"after": opaque("１.HB".encode())},
        {"after": "A" * 5000},
    ],
    ids=lambda params: repr(params)[:40],
)
def test_wrong_parameters_are_named_and_never_repeated(side: Side, params: dict[str, str]) -> None:
    told = problem(side.get("claims", **params), 422, "not_valid")
    (name, value) = only(list(params.items()))
    assert name in told["detail"]
    assert len(value) < 4 or value not in str(told)


def test_all_wrong_parameters_are_named_at_once(side: Side) -> None:
    told = problem(side.get("claims", limit="0", status="x"), 422, "not_valid")
    assert "limit" in told["detail"]
    assert "status" in told["detail"]


# ── decisions ──


def two_stays(office: Office) -> tuple[str, str]:
    """The claims of a member's first and second stay; only the first has the allowance of a first stay."""
    enrolled(office, 1)
    take(office, "east", page(row("S1", 1), row("S2", 1, **SECOND_STAY)))
    first, second = (claim_of(office, number) for number in ("S1", "S2"))
    assert [payable_of(office, each) for each in (first, second)] == ["2490.00", "2400.00"]
    return first, second


def claim_of(office: Office, settlement_no: str) -> str:
    found = [
        each["claim_id"]
        for each in claims(office)
        if each["body"].get("settlements", [{}])[0].get("settlement_no") == settlement_no
    ]
    return str(only(found))


def payable_of(office: Office, claim_id: str) -> str:
    return str(only([each["body"]["payable"] for each in claims(office) if each["claim_id"] == claim_id]))


def test_a_refusal_moves_what_follows(either: Side) -> None:
    first, second = two_stays(either.office)
    decision = {"version": 1, "outcome": "refused", "amount": "0.00"}
    answer = either.post(f"claims/{first}/decision", decision)
    assert (answer.status_code, answer.json()) == (200, {"claim_id": first, **decision})
    assert payable_of(either.office, first) == "2490.00", "what was decided about stays as it was"
    assert payable_of(either.office, second) == "2490.00", "now the first stay that is paid"
    assert versions(either.office, second)[-1][:2] == (2, "amended")


def test_what_was_paid_counts_against_the_cap(either: Side) -> None:
    first, second = two_stays(either.office)
    decide(either.office, first, version=1, outcome="paid", amount=Money(24_900_000))
    assert payable_of(either.office, second) == "1000.00"


ABOVE = {"version": 1, "outcome": "paid", "amount": "249000.00"}


def open_questions(office: Office) -> list[dict[str, Any]]:
    return [each for each in rows_of(office, schema.review) if each["state"] == "open"]


def answered(office: Office, answer: Literal["agree", "refuse"]) -> None:
    item = only(open_questions(office))["item_id"]
    assert review_decide(office, item, ReviewAnswer(answer=answer, by="经办甲")).state == "decided"


def test_more_than_the_claim_asks_for_stands_only_once_a_person_agrees(either: Side) -> None:
    first, second = two_stays(either.office)
    for _ in range(2):
        answer = either.post(f"claims/{first}/decision", ABOVE)
        assert (answer.status_code, answer.json()) == (202, {"claim_id": first, **ABOVE, "state": "in_review"})
    question = only(open_questions(either.office))
    assert (question["kind"], question["claim_id"], question["amount"]) == ("approval", first, 24_900_000)
    assert rows_of(either.office, schema.claim_decision) == []
    assert payable_of(either.office, second) == "2400.00"
    shown = show(either.office, question["item_id"])
    assert (shown["amount"], shown["claim"]["payable"]) == ("249000.00", "2490.00")
    answered(either.office, "agree")
    kept = only(rows_of(either.office, schema.claim_decision))
    assert (kept["claim_id"], kept["outcome"], kept["amount"]) == (first, "paid", 24_900_000)
    assert payable_of(either.office, second) == "1000.00"
    assert either.post(f"claims/{first}/decision", ABOVE).status_code == 200
    assert open_questions(either.office) == []
    with pytest.raises(BadInput, match="decide anew"):
        undo(either.office, question["item_id"], by="经办甲")


def test_a_person_who_does_not_believe_it_is_not_asked_again(side: Side) -> None:
    first, _ = two_stays(side.office)
    side.post(f"claims/{first}/decision", ABOVE)
    answered(side.office, "refuse")
    answer = side.post(f"claims/{first}/decision", ABOVE)
    assert (answer.status_code, answer.json()["state"]) == (202, "not_taken")
    assert rows_of(side.office, schema.claim_decision) == []
    assert open_questions(side.office) == []
    # Another amount is another question.
    side.post(f"claims/{first}/decision", {**ABOVE, "amount": "2490.01"})
    assert only(open_questions(side.office))["amount"] == 249_001


def test_what_the_association_says_last_is_what_a_person_is_asked_about(side: Side) -> None:
    first, _ = two_stays(side.office)
    side.post(f"claims/{first}/decision", ABOVE)
    side.post(f"claims/{first}/decision", {**ABOVE, "amount": "3000.00"})
    assert only(open_questions(side.office))["amount"] == 300_000
    assert side.post(f"claims/{first}/decision", {**ABOVE, "amount": "2490.00"}).status_code == 200
    assert open_questions(side.office) == []
    assert only(rows_of(side.office, schema.claim_decision))["amount"] == 249_000


def test_an_amount_is_held_against_the_version_it_is_about(side: Side) -> None:
    first, _ = two_stays(side.office)
    take(side.office, "east", page(row("S1", 1, inscp_scp_amt="10000.00")))
    assert versions(side.office, first)[-1][:2] == (2, "amended")
    assert payable_of(side.office, first) == "490.00"
    assert side.post(f"claims/{first}/decision", {**ABOVE, "version": 2, "amount": "2490.00"}).status_code == 202
    assert side.post(f"claims/{first}/decision", {**ABOVE, "version": 1, "amount": "2490.00"}).status_code == 200


@pytest.mark.parametrize("amount", ["10000000.01", "99999999999.99"])
def test_an_amount_no_claim_can_have_is_refused(side: Side, amount: str) -> None:
    first, _ = two_stays(side.office)
    problem(side.post(f"claims/{first}/decision", {**ABOVE, "amount": amount}), 422, "not_valid")
    assert rows_of(side.office, schema.claim_decision) == rows_of(side.office, schema.review) == []


def test_the_same_decision_again_changes_nothing(side: Side) -> None:
    first, _ = two_stays(side.office)
    after = []
    for _ in range(3):
        assert side.post(f"claims/{first}/decision", DECISION).status_code == 200
        after.append((claims(side.office), len(rows_of(side.office, schema.delivery))))
    assert after[0] == after[1] == after[2]
    kept = only(rows_of(side.office, schema.claim_decision))
    assert (kept["claim_id"], kept["outcome"], kept["amount"]) == (first, "approved", 10000)


def test_a_later_decision_replaces_the_earlier_one(side: Side) -> None:
    first, second = two_stays(side.office)
    side.post(f"claims/{first}/decision", {"version": 1, "outcome": "refused", "amount": "0.00"})
    side.post(f"claims/{first}/decision", {"version": 1, "outcome": "approved", "amount": "2490.00"})
    assert payable_of(side.office, second) == "2400.00"


def test_decisions_and_settlements_at_one_moment_do_not_wait_for_each_other_for_ever(either: Side) -> None:
    first, _ = two_stays(either.office)
    enrolled(either.office, 2)

    def decide(_: int) -> int:
        return either.post(f"claims/{first}/decision", DECISION).status_code

    def import_again(number: int) -> int:
        enrol(either.office, "nm", [member(1, phone=f"1{number}")])
        return 200

    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(work, number) for number in range(10) for work in (decide, import_again)]
        assert {each.result(timeout=60) for each in waiting} == {200}


def test_a_decision_about_a_claim_or_version_that_is_not_there(side: Side) -> None:
    first, _ = two_stays(side.office)
    for claim_id in ("HB0", "x" * 400, "%00", "HB%20OR%201=1", "%E4%B8%AD", "%ED%A0%80"):
        problem(side.post(f"claims/{claim_id}/decision", DECISION), 404, "unknown_claim")
    problem(side.post(f"claims/{first}/decision", {**DECISION, "version": 2}), 422, "unknown_version")
    assert rows_of(side.office, schema.claim_decision) == []


BAD_DECISIONS: list[tuple[Any, str]] = [
    (b"", "bad_request"),
    (b"\xff\xfe", "bad_request"),
    (b'{"version":1', "bad_request"),
    (b'{"version":NaN,"outcome":"paid","amount":"1"}', "bad_request"),
    (b"[" * 60_000, "not_valid"),
    (b"null", "not_valid"),
    ([], "not_valid"),
    ({}, "not_valid"),
    ({**DECISION, "version": 0}, "not_valid"),
    ({**DECISION, "version": -1}, "not_valid"),
    ({**DECISION, "version": "1"}, "not_valid"),
    ({**DECISION, "version": 1.5}, "not_valid"),
    ({**DECISION, "version": True}, "not_valid"),
    ({**DECISION, "version": 2**70}, "not_valid"),
    ({**DECISION, "outcome": "paid-150999"}, "not_valid"),
    ({**DECISION, "outcome": None}, "not_valid"),
    ({**DECISION, "amount": 100}, "not_valid"),
    ({**DECISION, "amount": 100.5}, "not_valid"),
    ({**DECISION, "amount": ""}, "not_valid"),
    ({**DECISION, "amount": "-0.01"}, "not_valid"),
    ({**DECISION, "amount": "1e3"}, "not_valid"),
    ({**DECISION, "amount": "１２"}, "not_valid"),
    ({**DECISION, "amount": "1_000"}, "not_valid"),
    ({**DECISION, "amount": "1.005"}, "not_valid"),
    ({**DECISION, "amount": "NaN"}, "not_valid"),
    ({**DECISION, "amount": "9" * 60}, "not_valid"),
    ({**DECISION, "outcome": "refused", "amount": "0.01"}, "not_valid"),
    ({**DECISION, "claim_id": "HB0"}, "not_valid"),
    ({**DECISION, "name": "赵一"}, "not_valid"),
]


@pytest.mark.parametrize(("sent", "code"), BAD_DECISIONS, ids=lambda each: repr(each)[:50])
def test_a_decision_that_cannot_be_understood_changes_nothing(
    side: Side, sent: Any, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = two_stays(side.office)
    with caplog.at_level(logging.INFO, logger="hubao"):
        told = problem(side.post(f"claims/{first}/decision", sent), 400 if code == "bad_request" else 422, code)
    assert rows_of(side.office, schema.claim_decision) == []
    assert payable_of(side.office, second) == "2400.00"
    for value in ("赵一", "150999", "1e3", "１２", "1_000"):
        assert value not in str(told) + caplog.text


def test_a_decision_may_name_its_claim_so_that_the_signature_covers_it(side: Side) -> None:
    first, _ = two_stays(side.office)
    assert side.post(f"claims/{first}/decision", {**DECISION, "claim_id": first}).status_code == 200


def test_a_claim_that_was_decided_does_not_move_when_its_neighbour_is_refunded(side: Side) -> None:
    first, second = two_stays(side.office)
    side.post(f"claims/{second}/decision", {"version": 1, "outcome": "approved", "amount": "2400.00"})
    take(side.office, "east", page(row("S1", 1, refund=True)))
    assert payable_of(side.office, second) == "2400.00"
    assert [each["claim_id"] for each in live(side.office)] == [second]
    assert first not in {each["claim_id"] for each in live(side.office)}
