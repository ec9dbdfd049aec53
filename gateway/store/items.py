"""What waits for a person: quarantined rows and pages, and doubtful matches. Page, row and reasons, never the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, exists, func, select, text, update

from gateway.model.page import RowError
from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in

_STANDING = ("open", "expired")
"""Items that still are what became of their row."""


class QuarantineItem(msgspec.Struct, frozen=True, kw_only=True):
    """A row (or, with row None, a page) that could not be read; `key` where its number could."""

    page_seq: int
    row: int | None
    feed: str
    key: bytes | None
    amount: int
    errors: tuple[RowError, ...]
    state: str
    created_at: int
    item_id: int = 0


_QUARANTINE = tuple(name for name in QuarantineItem.__struct_fields__ if name != "item_id")
_SELECT_QUARANTINE = 'select "item_id", ' + ", ".join(f'"{name}"' for name in _QUARANTINE) + " from quarantine "
_errors = msgspec.json.Decoder(tuple[RowError, ...])


def quarantine(tx: Connection, items: Sequence[QuarantineItem]) -> None:
    """Set rows aside."""
    values = [
        (
            i.page_seq,
            i.row,
            i.feed,
            i.key,
            i.amount,
            msgspec.json.encode(i.errors).decode(),
            i.state,
            i.created_at,
        )
        for i in items
    ]
    insert_many(tx, schema.quarantine, _QUARANTINE, values)


def _quarantined(values: Sequence[Any]) -> QuarantineItem:
    fields = dict(zip(("item_id", *_QUARANTINE), values, strict=True))
    return QuarantineItem(**{**fields, "errors": _errors.decode(fields["errors"])})


def quarantined(
    tx: Connection, *, state: str | None = "open", item_id: int | None = None, limit: int = 100
) -> list[QuarantineItem]:
    """What is set aside, newest first."""
    table = schema.quarantine
    query = select(*(table.c[name] for name in ("item_id", *_QUARANTINE)))
    if state:
        query = query.where(table.c.state == state)
    if item_id is not None:
        query = query.where(table.c.item_id == item_id)
    return [_quarantined(row) for row in tx.execute(query.order_by(table.c.item_id.desc()).limit(limit))]


def open_quarantine_by_key(tx: Connection, keys: Iterable[bytes]) -> list[QuarantineItem]:
    """The open items whose settlement number and sign are among these."""
    if not _any_open(tx, schema.quarantine):
        return []
    query = _SELECT_QUARANTINE + "where state = 'open' and key {keys}"
    return [_quarantined(row) for row in select_in(tx, query, keys, kind="bytea")]


def open_quarantine_of_pages(tx: Connection, seqs: Iterable[int]) -> list[QuarantineItem]:
    """The open items of these pages."""
    query = _SELECT_QUARANTINE + "where state = 'open' and page_seq {keys}"
    return [_quarantined(row) for row in select_in(tx, query, seqs, kind="bigint")]


def end_quarantine(tx: Connection, item_ids: Sequence[int], *, state: str) -> None:
    """Close items: superseded by a later row, or closed because they could be read now."""
    change_many(tx, "update quarantine set state = ? where item_id = ?", [(state, each) for each in item_ids])


def _any_open(tx: Connection, table: Table) -> bool:
    query = select(table.c.item_id).where(text("state = 'open'")).limit(1)
    return tx.execute(query).first() is not None


class ReviewItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must decide; `member_id` is the best candidate.

    `situation`: keyed digest of the facts a question about a claim rests on.
    """

    kind: str
    association: str
    feed: str
    page_seq: int
    row: int | None
    key: bytes | None
    amount: int
    member_id: int | None
    score: float | None
    reasons: str
    state: str
    created_at: int
    claim_id: str | None = None
    situation: bytes | None = None
    item_id: int = 0


_REVIEW = tuple(name for name in ReviewItem.__struct_fields__ if name != "item_id")


def ask_review(tx: Connection, items: Sequence[ReviewItem]) -> None:
    """Put items before a person."""
    insert_many(tx, schema.review, _REVIEW, [tuple(getattr(item, name) for name in _REVIEW) for item in items])


def ask_again(tx: Connection, items: Sequence[ReviewItem]) -> None:
    """Put doubts about rows of one page before a person; one that was asked before keeps its number."""
    seqs = {item.page_seq for item in items}
    query = _SELECT_REVIEW + "where kind = 'match' and state in ('closed', 'decided') and page_seq {keys}"
    before = {
        (old.page_seq, old.row, old.association): old.item_id
        for old in sorted(map(_review, select_in(tx, query, seqs, kind="bigint")), key=lambda old: old.item_id)
    }
    known = [(item, before.get((item.page_seq, item.row, item.association))) for item in items]
    sql = 'update review set state = ?, member_id = ?, score = ?, reasons = ?, "key" = ?, amount = ? where item_id = ?'
    again = [
        (item.state, item.member_id, item.score, item.reasons, item.key, item.amount, item_id)
        for item, item_id in known
        if item_id is not None
    ]
    change_many(tx, sql, again)
    ask_review(tx, [item for item, item_id in known if item_id is None])


def _review(values: Sequence[Any]) -> ReviewItem:
    return ReviewItem(**dict(zip(("item_id", *_REVIEW), values, strict=True)))


_SELECT_REVIEW = 'select "item_id", ' + ", ".join(f'"{name}"' for name in _REVIEW) + " from review "


