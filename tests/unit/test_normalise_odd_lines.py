"""Lines of a page that are no settlement, and settlements that take several lines."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from normalise_samples import CSV_ROW, csv_page, made, mapping, page, row

from gateway.core.normalise import CompiledMapping, normalise_lines
from gateway.core.normalise.odd_lines import is_sum
from gateway.errors import BadPage
from gateway.model.page import Identity

NOTHING = dict.fromkeys(CSV_ROW, "")


def answers(content: bytes, compiled: CompiledMapping | None = None) -> list[Any]:
    """Settlement numbers of records, codes of what is quarantined, as `hubao normalise` tells them."""
    lines = normalise_lines(compiled or mapping("hinggan"), content)
    return [
        line["record"]["settlement_no"]
        if "record" in line
        else [error["code"] for error in line["quarantined"]["errors"]]
        for line in lines
    ]


def identified(content: bytes, compiled: CompiledMapping | None = None) -> list[Any]:
    """What the flow sees of every line: settlement numbers, or the codes of errors."""
    compiled = compiled or mapping("hinggan")
    rows = compiled.read(content)
    return [
        identity.settlement_no if isinstance(identity, Identity) else [error.code for error in identity]
        for identity in compiled.identify(rows, 0, len(rows))
    ]


# Sums


@pytest.mark.parametrize(
    "text",
    [
        "合计",
        "合 计",
        "合　计：",
        "小计",
        "总计",
        "共计",
        "本页合计",
        "合计：12笔",
        "合计12笔",
        "合计（元）",
        "当日合计",
        "Total",
        "SUBTOTAL:",
    ],
)
def test_words_of_a_line_of_sums(text: str) -> None:
    assert is_sum(text)


@pytest.mark.parametrize(
    "text", [None, "", "152200000001", "合作医院0001", "T0001", "TOTAL001", "合计152200000001", "HJ001", "总医院"]
)
def test_what_may_be_the_number_of_a_settlement(text: str | None) -> None:
    assert not is_sum(text)


@pytest.mark.parametrize(
    "sums",
    [
        {"结算流水号": "合计"}, {"结算流水号": "合 计\t"}, {"结算流水号": "小计", "就诊流水号": "3笔"},
        {"姓名": "合计"}, {"医疗机构名称": "合计"}, {"结算流水号": "合计", "医疗费总额": "-20000.00"},
        {"结算流水号": "合计", "结算时间": "x"},
    ],
)  # fmt: skip
def test_a_line_of_sums_is_no_settlement(sums: dict[str, str]) -> None:
    line = {**NOTHING, "医疗费总额": "20000.00", **sums}
    content = csv_page({}, line)
    assert answers(content) == ["152200000001", ["sum_row"]]
    assert identified(content) == ["152200000001", ["sum_row"]]
    rows = mapping("hinggan").read(content)
    assert mapping("hinggan").salvage(rows, 1) == (None, False, None, None), "its money is that of other rows"


def test_a_line_of_sums_in_a_message_is_none_either() -> None:
    content = page(row(), {"setl_id": "合计", "medfee_sumamt": 20000})
    assert answers(content, made()) == identified(content, made()) == ["T0000000001", ["sum_row"]]


def test_a_row_that_names_nobody_is_no_line_of_sums() -> None:
    content = csv_page({"姓名": "", "证件号码": ""}, {**NOTHING, "医疗费总额": "1.00"})
    assert identified(content) == ["152200000001", ["missing"]]


# A header that stands there again


@pytest.mark.parametrize("around", ["{}", "{}\t", " {} "])
def test_a_header_in_the_middle_of_a_joined_file_is_one_error(around: str) -> None:
    again = {name: around.format(name) for name in CSV_ROW}
    content = csv_page({}, again, {"结算流水号": "152200000002"})
    assert answers(content) == identified(content) == ["152200000001", ["header_again"], "152200000002"]
    rows = mapping("hinggan").read(content)
    assert mapping("hinggan").salvage(rows, 1) == (None, False, None, None)


# What a mapping skips


def skipping(**skip: Any) -> CompiledMapping:
    fields = {"name": {"from": "姓名"}, "settlement_no": {"from": "结算流水号"}, "total_amount": {"from": "医疗费总额"}}
    form = {"kind": "csv", "encoding": ["gb18030"]}
    return made(national=False, format=form, fields=fields, skip=skip)


def test_what_a_mapping_skips_keeps_its_place_and_says_nothing() -> None:
    compiled = skipping(**{"结算流水号": ["合计", "结算流水号"], "姓名": "测试丁"})
    again = {name: name for name in CSV_ROW}
    sums = {**NOTHING, "结算流水号": " 合计\t", "医疗费总额": "1.00"}
    content = csv_page({}, again, {"姓名": "测试丁"}, sums, {"结算流水号": "2", "医疗费总额": "x"})
    assert answers(content, compiled) == ["152200000001", ["not_an_amount"]]
    skipped = ["skipped"]
    assert identified(content, compiled) == ["152200000001", skipped, skipped, skipped, ["not_an_amount"]]
    (line,) = [line for line in normalise_lines(compiled, content) if "quarantined" in line]
    assert line["quarantined"]["row"] == 5


def test_a_message_may_be_skipped_by_a_key_that_is_read_for_nothing_else() -> None:
    compiled = made(skip={"kind": ["sum", "7"]})
    content = page(row(), row(kind="sum"), row(kind=7), row(kind=None), row(kind="other"))
    assert [len(answers(content, compiled)), identified(content, compiled).count(["skipped"])] == [3, 2]


def test_a_column_that_is_skipped_by_must_be_there() -> None:
    with pytest.raises(BadPage) as caught:
        skipping(**{"备注": ["合计"]}).read(csv_page({}))
    assert caught.value.code == "missing_columns"
    assert "备注" in caught.value.message


# A cell with line breaks


def broken_over(*lines: str, column: str = "单位名称") -> bytes:
    return csv_page({}, {column: "\n".join(lines)}, {"结算流水号": "152200000003"})


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("测试", "农场"), "测试 农场"),
        (("测试,一", "二,农场"), "测试,一 二,农场"), (("测试", "", "农场"), "测试  农场"),
        (("测试\r", "农场"), "测试 农场"), (("一", "二", "三", "四"), "一 二 三 四"),
    ],
)  # fmt: skip
def test_a_cell_may_have_line_breaks(lines: tuple[str, ...], name: str) -> None:
    content = broken_over(*lines)
    found = [line["record"] for line in normalise_lines(mapping("hinggan"), content)]
    assert [record["settlement_no"] for record in found] == ["152200000001", "152200000001", "152200000003"]
    assert found[1]["employer_name"] == name
    further = len([line for line in lines if line.strip()]) - 1
    assert identified(content).count(["skipped"]) == further


@pytest.mark.parametrize("column", ["结算流水号", "诊断编码", "医院等级"])
def test_the_first_and_the_last_cell_may_have_them_too(column: str) -> None:
    value = CSV_ROW[column].strip()
    found = answers(broken_over(value, "", column=column))
    assert found == ["152200000001", "152200000001", "152200000003"]


def test_rows_keep_their_numbers_behind_a_cell_with_line_breaks() -> None:
    content = csv_page({"单位名称": "测试\n农场"}, {"医疗费总额": "x"})
    (line,) = [line for line in normalise_lines(mapping("hinggan"), content) if "quarantined" in line]
    assert line["quarantined"]["row"] == 3


def test_two_stray_quotes_do_not_swallow_the_rows_between_them() -> None:
    rows = [{"结算流水号": f"{number}"} for number in range(1, 6)]
    content = csv_page(*({**line, "姓名": "@"} if place in (1, 3) else line for place, line in enumerate(rows)))
    assert answers(content.replace(b"@", b'"')) == ["1", ["wrong_columns"], "3", ["wrong_columns"], "5"]


def test_stray_quotes_in_rows_below_each_other_cost_their_own_rows() -> None:
    rows = [{"结算流水号": f"{number}", "姓名": "@" if number in (2, 3) else "测试乙"} for number in range(1, 5)]
    content = csv_page(*rows).replace(b"@", b'"')
    assert answers(content) == ["1", ["wrong_columns"], ["wrong_columns"], "4"]


def test_a_quote_that_brings_another_number_of_cells_costs_its_own_line() -> None:
    first, second, third = csv_page({}, {}, {}).split(b"\r\n")[:3]
    content = b"\r\n".join([first, second, b'9,"a', b'b",c', third, b""])
    assert answers(content) == ["152200000001", ["wrong_columns"], ["wrong_columns"], "152200000001"]


# Encodings and what is no file of the league


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_with_the_mark_of_utf_16_is_read(encoding: str) -> None:
    text = csv_page({}, {"姓名": "额尔敦·朝鲁"}, encoding="utf-8").decode()
    content = text.encode(encoding) if encoding == "utf-16" else ("\ufeff" + text).encode(encoding)
    found = [line["record"]["name"] for line in normalise_lines(mapping("hinggan"), content)]
    assert found == ["测试乙", "额尔敦·朝鲁"]
    assert len(answers(content[:-1])) == 2, "a part of a cut file may end in the middle of a sign"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><table><tr><td>1", "网页"), (b"\xef\xbb\xbf \r\n<!DOCTYPE html>", "网页"), (b"<table>\n<tr>", "网页"),
        (b'<?xml version="1.0"?><a/>', "XML"), (b"PK\x03\x04\x14\x00", "Excel"), (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel"),
        (gzip.compress(b"x", mtime=0), "gzip"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("league", "code"), [("hinggan", "not_csv"), ("bayannur", "not_json")])
def test_a_page_says_what_it_looks_like(content: bytes, words: str, league: str, code: str) -> None:
    with pytest.raises(BadPage) as caught:
        mapping(league).read(content)
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_message_in_utf_16_is_said_to_be_that() -> None:
    with pytest.raises(BadPage) as caught:
        made().read('{"rows": []}'.encode("utf-16"))
    assert "UTF-16" in caught.value.message


def test_a_line_reads_the_same_whether_or_not_another_has_an_open_quote() -> None:
    first, second = csv_page({}).split(b"\r\n")[:2]
    early = second.replace("测试农场".encode("gb18030"), b'"x"y')
    opened = second.replace("测试农场".encode("gb18030"), b'"x')
    good, wrong = "152200000001", ["wrong_columns"]
    assert answers(b"\r\n".join([first, early, second, b""])) == [good, good]
    lines = [first, early, second, opened, early, second, b""]
    assert answers(b"\r\n".join(lines)) == [good, good, wrong, good, good]
