"""账号: who may work here, as what and for whom; 安全管理员 makes, changes, locks and resets accounts."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Response

from gateway.core.accounts.rights import RIGHTS, Right
from gateway.flow.accounts import managing
from gateway.flow.accounts.managing import AccountReport, AccountWish
from gateway.model.account import EXCLUSIVE, AccountScope, Role
from gateway.vault.passwords import new_password
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.web.problems import Problem
from gateway.web.session import page_of
from gateway.words.accounts import ACCOUNT_STATES, ACTS, ROLES

router = APIRouter(prefix="/accounts", route_class=ErrorPageRoute, include_in_schema=False)

Keeper = Annotated[Sitting, needs(Right.ACCOUNTS_CHANGE, narrow=True)]
Account = Annotated[str, Path(max_length=40)]
Words = Annotated[str, Form(max_length=200)]
Codes = Annotated[list[str], Form()]

_WORDS: Final = {"roles": ROLES, "states": ACCOUNT_STATES, "acts": ACTS}


@router.get("")
def list_accounts(at: Annotated[Sitting, needs(Right.ACCOUNTS, narrow=True)]) -> Response:
    """Every account, and the form of a new one."""
    return at.page("accounts.html", rows=managing.list_accounts(at.office), made=None, **_around(at))


@router.post("")
def add_account(
    at: Keeper,
    account: Words,
    name: Words,
    role: Codes,
    association: Codes | None = None,
    league: Words = "",
) -> Response:
    """A new one, with a password that is shown this one time."""
    password = new_password()
    wish = AccountWish(account=account.strip(), name=name, roles=role, scope=_scope(association, league))
    made = managing.add_account(at.office, wish, password, by=at.viewer, page=page_of(at.request))
    return _handed_out(at, made, password)


@router.get("/{account}")
def show_account(at: Annotated[Sitting, needs(Right.ACCOUNTS, narrow=True)], account: Account) -> Response:
    """One account: what it may do, and what became of it."""
    row = next((row for row in managing.list_accounts(at.office) if row.account == account), None)
    if row is None:
        raise Problem("not_found")
    rights = sorted(right for right, roles in RIGHTS.items() if roles.intersection(row.roles))
    history = managing.history_of(at.office, account)
    return at.page("account.html", row=row, rights=rights, history=history, **_around(at))


@router.post("/{account}/roles")
def change_roles(
    at: Keeper,
    account: Account,
    role: Codes,
    association: Codes | None = None,
    league: Words = "",
) -> Response:
    """Other roles, another scope."""
    scope = _scope(association, league)
    managing.change_account(at.office, account, roles=role, scope=scope, by=at.viewer, page=page_of(at.request))
    return at.back(f"/accounts/{account}?done=decided")


@router.post("/{account}/lock")
def lock(at: Keeper, account: Account) -> Response:
    """It opens nothing from now on."""
    managing.lock_account(at.office, account, locked=True, by=at.viewer, page=page_of(at.request))
    return at.back(f"/accounts/{account}?done=decided")


@router.post("/{account}/unlock")
def unlock(at: Keeper, account: Account) -> Response:
    """It opens again."""
    managing.lock_account(at.office, account, locked=False, by=at.viewer, page=page_of(at.request))
    return at.back(f"/accounts/{account}?done=decided")


@router.post("/{account}/reset")
def reset(at: Keeper, account: Account) -> Response:
    """A new password, shown this one time, and a second factor to be set up anew."""
    password = new_password()
    row = managing.reset_account(at.office, account, password, by=at.viewer, page=page_of(at.request))
    return _handed_out(at, row, password)


def _handed_out(at: Sitting, row: AccountReport, password: str) -> Response:
    made = {"account": row.account, "password": password}
    return at.page("accounts.html", rows=managing.list_accounts(at.office), made=made, **_around(at))


def _around(at: Sitting) -> dict[str, Any]:
    choices = {role: (ROLES[role], role in EXCLUSIVE) for role in Role}
    return {"words": _WORDS, "choices": choices, "may_change": at.may(Right.ACCOUNTS_CHANGE)}


def _scope(associations: list[str] | None, leagues: str) -> AccountScope:
    words = leagues.replace("，", ",").replace("、", ",").split(",")
    return AccountScope(
        associations=frozenset(name for name in associations or () if name),
        leagues=frozenset(word.strip() for word in words if word.strip()),
    )
