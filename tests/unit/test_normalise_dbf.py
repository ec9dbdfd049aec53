"""Tables of dBase III and FoxPro, checked against the `dbf` library: what it writes, and what it reads."""

from __future__ import annotations

import io
import random
import struct
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dbf
import pytest
from normalise_samples import ID18
from table_samples import FIELDS, ROW, changed, outcomes, record_of, table_mapping

from connectors.transport.parts import plan_file, read_parts
from gateway.core.normalise.dbf_pages import read_head
from gateway.core.normalise.language import DbfFormat
from gateway.errors import BadPage
from gateway.flow.studies.case_pages import dbf_table
from gateway.ports import FileRows
from gateway.wiring import parts_of

COLUMNS = "JSLSH C(12); JZLSH C(10); XM C(12); ZJHM C(18); JSSJ C(14); CYRQ D; ZFY N(12,2); JJZF N(12,2)"
GOOD = ("150781000001", "M001", "测试甲", ID18, "20260301100000", date(2026, 3, 1), Decimal("20000.00"), Decimal(9000))
DBF = {"kind": "dbf"}


def written(folder: Path, *rows: tuple[Any, ...], columns: str = COLUMNS, kind: str = "db3") -> bytes:
    """A table as the library writes it, in CP936."""
    path = folder / "table.dbf"
    table = dbf.Table(str(path), columns, codepage="cp936", dbf_type=kind)
    table.open(dbf.READ_WRITE)
    for row in rows:
        table.append(row)
    table.close()
    return path.read_bytes()


def other(**cells: Any) -> tuple[Any, ...]:
    names = [column.split()[0] for column in COLUMNS.split("; ")]
    return tuple({**dict(zip(names, GOOD, strict=True)), **cells}.values())


def test_what_the_library_writes_is_read(tmp_path: Path) -> None:
    content = written(tmp_path, GOOD, other(JSLSH="2", XM="欧阳测", ZFY=Decimal("-0.50"), CYRQ=None, JJZF=None))
    first, second = map(record_of, outcomes(table_mapping(DBF), content))
    assert (first.name, first.id_number, first.total_amount) == ("测试甲", ID18, 2_000_000)
    assert (first.settled_at, first.discharged_on) == (datetime.fromisoformat("2026-03-01T10:00:00+08:00"), GOOD[5])
    assert (second.name, second.total_amount, second.discharged_on, second.fund_paid_amount) == (
        "欧阳测",
        -50,
        None,
        None,
    )


def test_deleted_rows_are_none_and_keep_their_place(tmp_path: Path) -> None:
    content = bytearray(written(tmp_path, GOOD, other(JSLSH="2"), other(JSLSH="3")))
    head = read_head(bytes(content), DbfFormat())
    content[head.begin + head.length] = 0x2A
    compiled = table_mapping(DBF)
    assert [record_of(row).settlement_no for row in outcomes(compiled, bytes(content))] == ["150781000001", "3"]
    rows = compiled.read(bytes(content))
    assert len(rows) == 3
    content[head.begin + head.length] = 0x07
    assert outcomes(compiled, bytes(content))[1] == ["unreadable"]


def test_a_number_that_did_not_fit_is_no_amount() -> None:
    # FoxPro writes asterisks where a number is too long for its column.
    assert outcomes(table_mapping(DBF), dbf_table(list(ROW), [changed(ZFY="************")], "gb18030")) == [
        ["not_an_amount"]
    ]


def test_texts_filled_up_with_nul_are_texts() -> None:
    content = dbf_table(list(ROW), [changed(XM="测试甲", JZLSH="M1")], "gb18030")
    (record,) = outcomes(table_mapping(DBF), content.replace(b"M1", b"M\x00"))
    assert record_of(record).visit_no == "M"


@pytest.mark.parametrize(("count", "code"), [(3, ["wrong_count"]), (1, ["wrong_count"])])
def test_more_or_fewer_rows_than_the_header_says_are_told(count: int, code: list[str]) -> None:
    content = bytearray(dbf_table(list(ROW), [ROW, changed(JSLSH="2")], "gb18030"))
    content[4:8] = struct.pack("<I", count)
    results = outcomes(table_mapping(DBF), bytes(content))
    assert results[-1] == code
    assert all(record_of(row) for row in results[:-1])
    assert len(results) == min(count, 2) + 1


