"""The mapping language (映射) as plain values: what a mapping file says, already checked.

`gateway.settings.mappings` reads the file; this module is all the core knows of it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Final, Literal

import msgspec

from gateway.model.record import SettlementRecord

ParserName = Literal[
    "text", "identifier", "yuan", "date", "datetime", "integer", "id_number", "id_type", "sex", "code",
    "care_type", "flag", "list",
]  # fmt: skip
"""The closed list of named parsers."""

OnFailure = Literal["quarantine", "warn", "off"]
Unknown = Literal["error", "keep", "empty", "other"]
Repeated = Literal["first", "last", "same"]
ReversalStyle = Literal["flag", "pair", "vanish"]

EMPTY: Final = ("", "null", "NULL", "nan")
"""Texts that mean "no value" in every feed, after surrounding space is taken away."""

MAX_ROWS: Final = 200_000
"""The most rows a page may hold."""


class FieldRule(msgspec.Struct, frozen=True, kw_only=True):
    """How one field of the record is read from a row.

    One of `sources` (the first with a value wins; a list joins them all), `sum` and `value` says where from;
    with sources and `sum` the sum counts where no source has a value. `minus` takes further sources off an
    amount. Parts of a sum and what is taken off must be there, unless `optional`. `unknown` says what a code
    outside `codes` becomes. `optional` allows a CSV header without any of the sources. `pattern`: which part of
    a text counts (`{}`), with `*` for anything. `unreadable`: what a value becomes that cannot be read.
    """

    sources: tuple[str, ...] = ()
    parse: ParserName | None = None
    formats: tuple[str, ...] = ()
    epoch_ms: bool = False
    thousands: bool = False
    separators: tuple[str, ...] = ()
    item: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    prefix: bool = False
    unknown: Unknown | None = None
    sum: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    value: str | None = None
    pattern: str = ""
    unreadable: Literal["error", "empty"] = "error"
    required: bool = False
    optional: bool = False
    empty: tuple[str, ...] = ()


class JsonFormat(msgspec.Struct, frozen=True, kw_only=True):
    """JSON: where the settlements stand (dotted paths, the first that exists; "." is a bare array or the
    object at the top). `may_be_missing`: a message without any of them has no settlements. `lines`: every line is an
    object of its own (NDJSON), and a settlement."""

    rows: tuple[str, ...]
    encoding: tuple[str, ...] = ("utf-8",)
    national_envelope: bool = False
    may_be_missing: bool = False
    lines: bool = False


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of fixed width: its first byte (from 0), and how many bytes it has."""

    name: str
    at: int
    width: int


class ControlLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no settlement and says something of the others (首行、尾行、合计行): what it begins with, and what
    its cells are called, if not as in the header; `spans` are those of fixed width."""

    begins: tuple[str, ...]
    columns: tuple[str, ...] = ()
    spans: tuple[Column, ...] = ()


class CsvFormat(msgspec.Struct, frozen=True, kw_only=True):
    """CSV and other separated text: one line is one row. `columns` names the cells of a file without a header line, of
    which a page may have only the first so many (`widths`), or `further` ones behind. `open_end`: its last line has no
    line end."""

    encoding: tuple[str, ...] = ("utf-8",)
    delimiter: str = ","
    quote: str = '"'
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    further: bool = False
    open_end: bool = False
    control: tuple[ControlLine, ...] = ()


class FixedFormat(msgspec.Struct, frozen=True, kw_only=True):
    """Text of fixed width, counted in bytes of its encoding. `length`: the bytes of a row; `without_ends`: rows stand
    one behind another without line ends. `short_lines`: the sender leaves out the blanks at the end of a line."""

    columns: tuple[Column, ...]
    length: int
    encoding: tuple[str, ...] = ("gb18030",)
    without_ends: bool = False
    short_lines: bool = False
    control: tuple[ControlLine, ...] = ()


class DbfFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A table of dBase III or FoxPro, whose header names its columns."""

    encoding: tuple[str, ...] = ("gb18030",)
    control: tuple[ControlLine, ...] = ()


HiddenSheets = Literal["refuse", "skip", "read"]


class ExcelFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A workbook: rows stand under a header on every sheet, or on those of these names. `hidden`: what is made of
    hidden sheets that hold something."""

    encoding: tuple[str, ...] = ("utf-8",)
    sheets: tuple[str, ...] = ()
    hidden: HiddenSheets = "refuse"
    control: tuple[ControlLine, ...] = ()


class XmlFormat(msgspec.Struct, frozen=True, kw_only=True):
    """XML: where the settlements stand (dotted paths from the root, the first that exists). `name#` is a name with or
    without a number behind it. `repeated`: which value of a tag counts that stands in a settlement more than once."""

    rows: tuple[str, ...]
    encoding: tuple[str, ...] = ("utf-8", "gb18030")
    repeated: Repeated = "same"
    may_be_missing: bool = False


TableFormat = CsvFormat | FixedFormat | DbfFormat | ExcelFormat
"""What comes as rows of cells."""

Format = JsonFormat | XmlFormat | TableFormat


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of another call of a bundle, joined by `key`; their columns are sources `<name>.<column>`.

    With `many`, a source holds all values: first the row whose `first_key` is `first_is`, then by `order`.
    """

    name: str
    infno: str
    rows: tuple[str, ...]
    key: str
    many: bool = False
    first_key: str = ""
    first_is: str = ""
    order: str = ""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """How a sweep's bundle is read: which call holds the settlements, which others are joined."""

    rows_from: str
    joins: tuple[Join, ...] = ()


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a message says whether the call succeeded: where its code stands, which values mean success, and where the
    text of an error stands; paths from the top, each as its names."""

    at: tuple[tuple[str, ...], ...] = ()
    success: tuple[str, ...] = ("0",)
    text: tuple[tuple[str, ...], ...] = ()


class SpecialOutpatient(msgspec.Struct, frozen=True, kw_only=True):
    """The feed's own codes for radio- or chemotherapy and dialysis (门诊特殊): whole care type codes, and
    beginnings of disease codes that make chronic outpatient care special."""

    care_type_codes: tuple[str, ...] = ()
    disease_codes: tuple[str, ...] = ()
    disease_sources: tuple[str, ...] = ()


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """The identities a row must satisfy, each with what follows if not; tolerances in fen, `tolerances` by check.

    `complete`: what follows where an amount of I1–I4 is not there. `not_sent`: amounts the league does not send.
    `nothing`: amounts that count as nothing in I1–I4 where they are missing.
    """

    tolerance: int = 1
    tolerances: tuple[tuple[str, int], ...] = ()
    complete: OnFailure = "warn"
    deductible: OnFailure = "warn"
    not_sent: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    i1: OnFailure = "quarantine"
    i2: OnFailure = "quarantine"
    i3: OnFailure = "quarantine"
    i4: OnFailure = "quarantine"
    date_order: OnFailure = "quarantine"
    account_includes_shared: bool | None = None
    """Whether the account holds what the family's accounts paid (共济); None where the mapping does not say."""


class TotalsPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page states the feed's own totals: paths of a message, or columns of its control lines.

    Without `day` they are of the file's own day. `reversals` and `reversals_amount`: how many reversals there are that
    `rows` does not count, and their money, with or without its sign. `each`: where one statement a day stands.
    """

    rows: str
    day: str = ""
    amount: str = ""
    reversals: str = ""
    reversals_amount: str = ""
    each: str = ""
    patterns: tuple[tuple[str, str], ...] = ()


NumberScope = Literal["feed", "facility"]
"""Within what a feed's settlement numbers are unique."""


class MappingLanguage(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping, complete: `fields` holds a rule for every record field that is read."""

    mapping: str
    version: int
    format: Format
    fields: dict[str, FieldRule]
    bundle: Bundle | None = None
    status: Status = Status()
    special: SpecialOutpatient = SpecialOutpatient()
    fund_includes_account: bool = False
    fund_includes_hospital_share: bool = False
    reversal_style: ReversalStyle = "flag"
    reverses_own: bool = True
    unique_within: NumberScope = "feed"
    checks: Checks = Checks()
    totals: TotalsPaths | None = None
    empty: tuple[str, ...] = ()
    skip: tuple[tuple[str, frozenset[str]], ...] = ()
    """Source → texts that make a row none."""


IDENTIFIERS: Final = ("settlement_no", "visit_no", "person_no", "facility_no", "reverses")
"""Fields that hold a number of something: kept as text, at most 64 characters."""

_OWN_PARSER: Final[dict[str, ParserName]] = {
    "id_number": "id_number",
    "id_type": "id_type",
    "sex": "sex",
    "care_type": "care_type",
    "birth_date": "date",
    "admitted_on": "date",
    "discharged_on": "date",
    "inpatient_days": "integer",
    "settled_at": "datetime",
    "diagnosis_codes": "list",
    "reversal": "flag",
}

_SAME_VALUES: Final[tuple[frozenset[ParserName], ...]] = (frozenset({"text", "identifier", "code"}),)


def default_parser(field: str) -> ParserName:
    """The parser a field has where the mapping names none."""
    if field.endswith("_amount"):
        return "yuan"
    return _OWN_PARSER.get(field, "identifier" if field in IDENTIFIERS else "text")


def allowed_parsers(field: str) -> frozenset[ParserName]:
    """The parsers that give a value of the field's type."""
    own = default_parser(field)
    return next((group for group in _SAME_VALUES if own in group), frozenset({own}))


RECORD_FIELDS: Final = SettlementRecord.__struct_fields__
"""All fields of a record, in order."""


def digest_of(language: MappingLanguage) -> str:
    """What tells one mapping from another: all it says, but for what every mapping says that does not say otherwise. A
    later program whose mappings can say more tells the same ones alike."""
    return hashlib.sha256(msgspec.json.encode(_stated(language), order="deterministic")).hexdigest()[:16]


@cache
def _defaults_of(type_: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    # To ask for them the library reads every annotation anew, and a site asks for its mappings' at every start.
    return tuple((field.name, field.default) for field in msgspec.structs.fields(type_))


def _stated(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        contents = ((name, default, getattr(value, name)) for name, default in _defaults_of(type(value)))
        stated = {name: _stated(content) for name, default, content in contents if content != default}
        return {**stated, "": type(value).__name__}
    if isinstance(value, dict):
        return {key: _stated(part) for key, part in value.items()}
    return [_stated(part) for part in value] if isinstance(value, tuple) else value
