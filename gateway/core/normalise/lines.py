"""The answer of `hubao normalise`: one JSON object per row of a page (design §7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.core.normalise.mapping import CompiledMapping, Normal, is_skipped
from gateway.core.normalise.outside import UNKNOWN, Origin
from gateway.errors import BadPage
from gateway.model.page import RowError
from gateway.model.record import record_to_json


class Summary(msgspec.Struct):
    """How many rows became what; how often each (code, field) was wrong. A page that cannot be read is one error.

    `rows`: how many were looked at; `unused`: keys and columns that no field reads, of a few rows of every page.
    """

    rows: int = 0
    unused: dict[str, None] = msgspec.field(default_factory=dict)
    records: int = 0
    quarantined: int = 0
    skipped: int = 0
    errors: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)


def normalise_lines(
    compiled: CompiledMapping, content: bytes, summary: Summary | None = None, origin: Origin = UNKNOWN
) -> Iterator[dict[str, Any]]:
    """Every row in order as a record or as quarantined (rows counted from 1), or one page error. Nothing is said of a
    line that is no row. What was answered is added to `summary`, and rows are counted on from what it holds."""
    summary = summary or Summary()
    try:
        rows = compiled.read(content, origin)
    except BadPage as bad:
        summary.errors[bad.code, ""] += 1
        yield {"page_error": {"code": bad.code, "message": bad.message}}
        return
    behind, summary.rows = summary.rows, summary.rows + len(rows)
    summary.unused.update(dict.fromkeys(compiled.sample(rows).unused))
    for index in range(len(rows)):
        normalised = compiled.record(rows, index)
        if not isinstance(normalised, Normal):
            if is_skipped(normalised.errors):
                summary.skipped += 1
                continue
            summary.quarantined += 1
            summary.errors.update((error.code, error.field) for error in normalised.errors)
            yield {"quarantined": {"row": behind + index + 1, "errors": _plain(normalised.errors)}}
            continue
        summary.records += 1
        line: dict[str, Any] = {"record": record_to_json(normalised.record)}
        if normalised.warnings:
            line["warnings"] = _plain(normalised.warnings)
        yield line


def _plain(errors: tuple[RowError, ...]) -> list[dict[str, str]]:
    return [{"code": error.code, "field": error.field, "message": error.message} for error in errors]
