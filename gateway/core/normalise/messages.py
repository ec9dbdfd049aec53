"""A message as a whole (报文): what stands in it outside of its settlements, and what lies wrapped in what.

JSON and XML may stand in each other's texts, as often as a platform's layers made it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Raw

from gateway.core.normalise import xml_tree
from gateway.core.normalise.language import Status
from gateway.core.normalise.problems import bad_page, shown_status
from gateway.errors import BadPage

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_ARRAY: Final = msgspec.json.Decoder(list[Raw])
_PLAIN: Final = msgspec.json.Decoder(float_hook=str)
_SUCCESS: Final = ("成功", "正常", "success", "succeed", "ok", "null", "无", "0")
_REFUSED: Final = ("不成功", "未成功", "失败", "错误", "异常", "unsuccess", "not success", "fail", "error")
_FIRST: Final = 100
"""So many elements of an element are looked at for what is in it: more are a list."""
_MOST_NODES: Final = 1_000
MOST_LAYERS: Final = 4
"""So many layers of text in text are opened."""

Node = Any
"""Something to step into: an object of JSON (name → its bytes), an element of XML, or a plain value."""


def node_of(text: bytes) -> Node:
    """A text as what can be stepped into, or itself where it is neither JSON nor XML."""
    start = text.lstrip()[:1]
    try:
        if start == b"{":
            return _OBJECT.decode(text)
        if start == b"<":
            return xml_tree.parsed(xml_tree.plain_xml(text, ("utf-8",)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadPage):
        pass
    return text


def step(node: Node, key: str) -> Node:
    """What stands under a name right inside; None where there is no such name."""
    if isinstance(node, dict):
        raw = node.get(key, b"null")
        text = _text_in(raw) if bytes(memoryview(raw)[:1]) == b'"' else bytes(raw)
        return node_of(text) if text and text != b"null" else None
    if isinstance(node, bytes) or node is None:
        return None
    if key.startswith("@"):
        return next((value.encode() for name, value in node.attrib.items() if xml_tree.local(name) == key[1:]), None)
    child = next(xml_tree.children(node, key), None)
    if child is None or len(child):
        return child
    written = xml_tree.text_of(child)
    inside = node_of(written.encode()) if written else child
    return child if isinstance(inside, bytes) else inside


def walk(node: Node, keys: Sequence[str]) -> Iterator[Node]:
    """The nodes on a path, one for each name, as far as it leads. The name of an element at the top may be left out."""
    is_top = True
    for key in keys:
        if is_top and _is_named(node, key):
            is_top = False
            yield node
            continue
        node = step(node, key)
        # What was opened from a text has a top of its own.
        is_top = not isinstance(node, dict | bytes) and node is not None and node.getparent() is None
        yield node
        if node is None:
            return


def value_at(node: Node, path: Sequence[str]) -> str | None:
    """The plain value at a path as text, None where there is none or where something stands inside it."""
    nodes: list[Node] = [None, *walk(node, path)]
    last = nodes[-1]
    if isinstance(last, dict) or last is None:
        return None
    return _as_text(last) or None


def nodes_at(node: Node, path: Sequence[str]) -> list[Node]:
    """The nodes at a path: the elements of an array of JSON, or all elements of XML of the last name."""
    *around, last = path
    parent = [node, *walk(node, around)][-1]
    if isinstance(parent, bytes) or parent is None:
        return []
    if not isinstance(parent, dict):
        return list(islice(xml_tree.children(parent, last), _MOST_NODES))
    try:
        elements: list[Raw] = _ARRAY.decode(parent.get(last, b"[]"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [node_of(bytes(element)) for element in elements[:_MOST_NODES]]


def _as_text(node: Node) -> str:
    return node.decode("utf-8", "replace") if isinstance(node, bytes) else xml_tree.text_of(node) or ""


def names_in(node: Node) -> list[str]:
    """What stands at the top of a message, by name."""
    if isinstance(node, dict):
        return list(node)
    return [] if isinstance(node, bytes) or node is None else list(map(xml_tree.name_of, islice(node, _FIRST)))


def refuse_failure(top: Node, status: Status) -> bool:
    """Whether the message says that the call succeeded. Raises BadPage("feed_error") where it says that it failed.

    An `infcode` counts wherever it stands near the top: platforms put envelopes around each other's answers.
    """
    code = next((value for path in status.at if (value := value_at(top, path)) is not None), None)
    values = [(code, status.success)] if code is not None else []
    # A mapping that names the code itself also says what it means.
    if not any(path[-1] == "infcode" for path in status.at):
        values += [(value, ("0",)) for value in _codes_in(top, 3)]
    for value, success in values:
        if value.strip() not in success:
            raise bad_page("feed_error", shown_status(value.strip()))
    return bool(values)


def _codes_in(node: Node, deep: int) -> Iterator[str]:
    for name in dict.fromkeys(names_in(node)):
        if name == "infcode":
            inside = step(node, name)
            yield "" if inside is None or isinstance(inside, dict) else _as_text(inside)
        elif deep:
            yield from _codes_in(step(node, name), deep - 1)


def refuse_empty_success(top: Node, status: Status) -> None:
    """A message without a settlement that tells an error is none that has none to tell. Raises BadPage."""
    for path in (*status.text, ("err_msg",)):
        text = (value_at(top, path) or "").strip().lower()
        succeeded = any(word in text for word in _SUCCESS) and not any(word in text for word in _REFUSED)
        if text and not succeeded:
            raise bad_page("feed_error", "代码是成功，却有错误文字而没有结算 (success with an error text, no output)")


def says_nothing(top: Node, path: Sequence[str], *, leaves_out: bool) -> bool:
    """Whether a path ends in an explicit nothing: null, an empty text, an empty object or element; where the whole
    answer may be left out, also whether its first name is not there."""
    nodes = list(walk(top, path))
    if nodes and nodes[-1] is None:
        before: Node = nodes[-2] if len(nodes) > 1 else top
        if isinstance(before, dict):
            return path[len(nodes) - 1] in before or not before or (leaves_out and before is top)
        is_empty = isinstance(before, bytes) or not (len(before) or xml_tree.text_of(before))
        return (is_empty and before is not top) or (leaves_out and before is top)
    return False


def layer_below(node: Node, keys: Sequence[str]) -> tuple[bytes, Sequence[str]] | None:
    """The text on the way that holds another message, and the rest of the path inside it."""
    for place, key in enumerate(keys):
        if place == 0 and _is_named(node, key):
            continue
        text = text_under(node, key)
        if text is not None and text.lstrip()[:1] in (b"<", b"{", b"["):
            return text.strip(), keys[place + 1 :]
        node = step(node, key)
        if node is None:
            return None
    return None


def _is_named(node: Node, key: str) -> bool:
    return not (isinstance(node, dict | bytes) or node is None) and xml_tree.name_of(node) == key


def text_under(node: Node, key: str) -> bytes | None:
    """The text that stands right under a name; None where something else does."""
    if isinstance(node, dict):
        raw = node.get(key)
        return _text_in(raw) if raw is not None and bytes(memoryview(raw)[:1]) == b'"' else None
    if isinstance(node, bytes) or node is None:
        return None
    child = next(xml_tree.children(node, key), None)
    text = xml_tree.text_of(child) if child is not None else None
    return text.encode() if text else None


def _text_in(raw: Raw) -> bytes | None:
    try:
        return str(_PLAIN.decode(raw)).encode("utf-8", "replace")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
