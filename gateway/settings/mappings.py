"""mappings/<league>.toml: how a league's bytes become rows and its rows become records (映射)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from gateway.core.normalise import language as core
from gateway.core.normalise.amounts import yuan_parser
from gateway.core.normalise.dates import format_ok
from gateway.core.normalise.national import national_rules
from gateway.core.normalise.outside import stands_outside
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.views import IDENTITY_FIELDS
from gateway.errors import BadSettings, Finding
from gateway.model.record import CARE_TYPES
from gateway.settings.feeds import Name
from gateway.settings.files import Spec, check, read_toml
from gateway.settings.page_formats import (
    Column,
    Columns,
    CsvSpec,
    DbfSpec,
    ExcelSpec,
    FixedSpec,
    JsonSpec,
    Text,
    Texts,
    XmlSpec,
    column_name,
    columns_of,
    one_or_more,
)

if TYPE_CHECKING:
    RecordField = str
    AmountField = str
else:
    RecordField = Literal[core.RECORD_FIELDS]
    AmountField = Literal[tuple(field for field in core.RECORD_FIELDS if field.endswith("_amount"))]


def _format(text: str) -> str:
    if not format_ok(text):
        raise ValueError("yyyy MM M dd d HH H mm ss SSS with signs between, e.g. yyyy-MM-dd or yyyy/M/d H:mm:ss")
    return text


def _pattern(text: str) -> str:
    if text.count("{}") != 1 or text.count("*") > _MOST_STARS:
        raise ValueError(f"一个 {{}} 为要取的部分，最多{_MOST_STARS}个 * (one {{}}, at most {_MOST_STARS} *)")
    return text


_MOST_STARS = 3
Format = Annotated[str, AfterValidator(_format)]


class StatusSpec(Spec):
    """How a message says whether the call succeeded (JSON and XML): dotted paths from the top of the message to its
    code, the values that mean success, and where the text of an error stands."""

    at: Annotated[Columns, Field(min_length=1)]
    success: Annotated[Texts, Field(min_length=1)]
    text: Columns = ()

    def plain(self) -> core.Status:
        """The same for the core."""
        paths = (tuple(tuple(path.split(".")) for path in paths) for paths in (self.at, self.text))
        return core.Status(success=self.success, **dict(zip(("at", "text"), paths, strict=True)))


class FirstSpec(Spec):
    """Which of the joined rows comes first: the one whose `key` is `is`."""

    key: Column
    is_: Annotated[str, Field(alias="is")]


class JoinSpec(Spec):
    """Rows of another call of a bundle; their columns are sources `<name>.<column>`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    infno: Text
    rows: Annotated[Columns, Field(min_length=1)]
    key: Column
    many: bool = False
    first: FirstSpec | None = None
    order: str = ""

    def plain(self) -> core.Join:
        """The same for the core."""
        first_key, first_is = (self.first.key, self.first.is_) if self.first else ("", "")
        named = self.model_dump(exclude={"first"})
        return core.Join(**named, first_key=first_key, first_is=first_is)


class BundleSpec(Spec):
    """How a sweep's bundle is read: the transaction that holds the settlements, and those joined to it."""

    rows_from: Text
    joins: tuple[JoinSpec, ...] = ()

    def plain(self) -> core.Bundle:
        """The same for the core."""
        return core.Bundle(rows_from=self.rows_from, joins=tuple(join.plain() for join in self.joins))


