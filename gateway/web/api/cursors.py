"""Cursors: the place in a list from which a client asks on, opaque to it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from gateway.web.problems import Problem

CURSOR: Final = "^[A-Za-z0-9_-]{0,200}$"
"""What a cursor is written with, for the OpenAPI document; the first page is asked for with none."""


def opaque(place: str) -> str:
    """A place as the cursor a client is given."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str, form: re.Pattern[str]) -> re.Match[str]:
    """The place a cursor stands for, in the form a list gives it. Raises Problem for any other text."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = form.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii"))
    except (binascii.Error, ValueError):
        place = None
    if place is None:
        raise Problem("not_valid", "参数 (parameters): after")
    return place
