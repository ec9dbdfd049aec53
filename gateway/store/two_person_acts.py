"""Acts that one person asked for and another must confirm."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from gateway.store.account_tables import two_person_act


class TwoPersonAct(msgspec.Struct, frozen=True, kw_only=True):
    """An act as it is stored; instants in milliseconds. state: open | confirmed | done | refused | lapsed."""

    act_id: int
    kind: str
    subject: str
    digest: bytes
    asked_by: str
    asked_at: int
    state: str
    ended_by: str | None
    ended_at: int | None


_COLUMNS: Final = TwoPersonAct.__struct_fields__
_SELECT: Final = select(*(two_person_act.c[name] for name in _COLUMNS))
_ALIVE: Final = ("open", "confirmed")


def by_id(tx: Connection, act_id: int) -> TwoPersonAct | None:
    """The act of this number."""
    row = tx.execute(_SELECT.where(two_person_act.c.act_id == act_id)).first()
    return TwoPersonAct(**row._mapping) if row is not None else None


def of_subject(tx: Connection, kind: str, subject: str) -> TwoPersonAct | None:
    """What was last asked for of this kind about this subject, while it is open or confirmed."""
    table = two_person_act.c
    query = _SELECT.where(table.kind == kind, table.subject == subject, table.state.in_(_ALIVE))
    row = tx.execute(query.order_by(table.act_id.desc()).limit(1)).first()
    return TwoPersonAct(**row._mapping) if row is not None else None


def waiting(tx: Connection, *, since: int) -> list[TwoPersonAct]:
    """What is open and was asked for behind this instant, oldest first."""
    table = two_person_act.c
    query = _SELECT.where(table.state == "open", table.asked_at > since).order_by(table.act_id)
    return [TwoPersonAct(**row._mapping) for row in tx.execute(query)]


def add(tx: Connection, kind: str, subject: str, digest: bytes, *, by: str, at: int) -> int:
    """Write down what is asked for; returns its number."""
    values = {"kind": kind, "subject": subject, "digest": digest, "asked_by": by, "asked_at": at, "state": "open"}
    return int(tx.execute(insert(two_person_act).values(**values).returning(two_person_act.c.act_id)).scalar_one())


def end(tx: Connection, act_id: int, *, state: str, by: str, at: int) -> None:
    """It was confirmed, done, refused, or is overtaken."""
    values = {"state": state, "ended_by": by, "ended_at": at}
    tx.execute(update(two_person_act).where(two_person_act.c.act_id == act_id).values(**values))
