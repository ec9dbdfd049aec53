"""Doors (入口): one for each format. All of them end in `Rows`, and nothing behind them knows a format."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Protocol

from msgspec import Raw

from gateway.core.normalise.bundles import BundleRows
from gateway.core.normalise.cells import CellRows, Wanted
from gateway.core.normalise.csv_pages import CsvRows
from gateway.core.normalise.dbf_pages import dbf_rows
from gateway.core.normalise.decoding import in_utf_8
from gateway.core.normalise.excel_pages import SHEET_COLUMNS, excel_rows
from gateway.core.normalise.fields import Values, rule_of, sources_of
from gateway.core.normalise.fixed_pages import fixed_rows
from gateway.core.normalise.json_pages import RowDecoder, keys_of, read_json, repeated_keys
from gateway.core.normalise.language import (
    CsvFormat,
    DbfFormat,
    FixedFormat,
    JsonFormat,
    MappingLanguage,
    TableFormat,
    XmlFormat,
    default_parser,
)
from gateway.core.normalise.messages import Node, node_of
from gateway.core.normalise.outside import Origin, Outside
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.rows import Rows
from gateway.core.normalise.views import IDENTITY_FIELDS, Sources
from gateway.core.normalise.xml_messages import read_xml
from gateway.core.normalise.xml_pages import SettlementReader, values_at
from gateway.model.bundle import is_bundle

_DECIDING: Final = (*IDENTITY_FIELDS, "admitted_on", "discharged_on", "inpatient_days", "settled_at", "care_type")
"""Beside the amounts: what says whose settlement it is, which, and what is paid for it."""
_DAYS: Final = ("date", "datetime")


class Door(Protocol):
    """Takes the pages of one format apart."""

    def rows(self, content: bytes, origin: Origin) -> Rows:
        """A page's rows, not yet read. Raises BadPage."""
        ...


def door_of(language: MappingLanguage, identity: Sources, full: Sources) -> Door:
    """The door of a mapping's format. A row gives the values of two views: what is asked of everybody, and all."""
    spoken = language.format
    if isinstance(spoken, JsonFormat):
        return JsonDoor(language, spoken, identity, full)
    if isinstance(spoken, XmlFormat):
        return XmlDoor(language, spoken, identity, full)
    return TableDoor(language, spoken, identity, full)


class TableDoor:
    """Rows of cells under a header, or under the names the mapping gives them."""

    def __init__(self, language: MappingLanguage, spoken: TableFormat, identity: Sources, full: Sources) -> None:
        # For every field that must be there: the columns of which one is enough; of a sum every one.
        needed: list[tuple[str, ...]] = []
        for rule in language.fields.values():
            if not rule.optional:
                needed += [rule.sources, *((name,) for name in rule.sum + rule.minus)]
        needed += [language.special.disease_sources, *((name,) for name, _ in language.skip)]
        outer = {*identity.outer, *full.outer, *SHEET_COLUMNS}
        needs = tuple(dict.fromkeys(columns for columns in needed if columns and outer.isdisjoint(columns)))
        names = frozenset((*identity.own, *full.own))
        days = [name for name, rule in language.fields.items() if (rule.parse or default_parser(name)) in _DAYS]
        dates = frozenset(source for field in days for source in rule_of(language, field).sources)
        self._wanted = Wanted(needs, names, dates)
        self._spoken, self._identity, self._full = spoken, identity, full

    def rows(self, content: bytes, origin: Origin) -> Rows:
        """The rows under the header."""
        lines = self._read(content)
        return Rows(
            len(lines.rows),
            _beside(lines.values(self._identity), self._identity, origin, _nothing),
            _beside(lines.values(self._full), self._full, origin, _nothing),
            lambda _: (name for name in lines.header if name and name not in SHEET_COLUMNS),
            lines.rows.__getitem__,
            lines.header,
            lines.control,
        )

    def _read(self, content: bytes) -> CellRows:
        spoken, wanted = self._spoken, self._wanted
        if isinstance(spoken, CsvFormat):
            return CsvRows(content, spoken, wanted.needs)
        if isinstance(spoken, FixedFormat):
            return fixed_rows(content, spoken)
        return (
            dbf_rows(content, spoken, wanted) if isinstance(spoken, DbfFormat) else excel_rows(content, spoken, wanted)
        )


