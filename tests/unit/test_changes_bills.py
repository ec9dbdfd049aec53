"""Bills that come twice, share a number with another feed's, or tell what no stay can be: what is paid, and is said."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest
from changes_world import World, enrolled, members_row
from schemes_builders import stay

from gateway.model.money import Money

ONE = enrolled(1)
CARE = stay("S1", "2021-07-01", "2021-07-05")

# A bill that comes twice, and in two orders.

TWICE = CARE, stay("S2", "2021-07-01", "2021-07-05")
"""15000.00 in scope less 9000.00 of the fund leave 6000.00: 40 % of it, and in the first year 10.00 a day, 4 days."""


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_a_bill_sent_twice_is_paid_once_though_the_earlier_copy_is_worked_last(order: tuple[int, ...]) -> None:
    world = World(ONE)
    for seq, record in ((1, TWICE[1]), (2, TWICE[0]), (3, TWICE[1])):
        world.store(seq, [members_row(0, record, ONE)])
    for seq in order:
        world.work_batch(seq, [0])
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    assert [(item.page_seq, item.reasons) for item in world.open_questions()] == [(2, '["billed_twice"]')]


def test_that_two_bills_are_one_is_not_asked_again_when_the_other_turns_out_to_have_come_first() -> None:
    world = World(ONE)
    for seq, record in ((1, TWICE[1]), (2, TWICE[0]), (3, TWICE[1])):
        world.store(seq, [members_row(0, record, ONE)])
    world.work_batch(2, [0])
    world.work_batch(3, [0])
    (question,) = world.open_questions()
    world.answer(question.item_id or 0, "same")
    world.work_batch(1, [0])
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    assert world.open_questions() == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_one_number_of_two_feeds_at_one_facility_is_two_stays_and_two_claims(order: tuple[int, ...]) -> None:
    world = World(ONE)
    later = stay("S1", "2021-08-01", "2021-08-09")
    world.store(1, [members_row(0, later, ONE, feed="a")], "a")
    world.store(2, [members_row(0, CARE, ONE, feed="b")], "b")
    for seq in order:
        world.work_batch(seq, [0])
    # 40 % of 6000.00, and for the first stay of the period 10.00 a day for 4 days.
    claims = {stay_name: claim.payable for (_, stay_name), claim in world.live_claims().items()}
    assert claims == {"H15010200001/s:S1": 240_000, "H15010200001/s:S1@b": 244_000}
    assert world.counted() == world.proof()


# What no stay can be is paid as it is told, and said.


def test_bills_of_one_visit_far_apart_are_one_stay_and_say_so() -> None:
    world = World(ONE)
    world.work(1, members_row(0, stay("S1", "2021-08-01", "2021-08-09", visit_no="V1"), ONE))
    assert world.the_claim().flags == ""
    world.work(2, members_row(0, stay("S2", "2021-08-16", "2021-08-20", visit_no="V1"), ONE))
    assert world.the_claim().flags == "", "seven days between two bills of one visit are not many"
    world.work(3, members_row(0, stay("S3", "2021-11-02", "2021-11-12", visit_no="V1"), ONE))
    assert world.the_claim().flags == "visit_far_apart"


def test_a_bill_with_more_in_scope_than_in_all_says_so_and_is_paid_as_told() -> None:
    world = World(ONE)
    world.work(1, members_row(0, msgspec.structs.replace(CARE, total_amount=Money(10_000)), ONE))
    assert (world.the_claim().flags, world.the_claim().payable) == ("scope_exceeds_total", 244_000)
    world.work(2, members_row(0, msgspec.structs.replace(CARE, total_amount=Money(1_500_000)), ONE))
    assert (world.the_claim().flags, world.the_claim().payable) == ("", 244_000)
