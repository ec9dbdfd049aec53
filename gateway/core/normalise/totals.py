"""A page's own totals (合计): what the sender says a day holds, in a message, its attributes, or a line of control."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from typing import Any, Final

from gateway.core.normalise import xml_tree
from gateway.core.normalise.amounts import yuan_parser
from gateway.core.normalise.dates import date_parser
from gateway.core.normalise.decoding import in_utf_8
from gateway.core.normalise.language import EMPTY, JsonFormat, MappingLanguage, TableFormat, TotalsPaths, XmlFormat
from gateway.core.normalise.messages import Node, node_of, nodes_at, value_at
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.rows import Rows
from gateway.core.normalise.texts import integer_parser, part_parser
from gateway.errors import BadPage
from gateway.model.page import FeedTotals

_EMPTY = frozenset(EMPTY)
_DAY = date_parser((), _EMPTY, epoch_ms=False)
_COUNT = integer_parser(_EMPTY, largest=10**9, exponents=True)
_YUAN = yuan_parser(_EMPTY, thousands=True, exponents=True)
_PARSERS: Final[dict[str, Callable[[Any], Any]]] = {
    "day": _DAY, "rows": _COUNT, "reversals": _COUNT, "amount": _YUAN, "reversals_amount": _YUAN,
}  # fmt: skip

Ask = Callable[[str], Any]
"""What stands under a path, or under a column, of one statement."""


class TotalsReader:
    """Reads the totals of one mapping's pages."""

    def __init__(self, language: MappingLanguage, paths: TotalsPaths) -> None:
        patterns = dict(paths.patterns)
        self._parsers = {
            name: part_parser(parse, patterns[name]) if name in patterns else parse for name, parse in _PARSERS.items()
        }
        self._paths, self._spoken = paths, language.format

    def read(self, content: bytes, rows: Rows | None, day: date | None) -> FeedTotals | None:
        """What a page says it holds; None where it says nothing that can be read. `day`: the file's own, for a
        statement that names none.

        A page counts as a whole for one day, so statements of several days, or of several sheets, are added, for the
        last of the days. Of a day that is stated more than once (a first line and a last one, a sum on every printed
        page) the last statement counts.
        """
        asks = _in_message(content, self._paths, self._spoken) if rows is None else [line.get for line in rows.control]
        statements: dict[Any, FeedTotals] = {}
        for ask in asks:
            stated = self._statement(ask, day)
            if stated is not None:
                statements[stated.day, ask("sheet:name") if rows is not None else None] = stated
        days, amounts = [key[0] for key in statements], [stated.amount for stated in statements.values()]
        amount = None if None in amounts else sum(filter(None, amounts))
        many = sum(stated.rows for stated in statements.values())
        return FeedTotals(day=max(days), rows=many, amount=amount) if days else None

    def _statement(self, ask: Ask, day: date | None) -> FeedTotals | None:
        values = {name: ask(path) for name in self._parsers if (path := getattr(self._paths, name))}
        try:
            read = {name: self._parsers[name](value) for name, value in values.items()}
        except Wrong:
            return None
        rows, stated_day = read["rows"], read.get("day") or (None if self._paths.day else day)
        reversals, amount = read.get("reversals") or 0, read.get("amount")
        if stated_day is None or rows is None or rows < 0 or reversals < 0:
            return None
        if amount is not None and self._paths.reversals_amount:
            # Written as money that went back, or with its sign.
            amount -= abs(read["reversals_amount"] or 0)
        return FeedTotals(day=stated_day, rows=rows + reversals, amount=amount)


def _in_message(content: bytes, paths: TotalsPaths, spoken: JsonFormat | XmlFormat | TableFormat) -> Iterable[Ask]:
    try:
        if isinstance(spoken, XmlFormat) and content.lstrip()[:1] not in (b"{", b"["):
            top = node_of(xml_tree.plain_xml(content, spoken.encoding))
        else:
            top = node_of(in_utf_8(content, spoken.encoding))
    except BadPage:
        return []
    nodes = nodes_at(top, paths.each.split(".")) if paths.each else [top]
    return [partial(_stated_at, node) for node in nodes]


def _stated_at(node: Node, path: str) -> str | None:
    return value_at(node, path.split("."))
