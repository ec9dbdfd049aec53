"""How far what older releases stored is rewritten, step by step."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, update

from gateway.store import schema
from gateway.store.engine import insert_for
from gateway.store.values import to_ms


class RewritingStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step that was begun: how many rows it has rewritten, and when it ended. Instants in milliseconds."""

    step: str
    rows: int
    begun_at: int
    finished_at: int | None


_STEPS = select(*(schema.rewriting.c[name] for name in RewritingStep.__struct_fields__))


def steps(tx: Connection) -> dict[str, RewritingStep]:
    """Step → how it stands, of those that were begun."""
    return {row.step: RewritingStep(**row._mapping) for row in tx.execute(_STEPS)}


def advance(tx: Connection, step: str, *, rows: int, now: datetime) -> None:
    """A step was begun, or has rewritten so many rows more."""
    table = schema.rewriting
    new = insert_for(tx, table).values(step=step, rows=rows, begun_at=to_ms(now))
    more = {"rows": table.c.rows + rows}
    tx.execute(new.on_conflict_do_update(index_elements=[table.c.step], set_=more))


def finish(tx: Connection, step: str, *, now: datetime) -> None:
    """A step that was begun has nothing left to do."""
    tx.execute(update(schema.rewriting).where(schema.rewriting.c.step == step).values(finished_at=to_ms(now)))
