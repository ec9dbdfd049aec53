"""Accounts of people: as stored, with what became of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import Connection, exists, insert, select, update

from gateway.model.account import AccountScope, Role, Viewer
from gateway.store.account_tables import user_account, user_account_change


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is stored; instants in milliseconds, roles joined by commas, scope as JSON."""

    account: str
    name: str
    roles: str
    scope: str
    password: str
    former: str
    password_at: int
    must_change: bool
    second: bytes | None
    second_step: int
    failures: int
    failing_until: int | None
    locked: bool
    made_by: str
    made_at: int
    used_at: int | None

    @property
    def viewer(self) -> Viewer:
        """The account as who looks or acts."""
        roles = frozenset(Role(code) for code in self.roles.split(","))
        return Viewer(account=self.account, name=self.name, roles=roles, scope=scope_of(self.scope))


class UserChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an account: when (milliseconds), by whom, what, and what stood before and after."""

    account: str
    at: int
    by: str
    what: str
    before: str | None = None
    after: str | None = None


_COLUMNS: Final = UserRow.__struct_fields__
_SELECT: Final = select(*(user_account.c[name] for name in _COLUMNS))
_CHANGE: Final = UserChange.__struct_fields__
_HISTORY: Final = select(*(user_account_change.c[name] for name in _CHANGE))


def scope_text(scope: AccountScope) -> str:
    """A scope as it is stored: JSON, sorted, empty sets left out."""
    sets = {name: sorted(getattr(scope, name)) for name in AccountScope.__struct_fields__}
    return msgspec.json.encode({name: values for name, values in sets.items() if values}).decode()


def scope_of(text: str) -> AccountScope:
    """A stored scope."""
    return msgspec.json.decode(text, type=AccountScope)


def any_there(tx: Connection) -> bool:
    """Whether this site has accounts."""
    return bool(tx.execute(select(exists(select(user_account.c.account)))).scalar())


def those_there(tx: Connection, names: Collection[str]) -> set[str]:
    """Those of these names that are accounts."""
    return set(tx.execute(select(user_account.c.account).where(user_account.c.account.in_(names))).scalars())


def by_name(tx: Connection, account: str, *, locked: bool = False) -> UserRow | None:
    """The account of this log-in name; `locked`: against everybody else until the transaction ends."""
    query = _SELECT.where(user_account.c.account == account)
    row = tx.execute(query.with_for_update() if locked else query).first()
    return UserRow(**row._mapping) if row is not None else None


def listing(tx: Connection) -> list[UserRow]:
    """Every account, by log-in name."""
    return [UserRow(**row._mapping) for row in tx.execute(_SELECT.order_by(user_account.c.account))]


def add(tx: Connection, row: UserRow) -> None:
    """Write a new account down."""
    tx.execute(insert(user_account).values(**{name: getattr(row, name) for name in _COLUMNS}))


def save(tx: Connection, row: UserRow) -> None:
    """Write an account over what it was."""
    values = {name: getattr(row, name) for name in _COLUMNS if name != "account"}
    tx.execute(update(user_account).where(user_account.c.account == row.account).values(**values))


def note_change(tx: Connection, change: UserChange) -> None:
    """Write down what became of an account."""
    tx.execute(insert(user_account_change).values(**{name: getattr(change, name) for name in _CHANGE}))


def history(tx: Connection, account: str, *, limit: int = 100) -> list[UserChange]:
    """What became of an account, newest first."""
    query = _HISTORY.where(user_account_change.c.account == account)
    rows = tx.execute(query.order_by(user_account_change.c.change_id.desc()).limit(limit))
    return [UserChange(**row._mapping) for row in rows]
