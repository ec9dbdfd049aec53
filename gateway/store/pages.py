"""Pages and cursors: what feeds handed over, sealed, in the order received; batches: what became of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.errors import Conflict
from gateway.model.page import FeedTotals, Fetched
from gateway.store import schema
from gateway.store.engine import is_postgres, lock
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
    state: str
    rows: int | None
    replaced_by: int | None = None


def insert_for(tx: Connection, table: Any) -> Any:
    """The dialect's insert, which knows `on conflict`."""
    return (postgresql if is_postgres(tx) else sqlite).insert(table)


def cursor_of(tx: Connection, feed: str) -> tuple[str | None, int]:
    """The feed's cursor and its move counter, for the compare-and-set of `move_cursor`."""
    row = tx.execute(select(schema.feed.c.cursor, schema.feed.c.moved).where(schema.feed.c.feed == feed)).first()
    return (row.cursor, row.moved) if row else (None, 0)


def move_cursor(tx: Connection, feed: str, cursor: str | None, *, moved: int, now: datetime) -> None:
    """Set the cursor if nobody moved it since `moved` was read. Raises Conflict."""
    values = {"cursor": cursor, "moved": moved + 1, "last_page_at": to_ms(now)}
    if moved == 0:
        new = insert_for(tx, schema.feed).values(feed=feed, **values).on_conflict_do_nothing()
        # PostgreSQL's driver does not count inserted rows here, so the row itself says whether it is new.
        changed = len(tx.execute(new.returning(schema.feed.c.feed)).all())
    else:
        same = (schema.feed.c.feed == feed) & (schema.feed.c.moved == moved)
        changed = tx.execute(update(schema.feed).where(same).values(**values)).rowcount
    if changed != 1:
        raise Conflict(f"{feed}: 游标已被他人移动 (the cursor was moved by somebody else)")


def find(tx: Connection, page_id: bytes) -> int | None:
    """The place of the page with this id, if it is stored."""
    return tx.execute(select(schema.page.c.seq).where(schema.page.c.page_id == page_id)).scalar()


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
    done = tx.execute(schema.page.insert().values(**values).returning(schema.page.c.seq))
    return int(done.scalar_one())


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


def load(tx: Connection, seq: int) -> tuple[StoredPage, bytes, bytes | None]:
    """A page, its id and its sealed bytes (None once it has expired)."""
    query = select(*_META, schema.page.c.page_id, schema.page.c.sealed).where(schema.page.c.seq == seq)
    row = tx.execute(query).one()
    return _stored(row), row.page_id, row.sealed


def about(tx: Connection, seq: int) -> tuple[StoredPage, bytes, int]:
    """A page, its id and the number of its key, without its bytes."""
    query = select(*_META, schema.page.c.page_id, schema.page.c.key_no).where(schema.page.c.seq == seq)
    row = tx.execute(query).one()
    return _stored(row), row.page_id, row.key_no


def waiting(tx: Connection, feeds: Sequence[str]) -> list[int]:
    """The places of pages stored but not yet worked, oldest first."""
    table = schema.page.c
    query = select(table.seq).where(table.state == "stored", table.feed.in_(feeds)).order_by(table.seq)
    return list(tx.execute(query).scalars())


def of_feed(tx: Connection, feed: str) -> list[StoredPage]:
    """All pages of a feed, oldest first."""
    return [_stored(row) for row in tx.execute(select(*_META).where(schema.page.c.feed == feed).order_by("seq"))]


def of_source(tx: Connection, feed: str, source: str) -> list[StoredPage]:
    """All pages that came from one file, oldest first."""
    same = (schema.page.c.feed == feed) & (schema.page.c.source == source)
    return [_stored(row) for row in tx.execute(select(*_META).where(same).order_by("seq"))]


def finish(tx: Connection, seq: int, *, rows: int, day: date | None) -> None:
    """Mark a page as worked."""
    values: dict[str, Any] = {"state": "done", "rows": rows}
    if day is not None:
        values["day"] = day.isoformat()
    tx.execute(update(schema.page).where(schema.page.c.seq == seq).values(**values))


def replace(tx: Connection, seqs: Sequence[int], *, by: int) -> None:
    """These pages are replaced by a newer file, whose first page is `by`."""
    tx.execute(update(schema.page).where(schema.page.c.seq.in_(seqs)).values(replaced_by=by))


