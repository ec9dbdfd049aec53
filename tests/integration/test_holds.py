"""A file that would take a lot away at once waits for a person: what stands stays, everybody else goes on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    LINE,
    adds_up,
    enrolled,
    keep_page,
    live,
    only,
    open_items,
    page,
    payable,
    row,
    take,
)
from builders import rows_of as rows_in

from gateway.errors import BrokenSeal, Conflict
from gateway.flow.batches.carrying_out import carry_out
from gateway.flow.batches.causes import CausesAtWork
from gateway.flow.batches.deciding_holds import accept_hold, refuse_hold
from gateway.flow.batches.judging import judge
from gateway.flow.findings import book
from gateway.flow.intake.night import work_waiting
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.model.page import Fetched
from gateway.store import holds as stored_holds
from gateway.store import runs, schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

MANY = range(1, 9)


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds={**FILES, **EAST_AND_WEST})
    enrolled(office, *range(1, 13))
    take(office, "files", *day(*MANY))
    return office


def day(*serials: int, name: str = "day1.json", revision: int = 1, parts: int = 1, **changes: Any) -> list[Fetched]:
    """A file with one stay of each of these people."""
    rows = [row(f"A{serial}", serial, **changes) for serial in serials]
    size = -(-len(rows) // parts)
    return [
        page(
            *rows[at * size : (at + 1) * size], request=f"{name}:{revision}:{at}", source=name, part=at + 1, parts=parts
        )
        for at in range(parts)
    ]


def lower(*serials: int, **more: Any) -> list[Fetched]:
    """The same file again, in which each of these stays has less within scope: 500 fewer, so 200 less to pay."""
    return day(*serials, revision=2, inscp_scp_amt="14500.00", **more)


def holds(office: Office) -> list[tuple[str, str, int, int, int]]:
    return [
        (hold["cause"], hold["state"], hold["claims"], hold["was"], hold["becomes"])
        for hold in rows_in(office, schema.hold)
    ]


def amounts(office: Office) -> list[int]:
    return sorted(fen for _, fen in payable(office))


def test_few_lowered_claims_are_written_at_once(office: Office) -> None:
    rows = [row(f"A{n}", n, inscp_scp_amt="14500.00" if n < 3 else "15000.00") for n in MANY]
    take(office, "files", page(*rows, request="x", source="day1.json"))
    assert amounts(office) == [229000] * 2 + [249000] * 6
    assert holds(office) == [("file", "released", 2, 498000, 458000)]
    assert open_items(office) == []
    assert book.show(office) == []
    assert adds_up(office) == {"member": 8, "superseded": 8}


def test_many_lowered_claims_wait_and_what_stands_stays(office: Office) -> None:
    take(office, "files", *lower(*MANY))
    assert amounts(office) == [249000] * 8
    assert holds(office) == [("file", "open", 8, 1992000, 1832000)]
    assert {item[0] for item in open_items(office)} == {"hold"}
    assert adds_up(office) == {"member": 8, "review": 8}
    finding = only(book.show(office))
    assert (finding.code, finding.count, finding.amount) == ("changes_held", 8, "1600.00")


def test_everybody_else_of_the_file_goes_on(office: Office) -> None:
    both = [row(f"A{serial}", serial, inscp_scp_amt="14500.00") for serial in MANY]
    both += [row("B9", 9), row("S1", 50)]
    take(office, "files", page(*both, request="x", source="day1.json"))
    assert amounts(office) == [249000] * 9
    assert adds_up(office) == {"member": 9, "review": 8, "stranger": 1}


def test_nothing_is_judged_before_the_last_part_is_worked(office: Office) -> None:
    first, second = lower(*MANY, parts=2)
    take(office, "files", first)
    assert holds(office) == [("file", "gathering", 0, 0, 0)]
    assert amounts(office) == [249000] * 8
    take(office, "files", second)
    assert holds(office) == [("file", "open", 8, 1992000, 1832000)]


def test_a_new_stay_of_somebody_who_waits_waits_too(office: Office) -> None:
    take(office, "files", *lower(*MANY))
    take(office, "east", page(row("C1", 1, begndate="2021-08-01", enddate="2021-08-10")))
    assert amounts(office) == [249000] * 8
    assert adds_up(office) == {"member": 8, "review": 9}
    assert len(holds(office)) == 1


def test_a_hold_left_by_a_killed_process_is_judged_by_the_next_night(office: Office) -> None:
    seq = keep_page(office, "files", only(lower(1, 2)))
    process_page(office, seq, CausesAtWork())
    assert holds(office)[0][1] == "gathering"
    assert amounts(office) == [249000] * 8
    assert judge(office) == 0
    assert amounts(office) == [229000] * 2 + [249000] * 6
    assert adds_up(office) == {"member": 8, "superseded": 2}


def test_pushes_of_a_day_are_counted_together(office: Office) -> None:
    take(office, "east", page(*[row(f"P{serial}", serial, mdtrt_id=f"W{serial}") for serial in range(9, 13)]))
    push = [page(row(f"P{n}", n, mdtrt_id=f"W{n}", inscp_scp_amt="14000.00"), request=str(n)) for n in range(9, 13)]
    take(office, "east", *push)
    assert [hold[:2] for hold in holds(office)] == [("push", "released")] * 2 + [("push", "open")] * 2
    assert len(live(office)) == 12
    work_waiting(office, ["east"])
    assert adds_up(office) == {"member": 12, "superseded": 2, "review": 2}


def test_what_cannot_be_concluded_is_left_to_a_person_and_stops_no_other(office: Office) -> None:
    spoilt = keep_page(office, "files", only(lower(1, 2)))
    process_page(office, spoilt, CausesAtWork())
    with office.store.write() as tx:
        tx.execute(schema.page.update().where(schema.page.c.seq == spoilt).values(sealed=b"x" * 80))
    take(office, "east", page(row("E1", 9)))
    push = page(row("E1", 9, inscp_scp_amt="14500.00"), request="2")
    process_page(office, keep_page(office, "east", push), CausesAtWork())
    assert judge(office) == 1
    assert [hold[:2] for hold in holds(office)] == [("file", "open"), ("push", "released")]
    assert adds_up(office) == {"member": 9, "review": 2, "superseded": 1}
    with pytest.raises(BrokenSeal):
        accept_hold(office, 1, by="甲")
    assert refuse_hold(office, 1, by="甲", reason="x").state == "refused"
    assert adds_up(office) == {"member": 9, "superseded": 3}


def test_a_file_that_comes_again_unreadable_takes_nothing_from_anybody(office: Office) -> None:
    """Admission and discharge swapped in every row (every row is quarantined by itself)."""
    rows = [row(f"A{n}", n, begndate="2021-07-10", enddate="2021-07-01") for n in MANY]
    take(office, "files", page(*rows, request="x", source="day1.json"))
    assert amounts(office) == [249000] * 8
    counted = adds_up(office)
    assert counted["member"] == 8
    assert counted.get("review", 0) + counted.get("quarantined", 0) == 8
    assert [finding.code for finding in book.show(office) if finding.counts] != []


def test_a_file_in_which_everybody_became_a_stranger_waits(office: Office) -> None:
    rows = [row(f"A{n}", n + 40) for n in MANY]
    take(office, "files", page(*rows, request="x", source="day1.json"))
    assert amounts(office) == [249000] * 8
    assert len(open_items(office)) == 8
    assert adds_up(office) == {"member": 8, "review": 8}


def test_a_part_that_never_comes_is_waited_for_no_longer_than_a_day(office: Office, clock: Hands) -> None:
    first, _ = lower(1, 2, parts=2)
    take(office, "files", first)
    clock.move(hours=23)
    assert judge(office) == 0
    assert holds(office)[0][1] == "gathering"
    clock.move(hours=2)
    judge(office)
    assert [hold[:3] for hold in holds(office)] == [("file", "released", 1)]


@pytest.mark.parametrize("stood_before", [False, True])
def test_what_a_cause_made_itself_it_may_take_back(
    make_office: MakeOffice, database_url: str, clock: Hands, stood_before: bool
) -> None:
    """A night that brings settlements and, pages later, what replaces them takes nothing from anybody. Where they came
    the night before, it does."""

    def ticking() -> datetime:
        clock.move(seconds=1)
        return clock()

    office = make_office(database_url, feeds=LINE, clock=ticking)
    enrolled(office, *MANY)
    first, second = (
        page(*[row(f"A{n}", n, inscp_scp_amt=amount) for n in MANY], request=amount)
        for amount in ("15000.00", "14500.00")
    )
    if stood_before:
        take(office, "line", first)
    else:
        keep_page(office, "line", first)
    keep_page(office, "line", second)
    work_waiting(office, ["line"])
    assert amounts(office) == ([249000] if stood_before else [229000]) * 8
    assert [hold[:3] for hold in holds(office)] == ([("night", "open", 8)] if stood_before else [])
    assert adds_up(office) == {"member": 8, "review" if stood_before else "superseded": 8}


def test_a_night_is_not_judged_while_a_process_is_at_it(make_office: MakeOffice, database_url: str) -> None:
    office = make_office(database_url, feeds=LINE)
    enrolled(office, 1)
    take(office, "line", page(row("L1", 1)))
    with office.store.write() as tx:
        run_id = runs.begin(tx, "line", scheduled_for=office.now(), now=office.now())
    take(office, "line", page(row("L1", 1, inscp_scp_amt="14500.00")))
    assert (amounts(office), holds(office)[0][:2]) == ([249000], ("night", "gathering"))
    with office.store.write() as tx:
        runs.end(tx, run_id or 0, outcome="done", pages=1, message="", now=office.now())
    assert judge(office, "line") == 0
    assert (amounts(office), holds(office)[0][:2]) == ([229000], ("night", "released"))


def test_who_comes_second_to_a_hold_carries_nothing_out(office: Office) -> None:
    take(office, "files", *lower(*MANY))
    with office.store.read() as tx:
        [read_before] = stored_holds.listing(tx)
    accept_hold(office, read_before.hold_id, by="甲")
    stood = amounts(office)
    with pytest.raises(Conflict), office.store.write() as tx:
        carry_out(tx, office, read_before)
    assert amounts(office) == stood
    assert [state for _, state, *_ in holds(office)] == ["accepted"]
