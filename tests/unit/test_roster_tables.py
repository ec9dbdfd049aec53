"""What offices put into a roster besides members: sheets, merged cells, sums, signatures, day numbers, far cells."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font
from roster_files import CHINESE, cells_as_csv, csv_bytes, day, id_number, row, table, xlsx_bytes

from gateway.core.normalise.workbooks import MAX_CELLS
from gateway.core.roster import RosterFile, read_roster
from gateway.errors import BadInput

SECOND = row(member_no="M002", name="包青", id_number=id_number("19550505", 22), category="退休")


def numbers(file: RosterFile) -> list[str]:
    return [person.member_no for person in file.people]


def codes(file: RosterFile) -> list[tuple[str, int, str]]:
    return [(finding.sheet, finding.row, finding.code) for finding in file.findings]


def changed(change: Callable[[Any], None], rows: list[dict[str, Any]] | None = None) -> bytes:
    """A workbook of one sheet after a change by hand."""
    workbook = openpyxl.load_workbook(io.BytesIO(xlsx_bytes({"名册": table(rows or [row(), SECOND])})))
    change(workbook["名册"])
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


# ── sheets ──


def test_every_sheet_with_a_header_is_read() -> None:
    file = read_roster(xlsx_bytes({"在职": table([row()]), "退休": table([SECOND])}))
    assert (numbers(file), file.rows, file.findings) == (["M001", "M002"], 2, ())
    assert file.people[1].category == "retired"


def test_sheets_may_have_other_columns_in_another_order() -> None:
    backwards = [list(reversed(line)) for line in table([{**SECOND, "phone": "19900012345"}])]
    file = read_roster(xlsx_bytes({"在职": table([row()]), "退休": backwards}))
    assert [(person.member_no, person.phone) for person in file.people] == [("M001", None), ("M002", "19900012345")]


def test_what_is_left_unread_is_named() -> None:
    workbook = openpyxl.load_workbook(
        io.BytesIO(
            xlsx_bytes({
                "名册": table([row()]),
                "去年": table([SECOND]),
                "统计": [["单位", "人员类别", "人数"], ["某厂", "在职", 20]],
                "空": [],
                "说明": [["请按要求填写"]],
            })
        )
    )  # fmt: skip
    workbook["去年"].sheet_state = "hidden"
    saved = io.BytesIO()
    workbook.save(saved)
    file = read_roster(saved.getvalue())
    assert numbers(file) == ["M001"]
    assert codes(file) == [("去年", 1, "sheet_unread"), ("统计", 1, "sheet_unread"), ("说明", 1, "sheet_unread")]
    assert file.errors == ()


def test_a_sheet_of_people_without_a_needed_column_is_an_error_and_stops_no_other() -> None:
    cells = [[cell for place, cell in enumerate(line) if place != 1] for line in table([SECOND])]
    file = read_roster(xlsx_bytes({"在职": table([row()]), "退休": cells}))
    assert (numbers(file), file.rows) == (["M001"], 2)
    assert [(finding.sheet, finding.code) for finding in file.errors] == [("退休", "missing_columns")]


def test_a_finding_says_in_which_sheet_it_is() -> None:
    file = read_roster(xlsx_bytes({"在职": table([row()]), "退休": table([{**SECOND, "name": ""}])}))
    assert [(str(finding.place), finding.code) for finding in file.errors] == [("《退休》第2行", "missing")]


def test_rows_of_one_member_are_compared_over_sheets() -> None:
    other_name = row(name="包青", coverage_from="2023-01-01", coverage_to="2023-12-31")
    file = read_roster(xlsx_bytes({"在职": table([row()]), "退休": table([other_name])}))
    assert numbers(file) == []
    assert codes(file) == [("在职", 2, "set_aside"), ("退休", 2, "rows_disagree")]


# ── merged cells ──


def test_merged_cells_are_filled() -> None:
    later = {"coverage_from": "2022-06-01", "coverage_to": "2023-05-31"}

    def merge(sheet: Any) -> None:
        places = {cell.value: cell.column for cell in sheet[1]}
        for name in ("member_no", "name", "id_number", "scheme"):
            sheet.cell(row=3, column=places[CHINESE[name]]).value = None
            sheet.merge_cells(
                start_row=2, end_row=3, start_column=places[CHINESE[name]], end_column=places[CHINESE[name]]
            )

    file = read_roster(changed(merge, [row(), row(**later)]))
    assert (numbers(file), file.errors, file.rows) == (["M001"], (), 2)
    assert [period.first_day for period in file.people[0].coverage] == [day("2021-06-01"), day("2022-06-01")]


def test_days_merged_over_everybody_are_everybodys() -> None:
    def merge(sheet: Any) -> None:
        for column in "FG":
            sheet[f"{column}3"].value = None
            sheet.merge_cells(f"{column}2:{column}3")

    file = read_roster(changed(merge))
    assert [person.coverage[0].last_day for person in file.people] == [day("2022-05-31")] * 2


def test_what_is_merged_in_the_header_is_nobodys() -> None:
    content = changed(lambda sheet: sheet.merge_cells("B1:B2"), [{**row(), "name": ""}, SECOND])
    file = read_roster(content)
    assert [(finding.row, finding.code) for finding in file.errors] == [(2, "missing")]


def test_a_table_that_does_not_begin_in_the_first_column() -> None:
    def move(sheet: Any) -> None:
        sheet.insert_cols(1, 2)
        sheet["C3"].value = None
        sheet.merge_cells("C2:C3")
        for column in "DEFGHI":
            sheet[f"{column}3"].value = sheet[f"{column}2"].value
        sheet["H3"].value, sheet["I3"].value = "2022-06-01", "2023-05-31"

    file = read_roster(changed(move))
    assert (numbers(file), file.errors, len(file.people[0].coverage)) == (["M001"], (), 2)


# ── lines that are no members ──

SUMS = ["合计", "合　计", "小 计", "总计：", "共计", "合计（人）", "本页合计", "合计20人", "总人数：20", "共20人"]
SIGNATURES = [
    "制表人：试验", "制表:", "填表人：", "审核人:试验", "审核", "单位负责人：", "单位盖章", "（盖章）",
    "单位（盖章）：",    "经办人签字：", "工会盖章", "填报单位（盖章）：试验农场", "填表日期：2026-11-30",
    "日期：2026年11月30日", "备注：无",    "联系电话：19900012345", "负责人（签字）：",
]  # fmt: skip


@pytest.mark.parametrize("words", SUMS + SIGNATURES)
@pytest.mark.parametrize("place", [0, 1])
def test_sums_and_signatures_are_no_members(words: str, place: int) -> None:
    closing: list[Any] = [""] * 7
    closing[place] = words
    cells = [*table([row(), SECOND]), closing]
    for content in (cells_as_csv(cells), xlsx_bytes({"a": cells})):
        file = read_roster(content)
        assert (file.rows, len(file.people), file.findings) == (2, 2, ())
        assert file.skipped == {"sum" if words in SUMS else "signature": 1}


def test_a_signature_merged_over_all_columns() -> None:
    def sign(sheet: Any) -> None:
        sheet["A4"].value = "制表人：试验    审核人：试验    2026年11月30日"
        sheet.merge_cells("A4:G5")

    file = read_roster(changed(sign))
    assert (len(file.people), file.findings, file.skipped) == (2, (), {"signature": 1})


@pytest.mark.parametrize(
    "broken",
    [
        {"name": ""},
        {"member_no": "", "name": "敖云"},
        {"member_no": "", "id_number": "", "unit_name": "审核中心"},
        {"member_no": "", "id_number": "", "unit_name": "备注：停保"},
        {"id_number": "", "unit_name": "合计"},
        {"member_no": "M7", "id_number": "", "name": "小计"},
    ],
)
def test_a_members_line_is_never_taken_for_a_sum(broken: dict[str, str]) -> None:
    file = read_roster(csv_bytes([{**row(), **broken}, SECOND]))
    assert (file.rows, file.skipped) == (2, {})
    assert {finding.code for finding in file.errors} == {"missing"}


def test_the_header_once_more_is_no_member() -> None:
    header, *lines = table([row(), SECOND])
    file = read_roster(cells_as_csv([header, lines[0], header, lines[1], header]))
    assert (numbers(file), file.findings, file.rows, file.skipped) == (["M001", "M002"], (), 2, {"header": 2})


def test_rows_that_say_the_same_are_one() -> None:
    header, first, second = table([row(), SECOND])
    numbered = [["序号", *header], [1, *first], [2, *second], [3, *first]]
    file = read_roster(cells_as_csv(numbered))
    assert (numbers(file), file.errors, file.rows, file.repeated) == (["M001", "M002"], (), 3, 1)


def test_rows_that_say_the_same_of_a_member_but_not_all_are_compared() -> None:
    file = read_roster(csv_bytes([row(), row(phone="19900012345"), SECOND]))
    assert numbers(file) == ["M002"]
    assert {finding.code for finding in file.errors} == {"periods_overlap", "set_aside"}


# ── days ──


def test_day_numbers_of_a_workbook_are_days() -> None:
    """45809 is what Excel shows for 2025-06-01 in a cell that was never formatted, 46173 for 2026-05-31."""
    file = read_roster(xlsx_bytes({"a": table([row(coverage_from=45809, coverage_to=46173.5)])}))
    period = file.people[0].coverage[0]
    assert (period.first_day, period.last_day) == (date(2025, 6, 1), date(2026, 5, 31))


def test_day_numbers_of_a_workbook_that_counts_from_1904() -> None:
    """The same day is 1,462 less there."""
    workbook = openpyxl.load_workbook(
        io.BytesIO(xlsx_bytes({"a": table([row(coverage_from=44347, coverage_to=44711)])}))
    )
    workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    saved = io.BytesIO()
    workbook.save(saved)
    period = read_roster(saved.getvalue()).people[0].coverage[0]
    assert (period.first_day, period.last_day) == (date(2025, 6, 1), date(2026, 5, 31))


@pytest.mark.parametrize(
    "content", [csv_bytes([row(coverage_from="45809")]), xlsx_bytes({"a": table([row(coverage_from="45809")])})]
)
def test_day_numbers_as_text_are_named_as_what_they_are(content: bytes) -> None:
    [error] = read_roster(content).errors
    assert (error.code, "Excel的日期序号" in error.message, "45809" in error.message) == ("not_a_date", True, False)


@pytest.mark.parametrize("number", [2026, 1, 999, 123456, 45809.0 * 10, -45809])
def test_other_numbers_are_no_days(number: float) -> None:
    assert [error.code for error in read_roster(xlsx_bytes({"a": table([row(coverage_from=number)])})).errors] == [
        "not_a_date"
    ]


# ── files ──


@pytest.mark.parametrize(
    "text",
    [
        "<html><table><tr><td>会员号</td></tr></table></html>",
        "\ufeff\r\n <TABLE border=1><tr><td>会员号</td>",
        "<!DOCTYPE html>\n<html>",
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_web_page_saved_as_a_workbook_is_named(text: str, encoding: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_roster(text.encode(encoding))
    assert (raised.value.code, "另存为 .xlsx" in raised.value.message) == ("web_page", True)


def far(place: str, value: object = "x") -> bytes:
    def put(sheet: Any) -> None:
        sheet[place].value = value
        sheet[place].font = Font(bold=True)

    return changed(put)


@pytest.mark.parametrize("place", ["XFD1048576", "CV1048576", "C1048576", "XFD200"])
def test_a_far_cell_is_refused_before_it_costs_memory(place: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_roster(far(place))
    assert raised.value.code == "far_cell"


@pytest.mark.parametrize("place", ["XFD1048576", "C1048576"])
def test_a_far_cell_that_is_only_formatted_is_none(place: str) -> None:
    file = read_roster(far(place, None))
    assert (numbers(file), file.findings) == (["M001", "M002"], ())


@pytest.mark.parametrize("inside", [b"", b"<v/>", b"<v />", b"<v></v>"])
def test_a_far_cell_with_nothing_inside_is_none(inside: bytes) -> None:
    """Programs write an empty cell in more than one way."""
    cell = b'<row r="1048576"><c r="XFD1048576" s="1" t="n">' + inside + b"</c></row></sheetData>"
    file = read_roster(replaced("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</sheetData>", cell)))
    assert numbers(file) == ["M001"]


def test_a_cell_near_by_costs_nothing() -> None:
    file = read_roster(far("AD400"))
    assert numbers(file) == ["M001", "M002"]


def replaced(part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook with one of its parts written otherwise."""
    saved = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx_bytes({"a": table([row()])}))) as old,
        zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == part else content)
    return saved.getvalue()


