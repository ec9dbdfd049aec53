"""One rule → one reader: from the values of a row to the value of a field.

A reader never knows where a row came from; `gateway.core.normalise.views` hands it the values of a row as a
tuple, in an order both agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from gateway.core.normalise import national
from gateway.core.normalise.amounts import yuan_parser
from gateway.core.normalise.dates import FIRST_SETTLEMENT_YEAR, FIRST_YEAR, date_parser, datetime_parser
from gateway.core.normalise.language import (
    EMPTY,
    IDENTIFIERS,
    FieldRule,
    JsonFormat,
    MappingLanguage,
    XmlFormat,
    default_parser,
)
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.texts import (
    Text,
    either_parser,
    flag_parser,
    id_number_of,
    identifier_parser,
    integer_parser,
    list_parser,
    name_parser,
    number_as_written,
    number_asked_for,
    part_parser,
    table_parser,
    text_parser,
    written_text,
)

Values = Sequence[Any]
Parser = Callable[[Any], Any]
Reader = Callable[[Values], Any]

_SEPARATORS: Final = (";", "；", ",", "，", "、", "|")
_NO_RULE: Final = FieldRule()
_TABLES: Final[dict[str, tuple[dict[str, str], bool, str]]] = {
    "sex": (national.SEX_CODES, False, "error"),
    "id_type": (national.ID_TYPE_CODES, False, "keep"),
    "care_type": (national.CARE_TYPE_CODES, True, "other"),
    "flag": (national.FLAG_CODES, False, "error"),
    "code": ({}, False, "error"),
}
"""Parser → its own code table, whether beginnings count, and what an unknown code becomes."""

_FUND_HOLDS: Final = {
    "account_amount": "fund_includes_account",
    "hospital_borne_amount": "fund_includes_hospital_share",
}
_READ_FROM: Final = {
    "id_number": ("id_type",),
    "reversal": ("total_amount",),
    "reverses": ("settlement_no", "reversal", "total_amount"),
}
"""Fields that are read with a look at other fields."""


def rule_of(language: MappingLanguage, field: str) -> FieldRule:
    """The rule a field is read by; care_type_code is the raw text of care_type where nothing else is said."""
    if field == "care_type_code" and field not in language.fields:
        return FieldRule(sources=rule_of(language, "care_type").sources)
    return language.fields.get(field, _NO_RULE)


def fields_in_fund(language: MappingLanguage) -> tuple[str, ...]:
    """What the feed's fund total holds that never belongs to it."""
    return tuple(field for field, switch in _FUND_HOLDS.items() if getattr(language, switch))


def sources_of(language: MappingLanguage, field: str) -> tuple[str, ...]:
    """Every name of the feed that is looked at to read a field."""
    rule = rule_of(language, field)
    further = _READ_FROM.get(field, ())
    if field == "fund_paid_amount":
        further = fields_in_fund(language)
    own = rule.sources + rule.sum + rule.minus
    if field == "care_type":
        own += disease_sources(language)
    return own + tuple(source for addend in further for source in sources_of(language, addend))


def disease_sources(language: MappingLanguage) -> tuple[str, ...]:
    """Where the disease code stands that makes chronic outpatient care special."""
    if not language.special.disease_codes:
        return ()
    return language.special.disease_sources or rule_of(language, "diagnosis_codes").sources


