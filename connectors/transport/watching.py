"""What goes over a line while somebody watches: for `hubao feed try`, which shows a request as it left this machine.

Whoever watches gets the exchanges of its own thread. Nobody watches at night, and then nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from gateway.model.exchange import WireExchange

SECRET_SIGN: Final = "‹密钥 secret›"  # noqa: S105 - what is shown instead of one.
"""What stands in the place of a secret."""

_WATCHED: ContextVar[list[WireExchange] | None] = ContextVar("watched", default=None)
_SIGNED: ContextVar[tuple[str, ...]] = ContextVar("signed", default=())


@contextmanager
def watching() -> Iterator[list[WireExchange]]:
    """While this lasts, every request of this thread is kept with its answer, in order."""
    exchanges: list[WireExchange] = []
    token = _WATCHED.set(exchanges)
    try:
        yield exchanges
    finally:
        _WATCHED.reset(token)


def note_signed(text: str) -> None:
    """A signing scheme tells the text it signs for the next request, with a sign in the place of every secret."""
    if _WATCHED.get() is not None:
        _SIGNED.set((*_SIGNED.get(), text))


def note_exchange(
    method: str, address: str, headers: Mapping[str, str], content: bytes | None, *, status: int, size: int
) -> None:
    """A request that was answered: its status, and the size of its answer in bytes."""
    watched = _WATCHED.get()
    if watched is None:
        return
    signed = _SIGNED.get()
    _SIGNED.set(())
    watched.append(
        WireExchange(
            method=method,
            address=address,
            headers=dict(headers),
            content=content or b"",
            signed=signed,
            status=status,
            size=size,
        )
    )
