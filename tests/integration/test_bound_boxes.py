"""What stands in the clear beside a sealed box is bound to it, and so is how often it was sealed.

Whoever edits a column or puts an older box back is noticed, and nothing is concluded from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, enrolled, live, member, open_items, page, row, rows_of, take
from sqlalchemy import update

from gateway.errors import BrokenSeal
from gateway.flow.office import Office, member_context
from gateway.flow.pages.stored_pages import page_bytes
from gateway.flow.roster.enrol import enrol
from gateway.flow.site import rewriting
from gateway.model.member import Member
from gateway.store import members, schema
from gateway.store.members import MemberRow

if TYPE_CHECKING:
    from conftest import MakeOffice

WIDER = '[["nm-inpatient","2011-01-01","2041-12-31",null]]'
EDITS: list[dict[str, Any]] = [
    {"coverage": WIDER},
    {"category": "retired"},
    {"opt_out": True},
    {"league": "another"},
    {"member_no": "M99999"},
    {"sealing": 7},
    {"sealing": 0},
]


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def member_row(office: Office, member_id: int) -> MemberRow:
    with office.store.read() as tx:
        [found] = members.by_id(tx, [member_id])
    return found


def the_first(office: Office) -> int:
    number: int = min(row["member_id"] for row in rows_of(office, schema.member))
    return number


def edit(office: Office, member_id: int, **values: Any) -> None:
    with office.store.write() as tx:
        tx.execute(update(schema.member).where(schema.member.c.member_id == member_id).values(**values))


def opened(office: Office, member_id: int) -> Member:
    return office.open_member(member_row(office, member_id))


@pytest.mark.parametrize("values", EDITS, ids=lambda values: f"{next(iter(values))}-{next(iter(values.values()))}")
def test_an_edited_column_is_noticed(office: Office, values: dict[str, Any]) -> None:
    first = the_first(office)
    before = opened(office, first)
    edit(office, first, **values)
    with pytest.raises(BrokenSeal):
        opened(office, first)
    kept = member_row(office, first)
    assert {name: getattr(kept, name) for name in values} != {name: getattr(before, name, None) for name in values}


def test_an_older_box_does_not_open_in_the_place_of_a_newer_one(office: Office) -> None:
    first = the_first(office)
    older = member_row(office, first)
    enrol(office, "nm", [member(1, phone="13900000001"), member(2)])
    assert opened(office, first).phone == "13900000001"
    assert member_row(office, first).sealing == older.sealing + 1
    edit(office, first, sealed=older.sealed)
    with pytest.raises(BrokenSeal):
        opened(office, first)


def test_whose_enrolment_it_is_may_change(office: Office) -> None:
    first = the_first(office)
    before = opened(office, first)
    edit(office, first, person_id=member_row(office, first + 1).person_id)
    assert msgspec.structs.replace(opened(office, first), person_id=before.person_id) == before


def test_nothing_is_concluded_from_an_edited_coverage_and_everybody_else_goes_on(office: Office) -> None:
    edit(office, the_first(office), coverage=WIDER)
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    assert [claim["body"]["member"]["member_no"] for claim in live(office)] == [member(2).member_no]
    assert [(kind, codes) for kind, _, _, codes in open_items(office)] == [("quarantine", "unreadable")]


def as_before(office: Office) -> None:
    """Every member as older releases kept them: the box bound to the number alone."""
    key = office.vault.roster_key()
    for stored in rows_of(office, schema.member):
        found = member_row(office, stored["member_id"])
        plain = office.vault.open(found.sealed, member_context(found.place))
        edit(office, found.member_id, sealed=key.seal(plain, member_context(found.member_id)), sealing=0)


def test_boxes_of_older_releases_open_and_are_bound_beside_the_night(office: Office) -> None:
    first = the_first(office)
    before = [opened(office, number) for number in (first, first + 1)]
    as_before(office)
    unbound = member_row(office, first).sealed
    assert [opened(office, number) for number in (first, first + 1)] == before
    assert rewriting.go_on(office) == 2
    assert [opened(office, number) for number in (first, first + 1)] == before
    assert {row["sealing"] for row in rows_of(office, schema.member)} == {1}
    edit(office, first, sealed=unbound)
    with pytest.raises(BrokenSeal):
        opened(office, first)


def test_an_unbound_box_that_does_not_open_stops_no_other(office: Office) -> None:
    first = the_first(office)
    as_before(office)
    edit(office, first, sealed=member_row(office, first).sealed[:-1] + b"?")
    assert rewriting.go_on(office) == 1
    assert [member_row(office, number).sealing for number in (first, first + 1)] == [0, 1]


def test_a_page_is_its_own_feeds_alone(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    [stored] = rows_of(office, schema.page)
    with office.store.read() as tx:
        assert page_bytes(tx, office, stored["seq"])
    with office.store.write() as tx:
        tx.execute(update(schema.page).values(feed="west"))
    with office.store.read() as tx, pytest.raises(BrokenSeal):
        page_bytes(tx, office, stored["seq"])