class Parsers:
    """The parser of each field of a mapping: one value of the feed → one value of ours.

    Made once, however many views and readers use it: some hold a code table.
    """

    def __init__(self, language: MappingLanguage) -> None:
        self.language = language
        self._made: dict[str, Parser] = {}

    def of(self, field: str) -> Parser:
        """The parser of a field. It raises Wrong with the code of what is wrong."""
        if field not in self._made:
            made, pattern = self._make(field), rule_of(self.language, field).pattern
            self._made[field] = part_parser(made, pattern) if pattern else made
        return self._made[field]

    def _make(self, field: str) -> Parser:
        rule = rule_of(self.language, field)
        empty = frozenset(EMPTY + self.language.empty + rule.empty)
        name = rule.parse or default_parser(field)
        exponents = isinstance(self.language.format, JsonFormat | XmlFormat)
        if name == "yuan":
            return yuan_parser(empty, thousands=rule.thousands, exponents=exponents)
        if name in ("date", "datetime"):
            made = date_parser if name == "date" else datetime_parser
            first_year = FIRST_YEAR if field == "birth_date" else FIRST_SETTLEMENT_YEAR
            return made(rule.formats, empty, epoch_ms=rule.epoch_ms, first_year=first_year)
        if name == "integer":
            return integer_parser(empty, exponents=exponents)
        reads = identifier_parser if name == "identifier" else text_parser
        text = reads(empty, limit=_limit(field, name))
        if field == "name":
            text = name_parser(text)
        if name == "list":
            return list_parser(text, rule.separators or _SEPARATORS, rule.item)
        return self._table(name, rule, text) if name in _TABLES or rule.codes else text

    def strict(self, field: str) -> Parser:
        """The parser of a field that holds a code, raising Wrong("unknown_code") for one the mapping does not know,
        whatever `unknown` makes of it."""
        rule = rule_of(self.language, field)
        empty = frozenset(EMPTY + self.language.empty + rule.empty)
        text = text_parser(empty, limit=_limit(field, ""))
        insurance = table_parser(text, national.INSURANCE_CODES, prefix=True, unknown="error")
        if field == "insurance_type" and not rule.codes:
            return insurance
        keeps, own = rule.unknown == "keep", dict(rule.codes)
        # What is kept as it stands is known where it is what another code of the table means.
        meanings = {meaning: meaning for meaning in own.values() if meaning} if keeps else {}
        rule = msgspec.structs.replace(rule, codes=tuple((meanings | own).items()), unknown="error")
        table = self._table(rule.parse or default_parser(field), rule, text)
        return either_parser(table, insurance) if keeps and field == "insurance_type" else table

    def _table(self, name: str, rule: FieldRule, text: Text) -> Parser:
        codes, prefix, unknown = _TABLES.get(name, _TABLES["code"])
        if name == "flag" and self.language.reversal_style == "vanish":
            codes = national.VALID_FLAG_CODES
        # A mapping's own codes stand beside the table of care types and of document types, else replace it.
        own = dict(rule.codes)
        codes = {**codes, **own} if name in ("care_type", "id_type") else own or codes
        if name == "care_type":
            codes = {**codes, **dict.fromkeys(self.language.special.care_type_codes, "outpatient_special")}
        table = table_parser(text, codes, prefix=prefix or rule.prefix, unknown=rule.unknown or unknown)
        return flag_parser(table) if name == "flag" else table


