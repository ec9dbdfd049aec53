"""People who are held: what stands stays, their new rows wait, everybody else goes on; released, all is as at once."""

from __future__ import annotations

from typing import Any

import pytest
from changes_world import World, enrolled, members_row, nameless_row, strangers_row
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemes_builders import family, reversal, stay
from test_changes_oracle import ENROLMENTS, Page, _pages, _standing

from gateway.core.changes import Batch
from gateway.core.changes.holding import people_taken_from
from gateway.model.holds import AsideItem
from gateway.model.rows import RowClass

ONE, TWO = enrolled(1), enrolled(2)
S1 = stay("S1", "2021-07-01", "2021-07-05", "6000.00")
LESS = stay("S1", "2021-07-01", "2021-07-05", "5000.00")
EARLIER = stay("S0", "2021-06-10", "2021-06-12", "6000.00", facility_no="H9")


@pytest.fixture
def world() -> World:
    """Two members with a stay each, in a page that was worked."""
    world = World(ONE, TWO)
    world.work(1, members_row(0, S1, ONE), members_row(1, stay("S2", "2021-07-01", "2021-07-05", "6000.00"), TWO))
    return world


def amounts(world: World) -> dict[int, int]:
    return {person_id: claim.payable for (person_id, _), claim in world.claims.items()}


def taken_from(world: World, *rows: Any, seq: int = 2) -> set[int]:
    world.store(seq, rows)
    place, stored = world.pages[seq]
    batch = Batch(page=place, rows=list(stored.values()))
    return people_taken_from(world.gather(batch), world.change(batch))


def test_a_correction_of_somebody_who_is_held_waits_and_the_others_go_on(world: World) -> None:
    before = amounts(world)
    world.held = {1}
    two = stay("S2", "2021-07-01", "2021-07-05", "5000.00")
    changes = world.work(2, members_row(0, LESS, ONE), members_row(1, two, TWO))
    assert changes.classes == {0: RowClass.REVIEW, 1: RowClass.MEMBER}
    assert changes.put_aside == [AsideItem(person_id=1, page_seq=2, row=0, reason="joined")]
    assert amounts(world)[1] == before[1]
    assert amounts(world)[2] < before[2]
    assert [item.kind for item in world.reviews.values()] == ["hold"]
    assert world.classes()[1, 0] is RowClass.MEMBER
    assert world.counted() == world.proof()


def test_what_waited_is_as_if_it_had_come_at_once_when_it_is_released(world: World) -> None:
    world.held = {1}
    world.work(2, members_row(0, LESS, ONE))
    world.release()
    plain = World(ONE, TWO)
    plain.work(1, *world.pages[1][1].values())
    plain.work(2, members_row(0, LESS, ONE))
    assert _standing(world) == _standing(plain)


def test_a_strangers_row_under_a_number_of_somebody_who_is_held_waits_too(world: World) -> None:
    before = amounts(world)
    world.held = {1}
    changes = world.work(2, strangers_row(0, S1))
    assert changes.classes == {0: RowClass.REVIEW}
    assert amounts(world) == before


def test_a_refund_that_names_nobody_waits_with_whom_it_would_take_from(world: World) -> None:
    before = amounts(world)
    world.held = {1}
    changes = world.work(2, nameless_row(0, reversal(S1)))
    assert changes.classes == {0: RowClass.REVIEW}
    assert amounts(world) == before
    world.release()
    assert amounts(world)[1] == 0


def test_another_associations_record_of_the_same_row_stays_too() -> None:
    other = enrolled(7, association="other")
    world = World(ONE, other, families={"league": [family()], "other": [family()]})
    both = members_row(0, S1, ONE, other)
    world.work(1, both)
    world.held = {1}
    world.work(2, members_row(0, LESS, ONE, other))
    assert {record.page_seq for record in world.records.values()} == {1}
    assert world.counted() == world.proof()


def test_what_a_newer_file_leaves_out_of_somebody_who_is_held_stays(world: World) -> None:
    before = amounts(world)
    world.held = {1}
    changes = world.change(Batch(taken_back=[1]))
    assert changes.put_aside == [AsideItem(person_id=1, page_seq=1, reason="taken_back")]
    assert amounts(world) == {1: before[1], 2: 0}
    assert world.counted() == world.proof()


