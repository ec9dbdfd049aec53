"""What people decided about doubts, what is remembered of it, and who looked at plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one person said about an item; notes are sealed, instants in milliseconds."""

    item_id: int
    association: str
    answer: str
    state: str
    member_id: int | None
    by: str
    note: bytes | None
    decided_at: int
    levels: str = "{}"
    model: str = ""
    joined: str = "[]"
    undone_by: str | None = None
    undone_at: int | None = None
    undone_note: bytes | None = None
    decision_id: int = 0


_DECISION = tuple(name for name in DecisionRow.__struct_fields__ if name != "decision_id")
_SELECT_DECISION = 'select "decision_id", ' + ", ".join(f'"{name}"' for name in _DECISION) + " from review_decision "


def _decision(values: Sequence[Any]) -> DecisionRow:
    fields = dict(zip(("decision_id", *_DECISION), values, strict=True))
    notes = {name: None if fields[name] is None else bytes(fields[name]) for name in ("note", "undone_note")}
    return DecisionRow(**{**fields, **notes})


def add_decision(tx: Connection, row: DecisionRow) -> int:
    """Remember what a person said; returns its number."""
    values = {name: getattr(row, name) for name in _DECISION}
    new = insert(schema.review_decision).values(**values).returning(schema.review_decision.c.decision_id)
    return int(tx.execute(new).scalar_one())


def decisions_of(tx: Connection, item_ids: Iterable[int]) -> dict[int, list[DecisionRow]]:
    """Item → what people said about it, oldest first."""
    query = _SELECT_DECISION + "where item_id {keys}"
    found = map(_decision, select_in(tx, query, item_ids, kind="bigint"))
    said: dict[int, list[DecisionRow]] = defaultdict(list)
    for row in sorted(found, key=lambda row: row.decision_id):
        said[row.item_id].append(row)
    return dict(said)


def end_decisions(tx: Connection, decision_ids: Iterable[int], *, state: str) -> None:
    """These decisions are over: overtaken by another one, or by a change of the member."""
    sql = "update review_decision set state = ? where decision_id = ?"
    change_many(tx, sql, [(state, each) for each in decision_ids])


def undo_decision(tx: Connection, decision_id: int, *, by: str, at: int, note: bytes | None = None) -> None:
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


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence (a keyed digest) is about this member, or is not. `void`: he changed since, so it holds no more."""

    association: str
    digest: bytes
    member_id: int
    same: bool
    decision_id: int
    void: bool = False
    ruling_id: int = 0


_RULING = tuple(name for name in Ruling.__struct_fields__ if name != "ruling_id")
_SELECT_RULING = 'select "ruling_id", ' + ", ".join(f'"{name}"' for name in _RULING) + " from ruling "


def _ruling(values: Sequence[Any]) -> Ruling:
    fields = dict(zip(("ruling_id", *_RULING), values, strict=True))
    plain = {"digest": bytes(fields["digest"]), "same": bool(fields["same"]), "void": bool(fields["void"])}
    return Ruling(**{**fields, **plain})


def rule(tx: Connection, rulings: Sequence[Ruling]) -> None:
    """Remember rulings."""
    insert_many(tx, schema.ruling, _RULING, [tuple(getattr(each, name) for name in _RULING) for each in rulings])


def rulings(tx: Connection, digests: Iterable[bytes]) -> dict[bytes, list[Ruling]]:
    """Digest → the rulings about it that hold, in order of number."""
    query = _SELECT_RULING + "where void = false and digest {keys}"
    found: dict[bytes, list[Ruling]] = defaultdict(list)
    for each in sorted(map(_ruling, select_in(tx, query, digests, kind="bytea")), key=lambda one: one.ruling_id):
        found[each.digest].append(each)
    return dict(found)


def rulings_of(tx: Connection, decision_ids: Iterable[int]) -> list[Ruling]:
    """The rulings these decisions made."""
    found = select_in(tx, _SELECT_RULING + "where decision_id {keys}", decision_ids, kind="bigint")
    return [_ruling(row) for row in found]


def forget_rulings(tx: Connection, ruling_ids: Iterable[int]) -> None:
    """These rulings hold no more, and where they were used needs nobody's memory."""
    ids = [(each,) for each in ruling_ids]
    change_many(tx, "delete from ruled_row where ruling_id = ?", ids)
    change_many(tx, "delete from ruling where ruling_id = ?", ids)


