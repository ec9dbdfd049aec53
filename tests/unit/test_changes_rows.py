"""Which rows stand: the last received holds, duplicates of two feeds, what is read again, taken back or taken out."""

from __future__ import annotations

import msgspec
import pytest
from changes_world import (
    LEAGUE,
    NOW,
    World,
    broken_row,
    decision,
    doubtful_row,
    enrolled,
    key,
    members_row,
    strangers_row,
    unpaid_row,
)
from schemes_builders import family, stay

from gateway.core.changes import Batch, ReadRow
from gateway.core.changes.claims import DECISION_WITHDRAWN
from gateway.core.changes.leavings import PLAIN_REASONS, is_plain
from gateway.core.changes.values import Changes, Relisting
from gateway.model.claim import ClaimStatus
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.rows import MAY_BECOME, ClassChange, RowClass, Tally, signed

ONE, OTHER = enrolled(1), enrolled(2)
GUEST = enrolled(5, association="guests")
CARE = stay("S1", "2021-07-01", "2021-07-05")
CORRECTED = stay("S1", "2021-07-01", "2021-07-05", x="7000.00")
BOTH = {LEAGUE: [family()], "guests": [family()]}


def moves(changes: Changes) -> list[tuple[int, int, RowClass, RowClass, int]]:
    return [(move.page_seq, move.row, move.before, move.after, move.amount) for move in changes.moved]


# The last received holds.


def test_within_a_batch_the_row_furthest_down_replaces_those_with_its_number() -> None:
    world = World(ONE)
    changes = world.work(1, members_row(0, CARE, ONE), strangers_row(1, CARE), members_row(2, CORRECTED, ONE))
    assert changes.classes == {0: RowClass.SUPERSEDED, 1: RowClass.SUPERSEDED, 2: RowClass.MEMBER}
    assert [held.amount for held in changes.added] == [CORRECTED.total_amount]
    assert (changes.tally.rows[RowClass.SUPERSEDED], changes.tally.amount[RowClass.SUPERSEDED]) == (2, 3_200_000)


def test_a_settlement_and_its_reversal_do_not_replace_each_other() -> None:
    world = World(ONE)
    taken_back = msgspec.structs.replace(CARE, reversal=True)
    world.work(1, members_row(0, CARE, ONE), members_row(1, taken_back, ONE))
    assert set(world.classes().values()) == {RowClass.MEMBER}


def test_rows_without_a_number_replace_nothing() -> None:
    world = World()
    world.work(1, broken_row(0), broken_row(1))
    assert set(world.classes().values()) == {RowClass.QUARANTINED}


def test_the_same_number_of_another_feed_replaces_nothing() -> None:
    world = World(ONE)
    other_stay = stay("S1", "2021-09-01", "2021-09-05")
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, members_row(0, other_stay, ONE, feed="b"), feed="b")
    assert set(world.classes().values()) == {RowClass.MEMBER}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize(
    "later",
    [
        members_row(0, CORRECTED, ONE),
        members_row(0, CORRECTED, OTHER),
        unpaid_row(0, CARE, ONE),
        strangers_row(0, CARE),
        doubtful_row(0, CARE, ONE),
        broken_row(0, CARE),
    ],
    ids=lambda row: row.row_class,
)
@pytest.mark.parametrize(
    "earlier",
    [
        members_row(0, CARE, ONE),
        unpaid_row(0, CARE, ONE),
        strangers_row(0, CARE),
        doubtful_row(0, CARE, ONE),
        broken_row(0, CARE),
    ],
    ids=lambda row: row.row_class,
)
def test_the_row_of_the_later_page_stands_whichever_page_is_worked_first(
    earlier: ReadRow, later: ReadRow, order: tuple[int, int]
) -> None:
    world = World(ONE, OTHER)
    world.store(1, [earlier])
    world.store(2, [later])
    for seq in order:
        world.work_batch(seq, [0])
    assert world.counted() == world.proof()
    others = later.row_class is RowClass.MEMBER and later.matched[0][1] is OTHER
    telling = later.row_class in (RowClass.MEMBER, RowClass.NOT_PAYABLE)
    if earlier.row_class is not RowClass.MEMBER or (telling and not others):
        assert world.classes() == {(1, 0): RowClass.SUPERSEDED, (2, 0): later.row_class}
        return
    # What stands stays: the later row is another person's, or does not say whose it is.
    waits = RowClass.QUARANTINED if later.row_class is RowClass.QUARANTINED else RowClass.REVIEW
    assert world.classes() == {(1, 0): RowClass.MEMBER, (2, 0): waits}
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    assert len(world.open_questions()) == (waits is RowClass.REVIEW)


