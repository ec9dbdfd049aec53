"""Pages: what feeds handed over, sealed, in the order received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, exists, func, or_, select, update

from gateway.model.page import Fetched
from gateway.model.states import PageState
from gateway.store import schema
from gateway.store.engine import insert_for, lock
from gateway.store.values import from_ms, to_ms


class StoredPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page without its bytes. `seq` is its place in the order received, for ever."""

    seq: int
    feed: str
    day: date | None
    source: str
    part: int
    parts: int
    received_at: datetime
    state: PageState
    rows: int | None
    replaced_by: int | None = None


def find(tx: Connection, page_id: bytes) -> int | None:
    """The place of the page with this id, if it is stored."""
    return tx.execute(_FIND, {"wanted": page_id}).scalar()


_FIND = select(schema.page.c.seq).where(schema.page.c.page_id == bindparam("wanted"))


def add(
    tx: Connection, *, page_id: bytes, feed: str, fetched: Fetched, sealed: bytes, key_no: int, now: datetime
) -> int:
    """Store a sealed page; returns its place. Pages of one feed get their places in commit order."""
    lock(tx, f"pages:{feed}")
    values = {
        "page_id": page_id,
        "feed": feed,
        "day": fetched.day.isoformat() if fetched.day else None,
        "source": fetched.source,
        "part": fetched.part,
        "parts": fetched.parts,
        "received_at": to_ms(now),
        "size": len(fetched.content),
        "key_no": key_no,
        "sealed": sealed,
        "state": "stored",
    }
    return int(tx.execute(_ADD, values).scalar_one())


_ADD = schema.page.insert().returning(schema.page.c.seq)


_META = (
    schema.page.c.seq,
    schema.page.c.feed,
    schema.page.c.day,
    schema.page.c.source,
    schema.page.c.part,
    schema.page.c.parts,
    schema.page.c.received_at,
    schema.page.c.state,
    schema.page.c.rows,
    schema.page.c.replaced_by,
)


def _stored(row: Any) -> StoredPage:
    return StoredPage(
        seq=row.seq,
        feed=row.feed,
        day=date.fromisoformat(row.day) if row.day else None,
        source=row.source,
        part=row.part,
        parts=row.parts,
        received_at=from_ms(row.received_at),
        state=row.state,
        rows=row.rows,
        replaced_by=row.replaced_by,
    )


_SEALED = select(*_META, schema.page.c.page_id, schema.page.c.sealed).where(schema.page.c.seq == bindparam("place"))
_ABOUT = select(*_META, schema.page.c.page_id, schema.page.c.key_no).where(schema.page.c.seq == bindparam("place"))
_WAITING = (
    select(schema.page.c.seq)
    .where(schema.page.c.state == "stored", schema.page.c.feed.in_(bindparam("feeds", expanding=True)))
    .order_by(schema.page.c.seq)
)
_AT = update(schema.page).where(schema.page.c.seq == bindparam("place"))


def load(tx: Connection, seq: int) -> tuple[StoredPage, bytes, bytes | None]:
    """A page, its id and its sealed bytes (None once it has expired)."""
    row = tx.execute(_SEALED, {"place": seq}).one()
    return _stored(row), row.page_id, row.sealed


def about(tx: Connection, seq: int) -> tuple[StoredPage, bytes, int]:
    """A page, its id and the number of its key, without its bytes."""
    row = tx.execute(_ABOUT, {"place": seq}).one()
    return _stored(row), row.page_id, row.key_no


def waiting(tx: Connection, feeds: Sequence[str]) -> list[int]:
    """The places of pages stored but not yet worked, oldest first."""
    return list(tx.execute(_WAITING, {"feeds": feeds}).scalars())


def newest_kept(tx: Connection, limit: int) -> list[int]:
    """The pages that came last and whose bytes are there."""
    query = select(schema.page.c.seq).where(schema.page.c.sealed.is_not(None)).order_by(schema.page.c.seq.desc())
    return list(tx.execute(query.limit(limit)).scalars())


def of_feed(tx: Connection, feed: str) -> list[StoredPage]:
    """All pages of a feed, oldest first."""
    return [_stored(row) for row in tx.execute(select(*_META).where(schema.page.c.feed == feed).order_by("seq"))]


def of_source(tx: Connection, feed: str, source: str) -> list[StoredPage]:
    """All pages that came from one file, oldest first."""
    of_file = (schema.page.c.feed == feed) & (schema.page.c.source == source)
    return [_stored(row) for row in tx.execute(select(*_META).where(of_file).order_by("seq"))]


