"""What a person does about deliveries: sends them again, or says what became of those nobody could be asked about."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import WrongUse
from gateway.flow.delivery.standing import note_deliveries
from gateway.flow.office import Office
from gateway.store import confirmations, deliveries
from gateway.store.deliveries import DeliveryGroup

_LONGEST_NAME = 80


def redrivable(
    office: Office, *, association: str | None, ids: Sequence[int] | None, refused: bool
) -> list[DeliveryGroup]:
    """What `redrive` would send again, in groups that stand alike."""
    with office.store.read() as tx:
        return deliveries.redrivable(tx, association=association, ids=ids, refused=refused)


def redrive(
    office: Office,
    *,
    association: str | None,
    ids: Sequence[int] | None,
    refused: bool = False,
    send_again: bool = False,
) -> int:
    """Give dead letters, or what was refused by a status alone, a new schedule; returns how many."""
    with office.store.write() as tx:
        many = deliveries.redrive(
            tx, now=office.now(), association=association, ids=ids, send_again=send_again, refused=refused
        )
    for name in [association] if association else sorted(office.associations):
        note_deliveries(office, name)
    return many


def in_doubt(office: Office, association: str) -> list[DeliveryGroup]:
    """The deliveries of an association whose outcome nobody knows, in groups that stand alike."""
    with office.store.read() as tx:
        return deliveries.in_doubt(tx, association)


def confirm(
    office: Office,
    association: str,
    *,
    group: str,
    accepted: bool,
    by: str,
    ids: Sequence[int] | None = None,
) -> int:
    """A person found out what became of the deliveries in doubt whose last code is `group` (of them only `ids`, where
    given): they were accepted, or they were not and are sent again under the same key. Returns how many.

    Raises WrongUse where there is no such delivery, or nobody says so.
    """
    if not by.strip() or len(by) > _LONGEST_NAME:
        raise WrongUse("请写明经办人 (say who confirms)")
    now = office.now()
    with office.store.write() as tx:
        count = sum(alike.count for alike in deliveries.in_doubt(tx, association, code=group, ids=ids))
        if not count:
            codes = "、".join(sorted({alike.code for alike in deliveries.in_doubt(tx, association)}))
            raise WrongUse(f"没有这一组结果不明的送达：{group}；已有：{codes or '无'} (no such group in doubt)")
        number = confirmations.add(
            tx, association=association, code=group, accepted=accepted, count=count, by=by.strip(), now=now
        )
        confirmed = f"confirmed#{number}"
        deliveries.confirm(tx, association, code=group, ids=ids, accepted=accepted, confirmed=confirmed, now=now)
    note_deliveries(office, association)
    return count
