"""Tables of dBase and workbooks as samples: where the header stands, what lines of sums begin with."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any, Final

from gateway.core.normalise.cells import CellRows, Instead, Wanted
from gateway.core.normalise.dbf_pages import dbf_rows
from gateway.core.normalise.excel_pages import SHEET_COLUMNS, excel_rows
from gateway.core.normalise.language import ControlLine, DbfFormat, ExcelFormat
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.workbooks import OLD_EXCEL, ZIP, WorkbookSheet, sheets
from gateway.core.studies.infer.names import fields_named, likeness
from gateway.core.studies.infer.samples import MOST_ROWS, Remark, Sample, SampleColumn, cell
from gateway.errors import BadInput, BadPage

_DAYS: Final = ("birth_date", "admitted_on", "discharged_on", "settled_at")
_SUMS: Final = ("合计", "总计", "小计", "合 计", "总 计")
_HEADER_WITHIN: Final = 50
_UNPACKED: Final = 512 * 1024 * 1024
_MOST_CELLS: Final = 3_000_000
_LEAST_LIKE: Final = 3


def read_dbf_sample(content: bytes) -> Sample | None:
    """A table of dBase or FoxPro, None where it is none."""
    for encodings in (("gb18030",), ("utf-8",)):
        try:
            rows = dbf_rows(content, DbfFormat(encoding=encodings), Wanted((), frozenset(), frozenset()))
        except BadPage:
            continue
        sample = _sample("dbf", rows, {"kind": "dbf", "encoding": list(encodings)})
        sample.remarks["format.kind"] = Remark(0.99, "文件头是DBF表的")
        return sample
    return None


def read_excel_sample(content: bytes) -> Sample | None:
    """A workbook with a sheet of settlements, None where it is none or none of its sheets has such a header."""
    if not content.startswith((ZIP, OLD_EXCEL)):
        return None
    try:
        header, hidden = _best_header(content)
        if likeness(header) < _LEAST_LIKE:
            return None
        needs = tuple((name,) for name in header if fields_named(name))
        dates = frozenset(name for name in header if any(field in _DAYS for field in fields_named(name)))
        control = tuple(ControlLine(begins=(words,)) for words in _SUMS)
        rows = excel_rows(content, ExcelFormat(control=control), Wanted(needs, frozenset(header), dates))
    except BadInput:
        return None
    form: dict[str, Any] = {"kind": "excel"}
    begins = Counter(words for line in rows.control for words in _SUMS if _first(line).startswith(words))
    remarks = {"format.kind": Remark(0.99, f"工作簿，表头有{likeness(header)}个列名像结算的字段")}
    if begins:
        form["control"] = [{"begins": words} for words in sorted(begins)]
        remarks["format.control"] = Remark(0.9, f"{sum(begins.values())}行以此开头，是合计，不是结算")
    if hidden:
        remarks["format.kind"] = Remark(0.99, f"另有{hidden}张隐藏的工作表，没有读：请问对方其中是什么")
    sample = _sample("excel", rows, form)
    sample.remarks = {**sample.remarks, **remarks}
    return sample


def is_table(content: bytes) -> bool:
    """Whether bytes are no text for what they begin with."""
    return content.startswith((ZIP, OLD_EXCEL)) or looks_like(content) is not None or b"\x00" in content[:4096]


def _best_header(content: bytes) -> tuple[list[str], int]:
    """The row among the first of the visible sheets that names most fields, and how many hidden sheets hold something.
    Raises BadInput."""
    best, hidden = list[str](), 0
    for sheet in sheets(content, unpacked=_UNPACKED, most_cells=_MOST_CELLS):
        if sheet.hidden:
            hidden += bool(sheet.filled)
            continue
        best = max((best, *_first_rows(sheet)), key=likeness)
    return best, hidden


def _first_rows(sheet: WorkbookSheet) -> list[list[str]]:
    rows = [[str(cell).strip() for cell in cells] for _, cells in islice(sheet.rows, _HEADER_WITHIN)]
    return [[text for text in cells if text] for cells in rows]


def _first(line: dict[str, Any]) -> str:
    """The first text of a line of sums; what says on which sheet it stands is none."""
    return next((str(value).strip() for name, value in line.items() if name not in SHEET_COLUMNS and str(value)), "")


def _sample(kind: str, rows: CellRows, form: dict[str, Any]) -> Sample:
    """The rows that are rows, as columns with their names."""
    body = [cells for cells in rows.rows if cells is not None and not isinstance(cells, Instead)][:MOST_ROWS]
    columns: list[SampleColumn] = []
    for place, name in enumerate(rows.header):
        if name and name not in SHEET_COLUMNS:
            values = [cell(_text(cells[place])) if place < len(cells) else None for cells in body]
            columns.append(SampleColumn(name=name, place=len(columns), values=values))
    remarks: dict[str, Remark] = {}
    left_out = Counter(cells.code for cells in rows.rows if isinstance(cells, Instead) and cells.code != "skipped")
    if left_out:
        shown = "、".join(f"{many}× {code}" for code, many in left_out.items())
        remarks["format.header"] = Remark(0.9, f"表头是列名；不是行的：{shown}")
    return Sample(kind=kind, format=form, columns=columns, rows=len(body), remarks=remarks)


def _text(value: Any) -> str | None:
    """A cell as text; of an error of the workbook nothing."""
    return str(value) if isinstance(value, str | int) else None
