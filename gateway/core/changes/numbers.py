"""What a settlement is known by: its number and sign, and where numbers are only unique within one, its facility."""

from __future__ import annotations


def within_facility(facility_no: str | None, number: str) -> str:
    """The text of a settlement number, with its sign, that is unique within its facility only."""
    return f"{facility_no or ''}\x1f{number}"
