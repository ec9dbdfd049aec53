"""One row of a roster → its values, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from gateway.core.normalise.workbooks import Cell
from gateway.core.roster import values
from gateway.core.roster.columns import BEGINNINGS, COVERAGE, MANDATORY, NAMES, PERIOD_DAYS, shown
from gateway.core.roster.people import Place, RosterFinding
from gateway.core.roster.tables import Table
from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.units import joining
from gateway.errors import BadInput
from gateway.model import national_id
from gateway.model.member import Category, Coverage
from gateway.model.person import Particulars

_HARMLESS: Final = frozenset(("phone",))
"""Columns whose bad values are left empty with a warning: nobody should lose an entitlement by them."""

_OF_A_PERIOD: Final = ("shares", "classes")
"""Columns that say more of a period than its days; alone they make none."""

_PERIOD: Final = (*COVERAGE, "joined_on", "end_on", *_OF_A_PERIOD)


class RosterRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a roster is to be read; see `read_roster`."""

    scheme_default: str | None = None
    schemes: Mapping[str, str] | None = None
    families: Mapping[str, SchemeFamily] | None = None
    with_coverage: bool = True
    clears: frozenset[str] = frozenset()


class RosterRow(Particulars, frozen=True, kw_only=True, gc=False):
    """A row in which nothing is wrong. What it does not say is None; `id_type_said`: its type stands there.

    `end`: (scheme, last covered day) of what ends; a period of the row that would go on is shorter already. `cleared`:
    the columns whose empty cell here is to empty what is stored.
    """

    place: Place
    member_no: str
    league: str | None = None
    category: Category | None = None
    opt_out: bool | None = None
    period: Coverage | None = None
    end: tuple[str, date] | None = None
    id_type_said: bool = False
    cleared: tuple[str, ...] = ()


def finding_at(place: Place, column: str, code: str, message: str) -> RosterFinding:
    """What is wrong in a column of a row."""
    level: Literal["error", "warning"] = "warning" if column in _HARMLESS else "error"
    return RosterFinding(
        sheet_no=place.sheet_no,
        row=place.row,
        sheet=place.sheet,
        column=column,
        code=code,
        message=message,
        level=level,
    )


