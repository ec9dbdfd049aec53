"""Workbooks of Excel 97–2003 (.xls): what a league's old program writes is read as a new workbook is."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from old_workbooks import Day, old_workbook
from table_samples import ROW, changed, outcomes, record_of, table_mapping

from gateway.errors import BadPage

EXCEL: dict[str, Any] = {"kind": "excel"}
NAMES: list[Any] = list(ROW)


def cells(**values: Any) -> list[Any]:
    return list(changed(**values).values())


def test_texts_numbers_and_days_of_an_old_workbook_are_read() -> None:
    # 46082 is 2026-03-01 counted from 1899-12-30.
    page = old_workbook(
        "明细", [["结算明细"], NAMES, cells(), cells(JSLSH="2", ZFY=20000.5, JJZF=0.1 + 0.2, CYRQ=Day(46082))]
    )
    first, second = map(record_of, outcomes(table_mapping(EXCEL), page))
    assert (first.settlement_no, first.name, first.total_amount) == ("150781000001", "测试甲", 2_000_000)
    assert (second.settlement_no, second.total_amount, second.fund_paid_amount) == ("2", 2_000_050, 30)
    assert first.discharged_on == second.discharged_on == date(2026, 3, 1)


def test_days_of_an_old_workbook_may_count_from_1904() -> None:
    page = old_workbook("明细", [NAMES, cells(CYRQ=Day(46082 - 1462))], from_1904=True)
    (record,) = map(record_of, outcomes(table_mapping(EXCEL), page))
    assert record.discharged_on == date(2026, 3, 1)


def test_of_an_old_workbook_every_cut_is_a_broken_page_or_its_rows() -> None:
    page = old_workbook("明细", [NAMES, cells(), cells(JSLSH="2")])
    whole = outcomes(table_mapping(EXCEL), page)
    for end in range(100, len(page), 797):
        try:
            results = outcomes(table_mapping(EXCEL), page[:end])
        except BadPage as bad:
            assert bad.code in ("bad_workbook", "missing_columns", "not_excel")
            continue
        assert results == whole, end


@pytest.mark.full
@pytest.mark.skipif(shutil.which("soffice") is None, reason="soffice (LibreOffice) is not installed")
def test_what_an_office_program_saves_as_xls_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for line in (["结算明细"], NAMES, cells(), cells(JSLSH="2", ZFY=20000.5, CYRQ=date(2026, 3, 1))):
        sheet.append(line)
    book.save(tmp_path / "day.xlsx")
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "xls"]
    subprocess.run([*command, "--outdir", tmp_path, tmp_path / "day.xlsx"], check=True, timeout=120)
    first, second = map(record_of, outcomes(table_mapping(EXCEL), (tmp_path / "day.xls").read_bytes()))
    assert (first.name, first.total_amount, first.discharged_on) == ("测试甲", 2_000_000, date(2026, 3, 1))
    assert (second.settlement_no, second.total_amount, second.discharged_on) == ("2", 2_000_050, first.discharged_on)
