"""XML pages: bytes → rows.

A large page is parsed in pieces, and the settlements that are complete are taken out of the growing tree before the
next piece: it costs its own size and not that of its tree. Tags are exact in case. What stands in an element as text
and is XML itself (CDATA, escaped in SOAP) is opened on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from gateway.core.normalise import xml_tree
from gateway.core.normalise.decoding import reads
from gateway.core.normalise.fields import Values
from gateway.core.normalise.language import MAX_ROWS, Repeated
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.errors import BadPage

_AT_ONCE: Final = 4 * 1024 * 1024
_PIECE: Final = 256 * 1024
_OF_ANOTHER_NAME: Final = 3
"""An element beside the settlements with more of their values than this is one under another name."""
_DECLARED: Final = re.compile(rb"\sxmlns(?::[-\w.]+)?=(?:\"[^\"<]*\"|'[^'<]*')")
_PLACE: Final = "hubao-row"
"""What stands for a settlement while the message around it is looked at alone."""


class Again(list[Any]):
    """The values of a tag that stands in a settlement more than once, in their order."""


Cells = dict[str, Any] | None
"""A settlement's values by tag; None where the settlement itself is not well-formed."""
Row = tuple[Any, ...] | None
"""The values a mapping reads of a settlement, in its order; what has no element is None, an empty one is ""."""


class XmlRows:
    """The settlements of an XML message at one path, each reduced by `read` to what is kept of it.

    `found` says whether anything stands at that path; `root` is the message without them.
    """

    def __init__(self, text: bytes, path: Sequence[str], read: SettlementReader, *, damaged_alone: bool = True) -> None:
        *self._around, last = path
        self._tag, self._numbered = last.removesuffix("#"), last.endswith("#")
        # Names of a message without namespaces are as they stand.
        self._plain, self._read = b"xmlns" not in text, read
        self._no_attributes = b"=" not in text
        self._parents: list[tuple[Any, int]] = []
        self.rows: list[Row] = []
        try:
            self.root = self._stream(text)
        except xml_tree.XMLSyntaxError as error:
            if not reads(text, "utf-8"):
                raise xml_tree.OtherEncoding from None
            why = xml_tree.why_not(error, text)
            if not damaged_alone:
                raise why from None
            self.rows, self._parents = [], []
            self.root = self._around_damaged(text, why)

    @property
    def found(self) -> bool:
        """Whether there is a place for settlements here, be it empty; one that holds other things is none."""
        empty = (not len(parent) and not xml_tree.text_of(parent) for parent, _ in self._parents)
        return bool(self.rows) or any(empty)

    def _stream(self, text: bytes) -> Any:
        """The message without its settlements, which are read as soon as they are complete."""
        if len(text) <= _AT_ONCE or not self._around:
            return self._at_once(text)
        parser = xml_tree.pull_parser(self._around[-1])
        for start in range(0, len(text), _PIECE):
            parser.feed(text[start : start + _PIECE])
            self._take(parser.read_events(), until=-1)
        root = parser.close()
        self._take(parser.read_events(), until=None)
        return root

    def _at_once(self, text: bytes) -> Any:
        """The same of a message that is small enough to be held whole, which is quicker."""
        root = xml_tree.tree_of(text)
        if self._around:
            self._parents = [(parent, 0) for parent in xml_tree.at_path(root, self._around)]
            self._take((), until=None)
            return root
        rows = [root] if self._is_row(root) else list(filter(self._is_row, root))
        self.rows = [self._read(cells_of(row)) for row in rows]
        return root

    def _take(self, events: Iterable[tuple[str, Any]], *, until: int | None) -> None:
        for _, element in events:
            names = xml_tree.path_of(element)
            if self._around in (names, names[1:]):
                self._parents.append((element, 0))
        for place, (parent, seen) in enumerate(self._parents):
            # The last child may still be growing.
            complete = parent[seen:until]
            growing = 1 + xml_tree.count_inside(parent[-1]) if until and len(parent) else 0
            alike = self._alike(parent, complete, growing) if not seen else None
            if alike is not None:
                self.rows += alike
                # Taking out costs a tenth of reading, and only a growing tree needs it.
                del parent[: len(complete) if until else 0]
                continue
            settlements = sum(map(self._is_row, complete))
            for child in complete:
                self._take_one(parent, child)
            self._parents[place] = (parent, seen + len(complete) - settlements)
        if len(self.rows) > MAX_ROWS:
            raise bad_page("too_many_rows")

    def _alike(self, parent: Any, complete: list[Any], growing: int) -> Sequence[Row] | None:
        """The settlements of an element that holds nothing else, and they only texts under tags that stand there once,
        as nearly always; None where one of these is not so. `growing`: elements of the last one, itself included."""
        if not self._plain or not all(child.tag == self._tag for child in complete):
            return None
        if not self._no_attributes and xml_tree.has_attributes(parent):
            return None
        plain = self._read.plain
        # One settlement at a time: thousands of dictionaries at once would cost more than all the rest.
        rows = [plain({child.tag: child.text or "" for child in row}) for row in complete]
        # Where there are no more elements than these, none is nested and none stands there again.
        everything = sum(row[-1] for row in rows) + len(rows) + growing
        return rows if everything == xml_tree.count_inside(parent) else None

    def _take_one(self, parent: Any, child: Any) -> None:
        if self._is_row(child):
            self.rows.append(self._read(cells_of(child)))
            parent.remove(child)
        elif len(child) and self._read.reads_much_of(cells_of(child)):
            # Many of a settlement's values under another tag: a settlement that nobody may overlook.
            self.rows.append(None)

    def _is_row(self, element: Any) -> bool:
        name = element.tag if self._plain else xml_tree.name_of(element)
        return name == self._tag or (self._numbered and name.startswith(self._tag) and name[len(self._tag) :].isdigit())

    def _around_damaged(self, text: bytes, why: BadPage) -> Any:
        """Where a message is sound but for some of its settlements, those cost themselves. Else raises `why`.

        The settlements are looked for by their tags alone, and put back by their numbers into the message around them.
        """
        digits = rb"[0-9]*" if self._numbered else b""
        tag = rb"(?:[-\w.]+:)?" + re.escape(self._tag.encode()) + digits
        pieces: list[bytes] = []
        begins = re.compile(rb"<" + tag + rb"(?=[\s/>])")

        def place(match: re.Match[bytes]) -> bytes:
            pieces.append(match.group())
            return b"<%s n='%d'/>" % (_PLACE.encode(), len(pieces) - 1)

        elements = re.compile(rb"<(" + tag + rb")(?:\s[^<>]*)?(?:/>|>.*?</\1\s*>)", re.DOTALL)
        frame = elements.sub(place, text)
        # Where an end is lost, a settlement would hold the next one; where text says so, the page is not understood.
        if not pieces or not self._around or any(len(begins.findall(piece)) != 1 for piece in pieces):
            raise why
        declared = b"".join(dict.fromkeys(_DECLARED.findall(text)))
        try:
            places = XmlRows(frame, [*self._around, _PLACE], SettlementReader(("@n",), (), "same"), damaged_alone=False)
        except BadPage:
            raise why from None
        self._parents = places._parents
        for row in places.rows:
            number = int(row[0]) if row else 0
            piece = b"<r" + declared + b">" + pieces[number] + b"</r>"
            self.rows.append(self._read(cells_of(xml_tree.parsed(piece)[0]) if xml_tree.is_sound(piece) else None))
        return places.root


