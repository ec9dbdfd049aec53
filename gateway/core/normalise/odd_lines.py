"""Lines that are no settlements: sums (合计), a header that stands there again.

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
