"""Invented roster files for the roster tests: every id number begins with 150999, which is nowhere."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import openpyxl

from gateway.model.national_id import check_digit

CHINESE = {
    "member_no": "会员号",
    "name": "姓名",
    "id_type": "证件类型",
    "id_number": "证件号码",
    "sex": "性别",
    "birth_date": "出生日期",
    "phone": "手机号",
    "unit_no": "单位编号",
    "unit_name": "单位名称",
    "league": "盟市",
    "category": "人员类别",
    "scheme": "互助计划",
    "coverage_from": "保障开始",
    "coverage_to": "保障结束",
    "joined_on": "参加日期",
    "end_on": "终止",
    "opt_out": "不参与",
}


def id_number(born: str = "19800101", serial: int = 11) -> str:
    """A valid number of nobody; an odd serial is a man's."""
    first17 = f"150999{born}{serial:03d}"
    return first17 + check_digit(first17)


def row(**changed: Any) -> dict[str, Any]:
    """A sound row with our column names."""
    sound = {
        "member_no": "M001",
        "name": "敖云",
        "id_number": id_number(),
        "category": "在职",
        "scheme": "nm-inpatient",
        "coverage_from": "2021-06-01",
        "coverage_to": "2022-05-31",
    }
    return {**sound, **changed}


def table(rows: list[dict[str, Any]], *, chinese: bool = True) -> list[list[Any]]:
    """Header and rows as a table with all columns any row has."""
    columns = [name for name in CHINESE if any(name in row for row in rows)]
    header = [CHINESE[name] if chinese else name for name in columns]
    return [header, *([row.get(name, "") for name in columns] for row in rows)]


def csv_bytes(
    rows: list[dict[str, Any]], *, encoding: str = "utf-8", chinese: bool = True, separator: str = ","
) -> bytes:
    """The rows as a CSV file."""
    return cells_as_csv(table(rows, chinese=chinese), encoding=encoding, separator=separator)


def cells_as_csv(cells: list[list[Any]], *, encoding: str = "utf-8", separator: str = ",") -> bytes:
    """Any table as a CSV file."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(cells)
    return text.getvalue().encode(encoding)


def xlsx_bytes(sheets: dict[str, list[list[Any]]]) -> bytes:
    """Tables as the sheets of a workbook."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, cells in sheets.items():
        sheet = workbook.create_sheet(name)
        for line in cells:
            sheet.append(line)
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


def day(text: str) -> date:
    """A short way to write a date."""
    return date.fromisoformat(text)
