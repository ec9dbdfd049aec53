"""Whose rows an account may see, as a condition of the query: association first, then league.

What a scope names beside these, no column tells yet: an account that is bound to industries or units sees nothing.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false

from gateway.model.account import AccountScope
from gateway.store import schema


def members_of(scope: AccountScope) -> ColumnElement[bool]:
    """The members of a scope; the query reads `member`."""
    member = schema.member.c
    conditions: list[ColumnElement[bool]] = []
    if scope.associations:
        conditions.append(member.association.in_(scope.associations))
    if scope.leagues:
        conditions.append(member.league.in_(scope.leagues))
    if scope.industries or scope.units:
        conditions.append(false())
    return and_(True, *conditions)
