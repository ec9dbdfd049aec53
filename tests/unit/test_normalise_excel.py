"""Workbooks: headers that moved, numbers and days as cells and as text, sheets, sums, and what must be refused."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as some
from normalise_samples import ID18
from table_samples import FIELDS, ROW, changed, outcomes, record_of, table_mapping

from gateway.core.normalise.excel_pages import number_text
from gateway.errors import BadPage
from gateway.flow.studies.case_pages import workbook

EXCEL: dict[str, Any] = {"kind": "excel"}
NAMES = list(ROW)


def cells(**values: Any) -> list[Any]:
    return list(changed(**values).values())


def saved(*rows: list[Any]) -> bytes:
    """A workbook as openpyxl saves it, with types of its own for days and numbers."""
    book = openpyxl.Workbook()
    for line in rows:
        book.worksheets[0].append(line)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def refused(content: bytes, **form: Any) -> BadPage:
    with pytest.raises(BadPage) as raised:
        table_mapping({**EXCEL, **form}).read(content)
    return raised.value


def test_a_header_may_stand_below_titles_and_away_from_the_corner() -> None:
    title = [None, "锡林郭勒盟结算明细表"]
    page = saved(
        title,
        [None, "制表日期：2026-03-31"],
        [],
        [None, "序号", *NAMES],
        [None, 1, *cells()],
        [None, 2, *cells(JSLSH="2")],
    )
    first, second = map(record_of, outcomes(table_mapping(EXCEL), page))
    assert (first.name, first.id_number, first.total_amount, second.settlement_no) == ("测试甲", ID18, 2_000_000, "2")


def test_sheets_are_banners_and_each_has_its_own_order_of_columns() -> None:
    turned = [list(reversed(line)) for line in (NAMES, cells(JSLSH="2"))]
    page = workbook(
        {"东乌旗": [["东乌珠穆沁旗 三月"], NAMES, cells()], "西乌旗": [["西乌珠穆沁旗 三月"], *turned], "空": []}
    )
    fields = {
        **FIELDS,
        "insured_region": {"from": "sheet:name", "codes": {"东乌旗": "152525", "西乌旗": "152526"}, "unknown": "error"},
        "facility_name": {"from": "sheet:title", "pattern": "{} 三月"},
    }
    first, second = map(record_of, outcomes(table_mapping(EXCEL, fields=fields), page))
    assert [(row.settlement_no, row.insured_region, row.facility_name) for row in (first, second)] == [
        ("150781000001", "152525", "东乌珠穆沁旗"), ("2", "152526", "西乌珠穆沁旗"),
    ]  # fmt: skip
    assert (second.name, second.total_amount, second.fund_paid_amount) == ("测试甲", 2_000_000, 900_000)


def test_days_come_as_dates_as_numbers_and_as_text() -> None:
    # 46082 days after 1899-12-30 is 2026-03-01; half a day is noon.
    assert date(1899, 12, 30).toordinal() + 46082 == date(2026, 3, 1).toordinal()
    ways = [
        (date(2026, 3, 1), datetime.fromisoformat("2026-03-01T12:00:00")),
        (46082, 46082.5),
        ("2026-03-01", "2026-03-01 12:00:00"),
        (20260301, 20260301120000),
    ]  # fmt: skip
    page = saved(NAMES, *(cells(JSLSH=str(no), CYRQ=day, JSSJ=moment) for no, (day, moment) in enumerate(ways, 1)))
    for row in map(record_of, outcomes(table_mapping(EXCEL), page)):
        assert (row.discharged_on, row.settled_at) == (
            date(2026, 3, 1), datetime.fromisoformat("2026-03-01T12:00:00+08:00"),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        (20000, 2_000_000), (1234.56, 123_456), (0.1 + 0.2, 30), (38.61000000000001, 3861), (-0.05, -5), (0, 0),
        ("1234.56", 123_456), (1e-15, 0), (999999999.99, 99_999_999_999), (4.35, 435), (1.005, None), (12.345, None),
        ("1.2E+05", None), (1e300, None), ("1,234.50", None), (True, None),
    ],
)  # fmt: skip
def test_a_number_becomes_fen_by_its_decimal_digits(cell: Any, fen: int | None) -> None:
    (outcome,) = outcomes(
        table_mapping(EXCEL),
        workbook({"a": [NAMES, cells(ZFY=cell)]}) if cell is not True else saved(NAMES, cells(ZFY=True)),
    )
    if fen is None:
        assert outcome in (["not_an_amount"], ["wrong_type"])
    else:
        assert record_of(outcome).total_amount == fen


@given(some.integers(-(10**13), 10**13))
def test_every_amount_of_fen_comes_back_through_a_binary_fraction(fen: int) -> None:
    # Fifteen digits always survive (IEEE 754, 2**53 > 9.007e15): the decimal nearest to the fraction is the one typed.
    assert Decimal(number_text(float(Fraction(fen, 100)))) * 100 == fen


@pytest.mark.parametrize(
    ("field", "cell", "code"),
    [
        # A worksheet keeps fifteen digits of a number: 150999198001010017 is 150999198001010000 in it.
        ("ZJHM", float(ID18), "damaged_number"), ("JSLSH", 1.522e18, "damaged_number"),
        ("JSLSH", "1.522E+18", "damaged_number"), ("ZJHM", "1.50999E+17", "damaged_number"),
    ],
)  # fmt: skip
def test_an_identifier_that_lost_digits_is_told(field: str, cell: Any, code: str) -> None:
    assert outcomes(table_mapping(EXCEL), workbook({"a": [NAMES, cells(**{field: cell})]})) == [[code]]


def test_fifteen_digits_of_a_number_are_an_identifier() -> None:
    (record,) = outcomes(table_mapping(EXCEL), workbook({"a": [NAMES, cells(JSLSH=152200000000001)]}))
    assert record_of(record).settlement_no == "152200000000001"


def test_formulas_are_their_stored_values_and_what_has_none_is_no_empty_cell() -> None:
    page = saved(NAMES, cells(), cells(JSLSH="2", JJZF="=1+1"), cells(JSLSH="3", XM="#REF!"))
    first, formula, error = outcomes(table_mapping(EXCEL), page)
    assert record_of(first)
    assert (formula, error) == (["wrong_type"], ["wrong_type"])
    worked_out = with_part(page, "xl/worksheets/sheet1.xml", b"<f>1+1</f><v />", b"<f>1+1</f><v>2.5</v>")
    worked_out = with_part(worked_out, "xl/worksheets/sheet1.xml", b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2.5</v>")
    assert record_of(outcomes(table_mapping(EXCEL), worked_out)[1]).fund_paid_amount == 250


def with_part(content: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """The workbook with something else in one of its parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as parts, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as changed:
        for entry in parts.infolist():
            text = parts.read(entry)
            changed.writestr(entry.filename, text.replace(old, new) if entry.filename == name else text)
    return written.getvalue()