def note_ruled(tx: Connection, uses: Iterable[tuple[int, int, int]]) -> None:
    """(ruling, page, row): the ruling decided this row."""
    rows = sorted(set(uses))
    change_many(tx, 'delete from ruled_row where ruling_id = ? and page_seq = ? and "row" = ?', rows)
    insert_many(tx, schema.ruled_row, ("ruling_id", "page_seq", "row"), rows)


def ruled_rows(tx: Connection, ruling_ids: Iterable[int]) -> set[tuple[int, int]]:
    """(page, row) of everything these rulings decided."""
    query = 'select page_seq, "row" from ruled_row where ruling_id {keys}'
    return {(int(seq), int(row)) for seq, row in select_in(tx, query, ruling_ids, kind="bigint")}


def void(tx: Connection, member_ids: Iterable[int]) -> None:
    """These members changed: what was ruled about them, and what one person proposed, holds no more."""
    ids = list(member_ids)
    found = select_in(tx, _SELECT_RULING + "where member_id {keys}", ids, kind="bigint")
    end_decisions(tx, {each.decision_id for each in map(_ruling, found)}, state="overtaken")
    change_many(tx, "update ruling set void = true where member_id = ?", [(each,) for each in ids])
    sql = "update review_decision set state = 'overtaken' where state = 'proposed' and member_id = ?"
    change_many(tx, sql, [(each,) for each in ids])


def void_rulings(tx: Connection, member_ids: Iterable[int]) -> list[int]:
    """The rulings about these members that hold no more and whose rows were not looked at again yet."""
    query = "select ruling_id from ruling where void = true and member_id {keys}"
    return [int(row[0]) for row in select_in(tx, query, member_ids, kind="bigint")]


def expire(tx: Connection, seqs: Sequence[int]) -> None:
    """Pages are gone: notes about their rows go, and so does what was remembered of people who are not members.

    What was ruled about a member (`same`) ends with his enrolment or any change of it; that somebody is not one
    ends with the last page that holds him.
    """
    sql = "delete from ruled_row where page_seq = ? and ruling_id in (select ruling_id from ruling where same = false)"
    change_many(tx, sql, [(seq,) for seq in seqs])
    used = select(schema.ruled_row.c.ruling_id)
    table = schema.ruling
    tx.execute(table.delete().where(table.c.same.is_(False), table.c.ruling_id.not_in(used)))
    items = select(schema.review.c.item_id).where(schema.review.c.page_seq.in_(seqs))
    decision = schema.review_decision
    tx.execute(update(decision).where(decision.c.item_id.in_(items)).values(note=None, undone_note=None))


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looked at plain values: who, when (milliseconds), at which item."""

    item_id: int
    by: str
    at: int
    what: str


_ACCESS = Access.__struct_fields__


def note_access(tx: Connection, access: Access) -> None:
    """Write down that somebody looks at plain values."""
    insert_many(tx, schema.review_access, _ACCESS, [msgspec.structs.astuple(access)])


def accesses(tx: Connection, *, item_id: int | None = None, limit: int = 100) -> list[Access]:
    """Who looked at plain values, newest first."""
    table = schema.review_access.c
    query = select(*(table[name] for name in _ACCESS)).order_by(table.access_id.desc()).limit(limit)
    if item_id is not None:
        query = query.where(table.item_id == item_id)
    return [Access(**row._mapping) for row in tx.execute(query)]


# ── two members, one person ──


def move_member(tx: Connection, member_id: int, *, person_id: int) -> None:
    """This member is that person from now on: his record rows and fingerprints go with him."""
    change_many(tx, "update member set person_id = ? where member_id = ?", [(person_id, member_id)])
    change_many(tx, "update member_fingerprint set person_id = ? where member_id = ?", [(person_id, member_id)])
    change_many(tx, "update record set person_id = ? where member_id = ?", [(person_id, member_id)])
