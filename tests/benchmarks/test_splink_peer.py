"""Beside Splink on the same truth: never less precise, and at its precision at least as complete. Needs Splink."""

from __future__ import annotations

from pathlib import Path

import pytest
import splink_peer


@pytest.mark.full
@pytest.mark.skipif(not splink_peer.has_splink(), reason="Splink is not installed: see splink_peer.py")
def test_at_its_precision_we_find_at_least_as_much_and_by_ourselves_match_nobody_wrongly(tmp_path: Path) -> None:
    data = splink_peer.read_data(tmp_path, members=5000, records=5000, mix="hard", seed=2)
    line, points = splink_peer.ours(data)
    peers = [each for way in ("library", "levels") for each in splink_peer.splink(data, tmp_path, way=way)]
    assert line.evaluation.total.false == 0
    for peer in peers:
        found = splink_peer.beside(peer, points).beside
        assert found is not None
        assert found.recall_of_all >= (peer.evaluation.total.recall_of_all or 0), str(peer)
        assert found.recall >= (peer.evaluation.total.recall or 0), str(peer)