class Readers:
    """Makes the reader of each field of a mapping, given the position of every source in a row's values."""

    def __init__(self, parsers: Parsers, positions: dict[str, int], *, to_ask: bool = False) -> None:
        self._language = parsers.language
        self._parser = parsers.of
        self._positions = positions
        self._number_of = number_asked_for if to_ask else id_number_of
        self._special: dict[str, Callable[[], Reader]] = {
            "id_number": self._id_number,
            "diagnosis_codes": self._diagnosis_codes,
            "reversal": self._reversal,
            "reverses": self._reverses,
        }
        if self._language.special.disease_codes:
            self._special["care_type"] = self._care_type
        if fields_in_fund(self._language):
            self._special["fund_paid_amount"] = self._fund_paid

    def plain(self, field: str) -> tuple[Parser, int, Reader | None] | None:
        """Parser and position of a field that is read through one parser, the quick and usual case; and the
        reader to fall back on where that position is empty and the field has further sources or must be there."""
        rule = rule_of(self._language, field)
        if field in self._special or not rule.sources or rule.minus:
            return None
        return self._parser(field), self._positions[rule.sources[0]], self._further(field, rule)

    def _further(self, field: str, rule: FieldRule) -> Reader | None:
        """The reader of a field whose first source holds nothing."""
        places, read = self._at(rule.sources[1:]), None
        if places:
            read = _first_of(self._parser(field), places)
        if rule.sum:
            added = _sum_of(self._parser(field), self._at(rule.sum), optional=rule.optional)
            read = _first_of_readers(read, added) if read else added
        return _present(read or _constant(None)) if rule.required else read

    def reader(self, field: str) -> Reader:
        """The reader of a field. It raises Wrong with the code of what is wrong."""
        read = self._special.get(field, lambda: self._ordinary(field))()
        if not rule_of(self._language, field).required:
            return read

        direct = self._direct(field) if field not in self._special else None
        if direct is None:
            return _present(read)
        parse, place = direct

        # The same for the quick and usual case, which is asked of every row.
        def there(values: Values) -> Any:
            value = parse(values[place])
            if value is None or value == ():
                raise Wrong("missing")
            return value

        return there

    def _direct(self, field: str) -> tuple[Parser, int] | None:
        """Parser and position of a field that is read from one place and nothing else, required or not."""
        rule = rule_of(self._language, field)
        if len(rule.sources) != 1 or rule.sum or rule.minus or rule.value is not None:
            return None
        return self._parser(field), self._positions[rule.sources[0]]

    def as_written(self, field: str) -> Reader:
        """The text of a field as the feed wrote it, also where its reader would refuse it; None where there is none.
        Documents come in the one way of writing them where they have one."""
        rule = rule_of(self._language, field)
        if rule.value is not None:
            return _constant(rule.value)
        empty = frozenset(EMPTY + self._language.empty + rule.empty)
        read = _first_of(written_text(empty, limit=_limit(field, "")), self._at(rule.sources))
        if field != "id_number":
            return read
        id_type = _forgiving(self.reader("id_type"))
        return lambda values: number_as_written(id_type(values), read(values))

    def forgiving(self, field: str) -> Reader:
        """The reader of a field for a look aside: None for what cannot be read."""
        plain = self.plain(field)
        if not plain or plain[2] is not None:
            return _forgiving(self.reader(field))
        parse, place = plain[:2]

        # The same as `_forgiving` for the quick and usual case, which is asked of every row.
        def look(values: Values) -> Any:
            try:
                return parse(values[place])
            except Wrong:
                return None

        return look

    def _ordinary(self, field: str) -> Reader:
        rule = rule_of(self._language, field)
        parse = self._parser(field)
        if rule.value is not None:
            return _constant(parse(rule.value) if default_parser(field) == "yuan" else rule.value)
        read = _first_of(parse, self._at(rule.sources))
        if rule.sum:
            added = _sum_of(parse, self._at(rule.sum), optional=rule.optional)
            read = _first_of_readers(read, added) if rule.sources else added
        if not rule.minus:
            return read
        taken = [_first_of(parse, (place,)) for place in self._at(rule.minus)]
        return _minus(read, taken if rule.optional else [_there(take) for take in taken])

    def _at(self, sources: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(self._positions[source] for source in sources)

    def _fund_paid(self) -> Reader:
        within = [self._ordinary(field) for field in fields_in_fund(self._language)]
        return _minus(self._ordinary("fund_paid_amount"), [_forgiving(read) for read in within])

    def _id_number(self) -> Reader:
        number, id_type = self._ordinary("id_number"), self.forgiving("id_type")
        number_of, direct = self._number_of, self._direct("id_number")
        if direct is None:
            return lambda values: number_of(id_type(values), number(values))
        parse, place = direct
        return lambda values: number_of(id_type(values), parse(values[place]))

    def _diagnosis_codes(self) -> Reader:
        rule = rule_of(self._language, "diagnosis_codes")
        return _all_of(self._parser("diagnosis_codes"), self._at(rule.sources))

    def _care_type(self) -> Reader:
        care, special = self._ordinary("care_type"), self._language.special.disease_codes
        diseases = _forgiving(_all_of(self._parser("diagnosis_codes"), self._at(disease_sources(self._language))))

        def read(values: Values) -> str | None:
            care_type: str | None = care(values)
            if care_type != "outpatient_chronic":
                return care_type
            special_disease = any(code.startswith(special) for code in diseases(values) or ())
            return "outpatient_special" if special_disease else care_type

        return read

    def _reversal(self) -> Reader:
        flagged = self._ordinary("reversal")
        total = _forgiving(self._ordinary("total_amount"))
        rule = rule_of(self._language, "total_amount")
        places = self._at(rule.sources)

        def negative(values: Values) -> bool:
            # A sign is looked for first: nearly every total has none.
            for place in places:
                value = values[place]
                if type(value) is not str or "-" in value:
                    return (total(values) or 0) < 0
                if value:
                    return False
            return False

        def reckoned(values: Values) -> bool:
            return (total(values) or 0) < 0

        below = reckoned if rule.sum or rule.minus else negative
        if self._language.reversal_style == "pair":
            return below
        direct = self._direct("reversal")
        if direct is None:
            return lambda values: flagged(values) == "yes" or below(values)
        parse, flag_place = direct
        return lambda values: parse(values[flag_place]) == "yes" or below(values)

    def _reverses(self) -> Reader:
        named = self._ordinary("reverses")
        own = _forgiving(self._ordinary("settlement_no")) if self._language.reverses_own else _constant(None)
        reversal = _forgiving(self._reversal())
        return lambda values: (named(values) or own(values)) if reversal(values) else None


def _limit(field: str, parser: str) -> int:
    if field == "name":
        return 100
    return 64 if field in IDENTIFIERS or parser in ("identifier", "list", "id_number") else 200


def _constant(value: Any) -> Reader:
    return lambda values: value


def _first_of(parse: Parser, places: tuple[int, ...]) -> Reader:
    if len(places) == 1:
        place = places[0]
        return lambda values: parse(values[place])

    def read(values: Values) -> Any:
        for place in places:
            # Most spellings of a name are in no row at all: no parser makes anything of None.
            value = values[place]
            if value is not None and (parsed := parse(value)) is not None:
                return parsed
        return None

    return read


def _all_of(parse: Parser, places: tuple[int, ...]) -> Reader:
    def read(values: Values) -> tuple[str, ...]:
        parts: tuple[str, ...] = ()
        for place in places:
            value = values[place]
            if value is not None:
                parts += parse(value)
        return tuple(dict.fromkeys(parts)) if len(parts) > 1 else parts

    return read


def _first_of_readers(read: Reader, otherwise: Reader) -> Reader:
    def first(values: Values) -> Any:
        value = read(values)
        return otherwise(values) if value is None else value

    return first


def _sum_of(parse: Parser, places: tuple[int, ...], *, optional: bool) -> Reader:
    """The sum of amounts. Where some are there and one is not, it is not known; an empty one adds nothing."""

    def read(values: Values) -> Any:
        total, absent = None, False
        for place in places:
            value = values[place]
            absent = absent or value is None
            if value is not None and (amount := parse(value)) is not None:
                total = amount if total is None else total + amount
        if absent and total is not None and not optional:
            raise Wrong("missing_part")
        return total

    return read


def _present(read: Reader) -> Reader:
    """The same, of a field that must have a value."""

    def present(values: Values) -> Any:
        value = read(values)
        if value is None or value == ():
            raise Wrong("missing")
        return value

    return present


def _there(read: Reader) -> Reader:
    """The same, of an amount that must have a value."""

    def take(values: Values) -> Any:
        amount = read(values)
        if amount is None:
            raise Wrong("missing_part")
        return amount

    return take


def _minus(read: Reader, taken: list[Reader]) -> Reader:
    """The amount less what is taken off; what is missing there takes nothing off."""

    def less(values: Values) -> Any:
        amount = read(values)
        if amount is None:
            return None
        return amount - sum(take(values) or 0 for take in taken)

    return less


def _forgiving(read: Reader) -> Reader:
    """A reader for a look aside: what is wrong there is reported by the field itself, once."""

    def look(values: Values) -> Any:
        try:
            return read(values)
        except Wrong:
            return None

    return look
