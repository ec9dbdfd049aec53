"""An administrator connects a league from a sample: what `connectors/README.md` shows, run as it stands there; then a
second version of the mapping, an edit in place, and the way back."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from unknown_leagues import LEAGUES

from gateway.cli.main import app
from gateway.settings.versions import files_of, state_of

ROOT = Path(__file__).parents[2]
OWN_CODES = {"21": "ZY", "11": "MZ", "14": "MB"}


def write_sample(folder: Path) -> None:
    """`day.txt`, with the league's own codes of care, and `roster.csv` with six people who were in hospital."""
    league = next(league for league in LEAGUES if league.name == "headerless")
    rows = [line.split("\t") for line in league.content.decode("gbk").splitlines()]
    for row in rows:
        row[11] = OWN_CODES[row[11]]
    (folder / "day.txt").write_bytes("".join("\t".join(row) + "\r\n" for row in rows).encode("gbk"))
    people = list(dict.fromkeys((row[3], row[4]) for row in rows if row[11] == "ZY"))[:6]
    lines = [
        f"M{n:04},{name},{number},nm-inpatient,2025-06-01,2026-05-31" for n, (name, number) in enumerate(people, 1)
    ]
    text = "\n".join(["会员号,姓名,证件号码,险种,保障开始,保障结束", *lines, ""])
    (folder / "roster.csv").write_text(text, encoding="utf-8")


def story(readme: str) -> list[tuple[str, list[str]]]:
    """The commands of the guide and, behind each, the lines it shows."""
    text = (ROOT / "connectors" / readme).read_text(encoding="utf-8")
    block = re.search(r"```text\n(\$ hubao init .*?)```", text, re.DOTALL)
    assert block is not None
    steps: list[tuple[str, list[str]]] = []
    for line in block[1].replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return steps


