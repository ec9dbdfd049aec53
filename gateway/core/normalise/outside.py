"""Sources that stand beside a row (行外的来源): in the message around it, in its call, in the name of its file.

"/head/REQUESTID"   a path from the top of the message
"call:infno"        the call of a bundle; "call:psn_no" and so on: what it asked for
"file:name"         the name of the file a page came from
"file:line"         the number of the row in its file, behind the number of its part where the file was cut
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from gateway.core.normalise.messages import Node, value_at
from gateway.model.bundle import Call

_BEGINNINGS: Final = ("/", "call:", "file:")


class Origin(msgspec.Struct, frozen=True):
    """Where a page came from: the name of its file, "" where it has none, and which part of it the page is."""

    name: str = ""
    part: int = 1


UNKNOWN: Final = Origin()


def stands_outside(name: str) -> bool:
    """Whether a source begins outside of the row."""
    return name.startswith(_BEGINNINGS)


class Outside:
    """Reads the outer sources of a page's rows. A message is taken apart only where one of them asks for it."""

    def __init__(self, names: Sequence[str], origin: Origin, top: Callable[[], Node], call: Call | None = None) -> None:
        self._names, self._origin, self._call = names, origin, call
        message = top() if any(name.startswith("/") for name in names) else None
        self._of_page = tuple(self._read(name, message) for name in names)
        self._line = names.index("file:line") if "file:line" in names else None

    def values(self, index: int) -> tuple[Any, ...]:
        """What the outer sources are for one row (from 0), in their order."""
        if self._line is None:
            return self._of_page
        part = f"{self._origin.part}-" if self._origin.part > 1 else ""
        return (*self._of_page[: self._line], f"{part}{index + 1}", *self._of_page[self._line + 1 :])

    def _read(self, name: str, message: Node) -> Any:
        if name.startswith("/"):
            return value_at(message, name[1:].split("/"))
        kind, _, what = name.partition(":")
        if kind == "file":
            return self._origin.name or None
        if self._call is None:
            return None
        return self._call.infno if what == "infno" else self._call.asked.get(what)
