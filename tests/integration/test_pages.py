"""The pages over HTTP: who may open what, what nobody is shown, and that each action does what its command does."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from account_side import log_in_first, make_account, people, quick_hashes
from builders import EAST_AND_WEST, claims, enrolled, page, row, take, who
from desk_side import with_desk
from fastapi.routing import APIRoute
from review_side import LATER, wrong_name
from sqlalchemy import event
from web_side import ENVIRONMENT, Side, at_work

from gateway.core.accounts.rights import RIGHTS, Right
from gateway.flow.accounts.sessions import csrf_of
from gateway.flow.office import Office
from gateway.flow.reviewing.last_night import last_night
from gateway.flow.reviewing.show import list_items
from gateway.model.account import AccountScope, Role
from gateway.store import accesses, audit, runs
from gateway.web.pages import PAGES
from gateway.web.pages.showing import Needs
from gateway.web.session import COOKIE

if TYPE_CHECKING:
    from conftest import MakeOffice

RARE = "𬱖㛃㴪"
"""Three characters of GB 18030 level 3, of extensions E and A."""


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    quick_hashes(monkeypatch)
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    broken = {**row("B1", 1), "medfee_sumamt": "一千"}
    rows = [wrong_name("A1", 1), wrong_name("A2", 2), wrong_name("A3", 1, "另一人", **LATER), row("C1", 2), broken]
    take(office, "east", page(*rows))
    return office


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


class Browser:
    """One person's browser, without script: follows no redirect, sends the token of its session with each form."""

    def __init__(self, side: Side, session: str) -> None:
        self.side, self.session = side, session
        self.token = csrf_of(side.office, session)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.side.client.get(path, headers={"cookie": f"{COOKIE}={self.session}", **headers})

    def post(self, path: str, token: str | None = None, **fields: str) -> httpx.Response:
        data = {"csrf": self.token if token is None else token, **fields}
        return self.side.client.post(path, data=data, headers={"cookie": f"{COOKIE}={self.session}"})


def routes() -> list[tuple[str, str, Right]]:
    """Method, address and right of every page and action."""
    listed = []
    for router in PAGES:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            rights = [part.call.right for part in route.dependant.dependencies if isinstance(part.call, Needs)]
            # The steps of a log-in ask for no right; `test_accounts_pages.py` tries them.
            if not route.path.startswith(("/static/", "/login", "/logout")):
                [right] = rights
                listed += [(method, route.path, right) for method in sorted(route.methods)]
    return listed


PLACES = {
    "item_id": "1",
    "finding_id": "1",
    "hold_id": "1",
    "claim_id": "HB0",
    "feed": "east",
    "association": "nm",
    "member_no": "M00001",
    "scheme": "nm-inpatient",
    "edition": "2021",
    "account": "keeper",
    "preview": "0" * 32,
    "number": "1",
    "act_id": "1",
}


FEW = (Role.VIEWER, Role.SECURITY)
"""Roles whose pages are walked in every run; the others in the long forms."""


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: PLACES[name[1]], path)


def test_nothing_is_shown_or_done_without_a_log_in(side: Side) -> None:
    for method, path, _ in routes():
        answer = side.client.request(method, filled(path), data={"csrf": ""} if method == "POST" else None)
        assert answer.status_code == (303 if method == "GET" else 403), path
        assert "M0000" not in answer.text
        if method == "GET":
            assert answer.headers["location"].startswith("/login"), path


@pytest.mark.parametrize("role", [pytest.param(role, marks=() if role in FEW else pytest.mark.full) for role in Role])
def test_every_page_is_for_the_roles_of_its_right_alone(side: Side, office: Office, role: Role) -> None:
    opened = people(office, (role,))
    for role, session in opened.items():
        browser = Browser(side, session.session_id)
        for method, path, right in routes():
            if method != "GET":
                continue
            answer = browser.get(filled(path))
            if role in RIGHTS[right]:
                assert answer.status_code in (200, 303, 422), (role, path, answer.text[:300])
            else:
                assert answer.status_code == 403, (role, path)


def test_actions_are_for_the_roles_of_their_right_alone(side: Side, office: Office) -> None:
    opened = people(office, (Role.VIEWER, Role.AUDIT))
    for role, session in opened.items():
        browser = Browser(side, session.session_id)
        for method, path, right in routes():
            if method == "POST" and role not in RIGHTS[right]:
                assert browser.post(filled(path)).status_code == 403, (role, path)
    assert [item["state"] for item in list_items(office, state=None)] == ["open"] * 3


@pytest.fixture
def clerk(side: Side, office: Office) -> Browser:
    return Browser(side, people(office, (Role.CLERK,))[Role.CLERK].session_id)


def test_a_form_that_no_page_of_ours_made_does_nothing(clerk: Browser, office: Office) -> None:
    [newest, *_] = list_items(office)
    for token in ("", "0" * 64):
        assert clerk.post(f"/reviews/{newest['item_id']}/decide", token=token, answer="same").status_code == 403
    assert len(list_items(office)) == 3


