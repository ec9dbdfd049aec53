"""Open questions, waiting for a person: doubtful matches, files taken back, facts about decided claims."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, true, update

from gateway.model.questions import ReviewItem
from gateway.model.states import ItemState, QuestionKind
from gateway.store import schema
from gateway.store.engine import change_many, insert_many, keys_open, select_in

_ABOUT_ROWS = "kind in ('match', 'changed', 'hold')"
_REVIEW = tuple(name for name in ReviewItem.__struct_fields__ if name != "item_id")


def ask(tx: Connection, items: Sequence[ReviewItem]) -> None:
    """Put items before a person."""
    insert_many(tx, schema.review, _REVIEW, [tuple(getattr(item, name) for name in _REVIEW) for item in items])


def ask_again(tx: Connection, items: Sequence[ReviewItem]) -> None:
    """Put doubts about rows before a person; one that was asked before keeps its number."""
    seqs = {item.page_seq for item in items}
    query = _SELECT_REVIEW + f"where {_ABOUT_ROWS} and state in ('closed', 'decided') and page_seq {{keys}}"
    before = {
        (old.kind, old.page_seq, old.row, old.association): old.item_id
        for old in sorted(map(_review, select_in(tx, query, seqs, kind="bigint")), key=lambda old: old.item_id)
    }
    numbered = [(item, before.get((item.kind, item.page_seq, item.row, item.association))) for item in items]
    sql = 'update review set state = ?, member_id = ?, score = ?, reasons = ?, "key" = ?, amount = ? where item_id = ?'
    again = [
        (item.state, item.member_id, item.score, item.reasons, item.key, item.amount, item_id)
        for item, item_id in numbered
        if item_id is not None
    ]
    change_many(tx, sql, again)
    ask(tx, [item for item, item_id in numbered if item_id is None])


def _review(values: Sequence[Any]) -> ReviewItem:
    return ReviewItem(**dict(zip(("item_id", *_REVIEW), values, strict=True)))


_SELECT_REVIEW = 'select "item_id", ' + ", ".join(f'"{name}"' for name in _REVIEW) + " from review "


def open_by_key(tx: Connection, keys: Collection[bytes]) -> list[ReviewItem]:
    """The open match reviews about these records."""
    query = _SELECT_REVIEW + "where state = 'open' and key {keys}"
    return [_review(row) for row in select_in(tx, query, keys_open(tx, schema.review, keys), kind="bytea")]


def open_of_members(tx: Connection, member_ids: Iterable[int]) -> list[ReviewItem]:
    """The open match reviews whose best candidate is one of these members."""
    query = _SELECT_REVIEW + "where state = 'open' and kind = 'match' and member_id {keys}"
    return [_review(row) for row in select_in(tx, query, member_ids, kind="bigint")]


def open_of_pages(tx: Connection, seqs: Iterable[int]) -> list[ReviewItem]:
    """The open questions about rows of these pages: whose they are, what they may replace, or that they wait in a
    hold."""
    query = _SELECT_REVIEW + f"where state = 'open' and {_ABOUT_ROWS} and page_seq {{keys}}"
    return [_review(row) for row in select_in(tx, query, seqs, kind="bigint")]


_ABOUT_BILLS = "kind in ('refund', 'repeat')"


def about_bills(tx: Connection, member_ids: Iterable[int]) -> list[ReviewItem]:
    """What was asked about the bills of these members' people, and is open or answered."""
    query = _SELECT_REVIEW + f"where {_ABOUT_BILLS} and state in ('open', 'decided') and member_id {{keys}}"
    return [_review(row) for row in select_in(tx, query, member_ids, kind="bigint")]


def open_of_bills(tx: Connection, member_ids: Iterable[int]) -> list[ReviewItem]:
    """The open questions about bills, or rows that may be bills, of these members."""
    query = _SELECT_REVIEW + f"where state = 'open' and ({_ABOUT_ROWS} or {_ABOUT_BILLS}) and member_id {{keys}}"
    return [_review(row) for row in select_in(tx, query, member_ids, kind="bigint")]


def changed_of_pages(tx: Connection, seqs: Iterable[int]) -> list[ReviewItem]:
    """What was or is asked about rows of these pages that could not simply replace what stands."""
    query = _SELECT_REVIEW + "where kind = 'changed' and state in ('open', 'decided', 'closed') and page_seq {keys}"
    return [_review(row) for row in select_in(tx, query, seqs, kind="bigint")]


def refused_rows(tx: Connection, seqs: Iterable[int]) -> list[tuple[int, int]]:
    """(page, row) of what waited in a hold a person decided about."""
    query = "select page_seq, row from review where kind = 'hold' and state = 'closed' and page_seq {keys}"
    return [(seq, row) for seq, row in select_in(tx, query, seqs, kind="bigint")]


def move(tx: Connection, places: Sequence[tuple[int, int, int]]) -> None:
    """(page, row, item): what the item is about came again in another row."""
    change_many(tx, "update review set page_seq = ?, row = ? where item_id = ?", places)


def open_takebacks(tx: Connection, seqs: Iterable[int]) -> list[ReviewItem]:
    """The open questions whether files that begin with these pages may take back so much."""
    query = _SELECT_REVIEW + "where state = 'open' and kind = 'takeback' and page_seq {keys}"
    return [_review(row) for row in select_in(tx, query, seqs, kind="bigint")]


