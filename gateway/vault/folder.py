"""Files of wrapped keys: one writer at a time, each file whole or absent, durable before it is used.

vault.json                          suite, root key number, and a seal that tells a wrong root key at once
lock                                held (flock) while a key is made or destroyed
last-number                         the highest key number ever given out
ledger                              which keys were given out and not destroyed (`gateway.vault.ledger`)
site, site-proposed                 the random id that database and vault know each other by; the second one until
                                    the database has it
data/<purpose>.<number>             one wrapped data key, for example data/pages.wuhai.2026-11-22.17
data/.shredding.<purpose>.<number>  a destruction that was interrupted; whoever locks next finishes it
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.errors import WrongUse
from gateway.vault.ledger import KeyLedger
from gateway.vault.modes import close_to_others

HIGHEST_NUMBER: Final = 0xFFFFFFFF
_SHREDDING: Final = ".shredding."
_NAMED: Final = re.compile(r"([a-z0-9][a-z0-9.-]*)\.([1-9][0-9]{0,9})")


def make_durable(folder: Path) -> None:
    """Makes new and removed names of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class KeyFolder:
    """The folder of a vault. It knows names and bytes, not what they mean."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about = folder / "vault.json"
        self.data = folder / "data"
        self.ledger = KeyLedger(folder / "ledger")
        self.site = folder / "site"
        self.site_proposed = folder / "site-proposed"

    def prepare(self) -> None:
        """Makes the folders, closed to others. Raises WrongUse where that cannot be."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.data.mkdir(exist_ok=True, mode=0o700)
            make_durable(self.folder)
        except OSError as error:
            raise self._unusable(error) from error

    def close_to_others(self) -> None:
        """Folders that were made or unpacked with a wider mode are closed: then nobody gets at the files in them."""
        for folder in (self.folder.parent, self.folder, self.data):
            close_to_others(folder)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Alone among all processes and threads; interrupted destructions are finished first."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                for going in self.data.glob(f"{_SHREDDING}*"):
                    self._finish(going)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._unusable(error) from error

    def names(self) -> dict[int, str]:
        """Key number → purpose, from the file names alone."""
        try:
            with os.scandir(self.data) as listing:
                matches = [_NAMED.fullmatch(entry.name) for entry in listing]
        except OSError as error:
            raise self._unusable(error) from error
        numbered = ((int(match[2]), match[1]) for match in matches if match)
        return {number: purpose for number, purpose in numbered if number <= HIGHEST_NUMBER}

    def purpose_of(self, number: int) -> str | None:
        """The purpose of a key that is there, else None. The ledger knows it without a look at every file; where it is
        wrong, the file names are the truth."""
        purpose = self.ledger.purpose(number)
        if purpose is not None and self.path(number, purpose).exists():
            return purpose
        return self.names().get(number)

    def path(self, number: int, purpose: str) -> Path:
        """Where the wrapped key with this number stands."""
        return self.data / f"{purpose}.{number}"

    def read(self, path: Path) -> bytes:
        """The content of a file. Raises FileNotFoundError, or WrongUse if it may not be read."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unusable(error) from error

    def next_number(self) -> int:
        """A number never given out before, durably taken. Call inside `exclusive`."""
        number = self.last_number() + 1
        if number > HIGHEST_NUMBER:
            raise WrongUse("密钥编号已用尽 (no key numbers are left)")
        self.take_numbers(number)
        return number

    def take_numbers(self, highest: int) -> None:
        """No number up to this one is given out from now on. Call inside `exclusive`."""
        self.write(self.folder / "last-number", f"{highest}\n".encode())

    def last_number(self) -> int:
        """The highest number ever given out, 0 for none; file names stand in for a counter that was lost."""
        try:
            written = int((self.folder / "last-number").read_bytes())
        except (FileNotFoundError, ValueError):
            written = 0
        return max(written, *self.names(), 0)

    def write(self, path: Path, content: bytes) -> None:
        """A whole, durable file or none. Call inside `exclusive`: the half-written one has a fixed name."""
        half_written = path.parent / ".writing"
        descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half_written.replace(path)
        make_durable(path.parent)

    def missing(self) -> dict[int, str]:
        """Key number → purpose of every key that was given out and whose file is not there. Raises WrongUse."""
        try:
            lost = self._lost()
            # A key may have been destroyed between the look at the ledger and the look at the files.
            return self._lost() if lost else lost
        except OSError as error:
            raise self._unusable(error) from error

    def _lost(self) -> dict[int, str]:
        outstanding = self.ledger.outstanding()
        present = self.names() if outstanding else {}
        return {number: purpose for number, purpose in outstanding.items() if number not in present}

    def begin_ledger(self) -> None:
        """Where there is no ledger yet, write one of the keys that are there. Call inside `exclusive`."""
        if not self.ledger.exists():
            self.ledger.add("made", self.names(), durable=True)

    def read_id(self, path: Path) -> bytes | None:
        """The id in `site` or `site-proposed`, None where there is no such file or no id in it. Raises WrongUse."""
        try:
            return bytes.fromhex(self.read(path).decode())
        except (FileNotFoundError, ValueError):
            return None

    def make_data_durable(self) -> None:
        """Makes the names of all keys durable."""
        make_durable(self.data)

    def destroy(self, number: int, purpose: str) -> None:
        """Overwrites and removes one wrapped key, durably. Call inside `exclusive`."""
        # The ledger first: whoever looks in between must not take a key that is going for one that was lost.
        self.ledger.add("destroyed", {number: purpose}, durable=True)
        # Then renamed, so that a crash leaves a key that is going, never a key file with nothing in it.
        path = self.path(number, purpose)
        going = self.data / f"{_SHREDDING}{path.name}"
        path.rename(going)
        make_durable(self.data)
        self._finish(going)

    def _finish(self, going: Path) -> None:
        with going.open("r+b") as file:
            file.write(bytes(going.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        going.unlink()
        make_durable(self.data)

    def _unusable(self, error: OSError) -> WrongUse:
        return WrongUse(
            f"密钥目录 {self.folder} 不可用，请检查权限与磁盘空间 "
            f"(key folder is not usable, check permissions and space): {error.strerror}"
        )
