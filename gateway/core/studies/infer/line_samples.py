"""Files of lines: the delimiter, the quotes, whether the first line names the columns, lines that are no rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import Any, Final

from gateway.core.normalise.odd_lines import is_sum
from gateway.core.studies.infer.names import fields_named
from gateway.core.studies.infer.samples import MOST_ROWS, Remark, Sample, SampleColumn, cell

_DELIMITERS: Final = ("\t", ",", "|", "^", ";", "\x01", "~", "$")
_SHOWN: Final = {"\t": "TAB", "\x01": "0x01"}
_LOOKED_AT: Final = 200
_DATA: Final = re.compile(r"-?[0-9]+([.,][0-9]+)*|[0-9]{4}[-/.年][0-9]{1,2}[-/.月].*|[0-9]{14,}[0-9Xx]?|[A-Z][0-9]{6,}")


def read_line_sample(text: str) -> Sample | None:
    """A file of lines with one delimiter, None where no delimiter cuts its lines alike."""
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = max(_DELIMITERS, key=lambda sign: _alike(lines[:_LOOKED_AT], sign))
    if not lines or _alike(lines[:_LOOKED_AT], delimiter) <= 0:
        return None
    quote = '"' if text.count('"') % 2 == 0 else ""
    rows = list(csv.reader(lines[: MOST_ROWS + 1], **_dialect(delimiter, quote)))
    width = Counter(map(len, rows)).most_common(1)[0][0]
    named = is_header(rows[0])
    header = [name.strip().strip("\t\"'\ufeff") for name in rows[0]] if named else []
    body = [row for row in rows[named:] if len(row) == width or (named and len(row) == len(header))]
    # A line may end with a delimiter: then the last column has neither name nor values.
    while header and not header[-1]:
        header.pop()
    count = len(header) or width
    columns = [
        SampleColumn(name=header[place] if named else "", place=place, values=[cell(row[place]) for row in body])
        for place in range(min(count, min(map(len, body), default=count)))
    ]
    skip = _sums(columns)
    body_rows = _without_sums(columns, skip)
    form: dict[str, Any] = {"kind": "csv", "delimiter": delimiter, "quote": quote}
    remarks = {
        "format.delimiter": Remark(0.97, f"{len(lines)}行都被 {_SHOWN.get(delimiter, delimiter)} 切成{width}格"),
        "format.header": Remark(0.95, "第一行是列名") if named else Remark(0.9, "第一行就是数据，没有列名"),
    }
    if not text.endswith(("\n", "\r")):
        form["open_end"] = True
        remarks["format.open_end"] = Remark(0.5, "样本的最后一行没有换行；若样本是截下来的，请删去这一行")
    return Sample(kind="csv", format=form, columns=columns, rows=body_rows, has_names=named, skip=skip, remarks=remarks)


def _dialect(delimiter: str, quote: str) -> dict[str, Any]:
    return {"delimiter": delimiter, **({"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE})}


def _alike(lines: list[str], delimiter: str) -> float:
    """How many cells a delimiter makes of nearly every line; 0 where it cuts lines into different numbers."""
    counts = Counter(len(row) for row in csv.reader(lines, **_dialect(delimiter, '"')))
    cells, many = counts.most_common(1)[0] if counts else (1, 0)
    return cells - 1 if cells > 2 and many >= 0.8 * len(lines) else 0


def is_header(cells: list[str]) -> bool:
    """Whether a line names columns: names are words, all of them different, and many of them are named."""
    words = [text for raw in cells if (text := cell(raw)) is not None]
    data = sum(_DATA.fullmatch(word) is not None for word in words)
    named = sum(bool(fields_named(word)) for word in words)
    return data == 0 or (named > data and named * 2 >= len(words))


def _sums(columns: list[SampleColumn]) -> dict[str, list[str]]:
    for column in columns[:3]:
        words = sorted({value for value in column.filled if is_sum(value)})
        if words and column.name:
            return {column.name: words}
    return {}


def _without_sums(columns: list[SampleColumn], skip: dict[str, list[str]]) -> int:
    """Takes the lines of sums out of the columns; how many rows are left."""
    words = {word for texts in skip.values() for word in texts}
    rows = len(columns[0].values) if columns else 0
    rows_left = [index for index in range(rows) if not words.intersection(c.values[index] or "" for c in columns[:3])]
    for column in columns:
        column.values = [column.values[index] for index in rows_left]
    return len(rows_left)
