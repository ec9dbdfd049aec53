"""Findings: said once, brought up to date, closed when mended, silent for a while once a person has seen them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import only, rows_of
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import WrongUse
from gateway.flow.delivery.health import health
from gateway.flow.findings.book import FindingReport, Trouble, acknowledge, close, must_act, raise_, show
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands


def told(office: Office, name: str = "1", **more: Any) -> None:
    with office.store.write() as tx:
        raise_(tx, Trouble(code="page_failed", kind="page", name=name, **more), now=office.now())


def mended(office: Office, *names: str) -> None:
    with office.store.write() as tx:
        close(tx, "page_failed", "page", names, now=office.now())


def the_one(office: Office) -> FindingReport:
    found: FindingReport = only(show(office))
    return found


def test_what_is_said_twice_is_one_finding_brought_up_to_date(office: Office, clock: Hands) -> None:
    first = office.now()
    told(office, count=2, days=(date(2021, 10, 2), date(2021, 10, 1)), detail="x")
    clock.move(hours=1)
    told(office, count=3, amount=100, days=(date(2021, 10, 3),), detail="y")
    found = the_one(office)
    assert (found.count, found.amount, found.detail) == (3, "1.00", "y")
    assert (found.first_day, found.last_day) == (date(2021, 10, 3), date(2021, 10, 3))
    assert (found.since, found.updated_at) == (first, office.now())
    assert found.counts
    assert found.level == "act"


def test_one_that_is_mended_is_closed_and_a_new_one_begins_anew(office: Office, clock: Hands) -> None:
    told(office, "1")
    told(office, "2")
    mended(office, "1", "7")
    assert the_one(office).name == "2"
    clock.move(days=1)
    told(office, "1")
    assert [(found.name, found.since) for found in show(office)][1] == ("1", office.now())
    assert len(rows_of(office, schema.finding)) == 3


def test_an_acknowledged_one_counts_again_from_its_day(office: Office, clock: Hands) -> None:
    told(office)
    found = acknowledge(office, the_one(office).finding_id, by="王五", until=date(2021, 10, 10), note="已联系")
    assert (found.acknowledged_by, found.note, found.counts) == ("王五", "已联系", False)
    assert "已联系" not in str(rows_of(office, schema.finding))
    told(office)
    assert not must_act(show(office))
    clock.set(2021, 10, 10)
    assert must_act(show(office))


def test_one_that_has_grown_is_not_what_was_acknowledged(office: Office) -> None:
    told(office, count=2, amount=100)
    for more in ({"count": 3, "amount": 100}, {"count": 3, "amount": 101}):
        acknowledge(office, the_one(office).finding_id, by="王五", until=date(2021, 11, 10))
        assert not the_one(office).counts
        told(office, **more)
        assert the_one(office).counts
        assert the_one(office).acknowledged_by is None


def test_what_cannot_be_acknowledged(office: Office) -> None:
    with pytest.raises(WrongUse, match="no such open finding"):
        acknowledge(office, 1, by="王五", until=date(2021, 10, 10))
    told(office)
    with pytest.raises(WrongUse, match="a day to come"):
        acknowledge(office, the_one(office).finding_id, by="王五", until=date(2021, 10, 8))
    mended(office, "1")
    with pytest.raises(WrongUse, match="no such open finding"):
        acknowledge(office, 1, by="王五", until=date(2021, 10, 10))


def test_status_says_what_counts(office: Office) -> None:
    before = health(office).findings
    told(office, "17")
    assert next(line for line in health(office).findings if line not in before).startswith("17: ")
    acknowledge(office, the_one(office).finding_id, by="王五", until=date(2021, 10, 10))
    assert health(office).findings == before


def command(office: Office, *words: str) -> tuple[int, Any]:
    ended = CliRunner().invoke(app, ["--site", str(office.site), *words, "--json"])
    return ended.exit_code, msgspec.json.decode(ended.stdout.splitlines()[-1])


def without_feeds(office: Office) -> None:
    """Commands read the clock of today, years after the test's site was made: its feeds would be late."""
    for file in (office.site / "config" / "feeds").glob("*.toml"):
        file.unlink()


def test_the_command_shows_and_acknowledges(office: Office) -> None:
    without_feeds(office)
    assert command(office, "findings") == (0, {"findings": [], "ok": True})
    told(office, "17", amount=5)
    code, answer = command(office, "findings")
    assert (code, answer["ok"]) == (1, False)
    shown = only(answer["findings"])
    assert (shown["code"], shown["kind"], shown["name"], shown["amount"]) == ("page_failed", "page", "17", "0.05")
    assert shown["advice"]
    number = str(shown["finding_id"])
    code, answer = command(office, "findings", "acknowledge", number, "--by", "王五", "--until", "2099-01-01")
    assert (code, answer["counts"]) == (0, False)
    assert command(office, "findings")[0] == 0
    plain = CliRunner().invoke(app, ["--site", str(office.site), "findings"])
    assert plain.exit_code == 0
    assert "17" in plain.stdout
