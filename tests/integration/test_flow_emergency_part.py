"""Emergency care that became an inpatient stay (急诊转住院) counts with the stay once a person found it so."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, claims, enrolled, live, only, page, payable, row, rows_of, take
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import BadInput
from gateway.flow.office import Office
from gateway.flow.people.facts import FactReport, list_facts, record_fact, withdraw_fact
from gateway.flow.people.ledgers import member_ledger
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

ALONE, TOGETHER = 249_000, 329_000
"""40 % of 6,000 yuan and nine days at 10 yuan; with the emergency care 40 % of 8,000 yuan and the same nine days."""

EMERGENCY: dict[str, Any] = {
    "med_type": "13",
    "begndate": None,
    "enddate": None,
    "ipt_days": None,
    "setl_time": "2021-07-01 09:00:00",
    "medfee_sumamt": "4000.00",
    "inscp_scp_amt": "3000.00",
    "fund_pay_sumamt": "1000.00",
}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    clock.set(2021, 10, 8, 9)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def found(*settlements: str, serial: int = 1, **changes: Any) -> FactReport:
    fields = {"kind": "emergency_part", "on": date(2021, 10, 8), "by": "经办甲", "settlements": settlements}
    return FactReport(member_no=f"M{serial:05d}", **(fields | changes))


def stay_claims(office: Office) -> list[tuple[int, str]]:
    return sorted((each["payable"], each["flags"]) for each in live(office))


def test_it_waits_for_a_person_is_joined_by_a_fact_and_parted_again(office: Office) -> None:
    take(office, "east", page(row("S1", 1), row("E1", 1, **EMERGENCY)))
    asked = stay_claims(office)
    assert asked == [(0, "emergency_to_confirm"), (ALONE, "emergency_to_confirm")]
    known = record_fact(office, "nm", found("E1"))
    assert (known.kind, known.settlements, known.disease) == ("emergency_part", ("E1",), None)
    whole = only(live(office))
    assert (whole["payable"], whole["flags"]) == (TOGETHER, "")
    assert sorted(each["settlement_no"] for each in whole["body"]["settlements"]) == ["E1", "S1"]
    [withdrawn] = [each for each in claims(office) if each["status"] == "withdrawn"]
    assert withdrawn["payable"] == 0
    ledger = only(member_ledger(office, "nm", "M00001").schemes)
    assert only(ledger.periods).paid == "3290.00"
    withdraw_fact(office, "nm", known.fact_id)
    assert stay_claims(office) == asked


def test_the_order_of_fact_and_stay_does_not_matter(office: Office) -> None:
    take(office, "east", page(row("E1", 1, **EMERGENCY)))
    record_fact(office, "nm", found("E1"))
    assert [amount for _, amount in payable(office)] == []
    take(office, "east", page(row("S1", 1), request="later"))
    assert stay_claims(office) == [(TOGETHER, "")]


def test_said_twice_it_is_one_fact(office: Office) -> None:
    take(office, "east", page(row("S1", 1), row("E1", 1, **EMERGENCY)))
    first = record_fact(office, "nm", found("E1"))
    assert record_fact(office, "nm", found("E1", on=date(2021, 10, 7))) == first
    assert list_facts(office, "nm").facts == [first]


@pytest.mark.parametrize(
    "report",
    [
        found(),
        found("E9"),
        found("E1", "S1"),
        found("E1", serial=2),
        found("E1", accident=True),
        found("E1", disease="breast_cancer"),
        found("E1", kind="diagnosis", disease="breast_cancer"),
    ],
    ids=["none", "unknown", "a stay", "another member's", "accident", "disease", "diagnosis"],
)
def test_what_is_no_emergency_care_of_this_person_is_refused(office: Office, report: FactReport) -> None:
    take(office, "east", page(row("S1", 1), row("E1", 1, **EMERGENCY)))
    with pytest.raises(BadInput, match="not_valid"):
        record_fact(office, "nm", report)
    assert rows_of(office, schema.fact) == []
    assert stay_claims(office) == [(0, "emergency_to_confirm"), (ALONE, "emergency_to_confirm")]


def test_a_clerk_tells_it_on_the_command_line(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    take(office, "east", page(row("S1", 1), row("E1", 1, **EMERGENCY)))
    words = ["--site", str(office.site), "facts", "add", "M00001", "--association", "nm", "--kind", "emergency_part"]
    answer = CliRunner().invoke(app, [*words, "--on", "2021-10-08", "--settlement", "E1", "--by", "甲", "--json"])
    assert answer.exit_code == 0, answer.output
    assert msgspec.json.decode(answer.stdout.splitlines()[-1])["settlements"] == ["E1"]
    listed = CliRunner().invoke(app, ["--site", str(office.site), "facts", "list", "--association", "nm"])
    assert "急诊并入住院" in listed.output
    assert stay_claims(office) == [(TOGETHER, "")]
