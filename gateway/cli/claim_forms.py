"""Claims on paper as files (申领审批表): A4 pages to print, or a workbook filled into the association's own template.

Files are for their owner alone, and their names tell no person's data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from gateway.errors import WrongUse
from gateway.settings.shipped import shipped_folder
from gateway.web.claim_form import FORMS, SUMMED, form_fields, pages

__all__ = ["FORMS", "filled_workbook", "in_batches", "pages", "write_forms"]


def write_forms(
    bodies: Sequence[Mapping[str, Any]], out: Path, *, site: Path, form: str | None, by: str, as_xlsx: bool
) -> list[Path]:
    """Write the forms of these claims into a folder of mode 0700, which is made if missing; returns the files.

    A workbook's template is `config/forms/<association>.xlsx` of the site, or `claim.xlsx` beside it, or the shipped
    one; with several claims in a file each has sheets of its own, behind a list of them. Raises WrongUse where a file
    exists already or a template cannot be filled; then nothing is written.
    """
    batches = in_batches(bodies, by)
    if as_xlsx:
        contents = {
            f"{name}.xlsx": filled_workbook(_template_of(site, part[0]), part)
            for batch_name, batch in batches
            for name, part in _in_parts(batch_name, batch)
        }
    else:
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


_MOST_IN_A_WORKBOOK: Final = 200
"""More sheets than this nobody leafs through."""


def _in_parts(name: str, batch: Sequence[Mapping[str, Any]]) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    """A batch as workbooks, of one association each and not too large."""
    if len(batch) == 1:
        return [(name, batch)]
    parts = []
    for association in sorted({body["association"] for body in batch}):
        own = [body for body in batch if body["association"] == association]
        parts += [own[start : start + _MOST_IN_A_WORKBOOK] for start in range(0, len(own), _MOST_IN_A_WORKBOOK)]
    return [(name if len(parts) == 1 else f"{name}-{number}", part) for number, part in enumerate(parts, 1)]


def filled_workbook(template: Path, bodies: Sequence[Mapping[str, Any]]) -> bytes:
    """Claims in an association's own workbook: every name defined in it that is a field of `form_fields` is filled.

    A name of one cell takes a text, or an amount as a number (`total_amount`, `payable`); one of several rows takes a
    list (`lines`, `cuts`: article, sentence, amount; `still_needed`: sentence, why, article) row by row. Several claims
    have copies of the template's sheets, each under its claim's number, and a list in front. Raises WrongUse for a file
    that is no workbook, without any such name, or with too few rows.
    """
    import io
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(template)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError):
        raise WrongUse(f"{template} 不是可以打开的 xlsx 模板 (no workbook that opens)") from None
    places = {
        name: list(defined.destinations)
        for name, defined in book.defined_names.items()
        if name in _cell_values(form_fields(bodies[0]))
    }
    if not places:
        known_names = "、".join(sorted(_cell_values(form_fields(bodies[0]))))
        raise WrongUse(f"{template} 里没有一个可填的名称，可用：{known_names} (no name to be filled)")
    if len(bodies) == 1:
        _fill_sheets({sheet.title: sheet for sheet in book.worksheets}, places, bodies[0], template)
    else:
        _copies(book, places, bodies, template)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


_Places: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""Name → the sheet and cells it stands for."""


def _fill_sheets(sheets: Mapping[str, Any], places: _Places, body: Mapping[str, Any], template: Path) -> None:
    """One claim into the sheets given, by the titles of the template's."""
    values = _cell_values(form_fields(body))
    for name, destinations in places.items():
        for title, place in destinations:
            _fill(sheets[title], place, values[name], f"{template}：{name}")


def _copies(book: Any, places: _Places, bodies: Sequence[Mapping[str, Any]], template: Path) -> None:
    """For each claim a copy of the template's sheets; the template's own go, and a list of all stands in front."""
    originals = list(book.worksheets)
    for body in bodies:
        copied = {}
        for number, sheet in enumerate(originals, 1):
            copy = book.copy_worksheet(sheet)
            copy.title = body["claim_id"] if number == 1 else f"{body['claim_id']}-{number}"
            copy.print_area = sheet.print_area or None
            for merged in list(copy.merged_cells.ranges):
                # A copy has whole cells behind the first one of what is merged; merged anew they are its parts again.
                copy.merged_cells.remove(merged)
                copy.merge_cells(merged.coord)
            copied[sheet.title] = copy
        _fill_sheets(copied, places, body, template)
    for name in list(book.defined_names):
        # They stand for cells of sheets that go.
        del book.defined_names[name]
    for sheet in originals:
        book.remove(sheet)
    contents = book.create_sheet("清单", 0)
    for at, (column, heading) in enumerate(zip("ABCDEF", _LISTED, strict=True)):
        _put(contents[f"{column}1"], heading)
        for row, body in enumerate(bodies, 2):
            _put(contents[f"{column}{row}"], _listed(row - 1, body)[at])
    total = sum((Decimal(body["payable"]) for body in bodies), Decimal(0))
    _put(contents[f"E{len(bodies) + 2}"], "合计")
    _put(contents[f"F{len(bodies) + 2}"], total)


_LISTED: Final = ("序号", "申领号", "会员号", "姓名", "单位", "应补助（元）")


def _listed(number: int, body: Mapping[str, Any]) -> tuple[Any, ...]:
    member, applicant = body["member"], body.get("applicant", {})
    unit = applicant.get("unit_name") or ""
    return (str(number), body["claim_id"], member["member_no"], member["name"], unit, Decimal(body["payable"]))


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
