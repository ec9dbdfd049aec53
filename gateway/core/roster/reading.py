"""Roster bytes → people and findings: each row for itself, then each person over all of his rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, Literal

import msgspec

from gateway.core.roster.columns import letter, missing_columns, shown
from gateway.core.roster.people import RosterFile, RosterFinding, RosterMember, period_order
from gateway.core.roster.persons import same_name
from gateway.core.roster.rows import RosterRow, RosterRules, RowReader
from gateway.core.roster.tables import Table, read_table
from gateway.core.schemes import SchemeFamily
from gateway.model.person import PARTICULARS

_MUST_AGREE: Final = ("id_type", "id_number", "sex", "birth_date", "opt_out")
_OF_THE_LATEST: Final = (
    *(field for field in PARTICULARS if field not in ("name", *_MUST_AGREE)),
    "league",
    "category",
)
"""What may change while somebody is enrolled: the latest period that says it tells it."""


def read_roster(
    content: bytes,
    *,
    scheme_default: str | None = None,
    schemes: Mapping[str, str] | None = None,
    families: Mapping[str, SchemeFamily] | None = None,
    with_coverage: bool = True,
) -> RosterFile:
    """The people of a roster file, with every finding by row.

    `scheme_default` stands where a row names no scheme. `schemes` maps what a file may write to the code of a
    scheme; without it any text is a code. With `families`, by code, a row may leave the end of its period open, or
    state only the day of joining: the scheme's rule in force then makes the period; without them both days must
    stand there. `with_coverage = False` leaves the coverage columns unread.
    A member is given only when all of his rows are sound: half his periods would be a wrong entitlement.
    Raises BadInput for bytes that hold no table.
    """
    rules = RosterRules(scheme_default=scheme_default, schemes=schemes, families=families, with_coverage=with_coverage)
    table = read_table(content)
    findings = _header_findings(table, rules)
    if any(finding.level == "error" for finding in findings):
        return RosterFile(people=(), findings=tuple(findings), rows=sum(1 for _ in table.rows))
    reader = RowReader(table.header, rules)
    roll = _Roll(reader)
    for number, cells in table.rows:
        roll.add(number, *reader.read(number, cells))
    people = tuple(roll.people())
    return RosterFile(people=people, findings=tuple(sorted(findings + reader.findings)), rows=roll.rows)


def _header_findings(table: Table, rules: RosterRules) -> list[RosterFinding]:
    """What is wrong with the columns; errors first."""
    header = table.header
    missing = missing_columns(
        header,
        coverage_required=rules.with_coverage,
        scheme_given=rules.scheme_default is not None,
        rules_known=rules.families is not None,
    )
    findings = []
    if missing:
        names = "、".join(f"{shown(column)} ({column})" for column in missing)
        findings.append(_of_header(",".join(missing), "missing_columns", f"缺少列 (missing columns): {names}"))
    for column in header.doubled:
        message = f"{shown(column)}有两列，请只留一列 (two columns for {column})"
        findings.append(_of_header(column, "doubled_column", message))
    for index, words in header.unknown:
        place = letter(index + table.first_column)
        message = f"{place}列“{words}”不认识，未读取 (unknown column, ignored)"
        findings.append(_of_header(place, "unknown_column", message, "warning"))
    if "category" not in header.at:
        message = "没有人员类别列，全部按在职 (no category: all taken as active)"
        findings.append(_of_header("category", "no_category", message, "warning"))
    return [msgspec.structs.replace(finding, row=table.header_row) for finding in findings]


def _of_header(column: str, code: str, message: str, level: Literal["error", "warning"] = "error") -> RosterFinding:
    return RosterFinding(row=1, column=column, code=code, message=message, level=level)


class _Roll:
    """The rows by member, and who of them cannot be taken."""

    def __init__(self, reader: RowReader) -> None:
        self.rows = 0
        self._reader = reader
        self._members: defaultdict[str, list[RosterRow]] = defaultdict(list)
        self._refused: dict[str, int] = {}

    def add(self, number: int, member_no: str | None, row: RosterRow | None) -> None:
        """Take a row in; one with findings refuses its member, if it says which."""
        self.rows += 1
        if row is not None:
            self._members[row.member_no].append(row)
        elif member_no is not None:
            self._refused.setdefault(member_no, number)

    def people(self) -> Iterator[RosterMember]:
        """The members all of whose rows are sound, once the rows of each person have been compared."""
        for rows in self._members.values():
            first = rows[0]
            for row in rows[1:]:
                differing = [name for name in _MUST_AGREE if getattr(row, name) != getattr(first, name)]
                if not same_name(row.name, first.name):
                    differing.insert(0, "name")
                for column in differing:
                    message = f"{shown(column)}与第{first.row}行同一会员号的不一致 (differs from row {first.row})"
                    self._refuse(row, column, "rows_disagree", message)
            self._compare_periods(rows)
        # A person is one document, whatever the number of memberships.
        persons: defaultdict[tuple[str, str], list[RosterRow]] = defaultdict(list)
        for rows in self._members.values():
            for row in rows:
                persons[row.id_type, row.id_number].append(row)
        for rows in persons.values():
            if len(rows) > 1:
                self._compare_members(sorted(rows, key=_row_number))
        # A sound row of a refused member is not taken either, and says so: every row is accounted for.
        named = {finding.row for finding in self._reader.findings if finding.level == "error"}
        for number, bad in self._refused.items():
            for row in self._members.get(number, ()):
                if row.row not in named:
                    message = f"因第{bad}行有误，本行未导入 (set aside because of row {bad})"
                    self._reader.note(row.row, "member_no", "set_aside", message)
        return (_member(rows) for number, rows in self._members.items() if number not in self._refused)

    def _compare_members(self, rows: list[RosterRow]) -> None:
        """One document under two member numbers is one person only if the names agree."""
        first = rows[0]
        others = [row for row in rows if not same_name(row.name, first.name)]
        members = {row.member_no for row in rows}
        if not others or len(members) == 1:
            return
        for row in others:
            message = f"证件号码与第{first.row}行相同而姓名不同 (same document as row {first.row}, other name)"
            self._refuse(row, "id_number", "shared_id_number", message)
        for member_no in members:
            self._refused.setdefault(member_no, others[0].row)

    def _compare_periods(self, rows: list[RosterRow]) -> None:
        """Periods of one member number in one scheme may touch but not overlap. Those of two member numbers may: then
        he is enrolled twice, and a person says what becomes of it."""
        if len(rows) == 1:
            return
        latest: dict[str, tuple[date, RosterRow]] = {}
        covered = [(row.period, row) for row in rows if row.period is not None]
        for period, row in sorted(covered, key=lambda pair: period_order(pair[0])):
            reached, before = latest.get(period.scheme, (date.min, row))
            if period.first_day <= reached:
                first, later = sorted((before, row), key=_row_number)
                message = f"保障期与第{first.row}行重叠 (period overlaps the one of row {first.row})"
                self._refuse(later, "coverage_from", "periods_overlap", message)
                self._refused.setdefault(first.member_no, later.row)
            if period.last_day > reached:
                latest[period.scheme] = (period.last_day, row)

    def _refuse(self, row: RosterRow, column: str, code: str, message: str) -> None:
        self._reader.note(row.row, column, code, message)
        self._refused.setdefault(row.member_no, row.row)


def _member(rows: list[RosterRow]) -> RosterMember:
    """A member from his sound rows: they agree on who he is, the latest period that says it tells the rest. The order
    of rows says nothing; of several writings of his name the longest stands."""
    first = rows[0]
    fields: dict[str, Any] = {name: getattr(first, name) for name in _MUST_AGREE}
    for row in sorted(rows, key=_latest_last) if len(rows) > 1 else rows:
        fields.update((name, value) for name in _OF_THE_LATEST if (value := getattr(row, name)) is not None)
    periods = [row.period for row in rows if row.period is not None]
    coverage = tuple(sorted(periods, key=period_order) if len(periods) > 1 else periods)
    name = max([row.name for row in rows], key=lambda name: (len(name), name))
    return RosterMember(member_no=first.member_no, name=name, coverage=coverage, **fields)


def _row_number(row: RosterRow) -> int:
    return row.row


def _latest_last(row: RosterRow) -> tuple[date, date, list[str]]:
    """Of two rows with the same days, or none, the text decides, so that their order in the file never does."""
    rest = [getattr(row, name) or "" for name in _OF_THE_LATEST]
    if row.period is None:
        return date.min, date.min, rest
    return row.period.last_day, row.period.first_day, [*rest, row.period.scheme]
