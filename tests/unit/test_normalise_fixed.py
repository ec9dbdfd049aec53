"""Text of fixed width, counted in bytes; separated text without a header, in several editions; control lines."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from normalise_samples import ID18
from table_samples import FIELDS, ROW, WIDTHS, changed, columns_of_width, outcomes, record_of, table_mapping

from connectors.transport.parts import plan_file, read_parts
from gateway.core.normalise import Origin
from gateway.errors import BadPage, BadSettings
from gateway.ports import FileRows
from gateway.settings.mappings import check_mapping

FIXED: dict[str, Any] = {"kind": "fixed", "columns": columns_of_width()}


def line(cells: dict[str, Any], encoding: str = "gb18030") -> bytes:
    """A row as a program pads it that counts bytes."""
    return b"".join(str(cells[name]).encode(encoding).ljust(width) for name, width in WIDTHS.items())


def file(*lines: bytes, end: bytes = b"\r\n") -> bytes:
    return b"".join(row + end for row in lines)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_columns_are_counted_in_bytes_of_the_encoding(encoding: str) -> None:
    compiled = table_mapping({**FIXED, "encoding": [encoding]})
    page = file(line(ROW, encoding), line(changed(JSLSH="2", XM="欧阳测试", ZFY="0.50"), encoding))
    first, second = map(record_of, outcomes(compiled, page))
    assert (first.name, first.id_number, first.total_amount, first.fund_paid_amount) == (
        "测试甲", ID18, 2_000_000, 900_000,
    )  # fmt: skip
    assert (first.discharged_on, second.name, second.total_amount) == (date(2026, 3, 1), "欧阳测试", 50)


def test_a_column_may_stand_anywhere_and_others_are_left_alone() -> None:
    columns = [{"name": "JSLSH", "at": 3, "width": 4}, {"name": "ZFY", "at": 9, "width": 6}]
    fields = {"settlement_no": {"from": "JSLSH"}, "total_amount": {"from": "ZFY"}}
    compiled = table_mapping({"kind": "fixed", "columns": columns, "length": 16}, fields=fields)
    (record,) = outcomes(compiled, b"xxA001yy  1.50zz\n")
    assert (record.settlement_no, record.total_amount) == ("A001", 150)


@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        (line(ROW)[:-1], "wrong_width"),
        (line(ROW) + b"7", "wrong_width"),
        (line(ROW) + b" ", "wrong_width"),
        (line(ROW)[1:] + b" ", "not_a_datetime"),
        (line(changed(ZFY="1,5")), "not_an_amount"),
    ],
)
def test_a_damaged_line_costs_only_itself(damaged: bytes, code: str) -> None:
    first, middle, last = outcomes(table_mapping(FIXED), file(line(ROW), damaged, line(changed(JSLSH="3"))))
    assert code in middle
    assert [record_of(first).settlement_no, record_of(last).settlement_no] == ["150781000001", "3"]


def test_half_a_character_is_told_and_takes_nothing_of_its_neighbour() -> None:
    # The name is cut in the middle of its last character, by a program that cuts bytes.
    name = "测试甲乙丙".encode("gb18030") + b" \xd6"
    whole = line(ROW)
    place = WIDTHS["JSLSH"] + WIDTHS["JZLSH"]
    (codes,) = outcomes(table_mapping(FIXED), file(whole[:place] + name + whole[place + 12 :]))
    assert codes == ["bad_encoding"]
    # A letter behind half a character makes a whole one of it: nobody knows which column it belongs to.
    two = [{"name": "XM", "width": 3}, {"name": "JSLSH", "width": 4}, {"name": "ZFY", "width": 5}]
    fields = {"settlement_no": {"from": "JSLSH"}, "total_amount": {"from": "ZFY"}, "name": {"from": "XM"}}
    compiled = table_mapping({"kind": "fixed", "columns": two}, fields=fields)
    (codes,) = outcomes(compiled, "测".encode("gb18030") + b"\xd6A001 1.50\n")
    assert codes == ["bad_encoding", "bad_encoding"]
    # A digit does not: the name is cut, and the number is its own.
    (codes,) = outcomes(compiled, "测".encode("gb18030") + b"\xd61001 1.50\n")
    assert codes == ["bad_encoding"]


def test_blanks_at_the_end_may_be_left_out_where_the_mapping_says_so() -> None:
    page = file(line(changed(JJZF="")).rstrip())
    assert outcomes(table_mapping(FIXED), page) == [["wrong_width"]]
    (record,) = outcomes(table_mapping({**FIXED, "short_lines": True}), page)
    assert record_of(record).fund_paid_amount is None


def test_a_last_line_that_breaks_off_is_not_believed() -> None:
    page = file(line(ROW)) + line(changed(JSLSH="2"))[:-2]
    assert outcomes(table_mapping(FIXED), page)[1] == ["cut_off"]
    assert outcomes(table_mapping(FIXED), file(line(ROW)) + b"\x1a")[1:] == []


def test_rows_may_stand_without_line_ends() -> None:
    compiled = table_mapping({**FIXED, "without_ends": True})
    page = line(ROW) + line(changed(JSLSH="2"))
    assert [record_of(row).settlement_no for row in outcomes(compiled, page)] == ["150781000001", "2"]
    assert outcomes(compiled, page + line(ROW)[:50])[2] == ["cut_off"]


def test_what_is_no_text_of_fixed_width_is_refused_as_what_it_is() -> None:
    with pytest.raises(BadPage) as raised:
        table_mapping(FIXED).read(b'{"rows": []}\n')
    assert raised.value.code == "not_fixed"
    assert "JSON" in raised.value.message


HEAD_AND_TAIL = {
    "control": [
        {"begins": "H|", "columns": [{"name": "day", "at": 3, "width": 8}]},
        {"begins": "T|", "columns": [
            {"name": "day", "at": 3, "width": 8}, {"name": "many", "width": 6}, {"name": "back", "width": 4},
            {"name": "money", "width": 12}, {"name": "returned", "width": 12},
        ]},
    ]
}  # fmt: skip


def test_the_first_and_the_last_line_tell_of_the_others() -> None:
    totals = {
        "rows": "many", "day": "day", "amount": "money", "reversals": "back", "reversals_amount": "returned",
    }  # fmt: skip
    compiled = table_mapping({**FIXED, **HEAD_AND_TAIL}, totals=totals)
    tail = b"T|20260301" + b"000002" + b"0001" + b"    40000.00" + b"   -20000.00"
    page = file(b"H|20260301", line(ROW), line(changed(JSLSH="2")), line(changed(JSLSH="3", ZFY="-20000.00")), tail)
    rows = compiled.read(page)
    stated = compiled.totals(page, rows)
    assert stated is not None
    # Two rows and one that takes back are three; 40,000 less 20,000 yuan.
    assert (stated.day, stated.rows, stated.amount) == (date(2026, 3, 1), 3, 2_000_000)
    assert len(outcomes(compiled, page)) == 3


def test_a_line_of_control_hides_no_row_and_is_not_all_there_is() -> None:
    compiled = table_mapping({**FIXED, **HEAD_AND_TAIL})
    joined = b"H|20260301" + file(line(ROW), line(changed(JSLSH="2")))
    first, second = outcomes(compiled, joined)
    assert (first, record_of(second).settlement_no) == (["wrong_width"], "2")
    assert outcomes(compiled, b"H|2026") == [["cut_off"]]


def test_totals_without_a_day_are_of_the_files_own() -> None:
    form = {
        "kind": "csv",
        "columns": ["JSLSH", "ZFY"],
        "control": [{"begins": "合计", "columns": ["w", "many", "money"]}],
    }
    fields = {"settlement_no": {"from": "JSLSH"}, "total_amount": {"from": "ZFY"}}
    totals = {"rows": "many", "amount": "money", "patterns": {"rows": "共{}笔"}}
    compiled = table_mapping(form, fields=fields, totals=totals)
    page = '1,5.00\n2,7.50\n合计,共2笔,"1,012.50"\n'.encode()
    rows = compiled.read(page, Origin())
    assert compiled.totals(page, rows) is None
    stated = compiled.totals(page, rows, day=date(2026, 3, 2))
    assert stated is not None
    assert (stated.day, stated.rows, stated.amount) == (date(2026, 3, 2), 2, 101_250)


# Separated text without a header: the result file of 3202, with 7, 10 or 11 columns by its edition.

RESULT = [
    "psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo", "medfee_sumamt", "fund_pay_sumamt",
    "acct_pay", "exp_content",
]  # fmt: skip
TAB: dict[str, Any] = {
    "kind": "csv", "delimiter": "\t", "quote": "", "columns": RESULT, "widths": [7, 10, 11],
}  # fmt: skip
RESULT_FIELDS = {
    "settlement_no": {"from": "setl_id"}, "person_no": {"from": "psn_no"}, "total_amount": {"from": "medfee_sumamt"},
    "account_amount": {"from": "acct_pay", "optional": True},
    "employer_name": {"from": "exp_content", "optional": True},
}  # fmt: skip
CELLS = ["P1", "M1", "S1", "H15078100001", "000000", "0", "null", "20000.00", "9000.00", "null", "x"]


def tabbed(*rows: list[str]) -> bytes:
    return "".join("\t".join(cells) + "\n" for cells in rows).encode()


def result_mapping(**form: Any) -> Any:
    return table_mapping({**TAB, **form}, fields=RESULT_FIELDS)


@pytest.mark.parametrize("width", [10, 11])
def test_each_edition_of_the_file_is_read_by_its_width(width: int) -> None:
    first, second = map(
        record_of, outcomes(result_mapping(), tabbed(CELLS[:width], [*CELLS[:2], "S2", *CELLS[3:width]]))
    )
    assert (first.settlement_no, first.total_amount, first.account_amount) == ("S1", 2_000_000, None)
    assert second.employer_name == ("x" if width == 11 else None)


def test_an_edition_without_what_must_be_there_is_refused_by_name() -> None:
    with pytest.raises(BadPage) as raised:
        result_mapping().read(tabbed(CELLS[:7], CELLS[:7]))
    assert (raised.value.code, "medfee_sumamt" in raised.value.message) == ("missing_columns", True)


def test_a_tab_that_somebody_typed_makes_no_line_of_the_next_edition() -> None:
    stray = [*CELLS[:6], "ab", "cd", *CELLS[7:10]]
    assert len(stray) == 11
    first, middle, last = outcomes(result_mapping(), tabbed(CELLS[:10], stray, ["P3", *CELLS[1:10]]))
    assert middle == ["wrong_columns"]
    assert (record_of(first).person_no, record_of(last).person_no) == ("P1", "P3")
    assert outcomes(result_mapping(), tabbed(CELLS[:10], CELLS[:9], ["P3", *CELLS[1:10]]))[1] == ["wrong_columns"]


def test_tabs_at_the_end_of_every_line_are_none() -> None:
    (record,) = outcomes(result_mapping(), tabbed([*CELLS[:10], "", ""]))
    assert record_of(record).settlement_no == "S1"


def test_a_column_added_at_the_end_is_no_damage_where_the_mapping_allows_it() -> None:
    page = tabbed([*CELLS, "new"], ["P2", *CELLS[1:], "new"])
    assert outcomes(result_mapping(), page) == [["wrong_columns"], ["wrong_columns"]]
    assert [record_of(row).person_no for row in outcomes(result_mapping(further=True), page)] == ["P1", "P2"]


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ({"kind": "fixed"}, "format.fixed.columns"), ({"kind": "fixed", "columns": []}, "format.fixed.columns"),
        ({"kind": "fixed", "columns": [{"name": "x"}]}, "format.fixed.columns.0.width"),
        ({"kind": "fixed", "columns": [{"name": "x", "width": 2}]}, "fields.settlement_no.from"),
        ({"kind": "csv", "widths": [0]}, "format.csv.widths.0"),
        ({"kind": "csv", "control": [{}]}, "format.csv.control.0.begins"),
        ({"kind": "dbf", "columns": ["x"]}, "format.dbf.columns"),
        ({"kind": "excel", "hidden": "x"}, "format.excel.hidden"),
    ],
)  # fmt: skip
def test_a_finding_names_its_key(form: dict[str, Any], key: str) -> None:
    tables = {"mapping": "x", "version": 1, "format": form, "fields": FIELDS}
    with pytest.raises(BadSettings) as raised:
        check_mapping(tables, shown_as="m")
    assert key in [finding.key for finding in raised.value.findings]


@pytest.mark.parametrize(
    ("form", "totals", "key"),
    [
        ({"kind": "csv"}, {"rows": "r"}, "totals"),
        ({"kind": "csv", "control": [{"begins": "T"}]}, {"rows": "r", "each": "e"}, "totals.each"),
        ({"kind": "json", "rows": ["r"]}, {"rows": "r"}, "totals.day"),
    ],
)
def test_totals_stand_where_the_format_has_them(form: dict[str, Any], totals: dict[str, Any], key: str) -> None:
    tables = {"mapping": "x", "version": 1, "format": form, "fields": FIELDS, "totals": totals}
    with pytest.raises(BadSettings) as raised:
        check_mapping(tables, shown_as="m")
    assert key in [finding.key for finding in raised.value.findings]


def test_the_parts_of_records_without_line_ends_are_its_rows() -> None:
    content = file(*(line(changed(JSLSH=f"{number:012}", JZLSH="a\nb")) for number in range(4_000)), end=b"")
    rows = FileRows(by="records", record_bytes=len(line(ROW)))
    opened = io.BytesIO(content)
    parts = list(read_parts(opened, plan_file(opened, rows, limit=256 * 1024)))
    compiled = table_mapping({**FIXED, "without_ends": True})
    read = [compiled.read(part) for part in parts]
    assert (len(parts), sum(map(len, read))) == (2, 4_000)
    numbers = [rows.words(index)[0] for rows in read for index in range(len(rows))]
    assert numbers == [f"{number:012}" for number in range(4_000)]
