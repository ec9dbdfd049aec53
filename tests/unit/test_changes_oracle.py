"""`conclude` against a second, naive one: pages in any order and in any batches give what everything at once gives.

The same are: the class of every row, the tallies, the live claims with their content (without version and times), the
open questions by kind and person, and the reversals that wait.

What an order of work may change, and so is not compared or not drawn:

* A stranger's row, or one that no scheme could pay, that a later page replaces is left in its page, unless a row of its
  number is read again. `reconcile` counts it as superseded from the sealed lists, and so does `World.classes`.
* What the association decided meanwhile, and contradictions among facts, are asked about when they are met.
* A feed's refunds of one settlement all name somebody or none does: whether what names nobody stands against a row in
  doubt depends on whether it has joined yet.
* There is one association. Where a settlement is two associations' members', a waiting reversal wakes for both, also
  for one that could not pay it; one that comes later joins where the original is recorded; and one that has joined
  does not join an association that records the original only afterwards.
* Two feeds that give one number at one facility to two stays of a person, and tell no visit, have two claims; a refund
  names both of them, so it is asked about. Here each feed has numbers of its own.

That of two associations has been so since the first edition.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import pytest
from changes_world import (
    FIRST_DAY,
    World,
    broken_row,
    covered,
    digest,
    doubtful_row,
    enrolled,
    members_row,
    nameless_row,
    strangers_row,
    unpaid_row,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from schemes_builders import family, reversal, stay

from gateway.core.changes import ReadRow
from gateway.core.claims import drafting
from gateway.core.schemes import Insured, assess, needs_person, reversed_among
from gateway.model.member import Member
from gateway.model.rows import RowClass

ENROLMENTS = (
    enrolled(1),
    enrolled(2, coverage=covered(("2021-06-01", "2022-05-31"), ("2020-06-01", "2021-05-31"))),
    enrolled(3, 3, coverage=covered(("2020-06-01", "2021-05-31"))),
    enrolled(3, 4),
)
NUMBERS = ("S1", "S2", "S3", "S4")
STAYS = (("2021-07-01", "2021-07-05"), ("2021-07-06", "2021-07-09"), ("2021-05-20", "2021-05-25"))
"""The first is late from the page of 10-04 on, the second may be a transfer of it, the third is of another period."""


class Page(NamedTuple):
    """A page before it is worked: its feed, its rows, and where its batches begin."""

    seq: int
    feed: str
    rows: list[ReadRow]
    batches: list[list[int]]


@st.composite
def _rows(draw: Any, index: int, feed: str) -> ReadRow:
    number, member = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(ENROLMENTS))
    facility = draw(st.sampled_from(("H1", "H2")))
    record = stay(
        number if feed == "a" else f"{number}{feed}",
        *draw(st.sampled_from(STAYS)),
        draw(st.sampled_from(("6000.00", "80.00"))),
        facility_no=facility,
    )
    taken_back = reversal(record)
    own_number = reversal(record, settlement_no=f"R{record.settlement_no}", reverses=record.settlement_no)
    own_number = draw(st.sampled_from((taken_back, own_number)))
    kinds = {
        "member": lambda: members_row(index, record, member, feed=feed),
        "members reversal": lambda: members_row(index, taken_back, member, feed=feed),
        "nameless": lambda: nameless_row(index, own_number, feed=feed),
        "stranger": lambda: strangers_row(index, record, feed=feed),
        "strangers reversal": lambda: strangers_row(index, taken_back, feed=feed),
        "unpaid": lambda: unpaid_row(index, record, member, feed=feed),
        "doubtful": lambda: doubtful_row(index, record, member, feed=feed),
        "broken": lambda: broken_row(index, record, feed=feed),
        "broken reversal": lambda: broken_row(index, taken_back, feed=feed),
        "numberless": lambda: broken_row(index),
    }
    # A feed's refunds of a settlement either name somebody or do not: see above what is not compared.
    apart = ("members reversal", "strangers reversal", "broken reversal")
    left_out = apart if number in ("S1", "S2") else ("nameless",)
    drawn = [name for name in kinds if name not in (*left_out, "unpaid")]
    if draw(st.integers(0, 19)) == 0:
        # What no scheme pays for has a number of its own: a list tells neither whose such a row is nor what it says.
        record = msgspec.structs.replace(record, settlement_no="S5")
        return draw(
            st.sampled_from((unpaid_row(index, record, member, feed=feed), strangers_row(index, record, feed=feed)))
        )
    # Most rows are members' and what takes them back, because those have the most to say to each other.
    refunds = ["nameless"] * 3 if "nameless" in drawn else ["members reversal"] * 2
    return kinds[draw(st.sampled_from(["member"] * 6 + refunds + drawn))]()


@st.composite
def _pages(draw: Any) -> list[Page]:
    found = []
    for seq in range(1, draw(st.integers(1, 5)) + 1):
        feed = draw(st.sampled_from(("a", "a", "b")))
        rows = [draw(_rows(index, feed)) for index in range(draw(st.integers(1, 5)))]
        cuts = sorted({0, len(rows), *draw(st.lists(st.integers(0, len(rows)), max_size=3))})
        found.append(Page(seq, feed, rows, [list(range(*pair)) for pair in pairwise(cuts)]))
    return found


def _at_once(pages: list[Page]) -> dict[str, Any]:
    """What follows from all rows together (design §2 and §5), naively."""
    rows = {(page.seq, row.index): row for page in pages for row in page.rows}
    feeds = {page.seq: page.feed for page in pages}
    by_key: dict[Any, list[Any]] = {}
    for place, row in rows.items():
        by_key.setdefault(row.key or place, []).append((place, row))
    classes: dict[Any, RowClass] = {}
    changed: dict[Any, int] = {}
    firsts: dict[Any, Any] = {}
    for of_key in by_key.values():
        classes |= _stands(of_key, changed, firsts)
    standing = {place: row for place, row in rows.items() if classes[place] is not RowClass.SUPERSEDED}
    # What waits beside a row that stands is nobody's record.
    standing = {place: row for place, row in standing.items() if place not in changed}
    owners = {row.key: row.matched[0][1] for row in standing.values() if row.row_class is RowClass.MEMBER}
    waiting, records = {}, []
    for place, row in standing.items():
        if row.is_nameless_reversal and row.original not in owners:
            waiting[place] = row.original
        elif row.is_nameless_reversal or row.row_class is RowClass.MEMBER:
            classes[place] = RowClass.MEMBER
            records.append((place, owners[row.original if row.is_nameless_reversal else row.key], row.record))
    first: dict[Any, str] = {}
    counting: dict[int, list[Any]] = {}
    for place, member, record in sorted(records, key=lambda each: firsts[each[0]]):
        same = (member.person_id, record.facility_no, record.admitted_on, record.discharged_on, record.total_amount)
        if first.setdefault((*same, record.reversal), feeds[place[0]]) == feeds[place[0]]:
            counting.setdefault(member.person_id, []).append((place, member, record))
        else:
            classes[place] = RowClass.DUPLICATE
    claims: list[tuple[Any, ...]] = []
    questions = {
        (place, row.decisions[0][1].member.member_id)
        for place, row in standing.items()
        if row.row_class is RowClass.REVIEW
    } | set(changed.items())
    for person_id, bills in counting.items():
        of_person, asked = _claims(person_id, *_odd(bills, feeds))
        claims += of_person
        questions |= asked
    return {
        "classes": classes,
        "claims": {claim[:2]: claim[2:] for claim in claims},
        "questions": {(place, _person(member_id)) for place, member_id in questions},
        "waiting": waiting,
    }


def _person(member_id: int | None) -> int | None:
    """Whose enrolment that is: a question about a person of two names that of the row it met, whichever came first."""
    return next((member.person_id for member in ENROLMENTS if member.member_id == member_id), None)


def _stands(rows: list[Any], changed: dict[Any, int], firsts: dict[Any, Any]) -> dict[Any, RowClass]:
    """Of the rows with one number and sign: the last one counts, but for what may not replace a member's row, of which
    the last one waits. `changed` gets what is asked: place → the member whose row stands; `firsts`, place → where the
    number came first as the same person's."""
    classes = {place: RowClass.SUPERSEDED for place, _ in rows}
    (at, standing), *later = rows
    waits, first = None, at
    for place, row in later:
        if standing.row_class is RowClass.MEMBER and _may_not_replace(standing, row):
            waits = place, row
        else:
            members = standing.row_class is row.row_class is RowClass.MEMBER
            kept = members and standing.matched[0][1].person_id == row.matched[0][1].person_id
            at, standing, waits, first = place, row, None, first if kept else place
    firsts[at] = first
    classes[at] = standing.row_class
    if waits is not None:
        place, row = waits
        aside = row.row_class in (RowClass.QUARANTINED, RowClass.REVIEW)
        classes[place] = row.row_class if aside else RowClass.REVIEW
        if not aside:
            changed[place] = standing.matched[0][1].member_id
    return classes


