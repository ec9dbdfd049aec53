"""What leaves as a file is what the filters find; more than one person may take alone needs another's yes."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from account_side import make_account, quick_hashes
from builders import EAST_AND_WEST, claims, enrolled, page, row, take, who
from test_pages_roster import Clerk
from web_side import ENVIRONMENT, Side, at_work

from gateway.errors import BadInput, WrongUse
from gateway.flow.accounts import two_persons
from gateway.flow.office import Office
from gateway.flow.reviewing import exporting
from gateway.flow.reviewing.claim_list import ClaimSearch
from gateway.flow.reviewing.exporting import COLUMNS, export_claims
from gateway.model.account import AccountScope, Role, Viewer
from gateway.model.page import Fetched
from gateway.store import audit

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    quick_hashes(monkeypatch)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2, 3)
    take(office, "east", page(*(row(f"A{serial}", serial) for serial in (1, 2, 3))))
    return office


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


def rows_in(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_file_holds_what_the_filters_find_and_no_names(side: Side) -> None:
    clerk = Clerk(side)
    answer = clerk.post("/claims/export")
    header, *lines = rows_in(answer.content)
    assert tuple(header) == COLUMNS
    assert {line[0] for line in lines} == {claim["claim_id"] for claim in claims(side.office)} and len(lines) == 3
    for serial in (1, 2, 3):
        assert who(serial).name not in answer.text and who(serial).id_number not in answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="claims-nm.csv"'
    [_, only] = rows_in(clerk.post("/claims/export?member=M00002").content)
    assert only[1] == "M00002"
    assert rows_in(clerk.post("/claims/export?status=withdrawn").content) == [list(COLUMNS)]
    with side.office.store.read() as tx:
        entry = audit.last(tx)
    assert entry is not None and (entry.act, entry.subject) == ("claims_export", "nm 0")
    assert Clerk(side, Role.AUDIT).post("/claims/export").status_code == 403


def test_pages_of_a_long_list_follow_each_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_AT_ONCE", 2)
    _, *lines = rows_in(export_claims(office, ClaimSearch(association="nm"), by="one-clerk"))
    assert sorted(line[1] for line in lines) == ["M00001", "M00002", "M00003"]


def test_a_claim_that_changes_while_the_file_is_written_is_in_it_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_AT_ONCE", 1)
    listed, pages = exporting.list_claims, iter(range(100))

    def meanwhile(*args: Any, **named: Any) -> Any:
        page = listed(*args, **named)
        if named.get("limit") == 1 and next(pages) == 1:
            office.clock.move(minutes=1)  # type: ignore[attr-defined]
            take(office, "east", page_of_news(office))
        return page

    monkeypatch.setattr(exporting, "list_claims", meanwhile)
    _, *lines = rows_in(export_claims(office, ClaimSearch(association="nm"), by="one-clerk"))
    assert sorted(line[1] for line in lines) == ["M00001", "M00002", "M00003"]
    assert {line[1]: line[5] for line in lines} == {"M00001": "已变更", "M00002": "已变更", "M00003": "新申领"}


def page_of_news(office: Office) -> Fetched:
    """Corrections of two settlements; a third would be held for a person."""
    rows = [row(f"A{serial}", serial, inscp_scp_amt="14000.00") for serial in (1, 2)]
    return page(*rows, request=str(office.now()))


def test_another_associations_acts_are_not_the_second_persons(office: Office) -> None:
    make_account(office, "suhe", "reviewer")
    with pytest.raises(BadInput):
        two_persons.ask_or_take(office, "export", "claims nm", b"all", by="one-clerk")
    elsewhere = AccountScope(associations=frozenset({"other"}))
    assert two_persons.waiting_acts(office, elsewhere) == []
    [act] = two_persons.waiting_acts(office, AccountScope(associations=frozenset({"nm"})))
    second = Viewer(account="suhe", name="suhe", roles=frozenset({Role.REVIEWER}), scope=elsewhere)
    with pytest.raises(WrongUse):
        two_persons.answer_act(office, act.act_id, confirmed=True, by=second, page="test")


def test_a_longer_one_leaves_once_another_person_said_yes(office: Office) -> None:
    accounts = office.gateway.accounts.model_copy(update={"export_alone": 2})
    strict = dataclasses.replace(office, gateway=office.gateway.model_copy(update={"accounts": accounts}))
    with at_work(strict) as side:
        clerk, reviewer = Clerk(side), Clerk(side, Role.REVIEWER)
        asked = clerk.post("/claims/export")
        assert asked.status_code != 200 and "双人确认" in asked.text
        assert "申领清单 nm" in reviewer.get("/second").text
        assert clerk.get("/second").status_code == 403
        assert reviewer.post("/second/1", word="confirm").status_code == 303
        assert len(rows_in(clerk.post("/claims/export").content)) == 4
        # Once; and what is confirmed of one search is not of another.
        assert clerk.post("/claims/export").status_code != 200
        assert reviewer.post("/second/2", word="confirm").status_code == 303
        assert clerk.post("/claims/export?status=proposed").status_code != 200
        # A few need nobody else.
        assert len(rows_in(clerk.post("/claims/export?member=M00002").content)) == 2
