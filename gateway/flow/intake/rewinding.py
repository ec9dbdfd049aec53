"""How far a feed was read, and days of it read again (回退): first what that means, then the cursor is set back; of a
feed that answers person by person, the day up to which each member was asked about.

What comes again is superseded by what it says now; a day that says what it said changes nothing but is a page more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from gateway.core.signing import clerk
from gateway.errors import WrongUse
from gateway.flow.accounts.seeing import note_access
from gateway.flow.office import Office
from gateway.ports import SetsBack
from gateway.store import cursors, pages, sweep_windows
from gateway.store.accesses import Access
from gateway.store.pages import StoredPage
from gateway.store.values import to_ms


class Rewind(msgspec.Struct, frozen=True, kw_only=True):
    """`reached`: the last day that was read, None before the first; `days` from `to` on will be read again, `rows` and
    `pages` of them are stored: about as many will come. `people`: about so many members a sweep asks again. `done`:
    whether it was set back."""

    feed: str
    reached: date | None
    to: date | None = None
    days: int = 0
    pages: int = 0
    rows: int = 0
    people: int = 0
    done: bool = False


def look_back(office: Office, feed: str, connector: object, to: date | None) -> Rewind:
    """What reading a feed again from a day on comes to, or how far it was read. Nothing is written. Raises WrongUse for
    a feed that cannot be set back, and for a day behind the last one read."""
    is_sweep = office.feeds[feed].intake == "sweep"
    if not is_sweep and not isinstance(connector, SetsBack):
        raise WrongUse(
            f"{feed} 不按日或水位取数，不能回退；文件请对方重发或重新放入，已存的页用 hubao feed replay 重读"
            " (it has no days to set back: have files sent again; stored pages are replayed)"
        )
    with office.store.read() as tx:
        cursor, _ = cursors.of_feed(tx, feed)
        stored = pages.of_feed(tx, feed)
        asked_until = sweep_windows.newest(tx, feed) if is_sweep else None
        people = sweep_windows.count_behind(tx, feed, to) if is_sweep and to is not None else 0
    reached = connector.reached(cursor) if isinstance(connector, SetsBack) else asked_until
    if to is None:
        return Rewind(feed=feed, reached=reached)
    if reached is None or to > reached:
        raise WrongUse(f"{feed} 只读到 {reached or '–'}，没有可回退的 (it was read no further than this day)")
    again = _since(stored, to)
    rows = sum(page.rows or 0 for page in again)
    days = (reached - to).days + 1
    return Rewind(feed=feed, reached=reached, to=to, days=days, pages=len(again), rows=rows, people=people)


def set_back(office: Office, feed: str, connector: object, to: date, *, by: str) -> Rewind:
    """Set a feed's cursor back, and write down who did. Raises WrongUse as `look_back`, and Conflict where a run moves
    the cursor meanwhile."""
    result = look_back(office, feed, connector, to)
    name = clerk(by)
    with office.store.write() as tx:
        cursor, version = cursors.of_feed(tx, feed)
        if isinstance(connector, SetsBack):
            cursors.set_back(tx, feed, connector.set_back(cursor, to), cursor_version=version)
        else:
            sweep_windows.set_back(tx, feed, to)
        note_access(tx, office, Access(item_id=0, by=name, at=to_ms(office.now()), what="feed_rewind"))
    return msgspec.structs.replace(result, done=True)


def _since(stored: Sequence[StoredPage], day: date) -> list[StoredPage]:
    """The pages that stand for these days; of days that came again only what came last."""
    chosen = [page for page in stored if (page.day or page.received_at.date()) >= day and page.replaced_by is None]
    newest = {(page.day, page.source, page.part) if page.source else page.seq: page for page in chosen}
    return list(newest.values())