def _may_not_replace(standing: ReadRow, row: ReadRow) -> bool:
    if row.is_nameless_reversal:
        return False
    if row.row_class not in (RowClass.MEMBER, RowClass.NOT_PAYABLE):
        return True
    if row.matched[0][1].person_id != standing.matched[0][1].person_id:
        return True
    return row.record is not None and row.record.settled_at < standing.record.settled_at


class Odd(NamedTuple):
    """What is odd about a bill: which one it is held against, and why."""

    place: Any
    against: list[Any]
    flag: str


def _odd(bills: list[Any], feeds: dict[int, str]) -> tuple[list[Any], list[Odd]]:
    """A second reading of what a person's bills say: the bills that are paid, and what is odd about them.

    A refund with a number nobody has takes back the one bill that says the same; where not one does, all bills of its
    facility say so (all there are, where it has none there). A bill of one feed that says all an earlier one says
    waits. Stays with a night in common say so.
    """
    said = {place: (r.facility_no, r.admitted_on, r.discharged_on, abs(r.total_amount)) for place, _, r in bills}
    numbers = {record.settlement_no for _, _, record in bills if not record.reversal}
    lost = [place for place, _, record in bills if record.reversal and _named(record) not in numbers]
    named = [each for each in bills if each[0] not in lost]
    taken = {named[at][0] for at in reversed_among([record for _, _, record in named])}
    found: set[Any] = set()
    of_refund: dict[Any, str] = {}
    standing = [(place, record) for place, _, record in named if not record.reversal and place not in taken]
    while pairs := [
        (refund, fits[0])
        for refund in lost
        if len(fits := [place for place, _ in standing if place not in found and said[place] == said[refund]]) == 1
    ]:
        lost.remove(pairs[0][0])
        found.add(pairs[0][1])
        of_refund[pairs[0][0]] = dict(standing)[pairs[0][1]].settlement_no
    standing = [(place, record) for place, record in standing if place not in found]
    everything, odd, waiting = [place for place, _ in standing], [], set()
    for refund in lost:
        there = [place for place in everything if said[place][0] == said[refund][0]]
        odd.append(Odd(refund, there or everything, "reversal_unclear"))
    for at, (place, _) in enumerate(standing):
        alike = [e for e, _ in standing[:at] if said[e] == said[place] and feeds[e[0]] == feeds[place[0]]]
        if alike:
            waiting.add(place)
            odd.append(Odd(place, [alike[0]], "billed_twice"))
    for at, (place, record) in enumerate(standing):
        for earlier, other in standing[:at]:
            meet = record.admitted_on < other.discharged_on and other.admitted_on < record.discharged_on
            if meet and not waiting & {place, earlier}:
                odd.append(Odd(place, [earlier], "overlapping_stays"))
    paid = [each for each in named if each[0] not in waiting]
    for place, member, record in bills:
        if place in of_refund:
            paid.append((place, member, msgspec.structs.replace(record, reverses=of_refund[place])))
    return paid, odd


