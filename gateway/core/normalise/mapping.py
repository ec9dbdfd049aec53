"""A compiled mapping: pages → rows → identities and records. The door of this room.

compiled = compile_mapping(language)        # once
rows = compiled.read(content)               # BadPage, or rows not yet read
compiled.identify(rows, 0, len(rows))       # what is read of everybody
compiled.record(rows, 7)                    # the whole record, for the few it is wanted of
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

import msgspec

from gateway.core.normalise.checks import checks_of, missing_amounts, plainly_sound
from gateway.core.normalise.doors import door_of
from gateway.core.normalise.fields import Parsers, Values, rule_of
from gateway.core.normalise.language import RECORD_FIELDS, JsonFormat, MappingLanguage, XmlFormat, digest_of
from gateway.core.normalise.national import INSURANCE_CODES
from gateway.core.normalise.noticing import Noticing
from gateway.core.normalise.odd_lines import SKIPPED, SUM_ROW, is_sum, odd_line
from gateway.core.normalise.outside import UNKNOWN, Origin
from gateway.core.normalise.problems import Wrong, bad_page, row_error
from gateway.core.normalise.rows import NO_ROWS, Rows
from gateway.core.normalise.totals import TotalsReader
from gateway.core.normalise.views import IDENTITY_FIELDS, View
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Identity, RowError
from gateway.model.person import Subject
from gateway.model.record import SettlementRecord

_ALWAYS: Final = ("settlement_no", "total_amount")
_DERIVED: Final = ("reversal", "reverses", "care_type_code")
_DOUBTFUL: Final = {("bad_id_number", "id_number"), ("bad_encoding", "name")}
_NOT_TOLD: Final = (None, "other")
AS_WRITTEN: Final = ("id_number", "name")
"""The fields that matching can often make something of although no record may hold them so."""


class Normal(msgspec.Struct, frozen=True, gc=False):
    """A row that became a record, with the checks it failed that only warn."""

    record: SettlementRecord
    warnings: tuple[RowError, ...] = ()


class Rejected(msgspec.Struct, frozen=True):
    """A row that cannot become a record, with everything that is wrong with it."""

    errors: tuple[RowError, ...]


Normalised = Normal | Rejected


class Glance(msgspec.Struct, frozen=True, gc=False):
    """As much of a row as decides whose it is, and whether the rest is worth reading. `diagnosis_codes` is None where
    they cannot be read."""

    subject: Subject
    care_type: str | None
    insurance_type: str | None
    diagnosis_codes: tuple[str, ...] | None


class Glanced(msgspec.Struct, frozen=True, gc=False):
    """A row at which a glance was taken, still open: `record_of` reads the rest of it."""

    glance: Glance
    values: Values
    view: View
    keys: Callable[[], Iterable[str]]


def is_skipped(errors: Sequence[RowError]) -> bool:
    """Whether a row is none: its mapping skips it, or it goes on with the row above."""
    return bool(errors) and errors[0].code == SKIPPED[0].code


def only_in_doubt(errors: Sequence[RowError]) -> bool:
    """Whether nothing is wrong with a row but a number or a name that matching may still make something of."""
    return bool(errors) and all((error.code, error.field) in _DOUBTFUL for error in errors)


class CompiledMapping:
    """One mapping, ready to read pages. Holds no page and may be shared by threads."""

    def __init__(self, language: MappingLanguage) -> None:
        # Without number and total a settlement can be neither counted nor corrected: both are required.
        always = {name: msgspec.structs.replace(rule_of(language, name), required=True) for name in _ALWAYS}
        self.language = language = msgspec.structs.replace(language, fields={**language.fields, **always})
        read = [field for field in RECORD_FIELDS if field in _DERIVED or field in self.language.fields]
        parsers = Parsers(self.language)
        in_facility = language.unique_within == "facility"
        self._identity = View(parsers, (*IDENTITY_FIELDS, *(("facility_no",) if in_facility else ())), to_ask=True)
        self._full = View(parsers, tuple(read))
        self._written = View(parsers, tuple(read), as_written=AS_WRITTEN)
        # Only what a glance is for is strict: a wrong birth date is an error of the record, not of the glance.
        self._glance = {way: _Glancing(way) for way in (self._full, self._written)}
        reads = self._identity.readers
        self._settlement_no, self._total, self._id_number = (
            reads[field] for field in ("settlement_no", "total_amount", "id_number")
        )
        self._id_type, self._reversal, self._reverses = (reads[field] for field in ("id_type", "reversal", "reverses"))
        self._any_name, self._name = reads["name"], self._identity.forgiving["name"]
        self._birth_date = self._identity.forgiving["birth_date"]
        self._facility_no = reads["facility_no"] if in_facility else _absent
        self._skips = [(self._full.sources.positions[name], texts) for name, texts in language.skip]
        self._identity_skips = [(self._identity.sources.positions[name], texts) for name, texts in language.skip]
        self._checks = checks_of(language.checks)
        self._sound = plainly_sound(language.checks, reads_deductible=self._reads_deductible())
        self._blank: dict[View, Normalised] = {}
        """What is said of a row in which nothing stands that is read. It holds no value of any page."""
        self._door = door_of(self.language, self._identity.sources, self._full.sources)
        self._noticing = Noticing(parsers, self._full)
        self.knows_code, self.reads_key = self._noticing.knows, self._noticing.reads
        self.sample = self._noticing.sample
        self._totals = TotalsReader(language, language.totals) if language.totals else None
        self.digest = digest_of(language)

    def read(self, content: bytes, origin: Origin = UNKNOWN) -> Rows:
        """A page taken apart into rows. Raises BadPage where that cannot be done at all. `origin`: the file it came
        from, where it came from one."""
        if len(content) > MAX_PAGE_BYTES:
            raise bad_page("too_large")
        if not content.strip():
            raise bad_page("empty")
        return self._door.rows(content, origin)

    def identify(
        self, rows: Rows, start: int, stop: int, *, names: bool = True
    ) -> list[Identity | tuple[RowError, ...]]:
        """For each row from `start` (from 0) up to `stop`: its identity, or all that is wrong with it. Name and birth
        date only if `names`: they cost everybody's row a tenth more."""
        identify = self._identity_unless_skipped if self._identity_skips else self._identity_of
        return [identify(rows, index, names) for index in range(start, min(stop, len(rows)))]

    def record(self, rows: Rows, index: int, *, as_written: bool = False) -> Normalised:
        """The whole record of one row (counted from 0), or all that is wrong with it. `as_written`: number and name
        are taken as they stand, masked, wrong or with characters lost."""
        try:
            values = rows.full(index)
        except Wrong as wrong:
            # A line that goes on with the row above is nothing by itself.
            instead = SKIPPED if wrong.code == "skipped" else odd_line(None, rows.words(index), rows.header)
            return Rejected(instead or (row_error(wrong.code, "", detail=wrong.detail),))
        if self._skips and _is_skipped(values, self._skips):
            return Rejected(SKIPPED)
        outcome = self._record_of(values, self._written if as_written else self._full, partial(rows.keys, index))
        if isinstance(outcome, Normal):
            unnamed = outcome.record.id_number is None and is_sum(outcome.record.settlement_no)
            return Rejected(SUM_ROW) if unnamed else outcome
        instead = odd_line(self._full.forgiving["settlement_no"](values), rows.words(index), rows.header)
        return Rejected(instead) if instead else outcome

    def glance(self, rows: Rows, index: int, *, as_written: bool = False) -> Glanced | Rejected:
        """A glance at one row, which says whether the rest is worth reading; of a row whose glance already cannot be
        read, all its errors. `as_written`: as for `record`."""
        view = self._written if as_written else self._full
        try:
            values = rows.full(index)
            return Glanced(self._glance[view](values), values, view, partial(rows.keys, index))
        except Wrong as wrong:
            whole = self.record(rows, index)
            return whole if isinstance(whole, Rejected) else Rejected((row_error(wrong.code, ""),))

    def record_of(self, glanced: Glanced) -> Normalised:
        """The whole record of a row at which a glance was taken, or all that is wrong with it."""
        return self._record_of(glanced.values, glanced.view, glanced.keys)

    def unknown_codes(self, rows: Rows, index: int, errors: Sequence[RowError] = ()) -> list[tuple[str, str]]:
        """(field, code as it may be shown) for the codes of a row that decide about money, or that it was refused for,
        and that the mapping does not know, whatever it makes of them."""
        try:
            return list(self._noticing.unknown(rows.full(index), errors))
        except Wrong:
            return []

    def still_warns(self, code: str, field: str) -> bool:
        """Whether this mapping may warn of a field with this code at all, as it did when a row was read."""
        checks = self.language.checks
        if code == "missing_amount":
            return checks.complete == "warn" and field not in {*checks.not_sent, *checks.nothing}
        warns = {check.error.code for check in self._checks if check.warns}
        return code in warns or rule_of(self.language, field).unreadable == "empty"

    def is_odd(self, glanced: Glanced) -> bool:
        """Whether a glance tells that a code may be unknown, so that looking closer is worth it."""
        glance = glanced.glance
        return (
            glance.care_type in _NOT_TOLD
            or (glance.insurance_type is not None and glance.insurance_type[:3] not in INSURANCE_CODES)
            or bool(self._noticing.lenient)
        )

    def subject(self, rows: Rows, index: int) -> Subject:
        """What matching may know of one row; number and name as they were written, None for what cannot be read."""
        try:
            return self._glance[self._written].subject(rows.full(index))
        except Wrong:
            return Subject()

    def _record_of(self, values: Values, view: View, keys: Callable[[], Iterable[str]]) -> Normalised:
        # A page of nothing but empty rows would say the same of each, and looking takes longer than reading.
        if view in self._blank and values.count(None) == len(values):
            return self._blank[view]
        try:
            read = view.read(values)
        except Wrong:
            outcome = self._thoroughly(values, view, keys)
            if values.count(None) == len(values):
                self._blank[view] = outcome
            return outcome
        record = SettlementRecord(*read)
        return Normal(record) if self._sound(read) else self._checked(record, keys, ())

    def _thoroughly(self, values: Values, view: View, keys: Callable[[], Iterable[str]]) -> Normalised:
        """All that is wrong with a row; a record where only fields are that may be unreadable."""
        fields, errors = view.thoroughly(values)
        warnings = tuple(error for error in errors if rule_of(self.language, error.field).unreadable == "empty")
        if len(warnings) == len(errors):
            return self._checked(SettlementRecord(**{**fields, **_without(warnings)}), keys, warnings)
        if view is not self._full:
            fields, errors = self._full.thoroughly(values)
        wrong = {error.field for error in errors}
        partly = SettlementRecord(**{"settlement_no": "", **fields})
        # A check says something only where every amount it looks at could be read.
        sound = (check for check in self._checks if wrong.isdisjoint(check.fields) and not check.warns)
        return Rejected((*errors, *(check.error for check in sound if check.fails(partly))))

    def _checked(
        self, record: SettlementRecord, keys: Callable[[], Iterable[str]], warnings: tuple[RowError, ...]
    ) -> Normalised:
        """A record whose amounts do not plainly add up: with warnings, or rejected for what is no mere warning."""
        failed = [check for check in self._checks if check.fails(record)]
        errors = tuple(check.error for check in failed if not check.warns)
        missing = self._missing(record, keys)
        if self.language.checks.complete == "quarantine":
            errors += missing
        if errors:
            return Rejected(errors)
        return Normal(record, (*warnings, *(check.error for check in failed), *missing))

    def _missing(self, record: SettlementRecord, keys: Callable[[], Iterable[str]]) -> tuple[RowError, ...]:
        present: set[str] = set()

        def stands(field: str) -> bool:
            present.update(() if present else keys())
            rule = rule_of(self.language, field)
            return any(name in present or name.split(".")[0] in present for name in rule.sources + rule.sum)

        fields = missing_amounts(record, self.language.checks, self.language.fields, stands)
        return (row_error("missing_amount", fields[0], detail="、".join(fields)),) if fields else ()

    def _reads_deductible(self) -> bool:
        return self.language.checks.complete != "off" and "deductible_amount" in self.language.fields

    def as_it_came(self, rows: Rows, index: int) -> dict[str, str]:
        """What stands in one row under each name the mapping reads, for whoever must look at the row itself; of a line
        whose cells are no columns, cell by cell; nothing of a row that cannot be taken apart at all."""
        try:
            values = rows.full(index)
        except Wrong:
            cells = rows.cells(index) if rows.cells is not None else None
            return {str(number): cell for number, cell in enumerate(cells or (), 1)}
        named = {name: values[place] for name, place in self._full.sources.positions.items()}
        return {name: str(value) for name, value in named.items() if value not in (None, "")}

    def salvage(self, rows: Rows, index: int) -> tuple[str | None, bool, int | None, str | None]:
        """Settlement number, whether it is a reversal, total in fen, and facility (where numbers are unique within it)
        of a row whose identity cannot be read, as far as they can: enough to count it, and to know it when it comes
        again."""
        try:
            fields, _ = self._identity.thoroughly(rows.identity(index))
        except Wrong:
            return None, False, None, None
        number = fields.get("settlement_no")
        if odd_line(number, rows.words(index), rows.header):
            # A line of sums tells the money of other rows.
            return None, False, None, None
        return number, bool(fields.get("reversal")), fields.get("total_amount"), fields.get("facility_no")

    def totals(self, content: bytes, rows: Rows = NO_ROWS, *, day: date | None = None) -> FeedTotals | None:
        """What a page itself says it holds, where the mapping says where that stands. `rows`: the page as it was
        taken apart, in whose lines it may stand; `day`: the file's own."""
        if self._totals is None:
            return None
        in_message = isinstance(self.language.format, JsonFormat | XmlFormat)
        return self._totals.read(content, None if in_message else rows, day)

    def _identity_unless_skipped(self, rows: Rows, index: int, names: bool) -> Identity | tuple[RowError, ...]:
        try:
            if _is_skipped(rows.identity(index), self._identity_skips):
                return SKIPPED
        except Wrong:
            # What is wrong with it is said below.
            pass
        return self._identity_of(rows, index, names)

    def _identity_of(self, rows: Rows, index: int, names: bool) -> Identity | tuple[RowError, ...]:
        try:
            values = rows.identity(index)
            reversal, id_number = self._reversal(values), self._id_number(values)
            if id_number is None and is_sum(self._settlement_no(values)):
                return SUM_ROW
            name, birth_date = (self._name(values), self._birth_date(values)) if names else (None, None)
            # In order, without names: this is done for everybody's row.
            return Identity(
                self._settlement_no(values),
                reversal,
                self._reverses(values) if reversal else None,
                self._id_type(values),
                id_number,
                self._total(values),
                reversal and id_number is None and name is None and self._any_name(values) is None,
                name,
                birth_date,
                self._facility_no(values),
            )
        except Wrong as wrong:
            whole = self.record(rows, index)
            return whole.errors if isinstance(whole, Rejected) else (row_error(wrong.code, ""),)


