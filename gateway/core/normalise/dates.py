"""Named parsers `date` and `datetime`: days of Asia/Shanghai, and instants with its offset."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from gateway.core.normalise.problems import Wrong
from gateway.model.clock import SHANGHAI_OFFSET

DATE_FORMATS: Final = ("yyyy-MM-dd", "yyyyMMdd", "yyyyMMddHHmmss")
DATETIME_FORMATS: Final = ("yyyy-MM-dd HH:mm:ss", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS", "yyyy-MM-dd")
"""Formats used where a mapping names none. ISO 8601 is always understood."""

_TOKENS: Final = {
    "yyyy": "(?P<year>[0-9]{4})", "MM": "(?P<month>[0-9]{2})", "M": "(?P<month>[0-9]{1,2})",
    "dd": "(?P<day>[0-9]{2})", "d": "(?P<day>[0-9]{1,2})", "HH": "(?P<hour>[0-9]{2})",
    "H": "(?P<hour>[0-9]{1,2})", "mm": "(?P<minute>[0-9]{2})", "ss": "(?P<second>[0-9]{2})",
    "SSS": "(?P<milli>[0-9]{3})",
}  # fmt: skip
_PIECES: Final = re.compile("yyyy|MM|M|dd|d|HH|H|mm|ss|SSS|[^A-Za-z]")
_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=SHANGHAI_OFFSET) + timedelta(hours=8)
_COUNTED: Final = re.compile(r"-?[0-9]{1,13}")
_DAY: Final = 86_400
# Fewer than nine digits may as well be a day written without signs.
_LONG: Final = 10**8
_LAST_YEAR, _END = 2199, "2200"
FIRST_YEAR: Final = 1850
"""Nobody was born before."""
FIRST_SETTLEMENT_YEAR: Final = 2000
"""医保 settles nothing of before: such a time is a placeholder or was read in the wrong unit."""


def format_ok(pattern: str) -> bool:
    """Whether a format is made of yyyy MM M dd d HH H mm ss SSS and signs, each at most once, with a day."""
    pieces = _PIECES.findall(pattern)
    kinds = [piece[0] for piece in pieces if piece in _TOKENS]
    return "".join(pieces) == pattern and len(set(kinds)) == len(kinds) and {"y", "M", "d"} <= set(kinds)


def date_parser(
    formats: tuple[str, ...], empty: frozenset[str], *, epoch_ms: bool, first_year: int = FIRST_YEAR
) -> Callable[[Any], date | None]:
    """Value → a day of Asia/Shanghai, or None. A time of day after the date is allowed and dropped."""
    instant = datetime_parser(
        formats or DATE_FORMATS, empty, epoch_ms=epoch_ms, first_year=first_year, code="not_a_date"
    )
    first = str(first_year)

    def parse(value: Any) -> date | None:
        # Years are compared as text. Of ten characters Python also takes week dates, without the second sign;
        # what only looks like a date goes the long way.
        if type(value) is str and len(value) == 10 and value[7] == "-" and first <= value < _END:
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        moment = instant(value)
        return None if moment is None else moment.date()

    return parse


def datetime_parser(
    formats: tuple[str, ...],
    empty: frozenset[str],
    *,
    epoch_ms: bool,
    first_year: int = FIRST_YEAR,
    code: str = "not_a_datetime",
) -> Callable[[Any], datetime | None]:
    """Value → an instant with the offset of Asia/Shanghai (assumed where none is written), or None.

    With `epoch_ms` a number counts from 1970, in milliseconds or seconds, whichever makes sense. What is a time and yet
    before `first_year` is "too_early".
    """
    first = str(first_year)
    patterns = [
        re.compile("".join(_TOKENS.get(piece) or re.escape(piece) for piece in _PIECES.findall(pattern)))
        for pattern in formats or DATETIME_FORMATS
    ]

    def slow(text: str) -> datetime | None:
        text = text.strip()
        if text in empty:
            return None
        moment = _iso(text) or _by_format(text, patterns) or (_counted(text, first_year) if epoch_ms else None)
        # Placeholders such as 0001-01-01 and 9999-12-31 are no dates of a settlement.
        if moment is None or not FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise Wrong(code)
        if moment.year < first_year:
            raise Wrong("too_early")
        return moment

    def parse(value: Any) -> datetime | None:
        if value is None:
            return None
        if type(value) is str and len(value) == 19 and value[10] in " T":
            moment = _usual(value, first)
            if moment is not None:
                return moment
        if type(value) is int and -(10**14) < value < 10**14:
            return slow(str(value))
        if type(value) is not str:
            raise Wrong("wrong_type" if type(value) is not int else code)
        return slow(value)

    return parse


def _usual(text: str, first: str) -> datetime | None:
    """yyyy-MM-dd HH:mm:ss without a regular expression; week dates, which Python also takes, are left out."""
    if not text[4] == text[7] == "-" or not text[13] == text[16] == ":" or not first <= text < _END:
        return None
    try:
        return datetime.fromisoformat(text + "+08:00")
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    if _ISO.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=SHANGHAI_OFFSET) if moment.tzinfo is None else moment.astimezone(SHANGHAI_OFFSET)
    except (ValueError, OverflowError):
        return None


def _by_format(text: str, patterns: list[re.Pattern[str]]) -> datetime | None:
    for pattern in patterns:
        match = pattern.fullmatch(text)
        if match is not None:
            parts = {name: int(part) for name, part in match.groupdict().items()}
            micro = parts.pop("milli", 0) * 1000
            try:
                return datetime(**parts, microsecond=micro, tzinfo=SHANGHAI_OFFSET)
            except ValueError:
                return None
    return None


def _counted(text: str, first_year: int) -> datetime | None:
    """Milliseconds or seconds since 1970, told apart by sense: by the year where only one of them can be a
    settlement's; for births by midnight, because a birth date comes as the first moment of its day.

    Read as milliseconds a number of seconds is a few weeks around 1970. Of a thousand days in seconds one is a midnight
    in milliseconds, too: that one is taken for milliseconds, which the national interface sends. What is neither is
    refused.
    """
    if _COUNTED.fullmatch(text) is None:
        return None
    number = int(text)
    millis, seconds = _after_epoch(number // 1000, number % 1000), _after_epoch(number, 0)
    if first_year >= FIRST_SETTLEMENT_YEAR:
        sound = (moment for moment in (millis, seconds) if moment and first_year <= moment.year <= _LAST_YEAR)
        return next(sound, millis if abs(number) >= _LONG else None)
    if seconds is None or not FIRST_YEAR <= seconds.year <= _LAST_YEAR or _is_midnight(number, 1000, (8, 0)):
        return millis
    return seconds if _is_midnight(number, 1, (8, 9, 0)) or (number % 1000 and abs(number) >= _LONG) else None


def _after_epoch(seconds: int, millis: int) -> datetime | None:
    try:
        moment = _EPOCH + timedelta(seconds=seconds, milliseconds=millis)
    except OverflowError:
        return None
    # In the summers up to 1991 clocks in China stood an hour ahead, and birth dates come as local midnight.
    if moment.year < 1992 and (moment.hour, moment.minute, moment.second) == (23, 0, 0):
        moment += timedelta(hours=1)
    return moment


def _is_midnight(number: int, per_second: int, offsets: tuple[int, ...]) -> bool:
    """Whether a count is the first moment of a day, in clocks so many hours ahead of UTC."""
    return any((number + hours * 3_600 * per_second) % (_DAY * per_second) == 0 for hours in offsets)
