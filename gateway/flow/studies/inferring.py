"""A sample → a mapping that is proposed: written, checked as any mapping is, and tried on the sample itself."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import msgspec

from gateway.core.normalise import Origin, Summary, compile_mapping, normalise_lines
from gateway.core.studies.infer import Proposal, mapping_text, propose, read_sample
from gateway.flow.studies.inventing import test_file_from
from gateway.settings.mappings import check_mapping


class InferredField(msgspec.Struct, frozen=True, kw_only=True):
    """A field, the feed's names for it, how sure (0–1) and why."""

    field: str
    sources: tuple[str, ...]
    confidence: float
    why: str


class Inference(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal and what it makes of its own sample. `text` is the mapping file; `errors`: "code field" → rows."""

    mapping: str
    text: str
    format: dict[str, Any]
    fields: tuple[InferredField, ...]
    unused: tuple[str, ...]
    rows: int
    records: int
    quarantined: int
    errors: dict[str, int]


def infer(content: bytes, *, mapping: str, name: str) -> Inference:
    """What the sample says of itself. Raises BadInput where it has no format that is known, BadSettings where what was
    proposed is no mapping (settlement number or total were not found)."""
    proposal = propose(read_sample(content))
    text = mapping_text(proposal, mapping=mapping, name=name)
    spec = check_mapping(tomllib.loads(text, parse_float=Decimal), shown_as=f"mappings/{mapping}.toml")
    summary = Summary()
    for _ in normalise_lines(compile_mapping(spec.language()), content, summary, Origin()):
        pass
    return Inference(
        mapping=mapping,
        text=text,
        format=proposal.sample.format,
        fields=fields_of(proposal),
        unused=proposal.unused,
        rows=summary.rows,
        records=summary.records,
        quarantined=summary.quarantined,
        errors={f"{code} {field}".strip(): many for (code, field), many in summary.errors.items()},
    )


def fields_of(proposal: Proposal) -> tuple[InferredField, ...]:
    """The fields of a proposal without what only the file needs."""
    return tuple(
        InferredField(field=guess.field, sources=guess.sources, confidence=guess.confidence, why=guess.why)
        for guess in proposal.fields
    )


def tests_of(inference: Inference, content: bytes) -> str:
    """A first test file of a proposed mapping, from the sample it was proposed for. Raises BadInput as `infer`."""
    tables = tomllib.loads(inference.text, parse_float=Decimal)
    spec = check_mapping(tables, shown_as=f"mappings/{inference.mapping}.toml")
    return test_file_from(compile_mapping(spec.language()), content)
