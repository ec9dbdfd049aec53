"""Every scheme beside nm-inpatient against a naive implementation of its text, on 20,000 random cases each.

Every run takes the first 4,000 of them; `-m full` takes all. The cases come from seeds, so a failure tells how to
make it again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from oracles import plans, sums
from oracles.makers import PlanMaker, SumMaker
from oracles.naive import Estimate, Row, standing, yuan
from oracles.odd import odd_flags

from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.cases import answer_case
from gateway.settings.codes import load_groups
from gateway.settings.schemes import load_families

CASES = 20_000
EVERY_RUN = 4_000
CHUNKS = 1
FULL_CHUNKS = 12
SCHEMES = Path(__file__).parents[2] / "config" / "schemes"
CODES = SCHEMES.parent / "codes"
NAMES = [*plans.PLANS, *sums.SUMS]
ASIDE = {"maternity_insurance", "not_employee_insurance", "not_payable_care"}
"""Of a row that is no part of any unit no text says which period it has."""


@lru_cache(maxsize=1)
def families() -> dict[str, SchemeFamily]:
    return load_families(SCHEMES)


def made(scheme: str, seed: int) -> Row:
    if scheme in plans.PLANS:
        return PlanMaker(scheme, seed, plans.PLANS[scheme].starts).make()
    return SumMaker(scheme, seed, sums.SUMS[scheme].starts).make()


def naive(case: Row) -> list[Any]:
    scheme = case["scheme"]
    is_plan = scheme in plans.PLANS
    answers = plans.answer(case, plans.PLANS[scheme]) if is_plan else sums.answer(case, sums.SUMS[scheme])
    rows = standing(case["settlements"])
    for one in answers:
        one["flags"] = [*one["flags"], *odd_flags(one["payable"] > 0, one["settlements"], rows)]
    return essence([in_text(one) for one in answers])


def in_text(one: Estimate) -> Estimate:
    lines = [{"rule": rule, "amount": yuan(value)} for rule, value in one["lines"]]
    return {**one, "payable": yuan(one["payable"]), "lines": lines}


def essence(estimates: list[Estimate]) -> list[Any]:
    """What both must agree on, in any order: everything but articles, texts, inputs and assumptions."""
    return sorted((essence_of(one) for one in estimates), key=place_of)


def place_of(one: Row) -> tuple[list[str], str, list[str], str]:
    return one["settlements"], one["payable"], one["flags"], one.get("claim_by") or ""


def essence_of(one: Estimate) -> Row:
    lines = [(line["rule"], line["amount"]) for line in one["lines"] if line["amount"] != "0.00"]
    found = {"settlements": sorted(one["settlements"]), "flags": sorted(one["flags"]), "payable": one["payable"]}
    if not ASIDE & set(one["flags"]):
        found |= {"edition": one["edition"], "claim_by": one["claim_by"], "lines": lines}
    return found


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("scheme", NAMES)
def test_answers_like_the_naive_implementation(scheme: str, chunk: int) -> None:
    compare(scheme, range(chunk, EVERY_RUN, CHUNKS))


@pytest.mark.full
@pytest.mark.parametrize("chunk", range(FULL_CHUNKS))
@pytest.mark.parametrize("scheme", NAMES)
def test_answers_like_the_naive_implementation_on_all_cases(scheme: str, chunk: int) -> None:
    compare(scheme, range(EVERY_RUN + chunk, CASES, FULL_CHUNKS))


def compare(scheme: str, seeds: Iterable[int]) -> None:
    for seed in seeds:
        case = made(scheme, seed)
        expected, answer = naive(case), answer_case(case, families())
        ours = essence(answer["estimates"]) if "estimates" in answer else answer
        if ours != expected:
            pytest.fail(f"{shown(case)}\n--- product\n{shown(ours)}\n--- naive\n{shown(expected)}")


def test_disease_groups_hold_the_codes_the_naive_implementation_reads() -> None:
    """Every code of four places of the chapters the groups speak of, written as the national edition writes it."""
    groups = load_groups(CODES)
    patterns = {**sums.WOMENS_CANCERS, **sums.IN_SITU, **sums.NINE, **sums.TEN, **sums.EARLY}
    patterns |= {**sums.OPERATIONS, **sums.INFARCTION}
    assert set(groups) == set(patterns)
    for letter, number, place in product("BCDFGHIKMNZ", range(100), range(10)):
        code = f"{letter}{number:02d}.{place}00"
        held = [name for name, group in groups.items() if group.holds([code])]
        assert held == [name for name in groups if re.match(patterns[name], code)], code


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


# ---- that the comparison cannot become empty unseen


EVERYWHERE = {"maternity_insurance", "not_employee_insurance", "not_payable_care", "not_covered", "not_eligible"}
PLAN = EVERYWHERE | {"band", "incomplete", "several parts", "nothing to pay"}
SUM = EVERYWHERE | {"diagnosis_to_confirm", "without settlement"}
EXPECTED: dict[str, set[str]] = {
    "yuncheng": PLAN | {"cap", "bill_to_confirm", "edition 2022", "edition 2023", "edition 2025"},
    "longyan": PLAN | {"cap", "floor"},
    "sh-active": PLAN | {"cap", "waiting_period", *(f"edition {year}" for year in (2000, 2016, 2020, 2024))},
    "sh-active-3y": PLAN | {"cap", "waiting_period"},
    "sh-retired": PLAN | {"cap", *(f"edition {year}" for year in (2019, 2020, 2023))},
    "chongming": PLAN | {"cap"},
    "jingan": PLAN,
    "nm-women": SUM | {"lump_sum", "amount_unknown", "edition 2022", "edition 2026"},
    "longyan-women": SUM | {"lump_sum", "amount_unknown"},
    "sh-critical": SUM | {"lump_sum", "consolation", "amount_unknown", "used_before", "waiting_period", "edition 2016"},
    "sh-critical-340": SUM | {"lump_sum", "consolation", "used_before", "waiting_period"},
    "sh-critical-620": SUM | {"lump_sum", "consolation", "used_before", "waiting_period"},
    "sh-women": SUM | {"lump_sum", "amount_unknown", "edition 2015", "edition 2016"},
    "sh-post": SUM | {"lump_sum", "used_before"},
    "ceair-women": SUM | {"amount_unknown"},
}
AT_LEAST = 5
COUNTED = 2_000


@pytest.mark.parametrize("scheme", NAMES)
def test_the_cases_hold_every_situation(scheme: str) -> None:
    counts: Counter[str] = Counter()
    for seed in range(COUNTED):
        for one in naive(made(scheme, seed)):
            counts.update(situations(one))
    assert {name: counts[name] for name in sorted(EXPECTED[scheme]) if counts[name] < AT_LEAST} == {}


def situations(one: Row) -> set[str]:
    found = {*one["flags"], *(rule for rule, _ in one.get("lines", ())), f"edition {one.get('edition')}"}
    found |= {"several parts"} if len(one["settlements"]) > 1 else set()
    found |= {"without settlement"} if not one["settlements"] else set()
    found |= {"nothing to pay"} if one["payable"] == "0.00" and not one["flags"] else set()
    return found
