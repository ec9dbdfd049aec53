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


class Statement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a roster states about one member number: all it says, and what it says nothing of.

    `member`: the member as it would be if nothing were stored. `unsaid`: those of its fields that have a value which no
    row states. `cleared`: fields whose empty cells are to empty them. `ends`: (scheme, last covered day) of what ends.
    `gone`: (scheme, first day) of stored periods that never were. `rows`: where it stands. `whole`: what it does not
    say is not so either.
    """

    member: RosterMember
    unsaid: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    ends: tuple[tuple[str, date], ...] = ()
    gone: tuple[tuple[str, date], ...] = ()
    rows: tuple[Place, ...] = ()
    whole: bool = False


class Place(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where a row stands: the sheet's number (0 in a text file), the row as a spreadsheet numbers it, the sheet."""

    sheet_no: int
    row: int
    sheet: str = ""

    def __str__(self) -> str:
        return f"《{self.sheet}》第{self.row}行" if self.sheet else f"第{self.row}行"


class RosterFinding(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One thing wrong, by sheet and row as a spreadsheet numbers it. An error keeps its row out; a warning does not."""

    sheet_no: int = 0
    row: int
    column: str
    code: str
    message: str
    level: Literal["error", "warning"] = "error"
    sheet: str = ""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.sheet_no, self.row, self.sheet)

    def __str__(self) -> str:
        return f"{self.place} {self.column}: {self.message} [{self.code}]"


class RosterFile(msgspec.Struct, frozen=True, kw_only=True):
    """A roster as read. Every data row is in `statements` or has an error: `rows` counts them all, `repeated` those
    that say what another row says already; `skipped` counts lines that are no member's, by kind (see `lines`).

    `set_aside`: the member numbers of rows that have an error; `nameless`: whether of some of them nobody can tell.
    """

    statements: tuple[Statement, ...]
    findings: tuple[RosterFinding, ...]
    rows: int
    repeated: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    set_aside: frozenset[str] = frozenset()
    nameless: bool = False

    @property
    def people(self) -> tuple[RosterMember, ...]:
        """Everybody the file states, as if nothing were stored."""
        return tuple(statement.member for statement in self.statements)

    @property
    def errors(self) -> tuple[RosterFinding, ...]:
        """The findings that kept rows out."""
        return tuple(finding for finding in self.findings if finding.level == "error")
