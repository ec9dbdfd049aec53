"""A mapping is mended: new pages use it, old ones only once they are read again, with the difference shown first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, adds_up, enrolled, everything, only, page, payable, records, row, rows_of, take
from typer.testing import CliRunner

from gateway.cli.clerk import seat
from gateway.cli.main import app
from gateway.core.normalise import compile_mapping
from gateway.core.normalise.language import FieldRule
from gateway.flow.batches.deciding_holds import accept_hold
from gateway.flow.batches.rereading import replay, reread, say_what_changed, with_mapping
from gateway.flow.findings import book
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice


def mended(office: Office, **rules: Any) -> Office:
    """The office after the national mapping was changed in these fields."""
    language = office.mapping_of("east").language
    fields = {name: msgspec.structs.replace(language.fields.get(name, FieldRule()), **r) for name, r in rules.items()}
    return with_mapping(office, "east", compile_mapping(msgspec.structs.replace(
        language, version=language.version + 1, fields={**language.fields, **fields}
    )))  # fmt: skip


MANY = range(1, 7)


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """Six stays; the league tells what is within scope in a column that the mapping does not know at first, too."""
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 9))
    rows = [row(f"A{n}", n, scope_true="16000.00", scope_low="14000.00") for n in MANY]
    take(office, "east", page(*rows, row("S1", 50)))
    return office


def amounts(office: Office) -> list[int]:
    return sorted(fen for _, fen in payable(office))


def codes(office: Office) -> list[str]:
    return sorted(finding.code for finding in book.show(office))


def test_nothing_differs_where_nothing_changed(office: Office) -> None:
    before = everything(office)
    result = reread(office, "east")
    assert (result.pages, result.rows, result.claims, result.differs) == (1, 0, [], False)
    assert everything(office) == before
    say_what_changed(office)
    assert codes(office) == []


def test_a_new_edition_is_a_finding_that_says_what_it_may_concern_and_changes_nothing_by_itself(office: Office) -> None:
    newer = replace(office, scheme_digests={**office.scheme_digests, "nm-inpatient": "another edition"})
    before = everything(office)
    say_what_changed(newer)
    finding = only(book.show(newer))
    assert (finding.code, finding.name, finding.count, finding.level) == ("scheme_changed", "east", 1, "know")
    # Six stays of 2,490.00 yuan; the stranger has no claim.
    assert "6件" in finding.detail
    assert "14940.00元" in finding.detail
    assert "feed diff" in finding.advice
    assert "feed replay" in finding.advice
    assert everything(newer) == before
    replay(newer, "east")
    say_what_changed(newer)
    assert codes(newer) == []


def test_a_mended_mapping_is_a_finding_and_changes_nothing_by_itself(office: Office) -> None:
    newer = mended(office, in_scope_amount={"sources": ("scope_true",)})
    say_what_changed(newer)
    assert codes(newer) == ["mapping_changed"]
    finding = only(book.show(newer))
    assert (finding.name, finding.count, finding.level) == ("east", 1, "know")
    assert amounts(newer) == [249000] * 6
    say_what_changed(office)
    assert codes(office) == []


def test_a_refund_that_names_nobody_is_no_difference(office: Office) -> None:
    """It stands as its original's, whatever its own words say of whose it is."""
    take(office, "east", page(row("A2", None, refund=True)))
    assert len(payable(office)) == len(MANY) - 1
    result = reread(office, "east")
    assert (result.pages, result.rows, result.classes, result.differs) == (2, 0, {}, False)


def test_the_difference_is_told_before_anything_is_written(office: Office) -> None:
    newer = mended(office, in_scope_amount={"sources": ("scope_true",)})
    before = everything(newer)
    result = reread(newer, "east")
    assert everything(newer) == before
    assert (result.rows, result.fields, result.classes) == (6, {"in_scope_amount": 6}, {})
    assert [(line.move, line.was, line.becomes) for line in result.claims] == [("raised", "2490.00", "2890.00")] * 6
    assert (result.before, result.after, result.written) == ("14940.00", "17340.00", False)


def test_what_raises_is_written_at_once(office: Office) -> None:
    newer = mended(office, in_scope_amount={"sources": ("scope_true",)})
    say_what_changed(newer)
    result = replay(newer, "east")
    assert (result.written, result.holds) == (True, 0)
    assert amounts(newer) == [289000] * 6
    assert {record["record"]["in_scope_amount"] for record in records(newer)} == {"16000.00"}
    assert adds_up(newer) == {"member": 6, "stranger": 1}
    assert codes(newer) == []
    assert reread(newer, "east").differs is False


def test_what_lowers_many_waits_and_is_written_once_it_is_accepted(office: Office) -> None:
    newer = mended(office, in_scope_amount={"sources": ("scope_low",)})
    result = replay(newer, "east")
    assert result.holds == 1
    assert amounts(newer) == [249000] * 6
    assert adds_up(newer) == {"member": 6, "stranger": 1}
    assert only(rows_of(newer, schema.hold))["cause"] == "replay"
    assert accept_hold(newer, 1, by="甲").outcome == "accepted"
    assert amounts(newer) == [209000] * 6
    assert adds_up(newer) == {"member": 6, "stranger": 1}


def test_rows_under_other_settlement_numbers_are_left_as_they_are(office: Office) -> None:
    newer = mended(office, settlement_no={"sources": ("mdtrt_id",)})
    result = replay(newer, "east")
    assert (result.left_out, result.differs) == ([1], True)
    assert amounts(newer) == [249000] * 6
    assert adds_up(newer) == {"member": 6, "stranger": 1}


@pytest.fixture
def hubao(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    def run(office: Office, *words: str) -> tuple[int, Any]:
        monkeypatch.setattr("gateway.cli.site.open_office", lambda context: seat(context, office))
        done = CliRunner().invoke(app, [*words, "--json"])
        return done.exit_code, msgspec.json.decode(done.stdout.splitlines()[-1]) if done.stdout else done.exception

    return run


def test_at_the_terminal(office: Office, hubao: Callable[..., tuple[int, Any]]) -> None:
    newer = mended(office, in_scope_amount={"sources": ("scope_low",)})
    code, result = hubao(newer, "feed", "diff", "east")
    assert (code, result["fields"], len(result["claims"])) == (1, {"in_scope_amount": 6}, 6)
    assert hubao(newer, "feed", "diff", "east", "--from", "2021-10-09")[0] == 0
    assert hubao(newer, "feed", "replay", "east", "--dry-run")[0] == 1
    assert amounts(newer) == [249000] * 6
    code, result = hubao(newer, "feed", "replay", "east", "--yes")
    assert (code, result["written"], result["holds"]) == (1, True, 1)
    assert hubao(newer, "feed", "diff", "nowhere")[0] != 0