def hubao(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done.exit_code, done.output


def answer(*words: str, code: int = 0) -> Any:
    exit_code, output = hubao(*words, "--json")
    assert exit_code == code, output
    return msgspec.json.decode(output.splitlines()[-1])


def shows(output: str, line: str) -> bool:
    """Whether a line of the guide stands in what was printed; `…` is anything, and spaces are only spaces."""
    parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
    return re.search(".*".join(parts), " ".join(output.split())) is not None


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[tuple[str, str, int]]]]:
    """A site after the guide was followed to its end: (folder, [(command, output, exit code)])."""
    folder = tmp_path_factory.mktemp("newcomer")
    write_sample(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = []
        for command, _ in story("README.md"):
            program, *words = shlex.split(command)
            if program == "hubao":
                code, output = hubao(*words)
                done.append((command, output, code))
            elif program == "cp":
                shutil.copy(*words)
            else:
                assert program == "touch"
                Path(words[0]).touch()
        yield folder, done


def test_what_the_guide_shows_is_what_is_printed(told: tuple[Path, list[tuple[str, str, int]]]) -> None:
    _, done = told
    shown = dict(story("README.md"))
    missing = [line for command, output, _ in done for line in shown[command] if not shows(output, line)]
    assert missing == []
    # The first try stops at what somebody must look at; the night says that nobody listens at the association's.
    assert [code for _, _, code in done] == [0, 0, 0, 1, 0, 0, 1, 0]
    assert len(done) < 10


def test_both_editions_of_the_guide_tell_the_same_story() -> None:
    assert story("README.md") == story("README.zh-CN.md")


@pytest.fixture
def site(told: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of that site, to be changed."""
    shutil.copytree(told[0] / "site", tmp_path / "site")
    return tmp_path / "site"


def newer_mapping(site: Path, folder: Path, *, version: int = 2) -> Path:
    """The mapping that takes 超限价 for 全自费 and the other way round, as its sample would have allowed too; with what
    that changes in the examples: nothing that they show."""
    text = (site / "mappings/north.toml").read_text(encoding="utf-8").replace("version = 1", f"version = {version}")
    swapped = text.replace('from = ["full_self_amount"]', 'from = ["?"]')
    swapped = swapped.replace('from = ["over_limit_amount"]', 'from = ["full_self_amount"]')
    (folder / "new.toml").write_text(swapped.replace('from = ["?"]', 'from = ["over_limit_amount"]'), encoding="utf-8")
    return folder / "new.toml"


def test_a_second_version_is_kept_beside_the_first_and_one_command_goes_back(site: Path, tmp_path: Path) -> None:
    at = ("--site", str(site), "feed")
    first = files_of(site, "north", "north")
    new = str(newer_mapping(site, tmp_path, version=1))
    # Its lines are doubtful again, and its number is that of the one in force.
    refused = answer(*at, "activate", "north", "--mapping", new, code=1)
    assert [finding["gate"] for finding in refused["findings"]] == ["version", "doubts"]
    assert (refused["done"], files_of(site, "north", "north")) == (False, first)

    new = str(newer_mapping(site, tmp_path))
    done = answer(*at, "activate", "north", "--mapping", new, "--checked", "--yes", "--by", "乙", "--note", "对方来函")
    assert (done["done"], done["version"]) == (True, 2)
    # Ten rows of members that are stored would be read otherwise; no claim is worth another sum for it.
    assert set(done["difference"]["fields"]) == {"full_self_amount", "over_limit_amount"}
    assert "over_limit_amount" in (site / "mappings/north.toml").read_text(encoding="utf-8")
    codes = {finding["code"] for finding in answer("--site", str(site), "findings", code=1)["findings"]}
    assert "mapping_changed" in codes
    assert "feed_edited" not in codes

    shown = answer(*at, "back", "north", "--dry-run")
    assert (shown["version"], shown["done"]) == (1, False)
    back = answer(*at, "back", "north", "--yes", "--by", "乙")
    assert (back["version"], files_of(site, "north", "north")) == (1, first)
    history = answer(*at, "history", "north")
    assert (history["in_force"], history["edited"]) == (1, False)
    deeds = [(deed["version"], deed["deed"], deed["by"]) for deed in history["deeds"]]
    assert deeds[1:] == [(2, "activate", "乙"), (1, "back", "乙")]
    log = answer("--site", str(site), "review", "log")["accesses"]
    assert [entry["what"] for entry in log if entry["by"] == "乙" and entry["what"] != "feed_try"] == [
        "feed_back",
        "feed_activate",
    ]


def test_an_edit_in_place_is_told_until_it_is_in_force_or_taken_back(site: Path) -> None:
    at = ("--site", str(site), "feed")
    file = site / "config/feeds/north.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("北方市办事处", "北方市总工会"), encoding="utf-8")

    def edited() -> bool:
        told = answer("--site", str(site), "findings", code=1)["findings"]
        return "feed_edited" in {finding["code"] for finding in told}

    assert edited()
    assert answer(*at, "history", "north")["edited"] is True
    assert [finding["gate"] for finding in answer(*at, "activate", "north", code=1)["findings"]] == ["version"]
    # Nothing was in force before the first version, but the first version is one to go back to.
    assert answer(*at, "back", "north", "--to", "1", "--yes")["version"] == 1
    assert not edited()
    deeds = [deed.deed for deed in state_of(site, "north").deeds]
    assert deeds == ["activate", "set_aside", "back"]
    assert "北方市总工会" in (site / "versions/north/2/feed.toml").read_text(encoding="utf-8")


def test_the_gate_lists_all_that_is_wrong_at_once_and_changes_nothing(site: Path, tmp_path: Path) -> None:
    at = ("--site", str(site), "feed")
    write_sample(tmp_path)
    assert (
        hubao(*at, "new", "south", "--kind", "folder", "--region", "150999", "--sample", str(tmp_path / "day.txt"))[0]
        == 0
    )
    mapping = site / "mappings/south.toml"
    text = mapping.read_text(encoding="utf-8").replace('"MB" = "outpatient", ', "")
    mapping.write_text(re.sub(r"\[fields\.name\]\nfrom.*\n", "", text), encoding="utf-8")
    tests = site / "mappings/south.test.toml"
    tests.write_text(
        tests.read_text(encoding="utf-8").replace('"total_amount" = "', '"total_amount" = "1'), encoding="utf-8"
    )
    shutil.rmtree(site / "data/inbound/south")
    before = {path: path.read_bytes() for path in (site / "config").rglob("*.toml")}
    refused = answer(*at, "activate", "south", "--sample", str(tmp_path / "day.txt"), code=1)
    gates = {finding["gate"] for finding in refused["findings"]}
    assert gates == {"fill_in", "legal", "settings", "doubts", "examples", "try"}
    assert any("MB" in finding["problem"] for finding in refused["findings"])
    assert any("name" in finding["problem"] for finding in refused["findings"] if finding["gate"] == "settings")
    assert any("data/inbound/south" in finding["problem"] for finding in refused["findings"])
    assert {path: path.read_bytes() for path in (site / "config").rglob("*.toml")} == before
    assert not (site / "versions/south").exists()


def test_a_script_that_leaves_something_out_is_told_all_of_it(site: Path) -> None:
    done = CliRunner().invoke(app, ["--site", str(site), "feed", "new", "--json"])
    assert "NAME" in str(done.exception)
    assert "--kind" in str(done.exception)
    assert "--region" in str(done.exception)
