"""Which settlements make one stay or month, what is set aside, and which flags send a claim to a person."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from schemes_builders import (
    IN_2020,
    IN_2021,
    amounts,
    assessed,
    day,
    family,
    groups,
    insured,
    paid,
    special,
    stay,
)
from schemes_builders import at as on

from gateway.core.schemes import assess, could_pay, needs_person
from gateway.model.benefit import ClaimDecision, Fact
from gateway.model.money import Money
from gateway.model.record import SettlementRecord

A, B, C = "H15010200001", "H15020200002", "H15030200003"
MEMBER = insured(IN_2020)
TOGETHER, APART = [("S1", "S2")], [("S1",), ("S2",)]


@pytest.mark.parametrize(
    ("where", "admitted", "expected"),
    [
        (B, "2020-07-05", TOGETHER),
        (B, "2020-07-06", TOGETHER),
        (B, "2020-07-07", APART),
        (B, "2020-07-04", APART),
        (A, "2020-07-05", APART),
        (A, "2020-07-06", APART),
        (None, "2020-07-05", APART),
    ],
)
def test_transfer_on_the_day_of_discharge_or_the_day_after(
    where: str | None, admitted: str, expected: list[tuple[str, ...]]
) -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", "6000.00", facility_no=A)
    two = stay("S2", admitted, "2020-07-20", "6000.00", facility_no=where)
    estimates = assessed(MEMBER, one, two)
    assert groups(estimates) == expected
    together = expected == TOGETHER
    assert paid(estimates) == (["4400.00"] if together else ["1800.00", "1800.00"])
    assert [one.flags for one in estimates] == ([("transfer_to_confirm",)] if together else [(), ()])


def test_a_transfers_dates_and_identity() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", facility_no=A, visit_no="V1")
    two = stay("S2", "2020-07-05", "2020-07-09", facility_no=B, visit_no="V2")
    (estimate,) = assessed(MEMBER, two, one)
    assert (estimate.admitted_on, estimate.discharged_on) == (day("2020-07-01"), day("2020-07-09"))
    assert (estimate.stay, estimate.merged_stays) == (f"{A}/V1", (f"{B}/V2",))
    assert estimate.record_keys == (1, 0)
    assert estimate.claim_by == day("2020-10-07")


def test_a_chain_of_three_and_back_again() -> None:
    records = [
        stay("S1", "2020-07-01", "2020-07-05", "4000.00", facility_no=A),
        stay("S2", "2020-07-05", "2020-07-08", "4000.00", facility_no=B),
        stay("S3", "2020-07-09", "2020-07-12", "4000.00", facility_no=A),
    ]
    (estimate,) = assessed(MEMBER, *records)
    assert (estimate.settlements, paid((estimate,))) == (("S1", "S2", "S3"), ["4400.00"])


def test_each_is_compared_only_with_the_one_just_before() -> None:
    # S2 lies between S1 and S3, so S3 is not compared with S1 although it begins when S1 ended.
    records = [
        stay("S1", "2020-07-01", "2020-07-10", facility_no=A),
        stay("S2", "2020-07-08", "2020-07-20", facility_no=C),
        stay("S3", "2020-07-10", "2020-07-12", facility_no=B),
    ]
    assert groups(assessed(MEMBER, *records)) == [("S1",), ("S2",), ("S3",)]


def test_settlements_of_one_visit_are_one_stay() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", "6000.00", visit_no="V1")
    two = stay("S2", "2020-07-20", "2020-07-25", "6000.00", visit_no="V1")
    elsewhere = stay("S3", "2020-08-01", "2020-08-05", "6000.00", visit_no="V1", facility_no=B)
    estimates = assessed(MEMBER, one, two, elsewhere)
    assert groups(estimates) == [("S1", "S2"), ("S3",)]
    assert paid(estimates) == ["4400.00", "1800.00"]
    assert (estimates[0].flags, estimates[0].merged_stays) == ((), ())


def test_sheets_that_tell_the_same_days_pay_no_night_twice() -> None:
    whole = stay("S2", "2021-12-20", "2022-01-10", visit_no="V1", inpatient_days=21)
    part = stay("S1", "2021-12-20", "2021-12-31", visit_no="V1", inpatient_days=11)
    (estimate,) = assessed(insured(IN_2021), part, whole)
    assert [line.days for line in estimate.lines if line.rule == "daily_allowance"] == [21]


def test_days_on_the_sheet_are_summed_when_every_part_gives_them() -> None:
    def days(*sheets: int | None) -> int:
        records = [
            stay("S1", "2021-07-01", "2021-07-05", facility_no=A, inpatient_days=sheets[0]),
            stay("S2", "2021-07-05", "2021-07-13", facility_no=B, inpatient_days=sheets[1]),
        ]
        (estimate,) = assessed(insured(IN_2021), *records)
        (found,) = [line.days for line in estimate.lines if line.rule == "daily_allowance"]
        assert found is not None
        return found

    assert [days(3, 4), days(4, 8), days(3, None), days(0, 9), days(7, 0), days(0, 0)] == [7, 12, 12, 12, 12, 12]
    # No day is paid twice: from 1 to 13 July there are twelve nights.
    assert days(5, 9) == 12


def test_a_sheet_of_0_days_says_nothing_in_a_transfer_either() -> None:
    """7 nights and 15, the second sheet without days: 22 days at 10 yuan."""
    records = [
        stay("A", "2021-07-01", "2021-07-08", "10000.00", facility_no=A, inpatient_days=7),
        stay("B", "2021-07-08", "2021-07-23", "10000.00", facility_no=B, inpatient_days=0),
    ]
    (estimate,) = assessed(insured(IN_2021), *records)
    assert dict(amounts(estimate))["daily_allowance"] == "220.00"


def test_one_part_without_an_amount_makes_the_stay_incomplete() -> None:
    one = stay("S1", "2020-07-01", "2020-07-05", facility_no=A)
    two = stay("S2", "2020-07-05", "2020-07-09", facility_no=B, in_scope_amount=None)
    (estimate,) = assessed(MEMBER, one, two)
    assert (paid((estimate,)), estimate.flags) == (["0.00"], ("incomplete", "transfer_to_confirm"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"facility_no": A, "visit_no": "V1"}, f"{A}/V1"),
        ({"facility_no": A}, f"{A}/s:S1"),
        ({"facility_no": None}, "/s:S1"),
    ],
)
def test_the_identity_of_a_stay(fields: dict[str, Any], expected: str) -> None:
    (estimate,) = assessed(MEMBER, stay("S1", "2020-07-01", "2020-07-05", **fields))
    assert estimate.stay == expected


# ── months of special outpatient care ──────


def test_a_month_makes_one_estimate() -> None:
    records = [
        special("S1", on("2021-07-31"), "8000.00"),
        special("S2", on("2021-07-02"), "8000.00", facility_no=B),
        special("S3", on("2021-08-01"), "8000.00"),
    ]
    estimates = assessed(insured(IN_2021), *records)
    assert groups(estimates) == [("S2", "S1"), ("S3",)]
    assert paid(estimates) == ["8200.00", "3200.00"]
    assert [one.stay for one in estimates] == ["month/2021-07", "month/2021-08"]
    assert [one.flags for one in estimates] == [(), ()]


def test_the_month_is_that_of_shanghai() -> None:
    before = special("S1", on("2021-07-31", hour=15, zone=UTC))
    after = special("S2", on("2021-07-31", hour=16, zone=UTC))
    west = special("S3", on("2021-07-31", hour=11, zone=timezone(timedelta(hours=-5))))
    estimates = assessed(insured(IN_2021), before, after, west)
    assert groups(estimates) == [("S1",), ("S2", "S3")]


EDGES = [
    ("the cover begins inside of the month", ("2021-06-16", "2022-06-15"), "2021-06-10", "2021-06-20"),
    ("the cover ends inside of the month", ("2021-06-16", "2022-06-15"), "2022-06-20", "2022-06-10"),
]


@pytest.mark.parametrize(("edge", "cover", "outside", "inside"), EDGES, ids=[edge for edge, *_ in EDGES])
def test_a_month_pays_for_its_covered_days(edge: str, cover: tuple[str, str], outside: str, inside: str) -> None:
    """Only what happened outside is excluded (A18.1): 40 % of 8,000 yuan, whichever of the two came last."""
    member = insured(cover)
    covered, uncovered = special("A", on(inside), "8000.00"), special("B", on(outside), "8000.00")
    assert assessed(member, uncovered)[0].flags == ("not_covered",)
    (both,) = assessed(member, covered, uncovered)
    assert (set(both.settlements), paid((both,)), both.edition) == ({"A", "B"}, ["3200.00"], "2021")
    assert (both.flags, both.claim_by) == ((), max(day(inside), day(outside)) + timedelta(days=90))


def test_what_a_month_leaves_out_need_not_be_complete() -> None:
    member = insured(("2021-06-16", "2022-06-15"))
    unknown = special("B", on("2021-06-10"), in_scope_amount=None)
    (both,) = assessed(member, special("A", on("2021-06-20"), "8000.00"), unknown)
    assert (paid((both,)), both.flags) == (["3200.00"], ())
    (torn,) = assessed(insured(IN_2021), special("A", on("2021-06-20"), "8000.00"), unknown)
    assert torn.flags == ("incomplete",)


def test_a_month_over_two_periods_belongs_to_that_of_its_last_covered_day() -> None:
    member = insured(("2020-06-16", "2021-06-15"), ("2021-06-16", "2022-06-15"))
    (both,) = assessed(member, special("A", on("2021-06-10"), "8000.00"), special("B", on("2021-06-20"), "8000.00"))
    # 40 % of 10,000 and 70 % of 6,000.
    assert (paid((both,)), both.period_from) == (["8200.00"], day("2021-06-16"))


def test_a_month_has_no_allowance_no_floor_and_no_proration() -> None:
    (estimate,) = assessed(insured(IN_2021), special("S1", on("2021-07-05"), "100.00", inpatient_days=5))
    assert amounts(estimate) == [("band", "40.00")]


def test_a_month_stands_where_its_last_settlement_does() -> None:
    records = [
        special("S1", on("2021-07-01")),
        special("S2", on("2021-07-20")),
        stay("S3", "2021-07-10", "2021-07-30"),
        stay("S4", "2021-07-25", "2021-07-26", facility_no=B),
    ]
    assert groups(assessed(insured(IN_2021), *records)) == [("S3",), ("S1", "S2"), ("S4",)]


def test_special_care_without_a_settlement_time_stands_alone() -> None:
    known, unknown = special("S1", on("2021-07-01")), special("S2", on("2021-07-01"), settled_at=None)
    estimates = assessed(insured(IN_2021), unknown, known)
    assert [(one.settlements, one.flags) for one in estimates] == [(("S1",), ()), (("S2",), ("incomplete",))]


# ── what is set aside ──────

ASIDE = [
    ("inpatient", "510", "maternity_insurance", False),
    ("pharmacy", "510", "maternity_insurance", False),
    ("maternity_inpatient", "310", "maternity_insurance", True),
    ("maternity_inpatient", "510", "maternity_insurance", False),
    ("maternity_inpatient", None, "maternity_insurance", False),
    ("maternity_outpatient", "310", "maternity_insurance", False),
    ("family_planning", "390", "maternity_insurance", False),
    ("inpatient", "390", "not_employee_insurance", False),
    ("outpatient", "390", "not_employee_insurance", False),
    ("outpatient", "310", "not_payable_care", False),
    ("outpatient_chronic", None, "not_payable_care", False),
    ("pharmacy", None, "not_payable_care", False),
    ("other", None, "not_payable_care", False),
]


@pytest.mark.parametrize(("care", "insurance", "flag", "person"), ASIDE)
def test_set_aside_with_its_one_reason(care: str, insurance: str | None, flag: str, person: bool) -> None:
    record = stay("S1", "2020-07-01", "2020-07-05", care_type=care, insurance_type=insurance)
    old = insured(IN_2020, born="1930-01-01")
    (estimate,) = assessed(old, record)
    assert (paid((estimate,)), estimate.flags, estimate.edition) == (["0.00"], (flag,), "2020")
    assert could_pay(record, family()) is person
    assert needs_person(estimate) is person


@pytest.mark.parametrize("care", ["inpatient", "outpatient_special"])
@pytest.mark.parametrize("insurance", ["310", None])
def test_what_could_be_paid(care: str, insurance: str | None) -> None:
    record = stay("S1", "2020-07-01", "2020-07-05", care_type=care, insurance_type=insurance)
    assert could_pay(record, family())
    assert paid(assessed(MEMBER, record)) == ["1800.00"]


def test_what_is_set_aside_does_not_stand_between_a_transfer() -> None:
    records = [
        stay("S1", "2020-07-01", "2020-07-05", facility_no=A),
        stay("S2", "2020-07-03", "2020-07-03", facility_no=C, care_type="emergency"),
        stay("S3", "2020-07-05", "2020-07-09", facility_no=B),
    ]
    assert groups(assessed(MEMBER, *records)) == [("S1", "S3"), ("S2",)]


def test_not_covered() -> None:
    (estimate,) = assessed(insured(), stay("S1", "2020-07-01", "2020-07-05", care_type_code="22"))
    assert (estimate.flags, estimate.edition, estimate.claim_by) == (("not_covered",), None, None)
    assert not needs_person(estimate)


def test_a_stay_that_is_not_covered_needs_no_amounts() -> None:
    (estimate,) = assessed(insured(), stay("S1", "2020-07-01", "2020-07-05", in_scope_amount=None))
    assert estimate.flags == ("not_covered",)


# ── flags ──────


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"care_region": "110101", "insured_region": "150102"}, ("referral_to_confirm",)),
        ({"care_region": "150202", "insured_region": "150102"}, ("referral_to_confirm",)),
        ({"care_region": "150125", "insured_region": "150102"}, ()),
        ({"care_region": "110101"}, ()),
        ({"insured_region": "150102"}, ()),
        ({"care_type_code": "22"}, ("injury_to_confirm",)),
        ({"care_type_code": "21"}, ()),
    ],
)
def test_flags_that_send_a_claim_to_a_person(fields: dict[str, Any], flags: tuple[str, ...]) -> None:
    (estimate,) = assessed(MEMBER, stay("S1", "2020-07-01", "2020-07-05", **fields))
    assert estimate.flags == flags
    assert paid((estimate,)) == ["1800.00"]
    assert needs_person(estimate) is bool(flags)


def test_a_claim_of_nothing_with_only_such_flags_needs_nobody() -> None:
    record = stay("S1", "2020-07-01", "2020-07-05", "0.00", care_type_code="22")
    (estimate,) = assessed(MEMBER, record)
    assert (paid((estimate,)), estimate.flags) == (["0.00"], ("injury_to_confirm",))
    assert not needs_person(estimate)


def test_an_incomplete_one_needs_a_person() -> None:
    (estimate,) = assessed(MEMBER, stay("S1", "2020-07-01", "2020-07-05", in_scope_amount=None))
    assert needs_person(estimate)


# ── emergency care that became a stay (1.7.13, fn②) ──────

CARE = stay("A", "2021-07-01", "2021-07-05", "8000.00")


def emergency(number: str, settled: str, **given: Any) -> SettlementRecord:
    """Emergency care with a self-pay of 2,000 yuan, of which only the day of settlement is known."""
    fields: dict[str, Any] = {"admitted_on": None, "discharged_on": None, "settled_at": on(settled)}
    return stay(number, "2021-07-01", "2021-07-01", "2000.00", **(fields | {"care_type": "emergency"} | given))


def part_of_the_stay(*numbers: str) -> Fact:
    return Fact(kind="emergency_part", on=day("2021-08-01"), settlements=numbers)


@pytest.mark.parametrize("settled", ["2021-07-01", "2021-06-30"])
def test_emergency_care_before_an_admission_is_asked_about_with_the_stay(settled: str) -> None:
    estimates = {each.settlements: each for each in assessed(insured(IN_2021), CARE, emergency("E", settled))}
    assert {numbers: (paid((each,)), each.flags) for numbers, each in estimates.items()} == {
        ("A",): (["3240.00"], ("emergency_to_confirm",)),
        ("E",): (["0.00"], ("emergency_to_confirm",)),
    }
    assert all(needs_person(each) for each in estimates.values())


def test_once_a_person_agreed_emergency_care_is_part_of_its_stay() -> None:
    """40 % of 10,000 yuan, and the four days of the stay, whose admission does not change."""
    care = emergency("E", "2021-06-30", admitted_on=day("2021-06-30"))
    (estimate,) = assess(insured(IN_2021), [care, CARE], family(), facts=[part_of_the_stay("E")])
    assert (estimate.settlements, paid((estimate,)), estimate.flags) == (("A", "E"), ["4040.00"], ())
    assert (estimate.admitted_on, estimate.record_keys) == (day("2021-07-01"), (1, 0))
    assert estimate.merged_stays == (f"{A}/s:E",)


ELSEWHERE = [
    ("two days before", emergency("E", "2021-06-29")),
    ("the day after", emergency("E", "2021-07-02")),
    ("another facility", emergency("E", "2021-07-01", facility_no=B)),
    ("an unknown facility", emergency("E", "2021-07-01", facility_no=None)),
    ("an unknown day", emergency("E", "2021-07-01", settled_at=None)),
    ("a pharmacy", emergency("E", "2021-07-01", care_type="pharmacy")),
]


@pytest.mark.parametrize(("why", "care"), ELSEWHERE, ids=[why for why, _ in ELSEWHERE])
def test_other_emergency_care_is_not_paid_whatever_was_agreed(why: str, care: SettlementRecord) -> None:
    for agreed in ([], ["E"]):
        estimates = assess(insured(IN_2021), [care, CARE], family(), facts=[part_of_the_stay(*agreed)])
        assert sorted((each.settlements, each.flags) for each in estimates) == [
            (("A",), ()),
            (("E",), ("not_payable_care",)),
        ]


def test_emergency_care_under_another_insurance_keeps_its_reason() -> None:
    care = emergency("E", "2021-07-01", insurance_type="390")
    assert assessed(insured(IN_2021), care, CARE)[0].flags in ((), ("not_employee_insurance",))
    assert {each.flags for each in assessed(insured(IN_2021), care, CARE)} == {(), ("not_employee_insurance",)}


def test_emergency_care_without_an_amount_makes_its_stay_incomplete() -> None:
    care = emergency("E", "2021-07-01", in_scope_amount=None)
    (estimate,) = assess(insured(IN_2021), [care, CARE], family(), facts=[part_of_the_stay("E")])
    assert (paid((estimate,)), estimate.flags) == (["0.00"], ("incomplete",))


def test_emergency_care_agreed_on_after_a_decision_changes_nothing_by_itself() -> None:
    made = (ClaimDecision(settlements=("A",), payable=Money(324_000)),)
    care = emergency("E", "2021-07-01")
    estimates = assess(insured(IN_2021), [care, CARE], family(), made, facts=[part_of_the_stay("E")])
    assert {each.settlements: (paid((each,)), each.flags, each.difference) for each in estimates} == {
        ("A",): (["3240.00"], (), None),
        ("E",): (["0.00"], ("decided_before",), 80_000),
    }
    both = (ClaimDecision(settlements=("A", "E"), payable=Money(404_000)),)
    (whole,) = assessed(insured(IN_2021), care, CARE, decided=both)
    assert (whole.settlements, paid((whole,)), whole.flags) == (("A", "E"), ["4040.00"], ())


def test_emergency_care_could_be_part_of_a_stay_and_is_looked_at() -> None:
    alone = emergency("E", "2021-07-01")
    assert could_pay(alone, family())
    assert not could_pay(emergency("E", "2021-07-01", insurance_type="510"), family())
    (estimate,) = assessed(insured(IN_2021), alone)
    assert (estimate.flags, needs_person(estimate)) == (("not_payable_care",), False)


# ── what no stay can be (1.7.4): paid as it is told, and a person looks ──────

CONTRADICTIONS = [
    ("as many days as nights", {"inpatient_days": 4}, "40.00", ()),
    ("the last day counted too", {"inpatient_days": 5}, "50.00", ()),
    ("one more", {"inpatient_days": 6}, "60.00", ("days_to_confirm",)),
    ("300 days in 4 nights", {"inpatient_days": 300}, "300.00", ("days_to_confirm",)),
    ("no days on the sheet", {"inpatient_days": 0}, "40.00", ()),
]


@pytest.mark.parametrize(
    ("what", "told", "allowance", "flags"), CONTRADICTIONS, ids=[what for what, *_ in CONTRADICTIONS]
)
def test_what_contradicts_itself_is_paid_as_told_and_flagged(
    what: str, told: dict[str, Any], allowance: str, flags: tuple[str, ...]
) -> None:
    (estimate,) = assessed(insured(IN_2021), stay("A", "2021-07-01", "2021-07-05", "8000.00", **told))
    assert amounts(estimate) == [("band", "3200.00"), ("daily_allowance", allowance)]
    assert (estimate.flags, needs_person(estimate)) == (flags, bool(flags))


def test_a_same_day_stay_with_two_days_on_its_sheet_is_flagged() -> None:
    (estimate,) = assessed(insured(IN_2021), stay("A", "2021-07-01", "2021-07-01", inpatient_days=2))
    assert estimate.flags == ("days_to_confirm",)
    (one,) = assessed(insured(IN_2021), stay("A", "2021-07-01", "2021-07-01", inpatient_days=1))
    assert one.flags == ()
