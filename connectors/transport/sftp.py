"""A folder of another machine over SFTP: the one door to paramiko.

Every step is held to a time of its own, because the library's time-outs begin anew with every packet. The machine is
known by the fingerprint of its key alone (`ssh-keyscan HOST | ssh-keygen -lf -`): another one is refused, whatever the
cause. Nothing of a file is kept on this machine's disks: it is read from there twice, once to be cut and once in parts.
"""

from __future__ import annotations

import hashlib
import io
import re
import socket
import stat
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Final, TypeVar, cast

import msgspec
import paramiko

from connectors.transport.places import Entry, FileState, shown_name
from connectors.transport.reaching import endpoint_of, within
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.ports import Surroundings

T = TypeVar("T")

_BLOCK: Final = 1024 * 1024
_REQUEST: Final = 32 * 1024
"""As much as every server answers to one request; those of a block are under way together."""

_LINE_GONE: Final = (paramiko.SSHException, EOFError, socket.error)


class SftpAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How a machine is reached and proves itself, and how we do: by a password, a private key in PEM, or both."""

    endpoint: str
    user: str
    host_key: str
    password: str | None = None
    private_key: str | None = None
    timeout_seconds: float = 30.0


def read_private_key(text: str) -> paramiko.PKey:
    """A private key from its PEM text, without a passphrase. Raises WrongUse."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(paramiko.SSHException, ValueError, IndexError):
            return cast(paramiko.PKey, kind.from_private_key(io.StringIO(text)))
    raise WrongUse("不是无口令的 PEM 私钥（Ed25519、ECDSA、RSA） (no PEM private key without a passphrase)")


def fingerprint(key: paramiko.PKey) -> str:
    """The fingerprint of a key as OpenSSH shows it: SHA256 and unpadded base64."""
    return "SHA256:" + b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


