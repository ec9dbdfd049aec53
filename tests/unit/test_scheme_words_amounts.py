"""Words of the scheme language that rules of other unions needed, each with figures of their public texts.

Every scheme here is a few lines; the arithmetic stands beside the expected value. What the published schemes pay as a
whole stands in the cases beside `config/schemes`.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scheme_words import answers, death, estimates, family_of, member, payables, period, share, stay

from gateway.core.schemes import Insured, assess
from gateway.model.member import Coverage
from gateway.model.record import SettlementRecord

YEAR = ("2025-01-01", "2025-12-31")


def test_a_class_of_members_has_its_own_rate_and_deductibles(tmp_path: Path) -> None:
    """First and later stay with their own deductible, by class (北京: 劳模、困难职工)."""
    rules = share(0.5, 'without_classes = ["劳模"]', deductible="{ first = 1300, later = 650 }") + share(
        0.9, 'classes = ["劳模"]', name="model", deductible="{ first = 650, later = 325 }"
    )
    family = family_of(tmp_path, rules)
    stays = [stay("A", "2025-03-01", "3000.00"), stay("B", "2025-06-01", "3000.00")]
    # (3000 - 1300) x 0.5 = 850, (3000 - 650) x 0.5 = 1175; (3000 - 650) x 0.9 = 2115, (3000 - 325) x 0.9 = 2407.50
    assert payables(family, member(YEAR), stays) == ["850.00", "1175.00"]
    assert payables(family, member(YEAR, classes=["劳模", "工会主席"]), stays) == ["2115.00", "2407.50"]
    assert payables(family, member(YEAR, classes=["困难职工"]), stays) == ["850.00", "1175.00"]


def test_a_period_has_its_own_classes_and_shares(tmp_path: Path) -> None:
    family = family_of(
        tmp_path,
        share(0.5, 'classes = ["劳模"]'),
        '[[caps]]\namount = 100\nper = "period"\nper_share = true\narticle = "a"',
    )
    row = {"from": "2025-01-01", "to": "2025-12-31", "classes": ["劳模"], "shares": 3}
    next_year = {"from": "2026-01-01", "to": "2026-12-31", "classes": ["劳模"]}
    someone = {"category": "active", "coverage": [row, next_year], "shares": 2}
    stays = [stay("A", "2025-03-01", "1000.00"), stay("B", "2026-03-01", "1000.00")]
    assert payables(family, someone, stays) == ["300.00", "200.00"]


def test_at_most_two_claims_a_period(tmp_path: Path) -> None:
    """深圳: 每人最多申领两次. What pays nothing is no claim."""
    twice = '[[exclusions]]\nreason = "claims_used"\npaid_from = 2\narticle = "最多申领两次"'
    family = family_of(tmp_path, share(0.5), twice)
    stays = [stay(number, f"2025-0{month}-01", x) for number, month, x in
             (("A", 1, "1000.00"), ("B", 2, "0.00"), ("C", 3, "1000.00"), ("D", 4, "1000.00"))]  # fmt: skip
    found = estimates(family, member(YEAR, ("2026-01-01", "2026-12-31")), [*stays, stay("E", "2026-02-01", "1000.00")])
    assert [one["payable"] for one in found] == ["500.00", "0.00", "500.00", "0.00", "500.00"]
    assert [one["flags"] for one in found] == [[], [], [], ["claims_used"], []]


def test_decided_claims_count_as_claims(tmp_path: Path) -> None:
    twice = '[[exclusions]]\nreason = "claims_used"\npaid_from = 2\narticle = "最多申领两次"'
    family = family_of(tmp_path, share(0.5), twice)
    stays = [stay(number, f"2025-0{month}-01", "1000.00") for number, month in (("A", 1), ("B", 2), ("C", 3))]
    decided = [{"settlements": ["C"], "payable": "400.00"}]
    refused = [{"settlements": ["C"], "payable": "0.00", "refused": True}]
    assert payables(family, member(YEAR), stays, decided=decided) == ["500.00", "0.00", "400.00"]
    assert payables(family, member(YEAR), stays, decided=refused) == ["500.00", "500.00", "0.00"]


def test_a_rate_for_exactly_the_second_stay(tmp_path: Path) -> None:
    rules = (
        share(0.5, "nth_to = 1")
        + share(0.6, "nth_from = 2\nnth_to = 2", name="second")
        + share(0.1, "nth_from = 3", name="rest")
    )
    stays = [stay(number, f"2025-0{month}-01", "1000.00") for number, month in (("A", 1), ("B", 2), ("C", 3), ("D", 4))]
    assert payables(family_of(tmp_path, rules), member(YEAR), stays) == ["500.00", "600.00", "100.00", "100.00"]


@pytest.mark.parametrize(("claims", "payable"), [(2, "10000.00"), (3, "0.00")])
def test_a_sum_at_death_only_before_the_third_claim(claims: int, payable: str, tmp_path: Path) -> None:
    """海南: 补助金的申请次数不达到三次的，给予一次性慰问10000元."""
    rules = share(0.5) + death(10000, "paid_to = 2")
    stays = [stay(f"S{at}", f"2025-0{at}-01", "1000.00") for at in range(1, claims + 1)]
    facts = [{"kind": "death", "on": "2025-11-01"}]
    assert payables(family_of(tmp_path, rules), member(YEAR), stays, facts=facts)[-1] == payable


@pytest.mark.parametrize(
    ("x", "payable"), [("0.00", "0.00"), ("100.00", "20.00"), ("133.34", "20.00"), ("133.40", "20.01")]
)
def test_a_floor_of_one_benefit(x: str, payable: str, tmp_path: Path) -> None:
    """长春: 15 % of the self-pay, 单笔补贴金最低给付20元."""
    family = family_of(tmp_path, share(0.15, "floor = 20"))
    (found,) = estimates(family, member(YEAR), [stay("A", "2025-03-01", x)])
    assert found["payable"] == payable
    lines = [(line["rule"], line["amount"]) for line in found["lines"]]
    assert (lines[-1:] == [("benefit_floor", "5.00")]) is (x == "100.00")


def test_a_floor_of_one_benefit_is_not_for_the_sum_of_all(tmp_path: Path) -> None:
    """0.15 x 100 = 15, topped up to 20, beside a fixed 300."""
    flat = '[[benefits]]\nname = "flat"\nkind = "flat"\ntitle = "t"\namount = 300\narticle = "a"\n'
    assert payables(
        family_of(tmp_path, flat + share(0.15, "floor = 20")), member(YEAR), [stay("A", "2025-03-01", "100.00")]
    ) == ["320.00"]


def test_two_benefits_that_exclude_each_other(tmp_path: Path) -> None:
    """The one that stands later pays only where the other one pays nothing."""
    rules = share(0.5, "gate = 1000") + (
        '[[benefits]]\nname = "flat"\nkind = "flat"\ntitle = "t"\nunless = ["share"]\namount = 200\narticle = "a"\n'
    )
    stays = [stay("A", "2025-03-01", "999.99"), stay("B", "2025-04-01", "1000.00")]
    assert payables(family_of(tmp_path, rules), member(YEAR), stays) == ["200.00", "500.00"]


@pytest.mark.parametrize(("x", "payable"), [("1000.00", "0.00"), ("1000.01", "500.01")])
def test_a_gate_that_must_be_exceeded(x: str, payable: str, tmp_path: Path) -> None:
    family = family_of(tmp_path, share(0.5, "gate = { amount = 1000, exceeded = true }"))
    assert payables(family, member(YEAR), [stay("A", "2025-03-01", x)]) == [payable]


SANMING = [("9999.99", "0.00"), ("10000.00", "1500.00"), ("20000.00", "1500.00"), ("20000.01", "3000.00"),
           ("30000.00", "3000.00"), ("30000.01", "0.00")]  # fmt: skip


@pytest.mark.parametrize(("x", "payable"), SANMING)
def test_a_first_band_with_both_edges_in(x: str, payable: str, tmp_path: Path) -> None:
    """三明: 1万元（含）至2万元（含）1500元，2—3万元（含3万元）3000元."""
    first = 'from = 10000\nfrom_included = true\nupto = 20000\namount = 1500\narticle = "a"\n'
    bands = f'{first}[[benefits.bands]]\nupto = 30000\namount = 3000\narticle = "a"\n'
    family = family_of(tmp_path, share(None, 'mode = "whole"\nedge = "upper_included"', bands=bands))
    assert payables(family, member(YEAR), [stay("A", "2025-03-01", x)]) == [payable]


def test_a_raise_from_the_first_period_on(tmp_path: Path) -> None:
    more = '\n[benefits.raise]\nper_year = 0.05\nfrom_year = 1\nmost = 0.10\narticle = "a"\n'
    family = family_of(tmp_path, share(0.5) + more)
    years = [(f"{year}-01-01", f"{year}-12-31") for year in (2023, 2024, 2025)]
    stays = [stay(f"S{year}", f"{year}-03-01", "1000.00") for year in (2023, 2024, 2025)]
    assert payables(family, member(*years), stays) == ["550.00", "600.00", "600.00"]


@pytest.mark.parametrize(("facts", "payable"), [([], "50.00"), ([{"kind": "death", "on": "2025-03-05"}], "5000.00")])
def test_a_floor_only_on_death(facts: list[Any], payable: str, tmp_path: Path) -> None:
    family = family_of(tmp_path, share(0.5), '[floor]\non_death = 5000\narticle = "a"')
    assert payables(family, member(YEAR), [stay("A", "2025-03-01", "100.00")], facts=facts) == [payable]


def test_the_funds_ceiling_is_used_up_over_their_year(tmp_path: Path) -> None:
    """上海: 60 % below, 70 % above the ceiling of a year from 1 April; a year later it is there again."""
    below = 'base = { add = ["in_scope_below_ceiling"] }'
    above = 'base = { add = ["in_scope_above_ceiling"] }'
    rules = share(0.6, base=below) + share(0.7, name="above", base=above)
    head = '[ceiling]\namount = 100000\nper = "year"\nyear_begins = "04-01"'
    family = family_of(tmp_path, rules, head=head)
    coverage = member(("2025-01-01", "2025-12-31"), ("2026-01-01", "2026-12-31"))
    stays = [stay("A", "2025-03-20", "80000.00"), stay("B", "2025-05-01", "80000.00"),
             stay("C", "2026-02-01", "80000.00"), stay("D", "2026-04-01", "80000.00")]  # fmt: skip
    # A: 48,000. B begins a year: 48,000. C: 20,000 x 0.6 + 60,000 x 0.7 = 54,000. D begins a year: 48,000.
    assert payables(family, coverage, stays) == ["48000.00", "48000.00", "54000.00", "48000.00"]
    by_settlement = family_of(tmp_path / "each", rules, head="[ceiling]\namount = 100000")
    assert payables(by_settlement, coverage, stays) == ["48000.00"] * 4


def test_a_stay_is_split_at_the_turn_of_the_year_by_its_costs(tmp_path: Path) -> None:
    first = stay(
        "A", "2025-12-20", "1000.00", visit_no="V", discharged_on="2025-12-31", settled_at="2025-12-31T10:00:00+08:00"
    )
    second = stay(
        "B", "2026-01-01", "3000.00", visit_no="V", discharged_on="2026-01-09", settled_at="2026-01-09T10:00:00+08:00"
    )
    coverage = member(("2025-01-01", "2025-12-31"), ("2026-01-01", "2026-12-31"))
    # 500 yuan first and half of the rest: of 4000 once, or of each year's part.
    rules = share(0.5, deductible="500")
    assert payables(family_of(tmp_path, rules), coverage, [first, second]) == ["1750.00"]
    assert payables(family_of(tmp_path / "s", rules, stay_split=True), coverage, [first, second]) == [
        "250.00",
        "1250.00",
    ]


def test_each_year_of_a_split_stay_keeps_its_identity_whatever_comes_later(tmp_path: Path) -> None:
    first = stay("A", "2025-12-20", "1000.00", visit_no="V", discharged_on="2025-12-31")
    second = stay("B", "2026-01-01", "3000.00", visit_no="V", discharged_on="2026-01-09")
    family = family_of(tmp_path, share(0.5), stay_split=True)
    coverage = (Coverage(first_day=date(2025, 1, 1), last_day=date(2026, 12, 31)),)
    records = [msgspec.convert(row, SettlementRecord) for row in in_fen([first, second])]
    alone = assess(Insured(coverage=coverage), records[1:], family)
    both = assess(Insured(coverage=coverage), records, family)
    assert [one.stay for one in both] == ["H15010200001/V/2025", "H15010200001/V/2026"]
    assert [one.stay for one in alone] == ["H15010200001/V/2026"]


def in_fen(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row | {name: int(value.replace(".", "")) for name, value in row.items() if name.endswith("_amount")}
        for row in rows
    ]


def test_the_days_of_all_stays_of_a_period_are_added_up(tmp_path: Path) -> None:
    """One yuan for each of 5 and 7 days, which the sheets tell: the stays of a year are one unit."""
    rules = share(None, base='base = { add = ["days"] }', bands='rate = 1.0\narticle = "a"\n')
    family = family_of(tmp_path, rules, kind="period")
    stays = [stay("A", "2025-03-01", "0.00", inpatient_days=5), stay("B", "2025-06-01", "0.00", inpatient_days=7)]
    assert payables(family, member(YEAR), stays) == ["12.00"]


# ---- events


SHARES = [(29, None), (30, "1000.00"), (89, "1000.00"), (90, "20000.00")]


@pytest.mark.parametrize(("day", "payable"), SHARES)
def test_consolation_for_each_share(day: int, payable: str | None, tmp_path: Path) -> None:
    """Two shares: 500 each from day 30 to 89, 10,000 each afterwards."""
    family = family_of(tmp_path, critical("per_share = true"))
    (found,) = estimates(family, member(YEAR, shares=2), [], facts=[diagnosis(day)])
    assert found["payable"] == (payable or "0.00")
    assert found["flags"] == ([] if payable else ["waiting_period"])


def test_no_waiting_after_an_accident(tmp_path: Path) -> None:
    family = family_of(tmp_path, critical("accident_waits = false"))
    (found,) = estimates(family, member(YEAR), [], facts=[diagnosis(10) | {"accident": True}])
    assert found["payable"] == "10000.00"
    (found,) = estimates(family, member(YEAR), [], facts=[diagnosis(10)])
    assert found["flags"] == ["waiting_period"]


def test_care_of_an_injury_does_not_wait(tmp_path: Path) -> None:
    waiting = '[waiting]\ndays = 30\naccident_waits = false\narticle = "a"'
    family = family_of(tmp_path, share(0.5), waiting)
    stays = [stay("A", "2025-01-10", "1000.00", care_type_code="22"), stay("B", "2025-01-12", "1000.00")]
    assert payables(family, member(YEAR), stays) == ["500.00", "0.00"]


@pytest.mark.parametrize(("accident", "payable"), [(True, "30000.00"), (False, "10000.00")])
def test_death_by_accident_and_by_illness_are_two_sums(accident: bool, payable: str, tmp_path: Path) -> None:
    """上海会员专享: 意外身故3万元，疾病身故1万元. Only the one that fits is an event."""
    rules = death(30000, "accident = true", name="by_accident") + death(10000, "accident = false", name="by_illness")
    facts = [{"kind": "death", "on": "2025-06-01", "accident": accident}]
    assert payables(family_of(tmp_path, rules), member(YEAR), [], facts=facts) == [payable]


def critical(more: str) -> str:
    return (
        '[[benefits]]\nname = "critical"\nkind = "lump_sum"\ntitle = "t"\nevent = "diagnosis"\nwaiting_days = 90\n'
        f'{more}\narticle = "a"\n[[benefits.groups]]\ndisease = "malignant_tumour"\namount = 10000\n'
        "[[benefits.consolation]]\nfrom_day = 30\nto_day = 89\namount = 500\n"
        f'{more if "share" in more else ""}\narticle = "a"\n'
    )


def diagnosis(day: int) -> dict[str, Any]:
    """A confirmed diagnosis so many days after 1 January 2025, which is day 0."""
    on = (date(2025, 1, 1) + timedelta(days=day)).isoformat()
    return {"kind": "diagnosis", "disease": "malignant_tumour", "on": on, "confirmed": True}


# ---- who, and when


@pytest.mark.parametrize(("sex", "born", "outside"), [
    ("F", "1970-01-01", True), ("F", "1970-01-02", False), ("M", "1970-01-01", False), ("M", "1965-01-01", True),
    (None, "1965-01-01", False),
])  # fmt: skip
def test_ages_by_sex(sex: str | None, born: str, outside: bool, tmp_path: Path) -> None:
    """北京住院津贴: 女职工年龄未满55周岁、男职工年龄未满60周岁."""
    rows = "".join(
        f'[[who.ages]]\ncategory = "active"\nsex = "{sex}"\nto = {to}\narticle = "a"\n'
        for sex, to in (("F", 54), ("M", 59))
    )
    family = family_of(tmp_path, share(0.5), rows)
    (found,) = estimates(family, member(YEAR, sex=sex, birth_date=born), [stay("A", "2025-03-01", "1000.00")])
    assert found["flags"] == (["age_outside"] if outside else [])


PERIODS = [
    # 海南: 2023年3月1日起至2026年2月28日止, for whoever joined before it and for whoever joins in it.
    ("begins = 2023-03-01\nmonths = 36\njoined_before = 60", "2023-02-10", "2023-03-01", "2026-02-28"),
    ("begins = 2023-03-01\nmonths = 36\njoined_before = 60", "2023-03-01", "2023-03-01", "2026-02-28"),
    ("begins = 2023-03-01\nmonths = 36\njoined_before = 60", "2024-07-15", "2024-07-15", "2026-02-28"),
    ("begins = 2023-03-01\nmonths = 36\njoined_before = 60", "2026-02-28", "2026-03-01", "2029-02-28"),
    ("begins = 2023-03-01\nmonths = 36", "2022-12-31", "2022-12-31", "2023-02-28"),
    # 龙岩: a new period opens on 18 October.
    ("begins = 2013-10-18", "2013-10-17", "2013-10-17", "2013-10-17"),
    ("begins = 2013-10-18", "2013-10-18", "2013-10-18", "2014-10-17"),
    ("begins = 2013-10-18\nstarts = \"next_day\"", "2014-10-17", "2014-10-18", "2015-10-17"),
    ("begins = 2013-10-18", "2010-11-01", "2010-11-01", "2011-10-17"),
    # A period that was extended for everybody in it.
    ("begins = 2013-10-18\nextended_to = 2014-12-31", "2014-03-01", "2014-03-01", "2014-12-31"),
    ("begins = 2013-10-18\nextended_to = 2014-12-31", "2015-03-01", "2015-03-01", "2015-10-17"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "joined", "first", "last"), PERIODS)
def test_periods_on_fixed_days(rule: str, joined: str, first: str, last: str, tmp_path: Path) -> None:
    family = family_of(tmp_path, share(0.5), period(rule))
    someone = {"category": "active", "joined_on": joined}
    days = [(first, "500.00"), (last, "500.00")]
    for day, payable in days:
        assert payables(family, someone, [stay("A", day, "1000.00", discharged_on=day)]) == [payable]
    before, after = (shifted(first, -1), shifted(last, 1))
    for day in (before, after):
        (found,) = answers(family, someone, [stay("A", day, "1000.00", discharged_on=day)])["estimates"]
        assert found["flags"] == ["not_covered"], day


def shifted(day: str, by: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=by)).isoformat()
