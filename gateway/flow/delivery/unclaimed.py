"""回头望: what is payable and was not paid, by league, deadline and reason; and what a person must see of it.

One query, no member named. What waits at a level of the office longer than its clock allows is said here too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from gateway.core.claims.deadlines import Due, payment_due, step_dues
from gateway.core.claims.levels import level_due
from gateway.core.claims.unpaid import (
    NOT_OURS,
    OLD_AFTER_DAYS,
    SAID_ELSEWHERE,
    ClaimWindow,
    UnpaidReason,
    UnpaidState,
    reason_of,
    window_of,
)
from gateway.flow.delivery.deadlines import processing_of
from gateway.flow.findings.book import take_stock
from gateway.flow.office import Office
from gateway.model.money import yuan
from gateway.model.trouble import Trouble
from gateway.store import desk
from gateway.store.desk import UnpaidClaim
from gateway.store.due import OpenClaim
from gateway.store.values import from_ms
from gateway.words.desk import UNPAID

LEVEL_LATE: Final = "level_late"
UNPAID_OLD: Final = "unpaid_old"

NO_LEAGUE: Final = ""


class UnpaidGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Claims that are payable and not paid, for one reason: count, money in yuan, since when the oldest waits, and how
    many are older than 30 days."""

    association: str
    league: str
    reason: str
    words: str
    window: ClaimWindow
    count: int
    payable: str
    oldest: date
    old: int