def test_pages_come_with_a_strict_policy_and_stay_in_no_cache(clerk: Browser) -> None:
    for path in ("/today", "/reviews/1", "/claims/nowhere"):
        headers = clerk.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert "set-cookie" not in headers


def test_a_page_tells_nobody_s_name_or_number_before_it_is_asked_to(clerk: Browser, office: Office) -> None:
    claim_ids = [claim["claim_id"] for claim in claims(office)]
    paths = [
        "/today",
        "/night",
        "/night/report",
        "/reviews",
        "/reviews/1",
        "/quarantine",
        "/quarantine/items",
        "/claims",
    ]
    paths += [
        "/members",
        "/members/nm/M00002",
        "/deliveries",
        "/feeds/east",
        *(f"/claims/{number}" for number in claim_ids),
    ]
    for path in paths:
        answer = clerk.get(path)
        assert answer.status_code == 200, path
        for person in (who(1), who(2)):
            assert person.name not in answer.text, path
            assert person.id_number not in answer.text, path


def test_plain_values_are_shown_by_a_click_that_is_written_down(clerk: Browser, office: Office) -> None:
    [claim] = [claim for claim in claims(office) if claim["payable"]]
    shown = [
        clerk.post("/reviews/1/reveal"),
        clerk.post("/members/nm/M00002/reveal"),
        clerk.post(f"/claims/{claim['claim_id']}/reveal"),
        clerk.post(f"/claims/{claim['claim_id']}/form"),
    ]
    assert who(1).name in shown[0].text
    assert all(who(2).id_number in answer.text for answer in shown[1:])
    with office.store.read() as tx:
        looks = {(look.by, look.what) for look in accesses.listing(tx)}
        acts = [
            (entry.account, entry.act, entry.purpose) for entry in audit.listing(tx, audit.AuditFilter(), limit=100)
        ]
    assert {("one-clerk", "reveal"), ("one-clerk", "roster_show")} <= looks
    assert {("one-clerk", "reveal", "decide"), ("one-clerk", "reveal", "print")} <= set(acts)


def test_one_answer_decides_and_goes_on_to_the_next_and_can_be_taken_back(clerk: Browser, office: Office) -> None:
    numbers = [item["item_id"] for item in list_items(office)]
    answer = clerk.post(f"/reviews/{numbers[0]}/decide", answer="different")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/reviews/{numbers[1]}?")
    assert [item["item_id"] for item in list_items(office)] == numbers[1:]
    back = clerk.post(f"/reviews/{numbers[0]}/undo")
    assert back.headers["location"].startswith(f"/reviews/{numbers[0]}?")
    assert [item["item_id"] for item in list_items(office)] == numbers


def test_what_an_answer_would_do_is_what_it_does(clerk: Browser, office: Office) -> None:
    [first] = [item["item_id"] for item in list_items(office) if item["reasons"] and item["item_id"] == 1]
    before = {claim["claim_id"]: claim["payable"] for claim in claims(office)}
    text = clerk.get(f"/reviews/{first}").text
    foreseen = re.search(r"新增申领 \S+ ([\d,.]+) 元", text)
    assert foreseen is not None
    assert {claim["claim_id"]: claim["payable"] for claim in claims(office)} == before
    clerk.post(f"/reviews/{first}/decide", answer="same")
    [new] = [claim for claim in claims(office) if claim["claim_id"] not in before]
    assert f"{new['payable'] / 100:,.2f}" == foreseen[1]


def test_the_score_is_hidden_until_it_is_asked_for(clerk: Browser) -> None:
    assert "分数 0." not in clerk.get("/reviews/1").text
    assert "分数 0." in clerk.get("/reviews/1?score=true").text


def test_a_group_that_is_not_what_was_shown_is_not_touched(clerk: Browser, office: Office) -> None:
    text = clerk.get("/quarantine").text
    group = re.search(r'name="group" value="([^"]+)"', text)
    assert group is not None
    refused = clerk.post("/quarantine/close", group=group[1], count="7", reason="对方已更正")
    assert refused.status_code == 409 or refused.status_code == 422
    assert "请再看一遍" in refused.text
    assert clerk.post("/quarantine/close", group=group[1], count="1", reason="对方已更正").status_code == 303
    assert "没有待修的行" in clerk.get("/quarantine").text


def test_lists_are_filtered_by_their_address_and_answer_the_script_with_the_list_alone(clerk: Browser) -> None:
    for path in ("/claims?status=proposed", "/reviews?kind=match", "/deliveries", "/members"):
        whole, part = clerk.get(path), clerk.get(path, **{"hx-request": "true"})
        assert (whole.status_code, part.status_code) == (200, 200)
        assert "<html" in whole.text and "<html" not in part.text and "<table" in part.text
    assert "没有这样的申领" in clerk.get("/claims?least=99999999").text
    # A browser sends what stands in the form before the button that was pressed.
    assert 'aria-sort="ascending"' in clerk.get("/claims?order=&order=oldest").text
    assert clerk.get("/claims?least=many").status_code == 422
    assert clerk.get("/reviews?kind=%3Cscript%3E").status_code == 422


