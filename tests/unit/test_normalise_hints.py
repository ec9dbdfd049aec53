"""What an error says beside its code: the kind of value found, what is agreed, and the key that would take it."""

from __future__ import annotations

from typing import Any

import pytest
from normalise_samples import ID18, csv_page, made, mapping, page, row

from gateway.core.normalise import CompiledMapping, Summary, normalise_lines
from gateway.core.normalise.problems import shown_code


def messages(content: bytes, compiled: CompiledMapping) -> list[str]:
    (line,) = normalise_lines(compiled, content)
    return [error["message"] for error in line["quarantined"]["errors"]]


def filed(**changed: str) -> str:
    (message,) = messages(csv_page(changed), mapping("hinggan"))
    return message


def pushed(compiled: CompiledMapping | None = None, **changed: Any) -> str:
    (message,) = messages(page(row(**changed)), compiled or made())
    return message


def test_a_settlement_time_that_is_a_day_says_which_formats_are_agreed_and_what_to_write() -> None:
    message = filed(**{"结算时间": "20261128"})
    assert message.startswith("settled_at（结算时间）：不是约定格式的时间")
    assert "读到8位数字" in message
    assert "约定 yyyy-MM-dd HH:mm:ss、yyyy/M/d H:mm:ss、yyyy/M/d H:mm、yyyyMMddHHmmss" in message
    assert (
        'formats = ["yyyy-MM-dd HH:mm:ss", "yyyy/M/d H:mm:ss", "yyyy/M/d H:mm", "yyyyMMddHHmmss", "yyyyMMdd"]'
        in message
    )


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("20261128", "yyyyMMdd"), ("2026.11.28", "yyyy.M.d"), ("2026年3月1日", "yyyy年M月d日"),
        ("2026-3-1", "yyyy-M-d"), ("2026/3/1 9:05", "yyyy/M/d H:mm"), ("2026-3-1 9:05:01", "yyyy-M-d H:mm:ss"),
    ],
)  # fmt: skip
def test_the_format_a_message_proposes_reads_the_value(value: str, form: str) -> None:
    fields = {"settled_at": {"from": "setl_time", "formats": ["yyyyMMddHHmmss"]}}
    message = pushed(made(fields=fields), setl_time=value)
    assert f'formats = ["yyyyMMddHHmmss", "{form}"]' in message
    mended = {"settled_at": {"from": "setl_time", "formats": ["yyyyMMddHHmmss", form]}}
    (line,) = normalise_lines(made(fields=mended), page(row(setl_time=value)))
    assert str(line["record"]["settled_at"]).startswith("2026-")


def test_a_day_number_of_excel_is_said_to_be_one_and_how_to_set_the_column() -> None:
    message = filed(**{"入院日期": "46073"})
    assert "admitted_on（入院日期）" in message
    assert "Excel的日期序号" in message
    assert "把这一列设为日期" in message


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"brdy": "2026-02-30"}, "没有这一天"), ({"enddate": "19991231"}, "empty"), ({"brdy": [1]}, "数组"),
        ({"brdy": True}, "真假值"), ({"medfee_sumamt": "20,000.00"}, "thousands = true"),
        ({"medfee_sumamt": "20000元"}, "带单位或符号的数字"), ({"medfee_sumamt": "2.0005"}, "带小数点的数字"),
        ({"medfee_sumamt": "２"}, "全角数字"), ({"ipt_days": "九"}, "1个字符的文字"), ({"gend": "7"}, "代码 7"),
        ({"brdy": "5"}, "1970年起的毫秒或秒"),
    ],
)  # fmt: skip
def test_what_was_found_and_what_is_allowed(changed: dict[str, Any], words: str) -> None:
    assert words in pushed(**changed)


def test_a_time_stamp_where_none_is_agreed_names_the_key() -> None:
    assert "epoch_ms = true" in filed(**{"结算时间": "1772330400"})


@pytest.mark.parametrize(
    "changed",
    [
        {"brdy": "测试甲"}, {"brdy": ID18}, {"setl_time": "测试乙13912345678"}, {"medfee_sumamt": "测试丙"},
        {"gend": "测试丁"}, {"gend": ID18}, {"certno": "150999198001010018"}, {"ipt_days": "I10.x00"},
    ],
)  # fmt: skip
def test_no_message_holds_a_value(changed: dict[str, Any]) -> None:
    (value,) = changed.values()
    for message in messages(page(row(**changed)), made()):
        assert value not in message
        assert not set("测试甲乙丙丁") & set(message)


@pytest.mark.parametrize("code", ["2A", "31", "普通住院", "城乡居民", "53_04", "职工医保"])
def test_a_code_is_named(code: str) -> None:
    assert shown_code(code) == code


@pytest.mark.parametrize("text", ["李保国", "王居正", "张生", ID18, "13912345678", "0471-1234567", "x" * 13])
def test_what_may_be_a_person_is_not(text: str) -> None:
    assert text not in shown_code(text)


def test_a_summary_counts_rows_and_errors() -> None:
    summary = Summary()
    content = page(row(), row(brdy="x", gend="7"), row(gend="8"), {"setl_id": "合计", "medfee_sumamt": 1}, row(s="1"))
    list(normalise_lines(made(skip={"s": "1"}), content, summary))
    assert (summary.records, summary.quarantined, summary.skipped) == (1, 3, 1)
    assert dict(summary.errors) == {
        ("unknown_code", "sex"): 2, ("not_a_date", "birth_date"): 1, ("sum_row", ""): 1,
    }  # fmt: skip
    broken = Summary()
    list(normalise_lines(made(), b"{", broken))
    assert dict(broken.errors) == {("not_json", ""): 1}
