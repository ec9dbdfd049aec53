"""Holds: what is put aside for a cause until it is known how much it takes away, or until a person decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, text, update

from gateway.model.holds import AsideItem, Cause, Hold, HoldState
from gateway.store import schema
from gateway.store.engine import change_many, insert_for, insert_many, select_in

_WAITING = ("gathering", "open")
_GATHERING = select(schema.hold).where(schema.hold.c.state == "gathering").order_by(schema.hold.c.hold_id)


def gather(tx: Connection, cause: Cause, *, now_ms: int) -> int:
    """The hold that gathers for this cause, made where there is none; returns its number."""
    table = schema.hold.c
    new = insert_for(tx, schema.hold).values(
        cause=cause.kind, subject=cause.subject, name=cause.name, state="gathering", created_at=now_ms
    )
    upsert = new.on_conflict_do_update(
        index_elements=[table.cause, table.subject, table.name],
        index_where=text("state = 'gathering'"),
        set_={"name": cause.name},
    ).returning(table.hold_id)
    return int(tx.execute(upsert).scalar_one())


def put_aside(tx: Connection, hold_id: int, items: Sequence[AsideItem]) -> None:
    """Remember what to conclude again, and whose rows wait from now on. What is there already stays."""
    columns = ("hold_id", "person_id", "page_seq", "row", "reason", "sealed")
    stored = {(item.person_id, item.page_seq, item.row, item.reason) for item in items_of(tx, hold_id)}
    fresh = {(item.person_id, item.page_seq, item.row, item.reason): item for item in items}
    rows = [
        (hold_id, item.person_id, item.page_seq, item.row, item.reason, item.sealed)
        for place, item in fresh.items()
        if place not in stored
    ]
    insert_many(tx, schema.hold_item, columns, rows)
    flagged = sorted({item.person_id for item in items})
    sql = "update person set held = ? where person_id = ? and held is null"
    change_many(tx, sql, [(hold_id, person_id) for person_id in flagged])


def keep_still(tx: Connection, hold_id: int) -> HoldState:
    """Lock a hold until the transaction ends: nobody puts anything more aside for its cause meanwhile. Returns the
    state it is in by then, which may be another than when it was read."""
    state: HoldState = tx.execute(
        select(schema.hold.c.state).where(schema.hold.c.hold_id == hold_id).with_for_update()
    ).scalar_one()
    return state


def items_of(tx: Connection, hold_id: int) -> list[AsideItem]:
    """What a hold put aside, in order of page and row; persons alone last."""
    table = schema.hold_item.c
    query = select(table.person_id, table.page_seq, table.row, table.reason, table.sealed)
    rows = tx.execute(query.where(table.hold_id == hold_id).order_by(table.page_seq, table.row, table.person_id))
    return [
        AsideItem(
            person_id=row.person_id,
            page_seq=row.page_seq,
            row=row.row,
            reason=row.reason,
            sealed=bytes(row.sealed) if row.sealed is not None else None,
        )
        for row in rows
    ]


def let_people_go(tx: Connection, hold_id: int, person_ids: Iterable[int]) -> None:
    """These people wait for this hold no longer; who is in another that waits, waits for that one."""
    ids = sorted(set(person_ids))
    query = (
        "select hold_item.person_id, min(hold_item.hold_id) from hold_item join hold on hold.hold_id ="
        " hold_item.hold_id where hold.state in ('gathering', 'open') and hold.hold_id <> ?"
        " and hold_item.person_id {keys} group by hold_item.person_id"
    )
    other_holds = dict(select_in(tx, query, ids, kind="bigint", first=[hold_id]))
    change_many(
        tx,
        "update person set held = ? where person_id = ?",
        [(other_holds.get(person_id), person_id) for person_id in ids],
    )


def by_id(tx: Connection, hold_id: int) -> Hold | None:
    """The hold with this number, in whatever state."""
    row = tx.execute(select(schema.hold).where(schema.hold.c.hold_id == hold_id)).first()
    return _hold(row) if row is not None else None


def load(tx: Connection, hold_id: int) -> Hold:
    """A hold that is there."""
    return _hold(tx.execute(select(schema.hold).where(schema.hold.c.hold_id == hold_id)).one())


def listing(tx: Connection, *, states: Collection[HoldState] = ("gathering", "open")) -> list[Hold]:
    """The holds in one of these states, oldest first."""
    query = select(schema.hold).where(schema.hold.c.state.in_(states)).order_by(schema.hold.c.hold_id)
    return [_hold(row) for row in tx.execute(query)]


def gathering(tx: Connection) -> list[Hold]:
    """The holds whose cause is worked, or was when a process was killed; oldest first."""
    return [_hold(row) for row in tx.execute(_GATHERING)]


def _hold(row: Any) -> Hold:
    values = dict(row._mapping)
    for name in ("difference", "note"):
        values[name] = bytes(values[name]) if values[name] is not None else None
    return Hold(**values)


def change(tx: Connection, hold: Hold) -> None:
    """Write what a hold says from now on."""
    values = {key: value for key, value in msgspec.structs.asdict(hold).items() if key != "hold_id"}
    tx.execute(update(schema.hold).where(schema.hold.c.hold_id == hold.hold_id).values(**values))


def taken_before(tx: Connection, cause: Cause) -> int:
    """How many claims were withdrawn or lowered for this cause already, by holds that were released."""
    table = schema.hold.c
    of_cause = (table.cause == cause.kind) & (table.subject == cause.subject) & (table.name == cause.name)
    query = select(func.coalesce(func.sum(table.claims), 0)).where(of_cause, table.state == "released")
    return int(tx.execute(query).scalar_one())


def forget_items(tx: Connection, hold_id: int) -> None:
    """What a hold put aside is concluded, or will not be: the pages need its rows no longer."""
    tx.execute(delete(schema.hold_item).where(schema.hold_item.c.hold_id == hold_id))


def associations_of(tx: Connection, person_ids: Iterable[int]) -> Mapping[int, str]:
    """Person → association."""
    query = "select person_id, association from person where person_id {keys}"
    return dict(select_in(tx, query, sorted(set(person_ids)), kind="bigint"))


def members_at(tx: Connection, hold_id: int) -> int:
    """How many people a hold keeps waiting."""
    table = schema.hold_item.c
    query = select(func.count(table.person_id.distinct())).where(table.hold_id == hold_id)
    return int(tx.execute(query).scalar_one())


def of_pages(tx: Connection, seqs: Sequence[int]) -> list[Hold]:
    """The holds that wait for rows of these pages."""
    item, hold = schema.hold_item.c, schema.hold.c
    needing = select(item.hold_id).where(item.page_seq.in_(seqs), item.row.is_not(None))
    query = select(schema.hold).where(hold.hold_id.in_(needing), hold.state.in_(_WAITING)).order_by(hold.hold_id)
    return [_hold(row) for row in tx.execute(query)]
