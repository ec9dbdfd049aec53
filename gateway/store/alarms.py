"""Which findings were told outside, so that the same thing is not told twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from gateway.store import schema_access
from gateway.store.engine import change_many, is_postgres, upsert
from gateway.store.values import from_ms, to_ms

AlarmState = Literal["sending", "told"]


class AlarmRow(msgspec.Struct, frozen=True, kw_only=True):
    """The latest alarm about one subject: which finding, and when it was told, or begun to be."""

    code: str
    kind: str
    name: str
    finding_id: int
    state: AlarmState
    at: datetime


_COLUMNS = AlarmRow.__struct_fields__


def all_of(tx: Connection) -> list[AlarmRow]:
    """Every subject that was told, or is being told."""
    table = schema_access.finding_alarm.c
    return [_row(row) for row in tx.execute(select(*(table[name] for name in _COLUMNS)))]


def _row(row: object) -> AlarmRow:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return AlarmRow(**{**values, "at": from_ms(values["at"])})


def put(tx: Connection, rows: Iterable[AlarmRow]) -> None:
    """Write how these subjects stand now."""
    statement = upsert(schema_access.finding_alarm, postgres=is_postgres(tx))
    for row in rows:
        tx.execute(statement, {**msgspec.structs.asdict(row), "at": to_ms(row.at)})


def let_go(tx: Connection, rows: Sequence[AlarmRow]) -> None:
    """These were not told after all."""
    sql = "delete from finding_alarm where code = ? and kind = ? and name = ? and state = 'sending'"
    change_many(tx, sql, [(row.code, row.kind, row.name) for row in rows])
