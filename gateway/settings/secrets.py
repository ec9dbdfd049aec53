"""Secrets are named in settings (`env:NAME` or `file:path`), never written there; this is where they are read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from gateway.errors import WrongUse
from gateway.ports import SecretName

BARE_VALUE: Final = "bare_value"
"""The type of the error for a key that should name a secret. What stands there is never shown: it may be the secret."""

_NAMED = re.compile(r"env:[A-Z][A-Z0-9_]*|file:\S+")


def _named(text: str) -> str:
    if not _NAMED.fullmatch(text):
        raise PydanticCustomError(
            BARE_VALUE,
            "Value error, env:NAME or file:path; the secret itself is never written in a settings file",
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
        value = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not value.strip():
        raise WrongUse(f"密钥 {name} 不存在或为空 (secret {name} is missing or empty)")
    return value.strip()
