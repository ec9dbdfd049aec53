"""One claim per person, scheme and stay, for ever: versions replace, never add; what is decided stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    adds_up,
    body,
    claims,
    covered,
    enrolled,
    everything,
    live,
    member,
    only,
    open_items,
    page,
    payable,
    put_coverage,
    row,
    rows_of,
    take,
    versions,
    who,
)

from gateway.errors import WrongUse
from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide, show_claim
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.office import Office
from gateway.flow.reviewing.claim_list import ClaimSearch, list_claims
from gateway.flow.reviewing.decide import ReviewAnswer
from gateway.flow.reviewing.decide import decide as answer_review
from gateway.flow.reviewing.show import list_items
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}
EARLIER: dict[str, Any] = {
    "begndate": "2021-06-10",
    "enddate": "2021-06-15",
    "setl_time": "2021-06-15 10:00:00",
    "ipt_days": 5,
}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


class Accepts:
    """An association that takes everything."""

    def send(self, body: bytes, **named: Any) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, **named: Any) -> Answer:
        raise AssertionError("nothing is in doubt")


def send_all(office: Office) -> int:
    leases = iter(range(1000))
    report = deliver_due(office, "nm", Accepts(), jitter=lambda: 0.0, new_lease=lambda: f"lease {next(leases)}")
    return report.attempts


def the_claim(office: Office) -> str:
    found: str = only(claims(office))["claim_id"]
    return found


# ── identity ──


def test_a_claim_id_has_nothing_personal_in_it(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    for claim in claims(office):
        assert re.fullmatch(r"HB[0-9A-Z]{24}", claim["claim_id"])
    before = {each["claim_id"] for each in claims(office)}
    # Another number and name, the same person: the same claim.
    enrol(office, "nm", [member(1, id_number=who(50).id_number, name="改名"), member(2)])
    take(office, "east", page(row("A1", 50, psn_name="改名")))
    rescan(office)
    assert {each["claim_id"] for each in live(office)} == before


def test_every_settlement_of_a_visit_is_one_claim(office: Office) -> None:
    take(office, "east", page(row("A1", 1, mdtrt_id="V")), page(row("A2", 1, mdtrt_id="V", **LATER)))
    claim = only(live(office))
    assert claim["stay"] == "H15099900001/V"
    assert [each["settlement_no"] for each in claim["body"]["settlements"]] == ["A1", "A2"]


def test_a_stay_without_visit_number_is_named_by_its_settlement(office: Office) -> None:
    take(office, "east", page(row("A1", 1, mdtrt_id=None)))
    assert only(live(office))["stay"] == "H15099900001/s:A1"


# ── versions ──


def test_a_first_version_waits_in_the_outbox_with_its_body(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = only(claims(office))
    assert versions(office, claim["claim_id"]) == [(1, "proposed", "pending")]
    assert claim["body"]["member"]["id_number"] == who(1).id_number
    assert sum(round(float(line["amount"]) * 100) for line in claim["body"]["lines"]) == claim["payable"]
    assert all(line["article"] and line["text"] for line in claim["body"]["lines"])


def test_what_does_not_change_a_claim_makes_no_version(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    take(office, "east", page(row("A1", 1), request="the same again"))
    take(office, "east", page(row("A4", 1, med_type="41")), page(row("A5", 2)))
    enrol(office, "nm", [member(1, phone="13900000000"), member(2)])
    rescan(office)
    assert versions(office, claim) == [(1, "proposed", "pending")]


def test_a_later_stay_amends_no_earlier_claim_but_for_the_questions_it_leans_on(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    take(office, "east", page(row("A3", 1, **LATER)), page(row("A6", 1, begndate="2021-09-01", enddate="2021-09-10")))
    first, second = body(office, claim, 1), body(office, claim, 2)
    assert {name for name in first if first[name] != second[name]} == {"version", "status", "assumed", "change"}
    assert len(versions(office, claim)) == 2


def test_an_amended_version_overtakes_one_that_was_never_sent(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, inscp_scp_amt="16000.00")))
    claim = the_claim(office)
    assert versions(office, claim) == [(1, "proposed", "overtaken"), (2, "amended", "pending")]
    assert (body(office, claim, 1)["payable"], body(office, claim, 2)["payable"]) == ("2490.00", "2890.00")


def test_an_amended_version_follows_one_that_was_sent(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    assert send_all(office) == 1
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    assert versions(office, the_claim(office)) == [(1, "proposed", "accepted"), (2, "amended", "pending")]


def test_a_withdrawal_of_a_claim_nobody_heard_of_is_silent(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, refund=True)))
    assert versions(office, the_claim(office)) == [(1, "proposed", "overtaken"), (2, "withdrawn", "overtaken")]
    assert send_all(office) == 0


def test_a_withdrawal_of_a_claim_that_was_sent_is_sent(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    send_all(office)
    take(office, "east", page(row("A1", 1, refund=True)))
    claim = the_claim(office)
    assert versions(office, claim) == [(1, "proposed", "accepted"), (2, "withdrawn", "pending")]
    said = body(office, claim, 2)
    assert said["reason"] == "reversed"
    # A withdrawal says which claim, and no more about anybody.
    first_form = {"claim_id", "version", "status", "association", "scheme", "reason", "payable"}
    assert set(said) == first_form | {"schema", "kind", "explanation", "change"}
    assert said["change"]["of_version"] == said["version"] - 1
    assert [event["change"] for event in show_claim(office, claim)["history"]] == [None, said["explanation"][0]]
    assert only(claims(office))["payable"] == 0


def test_a_withdrawn_claim_that_comes_back_is_a_new_version_of_it(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    send_all(office)
    take(office, "east", page(row("A1", 1, refund=True)), page(row("A1", 9, refund=True)))
    item = only(list_items(office))["item_id"]
    answer_review(office, item, ReviewAnswer(answer="take", by="甲"))
    claim = the_claim(office)
    assert [each[:2] for each in versions(office, claim)] == [(1, "proposed"), (2, "withdrawn"), (3, "amended")]
    assert body(office, claim, 3)["payable"] == body(office, claim, 1)["payable"]


def test_a_claim_that_comes_to_owe_nothing_is_withdrawn(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    send_all(office)
    take(office, "east", page(row("A1", 1, begndate="2019-01-01", enddate="2019-01-03")))
    claim = the_claim(office)
    assert body(office, claim, 2)["reason"] == "nothing_owed"
    assert adds_up(office) == {"member": 1, "superseded": 1}


def test_a_frozen_body_never_changes(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    frozen = body(office, claim, 1)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")), page(row("A1", 9)))
    assert body(office, claim, 1) == frozen


# ── stays move one another ──


def test_an_earlier_stay_that_comes_late_takes_the_allowance(office: Office) -> None:
    take(office, "east", page(row("A2", 1)), page(row("A1", 1, **EARLIER)))
    allowances = {
        claim["stay"]: [line["days"] for line in claim["body"]["lines"] if line["rule"] == "daily_allowance"]
        for claim in live(office)
    }
    assert allowances == {"H15099900001/VA1": [5], "H15099900001/VA2": []}
    assert {each["stay"]: each["version"] for each in claims(office)} == {
        "H15099900001/VA1": 1,
        "H15099900001/VA2": 2,
    }


def test_a_transfer_that_grows_backwards_withdraws_the_claim_as_merged(office: Office) -> None:
    take(office, "east", page(row("A2", 1, fixmedins_code="H15099900002")))
    send_all(office)
    before: dict[str, Any] = {**EARLIER, "enddate": "2021-06-30", "setl_time": "2021-06-30 10:00:00"}
    take(office, "east", page(row("A1", 1, **before)))
    standing = only(live(office))
    assert standing["stay"] == "H15099900001/VA1"
    assert "transfer_to_confirm" in standing["flags"]
    gone = only([each for each in claims(office) if each["status"] == "withdrawn"])
    assert (gone["stay"], gone["body"]["reason"]) == ("H15099900002/VA2", "merged")
    assert versions(office, gone["claim_id"])[-1] == (2, "withdrawn", "pending")


def test_a_claim_after_its_last_day_is_late(office: Office, clock: Hands) -> None:
    clock.set(2021, 10, 9)
    take(office, "east", page(row("A1", 1)))
    claim = only(live(office))
    assert (claim["claim_by"], claim["flags"], claim["body"]["needs_person"]) == ("2021-10-08", "late", True)


def test_lateness_is_of_the_record_and_not_of_the_weighing(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    clock.set(2022, 1, 1)
    enrol(office, "nm", [member(1, coverage=(covered("2021-06-01", "2023-05-31"),)), member(2)])
    rescan(office)
    assert only(live(office))["flags"] == ""


# ── decisions ──


def test_what_is_decided_stays_fixed(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    decide(office, claim, version=1, outcome="approved", amount=Money(200_000))
    take(office, "east", page(row("A1", 1, refund=True)))
    assert versions(office, claim) == [(1, "proposed", "pending")]
    assert only(open_items(office)) == ("decided_before", 2, 0, '["decided_before","nm-inpatient"]')
    # The person is asked once, however often the stays are weighed.
    take(office, "east", page(row("A3", 1, **LATER)))
    assert len(open_items(office)) == 1


@pytest.mark.parametrize("how", ["corrected", "gone to a stranger", "joined"])
def test_a_change_after_the_decision_is_for_a_person(office: Office, how: str) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    decide(office, claim, version=1, outcome="paid", amount=Money(249_000))
    change = {
        "corrected": row("A1", 1, inscp_scp_amt="16000.00"),
        "gone to a stranger": row("A1", 9),
        "joined": row("A2", 1, mdtrt_id="VA1", **LATER),
    }[how]
    take(office, "east", page(change))
    assert versions(office, claim) == [(1, "proposed", "pending")]
    assert [each[0] for each in open_items(office)] == ["changed" if how == "gone to a stranger" else "decided_before"]
    assert only(claims(office))["payable"] == 249_000


def test_what_does_not_touch_a_decision_asks_nobody(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    decide(office, the_claim(office), version=1, outcome="paid", amount=Money(249_000))
    take(office, "east", page(row("A1", 1), request="the same again"), page(row("A3", 1, **LATER)))
    assert open_items(office) == []


def test_a_refused_stay_uses_no_first_stay(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    decide(office, the_claim(office), version=1, outcome="refused", amount=Money(0))
    take(office, "east", page(row("A3", 1, **LATER)))
    assert ("H15099900001/VA3", 249_000) in payable(office)


def test_a_decided_amount_uses_the_cap(office: Office) -> None:
    big: dict[str, Any] = {"medfee_sumamt": "300000.00", "inscp_scp_amt": "260000.00", "fund_pay_sumamt": "10000.00"}
    take(office, "east", page(row("A1", 1, **big)))
    decide(office, the_claim(office), version=1, outcome="approved", amount=Money(24_000_000))
    take(office, "east", page(row("A3", 1, **big, **LATER)))
    assert dict(payable(office))["H15099900001/VA3"] == 1_000_000


def test_a_decision_moves_what_else_the_person_has(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A3", 1, **LATER)))
    first = next(each for each in claims(office) if each["stay"].endswith("VA1"))
    assert dict(payable(office))["H15099900001/VA3"] == 240_000
    decide(office, first["claim_id"], version=1, outcome="refused", amount=Money(0))
    assert dict(payable(office))["H15099900001/VA3"] == 249_000


def test_a_later_decision_replaces_the_one_before(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    decide(office, claim, version=1, outcome="approved", amount=Money(200_000))
    decide(office, claim, version=1, outcome="paid", amount=Money(210_000))
    shown = show_claim(office, claim)
    assert shown["decision"] == {"outcome": "paid", "amount": "2100.00"}


@pytest.mark.parametrize("version", [0, 2, -1])
def test_a_version_that_never_was_cannot_be_decided(office: Office, version: int) -> None:
    take(office, "east", page(row("A1", 1)))
    before = everything(office)
    with pytest.raises(WrongUse):
        decide(office, the_claim(office), version=version, outcome="paid", amount=Money(1))
    with pytest.raises(WrongUse):
        decide(office, "HB" + "A" * 24, version=1, outcome="paid", amount=Money(1))
    assert everything(office) == before
    assert rows_of(office, schema.claim_decision) == []


def test_a_list_of_claims_names_nobody(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    shown = repr(list_claims(office, ClaimSearch(association="nm"), limit=10))
    assert who(1).name not in shown
    assert who(1).id_number not in shown


def test_one_person_whose_facts_contradict_each_other_holds_nobody_up(office: Office) -> None:
    twice = '[["nm-inpatient","2021-06-01","2022-05-31",null],["nm-inpatient","2021-12-01","2022-06-30",null]]'
    put_coverage(office, member(1).member_no, twice)
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    assert len(claims(office)) == 1
    with office.store.read() as tx:
        kinds = [each.kind for each in tx.execute(schema.review.select())]
    assert kinds == ["contradiction"]


def test_a_claim_tells_its_way_version_by_version(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    send_all(office)
    take(office, "east", page(row("A1", 1, fund_pay_sumamt="8000.00", psn_part_amt="12000.00")))
    shown = show_claim(office, the_claim(office))
    first, second = shown["history"]
    assert [event["what"] for event in (first, second)] == ["proposed", "amended"]
    assert (first["delivery"], first["change"], first["at"]) == ("accepted", None, office.now().isoformat())
    assert second["change"] == f"应补助金额由{first['amount']}元变为{second['amount']}元。"
    assert (second["delivery"], second["at"]) == ("pending", shown["updated_at"])