@pytest.mark.parametrize("earlier_page", [1, 2], ids=["of_an_earlier_page", "of_the_same_page"])
@pytest.mark.parametrize(
    "later",
    [
        unpaid_row(1, CARE, ONE, unknown_codes=("insurance_type",)),
        members_row(1, msgspec.structs.replace(CORRECTED, insurance_type="31"), ONE, unknown_codes=("insurance_type",)),
    ],
    ids=lambda row: row.row_class,
)
def test_a_code_nobody_knows_takes_nothing_away_where_it_decides_about_money(later: ReadRow, earlier_page: int) -> None:
    world = World(ONE)
    if earlier_page == 1:
        world.work(1, members_row(0, CARE, ONE))
        world.work(2, later)
    else:
        world.work(2, members_row(0, CARE, ONE), later)
    assert world.classes() == {(earlier_page, 0): RowClass.MEMBER, (2, 1): RowClass.REVIEW}
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    assert [(item.kind, item.reasons, item.row) for item in world.open_questions()] == [
        ("changed", '["unknown_code"]', 1)
    ]
    assert world.counted() == world.proof()


def test_a_code_nobody_knows_that_is_what_it_was_does_not_hold_up_a_correction() -> None:
    local, corrected = (msgspec.structs.replace(told, settlement_kind="L1") for told in (CARE, CORRECTED))
    world = World(ONE)
    world.work(1, members_row(0, local, ONE, unknown_codes=("settlement_kind",)))
    world.work(2, members_row(0, corrected, ONE, unknown_codes=("settlement_kind",)))
    assert world.classes() == {(1, 0): RowClass.SUPERSEDED, (2, 0): RowClass.MEMBER}
    assert world.open_questions() == []


def test_a_row_that_replaces_an_open_question_ends_it_as_superseded() -> None:
    world = World(ONE)
    world.work(1, doubtful_row(0, CARE, ONE))
    changes = world.work(2, members_row(0, CARE, ONE))
    assert [item.state for item in world.reviews.values()] == ["superseded"]
    assert moves(changes) == [(1, 0, RowClass.REVIEW, RowClass.SUPERSEDED, 1_600_000)]


def test_a_row_that_replaces_an_open_error_ends_it_as_superseded() -> None:
    world = World(ONE)
    world.work(1, broken_row(0, CARE))
    changes = world.work(2, members_row(0, CARE, ONE))
    assert [aside.state for aside in world.quarantine.values()] == ["superseded"]
    assert moves(changes) == [(1, 0, RowClass.QUARANTINED, RowClass.SUPERSEDED, 1_600_000)]


def test_a_question_and_an_error_about_a_later_row_stay_open() -> None:
    world = World(ONE)
    other_stay = stay("S2", "2021-07-01", "2021-07-05")
    world.work(2, doubtful_row(0, CARE, ONE), broken_row(1, other_stay))
    changes = world.work(1, members_row(0, CARE, ONE), members_row(1, other_stay, ONE))
    assert set(changes.classes.values()) == {RowClass.MEMBER}
    assert (changes.superseded_reviews, changes.superseded_quarantine) == ([], [])


def test_questions_and_errors_about_no_row_are_nothing_a_row_replaces() -> None:
    world = World(ONE)
    world.work(1, doubtful_row(0, CARE, ONE), broken_row(1, stay("S2", "2021-07-01", "2021-07-05")))
    for items in (world.reviews, world.quarantine):
        for number, item in items.items():
            items[number] = msgspec.structs.replace(item, row=None)
    changes = world.work(2, members_row(0, CARE, ONE), members_row(1, stay("S2", "2021-07-01", "2021-07-05"), ONE))
    assert (changes.moved, changes.superseded_reviews, changes.superseded_quarantine) == ([], [], [])


