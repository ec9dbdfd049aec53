"""Caps that hold for some members or some benefits, and the floor under them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from schemes_builders import at, decided, insured, paid, stay

from gateway.core.schemes import SchemeFamily, assess, ledger
from gateway.core.schemes.units.periods import Insured
from gateway.model.member import Coverage
from gateway.model.record import SettlementRecord
from gateway.settings.schemes import load_families

HEAD = """
scheme = "one"
name = "一"
edition = "1"
title = "试"
source = "试"
starts = 2019-01-01
[who]
categories = ["active", "retired"]
article = "一"
[period]
runs = "calendar_year"
article = "一"
[stay]
STAY
article = "一"
"""

SHARE = """
[[benefits]]
name = "{name}"
kind = "share"
title = "补助"
base = {{ add = ["{base}"] }}
article = "二"
[[benefits.bands]]
rate = 0.5
article = "二"
"""
HALF = SHARE.format(name="b0", base="in_scope_amount")

LIFETIME = """
[[caps]]
amount = 1000
per = "lifetime"
categories = ["{category}"]
article = "三"
"""

FLOORED = """
[floor]
amount = 120
article = "四"
[[caps]]
amount = 500
per = "period"
benefits = [{benefits}]
article = "三"
"""


def scheme(folder: Path, text: str, *, stay: str = 'care = ["inpatient"]') -> SchemeFamily:
    schemes = folder / "schemes"
    schemes.mkdir()
    (folder / "codes").mkdir()
    (schemes / "one-1.toml").write_text(HEAD.replace("STAY", stay) + text, encoding="utf-8")
    return load_families(schemes)["one"]


THREE = [
    stay(f"S{month}", f"2021-0{month}-01", f"2021-0{month}-05", in_scope_amount=80_000, fund_paid_amount=0)
    for month in (2, 3, 4)
]


@pytest.mark.parametrize("caps", [["active", "retired"], ["active", "active"], ["retired", "active"]])
def test_a_lifetime_cap_of_other_members_or_written_twice_counts_nothing_twice(tmp_path: Path, caps: list[str]) -> None:
    """Half of 800 each, until 1,000 are used up."""
    family = scheme(tmp_path, HALF + "".join(LIFETIME.format(category=category) for category in caps))
    assert paid(assess(insured(("2021-01-01", "2021-12-31")), THREE, family)) == ["400.00", "400.00", "200.00"]
    used = ledger(insured(("2021-01-01", "2021-12-31")), THREE, family).lifetime
    assert {(use.used, use.left) for use in used} <= {(100_000, 0), (0, 100_000)}


def test_who_retires_begins_the_cap_of_the_retired(tmp_path: Path) -> None:
    family = scheme(tmp_path, HALF + LIFETIME.format(category="active") + LIFETIME.format(category="retired"))
    years = [
        Coverage(
            first_day=stay_.admitted_on.replace(month=1, day=1), last_day=stay_.admitted_on.replace(month=12, day=31)
        )
        for stay_ in (THREE[0], stay("X", "2022-02-01", "2022-02-02"))
        if stay_.admitted_on is not None
    ]
    member = Insured(
        category="active",
        coverage=(years[0], Coverage(first_day=years[1].first_day, last_day=years[1].last_day, category="retired")),
    )
    later = stay("S5", "2022-02-01", "2022-02-05", in_scope_amount=180_000)
    assert paid(assess(member, [*THREE, later], family)) == ["400.00", "400.00", "200.00", "900.00"]


NEXT = stay("B", "2021-05-01", "2021-05-05", in_scope_amount=20_105, deductible_amount=2_000)


def test_a_floor_does_not_survive_the_cap_of_its_benefit(tmp_path: Path) -> None:
    """500 are used up, so the next stay gets nothing: 100.53 and the topping-up of 19.47 are both the cap's."""
    family = scheme(tmp_path, HALF + FLOORED.format(benefits='"b0"'))
    before = stay("A", "2021-04-01", "2021-04-05")
    estimates = assess(insured(("2021-01-01", "2021-12-31")), [before, NEXT], family, [decided("500.00", "A")])
    assert [(line.rule, line.amount) for line in estimates[1].lines] == [
        ("band", 10_053),
        ("floor", 1_947),
        ("cap", -12_000),
    ]
    (left,) = assess(insured(("2021-01-01", "2021-12-31")), [NEXT], family)
    assert left.payable == 12_000


