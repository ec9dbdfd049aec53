"""The one row that says which site a database belongs to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, inspect, select

from gateway.store import schema
from gateway.store.engine import insert_for, lock
from gateway.store.values import from_ms, to_ms


def is_empty(tx: Connection) -> bool:
    """Whether nothing was ever made here: no table stands in this database."""
    return not inspect(tx).get_table_names()


def site_id(tx: Connection) -> bytes | None:
    """The site's id; None before the database was paired, also where its schema is older than the id."""
    if not inspect(tx).has_table(schema.site.name):
        return None
    stored = tx.execute(select(schema.site.c.site_id)).scalar()
    return bytes(stored) if stored is not None else None


def pair(tx: Connection, site_id: bytes, *, now: datetime) -> bytes:
    """Take this id where the database has none yet; returns the one it has, which may be another process's."""
    lock(tx, "site")
    row = insert_for(tx, schema.site).values(only=1, site_id=site_id, paired_at=to_ms(now))
    tx.execute(row.on_conflict_do_nothing())
    return bytes(tx.execute(select(schema.site.c.site_id)).scalar_one())


_PAIRED_AT = select(schema.site.c.paired_at)


def paired_at(tx: Connection) -> datetime | None:
    """Since when this database is the site's."""
    paired_ms = tx.execute(_PAIRED_AT).scalar()
    return from_ms(paired_ms) if paired_ms is not None else None


def adopt(tx: Connection, site_id: bytes, *, now: datetime, by: str) -> None:
    """Take this id in place of whatever the database had, because this person says so."""
    lock(tx, "site")
    tx.execute(delete(schema.site))
    tx.execute(schema.site.insert().values(only=1, site_id=site_id, paired_at=to_ms(now), paired_by=by))


def rows(tx: Connection) -> dict[str, int]:
    """Table → rows, of the tables that hold what a site would miss."""
    names = set(inspect(tx).get_table_names())
    tables = (schema.page, schema.member, schema.record, schema.claim, schema.delivery, schema.fact)
    return {
        table.name: int(tx.execute(select(func.count()).select_from(table)).scalar_one())
        for table in tables
        if table.name in names
    }
