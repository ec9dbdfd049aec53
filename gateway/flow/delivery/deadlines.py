"""What is about to be late: claims not delivered before their last day, not decided, not paid in time.

The claim window is the member's (申领期限); the steps and the payment are the association's (办理时限), by the
scheme's `[processing]` and, where a league promised more, the association's own file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, get_args

import msgspec

from gateway.core.claims.deadlines import Due, Processing, WorkStep, payment_due, step_dues
from gateway.core.schemes import Edition
from gateway.flow.delivery.explain import edition_named
from gateway.flow.office import Office
from gateway.settings.associations import ProcessingSpec
from gateway.store.due import OpenClaim, open_claims
from gateway.store.values import from_ms

What = Literal["delivery", "claim", "decision", "payment"]
"""To be delivered before the last day to claim; delivered, but not decided before it; to be decided; to be paid."""

WITHIN_DAYS = 7
"""How many days ahead `hubao status` looks."""

_SHOWN = 20


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is late or soon will be. `days_left` counts all days and is negative once it is late.

    `assumed`: the day rests on a year whose holidays are not known yet.
    """

    what: What
    claim_id: str
    association: str
    scheme: str
    league: str | None
    due_on: date
    days_left: int
    article: str | None
    assumed: bool


class Count(msgspec.Struct, kw_only=True):
    """How many are due within the days ahead, and how many are late already."""

    soon: int = 0
    late: int = 0


class Deadlines(msgspec.Struct, kw_only=True):
    """What is due within so many days or late: counted, and the first by their last day."""

    within_days: int
    counts: dict[What, Count]
    first: list[Deadline]


def deadlines(office: Office, *, within_days: int = WITHIN_DAYS) -> Deadlines:
    """Look at every open claim once."""
    today = office.now().date()
    horizon = today + timedelta(days=within_days)
    with office.store.read() as tx:
        near = [each for claim in open_claims(tx) for each in _of_claim(office, claim, today) if each.due_on <= horizon]
    near.sort(key=lambda each: (each.due_on, each.claim_id, each.what))
    counts: dict[What, Count] = {what: Count() for what in get_args(What)}
    for each in near:
        if each.days_left < 0:
            counts[each.what].late += 1
        else:
            counts[each.what].soon += 1
    return Deadlines(within_days=within_days, counts=counts, first=near[:_SHOWN])


def findings(due: Deadlines) -> list[str]:
    """What somebody must see to now. What the association has and has still time for is no finding."""
    delivery, decision, payment = due.counts["delivery"], due.counts["decision"], due.counts["payment"]
    found = []
    if delivery.soon:
        found.append(
            f"{delivery.soon}件申领{due.within_days}天内到期而协会尚未收到 (claims about to lapse undelivered)"
        )
    if delivery.late:
        found.append(f"{delivery.late}件申领已过最晚申领日而协会尚未收到 (claims lapsed undelivered)")
    if decision.late:
        found.append(f"{decision.late}件申领已过承诺的审核期限 (decisions overdue)")
    if payment.late:
        found.append(f"{payment.late}件已核定的申领已过支付期限 (payments overdue)")
    return found


def _of_claim(office: Office, claim: OpenClaim, today: date) -> Iterator[Deadline]:
    """Every deadline of a claim that still runs."""
    if claim.approved_at is None and claim.claim_by is not None and "late" not in claim.flags.split(","):
        last = date.fromisoformat(claim.claim_by)
        if claim.accepted_at is None:
            yield _deadline(claim, "delivery", Due(last), today, None)
        elif last >= today:
            yield _deadline(claim, "claim", Due(last), today, None)
    processing = processing_of(office, claim)
    if claim.approved_at is not None:
        # What a person must look at is complex (情况复杂).
        due = payment_due(processing, from_ms(claim.approved_at).date(), complex_claim=bool(claim.flags))
        if due is not None:
            yield _deadline(claim, "payment", due, today, processing.article)
    elif claim.accepted_at is not None and processing.steps:
        last_step = step_dues(processing.steps, from_ms(claim.accepted_at).date())[-1]
        yield _deadline(claim, "decision", last_step.due, today, processing.steps_article)


def _deadline(claim: OpenClaim, what: What, due: Due, today: date, article: str | None) -> Deadline:
    return Deadline(
        what=what,
        claim_id=claim.claim_id,
        association=claim.association,
        scheme=claim.scheme,
        league=claim.league,
        due_on=due.day,
        days_left=(due.day - today).days,
        article=article,
        assumed=due.assumed,
    )


def processing_of(office: Office, claim: OpenClaim) -> Processing:
    """The time limits for a claim: the scheme's, and over them the first entry of the association for its league."""
    own = _of_edition(edition_named(office.schemes.get(claim.scheme), claim.edition))
    for promised in office.associations[claim.association].processing:
        if _concerns(promised, claim):
            return _over(own, promised)
    return own


def _concerns(promised: ProcessingSpec, claim: OpenClaim) -> bool:
    return (not promised.leagues or claim.league in promised.leagues) and (
        not promised.schemes or claim.scheme in promised.schemes
    )


def _of_edition(edition: Edition | None) -> Processing:
    known = edition.processing if edition else None
    if known is None:
        return Processing()
    return Processing(
        days=known.days,
        complex_days=known.complex_days,
        of=known.of,
        article=known.article,
        steps=tuple(WorkStep(name=each.name, days=each.days, of=known.of) for each in known.steps),
        steps_article=known.article,
    )


def _over(own: Processing, promised: ProcessingSpec) -> Processing:
    """The scheme's limits with what was promised instead."""
    if promised.days is not None:
        own = msgspec.structs.replace(
            own,
            days=promised.days,
            complex_days=promised.complex_days,
            of=promised.of,
            article=promised.article,
        )
    if promised.steps:
        steps = tuple(WorkStep(name=each.name, days=each.days, of=each.of) for each in promised.steps)
        own = msgspec.structs.replace(own, steps=steps, steps_article=promised.article)
    return own