class SftpPlace:
    """A `DropPlace` on another machine. `moved_to`: the folder files go to instead of being deleted. A line that drops
    is opened once more; what fails then is Unavailable."""

    def __init__(self, around: Surroundings, access: SftpAccess, folder: str, *, moved_to: str | None = None) -> None:
        self._name, self._kept_name, self._access = around.name, around.kept_name, access
        self._folder, self._moved_to = folder.rstrip("/") or "/", moved_to
        self._key = read_private_key(access.private_key) if access.private_key else None
        self._transport: paramiko.Transport | None = None
        self._sftp: paramiko.SFTPClient | None = None
        self._listing: list[paramiko.SFTPAttributes] = []

    def entries(self) -> dict[str, Entry]:
        """The regular files of the folder. Raises Unavailable, and Refused where the machine or we are not believed."""
        try:
            self._listing = self.call(lambda sftp: sftp.listdir_attr(self._folder))
        except OSError as error:
            raise Unavailable(
                f"{self._name}: 目录 {self._folder} 不可读，请检查路径和权限 (check the folder and who may read it): "
                f"{error.strerror or type(error).__name__}"
            ) from None
        files = [file for file in self._listing if stat.S_ISREG(file.st_mode or 0)]
        named = [(file, shown_name(file.filename)) for file in files]
        return {
            file.filename: Entry(file.filename, shown, self._kept_name(shown), _identity(file)) for file, shown in named
        }

    def others(self) -> list[tuple[str, str, float]]:
        """What is no file, as of the last listing."""
        kinds = {stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
        return [
            (shown_name(file.filename), kinds.get(stat.S_IFMT(file.st_mode or 0), "special"), float(file.st_mtime or 0))
            for file in self._listing
            if not stat.S_ISREG(file.st_mode or 0) and f"{self._folder}/{file.filename}" != self._moved_to
        ]

    def open(self, entry: Entry) -> BinaryIO:
        """A file, read in blocks. A link that took its place is noticed before a byte is read."""
        if not self.is_still(entry):
            raise FileNotFoundError(entry.shown)
        raw = _RemoteFile(self, f"{self._folder}/{entry.name}", entry.identity.size)
        return io.BufferedReader(raw, _BLOCK)

    def is_unchanged(self, file: BinaryIO, entry: Entry) -> bool:
        return self.is_still(entry)

    def is_still(self, entry: Entry) -> bool:
        try:
            status = self.call(lambda sftp: sftp.lstat(f"{self._folder}/{entry.name}"))
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode or 0) and _identity(status) == entry.identity

    def remove(self, entry: Entry) -> None:
        path = f"{self._folder}/{entry.name}"
        if self._moved_to is None:
            self.call(lambda sftp: sftp.remove(path))
            return
        names = set(self.call(lambda sftp: sftp.listdir(self._moved_to or "")))
        target, number = entry.name, 1
        while target in names:
            number += 1
            target = f"{entry.name}.{number}"
        self.call(lambda sftp: sftp.rename(path, f"{self._moved_to}/{target}"))

    def read_block(self, path: str, start: int, size: int) -> bytes:
        """So many bytes of a file."""
        requests = [(at, min(_REQUEST, start + size - at)) for at in range(start, start + size, _REQUEST)]

        def read(sftp: paramiko.SFTPClient) -> bytes:
            with sftp.open(path, "rb") as file:
                return b"".join(file.readv(requests))

        return self.call(read)

    def close(self) -> None:
        """Hang up; the next step opens a line of its own."""
        if self._transport is not None:
            self._transport.close()
        self._transport = self._sftp = None

    def call(self, step: Callable[[paramiko.SFTPClient], T]) -> T:
        """One step over the line, taken again where the line dropped. Raises Unavailable, Refused and OSError."""
        try:
            return self._in_time(step)
        except (FileNotFoundError, PermissionError):
            raise
        except _LINE_GONE:
            self.close()
        try:
            return self._in_time(step)
        except (FileNotFoundError, PermissionError):
            raise
        except _LINE_GONE as error:
            self.close()
            raise Unavailable(f"{self._name}: SFTP 连接中断 (the line dropped): {type(error).__name__}") from None

    def _in_time(self, step: Callable[[paramiko.SFTPClient], T]) -> T:
        try:
            return within(self._access.timeout_seconds, lambda: step(self._client()), name=self._name)
        except Unavailable:
            # The step still waits for its answer: with its line gone it ends.
            self.close()
            raise

    def _client(self) -> paramiko.SFTPClient:
        if self._sftp is None:
            self._transport = self._connected()
            self._sftp = paramiko.SFTPClient.from_transport(self._transport)
        return cast(paramiko.SFTPClient, self._sftp)

    def _connected(self) -> paramiko.Transport:
        """A line to the machine whose key we know. Raises Refused for another machine, or where it refuses us."""
        access = self._access
        near = socket.create_connection(endpoint_of(access.endpoint), timeout=access.timeout_seconds)
        near.settimeout(None)
        transport = self._transport = paramiko.Transport(near)
        try:
            transport.start_client(timeout=access.timeout_seconds)
            shown = fingerprint(transport.get_remote_server_key())
            if shown != access.host_key:
                raise Refused(
                    "host_key_changed",
                    f"{self._name}: 对方主机密钥的指纹是 {shown}，与设置的不同，没有登录；请电话核实后再改 host_key "
                    "(another host key than the settings name: not logged in; ask the league before changing it)",
                )
            if self._key is not None:
                transport.auth_publickey(access.user, self._key)
            if not transport.is_authenticated():
                transport.auth_password(access.user, access.password or "")
        except paramiko.AuthenticationException:
            transport.close()
            message = f"{self._name}: 用户名、密码或密钥不被接受 (user, password or key not accepted)"
            raise Refused("sftp_credentials", message) from None
        except BaseException:
            transport.close()
            raise
        return transport


class _RemoteFile(io.RawIOBase):
    """A file of another machine that can be read and sought, and nothing else."""

    def __init__(self, place: SftpPlace, path: str, size: int) -> None:
        self._place, self._path, self._size, self._at = place, path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), _BLOCK, self._size - self._at)
        if size <= 0:
            return 0
        content = self._place.read_block(self._path, self._at, size)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def check_fingerprint(text: str) -> None:
    """Raises WrongUse for what is no fingerprint as OpenSSH shows it."""
    if _FINGERPRINT.fullmatch(text) is None:
        raise WrongUse("host_key 为 SHA256: 加 43 个字符 (host_key is SHA256: and 43 characters, see ssh-keygen -lf)")


def _identity(status: paramiko.SFTPAttributes) -> FileState:
    return FileState(0, int(status.st_size or 0), int(status.st_mtime or 0) * 10**9)
