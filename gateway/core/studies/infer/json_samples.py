"""Messages of JSON: where the settlements stand, what says success, what the message says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from gateway.core.studies.infer.names import likeness
from gateway.core.studies.infer.samples import MOST_ROWS, Remark, Sample, SampleColumn, cell

_DECODER: Final = msgspec.json.Decoder(float_hook=str)
_DEEPEST: Final = 6
_STATUS: Final = (
    "infcode",
    "returncode",
    "return_code",
    "resultcode",
    "retcode",
    "errorno",
    "errcode",
    "code",
    "status",
)
_SUCCESS: Final = ("0", "0000", "200", "success", "SUCCESS", "1", "true")
_COUNTS: Final = ("rows", "count", "total", "cnt", "num", "记录数", "条数")
_TEXTS: Final = ("err_msg", "errormessage", "errormsg", "message", "msg", "return_code_message", "returnmsg")


def read_json_sample(text: str) -> Sample | None:
    """A message of JSON with settlements in it, None where it is no JSON or holds none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        top = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return read_json_lines(text)
    places = [
        (
            likeness({n for row in rows[:20] for n, value in _flat(row, "", 2) if not isinstance(value, dict)}),
            path,
            rows,
        )
        for path, rows in lists_in(top, ())
    ]
    if not places:
        return None
    # What holds the settlements looks as much like one as they do: of equals the many, then the innermost.
    likely, path, rows = max(places, key=lambda place: (place[0], len(place[2]), len(place[1])))
    form: dict[str, Any] = {"kind": "json", "rows": [".".join(path) or "."]}
    remarks = {
        "format.rows": Remark(0.97 if likely >= 5 else 0.6, f"{len(rows)}个对象，其中{likely}个键名像结算的字段")
    }
    status: dict[str, Any] = {}
    if isinstance(top, dict):
        if "infcode" in top:
            form["envelope"] = "national"
            remarks["format.envelope"] = Remark(0.98, "报文最外层有 infcode")
        else:
            status = status_in(top)
    totals = totals_in(top, len(rows)) if isinstance(top, dict) else {}
    return Sample(
        kind="json", format=form, columns=columns_of(rows), rows=min(len(rows), MOST_ROWS), status=status,
        totals=totals, remarks=remarks,
    )  # fmt: skip


def read_json_lines(text: str) -> Sample | None:
    """A file in which every line is an object (NDJSON), None where one is not; a cut last line is left out."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        rows = [_DECODER.decode(line) for line in lines[:-1][:MOST_ROWS]]
    except (msgspec.DecodeError, RecursionError):
        return None
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    return Sample(
        kind="json", format={"kind": "json", "lines": True}, columns=columns_of(rows), rows=len(rows), status={},
        totals={}, remarks={"format.lines": Remark(0.97, f"前{len(rows)}行每行是一个对象")},
    )  # fmt: skip


def lists_in(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    """Every array of objects and every object in a message, with the names that lead there; texts that hold JSON are
    opened on the way."""
    if isinstance(node, str) and node.lstrip()[:1] in ("{", "["):
        try:
            node = _DECODER.decode(node)
        except (msgspec.DecodeError, RecursionError):
            return
    if isinstance(node, list) and node and all(isinstance(entry, dict) for entry in node):
        yield path, node
    elif isinstance(node, dict):
        if node:
            yield path, [node]
        if len(path) < _DEEPEST:
            for name, inside in node.items():
                if "." not in name:
                    yield from lists_in(inside, (*path, name))


def columns_of(rows: list[dict[str, Any]]) -> list[SampleColumn]:
    """The keys of objects as columns; objects inside of them by dotted names."""
    flat = [dict(_flat(row, "", 3)) for row in rows[:MOST_ROWS]]
    names = list(dict.fromkeys(name for row in flat for name in row))
    columns = []
    for place, name in enumerate(names):
        values = [row.get(name) for row in flat]
        is_list = any(isinstance(value, list) for value in values)
        columns.append(
            SampleColumn(name=name, place=place, values=[_as_text(value) for value in values], is_list=is_list)
        )
    return columns


def status_in(top: dict[str, Any]) -> dict[str, Any]:
    """Which value of a message says that the call succeeded, as the mapping would say it."""
    plain = {name: value for name, value in _flat(top, "", 2) if isinstance(value, str | int)}
    text = [name for name in plain if name.rpartition(".")[2].lower() in _TEXTS]
    for name_of_code in _STATUS:
        for name, value in plain.items():
            if name.rpartition(".")[2].lower() == name_of_code and str(value) in _SUCCESS:
                return {"at": [name], "success": [str(value)], **({"text": text} if text else {})}
    return {}


def totals_in(top: dict[str, Any], rows: int) -> dict[str, str]:
    """What the message says of itself: the day, how many rows, their money."""
    plain = {name: str(value) for name, value in _flat(top, "", 2) if isinstance(value, str | int)}
    counts = [
        name for name, value in plain.items() if value == str(rows) and any(word in name.lower() for word in _COUNTS)
    ]
    days = [name for name, value in plain.items() if len(value) == 10 and value[4] == value[7] == "-"]
    amounts = [name for name, value in plain.items() if "amount" in name.lower() or "sumamt" in name.lower()]
    if not (counts and days):
        return {}
    return {"day": days[0], "rows": counts[0], **({"amount": amounts[0]} if amounts else {})}


def _flat(row: dict[str, Any], before: str, deep: int) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict) and deep > 1:
            yield from _flat(value, f"{before}{name}.", deep - 1)
        else:
            yield f"{before}{name}", value


def _as_text(value: Any) -> str | None:
    if isinstance(value, list):
        first = [entry for entry in value if isinstance(entry, str | int)]
        return cell(";".join(map(str, first)))
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or isinstance(value, dict) else cell(str(value))
