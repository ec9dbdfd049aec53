"""The yearly table: counted person by person, the same as counting everything at once."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.report_tables import wan
from gateway.core.studies.reporting import (
    ABOVE,
    ClaimPayment,
    CoveredPerson,
    ReportLine,
    ReportTable,
    add_members,
    add_payments,
)
from gateway.model.member import Coverage

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)


def payment(
    person: int, amount: int, *, league: str = "甲盟", scheme: str = "a", waiting: bool = False
) -> ClaimPayment:
    return ClaimPayment(person=person, league=league, scheme=scheme, amount=amount, waiting=waiting)


def cover(first: str, last: str, scheme: str = "a") -> Coverage:
    return Coverage(first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), scheme=scheme)


def joined(person: int, league: str, *coverage: Coverage) -> CoveredPerson:
    return CoveredPerson(person=person, league=league, coverage=coverage)


def test_a_line_by_hand() -> None:
    table = ReportTable()
    amounts = [(1, 5_000_00), (1, 5_000_01), (2, 10_000_01), (3, 50_000_01)]
    add_payments(table, [payment(person, amount) for person, amount in amounts])
    line = table.lines["甲盟", "a"]
    assert (line.claims, line.people, line.amount) == (4, 3, 70_000_03)
    assert line.average == 17_500_01, "70,000.03 / 4 = 17,500.0075, half up"
    assert line.average_person == 23_333_34
    assert (line.largest_claim, line.largest_person) == (50_000_01, 50_000_01)
    assert line.above == [3, 2, 1], "exactly 5,000.00 is not above it"


def test_what_waits_is_in_no_other_figure() -> None:
    table = ReportTable()
    add_payments(table, [payment(1, 100), payment(2, 900, waiting=True)])
    line = table.lines["甲盟", "a"]
    assert (line.claims, line.people, line.amount, line.largest_claim) == (1, 1, 100, 100)
    assert (line.waiting, line.waiting_amount) == (1, 900)


def test_a_person_of_two_leagues_is_one_person_in_the_totals() -> None:
    table = ReportTable()
    add_payments(table, [payment(1, 100), payment(1, 200, league="乙盟"), payment(1, 400, scheme="b")])
    assert [table.lines[key].people for key in sorted(table.lines)] == [1, 1, 1]
    assert (table.schemes["a"].people, table.schemes["a"].largest_person) == (1, 300)
    assert (table.total.people, table.total.largest_person, table.total.claims) == (1, 700, 3)


def test_members_are_covered_and_joins_begin() -> None:
    table = ReportTable()
    add_members(
        table,
        [
            joined(1, "甲盟", cover("2023-06-01", "2024-05-31"), cover("2024-06-01", "2025-05-31")),
            joined(2, "甲盟", cover("2023-01-01", "2023-12-31")),
            joined(3, "甲盟", cover("2024-12-31", "2025-12-30")),
            joined(4, "乙盟", cover("2023-02-01", "2024-01-01"), cover("2024-02-01", "2025-01-31", "b")),
        ],
        first=FIRST,
        last=LAST,
    )
    counted = {key: (line.members, line.joins) for key, line in table.lines.items()}
    assert counted == {("甲盟", "a"): (2, 2), ("乙盟", "a"): (1, 0), ("乙盟", "b"): (1, 1)}
    assert (table.schemes["a"].members, table.total.members, table.total.joins) == (3, 3, 3)


def test_two_enrolments_of_one_person_are_one_member() -> None:
    table = ReportTable()
    both = [
        joined(1, "甲盟", cover("2024-01-01", "2024-06-30")),
        joined(1, "乙盟", cover("2024-07-01", "2024-12-31")),
    ]
    add_members(table, both, first=FIRST, last=LAST)
    assert (table.schemes["a"].members, table.schemes["a"].joins) == (1, 2)
    assert [line.members for line in table.lines.values()] == [1, 1]


payments = st.lists(
    st.builds(
        payment,
        st.integers(1, 6),
        st.integers(1, 6_000_000),
        league=st.sampled_from("甲乙"),
        scheme=st.sampled_from("ab"),
        waiting=st.booleans(),
    ),
    max_size=40,
)


@given(payments)
def test_every_figure_is_that_of_counting_naively(given_payments: list[ClaimPayment]) -> None:
    table = ReportTable()
    add_payments(table, sorted(given_payments, key=lambda each: each.person))
    for (league, scheme), line in table.lines.items():
        check(line, [each for each in given_payments if (each.league, each.scheme) == (league, scheme)])
    for scheme, line in table.schemes.items():
        check(line, [each for each in given_payments if each.scheme == scheme])
    check(table.total, given_payments)


def check(line: ReportLine, mine: list[ClaimPayment]) -> None:
    paid = [each for each in mine if not each.waiting]
    by_person: dict[int, int] = defaultdict(int)
    for each in paid:
        by_person[each.person] += each.amount
    assert (line.claims, line.people, line.amount) == (len(paid), len(by_person), sum(by_person.values()))
    assert line.largest_claim == max((each.amount for each in paid), default=0)
    assert line.largest_person == max(by_person.values(), default=0)
    assert line.above == [sum(each.amount > limit for each in paid) for limit in ABOVE]
    assert line.waiting == len(mine) - len(paid)


def test_ten_thousands_of_yuan() -> None:
    assert [wan(fen) for fen in (1_034_430_000, 1_004_999, 1_005_000, 0)] == ["1034.43", "1.00", "1.01", "0.00"]
