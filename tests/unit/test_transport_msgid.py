"""Message ids never repeat: not in a second, not over threads, processes, restarts, or a clock set back."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.transport.msgid import MessageIds, default_state, following
from gateway.errors import Unavailable

NOW = datetime(2026, 3, 1, 2, 0, 0, 999_999, tzinfo=ZoneInfo("Asia/Shanghai"))
FACILITY = "H15030000001"

FOLLOWING = [
    ("", "202603010200000000"),
    ("202603010200000000", "202603010200000001"),
    ("202603010159599999", "202603010200000000"),
    ("202603010200009999", "202603010200010000"),
    ("202603012359599999", "202603020000000000"),  # The clock was set back; the number runs ahead.
    ("209901010000000005", "202603010200000000"),  # A clock that stood in the far future is forgotten.
    ("not a number", "202603010200000000"),
    ("202613990200000000", "202603010200000000"),
    ("２０２６０３０１０２０００００００１", "202603010200000000"),
]


@pytest.mark.parametrize(("last", "wanted"), FOLLOWING)
def test_the_number_after_the_last(last: str, wanted: str) -> None:
    assert following(last, NOW) == wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(min_value=-3000, max_value=3000), min_size=2, max_size=50))
def test_whatever_the_clock_does_numbers_only_grow(jumps: list[int]) -> None:
    last, given_out = "", []
    for seconds in jumps:
        last = following(last, NOW + timedelta(seconds=seconds))
        given_out.append(last)
    assert given_out == sorted(set(given_out))


def test_an_id_is_facility_second_and_sequence(tmp_path: Path) -> None:
    ids = MessageIds(FACILITY, state=tmp_path / "last")
    assert [ids(NOW), ids(NOW)] == [f"{FACILITY}202603010200000000", f"{FACILITY}202603010200000001"]
    assert len(ids(NOW)) == 30
    assert (tmp_path / "last").stat().st_mode & 0o777 == 0o600


def test_a_restart_in_the_same_second_goes_on(tmp_path: Path) -> None:
    first = MessageIds(FACILITY, state=tmp_path / "last")(NOW)
    assert MessageIds(FACILITY, state=tmp_path / "last")(NOW) > first


def test_threads_share_no_number(tmp_path: Path) -> None:
    ids = MessageIds(FACILITY, state=tmp_path / "last")
    with ThreadPoolExecutor(8) as pool:
        given_out = list(pool.map(lambda _: ids(NOW), range(400)))
    assert len(set(given_out)) == 400


PROCESS = """
import sys
from datetime import datetime
from pathlib import Path
from connectors.transport.msgid import MessageIds
ids = MessageIds("H15030000001", state=Path(sys.argv[1]))
print("\\n".join(ids(datetime(2026, 3, 1, 2)) for _ in range(300)))
"""


def test_processes_share_no_number(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "last")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    given_out = [line for process in running for line in process.communicate(timeout=60)[0].split()]
    assert len(given_out) == 600
    assert len(set(given_out)) == 600


def test_a_state_that_cannot_be_written_stops_the_call(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="报文序号"):
        MessageIds(FACILITY, state=tmp_path / "missing" / "last")(NOW)


def test_a_link_in_the_states_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("keep me")
    (tmp_path / "last").symlink_to(tmp_path / "victim")
    with pytest.raises(Unavailable):
        MessageIds(FACILITY, state=tmp_path / "last")(NOW)
    assert (tmp_path / "victim").read_text() == "keep me"


def test_facilities_do_not_share_a_state() -> None:
    assert default_state("H15030000001") != default_state("H15030000002")
