"""XML messages: the layers of a page down to the one that holds the settlements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.core.normalise import xml_tree
from gateway.core.normalise.decoding import in_utf_8
from gateway.core.normalise.language import Status, XmlFormat
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.messages import (
    MOST_LAYERS,
    Node,
    layer_below,
    names_in,
    node_of,
    refuse_empty_success,
    refuse_failure,
    says_nothing,
)
from gateway.core.normalise.problems import bad_page, nothing_at
from gateway.core.normalise.xml_pages import Cells, Row, XmlRows

_OTHER: Final = (b"{", b"[")


class XmlMessage:
    """The settlements of a message, and the top of the message around them."""

    def __init__(self, top: Node, rows: list[Row], kinds: dict[int, tuple[str, ...]]) -> None:
        self.top, self.rows, self._kinds = top, rows, kinds

    def keys_by(self, names: Sequence[str]) -> Callable[[int], Iterable[str]]:
        """Index → the tags of a settlement: of those the mapping reads, and of those it does not."""

        def keys(index: int) -> Iterable[str]:
            row = self.rows[index]
            if row is None:
                return ()
            return [
                *(name for name, value in zip(names, row, strict=False) if value is not None),
                *self._kinds.get(row[-1], ()),
            ]

        return keys


def read_xml(content: bytes, spoken: XmlFormat, status: Status, read: Callable[[Cells], Row]) -> XmlMessage:
    """A page taken apart into settlements. Raises BadPage.

    The first path that leads to a place for settlements counts, through however many layers of text in text.
    """
    # XML may stand in a text of JSON.
    is_json = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in _OTHER
    text = in_utf_8(content, spoken.encoding) if is_json else xml_tree.plain_xml(content, spoken.encoding)
    if not is_json and text.lstrip()[:1] != b"<":
        raise bad_page("not_xml", looks_like(content))
    kinds = _Kinds(read)
    tops: list[Node] = []
    for path in spoken.rows:
        rows = settlements_at(text, path.split("."), kinds, tops)
        if rows is not None:
            refuse_failure(tops[0], status)
            if not rows:
                refuse_empty_success(tops[0], status)
            return XmlMessage(tops[0], rows, kinds.names)
    top = tops[0]
    succeeded = refuse_failure(top, status)
    refuse_empty_success(top, status)
    if spoken.may_be_missing or any(says_nothing(top, path.split("."), leaves_out=succeeded) for path in spoken.rows):
        return XmlMessage(top, [], {})
    raise bad_page("no_rows_found", nothing_at(spoken.rows, names_in(top)))


class _Kinds:
    """Keeps of each settlement what the mapping reads, and once for all that are alike the tags it does not read."""

    def __init__(self, read: Callable[[Cells], Row]) -> None:
        self._read = read
        self.names: dict[int, tuple[str, ...]] = {}

    def __call__(self, cells: Cells) -> Row:
        row = self._read(cells)
        if row is None or cells is None:
            return None
        # Settlements with as many tags are nearly always alike; what nobody reads is only shown on trial.
        if len(cells) not in self.names:
            self.names[len(cells)] = tuple(cells)
        return (*row, len(cells))


def settlements_at(text: bytes, path: Sequence[str], kinds: _Kinds, tops: list[Node]) -> list[Row] | None:
    """The settlements at a path, None where there is no place for them; the tops of the layers are added to `tops`."""
    for _ in range(MOST_LAYERS):
        if text.lstrip()[:1] == b"<":
            text = xml_tree.plain_xml(text, ("utf-8",))
            message = XmlRows(text, path, kinds)
            tops.append(message.root)
            if message.found:
                return message.rows
            node: Node = message.root
        else:
            node = node_of(text)
            if isinstance(node, bytes):
                raise bad_page("not_xml", looks_like(text))
            tops.append(node)
        below = layer_below(node, path)
        if below is None or not below[1]:
            return None
        text, path = below
    return None
