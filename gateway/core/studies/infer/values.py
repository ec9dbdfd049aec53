"""What the values of a column can be: amounts, days and times, codes, numbers of people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from gateway.core.normalise.dates import datetime_parser
from gateway.core.normalise.problems import Wrong
from gateway.core.studies.infer.samples import SampleColumn
from gateway.model.national_id import checksum_ok, in_18, normalise_id

FORMATS: Final = (
    "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "yyyyMMdd", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS", "yyyy/M/d",
    "yyyy/M/d H:mm:ss",
    "yyyy/M/d H:mm", "yyyy.M.d", "yyyy年M月d日", "yyyy-M-d", "yyyy-M-d H:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-M-d H:mm",
    "yyyy.M.d H:mm:ss", "yyyy年M月d日 HH:mm:ss", "yyyyMMdd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.SSS",
)  # fmt: skip
"""Ways of writing a day or an instant that leagues use, the usual first."""

_AMOUNT: Final = re.compile(r"[+-]?([0-9]{1,12}|[0-9]{1,3}(,[0-9]{3})+)?([.][0-9]*)?")
_COUNTED: Final = re.compile(r"-?[0-9]{9,13}")
_MOST_SECONDS: Final = 4_000_000_000
_EPOCH: Final = datetime(1970, 1, 1) + timedelta(hours=8)  # noqa: DTZ001 - days are told apart, no instants.


def share(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    """In which part of the values something holds; 0 where there are none."""
    return sum(map(holds, values)) / len(values) if values else 0.0


def fen(text: str | None) -> int | None:
    """A text of yuan in fen, also one with thousands; None where it is none. Binary noise is rounded."""
    if text is None or not _AMOUNT.fullmatch(text) or not any(sign.isdigit() for sign in text):
        return None
    sign, plain = (-1 if text.startswith("-") else 1), text.lstrip("+-").replace(",", "")
    whole, _, part = plain.partition(".")
    # The third digit behind the point rounds; beyond it stands only noise.
    thousandths = int(f"{whole or 0}{part[:3]:0<3}")
    if len(part) > 3 and part[3] >= "5":
        thousandths += 1
    return sign * ((thousandths + 5) // 10)


def amounts_of(column: SampleColumn) -> list[int | None] | None:
    """A column as fen row by row; None where a value of it is no amount."""
    amounts = [fen(value) for value in column.values]
    wrong = sum(amount is None and value is not None for amount, value in zip(amounts, column.values, strict=True))
    return amounts if column.filled and wrong <= len(column.filled) // 50 else None


def looks_like_amounts(column: SampleColumn) -> bool:
    """Whether a column of no name may hold amounts: they have a point, or are nothing but zeros."""
    points = share(column.filled, lambda value: "." in value)
    return amounts_of(column) is not None and (points >= 0.3 or column.distinct <= {"0", "0.00", "0.0"})


def formats_of(values: Sequence[str]) -> tuple[str, ...] | None:
    """The formats, fewest and usual first, that read all but one in fifty of these values; None where none do."""
    left, chosen = list(values), list[str]()
    for form in FORMATS:
        read = datetime_parser((form,), frozenset(), epoch_ms=False, first_year=1850)
        rest = [value for value in left if not _reads(read, value)]
        if len(rest) < len(left) and not (len(rest) > 0.98 * len(left)):
            chosen.append(form)
            left = rest
    return tuple(chosen) if values and len(left) <= len(values) // 50 else None


def _reads(read: Callable[[str], datetime | None], value: str) -> bool:
    try:
        return read(value) is not None
    except Wrong:
        return False


def counts_from_1970(values: Sequence[str]) -> bool:
    """Whether these may be seconds or milliseconds since 1970."""
    return (
        share(values, lambda value: value == "0" or (_COUNTED.fullmatch(value) is not None and _is_told(value))) >= 0.95
    )


def days_of(column: SampleColumn) -> list[date | None] | None:
    """A column as days row by row; None where it holds none. Days and counts from 1970 may stand side by side."""
    counted = {value for value in column.distinct if _COUNTED.fullmatch(value) and _is_told(value)}
    written = [value for value in column.filled if value not in counted and value != "0"]
    formats = formats_of(written) if written else ()
    if formats is None or not column.filled or (counted and len(counted) < len(column.distinct) // 50):
        return None
    read = datetime_parser(formats, frozenset(), epoch_ms=False, first_year=1850) if formats else None
    return [_day(value, counted, read) if value is not None else None for value in column.values]


def _day(value: str, counted: set[str], read: Callable[[str], datetime | None] | None) -> date | None:
    if value in counted:
        return (_EPOCH + timedelta(seconds=_seconds(value))).date()
    moment = read(value) if read is not None and _reads(read, value) else None
    return moment.date() if moment else None


def has_times(column: SampleColumn) -> bool:
    """Whether times of day stand in a column of days."""
    return share(column.filled, lambda value: ":" in value or len(value) in (14, 17)) >= 0.5


def id_number(text: str) -> str | None:
    """The 18 signs of a valid id number, None for any other text."""
    number = in_18(normalise_id(text))
    return number if checksum_ok(number) else None


def _is_told(text: str) -> bool:
    return abs(_seconds(text)) < _MOST_SECONDS


def _seconds(text: str) -> int:
    number = int(text) if _COUNTED.fullmatch(text) or text == "0" else _MOST_SECONDS
    return number // 1000 if abs(number) >= 10**10 else number