class _Glancing:
    """Reads a glance through one view; fields the mapping does not name are None."""

    def __init__(self, view: View) -> None:
        strict, forgiving = view.readers, view.forgiving
        self._care_type = strict.get("care_type", _absent)
        self._insurance_type = strict.get("insurance_type", _absent)
        self._diagnosis_codes = forgiving.get("diagnosis_codes", _no_codes)
        self._particulars = [
            (strict if field in AS_WRITTEN else forgiving).get(field, _absent) for field in Subject.__struct_fields__
        ]

    def __call__(self, values: Values) -> Glance:
        care_type, insurance_type = self._care_type(values), self._insurance_type(values)
        return Glance(self.subject(values), care_type, insurance_type, self._diagnosis_codes(values))

    def subject(self, values: Values) -> Subject:
        return Subject(*[read(values) for read in self._particulars])


def _is_skipped(values: Values, skips: Sequence[tuple[int, frozenset[str]]]) -> bool:
    return any(str(values[place]).strip() in texts for place, texts in skips if values[place] is not None)


def _without(warnings: Sequence[RowError]) -> dict[str, Any]:
    """The fields of a record that have no value because none could be read."""
    return {warning.field: () if warning.field == "diagnosis_codes" else None for warning in warnings}


def _absent(_: Values) -> None:
    """A field the mapping does not name."""


def _no_codes(_: Values) -> tuple[str, ...]:
    """A mapping that names no diagnoses."""
    return ()


def compile_mapping(language: MappingLanguage) -> CompiledMapping:
    """The mapping as a reader of pages. `language` comes checked from `gateway.settings.mappings`."""
    return CompiledMapping(language)