def _named(refund: Any) -> str:
    return refund.reverses or refund.settlement_no


def _flagged(places: list[Any], odd: list[Odd]) -> list[str]:
    """What the claim with the bills at these places has to say."""
    said = {each.flag for each in odd if not set(places).isdisjoint(each.against)}
    return sorted(said | {each.flag for each in odd if each.flag == "overlapping_stays" and each.place in places})


def _claims(
    person_id: int, counting: list[tuple[Any, Member, Any]], odd: list[Odd]
) -> tuple[list[tuple[Any, ...]], set[Any]]:
    claimed: dict[str, list[Any]] = {}
    enrolments = [member for member in ENROLMENTS if member.person_id == person_id]
    periods = tuple(sorted(period for member in enrolments for period in member.coverage))
    insured = Insured(category="active", sex="F", birth_date=date(1980, 5, 1), coverage=periods)
    claims = []
    for estimate in assess(insured, [record for _, _, record in counting], family()):
        parts = [counting[index] for index in estimate.record_keys]
        places = [place for place, _, _ in parts]
        flags = _flagged(places, odd) if estimate.payable or needs_person(estimate) else []
        said = msgspec.structs.replace(estimate, flags=tuple(dict.fromkeys((*estimate.flags, *flags))))
        matched = {member.member_id for _, member, _ in parts}
        paying = [
            m for m in enrolments for p in m.coverage if p.first_day <= (estimate.period_from or date.min) <= p.last_day
        ]
        member = (paying or [m for m in enrolments if m.member_id in matched])[0]
        days = [date.fromordinal(FIRST_DAY.toordinal() + place[0]) for place, _, _ in parts]
        draft = drafting.draft(
            member,
            said,
            [record for _, _, record in parts],
            scheme="nm-inpatient",
            received_on=max(days),
            needs_person=needs_person(said),
        )
        if draft.payable or draft.needs_person:
            claims.append((person_id, draft.stay, draft.payable, draft.member_id, digest(draft.content.hex())))
            claimed[draft.stay] = places
    # A question names a claim: what no claim rests on is nobody's question.
    places = {place for of_stay in claimed.values() for place in of_stay}
    asked = {(each.place, min(m.member_id for m in enrolments)) for each in odd if places & {*each.against, each.place}}
    return claims, asked


