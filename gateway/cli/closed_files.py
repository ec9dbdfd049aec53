"""Files that name people: whole or not at all, and only for whoever asked."""

from __future__ import annotations

import os
from pathlib import Path


def write_closed(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 under a name of its own and give it its name once it is durable: whoever looks sees all
    of it or nothing. Its folder is made where it is missing, for nobody else either."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    # What a run that was killed left under this name is not written into.
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