class Unclaimed(msgspec.Struct, frozen=True, kw_only=True):
    """All that is payable and not paid. `before_claim`: rows in review of which no claim is made yet, by association
    (count, settlements' total in yuan: what would be payable is not known)."""

    as_of: date
    count: int
    payable: str
    old: int
    old_payable: str
    groups: list[UnpaidGroup]
    before_claim: list[dict[str, Any]]


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with why it is not paid: `amount` in fen; `level`: whose clock has run out, where one has."""

    claim: UnpaidClaim
    reason: UnpaidReason
    window: ClaimWindow
    amount: int
    since: date
    level: str
    due: date | None


def unclaimed(office: Office, *, association: str | None = None, league: str | None = None) -> Unclaimed:
    """Look at every claim once, and group what is not paid."""
    today = office.now().date()
    with office.store.read() as tx:
        chosen = [
            weighed
            for weighed in _weighed(office, tx)
            if association in (None, weighed.claim.association) and league in (None, weighed.claim.league)
        ]
        doubts = [doubt for doubt in desk.doubts(tx) if association in (None, doubt.association)]
    groups: dict[tuple[str, str, str, ClaimWindow], list[Weighed]] = defaultdict(list)
    for weighed in chosen:
        claim = weighed.claim
        groups[claim.association, claim.league or NO_LEAGUE, weighed.reason, weighed.window].append(weighed)
    old = [weighed for weighed in chosen if is_old(weighed, today)]
    return Unclaimed(
        as_of=today,
        count=len(chosen),
        payable=yuan(sum(weighed.amount for weighed in chosen)),
        old=len(old),
        old_payable=yuan(sum(weighed.amount for weighed in old)),
        groups=[_group(key, members, today) for key, members in sorted(groups.items())],
        # A row in review has no league yet.
        before_claim=[
            {
                "association": doubt.association,
                "words": UNPAID["before_claim"],
                "count": doubt.count,
                "settlements_total": yuan(doubt.amount),
                "oldest": from_ms(doubt.first).date(),
            }
            for doubt in doubts
        ],
    )


def _group(key: tuple[str, str, str, ClaimWindow], members: list[Weighed], today: date) -> UnpaidGroup:
    association, league, reason, window = key
    return UnpaidGroup(
        association=association,
        league=league,
        reason=reason,
        words=UNPAID[reason],
        window=window,
        count=len(members),
        payable=yuan(sum(weighed.amount for weighed in members)),
        oldest=min(weighed.since for weighed in members),
        old=sum(1 for weighed in members if is_old(weighed, today)),
    )


def is_old(weighed: Weighed, today: date) -> bool:
    """Whether a claim has waited for more than 30 days."""
    return weighed.since < today - timedelta(days=OLD_AFTER_DAYS)


def _weighed(office: Office, tx: Any) -> Iterator[Weighed]:
    today = office.now().date()
    for claim in desk.unpaid(tx):
        if claim.association in office.associations:
            yield _weigh(office, claim, today)


def _weigh(office: Office, claim: UnpaidClaim, today: date) -> Weighed:
    level, due = _clock(office, claim)
    overdue = due is not None and due.day < today
    state = UnpaidState(
        delivery=claim.state,
        received=claim.received is not None,
        approved=claim.approved_at is not None,
        decides_here=office.associations[claim.association].desk is not None,
        overdue=overdue,
        asked=claim.asked,
        held=claim.held,
        papers=bool(claim.papers),
        proposed=claim.proposed,
        listed=claim.listed,
        account_failed=claim.failed,
        has_account=claim.has_account,
    )
    claim_by = date.fromisoformat(claim.claim_by) if claim.claim_by is not None else None
    return Weighed(
        claim=claim,
        reason=reason_of(state),
        window=window_of(claim_by, today),
        amount=claim.granted if claim.granted is not None else claim.payable,
        since=from_ms(claim.first).date(),
        level=level if overdue else "",
        due=due.day if overdue and due is not None else None,
    )


def _clock(office: Office, claim: UnpaidClaim) -> tuple[str, Due | None]:
    """Whose clock runs, and until when; none while papers are awaited, or before the association has the claim."""
    spec = office.associations[claim.association].desk
    levels = spec.levels_of(claim.league) if spec is not None else ()
    limits = processing_of(office, _as_open(claim))
    if claim.approved_at is not None:
        return "", payment_due(limits, from_ms(claim.approved_at).date(), complex_claim=bool(claim.flags))
    if claim.papers:
        return "", None
    if levels:
        since = claim.since if claim.since is not None else claim.received
        level = levels[min(claim.level or 0, len(levels) - 1)]
        if since is None:
            return level.name, None
        return level.name, level_due(level, from_ms(since).date(), complex_claim=bool(claim.flags))
    if claim.received is not None and limits.steps:
        return "", step_dues(limits.steps, from_ms(claim.received).date())[-1].due
    return "", None


def _as_open(claim: UnpaidClaim) -> OpenClaim:
    return OpenClaim(
        claim.claim_id,
        claim.association,
        claim.scheme,
        claim.edition,
        claim.league,
        claim.flags,
        claim.claim_by,
        claim.received,
        claim.approved_at,
    )


def say_what_is_unpaid(office: Office) -> None:
    """Raise what waits at a level beyond its clock, and what is payable for more than 30 days; close what is mended."""
    today = office.now().date()
    late: dict[str, list[Weighed]] = defaultdict(list)
    old: dict[str, list[Weighed]] = defaultdict(list)
    with office.store.read() as tx:
        for weighed in _weighed(office, tx):
            if weighed.level:
                late[weighed.claim.association].append(weighed)
            if is_old(weighed, today):
                old[weighed.claim.association].append(weighed)
    troubles = [_trouble(LEVEL_LATE, name, members, _by_level(members)) for name, members in sorted(late.items())]
    for name, members in sorted(old.items()):
        trouble = _trouble(UNPAID_OLD, name, members, _by_reason(members))
        to_act_on = any(weighed.reason not in (*NOT_OURS, *SAID_ELSEWHERE) for weighed in members)
        troubles.append(msgspec.structs.replace(trouble, level="act" if to_act_on else "know"))
    take_stock(office, (LEVEL_LATE, UNPAID_OLD), troubles)


def _trouble(code: str, association: str, members: list[Weighed], detail: str) -> Trouble:
    days = tuple(weighed.due or weighed.since for weighed in members)
    amount = sum(weighed.amount for weighed in members)
    return Trouble(
        code=code, kind="association", name=association, count=len(members), amount=amount, days=days, detail=detail
    )


def _by_level(members: list[Weighed]) -> str:
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for weighed in members:
        counted[weighed.claim.league or "–", weighed.level] += 1
    return "、".join(f"{league} {level} {count}件" for (league, level), count in sorted(counted.items()))


def _by_reason(members: list[Weighed]) -> str:
    counted: dict[str, int] = defaultdict(int)
    for weighed in members:
        counted[weighed.reason] += 1
    return "、".join(f"{UNPAID[reason]} {count}件" for reason, count in sorted(counted.items()))
