"""Pages of a feed whose file was taken away go when their time is over, like all others, and their keys after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, enrolled, page, row, rows_of, take

from gateway.flow.intake.retain import retain
from gateway.flow.office import Office
from gateway.flow.site import clock as clock_trust
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

FEEDS = {**EAST_AND_WEST, "west": EAST_AND_WEST["west"].replace("[connector]", "retention_days = 30\n[connector]")}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=FEEDS)
    enrolled(office, 1)
    for feed in ("east", "west"):
        take(office, feed, page(row("S1", 1), row("S2", 99)))
    return office


def _later(office: Office, clock: Hands, days: int) -> None:
    """So many days later, on each of which the clock was read."""
    for _ in range(days):
        clock.move(days=1)
        clock_trust.leave_mark(office)


def _reopened(office: Office, make_office: Any, *gone: str) -> Office:
    """The site without the files of these feeds."""
    for feed in gone:
        (office.site / "config" / "feeds" / f"{feed}.toml").unlink()
    again: Office = make_office("", folder=office.site.name)
    return again


def kept(office: Office) -> set[str]:
    return {row["feed"] for row in rows_of(office, schema.page) if row["sealed"] is not None}


def test_a_feed_that_is_gone_keeps_what_its_file_said_last(office: Office, make_office: Any, clock: Hands) -> None:
    retain(office)
    again = _reopened(office, make_office, "east", "west")
    _later(again, clock, 29)
    retain(again)
    assert kept(again) == {"east", "west"}
    _later(again, clock, 2)
    assert retain(again).pages == 1
    assert kept(again) == {"east"}
    # Nothing was said for the other one, so the 180 days hold that any feed has; its keys rest a week longer.
    _later(again, clock, 148)
    retain(again)
    assert kept(again) == {"east"}
    _later(again, clock, 2)
    assert retain(again).pages == 1
    _later(again, clock, 8)
    retain(again)
    assert not [key for key in again.vault.status() if key.purpose.startswith("pages.")]


def test_a_feed_that_went_before_anything_was_noted_expires_too(office: Office, make_office: Any, clock: Hands) -> None:
    again = _reopened(office, make_office, "west")
    _later(again, clock, 181)
    retain(again)
    assert kept(again) == set()


def test_what_a_file_says_now_holds(office: Office, make_office: Any, clock: Hands) -> None:
    retain(office)
    file = office.site / "config" / "feeds" / "west.toml"
    file.write_text(file.read_text("utf-8").replace("retention_days = 30", "retention_days = 60"), encoding="utf-8")
    again = _reopened(office, make_office)
    retain(again)
    gone = _reopened(again, make_office, "west")
    _later(gone, clock, 59)
    retain(gone)
    assert kept(gone) == {"east", "west"}
    _later(gone, clock, 2)
    retain(gone)
    assert kept(gone) == {"east"}
