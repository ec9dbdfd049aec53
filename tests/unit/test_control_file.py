"""Control files as leagues write them: what they tell, what they do not, and what is said to be unreadable."""

from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import drop_folder

from connectors.transport.control import ControlTotals, read_control


@pytest.mark.parametrize(
    "content",
    [
        b"rows=12\namount=3456.78\n",
        b"\xef\xbb\xbfrows=12\r\namount=3456.78\r\n",
        b"COUNT: 12\nSUM: 3456.78",
        "笔数=12\n金额=3456.78\n".encode("gb18030"),
        "总金额：3456.78\n总笔数：12\n文件日期：20260301\n".encode(),
        b"count\t12\nsum\t3456.78\n",
        b"file,setl_20260301.csv\ncount,12\namount,3456.78\nmd5,0123456789abcdef\n",
    ],
)
def test_count_and_money_by_any_of_their_names(content: bytes) -> None:
    assert read_control(content) == ControlTotals(rows=12, amount=345_678)


@pytest.mark.parametrize("content", [b"", b"done\n", b"2026-03-01 02:00:00\n", b"md5=0123456789abcdef\n", b"rows=\n"])
def test_a_bare_marker_tells_nothing(content: bytes) -> None:
    assert read_control(content) == ControlTotals()


@pytest.mark.parametrize(
    ("content", "rows", "amount"),
    [
        (b"rows=twelve\namount=1.00", None, 100),
        (b"rows=12\namount=1,000.00", 12, None),
        (b"rows=-1\namount=1.00", None, 100),
        (b"rows=12\namount=1.005", 12, None),
        ("rows=１２\namount=1.00".encode(), None, 100),
        (b"rows=1234567890\n", None, None),
    ],
)
def test_what_is_named_and_cannot_be_read_is_said(content: bytes, rows: int | None, amount: int | None) -> None:
    assert read_control(content) == ControlTotals(rows=rows, amount=amount, unreadable=True)


def test_a_control_file_beside_a_file_is_its_marker_and_tells_its_totals(tmp_path: Path) -> None:
    for day, control in ((1, "笔数=2\n金额=30.50\n"), (2, "笔数=两\n")):
        (tmp_path / f"x_2026030{day}.csv").write_bytes(b"a\n1\n2\n")
        (tmp_path / f"x_2026030{day}.ctl").write_bytes(control.encode("gb18030"))
    feed = drop_folder(folder=str(tmp_path), pattern="x_*.csv", marker=".ctl")
    first, second = feed.fetch(None, first=None, last=None)
    assert [(totals.rows, totals.amount) for totals in first.totals] == [(2, 3050)]
    assert second.totals == ()
    assert [(notice.kind, notice.detail) for notice in feed.notices()] == [("totals_unreadable", "x_20260302.ctl")]
