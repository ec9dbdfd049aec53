"""Work spread over processes: all shares are done, and a process that dies is told of, never waited for."""

from __future__ import annotations

import operator
import os

import pytest

from gateway.runners.processes import spread


def test_every_share_is_done_in_a_process_of_its_own() -> None:
    done = spread(operator.concat, [([1],), ([2],)], list)
    assert [share.result for share in done] == [[1, 1], [2, 2]]
    assert all(share.ended >= share.began and share.peak > 0 for share in done)


def test_a_process_that_dies_while_preparing_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="without an answer"):
        spread(operator.concat, [(3,)], os._exit)
