"""Which page is worked first does not tell: what waits beside what stands, and what is asked about it, is the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, adds_up, covered, keep_page, live, member, open_items, page, row

from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [member(1, coverage=(covered(),)), member(2, coverage=(covered(),))])
    return office


def outcome(office: Office, rows: Sequence[dict[str, Any]], order: Sequence[int]) -> tuple[Any, ...]:
    """What stands, what is asked and how everything is counted: each row in a page of its own, worked in this order."""
    seqs = [keep_page(office, "east", page(one)) for one in rows]
    for at in order:
        process_page(office, seqs[at])
    owed = sorted(claim["payable"] for claim in live(office))
    asked = sorted((item[0], item[3]) for item in open_items(office))
    return owed, asked, adds_up(office)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
@pytest.mark.parametrize("code", [{"insutype": "31"}, {"med_type": "77"}], ids=["insurance", "care"])
def test_a_code_nobody_knows_is_asked_about(office: Office, code: dict[str, str], order: Sequence[int]) -> None:
    asked = [("changed", '["unknown_code"]')]
    assert outcome(office, [row("A1", 1), row("A1", 1, **code)], order) == (
        [249_000],
        asked,
        {"member": 1, "review": 1},
    )


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_code_nobody_knows_between_two_rows_is_forgotten(office: Office, order: Sequence[int]) -> None:
    rows = [row("A1", 1), row("A1", 1, insutype="31"), row("A1", 1, inscp_scp_amt="16000.00")]
    assert outcome(office, rows, order) == ([289_000], [], {"member": 1, "superseded": 2})


def test_a_stranger_who_is_enrolled_stands_against_whoever_has_the_number_since(office: Office) -> None:
    """The stranger's row came first and at another facility: nobody's claim is taken in silence, a person is asked."""
    elsewhere = {"fixmedins_code": "H15099900002", "mdtrt_id": "M9"}
    for one in (row("A1", 9), row("A1", 1, **elsewhere)):
        process_page(office, keep_page(office, "east", page(one)))
    assert [claim["payable"] for claim in live(office)] == [249_000]
    enrol(office, "nm", [member(9, coverage=(covered(),))])
    rescan_and_judge(office)
    assert [(item[0], item[3]) for item in open_items(office)] == [("changed", '["another_facility"]')]
    assert adds_up(office) == {"member": 1, "review": 1}
