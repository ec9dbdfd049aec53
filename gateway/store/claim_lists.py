"""Claims as a clerk looks for them: by member, league, scheme, state and day, page by page in order of last change."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from gateway.model.account import EVERYTHING, AccountScope
from gateway.model.claim import PrefilledClaim
from gateway.store import schema
from gateway.store.scoping import members_of

_COLUMNS = PrefilledClaim.__struct_fields__
_JOINED = schema.claim.join(schema.member, schema.member.c.member_id == schema.claim.c.member_id)

Cursor: TypeAlias = tuple[int, str]
"""Instant of the last change (milliseconds) and id of the claim to go on behind."""


class ClaimChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which claims are wanted; None: whichever. `league` as the roster writes it; `since`, `until`: instants of the
    last change in milliseconds, the second not included; `least`, `most`: payable in fen, both included; `scope`: of
    whom at all."""

    association: str | None = None
    status: str | None = None
    scheme: str | None = None
    league: str | None = None
    since: int | None = None
    until: int | None = None
    least: int | None = None
    most: int | None = None
    person_ids: frozenset[int] | None = None
    claim_ids: frozenset[str] | None = None
    scope: AccountScope = EVERYTHING


class ListedClaim(msgspec.Struct, frozen=True):
    """A claim with the number and league of the member it is made out to."""

    claim: PrefilledClaim
    member_no: str
    league: str | None


def listing(
    tx: Connection, choice: ClaimChoice, *, after: Cursor | None, limit: int, newest_first: bool = False
) -> list[ListedClaim]:
    """The claims of a choice, from behind a cursor on, the longest unchanged first, or last."""
    table = schema.claim.c
    columns = [table[name] for name in _COLUMNS]
    query = select(*columns, schema.member.c.member_no, schema.member.c.league).select_from(_JOINED)
    query = query.where(_chosen(choice))
    if after is not None and newest_first:
        behind = and_(table.updated_at == after[0], table.claim_id < after[1])
        query = query.where(table.updated_at <= after[0], or_(table.updated_at < after[0], behind))
    elif after is not None:
        behind = and_(table.updated_at == after[0], table.claim_id > after[1])
        query = query.where(table.updated_at >= after[0], or_(table.updated_at > after[0], behind))
    order = (table.updated_at, table.claim_id)
    rows = tx.execute(query.order_by(*(key.desc() if newest_first else key for key in order)).limit(limit))
    return [ListedClaim(PrefilledClaim(**dict(zip(_COLUMNS, row[:-2], strict=True))), row[-2], row[-1]) for row in rows]


def count(tx: Connection, choice: ClaimChoice, *, at_most: int | None = None) -> tuple[int, int]:
    """How many claims there are of a choice, and what they come to in fen; with `at_most`, no more than so many of
    them are looked at."""
    chosen = select(schema.claim.c.payable).select_from(_JOINED).where(_chosen(choice)).limit(at_most).subquery()
    many, money = tx.execute(select(func.count(), func.sum(chosen.c.payable))).one()
    return int(many), int(money or 0)


def leagues(tx: Connection, association: str | None) -> list[str]:
    """The leagues that members come from, as rosters write them."""
    table = schema.member.c
    query = select(table.league).where(table.league.is_not(None)).distinct().order_by(table.league)
    return list(tx.execute(query.where(table.association == association) if association else query).scalars())


def _chosen(choice: ClaimChoice) -> ColumnElement[bool]:
    claim = schema.claim.c
    equal = (
        (claim.association, choice.association),
        (claim.status, choice.status),
        (claim.scheme, choice.scheme),
        (schema.member.c.league, choice.league),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if not choice.scope.is_all:
        conditions.append(members_of(choice.scope))
    if choice.since is not None:
        conditions.append(claim.updated_at >= choice.since)
    if choice.until is not None:
        conditions.append(claim.updated_at < choice.until)
    if choice.least is not None:
        conditions.append(claim.payable >= choice.least)
    if choice.most is not None:
        conditions.append(claim.payable <= choice.most)
    if choice.person_ids is not None:
        conditions.append(claim.person_id.in_(choice.person_ids))
    if choice.claim_ids is not None:
        conditions.append(claim.claim_id.in_(choice.claim_ids))
    return and_(True, *conditions)
