"""A roster's file, asked what it is before it is read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gateway.errors import BadInput, WrongUse


def roster_bytes(path: Path) -> bytes:
    """The bytes of a roster file. Raises WrongUse for what is no file (a pipe would never end) and BadInput for one
    that is larger than any roster, before a byte of it is read."""
    from gateway.core.roster.tables import MAX_BYTES

    # A pipe without a writer would keep `open` waiting.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise WrongUse("名册应为普通文件，不能是管道或设备 (a roster is a plain file, no pipe and no device)")
        if about.st_size > MAX_BYTES:
            raise BadInput("too_large", f"名册文件超过 {MAX_BYTES // 2**20} MiB (roster file too large)")
        return file.read(MAX_BYTES + 1)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that names people: only whoever asked for it may read it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
