"""A platform that lists settlements by day, some rows a call: `startrow`, no total, no snapshot. Also 3201 对总账."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final

from gateway.sandbox.day_book import DayBook, total_text
from gateway.sandbox.national import Row
from gateway.sandbox.national_server import Gate, NationalApp, Output, PlatformError, day_of

LIST: Final = "3260"
"""The transaction that lists."""


class ListApp(NationalApp):
    """`most`: rows a call. `wrong_totals`: days of which 3201 tells one settlement more than the list holds.
    `tells_numbers`: whether 3201 tells its own sums, or only whether ours are right."""

    def __init__(
        self,
        book: DayBook,
        gate: Gate,
        *,
        clock: Callable[[], float],
        moods: Mapping[tuple[str, int], str] | None = None,
        most: int = 100,
        wrong_totals: Iterable[date] = (),
        tells_numbers: bool = True,
    ) -> None:
        super().__init__(gate, {LIST: self.list_rows, "3201": self.statement}, clock=clock, moods=moods)
        self.book = book
        self._most, self._wrong_totals, self._tells_numbers = most, frozenset(wrong_totals), tells_numbers

    def list_rows(self, asked: Output) -> Output:
        """So many rows of a day from `startrow` on."""
        day, text = day_of(asked.get("begndate")), str(asked.get("startrow"))
        if not text.isdigit() or int(text) < 1 or day != day_of(asked.get("enddate")):
            raise PlatformError("参数startrow不正确")
        rows = self.book.look(day)[int(text) - 1 :]
        return {"data": rows[: self._most]}

    def statement(self, asked: Output) -> Output:
        """3201: the caller tells its sums; the answer says whether they are right."""
        day = day_of(asked.get("stmt_begndate"))
        group = str(asked.get("insutype")), str(asked.get("clr_type"))
        rows: list[Row] = [
            row for row in self.book.between(day, day) if (str(row["insutype"]), str(row["clr_type"])) == group
        ]
        count, money = len(rows) + (day in self._wrong_totals), total_text(rows, "medfee_sumamt")
        is_flat = str(asked.get("fixmedins_setl_cnt")) == str(count) and str(asked.get("medfee_sumamt")) == money
        sums = {"fixmedins_setl_cnt": count, "medfee_sumamt": money} if self._tells_numbers else {}
        return {
            "stmtinfo": {
                "setl_optins": asked.get("setl_optins"),
                "stmt_rslt": "000000" if is_flat else "000103",
                "stmt_rslt_dscr": "" if is_flat else "不平",
                **sums,
            }
        }