def test_a_row_that_is_two_associations_record_is_counted_once_when_it_is_replaced() -> None:
    world = World(ONE, GUEST, families=BOTH)
    world.work(1, members_row(0, CARE, ONE, GUEST))
    changes = world.work(2, members_row(0, CORRECTED, ONE, GUEST))
    assert moves(changes) == [(1, 0, RowClass.MEMBER, RowClass.SUPERSEDED, 1_600_000)]
    assert len(changes.removed) == 2


def test_a_row_that_is_one_associations_record_and_anothers_doubt_is_counted_as_the_members() -> None:
    world = World(ONE, GUEST, families=BOTH)
    row = members_row(0, CARE, ONE)
    row.decisions.append(decision(GUEST, MatchOutcome.REVIEW))
    world.work(1, row)
    assert [item.association for item in world.open_questions()] == ["guests"]
    changes = world.work(2, members_row(0, CARE, ONE))
    assert moves(changes) == [(1, 0, RowClass.MEMBER, RowClass.SUPERSEDED, 1_600_000)]
    assert world.open_questions() == []


def test_a_batch_that_fills_a_gap_yields_to_rows_further_down_in_its_own_page() -> None:
    world = World(ONE)
    world.store(1, [members_row(0, CARE, ONE), members_row(1, CORRECTED, ONE)])
    world.work_batch(1, [1])
    changes = world.work_batch(1, [0])
    assert changes.classes == {0: RowClass.SUPERSEDED}
    assert changes.outgoing == []


@pytest.mark.parametrize("last", [members_row(0, CORRECTED, ONE), broken_row(0, CARE)], ids=lambda row: row.row_class)
def test_a_strangers_row_between_two_others_is_counted_once_as_replaced(last: ReadRow) -> None:
    world = World(ONE)
    world.store(1, [members_row(0, CARE, ONE), strangers_row(1, CARE)])
    world.store(2, [last])
    for seq, row in ((1, 1), (2, 0), (1, 0)):
        world.work_batch(seq, [row])
    assert world.class_of(1, 1) is RowClass.SUPERSEDED
    assert world.counted() == world.proof()


def test_a_later_row_of_the_same_page_replaces_what_an_earlier_batch_recorded() -> None:
    world = World(ONE)
    world.store(1, [members_row(0, CARE, ONE), members_row(1, CORRECTED, ONE)])
    world.work_batch(1, [0])
    world.work_batch(1, [1])
    assert world.classes() == {(1, 0): RowClass.SUPERSEDED, (1, 1): RowClass.MEMBER}
    assert world.the_claim().status == ClaimStatus.AMENDED


# Rows read again.


def test_a_row_read_again_as_it_was_changes_nothing() -> None:
    rows = [members_row(0, CARE, ONE), strangers_row(1, stay("S2", "2021-07-01", "2021-07-05"))]
    world = World(ONE)
    world.work(1, *rows)
    changes = world.read_again(1, *rows)
    assert (changes.moved, changes.relisted, changes.outgoing) == ([], {}, [])
    # Its record is written anew in place of itself.
    assert ([held.place for held in changes.removed.values()], len(changes.added)) == ([(1, 0)], 1)


def test_a_strangers_row_that_is_a_members_now_is_moved_relisted_and_claimed() -> None:
    world = World(ONE)
    world.work(1, strangers_row(0, CARE))
    changes = world.read_again(1, members_row(0, CARE, ONE))
    assert moves(changes) == [(1, 0, RowClass.NON_MEMBER, RowClass.MEMBER, 1_600_000)]
    assert changes.relisted == {1: {0: Relisting(row_class=RowClass.MEMBER, key=key("S1"))}}
    assert world.the_claim().status == ClaimStatus.PROPOSED
    assert world.counted() == world.proof()


def test_a_members_row_that_is_a_strangers_now_takes_its_claim_with_it_for_the_reason_given() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    changes = world.read_again(1, strangers_row(0, CARE), reason=DECISION_WITHDRAWN)
    assert moves(changes) == [(1, 0, RowClass.MEMBER, RowClass.NON_MEMBER, 1_600_000)]
    assert (world.the_claim().status, world.the_claim().flags) == (ClaimStatus.WITHDRAWN, DECISION_WITHDRAWN)


def test_a_row_that_was_superseded_is_never_worked_again() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    world.work(2, members_row(0, CORRECTED, ONE))
    changes = world.read_again(1, members_row(0, CARE, ONE))
    assert (changes.classes, changes.moved, changes.added) == ({0: RowClass.SUPERSEDED}, [], [])


