"""XML pages: bytes → rows.

A page is parsed in pieces, and the settlements that are complete are taken out of the growing tree before the next
piece: a page costs its own size and not that of its tree. Tags are exact in case. What stands inside an element as text
and is XML itself (CDATA, escaped in SOAP) is opened on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from gateway.core.normalise import xml_tree
from gateway.core.normalise.fields import Values
from gateway.core.normalise.language import MAX_ROWS, Repeated
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.errors import BadPage

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

    def __init__(
        self, text: bytes, path: Sequence[str], read: Callable[[Cells], Row], *, damaged_alone: bool = True
    ) -> None:
        *self._around, last = path
        self._tag, self._numbered = last.removesuffix("#"), last.endswith("#")
        # Names of a message without namespaces are as they stand.
        self._plain, self._read = b"xmlns" not in text, read
        self._parents: list[tuple[Any, int]] = []
        self.rows: list[Row] = []
        try:
            self.root = self._stream(text)
        except xml_tree.XMLSyntaxError as error:
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
        if not self._around:
            root = xml_tree.parsed(text)
            rows = [root] if self._is_row(root) else list(filter(self._is_row, root))
            self.rows = [self._read(self._cells(row)) for row in rows]
            return root
        parser = xml_tree.pull_parser(self._around[-1])
        for start in range(0, len(text), _PIECE):
            parser.feed(text[start : start + _PIECE])
            self._take(parser, until=-1)
        root = parser.close()
        self._take(parser, until=None)
        return root

    def _take(self, parser: Any, *, until: int | None) -> None:
        for _, element in parser.read_events():
            names = xml_tree.path_of(element)
            if self._around in (names, names[1:]):
                self._parents.append((element, 0))
        for place, (parent, seen) in enumerate(self._parents):
            # The last child may still be growing.
            complete = parent[seen:until]
            settlements = sum(map(self._is_row, complete))
            for child in complete:
                row = self._read(self._cells(child)) if len(child) or self._is_row(child) else None
                if self._is_row(child):
                    self.rows.append(row)
                    parent.remove(child)
                elif row is not None and sum(value is not None for value in row) > _OF_ANOTHER_NAME:
                    # Many of a settlement's values under another tag: a settlement that nobody may overlook.
                    self.rows.append(None)
            self._parents[place] = (parent, seen + len(complete) - settlements)
        if len(self.rows) > MAX_ROWS:
            raise bad_page("too_many_rows")

    def _is_row(self, element: Any) -> bool:
        name = element.tag if self._plain else xml_tree.name_of(element)
        return name == self._tag or (self._numbered and name.startswith(self._tag) and name[len(self._tag) :].isdigit())

    def _cells(self, row: Any) -> dict[str, Any]:
        if self._plain:
            cells: dict[str, Any] = {child.tag: child.text or "" for child in row}
            if len(cells) == len(row) and not row.attrib and not xml_tree.is_nested(row):
                return cells
        return cells_of(row)

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
            places = XmlRows(frame, [*self._around, _PLACE], lambda cells: (cells,), damaged_alone=False)
        except BadPage:
            raise why from None
        self._parents = places._parents
        for row in places.rows:
            number = int(row[0]["@n"]) if row else 0
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


def reader(names: Sequence[str], lists: Iterable[str], repeated: Repeated) -> Callable[[Cells], Row]:
    """Cells → the values of these names. `lists`: the names whose every value counts."""
    every = frozenset(lists)

    def read(cells: Cells) -> Row:
        if cells is None:
            return None
        values = tuple(map(cells.get, names))
        if Again not in map(type, values):
            return values
        return tuple(
            chosen(value, "all" if name in every else repeated) if type(value) is Again else value
            for name, value in zip(names, values, strict=True)
        )

    return read


def chosen(again: Again, repeated: str) -> Any:
    """Which value of a tag counts that stands there again: all of them, one, or a list that fits no field."""
    if repeated == "all":
        return list(again)
    if repeated == "last":
        return again[-1]
    # Where they should be the same and are not, there is no value to choose: a list fits no field.
    return again[0] if repeated == "first" or all(value == again[0] for value in again) else list(again)


def values_at(rows: list[Row], places: Sequence[int]) -> Callable[[int], Values]:
    """Index → the values at these places of a row."""
    picked = itemgetter(*places) if len(places) > 1 else lambda row: tuple(row[place] for place in places)

    def read(index: int) -> Values:
        row = rows[index]
        if row is None:
            raise Wrong("unreadable")
        values: Values = picked(row)
        return values

    return read