def test_rare_characters_are_shown_unchanged_with_their_code_points(side: Side, office: Office) -> None:
    take(office, "east", page({**wrong_name("R1", 1), "psn_name": RARE}))
    clerk = Browser(side, people(office, (Role.CLERK,))[Role.CLERK].session_id)
    newest = max(item["item_id"] for item in list_items(office))
    text = clerk.post(f"/reviews/{newest}/reveal").text
    for character in RARE:
        assert character in text
        assert f"U+{ord(character):04X}" in text


def test_a_viewer_of_one_league_is_not_shown_lists_of_all(side: Side, office: Office) -> None:
    make_account(office, "narrow", "clerk", scope=AccountScope(leagues=frozenset({"乌海市"})))
    session, _ = log_in_first(office, "narrow")
    browser = Browser(side, session.session_id)
    assert browser.get("/about").status_code == 200
    # Claims and members of the league alone: `test_scopes.py`.
    for path in ("/today", "/reviews", "/holds", "/quarantine"):
        assert browser.get(path).status_code == 403


READ_WHOLE = {
    "hold": "holds are few: one for a cause that took much",
    "finding": "open findings are one for each code and subject",
    "delivery": "read newest first as far as a page, and counted no further than ten thousand",
}
"""Tables that a page may read without an index, and why."""


def test_the_last_night_is_the_one_in_which_a_feed_ran_last(office: Office) -> None:
    ran = office.now().replace(hour=2)
    with office.store.write() as tx:
        run = runs.begin(tx, "east", scheduled_for=ran, now=ran)
        assert run is not None
        runs.end(tx, run, outcome="done", pages=1, message="", now=ran)
    seen = {}
    for hours in (6, 11, 21, 30):
        night = last_night(dataclasses.replace(office, clock=lambda at=ran + timedelta(hours=hours): at), ["nm"])
        assert night.since == ran.replace(hour=12) - timedelta(days=1)
        seen[hours] = night.past
    assert seen == {6: False, 11: False, 21: False, 30: True}


def test_no_page_reads_a_large_table_without_an_index(clerk: Browser, office: Office) -> None:
    statements: dict[str, tuple[str, object]] = {}

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        statements[statement] = (path, parameters)

    event.listen(office.store.engine, "before_cursor_execute", note)
    for _, path, _ in routes():
        # The proof counts every row again: that is what it is for.
        if path != "/night/proof":
            clerk.get(filled(path))
    event.remove(office.store.engine, "before_cursor_execute", note)
    scanned = set()
    with office.store.read() as tx:
        for statement, (path, parameters) in statements.items():
            if not statement.lstrip().lower().startswith(("select", "with")):
                continue
            plan = tx.exec_driver_sql(f"explain query plan {statement}", parameters)  # type: ignore[arg-type]
            tables = [scan[1] for row in plan if (scan := re.match(r"SCAN ([a-z_]+)$", row[3]))]
            scanned |= {(table, path) for table in tables if table not in READ_WHOLE and not table.startswith("anon")}
    assert scanned == set()
    assert len(statements) > 30


def test_a_claim_is_approved_at_the_desk_and_a_large_one_wants_a_second_person(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = with_desk(office, two_persons_above="3000.00")
    [claim] = [claim for claim in claims(desk) if claim["payable"]]
    with at_work(desk) as side:
        sessions = people(desk, (Role.CLERK, Role.REVIEWER))
        clerk = Browser(side, sessions[Role.CLERK].session_id)
        second = Browser(side, sessions[Role.REVIEWER].session_id)
        assert claim["claim_id"] in clerk.get("/desk").text
        place, seen = f"/desk/{claim['claim_id']}", str(claim["version"])
        asked = clerk.post(f"{place}/papers", paper="discharge_note")
        assert asked.headers["location"].endswith("done=papers")
        assert clerk.post(f"{place}/papers", came="yes").status_code == 303
        other_amount = clerk.post(f"{place}/decide", outcome="approved", version=seen, amount="5000.00")
        assert other_amount.status_code == 422
        large = {"outcome": "approved", "version": seen, "amount": "5000.00", "reason": "raised_by_review"}
        assert clerk.post(f"{place}/decide", **large).headers["location"].endswith("done=proposed")
        assert clerk.post(f"{place}/decide", **large, confirm="yes").status_code == 403
        confirmed = second.post(f"{place}/decide", outcome="approved", version=seen, confirm="yes")
        assert confirmed.headers["location"].endswith("done=approved")
        assert "5,000.00" in clerk.get(f"/claims/{claim['claim_id']}").text
        assert second.post(f"{place}/undo").headers["location"].endswith("done=undo")
