"""Reversals that name nobody: they join their original, wait for it, wake with it, and wait again once it went."""

from __future__ import annotations

import msgspec
from changes_world import (
    LEAGUE,
    World,
    broken_row,
    doubtful_row,
    enrolled,
    key,
    members_row,
    nameless_row,
    strangers_row,
    unpaid_row,
)
from schemes_builders import family, reversal, stay

from gateway.core.changes import Batch
from gateway.model.claim import ClaimStatus
from gateway.model.rows import RowClass

ONE, OTHER = enrolled(1), enrolled(2)
CARE = stay("S1", "2021-07-01", "2021-07-05")
BACK = reversal(CARE)
WAITS = {(2, 0): ("a", key("S1"))}


def test_a_reversal_joins_the_member_whose_settlement_is_stored() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, BACK))
    assert world.class_of(2, 0) is RowClass.MEMBER
    assert world.the_claim().status == ClaimStatus.WITHDRAWN
    assert world.the_claim().flags == "reversed"
    assert not world.waiting


def test_a_reversal_of_a_joined_settlement_is_stored_with_its_own_key_and_negative_money() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    (added,) = world.work(2, nameless_row(0, BACK)).added
    assert (added.key, added.amount, added.row_class) == (key("S1", "-"), -1_600_000, RowClass.MEMBER)
    assert (added.association, added.person_id, added.member_id) == (LEAGUE, 1, 1)


def test_a_reversal_whose_original_is_unknown_waits_as_a_strangers() -> None:
    world = World(ONE)
    world.work(2, nameless_row(0, BACK))
    assert world.class_of(2, 0) is RowClass.NON_MEMBER
    assert world.waiting == WAITS


def test_a_waiting_reversal_wakes_when_its_original_comes_in_another_page() -> None:
    world = World(ONE)
    world.work(2, nameless_row(0, BACK))
    changes = world.work(1, members_row(0, CARE, ONE))
    assert [(move.page_seq, move.row, move.before, move.after, move.amount) for move in changes.moved] == [
        (2, 0, RowClass.NON_MEMBER, RowClass.MEMBER, -1_600_000)
    ]
    assert world.class_of(2, 0) is RowClass.MEMBER
    assert (world.waiting, world.claims) == ({}, {})


def test_a_waiting_reversal_wakes_in_the_batch_that_holds_its_original_whichever_comes_first() -> None:
    for rows in (
        [nameless_row(0, BACK), members_row(1, CARE, ONE)],
        [members_row(0, CARE, ONE), nameless_row(1, BACK)],
    ):
        world = World(ONE)
        changes = world.work(1, *rows)
        assert set(world.classes().values()) == {RowClass.MEMBER}
        assert (changes.waiting, changes.moved, world.claims) == ({}, [], {})


def test_a_reversal_of_its_own_number_may_name_the_settlement_it_reverses() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, reversal(CARE, settlement_no="R9", reverses="S1")))
    assert world.class_of(2, 0) is RowClass.MEMBER
    assert world.the_claim().status == ClaimStatus.WITHDRAWN


def test_an_original_that_is_nobodys_for_certain_wakes_nothing() -> None:
    for row in (strangers_row(0, CARE), doubtful_row(0, CARE, ONE), unpaid_row(0, CARE, ONE), broken_row(0, CARE)):
        world = World(ONE)
        world.work(2, nameless_row(0, BACK))
        world.work(1, row)
        assert world.waiting == WAITS
        assert world.class_of(2, 0) is RowClass.NON_MEMBER


def test_a_waiting_reversal_whose_page_cannot_be_read_goes_on_waiting() -> None:
    world = World(ONE)
    world.work(2, nameless_row(0, BACK))
    world.store(2, [msgspec.structs.replace(nameless_row(0, BACK), record=None)])
    world.store(1, [members_row(0, CARE, ONE)])
    world.work_batch(1, [0])
    assert world.waiting == WAITS
    assert world.the_claim().status == ClaimStatus.PROPOSED


def test_a_nameless_reversal_without_anything_read_changes_nothing() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    changes = world.work(2, msgspec.structs.replace(nameless_row(0, BACK), record=None))
    assert (changes.added, changes.waiting, changes.outgoing) == ([], {}, [])
    assert world.class_of(2, 0) is RowClass.NON_MEMBER


def test_of_a_reversal_that_came_twice_the_later_one_waits() -> None:
    world = World(ONE)
    world.work(1, nameless_row(0, BACK))
    world.work(2, nameless_row(0, BACK))
    assert world.waiting == WAITS
    assert world.classes() == {(1, 0): RowClass.SUPERSEDED, (2, 0): RowClass.NON_MEMBER}


