"""Accounts (账号): the people who work with a site, what they are there for, and whose data is theirs to see."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    """What an account is there for. The last three exclude each other (三员分立)."""

    CLERK = "clerk"
    REVIEWER = "reviewer"
    POLICY = "policy"
    LEAGUE_ADMIN = "league_admin"
    VIEWER = "viewer"
    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


EXCLUSIVE: Final = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})
"""An account has at most one of these."""


class AccountScope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose data an account may see: of these associations, leagues, industries and units; an empty set is all.
    `units`: unit numbers as the roster has them."""

    associations: frozenset[str] = frozenset()
    leagues: frozenset[str] = frozenset()
    industries: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.associations or self.leagues or self.industries or self.units)

    def covers_member(self, association: str, league: str | None) -> bool:
        """Whether a member of this association and league may be seen. Industries and units stand in no column yet, so
        who is bound to them sees nobody."""
        of_league = not self.leagues or league in self.leagues
        return self.covers_association(association) and of_league and not (self.industries or self.units)

    def covers_association(self, association: str) -> bool:
        """Whether anything of this association may be seen."""
        return not self.associations or association in self.associations


EVERYTHING: Final = AccountScope()


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks at a page or runs a command, proven: `account` is what one logs in with and what is written down,
    `name` what is shown to people."""

    account: str
    name: str
    roles: frozenset[Role]
    scope: AccountScope = EVERYTHING
