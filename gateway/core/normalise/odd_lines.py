"""Lines that are no settlements: sums (合计), a header that stands there again; what an unreadable page looks like.

Nothing of this is asked about a row with a number of its own and somebody's id number: such a row costs nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.core.normalise.problems import row_error
from gateway.model.page import RowError

_SUM: Final = re.compile(
    r"(本[页日月次]|当[日月页]|分[页组])?(合计|小计|总计|共计|累计|汇总)([^0-9A-Za-z].*|[0-9]{1,6}[笔条人行].*)?"
    r"|(sub|grand)?total:?",
    re.IGNORECASE | re.DOTALL,
)
_BLANKS: Final = re.compile(r"\s+")

SKIPPED: Final = (row_error("skipped", ""),)
"""What is said of a line that is no row: one the mapping skips, or the rest of a cell with a line break in it."""
SUM_ROW: Final = (row_error("sum_row", ""),)
HEADER_AGAIN: Final = (row_error("header_again", ""),)

_BEGINNINGS: Final = (
    (b"PK\x03\x04", "看上去是Excel工作簿或压缩包，请另存为CSV (a workbook or zip)"),
    (b"\xd0\xcf\x11\xe0", "看上去是旧版Excel工作簿，请另存为CSV (an old workbook)"),
    (b"\x1f\x8b", "看上去是gzip压缩的内容 (gzip)"),
    (b"\xff\xfe", "看上去是UTF-16 (UTF-16)"),
    (b"\xfe\xff", "看上去是UTF-16 (UTF-16)"),
    (b"%PDF", "看上去是PDF (a PDF)"),
)
_WEB_PAGE: Final = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<body|<table|<meta)", re.IGNORECASE)


def is_sum(text: str | None) -> bool:
    """Whether a text is a word of a line of sums and not the number of a settlement."""
    return text is not None and _SUM.fullmatch(_BLANKS.sub("", text)) is not None


def odd_line(number: str | None, cells: Sequence[str], header: Sequence[str]) -> tuple[RowError, ...]:
    """What a row that cannot be read is instead of a settlement; nothing where it only has something wrong with it.

    `number` is its settlement number, if it has one; `cells` and `header` are empty in a JSON page.
    """
    if cells and list(cells[: len(header)]) == list(header):
        return HEADER_AGAIN
    if is_sum(number) or (number is None and any(is_sum(cell) for cell in cells)):
        return SUM_ROW
    return ()


def looks_like(content: bytes) -> str:
    """What bytes that are no page of the mapping look like, in words; "" where nothing can be said."""
    for beginning, words in _BEGINNINGS:
        if content.startswith(beginning):
            return words
    start = content.removeprefix(b"\xef\xbb\xbf")[:200].lstrip()
    if _WEB_PAGE.match(start):
        return "看上去是网页，不是数据：表格请另存为CSV或.xlsx (a web page)"
    return "看上去是XML (XML)" if start.startswith((b"<?xml", b"<soap", b"<SOAP")) else ""
