"""Rescans: the members whose past must be looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


class Rescan(msgspec.Struct, frozen=True, kw_only=True):
    """A member whose past must be looked at again. `fingerprints`: old and new, 16 bytes each."""

    member_id: int
    association: str
    fingerprints: bytes
    reread: bool


def ask(tx: Connection, rescans: Sequence[Rescan]) -> None:
    """Remember whom to look at again; what was asked before and not done is kept with it."""
    before = {old.member_id: old for old in waiting(tx, [rescan.member_id for rescan in rescans])}
    change_many(tx, "delete from rescan where member_id = ?", [(member_id,) for member_id in before])
    rows = []
    for rescan in rescans:
        old = before.get(rescan.member_id)
        digests = rescan.fingerprints + (old.fingerprints if old else b"")
        reread = rescan.reread or (old is not None and old.reread)
        rows.append((rescan.member_id, rescan.association, digests, reread))
    insert_many(tx, schema.rescan, ("member_id", "association", "fingerprints", "reread"), rows)


def waiting(tx: Connection, member_ids: Iterable[int] | None = None, *, limit: int = 0) -> list[Rescan]:
    """The members to look at again: those given, or the first `limit` of all."""
    columns = "select member_id, association, fingerprints, reread from rescan "
    if member_ids is not None:
        rows = select_in(tx, columns + "where member_id {keys}", member_ids, kind="bigint")
    else:
        query = select(schema.rescan).order_by(schema.rescan.c.member_id).limit(limit or None)
        rows = [tuple(row) for row in tx.execute(query)]
    return [
        Rescan(member_id=member_id, association=association, fingerprints=bytes(digests), reread=bool(reread))
        for member_id, association, digests, reread in rows
    ]


def forget(tx: Connection, rescans: Sequence[Rescan]) -> None:
    """Forget what was asked, unless more was asked meanwhile."""
    change_many(
        tx,
        "delete from rescan where member_id = ? and fingerprints = ?",
        [(rescan.member_id, rescan.fingerprints) for rescan in rescans],
    )