class FieldSpec(Spec):
    """Where one field of the record comes from. What is left out is as `national = true` has it."""

    from_: Annotated[Columns, Field(alias="from")] = ()
    parse: core.ParserName | None = None
    formats: Annotated[tuple[Format, ...], BeforeValidator(one_or_more)] = ()
    epoch_ms: bool = False
    thousands: bool = False
    separators: Texts = ()
    item: str = ""
    codes: dict[str, str] = Field(default_factory=dict)
    prefix: bool = False
    unknown: core.Unknown | None = None
    sum: Columns = ()
    minus: Columns = ()
    pattern: Annotated[str, AfterValidator(_pattern)] = ""
    unreadable: Literal["error", "empty"] = "error"
    value: Text | None = None
    required: bool = False
    optional: bool = False
    empty: tuple[str, ...] = ()

    def rule(self, national: core.FieldRule | None) -> core.FieldRule:
        """The rule for the core: what this file says over what the national interface says."""
        options = {key: getattr(self, key) for key in self.model_fields_set}
        options["sources"] = options.pop("from_", ())
        options["codes"] = tuple(options.get("codes", {}).items())
        speaks_of_source = bool(self.from_ or self.sum or self.value)
        if national is None or speaks_of_source:
            # A field the file names itself must be there, unless the file says it may be missing.
            inherited = {"epoch_ms": True} if national and national.epoch_ms and "epoch_ms" not in options else {}
            return core.FieldRule(**{**inherited, **options})
        return msgspec.structs.replace(national, **{**options, "sources": national.sources})


class SpecialSpec(Spec):
    """The feed's own codes for 门诊特殊 (radio- and chemotherapy, dialysis): see mappings/README.md."""

    care_type_codes: Texts = ()
    disease_codes: Texts = ()
    disease_from: Columns = ()

    def plain(self) -> core.SpecialOutpatient:
        """The same for the core."""
        return core.SpecialOutpatient(
            care_type_codes=self.care_type_codes,
            disease_codes=self.disease_codes,
            disease_sources=self.disease_from,
        )


class AmountsSpec(Spec):
    """What the feed's fund total holds beside the fund, and whether its account holds the shared one (共济)."""

    fund_includes_account: bool = False
    fund_includes_hospital_share: bool = False
    account_includes_shared: bool | None = None


class ReversalsSpec(Spec):
    """How the feed takes a settlement back; a reversal that names no original reverses its own number."""

    style: core.ReversalStyle = "flag"
    reverses: Literal["own", "unnamed"] = "own"


Tolerance = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
Amounts = Annotated[tuple[AmountField, ...], BeforeValidator(one_or_more)]


class ChecksSpec(Spec):
    """What follows where a sum or the order of dates is wrong, or an amount is missing; tolerances in yuan."""

    tolerance: Tolerance = Decimal("0.01")
    tolerances: dict[Literal["i1", "i2", "i3", "i4"], Tolerance] = Field(default_factory=dict)
    complete: core.OnFailure = "warn"
    not_sent: Amounts = ()
    nothing: Amounts = ()
    deductible: core.OnFailure = "warn"
    i1: core.OnFailure = "quarantine"
    i2: core.OnFailure = "quarantine"
    i3: core.OnFailure = "quarantine"
    i4: core.OnFailure = "quarantine"
    date_order: core.OnFailure = "quarantine"

    def plain(self) -> core.Checks:
        """The same for the core, tolerance in fen."""
        fen = {"tolerance": int(self.tolerance * 100)}
        each = tuple((name, int(yuan * 100)) for name, yuan in sorted(self.tolerances.items()))
        return core.Checks(**{**self.model_dump(), **fen, "tolerances": each})


