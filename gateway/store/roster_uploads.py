"""Rosters that came over the interface, until they are taken in or expire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.store import schema_access


class UploadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A roster that came; instants in milliseconds. state: coming | comparing | compared |
    confirmed | taken."""

    upload_id: str
    association: str
    state: str
    digest: bytes | None = None
    idempotency: bytes | None = None
    parts: int = 0
    done: int = 0
    report: str = ""
    caller: str
    at: int
    expires_at: int


_UPLOAD, _PART = schema_access.roster_upload, schema_access.roster_part
_COLUMNS = UploadRow.__struct_fields__


def add(tx: Connection, row: UploadRow) -> None:
    """Write a new one down."""
    tx.execute(insert(_UPLOAD).values(**msgspec.structs.asdict(row)))


def change(tx: Connection, upload_id: str, **values: Any) -> None:
    """Change some of its columns."""
    tx.execute(update(_UPLOAD).where(_UPLOAD.c.upload_id == upload_id).values(**values))


def find(tx: Connection, association: str, upload_id: str, *, hold: bool = False) -> UploadRow | None:
    """One of this association's; `hold`: nobody else changes it until the transaction ends."""
    query = select(*(_UPLOAD.c[name] for name in _COLUMNS)).where(
        _UPLOAD.c.association == association, _UPLOAD.c.upload_id == upload_id
    )
    row = tx.execute(query.with_for_update() if hold else query).first()
    return UploadRow(**row._mapping) if row is not None else None


def of_association(tx: Connection, association: str) -> list[UploadRow]:
    """All of an association's, newest first."""
    query = select(*(_UPLOAD.c[name] for name in _COLUMNS)).where(_UPLOAD.c.association == association)
    rows = tx.execute(query.order_by(_UPLOAD.c.at.desc(), _UPLOAD.c.upload_id))
    return [UploadRow(**row._mapping) for row in rows]


def add_part(tx: Connection, upload_id: str, part: int, *, first_row: int, sealed: bytes) -> None:
    """Store the next rows of it."""
    tx.execute(insert(_PART).values(upload_id=upload_id, part=part, first_row=first_row, sealed=sealed))


def part(tx: Connection, upload_id: str, number: int) -> tuple[int, bytes] | None:
    """(row before its first, sealed rows) of a part."""
    query = select(_PART.c.first_row, _PART.c.sealed).where(_PART.c.upload_id == upload_id, _PART.c.part == number)
    row = tx.execute(query).first()
    return (row.first_row, bytes(row.sealed)) if row is not None else None


def drop_parts(tx: Connection, upload_ids: Sequence[str]) -> None:
    """Its rows go."""
    tx.execute(delete(_PART).where(_PART.c.upload_id.in_(upload_ids)))


def drop(tx: Connection, upload_ids: Sequence[str]) -> None:
    """They go as a whole."""
    drop_parts(tx, upload_ids)
    tx.execute(delete(_UPLOAD).where(_UPLOAD.c.upload_id.in_(upload_ids)))


def expired(tx: Connection, *, now_ms: int) -> list[str]:
    """Those past their time, but what was confirmed and is not taken in yet."""
    past = (_UPLOAD.c.expires_at <= now_ms) & (_UPLOAD.c.state != "confirmed")
    return list(tx.execute(select(_UPLOAD.c.upload_id).where(past)).scalars())


def unfinished(tx: Connection) -> list[tuple[str, str]]:
    """(association, id) of those that are being compared or taken in, oldest first."""
    at_work = _UPLOAD.c.state.in_(("comparing", "confirmed"))
    rows = tx.execute(select(_UPLOAD.c.association, _UPLOAD.c.upload_id).where(at_work).order_by(_UPLOAD.c.at))
    return [(row.association, row.upload_id) for row in rows]
