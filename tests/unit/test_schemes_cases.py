"""`hubao scheme assess`: JSON in, JSON out, and nothing that breaks it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemes_builders import family

from gateway.core.schemes.cases import answer_case

CASE: dict[str, Any] = json.loads(
    """{"case": "c1", "scheme": "nm-inpatient",
    "member": {"category": "active", "sex": "F", "birth_date": "1980-05-01",
               "coverage": [{"from": "2020-06-01", "to": "2021-05-31"},
                            {"from": "2021-06-01", "to": "2022-05-31"}]},
    "settlements": [{"settlement_no": "S1", "care_type": "inpatient", "facility_no": "H15010200001",
      "admitted_on": "2021-07-01", "discharged_on": "2021-07-10", "inpatient_days": 9,
      "settled_at": "2021-07-10T10:00:00+08:00", "total_amount": "20000.00", "in_scope_amount": "15000.00",
      "fund_paid_amount": "9000.00", "diagnosis_codes": ["I10.x00"]}]}"""
)

ANSWER = json.loads(
    """{"case": "c1", "estimates": [{"settlements": ["S1"], "edition": "2021", "payable": "2580.00",
      "lines": [{"rule": "band", "article": "第十条第一项", "base": "6000.00", "rate": "0.40",
                 "amount": "2400.00"},
                {"rule": "daily_allowance", "article": "第十条第五项", "days": 9, "per_day": "20.00",
                 "amount": "180.00"}],
      "flags": [], "assumed": ["allowance.years", "rounding"], "claim_by": "2021-10-08"}]}"""
)


def answer(case: object) -> dict[str, Any]:
    return answer_case(case, {"nm-inpatient": family()})


def changed(path: str, value: object, whole: dict[str, Any] | None = None) -> dict[str, Any]:
    """The case with one value put in its place; `...` takes the key away."""
    case = copy.deepcopy(whole or CASE)
    *way, last = path.split(".")
    place: Any = case
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    key = int(last) if last.isdigit() else last
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return case


def test_the_example_of_the_contract() -> None:
    found = answer(CASE)
    for line in found["estimates"][0]["lines"]:
        assert list(line)[-1] == "text"
        del line["text"]
    assert json.dumps(found, ensure_ascii=False) == json.dumps(ANSWER, ensure_ascii=False)


def test_reversal_decision_and_optional_keys() -> None:
    case = copy.deepcopy(CASE)
    case["settlements"].append({**case["settlements"][0], "settlement_no": "S2", "visit_no": "V2"})
    case["settlements"].append({"settlement_no": "S1", "reversal": True, "reverses": None})
    case["decided"] = [{"settlements": ["S2"], "payable": "0.00"}]
    (estimate,) = answer(case)["estimates"]
    assert (estimate["settlements"], estimate["payable"]) == (["S2"], "0.00")
    assert [line["rule"] for line in estimate["lines"]] == ["decided"]


def test_no_settlements_no_estimates() -> None:
    assert answer(changed("settlements", [])) == {"case": "c1", "estimates": []}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settlements.0.in_scope_amount", "15000"),
        ("settlements.0.in_scope_amount", "15000.0"),
        ("settlements.0.settled_at", "2021-07-10T02:00:00Z"),
        ("settlements.0.visit_no", None),
        ("member.category", ...),
        ("member.birth_date", None),
        ("member.coverage.0.category", "retired"),
        ("member.coverage.0.scheme", "nm-inpatient"),
        ("decided", []),
    ],
)
def test_what_may_be_written_otherwise(path: str, value: object) -> None:
    assert answer(changed(path, value))["estimates"][0]["payable"] == "2580.00"


HOSTILE = [
    ("scheme", "nm-unknown", "unknown_scheme"),
    ("scheme", ..., "missing"),
    ("scheme", 7, "wrong_type"),
    ("member", ..., "missing"),
    ("member", [], "wrong_type"),
    ("member.category", "student", "not_allowed"),
    ("member.sex", "X", "not_allowed"),
    ("member.birth_date", "1980-02-30", "bad_date"),
    ("member.birth_date", "19800501", "bad_date"),
    ("member.birth_date", "１９８０-05-01", "bad_date"),
    ("member.birth_date", "1980-W18-4", "bad_date"),
    ("member.birth_date", "0000-01-01", "bad_date"),
    ("member.birth_date", 19800501, "wrong_type"),
    ("member.coverage", {}, "wrong_type"),
    ("member.coverage.0", "2021", "wrong_type"),
    ("member.coverage.0.from", ..., "missing"),
    ("member.coverage.0.from", "2021-06-01T00:00:00", "bad_date"),
    ("member.coverage.0.to", "2020-05-31", "bad_coverage"),
    ("member.coverage.0.to", "2021-06-01", "overlapping_coverage"),
    ("settlements", ..., "missing"),
    ("settlements", {"0": {}}, "wrong_type"),
    ("settlements", [{}] * 10_001, "too_many"),
    ("settlements.0", None, "wrong_type"),
    ("settlements.0.settlement_no", ..., "missing"),
    ("settlements.0.settlement_no", 123, "wrong_type"),
    ("settlements.0.settlement_no", " ", "empty"),
    ("settlements.0.settlement_no", "\ud800", "not_text"),
    ("settlements.0.care_type", "21", "not_allowed"),
    ("settlements.0.admitted_on", "2021-02-29", "bad_date"),
    ("settlements.0.admitted_on", "2021-13-01", "bad_date"),
    ("settlements.0.discharged_on", True, "wrong_type"),
    ("settlements.0.inpatient_days", "9", "wrong_type"),
    ("settlements.0.inpatient_days", 9.0, "wrong_type"),
    ("settlements.0.inpatient_days", True, "wrong_type"),
    ("settlements.0.inpatient_days", 10**30, "out_of_range"),
    ("settlements.0.settled_at", "2021-07-10T10:00:00", "bad_instant"),
    ("settlements.0.settled_at", "2021-07-10", "bad_instant"),
    ("settlements.0.settled_at", "2021-07-10T25:00:00+08:00", "bad_instant"),
    ("settlements.0.in_scope_amount", 15000.0, "wrong_type"),
    ("settlements.0.in_scope_amount", 15000, "wrong_type"),
    ("settlements.0.in_scope_amount", float("nan"), "wrong_type"),
    ("settlements.0.in_scope_amount", "15,000.00", "not_an_amount"),
    ("settlements.0.in_scope_amount", "1.5e4", "not_an_amount"),
    ("settlements.0.in_scope_amount", "15000.001", "not_an_amount"),
    ("settlements.0.in_scope_amount", "１５", "not_an_amount"),
    ("settlements.0.in_scope_amount", "1" * 13, "not_an_amount"),
    ("settlements.0.in_scope_amount", "", "not_an_amount"),
    ("settlements.0.in_scope_amount", {}, "wrong_type"),
    ("settlements.0.reversal", "true", "wrong_type"),
    ("settlements.0.reversal", 1, "wrong_type"),
    ("settlements.0.diagnosis_codes", "I10.x00", "wrong_type"),
    ("settlements.0.diagnosis_codes", [1], "wrong_type"),
    ("decided", {}, "wrong_type"),
    ("decided", [{"settlements": ["S1"]}], "missing"),
    ("decided", [{"settlements": "S1", "payable": "1.00"}], "wrong_type"),
    ("decided", [{"settlements": ["S1"], "payable": "-1.00"}], "bad_decision"),
    ("decided", [{"settlements": ["S1"], "payable": "1.00", "refused": True}], "bad_decision"),
    ("decided", [{"settlements": ["S1"], "payable": 1}], "wrong_type"),
    ("decided", [{"settlements": ["S1"], "payable": "1.00"}] * 2, "decided_twice"),
]


@pytest.mark.parametrize(("path", "value", "code"), HOSTILE)
def test_bad_cases_are_answered_with_an_error(path: str, value: object, code: str) -> None:
    found = answer(changed(path, value))
    assert set(found) == {"case", "error"}
    assert (found["case"], found["error"]["code"]) == ("c1", code)
    assert found["error"]["message"].isprintable()


@pytest.mark.parametrize("case", [None, [], "text", 7, True, {}, {"case": ["c1"]}])
def test_what_is_no_case_at_all(case: object) -> None:
    assert set(answer(case)) == {"case", "error"}
    assert answer(case)["case"] is None


def test_a_settlement_stands_once() -> None:
    case = changed("settlements", CASE["settlements"] * 2)
    assert answer(case)["error"]["code"] == "duplicate_settlement"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("member.coverage.1.to", "9999-12-31"),
        ("settlements.0.settled_at", "9999-12-31T23:59:59-12:00"),
        ("settlements.0.settled_at", "0001-01-01T00:00:00+14:00"),
        ("settlements.0.discharged_on", "9999-12-31"),
        ("settlements.0.admitted_on", "0001-01-01"),
        ("member.birth_date", "9999-12-31"),
        ("settlements.0.in_scope_amount", "9" * 12),
        ("settlements.0.in_scope_amount", "-" + "9" * 12),
    ],
)
def test_the_ends_of_the_calendar_and_of_money(path: str, value: str) -> None:
    assert len(answer(changed(path, value))["estimates"]) == 1


def test_messages_never_hold_a_value() -> None:
    secret = "王小明150999"
    for path in (
        "member.birth_date",
        "settlements.0.admitted_on",
        "settlements.0.in_scope_amount",
        "member.sex",
    ):
        assert secret not in json.dumps(answer(changed(path, secret)), ensure_ascii=False)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2021-07-01", "1.00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    "scheme", "member", "member.coverage", "member.coverage.0", "member.coverage.0.from", "settlements",
    "settlements.0", *(f"settlements.0.{key}" for key in CASE["settlements"][0]), "decided", "case",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), JUNK)
def test_junk_anywhere_is_answered(place: str, junk: object) -> None:
    found = answer(changed(place, junk))
    assert ("estimates" in found) != ("error" in found)


TYPING_ERRORS = [
    ("inpatient_dys", "settlements.0.inpatient_dys", 5, "inpatient_days"),
    ("facility_grade", "settlements.0.facility_grade", "三级", "facility_name"),
    ("accident", "settlements.0.accident", True, None),
    ("decidd", "decidd", [], "decided"),
    ("categry", "member.categry", "active", "category"),
    ("relation", "member.relation", "本人", "region"),
    ("form", "member.coverage.0.form", "2021-01-01", "from"),
    ("refusd", "decided.0.refusd", True, "refused"),
    ("onn", "facts.0.onn", "2021-07-01", "on"),
]


@pytest.mark.parametrize(("key", "path", "value", "meant"), TYPING_ERRORS, ids=[key for key, *_ in TYPING_ERRORS])
def test_a_typing_error_is_refused_with_what_is_allowed(key: str, path: str, value: Any, meant: str | None) -> None:
    case = copy.deepcopy(CASE)
    case["decided"] = [{"settlements": ["S1"], "payable": "2580.00"}]
    case["facts"] = [{"kind": "death", "on": "2021-07-01"}]
    assert "estimates" in answer(case)
    error = answer(changed(path, value, case))["error"]
    assert error["code"] == "unknown_key"
    assert key in error["message"]
    assert "允许" in error["message"]
    assert (f"是否想写 did you mean {meant}？" in error["message"]) is (meant is not None)


def test_places_are_counted_from_1_as_people_do() -> None:
    second = copy.deepcopy(CASE)
    second["settlements"].append({**second["settlements"][0], "settlement_no": "S2", "in_scope_amount": 5})
    assert answer(second)["error"]["message"].startswith("settlements 第2条.in_scope_amount: ")


def test_a_key_that_may_be_about_a_person_is_not_repeated() -> None:
    message = answer(changed("member.150999198001010017", "x"))["error"]["message"]
    assert "150999" not in message
    assert "不便显示的键" in message


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("decided", [{"settlements": ["S1", "S9"], "payable": "1.00"}]),
        ("decided", [{"settlements": ["S1"], "payable": "1.00"}, {"settlements": ["S9"], "payable": "0.00"}]),
        ("facts", [{"kind": "emergency_part", "settlements": ["S9"]}]),
    ],
)
def test_what_is_said_about_an_unknown_settlement_is_refused(key: str, rows: list[Any]) -> None:
    error = answer({**CASE, key: rows})["error"]
    assert error["code"] == "unknown_settlement"
    place = "第1条 settlements 第2个" if len(rows) == 1 and len(rows[0]["settlements"]) == 2 else f"第{len(rows)}条"
    assert place in error["message"]


def test_emergency_care_joins_its_stay_by_a_fact() -> None:
    case = copy.deepcopy(CASE)
    care = {"settlement_no": "E", "care_type": "emergency", "facility_no": "H15010200001"}
    amounts = {"settled_at": "2021-07-01T09:00:00+08:00", "in_scope_amount": "3000.00", "fund_paid_amount": "1000.00"}
    case["settlements"].append(care | amounts)
    asked = {tuple(each["settlements"]): each for each in answer(case)["estimates"]}
    assert asked[("E",)]["payable"] == "0.00"
    assert [each["flags"] for each in asked.values()] == [["emergency_to_confirm"]] * 2
    case["facts"] = [{"kind": "emergency_part", "settlements": ["E"]}]
    (whole,) = answer(case)["estimates"]
    # 40 % of 8,000 and nine days of the second year.
    assert (whole["settlements"], whole["payable"], whole["flags"]) == (["S1", "E"], "3380.00", [])


def test_a_difference_stands_in_the_answer_where_something_would_change_a_decision() -> None:
    case = copy.deepcopy(CASE)
    case["settlements"].append({**case["settlements"][0], "settlement_no": "S2", "in_scope_amount": "17000.00"})
    case["settlements"].append({"settlement_no": "S1", "reversal": True})
    case["decided"] = [{"settlements": ["S1"], "payable": "2580.00"}]
    (again,) = answer(case)["estimates"]
    assert (again["flags"], again["payable"], again["difference"]) == (["decided_before"], "0.00", "800.00")
    assert "difference" not in answer(CASE)["estimates"][0]
