"""Small changes of many threads in one transaction, so that they wait for the disk once and not one after the other.

Who comes while nobody writes writes at once; who comes meanwhile is written with all others that came, by the first of
them. A change that fails is undone by itself, and only its own thread hears of it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from threading import Event, Lock
from typing import Any, Final, TypeVar, cast

from gateway.store.engine import Store, Tx

T = TypeVar("T")

_MOST_TOGETHER: Final = 32
"""So many changes at most share a transaction: nobody waits for many more than needed."""


class SharedChange:
    """A change that waits, and who writes it: its own thread where `leads`, else another."""

    def __init__(self, make: Callable[[Tx], Any]) -> None:
        self.make, self.leads = make, False
        self.turn, self.outcome = Event(), Future[Any]()


class SharedWrites:
    """One database's shared transactions, for all threads of a process."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, Lock()
        self._waiting: list[SharedChange] = []
        self._is_led = False

    def write(self, make: Callable[[Tx], T]) -> T:
        """What `make` returns, once it is committed. Raises what it raises, or what the transaction ended with."""
        change = SharedChange(make)
        with self._lock:
            self._waiting.append(change)
            if not self._is_led:
                self._is_led = change.leads = True
        if not change.leads:
            change.turn.wait()
        if change.leads:
            self._lead()
        return cast(T, change.outcome.result())

    def _lead(self) -> None:
        """Write what waits, and hand over to the first who came meanwhile."""
        with self._lock:
            together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
        try:
            self._commit(together)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_led = following is not None
            if following is not None:
                following.leads = True
                following.turn.set()
            for change in together:
                change.turn.set()

    def _commit(self, together: list[SharedChange]) -> None:
        results: list[tuple[SharedChange, Any]] = []
        try:
            with self._store.write() as tx:
                for change in together:
                    try:
                        # Alone it needs no savepoint: with it all is undone.
                        with tx.begin_nested() if len(together) > 1 else nullcontext():
                            results.append((change, change.make(tx)))
                    except Exception as error:  # noqa: BLE001 - it is raised where it belongs, in its own thread.
                        change.outcome.set_exception(error)
                        if len(together) == 1:
                            tx.rollback()
        except BaseException as error:
            for change in together:
                if not change.outcome.done():
                    change.outcome.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for change, result in results:
            change.outcome.set_result(result)
