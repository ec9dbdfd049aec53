"""What would follow is told without being written; what waits for a person is sealed in a hold, which is a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import EAST_AND_WEST, covered, enrolled, everything, live, only, page, row, rows_of, take

from gateway.core.changes.difference import Difference
from gateway.flow.changes.preview import preview
from gateway.flow.findings import book
from gateway.flow.findings.holds import contents_of, open_hold
from gateway.flow.office import Office
from gateway.model.holds import Cause
from gateway.store import members, people, schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2, 3)
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    return office


def told_without(office: Office, *serials: int, first: str, last: str) -> Difference:
    """What would become of claims if these members were covered from day to day."""
    with office.store.read() as tx:
        rows = members.by_number(tx, "nm", [f"M{serial:05d}" for serial in serials])
        people_then = {
            row.person_id: [msgspec.structs.replace(office.open_member(row), coverage=(covered(first, last),))]
            for row in rows
        }
        return preview(tx, office, "nm", people_then)


def test_a_period_that_would_end_before_the_stay_would_withdraw_its_claim_and_nothing_is_written(
    office: Office,
) -> None:
    before = everything(office)
    told = told_without(office, 1, 3, first="2021-06-01", last="2021-06-30")
    change = only(told.taken)
    assert (change.move, change.was, change.becomes) == ("withdrawn", 249000, None)
    assert told.money == (249000, 0)
    assert everything(office) == before


def test_a_period_that_still_holds_the_stay_would_change_nothing(office: Office) -> None:
    assert told_without(office, 1, 2, first="2021-06-01", last="2022-05-30").claims == ()


def test_an_opened_hold_is_a_finding_and_keeps_what_it_was_given_sealed(office: Office) -> None:
    told = told_without(office, 1, first="2021-06-01", last="2021-06-30")
    cause = Cause(kind="roster", subject="nm", name="1")
    person_id = only(told.taken).person_id
    with office.store.write() as tx:
        hold_id = open_hold(tx, office, cause, {person_id: b"2021-06-30"}, told)
    with office.store.read() as tx:
        assert contents_of(tx, office, hold_id) == {person_id: b"2021-06-30"}
        assert people.lock(tx, [person_id]) == {person_id: hold_id}
    hold = only(rows_of(office, schema.hold))
    assert (hold["state"], hold["members"], hold["claims"], hold["was"], hold["becomes"]) == ("open", 1, 1, 249000, 0)
    assert b"2021-06-30" not in bytes(only(rows_of(office, schema.hold_item))["sealed"])
    finding = only(book.show(office))
    assert (finding.code, finding.name, finding.count, finding.amount) == ("changes_held", str(hold_id), 1, "2490.00")
    assert finding.counts
    assert len(live(office)) == 2
