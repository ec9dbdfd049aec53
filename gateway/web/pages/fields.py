"""What people type into forms and addresses, read or refused."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from typing import Final

from gateway.errors import BadInput
from gateway.model.money import Money, parse_yuan

ROWS: Final = 50
"""Rows of a page of a list."""

COUNT_AT_MOST: Final = 10_000
"""No list is counted further."""


def a_day(text: str | None) -> date | None:
    """A day as browsers send it; None for nothing. Raises BadInput."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("not_a_date", "日期应为年-月-日 (not a date)") from None


def an_amount(text: str | None) -> Money | None:
    """An amount in yuan; None for nothing. Raises BadInput."""
    return parse_yuan(text.strip().replace(",", "")) if text and text.strip() else None


def a_number(text: str | None) -> int | None:
    """A number of a list; None for nothing. Raises BadInput."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadInput("not_valid", "编号应为数字 (not a number)")
    return int(text)


def one_of(text: str | None, allowed: Container[str]) -> str | None:
    """A code of a list; None for nothing. Raises BadInput for any other."""
    if not text:
        return None
    if text not in allowed:
        raise BadInput("not_valid", "筛选条件不在可选范围内 (not one of the choices)")
    return text
