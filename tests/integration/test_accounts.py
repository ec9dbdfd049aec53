"""Log-in: what opens a session, what is refused, and that no answer tells who has an account."""

from __future__ import annotations

import time

import pytest
from account_side import CHOSEN, GIVEN, KEEPER, code, draw, keeper, log_in_first, make_account, quick_hashes
from conftest import Hands, MakeOffice

from gateway.errors import BadInput, Conflict, NotAllowed, WrongUse
from gateway.flow.accounts import managing, sessions
from gateway.flow.accounts.managing import AccountWish
from gateway.flow.accounts.sessions import LoginNeeded, LoginRefused
from gateway.flow.office import Office
from gateway.model.account import Role, Viewer
from gateway.store import audit
from gateway.store.audit import AuditFilter
from gateway.vault import passwords


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "slow" not in request.node.name:
        quick_hashes(monkeypatch)


@pytest.fixture
def lite(make_office: MakeOffice, sqlite_url: str) -> Office:
    """An office on SQLite, for what no database makes different."""
    opened: Office = make_office(sqlite_url)
    return opened


def refused(office: Office, account: str, password: str) -> str:
    with pytest.raises(LoginRefused) as refusal:
        sessions.log_in(office, account, password, way="page", draw=draw)
    return str(refusal.value)


def test_the_first_log_in_sets_up_a_second_factor_and_changes_the_password(office: Office) -> None:
    make_account(office, "suhe", "clerk")
    first = sessions.log_in(office, "suhe", GIVEN, way="page", draw=draw)
    assert first.stage == "enrol"
    with pytest.raises(LoginNeeded):
        sessions.viewer_of(office, first.session_id, way="page")
    secret, address = sessions.second_to_enrol(office, first.session_id, draw_secret=passwords.new_second_secret)
    assert address.startswith("otpauth://totp/") and secret in address
    session, _ = log_in_first(office, "suhe")
    viewer = sessions.viewer_of(office, session.session_id, way="page")
    assert (viewer.account, viewer.roles) == ("suhe", frozenset({Role.CLERK}))


def test_every_step_has_an_id_of_its_own_and_the_one_before_opens_nothing(lite: Office) -> None:
    make_account(lite, "suhe", "clerk")
    session, app = log_in_first(lite, "suhe")
    lite.clock.move(minutes=1)  # type: ignore[attr-defined]
    first = sessions.log_in(lite, "suhe", CHOSEN, way="page", draw=draw)
    opened = sessions.prove_second(lite, first.session_id, code(lite, app), draw=draw)
    assert opened.stage == "open"
    for old in (session.session_id, first.session_id):
        with pytest.raises(LoginNeeded):
            sessions.viewer_of(lite, old, way="page")
    assert sessions.viewer_of(lite, opened.session_id, way="page").account == "suhe"


def test_the_database_has_neither_the_id_nor_the_password_nor_the_secret(office: Office) -> None:
    make_account(office, "suhe", "clerk")
    session, app = log_in_first(office, "suhe")
    with office.store.read() as tx:
        stored = [
            repr(tuple(row))
            for table in ("user_account", "user_session", "user_account_change", "audit_entry")
            for row in tx.exec_driver_sql(f"select * from {table}")
        ]
    for secret in (session.session_id, GIVEN, CHOSEN, app.secret):
        assert not [row for row in stored if secret in row]


def test_a_code_opens_once_and_one_step_off_at_most(lite: Office, clock: Hands) -> None:
    make_account(lite, "suhe", "clerk")
    _, app = log_in_first(lite, "suhe")
    clock.move(minutes=5)
    for steps, opens in ((2, False), (-2, False), (1, True), (1, False), (0, False)):
        first = sessions.log_in(lite, "suhe", CHOSEN, way="page", draw=draw)
        try:
            stage = sessions.prove_second(lite, first.session_id, code(lite, app, steps=steps), draw=draw).stage
        except LoginRefused:
            stage = "second"
        assert (stage == "open") is opens, steps


