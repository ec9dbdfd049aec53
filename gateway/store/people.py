"""People: to whom enrolments belong, and who is held while what they have is worked out anew."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, is_postgres, new_ids, select_in


def move_member(tx: Connection, member_id: int, *, person_id: int) -> None:
    """This member is that person from now on, with record rows and fingerprints."""
    change_many(tx, "update member set person_id = ? where member_id = ?", [(person_id, member_id)])
    change_many(tx, "update member_fingerprint set person_id = ? where member_id = ?", [(person_id, member_id)])
    change_many(tx, "update record set person_id = ? where member_id = ?", [(person_id, member_id)])


def lock(tx: Connection, person_ids: Iterable[int]) -> dict[int, int]:
    """Lock these people, in order of id, until the transaction ends (design §2). Returns person → hold, of those whose
    rows wait for one: as it is once they are locked, so that nobody's rows go past a hold that is being made."""
    ids = set(person_ids)
    if is_postgres(tx):
        query = "select person_id, held from person where person_id {keys} order by person_id for update"
        rows = select_in(tx, query, sorted(ids), kind="bigint")
        return {person_id: hold_id for person_id, hold_id in rows if hold_id is not None}
    if not ids:
        return {}
    person = schema.person.c
    waiting = tx.execute(select(person.person_id, person.held).where(person.held.is_not(None)))
    return {row.person_id: row.held for row in waiting if row.person_id in ids}


def holds_of(tx: Connection, person_ids: Iterable[int]) -> dict[int, int]:
    """Person → hold, of those of these people whose rows wait for one. Locks nobody."""
    query = "select person_id, held from person where held is not null and person_id {keys}"
    return dict(select_in(tx, query, sorted(set(person_ids)), kind="bigint"))


def add(tx: Connection, association: str, how_many: int) -> range | list[int]:
    """New people of an association; returns their ids."""
    ids = new_ids(tx, schema.person, how_many)
    insert_many(tx, schema.person, ("person_id", "association"), [(person_id, association) for person_id in ids])
    return ids
