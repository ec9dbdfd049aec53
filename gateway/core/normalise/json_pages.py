"""JSON pages: bytes → rows, without building what nobody reads.

Numbers with a point arrive as their text (`float_hook=str`), so no float ever exists. Of a key that stands
twice in an object the last value counts. A row keeps its bytes until it is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Raw

from gateway.core.normalise.decoding import in_utf_8
from gateway.core.normalise.language import MAX_ROWS, JsonFormat, Status
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.messages import layer_below, node_of, refuse_empty_success, refuse_failure, says_nothing
from gateway.core.normalise.problems import Wrong, bad_page, nothing_at, shown_status
from gateway.core.normalise.splitting import without_rows
from gateway.core.normalise.views import Sources
from gateway.errors import BadPage

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_ARRAY: Final = msgspec.json.Decoder(list[Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_PLAIN: Final = msgspec.json.Decoder(float_hook=str)
_SPACE: Final = b" \t\r\n"
_LARGE: Final = 4 * 1024 * 1024
NO_STATUS: Final = Status()


def read_json(content: bytes, spoken: JsonFormat, status: Status = NO_STATUS) -> list[Raw]:
    """The settlements of one JSON page, each still as its bytes. Raises BadPage."""
    content = in_utf_8(content, spoken.encoding)
    if spoken.lines:
        return _by_lines(content)
    # Millions of numbers or empty objects would each become a row before they could be counted. So a page large enough
    # to do harm is looked at first: with so many members and so few keys it is no page of settlements.
    members_without_key = content.count(b",") - content.count(b":") if len(content) > _LARGE else 0
    if members_without_key > MAX_ROWS or (len(content) > _LARGE and content.count(b"{") > 4 * MAX_ROWS):
        raise bad_page("too_many_rows")
    rows = _quickly(content, spoken, status)
    if rows is None:
        rows = _carefully(content, spoken, status)
    if len(rows) > MAX_ROWS:
        raise bad_page("too_many_rows")
    return rows


def _by_lines(content: bytes) -> list[Raw]:
    """Every line that is not blank; one that is no object costs itself. Raises BadPage where none begins like one."""
    if content.count(b"\n") > 2 * MAX_ROWS:
        raise bad_page("too_many_rows")
    lines = [line for line in map(bytes.strip, content.split(b"\n")) if line]
    if not any(line.startswith(b"{") for line in lines):
        raise bad_page("not_json", looks_like(content))
    return [Raw(line) for line in lines]


def _carefully(content: bytes, spoken: JsonFormat, status: Status) -> list[Raw]:
    first = content.lstrip(_SPACE)[:1]
    if first == b"<":
        return _inside_xml(content, spoken, status)
    if first not in (b"[", b"{") and first in b'"0123456789-tfn':
        _safely(_PLAIN.decode, content)
        raise bad_page("wrong_shape")
    try:
        return _rows_in(Raw(content) if first == b"[" else _safely(_OBJECT.decode, content), spoken, status)
    except BadPage as bad:
        if bad.code != "not_json":
            raise
        # One damaged settlement costs itself where the message around it is sound.
        frame, pieces = without_rows(content, spoken.rows)
        if not pieces:
            raise
        _rows_in(_safely(_OBJECT.decode, frame) if frame[:1] == b"{" else Raw(frame), spoken, status)
        return pieces


def _inside_xml(content: bytes, spoken: JsonFormat, status: Status) -> list[Raw]:
    """The settlements of JSON that an XML message (SOAP) holds as a text."""
    top = node_of(content)
    if isinstance(top, bytes):
        raise bad_page("not_json", looks_like(content))
    for path in spoken.rows:
        below = layer_below(top, path.split("."))
        if below is not None:
            inner = msgspec.structs.replace(spoken, rows=(".".join(below[1]) or ".",), encoding=("utf-8",))
            refuse_failure(top, status)
            return read_json(below[0], inner, status)
    raise bad_page("not_json", looks_like(content))


def _quickly(content: bytes, spoken: JsonFormat, status: Status) -> list[Raw] | None:
    """The rows in one pass where they are an array at the first path, as in a large page; else None."""
    if spoken.national_envelope or status.at:
        return None
    try:
        rows = decoder_at(spoken.rows[0]).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for _ in spoken.rows[0].split("."):
        if rows and rows.code is not msgspec.UNSET:
            return None
        rows = rows and rows.inside
    return rows or None


@lru_cache(maxsize=64)
def decoder_at(path: str) -> msgspec.json.Decoder[Any]:
    """Decodes only the array at a path, and every status code on the way to it."""
    inside: Any = list[Raw]
    code = ("code", Raw | msgspec.UnsetType, msgspec.UNSET)
    for key in reversed(path.split(".")):
        names = {"inside": key, "code": "infcode"}
        inside = msgspec.defstruct("At", [("inside", inside | None, None), code], rename=names)
    return msgspec.json.Decoder(inside)


def _rows_in(top: Raw | dict[str, Raw], spoken: JsonFormat, status: Status) -> list[Raw]:
    elements: list[Raw]
    if not isinstance(top, dict):
        elements = _safely(_ARRAY.decode, top)
        if "." not in spoken.rows:
            raise bad_page("wrong_shape")
        return elements
    succeeded = check_envelope(top) if spoken.national_envelope else False
    rows = next((raw for path in spoken.rows if path != "." and (raw := find(top, path)) is not None), None)
    if rows is None:
        succeeded = refuse_failure(top, status) or succeeded
        return _without_settlements(top, spoken, status, succeeded=succeeded)
    # What stands beside the settlements says whether the call succeeded; they themselves are not looked through.
    under = {path.split(".")[0] for path in spoken.rows}
    refuse_failure({name: raw for name, raw in top.items() if name not in under or _first(raw) != b"["}, status)
    first = _first(rows)
    if first == b"[":
        elements = _safely(_ARRAY.decode, rows)
        if not elements:
            refuse_empty_success(top, status)
        return elements
    if first != b"{":
        raise bad_page("wrong_shape")
    # An empty object stands for "no settlement" in replies of the platform.
    if _safely(_OBJECT.decode, rows):
        return [rows]
    refuse_empty_success(top, status)
    return []


def _without_settlements(top: dict[str, Raw], spoken: JsonFormat, status: Status, *, succeeded: bool) -> list[Raw]:
    """A message with nothing where settlements should be: an empty one, or itself the one settlement."""
    refuse_empty_success(top, status)
    if "." in spoken.rows and top and not (succeeded or spoken.national_envelope):
        return [Raw(msgspec.json.encode(top))]
    # A platform that says that it succeeded may leave the whole answer out.
    if spoken.may_be_missing or any(says_nothing(top, path.split("."), leaves_out=succeeded) for path in spoken.rows):
        return []
    raise bad_page("no_rows_found", nothing_at(spoken.rows, list(top)))


def check_envelope(top: dict[str, Raw]) -> bool:
    """Whether the platform's own status code is 0; False where it has none. Raises BadPage for any other."""
    # The e-voucher layer in front of the platform answers with `code` and `type` instead of `infcode`.
    status = top.get("infcode") or (top.get("code") if "type" in top or "message" in top else None)
    if status is None:
        return False
    try:
        value = _PLAIN.decode(status)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = None
    code = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if code != "0":
        raise bad_page("feed_error", shown_status(code) if code else "infcode")
    return True


