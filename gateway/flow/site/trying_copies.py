"""Whether what a database holds sealed opens with the keys that are here: the newest of each kind is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gateway.errors import KeyMissing
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.flow.pages.stored_pages import page_bytes
from gateway.store import members, pages, restores

_TRIED: Final = 200


def count_unopened(office: Office) -> tuple[int, int]:
    """How many members, claim bodies and pages were tried, and how many of them did not open."""
    with office.store.read() as tx:
        rows = members.newest(tx, _TRIED)
        bodies = restores.newest_bodies(tx, _TRIED)
        stored = pages.newest_kept(tx, _TRIED // 10)
        attempts: list[Callable[[], object]] = [lambda row=row: office.open_member(row) for row in rows]  # type: ignore[misc]
        attempts += [lambda body=body: office.claim_body(*body) for body in bodies]  # type: ignore[misc]
        attempts += [lambda seq=seq: page_bytes(tx, office, seq) for seq in stored]  # type: ignore[misc]
        return len(attempts), _failures(attempts)


def _failures(attempts: Iterable[Callable[[], object]]) -> int:
    failures = 0
    for attempt in attempts:
        try:
            attempt()
        except (*DOES_NOT_OPEN, KeyMissing):
            failures += 1
    return failures
