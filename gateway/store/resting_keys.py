"""Keys of pages that are all gone: they rest before they are destroyed, so that a backup can still be gone back to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from gateway.store import schema
from gateway.store.engine import change_many, insert_for
from gateway.store.values import from_ms, to_ms

_RESTING = select(schema.resting_key.c.key_no, schema.resting_key.c.expired_at).order_by(schema.resting_key.c.key_no)


def rest(tx: Connection, numbers: list[int], *, now: datetime) -> None:
    """From now on these keys rest, and only these: one that pages are kept under again rests no longer."""
    table = schema.resting_key
    before = set(tx.execute(select(table.c.key_no)).scalars())
    change_many(tx, "delete from resting_key where key_no = ?", [(number,) for number in before.difference(numbers)])
    for number in sorted(set(numbers) - before):
        tx.execute(insert_for(tx, table).values(key_no=number, expired_at=to_ms(now)).on_conflict_do_nothing())


def resting(tx: Connection) -> dict[int, datetime]:
    """Key number → since when it rests, in order of number."""
    return {row.key_no: from_ms(row.expired_at) for row in tx.execute(_RESTING)}


def forget(tx: Connection, numbers: list[int]) -> None:
    """These keys are destroyed."""
    tx.execute(delete(schema.resting_key).where(schema.resting_key.c.key_no.in_(numbers)))
