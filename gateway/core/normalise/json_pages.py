"""JSON pages: bytes → rows, without building what nobody reads.

Numbers with a point arrive as their text (`float_hook=str`), so no float ever exists. Of a key that stands
twice in an object the last value counts. A row keeps its bytes until it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Raw

from gateway.core.normalise.fields import Values
from gateway.core.normalise.language import MAX_ROWS, JsonFormat
from gateway.core.normalise.odd_lines import looks_like
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.core.normalise.views import Sources

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_ARRAY: Final = msgspec.json.Decoder(list[Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_PLAIN: Final = msgspec.json.Decoder(float_hook=str)
_SAFE_CODE: Final = re.compile(r"[-A-Za-z0-9_.]{1,16}")
_SPACE: Final = b" \t\r\n"
_LARGE: Final = 4 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


def read_json(content: bytes, spoken: JsonFormat) -> list[Raw]:
    """The settlements of one JSON page, each still as its bytes. Raises BadPage."""
    content = as_utf8(content, spoken.encoding)
    # Millions of numbers or empty objects would each become a row before they could be counted. So a page large enough
    # to do harm is looked at first: with so many members and so few keys it is no page of settlements.
    members_without_key = content.count(b",") - content.count(b":") if len(content) > _LARGE else 0
    if members_without_key > MAX_ROWS or (len(content) > _LARGE and content.count(b"{") > 4 * MAX_ROWS):
        raise bad_page("too_many_rows")
    rows = _quickly(content, spoken)
    if rows is None:
        first = content.lstrip(_SPACE)[:1]
        if first not in (b"[", b"{") and first in b'"0123456789-tfn':
            _safely(_PLAIN.decode, content)
            raise bad_page("wrong_shape")
        rows = _rows_in(Raw(content) if first == b"[" else _safely(_OBJECT.decode, content), spoken)
    if len(rows) > MAX_ROWS:
        raise bad_page("too_many_rows")
    return rows


def _quickly(content: bytes, spoken: JsonFormat) -> list[Raw] | None:
    """The rows in one pass where they are an array at the first path, as in a large page; else None."""
    if spoken.national_envelope:
        return None
    try:
        rows = _decoder_at(spoken.rows[0]).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for _ in spoken.rows[0].split("."):
        rows = rows and rows.inside
    return rows or None


@lru_cache(maxsize=64)
def _decoder_at(path: str) -> msgspec.json.Decoder[Any]:
    inside: Any = list[Raw]
    for key in reversed(path.split(".")):
        inside = msgspec.defstruct("At", [("inside", inside | None, None)], rename={"inside": key})
    return msgspec.json.Decoder(inside)


def as_utf8(content: bytes, encodings: tuple[str, ...]) -> bytes:
    """The page in UTF-8 without a byte order mark, whatever of the mapping's encodings it came in."""
    content = content.removeprefix(_BOM)
    if encodings == ("utf-8",):
        return content
    for encoding in encodings:
        try:
            return content.decode(encoding).encode("utf-8")
        except UnicodeError:
            continue
    raise bad_page("wrong_encoding", "、".join(encodings))


def _rows_in(top: Raw | dict[str, Raw], spoken: JsonFormat) -> list[Raw]:
    elements: list[Raw]
    if not isinstance(top, dict):
        elements = _safely(_ARRAY.decode, top)
        if "." not in spoken.rows:
            raise bad_page("wrong_shape")
        return elements
    if spoken.national_envelope:
        check_envelope(top)
    rows = next((raw for path in spoken.rows if path != "." and (raw := find(top, path)) is not None), None)
    if rows is None:
        return []
    first = _first(rows)
    if first == b"[":
        elements = _safely(_ARRAY.decode, rows)
        return elements
    if first != b"{":
        raise bad_page("wrong_shape")
    # An empty object stands for "no settlement" in replies of the platform.
    return [rows] if _safely(_OBJECT.decode, rows) else []


def check_envelope(top: dict[str, Raw]) -> None:
    """Raises BadPage("feed_error") where the platform's own status code is not 0."""
    # The e-voucher layer in front of the platform answers with `code` and `type` instead of `infcode`.
    status = top.get("infcode") or (top.get("code") if "type" in top or "message" in top else None)
    if status is None:
        return
    try:
        value = _PLAIN.decode(status)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = None
    code = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if code != "0":
        raise bad_page("feed_error", code if _SAFE_CODE.fullmatch(code) else "infcode")


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
        raise bad_page("not_json", looks_like(content) if isinstance(content, bytes) else "") from error
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


def row_values(decoder: RowDecoder, sources: Sources, rows: list[Raw]) -> Callable[[int], Values]:
    """Index → values of that row, for a page without joins."""
    blank = (None,) * len(sources.joined)
    if sources.nested:
        return lambda index: sources.with_nested(decoder.values(rows[index]) + blank)
    if blank:
        return lambda index: decoder.values(rows[index]) + blank
    values = decoder.values
    return lambda index: values(rows[index])
