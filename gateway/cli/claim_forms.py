"""Claims on paper as files (申领审批表): A4 pages to print, or a workbook filled into the association's own template.

Files are for their owner alone, and their names tell no person's data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.errors import WrongUse
from gateway.settings.shipped import shipped_folder
from gateway.web.claim_form import FORMS, SUMMED, form_fields, pages

__all__ = ["FORMS", "filled_workbook", "in_batches", "pages", "write_forms"]


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
    values |= {name: _number(amount) for name, (_, amount) in zip(SUMMED, fields["amounts"], strict=True)}
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
