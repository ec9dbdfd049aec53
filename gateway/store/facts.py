"""Facts that associations confirmed about members: sealed boxes, found by member or by number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


class FactRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as stored; it stands as long as it has its box. `created_at` in milliseconds."""

    fact_id: int
    association: str
    member_id: int
    sealed: bytes
    created_at: int


_COLUMNS = FactRow.__struct_fields__
_SELECT = "select " + ", ".join(_COLUMNS) + " from fact where sealed is not null and "


def _row(values: Iterable[Any]) -> FactRow:
    fields = dict(zip(_COLUMNS, values, strict=True))
    return FactRow(**{**fields, "sealed": bytes(fields["sealed"])})


def add(tx: Connection, row: FactRow) -> None:
    """Write a fact down. Its number comes from `roster.new_ids`, since its seal is bound to it."""
    insert_many(tx, schema.fact, _COLUMNS, [msgspec.structs.astuple(row)])


def of_members(tx: Connection, member_ids: Iterable[int]) -> list[FactRow]:
    """The facts of these members that stand, in order of number."""
    rows = select_in(tx, _SELECT + "member_id {keys}", member_ids, kind="bigint")
    return sorted((_row(row) for row in rows), key=lambda row: row.fact_id)


def by_id(tx: Connection, fact_id: int) -> FactRow | None:
    """The fact with this number, if it stands."""
    rows = select_in(tx, _SELECT + "fact_id {keys}", [fact_id], kind="bigint")
    return _row(rows[0]) if rows else None


def listing(tx: Connection, association: str, *, after: int, limit: int) -> list[FactRow]:
    """An association's facts that stand, in order of number, those after a number."""
    table = schema.fact.c
    query = select(*(table[name] for name in _COLUMNS)).order_by(table.fact_id).limit(limit)
    query = query.where(table.association == association, table.fact_id > after, table.sealed.is_not(None))
    return [_row(tuple(row)) for row in tx.execute(query)]


def count(tx: Connection, association: str) -> int:
    """How many facts of an association stand."""
    table = schema.fact.c
    query = select(func.count()).select_from(schema.fact)
    return int(tx.execute(query.where(table.association == association, table.sealed.is_not(None))).scalar_one())


def any_told(tx: Connection, association: str) -> bool:
    """Whether any fact of an association stands."""
    return bool(listing(tx, association, after=0, limit=1))


def standing(tx: Connection, fact_ids: Iterable[int]) -> set[int]:
    """Those of these facts that stand."""
    query = "select fact_id from fact where sealed is not null and fact_id {keys}"
    return {fact_id for (fact_id,) in select_in(tx, query, fact_ids, kind="bigint")}


def under_keys(tx: Connection, key_numbers: Iterable[int], *, after: int, limit: int) -> list[FactRow]:
    """The next facts, in order of number, whose boxes name one of these keys."""
    table = schema.fact.c
    named = func.substr(table.sealed, 5, 4).in_([number.to_bytes(4, "big") for number in key_numbers])
    query = select(*(table[name] for name in _COLUMNS)).where(named, table.fact_id > after)
    return [_row(tuple(row)) for row in tx.execute(query.order_by(table.fact_id).limit(limit))]


def reseal(tx: Connection, resealed: Iterable[tuple[FactRow, bytes]]) -> None:
    """Another box for the same fact, unless it was withdrawn or sealed anew meanwhile."""
    sql = "update fact set sealed = ? where fact_id = ? and sealed = ?"
    change_many(tx, sql, [(sealed, row.fact_id, row.sealed) for row, sealed in resealed])


def end(tx: Connection, fact_ids: Iterable[int], *, now_ms: int) -> None:
    """These facts were withdrawn: what they said is gone."""
    sql = "update fact set sealed = null, ended_at = ? where fact_id = ? and sealed is not null"
    change_many(tx, sql, [(now_ms, fact_id) for fact_id in fact_ids])


def end_of_members(tx: Connection, member_ids: Iterable[int], *, now_ms: int) -> None:
    """These members have no facts any more."""
    sql = "update fact set sealed = null, ended_at = ? where member_id = ? and sealed is not null"
    change_many(tx, sql, [(now_ms, member_id) for member_id in member_ids])
