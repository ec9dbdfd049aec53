"""The inbox's page (收件箱): claims newest first with lines, articles and versions; nothing from outside."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template

from gateway.sandbox.inbox_book import Held, InboxBook

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


def page(book: InboxBook) -> str:
    """The whole page as HTML. Names show their first letter only, numbers of persons not at all."""
    current = book.current()
    history: dict[str, list[Held]] = {}
    for held in book.held():
        history.setdefault(held.claim_id, []).append(held)
    return _template().render(
        claims=[_shown(held, history[held.claim_id]) for held in current[:MOST_SHOWN]],
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


def _shown(held: Held, versions: list[Held]) -> dict[str, Any]:
    """One claim as the page shows it: of its latest version, with the earlier ones named."""
    claim = held.claim
    stay, member = _object(claim.get("stay")), _object(claim.get("member"))
    return {
        "claim_id": held.claim_id,
        "version": held.version,
        "status": held.status,
        "status_name": _STATUSES[held.status],
        "received_at": held.received_at[:19].replace("T", " "),
        "name": masked(member.get("name")),
        "unit": member.get("unit_name") or "—",
        "kind": _KINDS.get(str(stay.get("kind")), "—"),
        "facility": stay.get("facility_name") or "—",
        "dates": f"{stay.get('admitted_on') or '—'} 至 {stay.get('discharged_on') or '—'}",
        "edition": claim.get("edition") or "—",
        "payable": claim.get("payable", "0.00"),
        "claim_by": claim.get("claim_by") or "—",
        "lines": [_line(line) for line in claim.get("lines") or []],
        "flags": claim.get("flags") or [],
        "needs_person": bool(claim.get("needs_person")),
        "reason": claim.get("reason"),
        "attempts": held.attempts,
        "effects": held.effects,
        "versions": [(each.version, _STATUSES[each.status], each.claim.get("payable")) for each in versions],
    }


def _line(line: Any) -> dict[str, Any]:
    said = _object(line)
    return {
        "rule": _RULES.get(str(said.get("rule")), said.get("rule")),
        "article": said.get("article"),
        "text": said.get("text"),
        "amount": said.get("amount"),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
