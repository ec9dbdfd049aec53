"""Every league that can be played by itself: what arrived is what its script says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.rehearsal import rehearse
from gateway.sandbox.played import LEAGUES_PLAYED


@pytest.mark.parametrize("feed", sorted(LEAGUES_PLAYED))
def test_what_arrived_is_the_leagues_truth(feed: str, tmp_path: Path) -> None:
    report = rehearse(tmp_path / "site", feed, seed=7)
    assert report.differences == []
    assert report.rows["member"] > 5
    assert report.rows["stranger"] > 20
    assert report.rows["quarantined"] >= 3
    assert report.rows["review"] >= 1