MaybeColumn = Annotated[str, AfterValidator(column_name)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class TotalsSpec(Spec):
    """Where a page states its own totals: dotted paths from the top of a message (or from where `each` leads), or
    columns of the control lines. `reversals`: how many reversals `rows` leaves out; `patterns`: which part counts."""

    rows: Column
    day: MaybeColumn = ""
    amount: MaybeColumn = ""
    reversals: MaybeColumn = ""
    reversals_amount: MaybeColumn = ""
    each: MaybeColumn = ""
    patterns: dict[Literal["rows", "day", "amount", "reversals", "reversals_amount"], Pattern] = Field(
        default_factory=dict
    )

    def plain(self) -> core.TotalsPaths:
        """The same for the core."""
        return core.TotalsPaths(**self.model_dump(exclude={"patterns"}), patterns=tuple(sorted(self.patterns.items())))


class MappingSpec(Spec):
    """One mapping file. Read it with `load_mapping`, which also finds what contradicts itself."""

    mapping: Name
    version: Annotated[int, Field(ge=1)]
    name: Text = "-"
    national: bool = False
    empty: tuple[str, ...] = ()
    format: Annotated[JsonSpec | CsvSpec | XmlSpec | FixedSpec | DbfSpec | ExcelSpec, Field(discriminator="kind")]
    bundle: BundleSpec | None = None
    status: StatusSpec | None = None
    fields: dict[RecordField, FieldSpec] = Field(default_factory=dict)
    special_outpatient: SpecialSpec = SpecialSpec()
    amounts: AmountsSpec = AmountsSpec()
    reversals: ReversalsSpec = ReversalsSpec()
    unique_within: core.NumberScope = "feed"
    checks: ChecksSpec = ChecksSpec()
    totals: TotalsSpec | None = None
    skip: dict[Column, Texts] = Field(default_factory=dict)

    def language(self) -> core.MappingLanguage:
        """What `gateway.core.normalise.compile_mapping` takes."""
        national = national_rules() if self.national else {}
        if self.national and self.reversals.style == "vanish":
            national["reversal"] = core.FieldRule(sources=("vali_flag",), optional=True)
        return core.MappingLanguage(
            mapping=self.mapping,
            version=self.version,
            format=self.format.plain(),
            fields={**national, **{field: spec.rule(national.get(field)) for field, spec in self.fields.items()}},
            bundle=self.bundle.plain() if self.bundle else None,
            status=self.status.plain() if self.status else core.Status(),
            special=self.special_outpatient.plain(),
            fund_includes_account=self.amounts.fund_includes_account,
            fund_includes_hospital_share=self.amounts.fund_includes_hospital_share,
            reversal_style=self.reversals.style,
            reverses_own=self.reversals.reverses == "own",
            unique_within=self.unique_within,
            checks=msgspec.structs.replace(
                self.checks.plain(), account_includes_shared=self.amounts.account_includes_shared
            ),
            totals=self.totals.plain() if self.totals else None,
            empty=self.empty,
            skip=tuple((name, frozenset(texts)) for name, texts in self.skip.items()),
        )


def load_mapping(path: Path, *, shown_as: str | None = None) -> MappingSpec:
    """The mapping a file describes. Raises BadSettings with every finding: of form and of meaning."""
    name = shown_as or f"mappings/{path.name}"
    return check_mapping(read_toml(path, shown_as=name), shown_as=name)


def check_mapping(tables: dict[str, Any], *, shown_as: str) -> MappingSpec:
    """The mapping these tables describe. Raises BadSettings with every finding: of form and of meaning."""
    findings: list[Finding] = []
    try:
        spec = check(MappingSpec, tables, shown_as=shown_as)
    except BadSettings as bad:
        findings = bad.findings
    findings += [Finding(shown_as, *contradiction) for contradiction in _contradictions(tables)]
    if findings:
        raise BadSettings(findings)
    return spec


Contradiction = tuple[str, str, str]
"""Key, what was found, what is allowed."""

_TABLE_VALUES = {"care_type": CARE_TYPES, "sex": ("M", "F", ""), "reversal": ("yes", "no")}
_OPTION_FITS: dict[str, frozenset[str]] = {
    "formats": frozenset({"date", "datetime"}),
    "epoch_ms": frozenset({"date", "datetime"}),
    "thousands": frozenset({"yuan"}),
    "sum": frozenset({"yuan"}),
    "minus": frozenset({"yuan"}),
    "separators": frozenset({"list"}),
    "item": frozenset({"list"}),
    "codes": frozenset({"text", "identifier", "code", "id_type", "sex", "care_type", "flag"}),
    "prefix": frozenset({"text", "identifier", "code", "id_type", "sex", "care_type", "flag"}),
    "unknown": frozenset({"text", "identifier", "code", "id_type", "sex", "care_type", "flag"}),
    "value": frozenset({"text", "identifier", "code", "id_type", "sex", "care_type", "yuan", "flag"}),
    "unreadable": frozenset({"text", "identifier", "code", "list", "date", "integer", "sex"}),
}
"""Option of a field → the parsers it means something to."""

_NEVER_EMPTY = (*IDENTITY_FIELDS, "facility_no", "visit_no")
"""Fields whose values say whose settlement it is, and which."""


def _is_yuan(text: str) -> bool:
    try:
        return yuan_parser(frozenset(), thousands=False)(text) is not None
    except Wrong:
        return False


_UNKNOWN_FITS = {
    "care_type": ("error", "other", "empty"),
    "sex": ("error", "empty"),
    "reversal": ("error", "empty"),
}


def _contradictions(tables: dict[str, Any]) -> list[Contradiction]:
    """What is well-formed and yet cannot be meant. Looks only at parts that are well-formed in themselves."""
    fields = tables.get("fields", {})
    national = tables.get("national") is True
    contradictions: list[Contradiction] = []
    for name, raw in fields.items() if isinstance(fields, dict) else ():
        if name not in core.RECORD_FIELDS:
            continue
        try:
            spec = FieldSpec.model_validate(raw)
        except ValidationError:
            continue
        contradictions += _field_contradictions(name, spec, national=national)
    if not national:
        needed = (name for name in ("settlement_no", "total_amount") if name not in fields)
        contradictions += [(f"fields.{name}", "缺失 (missing)", "必填：没有它就无法计数 (required)") for name in needed]
        if tables.get("unique_within") == "facility" and "facility_no" not in fields:
            wanted = "必填：流水号只在机构内唯一 (numbers are only unique within it)"
            contradictions.append(("fields.facility_no", "缺失 (missing)", wanted))
    return contradictions + _format_contradictions(tables)


def _field_contradictions(name: str, spec: FieldSpec, *, national: bool) -> list[Contradiction]:
    key = f"fields.{name}"
    parser, allowed = core.default_parser(name), core.allowed_parsers(name)
    contradictions: list[Contradiction] = []
    if spec.parse and spec.parse not in allowed:
        contradictions.append((f"{key}.parse", repr(spec.parse), ", ".join(sorted(allowed))))
    for option, parsers in _OPTION_FITS.items():
        if option in spec.model_fields_set and parser not in parsers:
            allowed_text = f"只用于 (only with parse) {', '.join(sorted(parsers))}"
            contradictions.append((f"{key}.{option}", f"parse {parser}", allowed_text))
    origins = [option for option, value in (("from", spec.from_), ("sum", spec.sum), ("value", spec.value)) if value]
    by_itself = national or name in ("reverses", "care_type_code")
    # From a source, else a sum: some leagues send the total only where it has no parts.
    if (len(origins) > 1 and origins != ["from", "sum"]) or not (origins or by_itself):
        shown_origins = " + ".join(origins) or "没有来源 (no source)"
        contradictions.append((key, shown_origins, "from、sum、value 三选一，或 from 加 sum (one of, or from and sum)"))
    if spec.unreadable == "empty" and (name in _NEVER_EMPTY or spec.required):
        contradictions.append((f"{key}.unreadable", "empty", "这个字段决定是谁、是哪一次 (it says who and which)"))
    if spec.value is not None and parser == "yuan" and not _is_yuan(spec.value):
        contradictions.append((f"{key}.value", "不是金额 (no amount)", "0.00"))
    return contradictions + _code_contradictions(key, name, spec)


def _code_contradictions(key: str, name: str, spec: FieldSpec) -> list[Contradiction]:
    allowed = _TABLE_VALUES.get(name)
    contradictions: list[Contradiction] = []
    if allowed:
        wrong = {code: value for code, value in spec.codes.items() if value not in allowed}
        contradictions += [
            (f"{key}.codes.{code}", repr(value[:40]), ", ".join(allowed)) for code, value in wrong.items()
        ]
        if spec.value is not None and spec.value not in allowed:
            contradictions.append((f"{key}.value", repr(spec.value[:40]), ", ".join(allowed)))
    fits = _UNKNOWN_FITS.get(name, ("error", "keep", "empty"))
    if spec.unknown and spec.unknown not in fits:
        contradictions.append((f"{key}.unknown", repr(spec.unknown), ", ".join(fits)))
    return contradictions


_KINDS_OF = {"bundle": ("json",), "status": ("json", "xml")}
"""Table of a mapping → the formats it means something to."""
_KINDS = ("csv", "json", "xml", "fixed", "dbf", "excel")


def _format_contradictions(tables: dict[str, Any]) -> list[Contradiction]:
    form = tables.get("format")
    kind = form.get("kind") if isinstance(form, dict) else None
    contradictions: list[Contradiction] = [
        (name, f"format.kind {kind}", f"只用于 format.kind {'、'.join(kinds)} (only with these)")
        for name, kinds in _KINDS_OF.items()
        if name in tables and kind not in kinds and kind in _KINDS
    ]
    if isinstance(form, dict) and form.get("lines") is True:
        contradictions += [
            (name, "format.lines = true", "每行一个对象，没有报文 (every line is an object: there is no message)")
            for name in ("bundle", "status", "totals")
            if name in tables
        ]
    bundle = tables.get("bundle")
    joins = bundle.get("joins", []) if isinstance(bundle, dict) else []
    names = [join.get("name") for join in joins if isinstance(join, dict)] if isinstance(joins, list) else []
    doubles = {str(name) for name in names if names.count(name) > 1}
    contradictions += [("bundle.joins.name", name, "各不相同 (each its own name)") for name in sorted(doubles)]
    return contradictions + _totals_contradictions(form, tables) + _column_contradictions(form, tables)


def _totals_contradictions(form: Any, tables: dict[str, Any]) -> list[Contradiction]:
    """Totals of lines stand in control lines, those of a message somewhere in it."""
    totals, kind = tables.get("totals"), form.get("kind") if isinstance(form, dict) else None
    if not isinstance(totals, dict) or kind not in _KINDS:
        return []
    if kind in ("json", "xml"):
        # A message is of no file whose name might tell the day.
        return (
            [] if totals.get("day") else [("totals.day", "缺失 (missing)", "必填：报文的日期 (required in a message)")]
        )
    if not form.get("control"):
        allowed = "[[format.control]]：写明合计在哪种行上 (say which lines hold them)"
        return [("totals", f"format.kind {kind}", allowed)]
    return [("totals.each", f"format.kind {kind}", "只用于报文 (only in messages)")] if totals.get("each") else []


def _column_contradictions(form: Any, tables: dict[str, Any]) -> list[Contradiction]:
    """What a file without a header line names and does not have: every page would fail for it."""
    try:
        columns = columns_of(form)
        fields = {name: FieldSpec.model_validate(raw) for name, raw in tables.get("fields", {}).items()}
        diseases = SpecialSpec.model_validate(tables.get("special_outpatient", {})).disease_from
        skipped = [str(name) for name in dict(tables.get("skip", {}))]
    except (ValidationError, AttributeError, TypeError, ValueError):
        return []
    if not columns:
        return []
    needs = [(f"fields.{name}.from", spec.from_) for name, spec in fields.items() if not spec.optional]
    needs += [
        (f"fields.{name}.{option}", (column,))
        for name, spec in fields.items()
        for option in ("sum", "minus")
        for column in getattr(spec, option)
        if not spec.optional
    ]
    needs.append(("special_outpatient.disease_from", diseases))
    needs += [(f"skip.{name}", (name,)) for name in skipped]
    listed = f"format.columns 里的列 (a column of format.columns): {'、'.join(columns)}"
    needs = [(key, names) for key, names in needs if names and not any(map(stands_outside, names))]
    missing = [(key, "、".join(names), listed) for key, names in needs if not set(names) & set(columns)]
    doubles = {name for _, names in needs for name in names if columns.count(name) > 1}
    return missing + [("format.columns", name, "各不相同 (each column once)") for name in sorted(doubles)]
