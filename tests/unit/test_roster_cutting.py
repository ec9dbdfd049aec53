"""A roster that comes in any pieces is cut between its rows, and every row keeps its number."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.roster.cutting import LONGEST_ROW, CutRows, RosterCutter, RosterForm
from gateway.errors import BadInput


def cut(content: bytes, form: RosterForm, *, rows: int = 3, sizes: list[int] | None = None) -> list[CutRows]:
    cutter, tables, start = RosterCutter(form, rows_at_once=rows), [], 0
    for size in [*(sizes or []), len(content)]:
        tables += cutter.take(content[start : start + size])
        start += size
    return [*tables, *cutter.finish()]


def numbered(tables: list[CutRows]) -> list[tuple[int, list[str]]]:
    """(row number in the whole, cells) of every row but the headers."""
    rows = []
    for table in tables:
        cells = list(csv.reader(io.StringIO(table.content.decode(), newline="")))
        rows += [(table.before + number, line) for number, line in enumerate(cells, start=1) if number > 1]
    return rows


CELL = st.text(alphabet='a张",\n\r ', max_size=6)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=12), st.lists(st.integers(1, 40), max_size=8))
def test_a_csv_in_any_pieces_is_the_rows_it_was(rows: list[tuple[str, str]], sizes: list[int]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("会员编号", "姓名"), *rows])
    whole = list(csv.reader(io.StringIO(text.getvalue(), newline="")))
    tables = cut(text.getvalue().encode(), "csv", sizes=sizes)
    assert numbered(tables) == list(enumerate(whole, start=1))[1:]
    assert all(len(table.content.decode()) for table in tables)
    assert len(tables) == -(-len(rows) // 3)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["会员编号", "姓名", "不参与"]), CELL, min_size=1), min_size=1, max_size=9
    ),
    st.lists(st.integers(1, 40), max_size=8),
)
def test_lines_of_json_in_any_pieces_are_the_rows_they_were(lines: list[dict[str, str]], sizes: list[int]) -> None:
    content = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
    told: dict[int, dict[str, str]] = {}
    for table in cut(content, "ndjson", sizes=sizes):
        columns, *rows = csv.reader(io.StringIO(table.content.decode(), newline=""))
        for number, cells in enumerate(rows, start=2):
            told[table.before + number] = {key: cell for key, cell in zip(columns, cells, strict=True) if cell}
    # A line of empty values alone is a blank row of the table.
    assert {number: line for number, line in told.items() if line} == {
        number: {key: value for key, value in line.items() if value}
        for number, line in enumerate(lines, start=1)
        if any(line.values())
    }


def test_what_json_can_say_is_written_as_a_roster_writes_it() -> None:
    (table,) = cut(b'{"a":true,"b":false,"c":null,"d":7}', "ndjson")
    assert table.content.decode().splitlines() == ["a,b,c,d", "是,否,,7"]


@pytest.mark.parametrize("line", [b"[]", b"7", b'{"a":[1]}', b'{"a":1.5}', b"{", b"\xff", b'{"a":{"b":1}}'])
def test_a_line_that_is_no_flat_object(line: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        cut(b'{"a":"x"}\n' + line + b"\n", "ndjson")
    assert refused.value.code == "not_json"
    assert "2" in refused.value.message


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_row_without_end_is_refused_before_it_is_held(form: RosterForm) -> None:
    with pytest.raises(BadInput) as refused:
        cut(b'"' + b"x" * (LONGEST_ROW + 1), form)
    assert refused.value.code == "row_too_long"


def test_nothing_and_a_header_alone_are_no_rows() -> None:
    assert (
        cut(b"", "csv") == cut(b"\r\n\r\n", "csv") == cut("会员编号,姓名\n".encode(), "csv") == cut(b"", "ndjson") == []
    )
