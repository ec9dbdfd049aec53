"""The root key (根密钥): 32 random bytes as 64 hexadecimal digits in a file that only its owner may read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from gateway.errors import WrongUse
from gateway.vault.folder import make_durable

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


def make_root_key() -> bytes:
    """32 new random bytes."""
    return os.urandom(32)


def write_root_key(path: Path) -> bytes:
    """Makes a root key and keeps it in a new file, mode 0600. Raises WrongUse rather than overwrite."""
    return _write_root_key(path, make_root_key())


def _write_root_key(path: Path, key: bytes) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written whole under another name first: a crash in between leaves no half key in the way of the next try.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(key.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            draft.unlink()
            raise
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
        make_durable(path.parent)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise WrongUse(f"根密钥文件 {path} 已存在，不会覆盖 (it exists and is never overwritten)") from error
        raise WrongUse(f"根密钥文件 {path} 无法写入 (cannot be written): {error.strerror}") from error
    return key


def parse_root_key(text: str) -> bytes:
    """The key written as 64 hexadecimal digits. Raises WrongUse, never showing the text."""
    stripped = text.strip()
    if not _HEX.fullmatch(stripped):
        raise WrongUse(
            f"根密钥必须是 64 位十六进制数字，现有 {len(stripped)} 个字符，用 hubao keys init 生成 "
            f"(a root key is 64 hexadecimal digits, found {len(stripped)} characters)"
        )
    return bytes.fromhex(stripped)


def read_root_key_file(path: Path) -> bytes:
    """The root key of a file. Raises WrongUse if it is missing, malformed, or open to other users."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4096)
    except OSError as error:
        raise WrongUse(
            f"根密钥文件 {path} 无法读取，用 hubao keys init 生成 (cannot read the file): {error.strerror}"
        ) from error
    if mode & 0o077:
        raise WrongUse(f"根密钥文件可被他人读取，请运行 chmod 600 {path} (the root key file is open to others)")
    return parse_root_key(text)
