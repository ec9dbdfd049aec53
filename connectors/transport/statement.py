"""3201 医药机构费用结算对总账: a day's sums, held against the platform's, group by group.

The caller tells its own sums, and the platform says whether they are right. Some tell theirs as well: then these are
the day's totals, and `reconcile` shows by how much they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from connectors.transport.envelope import objects_of, text_of
from connectors.transport.national_line import NationalLine
from gateway.errors import BadInput
from gateway.model.money import parse_yuan, yuan
from gateway.model.page import FeedTotals

DIFFERS: Final = "statement_differs: 3201 对账不平 (3201 says the sums differ)"
"""What is told of a day whose sums are not the platform's, where it does not tell its own."""

_SUMMED: Final = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
_FLAT: Final = ("000000", "0")


class DayStatement:
    """Asks 3201 for one office. `groups` (险种/清算类别, `310/21`) are asked for even where we have no row of them."""

    def __init__(self, line: NationalLine, *, office: str, groups: Sequence[str]) -> None:
        self._line, self._office, self._groups = line, office, groups

    def of(self, day: date, rows: Sequence[Any]) -> tuple[tuple[FeedTotals, ...], str]:
        """The day's count and money as the platform has them; none, and what is wrong, where it only says "no"."""
        groups: dict[str, list[Any]] = {name: [] for name in self._groups}
        for row in objects_of(list(rows)):
            groups.setdefault(f"{text_of(row.get('insutype'))}/{text_of(row.get('clr_type'))}", []).append(row)
        count, amount = 0, 0
        for name, members in groups.items():
            sums = self.ask(day, name, members)
            if sums is None:
                return (), DIFFERS
            count, amount = count + sums[0], amount + sums[1]
        return (FeedTotals(day=day, rows=count, amount=amount),), ""

    def ask(self, day: date, group: str, rows: Sequence[Any]) -> tuple[int, int] | None:
        """One group's count and money (fen): the platform's where it tells them, ours where it agrees, else None."""
        insurance, _, clearing = group.partition("/")
        sums = {name: sum(fen_of(row.get(name)) for row in rows) for name in _SUMMED}
        data = {
            "insutype": insurance,
            "clr_type": clearing,
            "setl_optins": self._office,
            "stmt_begndate": day.isoformat(),
            "stmt_enddate": day.isoformat(),
            **{name: yuan(fen) for name, fen in sums.items()},
            "fixmedins_setl_cnt": str(len(rows)),
            "refd_setl_flag": "0",
        }
        statement: dict[str, Any] = {}
        for node in objects_of(self._line.ask("3201", data).output.get("stmtinfo")):
            statement |= node
        return stated(statement) or (
            (len(rows), sums["medfee_sumamt"]) if text_of(statement.get("stmt_rslt")) in _FLAT else None
        )


def stated(statement: dict[str, Any]) -> tuple[int, int] | None:
    """The count and money (fen) an answer tells of its own, None where it tells none."""
    number = text_of(statement.get("fixmedins_setl_cnt"))
    if not (number.isascii() and number.isdigit() and text_of(statement.get("medfee_sumamt"))):
        return None
    return int(number[:9]), fen_of(statement.get("medfee_sumamt"))


def fen_of(value: Any) -> int:
    """An amount of a row in fen; what is no amount counts nothing, and is found by the reading of the page."""
    try:
        return parse_yuan(text_of(value))
    except BadInput:
        return 0
