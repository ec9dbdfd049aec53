"""What reading a roster gives: people with their coverage periods, and findings."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from gateway.model.member import Category, Coverage
from gateway.model.person import Particulars


def period_order(period: Coverage) -> tuple[date, date, str]:
    """The order of periods in a roster member: by days, then scheme."""
    return period.first_day, period.last_day, period.scheme


class RosterMember(Particulars, frozen=True, kw_only=True):
    """One enrolment as the association's file states it.

    `category`, `phone` and the unit are those of the latest period; each period keeps its own category.
    Coverage is in order of its first day.
    """

    member_no: str
    league: str | None = None
    category: Category = "active"
    opt_out: bool = False
    coverage: tuple[Coverage, ...] = ()


class RosterFinding(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One thing wrong, by row as a spreadsheet numbers it. An error keeps its row out; a warning does not."""

    row: int
    column: str
    code: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"第{self.row}行 {self.column}: {self.message} [{self.code}]"


class RosterFile(msgspec.Struct, frozen=True, kw_only=True):
    """A roster as read. Every data row is in `people` or has an error: `rows` counts them all."""

    people: tuple[RosterMember, ...]
    findings: tuple[RosterFinding, ...]
    rows: int

    @property
    def errors(self) -> tuple[RosterFinding, ...]:
        """The findings that kept rows out."""
        return tuple(finding for finding in self.findings if finding.level == "error")
