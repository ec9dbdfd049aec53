"""Reversals in every style feeds use, and what the association has already decided."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from schemes_builders import (
    IN_2020,
    IN_2021,
    amounts,
    assessed,
    decided,
    groups,
    insured,
    paid,
    reversal,
    special,
    stay,
)
from schemes_builders import at as on

from gateway.core.schemes import needs_person
from gateway.errors import BadCase
from gateway.model.record import SettlementRecord

A, B = "H15010200001", "H15020200002"
MEMBER = insured(IN_2020)
ONE = stay("S1", "2020-07-01", "2020-07-05", visit_no="V1")
POSITIVE = {name: getattr(ONE, name) for name in ("in_scope_amount", "fund_paid_amount", "total_amount")}

FULL = [
    ("own number, negative", reversal(ONE)),
    ("own number, named", reversal(ONE, reverses="S1")),
    ("new number, named", reversal(ONE, settlement_no="R1", reverses="S1")),
    ("flag with positive amounts", reversal(ONE, settlement_no="R1", reverses="S1", **POSITIVE)),
    ("same visit, opposite total", reversal(ONE, settlement_no="R1")),
    ("same visit, flag with positive amounts", reversal(ONE, settlement_no="R1", **POSITIVE)),
    ("named, without total", reversal(ONE, settlement_no="R1", reverses="S1", total_amount=None)),
    ("named, little else", SettlementRecord(settlement_no="R1", reversal=True, reverses="S1")),
]


@pytest.mark.parametrize(("style", "back"), FULL, ids=[style for style, _ in FULL])
def test_a_reversed_settlement_stands_in_no_estimate(style: str, back: SettlementRecord) -> None:
    other = stay("S2", "2020-08-01", "2020-08-05")
    assert groups(assessed(MEMBER, ONE, back)) == []
    assert groups(assessed(MEMBER, back, other, ONE)) == [("S2",)]


UNKNOWN = [
    ("names a number nobody knows", reversal(ONE, settlement_no="R1", reverses="S9")),
    ("another visit", reversal(ONE, settlement_no="R1", visit_no="V9")),
    ("same visit number elsewhere", reversal(ONE, settlement_no="R1", facility_no=B)),
    ("no visit at all", reversal(ONE, settlement_no="R1", visit_no=None)),
]


@pytest.mark.parametrize(("style", "back"), UNKNOWN, ids=[style for style, _ in UNKNOWN])
def test_a_reversal_of_something_unknown_reverses_nothing_yet(style: str, back: SettlementRecord) -> None:
    estimates = assessed(MEMBER, ONE, back)
    assert (groups(estimates), paid(estimates), estimates[0].flags) == ([("S1",)], ["1800.00"], ())


PARTIAL = [
    ("own number", reversal(ONE, total_amount=-100)),
    ("named", reversal(ONE, settlement_no="R1", reverses="S1", total_amount=-100)),
    ("the only one of its visit", reversal(ONE, settlement_no="R1", total_amount=-100)),
]


@pytest.mark.parametrize(("style", "back"), PARTIAL, ids=[style for style, _ in PARTIAL])
def test_a_partial_refund_goes_to_a_person(style: str, back: SettlementRecord) -> None:
    estimates = assessed(MEMBER, ONE, back)
    assert (groups(estimates), paid(estimates)) == ([("S1",)], ["1800.00"])
    assert estimates[0].flags == ("partial_reversal",)
    assert needs_person(estimates[0])


def test_an_unclear_reversal_leaves_all_it_could_mean_to_a_person() -> None:
    twin = stay("S2", "2020-07-01", "2020-07-05", visit_no="V1")
    (estimate,) = assessed(MEMBER, ONE, twin, reversal(ONE, settlement_no="R1"))
    assert (estimate.settlements, estimate.flags) == (("S1", "S2"), ("reversal_unclear",))


def test_a_named_reversal_makes_an_unnamed_one_clear() -> None:
    twin = stay("S2", "2020-07-01", "2020-07-05", visit_no="V1")
    backs = [reversal(ONE, settlement_no="R1"), reversal(twin, settlement_no="R2", reverses="S2")]
    assert groups(assessed(MEMBER, ONE, twin, *backs)) == []


def test_the_amount_chooses_among_settlements_of_a_visit() -> None:
    larger = stay("S2", "2020-07-05", "2020-07-09", "9000.00", visit_no="V1")
    back = reversal(larger, settlement_no="R1")
    assert groups(assessed(MEMBER, ONE, larger, back)) == [("S1",)]
    odd = reversal(ONE, settlement_no="R1", total_amount=-100)
    (estimate,) = assessed(MEMBER, ONE, larger, odd)
    assert estimate.flags == ("reversal_unclear",)


def test_full_after_partial_is_full() -> None:
    part = reversal(ONE, settlement_no="R1", reverses="S1", total_amount=-100)
    full = reversal(ONE, settlement_no="R2", reverses="S1")
    assert assessed(MEMBER, part, full, ONE) == assessed(MEMBER, full, part, ONE) == ()


def test_two_feeds_with_the_same_number_are_told_apart_by_the_facility() -> None:
    namesake = stay("S1", "2020-08-01", "2020-08-05", facility_no=B)
    (estimate,) = assessed(MEMBER, ONE, namesake, reversal(ONE))
    assert estimate.record_keys == (1,)


def test_a_reversed_first_stay_hands_the_allowance_on() -> None:
    first, second = stay("S1", "2021-07-01", "2021-07-05"), stay("S2", "2021-08-01", "2021-08-05")
    member = insured(IN_2021)
    assert [len(one.lines) for one in assessed(member, first, second)] == [2, 1]
    (left,) = assessed(member, first, second, reversal(first))
    assert amounts(left) == [("band", "2400.00"), ("daily_allowance", "40.00")]


# ── what was decided stays fixed (1.7.8) ──────


def test_a_decided_stay_keeps_its_amount() -> None:
    (estimate,) = assessed(MEMBER, ONE, decided=(decided("1234.56", "S1"),))
    assert (amounts(estimate), estimate.flags) == ([("decided", "1234.56")], ())
    assert (estimate.edition, str(estimate.claim_by)) == ("2020", "2020-10-03")


def test_a_decided_stay_uses_the_cap_before_earlier_ones() -> None:
    early, late = special("S1", on("2021-07-01"), "250000.00"), stay("S2", "2021-08-01", "2021-08-05")
    estimates = assessed(insured(IN_2021), early, late, decided=(decided("200000.00", "S2"),))
    assert paid(estimates) == ["50000.00", "200000.00"]


def test_a_decided_stay_has_the_first_stays_allowance() -> None:
    early, late = stay("S1", "2021-07-01", "2021-07-05"), stay("S2", "2021-08-01", "2021-08-05")
    following = stay("S3", "2022-07-01", "2022-07-05")
    member = insured(IN_2021, ("2022-06-01", "2023-05-31"))
    estimates = assessed(member, early, late, following, decided=(decided("2440.00", "S2"),))
    assert amounts(estimates[0]) == [("band", "2400.00")]
    assert dict(amounts(estimates[2]))["daily_allowance"] == "40.00"


def test_a_refused_stay_uses_nothing() -> None:
    early, late = stay("S1", "2021-07-01", "2021-07-05"), stay("S2", "2021-08-01", "2021-08-05")
    refusal = decided("0.00", "S1", refused=True)
    estimates = assessed(insured(IN_2021), early, late, decided=(refusal,))
    assert amounts(estimates[0]) == [("decided", "0.00")]
    assert dict(amounts(estimates[1]))["daily_allowance"] == "40.00"


def test_what_would_join_a_decided_stay_goes_to_a_person() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", facility_no=A, visit_no="V1")
    two = stay("S2", "2020-07-05", "2020-07-09", facility_no=B, visit_no="V2")
    estimates = assessed(MEMBER, one, two, decided=(decided("1800.00", "S1"),))
    assert groups(estimates) == [("S1",), ("S2",)]
    assert paid(estimates) == ["1800.00", "0.00"]
    assert [each.flags for each in estimates] == [(), ("decided_before", "transfer_to_confirm")]
    assert "合并计算应为4400.00元，已核定1800.00元，相差2600.00元" in estimates[1].lines[0].text
    assert [needs_person(each) for each in estimates] == [False, True]
    assert [each.stay for each in estimates] == [f"{A}/V1", f"{B}/V2"]


def test_a_chain_that_grows_backwards_changes_nothing_decided() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", facility_no=A, visit_no="V1")
    two = stay("S2", "2020-07-05", "2020-07-09", facility_no=B, visit_no="V2")
    estimates = assessed(MEMBER, one, two, decided=(decided("1800.00", "S2"),))
    assert [(each.settlements, each.flags[:1]) for each in estimates] == [
        (("S1",), ("decided_before",)),
        (("S2",), ()),
    ]


def test_a_later_settlement_of_a_decided_visit_has_an_identity_of_its_own() -> None:
    two = stay("S2", "2020-07-20", "2020-07-25", visit_no="V1")
    estimates = assessed(MEMBER, two, ONE, decided=(decided("1800.00", "S1"),))
    assert [each.stay for each in estimates] == [f"{A}/V1", f"{A}/s:S2"]
    assert [each.merged_stays for each in estimates] == [(), ()]


def test_a_later_settlement_of_a_decided_month_goes_to_a_person() -> None:
    one, two = special("S1", on("2020-07-01")), special("S2", on("2020-07-09"))
    estimates = assessed(MEMBER, one, two, decided=(decided("300.00", "S1"),))
    assert [(each.stay, each.flags) for each in estimates] == [
        ("month/2020-07", ()),
        (f"{A}/s:S2", ("decided_before",)),
    ]
    assert "应为600.00元，已核定300.00元，相差300.00元" in estimates[1].lines[0].text


def test_a_decided_chain_stays_one() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", facility_no=A, visit_no="V1")
    two = stay("S2", "2020-07-05", "2020-07-09", facility_no=B, visit_no="V2")
    (estimate,) = assessed(MEMBER, two, one, decided=(decided("4400.00", "S1", "S2"),))
    assert (estimate.settlements, estimate.flags) == (("S1", "S2"), ("transfer_to_confirm",))
    moved = stay("S2", "2020-09-05", "2020-09-09", facility_no=B, visit_no="V2")
    (still,) = assessed(MEMBER, moved, one, decided=(decided("4400.00", "S1", "S2"),))
    assert (still.settlements, paid((still,))) == (("S1", "S2"), ["4400.00"])


def test_a_decided_settlement_settled_again_goes_to_a_person() -> None:
    again = stay("S2", "2020-07-01", "2020-07-05", "8000.00", visit_no="V1")
    (estimate,) = assessed(MEMBER, ONE, reversal(ONE), again, decided=(decided("1800.00", "S1"),))
    assert (estimate.settlements, estimate.flags) == (("S2",), ("decided_before",))
    assert "应为2400.00元，已核定1800.00元，相差600.00元" in estimate.lines[0].text


def test_a_decided_stay_that_was_reversed_still_uses_the_cap() -> None:
    big = special("S2", on("2020-08-01"), "250000.00")
    estimates = assessed(MEMBER, ONE, reversal(ONE), big, decided=(decided("200000.00", "S1"),))
    assert [(each.settlements, each.flags) for each in estimates] == [
        (("S1",), ("recover_to_confirm",)),
        (("S2",), ()),
    ]
    assert paid(estimates) == ["200000.00", "50000.00"]
    assert needs_person(estimates[0])


def test_what_was_refused_and_reversed_leaves_nothing_to_recover() -> None:
    assert assessed(MEMBER, ONE, reversal(ONE), decided=(decided("0.00", "S1", refused=True),)) == ()


def test_cover_that_goes_behind_a_decided_stay_is_to_be_recovered() -> None:
    other_year = insured(IN_2021)
    (estimate,) = assessed(other_year, ONE, decided=(decided("1800.00", "S1"),))
    assert (estimate.edition, paid((estimate,)), estimate.flags) == (None, ["1800.00"], ("recover_to_confirm",))
    (refused,) = assessed(other_year, ONE, decided=(decided("0.00", "S1", refused=True),))
    assert refused.flags == ()


AGAIN = [
    ("without visits", {"visit_no": None}, {"visit_no": None}),
    ("a new visit number", {"visit_no": "V1"}, {"visit_no": "V2"}),
    ("the same visit number", {"visit_no": "V1"}, {"visit_no": "V1"}),
    ("the later one longer", {"visit_no": "V1"}, {"visit_no": None, "discharged_on": date(2021, 7, 9)}),
]


@pytest.mark.parametrize(("style", "before", "after"), AGAIN, ids=[style for style, *_ in AGAIN])
def test_a_decided_stay_settled_again_under_any_number_is_not_paid_twice(
    style: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    member = insured(IN_2021)
    one = stay("A", "2021-07-01", "2021-07-05", "8000.00", **before)
    again = stay("A2", "2021-07-01", "2021-07-05", "12000.00", **after)
    settled = (one, reversal(one, settlement_no="AR", reverses="A"), again)
    (estimate,) = assessed(member, *settled, decided=(decided("3240.00", "A"),))
    assert (estimate.settlements, estimate.flags, paid((estimate,))) == (("A2",), ("decided_before",), ["0.00"])
    # 40 % of 10,000, 70 % of 2,000 and 10 yuan a day; 8 nights where it is longer.
    nights = 8 if "discharged_on" in after else 4
    assert estimate.difference == 540_000 + 1_000 * nights - 324_000


@pytest.mark.parametrize("elsewhere", [{"facility_no": B}, {"admitted_on": date(2021, 7, 2)}, {"facility_no": None}])
def test_what_begins_elsewhere_or_later_is_a_stay_of_its_own(elsewhere: dict[str, Any]) -> None:
    one = stay("A", "2021-07-01", "2021-07-05", "8000.00")
    other = stay("A2", "2021-07-01", "2021-07-05", "12000.00", **elsewhere)
    estimates = assessed(insured(IN_2021), one, reversal(one), other, decided=(decided("3240.00", "A"),))
    assert {each.settlements: each.flags for each in estimates} == {("A",): ("recover_to_confirm",), ("A2",): ()}


def test_what_was_decided_too_stands_in_place_of_what_was_reversed() -> None:
    one = stay("A", "2021-07-01", "2021-07-05", "8000.00")
    again = stay("A2", "2021-07-01", "2021-07-05", "12000.00")
    both = (decided("3240.00", "A"), decided("2200.00", "A2"))
    estimates = assessed(insured(IN_2021), one, reversal(one), again, decided=both)
    assert [(each.settlements, each.flags) for each in estimates] == [(("A2",), ())]


def test_a_difference_counts_what_other_decisions_used_up_of_the_cap() -> None:
    """Of 250,000 yuan 240,000 went to another stay, so the whole is worth the 10,000 that were left beside it."""
    other = special("B", on("2021-08-01"), "250000.00")
    one = stay("A", "2021-07-01", "2021-07-05", "8000.00")
    again = stay("A2", "2021-07-01", "2021-07-05", "90000.00")
    given = (decided("240000.00", "B"), decided("30000.00", "A"))
    estimates = assessed(insured(IN_2021), one, reversal(one), again, other, decided=given)
    (asked,) = [each for each in estimates if each.flags == ("decided_before",)]
    assert asked.difference == 1_000_000 - 3_000_000


def test_a_decided_chain_of_which_a_part_was_reversed_goes_to_a_person() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", facility_no=A, visit_no="V1")
    two = stay("S2", "2020-07-05", "2020-07-09", facility_no=B, visit_no="V2")
    (estimate,) = assessed(MEMBER, one, two, reversal(one), decided=(decided("4400.00", "S1", "S2"),))
    assert (estimate.settlements, estimate.flags) == (("S2",), ("decided_before",))
    assert (estimate.stay, paid((estimate,))) == (f"{A}/V1", ["4400.00"])


def test_a_settlement_decided_twice_is_refused() -> None:
    with pytest.raises(BadCase, match="decided_twice"):
        assessed(MEMBER, ONE, decided=(decided("1.00", "S1"), decided("2.00", "S1")))


def test_a_decision_about_nothing_known_changes_nothing() -> None:
    assert paid(assessed(MEMBER, ONE, decided=(decided("9.00", "S9"),))) == ["1800.00"]
