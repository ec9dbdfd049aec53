"""generate → eval → train on the command line: what is printed, what is written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import BadInput, WrongUse
from gateway.settings.matching import load_model

SMALL = ("--members", "400", "--records", "400", "--mix", "hard", "--region", "150999")


def hubao(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def figures(*arguments: str | Path) -> dict[str, Any]:
    done = hubao(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth")
    made = figures("match", "generate", *SMALL, folder)
    assert sum(made["kinds"].values()) == 400
    return folder


def test_the_shipped_model_makes_no_false_match(truth: Path) -> None:
    found = figures("match", "eval", truth)
    assert (found["records"], found["members"], found["unlabelled"], found["unanswered"]) == (400, 100, 0, 0)
    assert found["precision"] == 1.0
    assert found["reached"] > 0.95
    assert sum(tally["records"] for tally in found["kinds"].values()) == 400
    assert all(each["low"] <= each["predicted"] <= each["high"] for each in found["calibration"])


def test_files_named_one_by_one_say_the_same(truth: Path) -> None:
    files = ("--roster", truth / "roster.csv", "--records", truth / "records.jsonl")
    assert figures("match", "eval", truth / "truth.jsonl", *files) == figures("match", "eval", truth)


def test_people_see_tables_and_a_chart(truth: Path, tmp_path: Path) -> None:
    done = hubao("match", "eval", truth, "--chart", tmp_path / "chart.svg")
    assert done.exit_code == 0
    assert "自动精确率 (automatic precision) 100.000 %" in done.stdout
    assert "used_by_stranger" in done.stdout
    assert b"<svg" in (tmp_path / "chart.svg").read_bytes()


def test_labels_of_others_need_only_a_number_and_a_member(truth: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (truth / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    bare = [json.dumps({"settlement_no": line["settlement_no"], "member_no": line["member_no"]}) for line in lines]
    (tmp_path / "labels.jsonl").write_text("\n".join(bare), encoding="utf-8")
    files = ("--roster", truth / "roster.csv", "--records", truth / "records.jsonl")
    found = figures("match", "eval", tmp_path / "labels.jsonl", *files)
    assert set(found["kinds"]) == {"unlabelled"}
    assert found["recall"] == found["recall_of_all"]


def test_training_writes_the_next_version_and_says_what_changes(truth: Path, tmp_path: Path) -> None:
    roster = ("--roster", truth / "roster.csv")
    found = figures("match", "train", *roster, "--truth", truth, "--out", tmp_path)
    assert found["file"] == f"model-{found['version']}.toml"
    assert load_model(tmp_path).version == found["version"]
    assert {"field", "level", "before", "after"} == found["changes"][0].keys()
    again = figures("match", "train", *roster, "--truth", truth, "--out", tmp_path)
    assert int(again["version"]) == int(found["version"]) + 1


def test_training_dry_writes_nothing(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").write_text('{"levels": {"name": "typo"}, "same": false, "model": "1"}\n')
    told = ("--decisions", tmp_path / "decisions.jsonl")
    done = hubao("match", "train", "--roster", truth / "roster.csv", *told, "--out", tmp_path, "--dry-run")
    assert done.exit_code == 0
    assert "未写文件" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["decisions.jsonl"]


def test_wrong_use_is_refused_with_what_to_do(truth: Path, tmp_path: Path) -> None:
    roster = ("--roster", truth / "roster.csv")
    assert isinstance(hubao("match", "generate", "--mix", "worst", tmp_path).exception, WrongUse)
    assert isinstance(hubao("match", "generate", "--region", "15099", tmp_path).exception, WrongUse)
    assert isinstance(hubao("match", "eval", truth / "truth.jsonl").exception, WrongUse)
    assert isinstance(hubao("match", "eval", tmp_path).exception, WrongUse)
    assert isinstance(hubao("match", "train", *roster, "--out", tmp_path / "nowhere").exception, WrongUse)
    (tmp_path / "bad.jsonl").write_text("[1]\n")
    bad = ("--decisions", tmp_path / "bad.jsonl", "--out", tmp_path)
    assert isinstance(hubao("match", "train", *roster, *bad).exception, BadInput)
    files = (*roster, "--records", truth / "records.jsonl")
    assert isinstance(hubao("match", "eval", tmp_path / "bad.jsonl", *files).exception, BadInput)


# ── wrong input is said, before any work ──


def refused(*arguments: str | Path) -> str:
    done = hubao(*arguments)
    assert isinstance(done.exception, (WrongUse, BadInput)), done.exception
    return str(done.exception)


def test_a_chart_that_cannot_be_written_is_refused_at_once(truth: Path, tmp_path: Path) -> None:
    assert "不能写到" in refused("match", "eval", truth, "--chart", tmp_path / "nowhere" / "c.svg")


def test_labels_on_a_chart_are_whole(truth: Path, tmp_path: Path) -> None:
    hubao("match", "eval", truth, "--chart", tmp_path / "chart.svg")
    drawn = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert "0.99999–1 (" in drawn
    assert "…" not in drawn


def test_nothing_to_measure_is_no_success(truth: Path, tmp_path: Path) -> None:
    empty = tmp_path / "labels.jsonl"
    empty.write_bytes(b"")
    files = ("--roster", truth / "roster.csv", "--records", truth / "records.jsonl")
    assert "标注" in refused("match", "eval", empty, *files)


def test_nothing_is_learnt_from_a_handful_of_people(truth: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    lines = (truth / "roster.csv").read_text(encoding="utf-8-sig").splitlines()
    few.write_text("\n".join(lines[:3]), encoding="utf-8")
    assert "至少要100名" in refused("match", "train", "--roster", few, "--out", tmp_path)
    assert list(tmp_path.glob("model-*")) == []


def test_a_roster_without_numbers_matches_nobody_and_says_so(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("会员号,姓名\nM1,试一\n", encoding="utf-8")
    assert "名册的列不对" in refused("match", "try", "--roster", tmp_path / "roster.csv", truth / "records.jsonl")


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), None),
        (lambda text: text.encode("gb18030"), "GB18030"),
        (lambda text: text.encode("utf-16"), "UTF-16"),
        (lambda text: b"[" + text.encode().replace(b"\n", b",\n") + b"]", "JSON"),
    ],
    ids=["mark", "gb18030", "utf-16", "array"],
)
def test_what_are_no_lines_of_json_is_said_once(truth: Path, tmp_path: Path, encode: Any, words: str | None) -> None:
    lines = (truth / "records.jsonl").read_text(encoding="utf-8").splitlines()[:3]
    (tmp_path / "records.jsonl").write_bytes(encode("\n".join(lines)))
    done = hubao("match", "try", "--roster", truth / "roster.csv", tmp_path / "records.jsonl")
    assert done.exit_code == 0
    said = [line for line in done.stderr.splitlines() if "行起" in line]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["reasons"] == ["unreadable_record"]) == (words is not None)
