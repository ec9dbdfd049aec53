"""What a person is told of a change before it is written, and what of it takes something away."""

from __future__ import annotations

import pytest

from gateway.core.changes.difference import ClaimChange, Difference


def change(number: int, was: int | None, becomes: int | None, *, person: int = 1, why: str = "") -> ClaimChange:
    return ClaimChange(
        claim_id=f"c{number}",
        association="nm",
        person_id=person,
        member_id=person,
        scheme="nm-inpatient",
        was=was,
        becomes=becomes,
        why=why,
    )


@pytest.mark.parametrize(
    ("was", "becomes", "move"),
    [
        (None, 100, "new"),
        (100, None, "withdrawn"),
        (100, 99, "lowered"),
        (100, 101, "raised"),
        (100, 100, "amended"),
    ],
)
def test_a_claim_moves_in_one_way(was: int | None, becomes: int | None, move: str) -> None:
    assert change(1, was, becomes).move == move


def test_withdrawn_and_lowered_claims_are_taken_and_counted_with_what_is_lost() -> None:
    told = Difference(claims=(change(1, 300, None, why="reversed"), change(2, 500, 400, person=2), change(3, None, 50)))
    assert [claim.claim_id for claim in told.taken] == ["c1", "c2"]
    assert told.lost == 400
    assert told.money == (800, 450)
    assert told.members == {1, 2}


def test_a_claim_told_in_another_one_from_now_on_takes_nothing() -> None:
    told = Difference(claims=(change(1, 300, None, why="merged"), change(2, None, 700)))
    assert told.taken == []
    assert told.lost == 0


def test_a_claim_told_in_a_smaller_one_takes_the_difference() -> None:
    told = Difference(claims=(change(1, 300, None, why="merged"), change(2, None, 200)))
    assert [claim.claim_id for claim in told.taken] == ["c1"]


def test_one_persons_new_claim_makes_up_for_no_other_persons() -> None:
    told = Difference(claims=(change(1, 300, None, why="merged"), change(2, None, 700, person=2)))
    assert [claim.claim_id for claim in told.taken] == ["c1"]


def test_a_lowered_claim_is_taken_where_only_another_one_rises() -> None:
    told = Difference(claims=(change(1, 300, 280), change(2, 300, 400)))
    assert [claim.claim_id for claim in told.taken] == ["c1"]


def test_a_claim_withdrawn_is_taken_though_another_one_comes_in_its_place() -> None:
    told = Difference(claims=(change(1, 300, None, why="reversed"), change(2, None, 300)))
    assert [claim.claim_id for claim in told.taken] == ["c1"]
