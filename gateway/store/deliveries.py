"""The outbox: frozen claim versions on their way to an association."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, select, text, update

from gateway.model.claim import Delivery, DeliveryState, WaitingDeliveries
from gateway.store import schema
from gateway.store.engine import change_in, change_many, change_together, insert_many, is_postgres, select_in
from gateway.store.values import from_ms, to_ms

_OPEN = ("pending", "leased", "unknown")


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new claim version for the outbox; `state` is overtaken where the association need not hear of it."""

    claim_id: str
    version: int
    association: str
    sealed: bytes
    state: str
    next_at: int
    person_id: int | None = None


def add(tx: Connection, rows: Sequence[Outgoing]) -> None:
    """Put new claim versions in the outbox."""
    named = ("claim_id", "version", "association", "sealed", "state", "next_at", "person_id")
    # What is new is due at once: the instant it is made.
    values = [(*(getattr(row, name) for name in named), row.next_at, 0, "") for row in rows]
    insert_many(tx, schema.delivery, (*named, "made_at", "attempts", "last_code"), values)


def set_aside_all(tx: Connection, association: str, *, many: int) -> list[tuple[str, int, bytes]]:
    """Let nothing that waits for an association go, and return (claim, version, sealed body) of some of it. Only for a
    database of generated data."""
    table = schema.delivery
    waiting = (table.c.association == association) & table.c.state.in_(_OPEN)
    query = select(table.c.claim_id, table.c.version, table.c.sealed).where(waiting).limit(many)
    rows = [(claim_id, version, bytes(sealed)) for claim_id, version, sealed in tx.execute(query)]
    tx.execute(update(table).where(waiting).values(state="overtaken"))
    return rows


def overtake(tx: Connection, claim_ids: Iterable[str]) -> dict[str, bool]:
    """Older versions that were never sent need not go any more: mark them, and hold all the others.

    Claim id → whether no version of it was ever on the wire. A version leased meanwhile counts as sent.
    """
    # In the order in which a worker records answers, so that the two never wait for one another for ever.
    query = "select claim_id, delivery_id, state, attempts from delivery where claim_id {keys} order by delivery_id"
    query += " for update" if is_postgres(tx) else ""
    silent: dict[str, bool] = {}
    waiting = []
    for claim_id, delivery_id, state, attempts in select_in(tx, query, claim_ids, kind="text"):
        silent[claim_id] = silent.get(claim_id, True) and attempts == 0
        if state == "pending" and attempts == 0:
            waiting.append(delivery_id)
    change_in(tx, "update delivery set state = 'overtaken' where delivery_id {keys}", waiting, kind="bigint")
    return silent


_COLUMNS = (
    "delivery_id",
    "claim_id",
    "version",
    "association",
    "state",
    "attempts",
    "next_at",
    "lease_until",
    "last_code",
)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        claim_id=row.claim_id,
        version=row.version,
        association=row.association,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_at=from_ms(row.next_at),
        lease_until=from_ms(row.lease_until) if row.lease_until is not None else None,
        last_code=row.last_code,
    )


class HeldDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery held by one worker, with its sealed body. `asks_first`: it may have been sent before; `first_at`: when
    a worker held it first; `request_digest`: of what was sent then, None where nothing was."""

    delivery: Delivery
    sealed: bytes
    asks_first: bool
    lease: str = ""
    first_at: datetime | None = None
    request_digest: bytes | None = None


_DUE_COLUMNS = (*_COLUMNS, "sealed", "first_at", "request_digest")
_DUE = f"""
select {", ".join(_DUE_COLUMNS)} from delivery d
where association = :association and {schema.DELIVERY_OPEN} and next_at <= :now
  and (state = 'unknown' or (state = 'pending' and :sends) or (state = 'leased' and lease_until < :now))
  and not exists (select 1 from delivery e where e.claim_id = d.claim_id and e.version < d.version
                  and e.{schema.DELIVERY_OPEN})
  and (attempts > 0 or not exists (
        select 1 from delivery e where e.person_id = d.person_id and e.delivery_id < d.delivery_id
        and e.{schema.DELIVERY_OPEN} and e.association = d.association))
