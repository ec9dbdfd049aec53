"""Rows and pages that could not be read are read again once the mapping is mended, and stand where they belong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    adds_up,
    enrolled,
    everything,
    live,
    only,
    open_items,
    page,
    payable,
    row,
    rows_of,
    take,
    tallies,
)

from gateway.core.normalise import compile_mapping
from gateway.core.normalise.language import FieldRule
from gateway.errors import WrongUse
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def with_language(office: Office, **changes: Any) -> Office:
    language = msgspec.structs.replace(office.mappings["national"].language, **changes)
    return replace(office, mappings={**office.mappings, "national": compile_mapping(language)})


def reading(office: Office, field: str, source: str) -> Office:
    """The office with a mapping that looks for one field in the wrong place."""
    fields = {**office.mappings["national"].language.fields, field: FieldRule(sources=(source,), required=True)}
    return with_language(office, fields=fields)


def test_rows_are_read_again_with_a_mended_mapping(office: Office) -> None:
    broken = reading(office, "settlement_no", "nowhere")
    take(broken, "east", page(row("A1", 1), row("A9", 9), row("A2", 2, refund=True)))
    assert adds_up(broken) == {"quarantined": 3}
    done = retry_quarantine(office)
    assert (done.tried, done.solved) == (3, 3)
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert adds_up(office) == {"member": 2, "stranger": 1}
    assert tallies(office) == {"member": (2, 0), "stranger": (1, 2_000_000)}
    assert open_items(office) == []


def test_money_that_could_not_be_read_is_counted_once_it_can(office: Office) -> None:
    take(reading(office, "total_amount", "nowhere"), "east", page(row("A1", 1), row("A9", 9)))
    assert tallies(office)["quarantined"] == (2, 0)
    retry_quarantine(office)
    assert tallies(office) == {"member": (1, 2_000_000), "stranger": (1, 2_000_000)}


def test_a_mapping_that_is_still_wrong_leaves_the_rows_where_they_are(office: Office) -> None:
    broken = reading(office, "settlement_no", "nowhere")
    take(broken, "east", page(row("A1", 1), row("A2", 2)))
    waiting = open_items(office)
    done = retry_quarantine(broken)
    assert (done.tried, done.solved) == (2, 0)
    assert open_items(office) == waiting
    assert adds_up(office) == {"quarantined": 2}


def test_only_the_rows_that_are_meant_are_read_again(office: Office) -> None:
    take(reading(office, "settlement_no", "nowhere"), "east", page(row("A1", 1), row("A2", 2)))
    items = {each["row"]: each["item_id"] for each in rows_of(office, schema.quarantine)}
    assert retry_quarantine(office, [items[1]]).solved == 1
    assert [stay for stay, _ in payable(office)] == ["H15099900001/VA2"]
    assert adds_up(office) == {"member": 1, "quarantined": 1}
    before = everything(office)
    with pytest.raises(WrongUse, match=str(items[1])):
        retry_quarantine(office, [items[0], items[1]])
    assert everything(office) == before


def test_a_retried_row_takes_its_place_among_the_later_ones(office: Office) -> None:
    broken = reading(office, "settlement_no", "nowhere")
    take(broken, "east", page(row("A1", 1), row("A3", 2)))
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00"), row("A9", 9)), page(row("A3", 9)))
    retry_quarantine(office)
    # As if it had been read at once: the members' rows came first, so the stranger's later one waits for a person.
    assert payable(office) == [("H15099900001/VA1", 289000), ("H15099900001/VA3", 249000)]
    assert open_items(office) == [("changed", 3, 0, '["names_nobody"]')]
    assert adds_up(office) == {"member": 2, "review": 1, "stranger": 1, "superseded": 1}
    # And again, when they come once more.
    take(office, "east", page(row("A1", 9), row("A3", 9), request="last"))
    assert adds_up(office) == {"member": 2, "review": 2, "stranger": 1, "superseded": 2}


def test_a_retried_row_replaces_what_came_before_it(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    broken = reading(office, "settlement_no", "nowhere")
    take(broken, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    assert payable(office) == [("H15099900001/VA1", 249000)]
    retry_quarantine(office)
    assert payable(office) == [("H15099900001/VA1", 289000)]
    assert adds_up(office) == {"member": 1, "superseded": 1}


def test_strangers_read_late_are_known_when_they_come_again(office: Office) -> None:
    take(reading(office, "settlement_no", "nowhere"), "east", page(row("A8", 8), row("A9", 9)))
    retry_quarantine(office)
    assert adds_up(office) == {"stranger": 2}
    take(office, "east", page(row("A9", 9), request="again"))
    assert adds_up(office) == {"stranger": 2, "superseded": 1}


def test_two_of_one_number_in_a_retried_page(office: Office) -> None:
    broken = reading(office, "settlement_no", "nowhere")
    take(broken, "east", page(row("A1", 1), row("A1", 1, inscp_scp_amt="16000.00"), row("A9", 9), row("A9", 9)))
    retry_quarantine(office)
    assert payable(office) == [("H15099900001/VA1", 289000)]
    assert adds_up(office) == {"member": 1, "stranger": 1, "superseded": 2}


def test_a_nameless_refund_read_late_finds_its_original(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(reading(office, "settlement_no", "nowhere"), "east", page(row("A1", None, refund=True)))
    retry_quarantine(office)
    assert live(office) == []
    assert tallies(office) == {"member": (2, 0)}


def looking_elsewhere(office: Office) -> Office:
    """The office with a mapping that looks for the settlements of a message where there are none."""
    spoken = msgspec.structs.replace(office.mappings["national"].language.format, rows=("nowhere",))
    return with_language(office, format=spoken)


def test_a_whole_page_is_read_again_with_a_mended_mapping(office: Office) -> None:
    take(looking_elsewhere(office), "east", page(row("A1", 1), row("A2", 2), row("A9", 9)))
    assert only(open_items(office))[::3] == ("quarantine", "no_rows_found")
    done = retry_quarantine(office)
    assert (done.tried, done.solved) == (1, 1)
    assert open_items(office) == []
    assert adds_up(office) == {"member": 2, "stranger": 1}


def test_a_page_that_is_still_bad_waits_again(office: Office) -> None:
    broken = looking_elsewhere(office)
    take(broken, "east", page(row("A1", 1)))
    done = retry_quarantine(broken)
    assert (done.tried, done.solved) == (1, 0)
    assert len(open_items(office)) == 1
    assert retry_quarantine(office).solved == 1


def test_a_page_read_late_keeps_its_place(office: Office) -> None:
    take(looking_elsewhere(office), "east", page(row("A1", 1), row("A3", 2, **LATER)))
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00"), row("A3", 9)))
    retry_quarantine(office)
    # The member's row came first, so the stranger's that came later under its number waits for a person.
    assert [stay for stay, _ in payable(office)] == ["H15099900001/VA1", "H15099900001/VA3"]
    assert adds_up(office) == {"member": 2, "review": 1, "superseded": 1}


def test_nothing_to_retry_is_no_mistake(office: Office) -> None:
    assert retry_quarantine(office) == type(retry_quarantine(office))(tried=0, solved=0)
    with pytest.raises(WrongUse):
        retry_quarantine(office, [1])
