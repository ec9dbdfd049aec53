"""Tables as files, CSV or workbook, as commands write them. Excel is loaded where a workbook is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.core.csv_files import TableCell, as_text, csv_file

__all__ = ["TableCell", "as_text", "csv_file", "table_file", "workbook_file"]


def workbook_file(
    sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[TableCell]]]], *, money: Collection[int] = ()
) -> bytes:
    """Tables as the sheets of a workbook: name → columns and rows. `money`: the places whose cells are yuan."""
    from gateway.core import workbook_files

    return workbook_files.workbook_file(sheets, money=money)


def table_file(form: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[TableCell]]) -> bytes:
    """One table in the form that a file's ending names: xlsx, or CSV for every other."""
    return workbook_file({name: (columns, rows)}) if form == "xlsx" else csv_file(columns, rows)
