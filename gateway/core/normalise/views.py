"""A view: some fields of the record, the sources they need, and one row's values → their values.

Two views exist of every mapping: what everybody's row is read for (the identity), and the whole record, which
only members' rows are read for; that one also with number and name as they were written, for rows in doubt.
A view that is read to ask who somebody is (`to_ask`) leaves an id number of before 1999 in its 15 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from gateway.core.normalise.fields import Parsers, Readers, Values, rule_of, sources_of
from gateway.core.normalise.hints import hint
from gateway.core.normalise.language import JsonFormat, MappingLanguage
from gateway.core.normalise.outside import stands_outside
from gateway.core.normalise.problems import Wrong, row_error
from gateway.core.normalise.sweeps import Sweep
from gateway.model.page import RowError
from gateway.model.record import SettlementRecord

IDENTITY_FIELDS: Final = (
    "settlement_no", "reversal", "reverses", "id_type", "id_number", "total_amount", "name", "birth_date",
)  # fmt: skip


class Sources:
    """The names a view reads, in the order of its values: the row's own, joined, nested ones, those outside."""

    def __init__(self, language: MappingLanguage, fields: tuple[str, ...]) -> None:
        names = list(dict.fromkeys(name for field in fields for name in sources_of(language, field)))
        names += [name for name, _ in language.skip if name not in names]
        self.outer = tuple(name for name in names if stands_outside(name))
        names = [name for name in names if name not in self.outer]
        joins = language.bundle.joins if language.bundle else ()
        # Only JSON has values inside of values: a line has cells, and an element's path is a name of its own.
        dotted = [name for name in names if "." in name and isinstance(language.format, JsonFormat)]
        self.joined = [name for name in dotted if name.split(".")[0] in {join.name for join in joins}]
        self.nested = [name for name in dotted if name not in self.joined]
        own = [name for name in names if name not in self.joined and name not in self.nested]
        own += [name.split(".")[0] for name in self.nested]
        own += [join.key for join in joins] if self.joined else []
        self.own = list(dict.fromkeys(own))
        everything = (*self.own, *self.joined, *self.nested, *self.outer)
        self.positions = {name: place for place, name in enumerate(everything)}

    def with_nested(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row's values with those that stand deeper inside it appended."""
        return values + tuple(walked(values[self.positions[path.split(".")[0]]], path) for path in self.nested)


def walked(value: Any, path: str) -> Any:
    for key in path.split(".")[1:]:
        value = value.get(key) if type(value) is dict else None
    return value


class View:
    """Reads some fields of a row at once; quick while all is well, thorough once something is wrong."""

    def __init__(
        self,
        parsers: Parsers,
        fields: tuple[str, ...],
        *,
        as_written: tuple[str, ...] = (),
        to_ask: bool = False,
    ) -> None:
        language = parsers.language
        self.sources = Sources(language, fields)
        readers = Readers(parsers, self.sources.positions, to_ask=to_ask)
        self.readers = {
            field: readers.as_written(field) if field in as_written else readers.reader(field) for field in fields
        }
        self.forgiving = {field: readers.forgiving(field) for field in fields}
        self._all = [(field, read, rule_of(language, field)) for field, read in self.readers.items()]
        plain = {field: plainly for field in fields if field not in as_written and (plainly := readers.plain(field))}
        self._sweep = Sweep({field: (parse, place) for field, (parse, place, _) in plain.items()})
        names = self._sweep.fields
        self._further = tuple((names.index(field), read) for field, (_, _, read) in plain.items() if read)
        # What a row reverses is not even looked for where it is no reversal, unless it must always be there.
        spared = {"reverses"} - {field for field in fields if rule_of(language, field).required}
        derived = [name for name in self.readers if name not in {*plain, *spared}]
        self._derived = tuple(self.readers[name] for name in derived)
        self._reverses = self.readers["reverses"] if spared else _no_value
        names = (*names, *derived)
        self._reversal = names.index("reversal")
        # Its place is the last, be it empty.
        self._in_order = _ordered((*names, *(spared or ("",))))

    def read(self, values: Values) -> tuple[Any, ...]:
        """The values of a record in the order of its fields. Raises Wrong for the first thing wrong; `thoroughly` lists
        all."""
        try:
            parsed = self._sweep(values)
        except TypeError:
            # A list or an object is no word. Which field it stands in is said by `thoroughly`.
            raise Wrong("wrong_type") from None
        for place, read in self._further:
            if parsed[place] is None:
                parsed[place] = read(values)
        parsed += [read(values) for read in self._derived]
        parsed.append(self._reverses(values) if parsed[self._reversal] else None)
        return self._in_order(parsed)

    def thoroughly(self, values: Values) -> tuple[dict[str, Any], list[RowError]]:
        """The fields that can be read, and an error for every field that cannot."""
        parsed: dict[str, Any] = {}
        errors: list[RowError] = []
        for field, read, rule in self._all:
            try:
                parsed[field] = read(values)
            except Wrong as wrong:
                written = [values[self.sources.positions[name]] for name in rule.sources]
                words = hint(field, wrong.code, rule, written)
                if rule.unreadable == "empty":
                    words = (
                        f"{words}；按没有值处理 (taken as no value)" if words else "按没有值处理 (taken as no value)"
                    )
                errors.append(row_error(wrong.code, field, rule.sources, words))
        return parsed, errors


def _ordered(names: Sequence[str]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """Values under these names → those of a record in its order, its own defaults where there is no such name."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(SettlementRecord)}
    absent = {name: default for name, default in defaults.items() if name not in names}
    places = {name: place for place, name in enumerate((*names, *absent))}
    picked, further = itemgetter(*map(places.__getitem__, defaults)), tuple(absent.values())
    return lambda values: picked((*values, *further))


def _no_value(_: Values) -> None:
    """Of a field that was read with the others."""
