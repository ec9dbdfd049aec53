"""The second truth: invented, the same for a seed, apart from the first; and what the matching makes of it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.core.match.measuring.evaluating import Evaluation, Label, MatchAnswer, evaluate
from gateway.core.match.measuring.trying import Trial
from gateway.core.roster import read_roster
from gateway.model.national_id import check_digit, checksum_ok
from gateway.sandbox.second_people import last_character
from gateway.sandbox.second_truth import HAPPENINGS, SNARES, second_truth, write_second_truth
from gateway.settings.matching import load_model

MODELS = Path(__file__).resolve().parents[2] / "config" / "matching"
SANDBOX = Path(__file__).resolve().parents[2] / "gateway" / "sandbox"


@cache
def judged(mix: str) -> Evaluation:
    """The matching as a new site has it, over this truth."""
    roster, records = second_truth(3000, 6000, mix, 5)
    text = "\n".join(",".join(row) for row in roster)
    trial = Trial(read_roster(text.encode(), with_coverage=False).people, load_model(MODELS))
    labels, answers = [], []
    for line, label in records:
        labels.append(msgspec.convert(label, Label))
        answer = trial.answer(msgspec.json.encode(line))
        answers.append((str(line["settlement_no"]), msgspec.convert(answer, MatchAnswer)))
    return evaluate(labels, answers)


@pytest.mark.parametrize(
    ("mix", "automatic", "with_review", "to_review"), [("hard", 0.98, 0.999, 0.06), ("life", 0.997, 0.9995, 0.005)]
)
def test_what_must_be_reached_is(mix: str, automatic: float, with_review: float, to_review: float) -> None:
    total = judged(mix).total
    assert (total.false, judged(mix).false_matches) == (0, ())
    assert total.recall is not None and total.recall >= automatic
    assert total.reached is not None and total.reached >= with_review
    assert total.review_share is not None and total.review_share <= to_review


def test_every_happening_and_every_snare_occurs() -> None:
    assert set(judged("hard").kinds) >= HAPPENINGS.keys() | SNARES.keys()


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for folder, seed in (("one", 1), ("two", 1), ("other", 2)):
        counts = write_second_truth(tmp_path / folder, members=200, records=80, mix="hard", seed=seed)
        assert sum(counts.values()) == 80
    for name in ("roster.csv", "records.jsonl", "truth.jsonl"):
        one, two, other = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two", "other"))
        assert one == two != other


def test_it_shares_no_code_with_the_first() -> None:
    for file in SANDBOX.glob("second_*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {module for module in imported if module.startswith("gateway")} <= {
            "gateway.sandbox.second_people",
            "gateway.sandbox.second_writings",
        }


def test_its_numbers_are_sound_and_no_countys() -> None:
    roster, _ = second_truth(2000, 4, "hard", 3)
    numbers: list[Any] = [row[3] for row in roster[1:] if len(row[3]) == 18]
    wrong = [number for number in numbers if not checksum_ok(number)]
    assert all(number.startswith("15099") for number in numbers if checksum_ok(number))
    assert 0 < len(wrong) < 10
    assert all(last_character(number[:17]) == check_digit(number[:17]) for number in numbers if number[:17].isdigit())
