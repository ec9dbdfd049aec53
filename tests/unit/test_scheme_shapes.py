"""One small scheme for each shape the language must be able to say (policy §7), with figures worked out by hand.

tests/unit/shapes/<shape>-1.toml is the scheme, <shape>.test.toml beside it the cases; the arithmetic stands above
each case as a comment.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.cases import answer_case
from gateway.flow.studies.scheme_tests import run_scheme_tests
from gateway.settings.files import read_toml
from gateway.settings.schemes import load_families, scheme_test_files

SHAPES = Path(__file__).parent / "shapes"
CONFIG = Path(__file__).parents[2] / "config"
FILES = scheme_test_files(SHAPES)


@lru_cache(maxsize=1)
def families() -> dict[str, SchemeFamily]:
    return load_families(SHAPES, codes=SHAPES / "codes")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".test.toml"))
def test_shape(path: Path) -> None:
    results = run_scheme_tests(read_toml(path, shown_as=path.name), families())
    assert [(result.case, result.differences) for result in results if not result.passed] == []


def test_every_shape_has_cases() -> None:
    assert {path.name.removesuffix(".test.toml") for path in FILES} == set(families())
    assert len(FILES) > 55


@pytest.mark.parametrize(("base", "payable"), [("1999.99", "0.00"), ("5000.00", "750.00"), ("22500.00", "6000.00")])
def test_yuncheng_is_switched_to_bands_by_one_line(base: str, payable: str, tmp_path: Path) -> None:
    """25 % of what lies between 2,000 and 5,000, then 30 %: the other reading of its text (policy §3)."""
    text = (CONFIG / "schemes" / "yuncheng-2023.toml").read_text(encoding="utf-8")
    switched = text.replace('mode = "whole"', 'mode = "marginal"')
    assert switched != text
    (tmp_path / "yuncheng-2023.toml").write_text(switched, encoding="utf-8")
    case = {
        "case": "switched",
        "scheme": "yuncheng",
        "member": {"category": "active", "coverage": [{"from": "2023-01-01", "to": "2023-12-31"}]},
        "settlements": [
            {
                "settlement_no": "S1",
                "care_type": "inpatient",
                "admitted_on": "2023-03-01",
                "discharged_on": "2023-03-05",
                "settled_at": "2023-03-05T10:00:00+08:00",
                "in_scope_amount": base,
                "fund_paid_amount": "0.00",
            }
        ],
    }
    (estimate,) = answer_case(case, load_families(tmp_path, codes=CONFIG / "codes"))["estimates"]
    assert estimate["payable"] == payable
