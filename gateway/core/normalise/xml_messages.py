"""XML messages: the layers of a page down to the one that holds the settlements."""

from __future__ import annotations

from collections.abc import Sequence
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
from gateway.core.normalise.xml_pages import Row, SettlementReader, XmlRows

_OTHER: Final = (b"{", b"[")


class XmlMessage:
    """The settlements of a message, and the top of the message around them."""

    def __init__(self, top: Node, rows: list[Row]) -> None:
        self.top, self.rows = top, rows


def read_xml(content: bytes, spoken: XmlFormat, status: Status, read: SettlementReader) -> XmlMessage:
    """A page taken apart into settlements. Raises BadPage.

    The first path that leads to a place for settlements counts, through however many layers of text in text.
    """
    try:
        # The parser looks at every byte itself.
        return _read(content, spoken, status, read, looked_through=False)
    except xml_tree.OtherEncoding:
        return _read(content, spoken, status, read, looked_through=True)


def _read(
    content: bytes, spoken: XmlFormat, status: Status, read: SettlementReader, *, looked_through: bool
) -> XmlMessage:
    # XML may stand in a text of JSON.
    is_json = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in _OTHER
    if is_json:
        text = in_utf_8(content, spoken.encoding)
    else:
        text = xml_tree.plain_xml(content, spoken.encoding, looked_through=looked_through)
    if not is_json and text.lstrip()[:1] != b"<":
        raise bad_page("not_xml", looks_like(content))
    tops: list[Node] = []
    for path in spoken.rows:
        rows = settlements_at(text, path.split("."), read, tops)
        if rows is not None:
            refuse_failure(tops[0], status)
            if not rows:
                refuse_empty_success(tops[0], status)
            return XmlMessage(tops[0], rows)
    top = tops[0]
    succeeded = refuse_failure(top, status)
    refuse_empty_success(top, status)
    if spoken.may_be_missing or any(says_nothing(top, path.split("."), leaves_out=succeeded) for path in spoken.rows):
        return XmlMessage(top, [])
    raise bad_page("no_rows_found", nothing_at(spoken.rows, names_in(top)))


def settlements_at(text: bytes, path: Sequence[str], read: SettlementReader, tops: list[Node]) -> list[Row] | None:
    """The settlements at a path, None where there is no place for them; the tops of the layers are added to `tops`."""
    for _ in range(MOST_LAYERS):
        if text.lstrip()[:1] == b"<":
            text = xml_tree.plain_xml(text, ("utf-8",), looked_through=False)
            message = XmlRows(text, path, read)
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