def test_a_strangers_row_that_a_strangers_replaced_counts_once_it_is_a_members() -> None:
    world = World(ONE)
    world.work(1, strangers_row(0, CARE))
    world.work(2, strangers_row(0, CARE))
    world.read_again(1, members_row(0, CARE, ONE))
    assert world.classes() == {(1, 0): RowClass.MEMBER, (2, 0): RowClass.REVIEW}
    assert [(item.kind, item.page_seq, item.reasons) for item in world.open_questions()] == [
        ("changed", 2, '["names_nobody"]')
    ]
    assert world.counted() == world.proof()


def test_a_row_whose_number_is_read_at_last_is_superseded_where_a_later_page_replaced_it() -> None:
    world = World(ONE)
    world.work(1, broken_row(0, amount=1_600_000))
    world.work(2, members_row(0, CORRECTED, ONE))
    changes = world.read_again(1, members_row(0, CARE, ONE))
    assert moves(changes) == [(1, 0, RowClass.QUARANTINED, RowClass.SUPERSEDED, 1_600_000)]
    assert changes.relisted == {1: {0: Relisting(row_class=RowClass.SUPERSEDED, key=key("S1"))}}
    assert [aside.state for aside in world.quarantine.values()] == ["closed"]
    assert world.people_of((1, 0), (2, 0)) == [[], [1]]


def test_the_money_of_a_quarantined_row_that_is_read_at_last_is_counted_in_its_new_class() -> None:
    world = World(ONE)
    world.work(1, broken_row(0))
    (move,) = world.read_again(1, members_row(0, CARE, ONE)).moved
    assert (move.before, move.after, move.counted, move.amount) == (
        RowClass.QUARANTINED,
        RowClass.MEMBER,
        0,
        1_600_000,
    )
    assert world.counted() == world.proof()


def test_a_row_that_stays_quarantined_is_counted_with_the_money_it_shows_now() -> None:
    world = World(ONE)
    world.work(1, broken_row(0))
    changes = world.read_again(1, broken_row(0, CARE))
    (move,) = changes.moved
    assert (move.before, move.after, move.counted, move.amount) == (*[RowClass.QUARANTINED] * 2, 0, 1_600_000)
    # Its class is what its list says already.
    assert changes.relisted == {}
    assert [aside.state for aside in world.quarantine.values()] == ["closed", "open"]


def test_a_row_that_is_in_doubt_again_keeps_the_number_of_its_question() -> None:
    world = World(ONE)
    world.work(1, doubtful_row(0, CARE, ONE))
    (question,) = world.open_questions()
    changes = world.read_again(1, doubtful_row(0, CARE, ONE))
    assert changes.closed_reviews == [question.item_id]
    assert [item.item_id for item in world.open_questions()] == [question.item_id]


def test_reading_a_row_again_leaves_the_questions_and_errors_of_its_neighbours() -> None:
    world = World(ONE)
    second, third = (stay(number, "2021-08-01", "2021-08-05") for number in ("S2", "S3"))
    rows = [members_row(0, CARE, ONE), doubtful_row(1, second, ONE), broken_row(2, third)]
    world.work(1, *rows)
    changes = world.read_again(1, rows[0])
    assert (changes.closed_reviews, changes.closed_quarantine, changes.moved) == ([], [], [])


def test_a_row_that_is_a_record_and_a_doubt_was_a_members_before() -> None:
    world = World(ONE, GUEST, families=BOTH)
    row = members_row(0, CARE, ONE)
    row.decisions.append(decision(GUEST, MatchOutcome.REVIEW))
    world.work(1, row)
    assert moves(world.read_again(1, strangers_row(0, CARE))) == [
        (1, 0, RowClass.MEMBER, RowClass.NON_MEMBER, 1_600_000)
    ]


# The same settlement from two feeds.