"""
_LOCKED = " for update of d skip locked"
_OLDEST = f"{_DUE} order by next_at, delivery_id limit :many"
_NEWEST = f"{_DUE} order by next_at desc, delivery_id desc limit :many"
_ONE = f"{_DUE} and delivery_id = :number limit :many"
_QUERIES = {
    (query, postgres): text(query + _LOCKED if postgres else query)
    for query in (_OLDEST, _NEWEST, _ONE)
    for postgres in (True, False)
}

_NEWEST_SHARE = 5
"""One in so many of a lease is taken from the newest: what comes today does not wait behind an outage's backlog."""


def lease(
    tx: Connection, association: str, *, lease: str, now: datetime, seconds: int, many: int, sends: bool = True
) -> list[HeldDelivery]:
    """Hold the deliveries that are due, most of them the longest waiting; without `sends`, only those that are asked
    about first. One whose worker died in the middle may have been sent: it is asked first.

    A later version of a claim waits until the earlier one has its answer, and a member's claim is not sent for the
    first time before those written earlier have theirs. The order is that of an index: a lease reads what it takes.
    """
    newest = many // _NEWEST_SHARE
    named = {"association": association, "now": to_ms(now), "sends": sends}
    due = list(tx.execute(_QUERIES[_OLDEST, is_postgres(tx)], {**named, "many": many - newest}))
    if newest and len(due) == many - newest:
        taken = {row.delivery_id for row in due}
        late = tx.execute(_QUERIES[_NEWEST, is_postgres(tx)], {**named, "many": newest})
        due += [row for row in late if row.delivery_id not in taken]
    return _hold(tx, due, lease=lease, now=now, seconds=seconds)


def lease_one(
    tx: Connection, association: str, number: int, *, lease: str, now: datetime, seconds: int
) -> HeldDelivery | None:
    """Hold one delivery by its number; None where it is not due, or waits for an earlier one."""
    named = {"association": association, "now": to_ms(now), "sends": True, "number": number, "many": 1}
    rows = list(tx.execute(_QUERIES[_ONE, is_postgres(tx)], named))
    return next(iter(_hold(tx, rows, lease=lease, now=now, seconds=seconds)), None)


def _hold(tx: Connection, due: Sequence[Any], *, lease: str, now: datetime, seconds: int) -> list[HeldDelivery]:
    """Write a lease into rows, and give them as they are held now."""
    if not due:
        return []
    until = to_ms(now + timedelta(seconds=seconds))
    sql = (
        "update delivery set state = 'leased', lease = ?, lease_until = ?, attempts = attempts + 1,"
        " first_at = coalesce(first_at, ?) where delivery_id {keys} returning delivery_id"
    )
    select_in(tx, sql, [row.delivery_id for row in due], kind="bigint", first=(lease, until, to_ms(now)))
    leased = [_held(row, lease, from_ms(until)) for row in due]
    return sorted(leased, key=lambda row: row.delivery.delivery_id)


def _held(row: Any, lease: str, until: datetime) -> HeldDelivery:
    """A row as it was, and as it is held now."""
    return HeldDelivery(
        delivery=Delivery(
            delivery_id=row.delivery_id,
            claim_id=row.claim_id,
            version=row.version,
            association=row.association,
            state=DeliveryState.LEASED,
            attempts=row.attempts + 1,
            next_at=from_ms(row.next_at),
            lease_until=until,
            last_code=row.last_code,
        ),
        sealed=bytes(row.sealed),
        asks_first=row.state != "pending",
        lease=lease,
        first_at=from_ms(row.first_at) if row.first_at is not None else None,
        request_digest=bytes(row.request_digest) if row.request_digest is not None else None,
    )


class AnsweredDelivery(NamedTuple):
    """A delivery as its answer leaves it, with the association's reference and the digest of what was sent."""

    delivery: Delivery
    reference: str | None = None
    request_digest: bytes | None = None


