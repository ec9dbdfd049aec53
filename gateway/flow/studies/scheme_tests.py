"""Cases of a scheme beside its files: `<scheme>.test.toml`, settlements in, estimates out.

A case is written as for `hubao scheme assess`, dates as TOML dates, with `expect` (one table for each
estimate, in order) or `expect_error` (the code). Only the keys an expectation names are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.cases import answer_case

_TEST_KEYS = {"expect", "expect_error"}


class SchemeTestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One case and what differed; passed when nothing did. `lines` say how each estimate of a case that did not pass
    comes to its amount, beside what was expected."""

    case: str
    differences: tuple[str, ...]
    lines: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


def run_scheme_tests(tables: Mapping[str, Any], families: Mapping[str, SchemeFamily]) -> list[SchemeTestResult]:
    """A result for each case of one parsed test file; a file without cases gives one that did not pass."""
    cases = tables.get("cases")
    unknown = sorted(set(tables) - {"cases"})
    if unknown or not isinstance(cases, list) or not cases:
        return [SchemeTestResult(case="-", differences=("只允许 [[cases]]，且至少一个 (only [[cases]])",))]
    return [_result(_plain(case), families) for case in cases]


def _result(case: Any, families: Mapping[str, SchemeFamily]) -> SchemeTestResult:
    if not isinstance(case, dict) or not isinstance(case.get("case"), str):
        return SchemeTestResult(case="-", differences=("每个用例须有名称 case (a case needs its name)",))
    asked = {key: value for key, value in case.items() if key not in _TEST_KEYS}
    if ("expect" in case) == ("expect_error" in case):
        problem = "须有 expect 或 expect_error 之一 (exactly one of expect, expect_error)"
        return SchemeTestResult(case=case["case"], differences=(problem,))
    answer = answer_case(asked, families)
    if "expect_error" in case:
        differences = _compared("error.code", case["expect_error"], answer.get("error", {}).get("code"))
    elif "error" in answer:
        differences = [f"error: {answer['error']['message']}"]
    else:
        differences = _compared("estimates", case["expect"], answer["estimates"])
    lines = _lines(case.get("expect", []), answer.get("estimates", [])) if differences else []
    return SchemeTestResult(case=case["case"], differences=tuple(differences), lines=tuple(lines))


def _lines(expected: Any, estimates: list[dict[str, Any]]) -> list[str]:
    """How each estimate comes to its amount, with what was expected of it where the file says so."""
    lines = []
    for at, estimate in enumerate(estimates):
        row = expected[at] if isinstance(expected, list) and at < len(expected) else {}
        amount_expected = row.get("payable") if isinstance(row, dict) else None
        beside = "" if amount_expected is None else f"（应为 expected {amount_expected}）"
        flags = f"  {'、'.join(estimate['flags'])}" if estimate["flags"] else ""
        lines.append(f"第{at + 1}条 {'、'.join(estimate['settlements'])}: {estimate['payable']}{beside}{flags}")
        lines += [
            f"    {line['rule']} {line['amount']}  {line['article']}  {line['text']}" for line in estimate["lines"]
        ]
    return lines


def _plain(value: Any) -> Any:
    """TOML dates and instants as the text that JSON cases carry."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def _compared(place: str, expected: Any, answer: Any) -> list[str]:
    """What differs, by place; of a table only the keys that are expected."""
    if isinstance(expected, dict) and isinstance(answer, dict):
        pairs = [(f"{place}.{key}", value, answer.get(key)) for key, value in expected.items()]
        return [problem for pair in pairs for problem in _compared(*pair)]
    if isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        # Rows are counted from 1, as whoever wrote the case counts them.
        both = enumerate(zip(expected, answer, strict=True), start=1)
        rows = [(f"{place}[{at}]", *pair) for at, pair in both]
        return [problem for row in rows for problem in _compared(*row)]
    if expected == ("" if answer is None else answer):
        return []
    return [f"{place}: 应为 (expected) {expected!r}，得到 (found) {answer!r}"]
