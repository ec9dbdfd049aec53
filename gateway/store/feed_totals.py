"""What a feed itself says a day holds."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, func, select

from gateway.model.page import FeedTotals
from gateway.store import schema
from gateway.store.engine import insert_for


def put(tx: Connection, feed: str, source: str, totals: FeedTotals, *, page_seq: int) -> None:
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


def of_page(tx: Connection, seq: int) -> int | None:
    """How many rows the feed says a file has whose first page this is; None where it does not say."""
    query = select(func.sum(schema.feed_total.c.rows)).where(schema.feed_total.c.page_seq == seq)
    rows = tx.execute(query).scalar()
    return int(rows) if rows is not None else None


_OF_FEED = (
    select(schema.feed_total.c.day, schema.feed_total.c.rows, schema.feed_total.c.amount)
    .select_from(schema.feed_total.join(schema.page, schema.page.c.seq == schema.feed_total.c.page_seq))
    .where(schema.feed_total.c.feed == bindparam("feed"), schema.page.c.replaced_by.is_(None))
)
_OF_DAYS = _OF_FEED.where(schema.feed_total.c.day.in_(bindparam("days", expanding=True)))


def of_feed(tx: Connection, feed: str, days: Collection[str] | None = None) -> dict[str, tuple[int, int | None]]:
    """Day → (rows, money in fen or None) as the feed says, summed over its sources of that day; of all days, or these.

    What a file said of itself that a newer one replaced counts no longer.
    """
    totals: dict[str, tuple[int, int | None]] = {}
    if days is None:
        rows_said = tx.execute(_OF_FEED, {"feed": feed})
    else:
        rows_said = tx.execute(_OF_DAYS, {"feed": feed, "days": sorted(days)})
    for row in rows_said:
        rows, amount = totals.get(row.day, (0, 0))
        total = None if amount is None or row.amount is None else amount + row.amount
        totals[row.day] = (rows + row.rows, total)
    return totals
