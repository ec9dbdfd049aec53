"""`hubao report`: the yearly table from what a site holds, in every form it is asked for."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, covered, everything, live, member, page, row, take, who
from openpyxl import load_workbook
from typer.testing import CliRunner

from gateway.errors import WrongUse
from gateway.flow.delivery.claims import decide
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.flow.studies.report import Report, report
from gateway.model.money import Money

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

YEAR = {"first": date(2021, 1, 1), "last": date(2021, 12, 31)}
LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}


def filled(office: Office) -> Office:
    """Two members with claims (2,490; 2,490 and 2,400 yuan), one covered later, a stranger and a bad row."""
    next_year = (covered("2022-06-01", "2023-05-31"),)
    people = [member(1, league="甲盟"), member(2, league="乙盟"), member(3, league="乙盟", coverage=next_year)]
    enrol(office, "nm", people)
    take(
        office,
        "east",
        page(row("A1", 1), row("A2", 2), row("A3", 2, **LATER), row("A4", who(90)), row("A5", 1, medfee_sumamt="?")),
    )
    return office


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return filled(make_office(database_url, feeds=EAST_AND_WEST))


def one(office: Office, **changes: Any) -> Report:
    found = report(office, **{**YEAR, **changes})
    assert [each.association for each in found] == ["nm"]
    return found[0]


def granted(office: Office, settlement: str, outcome: Any, amount: int) -> None:
    """The association decides the claim that began with this settlement."""
    claim = next(each for each in live(office) if each["stay"].endswith(f"/V{settlement}"))
    decide(office, claim["claim_id"], version=1, outcome=outcome, amount=Money(amount))


def test_proposed_claims_count_until_the_association_decides(office: Office) -> None:
    table = one(office).table
    assert one(office).basis["nm-inpatient"] == "proposed"
    counted = {
        league: (line.members, line.joins, line.claims, line.people, line.amount)
        for (league, _), line in table.lines.items()
    }
    assert counted == {"甲盟": (1, 1, 1, 1, 2490_00), "乙盟": (1, 1, 2, 1, 4890_00)}
    total = table.total
    assert (total.members, total.claims, total.largest_claim, total.largest_person) == (2, 3, 2490_00, 4890_00)


def test_once_the_association_decides_only_what_it_granted_counts(office: Office, clock: Hands) -> None:
    granted(office, "A2", "paid", 2000_00)
    found = one(office)
    assert found.basis["nm-inpatient"] == "decided"
    line = found.table.lines["乙盟", "nm-inpatient"]
    assert (line.claims, line.people, line.amount) == (1, 1, 2000_00)
    assert (line.waiting, line.waiting_amount) == (1, 2400_00)
    assert (found.table.total.claims, found.table.total.waiting) == (1, 2)


def test_a_refusal_is_no_payment_and_does_not_wait(office: Office) -> None:
    granted(office, "A2", "refused", 0)
    total = one(office).table.total
    assert (total.claims, total.amount, total.waiting) == (0, 0, 2)


def test_the_day_of_the_decision_says_the_year(office: Office, clock: Hands) -> None:
    clock.set(2022, 1, 1)
    granted(office, "A2", "approved", 2400_00)
    assert one(office).table.total.claims == 0
    in_2022 = one(office, first=date(2022, 1, 1), last=date(2022, 12, 31))
    assert in_2022.table.total.amount == 2400_00
    assert in_2022.table.lines["乙盟", "nm-inpatient"].members == 2


def test_a_report_changes_nothing_and_opens_nothing_sealed(office: Office) -> None:
    held = everything(office)
    one(office, quality=True)
    assert everything(office) == held


def test_the_quality_figures(office: Office) -> None:
    quality = one(office, quality=True).quality
    assert quality is not None
    rows = {name: many for name, many in quality.feeds["east"].items() if many}
    assert rows == {"member": 3, "stranger": 1, "quarantined": 1}
    assert (quality.open_quarantined, quality.open_review) == (1, 0)


def test_wrong_questions(office: Office) -> None:
    with pytest.raises(WrongUse):
        report(office, **YEAR, association="elsewhere")
    with pytest.raises(WrongUse):
        report(office, first=date(2021, 2, 1), last=date(2021, 1, 1))


# ── the command ──


@pytest.fixture
def site(make_office: MakeOffice, sqlite_url: str) -> Path:
    return filled(make_office(sqlite_url, feeds=EAST_AND_WEST)).site


def hubao(site: Path, *arguments: str) -> Any:
    from gateway.cli.main import app

    return CliRunner().invoke(app, ["--site", str(site), "report", *arguments], catch_exceptions=False)


def test_in_words(site: Path) -> None:
    done = hubao(site, "--year", "2021", "--stats")
    assert done.exit_code == 0
    for words in ("甲盟", "合计", "0.74", "网关拟付", "数据质量"):
        assert words in done.output


def test_as_json(site: Path) -> None:
    told = json.loads(hubao(site, "--from", "2021-01-01", "--to", "2021-12-31", "--json").stdout.splitlines()[-1])
    (found,) = told["reports"]
    assert (found["from"], found["to"]) == ("2021-01-01", "2021-12-31")
    assert found["basis"]["nm-inpatient"] == "proposed"
    assert found["total"]["amount"] == "7380.00"
    assert found["total"]["above"] == {"5000": 0, "10000": 0, "50000": 0}
    assert [each["league"] for each in found["lines"]] == ["乙盟", "甲盟"]


def test_as_csv_every_amount_is_exact(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "年报.csv"
    assert hubao(site, "--year", "2021", "--format", "csv", "--out", str(file)).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"))))
    told = {each["盟市"]: (each["申领件数"], each["金额（元）"], each["平均每件（元）"]) for each in rows}
    assert told == {
        "甲盟": ("1", "2490.00", "2490.00"),
        "乙盟": ("2", "4890.00", "2445.00"),
        "合计": ("3", "7380.00", "2460.00"),
    }
    assert hubao(site, "--year", "2021", "--format", "csv").stdout.splitlines()[1].startswith("nm,")


def test_as_a_workbook(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.xlsx"
    assert hubao(site, "--year", "2021", "--format", "xlsx", "--out", str(file)).exit_code == 0
    sheet = load_workbook(file).active
    header = [cell.value for cell in sheet[1]]
    last = dict(zip(header, [cell.value for cell in sheet[sheet.max_row]], strict=True))
    assert Decimal(str(last["金额（元）"])) == Decimal("7380")
    assert (last["盟市"], last["申领件数"]) == ("合计", 3)


def test_wrong_use_says_so(site: Path) -> None:
    with pytest.raises(WrongUse):
        hubao(site, "--format", "xlsx")
    with pytest.raises(WrongUse):
        hubao(site, "--year", "2021", "--from", "2021-01-01")
