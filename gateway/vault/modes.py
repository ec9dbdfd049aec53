"""What files and folders of ours let others do: nothing. Databases, keys and logs of the database hold what is sealed,
and what is in the clear because it is needed for looking things up."""

from __future__ import annotations

import ctypes
import logging
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger("hubao.modes")

_OTHERS: Final = 0o077
_PASSAGE: Final = 0o011
_OTHERS_WRITE: Final = 0o022
_LOOKED_BELOW: Final = 2
_PR_SET_DUMPABLE: Final = 4


def open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may do anything with a file; False where there is none."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def others_may_write(path: Path) -> bool:
    """Whether anybody but its owner may write a file; False where there is none."""
    try:
        return bool(path.stat().st_mode & _OTHERS_WRITE)
    except OSError:
        return False


def close_to_others(path: Path) -> None:
    """Take from others what a file or folder of ours lets them do, with a line of log where that was anything. What is
    not there, is a link or belongs to somebody else is left alone.

    A folder through which others hand something over keeps their passage: they may go on to it, and see nothing else.
    """
    try:
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if not mode & _OTHERS or stat.S_ISLNK(status.st_mode) or status.st_uid != os.geteuid():
            return
        closed = mode & ~_OTHERS
        if stat.S_ISDIR(status.st_mode) and _others_deliver(path, _LOOKED_BELOW):
            closed |= mode & _PASSAGE
        if closed == mode:
            return
        path.chmod(closed)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s 的权限无法收紧 (its mode cannot be changed): %s", path, error.strerror)
        return
    log.warning("%s 的权限由 %04o 收紧为 %04o (closed to others)", path, mode, closed)


def _others_deliver(folder: Path, depth: int) -> bool:
    """Whether somebody else may write in a folder below this one, or owns it."""
    own = os.geteuid()
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            if status.st_uid != own or status.st_mode & _OTHERS_WRITE:
                return True
            if depth > 1 and _others_deliver(Path(entry.path), depth - 1):
                return True
    return False


def make_closed_folder(folder: Path) -> None:
    """A folder that only its owner may enter, where there is none."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def make_closed_file(path: Path) -> None:
    """An empty file that only its owner may read, where there is none. What cannot be made, whoever wants to use it
    will say."""
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def leave_no_dump() -> None:
    """From now on no other process of this user reads this one's memory, and a crash leaves no core file with keys in
    it. Linux only; nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