class ReadWith(msgspec.Struct, frozen=True):
    """Digests of the mapping a page was read with and of the schemes its people were assessed under; None where that
    was before anybody kept them."""

    mapping: str | None = None
    schemes: str | None = None


_UNKNOWN = ReadWith()


def finish(
    tx: Connection,
    seq: int,
    *,
    rows: int,
    day: date | None,
    sample: str | None = None,
    read_with: ReadWith = _UNKNOWN,
) -> None:
    """Mark a page as worked, with what a few of its rows told of keys and values (as JSON)."""
    values: dict[str, Any] = {"state": "done", "rows": rows, "sample": sample, **msgspec.structs.asdict(read_with)}
    if day is not None:
        values["day"] = day.isoformat()
    tx.execute(_AT, {"place": seq, **values})


def read_anew(tx: Connection, seqs: Sequence[int], read_with: ReadWith) -> None:
    """These worked pages were read again."""
    values = msgspec.structs.asdict(read_with)
    tx.execute(update(schema.page).where(schema.page.c.seq.in_(seqs)).values(**values))


class ReadOtherwise(msgspec.Struct, frozen=True, kw_only=True):
    """Worked pages of a feed whose bytes are kept and that were read with the same: how many, and since when."""

    feed: str
    read_with: ReadWith
    pages: int
    rows: int
    first: datetime
    last: datetime


_GROUPED = (schema.page.c.feed, schema.page.c.mapping, schema.page.c.schemes)
_RECEIVED = schema.page.c.received_at
_BY_READING = (
    select(*_GROUPED, func.count(), func.sum(schema.page.c.rows), func.min(_RECEIVED), func.max(_RECEIVED))
    .where(schema.page.c.state == "done", schema.page.c.sealed.is_not(None), schema.page.c.mapping.is_not(None))
    .group_by(*_GROUPED)
    .order_by(schema.page.c.feed)
)


def by_reading(tx: Connection) -> list[ReadOtherwise]:
    """The worked pages whose bytes are kept, by feed and by what they were read with, where that is known."""
    rows = tx.execute(_BY_READING)
    return [
        ReadOtherwise(
            feed=feed,
            read_with=ReadWith(mapping, schemes),
            pages=many,
            rows=int(total or 0),
            first=from_ms(first),
            last=from_ms(last),
        )
        for feed, mapping, schemes, many, total, first, last in rows
    ]


def replace(tx: Connection, seqs: Sequence[int], *, by: int) -> None:
    """These pages are replaced by a newer file, whose first page is `by`."""
    tx.execute(update(schema.page).where(schema.page.c.seq.in_(seqs)).values(replaced_by=by))


def set_aside(tx: Connection, seq: int, *, code: str) -> None:
    """Mark a page as unreadable: it blocks nothing, and waits for a person in quarantine."""
    tx.execute(update(schema.page).where(schema.page.c.seq == seq).values(state="bad", error_code=code, rows=0))


def reopen(tx: Connection, seq: int) -> None:
    """Put a page back to be worked again."""
    tx.execute(update(schema.page).where(schema.page.c.seq == seq).values(state="stored", error_code=None))


class PageGap(msgspec.Struct, frozen=True, kw_only=True):
    """A page not all of whose rows were worked: how many were, with their money in fen; what the feed says the page's
    money is, None where it does not say."""

    page: StoredPage
    rows_done: int
    amount_done: int
    said_amount: int | None


_ROWS_DONE = select(schema.batch.c.page_seq, func.sum(schema.batch.c.rows).label("rows")).group_by(
    schema.batch.c.page_seq
)
_DONE = _ROWS_DONE.subquery()
_ANY_GAP = (
    select(schema.page.c.seq)
    .select_from(schema.page.outerjoin(_DONE, _DONE.c.page_seq == schema.page.c.seq))
    .where(
        schema.page.c.state.in_(("done", "expired")),
        or_(schema.page.c.rows.is_(None), schema.page.c.rows > func.coalesce(_DONE.c.rows, 0)),
    )
    .limit(1)
)


def any_gap(tx: Connection) -> bool:
    """Whether `with_gaps` names any page that is done or has expired, asked in one go."""
    return tx.execute(_ANY_GAP).first() is not None


