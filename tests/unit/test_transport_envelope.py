"""The platform's envelope: 18 fields out; whatever it may look like on the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.transport.envelope import (
    Caller,
    Question,
    objects_of,
    read_reply,
    request_body,
    says_unknown,
    text_of,
)
from gateway.errors import Unavailable

CALLER = Caller(
    facility_no="H15030000001",
    facility_name="示例医院",
    operator_no="op1",
    operator_name="测试",
    receiver="YBXT",
    interface_version="V1.0",
    region="150300",
)


def test_a_request_has_all_18_fields_in_order() -> None:
    question = Question(infno="5203", data={"psn_no": "P1"}, shown={}, insured_region="150302")
    body = request_body(CALLER, question, msgid="M" * 30, now=datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC))
    assert list(msgspec.json.decode(body).items()) == [
        ("infno", "5203"),
        ("msgid", "M" * 30),
        ("mdtrtarea_admvs", "150300"),
        ("insuplc_admdvs", "150302"),
        ("recer_sys_code", "YBXT"),
        ("dev_no", ""),
        ("dev_safe_info", ""),
        ("cainfo", ""),
        ("signtype", ""),
        ("infver", "V1.0"),
        ("opter_type", "1"),
        ("opter", "op1"),
        ("opter_name", "测试"),
        ("inf_time", "2026-03-01 02:03:04"),
        ("fixmedins_code", "H15030000001"),
        ("fixmedins_name", "示例医院"),
        ("sign_no", ""),
        ("input", {"data": {"psn_no": "P1"}}),
    ]


GOOD = [
    (b'{"infcode":0,"output":{"a":1}}', {"a": 1}),
    (b'{"infcode":"0","output":{"a":1},"unheard_of":{"x":[1]}}', {"a": 1}),
    (b'{"infcode":0.0,"output":{"a":1}}', {"a": 1}),
    (b'{"infcode":" 0 ","err_msg":null,"output":null}', {}),
    (b'{"infcode":0}', {}),
    (b'{"infcode":0,"output":{}}', {}),
    (b'{"infcode":0,"output":""}', {}),
    (b'{"infcode":0,"output":"null"}', {}),
    (b'{"infcode":0,"output":[]}', {}),
    (b'{"infcode":0,"output":"{\\"a\\":1}"}', {"a": 1}),
    ('\ufeff{"infcode":0,"output":{"名":"额尔敦"}}'.encode(), {"名": "额尔敦"}),
    (b'{"infcode":0,"output":{"a":38.61000000000001}}', {"a": "38.61000000000001"}),
    (b'{"infcode":0,"output":{"name":"\xb6\xee"}}', {"name": "��"}),
]


@pytest.mark.parametrize(("raw", "output"), GOOD, ids=range(len(GOOD)))
def test_a_good_reply(raw: bytes, output: dict[str, Any]) -> None:
    heard = read_reply(raw)
    assert (heard.good, heard.output, heard.raw) == (True, output, raw)


@pytest.mark.parametrize("code", [b"-1", b'"-1"', b"1", b'"500"', b"-2"])
def test_a_refusal_keeps_its_reply_verbatim(code: bytes) -> None:
    raw = b'{"infcode":' + code + b',"err_msg":"boom","output":[1]}'
    heard = read_reply(raw)
    assert (heard.good, heard.knows_nothing, heard.output, heard.raw) == (False, False, {}, raw)


BROKEN = {
    "nothing": b"",
    "an error page": "<html><body>系统维护</body></html>".encode(),
    "a cut reply": b'{"infcode":0,"output":{"setlinfo":{"setl_id":"S1"',
    "another envelope": b'{"code":0,"type":"success","message":"","data":{}}',
    "infcode null": b'{"infcode":null,"output":{}}',
    "infcode empty": b'{"infcode":"","output":{}}',
    "infcode true": b'{"infcode":true,"output":{}}',
    "infcode a list": b'{"infcode":[0],"output":{}}',
    "a list": b'[{"infcode":0}]',
    "not a number": b'{"infcode":0,"output":{"a":NaN}}',
    "an output that is a number": b'{"infcode":0,"output":7}',
    "an output that is a full list": b'{"infcode":0,"output":[{"a":1}]}',
    "an output that is text, not JSON": b'{"infcode":0,"output":"ok"}',
    "UTF-16": '{"infcode":0}'.encode("utf-16"),
    "an endless nest": b'{"infcode":0,"output":' + b"[" * 50_000,
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_reply_is_no_answer(raw: bytes) -> None:
    with pytest.raises(Unavailable, match=r"^broken_reply"):
        read_reply(raw)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(min_value=0, max_value=60))
def test_no_bytes_whatever_escape_the_two_ways(noise: bytes, at: int) -> None:
    whole = b'{"infcode":"0","err_msg":"","output":{"setlinfo":{"setl_id":"S1"}}}'
    try:
        heard = read_reply(whole[:at] + noise + whole[at:])
    except Unavailable as error:
        assert str(error).startswith("broken_reply")
    else:
        assert heard.code


UNKNOWN = [
    "未查询到该人员信息",
    "未查到参保信息",
    "查询失败：未查询到人员信息！",
    "该人员不存在",
    "人员参保信息不存在",
    "系统中不存在该人员信息",
    "查无此人",
    "没有查询到就诊记录",
    "未找到结算信息",
    "无参保信息",
    "暂无就诊信息",
    "诊断信息未查到",
]

FAULTS = [
    "",
    "系统异常",
    "接口不存在",
    "未找到该医药机构人员信息",
    "paasid不存在",
    "无法访问人员信息服务",
    "无权限查询人员信息",
    "msgid重复，就诊信息不存在",
    "人员信息查询服务不存在",
    "人员信息查询超时",
    "请求报文中人员编号不存在",
    "处理失败",
    "未签到",
]


@pytest.mark.parametrize("message", UNKNOWN)
def test_messages_that_say_there_is_nobody(message: str) -> None:
    assert says_unknown(message)


@pytest.mark.parametrize("message", FAULTS)
def test_messages_that_say_something_is_wrong(message: str) -> None:
    assert not says_unknown(message)


TEXTS = [("S1", "S1"), (" S1\t", "S1"), (12345678901234567890, "12345678901234567890"), ("0012", "0012")]
NOTHING: list[object] = [None, "", " ", "null", True, [], {}, ["S1"]]


@pytest.mark.parametrize(("value", "text"), [*TEXTS, *((value, "") for value in NOTHING)])
def test_ids_as_text(value: object, text: str) -> None:
    assert text_of(value) == text


def test_a_node_may_stand_alone_or_in_a_list() -> None:
    assert objects_of({"a": 1}) == [{"a": 1}]
    assert objects_of([{"a": 1}, None, "x", {}, {"b": 2}]) == [{"a": 1}, {"b": 2}]
    nothings: tuple[object, ...] = (None, {}, [], "", 7)
    for nothing in nothings:
        assert objects_of(nothing) == []
