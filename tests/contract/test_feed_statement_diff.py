"""Differences of 3202 keep the contract, with everything that may come where a zip belongs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

import pytest
from day_feed_contract import DAYS, DayFeedContract, DayRig, settlement, take

from connectors.feeds.statement_diff import StatementDiff, StatementDiffSpec, StatementRow, rows_of_result
from connectors.transport.national_line import NationalLine
from gateway.errors import Unavailable
from gateway.model.bundle import calls_of
from gateway.sandbox.national_server import Gate
from gateway.sandbox.statement_server import StatementApp, zip_of

PAAS_SECRET = "EXAMPLE-SECRET-KEY-0001"


class TestStatementDiff(DayFeedContract):
    wrong_secrets: ClassVar[dict[str, Any]] = {"paas_secret": "another-secret"}

    def league(self, rig: DayRig, **options: Any) -> StatementApp:
        gate = Gate(region="150700", paas_id="hubao", paas_secret=PAAS_SECRET)
        return StatementApp(rig.book, gate, clock=rig.time, **options)

    def feed(self, rig: DayRig, *, tries: int = 3, **options: Any) -> StatementDiff:
        given: dict[str, Any] = {
            "address": rig.server.address,
            "facility_no": "H15070000001",
            "facility_name": "示例办事处",
            "region": "150700",
            "paas_id": "hubao",
            "paas_secret": PAAS_SECRET,
            "timeout_seconds": 1.0,
            "clearing_types": ("21",),
        }
        spec = StatementDiffSpec(**{**given, **options})
        around = rig.around()
        return StatementDiff(spec, around, line=NationalLine(spec, around, tries=tries, sleep=rig.sleep))

    def test_the_result_and_each_settlement_stand_verbatim_in_a_bundle(self, rig: DayRig) -> None:
        page = next(iter(self.feed(rig).fetch(None, first=None, last=None)))
        assert [call.infno for call in calls_of(page.content)] == ["9102", "5203", "5203"]

    def test_a_link_that_has_expired_is_asked_for_anew(self, rig: DayRig) -> None:
        rig.app = self.league(rig, expired=[1])
        pages = list(self.feed(rig, tries=1).fetch(None, first=None, last=None))
        assert [page.day for page in pages] == DAYS

    def test_a_refund_is_asked_for_once(self, rig: DayRig) -> None:
        rig.book.put(DAYS[0], [settlement("S21"), settlement("S21", medfee_sumamt="-100.10", refd_setl_flag="1")])
        page = next(iter(self.feed(rig).fetch(None, first=None, last=None)))
        assert [call.infno for call in calls_of(page.content)] == ["9102", "5203"]

    def test_a_difference_without_a_settlement_is_a_trouble_and_its_day_is_owed(self, rig: DayRig) -> None:
        rig.book.row = lambda number: []  # type: ignore[method-assign]
        with pytest.raises(Unavailable, match=r"no_settlement: 2 笔"):
            list(self.feed(rig).fetch(None, first=None, last=None))


@pytest.mark.parametrize("width", [7, 10, 11])
def test_editions_of_the_result(width: int) -> None:
    cells = ["P1", "V1", "S1", "null", "000102", "0", "null", "100.10", "60.00", "0.00", "null"]
    line = "\t".join(cells[:width])
    for text in (f"{line}\n{line}\n", f"{line}\r\n\r\n", line):
        assert rows_of_result(zip_of(text.encode())) == [StatementRow("P1", "V1", "S1")]
        assert rows_of_result(zip_of(text.encode("gb18030"))) == [StatementRow("P1", "V1", "S1")]


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"{}", zip_of(b"x" * 100)[:-30], zip_of(b"P1\tV1\n"), zip_of(b"P1\tV1\tnull\t\t\t\t\n")],
    ids=["nothing", "PK", "JSON", "cut", "columns", "no number"],
)
def test_what_is_no_result(content: bytes) -> None:
    with pytest.raises(Unavailable, match="broken_reply"):
        rows_of_result(content)


def test_an_empty_result() -> None:
    assert rows_of_result(zip_of(b"")) == []


def test_a_result_that_fills_the_memory_is_refused_unread() -> None:
    with pytest.raises(Unavailable, match="过大"):
        rows_of_result(zip_of(bytes(65 * 1024 * 1024)))


def test_nothing_to_tell_is_an_empty_day(tmp_path: Any) -> None:
    rig = DayRig(tmp_path)
    rig.app = TestStatementDiff().league(rig)
    for day in DAYS:
        rig.book.put(day, [])
    with rig.server:
        pages, _ = take(TestStatementDiff().feed(rig))
    assert [list(calls_of(page.content)) for page in pages] == [[], [], []]


def test_no_byte_of_a_zip_that_came_wrong_is_more_than_a_broken_reply() -> None:
    whole = zip_of("".join(f"P{number}\tV{number}\tS{number}\n" for number in range(40)).encode())
    for at in range(len(whole)):
        with suppress(Unavailable):
            rows_of_result(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
