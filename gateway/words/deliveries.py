"""Deliveries in words."""

from __future__ import annotations

from typing import Final

DELIVERIES: Final = {
    "pending": "待送",
    "leased": "送达中",
    "accepted": "已收下",
    "refused": "已拒收",
    "unknown": "结果不明",
    "unavailable": "对方暂不可用",
    "absent": "对方没有",
    "dead": "死信",
    "overtaken": "已由新版取代",
}
"""Where deliveries stand, and what came of an attempt."""

DELIVERY_STATES: Final = ("pending", "leased", "accepted", "refused", "unknown", "dead", "overtaken")

_CODES: Final = {
    "no_connection": "连不上",
    "no_answer": "没有答复",
    "cannot_be_asked": "不能查询",
    "already_held": "对方已有",
    "handed_over": "已交给对方，等回执",
    "signing_keys_ended": "签名密钥都已过期",
    "host_key_changed": "对方主机密钥变了",
    "sftp_credentials": "SFTP 登录被拒",
    "not_dropped": "还没有投放",
    "earlier_version": "对方只有较低版本",
    "refused": "拒收，未说明原因",
    "unreadable": "内容打不开",
    "internal": "内部错误",
    "confirmed": "经人确认",
    "unproven/empty": "答复为空",
    "unproven/html": "答复是网页",
    "unproven/no_object": "答复不是 JSON 对象",
    "unproven/too_large": "答复没完没了",
    "unproven/echo": "答复只是原样返回",
    "unproven/verdict": "答复另有说法，文件未说明其含义",
    "unproven/no_claim": "答复未写申领号",
    "unproven/other_claim": "答复写的是别的申领",
    "unproven/no_version": "答复未写版本",
    "unproven/other_version": "答复写的是别的版本",
    "unproven/other_value": "答复的值与 [accepted] 不符",
    "unproven/no_results": "整批的答复没有 results",
    "unproven/no_result": "整批的答复没有这一份",
    "unproven/two_results": "这一份有两条不同的答复",
    "unproven/no_reference": "答复未写受理号",
}


def code_in_words(code: str) -> str:
    """What was last heard of a delivery, in Chinese; an association's own code as it is."""
    if code.startswith("http_"):
        return f"对方答 {code.removeprefix('http_')}"
    name, _, number = code.partition("#")
    return _CODES.get(name, name) + (f"（第{number}号）" if number else "")
