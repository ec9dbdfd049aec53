"""Figures about people say how much waits for an answer and is in none of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, claims, live, member, only, page, row, take
from sqlalchemy import update

from gateway.core.studies.simulation import Figures, merged
from gateway.flow.delivery.claims import decide as association_decides
from gateway.flow.office import Office
from gateway.flow.people.ledgers import member_ledger
from gateway.flow.reviewing.decide import ReviewAnswer, decide
from gateway.flow.reviewing.show import list_items, show
from gateway.flow.roster.enrol import enrol
from gateway.flow.studies.simulating import SimulationRequest, load_rules, shares_of, simulate_stored
from gateway.model.money import Money
from gateway.store import schema
from gateway.words.waiting import waiting_words

if TYPE_CHECKING:
    from conftest import MakeOffice

SCHEMES = Path(__file__).parents[2] / "config" / "schemes"
NOTHING = {"bills": 0, "amount": "0.00", "held": 0, "unopened": 0}
ONE_BILL = {**NOTHING, "bills": 1, "amount": "20000.00"}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [member(1), member(2)])
    return office


def ledger(office: Office) -> tuple[str, dict[str, Any]]:
    """What the first member was paid in all, and what waits."""
    account = member_ledger(office, "nm", "M00001")
    return only(account.schemes).paid, account.waiting


def simulated(office: Office, tmp_path: Path) -> Figures:
    whole = (SCHEMES / "nm-inpatient-2021.toml").read_text(encoding="utf-8")
    draft = tmp_path / "draft.toml"
    draft.write_text(whole.replace("rate = 0.40", "rate = 0.50"), encoding="utf-8")
    asked = SimulationRequest(rules=load_rules(SCHEMES, draft))
    shares = shares_of(office, "nm-inpatient", None, 2)
    return merged([simulate_stored(office, asked, part) for part in shares], asked.kept)


def test_a_bill_that_waits_is_in_no_figure_and_told_beside_it(office: Office, tmp_path: Path) -> None:
    take(office, "east", page(row("A1", 1), row("A9", 2)))
    assert ledger(office) == ("2490.00", NOTHING)
    assert (waiting_words(NOTHING), simulated(office, tmp_path).waiting.plain()) == ("", NOTHING)
    # The same bill under a number of its own: 0.40 of 6,000.00 and nine days at 10.00 are owed once.
    take(office, "east", page(row("A2", 1)))
    assert [claim["payable"] for claim in live(office)] == [249_000, 249_000]
    assert ledger(office) == ("2490.00", ONE_BILL)
    figures = simulated(office, tmp_path)
    assert (figures.before.paid, figures.settlements) == (2 * 249_000, 2)
    assert figures.waiting.plain() == ONE_BILL
    assert "1笔" in waiting_words(ONE_BILL)
    assert "20000.00元" in waiting_words(ONE_BILL)
    # It is another stay: 0.40 of 12,000.00 and the same nine days.
    decide(office, only(list_items(office))["item_id"], ReviewAnswer(answer="different", by="甲"))
    assert ledger(office) == ("4890.00", NOTHING)
    assert simulated(office, tmp_path).before.paid == 489_000 + 249_000


def test_a_refund_without_an_original_waits_beside_the_ledger(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "east", page(row("R1", 1, refund=True, mdtrt_id=None, medfee_sumamt="7.00")))
    assert ledger(office) == ("2490.00", {**NOTHING, "bills": 1, "amount": "7.00"})


def test_a_row_that_came_again_unreadable_waits_beside_the_ledger(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "east", page(row("A1", 1, begndate="2021-07-20")))
    assert ledger(office) == ("2490.00", ONE_BILL)


def test_who_is_held_is_told_beside_the_figures(office: Office, tmp_path: Path) -> None:
    take(office, "east", page(row("A1", 1)))
    with office.store.write() as tx:
        tx.execute(update(schema.person).where(schema.person.c.person_id == 1).values(held=1))
    assert ledger(office) == ("2490.00", {**NOTHING, "held": 1})
    assert simulated(office, tmp_path).waiting.held == 1
    assert "1人" in waiting_words({**NOTHING, "held": 1})


def test_who_does_not_open_is_left_out_of_a_simulation_alone(office: Office, tmp_path: Path) -> None:
    take(office, "east", page(row("A1", 1), row("A9", 2)))
    with office.store.write() as tx:
        tx.execute(update(schema.record).where(schema.record.c.person_id == 1).values(sealed=b"spoiled"))
    figures = simulated(office, tmp_path)
    assert (figures.members, figures.refused, figures.before.paid) == (1, 1, 249_000)
    assert figures.waiting.plain() == {**ONE_BILL, "unopened": 1}


def test_what_is_owed_now_leaves_out_what_waits_and_says_so(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = only(claims(office))["claim_id"]
    association_decides(office, claim, version=1, outcome="paid", amount=Money(249_000))
    # 0.40 of 7,000.00 and 90.00; the same bill under a second number waits, and is not owed twice.
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    take(office, "east", page(row("A2", 1, inscp_scp_amt="16000.00")))
    items = {item["kind"]: item["item_id"] for item in list_items(office)}
    shown = show(office, items["decided_before"])["claim"]
    assert (shown["owed_now"], shown["difference"]) == ("2890.00", "400.00")
    assert shown["waiting"] == ONE_BILL
