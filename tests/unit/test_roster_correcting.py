"""A roster that comes again corrects, adds and extends; it takes nothing away that it does not expressly end."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roster_files import csv_bytes, day, id_number, row

from gateway.core.roster import RosterMember, Statement, read_roster
from gateway.core.roster.correcting import Correction, Ending, PeriodLoss, TwoPeriods, correct, end_periods
from gateway.core.roster.people import period_order
from gateway.model.member import Category, Coverage


def period(first: str, last: str, scheme: str = "a", category: Category | None = "active") -> Coverage:
    return Coverage(first_day=day(first), last_day=day(last), scheme=scheme, category=category)


YEAR, NEXT = period("2026-01-01", "2026-12-31"), period("2027-01-01", "2027-12-31")
STORED = RosterMember(
    member_no="M1",
    name="敖云",
    id_number=id_number(),
    sex="M",
    birth_date=day("1980-01-01"),
    phone="19900012345",
    unit_no="7",
    unit_name="老厂",
    league="乌海",
    coverage=(YEAR,),
)
SAYS_NOTHING = frozenset(("category", "opt_out", "id_type"))


def stating(*periods: Coverage, unsaid: frozenset[str] = SAYS_NOTHING, **fields: object) -> Statement:
    bare = RosterMember(member_no="M1", name="敖云", id_number=id_number(), sex="M", birth_date=day("1980-01-01"))
    member = msgspec.structs.replace(bare, coverage=tuple(sorted(periods, key=period_order)), **fields)
    return Statement(member=member, unsaid=unsaid)


def corrected(before: RosterMember, statement: Statement) -> Correction:
    correction = correct(before, statement)
    assert isinstance(correction, Correction)
    return correction


# ── periods ──


def test_next_years_roster_adds_a_year_and_leaves_this_one() -> None:
    correction = corrected(STORED, stating(NEXT))
    assert (correction.after.coverage, correction.added, correction.lost) == ((YEAR, NEXT), (NEXT,), ())


@pytest.mark.parametrize("stated", [
    ("2026-01-01", "2027-03-31"), ("2025-12-01", "2026-12-31"), ("2025-06-01", "2027-06-30"),
])  # fmt: skip
def test_a_longer_period_extends(stated: tuple[str, str]) -> None:
    longer = period(*stated)
    correction = corrected(STORED, stating(longer))
    assert (correction.after.coverage, correction.extended, correction.lost) == ((longer,), (longer,), ())


@pytest.mark.parametrize("stated", [
    ("2026-01-01", "2026-12-30"),  # shares its first day
    ("2026-01-02", "2026-12-31"),
    ("2026-06-01", "2027-05-31"),  # moved
    ("2025-06-01", "2026-01-01"),  # shares one day
    ("2026-03-01", "2026-03-01"),
])  # fmt: skip
def test_a_period_that_leaves_days_out_takes_them_away(stated: tuple[str, str]) -> None:
    shorter = period(*stated)
    correction = corrected(STORED, stating(shorter))
    assert correction.after.coverage == (shorter,)
    assert correction.lost == (PeriodLoss(before=YEAR, after=(shorter,)),)
    assert (correction.added, correction.extended) == ((), ())


@pytest.mark.parametrize("stated", [("2025-01-01", "2025-12-31"), ("2027-01-01", "2027-01-01")])
def test_a_period_that_only_touches_is_another(stated: tuple[str, str]) -> None:
    correction = corrected(STORED, stating(period(*stated)))
    assert (len(correction.after.coverage), correction.lost) == (2, ())


def test_another_scheme_is_another_period() -> None:
    other = period("2026-01-01", "2026-12-31", "b")
    correction = corrected(STORED, stating(other))
    assert (set(correction.after.coverage), correction.lost) == ({YEAR, other}, ())


def test_a_row_that_fits_two_stored_periods_is_refused_and_names_both() -> None:
    both = msgspec.structs.replace(STORED, coverage=(YEAR, NEXT))
    over_new_year = period("2026-06-01", "2027-05-31")
    assert correct(both, stating(over_new_year)) == TwoPeriods(stated=over_new_year, stored=(YEAR, NEXT))


def test_two_rows_for_one_stored_period_are_two_years_where_one_was() -> None:
    halves = period("2026-01-01", "2026-06-30"), period("2026-07-01", "2026-12-31")
    correction = corrected(STORED, stating(*halves))
    assert correction.after.coverage == halves
    assert correction.lost == (PeriodLoss(before=YEAR, after=halves),)


def test_a_stated_category_is_the_periods_and_an_unsaid_one_changes_none() -> None:
    retired = msgspec.structs.replace(YEAR, category="retired")
    assert corrected(STORED, stating(msgspec.structs.replace(YEAR, category=None))).after == STORED
    after = corrected(STORED, stating(retired, category="retired", unsaid=frozenset())).after
    assert (after.category, after.coverage) == ("retired", (retired,))


def test_a_category_that_holds_for_the_member_anyway_changes_no_period() -> None:
    silent = msgspec.structs.replace(STORED, coverage=(msgspec.structs.replace(YEAR, category=None),))
    assert corrected(silent, stating(YEAR, category="active", unsaid=frozenset())).after == silent


def test_an_older_years_category_is_not_the_members_own() -> None:
    next_as_retired = msgspec.structs.replace(NEXT, category="retired")
    retired = msgspec.structs.replace(STORED, category="retired", coverage=(next_as_retired,))
    after = corrected(retired, stating(YEAR, category="active", unsaid=frozenset())).after
    assert (after.category, [one.category for one in after.coverage]) == ("retired", ["active", "retired"])


# ── ends ──


def test_an_end_cuts_its_period_and_what_follows_in_that_scheme() -> None:
    other = period("2026-01-01", "2027-12-31", "b")
    before = msgspec.structs.replace(STORED, coverage=(YEAR, other, NEXT))
    correction = end_periods(before, Ending(member_no="M1", ends=(("a", day("2026-06-30")),)))
    cut = period("2026-01-01", "2026-06-30")
    assert set(correction.after.coverage) == {cut, other}
    assert set(correction.lost) == {PeriodLoss(before=YEAR, after=(cut,)), PeriodLoss(before=NEXT)}


@pytest.mark.parametrize("ends", ["2026-12-31", "2030-01-01"])
def test_an_end_on_the_last_day_or_later_takes_nothing(ends: str) -> None:
    assert end_periods(STORED, Ending(member_no="M1", ends=(("a", day(ends)),))) == Correction(after=STORED)


def test_a_period_that_never_was_goes_altogether() -> None:
    before = msgspec.structs.replace(STORED, coverage=(YEAR, NEXT))
    correction = end_periods(before, Ending(member_no="M1", gone=(("a", day("2026-01-01")),)))
    assert (correction.after.coverage, correction.lost) == ((NEXT,), (PeriodLoss(before=YEAR),))


def test_a_stated_period_stands_whatever_ended_before_it() -> None:
    """Left in March, joined again in September: the end cuts what is stored, and never what the roster states."""
    again = period("2026-09-01", "2027-08-31")
    statement = msgspec.structs.replace(stating(again), ends=(("a", day("2026-03-31")),))
    before = msgspec.structs.replace(STORED, coverage=(period("2026-01-01", "2026-08-31"),))
    correction = corrected(before, statement)
    assert correction.after.coverage == (period("2026-01-01", "2026-03-31"), again)


# ── fields ──


def test_what_a_roster_does_not_say_stays() -> None:
    """A file without a column, and an empty cell, say nothing."""
    assert corrected(STORED, stating()).after == STORED
    one_of_all = corrected(STORED, stating(phone="19900054321", league=None)).after
    assert (one_of_all.phone, one_of_all.league, one_of_all.unit_no) == ("19900054321", "乌海", "7")


def test_an_empty_cell_empties_only_where_the_import_says_so() -> None:
    rows = csv_bytes([row(member_no="M1", phone="", unit_name="", scheme="a")])
    [silent] = read_roster(rows).statements
    [emptying] = read_roster(rows, clears=["phone", "league"]).statements
    assert (silent.cleared, emptying.cleared) == (frozenset(), {"phone"})
    assert corrected(STORED, silent).after.phone == "19900012345"
    after = corrected(STORED, emptying).after
    assert (after.phone, after.unit_name, after.league) == (None, "老厂", "乌海")


@pytest.mark.parametrize(("said", "stored", "expected"), [
    ("是", False, True), ("否", True, False), ("", True, True), ("", False, False), ("否", False, False),
])  # fmt: skip
def test_an_opt_out_is_what_the_roster_says_and_an_empty_cell_says_nothing(
    said: str, stored: bool, expected: bool
) -> None:
    [statement] = read_roster(csv_bytes([row(member_no="M1", opt_out=said, scheme="a")])).statements
    after = corrected(msgspec.structs.replace(STORED, opt_out=stored), statement).after
    assert after.opt_out is expected
    assert YEAR in after.coverage


def test_a_file_of_opt_outs_needs_no_periods_and_keeps_them() -> None:
    said = {"member_no": "M1", "name": "敖云", "id_number": id_number()}
    file = read_roster(csv_bytes([{**said, "opt_out": "是"}]))
    assert file.errors == ()
    after = corrected(STORED, file.statements[0]).after
    assert (after.opt_out, after.coverage) == (True, (YEAR,))
    again = read_roster(csv_bytes([{**said, "opt_out": "否"}]))
    assert corrected(after, again.statements[0]).after == STORED


def test_a_type_of_document_that_is_not_said_stays_with_its_number() -> None:
    card = msgspec.structs.replace(STORED, id_type="90")
    assert corrected(card, stating()).after.id_type == "90"
    assert corrected(card, stating(unsaid=frozenset())).after.id_type == "01"
    assert corrected(card, stating(id_number=id_number(serial=13))).after.id_type == "01"


# ── columns of the file ──


def test_a_column_of_ends_is_read() -> None:
    file = read_roster(
        csv_bytes([
            row(end_on="2021-12-31"),
            row(member_no="M2", id_number=id_number(serial=13), coverage_from="", coverage_to="", end_on="2021-07-31"),
            row(member_no="M3", id_number=id_number(serial=15), end_on=""),
            row(member_no="M4", id_number=id_number(serial=17), end_on="2021-05-31"),
        ])
    )  # fmt: skip
    assert file.errors == ()
    said = {
        statement.member.member_no: (statement.ends, [one.last_day for one in statement.member.coverage])
        for statement in file.statements
    }
    assert said == {
        "M001": ((("nm-inpatient", day("2021-12-31")),), [day("2021-12-31")]),
        "M2": ((("nm-inpatient", day("2021-07-31")),), []),
        "M3": ((), [day("2022-05-31")]),
        "M4": ((("nm-inpatient", day("2021-05-31")),), []),
    }


def test_a_file_of_ends_needs_no_columns_of_days() -> None:
    said = {"member_no": "M1", "name": "敖云", "id_number": id_number(), "scheme": "a", "end_on": "2026-06-30"}
    file = read_roster(csv_bytes([said]))
    assert (file.errors, file.statements[0].ends) == ((), (("a", day("2026-06-30")),))


# ── properties ──

_DAYS = st.integers(0, 40).map(lambda n: date(2026, 1, 1) + timedelta(days=n))


@st.composite
def coverages(draw: st.DrawFn) -> tuple[Coverage, ...]:
    """Periods of two schemes that share no day."""
    made: list[Coverage] = []
    for scheme in ("a", "b"):
        days = sorted(draw(st.sets(_DAYS, max_size=6)))
        made += [
            Coverage(first_day=first, last_day=last, scheme=scheme, category="active")
            for first, last in zip(days[::2], days[1::2], strict=False)
        ]
    return tuple(sorted(made, key=period_order))


def covered_days(member: RosterMember) -> set[tuple[str, date]]:
    return {
        (one.scheme, one.first_day + timedelta(days=n))
        for one in member.coverage
        for n in range((one.last_day - one.first_day).days + 1)
    }


@settings(max_examples=300, deadline=None)
@given(coverages(), coverages(), st.lists(st.tuples(st.sampled_from("ab"), _DAYS), max_size=1))
def test_the_same_roster_again_changes_nothing_and_nothing_goes_unsaid(
    stored: tuple[Coverage, ...], stated: tuple[Coverage, ...], ends: list[tuple[str, date]]
) -> None:
    before = msgspec.structs.replace(STORED, coverage=stored)
    statement = msgspec.structs.replace(stating(*stated), ends=tuple(ends))
    correction = correct(before, statement)
    if isinstance(correction, TwoPeriods):
        assert len(correction.stored) > 1
        return
    after = correction.after
    assert correct(after, statement) == Correction(after=after)
    assert set(stated) <= set(after.coverage)
    # No day is covered twice, and no day goes without a loss that names its period.
    assert len(covered_days(after)) == sum((one.last_day - one.first_day).days + 1 for one in after.coverage)
    gone = covered_days(before) - covered_days(after)
    losing = covered_days(msgspec.structs.replace(before, coverage=tuple(loss.before for loss in correction.lost)))
    assert gone <= losing
    if not ends and not correction.lost:
        assert covered_days(before) <= covered_days(after)


@settings(max_examples=100, deadline=None)
@given(coverages(), coverages())
def test_a_roster_without_ends_never_touches_a_period_it_shares_no_day_with(
    stored: tuple[Coverage, ...], stated: tuple[Coverage, ...]
) -> None:
    before = msgspec.structs.replace(STORED, coverage=stored)
    correction = correct(before, stating(*stated))
    days = covered_days(msgspec.structs.replace(before, coverage=stated))
    if isinstance(correction, Correction):
        for one in stored:
            if not days & covered_days(msgspec.structs.replace(before, coverage=(one,))):
                assert one in correction.after.coverage
