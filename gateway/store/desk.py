"""The clerks' desk: who has a claim, what people did about it, and claims as a clerk sees them, most urgent first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.store import schema
from gateway.store.desk_tables import claim_case, claim_step, payment_account, payment_item
from gateway.store.engine import insert_many, select_in, upsert

StepState = Literal["done", "proposed", "overtaken", "undone"]


class DeskCase(msgspec.Struct, frozen=True, kw_only=True):
    """Which level has a claim, since when (milliseconds), and which papers it waits for (codes)."""

    claim_id: str
    association: str
    level: int
    since: int
    papers: str = ""


class DeskStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did about a claim: amounts in fen, instants in milliseconds, the note sealed."""

    claim_id: str
    association: str
    version: int
    what: str
    by: str
    at: int
    state: StepState = "done"
    level: str = ""
    amount: int | None = None
    code: str = ""
    note: bytes | None = None
    step_id: int = 0


_CASE = DeskCase.__struct_fields__
_STEP = DeskStep.__struct_fields__
_NEW_STEP = tuple(name for name in _STEP if name != "step_id")


def case_of(tx: Connection, claim_id: str) -> DeskCase | None:
    """Where a claim is; None while nobody has touched it."""
    row = tx.execute(select(claim_case).where(claim_case.c.claim_id == claim_id)).one_or_none()
    return DeskCase(**row._mapping) if row is not None else None


def put_case(tx: Connection, place: DeskCase) -> None:
    """Remember where a claim is now."""
    statement = upsert(claim_case, postgres=tx.dialect.name == "postgresql")
    tx.execute(statement, msgspec.structs.asdict(place))


def add_step(tx: Connection, step: DeskStep) -> None:
    """Write down what a person did."""
    insert_many(tx, claim_step, _NEW_STEP, [tuple(getattr(step, name) for name in _NEW_STEP)])


def end_steps(tx: Connection, step_ids: Collection[int], state: StepState) -> None:
    """These steps are done, overtaken or undone from now on."""
    if step_ids:
        tx.execute(update(claim_step).where(claim_step.c.step_id.in_(step_ids)).values(state=state))


def steps_of(tx: Connection, claim_id: str) -> list[DeskStep]:
    """What was done about a claim, oldest first."""
    query = select(*(claim_step.c[name] for name in _STEP)).where(claim_step.c.claim_id == claim_id)
    return [DeskStep(**row._mapping) for row in tx.execute(query.order_by(claim_step.c.step_id))]


def received_at(tx: Connection, claim_id: str) -> int | None:
    """When the association received a claim (see `due.OpenClaim.accepted_at`)."""
    table = schema.delivery.c
    query = select(func.min(table.next_at)).where(table.claim_id == claim_id, table.state == "accepted")
    received: int | None = tx.execute(query).scalar()
    return received


def locked(tx: Connection, claim_ids: Collection[str]) -> set[str]:
    """Those of these claims that stand on a payment list, paid or not yet answered."""
    query = "select claim_id from payment_item where state <> 'failed' and claim_id {keys}"
    return {claim_id for (claim_id,) in select_in(tx, query, claim_ids, kind="text")}


DeskState = Literal["waiting", "papers", "second_person", "approved", "listed", "failed", "paid", "refused"]
Cursor: TypeAlias = tuple[str, str]
"""Last day to claim ("9999-12-31" for none) and id of the claim to go on behind."""


class DeskChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which claims a clerk looks for; None: whichever."""

    association: str
    league: str | None = None
    state: DeskState | None = None
    level: int | None = None


class DeskClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as a clerk sees it in a list. `level` and `since` are None before anybody has touched it; `granted` in
    fen; `has_account`: an account is known."""

    claim: PrefilledClaim
    member_no: str
    league: str | None
    state: DeskState
    level: int | None
    since: int | None
    received: int | None
    granted: int | None
    has_account: bool


_CLAIM = PrefilledClaim.__struct_fields__
_NO_DAY: Final = "9999-12-31"

_claim, _member, _decision = schema.claim.c, schema.member.c, schema.claim_decision.c
_JOINED = (
    schema.claim.join(schema.member, _member.member_id == _claim.member_id)
    .outerjoin(claim_case, claim_case.c.claim_id == _claim.claim_id)
    .outerjoin(schema.claim_decision, _decision.claim_id == _claim.claim_id)
    .outerjoin(payment_account, payment_account.c.claim_id == _claim.claim_id)
)
_ON_LIST = exists().where(payment_item.c.claim_id == _claim.claim_id, payment_item.c.state == "listed")
# Until somebody has told another account, or the same one again.
_FAILED = exists().where(
    payment_item.c.claim_id == _claim.claim_id,
    payment_item.c.state == "failed",
    payment_item.c.answered_at >= func.coalesce(payment_account.c.at, 0),
)
_PROPOSED = exists().where(claim_step.c.claim_id == _claim.claim_id, claim_step.c.state == "proposed")
_RECEIVED = (
    select(func.min(schema.delivery.c.next_at))
    .where(schema.delivery.c.claim_id == _claim.claim_id, schema.delivery.c.state == "accepted")
    .scalar_subquery()
)
_papers: ColumnElement[str] = func.coalesce(claim_case.c.papers, "", type_=Text())
_state: ColumnElement[str] = case(
    (_decision.outcome.in_(("paid", "refused")), _decision.outcome),
    (and_(_decision.outcome == "approved", _ON_LIST), literal("listed")),
    (and_(_decision.outcome == "approved", _FAILED), literal("failed")),
    (_decision.outcome == "approved", literal("approved")),
    (_PROPOSED, literal("second_person")),
    (_papers != "", literal("papers")),
    else_=literal("waiting"),
)
_by = func.coalesce(_claim.claim_by, _NO_DAY)