def cells_of(element: Any, before: str = "") -> dict[str, Any]:
    """The values inside an element: by tag, nested ones by dots, attributes by `@`; a tag that repeats has `Again`."""
    cells: dict[str, Any] = {f"{before}@{xml_tree.local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name = before + xml_tree.name_of(child)
        inside = cells_of(child, f"{name}.") if len(child) or child.attrib else {}
        if not len(child):
            inside[name] = child.text or ""
        elif "".join([child.text or "", *(part.tail or "" for part in child)]).strip():
            # Text between elements belongs to none of them: a value that is cut in two is no value.
            inside[name] = []
        for key, value in inside.items():
            if key not in cells:
                cells[key] = value
                continue
            if not isinstance(cells[key], Again):
                cells[key] = Again([cells[key]])
            cells[key] += value if isinstance(value, Again) else [value]
    return cells


class SettlementReader:
    """Keeps of each settlement what the mapping reads, and once for all that are alike the tags it does not read.

    `lists`: the names whose every value counts. The number of a settlement's tags stands behind its values.
    """

    def __init__(self, names: Sequence[str], lists: Collection[str], repeated: Repeated) -> None:
        self._names, self._lists, self._repeated = names, lists, repeated
        self._tags: dict[int, tuple[str, ...]] = {}

    def __call__(self, cells: Cells) -> Row:
        if cells is None:
            return None
        values = (
            chosen(value, "all" if name in self._lists else self._repeated) if type(value) is Again else value
            for name, value in zip(self._names, map(cells.get, self._names), strict=True)
        )
        self._tags.setdefault(len(cells), tuple(cells))
        return (*values, len(cells))

    def plain(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The same of a settlement in which no tag stands twice."""
        many = len(cells)
        # Settlements with as many tags are nearly always alike; what nobody reads is only shown on trial.
        if many not in self._tags:
            self._tags[many] = tuple(cells)
        return (*map(cells.get, self._names), many)

    def reads_much_of(self, cells: dict[str, Any]) -> bool:
        """Whether an element under another tag holds so much that it must be a settlement."""
        return sum(name in cells for name in self._names) > _OF_ANOTHER_NAME

    def keys(self, row: Row) -> Iterable[str]:
        """The tags of a settlement: of those the mapping reads, and of those it does not."""
        if row is None:
            return ()
        read = (name for name, value in zip(self._names, row, strict=False) if value is not None)
        unread = (name for name in self._tags.get(row[-1], ()) if name not in self._names)
        return [*read, *unread]


def chosen(again: Again, repeated: str) -> Any:
    """Which value of a tag counts that stands there again: all of them, one, or a list that fits no field."""
    if repeated == "all":
        return list(again)
    if repeated == "last":
        return again[-1]
    # Where they should be the same and are not, there is no value to choose: a list fits no field.
    return again[0] if repeated == "first" or all(value == again[0] for value in again) else list(again)


def _whole(row: Any) -> Any:
    return row


def values_at(rows: list[Row], places: Sequence[int], *, as_they_are: bool) -> Callable[[int], Values]:
    """Index → the values at these places of a row; `as_they_are`: something more may stand behind them."""
    if as_they_are and list(places) == list(range(len(places))):
        picked: Callable[[Any], Any] = _whole
    else:
        picked = itemgetter(*places) if len(places) > 1 else lambda row: tuple(row[place] for place in places)

    def read(index: int) -> Values:
        row = rows[index]
        if row is None:
            raise Wrong("unreadable")
        values: Values = picked(row)
        return values

    return read
