"""What is stored and does not open is set aside: it stops nothing but what needs it (design §5.14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from gateway.errors import BrokenSeal
from gateway.model.pieces import Piece
from gateway.store import unreadable
from gateway.store.engine import Tx
from gateway.store.members import MemberRow

T = TypeVar("T")

UNREADABLE: Final = "unreadable"
"""The code of whatever waits because something stored does not open."""

DOES_NOT_OPEN: Final = (BrokenSeal, msgspec.DecodeError)
"""What opening raises where a piece is spoiled or its key is gone. A form of a newer program is not that."""


def open_or_set_aside(piece: Piece, open_it: Callable[[], T], aside: list[Piece]) -> T | None:
    """The opened value; None where it does not open: then the piece is added to `aside`."""
    try:
        return open_it()
    except DOES_NOT_OPEN:
        aside.append(piece)
        return None


def member_piece(row: MemberRow) -> Piece:
    """The personal fields of an enrolment, as what may not open."""
    return Piece(kind="member", name=str(row.member_id), subject=row.association, person_id=row.person_id)


def not_written_off(tx: Tx, aside: Sequence[Piece]) -> list[Piece]:
    """Those of these pieces that are still waited for. Asks nothing where there are none."""
    if not aside:
        return []
    gone = unreadable.written_off(tx, aside)
    return [piece for piece in aside if (piece.kind, piece.name) not in gone]