def open_reviews_by_key(tx: Connection, keys: Iterable[bytes]) -> list[ReviewItem]:
    """The open match reviews about these records."""
    if not _any_open(tx, schema.review):
        return []
    query = _SELECT_REVIEW + "where state = 'open' and key {keys}"
    return [_review(row) for row in select_in(tx, query, keys, kind="bytea")]


def open_reviews_of_members(tx: Connection, member_ids: Iterable[int]) -> list[ReviewItem]:
    """The open match reviews whose best candidate is one of these members."""
    query = _SELECT_REVIEW + "where state = 'open' and kind = 'match' and member_id {keys}"
    return [_review(row) for row in select_in(tx, query, member_ids, kind="bigint")]


def open_reviews_of_pages(tx: Connection, seqs: Iterable[int]) -> list[ReviewItem]:
    """The open match reviews of these pages."""
    query = _SELECT_REVIEW + "where state = 'open' and kind = 'match' and page_seq {keys}"
    return [_review(row) for row in select_in(tx, query, seqs, kind="bigint")]


def open_takebacks(tx: Connection, seqs: Iterable[int]) -> list[ReviewItem]:
    """The open questions whether files that begin with these pages may take back so much."""
    query = _SELECT_REVIEW + "where state = 'open' and kind = 'takeback' and page_seq {keys}"
    return [_review(row) for row in select_in(tx, query, seqs, kind="bigint")]


def end_reviews(tx: Connection, item_ids: Sequence[int], *, state: str) -> None:
    """Close items: superseded by a later record, or closed."""
    change_many(tx, "update review set state = ? where item_id = ?", [(state, each) for each in item_ids])


def reviews(
    tx: Connection,
    *,
    state: str | None = "open",
    association: str | None = None,
    kind: str | None = None,
    after: int | None = None,
    limit: int = 100,
) -> list[ReviewItem]:
    """What waits for a person, newest first; with `after`, in order of number from behind that one on."""
    table = schema.review.c
    query = select(*(table[name] for name in ("item_id", *_REVIEW))).limit(limit)
    if after is None:
        query = query.order_by(table.item_id.desc())
    else:
        query = query.where(table.item_id > after).order_by(table.item_id)
    for column, wanted in ((table.state, state), (table.association, association), (table.kind, kind)):
        if wanted:
            query = query.where(column == wanted)
    return [_review(tuple(row)) for row in tx.execute(query)]


def review(tx: Connection, item_id: int) -> ReviewItem | None:
    """One item."""
    found = select_in(tx, _SELECT_REVIEW + "where item_id {keys}", [item_id], kind="bigint")
    return _review(found[0]) if found else None


def last_number(tx: Connection) -> int:
    """The highest number any item has."""
    return int(tx.execute(select(func.coalesce(func.max(schema.review.c.item_id), 0))).scalar_one())


def answered(tx: Connection, *, kind: str, claim_id: str | None, situation: bytes | None) -> bool:
    """Whether a person has already looked at exactly these facts about a claim."""
    table = schema.review.c
    query = select(table.item_id).where(table.kind == kind, table.state == "decided", table.claim_id == claim_id)
    return tx.execute(query.where(table.situation == situation).limit(1)).first() is not None


def has_open_review(tx: Connection, *, kind: str, claim_id: str | None = None, page_seq: int | None = None) -> bool:
    """Whether a person is already asked about this."""
    table = schema.review.c
    query = select(table.item_id).where(table.kind == kind, table.state == "open")
    if claim_id is not None:
        query = query.where(table.claim_id == claim_id)
    if page_seq is not None:
        query = query.where(table.page_seq == page_seq)
    return tx.execute(query.limit(1)).first() is not None


def open_counts(tx: Connection) -> tuple[int, int]:
    """(quarantined, in review) that are open."""
    quarantined_ = select(func.count()).select_from(schema.quarantine).where(schema.quarantine.c.state == "open")
    review_ = select(func.count()).select_from(schema.review).where(schema.review.c.state == "open")
    return int(tx.execute(quarantined_).scalar_one()), int(tx.execute(review_).scalar_one())


def counts_by_page(tx: Connection, feed: str) -> tuple[dict[int, int], dict[int, int]]:
    """(page → open quarantined rows, page → rows in open match reviews that are nobody's yet) of a feed."""
    table = schema.quarantine.c
    joined = schema.quarantine.join(schema.page, schema.page.c.seq == table.page_seq)
    query = select(table.page_seq, func.count()).select_from(joined)
    query = query.where(schema.page.c.feed == feed, table.state.in_(_STANDING), table.row.is_not(None))
    review_ = schema.review.c
    each = select(review_.page_seq, review_.row).where(
        review_.feed == feed, review_.state.in_(_STANDING), review_.kind == "match"
    )
    record = schema.record.c
    recorded = exists().where(record.page_seq == review_.page_seq, record.row == review_.row)
    rows = each.where(~recorded).distinct().subquery()
    review_query = select(rows.c.page_seq, func.count()).group_by(rows.c.page_seq)
    return (
        {row[0]: row[1] for row in tx.execute(query.group_by(table.page_seq))},
        {row[0]: row[1] for row in tx.execute(review_query)},
    )


def expire(tx: Connection, seqs: Sequence[int]) -> int:
    """Close the open items of pages that are gone; returns how many."""
    closed = 0
    for table in (schema.quarantine, schema.review):
        mine = table.c.page_seq.in_(seqs) & (table.c.state == "open")
        closed += tx.execute(update(table).where(mine).values(state="expired")).rowcount
    return closed