def find(top: dict[str, Raw], path: str, *, opened: bool = True) -> Raw | None:
    """The value at a dotted path, or None where it is missing, null or an empty text. Raises BadPage.

    Some stacks send an object as JSON text; such text is opened on the way, and at the end if `opened`.
    """
    inside: dict[str, Raw] | None = top
    *parents, last = path.split(".")
    for key in parents:
        parent = _opened(inside.get(key)) if inside else None
        inside = _safely(_OBJECT.decode, parent) if parent is not None and _first(parent) == b"{" else None
    if not inside:
        return None
    return _opened(inside.get(last)) if opened else inside.get(last)


def _opened(raw: Raw | None) -> Raw | None:
    if raw is None:
        return None
    first = _first(raw)
    if first == b"n":
        return None
    if first != b'"':
        return raw
    text = _safely(_TEXT.decode, raw).strip()
    return Raw(text.encode()) if text else None


def _first(raw: Raw) -> bytes:
    """The first byte of a value: msgspec leaves no space before it."""
    return bytes(memoryview(raw)[:1])


def _safely(decode: Callable[[Any], Any], content: Any) -> Any:
    try:
        return decode(content)
    except msgspec.DecodeError as error:
        seems = looks_like(content) if isinstance(content, bytes) and content.lstrip()[:1] not in (b"{", b"[") else ""
        # Of the library's words only the place is told.
        place = re.search("byte ([0-9]+)", str(error))
        where = f"第{place.group(1)}字节附近 (near byte {place.group(1)})" if place else ""
        raise bad_page("not_json", seems or where) from error
    except UnicodeDecodeError as error:
        raise bad_page("wrong_encoding", "utf-8") from error
    except RecursionError as error:
        raise bad_page("too_deep") from error


def keys_of(raw: Raw | None) -> Iterable[str]:
    """The names of a row's own values; none where it is no object."""
    try:
        return _OBJECT.decode(raw) if raw is not None else ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def repeated_keys(row: bytes) -> set[str]:
    """The keys right inside an object that stand there more than once with different values."""
    tops: list[list[tuple[str, Any]]] = []

    def pairs(inside: list[tuple[str, Any]]) -> Any:
        tops[:] = [inside]
        return tuple(inside)

    try:
        json.loads(row.decode("utf-8", "replace"), object_pairs_hook=pairs, parse_float=str)
    except (ValueError, RecursionError):
        return set()
    values: dict[str, Any] = {}
    return {key for key, value in (tops[0] if tops else ()) if values.setdefault(key, value) != value}


class RowDecoder:
    """One row's bytes → the values a view reads, as they came: text, whole numbers, numbers as text."""

    def __init__(self, sources: Sources) -> None:
        keys = {f"s{place}": name for place, name in enumerate(sources.own)}
        row = msgspec.defstruct("Row", [(name, Any, None) for name in keys], rename=keys, gc=False)
        self._decode = msgspec.json.Decoder(row, float_hook=str).decode
        self._sources = sources

    def values(self, raw: Raw) -> tuple[Any, ...]:
        """The row's own values in the order of the view. Raises Wrong for what is no object."""
        try:
            row = self._decode(raw)
        except msgspec.ValidationError:
            raise Wrong("wrong_type") from None
        except UnicodeDecodeError:
            # What is not UTF-8 is replaced, so that only the fields it stands in are wrong.
            try:
                row = self._decode(bytes(raw).decode("utf-8", "replace").encode())
            except (msgspec.DecodeError, RecursionError):
                raise Wrong("unreadable") from None
        except (msgspec.DecodeError, RecursionError):
            raise Wrong("unreadable") from None
        return msgspec.structs.astuple(row)