def test_two_reversals_of_one_settlement_with_numbers_of_their_own_wait_and_are_its_members_both() -> None:
    first, second = (nameless_row(0, reversal(CARE, settlement_no=number, reverses="S1")) for number in ("R1", "R2"))
    waited, came_after = World(ONE), World(ONE)
    waited.work(1, first)
    waited.work(2, second)
    assert waited.waiting == {(1, 0): ("a", key("S1")), (2, 0): ("a", key("S1"))}
    waited.work(3, members_row(0, CARE, ONE))
    came_after.work(3, members_row(0, CARE, ONE))
    came_after.work(1, first)
    came_after.work(2, second)
    assert waited.classes() == came_after.classes() == dict.fromkeys(((1, 0), (2, 0), (3, 0)), RowClass.MEMBER)
    assert waited.waiting == {}
    assert waited.live_claims() == came_after.live_claims() == {}
    assert waited.counted() == waited.proof()


def test_a_reversal_that_comes_again_as_a_members_waits_no_longer() -> None:
    world = World(ONE)
    world.work(1, nameless_row(0, BACK))
    changes = world.work(2, members_row(0, BACK, ONE))
    assert changes.woken == [(1, 0)]
    assert world.waiting == {}
    assert world.classes() == {(1, 0): RowClass.SUPERSEDED, (2, 0): RowClass.MEMBER}
    assert world.work(3, members_row(0, CARE, ONE)).moved == []


def test_a_reversal_that_comes_again_for_another_settlement_takes_back_that_one_alone() -> None:
    world = World(ONE)
    other = stay("S2", "2021-08-01", "2021-08-05")
    world.work(1, nameless_row(0, reversal(CARE, settlement_no="R1", reverses="S1")))
    world.work(2, nameless_row(0, reversal(CARE, settlement_no="R1", reverses="S2")))
    world.work(3, members_row(0, CARE, ONE))
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    world.work(4, members_row(0, other, ONE))
    assert world.class_of(2, 0) is RowClass.MEMBER
    assert world.class_of(1, 0) is RowClass.SUPERSEDED


def test_a_reversal_that_comes_again_unreadable_waits_no_longer() -> None:
    world = World(ONE)
    world.work(1, nameless_row(0, BACK))
    world.work(2, broken_row(0, BACK))
    assert world.waiting == {}


def test_a_reversal_that_waits_in_a_later_page_goes_on_waiting_when_an_earlier_one_names_its_member() -> None:
    world = World(ONE)
    world.work(2, nameless_row(0, BACK))
    world.work(1, members_row(0, BACK, ONE))
    assert world.waiting == WAITS
    assert world.classes() == {(1, 0): RowClass.SUPERSEDED, (2, 0): RowClass.NON_MEMBER}


def test_an_earlier_reversal_under_another_number_takes_no_wait_from_a_later_one() -> None:
    world = World(ONE)
    world.work(2, nameless_row(0, BACK))
    world.work(1, members_row(0, reversal(CARE, settlement_no="R9", reverses="S1"), ONE))
    assert world.waiting == WAITS


def test_a_reversal_is_released_when_its_original_goes_to_a_stranger() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, BACK))
    changes = world.read_again(1, strangers_row(0, CARE))
    assert world.waiting == WAITS
    assert world.class_of(2, 0) is RowClass.NON_MEMBER
    assert [(move.page_seq, move.before, move.after) for move in changes.moved] == [
        (2, RowClass.MEMBER, RowClass.NON_MEMBER),
        (1, RowClass.MEMBER, RowClass.NON_MEMBER),
    ]
    assert world.records == {}


def test_a_released_reversal_wakes_at_once_where_its_original_comes_again_as_another_members() -> None:
    world = World(ONE, OTHER)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, BACK))
    world.read_again(1, members_row(0, CARE, OTHER))
    assert world.waiting == {}
    assert world.people_of((1, 0), (2, 0)) == [[2], [2]]
    # The settlement is taken back, whosever it is: the other member is owed nothing for it.
    assert world.live_claims() == {}
    assert world.counted() == world.proof()


def test_a_reversal_stays_where_its_original_comes_again_as_the_same_members() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, BACK))
    changes = world.work(3, members_row(0, CARE, ONE))
    assert [held.place for held in changes.removed.values()] == [(1, 0)]
    assert world.waiting == {}
    assert world.class_of(2, 0) is RowClass.MEMBER


