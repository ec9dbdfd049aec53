"""Page: what a feed handed over in one piece. Row errors: why a row could not become a record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

MAX_PAGE_BYTES = 16 * 1024 * 1024
"""A larger file is cut into parts without being parsed (design §2)."""


class FeedTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What the feed itself says a day holds: rows and money in fen."""

    day: date
    rows: int
    amount: int | None = None


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """One page as it came, before it is stored.

    `request` names what was asked (cursor, window, file part, delivery id) and is part of the page's identity;
    `cursor` is where the feed stands once the page is stored, opaque to everyone but its connector;
    `source` groups the parts of one file; `parts` is how many there are; `header` is the first line of a file
    whose later parts lost it.
    """

    content: bytes
    request: str
    cursor: str | None = None
    day: date | None = None
    source: str = ""
    part: int = 1
    parts: int = 1
    totals: tuple[FeedTotals, ...] = ()


WhyWaiting = Literal[
    "no_marker", "marker_old", "still", "case", "marker_case", "pattern", "link", "special", "folder", "marker_alone"
]
"""Why a dropped file is not taken in."""


class WaitingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that lies where a feed drops its files and is not taken in: its name, why, and since when it is there."""

    name: str
    why: WhyWaiting
    since: datetime


NoticeKind = Literal[
    "rows_without_key", "file_damaged", "messages_set_aside", "members_passed_over", "totals_unreadable"
]
"""What a feed may hold that is not taken in, or not wholly."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What lies at a feed and is not taken in although it may be a settlement: of which kind, how often, and where (a
    table, a file, a queue; never a person's data)."""

    kind: NoticeKind
    count: int
    detail: str


class RowError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing wrong with a row: a stable code, the record's field, a message without personal data."""

    code: str
    field: str
    message: str


class Identity(msgspec.Struct, frozen=True, gc=False):
    """As much of a row as is read for everybody: enough to count it and to ask whether it is a member's.

    `total` in fen with the sign the feed sent; `names_nobody` for a reversal without id number and name. `name` and
    `birth_date` are what somebody whose number nobody has is looked for by; None where they cannot be read. An intact
    `id_number` of before 1999 keeps its 15 digits, because no check digit proves it. `facility_no`: only where numbers
    are unique within it.
    """

    settlement_no: str
    reversal: bool
    reverses: str | None
    id_type: str | None
    id_number: str | None
    total: int
    names_nobody: bool = False
    name: str | None = None
    birth_date: date | None = None
    facility_no: str | None = None
