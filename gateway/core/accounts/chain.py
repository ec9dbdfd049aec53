"""The audit log's chain: what each entry is bound to, and what a walk over it finds out.

`own` is a keyed digest of an entry, `link` one of the link before it and of `own`. Without the key neither can be made
anew, so a change shows; what kind of change it was follows from which of the two still fits, and to what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

Digest: TypeAlias = Callable[[bytes], bytes]
BreakKind: TypeAlias = Literal["edited", "deleted", "inserted", "truncated", "anchor"]
"""edited: an entry is not what was written; deleted: one or more in front of it are gone; inserted: it was not written
by this program; truncated: the log ends before, or goes on elsewhere than, what was anchored; anchor: the file of
anchors itself was changed or has lost lines."""

GENESIS: Final = b"hubao audit 1"


class ChainEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the chain: its number, its content as bytes, and its two digests."""

    number: int
    content: bytes
    own: bytes
    link: bytes


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with the log: what, and at which entry's number."""

    kind: BreakKind
    number: int


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk found: how many entries there are, the last one's number and link, and every break in order."""

    entries: int
    last: int
    link: bytes
    breaks: list[Break]


def own_digest(content: bytes, digest: Digest) -> bytes:
    """The digest of an entry by itself."""
    return digest(b"own\0" + content)


def link_digest(before: bytes, own: bytes, digest: Digest) -> bytes:
    """The digest that binds an entry to everything in front of it."""
    return digest(b"link\0" + before + own)


def first_link(site_id: bytes, digest: Digest) -> bytes:
    """What the first entry is bound to: this site's log and no other's."""
    return digest(GENESIS + b"\0" + site_id)


def walk(entries: Iterable[ChainEntry], first: bytes, anchored: Mapping[int, bytes], digest: Digest) -> ChainReport:
    """Look at every entry in order. `anchored`: number → link, as written outside of the database day by day."""
    walker = _Walker(first, digest)
    # By their links: whoever counts entries anew moves their numbers.
    unseen = {link: number for number, link in anchored.items()}
    for entry in entries:
        walker.take(entry)
        unseen.pop(entry.link, None)
    breaks = walker.finish()
    if any(number > walker.last for number in unseen.values()):
        breaks.append(Break(kind="truncated", number=walker.last + 1))
    elif unseen and not breaks:
        breaks.append(Break(kind="truncated", number=min(unseen.values())))
    return ChainReport(entries=walker.count, last=walker.last, link=walker.before, breaks=breaks)


class _Walker:
    """Where a walk stands. `before`: the link of the entry just seen; `sound`: that of the last one bound to everything
    in front of it; `doubtful`: the entries since, which the next ones confirm or show to be inserted."""

    def __init__(self, first: bytes, digest: Digest) -> None:
        self.before = self._sound = first
        self._digest = digest
        self._doubtful: list[Break] = []
        self._breaks: list[Break] = []
        self.last = self.count = 0

    def take(self, entry: ChainEntry) -> None:
        is_own = own_digest(entry.content, self._digest) == entry.own
        if self._follows(self.before, entry):
            # An entry that follows a doubtful one confirms it: it stands in the chain as the program wrote it on.
            self._breaks += self._doubtful
            self._settle(entry, is_own=is_own)
        elif self._doubtful and self._follows(self._sound, entry):
            self._breaks += [Break(kind="inserted", number=doubtful.number) for doubtful in self._doubtful]
            self._settle(entry, is_own=is_own)
        else:
            self._doubtful.append(Break(kind="deleted" if is_own else "edited", number=entry.number))
        self.before, self.last = entry.link, entry.number
        self.count += 1

    def finish(self) -> list[Break]:
        """All breaks. What is not its own and is confirmed by no entry behind it was put there."""
        kinds: dict[BreakKind, BreakKind] = {"edited": "inserted"}
        rest = [
            Break(kind=kinds.get(doubtful.kind, doubtful.kind), number=doubtful.number) for doubtful in self._doubtful
        ]
        return self._breaks + rest

    def _follows(self, before: bytes, entry: ChainEntry) -> bool:
        return link_digest(before, entry.own, self._digest) == entry.link

    def _settle(self, entry: ChainEntry, *, is_own: bool) -> None:
        self._doubtful = []
        self._sound = entry.link
        if not is_own:
            self._breaks.append(Break(kind="edited", number=entry.number))
