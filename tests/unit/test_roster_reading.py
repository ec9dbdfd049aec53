"""A roster file becomes people, whatever program wrote it; every row ends as a person or with a finding."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roster_files import CHINESE, cells_as_csv, csv_bytes, day, id_number, row, table, xlsx_bytes

from gateway.core.roster import RosterFile, RosterMember, read_roster
from gateway.errors import BadInput
from gateway.model.member import Coverage

SOUND = RosterMember(
    member_no="M001",
    name="敖云",
    id_number=id_number(),
    sex="M",
    birth_date=date(1980, 1, 1),
    coverage=(
        Coverage(first_day=day("2021-06-01"), last_day=day("2022-05-31"), scheme="nm-inpatient", category="active"),
    ),
)


def findings(file: RosterFile) -> list[tuple[int, str, str]]:
    return [(finding.row, finding.column, finding.code) for finding in file.errors]


def assert_only_the_sound_row(file: RosterFile) -> None:
    assert (file.people, file.findings, file.rows) == ((SOUND,), (), 1)


def read(*rows: dict[str, Any], **options: Any) -> RosterFile:
    return read_roster(csv_bytes(list(rows)), **options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("chinese", [True, False])
def test_csv_of_every_kind(encoding: str, separator: str, chinese: bool) -> None:
    content = csv_bytes([row()], encoding=encoding, separator=separator, chinese=chinese)
    assert_only_the_sound_row(read_roster(content))


def test_big_endian_utf16_and_old_line_ends() -> None:
    text = csv_bytes([row()]).decode().replace("\r\n", "\r")
    assert read_roster(b"\xfe\xff" + text.encode("utf-16-be")).people == (SOUND,)


def test_workbook_with_dates_titles_and_a_first_sheet_of_words() -> None:
    noon = datetime.combine(date(2022, 5, 31), time(12))
    cells = table([row(coverage_from=date(2021, 6, 1), coverage_to=noon)])
    content = xlsx_bytes({"说明": [["填表说明"]], "名册": [["会员名册"], [], *cells, [""], []]})
    file = read_roster(content)
    assert (file.people, file.rows) == ((SOUND,), 1)
    assert [(finding.code, finding.level, finding.sheet) for finding in file.findings] == [
        ("sheet_unread", "warning", "说明")
    ]


def test_workbook_numbers_that_kept_their_digits() -> None:
    cells = table([row(member_no=100123, phone=19900012345, coverage_from=20210601)])
    person = read_roster(xlsx_bytes({"a": cells})).people[0]
    assert (person.member_no, person.phone, person.coverage[0].first_day) == (
        "100123",
        "19900012345",
        day("2021-06-01"),
    )


def test_id_number_that_excel_made_a_number() -> None:
    number = id_number()
    workbook = read_roster(xlsx_bytes({"a": table([row(id_number=float(number))])}))
    text = read(row(id_number="1.50999E+17"))
    for file in (workbook, text):
        assert findings(file) == [(2, "id_number", "number_lost")]
        assert "证件号码被Excel改成了数字" in file.errors[0].message
        assert file.people == ()


@pytest.mark.parametrize("trick", ["{}\t", "\t{}", "'{}", '="{}"', "\ufeff{}", "\u3000{} "])
def test_tricks_that_keep_excel_away_are_taken_off(trick: str) -> None:
    number = id_number(serial=2)
    assert read(row(id_number=trick.format(number))).people[0].id_number == number


GOOD_DATES = """2021-06-01 | 2021/6/1 | 20210601 | 2021年6月1日 | 2021年06月01日 | 2021.6.1 | ２０２１-06-01
    | 2021-06-01 00:00:00 | 2021-06-01T00:00:00+08:00"""
BAD_DATES = """2021-02-29 | 2021-13-01 | 01/06/2021 | 2021-6 | 2021-W01-1 | 44197 | 昨天 | 0202-01-01
    | 9999-01-01 | 2021-06/01 | 2021111 | -2021-06-01 | 2021-06-01x | 1.0 | NaN | 1e9 | 0
    | ½021-06-01 | 99999999999999999"""


@pytest.mark.parametrize("written", [text.strip() for text in GOOD_DATES.split("|")])
def test_dates_as_people_write_them(written: str) -> None:
    assert read(row(coverage_from=written)).people[0].coverage[0].first_day == day("2021-06-01")


@pytest.mark.parametrize("written", [text.strip() for text in BAD_DATES.split("|")])
def test_texts_that_are_no_dates(written: str) -> None:
    file = read(row(coverage_from=written))
    assert findings(file) == [(2, "coverage_from", "not_a_date")]
    assert len(written) < 5 or written not in file.errors[0].message


@pytest.mark.parametrize(("words", "column"), [
    ("会员编号", "member_no"), ("身份证号", "id_number"), ("身份证号码", "id_number"),
    ("证件号码 *", "id_number"),
    ("联系电话", "phone"), ("险种", "scheme"), ("起始日期", "coverage_from"),
    ("终止日期（含）", "coverage_to"),
    ("保障起", "coverage_from"), ("保障止", "coverage_to"), ("会员类别", "category"),
    ("Member No\t", "member_no"),
    ("OPT_OUT", "opt_out"), ("ＮＡＭＥ", "name"),
])  # fmt: skip
def test_synonyms_of_columns(words: str, column: str) -> None:
    cells = table([row(phone="19900012345", opt_out="否")])
    cells[0] = [words if name == CHINESE[column] else name for name in cells[0]]
    file = read_roster(cells_as_csv(cells))
    assert (len(file.people), file.findings) == (1, ())


def test_unknown_columns_are_named_and_ignored() -> None:
    cells = table([row()])
    cells = [[*cells[0], "备注", "", "13 4567 8901"], [*cells[1], "随便", "", "x"]]
    file = read_roster(cells_as_csv(cells))
    assert len(file.people) == 1
    assert [(finding.column, finding.level) for finding in file.findings] == [
        ("H", "warning"),
        ("J", "warning"),
    ]
    assert "备注" in file.findings[0].message
    assert "4567" not in file.findings[1].message


def test_missing_columns_are_one_finding_that_names_all() -> None:
    file = read_roster(cells_as_csv([["姓名", "单位"], ["敖云", "某厂"], ["包青", "某厂"]]))
    missing = "member_no,id_number,coverage_from,coverage_to,scheme"
    assert findings(file) == [(1, missing, "missing_columns")]
    assert (file.people, file.rows) == ((), 2)


def test_scheme_column_may_be_absent_with_a_default() -> None:
    cells = [line[:4] + line[5:] for line in table([row()])]
    assert findings(read_roster(cells_as_csv(cells))) == [(1, "scheme", "missing_columns")]
    assert read_roster(cells_as_csv(cells), scheme_default="nm-inpatient").people == (SOUND,)


def test_a_column_that_stands_twice_is_not_guessed() -> None:
    cells = [[*line, "2020-01-01"] for line in table([row()])]
    cells[0][-1] = "起始日期"
    assert findings(read_roster(cells_as_csv(cells))) == [(1, "coverage_from", "doubled_column")]


def test_names_of_schemes_are_brought_to_codes() -> None:
    known = {"住院津贴互助": "nm-inpatient", "nm-inpatient": "nm-inpatient"}
    file = read(
        row(scheme="住院津贴互助"),
        row(member_no="M2", id_number=id_number(serial=2), scheme="别的"),
        schemes=known,
    )
    assert file.people == (SOUND,)
    assert findings(file) == [(3, "scheme", "unknown_scheme")]


def test_without_a_category_column_everyone_is_active_and_that_is_said() -> None:
    cells = [line[:3] + line[4:] for line in table([row()])]
    file = read_roster(cells_as_csv(cells))
    assert file.people[0].category == "active"
    assert [finding.code for finding in file.findings] == ["no_category"]


def test_coverage_may_play_no_part() -> None:
    rows = [row(coverage_from="x", coverage_to=""), row(coverage_from="y", scheme="")]
    file = read_roster(csv_bytes(rows), with_coverage=False)
    assert [(person.member_no, person.coverage) for person in file.people] == [("M001", ())]
    cells = [["member_no", "name", "id_number"], ["M1", "敖云", id_number()]]
    assert len(read_roster(cells_as_csv(cells), with_coverage=False).people) == 1


def test_old_and_wide_id_numbers_come_to_one_form() -> None:
    number = id_number("19800101", 2)
    old = number[:6] + number[8:17]
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    for written in (old, wide, f"{number[:6]} {number[6:]}"):
        person = read(row(id_number=written)).people[0]
        assert (person.id_number, person.sex, person.birth_date) == (number, "F", date(1980, 1, 1))


def test_lower_case_x_is_the_same_number() -> None:
    number = next(number for serial in range(100) if (number := id_number(serial=serial)).endswith("X"))
    assert read(row(id_number=number.lower())).people[0].id_number == number


@pytest.mark.parametrize("kind", ["02", "2", "军官证"])
def test_other_documents_keep_their_text(kind: str) -> None:
    person = read(row(id_type=kind, id_number="军字第１２３号")).people[0]
    assert (person.id_type, person.id_number, person.sex) == ("02", "军字第123号", None)


@pytest.mark.parametrize(("changed", "column", "code"), [
    ({"member_no": ""}, "member_no", "missing"),
    ({"name": " \u3000"}, "name", "missing"),
    ({"id_number": ""}, "id_number", "missing"),
    ({"member_no": "1.5E+17"}, "member_no", "number_lost"),
    ({"member_no": "M" * 65}, "member_no", "too_long"),
    ({"name": "敖\x00云"}, "name", "control_character"),
    ({"name": "敖" * 101}, "name", "too_long"),
    ({"id_number": "150999198001"}, "id_number", "bad_id_number"),
    ({"id_number": id_number().replace("0", "〇")}, "id_number", "bad_id_number"),
    ({"id_number": "x" * 100000}, "id_number", "bad_id_number"),
    ({"id_type": "护身符"}, "id_type", "unknown_word"),
    ({"id_type": "20"}, "id_type", "unknown_word"),
    ({"sex": "3"}, "sex", "unknown_word"),
    ({"category": "离休"}, "category", "unknown_word"),
    ({"opt_out": "也许"}, "opt_out", "unknown_word"),
    ({"scheme": ""}, "scheme", "missing"),
    ({"coverage_to": ""}, "coverage_to", "missing"),
    ({"coverage_to": "2021-05-31"}, "coverage_to", "period_order"),
    ({"unit_name": "厂" * 201}, "unit_name", "too_long"),
    ({"league": "乌\u0007海"}, "league", "control_character"),
])  # fmt: skip
def test_what_is_wrong_with_a_row(changed: dict[str, str], column: str, code: str) -> None:
    file = read(row(**changed), row(member_no="M2", id_number=id_number(serial=13)))
    assert findings(file) == [(2, column, code)]
    assert [person.member_no for person in file.people] == ["M2"]
    assert all(value not in str(file.errors[0]) for value in changed.values() if len(value.strip()) > 3)


def test_all_findings_of_a_row_are_listed() -> None:
    file = read(row(name="", id_number="1", sex="?", coverage_from="?", coverage_to="", category="?"))
    assert {code for _, _, code in findings(file)} == {
        "missing", "bad_id_number", "unknown_word", "not_a_date",
    }  # fmt: skip
    assert len(findings(file)) == 6


def test_a_bad_telephone_costs_nobody_his_place() -> None:
    file = read(row(phone="看备注"))
    assert file.people == (SOUND,)
    assert [(finding.code, finding.level) for finding in file.findings] == [("bad_phone", "warning")]


def test_someone_who_opted_out_needs_no_period() -> None:
    person = read(row(opt_out="是", coverage_from="", coverage_to="")).people[0]
    assert (person.opt_out, person.coverage) == (True, ())


def test_an_unquoted_comma_does_not_shift_values_unnoticed() -> None:
    content = csv_bytes([row()]).replace("敖云".encode(), "敖,云".encode())
    assert (2, "-", "too_many_cells") in findings(read_roster(content))


def test_row_numbers_are_those_a_spreadsheet_shows() -> None:
    lines = [["名册"], [], *table([row(), row(name="")])]
    content = cells_as_csv([*lines[:4], [], ["", ""], lines[4]])
    file = read_roster(content)
    assert findings(file)[-1] == (7, "name", "missing")
    assert file.rows == 2


def test_broken_characters_spoil_their_row_only() -> None:
    good, bad = row(), row(member_no="M2", id_number=id_number(serial=13), name="包青山")
    content = csv_bytes([good, bad]).replace("青".encode(), b"\xe9\x9d")
    file = read_roster(content)
    assert file.people == (SOUND,)
    assert findings(file) == [(3, "name", "bad_encoding")]


@pytest.mark.parametrize(("content", "code"), [
    (b"", "no_header"),
    (b"\n\n\n", "no_header"),
    (b"a,b,c\n1,2,3\n", "no_header"),
    (b"\x00" * 1000, "no_header"),
    (bytes(range(128, 256)) * 8, "no_header"),
    (bytes(range(256)) * 8, "broken_csv"),
    (b"PK\x03\x04 this is no workbook", "broken_workbook"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "broken_workbook"),
    (xlsx_bytes({"a": [["没有", "表头"]]}), "no_header"),
    (xlsx_bytes({"a": table([row()])})[:-300], "broken_workbook"),
    (csv_bytes([row(unit_name="厂")]).replace("厂".encode(), '"厂'.encode()), "broken_csv"),
    (csv_bytes([row()]) + ("," * 7 + '"' + "x" * 200_000 + '"').encode(), "broken_csv"),
])  # fmt: skip
def test_files_that_hold_no_table(content: bytes, code: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_roster(content)
    assert raised.value.code == code


def test_a_workbook_that_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.normalise.workbooks.MAX_UNPACKED", 1000)
    with pytest.raises(BadInput) as raised:
        read_roster(xlsx_bytes({"a": table([row()])}))
    assert raised.value.code == "too_large"


def test_mutated_files_raise_bad_input_or_nothing() -> None:
    rows = [
        row(),
        row(coverage_from="2022-06-01", coverage_to="2023-05-31"),
        row(member_no="M2", id_number="1"),
    ]
    originals = [csv_bytes(rows, encoding="gb18030"), csv_bytes(rows), xlsx_bytes({"a": table(rows)})]
    chance = random.Random(20210501)
    for _ in range(600):
        content = bytearray(chance.choice(originals))
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            file = read_roster(bytes(content[: chance.randrange(len(content))] if chance.random() < 0.3 else content))
        except BadInput:
            continue
        assert_every_row_is_accounted_for(file)


def assert_every_row_is_accounted_for(file: RosterFile) -> None:
    """Rows are periods of people or have an error: neither lost nor doubled."""
    wrong = {finding.row for finding in file.errors}
    if not any(finding.code in ("missing_columns", "doubled_column") for finding in file.errors):
        assert file.rows == len(wrong) + file.repeated + sum(len(person.coverage) for person in file.people)


NAMES = ["敖云", "包青", "敖 云"]


@st.composite
def roster_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = []
    for _ in range(draw(st.integers(0, 8))):
        first = date(2021, 1, 1) + timedelta(days=30 * draw(st.integers(0, 12)))
        days = draw(st.sampled_from([0, 29, 59]))
        rows.append(
            row(
                member_no=f"M{draw(st.integers(1, 3))}",
                name=draw(st.sampled_from(NAMES)),
                id_number=draw(st.sampled_from([id_number(serial=serial) for serial in (11, 13)] + ["1"])),
                scheme=draw(st.sampled_from(["a", "b"])),
                coverage_from=first.isoformat(),
                coverage_to=(first + timedelta(days=days)).isoformat(),
            )
        )
    return rows


@settings(max_examples=150, deadline=None)
@given(roster_rows())
def test_nobody_is_lost_and_no_member_overlaps(rows: list[dict[str, Any]]) -> None:
    file = read_roster(csv_bytes([*rows, row(member_no="last", id_number=id_number(serial=15))]))
    assert_every_row_is_accounted_for(file)
    assert len({person.member_no for person in file.people}) == len(file.people)
    for person in file.people:
        days: set[tuple[str, date]] = set()
        for period in person.coverage:
            span = (period.last_day - period.first_day).days + 1
            covered = {(period.scheme, period.first_day + timedelta(days=n)) for n in range(span)}
            assert not days & covered
            days |= covered


@settings(max_examples=60, deadline=None)
@given(roster_rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], chance: random.Random) -> None:
    """Who is taken, and with what, does not depend on which row came first."""
    shuffled = list(rows)
    chance.shuffle(shuffled)
    last = row(member_no="z", id_number="1")
    one, other = (read_roster(csv_bytes([*some, last])) for some in (rows, shuffled))
    assert _taken(one) == _taken(other)


def _taken(file: RosterFile) -> list[tuple[str, tuple[Coverage, ...]]]:
    return sorted((person.member_no, person.coverage) for person in file.people)


@pytest.mark.parametrize(
    ("number", "hinted"),
    [("E12345678", True), ("EA1234567", True), ("h1234567890", True), ("12345678", False), ("150999198001", False)],
)
def test_a_passport_without_the_type_of_document_is_told_what_to_add(number: str, hinted: bool) -> None:
    text = f"会员号,姓名,证件号码,人员类别,险种,保障开始,保障结束\nM1,测试甲,{number},在职,s,2025-06-01,2026-05-31\n"
    [finding] = read_roster(text.encode()).findings
    assert finding.code == "bad_id_number"
    assert ("证件类型" in str(finding)) is hinted
    assert number.upper() not in str(finding).upper()
