"""Log-in, accounts and the audit log in a browser; and what a hostile one tries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from account_side import CHOSEN, GIVEN, code, keeper, log_in_first, make_account, people, quick_hashes
from conftest import MakeOffice
from fastapi.routing import APIRoute
from page_side import Browser, browser_at, token_in
from web_side import at_work

from gateway.core.accounts.rights import RIGHTS, Right
from gateway.flow.accounts.auditing import AuditQuestion, show_entries
from gateway.flow.accounts.sessions import csrf_of
from gateway.flow.office import Office
from gateway.model.account import AccountScope, Role
from gateway.web.pages import PAGES
from gateway.web.pages.showing import Needs
from gateway.web.session import COOKIE, Allowed, PageRoute, own_address

OPEN_TO_ALL = {
    "/static/{name:path}",
    "/login",
    "/login/second",
    "/login/enrol",
    "/login/password",
    "/logout",
}
"""Files of the package, and the steps of a log-in, which prove themselves how far it has come."""


FEW = (Role.CLERK, Role.AUDIT)
"""Roles that walk over all pages and actions in every run; the others in the long forms."""


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    quick_hashes(monkeypatch)
    opened: Office = make_office(sqlite_url)
    return opened


@pytest.fixture
def browser(office: Office) -> Iterator[Browser]:
    with at_work(office) as side, browser_at(side) as opened:
        yield opened


def test_a_clerk_logs_in_works_and_logs_out(browser: Browser, office: Office) -> None:
    make_account(office, "suhe", "clerk")
    answer = browser.get("/reviews?kind=match")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/reviews%3Fkind%3Dmatch")
    app = browser.logs_in_first("suhe")
    assert browser.get("/reviews").status_code == 200
    shown = browser.get("/account")
    assert "suhe" in shown.text and "经办" in shown.text
    office.clock.move(minutes=1)  # type: ignore[attr-defined]
    assert browser.send("/logout", token=token_in(shown)).headers["location"] == "/login"
    assert browser.get("/reviews").status_code == 303
    shown = browser.get("/login?next=/reviews%3Fkind%3Dmatch")
    fields = {"account": "suhe", "password": CHOSEN, "next": "/reviews?kind=match"}
    answer = browser.send("/login", token=token_in(shown), **fields)
    shown = browser.get(answer.headers["location"])
    answer = browser.send("/login/second", token=token_in(shown), code=code(office, app), next="/reviews?kind=match")
    assert answer.headers["location"] == "/reviews?kind=match"


def test_what_is_refused_says_the_same_and_no_step_is_passed_over(browser: Browser, office: Office) -> None:
    make_account(office, "suhe", "clerk")
    texts = set()
    for account in ("suhe", "nobody"):
        shown = browser.get("/login")
        answer = browser.send("/login", token=token_in(shown), account=account, password="Wrong-1-word")
        assert answer.status_code == 401
        texts.add(re.sub(r'value="[0-9a-f]{32}"', "", answer.text))
    assert len(texts) == 1
    shown = browser.get("/login")
    browser.send("/login", token=token_in(shown), account="suhe", password=GIVEN)
    for address, place in (
        ("/login/password", "/login/enrol"),
        ("/reviews", "/login/enrol"),
        ("/account", "/login/enrol"),
    ):
        assert browser.get(address).headers["location"] == place
    assert browser.send("/login/password", old=GIVEN, new=CHOSEN, again=CHOSEN).headers["location"] == "/login/enrol"


def test_an_id_planted_before_the_log_in_opens_nothing_after_it(browser: Browser, office: Office) -> None:
    make_account(office, "suhe", "clerk")
    planted = "a" * 43
    browser.sits_at(planted)
    shown = browser.get("/login")
    assert browser.session_id != planted
    ids = {planted, browser.session_id}
    browser.logs_in_first("suhe")
    assert browser.session_id not in ids
    opened = browser.session_id
    for old in ids:
        browser.sits_at(old)
        assert browser.get("/reviews").status_code == 303
    browser.sits_at(opened)
    assert browser.get("/reviews").status_code == 200
    assert shown.status_code == 200


def test_the_cookie_is_out_of_reach(browser: Browser, office: Office) -> None:
    plain = browser.get("/login").headers["set-cookie"].lower()
    assert "httponly" in plain and "samesite=strict" in plain and "path=/" in plain and "secure" not in plain
    browser.client.cookies.clear()
    behind_tls = browser.get("/login", **{"x-forwarded-proto": "https"}).headers["set-cookie"].lower()
    assert "; secure" in behind_tls


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/x",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "///evil.example",
        "evil.example",
        "/%0d%0aset-cookie:x\r\n",
        "/" + "a" * 2000,
        "",
    ],
)
def test_no_log_in_leads_elsewhere(address: str) -> None:
    assert own_address(address) == "/"


def test_own_addresses_are_come_back_to() -> None:
    for address in ("/", "/reviews?kind=match&after=12", "/members/A1"):
        assert own_address(address) == address


def test_every_page_is_in_nobody_s_frame_and_in_no_cache(browser: Browser, office: Office) -> None:
    make_account(office, "suhe", "clerk")
    browser.logs_in_first("suhe")
    for address in ("/login", "/account", "/reviews", "/accounts", "/today", "/reviews/999"):
        headers = browser.get(address).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], address
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def routes() -> list[tuple[str, APIRoute]]:
    """(method, route) of every page and action."""
    return [
        (method, route)
        for router in PAGES
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]


def right_of(route: APIRoute) -> Right | None:
    """The right that a route names in its signature."""
    calls = [dependency.call for dependency in route.dependant.dependencies]
    rights = [call.right for call in calls if isinstance(call, Needs | Allowed)]
    return rights[0] if rights else None


def address_of(route: APIRoute) -> str:
    """An address of a route; what stands in braces is of nothing that is there."""
    return re.sub(r"\{[a-z_]+(:[a-z]+)?\}", "999", route.path.replace("{association}", "nm"))


def test_every_page_and_action_names_its_right() -> None:
    for _, route in routes():
        assert (right_of(route) is None) == (route.path in OPEN_TO_ALL), route.path
        if not route.path.startswith("/static"):
            assert isinstance(route, PageRoute), route.path


@pytest.mark.parametrize("role", [pytest.param(role, marks=() if role in FEW else pytest.mark.full) for role in Role])
def test_every_role_gets_to_its_pages_and_to_no_others(browser: Browser, office: Office, role: Role) -> None:
    """Every page and action: whoever has no right is refused, and that is written down."""
    browser.sits_at(people(office, (role,))[role].session_id)
    refusals = 0
    for method, route in routes():
        right = right_of(route)
        if right is None or method == "HEAD":
            continue
        address = address_of(route)
        answer = browser.get(address) if method == "GET" else browser.send(address)
        allowed = role in RIGHTS[right]
        assert (answer.status_code == 403) is not allowed, (method, address, answer.status_code)
        assert answer.status_code != 500, address
        refusals += not allowed
    entries = show_entries(office, AuditQuestion(act="refused", limit=100_000))
    assert len(entries) == refusals > 0
    assert {entry.page.split()[1] for entry in entries} <= {route.path for _, route in routes()}


def test_nothing_is_changed_without_the_session_s_own_token(browser: Browser, office: Office) -> None:
    """Every action, with no token, another session's, a stranger's, and by a right one in the address."""
    make_account(office, "suhe", "security")
    session, _ = log_in_first(office, "suhe")
    other = keeper(office)
    assert other.account != "suhe"
    stranger = csrf_of(office, "")
    for method, route in routes():
        if method in ("GET", "HEAD"):
            continue
        browser.sits_at(session.session_id)
        right_one = csrf_of(office, session.session_id)
        address = address_of(route)
        for token in ("", stranger, csrf_of(office, "another"), right_one[:-1], right_one.upper() + "x"):
            assert browser.send(address, token=token).status_code == 403, (address, token)
        assert browser.send(f"{address}?csrf={right_one}", token="").status_code == 403, address
        browser.client.cookies.clear()
        assert browser.send(address, token=stranger).status_code in (303, 403), address
    browser.sits_at(session.session_id)
    assert browser.get("/account").status_code == 200
    header = {"x-csrf-token": csrf_of(office, session.session_id)}
    assert browser.client.post("/accounts/keeper/unlock", headers=header, follow_redirects=False).status_code == 303


def test_forms_without_a_length_and_long_ones_are_refused_unread(browser: Browser, office: Office) -> None:
    make_account(office, "suhe", "security")
    session, _ = log_in_first(office, "suhe")
    browser.sits_at(session.session_id)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for body in (iter([b"csrf=1"]), b"a=" + b"1" * 300_000):
        answer = browser.client.post("/accounts", content=body, headers=kind, follow_redirects=False)
        assert answer.status_code == 413


def test_security_keeps_accounts_in_the_browser(browser: Browser, office: Office) -> None:
    keeper(office)
    browser.logs_in_first("keeper")
    assert "新建账号" in browser.get("/accounts").text
    made = browser.send("/accounts", account="suhe", name="苏和", role=["clerk"], association=["nm"])
    password = re.findall(r"一次性密码：<b class=\"code\">([A-Za-z0-9-]{19})</b>", made.text)[0]
    assert password not in browser.get("/accounts").text
    shown = browser.get("/accounts/suhe").text
    assert "reviews.decide" in shown and "accounts.change" not in shown.split("权限</h2>")[1].split("</details>")[0]
    assert browser.send("/accounts", account="Suhe 2", name="苏和", role=["clerk"]).status_code == 422
    assert browser.send("/accounts", account="both", name="某", role=["system", "audit"]).status_code == 422
    assert browser.send("/accounts/suhe/roles", role=["policy"]).status_code == 303
    assert browser.send("/accounts/suhe/lock").status_code == 303
    assert "已锁定" in browser.get("/accounts").text
    assert browser.send("/accounts/suhe/unlock").status_code == 303
    again = browser.send("/accounts/suhe/reset")
    assert "一次性密码" in again.text and password not in again.text
    assert browser.send("/accounts/keeper/lock").status_code == 409
    assert browser.send("/accounts/keeper/reset").status_code == 422
    acts = [entry.act for entry in show_entries(office, AuditQuestion(account="keeper"))]
    assert acts[:5] == ["account_reset", "account_unlocked", "account_locked", "account_scope", "account_roles"]


def test_the_auditor_reads_the_log_and_walks_over_it(browser: Browser, office: Office) -> None:
    make_account(office, "sara", "audit")
    browser.logs_in_first("sara")
    shown = browser.get("/audit?act=login").text
    assert "sara" in shown and "查看审计日志" in browser.get("/audit").text
    assert "一致" in browser.send("/audit/verify").text
    with office.store.write() as tx:
        tx.exec_driver_sql("update audit_entry set account = 'other' where entry_no = 2")
    answer = browser.send("/audit/verify").text
    assert "第 2 条：条目被改动" in answer


def test_an_account_of_one_association_sees_no_other(browser: Browser, office: Office) -> None:
    [own] = office.associations
    make_account(office, "suhe", "clerk", scope=AccountScope(associations=frozenset({own})))
    browser.logs_in_first("suhe")
    assert browser.get(f"/reviews?association={own}").status_code == 200
    assert browser.get("/reviews?association=elsewhere").status_code == 403
    assert show_entries(office, AuditQuestion(act="refused"))[0].subject == "scope"


def test_a_stranger_leaves_no_trace_but_a_refused_log_in(browser: Browser, office: Office) -> None:
    keeper(office)
    before = len(show_entries(office, AuditQuestion()))
    for address in ("/reviews", "/accounts", "/audit", "/login", "/static/app.css"):
        browser.get(address)
    browser.send("/accounts", token="x")
    assert len(show_entries(office, AuditQuestion())) == before
    assert browser.get("/login").headers["set-cookie"].startswith(COOKIE)
