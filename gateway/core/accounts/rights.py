"""Rights: one table, right → roles. Every page and action names its right, and a test walks the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from gateway.errors import WrongUse
from gateway.model.account import EXCLUSIVE, Role, Viewer


class Right(StrEnum):
    """What can be done; a name before the point is a page, what follows it an action there."""

    OWN = "own"
    TODAY = "today"
    FINDINGS_ACKNOWLEDGE = "today.acknowledge"
    NIGHT = "night"
    FEEDS = "feeds"
    FEEDS_RUN = "feeds.run"
    CONNECT = "connect"
    CONNECT_ACTIVATE = "connect.activate"
    QUARANTINE = "quarantine"
    QUARANTINE_REVEAL = "quarantine.reveal"
    QUARANTINE_MEND = "quarantine.mend"
    QUARANTINE_CLOSE = "quarantine.close"
    REVIEWS = "reviews"
    REVIEWS_REVEAL = "reviews.reveal"
    REVIEWS_DECIDE = "reviews.decide"
    REVIEWS_SECOND = "reviews.second"
    HOLDS = "holds"
    HOLDS_DECIDE = "holds.decide"
    CLAIMS = "claims"
    CLAIMS_REVEAL = "claims.reveal"
    CLAIMS_DECIDE = "claims.decide"
    CLAIMS_SECOND = "claims.second"
    CLAIMS_PAY = "claims.pay"
    DELIVERIES = "deliveries"
    DELIVERIES_REDRIVE = "deliveries.redrive"
    RECORDS = "records"
    RECORDS_REVEAL = "records.reveal"
    ROSTER = "roster"
    ROSTER_REVEAL = "roster.reveal"
    ROSTER_IMPORT = "roster.import"
    SCHEMES = "schemes"
    SCHEMES_STUDY = "schemes.study"
    SCHEMES_EDIT = "schemes.edit"
    EXPORT = "export"
    EXPORT_SECOND = "export.second"
    AUDIT = "audit"
    AUDIT_EXPORT = "audit.export"
    ACCOUNTS = "accounts"
    ACCOUNTS_CHANGE = "accounts.change"
    KEYS = "keys"
    KEYS_CHANGE = "keys.change"
    SETTINGS = "settings"
    SETTINGS_CHANGE = "settings.change"


_CLERK, _REVIEWER, _POLICY, _LEAGUE, _VIEWER = Role.CLERK, Role.REVIEWER, Role.POLICY, Role.LEAGUE_ADMIN, Role.VIEWER
_SYSTEM, _SECURITY, _AUDIT = Role.SYSTEM, Role.SECURITY, Role.AUDIT
_OFFICE = (_CLERK, _REVIEWER, _POLICY, _LEAGUE, _VIEWER)
_HANDS = (_CLERK, _REVIEWER, _LEAGUE)

RIGHTS: Final[Mapping[Right, frozenset[Role]]] = {
    right: frozenset(roles)
    for right, roles in {
        Right.OWN: Role,
        Right.TODAY: (*_OFFICE, _SYSTEM),
        Right.FINDINGS_ACKNOWLEDGE: _HANDS,
        Right.NIGHT: (*_OFFICE, _SYSTEM),
        Right.FEEDS: (*_OFFICE, _SYSTEM),
        Right.FEEDS_RUN: (_LEAGUE, _SYSTEM),
        Right.CONNECT: (_LEAGUE,),
        Right.CONNECT_ACTIVATE: (_LEAGUE,),
        Right.QUARANTINE: _HANDS,
        Right.QUARANTINE_REVEAL: _HANDS,
        Right.QUARANTINE_MEND: (_LEAGUE,),
        Right.QUARANTINE_CLOSE: _HANDS,
        Right.REVIEWS: _HANDS,
        Right.REVIEWS_REVEAL: (_CLERK, _REVIEWER),
        Right.REVIEWS_DECIDE: (_CLERK, _REVIEWER),
        Right.REVIEWS_SECOND: (_REVIEWER,),
        Right.HOLDS: (*_HANDS, _VIEWER),
        Right.HOLDS_DECIDE: (_REVIEWER, _LEAGUE),
        Right.CLAIMS: _OFFICE,
        Right.CLAIMS_REVEAL: (_CLERK, _REVIEWER),
        Right.CLAIMS_DECIDE: (_CLERK, _REVIEWER),
        Right.CLAIMS_SECOND: (_REVIEWER,),
        Right.CLAIMS_PAY: (_CLERK, _REVIEWER),
        Right.DELIVERIES: (*_OFFICE, _SYSTEM),
        Right.DELIVERIES_REDRIVE: (_REVIEWER, _LEAGUE),
        Right.RECORDS: _HANDS,
        Right.RECORDS_REVEAL: (_CLERK, _REVIEWER),
        Right.ROSTER: _HANDS,
        Right.ROSTER_REVEAL: (_CLERK, _REVIEWER),
        Right.ROSTER_IMPORT: (_CLERK, _LEAGUE),
        Right.SCHEMES: _OFFICE,
        Right.SCHEMES_STUDY: (_POLICY,),
        Right.SCHEMES_EDIT: (_POLICY,),
        Right.EXPORT: _HANDS,
        Right.EXPORT_SECOND: (_REVIEWER,),
        Right.AUDIT: (_AUDIT,),
        Right.AUDIT_EXPORT: (_AUDIT,),
        Right.ACCOUNTS: (_SYSTEM, _SECURITY, _AUDIT),
        Right.ACCOUNTS_CHANGE: (_SECURITY,),
        Right.KEYS: (_SYSTEM, _SECURITY, _AUDIT),
        Right.KEYS_CHANGE: (_SECURITY,),
        Right.SETTINGS: (_LEAGUE, _SYSTEM, _SECURITY, _AUDIT),
        Right.SETTINGS_CHANGE: (_SYSTEM,),
    }.items()
}
"""Who may do what. Plain values of people (`….reveal`) are for those who decide about them: a viewer, the league's
administrator and the three exclusive roles never see any, but for a row in quarantine, whose mapping is to be mended.
`own`: one's own password, second factor and log-out."""


def may(viewer: Viewer, right: Right) -> bool:
    """Whether one of the viewer's roles has this right."""
    return not RIGHTS[right].isdisjoint(viewer.roles)


def checked_roles(words: Iterable[str]) -> frozenset[Role]:
    """Roles by their codes. Raises WrongUse for an unknown one, for none, and for two that exclude each other."""
    codes = sorted(set(words))
    unknown = [code for code in codes if code not in set(Role)]
    if unknown or not codes:
        raise WrongUse(f"角色只能是 {'、'.join(Role)}，至少一个 (roles are these, at least one)")
    roles = frozenset(Role(code) for code in codes)
    if len(roles & EXCLUSIVE) > 1:
        raise WrongUse("系统、安全、审计三员互斥，一个账号只能任其一 (system, security and audit exclude each other)")
    return roles
