"""Random schemes of the language against a naive interpreter of its guide: 2,000 of them, six cases each.

Every run takes the first few dozen, `-m full` takes all, in pieces. A failure shows the scheme, the case and both
answers; the seeds make them again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from oracles.language import GROUPS, Reading, Row
from oracles.language_makers import CaseMaker, SchemeMaker
from oracles.odd import odd_flags

from gateway.core.schemes.cases import answer_case
from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.settings.files import check
from gateway.settings.schemes import SchemeSpec, families_of

SCHEMES = 2_000
EVERY_RUN = 60
CASES = 6
PIECES = 10
DISEASES = {name: DiseaseGroup(name=name, title=name, prefixes=(codes,)) for name, codes in GROUPS.items()}
ASIDE = {"maternity_insurance", "not_employee_insurance", "not_payable_care"}


def test_random_schemes_answer_as_their_text_says() -> None:
    compare(range(EVERY_RUN))


@pytest.mark.full
@pytest.mark.parametrize("piece", range(PIECES))
def test_all_random_schemes_answer_as_their_text_says(piece: int) -> None:
    compare(range(EVERY_RUN + piece, SCHEMES, PIECES))


def compare(seeds: Iterable[int]) -> None:
    for seed in seeds:
        scheme = SchemeMaker(seed).make()
        families = families_of([check(SchemeSpec, scheme, shown_as=f"scheme {seed}")], DISEASES)
        for at in range(CASES):
            case = CaseMaker(seed * CASES + at, scheme).make()
            expected = ordered([with_odd_flags(one, case) for one in Reading(scheme, case).answers()])
            answer = answer_case(case, families)
            ours = ordered([essence(one) for one in answer["estimates"]]) if "estimates" in answer else answer
            if ours != expected:
                texts = [shown(value) for value in (scheme, case, ours, expected)]
                pytest.fail("seed {}\n{}\n{}\n--- product\n{}\n--- naive\n{}".format(seed, *texts))


def with_odd_flags(estimate: Row, case: Row) -> Row:
    odd = odd_flags(estimate["payable"] != "0.00", estimate["settlements"], case["settlements"])
    return estimate | {"flags": sorted([*estimate["flags"], *odd])}


def essence(estimate: Row) -> Row:
    """What both must agree on: everything but the split into bands, articles, texts and assumptions."""
    lines: Counter[str] = Counter()
    for line in estimate["lines"]:
        lines[line["rule"]] += int(line["amount"].replace(".", ""))
    found = {name: estimate[name] for name in ("payable", "claim_by")}
    found |= {"settlements": sorted(estimate["settlements"]), "flags": sorted(estimate["flags"])}
    found["lines"] = {rule: yuan(amount) for rule, amount in sorted(lines.items()) if amount}
    aside = estimate["settlements"] and ASIDE & set(estimate["flags"])
    return found | ({"claim_by": None} if aside else {})


def ordered(estimates: list[Row]) -> list[Row]:
    return sorted(estimates, key=lambda one: json.dumps(one, sort_keys=True))


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


# ---- that the comparison cannot become empty unseen


WORDS = {
    "classes", "without_classes", "nth_from", "nth_to", "paid_from", "paid_to", "accident", "accident_waits", "floor",
    "unless", "from_included", "exceeded", "raise", "per_share", "on_death", "split", "year_begins", "consolation",
    "deductible", "gate", "prorated", "rates", "amounts", "once", "caps", "exclusions", "confirm", "waiting", "ages",
}  # fmt: skip
RULES = {
    "band", "proration", "benefit_floor", "benefit_cap", "daily_allowance", "flat_amount", "floor", "cap", "lump_sum",
    "consolation",
}  # fmt: skip
FLAGS = {
    "incomplete", "not_covered", "waiting_period", "ruled_out", "to_confirm", "age_outside", "not_eligible",
    "used_before",
    "amount_unknown", "diagnosis_to_confirm", *ASIDE,
}  # fmt: skip


def test_the_random_schemes_use_every_word_and_every_rule() -> None:
    words: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for seed in range(500):
        scheme = SchemeMaker(seed).make()
        words.update(keys_in(scheme))
        for at in range(3):
            for one in Reading(scheme, CaseMaker(seed * CASES + at, scheme).make()).answers():
                met.update([*one["lines"], *one["flags"]])
    assert {word: words[word] for word in sorted(WORDS) if words[word] < 10} == {}
    assert {name: met[name] for name in sorted(RULES | FLAGS) if met[name] < 3} == {}


def keys_in(tables: Any) -> set[str]:
    rows = tables.values() if isinstance(tables, dict) else tables if isinstance(tables, list) else ()
    return (set(tables) if isinstance(tables, dict) else set()) | {key for row in rows for key in keys_in(row)}
