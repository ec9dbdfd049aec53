"""What people decided about open questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec
from sqlalchemy import Connection, insert, select, update

from gateway.model.states import AnswerState
from gateway.store import schema
from gateway.store.engine import change_many, select_in


class ReviewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What one person said about an item; notes are sealed, instants in milliseconds. `original`: the key of the
    settlement that was named as what a refund takes back."""

    item_id: int
    association: str
    answer: str
    state: AnswerState
    member_id: int | None
    by: str
    note: bytes | None
    decided_at: int
    levels: str = "{}"
    model: str = ""
    joined: str = "[]"
    original: bytes | None = None
    undone_by: str | None = None
    undone_at: int | None = None
    undone_note: bytes | None = None
    decision_id: int = 0


_DECISION = tuple(name for name in ReviewDecision.__struct_fields__ if name != "decision_id")

_SELECT_DECISION = 'select "decision_id", ' + ", ".join(f'"{name}"' for name in _DECISION) + " from review_decision "


def add(tx: Connection, row: ReviewDecision) -> int:
    """Remember what a person said; returns its number."""
    values = {name: getattr(row, name) for name in _DECISION}
    new = insert(schema.review_decision).values(**values).returning(schema.review_decision.c.decision_id)
    return int(tx.execute(new).scalar_one())


def of_items(tx: Connection, item_ids: Iterable[int]) -> dict[int, list[ReviewDecision]]:
    """Item → what people said about it, oldest first."""
    query = _SELECT_DECISION + "where item_id {keys}"
    by_item: dict[int, list[ReviewDecision]] = defaultdict(list)
    for values in sorted(select_in(tx, query, item_ids, kind="bigint"), key=itemgetter(0)):
        fields = dict(zip(("decision_id", *_DECISION), values, strict=True))
        for name in ("note", "undone_note", "original"):
            fields[name] = None if fields[name] is None else bytes(fields[name])
        by_item[fields["item_id"]].append(ReviewDecision(**fields))
    return dict(by_item)


def end(tx: Connection, decision_ids: Iterable[int], *, state: AnswerState) -> None:
    """These decisions are over: overtaken by another one, or by a change of the member."""
    sql = "update review_decision set state = ? where decision_id = ?"
    change_many(tx, sql, [(state, decision_id) for decision_id in decision_ids])


def undo(tx: Connection, decision_id: int, *, by: str, at: int, note: bytes | None = None) -> None:
    """A person took a decision back."""
    table = schema.review_decision
    values = {"state": "undone", "undone_by": by, "undone_at": at, "undone_note": note}
    tx.execute(update(table).where(table.c.decision_id == decision_id).values(**values))


def lessons(tx: Connection, *, association: str | None = None) -> list[tuple[str, bool, str]]:
    """(evidence levels as JSON, whether it was the same person, model) of every decision that stands."""
    table = schema.review_decision.c
    query = select(table.levels, table.answer, table.model).order_by(table.decision_id)
    query = query.where(table.state == "done", table.answer.in_(("same", "different")), table.levels != "{}")
    if association:
        query = query.where(table.association == association)
    return [(row.levels, row.answer == "same", row.model) for row in tx.execute(query)]


def expire(tx: Connection, seqs: Sequence[int]) -> None:
    """Pages are gone: notes of decisions about their rows go too."""
    items = select(schema.review.c.item_id).where(schema.review.c.page_seq.in_(seqs))
    table = schema.review_decision
    tx.execute(update(table).where(table.c.item_id.in_(items)).values(note=None, undone_note=None))
