"""What reports and simulations ask of the database: whole tables, walked in order of person, never held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

from gateway.model.clock import SHANGHAI
from gateway.model.member import Coverage
from gateway.store import schema
from gateway.store.blocks import Width
from gateway.store.members import unpack_coverage
from gateway.store.values import to_ms

_AT_ONCE = 2000


def number_width(tx: Connection) -> Width:
    """The width of the index of id numbers, as of a kind of block. Reads the whole index."""
    table = schema.member_fingerprint.c
    counted = select(func.count().label("many")).select_from(schema.member_fingerprint).group_by(table.fingerprint)
    sizes = counted.subquery().c.many
    rows, distinct, widest, squares = tx.execute(
        select(func.sum(sizes), func.count(), func.max(sizes), func.sum(sizes * sizes))
    ).one()
    members = tx.execute(select(func.count(table.member_id.distinct()))).scalar_one()
    return Width(
        kind="number",
        rows=int(rows or 0),
        members=members,
        distinct=distinct,
        widest=widest or 0,
        squares=int(squares or 0),
    )


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One enrolment of a person, without what is sealed."""

    person_id: int
    league: str | None
    coverage: tuple[Coverage, ...]


class ClaimMoney(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One claim that stands or was decided. `outcome`, `decided`, `decided_at` are None until it is decided.

    Amounts in fen, instants in milliseconds since 1970 UTC; `league` is that of the enrolment it was made for.
    """

    person_id: int
    league: str | None
    scheme: str
    edition: str | None
    status: str
    payable: int
    updated_at: int
    outcome: str | None
    decided: int | None
    decided_at: int | None


def bounds_of(tx: Connection, association: str) -> tuple[int, int] | None:
    """The lowest and highest person id of an association; None where it has no people."""
    table = schema.person.c
    query = select(func.min(table.person_id), func.max(table.person_id)).where(table.association == association)
    lowest, highest = tx.execute(query).one()
    return None if lowest is None else (lowest, highest)


def people_between(tx: Connection, association: str, after: int, upto: int, limit: int) -> list[int]:
    """The next people of an association in order of id: more than `after`, at most `upto`."""
    table = schema.person.c
    query = select(table.person_id).where(table.association == association)
    query = query.where(table.person_id > after, table.person_id <= upto).order_by(table.person_id).limit(limit)
    return list(tx.execute(query).scalars())


def enrolments(tx: Connection, association: str) -> Iterator[Enrolment]:
    """Every enrolment of an association, opted out or not, in order of person."""
    table = schema.member.c
    query = select(table.person_id, table.league, table.coverage).where(table.association == association)
    for person_id, league, coverage in _walk(tx, query.order_by(table.person_id, table.member_id)):
        yield Enrolment(person_id=person_id, league=league, coverage=unpack_coverage(coverage))


def claim_money(tx: Connection, association: str) -> Iterator[ClaimMoney]:
    """Every claim of an association with what was decided about it, in order of person."""
    claim, member, decision = schema.claim.c, schema.member.c, schema.claim_decision.c
    query = select(
        claim.person_id,
        member.league,
        claim.scheme,
        claim.edition,
        claim.status,
        claim.payable,
        claim.updated_at,
        decision.outcome,
        decision.amount,
        decision.decided_at,
    )
    joined = schema.claim.outerjoin(schema.member, member.member_id == claim.member_id)
    joined = joined.outerjoin(schema.claim_decision, decision.claim_id == claim.claim_id)
    query = query.select_from(joined).where(claim.association == association)
    for row in _walk(tx, query.order_by(claim.person_id, claim.claim_id)):
        yield ClaimMoney(**dict(zip(ClaimMoney.__struct_fields__, row, strict=True)))


def _midnight(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))


def _walk(tx: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    # A cursor on the database's side: a year's claims would not fit in memory as rows.
    for row in tx.execute(query, execution_options={"yield_per": _AT_ONCE}):
        yield tuple(row)


def decided_claims(tx: Connection, association: str, scheme: str, edition: str, since: int, until: int) -> int:
    """How many claims under this edition the association granted from one instant to before another."""
    claim, decision = schema.claim.c, schema.claim_decision.c
    query = select(func.count()).select_from(
        schema.claim.join(schema.claim_decision, decision.claim_id == claim.claim_id)
    )
    query = query.where(claim.association == association, claim.scheme == scheme, claim.edition == edition)
    query = query.where(decision.outcome != "refused", decision.decided_at >= since, decision.decided_at < until)
    return int(tx.execute(query).scalar_one())


def decided_schemes(tx: Connection, association: str) -> set[str]:
    """The schemes in which the association has decided at least one claim."""
    claim, decision = schema.claim.c, schema.claim_decision.c
    joined = schema.claim.join(schema.claim_decision, decision.claim_id == claim.claim_id)
    query = select(claim.scheme).distinct().select_from(joined).where(claim.association == association)
    return set(tx.execute(query).scalars())


def rows_by_class(tx: Connection, first: date, last: date) -> dict[str, dict[str, int]]:
    """Feed → class → rows of the pages of these days, as tallied when they were worked.

    A page's day is the one it says itself, else the day it was received.
    """
    batch, page = schema.batch.c, schema.page.c
    sums = [func.coalesce(func.sum(batch[f"{name}_rows"]), 0) for name in schema.TALLY_CLASSES]
    query = select(page.feed, *sums).select_from(schema.batch.join(schema.page, page.seq == batch.page_seq))
    dated = page.day.between(first.isoformat(), last.isoformat())
    received = page.day.is_(None) & (page.received_at >= _midnight(first))
    received &= page.received_at < _midnight(last + timedelta(days=1))
    query = query.where(dated | received).group_by(page.feed)
    return {
        row[0]: {name: int(many) for name, many in zip(schema.TALLY_CLASSES, row[1:], strict=True)}
        for row in tx.execute(query.order_by(page.feed))
    }
