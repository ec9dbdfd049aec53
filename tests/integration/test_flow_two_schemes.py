"""An association with several schemes: one stands on what another pays, and one pays at a diagnosis only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    adds_up,
    claims,
    empty,
    live,
    member,
    only,
    page,
    payable,
    records,
    row,
    rows_of,
    take,
)
from facts_side import EVENT, STAY, XINKANG, confirmed, ill, office_with, period, woman

from gateway.flow.batches.deciding_holds import accept_hold, list_holds
from gateway.flow.delivery.claims import decide
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

MUNICIPAL = period("sh-active", "2021-02-01", "2022-01-31")
ON_TOP = period("jingan", "2021-01-01", "2021-12-31")
BILL: dict[str, Any] = {"hifp_pay": "9000.00", "act_pay_dedc": "1000.00"}
"""15,000 within scope, 9,000 paid by the fund, 1,000 deductible: the municipal plan pays 60 % of 5,000."""


@pytest.fixture
def shanghai(make_office: MakeOffice, database_url: str) -> Office:
    # The one that stands on the other is named first: the order of the file must not matter.
    office = office_with(make_office, database_url, "jingan", "sh-active")
    enrol(office, "nm", [member(1, coverage=(MUNICIPAL, ON_TOP))])
    return office


def by_scheme(office: Office) -> dict[str, int]:
    """Scheme → what its standing claims pay, in fen."""
    found: dict[str, int] = {}
    for each in live(office):
        found[each["scheme"]] = found.get(each["scheme"], 0) + each["payable"]
    return found


# ── one scheme on top of another ──


def test_the_second_pays_on_what_the_first_left(shanghai: Office) -> None:
    take(shanghai, "east", page(row("A1", 1, **BILL)))
    # 25 % of 15,000 − 9,000 − 3,000.
    assert by_scheme(shanghai) == {"sh-active": 300_000, "jingan": 75_000}
    assert len({each["claim_id"] for each in claims(shanghai)}) == 2


def test_a_correction_moves_both(shanghai: Office) -> None:
    take(shanghai, "east", page(row("A1", 1, **BILL)))
    take(shanghai, "east", page(row("A1", 1, **{**BILL, "act_pay_dedc": "2000.00"}), request="again"))
    assert by_scheme(shanghai) == {"sh-active": 240_000, "jingan": 90_000}
    assert [each["version"] for each in claims(shanghai)] == [2, 2]
    take(shanghai, "east", page(row("A1", 1, refund=True, **{**BILL, "hifp_pay": "-9000.00"})))
    # What was pushed this day now takes for the third time, from a site of two claims: a person is asked first.
    assert by_scheme(shanghai) == {"sh-active": 240_000, "jingan": 90_000}
    [hold] = list_holds(shanghai)
    assert (hold.state, hold.claims, hold.before, hold.after) == ("open", 2, "3300.00", "0.00")
    assert accept_hold(shanghai, hold.hold_id, by="甲").outcome == "accepted"
    assert by_scheme(shanghai) == {}


def test_what_was_decided_about_the_first_is_what_the_second_stands_on(shanghai: Office) -> None:
    take(shanghai, "east", page(row("A1", 1, **BILL)))
    first = only([each for each in claims(shanghai) if each["scheme"] == "sh-active"])
    decide(shanghai, first["claim_id"], version=1, outcome="approved", amount=Money(250_000))
    assert by_scheme(shanghai) == {"sh-active": 300_000, "jingan": 87_500}


def test_each_pays_those_who_joined_it(shanghai: Office) -> None:
    enrol(shanghai, "nm", [member(2, coverage=(MUNICIPAL,)), member(3, coverage=(ON_TOP,))])
    take(shanghai, "east", page(row("A2", 2, **BILL)))
    assert by_scheme(shanghai) == {"sh-active": 300_000}
    take(shanghai, "east", page(row("A3", 3, **BILL)))
    assert by_scheme(shanghai) == {"sh-active": 300_000, "jingan": 150_000}
    # Who joins the other one too gets what is due, and what stands on it changes.
    enrol(shanghai, "nm", [member(3, coverage=(ON_TOP, MUNICIPAL))])
    rescan_and_judge(shanghai)
    assert by_scheme(shanghai) == {"sh-active": 600_000, "jingan": 75_000}


# ── one that pays at a diagnosis, beside one that pays care ──


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    clock.set(2022, 10, 8, 9)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1), woman(2)])
    return office


def test_a_stay_with_the_diagnosis_is_a_claim_of_each(office: Office) -> None:
    both = (XINKANG, period("nm-inpatient", "2022-06-01", "2023-05-31"))
    enrol(office, "nm", [woman(3, coverage=both)])
    take(office, "east", page(row("A1", 3, **STAY, dise_codg="C50.900")))
    assert {each["scheme"]: each["payable"] > 0 for each in live(office)} == {"nm-inpatient": True, "nm-women": False}
    care = [each for each in live(office) if each["scheme"] == "nm-inpatient"]
    confirmed(office, 3)
    assert [each for each in live(office) if each["scheme"] == "nm-inpatient"] == care
    assert by_scheme(office)["nm-women"] == 3_200_000


def test_only_settlements_with_such_a_diagnosis_are_kept(office: Office) -> None:
    take(office, "east", page(ill("A1", 1, dise_codg="I10.x00"), ill("A2", 1, dise_codg=None), ill("A3", 2)))
    assert adds_up(office) == {"left": 2, "member": 1}
    assert [each["record"]["settlement_no"] for each in records(office)] == ["A3"]
    assert payable(office) == [(EVENT, 0)]


def test_who_is_not_in_the_scheme_has_no_claim_of_it(office: Office) -> None:
    """Not even where a settlement leaves something in doubt: maternity under employee insurance, no day."""
    enrol(office, "nm", [woman(3, coverage=(period("nm-inpatient", "2022-06-01", "2023-05-31"),))])
    rows = [ill("A1", 3), row("A2", 3, **{**STAY, "med_type": "52"}), row("A3", 1, begndate=None, enddate=None)]
    take(office, "east", page(*rows))
    assert {(each["scheme"], each["member_id"]) for each in live(office)} <= {("nm-inpatient", 3)}
    enrol(office, "nm", [woman(3, coverage=(XINKANG,))])
    rescan_and_judge(office)
    # Now she is: the settlement was kept, and what the other scheme owed is taken back.
    assert [(each["scheme"], each["stay"]) for each in live(office)] == [("nm-women", EVENT)]


def refunds() -> Sequence[tuple[int, ...]]:
    return list(permutations((0, 1)))


@pytest.mark.parametrize("order", refunds())
@pytest.mark.parametrize("codes", ["C50.900", None])
def test_a_refund_takes_the_diagnosis_back_whatever_it_tells(
    office: Office, order: tuple[int, ...], codes: str | None
) -> None:
    pages = [page(ill("A1", 1)), page(ill("A1", 1, refund=True, dise_codg=codes))]
    take(office, "east", *(pages[at] for at in order))
    assert live(office) == []
    assert adds_up(office) == {"member": 2}


def test_a_diagnosis_taken_back_by_a_correction(office: Office) -> None:
    take(office, "east", page(ill("A1", 1)))
    take(office, "east", page(ill("A1", 1, dise_codg="N60.100"), request="again"))
    assert live(office) == []
    assert adds_up(office) == {"superseded": 1, "left": 1}
    assert rows_of(office, schema.record) == []
    empty(office)