def _worked(pages: list[Page], order: list[tuple[int, list[int]]]) -> World:
    world = World(*ENROLMENTS)
    for page in pages:
        world.store(page.seq, page.rows, page.feed)
    for seq, indexes in order:
        world.work_batch(seq, indexes)
    return world


def _standing(world: World) -> dict[str, Any]:
    """What is compared, out of the world."""
    return {
        "classes": world.classes(),
        "claims": {
            place: (claim.payable, claim.member_id, claim.content) for place, claim in world.live_claims().items()
        },
        "questions": {((item.page_seq, item.row), _person(item.member_id)) for item in world.open_questions()},
        "waiting": {place: original for place, (_, original) in world.waiting.items()},
    }


def _any_order_gives_the_same(data: st.DataObject) -> None:
    pages = data.draw(_pages())
    batches = [(page.seq, indexes) for page in pages for indexes in page.batches]
    world = _worked(pages, data.draw(st.permutations(batches)))
    assert _standing(world) == _at_once(pages)
    assert world.counted() == world.proof()
    # Reading some of it again changes nothing either, and sends nothing.
    outgoing = len(world.bodies)
    for seq, indexes in data.draw(st.lists(st.sampled_from(batches), max_size=2)):
        world.read_again(seq, *(pages[seq - 1].rows[index] for index in indexes))
        assert _standing(world) == _at_once(pages)
        assert world.counted() == world.proof()
    assert len(world.bodies) == outgoing


@settings(max_examples=200)
@given(st.data())
def test_pages_in_any_order_and_any_batches_give_what_everything_at_once_gives(data: st.DataObject) -> None:
    _any_order_gives_the_same(data)


@pytest.mark.full
@settings(max_examples=3_000)
@given(st.data())
def test_many_pages_in_any_order_and_any_batches_give_what_everything_at_once_gives(data: st.DataObject) -> None:
    _any_order_gives_the_same(data)
