"""Which enrolments of one document and name are one person: whatever came first, and for good."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from roster_files import id_number

from gateway.core.roster import Group, RosterMember, one_holder, persons_of, who_stays
from gateway.core.roster.persons import overlap
from gateway.model.member import Coverage

YEAR = date(2021, 1, 1)


def enrolment(number: str, *periods: tuple[int, int], scheme: str = "a", name: str = "敖云") -> RosterMember:
    """A member number covered from the first to the last of these days, counted from 2021-01-01."""
    coverage = [
        Coverage(first_day=YEAR + timedelta(first), last_day=YEAR + timedelta(last), scheme=scheme)
        for first, last in periods
    ]
    return RosterMember(member_no=number, name=name, id_number=id_number(), coverage=tuple(coverage))


def group(number: str, *periods: tuple[int, int], person: int | None = None, claimed: bool = False) -> Group:
    return Group(person=person, members=[enrolment(number, *periods)], claimed=claimed)


def numbers(people: list[list[Group]]) -> set[frozenset[str]]:
    return {frozenset(each.member_no for one in person for each in one.members) for person in people}


def test_periods_that_touch_are_one_person_and_a_shared_day_makes_two() -> None:
    assert numbers(persons_of([group("A", (0, 9)), group("B", (10, 19))])) == {frozenset("AB")}
    assert numbers(persons_of([group("A", (0, 9)), group("B", (9, 19))])) == {frozenset("A"), frozenset("B")}


def test_another_scheme_on_the_same_days_is_no_second_enrolment() -> None:
    assert not overlap(enrolment("A", (0, 9)).coverage, enrolment("B", (0, 9), scheme="b").coverage)


def test_what_is_one_person_stays_one() -> None:
    one = Group(person=1, members=[enrolment("A", (0, 9)), enrolment("B", (0, 9))])
    assert numbers(persons_of([one])) == {frozenset("AB")}


def test_two_with_decided_claims_stay_two_and_one_of_them_stays() -> None:
    both = [group("A", (0, 9), person=1, claimed=True), group("B", (10, 19), person=2, claimed=True)]
    assert len(persons_of(both)) == 2
    [one] = persons_of([group("A", (0, 9), person=1), both[1]])
    assert who_stays(one) == 2
    assert who_stays([group("A", person=7), group("B", person=3)]) == 3
    assert who_stays([group("A")]) is None


def test_a_name_written_otherwise_is_the_same_holder() -> None:
    assert one_holder(enrolment("A", name="敖·云")) == one_holder(enrolment("B", name="敖 云"))
    assert one_holder(enrolment("A", name="敖云")) != one_holder(enrolment("A", name="包云"))


PERIODS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=2).map(
    lambda given: [(first, first + days) for first, days in given]
)


@given(st.lists(st.tuples(PERIODS, st.booleans(), st.booleans()), max_size=6), st.randoms(use_true_random=False))
def test_the_order_says_nothing_and_the_answer_is_final(
    given_: list[tuple[list[tuple[int, int]], bool, bool]], chance: object
) -> None:
    groups = [
        group(f"M{at}", *periods, person=at if known else None, claimed=known and claimed)
        for at, (periods, known, claimed) in enumerate(given_)
    ]
    shuffled = list(groups)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    people = persons_of(groups)
    assert numbers(persons_of(shuffled)) == numbers(people)
    # Asked again about the people it made, it changes nothing.
    made = [
        Group(
            person=at, members=[each for one in person for each in one.members], claimed=any(g.claimed for g in person)
        )
        for at, person in enumerate(people)
    ]
    assert numbers(persons_of(made)) == numbers(people)
    for person in people:
        assert sum(one.claimed for one in person) <= 1
        enrolments = [one.members[0] for one in person]
        assert not any(overlap(a.coverage, b.coverage) for at, a in enumerate(enrolments) for b in enrolments[at + 1 :])
