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


def ask(tx: Connection, wanted: Sequence[Rescan]) -> None:
    """Remember whom to look at again; what was asked before and not done is kept with it."""
    table = schema.rescan
    before = {each.member_id: each for each in waiting(tx, [each.member_id for each in wanted])}
    change_many(tx, "delete from rescan where member_id = ?", [(each,) for each in before])
    rows = []
    for each in wanted:
        old = before.get(each.member_id)
        digests = each.fingerprints + (old.fingerprints if old else b"")
        reread = each.reread or (old is not None and old.reread)
        rows.append((each.member_id, each.association, digests, reread))
    insert_many(tx, table, ("member_id", "association", "fingerprints", "reread"), rows)


def waiting(tx: Connection, member_ids: Iterable[int] | None = None, *, limit: int = 0) -> list[Rescan]:
    """The members to look at again: those given, or the first `limit` of all."""
    columns = "select member_id, association, fingerprints, reread from rescan "
    if member_ids is not None:
        found = select_in(tx, columns + "where member_id {keys}", member_ids, kind="bigint")
    else:
        query = select(schema.rescan).order_by(schema.rescan.c.member_id).limit(limit or None)
        found = [tuple(row) for row in tx.execute(query)]
    return [
        Rescan(member_id=one, association=two, fingerprints=bytes(three), reread=bool(four))
        for one, two, three, four in found
    ]


def forget(tx: Connection, done: Sequence[Rescan]) -> None:
    """Forget what was asked, unless more was asked meanwhile."""
    change_many(
        tx,
        "delete from rescan where member_id = ? and fingerprints = ?",
        [(each.member_id, each.fingerprints) for each in done],
    )