def record_answers(
    tx: Connection, answers: Iterable[AnsweredDelivery], *, lease: str, now: datetime | None = None
) -> None:
    """Write what came of deliveries, with the association's reference. A lease lost meanwhile changes nothing."""
    sql = (
        "with v (delivery_id, state, next_at, last_code, reference, digest) as (values {rows})"
        " update delivery set state = v.state, next_at = v.next_at, last_code = v.last_code,"
        " reference = coalesce(v.reference, delivery.reference),"
        " request_digest = coalesce(delivery.request_digest, v.digest), lease = null, lease_until = null,"
        " answered_at = ?"
        " from v where delivery.delivery_id = v.delivery_id and delivery.lease = ?"
    )
    kinds = ("bigint", "text", "bigint", "text", "text", "bytea")
    values = [
        (row.delivery_id, row.state.value, to_ms(row.next_at), row.last_code, reference, digest)
        for row, reference, digest in (AnsweredDelivery(*answer) for answer in answers)
    ]
    change_together(tx, sql, values, kinds=kinds, last=(to_ms(now) if now is not None else None, lease))


_WAITS_TOO_LONG = update(schema.delivery).where(
    schema.delivery.c.state.in_(("pending", "unknown", "leased")), schema.delivery.c.next_at > bindparam("horizon")
)
_LEASED_TOO_LONG = update(schema.delivery).where(
    schema.delivery.c.state == "leased", schema.delivery.c.lease_until > bindparam("horizon")
)


def pull_back(tx: Connection, *, now: datetime, horizon: datetime) -> None:
    """Deliveries and leases that stand beyond `horizon` were set by a clock that was ahead: they are due now."""
    late = {"horizon": to_ms(horizon)}
    tx.execute(_WAITS_TOO_LONG, {**late, "next_at": to_ms(now)})
    # Only a lease that ended before now is taken over.
    tx.execute(_LEASED_TOO_LONG, {**late, "lease_until": to_ms(now) - 1})


def put_back(
    tx: Connection,
    unsent: Sequence[tuple[Delivery, DeliveryState]],
    *,
    lease: str,
    code: str | None = None,
    next_at: datetime | None = None,
) -> None:
    """Deliveries that could not be tried, with the state each waits in: the attempt does not count, so that they
    neither end as dead letters nor count as sent. Without code and time they wait as they did. A lease lost meanwhile
    changes nothing."""
    sql = (
        "update delivery set state = ?, next_at = coalesce(?, next_at), last_code = coalesce(?, last_code),"
        " attempts = attempts - 1, lease = null, lease_until = null where delivery_id = ? and lease = ?"
    )
    at = to_ms(next_at) if next_at is not None else None
    change_many(tx, sql, [(state.value, at, code, delivery.delivery_id, lease) for delivery, state in unsent])


def wake(tx: Connection, claim_id: str, version: int, *, now: datetime) -> None:
    """A version whose body opens again goes now."""
    table = schema.delivery
    waiting = table.c.state.in_(("pending", "unknown"))
    tx.execute(update(table).where(_is_version(claim_id, version), waiting).values(next_at=to_ms(now)))


def give_up(tx: Connection, claim_id: str, version: int) -> None:
    """A version whose body will never open again does not go; a newer one does."""
    table = schema.delivery
    tx.execute(update(table).where(_is_version(claim_id, version), table.c.state.in_(_OPEN)).values(state="overtaken"))


def reseal(tx: Connection, claim_id: str, version: int, sealed: bytes) -> None:
    """Put the same body, sealed anew, in the place of one that does not open."""
    tx.execute(update(schema.delivery).where(_is_version(claim_id, version)).values(sealed=sealed))


def _is_version(claim_id: str, version: int) -> ColumnElement[bool]:
    table = schema.delivery.c
    return and_(table.claim_id == claim_id, table.version == version)


def body_of(tx: Connection, claim_id: str, version: int) -> bytes | None:
    """The sealed body of one version."""
    table = schema.delivery.c
    sealed = tx.execute(select(table.sealed).where(table.claim_id == claim_id, table.version == version)).scalar()
    return bytes(sealed) if sealed is not None else None


def bodies_of(tx: Connection, versions: Mapping[str, int]) -> dict[str, bytes]:
    """Claim → the sealed body of the version named, for many claims at once."""
    query = "select claim_id, version, sealed from delivery where claim_id {keys}"
    rows = select_in(tx, query, versions, kind="text")
    return {claim: bytes(sealed) for claim, version, sealed in rows if versions[claim] == version}


