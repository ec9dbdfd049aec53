"""Killed or disturbed at any point while a cause is judged or decided: nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from builders import FILES, adds_up, empty, enrolled, everything, keep_page, page, payable, row, rows_of, take
from sqlalchemy import event

from gateway.errors import HubaoError
from gateway.flow.batches.deciding_holds import accept_hold, refuse_hold, show_hold
from gateway.flow.batches.judging import judge
from gateway.flow.intake.night import work_waiting
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

MANY = range(1, 6)


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=FILES)


def filled(office: Office, *lowered: int) -> None:
    """Five claims, and a correction stored but not worked in which these are lowered and one stay is new."""
    empty(office)
    enrolled(office, *MANY)
    take(office, "files", page(*[row(f"A{n}", n) for n in MANY], request="1", source="day1.json"))
    rows = [row(f"A{n}", n, inscp_scp_amt="14500.00" if n in lowered else "15000.00") for n in MANY]
    more = row("B1", 1, begndate="2021-08-01", enddate="2021-08-10", setl_time="2021-08-10 10:00:00")
    keep_page(office, "files", page(*rows, more, request="2", source="day1.json"))


def disturbed(office: Office, at: int, act: Callable[[], Any]) -> bool:
    """Do it with the connection lost at that statement; returns whether there was one."""
    seen = [0]

    def crash(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == at:
            raise Crash

    event.listen(office.store.engine, "before_cursor_execute", crash)
    try:
        act()
    except (Crash, HubaoError):
        pass
    finally:
        event.remove(office.store.engine, "before_cursor_execute", crash)
    return seen[0] >= at


def waiting(office: Office) -> list[int]:
    """Whose rows wait."""
    return [person["person_id"] for person in rows_of(office, schema.person) if person["held"] is not None]


def night(office: Office) -> None:
    work_waiting(office, ["files"])
    judge(office)


@pytest.mark.parametrize("lowered", [(1, 2), (1, 2, 3, 4)], ids=["released", "open"])
@pytest.mark.parametrize("at", [7, 26, 45, 70])
def test_a_crash_while_a_file_is_worked_and_judged_means_run_again(
    office: Office, lowered: tuple[int, ...], at: int
) -> None:
    filled(office, *lowered)
    night(office)
    undisturbed, counted, amounts = everything(office), adds_up(office), payable(office)
    filled(office, *lowered)
    disturbed(office, at, lambda: night(office))
    night(office)
    assert (adds_up(office), payable(office)) == (counted, amounts)
    again = everything(office)
    for table in ("records", "review", "quarantine", "claim", "lists"):
        assert again[table] == undisturbed[table], table
    # PostgreSQL takes no number back: a hold whose transaction failed leaves a hole.
    assert waiting(office) == (sorted(lowered) if len(lowered) > 2 else [])


@pytest.mark.parametrize("at", [5, 20, 50])
@pytest.mark.parametrize("decision", ["accept", "refuse"])
def test_a_crash_while_a_person_decides_means_decide_again(office: Office, decision: str, at: int) -> None:
    def decide() -> None:
        if decision == "accept":
            show_hold(office, 1)
            accept_hold(office, 1, by="甲")
        else:
            refuse_hold(office, 1, by="甲", reason="x")

    filled(office, 1, 2, 3, 4)
    night(office)
    decide()
    counted, amounts = adds_up(office), payable(office)
    filled(office, 1, 2, 3, 4)
    night(office)
    before = (adds_up(office), payable(office))
    disturbed(office, at, decide)
    if (adds_up(office), payable(office)) == before:
        decide()
    assert (adds_up(office), payable(office)) == (counted, amounts)