def test_five_failures_lock_for_thirty_minutes_whatever_comes_next(office: Office, clock: Hands) -> None:
    make_account(office, "suhe", "clerk")
    working, app = log_in_first(office, "suhe")
    for _ in range(5):
        refused(office, "suhe", "Wrong-1-password")
    refused(office, "suhe", CHOSEN)
    # Who works goes on: to try passwords throws nobody out.
    assert sessions.viewer_of(office, working.session_id, way="page").account == "suhe"
    clock.move(minutes=29, seconds=59)
    refused(office, "suhe", CHOSEN)
    clock.move(seconds=1)
    first = sessions.log_in(office, "suhe", CHOSEN, way="page", draw=draw)
    assert sessions.prove_second(office, first.session_id, code(office, app), draw=draw).stage == "open"


def test_wrong_codes_lock_as_wrong_passwords_do(lite: Office, clock: Hands) -> None:
    make_account(lite, "suhe", "clerk")
    _, app = log_in_first(lite, "suhe")
    clock.move(minutes=1)
    first = sessions.log_in(lite, "suhe", CHOSEN, way="page", draw=draw)
    wrong = f"{(int(code(lite, app)) + 1) % 1_000_000:06}"
    for _ in range(5):
        with pytest.raises(LoginRefused):
            sessions.prove_second(lite, first.session_id, wrong, draw=draw)
    with pytest.raises(LoginNeeded):
        sessions.prove_second(lite, first.session_id, code(lite, app), draw=draw)


def test_all_refusals_say_the_same(lite: Office) -> None:
    make_account(lite, "suhe", "clerk")
    words = {refused(lite, "suhe", "x"), refused(lite, "nobody", "x"), refused(lite, "suhe' or 1=1", "x")}
    managing.lock_account(lite, "suhe", locked=True, by=keeper(lite), page="test")
    assert words == {refused(lite, "suhe", GIVEN)}


def test_slow_hashes_take_as_long_for_accounts_that_are_not_there(lite: Office) -> None:
    """The second of four each: an answer without a hash would take a hundredth of one with it."""
    make_account(lite, "suhe", "clerk")

    def median(account: str) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            refused(lite, account, "Wrong-1-password")
            times.append(time.perf_counter() - began)
        return sorted(times)[1]

    assert 0.5 < median("suhe") / median("nobody") < 2


def test_a_session_ends_without_use_and_after_a_day_of_work(lite: Office, clock: Hands) -> None:
    make_account(lite, "suhe", "clerk")
    make_account(lite, "bayar", "policy")
    clerk, _ = log_in_first(lite, "suhe")
    officer, _ = log_in_first(lite, "bayar")
    clock.move(minutes=14, seconds=59)
    assert sessions.viewer_of(lite, officer.session_id, way="page").account == "bayar"
    clock.move(minutes=15)
    with pytest.raises(LoginNeeded):
        sessions.viewer_of(lite, officer.session_id, way="page")
    for _ in range(41):
        assert sessions.viewer_of(lite, clerk.session_id, way="page").account == "suhe"
        clock.move(minutes=17)
    clock.move(minutes=11)
    with pytest.raises(LoginNeeded):
        sessions.viewer_of(lite, clerk.session_id, way="page")


def test_a_session_of_a_terminal_opens_no_page(lite: Office) -> None:
    make_account(lite, "suhe", "clerk")
    session, _ = log_in_first(lite, "suhe", way="cli")
    with pytest.raises(LoginNeeded):
        sessions.viewer_of(lite, session.session_id, way="page")


WEAK = ("Ab1-efg", "abcdefgh", "abcdef12", "Suhe-2026!", "Password-1x", "Aa1-Aa1-", "Ab1-" + "x" * 130)


def test_weak_passwords_are_refused_and_the_old_one_stays(lite: Office) -> None:
    make_account(lite, "suhe", "clerk")
    session, _ = log_in_first(lite, "suhe")
    for weak in WEAK:
        with pytest.raises(BadInput):
            sessions.change_password(lite, session.session_id, CHOSEN, weak, draw=draw)
    assert sessions.log_in(lite, "suhe", CHOSEN, way="page", draw=draw).stage == "second"


