"""Claims on paper (申领审批表): an A4 page to print, and a workbook filled into the association's own template.

What a claim's body does not tell stays empty, to be written by hand. Files are for their owner alone, and their names
tell no person's data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import WrongUse
from gateway.model.money import parse_yuan, yuan
from gateway.settings.shipped import shipped_folder
from gateway.words.capital import capital_yuan
from gateway.words.records import AMOUNTS, CARE, CATEGORIES, DOCUMENTS, SEXES

if TYPE_CHECKING:
    from jinja2 import Template

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

_SUMMED: Final = (
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
        "amounts": [(AMOUNTS[name], _sum_of(name, settlements, bills)) for name in _SUMMED],
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


def pages(bodies: Sequence[Mapping[str, Any]], form: str | None = None) -> str:
    """One HTML document with the page or pages of every claim; A4, nothing from outside."""
    claims = [
        {"form": FORMS[form or form_of(body["scheme"])], "fields": form_fields(body), "copy_name": copy_name}
        for body in bodies
        for copy_name in FORMS[form or form_of(body["scheme"])]["copies"]
    ]
    return _template().render(claims=claims)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    surroundings = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    surroundings.trim_blocks = surroundings.lstrip_blocks = True
    return surroundings.get_template("claim_form.html")


def write_forms(
    bodies: Sequence[Mapping[str, Any]], out: Path, *, site: Path, form: str | None, by: str, as_xlsx: bool
) -> list[Path]:
    """Write the forms of these claims into a folder of mode 0700, which is made if missing; returns the files.

    A workbook's template is `config/forms/<association>.xlsx` of the site, or `claim.xlsx` beside it, or the shipped
    one. Raises WrongUse where a file exists already or a template cannot be filled; then nothing is written.
    """
    if as_xlsx:
        contents = {f"{body['claim_id']}.xlsx": filled_workbook(_template_of(site, body), body) for body in bodies}
    else:
        batches = in_batches(bodies, by)
        contents = {f"{name}.html": pages(batch, form).encode() for name, batch in batches}
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = [out / name for name in contents]
    if standing := [file.name for file in files if file.exists()]:
        raise WrongUse(f"{out} 里已有 {'、'.join(standing)} (exist already)")
    for file, content in zip(files, contents.values(), strict=True):
        write_private(file, content)
    return files


def _template_of(site: Path, body: Mapping[str, Any]) -> Path:
    folder = Path("config") / "forms"
    own = [site / folder / f"{name}.xlsx" for name in (body["association"], "claim")]
    return next((file for file in own if file.is_file()), shipped_folder() / folder / "claim.xlsx")


def write_private(file: Path, content: bytes) -> None:
    """Write a new file of mode 0600. Raises WrongUse where it exists."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUse(f"{file} 已存在 (exists already)") from None
    with os.fdopen(handle, "wb") as out:
        out.write(content)


def in_batches(bodies: Sequence[Mapping[str, Any]], by: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Name of a file → its claims. Files of units and leagues are numbered in the order of their names, which stand
    inside."""
    if by == "claim":
        return [(body["claim_id"], [body]) for body in bodies]
    keys = ("league", "unit_no", "unit_name") if by == "unit" else ("league",)
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for body in bodies:
        applicant = body.get("applicant", {})
        groups.setdefault(tuple(applicant.get(key) or "" for key in keys), []).append(body)
    return [(f"{by}-{number:03d}", groups[key]) for number, key in enumerate(sorted(groups), 1)]


def filled_workbook(template: Path, body: Mapping[str, Any]) -> bytes:
    """A claim in an association's own workbook: every name defined in it that is a field of `form_fields` is filled.

    A name of one cell takes a text, or an amount as a number (`total_amount`, `payable`); one of several rows takes a
    list (`lines`, `cuts`: article, sentence, amount; `still_needed`: sentence, why, article) row by row. Raises
    WrongUse for a file that is no workbook, without any such name, or with too few rows.
    """
    import io
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(template)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError):
        raise WrongUse(f"{template} 不是可以打开的 xlsx 模板 (no workbook that opens)") from None
    values = _cell_values(form_fields(body))
    named = [name for name in book.defined_names if name in values]
    if not named:
        raise WrongUse(f"{template} 里没有一个可填的名称，可用：{'、'.join(sorted(values))} (no name to be filled)")
    for name in named:
        for title, place in book.defined_names[name].destinations:
            _fill(book[title], place, values[name], f"{template}：{name}")
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def _cell_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What each name of a template may hold: text, Decimal, or rows of them."""
    values: dict[str, Any] = {name: value for name, value in fields.items() if isinstance(value, str)}
    values["version"] = str(fields["version"])
    values["payable"], values["in_base"] = Decimal(fields["payable"]), _number(fields["in_base"])
    values |= {name: _number(amount) for name, (_, amount) in zip(_SUMMED, fields["amounts"], strict=True)}
    for name in ("lines", "cuts"):
        values[name] = [(row["article"] or "", row["text"], Decimal(row["amount"])) for row in fields[name]]
    values["still_needed"] = [(row["text"], row["why"], row["article"] or "") for row in fields["still_needed"]]
    values["to_confirm"] = [(text,) for text in fields["to_confirm"]]
    return values


def _number(amount: str) -> Decimal | str:
    return Decimal(amount) if amount else ""


def _fill(sheet: Any, place: str, value: Any, where: str) -> None:
    cells = sheet[place.replace("$", "")]
    if not isinstance(cells, tuple):
        _put(cells, value[0][0] if isinstance(value, list) and value else value or "")
        return
    rows = value if isinstance(value, list) else [(value,)]
    if len(rows) > len(cells):
        raise WrongUse(f"{where} 只有 {len(cells)} 行，需要 {len(rows)} 行 (too few rows)")
    for spare in cells[len(rows) :]:
        sheet.row_dimensions[spare[0].row].hidden = True
    for row, line in zip(rows, cells, strict=False):
        # Cells that are merged into one are filled by their first.
        writable = [cell for cell in line if hasattr(cell, "column_letter")]
        for cell, content in zip(writable, row, strict=False):
            _put(cell, content)


def _put(cell: Any, content: Any) -> None:
    """Text is text whatever it begins with, never a formula."""
    if isinstance(content, Decimal):
        cell.value, cell.number_format = content, "#,##0.00"
        return
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", str(content))
    cell.data_type, cell.number_format = "s", "@"
