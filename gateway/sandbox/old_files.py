"""Files of the old kind, as bad as real ones: a dBase table (满洲里), a workbook (锡林郭勒), fixed width (运城).

All three hold the rows of `leagues.file_row` under their own columns. Beside the rows each file holds what must not
arrive: a deleted row, a hidden sheet, a damaged line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from gateway.core.normalise.language import Column
from gateway.flow.studies.case_pages import dbf_table, fixed_line, workbook
from gateway.model.record import SettlementRecord
from gateway.sandbox.files import DayFile
from gateway.sandbox.leagues import FILE_HEADERS, Sent, as_filed, file_row, total_of
from gateway.sandbox.people import Dice, words

ENCODING: Final = "gb18030"
TOTAL: Final = "医疗费总额"
DAYS: Final = words("出生日期 入院日期 出院日期")
AMOUNTS: Final = FILE_HEADERS[FILE_HEADERS.index(TOTAL) : -1]

TABLE_NAMES: Final = words(
    "JSLSH JZLSH RYBH XM ZJLX ZJHM XB CSRQ XZLX RYLB DWMC CBQH JYQH YLJGBM YLJGMC YYDJ YLLB RYRQ CYRQ ZYTS "
    "JSSJ TFBZ ZFY QZF CXJZF XXZF ZCFW QFX TCZC GWYBZ DEBZ QYBC DBZC YLJZ QTZC JJZFZE GRFD GRZHZC XJZF YYFD ZDBM"
)
"""The columns of the dBase table, in the order of the daily file: a name has at most ten bytes."""

FIXED_WIDTHS: Final = (
    30,
    30,
    30,
    60,
    2,
    40,
    1,
    10,
    3,
    6,
    60,
    6,
    6,
    12,
    60,
    2,
    6,
    10,
    10,
    4,
    19,
    1,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    14,
    60,
)
"""The bytes of each column of the file of fixed width."""

BANNERS: Final = {"锡林浩特市": "152502", "东乌珠穆沁旗": "152525", "正蓝旗": "152530"}
"""The sheets of the workbook: banners (旗县) and their codes."""

_DAY_ZERO: Final = date(1899, 12, 30)
Cells = dict[str, str]


def filed_rows(sent: Iterable[Sent]) -> list[Cells]:
    """The rows under the headers of the daily file; of a refunded one both carry the flag."""
    listed = list(sent)
    refunded = {row.record.settlement_no for row in listed if row.record.reversal}
    return [file_row(row, refunded=row.record.settlement_no in refunded) for row in listed]


def compact_day(text: str) -> str:
    """2022-03-01, 2022/3/1 or 20220301 → 20220301."""
    return "".join(part.zfill(2) for part in text.replace("/", "-").split("-"))


def table_file(day: date, sent: Sequence[Sent]) -> DayFile:
    """A dBase table: numbers to the right, days as days, one row whose total did not fit, and one deleted row, which is
    the first with twice its money."""
    rows = filed_rows(sent)
    typed = [row | {name: compact_day(row[name]) for name in DAYS} for row in rows]
    struck = typed[0] | {TOTAL: str(2 * Decimal(typed[0][TOTAL] or "0"))}
    broken = typed[-1] | {"结算流水号": "B0000000001", TOTAL: "*" * 12}
    short = dict(zip(FILE_HEADERS, TABLE_NAMES, strict=True))
    named = [{short[name]: text for name, text in row.items()} for row in (struck, *typed, broken)]
    kinds = {short[name]: "N" for name in AMOUNTS} | {short[name]: "D" for name in DAYS}
    content = dbf_table(TABLE_NAMES, named, ENCODING, kinds=kinds, deleted=[0])
    amount = total_of(rows, TOTAL)
    return DayFile(day=day, name=f"setl_150781_{day:%Y%m%d}.dbf", content=content, rows=len(rows) + 1, amount=amount)


def fixed_file(day: date, sent: Sequence[Sent]) -> DayFile:
    """Text of fixed width between a first and a last line; refunds are counted apart, and one line lost a byte."""
    rows = filed_rows(sent)
    columns, at = list[Column](), 0
    for name, width in zip(FILE_HEADERS, FIXED_WIDTHS, strict=True):
        columns.append(Column(name=name, at=at, width=width))
        at += width
    lines = [fixed_line(row, columns, at, ENCODING) for row in rows]
    lines.insert(len(lines) // 2, fixed_line(rows[0] | {"结算流水号": "B0000000001"}, columns, at, ENCODING)[:-1])
    back = [row for row in rows if row[TOTAL].startswith("-")]
    money, returned = (total_of(some, TOTAL) for some in ([row for row in rows if row not in back], back))
    tail = f"TRL{len(rows) - len(back) + 1:>8}{money:>16}{len(back):>8}{returned:>16}"
    whole = [f"HDR{day:%Y%m%d}".encode(), *lines, tail.encode()]
    content = b"".join(line + b"\r\n" for line in whole)
    return DayFile(day=day, name=f"setl_140800_{day:%Y%m%d}.txt", content=content, rows=len(rows) + 1, amount=money)


def banner_of(settlement_no: str) -> str:
    """On which sheet a settlement and its refund stand."""
    return tuple(BANNERS)[Dice("banner", settlement_no).below(len(BANNERS))]


def as_by_banner(record: SettlementRecord) -> SettlementRecord:
    """The truth of a row in the workbook: the sheet says where the patient is insured."""
    region = BANNERS[banner_of(record.settlement_no)]
    return msgspec.structs.replace(as_filed(record), insured_region=region)


def workbook_file(day: date, sent: Sequence[Sent]) -> DayFile:
    """A workbook with a sheet a banner: titles above a header that stands elsewhere on each, amounts and days in many
    kinds of cells, a last row of sums; the header again in the middle, a number that lost digits, a hidden sheet."""
    listed = list(zip(sent, filed_rows(sent), strict=True))
    names = [name for name in FILE_HEADERS if name != "参保区划"]
    sheets: dict[str, list[list[Any]]] = {}
    for place, banner in enumerate(BANNERS):
        rows = [row for stay, row in listed if banner_of(stay.record.settlement_no) == banner]
        lines = [_cells(row, names) for row in rows]
        if not place:
            lost = [float("1.522e18"), *_cells(rows[0], names)[1:]]
            lines = [*lines[:2], names, lost, *lines[2:]]
        summed = rows if place else [*rows, rows[0]]
        sums = [f"合计{len(summed)}笔", *[None] * (names.index(TOTAL) - 1), float(total_of(summed, TOTAL))]
        sheets[banner] = [[f"{banner}医保结算明细表"], *[[]] * place, names, *lines, sums]
    sheets["往月数据"] = [names, _cells(listed[0][1], names)]
    content = workbook(sheets, hidden=["往月数据"])
    amount = total_of([row for _, row in listed], TOTAL)
    return DayFile(day=day, name=f"setl_152500_{day:%Y%m%d}.xlsx", content=content, rows=len(listed), amount=amount)


def _cells(row: Cells, names: Sequence[str]) -> list[Any]:
    """A row's cells: of amounts and days some are numbers, as a spreadsheet keeps them, and some are text."""
    dice = Dice("cells", row["结算流水号"], row[TOTAL])
    return [_cell(dice, name, row[name]) for name in names]


def _cell(dice: Dice, name: str, text: str) -> Any:
    as_number = dice.below(3) > 0
    if name in AMOUNTS and text and as_number:
        return float(text)
    if name in DAYS and text and as_number and "-02-31" not in text:
        return (datetime.strptime(compact_day(text), "%Y%m%d").date() - _DAY_ZERO).days  # noqa: DTZ007
    return text or None
