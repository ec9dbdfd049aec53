"""Every site of every test holds the same fifty settings files: a process that reads many sites parses each text once.

Reading them anew was a quarter of all the time.
"""

from __future__ import annotations

import pickle
import tomllib
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

_parse = tomllib.loads


@lru_cache(maxsize=1024)
def _parsed(text: str) -> bytes:
    return pickle.dumps(_parse(text, parse_float=Decimal))


def _parse_once(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    if parse_float is not Decimal:
        return _parse(text, parse_float=parse_float)
    tables: dict[str, Any] = pickle.loads(_parsed(text))
    return tables


def install() -> None:
    """From now on, in this process and its forks."""
    tomllib.loads = _parse_once


def read_beforehand(*folders: Path) -> None:
    """Parse every settings file below these folders, so that a fork need not."""
    for folder in folders:
        for path in folder.rglob("*.toml"):
            tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
