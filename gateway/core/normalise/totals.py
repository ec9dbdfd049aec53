"""A JSON page's own totals: what the sender says the day holds."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway.core.normalise.amounts import yuan_parser
from gateway.core.normalise.dates import date_parser
from gateway.core.normalise.decoding import in_utf_8
from gateway.core.normalise.json_pages import find
from gateway.core.normalise.language import EMPTY, JsonFormat, TotalsPaths
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.texts import integer_parser
from gateway.errors import BadPage
from gateway.model.page import FeedTotals

_EMPTY = frozenset(EMPTY)
_DAY = date_parser((), _EMPTY, epoch_ms=False)
_COUNT = integer_parser(_EMPTY, largest=10**9, exponents=True)
_YUAN = yuan_parser(_EMPTY, thousands=False, exponents=True)


def totals_in(content: bytes, paths: TotalsPaths, spoken: JsonFormat) -> FeedTotals | None:
    """Day, rows and money (fen) a page claims, or None where it claims nothing that can be read."""
    try:
        top = msgspec.json.decode(in_utf_8(content, spoken.encoding), type=dict[str, Raw])
        day, rows = _DAY(_value(top, paths.day)), _COUNT(_value(top, paths.rows))
        if day is None or rows is None or rows < 0:
            return None
        return FeedTotals(day=day, rows=rows, amount=_YUAN(_value(top, paths.amount)) if paths.amount else None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadPage, Wrong):
        return None


def _value(top: dict[str, Raw], path: str) -> object:
    raw = find(top, path, opened=False)
    return None if raw is None else msgspec.json.Decoder(float_hook=str).decode(raw)