def listing(tx: Connection, choice: DeskChoice, *, after: Cursor | None, limit: int) -> list[DeskClaim]:
    """The claims that stand, by their last day to claim; one query."""
    columns = [
        *(_claim[name] for name in _CLAIM),
        _member.member_no,
        _member.league,
        _state.label("state"),
        claim_case.c.level.label("level"),
        claim_case.c.since.label("since"),
        _RECEIVED.label("received"),
        _decision.amount.label("granted"),
        payment_account.c.claim_id.is_not(None).label("has_account"),
    ]
    query = select(*columns).select_from(_JOINED).where(_chosen(choice)).order_by(_by, _claim.claim_id).limit(limit)
    if after is not None:
        query = query.where(or_(_by > after[0], and_(_by == after[0], _claim.claim_id > after[1])))
    return [_desk_claim(row) for row in tx.execute(query)]


def count(tx: Connection, choice: DeskChoice) -> tuple[int, int]:
    """How many there are in all, and what they ask for (fen)."""
    query = select(func.count(), func.coalesce(func.sum(_claim.payable), 0)).select_from(_JOINED)
    many, amount = tx.execute(query.where(_chosen(choice))).one()
    return int(many), int(amount)


def _chosen(choice: DeskChoice) -> ColumnElement[bool]:
    # What was decided stays in sight, also where the claim was withdrawn since.
    stands = or_(_claim.status != ClaimStatus.WITHDRAWN.value, _decision.outcome.is_not(None))
    conditions: list[ColumnElement[bool]] = [_claim.association == choice.association, stands]
    if choice.league is not None:
        conditions.append(_member.league == choice.league)
    if choice.state is not None:
        conditions.append(_state == choice.state)
    if choice.level is not None:
        at_level: ColumnElement[int] = func.coalesce(claim_case.c.level, 0, type_=Integer())
        conditions.append(at_level == choice.level)
    return and_(*conditions)


def _desk_claim(row: Any) -> DeskClaim:
    return DeskClaim(
        claim=PrefilledClaim(**{name: getattr(row, name) for name in _CLAIM}),
        member_no=row.member_no,
        league=row.league,
        state=row.state,
        level=row.level,
        since=row.since,
        received=row.received,
        granted=row.granted,
        has_account=bool(row.has_account),
    )


class UnpaidClaim(msgspec.Struct, frozen=True):
    """A claim that stands, is worth something and is not paid. `state`: of the delivery of its latest version; `first`:
    when its first version was due to be sent, at most two days after it was made; instants in milliseconds."""

    claim_id: str
    association: str
    scheme: str
    edition: str | None
    league: str | None
    flags: str
    claim_by: str | None
    payable: int
    state: str
    first: int
    received: int | None
    granted: int | None
    approved_at: int | None
    level: int | None
    since: int | None
    papers: str
    asked: bool
    held: bool
    proposed: bool
    listed: bool
    failed: bool
    has_account: bool


_UNPAID = text("""
select c.claim_id, c.association, c.scheme, c.edition, m.league, c.flags, c.claim_by, c.payable,
       coalesce((select d.state from delivery d where d.claim_id = c.claim_id and d.version = c.version), ''),
       coalesce((select min(d.next_at) from delivery d where d.claim_id = c.claim_id), c.updated_at),
       (select min(d.next_at) from delivery d where d.claim_id = c.claim_id and d.state = 'accepted'),
       x.amount, x.decided_at, k.level, k.since, coalesce(k.papers, ''),
       exists (select 1 from review r where r.claim_id = c.claim_id and r.state = 'open'),
       p.held is not null,
       exists (select 1 from claim_step s where s.claim_id = c.claim_id and s.state = 'proposed'),
       exists (select 1 from payment_item i where i.claim_id = c.claim_id and i.state = 'listed'),
       exists (select 1 from payment_item i
               where i.claim_id = c.claim_id and i.state = 'failed' and i.answered_at >= coalesce(a.at, 0)),
       a.claim_id is not null
from claim c
left join member m on m.member_id = c.member_id
left join person p on p.person_id = c.person_id
left join claim_case k on k.claim_id = c.claim_id
left join claim_decision x on x.claim_id = c.claim_id
left join payment_account a on a.claim_id = c.claim_id
where (x.outcome = 'approved' and x.amount > 0 or x.outcome is null and c.status <> 'withdrawn' and c.payable > 0)
order by c.claim_id
""")


def unpaid(tx: Connection) -> Iterator[UnpaidClaim]:
    """Every claim that is payable and was not paid: one query."""
    for row in tx.execute(_UNPAID):
        # The columns stand in the order of the fields; SQLite knows no booleans.
        yield UnpaidClaim(*row[:16], *map(bool, row[16:]))


class OpenDoubt(msgspec.Struct, frozen=True):
    """Rows that wait for a person before any claim is made of them: settlements' total in fen."""

    association: str
    count: int
    amount: int
    first: int


_DOUBTS = text("""
select association, count(*), sum(amount), min(created_at) from review
where state = 'open' and kind in ('match', 'hold', 'changed') and claim_id is null
group by association order by association
""")


def doubts(tx: Connection) -> Sequence[OpenDoubt]:
    """What may become claims once a person has answered, by association."""
    return [
        OpenDoubt(association, many, int(amount), first) for association, many, amount, first in tx.execute(_DOUBTS)
    ]
