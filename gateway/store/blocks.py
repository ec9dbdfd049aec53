"""Blocks: keyed digests under which members stand, so that those who resemble a row are found."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

import msgspec
from sqlalchemy import Connection, bindparam, select, text

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


def find(tx: Connection, blocks: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """(block, member id) of the members that stand under one of these blocks."""
    rows = select_in(tx, "select block, member_id from member_block where block {keys}", blocks, kind="bytea")
    return [(bytes(block), member_id) for block, member_id in rows]


def add(tx: Connection, blocks: Iterable[tuple[bytes, int]]) -> None:
    """(block, member id): under what members stand from now on. None of them may be there already."""
    insert_many(tx, schema.member_block, ("block", "member_id"), sorted(blocks, key=itemgetter(0)))


def drop(tx: Connection, blocks: Iterable[tuple[bytes, int]]) -> None:
    """(block, member id): under what members stand no longer."""
    change_many(tx, "delete from member_block where block = ? and member_id = ?", sorted(blocks))


def has_kind(tx: Connection, kind: bytes) -> bool:
    """Whether any member stands under a block of a kind (its two letters)."""
    block = schema.member_block.c.block
    query = select(block).where(block >= kind, block < kind[:1] + bytes([kind[1] + 1])).limit(1)
    return tx.execute(query).first() is not None


def drop_kind(tx: Connection, kind: bytes, member_ids: Iterable[int]) -> list[tuple[bytes, int]]:
    """These members stand under no block of a kind (its two letters) any more; returns what they stood under. Looks
    through the kind's part of the index."""
    after = kind[:1] + bytes([kind[1] + 1])
    query = "select block, member_id from member_block where block >= ? and block < ? and member_id {keys}"
    rows = select_in(tx, query, sorted(set(member_ids)), kind="bigint", first=(kind, after))
    gone = [(bytes(block), member_id) for block, member_id in rows]
    drop(tx, gone)
    return gone


def drop_all(tx: Connection, association: str, *, keep: bytes) -> None:
    """The members of an association stand under no block any more but those of the kind `keep`."""
    enrolled = "select member_id from member where association = ?"
    sql = f"delete from member_block where substr(block, 1, 2) <> ? and member_id in ({enrolled})"
    change_many(tx, sql, [(keep, association)])


class Width(msgspec.Struct, frozen=True, kw_only=True):
    """How selective a kind of block is: index rows, members that have one, distinct blocks, the members in the
    widest one, and the sum over all blocks of its members squared."""

    kind: str
    rows: int
    members: int
    distinct: int
    widest: int
    squares: int


def widths(tx: Connection) -> list[Width]:
    """The widths of every kind of block, in order of kind. Reads the whole index."""
    kind = "substr(block, 1, 2)"
    sizes = f"select {kind} as kind, count(*) as many from member_block group by block"
    totals = f"select kind, sum(many), count(*), max(many), sum(many * many) from ({sizes}) as sizes group by kind"
    people = f"select {kind} as kind, count(distinct member_id) from member_block group by {kind}"
    members = {bytes(name): many for name, many in tx.execute(text(people))}
    return [
        Width(
            kind=bytes(name).decode("ascii"),
            rows=int(rows),
            members=members[bytes(name)],
            distinct=distinct,
            widest=widest,
            squares=int(squares),
        )
        for name, rows, distinct, widest, squares in sorted(tx.execute(text(totals)), key=lambda row: bytes(row[0]))
    ]


_RULES = select(schema.roster.c.indexed).where(schema.roster.c.association == bindparam("association"))


def rules_of(tx: Connection, association: str) -> int:
    """By which rules the blocks of an association's members were made; 0 for none."""
    return int(tx.execute(_RULES, {"association": association}).scalar() or 0)


def set_rules(tx: Connection, association: str, rules: int) -> None:
    """All members of this association stand under the blocks of these rules now."""
    change_many(tx, "update roster set indexed = ? where association = ?", [(rules, association)])
