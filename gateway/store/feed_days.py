"""What each feed's day came to: counted again for the days whose pages are new, so that no night looks at all pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, or_, select

from gateway.model.clock import SHANGHAI
from gateway.model.feed_day import FeedDay, KeySample, PagePart
from gateway.store import schema
from gateway.store.engine import insert_for
from gateway.store.values import from_ms, to_ms

_sample = msgspec.json.Decoder(KeySample)
_unknown = msgspec.json.Decoder(dict[str, dict[str, tuple[int, int]]])
_sources = msgspec.json.Decoder(dict[str, int])
_BATCH = [column for column in schema.batch.c if column.name != "sealed"]


def new_days(tx: Connection, feed: str, *, since: datetime) -> tuple[set[date], int]:
    """The days of pages that are not counted yet, of those received since an instant, and of pages that were open when
    they were counted; and up to which page all are worked now."""
    page, watch, day = schema.page.c, schema.feed_watch.c, schema.feed_day.c
    counted = tx.execute(select(watch.counted_seq).where(watch.feed == feed)).scalar() or 0
    query = select(page.seq, page.day, page.received_at, page.state)
    days, behind, unworked = set(), counted, False
    for row in tx.execute(query.where(page.feed == feed, page.seq > counted).order_by(page.seq)):
        unworked = unworked or row.state == "stored"
        behind = behind if unworked else row.seq
        if row.received_at >= to_ms(since):
            days.add(_day_of(row))
    still_open = select(day.day).where(day.feed == feed, day.open_pages > 0, day.day >= since.date().isoformat())
    days |= {date.fromisoformat(text) for text in tx.execute(still_open).scalars()}
    return days, behind


def parts(tx: Connection, feed: str, days: Collection[date]) -> list[PagePart]:
    """Every batch of the pages of these days, without pages that a newer file replaced."""
    if not days:
        return []
    page, batch = schema.page.c, schema.batch.c
    begin = to_ms(datetime.combine(min(days), time(), tzinfo=SHANGHAI))
    end = to_ms(datetime.combine(max(days) + timedelta(days=1), time(), tzinfo=SHANGHAI))
    received = and_(page.day.is_(None), page.received_at >= begin, page.received_at < end)
    named = page.day.in_([day.isoformat() for day in sorted(days)])
    query = (
        select(page.day, page.received_at, page.source, page.sample, page.seq, page.state, *_BATCH)
        .select_from(schema.page.outerjoin(schema.batch, batch.page_seq == page.seq))
        .where(page.feed == feed, page.replaced_by.is_(None), or_(named, received))
        .order_by(page.seq, batch.first_row)
    )
    seen: set[int] = set()
    counted = []
    for row in tx.execute(query):
        if (day := _day_of(row)) in days:
            counted.append(_part(row, day, first=row.seq not in seen))
            seen.add(row.seq)
    return counted


def _part(row: Any, day: date, *, first: bool) -> PagePart:
    tallied = row.rows is not None
    return PagePart(
        day=day,
        dated=row.day is not None,
        source=row.source,
        page_open=first and row.state in ("stored", "bad"),
        rows=row.rows or 0,
        amount=sum(getattr(row, f"{name}_amount") for name in schema.TALLY_CLASSES) if tallied else 0,
        member_rows=row.member_rows + row.left_rows if tallied else 0,
        review_rows=row.review_rows or 0,
        quarantined_rows=row.quarantined_rows or 0,
        superseded_rows=row.superseded_rows or 0,
        superseded_amount=row.superseded_amount or 0,
        sample=_sample.decode(row.sample) if first and row.sample else None,
        unknown=_unknown.decode(row.unknown) if row.unknown else {},
    )


def _day_of(row: Any) -> date:
    return date.fromisoformat(row.day) if row.day else from_ms(row.received_at).date()


def put(tx: Connection, feed: str, days: Iterable[FeedDay], *, counted_seq: int) -> None:
    """These days came to this, and pages are counted up to there."""
    table = schema.feed_day
    for day in days:
        plain: dict[str, Any] = msgspec.to_builtins(day)
        texts = {name: msgspec.json.encode(plain.pop(name)).decode() for name in ("sources", "sample", "unknown")}
        new = insert_for(tx, table).values(**plain, **texts)
        content = {column.name: new.excluded[column.name] for column in table.c if not column.primary_key}
        tx.execute(new.on_conflict_do_update(index_elements=[table.c.feed, table.c.day], set_=content))
    watch = insert_for(tx, schema.feed_watch).values(feed=feed, counted_seq=counted_seq)
    moved = {"counted_seq": watch.excluded.counted_seq}
    tx.execute(watch.on_conflict_do_update(index_elements=[schema.feed_watch.c.feed], set_=moved))


def since(tx: Connection, first: date) -> dict[str, list[FeedDay]]:
    """Feed → its days from `first` on, oldest first."""
    table = schema.feed_day.c
    query = select(schema.feed_day).where(table.day >= first.isoformat()).order_by(table.feed, table.day)
    by_feed: dict[str, list[FeedDay]] = defaultdict(list)
    for row in tx.execute(query):
        values = dict(row._mapping)
        values |= {
            "day": date.fromisoformat(row.day),
            "sources": _sources.decode(row.sources),
            "sample": _sample.decode(row.sample),
            "unknown": _unknown.decode(row.unknown),
        }
        by_feed[row.feed].append(FeedDay(**values))
    return dict(by_feed)


def forget(tx: Connection, *, before: date) -> None:
    """Days that nothing is compared with any more go."""
    tx.execute(delete(schema.feed_day).where(schema.feed_day.c.day < before.isoformat()))


def began_at(tx: Connection, feed: str) -> datetime | None:
    """When the feed's first page was received; None before it was."""
    page = schema.page.c
    query = select(page.received_at).where(page.feed == feed).order_by(page.seq).limit(1)
    received_ms = tx.execute(query).scalar()
    return from_ms(received_ms) if received_ms is not None else None
