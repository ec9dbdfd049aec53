"""Model files: the newest is in force unless another is named; everything wrong with one is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from match_builders import MODELS, member, record

from gateway.core.match import LEVELS, explain
from gateway.errors import BadSettings
from gateway.settings.matching import load_model, model_files, site_looks_further, site_model

SHIPPED = (MODELS / "model-1.toml").read_text(encoding="utf-8")


def _write(folder: Path, version: str, text: str = SHIPPED) -> None:
    (folder / f"model-{version}.toml").write_text(text.replace('version = "1"', f'version = "{version}"'), "utf-8")


def test_every_shipped_model_is_sound_and_says_how_it_was_estimated() -> None:
    for path in model_files(MODELS):
        model = load_model(MODELS, path.stem.removeprefix("model-"))
        assert set(model.weights) <= set(LEVELS)
        assert "estimated = " in path.read_text(encoding="utf-8")


def test_the_newest_version_counts_as_numbers_do(tmp_path: Path) -> None:
    for version in ("1", "2", "10", "9.9"):
        _write(tmp_path, version)
    assert load_model(tmp_path).version == "10"
    assert load_model(tmp_path, "2").version == "2"


def test_a_site_names_its_model_and_may_have_none(tmp_path: Path) -> None:
    assert site_model(tmp_path).version == load_model(MODELS).version
    (tmp_path / "config" / "matching").mkdir(parents=True)
    (tmp_path / "config" / "gateway.toml").write_text('[matching]\nmodel = "3"\n', encoding="utf-8")
    for version in ("3", "4"):
        _write(tmp_path / "config" / "matching", version)
    assert site_model(tmp_path).version == "3"


def test_a_site_says_whether_sound_numbers_are_looked_further_for(tmp_path: Path) -> None:
    assert site_looks_further(tmp_path)  # Where there is no site, no night waits.
    (tmp_path / "config").mkdir()
    for choice, further in (("", False), ('look_further = "always"', True), ('look_further = "unsound"', False)):
        (tmp_path / "config" / "gateway.toml").write_text(f"[matching]\n{choice}\n", encoding="utf-8")
        assert site_looks_further(tmp_path) is further


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("review = 0.5", "review = 0.999999", "matched must be above review"),
        ("one_digit = ", "one_digt = ", "unknown id_number.one_digt; missing id_number.one_digit"),
        ("prior = ", "priory = ", "prior"),
        ("prior = 0.0000025", "prior = 2.5", "less than 1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    assert wrong in SHIPPED
    _write(tmp_path, "1", SHIPPED.replace(wrong, right))
    with pytest.raises(BadSettings, match=said):
        load_model(tmp_path)


def test_a_file_bears_its_version(tmp_path: Path) -> None:
    (tmp_path / "model-2.toml").write_text(SHIPPED, encoding="utf-8")
    with pytest.raises(BadSettings, match="version"):
        load_model(tmp_path)


def test_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no model"):
        load_model(tmp_path)
    with pytest.raises(BadSettings, match="model-7"):
        load_model(tmp_path, "7")


def test_a_level_that_a_file_does_not_know_weighs_nothing(tmp_path: Path) -> None:
    older = "\n".join(line for line in SHIPPED.splitlines() if not line.startswith(("two_digits =", "newborn =")))
    older = older.replace(
        "[levels.person_no]\nknown = { m = 0.9, u = 0.0000001 }\nmissing = { m = 0.5, u = 0.5 }\n", ""
    )
    assert "person_no" not in older
    _write(tmp_path, "1", older)
    model = load_model(tmp_path)
    assert model.weight("id_number", "two_digits") == model.weight("name", "newborn") == 0.0
    assert model.weight("person_no", "known") == model.weight("person_no", "missing") == 0.0
    told = {step.field: step for step in explain(record(person_no="P1"), member(person_nos=("P1",)), model)}
    untold = {step.field: step for step in explain(record(), member(), load_model(MODELS, "1"))}
    assert (told["person_no"].level, told["person_no"].weight) == ("known", 0.0)
    assert [field for field in untold if told[field].weight != untold[field].weight] == []


def test_a_level_that_the_same_number_does_not_know_weighs_nothing(tmp_path: Path) -> None:
    newest = (MODELS / "model-2.toml").read_text(encoding="utf-8")
    head, _, table = newest.partition("[same_number.levels.name]")
    lines = [line for line in table.splitlines() if not line.startswith("newborn =")]
    (tmp_path / "model-2.toml").write_text(head + "[same_number.levels.name]" + "\n".join(lines), encoding="utf-8")
    same_number = load_model(tmp_path).same_number
    assert same_number is not None
    assert "newborn" not in same_number.levels["name"]
    steps = explain(record(name="李伟国之子"), member(), load_model(tmp_path))
    assert [(step.level, step.weight) for step in steps if step.field == "name"] == [("newborn", 0.0)]
