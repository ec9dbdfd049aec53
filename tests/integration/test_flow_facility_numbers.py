"""Settlement numbers that are only unique within their facility (`unique_within = "facility"`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, adds_up, enrolled, live, only, page, records, row, rows_of, take

from gateway.core.normalise import CompiledMapping
from gateway.errors import BadSettings
from gateway.flow.batches.rereading import replay, reread
from gateway.flow.office import Office
from gateway.flow.reviewing.inspect import explain
from gateway.settings.mappings import check_mapping
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

HERE, THERE = "H15099900001", "H15099900002"


def by_facility(office: Office) -> Office:
    """The same office, whose hospitals number their settlements each for itself."""
    language = msgspec.structs.replace(office.mapping_of("east").language, unique_within="facility")
    return replace(office, mappings={**office.mappings, office.feeds["east"].mapping: CompiledMapping(language)})


@pytest.fixture(params=["sqlite", "postgres"])
def office(request: pytest.FixtureRequest, make_office: MakeOffice) -> Office:
    found: Office = make_office(request.getfixturevalue(f"{request.param}_url"), feeds=EAST_AND_WEST)
    enrolled(found, 1, 2)
    return found


def there(number: str, person: int | None, **changes: Any) -> dict[str, Any]:
    return row(number, person, fixmedins_code=THERE, **changes)


def paid(office: Office) -> list[tuple[int, int]]:
    """Person and payable of every claim in force: 40 % of 6,000 yuan and nine days of ten are 2,490.00."""
    return sorted((claim["person_id"], claim["payable"]) for claim in live(office))


def test_two_hospitals_with_one_number_are_two_settlements_and_two_claims(office: Office) -> None:
    take(by_facility(office), "east", page(row("A1", 1), there("A1", 2, mdtrt_id="M9")))
    assert paid(office) == [(1, 249_000), (2, 249_000)]
    assert adds_up(office) == {"member": 2}
    assert rows_of(office, schema.review) == []


def test_without_the_word_for_it_the_second_hospitals_row_is_asked_about(office: Office) -> None:
    take(office, "east", page(row("A1", 1), there("A1", 2, mdtrt_id="M9")))
    assert paid(office) == [(1, 249_000)]
    assert only(rows_of(office, schema.review))["reasons"] == '["another_facility"]'


def test_a_correction_and_a_refund_find_what_was_stored_before_numbers_had_a_facility(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    now = by_facility(office)
    take(now, "east", page(row("A1", 1, inscp_scp_amt="16000.00"), there("A1", 2)))
    # 40 % of 7,000 yuan and nine days of ten.
    assert paid(office) == [(1, 289_000), (2, 249_000)]
    take(now, "east", page(row("A1", 1, refund=True, inscp_scp_amt="16000.00")))
    assert paid(office) == [(2, 249_000)]
    assert adds_up(office) == {"member": 3, "superseded": 1}


def test_a_refund_that_names_nobody_goes_with_the_one_of_its_hospital(office: Office) -> None:
    take(office, "east", page(row("A1", None, refund=True)))
    now = by_facility(office)
    take(now, "east", page(there("A1", 2)), page(row("A1", 1)))
    assert paid(office) == [(2, 249_000)]
    take(now, "east", page(there("A1", None, refund=True)))
    assert paid(office) == []
    assert rows_of(office, schema.waiting_reversal) == []
    assert adds_up(office) == {"member": 4}


def test_stored_pages_read_again_are_known_by_their_facility_and_change_nothing(office: Office) -> None:
    take(office, "east", page(row("A1", 1), there("B1", 2)))
    before, keys = paid(office), {record["key"] for record in records(office)}
    now = by_facility(office)
    difference = reread(now, "east")
    assert (difference.rows, difference.left_out, difference.claims) == (0, [], [])
    replay(now, "east")
    assert paid(office) == before
    assert keys.isdisjoint(record["key"] for record in records(office))
    assert adds_up(office) == {"member": 2}
    # And they are found in whatever order what corrects them comes.
    take(now, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    assert paid(office) == [(1, 289_000), (2, 249_000)]


def test_a_row_that_cannot_be_read_takes_nothing_from_another_hospitals(office: Office) -> None:
    now = by_facility(office)
    take(now, "east", page(row("A1", 1)), page(there("A1", 2, begndate="不详")), page(row("A1", 1, begndate="不详")))
    assert paid(office) == [(1, 249_000)]
    assert [lost["errors"] is not None for lost in rows_of(office, schema.quarantine)] == [True, True]
    assert adds_up(office) == {"member": 1, "quarantined": 2}
    take(now, "east", page(there("A1", 2)))
    assert paid(office) == [(1, 249_000), (2, 249_000)]
    assert adds_up(office) == {"member": 2, "quarantined": 1, "superseded": 1}


def test_numbers_within_a_facility_need_the_facility() -> None:
    fields = {"settlement_no": {"from": ["a"]}, "total_amount": {"from": ["b"]}}
    tables = {"mapping": "x", "version": 1, "unique_within": "facility", "format": {"kind": "csv"}, "fields": fields}
    with pytest.raises(BadSettings) as refused:
        check_mapping(tables, shown_as="mappings/x.toml")
    assert [(finding.key, finding.found) for finding in refused.value.findings] == [
        ("fields.facility_no", "缺失 (missing)")
    ]


def test_a_number_is_looked_for_with_its_facility(office: Office) -> None:
    now = by_facility(office)
    take(now, "east", page(row("A1", 1), there("A1", 2)))
    assert [found.row for found in explain(now, f"{THERE}/A1")] == [2]
