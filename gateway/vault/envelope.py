"""The sealed form: an 8-byte header, a nonce, ciphertext and tag, bound to where the value stands.

    version u8 = 1 │ suite u8 │ root key u16 │ data key u32 │ nonce 12 │ ciphertext │ tag 16

Numbers are big-endian. The associated data is the header followed by the context, whose parts (table, column,
row) each carry their length, so that no two places share a context.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final

from gateway.errors import BrokenSeal
from gateway.vault.suites import TAG_LENGTH, Suite

VERSION: Final = 1
HEADER_LENGTH: Final = 8
NONCE_LENGTH: Final = 12
BODY: Final = HEADER_LENGTH + NONCE_LENGTH
SHORTEST: Final = BODY + TAG_LENGTH

_HEADER: Final = Struct(">BBHI")
_LENGTH: Final = Struct(">I")


def header(suite: Suite, *, root: int, number: int) -> bytes:
    """The eight bytes every envelope of a data key begins with."""
    return _HEADER.pack(VERSION, suite.code, root, number)


def key_number(sealed: bytes) -> int:
    """The number of the data key an envelope names. Raises BrokenSeal for anything too short to be one."""
    if len(sealed) < SHORTEST:
        raise BrokenSeal
    return int.from_bytes(sealed[4:HEADER_LENGTH], "big")


def _part(text: str) -> bytes:
    # A text from outside may hold a lone surrogate; it must be encoded like any other, not raise.
    encoded = text.encode("utf-8", "surrogatepass")
    return _LENGTH.pack(len(encoded)) + encoded


def parts(*texts: str) -> bytes:
    """Texts with their lengths before them: different lists of texts never give the same bytes."""
    return b"".join(map(_part, texts))


def context_for(table: str, column: str) -> Callable[[str | int], bytes]:
    """A fast function row → context. An integer row is the same as its decimal text."""
    place = parts(table, column)

    def context_of(row: str | int) -> bytes:
        return place + _part(str(row))

    return context_of


def context(table: str, column: str, row: str | int) -> bytes:
    """Where a sealed value stands; it opens nowhere else."""
    return context_for(table, column)(row)
