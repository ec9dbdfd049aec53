"""An `OutgoingFolder` on another machine, over SFTP."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Any, TypeVar

from connectors.transport.outgoing import FileStamp, part_name
from connectors.transport.sftp import SftpPlace
from gateway.errors import Unavailable

T = TypeVar("T")


class SftpFolder:
    """A folder of the machine that `line` reaches.

    What was written is renamed in one step (`posix-rename@openssh.com`); whether it is on the other machine's disk by
    then is that machine's to see to, since the protocol has no word for it.
    """

    def __init__(self, name: str, line: SftpPlace, path: str) -> None:
        self._name, self._line, self._path = name, line, path.rstrip("/") or "/"

    def names(self) -> dict[str, FileStamp]:
        try:
            files = self._step(lambda sftp: sftp.listdir_attr(self._path))
        except FileNotFoundError as error:
            raise self._unavailable(error) from None
        return {
            file.filename: FileStamp(int(file.st_size or 0), int(file.st_mtime or 0))
            for file in files
            if stat.S_ISREG(file.st_mode or 0)
        }

    def read(self, name: str, *, limit: int) -> bytes | None:
        def step(sftp: Any) -> bytes:
            with sftp.open(f"{self._path}/{name}", "rb") as file:
                return bytes(file.read(limit))

        try:
            return self._step(step)
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes) -> None:
        def step(sftp: Any) -> None:
            part = f"{self._path}/{part_name(name)}"
            with sftp.open(part, "wb") as file:
                file.set_pipelined(True)
                file.write(content)
            sftp.posix_rename(part, f"{self._path}/{name}")

        try:
            self._step(step)
        except FileNotFoundError as error:
            raise self._unavailable(error) from None

    def rename(self, name: str, target: str) -> None:
        try:
            self._step(lambda sftp: sftp.posix_rename(f"{self._path}/{name}", f"{self._path}/{target}"))
        except FileNotFoundError:
            return

    def remove(self, name: str) -> None:
        try:
            self._step(lambda sftp: sftp.remove(f"{self._path}/{name}"))
        except FileNotFoundError:
            return

    def _step(self, step: Callable[[Any], T]) -> T:
        try:
            return self._line.call(step)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: OSError) -> Unavailable:
        words = "目录不可读写，请检查路径和权限 (check the folder, and who may read and write it)"
        return Unavailable(f"{self._name}: {words}: {self._path}: {error.strerror or type(error).__name__}")