def set_aside(tx: Connection, seq: int, *, code: str) -> None:
    """Mark a page as unreadable: it blocks nothing, and waits for a person in quarantine."""
    tx.execute(update(schema.page).where(schema.page.c.seq == seq).values(state="bad", error_code=code, rows=0))


def reopen(tx: Connection, seq: int) -> None:
    """Put a page back to be worked again."""
    tx.execute(update(schema.page).where(schema.page.c.seq == seq).values(state="stored", error_code=None))


class Tally(msgspec.Struct, kw_only=True):
    """Rows and money of a batch by class (see schema.TALLY_CLASSES); adds up to the rows of the batch."""

    rows: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(schema.TALLY_CLASSES, 0))
    amount: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(schema.TALLY_CLASSES, 0))

    def count(self, name: str, amount: int) -> None:
        """Count one row of a class with its money."""
        self.rows[name] += 1
        self.amount[name] += amount

    def add(self, other: Tally) -> None:
        """Take the rows of another tally in."""
        for name, many in other.rows.items():
            self.rows[name] += many
            self.amount[name] += other.amount[name]


def add_batch(tx: Connection, seq: int, first_row: int, rows: int, tally: Tally, sealed: bytes) -> None:
    """Mark a batch as done, with what became of its rows."""
    counted = {f"{name}_rows": value for name, value in tally.rows.items()}
    money = {f"{name}_amount": value for name, value in tally.amount.items()}
    new = schema.batch.insert().values(page_seq=seq, first_row=first_row, rows=rows, sealed=sealed, **counted, **money)
    tx.execute(new)


def batches_done(tx: Connection, seq: int) -> dict[int, int]:
    """First row → rows of the batches of a page that are done. They are done in order, so they leave no gap."""
    table = schema.batch.c
    query = select(table.first_row, table.rows).where(table.page_seq == seq)
    return {row.first_row: row.rows for row in tx.execute(query)}


def rows_done(tx: Connection, seq: int) -> int:
    """How many rows of a page are done."""
    done = select(func.coalesce(func.sum(schema.batch.c.rows), 0)).where(schema.batch.c.page_seq == seq)
    return int(tx.execute(done).scalar_one())


def move_tally(tx: Connection, moves: Sequence[tuple[int, int, str, str, int]]) -> None:
    """Rows that changed class later: (page, row, from class, to class, amount). A batch holds its rows in order."""
    # In one order for all, so that two feeds which move each other's rows cannot wait for one another for ever.
    for seq, row, before, after, amount in sorted(moves, key=lambda move: move[:2]):
        batch = schema.batch.c
        within = (batch.page_seq == seq) & (batch.first_row <= row) & (batch.first_row + batch.rows > row)
        tx.execute(
            update(schema.batch)
            .where(within)
            .values(
                {
                    batch[f"{before}_rows"]: batch[f"{before}_rows"] - 1,
                    batch[f"{before}_amount"]: batch[f"{before}_amount"] - amount,
                    batch[f"{after}_rows"]: batch[f"{after}_rows"] + 1,
                    batch[f"{after}_amount"]: batch[f"{after}_amount"] + amount,
                }
            )
        )


def correct_tally(tx: Connection, seq: int, row: int, name: str, more: int) -> None:
    """The money of a row of this class is so much more than was counted when it came."""
    batch = schema.batch.c
    within = (batch.page_seq == seq) & (batch.first_row <= row) & (batch.first_row + batch.rows > row)
    column = batch[f"{name}_amount"]
    tx.execute(update(schema.batch).where(within).values({column: column + more}))


class BatchSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: its tally and its sealed list of rows."""

    page_seq: int
    first_row: int
    rows: int
    tally: Tally
    sealed: bytes | None


def sheets(tx: Connection, feed: str, *, after: int = 0) -> Iterator[BatchSheet]:
    """The batches of a feed's pages after a place, oldest first."""
    query = (
        select(schema.batch)
        .join(schema.page, schema.page.c.seq == schema.batch.c.page_seq)
        .where(schema.page.c.feed == feed, schema.page.c.seq > after)
        .order_by(schema.batch.c.page_seq, schema.batch.c.first_row)
    )
    for row in tx.execute(query):
        yield _sheet(row)