def told_by_both(*order: int) -> World:
    world = World(ONE)
    world.store(1, [members_row(0, CARE, ONE)])
    world.store(2, [members_row(0, msgspec.structs.replace(CARE, settlement_no="B1"), ONE, feed="b")], "b")
    for seq in order:
        world.work_batch(seq, [0])
    return world


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_what_another_feed_told_first_is_a_duplicate_whichever_is_worked_first(order: tuple[int, int]) -> None:
    world = told_by_both(*order)
    assert world.classes() == {(1, 0): RowClass.MEMBER, (2, 0): RowClass.DUPLICATE}
    assert [held.duplicate for held in sorted(world.records.values(), key=lambda held: held.place)] == [False, True]
    assert len(world.live_claims()) == 1
    assert world.counted() == world.proof()


def test_a_duplicate_counts_itself_once_the_record_it_repeated_goes() -> None:
    world = told_by_both(1, 2)
    changes = world.read_again(1, strangers_row(0, CARE))
    assert moves(changes) == [
        (2, 0, RowClass.DUPLICATE, RowClass.MEMBER, 1_600_000),
        (1, 0, RowClass.MEMBER, RowClass.NON_MEMBER, 1_600_000),
    ]
    assert [repeats for repeats, _ in changes.marks] == [False]
    assert world.class_of(2, 0) is RowClass.MEMBER
    assert len(world.live_claims()) == 1


def test_a_duplicate_that_is_replaced_is_counted_out_of_the_duplicates() -> None:
    world = told_by_both(1, 2)
    corrected = msgspec.structs.replace(CARE, settlement_no="B1", facility_no="H9")
    changes = world.work(3, members_row(0, corrected, ONE, feed="b"), feed="b")
    assert moves(changes) == [(2, 0, RowClass.DUPLICATE, RowClass.SUPERSEDED, 1_600_000)]
    assert world.class_of(3, 0) is RowClass.MEMBER


def test_a_duplicate_read_again_is_a_duplicate_still() -> None:
    world = told_by_both(1, 2)
    changes = world.read_again(2, world.pages[2][1][0])
    assert (changes.moved, changes.marks) == ([], [])
    assert world.class_of(2, 0) is RowClass.DUPLICATE


def test_the_same_content_within_one_feed_is_no_duplicate() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE), members_row(1, msgspec.structs.replace(CARE, settlement_no="S2"), ONE))
    assert set(world.classes().values()) == {RowClass.MEMBER}


@pytest.mark.parametrize("gap", [{"facility_no": None}, {"admitted_on": None}])
def test_without_facility_or_day_of_admission_nothing_is_a_duplicate(gap: dict[str, None]) -> None:
    world = World(ONE)
    vague = msgspec.structs.replace(CARE, **gap)
    world.work(1, members_row(0, vague, ONE))
    world.work(2, members_row(0, vague, ONE, feed="b"), feed="b")
    assert set(world.classes().values()) == {RowClass.MEMBER}


def test_what_differs_in_one_of_facility_dates_and_total_is_no_duplicate() -> None:
    for change in ({"facility_no": "H9"}, {"discharged_on": None}, {"total_amount": 1}, {"reversal": True}):
        world = World(ONE)
        world.work(1, members_row(0, CARE, ONE))
        world.work(2, members_row(0, msgspec.structs.replace(CARE, **change), ONE, feed="b"), feed="b")
        assert set(world.classes().values()) == {RowClass.MEMBER}, change


# Taken back and taken out.


def test_what_a_file_held_that_was_replaced_counts_no_longer() -> None:
    world = World(ONE)
    second, third = (stay(number, "2021-08-01", "2021-08-05") for number in ("S2", "S3"))
    world.work(
        1,
        members_row(0, CARE, ONE),
        doubtful_row(1, second, ONE),
        broken_row(2, third),
        strangers_row(3, CARE, feed="b"),
    )
    world.work(2, members_row(0, stay("S4", "2021-09-01", "2021-09-05"), ONE))
    changes = world.change(Batch(taken_back=[1]))
    assert [(move.row, move.before, move.after) for move in changes.moved] == [
        (0, RowClass.MEMBER, RowClass.SUPERSEDED),
        (1, RowClass.REVIEW, RowClass.SUPERSEDED),
        (2, RowClass.QUARANTINED, RowClass.SUPERSEDED),
    ]
    assert world.people_of((1, 0), (2, 0)) == [[], [1]]
    assert (world.open_questions(), len(world.live_claims())) == ([], 1)


