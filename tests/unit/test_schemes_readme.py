"""The README of the scheme files names every key of the language, and no key that there is not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

import pytest
from schemes_builders import SCHEMES

from gateway.core.schemes.language.edition import OPEN_QUESTIONS
from gateway.settings.files import Spec
from gateway.settings.schemes import SchemeSpec

TEXT = (SCHEMES / "README.md").read_text(encoding="utf-8")
TABLES = {"benefits", "exclusions", "confirm", "caps", "floor", "stay", "who", "period", "waiting", "claim", "fees"}


def specs_in(kind: Any) -> Iterator[type[Spec]]:
    if isinstance(kind, type) and issubclass(kind, Spec):
        yield kind
    for inner in get_args(kind):
        yield from specs_in(inner)


def keys_of(spec: type[Spec], at: str = "") -> Iterator[str]:
    for name, field in spec.model_fields.items():
        place = f"{at}{field.alias or name}"
        inner = list(specs_in(field.annotation))
        if place == "settings":
            yield "settings.<name>"
        elif inner:
            for one in inner:
                yield from keys_of(one, f"{place}.")
        else:
            yield place


def test_every_key_is_explained() -> None:
    keys = set(keys_of(SchemeSpec))
    assert len(keys) > 150
    assert [key for key in sorted(keys) if f"`{key}`" not in TEXT] == []


def test_every_key_that_is_explained_exists() -> None:
    keys = set(keys_of(SchemeSpec)) | {"benefits.gate", "benefits.deductible"}
    named = set(re.findall(rf"`((?:{'|'.join(TABLES)})\.[a-z_.]+)`", TEXT))
    assert sorted(named - keys - set(OPEN_QUESTIONS)) == []


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", TEXT, re.S))
def test_the_examples_use_only_keys_that_exist(example: str) -> None:
    keys = set(keys_of(SchemeSpec))
    found = list(flat(tomllib.loads(example, parse_float=Decimal)))
    assert found
    assert [key for key in found if key not in keys] == []


def flat(tables: dict[str, Any], at: str = "") -> Iterator[str]:
    for key, value in tables.items():
        rows = [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict)]
        for row in rows:
            yield from flat(row, f"{at}{key}.")
        if not rows:
            yield f"{at}{key}"
