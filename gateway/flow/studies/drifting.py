"""What a feed sends today held against its mapping: the newest stored page, or a file given by hand."""

from __future__ import annotations

import msgspec

from gateway.core.normalise import CompiledMapping
from gateway.core.normalise.outside import Origin
from gateway.core.signing import clerk
from gateway.core.studies.drift import DriftedPart, drift_of
from gateway.errors import BadPage, WrongUse
from gateway.flow.accounts.seeing import note_access
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import page_bytes
from gateway.store import pages
from gateway.store.accesses import Access
from gateway.store.values import to_ms


class FeedDrift(msgspec.Struct, frozen=True, kw_only=True):
    """What is otherwise than the mapping has it. `page`: the place of the stored page looked at, 0 for a file."""

    feed: str
    mapping: str
    page: int
    source: str
    parts: tuple[DriftedPart, ...]


def drift_of_file(feed: str, compiled: CompiledMapping, content: bytes, name: str) -> FeedDrift:
    """A file held against a mapping. Raises BadInput where it tells no columns of its own."""
    parts = drift_of(compiled, content, Origin(name, 1))
    return FeedDrift(feed=feed, mapping=compiled.language.mapping, page=0, source=name, parts=tuple(parts))


def drift_of_newest(office: Office, feed: str, *, by: str) -> FeedDrift:
    """The newest stored page of a feed held against the mapping in force; that it was opened is written down. Columns
    that nobody reads and that stood in its oldest page already are no news. Raises WrongUse where no page is stored,
    BadInput as `drift_of`, BrokenSeal."""
    name, compiled = clerk(by), office.mapping_of(feed)
    with office.store.write() as tx:
        stored = pages.of_feed(tx, feed)
        newest = next(
            ((meta, content) for meta in reversed(stored) if (content := page_bytes(tx, office, meta.seq))), None
        )
        if newest is None:
            raise WrongUse(
                f"{feed} 没有已存的页；给出一个文件：hubao feed drift {feed} 文件 (no page is stored: give a file)"
            )
        note_access(tx, office, Access(item_id=0, by=name, at=to_ms(office.now()), what="feed_drift"))
        meta, content = newest
        oldest = page_bytes(tx, office, stored[0].seq) if stored[0].seq != meta.seq else None
    before = () if oldest is None else _unread_columns(compiled, oldest)
    parts = drift_of(compiled, content, Origin(meta.source, meta.part), ignored=before)
    mapping = compiled.language.mapping
    return FeedDrift(feed=feed, mapping=mapping, page=meta.seq, source=meta.source, parts=tuple(parts))


def _unread_columns(compiled: CompiledMapping, content: bytes) -> tuple[str, ...]:
    """The columns of an earlier page that no field reads."""
    try:
        return compiled.sample(compiled.read(content)).unused
    except BadPage:
        return ()
