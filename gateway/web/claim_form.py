"""Claims on paper (申领审批表): an A4 page to print, for the pages and for the command line.

What a claim's body does not tell stays empty, to be written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gateway.model.money import parse_yuan, yuan
from gateway.words.capital import capital_yuan
from gateway.words.records import AMOUNTS, CARE, CATEGORIES, DOCUMENTS, SEXES

_HERE: Final = Path(__file__).parent

FORMS: Final[dict[str, dict[str, Any]]] = {
    "nm": {
        "title": "内蒙古职工住院医疗互助保障互助补助金申领审批表",
        "copies": ("",),
        "opinions": ("所属工会意见", "代办点或办事处意见", "互助办审核意见"),
    },
    "yuncheng": {
        "title": "运城市职工医疗互助工程互助金申请审批表",
        "copies": ("一式两份　第一份", "一式两份　第二份"),
        "opinions": (
            "单位工会意见",
            "县（市、区）总工会、开发区工会或直属基层工会意见",
            "市总工会职工服务中心审批意见",
        ),
    },
}
"""The forms: title, copies, and whose opinions are asked, in order (内工发〔2021〕5号第十三条；运城市补助流程图)."""

SUMMED: Final = (
    "total_amount",
    "full_self_amount",
    "over_limit_amount",
    "first_self_amount",
    "in_scope_amount",
    "deductible_amount",
    "fund_paid_amount",
    "personal_amount",
)


def form_of(scheme: str) -> str:
    """The form of a scheme where none is named."""
    return "yuncheng" if scheme.startswith("yuncheng") else "nm"


def form_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a form shows of a body: text for every cell, amounts in yuan as text, lists of lines, cuts and needs."""
    member, stay = body["member"], body["stay"]
    applicant, settlements = body.get("applicant", {}), body["settlements"]
    bills = body.get("bills") or [{}]
    balance = body.get("balance") or {}
    return {
        "claim_id": body["claim_id"],
        "version": body["version"],
        "scheme": body["scheme"],
        "edition": body["edition"] or "",
        "name": member["name"],
        "member_no": member["member_no"],
        "id_type": DOCUMENTS.get(member["id_type"], member["id_type"]),
        "id_number": member["id_number"],
        "sex": SEXES.get(applicant.get("sex") or "", ""),
        "birth_date": applicant.get("birth_date") or "",
        "category": CATEGORIES.get(applicant.get("category", "active"), "") if applicant else "",
        "unit_name": applicant.get("unit_name") or "",
        "unit_no": applicant.get("unit_no") or "",
        "league": applicant.get("league") or "",
        "period_from": stay["period_from"] or "",
        "hospital": stay["facility_name"] or "",
        "care": CARE.get(stay["kind"] or "", stay["kind"] or ""),
        "admitted_on": stay["admitted_on"] or "",
        "discharged_on": stay["discharged_on"] or "",
        "days": _days(bills),
        "settlement_nos": "、".join(settlement["settlement_no"] for settlement in settlements),
        "settled_on": (settlements[-1]["settled_at"] or "")[:10] if settlements else "",
        "diagnoses": "、".join(
            dict.fromkeys(code for settlement in settlements for code in settlement["diagnosis_codes"])
        ),
        "amounts": [(AMOUNTS[name], _sum_of(name, settlements, bills)) for name in SUMMED],
        "in_base": balance.get("in_base", ""),
        "lines": body["lines"],
        "payable": body["payable"],
        "payable_capital": capital_yuan(parse_yuan(body["payable"])),
        "cuts": _summed([cut for part in (*balance.get("settlements", ()), balance) for cut in part.get("cuts", ())]),
        "still_needed": body.get("still_needed", []),
        "to_confirm": [item["text"] for item in body.get("to_confirm", ())],
        "claim_by": body["claim_by"] or "",
    }


def _summed(cuts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The cuts of all settlements as one bill: what has the same sentence and article is one row."""
    rows: dict[tuple[str, str | None], int] = {}
    for cut in cuts:
        key = (cut["text"], cut["article"])
        rows[key] = rows.get(key, 0) + parse_yuan(cut["amount"])
    return [{"text": text, "article": article, "amount": yuan(amount)} for (text, article), amount in rows.items()]


def _days(bills: Iterable[Mapping[str, Any]]) -> str:
    every = [bill.get("inpatient_days") for bill in bills]
    days = [int(number) for number in every if number is not None]
    return str(sum(days)) if len(days) == len(every) else ""


def _sum_of(name: str, settlements: Sequence[Mapping[str, Any]], bills: Sequence[Mapping[str, Any]]) -> str:
    """One amount over all settlements; empty where one does not tell it."""
    amounts = [
        settlement.get(name, bill.get("amounts", {}).get(name))
        for settlement, bill in zip(settlements, bills, strict=False)
    ]
    return "" if None in amounts or not amounts else f"{sum(Decimal(amount) for amount in amounts):.2f}"


def pages(bodies: Sequence[Mapping[str, Any]], form: str | None = None, *, sheet: str | None = None) -> str:
    """One HTML document with the page or pages of every claim; A4, nothing from outside. Its style stands inside it, or
    at the address of `sheet`."""
    claims = [
        {"form": FORMS[form or form_of(body["scheme"])], "fields": form_fields(body), "copy_name": copy_name}
        for body in bodies
        for copy_name in FORMS[form or form_of(body["scheme"])]["copies"]
    ]
    style = Markup((_HERE / "static" / "claim_form.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file.
    return _template().render(claims=claims, sheet=sheet, style=style)


@cache
def _template() -> Template:
    surroundings = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined)
    surroundings.trim_blocks = surroundings.lstrip_blocks = True
    return surroundings.get_template("claim_form.html")
