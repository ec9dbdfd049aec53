"""Whose data an account sees: the store's queries leave out what is not in its scope, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from account_side import log_in_first, make_account, quick_hashes
from builders import EAST_AND_WEST, claims, member, page, row, take, who
from conftest import MakeOffice
from page_side import Browser, browser_at
from web_side import at_work

from gateway.errors import WrongUse
from gateway.flow.accounts.auditing import AuditQuestion, show_entries
from gateway.flow.office import Office
from gateway.flow.reviewing.claim_list import ClaimSearch, is_in_scope, list_claims
from gateway.flow.roster.enrol import enrol
from gateway.flow.roster.searching import MemberSearch, export_members, list_members, search_members, show_member
from gateway.model.account import EVERYTHING, AccountScope

LEAGUES = {1: "甲盟", 2: "乙盟", 3: "乙盟", 4: None}
SCOPES = {
    "all": (EVERYTHING, {1, 2, 3, 4}),
    "its association": (AccountScope(associations=frozenset({"nm"})), {1, 2, 3, 4}),
    "another association": (AccountScope(associations=frozenset({"other"})), set()),
    "a league": (AccountScope(leagues=frozenset({"乙盟"})), {2, 3}),
    "two leagues": (AccountScope(leagues=frozenset({"甲盟", "乙盟"})), {1, 2, 3}),
    "a league nobody is of": (AccountScope(leagues=frozenset({"丙盟"})), set()),
    "a league of another association": (
        AccountScope(associations=frozenset({"other"}), leagues=frozenset({"乙盟"})),
        set(),
    ),
    "a unit": (AccountScope(units=frozenset({"U1"})), set()),
    "an industry": (AccountScope(industries=frozenset({"电力"})), set()),
}
"""Scope → who is in it, as the words of the scope say. What no column tells yet shows nobody."""


def fill(office: Office) -> None:
    enrol(office, "nm", [member(serial, league=league) for serial, league in LEAGUES.items()])
    take(office, "east", page(*(row(f"S{serial}", serial) for serial in LEAGUES)))


@pytest.fixture
def office(database_url: str, make_office: MakeOffice) -> Office:
    opened: Office = make_office(database_url, feeds=EAST_AND_WEST)
    fill(opened)
    return opened


def number(serial: int) -> str:
    return f"M{serial:05d}"


def test_no_query_tells_of_whom_the_scope_leaves_out(office: Office) -> None:
    of_claim = {claim["claim_id"]: claim["body"]["member"]["member_no"] for claim in claims(office)}
    assert len(of_claim) == 4
    for words, (scope, serials) in SCOPES.items():
        numbers = {number(serial) for serial in serials}
        found = list_claims(office, ClaimSearch(scope=scope))
        assert ({claim["member_no"] for claim in found.claims}, found.total) == (numbers, len(numbers)), words
        seen = {of_claim[claim_id] for claim_id in of_claim if is_in_scope(office, claim_id, scope)}
        assert seen == numbers, words
        roster = list_members(office, "nm", scope=scope)
        assert ({line.member_no for line in roster.members}, roster.total) == (numbers, len(numbers)), words
        exported = export_members(office, "nm", by="suhe", scope=scope)
        assert {stated.member_no for stated in exported} == numbers, words


def test_nobody_outside_of_the_scope_is_found_by_number_name_document_or_settlement(office: Office) -> None:
    for words, (scope, serials) in SCOPES.items():
        for serial in LEAGUES:
            expected = [number(serial)] if serial in serials else []
            for search in (
                MemberSearch(member_no=number(serial)),
                MemberSearch(name=who(serial).name),
                MemberSearch(id_number=who(serial).id_number),
                MemberSearch(settlement_no=f"S{serial}"),
            ):
                found = search_members(office, "nm", search, by="suhe", scope=scope)
                assert [shown.line.member_no for shown in found.members] == expected, (words, search)
            found_claims = list_claims(office, ClaimSearch(id_number=who(serial).id_number, scope=scope))
            assert len(found_claims.claims) == len(expected), words
            if serial not in serials:
                with pytest.raises(WrongUse):
                    show_member(office, "nm", number(serial), by="suhe", reveal=True, scope=scope)
                with pytest.raises(WrongUse):
                    list_claims(office, ClaimSearch(member_no=number(serial), scope=scope))


@pytest.fixture
def browser(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    quick_hashes(monkeypatch)
    opened: Office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    fill(opened)
    with at_work(opened) as side, browser_at(side) as one:
        yield one


def test_a_clerk_of_one_league_sees_its_members_and_claims_and_no_page_of_all(browser: Browser) -> None:
    make_account(browser.office, "suhe", "clerk", scope=AccountScope(leagues=frozenset({"乙盟"})))
    session, _ = log_in_first(browser.office, "suhe")
    browser.sits_at(session.session_id)
    own = {claim["claim_id"]: claim["body"]["member"]["member_no"] for claim in claims(browser.office)}
    for address in ("/claims", "/members"):
        text = browser.get(address).text
        assert number(2) in text and number(3) in text, address
        assert number(1) not in text and number(4) not in text, address
    for claim_id, member_no in own.items():
        status = 200 if member_no in (number(2), number(3)) else 422
        assert browser.get(f"/claims/{claim_id}").status_code == status
        assert browser.send(f"/claims/{claim_id}/reveal").status_code == status
        assert browser.get(f"/members/nm/{member_no}").status_code == status
    for address in ("/today", "/night", "/reviews", "/quarantine", "/holds", "/deliveries", "/feeds"):
        assert browser.get(address).status_code == 403, address
    refused = show_entries(browser.office, AuditQuestion(act="refused"))
    assert {entry.subject for entry in refused} == {"scope"}
