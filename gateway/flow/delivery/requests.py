"""The signed requests of associations: each is carried out once."""

from __future__ import annotations

from datetime import datetime

from gateway.flow.office import Office
from gateway.store import requests
from gateway.store.values import from_ms, to_ms


def first_came(office: Office, digest: bytes, *, keep_seconds: int) -> datetime | None:
    """Write down that a request came, to be known again for so many seconds; returns when it came first, None where it
    is new."""
    now = to_ms(office.now())
    with office.store.write() as tx:
        seen = requests.note(tx, digest, at=now, since=now - keep_seconds * 1000)
    return None if seen is None else from_ms(seen)


def forget(office: Office, digest: bytes) -> None:
    """A request was not carried out: it may come again."""
    with office.store.write() as tx:
        requests.forget(tx, digest)
