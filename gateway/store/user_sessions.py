"""Sessions of accounts: one each, found by a keyed digest of the id that only the browser or the terminal has."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.store.account_tables import user_session


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is stored; instants in milliseconds. stage: second | enrol | change | open; way: page | cli."""

    session: bytes
    account: str
    stage: str
    way: str
    begun_at: int
    seen_at: int


_COLUMNS: Final = SessionRow.__struct_fields__
_SELECT: Final = select(*(user_session.c[name] for name in _COLUMNS))


def by_digest(tx: Connection, session: bytes) -> SessionRow | None:
    """The session of this digest."""
    row = tx.execute(_SELECT.where(user_session.c.session == session)).first()
    return SessionRow(**row._mapping) if row is not None else None


def begin(tx: Connection, row: SessionRow) -> None:
    """An open session is the account's only one; one that is not open yet ends those that are not either. The caller
    holds the account."""
    end_of(tx, row.account, open_too=row.stage == "open")
    tx.execute(insert(user_session).values(**{name: getattr(row, name) for name in _COLUMNS}))


def touch(tx: Connection, session: bytes, *, at: int) -> None:
    """The session was used."""
    tx.execute(update(user_session).where(user_session.c.session == session).values(seen_at=at))


def end(tx: Connection, session: bytes) -> None:
    """The session opens nothing any more."""
    tx.execute(delete(user_session).where(user_session.c.session == session))


def end_of(tx: Connection, account: str, *, open_too: bool) -> None:
    """No session of the account opens anything any more; without `open_too` those that are open go on."""
    query = delete(user_session).where(user_session.c.account == account)
    tx.execute(query if open_too else query.where(user_session.c.stage != "open"))


def end_all(tx: Connection) -> None:
    """Nobody is logged in any more."""
    tx.execute(delete(user_session))
