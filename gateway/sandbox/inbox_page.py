"""The inbox's page (收件箱): claims newest first with lines, articles and versions; nothing from outside."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, Template

from gateway.sandbox.inbox_book import InboxBook, InboxEntry

MOST_SHOWN = 200
"""A page longer than this helps nobody."""

_STATUSES = {"proposed": "预填", "amended": "更正", "withdrawn": "撤回"}
_KINDS = {
    "inpatient": "住院",
    "outpatient_special": "门诊特殊",
    "maternity_inpatient": "生育住院",
    "outpatient": "门诊",
    "outpatient_chronic": "门诊慢病",
    "emergency": "急诊",
    "pharmacy": "购药",
}
_RULES = {
    "band": "分段补助",
    "proration": "按保障天数折算",
    "daily_allowance": "住院补贴",
    "floor": "补足至最低补助",
    "cap": "超过封顶线扣减",
}

_WORDS: Final = {
    "age_outside": "年龄不在参互范围",
    "decided_before": "与已审定的申领有关",
    "incomplete": "资料不全",
    "injury_to_confirm": "外伤待核实",
    "late": "已过申领期限",
    "maternity_insurance": "生育保险范围",
    "not_covered": "不在保障期内",
    "not_employee_insurance": "非职工医保",
    "not_payable_care": "不属补助范围的就医",
    "partial_reversal": "部分退费",
    "referral_to_confirm": "异地就医转诊待核实",
    "reversal_unclear": "退费对应不明",
    "transfer_to_confirm": "转院待核实",
    "merged": "并入同次住院",
    "nothing_owed": "已无应补助金额",
    "decision_withdrawn": "人工认定已撤回",
    "event_gone": "确诊等事实已撤回或更正",
    "reversed": "结算已退费或更正",
    "told_elsewhere": "同一结算已在另一申领中计算",
}
"""Flags of a claim and reasons of a withdrawal, in the clerk's words."""


def page(book: InboxBook) -> str:
    """The whole page as HTML. Names show their first letter only, numbers of persons not at all."""
    current = book.current()
    history: dict[str, list[InboxEntry]] = {}
    for entry in book.held():
        history.setdefault(entry.claim_id, []).append(entry)
    return _template().render(
        claims=[_claim_shown(entry, history[entry.claim_id]) for entry in current[:MOST_SHOWN]],
        hidden=max(0, len(current) - MOST_SHOWN),
        counts=book.summary(),
    )


@cache
def _template() -> Template:
    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True).get_template("inbox.html")


def masked(name: Any) -> str:
    """张三丰 → 张**; anything that is no text → "—"."""
    if not isinstance(name, str) or not name:
        return "—"
    return name[0] + "*" * (len(name) - 1)


def _claim_shown(entry: InboxEntry, versions: list[InboxEntry]) -> dict[str, Any]:
    """One claim as the page shows it: of its latest version, with the earlier ones named."""
    claim = entry.claim
    stay, member = _object(claim.get("stay")), _object(claim.get("member"))
    return {
        "claim_id": entry.claim_id,
        "version": entry.version,
        "status": entry.status,
        "status_name": _STATUSES[entry.status],
        "received_at": entry.received_at[:19].replace("T", " "),
        "name": masked(member.get("name")),
        "unit": member.get("unit_name") or "—",
        "kind": _KINDS.get(str(stay.get("kind")), "—"),
        "facility": stay.get("facility_name") or "—",
        "dates": f"{stay.get('admitted_on') or '—'} 至 {stay.get('discharged_on') or '—'}",
        "edition": claim.get("edition") or "—",
        "payable": claim.get("payable", "0.00"),
        "claim_by": claim.get("claim_by") or "—",
        "lines": [
            {
                "rule": _RULES.get(str(line.get("rule")), line.get("rule")),
                "article": line.get("article"),
                "text": line.get("text"),
                "amount": line.get("amount"),
            }
            for line in map(_object, claim.get("lines") or [])
        ],
        "flags": [_WORDS.get(flag, flag) for flag in claim.get("flags") or []],
        "needs_person": bool(claim.get("needs_person")),
        "reason": _WORDS.get(claim.get("reason", ""), claim.get("reason")),
        "attempts": entry.attempts,
        "effects": entry.effects,
        "versions": [
            (version.version, _STATUSES[version.status], version.claim.get("payable")) for version in versions
        ],
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
