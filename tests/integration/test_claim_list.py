"""Claims as a clerk looks for them: by member, league, scheme, state, day and settlement, page by page."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, claims, enrolled, member, only, page, row, take, who

from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.flow.reviewing.claim_list import ClaimSearch, list_claims, note_search
from gateway.flow.reviewing.show import access_log
from gateway.flow.roster.enrol import enrol

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=EAST_AND_WEST)


def stay(number: str, serial: int, **changes: Any) -> dict[str, Any]:
    return row(number, serial, **changes)


def found(office: Office, **search: Any) -> list[str]:
    return sorted(claim["member_no"] for claim in list_claims(office, ClaimSearch(**search)).claims)


def test_claims_are_found_by_member_league_state_and_settlement(office: Office, clock: Hands) -> None:
    enrol(office, "nm", [member(1, league="乌海"), member(2, league="兴安盟"), member(3, league="乌海")], dry_run=False)
    take(office, "east", page(stay("A1", 1), stay("A2", 2), stay("A3", 3), request="first"))
    first_day = office.now().date()
    clock.move(days=3)
    take(office, "east", page(stay("A3", 3, inscp_scp_amt="16000.00"), request="later"))
    assert found(office) == ["M00001", "M00002", "M00003"]
    assert found(office, member_no="M00002") == ["M00002"]
    assert found(office, league="乌海") == ["M00001", "M00003"]
    assert found(office, status="amended") == ["M00003"]
    assert found(office, status="amended", league="兴安盟") == []
    assert found(office, scheme="nm-inpatient", settlement_no="A2") == ["M00002"]
    assert found(office, settlement_no="A9") == []
    assert found(office, last=first_day) == ["M00001", "M00002"]
    assert found(office, first=office.now().date()) == ["M00003"]
    assert found(office, first=date(2001, 1, 1), last=date(2001, 1, 2)) == []
    page_of_two = list_claims(office, ClaimSearch(league="乌海"))
    assert (page_of_two.total, page_of_two.payable) == (2, "5380.00")


def test_a_withdrawn_claim_is_found_by_the_settlement_it_told_of(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(stay("A1", 1)))
    take(office, "east", page(stay("A1", 1, refund=True), request="refund"))
    assert only(claims(office))["status"] == "withdrawn"
    assert found(office, settlement_no="A1") == ["M00001"]


def test_claims_are_found_by_an_id_number_that_is_written_down_nowhere(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(stay("A1", 1), stay("A2", 2)))
    number = who(2).id_number
    assert found(office, id_number=f" {number.lower()} ") == ["M00002"]
    assert found(office, id_number=number, member_no="M00001") == []
    assert found(office, id_number=who(3).id_number) == []
    wrong = number[:-1] + ("2" if number[-1] == "1" else "1")
    with pytest.raises(WrongUse) as refused:
        list_claims(office, ClaimSearch(id_number=wrong))
    assert number[:-1] not in str(refused.value)
    note_search(office, by="甲")
    [access] = access_log(office)
    assert (access["by"], access["what"]) == ("甲", "search")


def test_a_list_goes_on_where_it_stopped_until_its_end(office: Office) -> None:
    serials = range(1, 8)
    enrolled(office, *serials)
    take(office, "east", page(*(stay(f"A{serial}", serial) for serial in serials)))
    seen: list[str] = []
    after: str | None = None
    for _ in range(4):
        part = list_claims(office, ClaimSearch(), after=after, limit=2)
        assert part.total == 7
        assert part.more is (part.next is not None)
        seen += [claim["claim_id"] for claim in part.claims]
        after = part.next
    assert after is None
    assert sorted(seen) == sorted(claim["claim_id"] for claim in claims(office))


@pytest.mark.parametrize("search", [{"league": "火星"}, {"member_no": "M77777"}])
def test_what_cannot_be_is_said_and_not_answered_with_nothing(office: Office, search: dict[str, str]) -> None:
    enrolled(office, 1)
    with pytest.raises(WrongUse):
        list_claims(office, ClaimSearch(**search))
    with pytest.raises(WrongUse):
        list_claims(office, ClaimSearch(), after="yesterday")