class JsonDoor:
    """JSON messages, and the bundles of a sweep."""

    def __init__(self, language: MappingLanguage, spoken: JsonFormat, identity: Sources, full: Sources) -> None:
        self._language, self._spoken = language, spoken
        amounts = (field for field in language.fields if field.endswith("_amount"))
        self._deciding = {source for field in (*_DECIDING, *amounts) for source in sources_of(language, field)}
        self._views = [(view, RowDecoder(view)) for view in (identity, full)]

    def rows(self, content: bytes, origin: Origin) -> Rows:
        """The settlements of a message, or those of a bundle's replies."""
        if self._language.bundle and is_bundle(content):
            bundle = BundleRows(content, self._language.bundle, self._spoken, self._language.status, origin)
            ways = [bundle.values(decoder, view) for view, decoder in self._views]
            return Rows(len(bundle.rows), ways[0], ways[1], lambda index: keys_of(bundle.rows[index][0]))
        rows = read_json(content, self._spoken, self._language.status)
        (identity, quickly), (full, wholly) = self._views
        once = _OnceOnly(_row_values(wholly, full, rows), rows, self._deciding)
        return Rows(
            len(rows),
            _beside(_row_values(quickly, identity, rows), identity, origin, lambda: self._top(content)),
            _beside(once, full, origin, lambda: self._top(content)),
            lambda index: keys_of(rows[index]),
        )

    def _top(self, content: bytes) -> Node:
        return node_of(in_utf_8(content, self._spoken.encoding))


class XmlDoor:
    """XML messages."""

    def __init__(self, language: MappingLanguage, spoken: XmlFormat, identity: Sources, full: Sources) -> None:
        self._spoken, self._status, self._views = spoken, language.status, (identity, full)
        self._names = tuple(dict.fromkeys(full.own + identity.own))
        lists = [
            name
            for field, rule in language.fields.items()
            if (rule.parse or default_parser(field)) == "list"
            for name in rule_of(language, field).sources
        ]
        self._lists = frozenset(lists)
        places = {name: place for place, name in enumerate(self._names)}
        self._places = [[places[name] for name in view.own] for view in self._views]

    def rows(self, content: bytes, origin: Origin) -> Rows:
        """The settlements of a message."""
        read = SettlementReader(self._names, self._lists, self._spoken.repeated)
        message = read_xml(content, self._spoken, self._status, read)
        settlements = message.rows
        identity, full = (
            _beside(values_at(settlements, places, as_they_are=not view.outer), view, origin, lambda: message.top)
            for places, view in zip(self._places, self._views, strict=True)
        )
        return Rows(len(settlements), identity, full, lambda index: read.keys(settlements[index]))


def _row_values(decoder: RowDecoder, sources: Sources, rows: list[Raw]) -> Callable[[int], Values]:
    """Index → values of that row, for a page without joins."""
    blank = (None,) * len(sources.joined)
    if sources.nested:
        return lambda index: sources.with_nested(decoder.values(rows[index]) + blank)
    if blank:
        return lambda index: decoder.values(rows[index]) + blank
    values = decoder.values
    return lambda index: values(rows[index])


class _OnceOnly:
    """Refuses a settlement of JSON in which a deciding key stands again with another value; of others the last counts.

    Settlements with as many colons as one that was looked through are not looked through again: nearly all of a page
    are alike, and looking costs more than reading.
    """

    def __init__(self, values: Callable[[int], Values], rows: list[Raw], names: Collection[str]) -> None:
        self._values, self._rows, self._names = values, rows, frozenset(names)
        self._alike: set[int] = set()

    def __call__(self, index: int) -> Values:
        values, row = self._values(index), bytes(self._rows[index])
        colons = row.count(b":")
        if colons not in self._alike:
            if self._names & repeated_keys(row):
                raise Wrong("repeated_key")
            self._alike.add(colons)
        return values


def _beside(
    values: Callable[[int], Values], sources: Sources, origin: Origin, top: Callable[[], Node]
) -> Callable[[int], Values]:
    """The same with what stands outside of the row behind it, where the mapping asks for any of that."""
    if not sources.outer:
        return values
    outside = Outside(sources.outer, origin, top)
    return lambda index: (*values(index), *outside.values(index))


def _nothing() -> Node:
    return None
