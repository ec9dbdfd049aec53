"""One page as its mapping reads it: rows beside their records, what is wrong, what nobody reads, which sums agree."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from gateway.core.normalise import CompiledMapping, Normal, Origin, Rows, is_skipped
from gateway.core.normalise.checks import SUMS, identities
from gateway.core.normalise.decoding import encoding_of
from gateway.core.normalise.language import FieldRule
from gateway.core.studies.trial.masking import PERSONAL, masked, shape_of
from gateway.errors import BadPage
from gateway.model.page import RowError
from gateway.model.record import SettlementRecord, record_to_json

SHOWN_BYTES: Final = 1200
"""So much of a page is shown."""
_LOOKED_AT: Final = 20


class TriedField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a shown record: the feed's own names for it, what stood there, and what it became; of a personal
    one the shapes."""

    field: str
    sources: tuple[str, ...]
    came: str
    value: str


class TriedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is shown, counted from 1: its record field by field, and all that is wrong with it."""

    row: int
    fields: tuple[TriedField, ...] = ()
    errors: tuple[RowError, ...] = ()
    warnings: tuple[RowError, ...] = ()


class TriedPage(msgspec.Struct, kw_only=True):
    """What came of one page. `sums`: I1–I4 → how many rows agree, differ, or lack an amount; `errors`: "code field" →
    rows; `unknown_codes`: "field code" → rows; `seconds`: how long reading took. `page_error` where it is no page."""

    page: int
    request: str
    bytes: int
    raw: str
    rows: int = 0
    records: int = 0
    quarantined: int = 0
    skipped: int = 0
    reversals: int = 0
    total: int = 0
    page_error: str | None = None
    page_error_code: str | None = None
    errors: dict[str, int] = msgspec.field(default_factory=dict)
    warnings: dict[str, int] = msgspec.field(default_factory=dict)
    unused: tuple[str, ...] = ()
    unknown_codes: dict[str, int] = msgspec.field(default_factory=dict)
    sums: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    shown: tuple[TriedRow, ...] = ()
    seconds: float = 0.0


def try_page(compiled: CompiledMapping, content: bytes, origin: Origin, *, page: TriedPage, most: int) -> TriedPage:
    """Fills in what comes of reading a page: all its rows counted, at most `most` of them shown."""
    try:
        rows = compiled.read(content, origin)
    except BadPage as bad:
        page.page_error, page.page_error_code, page.raw = bad.message, bad.code, _raw(compiled, None, content)
        return page
    page.rows, page.raw, page.unused = len(rows), _raw(compiled, rows, content), compiled.sample(rows).unused
    shown: list[TriedRow] = []
    counts = {name: Counter({"agree": 0, "differ": 0, "open": 0}) for name in SUMS}
    errors, warnings, unknown = Counter[str](), Counter[str](), Counter[str]()
    for index in range(len(rows)):
        row, record = _read(compiled, rows, index)
        if is_skipped(row.errors):
            page.skipped += 1
            continue
        page.records, page.quarantined = page.records + bool(record), page.quarantined + (record is None)
        if record is not None:
            page.reversals, page.total = page.reversals + record.reversal, page.total + (record.total_amount or 0)
        wrong = {error.code for error in (*row.errors, *row.warnings)}
        agrees = identities(record, compiled.language.checks) if record else dict.fromkeys(SUMS)
        for name, holds in agrees.items():
            differs = holds is False or f"sum_mismatch_{name}" in wrong
            counts[name]["differ" if differs else "agree" if holds else "open"] += 1
        errors.update(f"{error.code} {error.field}".strip() for error in row.errors)
        warnings.update(f"{error.code} {error.field}".strip() for error in row.warnings)
        unknown.update(" ".join(pair) for pair in compiled.unknown_codes(rows, index, row.errors))
        if len(shown) < most or (row.errors and len(shown) < 2 * most):
            shown.append(row)
    page.errors, page.warnings, page.unknown_codes = dict(errors), dict(warnings), dict(unknown)
    page.sums, page.shown = {name: dict(counted) for name, counted in counts.items()}, tuple(shown)
    return page


def _read(compiled: CompiledMapping, rows: Rows, index: int) -> tuple[TriedRow, SettlementRecord | None]:
    normalised = compiled.record(rows, index)
    if not isinstance(normalised, Normal):
        return TriedRow(row=index + 1, errors=normalised.errors), None
    came, record = compiled.as_it_came(rows, index), normalised.record
    fields = []
    for field, value in record_to_json(record).items():
        rule = compiled.language.fields.get(field, FieldRule())
        sources = rule.sources + rule.sum + rule.minus
        written = " ".join(came[name] for name in sources if name in came)
        text = "、".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        show = shape_of if field in PERSONAL else str
        fields.append(TriedField(field=field, sources=sources, came=show(written), value=show(text)))
    return TriedRow(row=index + 1, fields=tuple(fields), warnings=normalised.warnings), record


def _raw(compiled: CompiledMapping, rows: Rows | None, content: bytes) -> str:
    """The beginning of a page as text, masked; what the mapping reads into fields that are not personal is shown."""
    # A cut may go through a character: what is lost of it is left out.
    beginning, encodings = content[:SHOWN_BYTES], compiled.language.format.encoding
    text = beginning.decode(encoding_of(content, encodings) or encodings[0], "ignore")
    text += "…" if len(content) > SHOWN_BYTES else ""
    if rows is None:
        return masked(text)
    personal = {name for field in PERSONAL for name in compiled.language.fields.get(field, FieldRule()).sources}
    # An object of JSON stands among the values too where a field looks inside of it: it is no field's own.
    own = {name for rule in compiled.language.fields.values() for name in rule.sources + rule.sum + rule.minus}
    names, harmless, hidden = {*rows.header}, set[str](), set[str]()
    for index in range(min(len(rows), _LOOKED_AT)):
        names.update(rows.keys(index))
        for name, value in compiled.as_it_came(rows, index).items():
            # Cells of a line that cannot be told apart have numbers for names.
            (harmless if name in own - personal and not name.isdigit() else hidden).add(value)
    return masked(text, names=names, harmless=harmless, personal=hidden)