def test_none_of_the_last_five_passwords_comes_again(lite: Office) -> None:
    make_account(lite, "suhe", "clerk")
    session, _ = log_in_first(lite, "suhe")
    before, session_id = [GIVEN, CHOSEN], session.session_id
    for number in range(4):
        for old in before[-5:]:
            with pytest.raises(BadInput):
                sessions.change_password(lite, session_id, before[-1], old, draw=draw)
        new = f"Wind-am-{number}-Abend"
        session_id = sessions.change_password(lite, session_id, before[-1], new, draw=draw).session_id
        before.append(new)
    # The first one is the sixth of before by now.
    assert sessions.change_password(lite, session_id, before[-1], GIVEN, draw=draw).stage == "open"


def test_an_old_password_must_be_changed(lite: Office, clock: Hands) -> None:
    make_account(lite, "suhe", "clerk")
    _, app = log_in_first(lite, "suhe")
    for days, stage in ((89, "open"), (1, "change")):
        clock.move(days=days)
        first = sessions.log_in(lite, "suhe", CHOSEN, way="page", draw=draw)
        assert sessions.prove_second(lite, first.session_id, code(lite, app), draw=draw).stage == stage


def test_only_security_keeps_accounts_and_what_others_try_is_written_down(lite: Office) -> None:
    make_account(lite, "suhe", "clerk")
    for role in set(Role) - {Role.SECURITY}:
        other = Viewer(account="suhe", name="某", roles=frozenset({role}))
        for act in (
            lambda other=other: managing.reset_account(lite, KEEPER, GIVEN, by=other, page="test"),
            lambda other=other: managing.lock_account(lite, KEEPER, locked=True, by=other, page="test"),
            lambda other=other: managing.add_account(
                lite, AccountWish(account="new", name="新", roles=["clerk"]), GIVEN, by=other, page="test"
            ),
        ):
            with pytest.raises(NotAllowed):
                act()
    with lite.store.read() as tx:
        assert len(audit.listing(tx, AuditFilter(act="refused"))) == 7 * 3


def test_the_first_account_is_security_and_comes_once(lite: Office) -> None:
    with pytest.raises(WrongUse):
        managing.add_account(lite, AccountWish(account="suhe", name="某", roles=["clerk"]), GIVEN, by=None, page="t")
    keeper(lite)
    again = AccountWish(account="second", name="某", roles=["security"])
    with pytest.raises(NotAllowed):
        managing.add_account(lite, again, GIVEN, by=None, page="test")


def test_the_three_exclude_each_other(lite: Office) -> None:
    for pair in (("system", "security"), ("security", "audit"), ("system", "audit"), ("system", "security", "audit")):
        with pytest.raises(WrongUse):
            make_account(lite, "suhe", *pair)


def test_one_keeper_stays_and_does_not_reset_herself(office: Office) -> None:
    by = keeper(office)
    with pytest.raises(Conflict):
        managing.lock_account(office, KEEPER, locked=True, by=by, page="test")
    with pytest.raises(Conflict):
        managing.change_account(office, KEEPER, roles=["clerk"], scope=None, by=by, page="test")
    with pytest.raises(WrongUse):
        managing.reset_account(office, KEEPER, GIVEN, by=by, page="test")


def test_a_reset_takes_password_second_factor_and_session(office: Office) -> None:
    make_account(office, "suhe", "clerk")
    session, _ = log_in_first(office, "suhe")
    managing.reset_account(office, "suhe", "Neu-5-Uhr-fertig", by=keeper(office), page="test")
    with pytest.raises(LoginNeeded):
        sessions.viewer_of(office, session.session_id, way="page")
    refused(office, "suhe", CHOSEN)
    assert sessions.log_in(office, "suhe", "Neu-5-Uhr-fertig", way="page", draw=draw).stage == "enrol"
    assert [change.what for change in managing.history_of(office, "suhe")] == ["reset", "password", "second", "made"]
