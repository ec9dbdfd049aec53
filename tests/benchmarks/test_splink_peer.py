"""Beside Splink on the same truth: never less precise, and more complete where money may be paid. Needs Splink."""

from __future__ import annotations

from pathlib import Path

import pytest
import splink_peer


@pytest.mark.full
@pytest.mark.skipif(not splink_peer.has_splink(), reason="Splink is not installed: see splink_peer.py")
def test_never_less_precise_and_more_complete_where_precision_is_what_money_needs(tmp_path: Path) -> None:
    data = splink_peer.read_data(tmp_path, members=5000, records=5000, mix="hard", seed=2)
    own = splink_peer.ours(data).evaluation.total
    peers = [line.evaluation.total for line in splink_peer.splink(data, tmp_path, way="levels")]
    assert (own.precision or 0) >= max(peer.precision or 0 for peer in peers)
    careful = [peer for peer in peers if (peer.precision or 0) >= splink_peer.PRECISE]
    assert (own.recall_of_all or 0) > max((peer.recall_of_all or 0 for peer in careful), default=0)
