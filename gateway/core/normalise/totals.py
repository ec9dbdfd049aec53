"""A message's own totals: what the sender says the day holds."""

from __future__ import annotations

from gateway.core.normalise import xml_tree
from gateway.core.normalise.amounts import yuan_parser
from gateway.core.normalise.dates import date_parser
from gateway.core.normalise.decoding import in_utf_8
from gateway.core.normalise.language import EMPTY, JsonFormat, TotalsPaths, XmlFormat
from gateway.core.normalise.messages import node_of, value_at
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.texts import integer_parser
from gateway.errors import BadPage
from gateway.model.page import FeedTotals

_EMPTY = frozenset(EMPTY)
_DAY = date_parser((), _EMPTY, epoch_ms=False)
_COUNT = integer_parser(_EMPTY, largest=10**9, exponents=True)
_YUAN = yuan_parser(_EMPTY, thousands=False, exponents=True)


def totals_in(content: bytes, paths: TotalsPaths, spoken: JsonFormat | XmlFormat) -> FeedTotals | None:
    """Day, rows and money (fen) a page claims, or None where it claims nothing that can be read."""
    try:
        if isinstance(spoken, XmlFormat) and content.lstrip()[:1] not in (b"{", b"["):
            top = node_of(xml_tree.plain_xml(content, spoken.encoding))
        else:
            top = node_of(in_utf_8(content, spoken.encoding))
        day, rows, amount = (value_at(top, path.split(".")) for path in (paths.day, paths.rows, paths.amount))
        told_day, told_rows = _DAY(day), _COUNT(rows)
        if told_day is None or told_rows is None or told_rows < 0:
            return None
        return FeedTotals(day=told_day, rows=told_rows, amount=_YUAN(amount))
    except (BadPage, Wrong):
        return None
