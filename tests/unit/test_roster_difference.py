"""What a new roster would change, by member number and field name only."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from roster_files import id_number

from gateway.core.roster import MemberChange, RosterMember, as_roster, difference
from gateway.model.member import Coverage, Member

PERIOD = Coverage(first_day=date(2021, 6, 1), last_day=date(2022, 5, 31), scheme="a", category="active")
LATER = replace(PERIOD, first_day=date(2022, 6, 1), last_day=date(2023, 5, 31))


def member(number: str = "M1", **changed: object) -> RosterMember:
    return replace(RosterMember(member_no=number, name="敖云", id_number=id_number(), coverage=(PERIOD,)), **changed)


def test_every_kind_of_change() -> None:
    old = [member("same"), member("renamed"), member("longer"), member("both"), member("gone")]
    new = [
        member("same"),
        member("renamed", name="包青", id_number=id_number(serial=13)),
        member("longer", coverage=(PERIOD, LATER)),
        member("both", opt_out=True, coverage=()),
        member("new"),
    ]
    change = difference(old, new)
    assert change.added == ("new",)
    assert change.changed == (
        MemberChange(member_no="renamed", fields=("name", "id_number")),
        MemberChange(member_no="both", fields=("opt_out",)),
    )
    assert change.coverage_changed == ("longer", "both")
    assert change.unchanged == ("same",)
    assert change.missing == ("gone",)


def test_the_same_file_again_changes_nothing() -> None:
    people = [member("a"), member("b", coverage=(PERIOD, LATER))]
    change = difference(people, people)
    assert (change.unchanged, change.added, change.changed, change.coverage_changed) == (
        ("a", "b"),
        (),
        (),
        (),
    )


def test_a_stored_member_compares_equal_to_the_row_it_came_from() -> None:
    stored = Member(
        member_id=7,
        person_id=3,
        association="nm",
        member_no="M1",
        name="敖云",
        id_number=id_number(),
        coverage=(LATER, PERIOD),
    )
    assert as_roster(stored) == member(coverage=(PERIOD, LATER))


PEOPLE = st.dictionaries(
    st.sampled_from("abcde"),
    st.tuples(st.sampled_from(["敖云", "包青"]), st.sampled_from([(), (PERIOD,), (PERIOD, LATER)])),
)


@settings(max_examples=100, deadline=None)
@given(PEOPLE, PEOPLE)
def test_every_member_is_in_exactly_one_class(old: dict[str, tuple], new: dict[str, tuple]) -> None:  # type: ignore[type-arg]
    before, after = (
        [member(number, name=name, coverage=coverage) for number, (name, coverage) in people.items()]
        for people in (old, new)
    )
    change = difference(before, after)
    touched = {one.member_no for one in change.changed} | set(change.coverage_changed)
    classes = [set(change.added), touched, set(change.unchanged), set(change.missing)]
    assert sum(len(one) for one in classes) == len(set(old) | set(new))
    assert set().union(*classes) == set(old) | set(new)
    assert all(old[number] == new[number] for number in change.unchanged)
    assert all(old[number] != new[number] for number in touched)