class RowReader:
    """Reads the rows of one table. Keeps nothing between rows but the findings.

    While a row is read, a column that holds nothing is absent and one that cannot be read is None.
    """

    def __init__(self, table: Table, rules: RosterRules, findings: list[RosterFinding]) -> None:
        self._findings = findings
        self._rules = rules
        self._table = table
        header = table.header
        self._width = header.width
        self._tells_periods = bool(PERIOD_DAYS & header.at.keys())
        self._clears = [column for column in header.at if column in rules.clears]
        skipped = () if rules.with_coverage else _PERIOD
        at = {column: index for column, index in header.at.items() if column not in skipped}
        self._plan: list[tuple[str, int, Callable[[Cell], Any]]] = []
        for column in [column for column in NAMES if column in at]:
            read = values.reader_of(column, table.day_zero)
            read = lru_cache(maxsize=2**16)(read) if values.repeats(column) else read
            self._plan.append((column, at[column], read))

    def read(self, number: int, cells: list[Cell]) -> tuple[Place, str | None, RosterRow | None]:
        """Where the row stands, its member number if it can be read, and the row if it is sound; else its findings are
        noted."""
        before = len(self._findings)
        row_values = self._values(number, cells)
        self._require(number, MANDATORY, row_values)
        self._complete_from_id(number, row_values)
        self._take_period(number, row_values)
        sound = all(finding.level == "warning" for finding in self._findings[before:])
        place = Place(self._table.sheet_no, number, self._table.sheet)
        member_no = row_values.get("member_no")
        if not sound:
            return place, member_no, None
        if self._clears:
            row_values["cleared"] = tuple(column for column in self._clears if row_values.get(column) is None)
        return place, member_no, RosterRow(place=place, id_type_said="id_type" in row_values, **row_values)

    def note(
        self, row: int, column: str, code: str, message: str, level: Literal["error", "warning"] | None = None
    ) -> None:
        """Remember what is wrong in a column of a row; `level` where it is not the column's own."""
        finding = finding_at(Place(self._table.sheet_no, row, self._table.sheet), column, code, message)
        self._findings.append(finding if level is None else msgspec.structs.replace(finding, level=level))

    def _values(self, number: int, cells: list[Cell]) -> dict[str, Any]:
        """Column → value of the cells that hold something readable."""
        if len(cells) > self._width and any(cell != "" for cell in cells[self._width :]):
            self.note(number, "-", "too_many_cells", "单元格多于表头的列 (more cells than the header has)")
        if len(cells) < self._width:
            cells = cells + [""] * (self._width - len(cells))
        row_values: dict[str, Any] = {}
        for column, place, read in self._plan:
            try:
                value = read(cells[place])
                if value is not None:
                    row_values[column] = value
            except BadInput as error:
                self.note(number, column, error.code, f"{shown(column)}{error.message}")
                row_values[column] = None
        return row_values

    def _require(self, number: int, columns: tuple[str, ...], row_values: dict[str, Any]) -> None:
        for column in columns:
            if column not in row_values:
                self.note(number, column, "missing", f"缺少{shown(column)} ({column} is required)")

    def _complete_from_id(self, number: int, row_values: dict[str, Any]) -> None:
        """Bring the id number to its one form; take sex and birth date from it or compare them with it."""
        kind = row_values.get("id_type", "01")
        if kind is None or not row_values.get("id_number"):
            return
        try:
            row_values["id_number"] = values.id_number(row_values["id_number"], kind)
        except BadInput as error:
            if (unproved := values.unproved_id(row_values["id_number"])) and kind == "01":
                self._take_unproved(number, row_values, unproved)
            else:
                is_passport = "id_type" not in row_values and values.is_of_another_document(row_values["id_number"])
                hint = (
                    "；像是护照、通行证等的号码：请加证件类型一列 (of a passport: say the type of document)"
                    if is_passport
                    else ""
                )
                self.note(number, "id_number", error.code, f"{shown('id_number')}{error.message}{hint}")
            return
        if kind == "01":
            self._agree(number, row_values, "sex", national_id.sex_of(row_values["id_number"]))
            self._agree(number, row_values, "birth_date", national_id.birth_date_of(row_values["id_number"]))

    def _take_unproved(self, number: int, row_values: dict[str, Any], unproved: str) -> None:
        """A number with a slip in it keeps nobody out: records lead to its member, for a person to look at."""
        row_values["id_number"] = unproved
        row_values.setdefault("birth_date", values.written_birth(unproved))
        words = (
            "有误（位数、校验码或生日不对），已收入，其记录只供人工核对；已存的有效号码不改 (not proved: review only)"
        )
        self.note(number, "id_number", "bad_id_number", f"{shown('id_number')}{words}", "warning")

    def _agree(self, number: int, row_values: dict[str, Any], column: str, in_id: object) -> None:
        stated = row_values.setdefault(column, in_id)
        if stated is None:
            row_values[column] = in_id
        elif stated != in_id:
            row_values[column] = in_id
            message = (
                f"{shown(column)}与身份证号不符，以号码为准 ({column} contradicts the id number, which is believed)"
            )
            self.note(number, column, f"{column}_differs", message, "warning")

    def _take_period(self, number: int, row_values: dict[str, Any]) -> None:
        """Turn the coverage columns into one period, or into the day on which something ends. Whoever opted out needs
        none, and nobody does in a file that tells no periods at all."""
        period_values: dict[str, Any] = {column: row_values.pop(column) for column in _PERIOD if column in row_values}
        if not self._rules.with_coverage or (
            (row_values.get("opt_out") or not self._tells_periods)
            and not period_values.keys() - {"scheme", "joined_on", *_OF_A_PERIOD}
        ):
            return
        if self._rules.scheme_default is not None:
            period_values.setdefault("scheme", self._rules.scheme_default)
        ends = period_values.pop("end_on", None)
        only_ends = ends is not None and not PERIOD_DAYS & period_values.keys()
        self._require(
            number, COVERAGE if self._rules.families is None and not only_ends else ("scheme",), period_values
        )
        scheme = period_values["scheme"] = self._scheme(number, period_values.get("scheme"))
        if ends is not None and scheme is not None:
            row_values["end"] = (scheme, ends)
        if only_ends:
            return
        if self._rules.families is not None:
            self._complete_period(number, period_values, self._rules.families.get(scheme or ""))
        if all(period_values.get(column) is not None for column in COVERAGE):
            self._set_period(number, row_values, period_values, ends)

    def _scheme(self, number: int, written: str | None) -> str | None:
        """The code of a scheme as a row writes it."""
        schemes = self._rules.schemes
        if written is None or schemes is None or written == self._rules.scheme_default:
            return written
        if written not in schemes:
            message = f"没有这个互助计划，应为 {'、'.join(sorted(schemes))} (unknown scheme)"
            self.note(number, "scheme", "unknown_scheme", message)
        return schemes.get(written)

    def _set_period(
        self, number: int, row_values: dict[str, Any], period_values: dict[str, Any], ends: date | None
    ) -> None:
        """The row's period, shorter where it ends before; none where it ended before its first day."""
        first, last, scheme = (period_values[column] for column in COVERAGE)
        if last < first:
            message = "保障结束早于保障开始 (coverage ends before it begins)"
            self.note(number, "coverage_to", "period_order", message)
        elif ends is None or ends >= first:
            last, category = last if ends is None else min(last, ends), row_values.get("category")
            row_values["period"] = Coverage(
                first_day=first,
                last_day=last,
                scheme=scheme,
                category=category,
                shares=period_values.get("shares") or 0,
                classes=period_values.get("classes") or (),
            )

    def _complete_period(self, number: int, period_values: dict[str, Any], family: SchemeFamily | None) -> None:
        """Fill in the days a row leaves open, by the scheme's own rule, from its first day or the day of joining."""
        begins = next((column for column in BEGINNINGS if column in period_values), None)
        if begins is None:
            words = f"缺少{shown('coverage_from')}或{shown('joined_on')} (coverage_from or joined_on is required)"
            self.note(number, "coverage_from", "missing", words)
        elif (
            period_values.keys() >= {"coverage_from", "coverage_to"}
            or period_values[begins] is None
            or period_values["scheme"] is None
        ):
            return
        else:
            made_by = joining.open_coverage if begins == "coverage_from" else joining.coverage_from
            made = None if family is None else made_by(period_values[begins], family)
            if made is None:
                words = "未写明的保障期无法推算：该计划当日没有保障期规则 (the scheme has no period rule on that day)"
                self.note(number, begins, "no_period_rule", words)
                return
            period_values.setdefault("coverage_from", made.first_day)
            period_values.setdefault("coverage_to", made.last_day)
