"""TOML files → checked, frozen specifications, with every finding of a file at once.

The rules of all files an administrator writes: a closed vocabulary, unknown keys refused, amounts and rates
as exact decimals, no code. Every finding names file, key, what was found (its kind, never a secret) and what
is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.errors import BadSettings, Finding
from gateway.settings.allowed import allowed_in_words
from gateway.settings.places import meant, place_of
from gateway.settings.secrets import BARE_VALUE


class Spec(BaseModel):
    """Base of every specification: frozen, and closed against unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, defer_build=True)


S = TypeVar("S", bound=Spec)

_INTEGER_BITS: Final = 64


def read_toml(path: Path, *, shown_as: str) -> dict[str, Any]:
    """The tables of a TOML file with exact decimals. Raises BadSettings naming the line of a syntax error."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadSettings([Finding(shown_as, "-", f"byte {error.start} is not UTF-8", "UTF-8")]) from error
    except OSError as error:
        raise BadSettings([Finding(shown_as, "-", error.strerror or "unreadable", "a readable file")]) from error
    return tables_of(text, shown_as=shown_as)


def tables_of(text: str, *, shown_as: str) -> dict[str, Any]:
    """The tables of TOML with exact decimals. Raises BadSettings naming the line of a syntax error."""
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings([Finding(shown_as, "-", str(error), "TOML 1.0")]) from error
    except RecursionError:
        raise BadSettings([Finding(shown_as, "-", "嵌套过深 (nested too deeply)", "TOML 1.0")]) from None
    except ValueError:
        # The language itself reads no decimal integer of so many digits; the library lets that through.
        raise _too_long(shown_as) from None
    if _holds_a_long_integer(tables):
        raise _too_long(shown_as)
    return tables


def _too_long(shown_as: str) -> BadSettings:
    return BadSettings([Finding(shown_as, "-", "整数过长 (an integer too long)", "64 位整数 (an integer of 64 bits)")])


def _holds_a_long_integer(tables: dict[str, Any]) -> bool:
    """Whether an integer is beyond what TOML promises; hexadecimal ones of any length are read and cannot be shown."""
    values: list[Any] = [tables]
    while values:
        value = values.pop()
        if isinstance(value, int) and value.bit_length() > _INTEGER_BITS:
            return True
        values += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return False


def check(spec: type[S], tables: dict[str, Any], *, shown_as: str, from_one: bool = False) -> S:
    """The specification these tables describe. Raises BadSettings with every finding; `from_one`: places are told as
    the file's writer counts, from 1, and without the branches of the checking library."""
    try:
        return spec.model_validate(tables)
    except ValidationError as error:
        problems = error.errors()
        if from_one:
            # Of the branches of a union only the one that the kind of value fits says what is wrong.
            problems = [problem for problem in problems if not _of_another_branch(spec, problem, problems)]
        raise BadSettings([_finding(shown_as, problem, spec, from_one=from_one) for problem in problems]) from error


def _of_another_branch(spec: type[Spec], problem: Any, problems: Sequence[Any]) -> bool:
    """Whether a value that is a table, or a list, is only found to be no plain value, or the other way round."""
    composed = isinstance(problem["input"], dict | list)
    branch = str(problem["loc"][-1]) if problem["loc"] else ""
    wants_composed = any(word in branch for word in ("Spec", "tuple", "list", "dict"))
    union = problem["loc"][:-1]
    if composed is wants_composed or place_of(spec, problem["loc"]).words != place_of(spec, union).words:
        return False
    return [finding["loc"][: len(union)] for finding in problems].count(union) > 1


def _finding(shown_as: str, problem: Any, spec: type[Spec], *, from_one: bool) -> Finding:
    place = place_of(spec, problem["loc"])
    key = place.words if from_one else ".".join(str(part) for part in problem["loc"]) or "-"
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        unknown = str(problem["loc"][-1])
        key = f"{place.words}.{unknown}".removeprefix("-.") if from_one else key
        return Finding(shown_as, key, "未知键 (unknown key)", meant(unknown, place.keys))
    if kind == "union_tag_not_found":
        return Finding(shown_as, f"{key}.kind", "缺失 (missing)", "、".join(repr(kind) for kind in place.kinds))
    if kind == "missing":
        return Finding(shown_as, key, "缺失 (missing)", "必填 (required)")
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        allowed = str(context.get("expected") or context.get("expected_tags") or problem["msg"])
        return Finding(shown_as, key, _found(problem), allowed.replace(" or ", " 或 (or) "))
    return Finding(shown_as, key, _found(problem), allowed_in_words(problem))


def _found(problem: Any) -> str:
    """What stood there: short plain values as they are, everything else by its kind; never a secret."""
    value = problem.get("input")
    secret = problem["type"] == BARE_VALUE or any(
        "secret" in str(part) or "key" in str(part) for part in problem["loc"]
    )
    if not secret and isinstance(value, str | int | bool | Decimal) and len(str(value)) <= 40:
        return repr(str(value)) if isinstance(value, Decimal) else repr(value)
    return type(value).__name__
