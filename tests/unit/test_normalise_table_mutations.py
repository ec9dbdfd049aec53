"""Files of rows of cells that went wrong on the way, of seven kinds: no traceback, nothing slow, no amount that differs
or is missing without a warning or an error, no record gone without a word.

`make test` takes a few of each kind; the long form 100,000 of each, in pieces.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from normalise_samples import mapping
from test_normalise_mutations import LINES, ODD, SLOW, money

from gateway.core.normalise import CompiledMapping, Normal
from gateway.core.normalise.dbf_pages import read_head
from gateway.core.normalise.language import DbfFormat, FixedFormat
from gateway.core.normalise.problems import PAGE_CODES, ROW_CODES
from gateway.errors import BadPage
from gateway.flow.studies.case_pages import dbf_table, fixed_line, workbook
from gateway.sandbox.leagues import FILE_HEADERS
from gateway.sandbox.old_files import AMOUNTS, TABLE_NAMES

OF_A_KIND = 100_000
PIECE = 1_000
SHORT = 40

Row = dict[str, Any]
NAMES = list(FILE_HEADERS)
GOOD: list[Row] = [{name: str(line[name]).strip() for name in NAMES} for line in LINES]
FEEDS = {"fixed": "yuncheng", "dbf": "manzhouli", "excel": "xilingol"}
NUMBERS: list[Any] = [*ODD, 12.345, 1e15, 1.5e18, float("1e-9"), -0.0, True]


def written(form: str, rows: list[Row], names: list[str]) -> bytes:
    """The rows as their league writes them; `names`: what the columns are called, where the file says so."""
    if form == "fixed":
        spoken = mapping(FEEDS[form]).language.format
        assert isinstance(spoken, FixedFormat)
        lines = [fixed_line(row, spoken.columns, spoken.length, "gb18030") for row in rows]
        return b"".join(line + b"\r\n" for line in [b"HDR20260301", *lines, b"TRL" + b"0".rjust(8) * 6])
    if form == "dbf":
        short = dict(zip(names, TABLE_NAMES, strict=True)) if names == NAMES else dict(zip(NAMES, names, strict=True))
        kinds = {short[name]: "N" for name in AMOUNTS if name in short}
        named = [{short.get(name, name): value for name, value in row.items()} for row in rows]
        return dbf_table(list(short.values()), named, "gb18030", kinds=kinds)
    return workbook({"锡林浩特市": [["明细"], names, *([row.get(name) for name in NAMES] for row in rows)]})


def columns_of(form: str) -> list[str]:
    return list(TABLE_NAMES) if form == "dbf" else NAMES


Mutation = Callable[[random.Random, str], tuple[bytes, set[int | None]]]
"""(chance, format) → the bytes that arrive, and amounts in fen that were really sent in place of others."""


def cut(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    content = written(form, GOOD, NAMES)
    place = chance.randrange(len(content))
    # A file of lines that ends where a line ends looks whole; only totals tell of it.
    while form == "fixed" and (content[:place].endswith((b"\n", b"\r")) or content[place:].startswith(b"\r")):
        place = chance.randrange(len(content))
    return content[:place], set()


def bytes_changed(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    content = bytearray(written(form, GOOD, NAMES))
    marks: set[int] = set()
    if form == "dbf":
        head = read_head(bytes(content), DbfFormat())
        # The mark of a deleted row says in one byte that it is none.
        marks = set(range(head.begin, len(content), head.length))
    places = [place for place, byte in enumerate(content) if not 48 <= byte <= 57 and place not in marks]
    for _ in range(chance.randint(1, 3)):
        content[chance.choice(places)] = chance.choice([*range(48), *range(58, 256)])
    return bytes(content), set()


def span_lost(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    content = written(form, GOOD, NAMES)
    place = chance.randrange(len(content))
    return content[:place] + content[place + chance.randint(1, 60) :], set()


def span_twice(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    content = written(form, GOOD, NAMES)
    place, many = chance.randrange(len(content)), chance.randint(1, 60)
    return content[: place + many] + content[place : place + many] + content[place + many :], set()


def odd_numbers(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    rows = [dict(row) for row in GOOD]
    odd = chance.choice(NUMBERS)
    chance.choice(rows)[chance.choice(AMOUNTS)] = odd
    sent: set[int | None] = {None} if odd in ("", "null") else set()
    known = {".09": 9, "+3.00": 300, "01.50": 150, "38.61000000000001": 3861, "-0.00": 0, 1e-9: 0, -0.0: 0, 1e15: None}
    # A column of fixed width cuts what is too long for it, as the sender's program does.
    sent |= {known[odd]} if odd in known and odd is not True else set()
    return written(form, rows, NAMES), sent


def renamed(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    names = columns_of(form)[:]
    place = chance.randrange(len(names))
    names[place] = chance.choice([names[place] + "x", names[place][:-1], chance.choice(names), "K"])
    return written(form, GOOD, names), set()


def cells_moved(chance: random.Random, form: str) -> tuple[bytes, set[int | None]]:
    rows = [dict(row) for row in GOOD]
    row, place = chance.choice(rows), chance.randrange(len(NAMES))
    values = list(row.values())
    left, right = [*values[:place], *values[place + 1 :], ""], [*values[:place], "", *values[place:-1]]
    moved = chance.choice([left, right])
    row.update(zip(NAMES, moved, strict=True))
    return written(form, rows, NAMES), set()


KINDS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (cut, bytes_changed, span_lost, span_twice, odd_numbers, renamed, cells_moved)
}


def results_of(compiled: CompiledMapping, content: bytes) -> list[Any]:
    rows = compiled.read(content)
    compiled.identify(rows, 0, len(rows))
    compiled.totals(content, rows)
    return [compiled.record(rows, index) for index in range(len(rows))]


def amounts_of(form: str) -> dict[str, dict[str, int | None]]:
    results = results_of(mapping(FEEDS[form]), written(form, GOOD, NAMES))
    records = [result.record for result in results if isinstance(result, Normal) and not result.warnings]
    assert len(records) == len(GOOD), results
    return {record.settlement_no: money(record) for record in records}


ORIGINALS = {form: amounts_of(form) for form in FEEDS}


def judge(form: str, content: bytes, sent: set[int | None]) -> None:
    """Fails where something of the file is misread or gone without a word."""
    began = time.process_time()
    try:
        results = results_of(mapping(FEEDS[form]), content)
    except BadPage as bad:
        assert bad.code in PAGE_CODES
        return
    assert time.process_time() - began < SLOW
    plain = [result.record for result in results if isinstance(result, Normal) and not result.warnings]
    rejected = [result for result in results if not isinstance(result, Normal)]
    codes = {error.code for result in rejected for error in result.errors}
    assert codes <= set(ROW_CODES)
    for record in plain:
        expected = ORIGINALS[form].get(record.settlement_no)
        candidates = [expected] if expected else list(ORIGINALS[form].values())
        amounts = money(record)
        wrong = [{field: amount for field, amount in amounts.items() if amount != other[field]} for other in candidates]
        assert any(sent.issuperset(differing.values()) for differing in wrong), wrong
    words = len(results) - len(plain) - sum(result.errors[0].code == "skipped" for result in rejected)
    assert words or len(plain) >= len(GOOD), "a record is gone without a word"


def run(kind: str, piece: int, count: int) -> None:
    chance = random.Random(f"tables {kind} {piece}")
    for _ in range(count):
        form = chance.choice(sorted(FEEDS))
        content, sent = KINDS[kind](chance, form)
        judge(form, content, sent)


@pytest.mark.parametrize("kind", KINDS)
def test_what_went_wrong_on_the_way_is_told(kind: str) -> None:
    run(kind, 0, SHORT)


@pytest.mark.full
@pytest.mark.parametrize("piece", range(1, 1 + OF_A_KIND // PIECE))
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_hundred_thousand_nothing_is_misread_or_gone_without_a_word(kind: str, piece: int) -> None:
    run(kind, piece, PIECE)
