"""`hubao bench --stage normalise`: the same rows in every format, in turns, so that other load slows all alike.

A page is read as the program reads it: taken apart, the identity of every row, and the whole record of every row.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final
from xml.sax.saxutils import escape  # Writing only: nothing is parsed with it.

import msgspec

from gateway.bench.data import BenchCount, bench_rows
from gateway.core.normalise import CompiledMapping, Normal, compile_mapping
from gateway.core.normalise.language import Column
from gateway.core.normalise.national import national_rules
from gateway.flow.studies.case_pages import dbf_table, fixed_line, workbook
from gateway.runners.processes import own_peak
from gateway.settings.mappings import check_mapping

_PAGE_ROWS: Final = 2_000
Row = dict[str, Any]


class FormatResult(msgspec.Struct, frozen=True, kw_only=True):
    """One format: rows that became records, processor seconds, and its speed beside JSON's in the same run."""

    format: str
    records: int
    bytes: int
    cpu_seconds: float
    rows_per_second: int
    of_json: float


class NormaliseBenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """All formats of one run. Memory in MB after a tenth of the pages and at the end: it should not grow."""

    stage: str
    records: int
    formats: list[FormatResult]
    peak_rss_mb: int
    peak_rss_mb_after_a_tenth: int


def bench_normalise(*, records: int, seed: int, formats: tuple[str, ...]) -> NormaliseBenchResult:
    """Read so many rows in each of the formats, JSON always among them, and compare."""
    chosen = tuple(dict.fromkeys(("json", *formats)))
    readers = {name: _mapping(name) for name in chosen}
    used, read, sizes = (dict.fromkeys(chosen, 0.0), dict.fromkeys(chosen, 0), dict.fromkeys(chosen, 0))
    early = done = 0
    for rows in _pages(records, seed):
        for name in chosen:
            content = _WRITERS[name](rows)
            began = time.process_time()
            read[name] += _read(readers[name], content)
            used[name] += time.process_time() - began
            sizes[name] += len(content)
        done += len(rows)
        if not early and done >= records // 10:
            early = own_peak()
    results = [
        FormatResult(
            format=name,
            records=read[name],
            bytes=sizes[name],
            cpu_seconds=round(used[name], 3),
            rows_per_second=round(records / used[name]),
            of_json=round(used["json"] / used[name], 3),
        )
        for name in chosen
    ]
    return NormaliseBenchResult(
        stage="normalise",
        records=records,
        formats=results,
        peak_rss_mb=own_peak() // 2**20,
        peak_rss_mb_after_a_tenth=early // 2**20,
    )


def _read(compiled: CompiledMapping, content: bytes) -> int:
    rows = compiled.read(content)
    compiled.identify(rows, 0, len(rows))
    return sum(isinstance(compiled.record(rows, index), Normal) for index in range(len(rows)))


def _pages(records: int, seed: int) -> Iterator[list[Row]]:
    rows = bench_rows(records=records, members=max(1, records // 2), hits=2_000, seed=seed, count=BenchCount())
    while page := list(islice(rows, _PAGE_ROWS)):
        yield [msgspec.json.decode(row) for row in page]


_WIDTH: Final = 40
_NAMES: Final = tuple(dict.fromkeys(source for rule in national_rules().values() for source in rule.sources))
_SHORT_OF: Final = {name: f"c{place}" for place, name in enumerate(_NAMES)}
_SHORT: Final = tuple(_SHORT_OF.values())
_FORMS: Final[dict[str, Row]] = {
    "json": {"kind": "json", "rows": ["setlinfo"]},
    "csv": {"kind": "csv"},
    "xml": {"kind": "xml", "rows": ["output.setlinfo.row"]},
    "fixed": {"kind": "fixed", "columns": [{"name": name, "width": _WIDTH} for name in _SHORT]},
    "dbf": {"kind": "dbf"},
    "excel": {"kind": "excel"},
}


def _mapping(name: str) -> CompiledMapping:
    whole = {"mapping": "bench", "version": 1, "national": True, "format": _FORMS[name]}
    language = check_mapping(whole, shown_as=f"bench {name}").language()
    if name not in ("fixed", "dbf"):
        return compile_mapping(language)
    # A name of dBase has ten bytes, fewer than most national codes.
    fields = {
        field: msgspec.structs.replace(rule, sources=tuple(_SHORT_OF[name] for name in rule.sources), optional=True)
        for field, rule in language.fields.items()
    }
    return compile_mapping(msgspec.structs.replace(language, fields=fields))


def as_json(rows: list[Row]) -> bytes:
    """A page of rows as the national platform writes them."""
    return msgspec.json.encode({"setlinfo": rows})


def as_csv(rows: list[Row]) -> bytes:
    """The same as a file of lines; a list is joined by semicolons."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([_text(row.get(key)) for key in header] for row in rows)
    return written.getvalue().encode()


def as_xml(rows: list[Row]) -> bytes:
    """The same as elements under their national codes."""
    lines = (
        "<row>" + "".join(f"<{key}>{escape(_text(value))}</{key}>" for key, value in row.items()) + "</row>"
        for row in rows
    )
    return f"<output><setlinfo>{''.join(lines)}</setlinfo></output>".encode()


def as_fixed(rows: list[Row]) -> bytes:
    """The same in lines of fixed width."""
    columns = [Column(name=name, at=place * _WIDTH, width=_WIDTH) for place, name in enumerate(_SHORT)]
    lines = (fixed_line(_shortened(row), columns, len(columns) * _WIDTH, "gb18030") for row in rows)
    return b"".join(line + b"\r\n" for line in lines)


def as_dbf(rows: list[Row]) -> bytes:
    """The same as a table of dBase."""
    return dbf_table(
        [*dict.fromkeys(key for row in rows for key in _shortened(row))], [*map(_shortened, rows)], "gb18030"
    )


def as_excel(rows: list[Row]) -> bytes:
    """The same as a workbook, all cells texts."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    return workbook({"bench": [header, *([_text(row.get(key)) or None for key in header] for row in rows)]})


def _shortened(row: Row) -> Row:
    return {_SHORT_OF[key]: _text(value) for key, value in row.items() if key in _SHORT_OF}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value)


_WRITERS: Final[dict[str, Callable[[list[Row]], bytes]]] = {
    "json": as_json, "csv": as_csv, "xml": as_xml, "fixed": as_fixed, "dbf": as_dbf, "excel": as_excel,
}  # fmt: skip
FORMATS: Final = tuple(_WRITERS)
