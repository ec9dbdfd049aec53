"""Roster bytes → people and findings: each row for itself, then each person over all of his rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, Final, Literal

import msgspec

from gateway.core.match.writing.numbers import sound_numbers_near
from gateway.core.roster.columns import letter, missing_columns, shown
from gateway.core.roster.people import Place, RosterFile, RosterFinding, RosterMember, Statement, period_order
from gateway.core.roster.persons import near_name, same_name
from gateway.core.roster.rows import RosterRow, RosterRules, RowReader, finding_at
from gateway.core.roster.tables import Table, UnreadSheet, read_tables
from gateway.core.schemes import SchemeFamily
from gateway.model.national_id import checksum_ok
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
    clears: Collection[str] = (),
) -> RosterFile:
    """The people of a roster file, with every finding by row.

    `scheme_default` stands where a row names no scheme. `schemes` maps what a file may write to the code of a
    scheme; without it any text is a code. With `families`, by code, a row may leave the end of its period open, or
    state only the day of joining: the scheme's rule in force then makes the period; without them both days must
    stand there. `with_coverage = False` leaves the coverage columns unread. `clears`: the columns whose empty cells
    empty what is stored; the empty cells of all others, and columns that are not there, say nothing.
    A member is given only when all of his rows are sound: half his periods would be a wrong entitlement.
    Raises BadInput for bytes that hold no table.
    """
    rules = RosterRules(
        scheme_default=scheme_default,
        schemes=schemes,
        families=families,
        with_coverage=with_coverage,
        clears=frozenset(clears),
    )
    roll = _Roll(rules)
    for table in read_tables(content):
        if isinstance(table, UnreadSheet):
            roll.findings.append(_unread(table))
        else:
            roll.read(table)
    roll.judge_what_was_left()
    statements = tuple(roll.statements())
    return RosterFile(
        statements=statements,
        findings=tuple(sorted(roll.findings)),
        rows=roll.rows,
        repeated=roll.repeated,
        skipped=dict(roll.skipped),
        set_aside=frozenset(roll.refused),
        nameless=roll.nameless,
    )


def _not_a_roster(table: Table) -> RosterFinding:
    words = "没有会员号、证件号码列，未读取 (no column of member or id numbers: left unread)"
    return _of_sheet(table.sheet_no, table.sheet, "sheet_unread", words)


def _unread(sheet: UnreadSheet) -> RosterFinding:
    words = (
        "是隐藏的工作表，未读取 (hidden, left unread)" if sheet.hidden else "没有表头，未读取 (no header, left unread)"
    )
    return _of_sheet(sheet.sheet_no, sheet.sheet, "sheet_unread", words)


def _of_sheet(sheet_no: int, sheet: str, code: str, words: str) -> RosterFinding:
    return RosterFinding(
        sheet_no=sheet_no,
        sheet=sheet,
        row=1,
        column="-",
        code=code,
        message=f"第{sheet_no}张表{words}",
        level="warning",
    )


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
        message = "没有人员类别列，新会员按在职，其余不变 (no category: new members taken as active, others unchanged)"
        findings.append(_of_header("category", "no_category", message, "warning"))
    return [
        msgspec.structs.replace(finding, row=table.header_row, sheet_no=table.sheet_no, sheet=table.sheet)
        for finding in findings
    ]


def _of_header(column: str, code: str, message: str, level: Literal["error", "warning"] = "error") -> RosterFinding:
    return RosterFinding(row=1, column=column, code=code, message=message, level=level)


class _Roll:
    """The rows by member, and which members cannot be taken."""

    def __init__(self, rules: RosterRules) -> None:
        self.findings: list[RosterFinding] = []
        self.rows = 0
        self.repeated = 0
        self.skipped: Counter[str] = Counter()
        self.nameless = False
        self.refused: dict[str, Place] = {}
        self._rules = rules
        self._members: defaultdict[str, list[RosterRow]] = defaultdict(list)
        self._any_read = False
        self._left: list[tuple[Table, list[RosterFinding]]] = []

    def read(self, table: Table) -> None:
        """Take the rows of a table in, if its columns allow it."""
        of_header = _header_findings(table, self._rules)
        if any(finding.level == "error" for finding in of_header):
            self._left.append((table, of_header))
            rows = sum(1 for _ in table.rows)
            self.rows, self.nameless = self.rows + rows, self.nameless or rows > 0
        else:
            self.findings += of_header
            self._any_read = True
            reader = RowReader(table, self._rules, self.findings)
            for number, cells in table.rows:
                self.add(*reader.read(number, cells))
        self.skipped += table.skipped

    def judge_what_was_left(self) -> None:
        """A table that lacks columns is an error where it is the only one, or tells of people: then it was meant as a
        roster. Beside a roster any other is only named."""
        for table, of_header in self._left:
            tells_of_people = not {"member_no", "id_number"}.isdisjoint(table.header.at)
            self.findings += of_header if tells_of_people or not self._any_read else [_not_a_roster(table)]

    def add(self, place: Place, member_no: str | None, row: RosterRow | None) -> None:
        """Take a row in; one with findings refuses its member, if it says which. Rows that say the same are one."""
        self.rows += 1
        if row is not None:
            rows = self._members[row.member_no]
            if any(row == msgspec.structs.replace(earlier, place=place) for earlier in rows):
                self.repeated += 1
            else:
                rows.append(row)
        elif member_no is not None:
            self.refused.setdefault(member_no, place)
        else:
            self.nameless = True

    def statements(self) -> Iterator[Statement]:
        """The members all of whose rows are sound, once the rows of each person have been compared."""
        for rows in self._members.values():
            if len(rows) > 1:
                self._believe_the_sound(rows)
                self._compare_rows(rows)
                self._compare_periods(rows)
        # A person is one document, whatever the number of memberships.
        persons: defaultdict[tuple[str, str], list[RosterRow]] = defaultdict(list)
        for rows in self._members.values():
            for row in rows:
                persons[row.id_type, row.id_number].append(row)
        for rows in persons.values():
            if len(rows) > 1:
                self._compare_members(sorted(rows, key=_place))
        # A sound row of a refused member is not taken either, and says so: every row is accounted for.
        named = {finding.place for finding in self.findings if finding.level == "error"}
        for number, bad in self.refused.items():
            for row in self._members.get(number, ()):
                if row.place not in named:
                    message = f"因{bad}有误，本行未导入 (set aside because of row {bad.row})"
                    self.findings.append(finding_at(row.place, "member_no", "set_aside", message))
        return (_statement(rows) for number, rows in self._members.items() if number not in self.refused)

    def _believe_the_sound(self, rows: list[RosterRow]) -> None:
        """Where one row of a member number has a sound id number and another the same with a slip, the sound one holds
        for both."""
        sound = {row.id_number: row for row in rows if checksum_ok(row.id_number)}
        if len(sound) != 1:
            return
        (number, believed), *_ = sound.items()
        for at, row in enumerate(rows):
            if row.id_number != number and number in sound_numbers_near(row.id_number):
                of_number = {"id_number": number, "sex": believed.sex, "birth_date": believed.birth_date}
                rows[at] = msgspec.structs.replace(row, **of_number)

    def _compare_rows(self, rows: list[RosterRow]) -> None:
        """The rows of a member number say the same of who it is. What a row does not say contradicts nothing."""
        for column in ("name", *_MUST_AGREE):
            saying = [row for row in rows if getattr(row, column) is not None]
            for row in saying[1:]:
                if not _agree(column, row, saying[0]):
                    first = saying[0].place
                    message = f"{shown(column)}与{first}同一会员号的不一致 (differs from row {first.row})"
                    self._refuse(row, column, "rows_disagree", message)

    def _compare_members(self, rows: list[RosterRow]) -> None:
        """One document under two member numbers is one person only if the names agree. Where one may be the other
        miswritten both are taken in, and a person says who the records under that number are about."""
        first = rows[0]
        others = [row for row in rows if not same_name(row.name, first.name)]
        members = {row.member_no for row in rows}
        if not others or len(members) == 1:
            return
        if all(near_name(row.name, first.name) for row in others) and not any(row.opt_out for row in rows):
            for row in others:
                message = (
                    f"证件号码与{first.place}相同而姓名相近，均已收入，其记录待人工核对 (both taken in, for review)"
                )
                finding = finding_at(row.place, "id_number", "shared_id_number", message)
                self.findings.append(msgspec.structs.replace(finding, level="warning"))
            return
        for row in others:
            message = f"证件号码与{first.place}相同而姓名不同 (same document as row {first.place.row}, other name)"
            self._refuse(row, "id_number", "shared_id_number", message)
        for member_no in members:
            self.refused.setdefault(member_no, others[0].place)

    def _compare_periods(self, rows: list[RosterRow]) -> None:
        """Periods of one member number in one scheme may touch but not overlap. Those of two member numbers may: then
        a person is enrolled twice, and somebody says what becomes of it."""
        latest: dict[str, tuple[date, RosterRow]] = {}
        covered = [(row.period, row) for row in rows if row.period is not None]
        for period, row in sorted(covered, key=lambda pair: period_order(pair[0])):
            reached, before = latest.get(period.scheme, (date.min, row))
            if period.first_day <= reached:
                first, later = sorted((before, row), key=_place)
                message = f"保障期与{first.place}重叠 (period overlaps the one of row {first.place.row})"
                self._refuse(later, "coverage_from", "periods_overlap", message)
                self.refused.setdefault(first.member_no, later.place)
            if period.last_day > reached:
                latest[period.scheme] = (period.last_day, row)

    def _refuse(self, row: RosterRow, column: str, code: str, message: str) -> None:
        self.findings.append(finding_at(row.place, column, code, message))
        self.refused.setdefault(row.member_no, row.place)


def _agree(column: str, row: RosterRow, first: RosterRow) -> bool:
    if column == "name":
        return same_name(row.name, first.name)
    return bool(getattr(row, column) == getattr(first, column))


def _statement(rows: list[RosterRow]) -> Statement:
    """What a member's sound rows state: they agree on who it is, the latest period that says it tells the rest. The
    order of rows says nothing; of several writings of the name the longest stands."""
    fields: dict[str, Any] = dict.fromkeys(_MUST_AGREE)
    for row in sorted(rows, key=_latest_last) if len(rows) > 1 else rows:
        fields.update((name, value) for name in _MUST_AGREE if (value := getattr(row, name)) is not None)
        fields.update((name, value) for name in _OF_THE_LATEST if (value := getattr(row, name)) is not None)
    unsaid = [name for name in ("category", "opt_out") if fields.get(name) is None]
    if not any(row.id_type_said for row in rows):
        unsaid.append("id_type")
    fields["opt_out"] = bool(fields["opt_out"])
    periods = [row.period for row in rows if row.period is not None]
    name = max([row.name for row in rows], key=lambda name: (len(name), name))
    coverage = tuple(sorted(periods, key=period_order))
    member = RosterMember(member_no=rows[0].member_no, name=name, coverage=coverage, **fields)
    return Statement(
        member=member,
        unsaid=frozenset(unsaid),
        cleared=frozenset(column for row in rows for column in row.cleared if getattr(member, column) is None),
        ends=_ends(rows),
        rows=tuple(row.place for row in rows),
    )


def _ends(rows: list[RosterRow]) -> tuple[tuple[str, date], ...]:
    """The day each scheme ends on that the rows let end; of several the last."""
    ends: dict[str, date] = {}
    for row in rows:
        if row.end is not None:
            scheme, last_day = row.end
            ends[scheme] = max(last_day, ends.get(scheme, date.min))
    return tuple(sorted(ends.items()))


def _place(row: RosterRow) -> Place:
    return row.place


def _latest_last(row: RosterRow) -> tuple[date, date, list[str]]:
    """Of two rows with the same days, or none, the text decides, so that their order in the file never does."""
    rest = [getattr(row, name) or "" for name in _OF_THE_LATEST]
    if row.period is None:
        return date.min, date.min, rest
    return row.period.last_day, row.period.first_day, [*rest, row.period.scheme]
