"""A control file beside a file (`x.csv.ok`, `x.ctl`): how many rows that one holds, and their worth together."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from gateway.errors import BadInput
from gateway.model.money import parse_yuan

_ROWS: Final = ("rows", "count", "笔数", "总笔数", "行数", "记录数")
_AMOUNT: Final = ("amount", "sum", "金额", "总金额", "合计金额")
_LINE: Final = re.compile(r"\s*([^=:：\t,，]{1,20}?)\s*[=:：\t,，]\s*(.*?)\s*")
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class ControlTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Rows and money (fen) as a control file tells them; None for what it does not. `unreadable`: it names one of them,
    and what stands there is no such value."""

    rows: int | None = None
    amount: int | None = None
    unreadable: bool = False


def read_control(content: bytes) -> ControlTotals:
    """A control file's lines `name=value` (or with a colon, a TAB, a comma), names in English or Chinese, any order.
    What holds neither count nor money, as a bare marker does, tells nothing."""
    named = [match for line in _text_of(content).splitlines() if (match := _LINE.fullmatch(line))]
    values = {match[1].lower(): match[2] for match in named}
    rows = next((values[name] for name in _ROWS if name in values), None)
    amount = next((values[name] for name in _AMOUNT if name in values), None)
    count = int(rows) if rows and _NUMBER.fullmatch(rows) else None
    fen = _fen(amount)
    is_unreadable = (bool(rows) and count is None) or (bool(amount) and fen is None)
    return ControlTotals(rows=count, amount=fen, unreadable=is_unreadable)


def _text_of(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", "replace")


def _fen(amount: str | None) -> int | None:
    try:
        return parse_yuan(amount) if amount else None
    except BadInput:
        return None
