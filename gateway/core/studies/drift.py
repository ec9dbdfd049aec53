"""A page held against the mapping that reads it (变动): columns that are new or gone, values written otherwise, codes
never seen; for each a masked example and what the mapping would have to say, as a sample alone would be proposed.

The proposal is made from the page without the mapping. So a column that was renamed shows as one that is gone and one
that is new, and the proposal for the first is the name of the second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway.core.normalise import CompiledMapping, Origin
from gateway.core.normalise.fields import sources_of
from gateway.core.studies.infer import Guess, Proposal, SampleColumn, propose, read_sample
from gateway.core.studies.trial import TriedPage, shape_of, try_page

DriftKind = Literal["new_column", "vanished", "type_changed", "unknown_code"]

_WRITTEN_OTHERWISE: Final = frozenset((
    "not_an_amount", "not_a_date", "not_a_datetime", "not_an_integer", "bad_id_number", "wrong_type", "too_early",
    "damaged_number", "wrong_pattern",
))  # fmt: skip
"""Codes of values that are not written as the mapping says."""
_LEAST_SHARE: Final = 0.05
"""In so large a part of the rows a field must be wrong for its writing to have changed: fewer are mistakes."""
_EXAMPLES: Final = 3
_COLUMN: Final = re.compile(r"(?!(?:.*[0-9]){7})[^\x00-\x1f\x7f]{1,40}")


class DriftedPart(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is otherwise than the mapping has it. `name`: of the column, or of the field and its code; `rows`:
    in how many; `example`: shapes of values, never a value; `proposal`: a line of the mapping as TOML, "" where nothing
    can be proposed; `confidence` 0–1 and `why` of it."""

    kind: DriftKind
    name: str
    rows: int
    example: str = ""
    proposal: str = ""
    confidence: float = 0.0
    why: str = ""


def drift_of(
    compiled: CompiledMapping, content: bytes, origin: Origin, *, ignored: Sequence[str] = ()
) -> list[DriftedPart]:
    """What is otherwise in a page; `ignored`: columns that nobody reads and that are no news. Raises BadInput for a
    page that tells no columns of its own: a bundle of replies, no rows at all."""
    proposal = propose(read_sample(content))
    tried = try_page(compiled, content, origin, page=TriedPage(page=1, request="", bytes=len(content), raw=""), most=0)
    # A file without names has places alone: nothing of it can be new or gone but the number of its cells.
    named = proposal.sample.has_names
    columns = {column.name: column for column in proposal.sample.columns} if named else {}
    guesses = {guess.field: guess for guess in proposal.fields} if named else {}
    parts = _vanished(compiled, columns, guesses) if named else []
    parts += _new(compiled, columns, proposal, {part.proposal for part in parts} | {*ignored})
    parts += _written_otherwise(compiled, tried, columns, guesses)
    return parts + _unknown_codes(tried, guesses)


def _vanished(
    compiled: CompiledMapping, columns: Mapping[str, SampleColumn], guesses: Mapping[str, Guess]
) -> list[DriftedPart]:
    """Fields of which no source is there, though the mapping wants one."""
    parts = []
    for field, rule in compiled.language.fields.items():
        sources = sources_of(compiled.language, field)
        is_there = any(name in columns or any(column.startswith(f"{name}.") for column in columns) for name in sources)
        if rule.optional or not sources or is_there or any(":" in name for name in sources):
            continue
        guess = guesses.get(field)
        renamed = guess if guess is not None and not compiled.reads_key(guess.sources[0]) else None
        parts.append(
            DriftedPart(
                kind="vanished",
                name=f"{field}（{'、'.join(sources[:_EXAMPLES])}）",
                rows=max((len(column.values) for column in columns.values()), default=0),
                **_proposed(field, renamed, columns),
            )
        )
    return parts


def _proposed(field: str, guess: Guess | None, columns: Mapping[str, SampleColumn]) -> dict[str, Any]:
    if guess is None:
        return {}
    column = columns.get(guess.sources[0])
    line = f"[fields.{field}] from = {json.dumps([guess.sources[0]], ensure_ascii=False)}"
    return {
        "example": shapes(column.filled) if column else "",
        "proposal": line,
        "confidence": guess.confidence,
        "why": guess.why,
    }


def _new(
    compiled: CompiledMapping, columns: Mapping[str, SampleColumn], proposal: Proposal, ignored: set[str]
) -> list[DriftedPart]:
    """Columns that no field reads, with the field they may be where the mapping has none for it yet."""
    by_source = {guess.sources[0]: guess for guess in proposal.fields}
    parts = []
    for name, column in columns.items():
        guess = by_source.get(name)
        if compiled.reads_key(name) or name in ignored:
            continue
        is_free = guess is not None and guess.field not in compiled.language.fields
        proposed = _proposed(guess.field, guess, columns) if guess is not None and is_free else {}
        shown = {**proposed, "example": shapes(column.filled)}
        parts.append(DriftedPart(kind="new_column", name=_shown_name(name), rows=len(column.filled), **shown))
    return parts


def _written_otherwise(
    compiled: CompiledMapping, tried: TriedPage, columns: Mapping[str, SampleColumn], guesses: Mapping[str, Guess]
) -> list[DriftedPart]:
    """Fields whose values many rows were refused for."""
    parts = []
    for pair, many in tried.errors.items():
        code, _, field = pair.partition(" ")
        if code not in _WRITTEN_OTHERWISE or many < _LEAST_SHARE * max(tried.rows, 1):
            continue
        names = sources_of(compiled.language, field)
        column = next((columns[name] for name in names if name in columns), None)
        guess = guesses.get(field)
        options = guess.options if guess is not None and guess.sources[0] in names else {}
        line = "; ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in options.items())
        parts.append(
            DriftedPart(
                kind="type_changed",
                name=f"{field}（{code}）",
                rows=many,
                example=shapes(column.filled) if column else "",
                proposal=f"[fields.{field}] {line}" if line else "",
                confidence=guess.confidence if guess is not None and line else 0.0,
                why=guess.why if guess is not None and line else "",
            )
        )
    return parts


def _unknown_codes(tried: TriedPage, guesses: Mapping[str, Guess]) -> list[DriftedPart]:
    """Codes that the mapping does not know, with what a sample would take them for."""
    parts = []
    for pair, many in tried.unknown_codes.items():
        field, _, code = pair.partition(" ")
        guess = guesses.get(field)
        meaning = guess.options.get("codes", {}).get(code, "") if guess is not None else ""
        line = (
            f"[fields.{field}.codes] {json.dumps(code, ensure_ascii=False)} = {json.dumps(meaning)}" if meaning else ""
        )
        why = "每个代码或都过夜，或都不过夜，或其文字如此；请问明" if line and field == "care_type" else ""
        parts.append(
            DriftedPart(
                kind="unknown_code",
                name=f"{field} {code}",
                rows=many,
                proposal=line,
                # What a code means is the league's to say: a guess at it is never believed.
                confidence=min(guess.confidence, 0.5) if guess is not None and line else 0.0,
                why=why,
            )
        )
    return parts


def _shown_name(name: str) -> str:
    """The name of a column; of one that may be a value its shape."""
    return name if _COLUMN.fullmatch(name) else shape_of(name)


def shapes(values: Sequence[str]) -> str:
    """The shapes of a few values, each once: digits as 9, letters as x, characters as 某."""
    return "、".join(list(dict.fromkeys(shape_of(value)[:40] for value in values))[:_EXAMPLES])
