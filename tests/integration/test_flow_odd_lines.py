"""Lines that are no settlement go through the flow: what counts them, what does not, and what a mended mapping makes of
them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    adds_up,
    content,
    enrolled,
    only,
    open_items,
    payable,
    row,
    rows_of,
    take,
    tallies,
)

from connectors.feeds.folder import Folder
from gateway import wiring
from gateway.core.normalise import compile_mapping
from gateway.core.normalise.language import CsvFormat
from gateway.flow.batches.reconcile import reconcile
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.office import Office
from gateway.model.page import FeedTotals, Fetched
from gateway.model.rows import RowClass
from gateway.store import schema

if TYPE_CHECKING:
    from datetime import date

    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


SUMS: dict[str, Any] = {"setl_id": "合计", "medfee_sumamt": "20000.00"}


def filed(*rows: dict[str, Any], day: date, rows_said: int) -> Fetched:
    totals = FeedTotals(day=day, rows=rows_said)
    return Fetched(content=content(rows), request="file:a:1/1", source="a", day=day, totals=(totals,))


def skipping(office: Office) -> Office:
    language = msgspec.structs.replace(office.mappings["national"].language, skip=(("setl_id", frozenset(["合计"])),))
    return replace(office, mappings={**office.mappings, "national": compile_mapping(language)})


def test_a_line_of_sums_is_nobodys_settlement_and_no_money(office: Office) -> None:
    day = office.now().date()
    take(office, "east", filed(row("S1", 1), SUMS, day=day, rows_said=2))
    assert tallies(office) == {RowClass.MEMBER: (1, 2_000_000), RowClass.QUARANTINED: (1, 0)}
    assert [item[3] for item in open_items(office)] == ["sum_row"]
    assert [sheet.differences for sheet in reconcile(office)] == [[]]


def test_a_line_that_is_skipped_counts_for_no_total_of_the_feed(office: Office) -> None:
    skips, day = skipping(office), office.now().date()
    take(skips, "east", filed(SUMS, row("S1", 1), SUMS, day=day, rows_said=1))
    assert open_items(skips) == []
    assert tallies(skips) == {RowClass.MEMBER: (1, 2_000_000), RowClass.SUPERSEDED: (2, 0)}
    (sheet,) = reconcile(skips)
    assert (sheet.counted_rows, sheet.differences) == (1, [])
    assert len(payable(skips)) == 1


def test_a_mended_mapping_lets_a_line_of_sums_go_and_moves_no_row(office: Office) -> None:
    day = office.now().date()
    take(office, "east", filed(SUMS, row("S1", 1), row("S2", 2, begndate="x"), day=day, rows_said=2))
    before = only(rows_of(office, schema.record))["row"]
    skips = skipping(office)
    retry_quarantine(skips)
    assert [item[3] for item in open_items(skips)] == ["not_a_date"]
    assert tallies(skips)[RowClass.SUPERSEDED] == (1, 0)
    assert only(rows_of(skips, schema.record))["row"] == before == 1
    adds_up(skips)


def test_a_large_file_without_a_header_line_has_as_many_rows_as_lines(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url, feeds=FILES)
    columns = ("setl_id", "medfee_sumamt", "psn_name")
    language = msgspec.structs.replace(office.mappings["national"].language, format=CsvFormat(columns=columns))
    office = replace(office, mappings={**office.mappings, "national": compile_mapping(language)})
    folder = office.site / "data" / "in"
    folder.mkdir(parents=True)
    lines = 80_000
    name = "试" * 70
    text = "".join(f"S{number:07},1.00,{name}\r\n" for number in range(lines))
    (folder / "large.json").write_text(text, encoding="utf-8")
    (folder / "large.json.ok").write_text(f"rows={lines}", encoding="utf-8")
    feed = wiring.feed_connector(office, "files")
    assert isinstance(feed, Folder)
    pages = list(feed.fetch(None, first=None, last=None))
    assert len(pages) > 1
    assert sum(len(office.mapping_of("files").read(page.content)) for page in pages) == lines
