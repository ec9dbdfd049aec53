"""A feed that answers person by person: everybody once a round, nobody without need, on from where it was cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    LINE,
    adds_up,
    content,
    covered,
    enrolled,
    live,
    member,
    records,
    row,
    rows_of,
    who,
)

from gateway.errors import Conflict, Unavailable
from gateway.flow.intake import sweep as sweeping
from gateway.flow.intake.night import work_waiting
from gateway.flow.intake.sweep import SweepReport, ask_about, sweep
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.page import Fetched
from gateway.ports import SweepReply, SweepSubject
from gateway.store import cursors, members, schema, sweep_windows

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


class Line:
    """A league that answers about three people at a time, as the test's plan for each call says."""

    people_per_page = 3

    def __init__(self, *plans: Callable[[list[SweepSubject]], SweepReply]) -> None:
        self.plans = list(plans)
        self.questions: list[list[SweepSubject]] = []

    def ask(self, subjects: list[SweepSubject], *, now: datetime) -> SweepReply:
        self.questions.append(subjects)
        plan = self.plans.pop(0) if self.plans else answers
        return plan(subjects)

    @property
    def asked(self) -> list[list[int]]:
        return [[subject.member_id for subject in subjects] for subjects in self.questions]


def bundle(subjects: list[SweepSubject]) -> Fetched:
    numbers = [person_of(subject) for subject in subjects]
    return Fetched(content=content(row(f"L{number}", number) for number in numbers), request=f"{numbers}")


def person_of(subject: SweepSubject) -> int:
    return next(number for number in range(100) if who(number).id_number == subject.id_number)


def answers(subjects: list[SweepSubject]) -> SweepReply:
    """Everybody in full."""
    return SweepReply(fetched=bundle(subjects), asked=tuple(each.member_id for each in subjects), failed=())


def fails_for(*members: int) -> Callable[[list[SweepSubject]], SweepReply]:
    """Everybody but these."""

    def plan(subjects: list[SweepSubject]) -> SweepReply:
        known = [each for each in subjects if each.member_id not in members]
        failed = tuple((each, "timeout") for each in members)
        return SweepReply(fetched=bundle(known), asked=tuple(each.member_id for each in known), failed=failed)

    return plan


def reaches(many: int) -> Callable[[list[SweepSubject]], SweepReply]:
    """Only so many: the page was full."""

    def plan(subjects: list[SweepSubject]) -> SweepReply:
        return answers(subjects[:many])

    return plan


def down(subjects: list[SweepSubject]) -> SweepReply:
    raise Unavailable("line: down")


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=LINE)


def cursor(office: Office) -> str | None:
    with office.store.read() as tx:
        return cursors.of_feed(tx, "line")[0]


def windows(line: Line) -> dict[int, tuple[date, date]]:
    return {each.member_id: (each.since, each.until) for subjects in line.questions for each in subjects}


def test_everybody_is_asked_once_a_round_and_what_is_learnt_is_worked(office: Office) -> None:
    enrolled(office, *range(1, 8))
    line = Line()
    report = sweep(office, "line", line)
    assert report == SweepReport(pages=3, asked=7, failed=0, finished=True)
    assert line.asked == [[1, 2, 3], [4, 5, 6], [7]]
    assert adds_up(office) == {"member": 7}
    assert len(live(office)) == 7


def test_the_next_round_asks_everybody_again(office: Office, clock: Hands) -> None:
    enrolled(office, 1, 2)
    line = Line()
    sweep(office, "line", line)
    clock.move(days=1)
    sweep(office, "line", line)
    assert line.asked == [[1, 2], [1, 2]]
    # The same answer is the same page.
    assert len(rows_of(office, schema.page)) == 1


def test_the_window_begins_where_the_last_answer_ended(office: Office, clock: Hands) -> None:
    enrolled(office, 1)
    line = Line()
    sweep(office, "line", line)
    assert windows(line)[1] == (date(2020, 10, 8), date(2021, 10, 8))
    clock.move(days=10)
    sweep(office, "line", line)
    assert windows(line)[1] == (date(2021, 10, 1), date(2021, 10, 18))


def test_who_could_not_be_asked_is_asked_again_about_the_same_days(office: Office, clock: Hands) -> None:
    enrolled(office, 1, 2, 3)
    line = Line()
    sweep(office, "line", line)
    clock.move(days=10)
    report = sweep(office, "line", Line(fails_for(2)))
    assert (report.asked, report.failed) == (2, 1)
    clock.move(days=10)
    third = Line()
    sweep(office, "line", third)
    assert windows(third) == {
        1: (date(2021, 10, 11), date(2021, 10, 28)),
        2: (date(2021, 10, 1), date(2021, 10, 28)),
        3: (date(2021, 10, 11), date(2021, 10, 28)),
    }
    with office.store.read() as tx:
        assert sweep_windows.oldest(tx, "line") == date(2021, 10, 28)


def test_who_never_got_an_answer_keeps_the_first_window(office: Office, clock: Hands) -> None:
    enrolled(office, 1)
    sweep(office, "line", Line(fails_for(1)))
    clock.move(days=1)
    line = Line()
    sweep(office, "line", line)
    assert windows(line)[1] == (date(2020, 10, 9), date(2021, 10, 9))


