"""What each feed's day came to: counted again for the days whose pages are new, so that no night looks at all pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select

from gateway.model.clock import SHANGHAI
from gateway.model.feed_day import FeedDay, KeySample, PagePart
from gateway.store import schema
from gateway.store.engine import is_postgres, upsert
from gateway.store.values import from_ms, to_ms

_sample = msgspec.json.Decoder(KeySample)
_unknown = msgspec.json.Decoder(dict[str, dict[str, tuple[int, int]]])
_sources = msgspec.json.Decoder(dict[str, int])
_PAGE, _DAY, _WATCH = schema.page.c, schema.feed_day.c, schema.feed_watch.c
_COUNTED = select(_WATCH.feed, _WATCH.counted_seq)
_UNCOUNTED = (
    select(_PAGE.seq, _PAGE.day, _PAGE.received_at, _PAGE.state)
    .where(_PAGE.feed == bindparam("feed"), _PAGE.seq > bindparam("counted"))
    .order_by(_PAGE.seq)
)
_STILL_OPEN = select(_DAY.feed, _DAY.day).where(_DAY.open_pages > 0, _DAY.day >= bindparam("first"))
_PARTS = (
    select(
        _PAGE.day, _PAGE.received_at, _PAGE.source, _PAGE.sample, _PAGE.seq, _PAGE.state,
        *(column for column in schema.batch.c if column.name != "sealed"),
    )
    .select_from(schema.page.outerjoin(schema.batch, schema.batch.c.page_seq == _PAGE.seq))
    .where(
        _PAGE.feed == bindparam("feed"),
        _PAGE.replaced_by.is_(None),
        or_(
            _PAGE.day.in_(bindparam("days", expanding=True)),
            and_(_PAGE.day.is_(None), _PAGE.received_at >= bindparam("begin"), _PAGE.received_at < bindparam("end")),
        ),
    )
    .order_by(_PAGE.seq, schema.batch.c.first_row)
)  # fmt: skip
_SINCE = select(schema.feed_day).where(_DAY.day >= bindparam("first")).order_by(_DAY.feed, _DAY.day)
_FORGET = delete(schema.feed_day).where(_DAY.day < bindparam("before"))
_BEGAN = select(_PAGE.received_at).where(_PAGE.feed == bindparam("feed")).order_by(_PAGE.seq).limit(1)


class NewDays(msgspec.Struct, frozen=True):
    """The days of a feed that must be counted, and up to which page all are worked now."""

    days: set[date]
    counted_seq: int


def new_days(tx: Connection, feeds: Iterable[str], *, since: datetime) -> dict[str, NewDays]:
    """Feed → the days of pages that are not counted yet, of those received since an instant, and of pages that were
    open when they were counted; only feeds that have any."""
    counted = {row.feed: row.counted_seq for row in tx.execute(_COUNTED)}
    still_open: dict[str, set[date]] = defaultdict(set)
    for feed, day in tx.execute(_STILL_OPEN, {"first": since.date().isoformat()}):
        still_open[feed].add(date.fromisoformat(day))
    new: dict[str, NewDays] = {}
    for feed in feeds:
        days, behind, unworked = still_open[feed], counted.get(feed, 0), False
        for row in tx.execute(_UNCOUNTED, {"feed": feed, "counted": behind}):
            unworked = unworked or row.state == "stored"
            behind = behind if unworked else row.seq
            if row.received_at >= to_ms(since):
                days.add(_day_of(row))
        if days:
            new[feed] = NewDays(days, behind)
    return new


def parts(tx: Connection, feed: str, days: Collection[date]) -> list[PagePart]:
    """Every batch of the pages of these days, without pages that a newer file replaced."""
    if not days:
        return []
    chosen = {
        "feed": feed,
        "days": [day.isoformat() for day in sorted(days)],
        "begin": to_ms(datetime.combine(min(days), time(), tzinfo=SHANGHAI)),
        "end": to_ms(datetime.combine(max(days) + timedelta(days=1), time(), tzinfo=SHANGHAI)),
    }
    seen: set[int] = set()
    counted = []
    for row in tx.execute(_PARTS, chosen):
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


def put(tx: Connection, days: Iterable[FeedDay], *, counted: Mapping[str, int]) -> None:
    """These days came to this, and pages are counted up to there. `counted`: feed → the last page that is."""
    rows: list[dict[str, Any]] = [msgspec.to_builtins(day) for day in days]
    for row in rows:
        row |= {name: msgspec.json.encode(row[name]).decode() for name in ("sources", "sample", "unknown")}
    if rows:
        tx.execute(upsert(schema.feed_day, postgres=is_postgres(tx)), rows)
    if counted:
        watched = [{"feed": feed, "counted_seq": seq} for feed, seq in counted.items()]
        tx.execute(upsert(schema.feed_watch, postgres=is_postgres(tx)), watched)


def since(tx: Connection, first: date) -> dict[str, list[FeedDay]]:
    """Feed → its days from `first` on, oldest first."""
    by_feed: dict[str, list[FeedDay]] = defaultdict(list)
    for row in tx.execute(_SINCE, {"first": first.isoformat()}):
        by_feed[row.feed].append(_feed_day(tuple(row)))
    return dict(by_feed)


_NAMES = schema.feed_day.c.keys()


@lru_cache(maxsize=8192)
def _feed_day(row: tuple[Any, ...]) -> FeedDay:
    """A stored day. Most say tonight what they said last night, and are read once a process: equal rows, one value."""
    values = dict(zip(_NAMES, row, strict=True))
    values |= {
        "day": date.fromisoformat(values["day"]),
        "dated": bool(values["dated"]),
        "sources": _sources.decode(values["sources"]),
        "sample": _sample.decode(values["sample"]),
        "unknown": _unknown.decode(values["unknown"]),
    }
    return FeedDay(**values)


def forget(tx: Connection, *, before: date) -> None:
    """Days that nothing is compared with any more go."""
    tx.execute(_FORGET, {"before": before.isoformat()})


_LAST_BEFORE = select(_PAGE.seq).where(_PAGE.received_at < bindparam("since")).order_by(_PAGE.seq.desc()).limit(1)
_LATE = (
    select(_PAGE.feed, _PAGE.day)
    .where(
        _PAGE.seq > func.coalesce(_LAST_BEFORE.scalar_subquery(), 0),
        _PAGE.day < bindparam("before"),
        _PAGE.source != "",
    )
    .distinct()
    .subquery()
)
_FILES_OF_LATE_DAYS = (
    select(_PAGE.feed, _PAGE.day, _PAGE.source)
    .select_from(schema.page.join(_LATE, and_(_PAGE.feed == _LATE.c.feed, _PAGE.day == _LATE.c.day)))
    .where(_PAGE.replaced_by.is_(None), _PAGE.source != "", _PAGE.part == 1)
    .order_by(_PAGE.seq)
)


def late_files(tx: Connection, *, since: datetime, before: date) -> dict[str, dict[date, list[str]]]:
    """Feed → day → the names of all its files, as they are kept, of days before `before` for which a file was received
    since an instant, however long ago they are. What a newer file of its name replaced is left out."""
    files: dict[str, dict[date, list[str]]] = defaultdict(lambda: defaultdict(list))
    chosen = {"since": to_ms(since), "before": before.isoformat()}
    for feed, day, source in tx.execute(_FILES_OF_LATE_DAYS, chosen):
        files[feed][date.fromisoformat(day)].append(source)
    return files


def began_at(tx: Connection, feed: str) -> datetime | None:
    """When the feed's first page was received; None before it was."""
    received_ms = tx.execute(_BEGAN, {"feed": feed}).scalar()
    return from_ms(received_ms) if received_ms is not None else None
