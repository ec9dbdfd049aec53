"""The national platform's envelope (定点医药机构接口规范): 18 fields out, a state and an output back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from connectors.transport.http import json_object
from gateway.errors import Unavailable


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the facility the line was opened for, its operator, and the region it stands in."""

    facility_no: str
    facility_name: str
    operator_no: str
    operator_name: str
    receiver: str
    interface_version: str
    region: str
    sign_type: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction to ask. `data` goes out; `shown` is what may be kept of it beside the reply."""

    infno: str
    data: dict[str, str]
    shown: dict[str, Any]
    insured_region: str = ""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: `code` "0" is success, `output` is {} when there is none, `raw` is the reply verbatim."""

    code: str
    message: str
    output: dict[str, Any]
    raw: bytes

    @property
    def good(self) -> bool:
        """Whether the transaction succeeded."""
        return self.code == "0"

    @property
    def knows_nothing(self) -> bool:
        """Whether a failed transaction only says that there is no such person, visit or settlement."""
        return not self.good and says_unknown(self.message)


Signer = Callable[[Mapping[str, Any]], str]
"""Fields of an envelope → its `cainfo`."""


def no_signature(_: Mapping[str, Any]) -> str:
    """The `cainfo` of a line that wants none."""
    return ""


def request_body(
    caller: Caller,
    question: Question,
    *,
    msgid: str,
    now: datetime,
    input_node: str = "data",
    sign_no: str = "",
    signer: Signer = no_signature,
) -> bytes:
    """The JSON bytes of one request, all 18 fields in the order of the specification."""
    envelope: dict[str, Any] = {
        "infno": question.infno,
        "msgid": msgid,
        "mdtrtarea_admvs": caller.region,
        "insuplc_admdvs": question.insured_region,
        "recer_sys_code": caller.receiver,
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": caller.sign_type,
        "infver": caller.interface_version,
        "opter_type": "1",
        "opter": caller.operator_no,
        "opter_name": caller.operator_name,
        "inf_time": now.strftime("%Y-%m-%d %H:%M:%S"),
        "fixmedins_code": caller.facility_no,
        "fixmedins_name": caller.facility_name,
        "sign_no": sign_no,
        "input": {input_node: question.data},
    }
    return msgspec.json.encode(envelope | {"cainfo": signer(envelope)})


def read_reply(raw: bytes) -> Heard:
    """The answer in a reply. Raises Unavailable("broken_reply…") when it is not the platform's envelope."""
    envelope = json_object(raw)
    code = text_of(envelope.get("infcode")) if envelope is not None else ""
    if code in ("0.0", "0000"):
        # Platforms send 0, "0" and now and then these.
        code = "0"
    if envelope is None or not code:
        raise Unavailable("broken_reply: 答复不是平台报文 (the reply is not an envelope of the platform)")
    output = _output(envelope.get("output"))
    if output is None and code == "0":
        raise Unavailable("broken_reply: 答复的 output 不可读 (the reply's output cannot be read)")
    return Heard(code=code, message=text_of(envelope.get("err_msg")), output=output or {}, raw=raw)


def _output(value: Any) -> dict[str, Any] | None:
    """The output as an object, {} when there is none, None when it is something else."""
    if isinstance(value, str) and value.strip() not in ("", "null"):
        return json_object(value.encode("utf-8", "replace"))
    if value is None or isinstance(value, str) or value == []:
        return {}
    return value if isinstance(value, dict) else None


def text_of(value: Any) -> str:
    """An id or code as text; "" for what platforms write for nothing (null, "", "null") and other kinds."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    return "" if text == "null" else text


def objects_of(value: Any) -> list[Mapping[str, Any]]:
    """A node's objects: a list's, or the one that stands there without a list."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict) and item]


_WHOM = r"(此人|该人|人员|参保|个人|就诊|结算|诊断)"
_NOT_FOUND = r"(未能?查询?到|查询?不到|没有?查询?到|无法查询?到|未能?找到|找不到|不存在|查无|暂无|无记录)"
_NOBODY = re.compile(
    rf"{_NOT_FOUND}[^，。；,;]{{0,16}}?{_WHOM}|{_WHOM}[^，。；,;]{{0,16}}?{_NOT_FOUND}|(没有|无){_WHOM}"
)

# The same words about the line itself are faults, and must not pass for "nobody has been to hospital".
_FAULT = re.compile(
    r"接口|服务|权限|签名|验签|报文|参数|交易|医药机构|医疗机构|机构编|msgid|paas|超时|异常|重复",
    re.IGNORECASE,
)


def says_unknown(message: str) -> bool:
    """Whether an error text says "no such person or visit" rather than that something went wrong."""
    return bool(_NOBODY.search(message)) and not _FAULT.search(message)
