"""Every league that can be played by itself: what arrived is what its script says, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gateway import rehearsal
from gateway.cli.demo import _rehearse_all
from gateway.cli.main import app
from gateway.rehearsal import rehearse
from gateway.sandbox import longyan, played
from gateway.sandbox.play import NothingToPlayOn, Play, PlayLeague
from gateway.sandbox.played import LEAGUES_PLAYED
from gateway.sandbox.script import Script


@pytest.mark.parametrize("feed", sorted(LEAGUES_PLAYED))
def test_what_arrived_is_the_leagues_truth(feed: str, tmp_path: Path) -> None:
    _is_its_truth(tmp_path / "site", feed)


_ON_BOTH = ("hinggan", "longyan", "tongliao")
"""A file, pushes, and a view of a database: these are played on PostgreSQL at every run of the tests."""


@pytest.mark.parametrize(
    "feed",
    [
        pytest.param(feed, id=f"postgres-{feed}", marks=() if feed in _ON_BOTH else pytest.mark.full)
        for feed in sorted(LEAGUES_PLAYED)
    ],
)
def test_on_postgresql_it_is_no_other_truth(
    feed: str, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBAO_DATABASE_URL", postgres_url)
    _is_its_truth(tmp_path / "site", feed)
    assert not (tmp_path / "site" / "data" / "hubao.db").exists()


def _is_its_truth(site: Path, feed: str) -> None:
    """Play a league, and hold what arrived against its script."""
    try:
        report = rehearse(site, feed, seed=7)
    except NothingToPlayOn as missing:
        pytest.skip(str(missing))
    assert report.differences == []
    assert report.rows["member"] > 5
    assert report.rows["stranger"] > 20
    assert report.rows["quarantined"] >= 3
    assert report.rows["review"] >= 1


_LARGE = """
import resource, sys
from pathlib import Path
from gateway import rehearsal
from gateway.sandbox import shanghai
many, peaks, run_feed = int(sys.argv[2]), [], rehearsal.run_feed

def watched(*words):
    run_feed(*words)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

rehearsal.run_feed = watched
rehearsal.LEAGUES_PLAYED = {"shanghai": shanghai.with_strangers(many)}
report = rehearsal.rehearse(Path(sys.argv[1]), "shanghai", seed=7)
assert report.differences == [], report.differences
assert report.rows["stranger"] > many
print(*peaks)
"""
"""Prints the most memory it took, in KiB, until its night's intake was over."""


@pytest.mark.full
def test_a_million_rows_are_taken_in_with_no_more_memory_than_a_fifth_of_them(tmp_path: Path) -> None:
    peaks = []
    for many in (200_000, 1_000_000):
        place = str(tmp_path / str(many))
        done = subprocess.run(
            [sys.executable, "-P", "-c", _LARGE, place, str(many)], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        peaks.append(int(done.stdout.split()[-1]))
    # Eight hundred thousand rows more are 330 MB of text.
    assert peaks[1] < peaks[0] + 64 * 1024


@pytest.mark.full
def test_the_demo_of_all_says_which_league_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = _one_row_less(LEAGUES_PLAYED["manzhouli"])
    monkeypatch.setattr(played, "LEAGUES_PLAYED", {"hinggan": LEAGUES_PLAYED["hinggan"], "manzhouli": other})
    monkeypatch.setattr(rehearsal, "LEAGUES_PLAYED", {"hinggan": LEAGUES_PLAYED["hinggan"], "manzhouli": other})
    shown = CliRunner().invoke(app, ["--site", str(tmp_path), "demo", "--all", "--json"])
    assert shown.exit_code == 1
    [right, wrong] = json.loads(shown.stdout.splitlines()[-1])["leagues"]
    assert (right["feed"], right["differences"]) == ("hinggan", [])
    assert wrong["feed"] == "manzhouli"
    assert len(wrong["differences"]) == 1
    assert list(tmp_path.glob("demo-site/*-*/site")) == []


def test_a_league_that_cannot_be_played_here_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longyan, "_BROKER", ("127.0.0.1", 1))
    monkeypatch.setattr(played, "LEAGUES_PLAYED", {name: LEAGUES_PLAYED[name] for name in ("hinggan", "longyan-queue")})
    lines: list[str] = []
    reports = _rehearse_all(tmp_path, 7, lines.append)
    assert [(report.feed, report.differences) for report in reports] == [("hinggan", [])]
    assert "longyan-queue" in lines[1]
    assert "no broker at 127.0.0.1:1)" in lines[1]


def _one_row_less(league: PlayLeague) -> PlayLeague:
    """A league that says of itself that one row less is quarantined than it sends."""

    @contextmanager
    def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
        with league(script, clock) as true:
            yield msgspec.structs.replace(true, extra={"quarantined": true.extra["quarantined"] - 1})

    return play
