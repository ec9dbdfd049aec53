"""People: to whom enrolments belong, and who is held while what they have is worked out anew."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, is_postgres, new_ids, select_in


def move_member(tx: Connection, member_id: int, *, person_id: int) -> None:
    """This member is that person from now on, with record rows and fingerprints."""
    change_many(tx, "update member set person_id = ? where member_id = ?", [(person_id, member_id)])
    change_many(tx, "update member_fingerprint set person_id = ? where member_id = ?", [(person_id, member_id)])
    change_many(tx, "update record set person_id = ? where member_id = ?", [(person_id, member_id)])


def lock(tx: Connection, person_ids: Iterable[int]) -> None:
    """Hold these people, in order of id, until the transaction ends (design §2)."""
    if is_postgres(tx):
        query = "select person_id from person where person_id {keys} order by person_id for update"
        select_in(tx, query, sorted(set(person_ids)), kind="bigint")


def add(tx: Connection, association: str, how_many: int) -> range | list[int]:
    """New people of an association; returns their ids."""
    ids = new_ids(tx, schema.person, how_many)
    insert_many(tx, schema.person, ("person_id", "association"), [(person_id, association) for person_id in ids])
    return ids
