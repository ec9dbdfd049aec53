"""The scheme nm-inpatient against a second, naive implementation, on 20,000 random cases.

Every run takes the first 4,000 of them; `-m full` takes all. The cases are made from seeds, so a failure names the
seed that makes it again. A second test counts the situations the cases hold, so that the comparison cannot become
empty unseen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from oracles.inpatient_cases import FACILITIES, NEEDED, OTHER_CARE, CaseMaker, fen
from scheme_oracle import EDITION_STARTS, SHANGHAI, Row, assess_naively

from gateway.core.schemes.cases import answer_case
from gateway.core.schemes.language.edition import SchemeFamily
from gateway.settings.schemes import load_families

CASES = 20_000
EVERY_RUN = 4_000
CHUNKS = 2
FULL_CHUNKS = 12
SCHEMES = Path(__file__).parents[2] / "config" / "schemes"

# ---- the comparison


def essence(answer: Row) -> Any:
    """What both must agree on: everything but articles, texts, assumptions and lines of 0.00."""
    if "error" in answer:
        return {"case": answer["case"], "error": True}
    return {"case": answer["case"], "estimates": [essence_of_estimate(one) for one in answer["estimates"]]}


def essence_of_estimate(estimate: Row) -> Row:
    kept = ("settlements", "edition", "payable", "claim_by", "difference")
    lines = [essence_of_line(line) for line in estimate["lines"] if line["amount"] != "0.00"]
    return {name: estimate.get(name) for name in kept} | {"flags": essence_of_flags(estimate), "lines": lines}


def essence_of_flags(estimate: Row) -> list[str]:
    """Whether a transfer shows beside `decided_before`, which says more, the text leaves open."""
    flags = set(estimate["flags"])
    assert len(flags) == len(estimate["flags"])
    return sorted(flags - {"transfer_to_confirm"} if "decided_before" in flags else flags)


def essence_of_line(line: Row) -> Row:
    inputs = {"band": ("base", "rate"), "daily_allowance": ("days", "per_day")}.get(line["rule"], ())
    found = {name: line[name] for name in ("rule", "amount", *inputs)}
    if line["rule"] == "cap":
        # The product says it in the line's sentence.
        told = re.search(r"已用额度中([0-9.]+)元为待追回的补助", line.get("text", ""))
        found["recovering"] = line.get("recovering") or (told.group(1) if told else "0.00")
    return found


@lru_cache(maxsize=1)
def families() -> dict[str, SchemeFamily]:
    return load_families(SCHEMES)


def answered(case: Row) -> Row:
    return answer_case(case, families())


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_answers_like_the_naive_implementation(chunk: int) -> None:
    compare(range(chunk, EVERY_RUN, CHUNKS))


@pytest.mark.full
@pytest.mark.parametrize("chunk", range(FULL_CHUNKS))
def test_answers_like_the_naive_implementation_on_all_cases(chunk: int) -> None:
    compare(range(EVERY_RUN + chunk, CASES, FULL_CHUNKS))


def compare(seeds: Iterable[int]) -> None:
    for seed in seeds:
        case = CaseMaker(seed).make()
        ours, naive = answered(case), assess_naively(case)
        if essence(ours) != essence(naive):
            pytest.fail(f"{shown(case)}\n--- product\n{shown(essence(ours))}\n--- naive\n{shown(essence(naive))}")


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


# ---- the naive implementation itself, on figures that were published or worked out by hand


def one_stay(self_paid: str, days: int, coverage_from: str) -> Row:
    first = date.fromisoformat(coverage_from)
    left = first + timedelta(days=10 + days)
    return {
        "case": "hand",
        "scheme": "nm-inpatient",
        "member": {
            "category": "active",
            "birth_date": "1980-05-01",
            "coverage": [{"from": coverage_from, "to": (first + timedelta(days=364)).isoformat()}],
        },
        "settlements": [
            {
                "settlement_no": "S1",
                "care_type": "inpatient",
                "facility_no": FACILITIES[0],
                "admitted_on": (first + timedelta(days=10)).isoformat(),
                "discharged_on": left.isoformat(),
                "settled_at": f"{left.isoformat()}T10:00:00+08:00",
                "in_scope_amount": self_paid,
                "fund_paid_amount": "0.00",
            }
        ],
    }


@pytest.mark.parametrize(
    ("coverage_from", "self_paid", "days", "payable"),
    [
        ("2019-02-01", "234800.00", 84, "200800.00"),
        ("2019-02-01", "400000.00", 9, "216000.00"),
        ("2020-05-01", "10000.00", 9, "3000.00"),
        ("2021-06-01", "9153.48", 9, "3751.39"),
        ("2021-06-01", "218606.10", 1, "185616.10"),
        ("2021-06-01", "100.00", 5, "200.00"),
        ("2021-06-01", "10000.01", 40, "4300.01"),
        ("2022-06-01", "100000.00", 1, "73210.00"),
        ("2024-01-01", "600000.00", 1, "500000.00"),
    ],
)
def test_naive_implementation_on_known_figures(coverage_from: str, self_paid: str, days: int, payable: str) -> None:
    (estimate,) = assess_naively(one_stay(self_paid, days, coverage_from))["estimates"]
    assert estimate["payable"] == payable


def test_naive_implementation_prorates_by_covered_nights() -> None:
    case = one_stay("11428.57", 20, "2021-06-01")
    case["member"]["coverage"] = [{"from": "2021-05-01", "to": "2021-06-18"}]
    (estimate,) = assess_naively(case)["estimates"]
    assert [line["amount"] for line in estimate["lines"]] == ["4000.00", "1000.00", "-3000.00", "80.00"]


# ---- the situations the cases hold


def situations(case: Row, answer: Row) -> set[str]:
    if "error" in answer:
        return {"refused"}
    found = coverage_situations(case["member"]["coverage"]) | decision_situations(case, answer)
    for row in case["settlements"]:
        found |= reversal_situations(row, case) if row.get("reversal") else row_situations(row)
    for estimate in answer["estimates"]:
        found |= estimate_situations(estimate, case)
    return found


def coverage_situations(coverage: list[Row]) -> set[str]:
    spans = sorted((date.fromisoformat(one["from"]), date.fromisoformat(one["to"])) for one in coverage)
    found = {f"periods {len(spans)}"}
    for start, edition in EDITION_STARTS:
        found |= {f"starts with edition {edition}" for first, _ in spans if first == start}
        found |= {f"starts just before edition {edition}" for first, _ in spans if (start - first).days == 1}
        found |= {f"runs over the start of {edition}" for first, last in spans if first < start <= last}
    gaps = [(later[0] - earlier[1]).days for earlier, later in pairwise(spans)]
    return found | {"touching" if gap == 1 else "gap of a day" if gap == 2 else "gap" for gap in gaps}


def decision_situations(case: Row, answer: Row) -> set[str]:
    """How the decided stays look now: as then, joined by another settlement, refunded, or two apart."""
    found: set[str] = set()
    if not case.get("decided"):
        return found
    standing = [set(estimate["settlements"]) for estimate in answer["estimates"]]
    undecided = [set(one["settlements"]) for one in assess_naively({**case, "decided": []})["estimates"]]
    for decision in case.get("decided", ()):
        numbers = set(decision["settlements"])
        left = next((numbers & one for one in standing if numbers & one), set())
        found |= {"decided, still as it was"} if numbers in undecided else set()
        found |= {"decided, then joined"} if any(numbers < one for one in undecided) else set()
        found |= {"decided, now apart"} if sum(bool(numbers & one) for one in undecided) > 1 else set()
        found |= {"decided, then refunded"} if not left else set()
        found |= {"decided, then refunded in part"} if left and left < numbers else set()
        again = {f"N{number}" for number in numbers}
        found |= {"decided, then settled again"} if any(again & one for one in asked_about(answer)) else set()
    return found


def asked_about(answer: Row) -> list[set[str]]:
    return [set(one["settlements"]) for one in answer["estimates"] if one["difference"] is not None]


def row_situations(row: Row) -> set[str]:
    found = {f"care {row['care_type']}", f"insurance {row.get('insurance_type')}"}
    found |= {f"missing {name}" for name in NEEDED if row.get(name) is None}
    found |= {"no visit number"} if "visit_no" not in row else set()
    if row.get("admitted_on") and row.get("discharged_on"):
        days = (date.fromisoformat(row["discharged_on"]) - date.fromisoformat(row["admitted_on"])).days
        found |= {"impossible dates"} if days < 0 else {"same day"} if days == 0 else set()
        found |= {"more than 90 days"} if days > 90 else set()
        found |= days_situations(row, days) if row["care_type"] == "inpatient" else set()
    found |= {"negative amount"} if any(str(row.get(name)).startswith("-") for name in NEEDED) else set()
    if row.get("settled_at") and row.get("admitted_on"):
        there = datetime.fromisoformat(row["settled_at"]).astimezone(SHANGHAI)
        found |= {"settled before admission"} if there.date().isoformat() < row["admitted_on"] else set()
    if row["care_type"] == "outpatient_special" and row.get("settled_at"):
        there = datetime.fromisoformat(row["settled_at"])
        same = there.month == there.astimezone(SHANGHAI).month
        found |= {"another month on its own clock"} if not same else set()
    return found


def days_situations(row: Row, days: int) -> set[str]:
    given = row.get("inpatient_days")
    if given is None:
        return {"inpatient days absent"}
    return {"inpatient days 0" if given == 0 else "inpatient days agree" if given == days else "days differ"}


def reversal_situations(row: Row, case: Row) -> set[str]:
    plain = [one for one in case["settlements"] if not one.get("reversal")]
    numbers = {one["settlement_no"] for one in plain}
    named, own = row.get("reverses"), row["settlement_no"] in numbers
    style = "own number" if named and own else "named" if named else "bare own" if own else "bare"
    visit = [
        one for one in plain if row.get("visit_no") and one.get("visit_no") == row["visit_no"]
        and fen(one["total_amount"]) == abs(fen(row["total_amount"]))
    ]  # fmt: skip
    style = "unknown" if named and named not in numbers else style
    found = {f"reversal {style}", f"reversal {'-' if row['total_amount'].startswith('-') else '+'}"}
    return found | ({f"bare with {min(len(visit), 2)} candidates"} if style == "bare" else set())


def estimate_situations(estimate: Row, case: Row) -> set[str]:
    rows = {row["settlement_no"]: row for row in case["settlements"] if not row.get("reversal")}
    parts = [rows[number] for number in estimate["settlements"]]
    found = {f"edition {estimate['edition']}", *estimate["flags"]}
    for line in estimate["lines"]:
        found |= line_situations(line)
    found |= {"emergency care in a stay"} if {part["care_type"] for part in parts} > {"emergency"} else set()
    found |= {"a difference"} if estimate["difference"] is not None else set()
    if "recover_to_confirm" in found and estimate["edition"] is None:
        found |= {"recovered though nothing was refunded"}
    found |= {"nothing left of the cap"} if found >= {"cap"} and estimate["payable"] == "0.00" else set()
    found |= {"refused before"} if found >= {"decided"} and estimate["payable"] == "0.00" else set()
    found |= {"chain of three"} if "transfer_to_confirm" in found and len(parts) > 2 else set()
    facilities = [part["facility_no"] for part in parts]
    if "transfer_to_confirm" in found and len(set(facilities)) < len(facilities):
        found |= {"transfer and back"}
    found |= {"visit in parts"} if len(parts) > 1 and len({part.get("visit_no") for part in parts}) == 1 else set()
    found |= {"month of several"} if len(parts) > 1 and parts[0]["care_type"] == "outpatient_special" else set()
    return found | coverage_of_stay(estimate, parts[0], case)


def line_situations(line: Row) -> set[str]:
    found = {line["rule"]}
    if line["rule"] == "cap" and line["recovering"] != "0.00":
        found |= {"cap used by what is recovered"}
    if line["rule"] == "daily_allowance":
        found |= {f"allowance of {line['per_day']}"} | ({"allowance of 30 days"} if line["days"] == 30 else set())
    if line["rule"] == "band":
        found |= {"a fen into a band"} if line["base"] == "0.01" else set()
        found |= {"half a fen"} if fen(line["base"]) * fen(line["rate"]) % 100 == 50 else set()
    return found


def coverage_of_stay(estimate: Row, first: Row, case: Row) -> set[str]:
    """Whether the stay began outside coverage, and whether its allowance began again."""
    spans = [(one["from"], one["to"]) for one in case["member"]["coverage"]]
    came = first.get("admitted_on") or ""
    span = next(((start, end) for start, end in spans if start <= came <= end), None)
    if estimate["edition"] is None or first["care_type"] != "inpatient":
        return set()
    if span is None:
        return {"in hospital when coverage began"}
    found = {"period of 2023 or later"} if span[0] >= "2023" else set()
    day_before = (date.fromisoformat(span[0]) - timedelta(days=1)).isoformat()
    touches = any(end == day_before and start >= "2020-04-28" for start, end in spans)
    ten = any(line.get("per_day") == "10.00" for line in estimate["lines"])
    return found | ({"allowance begun again"} if touches and ten else set())


EXPECTED = {
    *(f"periods {count}" for count in range(6)),
    *(f"starts with edition {edition}" for _, edition in EDITION_STARTS),
    *(f"starts just before edition {edition}" for _, edition in EDITION_STARTS),
    *(f"runs over the start of {edition}" for _, edition in EDITION_STARTS),
    *(f"edition {edition}" for edition in ("2019", "2020", "2021", "2022", None)),
    *(f"insurance {kind}" for kind in ("310", "390", "510", None)),
    *(f"care {care}" for care in (*OTHER_CARE, "inpatient", "outpatient_special")),
    *(f"missing {name}" for name in NEEDED),
    *(f"reversal {style}" for style in ("own number", "named", "bare", "bare own", "unknown", "-", "+")),
    *(f"bare with {count} candidates" for count in range(3)),
    *(f"allowance of {amount}" for amount in ("10.00", "20.00", "30.00", "30 days")),
    *("band", "proration", "daily_allowance", "floor", "cap", "decided"),
    *("maternity_insurance", "not_employee_insurance", "not_payable_care", "not_covered", "incomplete"),
    *(
        "partial_reversal",
        "reversal_unclear",
        "decided_before",
        "age_outside",
        "referral_to_confirm",
        "injury_to_confirm",
    ),
    *("transfer_to_confirm", "chain of three", "transfer and back", "visit in parts", "month of several"),
    *("touching", "gap", "gap of a day", "refused", "no visit number", "impossible dates", "same day"),
    *("inpatient days absent", "inpatient days 0", "inpatient days agree", "days differ"),
    *("another month on its own clock", "a fen into a band", "half a fen", "nothing left of the cap"),
    *("refused before", "in hospital when coverage began", "period of 2023 or later"),
    *("allowance begun again", "more than 90 days", "settled before admission", "negative amount"),
    *("decided, still as it was", "decided, then joined", "decided, now apart"),
    *("decided, then refunded", "decided, then refunded in part", "decided, then settled again"),
    *("emergency_to_confirm", "emergency care in a stay"),
    *("overlapping_stays", "billed_twice", "scope_exceeds_total", "visit_far_apart", "cap used by what is recovered"),
    *("recover_to_confirm", "recovered though nothing was refunded", "a difference"),
}
AT_LEAST = 10
COUNTED = 6_000


@pytest.mark.full
def test_the_cases_hold_every_situation() -> None:
    counts: Counter[str] = Counter()
    for seed in range(COUNTED):
        case = CaseMaker(seed).make()
        counts.update(situations(case, assess_naively(case)))
    assert {name: counts[name] for name in sorted(EXPECTED) if counts[name] < AT_LEAST} == {}
