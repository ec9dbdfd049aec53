"""Accounts are made, given roles, locked, and reset: by 安全 alone, but for the very first one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from gateway.core.accounts.passwords import check_password
from gateway.core.accounts.rights import Right, checked_roles
from gateway.core.signing import clerk
from gateway.errors import Conflict, NotAllowed, WrongUse
from gateway.flow.accounts.proving import demand
from gateway.flow.accounts.sessions import hash_of, with_password
from gateway.flow.accounts.trail import AuditNote, note
from gateway.flow.office import Office
from gateway.model.account import EVERYTHING, AccountScope, Role, Viewer
from gateway.store import user_accounts, user_sessions
from gateway.store.engine import Tx, lock
from gateway.store.user_accounts import UserChange, UserRow, scope_text
from gateway.store.values import from_ms, to_ms

_ACCOUNT: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)
FIRST: Final = "first"
"""Who made the first account: whoever has the site's folder and its keys."""


class AccountWish(msgspec.Struct, frozen=True, kw_only=True):
    """A new account: its log-in name, the name people know, roles by their codes, and whose data it may see."""

    account: str
    name: str
    roles: Iterable[str]
    scope: AccountScope = EVERYTHING


class AccountDeed(msgspec.Struct, frozen=True):
    """What is done to an account: a code, by whom, where, and what stood before and stands after."""

    what: str
    by: str
    page: str
    before: str | None = None
    after: str | None = None


class AccountEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an account: when, by whom, what (a code), and what stood before and stands after."""

    at: datetime
    by: str
    what: str
    before: str | None
    after: str | None


class AccountReport(msgspec.Struct, frozen=True, kw_only=True):
    """An account as lists show it. state: active | new (the first log-in has not come) | locked | failing (for a while,
    after failures)."""

    account: str
    name: str
    roles: list[Role]
    scope: AccountScope
    state: str
    second_factor: bool
    made_by: str
    made_at: datetime
    used_at: datetime | None
    password_at: datetime


def add_account(office: Office, wish: AccountWish, password: str, *, by: Viewer | None, page: str) -> AccountReport:
    """A new account, whose password must be changed at the first log-in. `by` None: the very first, which must be 安全.
    Raises WrongUse, NotAllowed, BadInput("weak_password")."""
    if by is not None:
        demand(office, by, Right.ACCOUNTS_CHANGE, page=page)
    row = _new_row(office, wish, password, by=by)
    with office.store.write() as tx:
        lock(tx, "accounts")
        if by is None and user_accounts.any_there(tx):
            raise NotAllowed
        if user_accounts.by_name(tx, row.account) is not None:
            raise WrongUse("已有这个账号 (there is such an account)")
        user_accounts.add(tx, row)
        _note(tx, office, row.account, AccountDeed("made", row.made_by, page, after=f"{row.roles} {row.scope}"))
    return _report(office, row)


def change_account(
    office: Office, account: str, *, roles: Iterable[str] | None, scope: AccountScope | None, by: Viewer, page: str
) -> AccountReport:
    """Other roles, another scope, or both; whoever works with it logs in anew. Raises WrongUse, NotAllowed."""
    demand(office, by, Right.ACCOUNTS_CHANGE, page=page)
    with office.store.write() as tx:
        row = changed = _held(tx, account)
        if roles is not None:
            changed = msgspec.structs.replace(changed, roles=_roles_text(checked_roles(roles)))
            _note(tx, office, account, AccountDeed("roles", by.account, page, row.roles, changed.roles))
        if scope is not None:
            changed = msgspec.structs.replace(changed, scope=scope_text(_checked(office, scope)))
            _note(tx, office, account, AccountDeed("scope", by.account, page, row.scope, changed.scope))
        _save(tx, changed)
    return _report(office, changed)


def lock_account(office: Office, account: str, *, locked: bool, by: Viewer, page: str) -> AccountReport:
    """The account opens nothing, or opens again; failures are forgotten either way. Raises WrongUse, NotAllowed."""
    demand(office, by, Right.ACCOUNTS_CHANGE, page=page)
    with office.store.write() as tx:
        row = msgspec.structs.replace(_held(tx, account), locked=locked, failures=0, failing_until=None)
        _note(tx, office, account, AccountDeed("locked" if locked else "unlocked", by.account, page))
        _save(tx, row)
    return _report(office, row)


def reset_account(office: Office, account: str, password: str, *, by: Viewer, page: str) -> AccountReport:
    """A new password, to be changed at the next log-in, and a second factor to be set up anew: the only way back for
    whoever lost either. Raises WrongUse, NotAllowed, BadInput("weak_password")."""
    demand(office, by, Right.ACCOUNTS_CHANGE, page=page)
    if account == by.account:
        raise WrongUse("不能重置自己的账号：请由另一名安全管理员重置 (not one's own: another security account does)")
    with office.store.read() as tx:
        check_password(password, account=account, roles=_held(tx, account).viewer.roles)
    hashed = hash_of(office, password)
    with office.store.write() as tx:
        row = with_password(office, _held(tx, account), hashed, must_change=True)
        row = msgspec.structs.replace(row, second=None, second_step=0)
        _note(tx, office, account, AccountDeed("reset", by.account, page))
        _save(tx, row)
    return _report(office, row)


def list_accounts(office: Office) -> list[AccountReport]:
    """Every account, by log-in name."""
    with office.store.read() as tx:
        return [_report(office, row) for row in user_accounts.listing(tx)]


def history_of(office: Office, account: str) -> list[AccountEvent]:
    """What became of an account, newest first."""
    with office.store.read() as tx:
        return [
            AccountEvent(
                at=from_ms(change.at), by=change.by, what=change.what, before=change.before, after=change.after
            )
            for change in user_accounts.history(tx, account)
        ]


def _new_row(office: Office, wish: AccountWish, password: str, *, by: Viewer | None) -> UserRow:
    roles, scope = checked_roles(wish.roles), _checked(office, wish.scope)
    if not _ACCOUNT.fullmatch(wish.account):
        raise WrongUse("账号须为2至32位小写字母、数字或 . _ -，以字母开头 (2 to 32 of these, a letter first)")
    if by is None and Role.SECURITY not in roles:
        raise WrongUse("第一个账号须为安全管理员：--role security (the first one must have the role security)")
    check_password(password, account=wish.account, roles=roles)
    at = to_ms(office.now())
    return UserRow(
        account=wish.account,
        name=clerk(wish.name),
        roles=_roles_text(roles),
        scope=scope_text(scope),
        password=hash_of(office, password),
        former="",
        password_at=at,
        must_change=True,
        second=None,
        second_step=0,
        failures=0,
        failing_until=None,
        locked=False,
        made_by=by.account if by is not None else FIRST,
        made_at=at,
        used_at=None,
    )


def _roles_text(roles: frozenset[Role]) -> str:
    return ",".join(role for role in Role if role in roles)


def _checked(office: Office, scope: AccountScope) -> AccountScope:
    unknown = scope.associations - office.associations.keys()
    if unknown:
        raise WrongUse(f"没有协会 {'、'.join(sorted(unknown))} (no such association)")
    return scope


def _held(tx: Tx, account: str) -> UserRow:
    row = user_accounts.by_name(tx, account, locked=True)
    if row is None:
        raise WrongUse("没有这个账号，见 hubao users list (no such account)")
    return row


def _save(tx: Tx, row: UserRow) -> None:
    """Write it, unless nobody would be left to keep accounts; sessions under what it was before end."""
    lock(tx, "accounts")
    user_accounts.save(tx, row)
    keepers = [
        account for account in user_accounts.listing(tx) if Role.SECURITY in account.viewer.roles and not account.locked
    ]
    if not keepers:
        raise Conflict("至少须有一名未锁定的安全管理员 (one security account at least must stay open)")
    user_sessions.end_of(tx, row.account, open_too=True)


def _note(tx: Tx, office: Office, account: str, deed: AccountDeed) -> None:
    change = UserChange(
        account=account, at=to_ms(office.now()), by=deed.by, what=deed.what, before=deed.before, after=deed.after
    )
    user_accounts.note_change(tx, change)
    note(tx, office, AuditNote(account=deed.by, act=f"account_{deed.what}", subject=account, page=deed.page))


def _report(office: Office, row: UserRow) -> AccountReport:
    failing = row.failing_until is not None and to_ms(office.now()) < row.failing_until
    states = (("locked", row.locked), ("failing", failing), ("new", row.used_at is None))
    return AccountReport(
        account=row.account,
        name=row.name,
        roles=sorted(row.viewer.roles),
        scope=row.viewer.scope,
        state=next((state for state, holds in states if holds), "active"),
        second_factor=row.second is not None and row.second_step > 0,
        made_by=row.made_by,
        made_at=from_ms(row.made_at),
        used_at=from_ms(row.used_at) if row.used_at is not None else None,
        password_at=from_ms(row.password_at),
    )