def with_gaps(tx: Connection, *, state: PageState) -> list[PageGap]:
    """The pages in this state of which fewer rows are done than they have, oldest first; one that has expired before
    anybody counted its rows too."""
    page, batch = schema.page.c, schema.batch.c
    amounts = [batch[f"{name}_amount"] for name in schema.TALLY_CLASSES]
    rows_done = func.coalesce(func.sum(batch.rows), 0)
    amount_said = select(func.sum(schema.feed_total.c.amount)).where(schema.feed_total.c.page_seq == page.seq)
    query = (
        select(
            *_META,
            rows_done.label("rows_done"),
            func.coalesce(func.sum(sum(amounts[1:], amounts[0])), 0).label("amount_done"),
            amount_said.scalar_subquery().label("said_amount"),
        )
        .select_from(schema.page.outerjoin(schema.batch, batch.page_seq == page.seq))
        .where(page.state == state)
        .group_by(*_META)
        .having(or_(page.rows > rows_done, page.rows.is_(None)))
        .order_by(page.seq)
    )
    return [
        PageGap(
            page=_stored(row),
            rows_done=int(row.rows_done),
            amount_done=int(row.amount_done),
            said_amount=int(row.said_amount) if row.said_amount is not None else None,
        )
        for row in tx.execute(query)
    ]


def received_by(tx: Connection, now: datetime, *, horizon: datetime) -> None:
    """Pages that stand beyond `horizon` came under a clock that was ahead: they count as received now, so that they are
    not kept longer than others. Their place is their `seq` and stays."""
    late = schema.page.c.received_at > to_ms(horizon)
    tx.execute(update(schema.page).where(late).values(received_at=to_ms(now)))


_RETENTION = select(schema.page_retention.c.feed, schema.page_retention.c.days)
_OLDEST_KEPT = (
    select(schema.page.c.feed, func.min(schema.page.c.received_at).label("oldest"))
    .where(schema.page.c.sealed.is_not(None))
    .group_by(schema.page.c.feed)
)


def retention(tx: Connection) -> dict[str, int]:
    """Feed → for how many days its pages are kept, as its file said last."""
    return {row.feed: row.days for row in tx.execute(_RETENTION)}


def note_retention(tx: Connection, days: Mapping[str, int]) -> None:
    """Remember what the files of these feeds say, for when they are gone."""
    table = schema.page_retention
    for feed, many in days.items():
        new = insert_for(tx, table).values(feed=feed, days=many)
        tx.execute(new.on_conflict_do_update(index_elements=[table.c.feed], set_={"days": many}))


def oldest_kept(tx: Connection) -> dict[str, int]:
    """The feeds of which pages are kept, whether or not they are in force → when the oldest of these was received
    (milliseconds)."""
    return {row.feed: row.oldest for row in tx.execute(_OLDEST_KEPT)}


def expire(tx: Connection, feed: str, *, before: int, limit: int, longest: int | None = None) -> list[int]:
    """Drop the bytes and lists of pages received before an instant (milliseconds); returns their places. A page that a
    hold needs stays until it was received before `longest`."""
    table = schema.page
    item, hold = schema.hold_item.c, schema.hold.c
    waiting = select(hold.hold_id).where(hold.state.in_(("gathering", "open")))
    needed = exists().where(item.page_seq == table.c.seq, item.row.is_not(None), item.hold_id.in_(waiting))
    old = (table.c.feed == feed) & (table.c.received_at < before) & table.c.sealed.is_not(None)
    if longest is not None:
        old &= (table.c.received_at < longest) | ~needed
    gone = list(tx.execute(select(table.c.seq).where(old).order_by(table.c.seq).limit(limit)).scalars())
    if gone:
        tx.execute(update(table).where(table.c.seq.in_(gone)).values(sealed=None, state="expired"))
        tx.execute(update(schema.batch).where(schema.batch.c.page_seq.in_(gone)).values(sealed=None))
    return gone


_KEYS_IN_USE = select(schema.page.c.key_no).where(schema.page.c.sealed.is_not(None))
_KEYS_OF_EXPIRED = (
    select(schema.page.c.key_no)
    .where(schema.page.c.sealed.is_(None), schema.page.c.key_no.not_in(_KEYS_IN_USE))
    .distinct()
)


def keys_of_expired(tx: Connection) -> list[int]:
    """The numbers of page keys under which no page is kept any more."""
    return list(tx.execute(_KEYS_OF_EXPIRED).scalars())
