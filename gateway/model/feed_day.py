"""What a feed's day came to: what findings compare days by. Counts, names of files, keys and codes; no values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

UnknownCodes = Mapping[str, Mapping[str, tuple[int, int]]]
"""Field → code as it may be shown → (rows, money in fen) of the rows that held it. Beside the fields stand the warnings
of members' rows: `WARNING` and its code → fields, with 、 between them → the same."""

WARNING: Final = "warning/"
"""No field begins so."""


class KeySample(msgspec.Struct, frozen=True, kw_only=True):
    """A few rows of a page, or of a day's pages: how many were looked at, in how many each field has a value, and the
    keys or columns that no field reads."""

    rows: int = 0
    filled: dict[str, int] = {}
    unused: tuple[str, ...] = ()


class PagePart(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of a page as it counts for its day. `page_open`: the page is not worked to its end, or cannot be read;
    that and the `sample` of a page stand with its first batch alone. Other fields as those of `FeedDay`."""

    day: date
    dated: bool
    source: str
    page_open: bool
    rows: int
    amount: int
    member_rows: int
    review_rows: int
    quarantined_rows: int
    superseded_rows: int
    superseded_amount: int
    sample: KeySample | None
    unknown: UnknownCodes


class FeedDay(msgspec.Struct, frozen=True, kw_only=True):
    """One feed's day when it was last counted, without what a newer file replaced.

    `dated`: the feed itself names the day, else it is the day of receipt. `member_rows`: those of members, payable or
    not; `open_pages`: pages not worked to their end, or unreadable; `said_rows`, `said_amount`: what the feed itself
    states, None where it does not. `sources`: file name → rows. Amounts in fen.
    """

    feed: str
    day: date
    dated: bool
    rows: int = 0
    amount: int = 0
    member_rows: int = 0
    review_rows: int = 0
    quarantined_rows: int = 0
    superseded_rows: int = 0
    superseded_amount: int = 0
    open_pages: int = 0
    said_rows: int | None = None
    said_amount: int | None = None
    sources: dict[str, int] = {}
    sample: KeySample = KeySample()
    unknown: UnknownCodes = {}
