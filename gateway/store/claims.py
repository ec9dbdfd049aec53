"""Claims and what the association decided about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, select

from gateway.model.claim import PrefilledClaim
from gateway.store import schema
from gateway.store.engine import change_many, insert_for, insert_many, is_postgres, select_in
from gateway.store.values import to_ms

_COLUMNS = PrefilledClaim.__struct_fields__
_SELECT = "select " + ", ".join(_COLUMNS) + " from claim "


def _row(values: Sequence[Any]) -> PrefilledClaim:
    return PrefilledClaim(**dict(zip(_COLUMNS, values, strict=True)))


def of_people(tx: Connection, person_ids: Iterable[int]) -> list[PrefilledClaim]:
    """The claims of these people."""
    return [_row(row) for row in select_in(tx, _SELECT + "where person_id {keys}", person_ids, kind="bigint")]


def by_ids(tx: Connection, claim_ids: Iterable[str]) -> list[PrefilledClaim]:
    """The claims with these ids."""
    return [_row(row) for row in select_in(tx, _SELECT + "where claim_id {keys}", claim_ids, kind="text")]


def save(tx: Connection, new: Sequence[PrefilledClaim], changed: Sequence[PrefilledClaim]) -> None:
    """Insert new claims and write new versions over older ones."""
    insert_many(tx, schema.claim, _COLUMNS, [msgspec.structs.astuple(row) for row in new])
    sql = (
        "update claim set member_id = ?, version = ?, status = ?, edition = ?, payable = ?, flags = ?,"
        " claim_by = ?, content = ?, updated_at = ?, form = ?, publish_no = null where claim_id = ?"
    )
    values = [
        (
            r.member_id,
            r.version,
            r.status,
            r.edition,
            r.payable,
            r.flags,
            r.claim_by,
            r.content,
            r.updated_at,
            r.form,
            r.claim_id,
        )
        for r in changed
    ]
    change_many(tx, sql, values)


def with_words(tx: Connection, *, limit: int) -> list[PrefilledClaim]:
    """Claims whose rows still say in words what they are about."""
    query = select(schema.claim).where(schema.claim.c.stay != "").order_by(schema.claim.c.claim_id).limit(limit)
    return [_row([row._mapping[name] for name in _COLUMNS]) for row in tx.execute(query)]


def put_digests(tx: Connection, rows: Iterable[PrefilledClaim]) -> None:
    """Kind and digest take the place of the words."""
    sql = "update claim set stay = '', stay_kind = ?, stay_digest = ? where claim_id = ?"
    change_many(tx, sql, [(row.stay_kind, row.stay_digest, row.claim_id) for row in rows])


class ClaimDecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the association decided: outcome approved, paid or refused; amount in fen."""

    claim_id: str
    version: int
    outcome: str
    amount: int
    decided_at: int


def decisions(tx: Connection, claim_ids: Iterable[str]) -> dict[str, ClaimDecisionRow]:
    """Claim id → decision, for those that are decided."""
    query = "select claim_id, version, outcome, amount, decided_at from claim_decision where claim_id {keys}"
    rows = select_in(tx, query, claim_ids, kind="text")
    return {
        row[0]: ClaimDecisionRow(claim_id=row[0], version=row[1], outcome=row[2], amount=row[3], decided_at=row[4])
        for row in rows
    }


def decide(tx: Connection, decision: ClaimDecisionRow) -> None:
    """Remember a decision; a later one about the same claim replaces it."""
    table = schema.claim_decision
    values = msgspec.to_builtins(decision)
    new = insert_for(tx, table).values(**values)
    tx.execute(new.on_conflict_do_update(index_elements=[table.c.claim_id], set_=values))


def undecide(tx: Connection, claim_id: str) -> None:
    """Forget a decision that a person takes back."""
    tx.execute(schema.claim_decision.delete().where(schema.claim_decision.c.claim_id == claim_id))


def listing(
    tx: Connection, *, association: str | None, status: str | None, after: tuple[int, str], limit: int
) -> list[PrefilledClaim]:
    """Claims in order of their last change, from a cursor (updated_at, claim_id) on."""
    table = schema.claim.c
    query = select(schema.claim).order_by(table.updated_at, table.claim_id).limit(limit)
    query = query.where((table.updated_at > after[0]) | ((table.updated_at == after[0]) & (table.claim_id > after[1])))
    if association:
        query = query.where(table.association == association)
    if status:
        query = query.where(table.status == status)
    return [_row([row._mapping[name] for name in _COLUMNS]) for row in tx.execute(query)]


def summary(tx: Connection) -> list[tuple[str, str, int, int]]:
    """(association, status, claims, money payable in fen)."""
    table = schema.claim.c
    query = select(table.association, table.status, func.count(), func.sum(table.payable))
    rows = tx.execute(query.group_by(table.association, table.status).order_by(table.association, table.status))
    return [(association, status, claims, int(amount)) for association, status, claims, amount in rows]


def late_of_feed(tx: Connection, feed: str, *, since: datetime, until: datetime) -> tuple[int, int]:
    """How many claims of people with settlements of a feed were past their last day when they came, of those that
    changed between two instants, and the money payable in fen."""
    values = {"feed": feed, "since": to_ms(since), "until": to_ms(until)}
    count, money = tx.execute(_late_of_feed(postgres=is_postgres(tx)), values).one()
    return int(count), int(money)


@cache
def _late_of_feed(*, postgres: bool) -> Select[Any]:
    table, record = schema.claim.c, schema.record.c
    of_feed = (record.feed == bindparam("feed"), record.person_id == table.person_id)
    query = select(func.count(), func.coalesce(func.sum(table.payable), 0))
    query = query.where(table.updated_at >= bindparam("since"), table.updated_at < bindparam("until"))
    flagged = func.strpos if postgres else func.instr
    late = flagged("," + table.flags + ",", ",late,") > 0
    return query.where(select(record.record_id).where(*of_feed).exists(), table.status != "withdrawn", late)


def of_feed(tx: Connection, feed: str) -> tuple[int, int]:
    """How many claims stand of people with settlements of a feed, and the money payable in fen."""
    table, record = schema.claim.c, schema.record.c
    has_record = select(record.record_id).where(record.feed == feed, record.person_id == table.person_id).exists()
    query = select(func.count(), func.coalesce(func.sum(table.payable), 0))
    count, money = tx.execute(query.where(table.status != "withdrawn", has_record)).one()
    return int(count), int(money)


def in_force(tx: Connection, association: str) -> int:
    """How many claims of an association stand."""
    table = schema.claim.c
    query = select(func.count()).where(table.association == association, table.status != "withdrawn")
    return int(tx.execute(query).scalar_one())


def of_associations(tx: Connection, associations: Sequence[str]) -> list[PrefilledClaim]:
    """All claims of these associations, also those withdrawn."""
    query = select(schema.claim).where(schema.claim.c.association.in_(associations))
    return [_row([row._mapping[name] for name in _COLUMNS]) for row in tx.execute(query)]
