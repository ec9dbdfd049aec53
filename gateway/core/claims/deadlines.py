"""Deadlines (办理时限): working days of the real Chinese calendar, and what is due when.

Days count from the day after the event (民法典第二百零一条): five working days after an approval on Monday is the
next Monday. The calendar is the State Council's (国务院办公厅节假日安排) with its make-up Saturdays and Sundays; for
years whose notice is not known Monday to Friday are working days and the answer says `assumed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

import msgspec
from chinese_calendar import is_workday

Counting = Literal["working", "calendar"]
"""Working days (工作日) or all days (日、自然日)."""

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class Due(msgspec.Struct, frozen=True, order=True):
    """The last day on which something is in time. `assumed`: it rests on a year whose holidays are not known."""

    day: date
    assumed: bool = False


class WorkStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the office's work (办理环节): so many days after the step before it, or after receipt."""

    name: str
    days: int
    of: Counting = "calendar"


class Processing(msgspec.Struct, frozen=True, kw_only=True):
    """How long an association takes: days from its approval to payment (`complex_days` for complex claims).

    `steps` run from the day the claim was received to the decision. None where the text sets no such limit.
    """

    days: int | None = None
    complex_days: int | None = None
    of: Counting = "working"
    article: str = ""
    steps: tuple[WorkStep, ...] = ()
    steps_article: str = ""


class StepDue(msgspec.Struct, frozen=True, kw_only=True):
    """The last day of one step."""

    name: str
    due: Due


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> tuple[bool, bool]:
    """(is it a working day, is the calendar of its year known)."""
    try:
        return bool(is_workday(day)), True
    except NotImplementedError:
        return day.weekday() < _SATURDAY, False


@lru_cache(maxsize=4096)
def due_after(start: date, days: int, of: Counting) -> Due:
    """The last of so many days after `start`, which is not counted; `start` itself where `days` is 0."""
    if of == "calendar":
        return Due(start + timedelta(days=days))
    day, assumed, left = start, False, days
    while left > 0:
        day += _DAY
        working, calendar_known = is_working_day(day)
        assumed = assumed or not calendar_known
        left -= working
    return Due(day, assumed)


def payment_due(processing: Processing, approved_on: date, *, complex_claim: bool) -> Due | None:
    """Until when an approved claim is to be paid; None where no limit is set."""
    days = processing.days
    if complex_claim and processing.complex_days is not None:
        days = processing.complex_days
    return None if days is None else due_after(approved_on, days, processing.of)


def step_dues(steps: Sequence[WorkStep], received_on: date) -> tuple[StepDue, ...]:
    """The last day of every step of a claim received on this day; each step counts from the last day of the one before.

    The last of them is the day by which the association should have decided.
    """
    dues: list[StepDue] = []
    day, assumed = received_on, False
    for step in steps:
        due = due_after(day, step.days, step.of)
        day, assumed = due.day, assumed or due.assumed
        dues.append(StepDue(name=step.name, due=Due(day, assumed)))
    return tuple(dues)


def in_time(last_day: date | None, day: date) -> bool:
    """Whether something done on this day is in time: the last day counts, the day after is too late."""
    return last_day is None or day <= last_day
