"""Rulings: what is remembered of people's decisions about evidence, and where it was used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from gateway.store import review_decisions, schema
from gateway.store.engine import change_many, insert_many, select_in


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence (a keyed digest) is about this member, or is not. `void`: no longer, since the member changed."""

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


def add(tx: Connection, rulings: Sequence[Ruling]) -> None:
    """Remember rulings."""
    insert_many(tx, schema.ruling, _RULING, [tuple(getattr(ruling, name) for name in _RULING) for ruling in rulings])


def by_digest(tx: Connection, digests: Iterable[bytes]) -> dict[bytes, list[Ruling]]:
    """Digest → the rulings about it that hold, in order of number."""
    query = _SELECT_RULING + "where void = false and digest {keys}"
    by_evidence: dict[bytes, list[Ruling]] = defaultdict(list)
    for ruling in sorted(map(_ruling, select_in(tx, query, digests, kind="bytea")), key=lambda row: row.ruling_id):
        by_evidence[ruling.digest].append(ruling)
    return dict(by_evidence)


def of_decisions(tx: Connection, decision_ids: Iterable[int]) -> list[Ruling]:
    """The rulings these decisions made."""
    rows = select_in(tx, _SELECT_RULING + "where decision_id {keys}", decision_ids, kind="bigint")
    return [_ruling(row) for row in rows]


def forget(tx: Connection, ruling_ids: Iterable[int]) -> None:
    """These rulings hold no more, and where they were used need not be remembered."""
    ids = [(ruling_id,) for ruling_id in ruling_ids]
    change_many(tx, "delete from ruled_row where ruling_id = ?", ids)
    change_many(tx, "delete from ruling where ruling_id = ?", ids)


def note_uses(tx: Connection, uses: Iterable[tuple[int, int, int]]) -> None:
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
    rows = select_in(tx, _SELECT_RULING + "where member_id {keys}", ids, kind="bigint")
    review_decisions.end(tx, {ruling.decision_id for ruling in map(_ruling, rows)}, state="overtaken")
    change_many(tx, "update ruling set void = true where member_id = ?", [(member_id,) for member_id in ids])
    sql = "update review_decision set state = 'overtaken' where state = 'proposed' and member_id = ?"
    change_many(tx, sql, [(member_id,) for member_id in ids])


def voided(tx: Connection, member_ids: Iterable[int]) -> list[int]:
    """The rulings about these members that hold no more and whose rows were not looked at again yet."""
    query = "select ruling_id from ruling where void = true and member_id {keys}"
    return [int(row[0]) for row in select_in(tx, query, member_ids, kind="bigint")]


def expire(tx: Connection, seqs: Sequence[int]) -> None:
    """Pages are gone: notes about their rows go, and so does what was remembered of people who are not members.

    What was ruled about a member (`same`) ends with the enrolment or any change of it; that a person is not one
    ends with the last page that holds that person.
    """
    sql = "delete from ruled_row where page_seq = ? and ruling_id in (select ruling_id from ruling where same = false)"
    change_many(tx, sql, [(seq,) for seq in seqs])
    used = select(schema.ruled_row.c.ruling_id)
    table = schema.ruling
    tx.execute(table.delete().where(table.c.same.is_(False), table.c.ruling_id.not_in(used)))
