"""What is stored sealed, piece by piece, as far as it can be named without opening it."""

from __future__ import annotations

import msgspec


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Something sealed that does not open. kind: body | record | fact | member | list | page; `name`: its number, or
    what stands for one; `subject`: its association or feed. `amount` in fen, where it is known without opening it."""

    kind: str
    name: str
    subject: str
    person_id: int | None = None
    amount: int | None = None
