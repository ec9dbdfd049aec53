"""People, members, fingerprints, and who must be looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from gateway.errors import Unavailable
from gateway.model.decision import Evidence
from gateway.model.member import Coverage
from gateway.store import blocks, match_decisions, members, pages, people, rescans, roster, sweep_windows
from gateway.store.blocks import Width
from gateway.store.engine import Store, Tx, open_store
from gateway.store.match_decisions import MatchDecisionRow
from gateway.store.members import MemberRow, pack_coverage, unpack_coverage
from gateway.store.rescans import Rescan

PERIODS = (
    Coverage(first_day=date(2021, 6, 1), last_day=date(2022, 5, 31), scheme="nm-inpatient", category="active"),
    Coverage(first_day=date(2022, 6, 1), last_day=date(2023, 5, 31), scheme="nm-inpatient"),
)


def digest(number: int) -> bytes:
    return number.to_bytes(16, "big")


def member(member_id: int, person_id: int, **changes: Any) -> MemberRow:
    fields: dict[str, Any] = {
        "member_id": member_id,
        "person_id": person_id,
        "association": "nm",
        "member_no": f"M{member_id}",
        "category": "active",
        "league": "甲盟",
        "opt_out": False,
        "coverage": PERIODS,
        "sealed": b"sealed",
        "content": bytes(32),
    }
    row = MemberRow(**{**fields, **changes})
    return msgspec.structs.replace(row, packed_coverage=pack_coverage(row.coverage))


def in_order(rows: list[MemberRow]) -> list[MemberRow]:
    return sorted(rows, key=lambda row: row.member_id)


def enrol(tx: Tx, many: int, association: str = "nm") -> list[MemberRow]:
    person_ids = people.add(tx, association, many)
    ids = members.reserve_ids(tx, many)
    rows = [
        member(member_id, person_id, association=association)
        for member_id, person_id in zip(ids, person_ids, strict=True)
    ]
    members.add(tx, rows)
    return rows


def test_coverage_survives() -> None:
    assert unpack_coverage(pack_coverage(PERIODS)) == PERIODS
    assert unpack_coverage(pack_coverage(())) == ()


def test_members_are_stored_and_found_by_id_number_and_person(store: Store) -> None:
    with store.write() as tx:
        rows = enrol(tx, 3)
        other = enrol(tx, 1, "other")[0]
        ids = [row.member_id for row in rows]
        assert in_order(members.by_id(tx, [*ids[:2], 10**6])) == rows[:2]
        assert members.by_number(tx, "nm", [rows[2].member_no, other.member_no]) == [rows[2]]
        assert in_order(members.of_people(tx, [rows[0].person_id, other.person_id])) == [rows[0], other]
        assert (members.count(tx, "nm"), members.count(tx, "nobody")) == (3, 0)


def test_ids_never_come_twice(store: Store) -> None:
    with store.write() as tx:
        first = [row.member_id for row in enrol(tx, 2001)]
        second = [row.member_id for row in enrol(tx, 2)]
        assert len({*first, *second}) == 2003
        assert min(second) > max(first)
        assert list(people.add(tx, "nm", 0)) == []


def test_a_member_number_stands_once_in_an_association(store: Store) -> None:
    with store.write() as tx:
        rows = enrol(tx, 1)
    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:
        members.add(tx, [member(77, rows[0].person_id, member_no=rows[0].member_no)])
    with store.write() as tx:
        people.add(tx, "other", 1)
        members.add(tx, [member(78, rows[0].person_id, association="other", member_no=rows[0].member_no)])


def test_a_changed_member_keeps_id_and_number(store: Store) -> None:
    with store.write() as tx:
        one, two = enrol(tx, 2)
        changed = member(
            one.member_id,
            two.person_id,
            category="retired",
            league=None,
            opt_out=True,
            coverage=PERIODS[:1],
            sealed=b"new",
            content=b"\x01" * 32,
        )
        members.change(tx, [changed])
        found = {row.member_id: row for row in members.by_id(tx, [one.member_id, two.member_id])}
        assert found == {one.member_id: changed, two.member_id: two}


def test_a_sweep_walks_the_roster_in_order(store: Store) -> None:
    with store.write() as tx:
        rows = enrol(tx, 5)
        enrol(tx, 1, "other")
        ids = [row.member_id for row in rows]
        assert [row.member_id for row in members.after(tx, ["nm"], 0, 3)] == ids[:3]
        assert [row.member_id for row in members.after(tx, ["nm"], ids[2], 3)] == ids[3:]
        assert members.after(tx, ["nm"], ids[-1], 3) == []
        assert len(members.after(tx, ["nm", "other"], 0, 10)) == 6


def test_members_are_found_by_fingerprint(store: Store) -> None:
    with store.write() as tx:
        one, two = enrol(tx, 2)
        pairs = [(digest(9), two.member_id, two.person_id), (digest(5), one.member_id, one.person_id)]
        members.add_fingerprints(tx, [*pairs, (digest(5), two.member_id, two.person_id)])
        assert sorted(members.by_fingerprint(tx, [digest(5), digest(6)])) == [
            (digest(5), one.member_id, one.person_id),
            (digest(5), two.member_id, two.person_id),
        ]
        members.drop_fingerprints(tx, [two.member_id])
        assert [each[:2] for each in members.by_fingerprint(tx, [digest(5), digest(9)])] == [(digest(5), one.member_id)]


def block(kind: str, number: int) -> bytes:
    return kind.encode() + number.to_bytes(14, "big")


def test_members_stand_under_blocks_of_many_kinds(store: Store) -> None:
    with store.write() as tx:
        one, two = (each.member_id for each in enrol(tx, 2))
        pairs = {(block("nb", 1), one), (block("nb", 1), two), (block("rl", 1), one), (block("pn", 7), one)}
        blocks.add(tx, pairs)
        assert set(blocks.find(tx, [block("nb", 1), block("bl", 1)])) == {
            (block("nb", 1), one),
            (block("nb", 1), two),
        }
        blocks.drop(tx, [(block("nb", 1), one), (block("nb", 9), one)])
        assert blocks.find(tx, [block("nb", 1)]) == [(block("nb", 1), two)]
        assert blocks.find(tx, [block("rl", 1)]) == [(block("rl", 1), one)]


def test_the_blocks_of_one_kind_go_and_are_told(store: Store) -> None:
    with store.write() as tx:
        one, two = (each.member_id for each in enrol(tx, 2))
        learnt = [(block("pn", 2**112 - 1), one), (block("pn", 0), one), (block("pn", 0), two)]
        others = [(block("po", 0), one), (block("pm", 2**112 - 1), one), (block("nb", 3), one)]
        blocks.add(tx, [*learnt, *others])
        assert sorted(blocks.drop_kind(tx, b"pn", [one, one])) == sorted(learnt[:2])
        left = blocks.find(tx, [each for each, _ in learnt + others])
        assert sorted(left) == sorted([learnt[2], *others])
        assert blocks.drop_kind(tx, b"pn", []) == []


def test_an_association_is_indexed_anew_without_what_was_learnt(store: Store) -> None:
    with store.write() as tx:
        roster.ensure(tx, ["nm", "other"])
        mine, theirs = enrol(tx, 1)[0].member_id, enrol(tx, 1, "other")[0].member_id
        blocks.add(tx, [(block(kind, 1), each) for kind in ("nb", "pn") for each in (mine, theirs)])
        blocks.drop_all(tx, "nm", keep=b"pn")
        left = blocks.find(tx, [block("nb", 1), block("pn", 1)])
        assert sorted(left) == [(block("nb", 1), theirs), (block("pn", 1), mine), (block("pn", 1), theirs)]
        assert blocks.rules_of(tx, "nm") == blocks.rules_of(tx, "nobody") == 0
        blocks.set_rules(tx, "nm", 3)
        assert (blocks.rules_of(tx, "nm"), blocks.rules_of(tx, "other")) == (3, 0)


def test_the_width_of_blocks_is_counted_by_kind(store: Store) -> None:
    with store.write() as tx:
        assert blocks.widths(tx) == []
        one, two, three = (each.member_id for each in enrol(tx, 3))
        pairs = [(block("nb", 1), one), (block("nb", 1), two), (block("nb", 2), two), (block("be", 1), three)]
        blocks.add(tx, pairs)
        narrow = Width(kind="be", rows=1, members=1, distinct=1, widest=1, squares=1)
        assert blocks.widths(tx) == [narrow, Width(kind="nb", rows=3, members=2, distinct=2, widest=2, squares=5)]


def test_decisions_are_kept_with_their_evidence_and_end_with_their_page(store: Store) -> None:
    steps = (Evidence(field="name", level="equal", weight=12.5, running=12.5),)
    first = MatchDecisionRow(
        page_seq=1,
        row=4,
        association="nm",
        member_id=9,
        outcome="review",
        score=0.5,
        reasons=("id_number_agrees", "name_differs"),
        evidence=steps,
        model="1",
        decided_at=7,
    )
    others = [msgspec.structs.replace(first, association="other"), msgspec.structs.replace(first, page_seq=2, row=0)]
    with store.write() as tx:
        match_decisions.keep(tx, [others[1], first, others[0]])
        assert match_decisions.of_pages(tx, [1, 2]) == [first, *others]
        match_decisions.forget(tx, 1, [3])
        assert len(match_decisions.of_pages(tx, [1])) == 2
        match_decisions.forget(tx, 1, [4])
        assert match_decisions.of_pages(tx, [1, 2]) == others[1:]
        match_decisions.expire(tx, [1])
        assert match_decisions.of_pages(tx, [2]) == others[1:]
        match_decisions.expire(tx, [2])
        assert match_decisions.of_pages(tx, [2]) == []


def test_the_version_counts_up_with_every_change(store: Store) -> None:
    with store.write() as tx:
        assert roster.version(tx, ["nm", "other"]) == (0, 0)
        roster.ensure(tx, ["nm", "other"])
        roster.ensure(tx, ["nm"])
        assert roster.move_version(tx, "nm") == 1
        assert roster.move_version(tx, "nm") == 2
        assert roster.move_version(tx, "new") == 1
        assert roster.version(tx, ["other", "nm", "new"], hold=True) == (0, 2, 1)


# On SQLite nobody else writes anything while a transaction writes; PostgreSQL locks what is named.


@pytest.fixture
def both(postgres_url: str) -> Iterator[tuple[Store, Store]]:
    """Two stores on one PostgreSQL database."""
    stores = open_store(postgres_url, site=Path()), open_store(postgres_url, site=Path())
    yield stores
    for each in stores:
        each.close()


def test_a_held_roster_cannot_be_changed_meanwhile(both: tuple[Store, Store]) -> None:
    one, other = both
    with one.write() as tx:
        roster.ensure(tx, ["nm"])
    with one.write() as tx:
        roster.version(tx, ["nm"], hold=True)
        # Two batches may hold it at once; a change has to wait.
        with other.write() as beside:
            roster.version(beside, ["nm"], hold=True)
        with pytest.raises(Unavailable, match="LockNotAvailable"), other.write() as beside:
            beside.execute(text("set lock_timeout = '100ms'"))
            roster.move_version(beside, "nm")


def test_people_are_locked_one_by_one(both: tuple[Store, Store]) -> None:
    one, other = both
    with one.write() as tx:
        first, second = people.add(tx, "nm", 2)
    with one.write() as tx:
        people.lock(tx, [first, first, 10**6])
        with other.write() as beside:
            beside.execute(text("set lock_timeout = '100ms'"))
            people.lock(beside, [second])
        with pytest.raises(Unavailable, match="LockNotAvailable"), other.write() as beside:
            beside.execute(text("set lock_timeout = '100ms'"))
            people.lock(beside, [second, first])


# ── whom to look at again ──


def again(number: int, *fingerprints: int, reread: bool = False) -> Rescan:
    return Rescan(member_id=number, association="nm", fingerprints=b"".join(map(digest, fingerprints)), reread=reread)


def test_what_is_asked_is_kept_until_it_is_done(store: Store) -> None:
    with store.write() as tx:
        rescans.ask(tx, [again(1, 10), again(2, 20, reread=True)])
        assert rescans.waiting(tx) == [again(1, 10), again(2, 20, reread=True)]
        assert rescans.waiting(tx, limit=1) == [again(1, 10)]
        assert rescans.waiting(tx, [2, 3]) == [again(2, 20, reread=True)]
        rescans.forget(tx, [again(2, 20, reread=True)])
        assert rescans.waiting(tx) == [again(1, 10)]


def test_what_is_asked_twice_keeps_both_questions(store: Store) -> None:
    with store.write() as tx:
        rescans.ask(tx, [again(1, 10, 11, reread=True)])
        before = rescans.waiting(tx)
        rescans.ask(tx, [again(1, 12)])
        merged = rescans.waiting(tx)
        assert merged == [again(1, 12, 10, 11, reread=True)]
        # Done with the first question is not done with the second.
        rescans.forget(tx, before)
        assert rescans.waiting(tx) == merged
        rescans.forget(tx, merged)
        assert rescans.waiting(tx) == []


# ── who was asked ──


def test_each_feed_remembers_until_when_it_was_asked_about_whom(store: Store) -> None:
    first, second = date(2021, 10, 1), date(2021, 10, 8)
    with store.write() as tx:
        assert sweep_windows.oldest(tx, "line") is None
        sweep_windows.set_asked_until(tx, "line", {1: first, 2: first}, now_ms=0)
        sweep_windows.set_asked_until(tx, "line", {2: second, 3: second}, now_ms=1)
        sweep_windows.set_asked_until(tx, "other", {1: second}, now_ms=1)
        assert sweep_windows.asked_until(tx, "line", [1, 2, 3, 4]) == {1: first, 2: second, 3: second}
        assert sweep_windows.oldest(tx, "line") == first
        sweep_windows.note_failed(tx, "line", {1: "timeout", 9: "timeout"})
        assert sweep_windows.asked_until(tx, "line", [1, 9]) == {1: first}
        sweep_windows.forget(tx, [1])
        assert sweep_windows.asked_until(tx, "line", [1]) == sweep_windows.asked_until(tx, "other", [1]) == {}


def test_nothing_to_do_is_nothing_done(store: Store) -> None:
    with store.write() as tx:
        members.add(tx, [])
        members.change(tx, [])
        members.add_fingerprints(tx, [])
        members.drop_fingerprints(tx, [])
        rescans.ask(tx, [])
        rescans.forget(tx, [])
        sweep_windows.set_asked_until(tx, "line", {}, now_ms=0)
        people.lock(tx, [])
        assert members.by_id(tx, []) == []
        assert members.by_fingerprint(tx, []) == []
        assert rescans.waiting(tx) == []
        assert pages.waiting(tx, []) == []
