"""Every site of every test holds the same fifty settings files: a process that reads many sites reads each text once.

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

from gateway.core.schemes import SchemeFamily
from gateway.settings import site

_parse = tomllib.loads
_load_families = site.load_families


@lru_cache(maxsize=1024)
def _parsed(text: str) -> bytes:
    return pickle.dumps(_parse(text, parse_float=Decimal))


def _parse_once(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    if parse_float is not Decimal:
        return _parse(text, parse_float=parse_float)
    tables: dict[str, Any] = pickle.loads(_parsed(text))
    return tables


_families: dict[tuple[tuple[str, bytes], ...], dict[str, SchemeFamily]] = {}


def _families_once(folder: Path) -> dict[str, SchemeFamily]:
    """Those of a folder with the same files; what is wrong is found anew each time."""
    files = sorted([*folder.glob("*.toml"), *(folder.parent / "codes").glob("*.toml")])
    texts = tuple((path.name, path.read_bytes()) for path in files)
    if texts not in _families:
        _families[texts] = _load_families(folder)
    return dict(_families[texts])


def install() -> None:
    """From now on, in this process and its forks."""
    tomllib.loads = _parse_once
    site.load_families = _families_once  # type: ignore[assignment]


def read_beforehand(shipped: Path) -> None:
    """Read the shipped settings below this folder, so that a fork need not."""
    for path in [*shipped.glob("config/**/*.toml"), *shipped.glob("mappings/**/*.toml")]:
        tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    site.load_families(shipped / "config" / "schemes")
