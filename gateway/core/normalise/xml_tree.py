"""XML through lxml: no DTD, no entity, no network, limited depth; elements by their own names, without namespaces.

lxml has no types here: an element is `Any`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from lxml import etree

from gateway.core.normalise.decoding import encoding_of, from_utf_16, reads
from gateway.core.normalise.language import MAX_ROWS
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.problems import bad_page
from gateway.errors import BadPage

# The limits of libxml2 stay on: 256 elements deep, 10 MB for one text.
_SAFELY: Final[dict[str, Any]] = {
    "resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False, "recover": False,
    "remove_comments": True, "remove_pis": True, "collect_ids": False, "encoding": "utf-8",
}  # fmt: skip
_PROLOG: Final = re.compile(rb"\s*<\?xml\b([^>]{0,200})\?>")
_MOST_TAGS: Final = 10 * MAX_ROWS
_NAMED: Final = re.compile(rb"encoding\s*=\s*[\"']([-A-Za-z0-9_]{1,20})[\"']")
_DOCTYPE: Final = re.compile(rb"(?:\s+|<!--.*?-->|<\?.*?\?>)*<!doctype", re.IGNORECASE | re.DOTALL)
_HINTS: Final = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}

_ATTRIBUTES: Final = etree.XPath("boolean(*/@* or */*/@*)", smart_strings=False)
_COUNTED: Final = etree.XPath("count(.//*)", smart_strings=False)


class OtherEncoding(Exception):
    """A text that was taken for UTF-8 without a look at all of it, and is something else."""


def plain_xml(content: bytes, encodings: Sequence[str], *, looked_through: bool = True) -> bytes:
    """A page in UTF-8 without its prolog. Raises BadPage. Not `looked_through`: what should be UTF-8 may be none.

    The bytes decide what they are, in the order of the mapping; what the prolog names is tried first where the mapping
    names it too, since it often lies.
    """
    text = from_utf_16(content) or content.removeprefix(b"\xef\xbb\xbf")
    prolog = _PROLOG.match(text)
    named = _NAMED.search(prolog.group(1)) if prolog else None
    hint = _HINTS.get(named.group(1).decode().lower()) if named else None
    likely = [encoding for encoding in encodings if _HINTS[encoding] == hint and reads(text, encoding)]
    # Nearly every page is what the first encoding says, and that is asked once.
    first = (*likely, *encodings)[0]
    sound = first == "utf-8" and (not looked_through or reads(text, first))
    encoding = first if sound else encoding_of(text, tuple(dict.fromkeys((*likely, *encodings))))
    if encoding is None:
        raise bad_page("wrong_encoding", "、".join(encodings))
    if not sound:
        text = text.decode(encoding, "replace").encode("utf-8")
    text = text[prolog.end() :] if prolog else text
    # Millions of elements would each be built before they could be counted.
    if text.count(b"<") > _MOST_TAGS:
        raise bad_page("too_many_rows")
    if _DOCTYPE.match(text):
        raise bad_page("has_doctype")
    return text


def pull_parser(tag: str) -> Any:
    """A parser to be fed in pieces, which tells where elements of this name begin."""
    return etree.XMLPullParser(events=("start",), tag=(tag, f"{{*}}{tag}"), **_SAFELY)


def parsed(text: bytes) -> Any:
    """The root of a whole message in UTF-8. Raises BadPage."""
    try:
        return tree_of(text)
    except etree.XMLSyntaxError as error:
        raise why_not(error, text) from None


def tree_of(text: bytes) -> Any:
    """The same, but what is wrong with it is said by the library."""
    return etree.fromstring(text, etree.XMLParser(**_SAFELY))


def at_path(root: Any, names: Sequence[str]) -> list[Any]:
    """The elements at a path from the root, whose own name may be left out."""
    nodes = [root]
    for name in names[1:] if name_of(root) == names[0] else names:
        nodes = [child for node in nodes for child in children(node, name)]
    return nodes


def is_sound(text: bytes) -> bool:
    """Whether a piece is well-formed by itself."""
    try:
        tree_of(text)
    except etree.XMLSyntaxError:
        return False
    return True


XMLSyntaxError: Final = etree.XMLSyntaxError


def why_not(error: Any, text: bytes) -> BadPage:
    """What is wrong with a message that is not well-formed, and where. Of its words nothing is told."""
    if "Excessive depth" in str(error):
        return bad_page("too_deep")
    line, column = error.position
    seems = "" if text.lstrip()[:1] == b"<" else looks_like(text)
    return bad_page("not_xml", seems or f"第{line}行第{column}个字符 (line {line}, column {column})")


def name_of(element: Any) -> str:
    """The tag of an element without its namespace."""
    return local(element.tag)


def local(name: str) -> str:
    """A name of a tag or an attribute without its namespace."""
    return name[name.index("}") + 1 :] if name[0] == "{" else name


def has_attributes(parent: Any) -> bool:
    """Whether a child of an element, or what stands right inside of one, has an attribute."""
    return bool(_ATTRIBUTES(parent))


def count_inside(parent: Any) -> int:
    """How many elements stand inside an element, however deep."""
    return int(_COUNTED(parent))


def children(element: Any, name: str) -> Iterator[Any]:
    """The elements of this name right inside another."""
    return (child for child in element if name_of(child) == name)


def path_of(element: Any) -> list[str]:
    """The names from the root to an element, both included."""
    names = [name_of(element), *(name_of(above) for above in element.iterancestors())]
    return names[::-1]


def text_of(element: Any) -> str | None:
    """What stands in an element as text, without the blanks around it; None where it holds elements or nothing."""
    text = (element.text or "").strip() if not len(element) else ""
    return text or None
