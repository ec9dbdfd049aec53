"""The roster's version for each association: what a batch holds, and what an import moves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.store import schema
from gateway.store.engine import insert_for, is_postgres, select_in


def version(tx: Connection, associations: Sequence[str], *, hold: bool = False) -> tuple[int, ...]:
    """The roster's version for each association; with `hold`, it stays until this transaction ends."""
    query = "select association, version from roster where association {keys}"
    if hold and is_postgres(tx):
        query += " for share"
    versions = dict(select_in(tx, query, associations, kind="text"))
    return tuple(versions.get(name, 0) for name in associations)


def ensure(tx: Connection, associations: Sequence[str]) -> None:
    """A roster row for each association, so that there is always one to hold."""
    for name in associations:
        new = insert_for(tx, schema.roster).values(association=name, version=0)
        tx.execute(new.on_conflict_do_nothing())


def move_version(tx: Connection, association: str) -> int:
    """The roster changes now: take its lock and count up."""
    table = schema.roster
    new = insert_for(tx, table).values(association=association, version=1)
    moved = new.on_conflict_do_update(
        index_elements=[table.c.association], set_={"version": table.c.version + 1}
    ).returning(table.c.version)
    return int(tx.execute(moved).scalar_one())
