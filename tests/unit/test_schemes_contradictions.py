"""Bills that contradict themselves or each other are paid as they are told, and the estimate of a case says so."""

from __future__ import annotations

from typing import Any

import pytest
from schemes_builders import family

from gateway.core.schemes.cases import answer_case

Row = dict[str, Any]


def bill(number: str, admitted: str, discharged: str, **given: Any) -> Row:
    """8,000.00 of self-pay in scope, of 9,000.00 in all."""
    row = {
        "settlement_no": number,
        "care_type": "inpatient",
        "facility_no": "H15010200001",
        "admitted_on": admitted,
        "discharged_on": discharged,
        "settled_at": f"{discharged}T10:00:00+08:00",
        "total_amount": "9000.00",
        "in_scope_amount": "8000.00",
        "fund_paid_amount": "0.00",
    }
    return {name: value for name, value in (row | given).items() if value is not None}


def estimates(*rows: Row, **more: Any) -> list[Row]:
    member = {"category": "active", "coverage": [{"from": "2021-06-01", "to": "2022-05-31"}]}
    case = {"case": "c", "scheme": "nm-inpatient", "member": member, "settlements": list(rows), **more}
    answer = answer_case(case, {"nm-inpatient": family()})
    assert "error" not in answer, answer
    found: list[Row] = answer["estimates"]
    return found


def told(*rows: Row) -> list[tuple[str, list[str]]]:
    return [(estimate["payable"], estimate["flags"]) for estimate in estimates(*rows)]


STAY = bill("A", "2021-07-01", "2021-07-05", inpatient_days=4)
ELSEWHERE = bill("B", "2021-07-03", "2021-07-09", facility_no="H15020200002", inpatient_days=6)


def test_two_stays_at_the_same_time() -> None:
    assert told(STAY, ELSEWHERE) == [("3240.00", ["overlapping_stays"]), ("3200.00", ["overlapping_stays"])]


def test_the_same_stay_under_two_numbers_and_visits() -> None:
    again = STAY | {"settlement_no": "B", "visit_no": "V2"}
    twice = [("3240.00", ["billed_twice"]), ("3200.00", ["billed_twice"])]
    assert told(STAY | {"visit_no": "V1"}, again) == twice
    assert told(STAY, STAY | {"settlement_no": "B", "total_amount": "9000.01"})[0][1] == ["overlapping_stays"]


def test_more_in_scope_than_in_all() -> None:
    assert told(STAY | {"total_amount": "100.00"}) == [("3240.00", ["scope_exceeds_total"])]
    assert told(STAY | {"total_amount": "8000.00"}) == [("3240.00", [])]


def test_days_that_the_stay_does_not_have() -> None:
    # 3,200.00 and thirty days of 10.00, which is as many as an allowance is paid for.
    assert told(STAY | {"inpatient_days": 300}) == [("3500.00", ["days_to_confirm"])]


def test_one_day_on_the_sheet_of_a_stay_that_ended_before_it_began() -> None:
    impossible = STAY | {"discharged_on": "2021-06-25", "settled_at": "2021-07-05T10:00:00+08:00", "inpatient_days": 1}
    assert told(impossible) == [("0.00", ["incomplete", "days_to_confirm"])]


@pytest.mark.parametrize(
    ("admitted", "discharged", "far"), [("2021-07-12", "2021-07-14", False), ("2021-07-13", "2021-07-14", True)]
)
def test_bills_of_one_visit_far_apart_are_one_stay_and_say_so(admitted: str, discharged: str, far: bool) -> None:
    """A week between them is not far, the day after it is."""
    rows = [STAY | {"visit_no": "V"}, bill("B", admitted, discharged, visit_no="V")]
    (estimate,) = estimates(*rows)
    assert ("visit_far_apart" in estimate["flags"]) is far
    assert estimate["settlements"] == ["A", "B"]


@pytest.mark.parametrize(
    "other",
    [
        bill("B", "2021-07-05", "2021-07-09", facility_no="H15020200002"),
        bill("B", "2021-07-03", "2021-07-09", visit_no="V"),
        bill("B", "2021-07-03", "2021-07-09", care_type="pharmacy"),
        bill("B", "2021-06-20", "2021-07-01"),
    ],
    ids=["transfer", "the same visit", "no stay", "the stay before"],
)
def test_what_follows_or_belongs_together_is_no_contradiction(other: Row) -> None:
    odd = {"overlapping_stays", "billed_twice", "visit_far_apart"}
    assert not odd & {flag for one in estimates(STAY | {"visit_no": "V"}, other) for flag in one["flags"]}


def test_what_was_refunded_contradicts_nothing() -> None:
    refund = STAY | {"settlement_no": "R", "reversal": True, "reverses": "A", "total_amount": "-9000.00"}
    assert told(STAY, refund, STAY | {"settlement_no": "B"}) == [("3240.00", [])]


def test_what_pays_nothing_keeps_its_one_reason() -> None:
    after = bill("A", "2022-07-01", "2022-07-05", total_amount="1.00")
    assert told(after) == [("0.00", ["not_covered"])]


def test_the_order_of_the_bills_does_not_matter() -> None:
    third = STAY | {"settlement_no": "C", "total_amount": "1.00"}
    rows = [STAY, ELSEWHERE, third]
    assert estimates(*rows) == estimates(*reversed(rows))


def test_a_line_at_the_cap_says_what_of_it_is_to_be_recovered() -> None:
    """Of 250,000.00 a year 217,000.00 went to a stay that was refunded since: the next is paid what is left, 33,000.00,
    and says why (1.7.8)."""
    first = bill("A", "2021-07-01", "2021-07-05", in_scope_amount="300000.00", total_amount="300000.00")
    refund = first | {"settlement_no": "R", "reversal": True, "reverses": "A", "total_amount": "-300000.00"}
    second = bill("B", "2021-09-01", "2021-09-05", in_scope_amount="300000.00", total_amount="300000.00")
    decision = {"settlements": ["A"], "payable": "217040.00"}
    recovered, paid = estimates(first, refund, second, decided=[decision])
    assert (recovered["flags"], paid["payable"]) == (["recover_to_confirm"], "32960.00")
    assert "217040.00元为待追回的补助" in paid["lines"][-1]["text"]
    standing = estimates(first, second, decided=[decision])[1]
    assert (standing["payable"], "待追回" in standing["lines"][-1]["text"]) == ("32960.00", False)