def test_errors_of_a_file_that_was_taken_back_end_with_their_rows() -> None:
    world = World()
    world.work(1, broken_row(0, CARE))
    world.quarantine[99] = msgspec.structs.replace(world.quarantine[1], row=None, item_id=99)
    changes = world.change(Batch(taken_back=[1]))
    assert moves(changes) == [(1, 0, RowClass.QUARANTINED, RowClass.SUPERSEDED, 1_600_000)]
    assert {aside.state for aside in world.quarantine.values()} == {"superseded"}


def test_a_row_of_two_associations_that_is_taken_back_is_counted_once() -> None:
    world = World(ONE, GUEST, families=BOTH)
    row = members_row(0, CARE, ONE, GUEST)
    world.work(1, row)
    changes = world.change(Batch(taken_back=[1]))
    assert moves(changes) == [(1, 0, RowClass.MEMBER, RowClass.SUPERSEDED, 1_600_000)]
    assert world.records == {}


def test_a_row_that_is_a_record_and_a_doubt_is_taken_back_once() -> None:
    world = World(ONE, GUEST, families=BOTH)
    row = members_row(0, CARE, ONE)
    row.decisions.append(decision(GUEST, MatchOutcome.REVIEW))
    world.work(1, row)
    changes = world.change(Batch(taken_back=[1]))
    assert moves(changes) == [(1, 0, RowClass.MEMBER, RowClass.SUPERSEDED, 1_600_000)]
    assert (world.records, world.open_questions()) == ({}, [])


def test_a_record_that_is_taken_out_leaves_its_row_in_review() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE), members_row(1, stay("S2", "2021-08-01", "2021-08-05"), ONE))
    changes = world.change(
        Batch(taken_out=frozenset({(1, 0)}), taken_out_of=frozenset({1}), withdrawal_reason=DECISION_WITHDRAWN)
    )
    assert moves(changes) == [(1, 0, RowClass.MEMBER, RowClass.REVIEW, 1_600_000)]
    assert world.people_of((1, 0), (1, 1)) == [[], [1]]
    assert [claim.flags for claim in changes.changed_claims if claim.status == "withdrawn"] == [DECISION_WITHDRAWN]


def test_a_row_whose_record_another_association_keeps_is_not_in_review_when_one_is_taken_out() -> None:
    world = World(ONE, GUEST, families=BOTH)
    world.work(1, members_row(0, CARE, ONE, GUEST))
    changes = world.change(Batch(taken_out=frozenset({(1, 0)}), taken_out_of=frozenset({1})))
    assert moves(changes) == []
    assert world.people_of((1, 0)) == [[5]]


def test_nothing_is_taken_out_of_members_who_are_not_meant() -> None:
    world = World(ONE)
    world.work(1, members_row(0, CARE, ONE))
    changes = world.change(Batch(taken_out=frozenset({(1, 0)}), taken_out_of=frozenset({2})))
    assert (changes.removed, changes.moved, changes.outgoing) == ({}, [], [])


# What rows leave for later.


def test_a_doubtful_row_leaves_a_question_that_names_the_best_candidate() -> None:
    world = World(ONE)
    (question,) = world.work(1, doubtful_row(0, CARE, ONE)).questions
    assert (question.kind, question.member_id, question.score, question.reasons) == (
        "match",
        1,
        0.5,
        '["name_differs"]',
    )
    assert (question.page_seq, question.row, question.key, question.amount) == (1, 0, key("S1"), 1_600_000)
    assert (question.state, question.created_at, question.claim_id) == ("open", NOW, None)


def test_an_unreadable_row_leaves_its_errors_with_the_key_and_money_that_could_be_read() -> None:
    world = World()
    row = broken_row(0, CARE)
    (aside,) = world.work(1, row).quarantined
    assert (aside.page_seq, aside.row, aside.key, aside.amount, aside.errors) == (
        1,
        0,
        key("S1"),
        1_600_000,
        row.errors,
    )


def test_a_superseded_row_leaves_nothing() -> None:
    world = World(ONE)
    first, second = doubtful_row(0, CARE, ONE), members_row(1, CARE, ONE)
    first.ruled_by, first.person_no = (7,), "P1"
    changes = world.work(1, first, second)
    assert (changes.questions, changes.ruled, changes.person_numbers, changes.explained) == ([], [], set(), [])


