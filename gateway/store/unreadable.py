"""What is stored and does not open, each piece once: until it opens again, or a person writes it off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, tuple_, update

from gateway.model.pieces import Piece
from gateway.store import schema
from gateway.store.engine import insert_for
from gateway.store.values import from_ms, to_ms


class StandingPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that neither opens nor was written off."""

    piece_id: int
    piece: Piece
    since: datetime


_TABLE = schema.unreadable
_STANDING = _TABLE.c.opened_at.is_(None) & _TABLE.c.written_off_at.is_(None)


_ALL_STANDING = select(_TABLE).where(_STANDING).order_by(_TABLE.c.piece_id)
_WRITTEN_OFF = _TABLE.c.opened_at.is_(None) & _TABLE.c.written_off_at.is_not(None)
_ALL_WRITTEN_OFF = select(_TABLE).where(_WRITTEN_OFF).order_by(_TABLE.c.piece_id)


def note(tx: Connection, pieces: Iterable[Piece], *, now: datetime) -> None:
    """These do not open. One that is noted already stays as it is, but that it no longer counts as opened."""
    for piece in pieces:
        new = insert_for(tx, _TABLE).values(**msgspec.structs.asdict(piece), since=to_ms(now))
        tx.execute(new.on_conflict_do_update(index_elements=[_TABLE.c.kind, _TABLE.c.name], set_={"opened_at": None}))


def written_off(tx: Connection, pieces: Sequence[Piece]) -> set[tuple[str, str]]:
    """(kind, name) of those of these pieces that a person wrote off."""
    names = [(piece.kind, piece.name) for piece in pieces]
    chosen = tuple_(_TABLE.c.kind, _TABLE.c.name).in_(names) & _TABLE.c.written_off_at.is_not(None)
    return {(kind, name) for kind, name in tx.execute(select(_TABLE.c.kind, _TABLE.c.name).where(chosen))}


def standing(tx: Connection) -> list[StandingPiece]:
    """Every piece that neither opens nor was written off, oldest first."""
    return [_piece(row) for row in tx.execute(_ALL_STANDING)]


def written_off_closed(tx: Connection) -> list[StandingPiece]:
    """Every piece that a person wrote off and that has not opened since, oldest first."""
    return [_piece(row) for row in tx.execute(_ALL_WRITTEN_OFF)]


def by_id(tx: Connection, piece_id: int) -> StandingPiece | None:
    """The standing piece with this number."""
    row = tx.execute(select(_TABLE).where(_STANDING & (_TABLE.c.piece_id == piece_id))).first()
    return _piece(row) if row is not None else None


def opened(tx: Connection, piece_ids: Sequence[int], *, now: datetime) -> None:
    """These open again."""
    tx.execute(update(_TABLE).where(_TABLE.c.piece_id.in_(piece_ids)).values(opened_at=to_ms(now)))


def write_off(tx: Connection, piece_id: int, *, by: str, now: datetime) -> None:
    """A person decided that this piece will not be waited for."""
    values = {"written_off_by": by, "written_off_at": to_ms(now)}
    tx.execute(update(_TABLE).where(_TABLE.c.piece_id == piece_id).values(**values))


def _piece(row: Any) -> StandingPiece:
    piece = Piece(kind=row.kind, name=row.name, subject=row.subject, person_id=row.person_id, amount=row.amount)
    return StandingPiece(piece_id=row.piece_id, piece=piece, since=from_ms(row.since))
