"""The audit log as it stands in the database: appended to, read in order, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select

from gateway.store.account_tables import audit_entry
from gateway.store.engine import lock


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is stored; `at` in milliseconds, `person`, `own` and `link` keyed digests."""

    entry_no: int
    at: int
    account: str
    act: str
    subject: str
    person: bytes | None
    purpose: str
    page: str
    own: bytes
    link: bytes


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: of an account, an act, a person (keyed digest), between two instants (milliseconds)."""

    account: str | None = None
    act: str | None = None
    person: bytes | None = None
    since: int | None = None
    until: int | None = None


_COLUMNS: Final = AuditRow.__struct_fields__
_SELECT: Final = select(*(audit_entry.c[name] for name in _COLUMNS))
_CHUNK: Final = 5_000


def last(tx: Connection) -> AuditRow | None:
    """The newest entry, and nobody appends another until this transaction ends."""
    lock(tx, "audit")
    row = tx.execute(_SELECT.order_by(audit_entry.c.entry_no.desc()).limit(1)).first()
    return AuditRow(**row._mapping) if row is not None else None


def append(tx: Connection, row: AuditRow) -> None:
    """Write an entry behind the last one."""
    tx.execute(insert(audit_entry).values(**{name: getattr(row, name) for name in _COLUMNS}))


def in_order(tx: Connection, *, after: int = 0) -> Iterator[AuditRow]:
    """Every entry behind this number, oldest first."""
    while True:
        query = _SELECT.where(audit_entry.c.entry_no > after).order_by(audit_entry.c.entry_no).limit(_CHUNK)
        rows = [AuditRow(**row._mapping) for row in tx.execute(query)]
        yield from rows
        if len(rows) < _CHUNK:
            return
        after = rows[-1].entry_no


def listing(tx: Connection, choice: AuditFilter, *, below: int | None = None, limit: int = 100) -> list[AuditRow]:
    """Entries that fit, newest first; `below`: from behind the entry of this number on."""
    table, query = audit_entry.c, _SELECT
    for name in ("account", "act", "person"):
        value = getattr(choice, name)
        if value is not None:
            query = query.where(table[name] == value)
    if choice.since is not None:
        query = query.where(table.at >= choice.since)
    if choice.until is not None:
        query = query.where(table.at < choice.until)
    if below is not None:
        query = query.where(table.entry_no < below)
    return [AuditRow(**row._mapping) for row in tx.execute(query.order_by(table.entry_no.desc()).limit(limit))]
