"""Clerks decide in the gateway: with a reason, by two where it is much, taken back before payment, at its level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, live, only, page, payable, row, rows_of, take, who
from desk_side import ALXA, LEVELS, approve, deliver, refuse, some_claims, with_desk

from gateway.errors import BadInput, Conflict, WrongUse
from gateway.flow.delivery.claims import show_claim
from gateway.flow.delivery.decisions import receive_decision
from gateway.flow.desk.deciding import ask_papers, papers_came, undo_decision
from gateway.flow.desk.levels import pass_claim, return_claim
from gateway.flow.desk.showing import DeskSearch, list_desk, show_form, steps_of
from gateway.flow.office import Office
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST), levels=LEVELS)


@pytest.fixture
def on_both(make_office: MakeOffice, database_url: str) -> Office:
    return with_desk(make_office(database_url, feeds=EAST_AND_WEST), levels=LEVELS)


def decided(office: Office, claim_id: str) -> Any:
    return show_claim(office, claim_id)["decision"]


def listed(office: Office, **search: Any) -> list[tuple[str, str | None]]:
    return [(each["state"], each["level"]) for each in list_desk(office, DeskSearch(association="nm", **search)).claims]


def test_a_clerk_approves_what_the_claim_asks_for(office: Office) -> None:
    [claim] = some_claims(office, 1)
    answer = approve(office, claim, by=" 甲 ")
    assert (answer.state, answer.amount, answer.level, answer.by) == ("done", "2490.00", "协会", "甲")
    assert decided(office, claim) == {"outcome": "approved", "amount": "2490.00"}
    step = only(steps_of(office, claim))
    assert (step["by"], step["what"], step["amount"], step["state"]) == ("甲", "approved", "2490.00", "done")


def test_another_amount_needs_a_reason_from_the_list(office: Office) -> None:
    [claim] = some_claims(office, 1)
    with pytest.raises(BadInput, match="excluded_cost"):
        approve(office, claim, amount=Money(200_000))
    with pytest.raises(BadInput, match="备注"):
        approve(office, claim, amount=Money(200_000), reason="other")
    for amount in (0, -1, 10**10):
        with pytest.raises(BadInput):
            approve(office, claim, amount=Money(amount), reason="bill_corrected")
    assert decided(office, claim) is None
    approve(office, claim, amount=Money(200_000), reason="excluded_cost")
    assert decided(office, claim) == {"outcome": "approved", "amount": "2000.00"}


def test_a_refusal_needs_a_coded_reason(office: Office) -> None:
    [claim] = some_claims(office, 1)
    for reason in (None, "because", "other"):
        with pytest.raises(BadInput):
            refuse(office, claim, reason=reason)
    refuse(office, claim, reason="work_injury", note="工伤认定书")
    assert decided(office, claim) == {"outcome": "refused", "amount": "0.00"}
    assert [(each["code"], each["note"]) for each in steps_of(office, claim)] == [("work_injury", "工伤认定书")]


def test_above_the_amount_two_different_persons_decide(on_both: Office) -> None:
    # 21,000 at 70 % beyond the first 10,000 at 40 %, and nine days: far above 3,000.
    [claim] = some_claims(on_both, 1, inscp_scp_amt="40000.00", medfee_sumamt="50000.00")
    first = approve(on_both, claim, by="甲")
    assert (first.state, decided(on_both, claim)) == ("proposed", None)
    assert listed(on_both) == [("second_person", "协会")]
    for same in ("甲", " 甲", "甲 "):
        with pytest.raises(BadInput, match="another person"):
            approve(on_both, claim, by=same)
    assert decided(on_both, claim) is None
    second = approve(on_both, claim, by="乙", confirm=True)
    assert (second.state, second.amount) == ("done", first.amount)
    assert [(each["by"], each["state"]) for each in steps_of(on_both, claim)] == [("甲", "done"), ("乙", "done")]


def test_a_second_person_who_thinks_otherwise_proposes_anew(office: Office) -> None:
    [claim] = some_claims(office, 1, inscp_scp_amt="40000.00", medfee_sumamt="50000.00")
    approve(office, claim, by="甲")
    assert refuse(office, claim, by="乙", reason="traffic").state == "proposed"
    with pytest.raises(Conflict):
        approve(office, claim, by="丙", confirm=True)
    assert refuse(office, claim, by="甲", confirm=True).state == "done"
    assert [each["state"] for each in steps_of(office, claim)] == ["overtaken", "done", "done"]


def test_more_than_the_claim_asks_for_is_always_for_two(office: Office) -> None:
    [claim] = some_claims(office, 1)
    assert approve(office, claim, amount=Money(250_000), reason="raised_by_review").state == "proposed"
    assert approve(office, claim, by="乙", amount=Money(250_000), reason="raised_by_review").state == "done"


def test_a_decision_is_taken_back_with_all_that_followed(on_both: Office) -> None:
    some_claims(on_both, 1)
    take(on_both, "east", page(row("A9", 1, **LATER)))
    # Of two stays in a period the first has the daily allowance (A10.7).
    first, later = (name for name, _ in payable(on_both))
    claims = {each["stay"]: each["claim_id"] for each in live(on_both)}
    assert dict(payable(on_both))[later] == 240_000
    refuse(on_both, claims[first], reason="work_injury")
    assert dict(payable(on_both))[later] == 249_000
    undo_decision(on_both, claims[first], by="乙")
    assert (decided(on_both, claims[first]), dict(payable(on_both))[later]) == (None, 240_000)
    assert [(each["what"], each["state"]) for each in steps_of(on_both, claims[first])] == [
        ("refused", "undone"),
        ("undo", "done"),
    ]
    with pytest.raises(Conflict, match="no decision"):
        undo_decision(on_both, claims[first], by="乙")
    approve(on_both, claims[first])


def test_what_the_association_said_over_the_api_is_not_undone_here(office: Office) -> None:
    [claim] = some_claims(office, 1)
    receive_decision(office, claim, version=1, outcome="approved", amount=Money(249_000))
    with pytest.raises(Conflict, match="not decided here"):
        undo_decision(office, claim, by="甲")
    with pytest.raises(Conflict, match="decided"):
        approve(office, claim)


def test_what_changed_since_it_was_looked_at_is_looked_at_again(office: Office) -> None:
    [claim] = some_claims(office, 1)
    deliver(office)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="14000.00")))
    with pytest.raises(Conflict, match="look again"):
        approve(office, claim, version=1)
    assert approve(office, claim, version=2).amount == "2090.00"
    [gone] = some_claims(office, 2)
    take(office, "east", page(row("A2", 2, refund=True)))
    with pytest.raises(Conflict, match="withdrawn"):
        approve(office, gone)


def test_where_there_is_no_desk_nobody_decides(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    [claim] = some_claims(office, 1)
    with pytest.raises(WrongUse, match="desk"):
        approve(office, claim)
    with pytest.raises(WrongUse, match="no such claim"):
        approve(office, "HB" + "A" * 24)
    assert rows_of(office, schema.claim_decision) == []


def test_papers_are_asked_for_and_come(on_both: Office) -> None:
    [claim] = some_claims(on_both, 1)
    with pytest.raises(BadInput, match="identity"):
        ask_papers(on_both, claim, by="甲", papers=["passport"])
    ask_papers(on_both, claim, by="甲", papers=["receipt", "identity"])
    assert listed(on_both) == listed(on_both, state="papers") == [("papers", "协会")]
    form = show_form(on_both, claim, by="乙")
    assert form["papers"] == {"identity": "身份证", "receipt": "收费票据"}
    papers_came(on_both, claim, by="甲")
    assert listed(on_both) == [("waiting", "协会")]
    with pytest.raises(Conflict):
        papers_came(on_both, claim, by="甲")


def test_who_looks_at_a_form_is_written_down_and_the_list_names_nobody(office: Office) -> None:
    [claim] = some_claims(office, 1)
    form = show_form(office, claim, by="丙")
    assert form["body"]["member"]["name"] == who(1).name
    assert [(each["by"], each["what"]) for each in form["steps"]] == [("丙", "seen")]
    shown = repr(list_desk(office, DeskSearch(association="nm")))
    assert who(1).name not in shown
    assert who(1).id_number not in shown


def test_the_list_goes_on_behind_its_cursor_most_urgent_first(on_both: Office) -> None:
    some_claims(on_both, 1, 2)
    some_claims(on_both, 3, begndate="2021-06-10", enddate="2021-06-15", setl_time="2021-06-15 10:00:00")
    page_one = list_desk(on_both, DeskSearch(association="nm"), limit=2)
    page_two = list_desk(on_both, DeskSearch(association="nm"), after=page_one.next, limit=2)
    days = [each["claim_by"] for each in (*page_one.claims, *page_two.claims)]
    assert (page_one.total, page_two.next, days) == (3, None, ["2021-09-13", "2021-10-08", "2021-10-08"])
    assert len({each["claim_id"] for each in (*page_one.claims, *page_two.claims)}) == 3


# ── levels ──


def test_a_claim_goes_up_level_by_level_and_only_the_last_decides(office: Office, clock: Hands) -> None:
    clock.set(2021, 7, 12, 9)
    [claim] = some_claims(office, 1, league=ALXA)
    deliver(office)
    assert listed(office, league=ALXA, level="单位工会") == [("waiting", "单位工会")]
    with pytest.raises(Conflict, match="单位工会"):
        approve(office, claim)
    assert [pass_claim(office, claim, by="甲").level for _ in range(3)] == ["代办点", "盟工会", "协会"]
    with pytest.raises(Conflict, match="last level"):
        pass_claim(office, claim, by="甲")
    with pytest.raises(BadInput, match="note"):
        return_claim(office, claim, by="乙")
    assert return_claim(office, claim, by="乙", note="缺盟工会意见").level == "盟工会"
    pass_claim(office, claim, by="甲")
    approve(office, claim)
    log = [(each["what"], each["level"], each["code"]) for each in steps_of(office, claim)]
    assert log == [
        ("pass", "单位工会", "代办点"),
        ("pass", "代办点", "盟工会"),
        ("pass", "盟工会", "协会"),
        ("return", "协会", "盟工会"),
        ("pass", "盟工会", "协会"),
        ("approved", "协会", ""),
    ]


def test_a_league_without_levels_has_none_to_pass_on_to(office: Office) -> None:
    [claim] = some_claims(office, 1)
    with pytest.raises(Conflict, match="no levels"):
        pass_claim(office, claim, by="甲")
    with pytest.raises(WrongUse, match="no such level"):
        listed(office, league="乌海市", level="代办点")