def test_one_cell_with_a_megabyte_of_text_is_refused() -> None:
    # Written as it is, or as character references.
    name = re.compile("敖云|&#25942;&#20113;".encode())
    longest = replaced("xl/worksheets/sheet1.xml", lambda xml: name.sub(b"x" * 2**20, xml))
    with pytest.raises(BadInput) as raised:
        read_roster(longest)
    assert raised.value.code == "cell_too_long"


@pytest.mark.parametrize("prefix", ["", "x:"])
def test_cells_of_any_prefix_and_order_of_attributes_are_measured(prefix: str) -> None:
    cell = f'<{prefix}c t="n" s="1" r="XFD1048576"><v>1</v></{prefix}c></sheetData>'.encode()
    with pytest.raises(BadInput) as raised:
        read_roster(replaced("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</sheetData>", cell)))
    assert raised.value.code == "far_cell"


def test_other_kinds_of_workbook_are_named() -> None:
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w") as parts:
        parts.writestr("content.xml", "<office/>")
    with pytest.raises(BadInput) as raised:
        read_roster(saved.getvalue())
    assert (raised.value.code, ".xlsx" in raised.value.message) == ("not_xlsx", True)


def test_a_million_members_of_twenty_columns_are_not_too_many() -> None:
    assert MAX_CELLS >= 1_048_576 * 20


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(8)), st.integers(0, 8))
def test_neither_sheets_nor_lines_that_are_no_members_change_who_is_read(order: list[int], cut: int) -> None:
    """Rows of people, sums and repeated headers in any order, cut into two sheets anywhere, give the same people."""
    people = [row(member_no=f"M{n}", id_number=id_number(serial=2 * n + 1)) for n in range(6)]
    header, *lines = table(people)
    lines = [*lines, ["合计", *[""] * (len(header) - 1)], header]
    shuffled = [lines[place] for place in order]
    sheets = {"a": [header, *shuffled[:cut]], "b": [header, *shuffled[cut:]]}
    file = read_roster(xlsx_bytes(sheets))
    assert sorted(file.people, key=lambda person: person.member_no) == list(read_roster(csv_bytes(people)).people)
    assert (file.rows, file.skipped, file.findings) == (6, {"sum": 1, "header": 1}, ())
