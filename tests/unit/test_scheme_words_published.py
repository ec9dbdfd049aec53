"""The published schemes of other unions against the naive interpreter of the language, on 20,000 random cases each.

Every run takes the first few hundred of each file, `-m full` all, in pieces. What the files themselves say is held
against the published figures by the cases beside them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest
from oracles.language import Reading, Row
from oracles.language_makers import CaseMaker
from test_scheme_words_oracle import essence, ordered, shown, with_odd_flags

from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.cases import answer_case
from gateway.settings.codes import load_groups
from gateway.settings.files import check
from gateway.settings.schemes import SchemeSpec, families_of

SCHEMES = Path(__file__).parents[2] / "config" / "schemes"
FILES = (
    "beijing-medical-2012", "beijing-stay-2011", "changchun-card-2021", "fuzhou-2010", "fuzhou-2012",
    "hainan-2023", "hainan-2026",
    "nanping-women-2012", "sanming-major-2025", "sh-card-2017", "shenzhen-card-2018", "weihai-2010", "weihai-2013",
    "zhonghu-stay-2015",
)  # fmt: skip
CASES = 20_000
EVERY_RUN = 100
PIECES = 4
AROUND = {"shenzhen-card-2018": ("C16.900", "J18.900")}
"""Codes of diagnoses that a file asks for; those of sums at a diagnosis are told by facts alone."""


@lru_cache(maxsize=2)
def scheme_of(name: str) -> tuple[Row, dict[str, SchemeFamily]]:
    """The tables of one edition, and the family that it is alone."""
    tables = tomllib.loads((SCHEMES / f"{name}.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    return tables, families_of([check(SchemeSpec, tables, shown_as=name)], load_groups(SCHEMES.parent / "codes"))


@pytest.mark.parametrize("name", FILES)
def test_published_schemes_answer_as_their_text_says(name: str) -> None:
    compare(name, range(EVERY_RUN))


@pytest.mark.full
@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize("name", FILES)
def test_published_schemes_answer_as_their_text_says_on_all_cases(name: str, piece: int) -> None:
    compare(name, range(EVERY_RUN + piece, CASES, PIECES))


def compare(name: str, seeds: Iterable[int]) -> None:
    tables, families = scheme_of(name)
    # Periods begin with the edition or later: before it nothing is covered.
    begins, codes = tables["starts"] + timedelta(days=1), AROUND.get(name, ("J18.900", "I10.x00"))
    for seed in seeds:
        case = CaseMaker(seed, tables, codes=codes, begins=begins).make()
        expected = ordered([with_odd_flags(one, case) for one in Reading(tables, case).answers()])
        answer = answer_case(case, families)
        ours = ordered([essence(one) for one in answer["estimates"]]) if "estimates" in answer else answer
        if ours != expected:
            pytest.fail("seed {}\n{}\n--- product\n{}\n--- naive\n{}".format(seed, *map(shown, (case, ours, expected))))
