"""What a league tells of each day, in national words with the moods of amounts; lists that do not stand still."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from gateway.model.record import SettlementRecord
from gateway.sandbox.leagues import Sent
from gateway.sandbox.national import Row, setlinfo, spoil
from gateway.sandbox.people import Dice

_LEFT_OUT_WHEN_ZERO = {
    "civil_servant_amount": "cvlserv_pay",
    "enterprise_amount": "hifes_pay",
    "hospital_borne_amount": "hosp_part_amt",
}


class DayBook:
    """Day → its rows, which another thread may change; `stir` makes a list change while it is being read."""

    def __init__(self, rows: Mapping[date, Sequence[Row]] | None = None) -> None:
        self._rows = {day: list(edition) for day, edition in (rows or {}).items()}
        self._coming: dict[date, list[list[Row]]] = {}
        self._lock = threading.Lock()

    def put(self, day: date, rows: Iterable[Row]) -> None:
        """What is told of a day from now on."""
        with self._lock:
            self._rows[day] = list(rows)

    def stir(self, day: date, editions: Iterable[Sequence[Row]]) -> None:
        """Tell these, one after another with every look at the day, and then what the book holds."""
        with self._lock:
            self._coming[day] = [list(edition) for edition in editions]

    def look(self, day: date) -> list[Row]:
        """What is told of a day now."""
        with self._lock:
            coming = self._coming.get(day)
            return coming.pop(0) if coming else list(self._rows.get(day, ()))

    def between(self, first: date, last: date) -> list[Row]:
        """What is told of all these days."""
        with self._lock:
            days = sorted(day for day in self._rows if first <= day <= last)
            return [row for day in days for row in self._rows[day]]

    def row(self, settlement_no: str) -> list[Row]:
        """Every row of one settlement."""
        with self._lock:
            return [row for rows in self._rows.values() for row in rows if row.get("setl_id") == settlement_no]

    def busiest(self) -> date:
        """The day with most rows."""
        return max(self._rows, key=lambda day: len(self._rows[day]))


def by_day(sent: Iterable[Sent]) -> dict[date, list[Sent]]:
    """Rows by the day they were settled."""
    days: dict[date, list[Sent]] = defaultdict(list)
    for row in sent:
        days[cast(datetime, row.record.settled_at).date()].append(row)
    return dict(days)


def as_listed(record: SettlementRecord) -> SettlementRecord:
    """The truth of a listed row: some zeros are told as nothing."""
    changed = {name: None for name in _LEFT_OUT_WHEN_ZERO if getattr(record, name) == 0}
    return msgspec.structs.replace(record, **changed)


def listed_row(sent: Sent) -> Row:
    """A row as a list tells it: amounts as numbers, as text, "" and null, and keys nobody documented."""
    row = setlinfo(as_listed(sent.record), nation=sent.person.nation) | {"certno": sent.id_written}
    dice = Dice("listed", sent.record.settlement_no)
    row |= {key: written_amount(dice, value) for key, value in row.items() if isinstance(value, Decimal)}
    row |= {key: dice.pick((None, "")) for key in _LEFT_OUT_WHEN_ZERO.values() if row[key] is None}
    row |= {"exp_content": None, "expContent": "", "opter_id": "sys", "balc": 0.0}
    return spoil(row, sent.spoiled) if sent.spoiled else row


def written_amount(dice: Dice, value: Decimal) -> Any:
    """An amount as a number, as text, or with the noise of a float."""
    draw = dice.below(10)
    if draw == 0 and value:
        return value + Decimal("0.000000000002")
    return str(value) if draw < 4 else value


def total_text(rows: Iterable[Row], key: str) -> str:
    """The sum of an amount over rows as they are written, in yuan; what is no amount counts nothing."""
    worth = (Decimal(str(row.get(key))) for row in rows if row.get(key) not in ("", None))
    return str(sum((value.quantize(Decimal("0.01")) for value in worth), Decimal("0.00")))
