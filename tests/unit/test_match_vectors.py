"""The same model version and the same data give the same decision for ever: decisions written down, never changed.

A file of vectors holds an invented roster, records about it, and what every shipped model made of them. It is written
once and never changed: `python tests/unit/test_match_vectors.py` writes the file of a model that has none. A rule that
would decide otherwise is switched on by a new version of the model, and the older versions go on without it.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.core.match.measuring.trying import Trial
from gateway.core.roster import read_roster
from gateway.sandbox.roster import HEADERS
from gateway.sandbox.truth import TruthPlan, roster_of, roster_row, truth_of
from gateway.settings.matching import load_model, model_files

VECTORS = Path(__file__).parent / "vectors"
MODELS = Path(__file__).parents[2] / "config" / "matching"
VERSIONS = [file.stem.removeprefix("model-") for file in model_files(MODELS)]


def vectors_of(version: str) -> Path:
    return VECTORS / f"match_model_{version}.json"


def decided(version: str, roster: str, lines: list[str]) -> list[dict[str, Any]]:
    """The decisions of a model, the waterfall's last sum left out: the score is made of it."""
    trial = Trial(
        read_roster(roster.encode(), with_coverage=False).people, load_model(MODELS, version), looks_further=True
    )
    return [trial.answer(line.encode()) for line in lines]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_model_decides_as_it_always_did(version: str) -> None:
    held = json.loads(vectors_of(version).read_text(encoding="utf-8"))
    lines = [json.dumps(each, ensure_ascii=False) for each in held["records"]]
    found = decided(version, held["roster"], lines)
    assert {each["outcome"] for each in found} == {"matched", "review", "none"}
    for record, now, then in zip(held["records"], found, held["decisions"], strict=True):
        assert now == then, record["settlement_no"]


def _invented() -> tuple[str, list[str]]:
    plan = TruthPlan(members=120, records=240, mix="hard", seed=20, regions=("150999",))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADERS)
    writer.writerows(roster_row(person, opted_out=plan.world.opted_out(person.index)) for person in roster_of(plan))
    return text.getvalue(), [msgspec.json.encode(line).decode() for line, _ in truth_of(plan)]


def main() -> int:
    """Write the vectors of models that have none."""
    for version in VERSIONS:
        if not vectors_of(version).exists():
            roster, lines = _invented()
            held = {
                "roster": roster,
                "records": [json.loads(line) for line in lines],
                "decisions": decided(version, roster, lines),
            }
            text = json.dumps(held, ensure_ascii=False, indent=0)
            vectors_of(version).write_text(text + "\n", encoding="utf-8")
            sys.stdout.write(f"{vectors_of(version).name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