def test_only_the_nameless_reversal_of_the_settlement_that_went_is_released() -> None:
    world = World(ONE)
    second = stay("S2", "2021-08-01", "2021-08-05", x="900.00")
    world.work(1, members_row(0, CARE, ONE), members_row(1, second, ONE))
    world.work(2, nameless_row(0, BACK), members_row(1, reversal(second), ONE))
    world.work(3, strangers_row(0, second))
    assert world.waiting == {}
    assert world.people_of((2, 0), (2, 1)) == [[1], [1]]


def test_a_reversal_is_released_when_its_original_is_taken_back_with_its_file() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, BACK))
    world.change(Batch(taken_back=[1]))
    assert world.waiting == WAITS
    assert world.records == {}


def test_what_waits_in_a_file_that_is_taken_back_is_forgotten() -> None:
    world = World(ONE)
    world.work(2, nameless_row(0, BACK))
    world.change(Batch(taken_back=[2]))
    assert world.waiting == {}


def test_a_reversal_that_reverses_what_went_in_the_same_batch_waits_for_it() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE), nameless_row(1, BACK))
    world.read_again(1, strangers_row(0, CARE), nameless_row(1, BACK))
    assert world.waiting == {(1, 1): ("a", key("S1"))}
    assert world.claims == {}


def test_a_reversal_read_again_joins_again_and_sends_nothing() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE), nameless_row(1, BACK))
    changes = world.read_again(1, nameless_row(1, BACK))
    assert (changes.moved, changes.outgoing) == ([], [])
    assert world.people_of((1, 1)) == [[1]]


def test_a_reversal_of_two_associations_settlement_is_a_record_of_each() -> None:
    guest = enrolled(5, association="guests")
    world = World(ONE, guest, families={LEAGUE: [family()], "guests": [family()]})
    world.work(1, members_row(0, CARE, ONE, guest))
    world.work(2, nameless_row(0, BACK))
    assert world.people_of((2, 0)) == [[1, 5]]
    changes = world.read_again(1, strangers_row(0, CARE))
    assert world.waiting == WAITS
    assert world.counted() == world.proof()
    # One row changes its class once, whoever recorded it.
    assert [move.page_seq for move in changes.moved] == [2, 1]


def test_a_reversal_that_one_of_two_associations_keeps_waits_for_nothing() -> None:
    guest = enrolled(5, association="guests")
    world = World(ONE, guest, families={LEAGUE: [family()], "guests": [family()]})
    world.work(1, members_row(0, CARE, ONE, guest))
    world.work(2, nameless_row(0, BACK))
    world.work(3, members_row(0, CARE, guest))
    assert world.people_of((2, 0)) == [[5]]
    assert world.waiting == {}
    assert world.class_of(2, 0) is RowClass.MEMBER
    assert world.counted() == world.proof()
    assert world.live_claims() == {}


def test_a_reversal_may_wait_for_an_original_whose_other_reversal_waits_no_longer() -> None:
    world = World(ONE)
    world.work(1, nameless_row(0, BACK))
    other_number = reversal(CARE, settlement_no="R9", reverses="S1")
    changes = world.work(2, members_row(0, BACK, ONE), nameless_row(1, other_number))
    assert (changes.woken, world.waiting) == ([(1, 0)], {(2, 1): ("a", key("S1"))})


def test_a_reversal_that_wakes_in_another_page_may_repeat_one_of_another_feed() -> None:
    world = World(ONE)
    told_again = stay("B1", "2021-07-01", "2021-07-05")
    world.work(1, members_row(0, CARE, ONE), nameless_row(1, BACK))
    world.work(2, nameless_row(0, reversal(told_again), feed="b"), feed="b")
    changes = world.work(3, members_row(0, told_again, ONE, feed="b"), feed="b")
    assert [(move.before, move.after) for move in changes.moved] == [
        (RowClass.NON_MEMBER, RowClass.MEMBER),
        (RowClass.MEMBER, RowClass.DUPLICATE),
    ]
    assert (world.class_of(2, 0), world.class_of(3, 0)) == (RowClass.DUPLICATE, RowClass.DUPLICATE)
    assert world.counted() == world.proof()


def test_a_reversal_that_joined_takes_the_settlement_back_from_an_association_that_enrols_later_too() -> None:
    later = enrolled(5, association="guests")
    world = World(ONE, later, families={LEAGUE: [family()], "guests": [family()]})
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, nameless_row(0, BACK))
    changes = world.read_again(1, members_row(0, CARE, ONE, later))
    assert sorted((added.association, added.place) for added in changes.added) == [
        ("guests", (1, 0)),
        ("guests", (2, 0)),
        (LEAGUE, (1, 0)),
    ]
    assert [claim.status for claim in world.claims.values()] == [ClaimStatus.WITHDRAWN]
    assert world.counted() == world.proof()
