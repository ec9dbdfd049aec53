"""What a mapping notices beside reading: codes it does not know, keys nobody reads, fields without a value.

Nothing of this is asked where all is well: unknown codes are looked for in rows whose reading came out oddly, keys and
values in a few rows of a page. Codes and names of keys leave this room only in a form that holds nobody's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from gateway.core.normalise.fields import Parser, Parsers, Values, rule_of, sources_of
from gateway.core.normalise.language import EMPTY, default_parser
from gateway.core.normalise.problems import Wrong, shown_code
from gateway.core.normalise.rows import Rows
from gateway.core.normalise.views import View
from gateway.model.feed_day import KeySample
from gateway.model.page import RowError

SAMPLED_ROWS: Final = 20
"""How many rows of a page are looked at for keys and empty fields."""

_KEYED_ROWS = 5
_MOST_UNUSED = 200
_DECIDING: Final = ("care_type", "insurance_type", "person_type", "facility_level", "settlement_kind")
"""Fields whose code decides whether and how much is paid; the others of them are refused where a code is unknown."""

_NOTHING: Final[tuple[Any, ...]] = (None, [])
_ALWAYS_CODED: Final = ("care_type", "insurance_type")
_KEY: Final = re.compile(r"(?!(?:.*[0-9]){7})[^\x00-\x1f\x7f]{1,40}")


class Noticing:
    """Looks at rows of one mapping's full view. Holds no page and may be shared by threads."""

    def __init__(self, parsers: Parsers, view: View) -> None:
        self._view, language = view, parsers.language
        self._strict: dict[str, Parser] = {}
        for field in view.readers:
            rule = rule_of(language, field)
            coded = field in _ALWAYS_CODED or rule.codes or (rule.parse or default_parser(field)) in ("flag", "sex")
            if rule.sources and coded:
                self._strict[field] = parsers.strict(field)
        positions = view.sources.positions
        self._places = {field: [positions[name] for name in rule_of(language, field).sources] for field in view.readers}
        read = {field: {*rule_of(language, field).sources, *rule_of(language, field).sum} for field in view.readers}
        self._filled_by = [(field, [positions[name] for name in names]) for field, names in read.items() if names]
        self._empty = {*EMPTY, *language.empty}
        self._read_keys = {name for field in view.readers for name in sources_of(language, field)}
        self._read_keys |= {name.split(".")[0] for name in self._read_keys} | set(view.sources.own)
        self.lenient = tuple(field for field in _DECIDING if field in self._strict and field not in _ALWAYS_CODED)

    def unknown(self, values: Values, errors: Sequence[RowError] = ()) -> Iterator[tuple[str, str]]:
        """(field, code as it may be shown) for every code in a row that decides about money, or that the row was
        refused for, and that the mapping does not know."""
        refused = [error.field for error in errors if error.code == "unknown_code"]
        for field in dict.fromkeys((*_DECIDING, *refused)):
            parse = self._strict.get(field)
            for place in self._places.get(field, ()) if parse else ():
                if parse and self._is_unknown(parse, values[place]):
                    yield field, shown_code(str(values[place]).strip())
                    break

    def knows(self, field: str, code: str) -> bool:
        """Whether a field's code, as it was shown, is known to this mapping."""
        parse = self._strict.get(field)
        return parse is not None and not code.startswith("（") and not self._is_unknown(parse, code)

    def reads(self, key: str) -> bool:
        """Whether some field reads this key or column."""
        return key in self._read_keys

    def sample(self, rows: Rows) -> KeySample:
        """What a few rows of a page have: fields with a value, and keys that no field reads."""
        count, empty = len(rows), self._empty
        chosen = sorted({index * count // SAMPLED_ROWS for index in range(SAMPLED_ROWS)}) if count else []
        values_of_rows = []
        for index in chosen:
            with suppress(Wrong):
                values_of_rows.append(rows.full(index))
        # By column, because that is quick: a page is a unit of two thousand rows, or of one.
        values_of_places = [
            sum(value.strip() not in empty if type(value) is str else value not in _NOTHING for value in column)
            for column in zip(*values_of_rows, strict=True)
        ]
        # What has alternatives stands under one of them; what is a sum, under several.
        looked_at = len(values_of_rows)
        filled = {
            field: many
            for field, places in self._filled_by
            if values_of_rows and (many := min(looked_at, sum(values_of_places[place] for place in places)))
        }
        unused = {
            key: None
            for index in chosen[:_KEYED_ROWS]
            for key in rows.keys(index)
            if key not in self._read_keys and _KEY.fullmatch(key)
        }
        return KeySample(rows=looked_at, filled=filled, unused=tuple(unused)[:_MOST_UNUSED])

    @staticmethod
    def _is_unknown(parse: Parser, value: Any) -> bool:
        try:
            parse(value)
        except Wrong as wrong:
            return wrong.code == "unknown_code"
        return False
