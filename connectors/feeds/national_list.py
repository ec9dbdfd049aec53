"""A platform that lists settlements by day in the national envelope, by row cursor, with no total and no snapshot.

Rows move between two calls when others come or go before them. So every call begins a few rows back, and a pass over
the list counts only when each call met there what the one before had seen; else the day is read again from its first
row. The replies of a quiet pass become one bundle, each verbatim. One row that comes while another goes, both before
the place we stand at, moves nothing: the day is read again the next nights for that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Final

import msgspec

from connectors.transport.days import AskedByDay, DayContent, Days, bundles_of, digest_of, row_digest
from connectors.transport.national_line import NationalLine, NationalSpec, rows_at
from connectors.transport.statement import DayStatement
from gateway.errors import Unavailable
from gateway.model.bundle import Call
from gateway.model.page import Fetched
from gateway.ports import PullWay, Surroundings

MOST_PASSES: Final = 5
"""So often a day's list is begun again before the day is left for another night."""

_MOST_CALLS_A_DAY: Final = 20_000


class NationalListSpec(NationalSpec, frozen=True, kw_only=True):
    """Settlements listed by day in the national envelope, at most a hundred rows a call from `startrow` on.
    `statement`: a day's sums are held against 3201, group by group (险种/清算类别)."""

    infno: str = "3260"
    begin_field: str = "begndate"
    end_field: str = "enddate"
    row_field: str = "startrow"
    first_row: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    overlap_rows: Annotated[int, msgspec.Meta(ge=1, le=50)] = 5
    rows_at: str = "data"
    more_input: dict[str, str] = msgspec.field(default_factory=dict)
    statement: bool = False
    statement_office: str = ""
    statement_groups: tuple[str, ...] = ()


def walk_list(*, first_row: int, overlap: int) -> Generator[int, Sequence[bytes], bool]:
    """Rows to ask from, told the digests of the rows that came; `first_row` begins a new pass. Returns whether the last
    pass was quiet."""
    for _ in range(MOST_PASSES):
        start, tail = first_row, tuple[bytes, ...]()
        while True:
            rows = tuple((yield start))
            if rows[: len(tail)] != tail:
                break
            if len(rows) <= len(tail):
                return True
            # The last rows come again with the next call, but at least one new place is asked for.
            again = min(overlap, len(rows) - 1)
            start += len(rows) - again
            tail = rows[len(rows) - again :]
    return False


class NationalList(AskedByDay):
    """A PullFeed of a platform that lists by day."""

    def __init__(self, spec: NationalListSpec, around: Surroundings, *, line: NationalLine | None = None) -> None:
        self._spec = spec
        self._line = line or NationalLine(spec, around)
        self._days = Days(around, infno=spec.infno)
        self._statement = DayStatement(
            self._line, office=spec.statement_office or spec.region, groups=spec.statement_groups
        )

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """One bundle a day that says something new; see `connectors.transport.days`. Raises Unavailable, Refused."""
        return self._days.fetch(self.read_day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the platform keeps its own."""

    def read_day(self, day: date) -> DayContent:
        """A day's list once it stood still. Raises what `NationalLine.ask` raises."""
        calls: list[Call] = []
        rows: list[Any] = []
        walk = walk_list(first_row=self._spec.first_row, overlap=self._spec.overlap_rows)
        start = next(walk)
        for _ in range(_MOST_CALLS_A_DAY):
            if start == self._spec.first_row:
                calls, rows = [], []
            asked = {
                **self._spec.more_input,
                self._spec.begin_field: day.isoformat(),
                self._spec.end_field: day.isoformat(),
                self._spec.row_field: str(start),
            }
            heard = self._line.ask(self._spec.infno, asked)
            replied = rows_at(heard.output, self._spec.rows_at)
            calls.append(Call(infno=self._spec.infno, asked=asked, reply=heard.raw))
            rows += replied
            try:
                start = walk.send([row_digest(row) for row in replied])
            except StopIteration as end:
                if not end.value:
                    break
                distinct = list({row_digest(row): row for row in rows}.values())
                totals, complaint = self._statement.of(day, distinct) if self._spec.statement else ((), "")
                return DayContent(
                    pages=bundles_of(calls), digest=digest_of(distinct), totals=totals, complaint=complaint
                )
        raise Unavailable("unsteady_list: 列表在读取时不断变动 (the list kept moving while it was read)")


WAY = PullWay(spec=NationalListSpec, make=NationalList)
