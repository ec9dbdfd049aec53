"""A person looks at the difference of a hold, accepts or refuses it; what was shown is what is written, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import FILES, adds_up, enrolled, everything, only, open_items, page, payable, row, rows_of, take
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import WrongUse
from gateway.flow.batches.deciding_holds import accept_hold, list_holds, refuse_hold, show_hold
from gateway.flow.findings import book
from gateway.flow.intake.retain import retain
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

MANY = range(1, 9)


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """Eight claims of 2,490 yuan; a correction that would lower each by 200 waits, and with it a new stay."""
    office = make_office(database_url, feeds=FILES)
    enrolled(office, *range(1, 13))
    take(office, "files", page(*[row(f"A{n}", n) for n in MANY], request="1", source="day1.json"))
    corrected = [row(f"A{n}", n, inscp_scp_amt="14500.00") for n in MANY]
    more = row("B1", 1, begndate="2021-08-01", enddate="2021-08-10", setl_time="2021-08-10 10:00:00")
    take(office, "files", page(*corrected, more, request="2", source="day1.json"))
    return office


def amounts(office: Office) -> list[int]:
    return sorted(fen for _, fen in payable(office))


def test_what_is_shown_is_what_accepting_writes(office: Office) -> None:
    before = everything(office)
    told = show_hold(office, 1)
    assert everything(office) == before
    assert (told.outcome, told.lost, told.second, told.hold.rows) == ("shown", "1600.00", False, 9)
    assert sorted((line.move, line.was, line.becomes) for line in told.claims) == [
        *[("lowered", "2490.00", "2290.00")] * 8,
        ("new", None, "2400.00"),
    ]
    assert {line.member_no for line in told.claims} == {f"M{n:05d}" for n in MANY}
    assert accept_hold(office, 1, by="甲").outcome == "accepted"
    assert amounts(office) == [229000] * 8 + [240000]
    assert open_items(office) == []
    assert adds_up(office) == {"member": 9, "superseded": 8}
    assert book.show(office) == []
    assert list_holds(office) == []
    assert [report.state for report in list_holds(office, ended=True)] == ["accepted"]


def test_a_difference_that_changed_since_it_was_shown_is_asked_about_again(office: Office) -> None:
    show_hold(office, 1)
    take(office, "files", page(row("A1", 1, inscp_scp_amt="14000.00"), request="3", source="day2.json"))
    assert accept_hold(office, 1, by="甲").outcome == "changed"
    assert amounts(office) == [249000] * 8
    assert accept_hold(office, 1, by="甲").outcome == "accepted"
    assert amounts(office) == [209000] + [229000] * 7 + [240000]
    assert adds_up(office) == {"member": 9, "superseded": 9}


def test_refusing_leaves_what_stands_and_takes_in_what_takes_nothing(office: Office) -> None:
    assert refuse_hold(office, 1, by="甲", reason="列错位").state == "refused"
    assert amounts(office) == [240000] + [249000] * 8
    assert open_items(office) == []
    assert adds_up(office) == {"member": 9, "superseded": 8}
    assert book.show(office) == []
    assert "列错位".encode() not in bytes(only(rows_of(office, schema.hold))["note"])


def test_after_refusing_a_newer_correction_is_taken_in_as_ever(office: Office) -> None:
    refuse_hold(office, 1, by="甲", reason="x")
    take(office, "files", page(row("A1", 1, inscp_scp_amt="16000.00"), request="4", source="day3.json"))
    assert amounts(office) == [240000] + [249000] * 7 + [289000]
    assert adds_up(office) == {"member": 9, "superseded": 9}


def test_a_newer_file_that_says_what_stands_settles_what_waits(office: Office) -> None:
    rows = [row(f"A{n}", n) for n in MANY]
    more = row("B1", 1, begndate="2021-08-01", enddate="2021-08-10", setl_time="2021-08-10 10:00:00")
    take(office, "files", page(*rows, more, request="5", source="day1.json"))
    told = show_hold(office, 1)
    assert [line.move for line in told.claims if line.move != "amended"] == ["new"]
    assert accept_hold(office, 1, by="甲").outcome == "accepted"
    assert amounts(office) == [240000] + [249000] * 8
    assert adds_up(office) == {"member": 9, "superseded": 17}


def test_much_money_needs_another_person(office: Office) -> None:
    limits = office.gateway.holds.model_copy(update={"second_above": 1000})
    object.__setattr__(office, "gateway", office.gateway.model_copy(update={"holds": limits}))
    with pytest.raises(WrongUse, match="nobody proposed"):
        accept_hold(office, 1, by="乙", confirm=True)
    assert accept_hold(office, 1, by="甲").outcome == "proposed"
    with pytest.raises(WrongUse, match="another person"):
        accept_hold(office, 1, by=" 甲 ", confirm=True)
    assert accept_hold(office, 1, by="甲").outcome == "proposed"
    assert amounts(office) == [249000] * 8
    assert accept_hold(office, 1, by="乙", confirm=True).outcome == "accepted"
    assert amounts(office) == [229000] * 8 + [240000]


def test_a_hold_that_ended_is_decided_no_more(office: Office) -> None:
    accept_hold(office, 1, by="甲")
    for again in (lambda: accept_hold(office, 1, by="甲"), lambda: refuse_hold(office, 1, by="甲", reason="x")):
        with pytest.raises(WrongUse, match="no such hold"):
            again()


def test_a_page_that_a_hold_needs_is_kept_and_in_the_end_the_hold_expires(office: Office, clock: Hands) -> None:
    clock.move(days=181)
    retain_believed(office)
    assert [stored["state"] for stored in rows_of(office, schema.page)] == ["expired", "done"]
    assert [report.state for report in list_holds(office)] == ["open"]
    clock.move(days=60)
    retain_believed(office)
    assert [stored["state"] for stored in rows_of(office, schema.page)] == ["expired", "expired"]
    assert [report.state for report in list_holds(office, ended=True)] == ["expired"]
    assert [finding.code for finding in book.show(office)] == ["hold_expired"]
    assert amounts(office) == [249000] * 8
    assert {held["held"] for held in rows_of(office, schema.person)} == {None}
    assert adds_up(office) == {"member": 8, "review": 9}


def retain_believed(office: Office) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.flow.intake.retain.may_let_go", lambda _: True)
        retain(office)


@pytest.fixture
def hubao(office: Office, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """`hubao("holds", "list")` → exit code and what `--json` says."""
    monkeypatch.setattr("gateway.wiring.open_office", lambda _: office)

    def run(*words: str) -> tuple[int, Any]:
        done = CliRunner().invoke(app, [*words, "--json"])
        return done.exit_code, msgspec.json.decode(done.stdout.splitlines()[-1]) if done.stdout else done.exception

    return run


def test_the_whole_story_at_the_terminal(hubao: Callable[..., tuple[int, Any]]) -> None:
    code, listed = hubao("holds", "list")
    assert (code, only(listed["holds"])["state"]) == (1, "open")
    code, findings = hubao("findings")
    assert (code, "changes_held" in {finding["code"] for finding in findings["findings"]}) == (1, True)
    code, shown = hubao("holds", "show", "1")
    assert (code, shown["outcome"], len(shown["claims"])) == (0, "shown", 9)
    code, accepted = hubao("holds", "accept", "1", "--by", "甲")
    assert (code, accepted["outcome"]) == (0, "accepted")
    assert hubao("holds", "list") == (0, {"holds": []})
    assert "changes_held" not in {finding["code"] for finding in hubao("findings")[1]["findings"]}


def test_refusing_at_the_terminal(hubao: Callable[..., tuple[int, Any]]) -> None:
    code, refused = hubao("holds", "refuse", "1", "--by", "甲", "--reason", "列错位")
    assert (code, refused["state"], refused["decided_by"]) == (0, "refused", "甲")
    assert hubao("holds", "list", "--all")[1]["holds"][0]["state"] == "refused"
