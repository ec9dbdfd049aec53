"""What a person does about deliveries: sends them again, or says what became of those nobody could be asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import sleep

import msgspec

from gateway.core.claims.line import reopened
from gateway.errors import WrongUse
from gateway.flow.delivery.deliver import deliver_one
from gateway.flow.delivery.standing import note_deliveries
from gateway.flow.office import Office
from gateway.model.claim import AnswerKind
from gateway.ports import Sender
from gateway.store import confirmations, deliveries, delivery_events, lines
from gateway.store.deliveries import DeliveryGroup
from gateway.store.engine import Tx

_LONGEST_NAME = 80


def redrivable(
    office: Office, *, association: str | None, ids: Sequence[int] | None, refused: bool, group: str | None = None
) -> list[DeliveryGroup]:
    """What `redrive` would send again, in groups that stand alike."""
    with office.store.read() as tx:
        return deliveries.redrivable(tx, association=association, ids=ids, refused=refused, code=group)


class RedriveOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go again: dead letters, or with `refused` what was refused by a status alone; of an association, of
    these numbers, with this last code (`group`), None for all. `send_again`: without asking first; `by` whom."""

    association: str | None = None
    ids: Sequence[int] | None = None
    group: str | None = None
    refused: bool = False
    send_again: bool = False
    by: str = ""


def redrive(office: Office, order: RedriveOrder) -> int:
    """Give these deliveries a new schedule; returns how many."""
    with office.store.write() as tx:
        versions = _redrive(tx, office, order)
    for name in [order.association] if order.association else sorted(office.associations):
        note_deliveries(office, name)
    return len(versions)


def _redrive(tx: Tx, office: Office, order: RedriveOrder) -> list[tuple[str, int]]:
    versions = deliveries.redrive(
        tx,
        now=office.now(),
        association=order.association,
        ids=order.ids,
        code=order.group,
        send_again=order.send_again,
        refused=order.refused,
    )
    delivery_events.add_by_person(tx, versions, what="again", by=order.by, now=office.now())
    return versions


class RedriveLine(msgspec.Struct, frozen=True, kw_only=True):
    """How deliveries are sent again one by one: over which sender, how many a second, and `by` whom."""

    sender: Sender
    per_second: int
    jitter: Callable[[], float]
    new_lease: Callable[[], str]
    pause: Callable[[float], None] = sleep
    by: str = ""


class RedriveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a group that was sent again one by one: how many were tried and accepted, how many were left as they
    were; `stopped`: one of them failed as before."""

    tried: int
    accepted: int
    left: int
    stopped: bool


def redrive_one_by_one(
    office: Office,
    association: str,
    line: RedriveLine,
    *,
    group: str,
    refused: bool = False,
    send_again: bool = False,
) -> RedriveReport:
    """Send a group's deliveries again, oldest first and no faster than the line says, until one fails as before: then
    the cause is not mended, and the rest stay what they are. Raises WrongUse where the line is closed."""
    with office.store.read() as tx:
        numbers = deliveries.numbers_to_redrive(tx, association, group, refused=refused)
        standing = lines.read(tx, association)
    if standing.disabled_at is not None or standing.open_until is not None:
        raise WrongUse("协会的线路未通；先修好，停送的用 hubao deliveries enable (the line to it is closed)")
    tried = accepted = 0
    stopped = False
    for number in numbers:
        if tried:
            line.pause(1 / line.per_second)
        # One at a time: whatever ends this in the middle, the rest are dead letters as before.
        order = RedriveOrder(
            association=association, ids=[number], group=group, refused=refused, send_again=send_again, by=line.by
        )
        with office.store.write() as tx:
            _redrive(tx, office, order)
        answer = deliver_one(office, association, line.sender, number, jitter=line.jitter, lease=line.new_lease())
        tried += 1
        accepted += answer is not None and answer.kind is AnswerKind.ACCEPTED
        stopped = answer is not None and answer.kind is not AnswerKind.ACCEPTED and answer.code == group
        if stopped:
            break
    note_deliveries(office, association)
    return RedriveReport(tried=tried, accepted=accepted, left=len(numbers) - tried, stopped=stopped)


def enable(office: Office, association: str) -> bool:
    """Switch deliveries to an association on again, whatever was held against its line; False where they were on."""
    with office.store.write() as tx:
        line = lines.read(tx, association, hold=True)
        lines.write(tx, association, reopened(line))
    note_deliveries(office, association)
    return line.disabled_at is not None or line.open_until is not None


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
        versions = deliveries.confirm(
            tx, association, code=group, ids=ids, accepted=accepted, confirmed=confirmed, now=now
        )
        what = "accepted" if accepted else "again"
        delivery_events.add_by_person(tx, versions, what=what, by=by.strip(), now=now)
    note_deliveries(office, association)
    return count
