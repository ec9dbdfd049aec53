"""Holds: changes that would take away from members more than a small share at once, and wait for a person.

A hold belongs to a cause. It stores what to conclude again (pages, rows, persons), never what would come of it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

CauseKind: TypeAlias = Literal["file", "night", "push", "roster", "rescan", "replay", "retry"]
"""file: one file with all its parts; night: one feed's night; push: what one feed pushed on a day; roster: one roster
import; rescan: what follows from roster changes written already; replay: stored pages read again; retry: rows that
were quarantined read again."""

HoldState: TypeAlias = Literal["gathering", "open", "accepted", "refused", "released", "expired"]
"""gathering (its cause is being worked) → open (a person must decide) | released (too little to ask about).
open → accepted | refused | expired (nobody decided before the pages' keys had to go)."""

AsideReason: TypeAlias = Literal["lowered", "joined", "taken_back", "reassess", "roster"]
"""Why something is put aside. lowered: it would withdraw or lower a claim; joined: its person waits already;
taken_back: a newer file leaves out what the person has in an older one; reassess: the person is to be assessed anew;
roster: a row of a roster file."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a batch change something. `subject`: a feed, or an association where a roster is the cause; `name`: a
    file, a day or an import, the same for all parts of the cause; it holds nothing personal."""

    kind: CauseKind
    subject: str
    name: str


class AsideItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is to be concluded again for a person: a row of a page, a page that is taken back (no row), or the person
    alone. `sealed`: the content of a roster's row, which no page keeps."""

    person_id: int
    page_seq: int | None = None
    row: int | None = None
    reason: AsideReason = "lowered"
    sealed: bytes | None = None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as stored. `members`, `claims`: of how many something would be withdrawn or lowered; `was`, `becomes`: the
    money of the claims that would change, in fen, before and after; all as last told. `difference`: the digest of what
    was last told. Instants in milliseconds; `note` is sealed."""

    hold_id: int
    cause: CauseKind
    subject: str
    name: str
    state: HoldState
    created_at: int
    judged_at: int | None = None
    members: int = 0
    claims: int = 0
    was: int = 0
    becomes: int = 0
    difference: bytes | None = None
    proposed_by: str | None = None
    decided_by: str | None = None
    decided_at: int | None = None
    note: bytes | None = None
