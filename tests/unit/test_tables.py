"""Tables on a terminal: no heading is cut, no number broken, and a list says that it stops before its end."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from rich.cells import cell_len

from gateway.cli.output import table, tell_more
from gateway.cli.site import _show_sheets
from gateway.flow.batches.reconcile import DaySheet
from gateway.model.clock import SHANGHAI
from gateway.model.rows import RowClass, Tally
from gateway.words.deliveries import code_in_words
from gateway.words.evidence import all_in_words
from gateway.words.rows import CLASSES


def whole_sheet(day: str) -> DaySheet:
    """A day on which rows became everything there is, with large sums."""
    rows = {name: 81_000 + place for place, name in enumerate(RowClass)}
    amounts = {name: 123_456_789_012_345 + place for place, name in enumerate(RowClass)}
    tally = Tally(rows=rows, amount=amounts)
    return DaySheet(
        feed="bayannur",
        day=day,
        rows=sum(rows.values()),
        tally=tally,
        said_rows=80_000,
        said_amount=99_999_999_999,
        differences=["对方称80000行，实收567021行 (rows differ)"],
    )


@pytest.mark.parametrize("width", [80, 120])
def test_reconcile_breaks_no_number_and_cuts_no_heading(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("gateway.cli.output._WIDTH", width)
    sheet = whole_sheet("2026-03-01")
    _show_sheets([sheet])
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert max(map(cell_len, lines)) <= width
    for name in RowClass:
        amount = f"{Decimal(sheet.tally.amount[name]) / 100:.2f}"
        (line,) = [line for line in lines if amount in line]
        assert {CLASSES[name], str(sheet.tally.rows[name])} <= {cell.strip() for cell in line.split("│")}
    assert all(heading in shown for heading in ("盟市", "日期", "去向", "行数", "金额（元）", "999999999.99"))
    assert "bayannur" in shown
    assert "2026-03-01：对方称80000行" in shown


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_is_wider_than_its_terminal_before_it_breaks_a_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("gateway.cli.output._WIDTH", width)
    headings = ("很长的第一个标题", "第二个标题", "第三个标题", "说明文字")
    cells = ("1234567890.12", "HB2022ABCDEFGH", "2026-03-01", "一段可以折行的文字" * 8)
    table("表", headings, [cells])
    shown = capsys.readouterr().out
    assert all(text in shown for text in (*headings, *cells[:3]))
    assert shown.count("字") == 8 + 1, "something is cut off"
    assert len({cell_len(line) for line in shown.splitlines()[1:]}) == 1


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_code_is_whole_beside_words_that_are_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("gateway.cli.output._WIDTH", width)
    group = "bayannur/bayannur@1/sum_mismatch_i1/total_amount"
    table("组", ("盟市", "原因", "条数", "组"), [("bayannur", "医疗总费用：总额与各项之和不符，" * 5, 3, group)])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert any(group in line for line in lines)
    assert max(map(cell_len, lines)) <= width
    assert all(line[-1] in "┓┃┩│┘" for line in lines)


def test_an_instant_is_told_to_the_second(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 3, 1, 8, 0, 1, 234567, tzinfo=SHANGHAI)
    table("表", ("时间", "文字"), [(moment, moment.isoformat())])
    shown = capsys.readouterr().out
    assert shown.count("2026-03-01 08:00:01") == 2
    assert "234567" not in shown


def test_a_list_that_stops_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    tell_more(100, 217, next_one=118)
    assert "显示100条，共217条" in (shown := capsys.readouterr().out)
    assert "--after 118" in shown
    tell_more(17, 217)
    assert "显示17条，共217条" in (shown := capsys.readouterr().out)
    assert "--after" not in shown
    tell_more(17, 17)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("code", ["no_connection", "no_answer", "http_503", "unproven/no_claim", "internal"])
def test_what_came_of_an_attempt_is_told_in_chinese(code: str) -> None:
    words = code_in_words(code)
    assert words != code
    assert any("\u4e00" <= letter <= "\u9fff" for letter in words)
    assert code_in_words("E-17") == "E-17"


def test_a_file_that_shrank_is_told_in_chinese() -> None:
    assert all_in_words(["file_shrunk", "15/20"]) == "新文件行数减少、共20行，少了15行"