def test_whoever_was_not_reached_is_at_the_head_of_the_next_question(office: Office) -> None:
    enrolled(office, 1, 2, 3, 4)
    line = Line(reaches(1), answers)
    report = sweep(office, "line", line)
    assert line.asked == [[1, 2, 3], [2, 3, 4]]
    assert report.asked == 4


def test_a_sweep_goes_on_where_the_line_went_down(office: Office) -> None:
    enrolled(office, *range(1, 8))
    line = Line(answers, down)
    with pytest.raises(Unavailable):
        sweep(office, "line", line)
    assert len(records(office)) == 3
    again = Line()
    assert sweep(office, "line", again).finished
    assert again.asked == [[4, 5, 6], [7]]


def test_a_line_that_reaches_nobody_is_down(office: Office) -> None:
    enrolled(office, 1)
    line = Line(*[reaches(0)] * 5)
    with pytest.raises(Unavailable):
        sweep(office, "line", line)
    assert (len(line.asked), rows_of(office, schema.page)) == (1, [])
    again = Line()
    sweep(office, "line", again)
    assert again.asked == [[1]]


def test_a_sweep_stops_at_its_hour_and_goes_on_the_next_night(office: Office, clock: Hands) -> None:
    enrolled(office, *range(1, 8))

    def slowly(subjects: list[SweepSubject]) -> SweepReply:
        clock.move(hours=1)
        return answers(subjects)

    line = Line(slowly, slowly, slowly)
    until = clock.now.replace(hour=11)
    report = sweep(office, "line", line, until=until)
    assert (report.finished, report.pages) == (False, 2)
    assert sweep(office, "line", line, until=until).pages == 0
    clock.move(days=1)
    assert sweep(office, "line", line).finished
    assert line.asked == [[1, 2, 3], [4, 5, 6], [7]]


def test_page_cursor_and_windows_are_written_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled(office, 1, 2, 3, 4)

    class Crash(BaseException):
        pass

    def set_asked(*given: Any, **named: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(sweep_windows, "set_asked_until", set_asked)
        with pytest.raises(Crash):
            sweep(office, "line", Line())
    assert (cursor(office), rows_of(office, schema.page)) == (None, [])
    line = Line()
    sweep(office, "line", line)
    assert line.asked == [[1, 2, 3], [4]]


def test_a_sweep_cut_off_before_its_page_was_worked_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(office, 1, 2, 3, 4)

    class Crash(BaseException):
        pass

    def process_page(*given: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "process_page", process_page)
        with pytest.raises(Crash):
            sweep(office, "line", Line())
    line = Line()
    sweep(office, "line", line)
    assert line.asked == [[4]]
    assert work_waiting(office, ["line"]) == 1
    assert adds_up(office) == {"member": 4}


def test_of_two_sweeps_at_once_one_gives_way(office: Office) -> None:
    enrolled(office, 1, 2, 3, 4)
    other = Line()

    def overtaken(subjects: list[SweepSubject]) -> SweepReply:
        sweep(office, "line", other)
        return answers(subjects)

    with pytest.raises(Conflict):
        sweep(office, "line", Line(overtaken))
    assert other.asked == [[1, 2, 3], [4]]
    assert adds_up(office) == {"member": 4}


def test_nobody_is_asked_about_without_need(office: Office) -> None:
    people = [
        member(1, opt_out=True),
        member(2, coverage=(covered("2019-06-01", "2020-05-31"),)),
        member(3, coverage=(covered("2022-01-01", "2022-12-31"),)),
        member(4, league="乙盟"),
        member(5, league="甲盟"),
        member(6, coverage=()),
        member(7),
    ]
    enrol(office, "nm", people)
    line = Line()
    assert sweep(office, "line", line).finished
    assert sorted(person_of(each) for subjects in line.questions for each in subjects) == [5, 7]


def test_an_empty_roster_is_a_finished_round(office: Office) -> None:
    line = Line()
    assert sweep(office, "line", line) == SweepReport(finished=True)
    assert line.questions == []


def test_who_joins_in_the_middle_of_a_round_is_asked_in_it(office: Office) -> None:
    enrolled(office, 1, 2, 3)

    def while_somebody_joins(subjects: list[SweepSubject]) -> SweepReply:
        enrolled(office, 4)
        return answers(subjects)

    line = Line(while_somebody_joins)
    sweep(office, "line", line)
    assert line.asked == [[1, 2, 3], [4]]


def test_a_corrected_number_is_asked_about_from_the_beginning(office: Office, clock: Hands) -> None:
    enrolled(office, 1, 2)
    sweep(office, "line", Line())
    clock.move(days=30)
    enrol(office, "nm", [member(1, id_number=who(50).id_number)])
    line = Line()
    sweep(office, "line", line)
    assert windows(line) == {
        1: (date(2020, 11, 7), date(2021, 11, 7)),
        2: (date(2021, 10, 1), date(2021, 11, 7)),
    }


def test_one_person_can_be_looked_up_now(office: Office, clock: Hands) -> None:
    enrolled(office, 1, 2)
    sweep(office, "line", Line())
    clock.move(days=5)
    with office.store.read() as tx:
        [row] = members.by_id(tx, [2])
    line = Line()
    ask_about(office, "line", line, row)
    assert windows(line) == {2: (date(2020, 10, 13), date(2021, 10, 13))}
    # The nightly window is left as it is.
    nightly = Line()
    sweep(office, "line", nightly)
    assert windows(nightly)[2] == (date(2021, 10, 1), date(2021, 10, 13))
