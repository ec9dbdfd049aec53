"""What somebody wrote is text in every table we write, and never a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from gateway.cli.table_files import as_text, csv_file, table_file, workbook_file

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "＝1+1", "＋1", "－A1", "＠A1",
    "=HYPERLINK(\"http://127.0.0.1/\"&A1)", "-", "+86 19900012345", "=",
]  # fmt: skip
PLAIN = ["敖云", "a=b", "1-2", "", "150999198001010113", "-12.00", "+3", "-7", "0.50"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_in_a_csv_file_is_text(text: str) -> None:
    [[cell]] = list(csv.reader(io.StringIO(csv_file([text], []).decode("utf-8-sig"), newline="")))
    assert cell == "'" + text


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert as_text(text) == text


@given(st.text())
@example("=cmd|' /C calc'!A0")
def test_no_cell_of_a_csv_file_begins_as_a_formula_does(text: str) -> None:
    written = as_text(text)
    number = written.lstrip("+-").replace(".", "", 1).isdigit()
    assert number or not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert written.removeprefix("'") in (text, text.removeprefix("'"))


@pytest.mark.parametrize("text", [*FORMULAS, *PLAIN])
def test_a_workbook_holds_texts_and_never_formulas(text: str) -> None:
    sheet = load_workbook(io.BytesIO(workbook_file({"a": ([text], [[text]])}))).active
    for cell in (sheet["A1"], sheet["A2"]):
        assert cell.data_type in ("s", "n", "inlineStr")
        assert (cell.value or "").replace("\n", "\r").replace("\r\r", "\r") == text.replace("\n", "\r")


def test_amounts_are_numbers_in_a_workbook_and_yuan_in_a_csv_file() -> None:
    sheet = load_workbook(io.BytesIO(workbook_file({"a": (["金额"], [["-12.30"]])}, money=[0]))).active
    assert (sheet["A2"].value, sheet["A2"].number_format) == (-12.3, "#,##0.00")
    assert csv_file(["金额"], [[Decimal("-12.30")]]).decode("utf-8-sig").split() == ["金额", "-12.30"]


def test_the_ending_names_the_form() -> None:
    assert table_file("xlsx", "a", ["x"], [["y"]]).startswith(b"PK")
    assert table_file("csv", "a", ["x"], [[None]]) == '\ufeffx\r\n""\r\n'.encode()


def test_control_characters_do_not_stop_a_workbook() -> None:
    assert load_workbook(io.BytesIO(workbook_file({"a": (["x"], [["a\x00b"]])}))).active["A2"].value == "a\ufffdb"