def of_claim(tx: Connection, claim_id: str) -> list[Delivery]:
    """All versions of a claim, oldest first."""
    table = schema.delivery.c
    query = select(*(table[name] for name in _COLUMNS)).where(table.claim_id == claim_id).order_by(table.version)
    return [_delivery(row) for row in tx.execute(query)]


def listing(
    tx: Connection, *, state: str | None, association: str | None, limit: int, below: int | None = None
) -> list[Delivery]:
    """Deliveries, newest first; `below`: from behind the one of this number on."""
    table = schema.delivery.c
    query = select(*(table[name] for name in _COLUMNS)).order_by(table.delivery_id.desc()).limit(limit)
    if below is not None:
        query = query.where(table.delivery_id < below)
    return [_delivery(row) for row in tx.execute(query.where(_is_of(state, association)))]


def count(tx: Connection, *, state: str | None, association: str | None, at_most: int | None = None) -> int:
    """How many deliveries `listing` has without a limit; with `at_most`, no more than so many are counted."""
    chosen = select(schema.delivery.c.delivery_id).where(_is_of(state, association)).limit(at_most).subquery()
    return int(tx.execute(select(func.count()).select_from(chosen)).scalar_one())


def _is_of(state: str | None, association: str | None) -> ColumnElement[bool]:
    table = schema.delivery.c
    conditions = [
        column == value for column, value in ((table.state, state), (table.association, association)) if value
    ]
    return and_(True, *conditions)


def _to_redrive(
    *, association: str | None, ids: Sequence[int] | None, refused: bool, code: str | None = None
) -> ColumnElement[bool]:
    """Dead letters, or with `refused` those refused by a status alone (one that is named by its number, whatever it was
    refused for). An old version must not arrive after the new one."""
    table = schema.delivery
    chosen = table.c.state == ("refused" if refused else "dead")
    if association:
        chosen &= table.c.association == association
    if code is not None:
        chosen &= table.c.last_code == code
    if ids:
        chosen &= table.c.delivery_id.in_(ids)
    elif refused:
        # A refusal that names the claim has the association's own code, or "refused".
        chosen &= table.c.last_code.startswith("http_", autoescape=True)
    return chosen & ~_superseded()


def _superseded() -> ColumnElement[bool]:
    """Whether a claim has a newer version."""
    table = schema.delivery
    newer = table.alias()
    return exists().where(newer.c.claim_id == table.c.claim_id, newer.c.version > table.c.version)


def redrive(
    tx: Connection,
    *,
    now: datetime,
    association: str | None,
    ids: Sequence[int] | None,
    send_again: bool = False,
    refused: bool = False,
    code: str | None = None,
) -> list[tuple[str, int]]:
    """Give deliveries, told as (claim, version), a new schedule. Dead letters may have arrived, so each is asked about
    first, unless a person made sure that it did not (`send_again`); what was refused has not, and is sent."""
    table = schema.delivery
    tx.execute(update(table).where(table.c.state == "dead", _superseded()).values(state="overtaken"))
    chosen = _to_redrive(association=association, ids=ids, refused=refused, code=code)
    state = "pending" if send_again or refused else "unknown"
    changed = update(table).where(chosen).values(state=state, attempts=1, next_at=to_ms(now))
    return [(row[0], row[1]) for row in tx.execute(changed.returning(table.c.claim_id, table.c.version))]


class DeliveryGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of an association that stand alike: state and last code."""

    association: str
    state: str
    code: str
    count: int


def redrivable(
    tx: Connection, *, association: str | None, ids: Sequence[int] | None, refused: bool, code: str | None = None
) -> list[DeliveryGroup]:
    """What `redrive` would give a new schedule."""
    return _groups(tx, _to_redrive(association=association, ids=ids, refused=refused, code=code))


def numbers_to_redrive(tx: Connection, association: str, code: str, *, refused: bool) -> list[int]:
    """The deliveries of a group that `redrive` would give a new schedule, oldest first."""
    number = schema.delivery.c.delivery_id
    chosen = _to_redrive(association=association, ids=None, refused=refused, code=code)
    return list(tx.execute(select(number).where(chosen).order_by(number)).scalars())


def in_doubt(
    tx: Connection, association: str, *, code: str | None = None, ids: Sequence[int] | None = None
) -> list[DeliveryGroup]:
    """The deliveries of an association whose outcome nobody knows (of them those with this last code, or numbers)."""
    return _groups(tx, _in_doubt(association, code, ids))


def _groups(tx: Connection, chosen: ColumnElement[bool]) -> list[DeliveryGroup]:
    """The deliveries that a condition is true of, by association, state and last code."""
    table = schema.delivery.c
    keys = (table.association, table.state, table.last_code)
    query = select(*keys, func.count()).where(chosen).group_by(*keys).order_by(*keys)
    return [
        DeliveryGroup(association=association, state=state, code=code, count=count)
        for association, state, code, count in tx.execute(query)
    ]


def _in_doubt(association: str, code: str | None, ids: Sequence[int] | None) -> ColumnElement[bool]:
    """Unknown, or dead; each was tried at least once."""
    table = schema.delivery.c
    chosen = table.state.in_(("unknown", "dead")) & (table.association == association) & (table.attempts > 0)
    if code is not None:
        chosen &= table.last_code == code
    return chosen & table.delivery_id.in_(ids) if ids else chosen


def confirm(
    tx: Connection,
    association: str,
    *,
    code: str,
    ids: Sequence[int] | None,
    accepted: bool,
    confirmed: str,
    now: datetime,
) -> list[tuple[str, int]]:
    """A person says of deliveries in doubt, told as (claim, version), that they were accepted, or are to be sent (an
    older version is not); `confirmed` is their new code."""
    table, chosen = schema.delivery, _in_doubt(association, code, ids)
    if not accepted:
        tx.execute(update(table).where(chosen, _superseded()).values(state="overtaken", last_code=confirmed))
    values = {"state": "accepted"} if accepted else {"state": "pending", "attempts": 1}
    changed = update(table).where(chosen).values(**values, last_code=confirmed, next_at=to_ms(now))
    return [(row[0], row[1]) for row in tx.execute(changed.returning(table.c.claim_id, table.c.version))]


def refused_by_status(tx: Connection, association: str) -> int:
    """How many an older release took for refused, by a status alone."""
    return int(tx.execute(_REFUSED_BY_STATUS, {"of_association": association}).scalar_one())


_TABLE = schema.delivery.c
_REFUSED_BY_STATUS = (
    select(func.count())
    .select_from(schema.delivery)
    .where(
        _to_redrive(association=None, ids=None, refused=True),
        _TABLE.association == bindparam("of_association"),
    )
)
_UNENDED = (
    select(_TABLE.state, _TABLE.last_code, func.count(), func.max(_TABLE.attempts))
    .where(text(schema.DELIVERY_TRIED), _TABLE.association == bindparam("association"))
    .group_by(_TABLE.state, _TABLE.last_code)
    .order_by(_TABLE.state, _TABLE.last_code)
)


def unended(tx: Connection, association: str) -> list[WaitingDeliveries]:
    """What was tried and has not ended well, by state and last code."""
    return [
        WaitingDeliveries(state=DeliveryState(state), code=code, count=count, attempts=attempts)
        for state, code, count, attempts in tx.execute(_UNENDED, {"association": association})
    ]


_UNPROVEN = text(
    "select count(*) from (select 1 from delivery"
    f" where association = :association and {schema.DELIVERY_UNPROVEN} limit :most) d"
)


def count_unproven(tx: Connection, association: str, *, most: int) -> int:
    """How many deliveries are in doubt, or ended so, after an answer that proved nothing; `most`: as far as counted."""
    return int(tx.execute(_UNPROVEN, {"association": association, "most": most}).scalar_one())


def counts(tx: Connection) -> dict[str, int]:
    """State → deliveries."""
    query = select(schema.delivery.c.state, func.count()).group_by(schema.delivery.c.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def next_due(tx: Connection) -> datetime | None:
    """When the next delivery is due; one that is held, when its lease ends."""
    table = schema.delivery.c
    queued = select(func.min(table.next_at)).where(table.state.in_(("pending", "unknown")))
    lease_ends = select(func.min(table.lease_until)).where(table.state == "leased")
    due = [instant for instant in (tx.execute(queued).scalar(), tx.execute(lease_ends).scalar()) if instant is not None]
    return from_ms(min(due)) if due else None
