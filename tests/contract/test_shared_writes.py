"""Small changes of many threads share a transaction; each hears of its own result, and of its own error alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from gateway.errors import Conflict
from gateway.store import lookups
from gateway.store.engine import Store, Tx
from gateway.store.lookups import LookupEntry
from gateway.store.together import SharedWrites


def entry(number: int) -> LookupEntry:
    return LookupEntry(
        lookup_id=f"{number:032d}",
        association="nm",
        member_id=None,
        caller="k",
        purpose="claim",
        consent="SQ-1",
        trial=False,
        at=number,
    )


def stored(store: Store) -> set[str]:
    with store.read() as tx:
        return {row.lookup_id for row in tx.exec_driver_sql("select lookup_id from lookup")}


def adding(number: int, *, fails: bool = False) -> object:
    def add(tx: Tx) -> int:
        lookups.add(tx, entry(number))
        if fails:
            raise Conflict("this one fails")
        return number

    return add


def test_a_change_alone_is_written_and_answered(store: Store) -> None:
    assert SharedWrites(store).write(adding(7)) == 7  # type: ignore[arg-type]
    assert stored(store) == {entry(7).lookup_id}


def test_a_change_alone_that_fails_leaves_nothing(store: Store) -> None:
    shared = SharedWrites(store)
    with pytest.raises(Conflict):
        shared.write(adding(1, fails=True))  # type: ignore[arg-type]
    assert stored(store) == set()
    assert shared.write(adding(2)) == 2  # type: ignore[arg-type]


def test_who_comes_meanwhile_is_written_together_and_errors_stay_apart(store: Store) -> None:
    shared, began, go_on, transactions = SharedWrites(store), Event(), Event(), []

    def slow(tx: Tx) -> int:
        transactions.append(tx)
        began.set()
        assert go_on.wait(10)
        return -1

    def counted(number: int) -> int:
        def add(tx: Tx) -> int:
            transactions.append(tx)
            lookups.add(tx, entry(number))
            if number % 5 == 0:
                raise Conflict("every fifth fails")
            return number

        return shared.write(add)

    with ThreadPoolExecutor(21) as threads:
        first = threads.submit(shared.write, slow)
        assert began.wait(10)
        others = [threads.submit(counted, number) for number in range(20)]
        while len(shared._waiting) < 20:
            began.wait(0.01)
        go_on.set()
        assert first.result() == -1
        errors = [other.exception() for other in others]
    for number, (other, error) in enumerate(zip(others, errors, strict=True)):
        if number % 5 == 0:
            assert isinstance(error, Conflict)
        else:
            assert other.result() == number
    assert stored(store) == {entry(number).lookup_id for number in range(20) if number % 5}
    assert len({id(tx) for tx in transactions[1:]}) == 1, "twenty changes, one transaction"


def test_more_than_share_one_transaction_are_all_written(store: Store) -> None:
    shared = SharedWrites(store)
    with ThreadPoolExecutor(40) as threads:
        assert list(threads.map(lambda number: shared.write(adding(number)), range(200))) == list(range(200))  # type: ignore[arg-type]
    assert len(stored(store)) == 200