def test_a_table_that_breaks_off_says_so_and_keeps_its_whole_rows() -> None:
    content = dbf_table(list(ROW), [ROW, changed(JSLSH="2")], "gb18030")
    whole, told = outcomes(table_mapping(DBF), content[:-20])
    assert (record_of(whole).settlement_no, told) == ("150781000001", ["wrong_count"])


@pytest.mark.parametrize(("row", "moved"), [(0, 0), (1, 1), (2, 2)])
def test_the_row_in_which_bytes_came_twice_or_were_lost_is_not_believed(row: int, moved: int) -> None:
    whole = dbf_table(list(ROW), [changed(JSLSH=f"{number:012}") for number in range(1, 4)], "gb18030")
    head = read_head(whole, DbfFormat())
    place = head.begin + row * head.length + head.length - 9
    for content in (whole[: place + 3] + whole[place:], whole[:place] + whole[place + 3 :]):
        results = outcomes(table_mapping(DBF), content)
        kept = [record_of(result).settlement_no for result in results[:moved]]
        assert kept == [f"{number:012}" for number in range(1, moved + 1)]
        # Of a last row with too few bytes there is none.
        assert results[moved] in (["wrong_width"], ["wrong_count"])
        assert all(isinstance(result, list) for result in results[moved:])


@pytest.mark.parametrize("end", [b"", b"\x1a", b"\x1a\x1a", b"\x1a left over from before", bytes(100), b"\r\n"])
def test_what_stands_behind_the_end_of_the_file_is_nothing(end: bytes) -> None:
    content = dbf_table(list(ROW), [ROW], "gb18030").removesuffix(b"\x1a") + end
    (record,) = outcomes(table_mapping(DBF), content)
    assert record_of(record).total_amount == 2_000_000


@pytest.mark.parametrize("kind", ["T", "L", "I", "Y", "D"])
def test_a_type_that_does_not_have_the_width_of_its_column_is_a_damaged_header(kind: str) -> None:
    with pytest.raises(BadPage) as raised:
        table_mapping(DBF).read(dbf_table(list(ROW), [ROW], "gb18030", kinds={"JSLSH": kind}))
    assert raised.value.code == "not_dbf"


@pytest.mark.parametrize(("written", "expected"), [(" ", False), ("?", False), ("T", True), ("n", False), ("1", None)])
def test_a_logical_value_is_yes_or_no_or_not_entered(written: str, expected: bool | None) -> None:
    compiled = table_mapping(DBF, fields={**FIELDS, "reversal": {"from": "TF"}})
    (result,) = outcomes(compiled, dbf_table([*ROW, "TF"], [changed(TF=written)], "gb18030", kinds={"TF": "L"}))
    assert result == ["bad_encoding"] if expected is None else record_of(result).reversal is expected


def test_the_parts_of_a_table_too_large_for_a_page_are_its_rows() -> None:
    content = dbf_table(list(ROW), [changed(JSLSH=f"{number:012}") for number in range(4_000)], "gb18030")
    file = io.BytesIO(content)
    parts = list(read_parts(file, plan_file(file, FileRows(by="dbf"), limit=256 * 1024)))
    numbers = [record_of(result).settlement_no for part in parts for result in outcomes(table_mapping(DBF), part)]
    assert (len(parts), numbers) == (2, [f"{number:012}" for number in range(4_000)])


def test_a_table_of_many_pages_is_read_part_by_part() -> None:
    content = dbf_table(list(ROW), [ROW] * 200, "gb18030")
    head = read_head(content, DbfFormat())
    many = 17 * 2**20 // head.length
    rows = content[head.begin : head.begin + head.length] * many
    large = content[:4] + struct.pack("<I", many) + content[8 : head.begin] + rows + b"\x1a"
    heads = [read_head(part, DbfFormat()) for part in parts_of(io.BytesIO(large), table_mapping(DBF).language)]
    assert (len(heads), sum(head.rows for head in heads)) == (2, many)


