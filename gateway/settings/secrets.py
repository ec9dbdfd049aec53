"""Secrets are named in settings (`env:NAME` or `file:path`), never written there; this is where they are read."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from gateway.errors import WrongUse
from gateway.ports import SecretName
from gateway.vault.modes import others_may_write

BARE_VALUE: Final = "bare_value"
"""The type of the error for a key that should name a secret. What stands there is never shown: it may be the secret."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32,128}", re.ASCII)
_NAMED = re.compile(r"env:[A-Z][A-Z0-9_]*|file:\S+")


def _named(text: str) -> str:
    if not _NAMED.fullmatch(text):
        raise PydanticCustomError(
            BARE_VALUE,
            "env:名字 或 file:路径；密钥本身从不写在配置里 (env:NAME or file:path; never the secret itself)",
        )
    return text


NamedSecret = Annotated[SecretName, AfterValidator(_named)]
"""A settings key that says where a secret is found: `env:NAME` or `file:path` (relative to the site)."""


def read_secret(name: SecretName, *, site: Path) -> str:
    """The secret's text without surrounding space. Raises WrongUse, naming the place and never the value."""
    kind, _, place = name.partition(":")
    if kind == "env":
        value = os.environ.get(place, "")
    else:
        path = site / place
        if others_may_write(path):
            # Whoever may write it may put a secret of their own there, and sign with that.
            raise WrongUse(f"密钥 {name} 可被他人改写，请 chmod 600 {path} (others may write this secret)")
        value = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not value.strip():
        raise WrongUse(f"密钥 {name} 不存在或为空 (secret {name} is missing or empty)")
    return value.strip()


def check_token(text: str) -> str:
    """A token as a machine may bring it in a header. Raises WrongUse, never with the value."""
    if _TOKEN.fullmatch(text) is None:
        raise WrongUse("32 至 128 个字母、数字、- 或 _ (32 to 128 letters, digits, - or _)")
    return text


def new_token() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(32)


def write_secret(path: Path, text: str) -> None:
    """Put a secret in a new file that only its owner may read, its folder too where it is new. Raises WrongUse rather
    than overwrite."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise WrongUse(f"{path} 已存在，不会覆盖 (it exists and is never overwritten)") from None
    except OSError as error:
        raise WrongUse(f"{path} 无法写入 (cannot be written): {error.strerror}") from error
