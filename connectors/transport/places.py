"""A place where files are dropped: what lies there, opened, and taken away. On this machine's disks here; `sftp` has
another. A name stays as the system has it, and is shown as people wrote it."""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from gateway.errors import Unavailable, WrongUse
from gateway.ports import SiteFolder, Surroundings


class BadArchive(OSError):
    """An archive that cannot be read, or must not be; the message is for people and holds no member's name."""


class FileState(msgspec.Struct, frozen=True):
    """What tells a file from the one that replaces it."""

    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileState:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class Entry(msgspec.Struct, frozen=True):
    """A regular file of the folder: its name for the system, for people, and as it is kept; its state when listed."""

    name: str
    shown: str
    kept: str
    identity: FileState


class DropPlace(Protocol):
    """What a drop of files needs of where it is. What is not a regular file is never opened.

    Raises OSError for one file, FileNotFoundError where it was taken away meanwhile; `entries` raises Unavailable.
    """

    def entries(self) -> dict[str, Entry]: ...

    def others(self) -> list[tuple[str, str, float]]:
        """What is no file: (name as shown, why it is not taken in, since when in Unix seconds)."""
        ...

    def open(self, entry: Entry) -> BinaryIO: ...

    def is_unchanged(self, file: BinaryIO, entry: Entry) -> bool:
        """Whether an opened file is still what was listed."""
        ...

    def is_still(self, entry: Entry) -> bool:
        """Whether the name still holds what was listed; a corrected file that came meanwhile must stay."""
        ...

    def remove(self, entry: Entry) -> None:
        """Take the file away: delete it, or move it to where this place moves files."""
        ...


class HasFolder(Protocol):
    """The spec of a drop in a folder of this machine."""

    @property
    def folder(self) -> SiteFolder: ...

    @property
    def after(self) -> str: ...

    @property
    def moved_to(self) -> SiteFolder | None: ...


def local_place(spec: HasFolder, around: Surroundings) -> LocalPlace:
    """The folder a spec names. Raises WrongUse where files should move and there is no other folder."""
    folder = around.folder(spec.folder)
    moved_to = around.folder(spec.moved_to) if spec.moved_to else None
    if spec.after == "move" and (moved_to is None or moved_to.resolve() == folder.resolve()):
        raise WrongUse("after = move 需要另一个 moved_to 目录 (moved_to must name another folder)")
    return LocalPlace(folder, moved_to if spec.after == "move" else None, around, beside=moved_to)


class LocalPlace:
    """A folder of this machine. `moved_to`: where files go instead of being deleted; `beside`: a folder of ours that
    may lie in it."""

    def __init__(self, folder: Path, moved_to: Path | None, around: Surroundings, *, beside: Path | None) -> None:
        self._name, self._kept_name = around.name, around.kept_name
        self._folder, self._moved_to, self._beside = folder, moved_to, beside

    def entries(self) -> dict[str, Entry]:
        try:
            with os.scandir(self._folder) as listing:
                files = [entry for entry in listing if entry.is_file(follow_symlinks=False)]
                states = [FileState.of(file.stat(follow_symlinks=False)) for file in files]
        except OSError as error:
            raise Unavailable(
                f"{self._name}: 目录不可读，请建立目录或检查权限 (make the folder, or check who may read it): "
                f"{self._folder}: {error.strerror}"
            ) from error
        named = [(file.name, shown_name(file.name)) for file in files]
        return {
            name: Entry(name, shown, self._kept_name(shown), state)
            for (name, shown), state in zip(named, states, strict=True)
        }

    def others(self) -> list[tuple[str, str, float]]:
        """A marker that is a link keeps its file waiting."""
        passed = []
        with suppress(OSError), os.scandir(self._folder) as listing:
            others = [entry for entry in listing if not entry.is_file(follow_symlinks=False)]
            for entry in others:
                is_folder = entry.is_dir(follow_symlinks=False)
                if not (is_folder and self._beside and self._beside.resolve() == Path(entry.path).resolve()):
                    why = "link" if entry.is_symlink() else "folder" if is_folder else "special"
                    passed.append((shown_name(entry.name), why, entry.stat(follow_symlinks=False).st_mtime))
        return passed

    def open(self, entry: Entry) -> BinaryIO:
        """Open without following a link or waiting on a pipe that took the file's place."""
        descriptor = os.open(self._folder / entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        return os.fdopen(descriptor, "rb")

    def is_unchanged(self, file: BinaryIO, entry: Entry) -> bool:
        return FileState.of(os.fstat(file.fileno())) == entry.identity

    def is_still(self, entry: Entry) -> bool:
        try:
            status = os.lstat(self._folder / entry.name)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and FileState.of(status) == entry.identity

    def remove(self, entry: Entry) -> None:
        """Where an earlier edition lies already, a moved file gets a number behind its name."""
        path = self._folder / entry.name
        if self._moved_to is None:
            path.unlink()
            return
        self._moved_to.mkdir(parents=True, exist_ok=True)
        target, number = self._moved_to / path.name, 1
        while target.exists():
            number += 1
            target = self._moved_to / f"{path.name}.{number}"
        shutil.move(path, target)


def shown_name(name: str) -> str:
    """A file name as people wrote it: UTF-8, or CP936 from a Windows sender; never a control character."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        try:
            return re.sub(r"[\x00-\x1f\x7f]", "?", raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return raw.decode("ascii", "backslashreplace")
