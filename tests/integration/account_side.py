"""People with accounts: made, and logged in as they would be, with a password and the codes of an authenticator app."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pyotp
from argon2 import PasswordHasher
from pytest import MonkeyPatch

from gateway.flow.accounts import managing, sessions
from gateway.flow.accounts.managing import AccountWish
from gateway.flow.accounts.sessions import NewSession, Way
from gateway.flow.office import Office
from gateway.model.account import EVERYTHING, AccountScope, Role, Viewer
from gateway.vault import passwords

GIVEN, CHOSEN = "Fr0st-am-Morgen", "Regen-1m-Mai!"
"""The password an account is handed out with, and the one its owner takes."""

KEEPER = "keeper"
_numbers = itertools.count(1)


def quick_hashes(patch: MonkeyPatch) -> None:
    """Hashes of the least cost: what is tested is who gets in, not how long guessing takes."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    patch.setattr(passwords, "_HASHER", cheap)
    patch.setattr(passwords, "_NOBODY_S", cheap.hash("a password that no account has"))


def draw() -> str:
    """A session id that no other has."""
    return f"session-{next(_numbers)}"


def keeper(office: Office) -> Viewer:
    """The first account, a security administrator."""
    if not any(report.account == KEEPER for report in managing.list_accounts(office)):
        wish = AccountWish(account=KEEPER, name="白音", roles=["security"])
        managing.add_account(office, wish, GIVEN, by=None, page="test")
    return Viewer(account=KEEPER, name="白音", roles=frozenset({Role.SECURITY}))


def make_account(office: Office, account: str, *roles: str, scope: AccountScope = EVERYTHING) -> None:
    """An account, as handed out."""
    wish = AccountWish(account=account, name=f"某{account}", roles=roles, scope=scope)
    managing.add_account(office, wish, GIVEN, by=keeper(office), page="test")


def log_in_first(office: Office, account: str, *, way: Way = "page") -> tuple[NewSession, pyotp.TOTP]:
    """The first log-in: password, second factor set up, password changed. Returns the session, and the app."""
    session = sessions.log_in(office, account, GIVEN, way=way, draw=draw)
    secret, _ = sessions.second_to_enrol(office, session.session_id, draw_secret=passwords.new_second_secret)
    app = pyotp.TOTP(secret)
    session = sessions.prove_second(office, session.session_id, code(office, app), draw=draw)
    return sessions.change_password(office, session.session_id, GIVEN, CHOSEN, draw=draw), app


def code(office: Office, app: pyotp.TOTP, *, steps: int = 0) -> str:
    """What the app shows now, or so many steps of 30 seconds later."""
    return app.at(office.now(), counter_offset=steps)


def people(office: Office, roles: Sequence[str] = tuple(Role)) -> dict[str, NewSession]:
    """Role → an open session of an account that has this role alone."""
    opened = {}
    for role in roles:
        make_account(office, f"one-{role.replace('_', '-')}", role)
        opened[role], _ = log_in_first(office, f"one-{role.replace('_', '-')}")
    return opened
