"""What leagues really send, end to end: the sample row of the guide with one thing otherwise, and the claim it makes.

The member is 测试乙 (in pushes 测试丙), covered for the year; the sample alone is a claim of 2890.00.
"""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import adds_up, live, open_items, take, tallies

from gateway.core.roster import read_roster
from gateway.flow.batches.reconcile import reconcile
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.money import yuan
from gateway.model.page import FeedTotals, Fetched
from gateway.model.rows import RowClass

if TYPE_CHECKING:
    from conftest import MakeOffice

README = (Path(__file__).parents[2] / "mappings" / "README.md").read_text(encoding="utf-8")
DAY = date(2026, 3, 1)
CLAIM = "2890.00"


def sample(kind: str, place: int) -> str:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)[place]


HEADER, ROW = ([cell.strip() for cell in line] for line in csv.reader(io.StringIO(sample("csv", -1))))
PUSH: dict[str, Any] = json.loads(sample("json", -1))


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url)


def member(office: Office, name: str, id_number: str = "150999198001010017") -> None:
    header = "会员号,姓名,证件号码,人员类别,险种,保障开始,保障结束"
    text = f"{header}\nM001,{name},{id_number},在职,nm-inpatient,2025-06-01,2026-05-31\n"
    assert enrol(office, "nm", read_roster(text.encode()).people).added == 1


def filed(office: Office, *changes: dict[str, str], encoding: str = "gb18030", rows: int | None = None) -> None:
    """The file of the day, one line for each of these changes of the sample row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for changed in changes:
        writer.writerow((dict(zip(HEADER, ROW, strict=True)) | changed).values())
    taken(office, text.getvalue().encode(encoding), rows)


def taken(office: Office, content: bytes, rows: int | None = None) -> None:
    member(office, "测试乙")
    totals = () if rows is None else (FeedTotals(day=DAY, rows=rows),)
    source = f"setl_152200_{DAY:%Y%m%d}.csv"
    take(office, "hinggan", Fetched(content=content, request="file:1/1", day=DAY, source=source, totals=totals))


def pushed(office: Office, **changed: Any) -> None:
    """The push of the day, its record with these values."""
    member(office, "测试丙", changed.get("certno", "150999198001010017"))
    content = json.dumps({**PUSH, "records": [{**PUSH["records"][0], **changed}]}, ensure_ascii=False)
    # A number is written as Java writes it.
    content = re.sub(r'"java:([^"]+)"', r"\1", content)
    take(office, "bayannur", Fetched(content=content.encode(), request="push", day=DAY))


def claimed(office: Office) -> list[str]:
    return [yuan(claim["payable"]) for claim in live(office)]


def codes(office: Office) -> list[str]:
    return [item[3] for item in open_items(office)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"setl_time": 1772330400, "begndate": 1771516800, "enddate": 1772294400},
        {"setl_time": 1772330400000, "begndate": "1771516800000", "enddate": 1772294400000},
        {"setl_time": "20260301100000", "begndate": "20260220", "enddate": "20260301000000"},
        {"brdy": -28800000, "certno": "150999197001010119"},
        {"brdy": 0, "certno": "150999197001010119"},
        {"brdy": 315504000},
        {"acct_mulaid_pay": 500, "cashPayamt": 9500},
        {"acct_pay": 1000, "acct_mulaid_pay": 500},
        {"preselfpay_amt": "java:2E+3", "cvlserv_pay": "java:0E-10", "hifp_pay": "8000.", "inscp_scp_amt": "+15000.00"},
    ],
)
def test_a_push_as_systems_write_it_is_the_claim_of_the_sample(office: Office, changed: dict[str, Any]) -> None:
    pushed(office, **changed)
    assert (claimed(office), open_items(office)) == ([CLAIM], [])
    adds_up(office)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"setl_time": 315504000000}, "too_early"), ({"begndate": "1970-01-21"}, "too_early"),
        ({"setl_time": 0}, "not_a_datetime"), ({"acct_mulaid_pay": 500, "cashPayamt": 9400}, "sum_mismatch_i3"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_waits_for_a_person(office: Office, changed: dict[str, Any], code: str) -> None:
    pushed(office, **changed)
    assert (claimed(office), codes(office)) == ([], [code])


@pytest.mark.parametrize(
    "changed",
    [
        {}, {"先行自付": ".50", "全自费金额": "3999.50"}, {"医疗费总额": "20000.", "统筹基金支出": "+8000.00"},
        {"单位名称": "测试\n农场"}, {"诊断编码": "I10.x00;\nE11.900"},
    ],
)  # fmt: skip
def test_a_file_as_databases_write_it_is_the_claim_of_the_sample(office: Office, changed: dict[str, str]) -> None:
    filed(office, changed, rows=1)
    assert (claimed(office), open_items(office)) == ([CLAIM], [])
    assert [sheet.differences for sheet in reconcile(office)] == [[]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "gb18030"])
def test_a_file_in_another_encoding_is_the_claim_of_the_sample(office: Office, encoding: str) -> None:
    filed(office, {}, encoding=encoding, rows=1)
    assert claimed(office) == [CLAIM]


def test_a_line_of_sums_is_no_stranger_and_no_money(office: Office) -> None:
    sums = {**dict.fromkeys(HEADER, ""), "结算流水号": "合计", "医疗费总额": "20000.00"}
    filed(office, {}, sums)
    assert (claimed(office), codes(office)) == ([CLAIM], ["sum_row"])
    assert tallies(office) == {RowClass.MEMBER: (1, 2_000_000), RowClass.QUARANTINED: (1, 0)}


def test_a_header_in_the_middle_of_a_joined_file_is_one_error(office: Office) -> None:
    filed(office, {}, dict(zip(HEADER, HEADER, strict=True)), {"结算流水号": "2", "证件号码": "", "姓名": ""})
    assert (claimed(office), codes(office)) == ([CLAIM], ["header_again"])


def test_an_empty_file_of_a_day_without_settlements_is_no_error(office: Office) -> None:
    taken(office, b"", rows=0)
    assert open_items(office) == []
    assert [(sheet.unreadable, sheet.differences) for sheet in reconcile(office)] == [(0, [])]


def test_a_file_without_content_that_should_have_some_is_one(office: Office) -> None:
    taken(office, b"", rows=2)
    assert codes(office) == ["empty"]


def test_a_day_number_of_excel_waits_with_words_that_help(office: Office) -> None:
    filed(office, {"入院日期": "46073"})
    assert (claimed(office), codes(office)) == ([], ["not_a_date"])