def sheets_of(tx: Connection, seq: int) -> list[BatchSheet]:
    """The batches of one page, in row order."""
    query = select(schema.batch).where(schema.batch.c.page_seq == seq).order_by(schema.batch.c.first_row)
    return [_sheet(row) for row in tx.execute(query)]


def _sheet(row: Any) -> BatchSheet:
    values = row._mapping
    tally = Tally(
        rows={name: values[f"{name}_rows"] for name in schema.TALLY_CLASSES},
        amount={name: values[f"{name}_amount"] for name in schema.TALLY_CLASSES},
    )
    return BatchSheet(page_seq=row.page_seq, first_row=row.first_row, rows=row.rows, tally=tally, sealed=row.sealed)


def reseal_batch(tx: Connection, seq: int, first_row: int, sealed: bytes) -> None:
    """Replace the sealed list of a batch after rows changed class."""
    same = (schema.batch.c.page_seq == seq) & (schema.batch.c.first_row == first_row)
    tx.execute(update(schema.batch).where(same).values(sealed=sealed))


def later_done(tx: Connection, feed: str, seq: int) -> bool:
    """Whether a page received after this one has already been worked, wholly or in part."""
    joined = schema.batch.join(schema.page, schema.page.c.seq == schema.batch.c.page_seq)
    query = select(schema.batch.c.page_seq).select_from(joined)
    query = query.where(schema.page.c.feed == feed, schema.page.c.seq > seq)
    return tx.execute(query.limit(1)).first() is not None


def put_totals(tx: Connection, feed: str, source: str, totals: FeedTotals, *, page_seq: int) -> None:
    """Remember what the feed itself says a day holds; the statement received last counts."""
    values = {"rows": totals.rows, "amount": totals.amount, "page_seq": page_seq}
    new = insert_for(tx, schema.feed_total).values(feed=feed, day=totals.day.isoformat(), source=source, **values)
    table = schema.feed_total
    tx.execute(
        new.on_conflict_do_update(
            index_elements=[table.c.feed, table.c.day, table.c.source],
            set_=values,
            where=table.c.page_seq <= page_seq,
        )
    )


def totals_of(tx: Connection, feed: str) -> dict[str, tuple[int, int | None]]:
    """Day → (rows, money in fen or None) as the feed says, summed over its sources of that day.

    What a file said of itself that a newer one replaced counts no longer.
    """
    said: dict[str, tuple[int, int | None]] = {}
    table = schema.feed_total.c
    joined = schema.feed_total.join(schema.page, schema.page.c.seq == table.page_seq)
    query = select(table.day, table.rows, table.amount).select_from(joined)
    for row in tx.execute(query.where(table.feed == feed, schema.page.c.replaced_by.is_(None))):
        rows, amount = said.get(row.day, (0, 0))
        total = None if amount is None or row.amount is None else amount + row.amount
        said[row.day] = (rows + row.rows, total)
    return said


def any_worked(tx: Connection, feeds: Sequence[str]) -> bool:
    """Whether any page of these feeds has been worked, wholly or in part."""
    joined = schema.batch.join(schema.page, schema.page.c.seq == schema.batch.c.page_seq)
    query = select(schema.batch.c.page_seq).select_from(joined).where(schema.page.c.feed.in_(feeds)).limit(1)
    return tx.execute(query).first() is not None


def expire(tx: Connection, feed: str, *, before: int, limit: int) -> list[int]:
    """Drop the bytes and lists of pages received before an instant (milliseconds); returns their places."""
    table = schema.page
    old = (table.c.feed == feed) & (table.c.received_at < before) & table.c.sealed.is_not(None)
    gone = list(tx.execute(select(table.c.seq).where(old).order_by(table.c.seq).limit(limit)).scalars())
    tx.execute(update(table).where(table.c.seq.in_(gone)).values(sealed=None, state="expired"))
    tx.execute(update(schema.batch).where(schema.batch.c.page_seq.in_(gone)).values(sealed=None))
    return gone


def keys_of_expired(tx: Connection) -> list[int]:
    """The numbers of page keys under which no page is kept any more."""
    table = schema.page.c
    kept = select(table.key_no).where(table.sealed.is_not(None))
    query = select(table.key_no).where(table.sealed.is_(None), table.key_no.not_in(kept)).distinct()
    return list(tx.execute(query).scalars())
