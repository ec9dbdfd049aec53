"""Text of fixed width as a sample: where columns begin is only proposed, by what stands at the same byte of every line.

A column that is blank somewhere on every line shows its end; columns that are filled to the last byte do not. Of those
only what has an unmistakable shape is cut out (a valid id number, a day, a time, a facility). So no cut is sure, and a
value longer than any of the sample's would be cut off: what the league's own description says goes first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from gateway.core.studies.infer.samples import MOST_ROWS, Remark, Sample, SampleColumn, cell
from gateway.core.studies.infer.values import id_number

_FEWEST_LINES: Final = 5
_SHORTEST: Final = 60
_FEWEST_COLUMNS: Final = 8
_ALIKE: Final = 0.8
_NEARLY_ALL: Final = 0.9
_BLANK: Final = 0x20
_ID_WIDTH: Final = 18
_YEAR: Final = rb"(?:19|20)[0-9]{2}"
_DAY: Final = _YEAR + rb"(?:-[0-9]{2}-[0-9]{2}|/[0-9]{1,2}/[0-9]{1,2}|[0-9]{4})"
_TIME: Final = rb"(?: [0-9]{1,2}:[0-5][0-9](?::[0-5][0-9])?|[0-9]{6})"
_SHAPES: Final = (
    (re.compile(_DAY + _TIME + rb" *"), 19),
    (re.compile(rb"[1-9][0-9]{16}[0-9Xx]"), _ID_WIDTH),
    (re.compile(rb"[HP][0-9]{11}"), 12),
    (re.compile(_DAY + rb" *"), 10),
    (re.compile(rb"3[1-9]0|510"), 3),
)
"""Shapes that are cut out wherever they stand at the same place of nearly every line, the longest first."""
_REGION: Final = re.compile(rb"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])[0-9]{4}")
_FLAG_AND_AMOUNT: Final = re.compile(rb"[01] *-?[0-9]+[.][0-9]{2}")
_WORD: Final = re.compile(rb"[A-Z]{2,8}")

Span = tuple[int, int]
"""From a byte up to another one."""


def read_fixed_sample(content: bytes, encoding: str) -> Sample | None:
    """Lines of one length in bytes, None where they are not, or too few columns show."""
    lines = [line.rstrip(b"\r") for line in content.split(b"\n") if line.strip(b" \r\t\x1a")]
    length, alike = Counter(map(len, lines)).most_common(1)[0] if lines else (0, 0)
    if alike < _FEWEST_LINES or alike < _ALIKE * len(lines) or length < _SHORTEST:
        return None
    rows = [line for line in lines if len(line) == length][:MOST_ROWS]
    spans = spans_of(rows, length)
    if len(spans) < _FEWEST_COLUMNS:
        return None
    columns = [
        SampleColumn(name="", place=place, values=[cell(row[a:b].decode(encoding, "replace")) for row in rows])
        for place, (a, b) in enumerate(spans)
    ]
    form: dict[str, Any] = {"kind": "fixed", "columns": [{"at": a + 1, "width": b - a} for a, b in spans]}
    form["length"] = length
    remarks = {
        "format.columns": Remark(0.4, "按各行同一字节上的空白推断：比样本更长的值会被切断，请对照接口说明"),
        "format.length": Remark(0.9, f"{alike}行都是{length}字节"),
        "format.header": Remark(0.9, "第一行就是数据，没有列名"),
    }
    control = _control(lines, length)
    if control:
        form["control"] = [{"begins": begins} for begins in control]
        remarks["format.control"] = Remark(0.8, "首行或尾行，长度与各行不同")
    return Sample(kind="fixed", format=form, columns=columns, rows=len(rows), has_names=False, remarks=remarks)


def spans_of(rows: Sequence[bytes], length: int) -> list[Span]:
    """Where columns stand: what has a shape of its own, and between these what blanks on all lines part."""
    shaped = _shaped(rows, length)
    spans, at = list[Span](), 0
    for start, end in [*shaped, (length, length)]:
        between = _parted(rows, at, start)
        if spans and between and spans[-1][1] - spans[-1][0] == _ID_WIDTH and _is_rest(rows, between[0]):
            # Documents of another kind have longer numbers than an id card.
            spans[-1] = (spans[-1][0], between.pop(0)[1])
        spans += between
        spans += [(start, end)] if end > start else []
        at = end
    return spans


def _is_rest(rows: Sequence[bytes], span: Span) -> bool:
    """Whether hardly any line holds something there."""
    return sum(bool(row[span[0] : span[1]].strip()) for row in rows) <= (1 - _NEARLY_ALL) * len(rows)


def _shaped(rows: Sequence[bytes], length: int) -> list[Span]:
    taken: list[Span] = []
    for shape, width in _SHAPES:
        start = 0
        while start + width <= length:
            is_free = all(start + width <= a or start >= b for a, b in taken)
            if is_free and _share(rows, shape, start, width) >= _NEARLY_ALL:
                taken.append((start, start + width))
                start += width
            else:
                start += 1
    return sorted(taken)


def _share(rows: Sequence[bytes], shape: re.Pattern[bytes], start: int, width: int) -> float:
    """In which part of the lines a shape stands at a place; of id numbers only valid ones count."""
    fitting = 0
    for number, row in enumerate(rows, 1):
        match = shape.fullmatch(row, start, start + width)
        fitting += match is not None and (width != _ID_WIDTH or id_number(match[0].decode("ascii")) is not None)
        # Nearly every place of nearly every file is given up after a few lines.
        if number == _FEWEST_LINES and not fitting:
            return 0.0
    return fitting / len(rows)


def _parted(rows: Sequence[bytes], start: int, end: int) -> list[Span]:
    """A range of bytes as columns: each from its first filled byte to its last, with the blanks that are its own."""
    filled = [at for at in range(start, end) if any(row[at] != _BLANK for row in rows)]
    runs: list[list[int]] = []
    for at in filled:
        if runs and runs[-1][1] == at:
            runs[-1][1] = at + 1
        else:
            runs.append([at, at + 1])
    pieces = [piece for a, b in runs for piece in _glued(rows, a, b)]
    return _with_blanks(rows, pieces, start, end)


def _glued(rows: Sequence[bytes], start: int, end: int) -> list[Span]:
    """Two columns without a blank between them: a flag before an amount (no amount begins with a nought and a digit),
    two divisions of six digits. Any other run is one column."""
    texts = [text for row in rows if (text := row[start:end].strip())]
    noughts = sum(text[:1] == b"0" for text in texts)
    fitting = sum(_FLAG_AND_AMOUNT.fullmatch(text) is not None for text in texts)
    if noughts * 2 > len(texts) and fitting >= _NEARLY_ALL * len(texts):
        return [(start, start + 1), (start + 1, end)]
    middle = start + 6
    twice = end - start == 12 and all(
        _REGION.fullmatch(row[start:middle]) and _REGION.fullmatch(row[middle:end]) for row in rows
    )
    return [(start, middle), (middle, end)] if twice else [(start, end)]


def _with_blanks(rows: Sequence[bytes], pieces: Sequence[Span], start: int, end: int) -> list[Span]:
    """Blanks between two columns go to the number on their right, which grows to the left, else to the text before. The
    middle is theirs where both may grow."""
    borders = [start]
    for (_, stop), (begin, last) in pairwise(pieces):
        to_right = _is_at_right(rows, begin, last)
        text_before = not _is_at_right(rows, borders[-1], stop)
        borders.append((stop + begin + 1) // 2 if to_right and text_before else stop if to_right else begin)
    return list(zip(borders, [*borders[1:], end], strict=True)) if pieces else []


def _is_at_right(rows: Sequence[bytes], start: int, end: int) -> bool:
    """Whether a column is filled at its last byte on nearly all lines, and not at its first."""
    last = sum(row[end - 1] != _BLANK for row in rows)
    first = sum(row[start] != _BLANK for row in rows)
    return last >= _NEARLY_ALL * len(rows) and first < last


def _control(lines: Sequence[bytes], length: int) -> list[str]:
    """What first and last line begin with, where they are of another length."""
    words = [_WORD.match(line) for line in (lines[0], lines[-1]) if len(line) != length]
    return list(dict.fromkeys(match[0].decode() for match in words if match))