def test_topping_up_counts_towards_the_cap_of_its_benefit(tmp_path: Path) -> None:
    """Four stays topped up to 120 leave 20 of 500."""
    family = scheme(tmp_path, HALF + FLOORED.format(benefits='"b0"'))
    small = [
        stay(f"S{month}", f"2021-0{month}-01", f"2021-0{month}-05", in_scope_amount=20_000) for month in range(1, 6)
    ]
    assert paid(assess(insured(("2021-01-01", "2021-12-31")), small, family)) == ["120.00"] * 4 + ["20.00"]


def test_topping_up_what_other_benefits_paid_too_is_not_taken_by_the_cap_of_one(tmp_path: Path) -> None:
    """100.53 of the capped benefit go, 10.00 of the other one and what topped up both stay."""
    other = SHARE.format(name="b1", base="deductible_amount")
    family = scheme(tmp_path, HALF + other + FLOORED.format(benefits='"b0"'))
    before = stay("A", "2021-04-01", "2021-04-05", deductible_amount=0)
    estimates = assess(insured(("2021-01-01", "2021-12-31")), [before, NEXT], family, [decided("500.00", "A")])
    assert estimates[1].payable == 12_000 - 10_053


def test_a_year_within_three_that_begins_on_29_february_is_whole(tmp_path: Path) -> None:
    """28 February 2021 belongs to the first of the years, so both stays share its cap."""
    yearly = '\n[[caps]]\namount = 1000\nper = "year"\narticle = "三"\n'
    family = scheme(tmp_path, HALF.replace('"calendar_year"', '"months_from_joining"\nmonths = 36') + yearly)
    member = insured(("2020-02-29", "2023-02-28"))
    stays = [
        stay("A", "2020-03-01", "2020-03-05", in_scope_amount=160_000),
        stay("B", "2021-02-28", "2021-03-02", in_scope_amount=160_000),
        stay("C", "2021-03-01", "2021-03-02", in_scope_amount=160_000),
        stay("D", "2022-02-28", "2022-03-02", in_scope_amount=160_000),
        stay("E", "2022-03-01", "2022-03-02", in_scope_amount=160_000),
    ]
    assert paid(assess(member, stays, family)) == ["800.00", "200.00", "800.00", "200.00", "800.00"]
    assert [use.first.isoformat() for use in ledger(member, stays, family).periods[0].caps if use.first] == [
        "2020-02-29",
        "2021-03-01",
        "2022-03-01",
    ]


# ── two kinds of care in one list of [stay] ──────

KINDS = """
[[benefits]]
name = "{name}"
kind = "share"
title = "补助"
care = ["{care}"]
base = {{ add = ["in_scope_amount"] }}
article = "二"
[[benefits.bands]]
rate = {rate}
article = "二"
"""
TWO = KINDS.format(name="special", care="outpatient_special", rate=0.2) + KINDS.format(
    name="visits", care="outpatient", rate=0.75
)
LISTS = [
    ("months", ["outpatient_special", "outpatient"]),
    ("period", ["outpatient", "outpatient_special"]),
    ("care", ["outpatient_special", "outpatient"]),
]


def visit(number: str, care: str, day_: str, fen: int, **given: Any) -> SettlementRecord:
    fields: dict[str, Any] = {"care_type": care, "in_scope_amount": fen, "visit_no": "V1", "settled_at": at(day_)}
    return stay(number, day_, day_, **(fields | given))


@pytest.mark.parametrize(("word", "cares"), LISTS, ids=[word for word, _ in LISTS])
def test_each_kind_of_care_is_paid_by_its_own_benefit(tmp_path: Path, word: str, cares: list[str]) -> None:
    """75 % of 239.88 and 20 % of 2,399.27, whichever bill came first and however one list names both kinds."""
    family = scheme(tmp_path, TWO, stay=f"{word} = {json.dumps(cares)}")
    ordinary = visit("O", "outpatient", "2021-01-16", 23_988)
    special_care = visit("S", "outpatient_special", "2021-01-17", 239_927)
    again = visit("P", "outpatient", "2021-01-18", 10_000)
    estimates = assess(insured(("2021-01-01", "2021-12-31")), [special_care, ordinary, again], family)
    assert {each.settlements: paid((each,)) for each in estimates} == {
        ("S",): ["479.85"],
        ("O", "P"): ["254.91"],
    }
    assert len({each.stay for each in estimates}) == 2


def test_kinds_of_care_that_rules_treat_alike_make_one_unit(tmp_path: Path) -> None:
    family = scheme(tmp_path, HALF, stay='months = ["outpatient_special", "outpatient"]')
    bills = [visit("O", "outpatient", "2021-01-16", 10_000), visit("S", "outpatient_special", "2021-01-17", 20_000)]
    (month,) = assess(insured(("2021-01-01", "2021-12-31")), bills, family)
    assert (month.settlements, paid((month,)), month.stay) == (("O", "S"), ["150.00"], "month/2021-01")