def open_of_claim(tx: Connection, *, kind: QuestionKind, claim_id: str) -> list[ReviewItem]:
    """The open questions of a kind about a claim."""
    query = _SELECT_REVIEW + f"where state = 'open' and kind = '{kind}' and claim_id {{keys}}"
    return [_review(row) for row in select_in(tx, query, [claim_id], kind="text")]


def end(tx: Connection, item_ids: Sequence[int], *, state: ItemState) -> None:
    """Close items: superseded by a later record, or closed."""
    change_many(tx, "update review set state = ? where item_id = ?", [(state, item_id) for item_id in item_ids])


def listing(
    tx: Connection,
    *,
    state: ItemState | None = "open",
    association: str | None = None,
    kind: QuestionKind | None = None,
    after: int | None = None,
    below: int | None = None,
    limit: int = 100,
) -> list[ReviewItem]:
    """What waits for a person, newest first, from behind `below` on; with `after`, in order of number from behind that
    one on."""
    table = schema.review.c
    older = table.item_id < below if below is not None else true()
    query = select(*(table[name] for name in ("item_id", *_REVIEW))).where(older).limit(limit)
    if after is None:
        query = query.order_by(table.item_id.desc())
    else:
        query = query.where(table.item_id > after).order_by(table.item_id)
    return [_review(tuple(row)) for row in tx.execute(query.where(_is_of(state, association, kind)))]


def count(
    tx: Connection, *, state: ItemState | None, association: str | None = None, kind: QuestionKind | None = None
) -> int:
    """How many items `listing` has without a limit."""
    query = select(func.count()).select_from(schema.review).where(_is_of(state, association, kind))
    return int(tx.execute(query).scalar_one())


def _is_of(state: ItemState | None, association: str | None, kind: QuestionKind | None) -> ColumnElement[bool]:
    table = schema.review.c
    equal = ((table.state, state), (table.association, association), (table.kind, kind))
    return and_(True, *(column == value for column, value in equal if value))


def by_id(tx: Connection, item_id: int) -> ReviewItem | None:
    """One item."""
    rows = select_in(tx, _SELECT_REVIEW + "where item_id {keys}", [item_id], kind="bigint")
    return _review(rows[0]) if rows else None


def last_number(tx: Connection) -> int:
    """The highest number any item has."""
    return int(tx.execute(select(func.coalesce(func.max(schema.review.c.item_id), 0))).scalar_one())


def is_answered(tx: Connection, *, kind: QuestionKind, claim_id: str | None, situation: bytes | None) -> bool:
    """Whether a person has already looked at exactly these facts about a claim."""
    table = schema.review.c
    query = select(table.item_id).where(table.kind == kind, table.state == "decided", table.claim_id == claim_id)
    return tx.execute(query.where(table.situation == situation).limit(1)).first() is not None


def has_open(tx: Connection, *, kind: QuestionKind, claim_id: str | None = None, page_seq: int | None = None) -> bool:
    """Whether a person is already asked about this."""
    table = schema.review.c
    query = select(table.item_id).where(table.kind == kind, table.state == "open")
    if claim_id is not None:
        query = query.where(table.claim_id == claim_id)
    if page_seq is not None:
        query = query.where(table.page_seq == page_seq)
    return tx.execute(query.limit(1)).first() is not None


def count_open(tx: Connection) -> int:
    """How many items are open."""
    query = select(func.count()).select_from(schema.review).where(schema.review.c.state == "open")
    return int(tx.execute(query).scalar_one())


def counts_by_page(tx: Connection, feed: str) -> dict[int, int]:
    """Page → rows of a feed that are a doubt and no record yet. What expired is still what became of its row."""
    table = schema.review.c
    doubts = select(table.page_seq, table.row).where(
        table.feed == feed, table.state.in_(("open", "expired")), table.kind.in_(("match", "changed", "hold"))
    )
    record = schema.record.c
    recorded = exists().where(record.page_seq == table.page_seq, record.row == table.row)
    rows = doubts.where(~recorded).distinct().subquery()
    query = select(rows.c.page_seq, func.count()).group_by(rows.c.page_seq)
    return {row[0]: row[1] for row in tx.execute(query)}


def expire(tx: Connection, seqs: Sequence[int]) -> int:
    """Close the open items of pages that are gone; returns how many. Questions about bills stay: they are about
    records, which are kept."""
    table = schema.review
    of_pages = table.c.page_seq.in_(seqs) & table.c.kind.not_in(("refund", "repeat"))
    open_items = of_pages & (table.c.state == "open")
    return tx.execute(update(table).where(open_items).values(state="expired")).rowcount


def forget_released(tx: Connection, seqs: Iterable[int]) -> None:
    """Rows that only waited until their cause was known were never a question to anybody."""
    table = schema.review
    ended = (table.c.kind == "hold") & (table.c.state == "closed") & table.c.page_seq.in_(sorted(seqs))
    tx.execute(delete(table).where(ended))


def expire_rows(tx: Connection, places: Iterable[tuple[int, int | None]]) -> None:
    """Rows (page, row) that waited in a hold that nobody decided are what they are, for good."""
    sql = "update review set state = 'expired' where kind = 'hold' and state = 'open' and page_seq = ? and row = ?"
    change_many(tx, sql.replace(" row ", ' "row" '), [place for place in places if place[1] is not None])
