"""Text, identifiers, code tables, flags, whole numbers, lists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.normalise import national
from gateway.core.normalise.language import EMPTY
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.texts import (
    flag_parser,
    identifier_parser,
    integer_parser,
    list_parser,
    table_parser,
    text_parser,
)
from gateway.model.record import CARE_TYPES

EMPTIES = frozenset(EMPTY)
text = text_parser(EMPTIES, limit=10)
identifier = identifier_parser(EMPTIES, limit=64)
integer = integer_parser(EMPTIES)
care_type = table_parser(text, national.CARE_TYPE_CODES, prefix=True, unknown="other")


def code_of(parse: Any, value: Any) -> str:
    with pytest.raises(Wrong) as caught:
        parse(value)
    return caught.value.code


@pytest.mark.parametrize(
    ("value", "kept"),
    [(" 测试\t", "测试"), (310, "310"), (-1, "-1"), ("", None), (None, None), ("NULL", None), ("\u3000", None),
     ("额尔敦·朝鲁", "额尔敦·朝鲁"), ("ᠮᠣᠩ\u202fᠭᠣᠯ", "ᠮᠣᠩ\u202fᠭᠣᠯ"), ("\ue000𠀀", "\ue000𠀀")],
)  # fmt: skip
def test_text_is_kept_without_the_space_around_it(value: Any, kept: str | None) -> None:
    assert text(value) == kept


@pytest.mark.parametrize(
    ("value", "code"),
    [("x" * 11, "too_long"), ("a\x00b", "control_character"), ("a\nb", "control_character"),
     ("a\x85b", "control_character"),
     ("测\ufffd", "bad_encoding"), (True, "wrong_type"), ({}, "wrong_type"), ([], "wrong_type"), (10**64, "too_long")],
)  # fmt: skip
def test_text_that_cannot_be_kept(value: Any, code: str) -> None:
    assert code_of(text, value) == code


@pytest.mark.parametrize("value", ["1.52E+19", "1.522E+11", "1E+11", "1.5e19", "9.99E20"])
def test_an_identifier_damaged_by_a_spreadsheet_is_refused(value: str) -> None:
    assert code_of(identifier, value) == "damaged_number"


@pytest.mark.parametrize("value", ["15E02", "E12", "150300G0000000000001", "1.5", "A-1", "00012", "53_04"])
def test_an_identifier_that_only_looks_odd_is_kept(value: str) -> None:
    assert identifier(value) == value


@pytest.mark.parametrize(
    ("code", "care"),
    [("11", "outpatient"), ("12", "outpatient"), ("13", "emergency"), ("14", "outpatient_chronic"),
     ("15", "outpatient"),
     ("16", "outpatient"), ("19", "outpatient"), ("21", "inpatient"), ("22", "inpatient"), ("23", "inpatient"),
     ("24", "inpatient"), ("25", "inpatient"), ("26", "inpatient"), ("27", "other"), ("28", "inpatient"),
     ("41", "pharmacy"), ("51", "maternity_outpatient"), ("52", "maternity_inpatient"), ("53", "family_planning"),
     ("53_04", "family_planning"), ("91", "other"), ("99", "other"), ("990404", "other"), ("108", "other"),
     ("71", "other"),
     ("2101", "inpatient"), ("140104", "outpatient_chronic"), ("2", "other"), ("住院", "other")],
)  # fmt: skip
def test_care_types_by_the_first_two_digits(code: str, care: str) -> None:
    assert care_type(code) == care


def test_every_care_type_of_the_table_is_one_of_ours() -> None:
    assert set(national.CARE_TYPE_CODES.values()) <= set(CARE_TYPES)


def test_the_longest_known_beginning_wins() -> None:
    table = table_parser(text, {"14": "a", "1402": "b", "140201": "c"}, prefix=True, unknown="error")
    assert [table(code) for code in ("14", "1401", "1402", "140299", "140201", "1402019")] == list("aabbcc")
    assert code_of(table, "15") == "unknown_code"


@pytest.mark.parametrize(
    ("value", "sex"), [("1", "M"), (2, "F"), ("男", "M"), ("F", "F"), (0, None), ("9", None), ("", None)]
)
def test_sex(value: Any, sex: str | None) -> None:
    assert table_parser(text, national.SEX_CODES, prefix=False, unknown="error")(value) == sex


@pytest.mark.parametrize(("unknown", "found"), [("keep", "7"), ("empty", None), ("other", "other")])
def test_what_an_unknown_code_becomes(unknown: str, found: str | None) -> None:
    assert table_parser(text, {"1": "a"}, prefix=False, unknown=unknown)("7") == found


@pytest.mark.parametrize(
    ("value", "answer"), [(1, "yes"), ("0", "no"), (True, "yes"), (False, "no"), ("退费", "yes"), ("", None)]
)
def test_flags(value: Any, answer: str | None) -> None:
    flag = flag_parser(table_parser(text, national.FLAG_CODES, prefix=False, unknown="error"))
    assert flag(value) == answer


@pytest.mark.parametrize(
    ("value", "number"), [(9, 9), ("9", 9), ("35.0", 35), ("-9", -9), (" 9 ", 9), ("", None), (None, None)]
)
def test_whole_numbers(value: Any, number: int | None) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    ("value", "code"),
    [("9.5", "not_an_integer"), ("９", "not_an_integer"), ("1e3", "not_an_integer"), ("40000", "not_an_integer"),
     (10**20, "not_an_integer"), ("九", "not_an_integer"), (True, "wrong_type"), ([], "wrong_type"),
     ("9_0", "not_an_integer")],
)  # fmt: skip
def test_what_is_no_whole_number(value: Any, code: str) -> None:
    assert code_of(integer, value) == code


@pytest.mark.parametrize(
    ("value", "items"),
    [("I10.x00;E11.900", ("I10.x00", "E11.900")), ("I10；I10； ", ("I10",)), (["I10", "null", 7], ("I10", "7")),
     ([{"code": "I10"}, {"code": None}, {}], ("I10",)), ("", ()), (None, ()), ([], ()), (5, ("5",))],
)  # fmt: skip
def test_lists(value: Any, items: tuple[str, ...]) -> None:
    assert list_parser(text, (";", "；"), "code")(value) == items


@pytest.mark.parametrize(
    ("value", "code"),
    [({"code": "I10"}, "wrong_type"), ([["I10"]], "wrong_type"), (["x" * 11], "too_long"), (["a"] * 201, "too_long")],
)
def test_what_is_no_list(value: Any, code: str) -> None:
    assert code_of(list_parser(text, (";",), ""), value) == code


@settings(max_examples=300)
@given(
    st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=5), max_size=4))
)
def test_no_parser_ever_raises_anything_else(value: Any) -> None:
    for parse in (text, identifier, integer, care_type, list_parser(text, (";",), "")):
        try:
            parse(value)
        except Wrong as wrong:
            assert wrong.code
