"""What goes wrong in a year, each on days of its own."""

from __future__ import annotations

from .bills import (
    billed_twice,
    correction_with_an_unknown_code,
    dear_stays,
    dialysis,
    interim_bills,
    late_joiner,
    number_of_somebody_else,
    regular_patient,
    somebody_else_with_the_card,
    stay_over_the_turn_of_the_year,
    told_by_two_leagues,
    unreadable_row,
)
from .corrections import (
    correction_in_the_same_file,
    correction_of_a_whole_file,
    correction_that_cannot_be_read,
    correction_under_the_same_number,
    nameless_refund,
    nameless_refund_of_an_unknown_number,
    older_state_comes_last,
    refund_of_something_from_before,
    refund_with_a_number_of_its_own,
)
from .lines import (
    association_answers,
    copy_of_a_file,
    correction_in_another_encoding,
    day_is_missing,
    file_waits_for_its_marker,
    line_is_down,
    marker_says_more,
    no_file_for_two_days,
    pushes_stay_away,
    unknown_code_until_spring,
)
from .rosters import (
    december_roster,
    late_enrolment,
    member_leaves,
    september_roster,
)
from .site import ERROR_IN_200, NOT_FOUND, PROXY_PAGE
from .year import Year

FILES_STAND_STILL = (no_file_for_two_days, day_is_missing, file_waits_for_its_marker, marker_says_more)
FILES_COME_AGAIN = (
    copy_of_a_file,
    correction_in_another_encoding,
    correction_in_the_same_file,
    correction_of_a_whole_file,
    correction_that_cannot_be_read,
    nameless_refund_of_an_unknown_number,
    unreadable_row,
)
ANSWERS = (
    (ERROR_IN_200, "answers_prove_nothing"),
    (NOT_FOUND, "address_refused"),
    (PROXY_PAGE, "answers_prove_nothing"),
)


def everything(year: Year) -> None:
    """One year's oddities. What is about whole files or nights has a stretch of the year for itself."""
    dice = year.dice
    stretches = iter(year.stretches(len(FILES_STAND_STILL) + len(FILES_COME_AGAIN) + len(ANSWERS)))
    for oddity in FILES_STAND_STILL:
        day = next(stretches)
        year.keep_clear(day)
        oddity(year, day)
    silent = year.some_day()
    year.keep_clear(silent)
    pushes_stay_away(year, silent)
    for oddity in FILES_COME_AGAIN:
        day = next(stretches)
        year.keep_clear(day, around=3)
        oddity(year, day)
    for answer, code in ANSWERS:
        association_answers(year, next(stretches), answer, code)
    bills_and_refunds(year)
    line_is_down(year, year.some_day())
    unknown_code_until_spring(year, year.day_between((3, 12), (3, 20)), year.day_between((4, 14), (4, 20)))
    correction_with_an_unknown_code(year, year.some_day((5, 1), (8, 20)))
    member_leaves(year, dice.choice(SENDING), year.day_between((5, 1), (8, 10)))
    late_enrolment(year, dice.choice(SENDING), year.day_between((5, 20), (8, 20)))
    september_roster(year, year.day_between((9, 8), (9, 27)))
    december_roster(year, year.day_between((12, 5), (12, 15)))
    # Some nights are commands, whose exit code says how it stands: one with something to act on, and the last.
    to_act = [foreseen.first for foreseen in year.foreseen if "act" in foreseen.levels]
    year.as_commands |= {dice.choice(to_act), year.last}


SENDING = ("hinggan", "bayannur")
"""The leagues that send rows by themselves."""


def bills_and_refunds(year: Year) -> None:
    """What is about one bill, on any day on which rows come."""
    for feed in (*SENDING, "wuhai"):
        correction_under_the_same_number(year, feed, year.some_day())
        refund_with_a_number_of_its_own(year, feed, year.some_day())
    for feed in SENDING:
        refund_with_a_number_of_its_own(year, feed, year.some_day(), visit=False)
        interim_bills(year, feed, year.some_day())
        dialysis(year, feed)
    one_league = (dear_stays, stay_over_the_turn_of_the_year, late_joiner)
    for oddity in one_league:
        oddity(year, year.dice.choice(SENDING))
    billed_twice(year, year.dice.choice(SENDING), year.some_day())
    regular_patient(year, "wuhai")
    on_some_day = (
        nameless_refund,
        number_of_somebody_else,
        older_state_comes_last,
        refund_of_something_from_before,
        somebody_else_with_the_card,
        told_by_two_leagues,
    )
    for oddity_of_a_day in on_some_day:
        oddity_of_a_day(year, year.some_day())