def test_foxpro_keeps_whole_numbers_money_and_times_in_binary(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2026-03-01T10:00:01")
    columns = "JSLSH I; ZFY Y; JJZF N(12,2); JSSJ T; CYRQ D; TF L"
    rows = [
        (150781001, Decimal("20000.50"), Decimal("9000.00"), moment, date(2026, 3, 1), True),
        (2, Decimal("-0.05"), Decimal(1), None, None, False),
    ]
    content = written(tmp_path, *rows, columns=columns, kind="vfp")
    fields = {name: rule for name, rule in FIELDS.items() if name not in ("visit_no", "name", "id_number")}
    compiled = table_mapping(DBF, fields={**fields, "reversal": {"from": "TF"}})
    first, second = map(record_of, outcomes(compiled, content))
    assert (first.settlement_no, first.total_amount, first.reversal) == ("150781001", 2_000_050, True)
    assert first.settled_at == datetime.fromisoformat("2026-03-01T10:00:01+08:00")
    assert (second.settlement_no, second.total_amount, second.settled_at) == ("2", -5, None)


def test_a_memo_column_is_refused_by_name_where_it_is_read(tmp_path: Path) -> None:
    content = written(tmp_path, ("1", Decimal(5), "text"), columns="JSLSH C(12); ZFY N(12,2); BZ M")
    fields = {"settlement_no": {"from": "JSLSH"}, "total_amount": {"from": "ZFY"}}
    (record,) = outcomes(table_mapping(DBF, fields=fields), content)
    assert record_of(record).total_amount == 500
    for rule in ({"from": "BZ"}, {"from": "BZ", "optional": True}):
        with pytest.raises(BadPage) as raised:
            table_mapping(DBF, fields={**fields, "facility_name": rule}).read(content)
        assert (raised.value.code, "BZ（M）" in raised.value.message) == ("memo_column", True)


def test_what_must_be_there_and_is_not_is_named() -> None:
    with pytest.raises(BadPage) as raised:
        table_mapping(DBF).read(dbf_table(["JSLSH"], [ROW], "gb18030"))
    assert (raised.value.code, "ZFY" in raised.value.message) == ("missing_columns", True)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04" + b"x" * 100, b"x", b"\x03" * 40, bytes(40), b'{"rows":[]}' + b" " * 40]
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(BadPage) as raised:
        table_mapping(DBF).read(content)
    assert raised.value.code in ("not_dbf", "empty")


@pytest.mark.parametrize("seed", range(5))
def test_every_value_is_what_the_library_reads(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    rows = [
        other(
            JSLSH=f"{chance.randrange(10**12)}",
            XM="".join(chance.choice("测试欧阳乌日娜·包") for _ in range(chance.randint(1, 6))),
            ZFY=Decimal(chance.randrange(-(10**8), 10**8)) / 100,
            CYRQ=chance.choice([None, date(2026, chance.randint(1, 12), chance.randint(1, 28))]),
        )
        for _ in range(50)
    ]  # fmt: skip
    content = written(tmp_path, *rows)
    records = list(map(record_of, outcomes(table_mapping(DBF), content)))
    with dbf.Table(str(tmp_path / "table.dbf"), codepage="cp936") as table:
        theirs = [(row.JSLSH.strip(), row.XM.strip(), int(Decimal(str(row.ZFY)) * 100), row.CYRQ) for row in table]
    assert [(row.settlement_no, row.name, row.total_amount, row.discharged_on) for row in records] == theirs


def test_every_cut_and_changed_byte_is_an_error_or_rows(tmp_path: Path) -> None:
    content, chance = written(tmp_path, GOOD, other(JSLSH="2")), random.Random(7)
    compiled = table_mapping(DBF)
    for _ in range(600):
        page = bytearray(content[: chance.choice([len(content), chance.randrange(1, len(content))])])
        for _ in range(chance.randint(0, 3)):
            page[chance.randrange(len(page))] = chance.randrange(256)
        try:
            outcomes(compiled, bytes(page))
        except BadPage as bad:
            assert bad.code
