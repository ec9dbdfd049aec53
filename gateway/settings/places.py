"""Where in a file something is wrong, as whoever writes it counts: keys and rows from 1, and the key that was meant.

The library that checks counts from 0 and names the branches of its unions, which stand in no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, get_args, get_origin

import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

_AT_MOST: Final = 30
"""So many keys are listed where none resembles what stands there."""


class FilePlace(msgspec.Struct, frozen=True):
    """A place in words (`benefits[2].bands[1].rate`), the keys of the table there, and the kinds of table it may be."""

    words: str
    keys: tuple[str, ...]
    kinds: tuple[str, ...]


def place_of(spec: type[BaseModel], location: Sequence[str | int]) -> FilePlace:
    """The place that the library's location means in a file of this specification, up to the last key there is."""
    specs: tuple[type[BaseModel], ...] = (spec,)
    words, own_names = "", False
    for part in location:
        if isinstance(part, int):
            words += f"[{part + 1}]"
            continue
        field = _fields(specs).get(part)
        if own_names:
            words, own_names = f"{words}.{part}", False
        elif field is not None:
            words = f"{words}.{part}"
            specs, own_names = tuple(_specs_in(field.annotation)), get_origin(field.annotation) is dict
        else:
            # A branch of a union, by the word that chooses it or by its name, or a kind of plain value.
            chosen = tuple(branch for branch in specs if part == branch.__name__ or part in _kinds(branch))
            specs = chosen or specs
    kinds = tuple(kind for branch in specs for kind in _kinds(branch))
    return FilePlace(words.removeprefix(".") or "-", tuple(_fields(specs)), kinds)


def meant(key: str, keys: Sequence[str]) -> str:
    """What the writer of an unknown key may have meant, or which keys there are."""
    near = get_close_matches(key, keys, n=1)
    if near:
        return f"是否想写 (did you mean) {near[0]}"
    if len(keys) <= _AT_MOST:
        return f"可用的键 (keys): {', '.join(keys)}"
    return "只允许文档列出的键 (only the documented keys)"


def _fields(specs: Sequence[type[BaseModel]]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for spec in specs for name, field in spec.model_fields.items()}


def _specs_in(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from _specs_in(inner)


def _kinds(spec: type[BaseModel]) -> tuple[Any, ...]:
    field = spec.model_fields.get("kind")
    return () if field is None else get_args(field.annotation)
