"""What stands under a number that several rows claim, in whatever order they are worked."""

from __future__ import annotations

from itertools import permutations

import pytest
from changes_world import World, enrolled, members_row, strangers_row
from schemes_builders import stay

from gateway.model.rows import RowClass

ONE, OTHER = enrolled(1), enrolled(2)
CARE = stay("S1", "2021-07-01", "2021-07-05")


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_a_number_that_goes_to_and_fro_ends_the_same_in_whatever_order_it_is_worked(order: tuple[int, ...]) -> None:
    world = World(ONE, OTHER)
    for seq, member in ((1, ONE), (2, OTHER), (3, ONE)):
        world.store(seq, [members_row(0, CARE, member)])
    for seq in order:
        world.work_batch(seq, [0])
    # The second one waited as another person's, and the third took the place of both.
    assert world.classes() == {
        (1, 0): RowClass.SUPERSEDED,
        (2, 0): RowClass.SUPERSEDED,
        (3, 0): RowClass.MEMBER,
    }
    assert world.open_questions() == []
    assert [(held.person_id, held.first_place) for held in world.records.values()] == [(1, (1, 0))]
    assert world.counted() == world.proof()


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_what_a_strangers_row_stands_against_is_asked_about_in_whatever_order(order: tuple[int, ...]) -> None:
    world = World(ONE, OTHER)
    for seq, row in ((1, members_row(0, CARE, ONE)), (2, strangers_row(0, CARE)), (3, members_row(0, CARE, OTHER))):
        world.store(seq, [row])
    for seq in order:
        world.work_batch(seq, [0])
    assert world.classes() == {(1, 0): RowClass.MEMBER, (2, 0): RowClass.SUPERSEDED, (3, 0): RowClass.REVIEW}
    assert [(item.page_seq, item.reasons) for item in world.open_questions()] == [(3, '["another_person"]')]
    assert world.counted() == world.proof()
