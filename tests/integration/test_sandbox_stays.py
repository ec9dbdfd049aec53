"""The figures of life: averages, shares, and identities that hold to the fen."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.record import AMOUNT_FIELDS, SettlementRecord
from gateway.sandbox.people import Dice, Person, person_at
from gateway.sandbox.stays import (
    SHANGHAI,
    everyday,
    inpatient,
    reversal_of,
    special_outpatient,
    stays_of_year,
    transferred,
)

FIRST, LAST = date(2021, 6, 1), date(2022, 5, 31)


def people(count: int) -> list[Person]:
    return [person_at(5, index, league="wuhai", as_of=LAST) for index in range(count)]


def amounts(record: SettlementRecord) -> dict[str, int]:
    """Every amount of the record; no league of the sandbox tells what others paid out of a shared account."""
    values = {name: getattr(record, name) for name in AMOUNT_FIELDS}
    assert values.pop("shared_account_amount") is None
    assert all(isinstance(value, int) for value in values.values())
    return values


def assert_identities(record: SettlementRecord) -> None:
    """I1 to I4 of the national interface, written out once more."""
    a = amounts(record)
    own = a["full_self_amount"] + a["over_limit_amount"] + a["first_self_amount"]
    assert a["total_amount"] == own + a["in_scope_amount"]
    assert a["total_amount"] == a["fund_paid_amount"] + a["personal_amount"] + a["hospital_borne_amount"]
    assert a["personal_amount"] == a["account_amount"] + a["cash_amount"]
    assert a["fund_paid_amount"] == (
        a["pooled_fund_amount"]
        + a["civil_servant_amount"]
        + a["enterprise_amount"]
        + a["critical_illness_amount"]
        + a["large_amount_fund_amount"]
        + a["medical_aid_amount"]
        + a["other_fund_amount"]
    )


def test_a_stay_costs_and_lasts_what_it_does_in_life() -> None:
    dice, crowd = Dice("mean", 1), people(500)
    stays = [inpatient(dice, crowd[n % 500], serial=n, admitted=FIRST) for n in range(20_000)]
    days = sum(stay.inpatient_days or 0 for stay in stays) / len(stays)
    fen = sum(stay.total_amount or 0 for stay in stays) // len(stays)
    assert abs(days - 8.7) < 8.7 * 0.03
    assert abs(fen - 1_170_700) < 1_170_700 * 3 // 100
    middle = sorted(stay.total_amount or 0 for stay in stays)[10_000]
    assert middle < fen * 8 // 10, "bills are skewed to the right"


def test_as_many_members_are_in_hospital_as_in_life() -> None:
    active = [person for person in people(24_000) if person.category == "active"]
    dice, serials = Dice("year", 2), itertools.count(1)
    ill = 0
    for person in active:
        records = stays_of_year(dice, person, first=FIRST, last=LAST, serials=serials)
        ill += any(record.care_type == "inpatient" for record in records)
    assert abs(ill / len(active) - 0.1193) < 0.1193 * 0.06


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9), index=st.integers(0, 10**6))
def test_every_record_adds_up_and_so_does_its_refund(seed: int, index: int) -> None:
    person = person_at(seed, index, league="hinggan", as_of=LAST)
    dice = Dice("record", seed)
    made = [
        inpatient(dice, person, serial=1, admitted=FIRST),
        special_outpatient(dice, person, serial=2, day=FIRST),
        everyday(dice, person, serial=3, day=FIRST),
    ]
    for record in made:
        assert_identities(record)
        assert min(amounts(record).values()) >= 0
        assert (record.in_scope_amount or 0) >= (record.fund_paid_amount or 0)
        back = reversal_of(record, settled_at=record.settled_at)
        assert_identities(back)
        assert amounts(back) == {name: -value for name, value in amounts(record).items()}
        assert (back.reversal, back.reverses, back.sign) == (True, record.settlement_no, "-")


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9))
def test_a_transfer_goes_on_elsewhere_within_a_day(seed: int) -> None:
    person, dice = people(1)[0], Dice("transfer", seed)
    first = inpatient(dice, person, serial=1, admitted=FIRST)
    second = transferred(dice, person, first, serial=2)
    assert first.facility_no != second.facility_no
    assert second.admitted_on - first.discharged_on in (timedelta(0), timedelta(days=1))


def test_a_year_stays_inside_its_days_and_in_order() -> None:
    serials = itertools.count(1)
    records = [
        record
        for person in people(3_000)
        for record in stays_of_year(Dice("y", person.index), person, first=FIRST, last=LAST, serials=serials)
    ]
    assert all(FIRST <= record.settled_at.date() <= LAST for record in records)
    assert all(record.settled_at.tzinfo is SHANGHAI for record in records)
    assert len({record.settlement_no for record in records}) == len(records)
    assert {record.care_type for record in records} >= {
        "inpatient",
        "outpatient",
        "outpatient_special",
        "outpatient_chronic",
        "pharmacy",
        "emergency",
    }
