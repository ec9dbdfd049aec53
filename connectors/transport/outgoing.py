"""Folders into which we put files for another machine, and from which we read its answers: put in whole or not at all.

A path is relative to what the place serves: the folder itself, or one inside it. On this machine's disks here;
`sftp_outgoing` has another. Every method raises Unavailable where the place cannot be reached.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from gateway.errors import Unavailable


class FileStamp(msgspec.Struct, frozen=True):
    """What tells a file from the one that replaces it, and when it came: Unix seconds, by the clock of
    the machine it lies on."""

    size: int
    changed: int


class OutgoingFolder(Protocol):
    """One folder. A name that begins with a dot is a file on its way."""

    def names(self) -> dict[str, FileStamp]:
        """The regular files that lie there."""
        ...

    def read(self, name: str, *, limit: int) -> bytes | None:
        """The bytes of a file; None where it is gone. One longer than `limit` is cut behind that."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Write a file: under another name first, kept on the disk, then renamed over what lies there."""
        ...

    def rename(self, name: str, target: str) -> None:
        """Another name for a file that is there; one that is gone stays gone."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away; one that is gone stays gone."""
        ...


def part_name(name: str) -> str:
    """What a file is called while it is written; no two writers share one."""
    return f".{name}.{secrets.token_hex(6)}.part"


class LocalFolder:
    """An `OutgoingFolder` of this machine. It is never made: a folder made by itself would hide that a disk is not
    mounted, and what was remembered on it would be forgotten."""

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path = name, path

    def names(self) -> dict[str, FileStamp]:
        with self._told(), os.scandir(self._path) as listing:
            files = [entry for entry in listing if entry.is_file(follow_symlinks=False)]
            states = [(file.name, file.stat(follow_symlinks=False)) for file in files]
        return {name: FileStamp(state.st_size, int(state.st_mtime)) for name, state in states}

    def read(self, name: str, *, limit: int) -> bytes | None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with self._told(), os.fdopen(os.open(self._path / name, flags), "rb") as file:
                return file.read(limit)
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes) -> None:
        part = self._path / part_name(name)
        with self._told():
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(self._path / name)
            finally:
                part.unlink(missing_ok=True)
            self._keep()

    def rename(self, name: str, target: str) -> None:
        try:
            with self._told():
                (self._path / name).rename(self._path / target)
                self._keep()
        except FileNotFoundError:
            return

    def remove(self, name: str) -> None:
        with self._told():
            (self._path / name).unlink(missing_ok=True)

    def _keep(self) -> None:
        """A name outlives a power cut once its folder is on the disk."""
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._path.is_dir():
                raise
            words = "目录不可读写，请建立目录或检查权限 (make the folder, or check who may read and write it)"
            raise Unavailable(f"{self._name}: {words}: {self._path}: {error.strerror}") from error
