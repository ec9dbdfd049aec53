"""Bundles (一批人的应答): the replies of a sweep, each verbatim beside its call, joined into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw

from gateway.core.normalise.fields import Values
from gateway.core.normalise.json_pages import RowDecoder, read_json
from gateway.core.normalise.language import MAX_ROWS, Bundle, Join, JsonFormat, Status
from gateway.core.normalise.messages import node_of
from gateway.core.normalise.outside import Origin, Outside
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.core.normalise.views import Sources
from gateway.errors import BadPage
from gateway.model.bundle import Call, calls_of

_ROW: Final = msgspec.json.Decoder(dict[str, Any], float_hook=str)
Row = tuple[Raw | None, Call]
"""The bytes of a settlement (None where its reply cannot be read), and the call that asked for it."""


class BundleRows:
    """The settlements of a bundle with the rows of other calls beside them."""

    def __init__(self, content: bytes, rule: Bundle, spoken: JsonFormat, status: Status, origin: Origin) -> None:
        try:
            calls = calls_of(content)
        except ValueError as error:
            raise bad_page("bad_bundle", str(error)) from error
        self._rule = rule
        self._spoken, self._status, self._origin = spoken, status, origin
        self._others = [call for call in calls if call.infno != rule.rows_from]
        self._tables: dict[str, dict[str, list[dict[str, Any]]]] | None = None
        self.rows: list[Row] = []
        for call in calls:
            if call.infno == rule.rows_from:
                # A reply that cannot be read is a row too, so that it is looked at.
                replied = _replied(call, spoken, status)
                self.rows += [(None, call)] if replied is None else [(raw, call) for raw in replied]
        if len(self.rows) > MAX_ROWS:
            raise bad_page("too_many_rows")

    def values(self, decoder: RowDecoder, sources: Sources) -> Callable[[int], Values]:
        """Index → values of that row, joined ones included."""
        keys = {join.name: sources.positions.get(join.key, -1) for join in self._rule.joins}

        def read(index: int) -> Values:
            raw, call = self.rows[index]
            if raw is None:
                raise Wrong("bad_reply")
            own = decoder.values(raw)
            joined = tuple(self._joined(path, own, keys, call.asked) for path in sources.joined)
            return sources.with_nested(own + joined) + self._outside(sources, index, call)

        return read

    def _outside(self, sources: Sources, index: int, call: Call) -> tuple[Any, ...]:
        """What stands outside of a settlement: in its call, and in the reply as a whole."""
        if not sources.outer:
            return ()
        return Outside(sources.outer, self._origin, lambda: node_of(call.reply), call).values(index)

    def _joined(self, path: str, own: Values, keys: dict[str, int], asked: dict[str, Any]) -> Any:
        name, _, column = path.partition(".")
        join = next(join for join in self._rule.joins if join.name == name)
        key = _key(own[keys[name]]) or _key(asked.get(join.key))
        if self._tables is None:
            self._tables = {join.name: self._joined_rows(join) for join in self._rule.joins}
        values = [row.get(column) for row in self._tables[name].get(key, ())] if key else []
        present = [value for value in values if value not in (None, "")]
        return (present if join.many else present[0]) if present else None

    def _joined_rows(self, join: Join) -> dict[str, list[dict[str, Any]]]:
        table: dict[str, list[dict[str, Any]]] = {}
        for call in self._others:
            for row in self._rows_of(call, join) if call.infno == join.infno else ():
                key = _key(row.get(join.key)) or _key(call.asked.get(join.key))
                if key:
                    table.setdefault(key, []).append(row)
        for rows in table.values():
            rows.sort(key=lambda row: _rank(row, join))
        return table

    def _rows_of(self, call: Call, join: Join) -> Iterator[dict[str, Any]]:
        spoken = msgspec.structs.replace(self._spoken, rows=join.rows)
        for raw in _replied(call, spoken, self._status) or ():
            try:
                yield _ROW.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                # A visit or diagnosis that cannot be read leaves its fields empty; the settlement stands.
                continue


def _replied(call: Call, spoken: JsonFormat, status: Status) -> list[Raw] | None:
    """The rows of one reply, none where the platform said no, None where the reply cannot be read."""
    try:
        return read_json(call.reply, spoken, status)
    except BadPage as bad:
        return [] if bad.code == "feed_error" else None


def _key(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""


def _rank(row: dict[str, Any], join: Join) -> tuple[bool, int]:
    first = bool(join.first_key) and _key(row.get(join.first_key)) == join.first_is
    order = _key(row.get(join.order)) if join.order else ""
    return (not first, int(order) if order.isascii() and order.isdigit() and len(order) < 10 else 10**9)