def test_a_row_that_is_read_again_stays_what_it_is(world: World) -> None:
    world.held = {1}
    changes = world.read_again(1, members_row(0, LESS, ONE))
    assert changes.classes == {}
    assert changes.put_aside == [AsideItem(person_id=1, page_seq=1, row=0, reason="joined")]
    assert world.classes()[1, 0] is RowClass.MEMBER


def test_a_row_that_a_later_one_replaced_already_waits_for_nobody(world: World) -> None:
    world.work(5, members_row(0, S1, ONE))
    world.held = {1}
    changes = world.work(3, members_row(0, LESS, ONE))
    assert changes.classes == {0: RowClass.SUPERSEDED}
    assert changes.put_aside == []


def test_a_row_that_takes_the_number_back_from_a_later_one_waits_with_who_has_it(world: World) -> None:
    world.work(5, members_row(0, S1, TWO))
    world.held = {2}
    changes = world.work(3, members_row(0, S1, ONE))
    # The number is the first person's, so the second would lose it.
    assert changes.classes == {0: RowClass.REVIEW}
    assert [(item.person_id, item.page_seq) for item in changes.put_aside] == [(2, 3)]
    world.release()
    assert (world.class_of(3, 0), world.class_of(5, 0)) == (RowClass.MEMBER, RowClass.REVIEW)


def test_who_is_held_is_not_assessed_again(world: World) -> None:
    world.held = {1}
    changes = world.reassess(1)
    assert changes.put_aside == [AsideItem(person_id=1, reason="reassess")]
    assert not changes.changed_claims


def test_whom_a_smaller_correction_would_take_from(world: World) -> None:
    assert taken_from(world, members_row(0, LESS, ONE)) == {1}


def test_a_greater_correction_takes_from_nobody(world: World) -> None:
    more = stay("S1", "2021-07-01", "2021-07-05", "7000.00")
    assert taken_from(world, members_row(0, more, ONE)) == set()


def test_a_refund_takes_but_a_number_that_becomes_another_members_waits(world: World) -> None:
    assert taken_from(world, members_row(0, reversal(S1), ONE)) == {1}
    assert taken_from(world, members_row(0, stay("S2", "2021-07-01", "2021-07-05", "6000.00"), ONE), seq=3) == set()


def test_an_earlier_stay_that_comes_late_takes_nothing_though_the_later_one_is_first_no_more(world: World) -> None:
    assert taken_from(world, members_row(0, EARLIER, ONE)) == set()


def test_who_opted_out_is_never_held() -> None:
    world = World(enrolled(1))
    world.work(1, members_row(0, S1, ONE))
    world.members[1] = [enrolled(1, opt_out=True)]
    batch = Batch(people={1: "league"})
    known = world.gather(batch)
    changes = world.change(batch)
    assert changes.changed_claims
    assert people_taken_from(known, changes) == set()


def _disputed(pages: list[Page]) -> bool:
    """Whether rows under one number differ in whose they are or in how much they tell: whose row stands then depends on
    which of them waited in a hold."""
    said: dict[bytes | None, set[object]] = {}
    for page in pages:
        for row in page.rows:
            owners = tuple(member.person_id for _, member in row.matched)
            said.setdefault(row.key, set()).add((row.row_class, owners, row.is_nameless_reversal))
    return any(len(ways) > 1 for key, ways in said.items() if key is not None)


@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_whoever_is_held_from_whenever_on_ends_as_if_nobody_had_been(data: st.DataObject) -> None:
    pages = data.draw(_pages())
    assume(not _disputed(pages))
    batches = [(page.seq, indexes) for page in pages for indexes in page.batches]
    plain, holding = World(*ENROLMENTS), World(*ENROLMENTS)
    for page in pages:
        plain.store(page.seq, page.rows, page.feed)
        holding.store(page.seq, page.rows, page.feed)
    first = data.draw(st.integers(0, len(batches)))
    held = data.draw(st.sets(st.sampled_from((1, 2, 3)), min_size=1))
    for number, (seq, indexes) in enumerate(batches):
        plain.work_batch(seq, indexes)
        standing = {claim for (person_id, _), claim in holding.claims.items() if person_id in held}
        holding.held = held if number >= first else set()
        holding.work_batch(seq, indexes)
        assert holding.counted() == holding.proof()
        if number >= first:
            assert standing == {claim for (person_id, _), claim in holding.claims.items() if person_id in held}
    holding.release()
    assert holding.counted() == holding.proof()
    assert _standing(holding) == _standing(plain)
