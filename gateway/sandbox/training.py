"""What a model learns from a roster alone: errors made over it, and chance (`gateway.core.match.measuring.lessons`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from gateway.core.match import Model
from gateway.core.match.measuring.lessons import GeneratedRecord, Lessons, next_model
from gateway.sandbox.people import Dice
from gateway.sandbox.truth_roster import Spoiled, misused_records, spoiled_records

_ENCODER: Final = msgspec.json.Encoder()


def trained(current: Model, lessons: Lessons, version: str) -> Model:
    """The next version of the model. The same lessons give the same model. Raises BadInput for too small a roster."""
    members, seed, many = lessons.enrolled, lessons.seed, lessons.of_each_error
    return next_model(
        current,
        lessons,
        version,
        spoiled=_encoded(spoiled_records(members, seed=seed, of_each=many)),
        misused=_encoded(misused_records(members, seed=seed, of_each=many)),
        below=Dice("others", seed).below,
    )


def _encoded(records: Iterable[Spoiled]) -> list[GeneratedRecord]:
    return [
        GeneratedRecord(line=_ENCODER.encode(record.line), place=record.place, weight=record.weight)
        for record in records
    ]
