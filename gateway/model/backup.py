"""What a copy of a site holds, as its manifest says it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class CopiedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a copy: its path below the folder, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a copy is: of which site, up to when it knows, with which schema, and all its files.

    `form` 1; `site`: the site's random id in hex; `database`: sqlite | postgresql; `rows`: table → rows.
    """

    form: int
    program: str
    site: str
    at: datetime
    database: str
    schema: str
    rows: dict[str, int]
    files: list[CopiedFile]