def test_a_hidden_sheet_is_named_and_read_only_where_the_mapping_says_so() -> None:
    page = workbook({"三月": [NAMES, cells()], "二月": [NAMES, cells(JSLSH="2")]}, hidden=["二月"])
    shown, hidden = outcomes(table_mapping(EXCEL), page)
    assert (record_of(shown).settlement_no, hidden) == ("150781000001", ["hidden_sheet"])
    compiled = table_mapping(EXCEL)
    rows = compiled.read(page)
    assert "第2张工作表“二月”" in compiled.record(rows, 1).errors[0].message  # type: ignore[union-attr]
    assert len(outcomes(table_mapping({**EXCEL, "hidden": "skip"}), page)) == 1
    assert len(outcomes(table_mapping({**EXCEL, "hidden": "read"}), page)) == 2
    assert len(outcomes(table_mapping({**EXCEL, "sheets": ["三月"]}), page)) == 1


def test_a_sheet_may_be_called_like_a_person_and_its_name_is_not_told() -> None:
    page = workbook({"三月": [NAMES, cells()], "测试甲": [["x"]]})
    compiled = table_mapping(EXCEL)
    rejected = compiled.record(compiled.read(page), 1)
    assert rejected.errors[0].code == "no_header"  # type: ignore[union-attr]
    assert "测试甲" not in rejected.errors[0].message  # type: ignore[union-attr]


def test_sums_the_header_again_and_empty_rows_are_no_settlements() -> None:
    sums = [None, None, "合计", None, None, None, 40000, 18000]
    page = workbook({"a": [NAMES, cells(), [], NAMES, cells(JSLSH="2"), sums]})
    assert outcomes(table_mapping(EXCEL), page)[1:] == [
        ["header_again"],
        outcomes(table_mapping(EXCEL), page)[2],
        ["sum_row"],
    ]
    control = {**EXCEL, "control": [{"begins": ["合计"]}]}
    compiled = table_mapping(control, totals={"rows": "JJZF", "amount": "ZFY"})
    told = [None, None, "合计", None, None, None, 40000, 2]
    both = workbook(
        {"a": [NAMES, cells(), cells(JSLSH="2"), told], "b": [NAMES, cells(JSLSH="3"), [*told[:6], 20000.5, 1]]}
    )
    stated = compiled.totals(both, compiled.read(both), day=date(2026, 3, 1))
    assert stated is not None
    assert (stated.rows, stated.amount) == (3, 6_000_050)
    assert len(outcomes(compiled, both)) == 3


def test_a_row_that_moved_to_the_right_is_told() -> None:
    page = workbook({"a": [NAMES, [None, *cells()], cells(JSLSH="2")]})
    first, second = outcomes(table_mapping(EXCEL), page)
    assert first == ["wrong_columns"]
    assert record_of(second).settlement_no == "2"


def test_what_is_missing_is_named_and_what_is_no_workbook_is_refused() -> None:
    missing = refused(workbook({"a": [["x"], NAMES[:-2], cells()[:-2]]}))
    assert (missing.code, missing.message.count("ZFY"), missing.message.count("JSLSH")) == ("missing_columns", 1, 0)
    assert refused(b"JSLSH,XM\n").code == "not_excel"
    assert refused(b"PK\x03\x04xxxx").code == "bad_workbook"
    assert refused(workbook({"a": [[*NAMES, "ZFY"], [*cells(), 1]]})).code == "duplicate_columns"
    assert refused(bytes.fromhex("d0cf11e0") + bytes(600)).code == "bad_workbook"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", "<workbook/>")
        with parts.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(520):
                part.write(b"<" * 2**20)
    assert len(written.getvalue()) < 2**20
    bomb = refused(written.getvalue())
    assert (bomb.code, "too large" in bomb.message) == ("bad_workbook", True)


def test_a_far_cell_is_refused_before_it_costs_memory() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"], book.worksheets[0]["XFD1048576"] = "JSLSH", "x"
    content = io.BytesIO()
    book.save(content)
    assert refused(content.getvalue()).code == "bad_workbook"