def test_rulings_that_decided_a_row_are_noted_with_it() -> None:
    world = World(ONE)
    row = members_row(3, CARE, ONE)
    row.ruled_by = (7, 8)
    assert world.work(1, row).ruled == [(7, (1, 3)), (8, (1, 3))]


def test_the_feeds_own_number_of_a_member_is_learnt_from_certain_rows_only() -> None:
    for row, learnt in (
        (members_row(0, CARE, ONE), {("P1", 1)}),
        (unpaid_row(0, CARE, ONE), {("P1", 1)}),
        (doubtful_row(0, CARE, ONE), set()),
        (strangers_row(0, CARE), set()),
    ):
        row.person_no = "P1"
        assert World(ONE).work(1, row).person_numbers == learnt


def test_a_match_by_number_and_name_alone_needs_no_explanation_and_every_other_does() -> None:
    plain, doubt = decision(ONE)[1], decision(GUEST, MatchOutcome.REVIEW)[1]
    assert is_plain(plain)
    assert not is_plain(doubt)
    assert not is_plain(msgspec.structs.replace(plain, reasons=(*PLAIN_REASONS, "sex_agrees")))
    row = members_row(0, CARE, ONE)
    row.decisions = [(LEAGUE, msgspec.structs.replace(plain, reasons=("unit_agrees",))), ("guests", doubt)]
    world = World(ONE, GUEST, families=BOTH)
    changes = world.work(1, row)
    assert [(each.place, each.association) for each in changes.explained] == [((1, 0), LEAGUE), ((1, 0), "guests")]
    assert [question.association for question in changes.questions] == ["guests"]
    assert World(ONE).work(1, members_row(0, CARE, ONE)).explained == []


def test_a_decision_that_it_is_nobody_is_neither_explained_nor_asked_about() -> None:
    row = members_row(0, CARE, ONE)
    row.decisions.append(("guests", MatchDecision(outcome=MatchOutcome.NONE, score=0.0, reasons=("name_differs",))))
    changes = World(ONE).work(1, row)
    assert (changes.explained, changes.questions) == ([], [])


# The table of classes.


def test_a_row_never_becomes_what_it_is() -> None:
    for unchanged in set(RowClass) - {RowClass.QUARANTINED}:
        with pytest.raises(ValueError, match="never becomes"):
            ClassChange(page_seq=1, row=0, before=unchanged, after=unchanged, amount=0, counted=0)


def test_every_class_may_become_every_other_and_only_the_quarantined_itself() -> None:
    for before in RowClass:
        itself = {before} if before is RowClass.QUARANTINED else set()
        assert MAY_BECOME[before] == set(RowClass) - {before} | itself


def test_only_a_quarantined_row_may_have_been_counted_with_other_money() -> None:
    change = ClassChange(page_seq=1, row=0, before=RowClass.QUARANTINED, after=RowClass.MEMBER, amount=100, counted=0)
    assert change.counted == 0
    with pytest.raises(ValueError, match="other money"):
        ClassChange(page_seq=1, row=0, before=RowClass.REVIEW, after=RowClass.MEMBER, amount=100, counted=0)


def test_a_row_that_stays_what_it_is_is_no_change() -> None:
    changes = Changes()
    changes.move((1, 0), RowClass.MEMBER, RowClass.MEMBER, 100)
    assert changes.moved == []


def test_a_record_without_a_number_is_not_stored_yet_and_cannot_be_removed() -> None:
    changes = World(ONE).work(1, members_row(0, CARE, ONE))
    (added,) = changes.added
    changes.remove(added)
    assert changes.removed == {}


def test_a_reversals_money_is_negative_whatever_sign_the_feed_sent() -> None:
    assert [signed(total, reversal=True) for total in (100, -100, None)] == [-100, -100, 0]
    assert [signed(total, reversal=False) for total in (100, None)] == [100, 0]


def test_a_tally_takes_the_rows_of_another_in() -> None:
    tally, other = Tally(), Tally()
    tally.count(RowClass.MEMBER, 100)
    other.count(RowClass.MEMBER, -40)
    other.count(RowClass.REVIEW, 7)
    tally.add(other)
    assert (tally.rows[RowClass.MEMBER], tally.amount[RowClass.MEMBER]) == (2, 60)
    assert (tally.rows[RowClass.REVIEW], tally.amount[RowClass.REVIEW]) == (1, 7)
