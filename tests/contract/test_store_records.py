"""Records, reversals that wait, and what waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gateway.model.clock import SHANGHAI
from gateway.model.page import Fetched, RowError
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.store import pages, people, quarantine, records, reviews
from gateway.store.engine import Store, Tx
from gateway.store.records import RecordRow

NOW = datetime(2021, 10, 8, tzinfo=SHANGHAI)


def key(number: int, feed: str = "east") -> bytes:
    """Keys carry their feed: the same number of two feeds has two keys."""
    return feed.encode().ljust(8) + number.to_bytes(8, "big")


def number_in(digest: bytes) -> int:
    return int.from_bytes(bytes(digest)[8:], "big")


def record(number: int, person: int, **changes: Any) -> RecordRow:
    fields: dict[str, Any] = {
        "record_id": 0,
        "association": "nm",
        "feed": changes.get("feed", "east"),
        "key": key(number, changes.get("feed", "east")),
        "person_id": person,
        "member_id": person * 10,
        "page_seq": 1,
        "row": number,
        "received_on": "2021-10-08",
        "amount": 100,
        "duplicate": False,
        "sealed": b"sealed",
    }
    return RecordRow(**{**fields, **changes})


def enrol(tx: Tx, many: int) -> list[int]:
    return list(people.add(tx, "nm", many))


def known(rows: list[RecordRow]) -> list[tuple[str, int, int]]:
    return sorted((row.feed, number_in(row.key), row.person_id) for row in rows)


@pytest.mark.parametrize("many", [0, 1, 2000, 5001])
def test_records_are_found_by_key_person_member_and_page(store: Store, many: int) -> None:
    with store.write() as tx:
        one, two = enrol(tx, 2)
        records.add(tx, [record(number, one, page_seq=7) for number in range(many)])
        records.add(tx, [record(1, two, feed="west"), record(2, two, feed="west", page_seq=8)])
        found = records.by_keys(tx, [key(number) for number in range(many)])
        assert known(found) == [("east", number, one) for number in range(many)]
        assert len({row.record_id for row in found}) == many
        assert known(records.of_people(tx, [two])) == [("west", 1, two), ("west", 2, two)]
        assert len(records.of_people(tx, [one, two])) == many + 2
        assert len(records.of_pages(tx, [7])) == many
        assert known(records.of_pages(tx, [8])) == [("west", 2, two)]


def test_a_record_is_read_back_as_it_was_written(store: Store) -> None:
    with store.write() as tx:
        [one] = enrol(tx, 1)
        written = record(5, one, amount=-2_000_000_000_00, duplicate=True, sealed=bytes(range(256)))
        records.add(tx, [written])
        [found] = records.by_keys(tx, [key(5)])
    assert found.record_id > 0
    fields = {name: getattr(found, name) for name in RecordRow.__struct_fields__ if name != "record_id"}
    assert {name: bytes(value) if name in ("key", "sealed") else value for name, value in fields.items()} == {
        name: getattr(written, name) for name in fields
    }
    assert bool(found.duplicate) is True


def test_a_settlement_of_a_feed_stands_once_for_an_association(store: Store) -> None:
    with store.write() as tx:
        one, two = enrol(tx, 2)
        records.add(tx, [record(1, one), record(1, one, feed="west"), record(1, two, association="other")])
    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:
        records.add(tx, [record(1, two)])


def test_records_are_removed_and_marked(store: Store) -> None:
    with store.write() as tx:
        [one] = enrol(tx, 1)
        records.add(tx, [record(number, one) for number in range(4)])
        ids = {number_in(row.key): row.record_id for row in records.of_people(tx, [one])}
        records.remove(tx, [ids[0], ids[2]])
        records.mark(tx, [(True, ids[1]), (False, ids[3])])
        marks = {number_in(row.key): bool(row.duplicate) for row in records.of_people(tx, [one])}
    assert marks == {1: True, 3: False}


def test_rows_of_a_page_are_counted_once_though_two_associations_have_them(store: Store) -> None:
    with store.write() as tx:
        one, two = enrol(tx, 2)
        records.add(tx, [record(1, one), record(1, two, association="other"), record(2, one, amount=-30)])
        records.add(tx, [record(3, one, page_seq=2), record(4, one, page_seq=2, feed="west")])
        assert records.counts_by_page(tx, "east") == {1: (2, 70), 2: (1, 100)}
        assert records.counts_by_page(tx, "nobody") == {}


def test_reversals_wait_by_their_own_places(store: Store) -> None:
    with store.write() as tx:
        records.wait(tx, [("east", key(1), 5, 0), ("east", key(2), 5, 1), ("west", key(1, "west"), 6, 0)])
        # Another one for the same settlement, and one that waits for another settlement since.
        records.wait(tx, [("east", key(1), 7, 3), ("east", key(3), 5, 1)])
        assert sorted(records.waiting(tx, [key(1), key(2)])) == [(key(1), 5, 0), (key(1), 7, 3)]
        records.woken(tx, [(5, 0), (9, 9)])
        assert sorted(records.waiting(tx, [key(1), key(3)])) == sorted([(key(1), 7, 3), (key(3), 5, 1)])
        assert records.waiting(tx, [key(1, "west")]) == [(key(1, "west"), 6, 0)]
        records.forget_waiting(tx, [5])
        assert records.waiting(tx, [key(3)]) == []


# ── what waits for a person ──


def page_of(tx: Tx, feed: str, number: int) -> int:
    fetched = Fetched(content=b"", request=str(number))
    return pages.add(tx, page_id=key(number, feed), feed=feed, fetched=fetched, sealed=b"", key_no=1, now=NOW)


def aside(seq: int, row: int | None, number: int | None = None, feed: str = "east") -> QuarantineItem:
    return QuarantineItem(
        page_seq=seq,
        row=row,
        feed=feed,
        key=key(number, feed) if number is not None else None,
        amount=-5,
        errors=(
            RowError(code="missing", field="total_amount", message="缺少“总额” (missing)"),
            RowError(code="date_order", field="discharged_on", message="……"),
        ),
        state="open",
        created_at=1,
    )


def doubt(seq: int, row: int | None, number: int | None = None, **changes: Any) -> ReviewItem:
    fields: dict[str, Any] = {
        "kind": "match",
        "association": "nm",
        "feed": "east",
        "page_seq": seq,
        "row": row,
        "key": key(number) if number is not None else None,
        "amount": 5,
        "member_id": 3,
        "score": 0.5,
        "reasons": '["name_differs"]',
        "state": "open",
        "created_at": 1,
    }
    return ReviewItem(**{**fields, **changes})


def test_what_is_set_aside_is_listed_with_all_its_errors(store: Store) -> None:
    with store.write() as tx:
        quarantine.add(tx, [aside(1, 0, 7), aside(1, 1), aside(2, None)])
        found = quarantine.listing(tx)
        assert [(item.page_seq, item.row) for item in found] == [(2, None), (1, 1), (1, 0)]
        assert found[2].errors == aside(1, 0).errors
        assert [item.row for item in quarantine.listing(tx, limit=1)] == [None]
        assert [item.row for item in quarantine.listing(tx, item_id=found[1].item_id)] == [1]


def test_open_items_are_found_by_key_and_page_until_they_end(store: Store) -> None:
    with store.write() as tx:
        quarantine.add(tx, [aside(1, 0, 7), aside(1, 1, 8), aside(2, 0, 7, "west")])
        [found] = quarantine.open_by_key(tx, [key(7), key(9)])
        assert (found.page_seq, found.row, found.amount) == (1, 0, -5)
        assert len(quarantine.open_of_pages(tx, [1, 2])) == 3
        quarantine.end(tx, [found.item_id], state="superseded")
        assert quarantine.open_by_key(tx, [key(7)]) == []
        assert [item.row for item in quarantine.open_of_pages(tx, [1])] == [1]
        assert [item.state for item in quarantine.listing(tx, state="superseded")] == ["superseded"]
        assert len(quarantine.listing(tx, state=None)) == 3


def test_doubts_are_found_by_key_member_and_page_until_they_end(store: Store) -> None:
    with store.write() as tx:
        reviews.ask(tx, [doubt(1, 0, 7), doubt(1, 1, 8, member_id=4), doubt(2, None, kind="takeback")])
        [found] = reviews.open_by_key(tx, [key(7)])
        assert (found.row, found.member_id, found.score, found.reasons) == (0, 3, 0.5, '["name_differs"]')
        assert [item.row for item in reviews.open_of_members(tx, [4])] == [1]
        assert sorted(item.row or 0 for item in reviews.open_of_pages(tx, [1, 2])) == [0, 1]
        assert [item.page_seq for item in reviews.open_takebacks(tx, [1, 2])] == [2]
        reviews.end(tx, [found.item_id], state="closed")
        assert reviews.open_by_key(tx, [key(7)]) == []
        assert [item.kind for item in reviews.listing(tx)] == ["takeback", "match"]
        assert len(reviews.listing(tx, state=None)) == 3


def test_a_person_is_asked_once(store: Store) -> None:
    with store.write() as tx:
        reviews.ask(tx, [doubt(1, None, kind="decided_before", claim_id="HBX"), doubt(2, None, kind="takeback")])
        assert reviews.has_open(tx, kind="decided_before", claim_id="HBX")
        assert not reviews.has_open(tx, kind="decided_before", claim_id="HBY")
        assert not reviews.has_open(tx, kind="takeback", claim_id="HBX")
        assert reviews.has_open(tx, kind="takeback", page_seq=2)
        assert not reviews.has_open(tx, kind="takeback", page_seq=1)


def test_items_are_counted(store: Store) -> None:
    with store.write() as tx:
        one, two, west = page_of(tx, "east", 1), page_of(tx, "east", 2), page_of(tx, "west", 3)
        quarantine.add(tx, [aside(one, 0), aside(one, 1), aside(two, None), aside(west, 0, feed="west")])
        # One row may be a doubt for two associations, and is one row.
        reviews.ask(tx, [doubt(one, 2), doubt(one, 2, association="other"), doubt(two, 0, kind="takeback")])
        assert (quarantine.count_open(tx), reviews.count_open(tx)) == (4, 3)
        assert (quarantine.counts_by_page(tx, "east"), reviews.counts_by_page(tx, "east")) == ({one: 2}, {one: 1})
        assert quarantine.expire(tx, [one]) + reviews.expire(tx, [one]) == 4
        assert (quarantine.count_open(tx), reviews.count_open(tx)) == (2, 1)
        # What expired is still what became of its row.
        assert (quarantine.counts_by_page(tx, "east"), reviews.counts_by_page(tx, "east")) == ({one: 2}, {one: 1})
