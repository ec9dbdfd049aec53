"""What is about to be late: claims not delivered before their last day, not decided, not paid in time.

The claim window is the member's (申领期限); the steps and the payment are the association's (办理时限), by the
scheme's `[processing]` and, where a league promised more, the association's own file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from itertools import chain
from typing import Final, Literal, get_args

import msgspec

from gateway.core.claims.deadlines import Due, Processing, WorkStep, payment_due, step_dues
from gateway.core.watching.lapsing import LAPSING
from gateway.flow.delivery.explain import edition_named
from gateway.flow.findings.book import take_stock
from gateway.flow.office import Office
from gateway.model.trouble import Trouble
from gateway.settings.associations import ProcessingSpec
from gateway.store.due import OpenClaim, open_claims
from gateway.store.values import from_ms

What = Literal["delivery", "claim", "decision", "payment"]
"""To be delivered before the last day to claim; delivered, but not decided before it; to be decided; to be paid."""

WITHIN_DAYS = 7
"""How many days ahead `hubao status` looks."""

_SHOWN = 20

ASSOCIATION_LATE: Final = "association_late"
LATE: Final[dict[What, str]] = {"decision": "审核逾期 (decisions overdue) ", "payment": "支付逾期 (payments overdue) "}
"""What an association may be late with → what people read."""


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


def say_who_is_late(office: Office) -> None:
    """One finding for each association that has not decided or paid in the time it promised."""
    today = office.now().date()
    late: dict[str, list[Deadline]] = defaultdict(list)
    with office.store.read() as tx:
        for deadline in chain.from_iterable(_of_association(office, claim, today) for claim in open_claims(tx)):
            if deadline.days_left < 0:
                late[deadline.association].append(deadline)
    troubles = []
    for association, missed in sorted(late.items()):
        counts = Counter(deadline.what for deadline in missed)
        detail = "、".join(f"{words}{counts[what]}件" for what, words in LATE.items() if counts[what])
        days = tuple(deadline.due_on for deadline in missed)
        trouble = Trouble(code=ASSOCIATION_LATE, kind="association", name=association, count=len(missed), days=days)
        troubles.append(msgspec.structs.replace(trouble, detail=detail))
    take_stock(office, (ASSOCIATION_LATE,), troubles)


def deadlines(office: Office, *, within_days: int = WITHIN_DAYS) -> Deadlines:
    """Look at every open claim once."""
    today = office.now().date()
    horizon = today + timedelta(days=within_days)
    with office.store.read() as tx:
        of_claims = [_of_claim(office, claim, today) for claim in open_claims(tx)]
        near = [deadline for of_claim in of_claims for deadline in of_claim if deadline.due_on <= horizon]
    near.sort(key=lambda deadline: (deadline.due_on, deadline.claim_id, deadline.what))
    counts: dict[What, Count] = {what: Count() for what in get_args(What)}
    for deadline in near:
        if deadline.days_left < 0:
            counts[deadline.what].late += 1
        else:
            counts[deadline.what].soon += 1
    return Deadlines(within_days=within_days, counts=counts, first=near[:_SHOWN])


def findings(due: Deadlines, *, said: Collection[str] = ()) -> list[str]:
    """What a person must see to now. What the association has and has still time for is no finding. `said`: codes of
    findings that are open, which say the same."""
    delivery, decision, payment = due.counts["delivery"], due.counts["decision"], due.counts["payment"]
    sentences = []
    if LAPSING in said:
        delivery = Count()
    if ASSOCIATION_LATE in said:
        decision = payment = Count()
    if delivery.soon:
        sentences.append(
            f"{delivery.soon}件申领{due.within_days}天内到期而协会尚未收到 (claims about to lapse undelivered)"
        )
    if delivery.late:
        sentences.append(f"{delivery.late}件申领已过最晚申领日而协会尚未收到 (claims lapsed undelivered)")
    if decision.late:
        sentences.append(f"{decision.late}件申领已过承诺的审核期限 (decisions overdue)")
    if payment.late:
        sentences.append(f"{payment.late}件已核定的申领已过支付期限 (payments overdue)")
    return sentences


def _of_claim(office: Office, claim: OpenClaim, today: date) -> Iterator[Deadline]:
    """Every deadline of a claim that still runs."""
    if claim.approved_at is None and claim.claim_by is not None and "late" not in claim.flags.split(","):
        last = date.fromisoformat(claim.claim_by)
        if claim.accepted_at is None:
            yield _deadline(claim, "delivery", Due(last), today, None)
        elif last >= today:
            yield _deadline(claim, "claim", Due(last), today, None)
    yield from _of_association(office, claim, today)


def _of_association(office: Office, claim: OpenClaim, today: date) -> Iterator[Deadline]:
    """What the association has still to do about a claim."""
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
    edition = edition_named(office.schemes.get(claim.scheme), claim.edition)
    rule, limits = edition.processing if edition else None, Processing()
    if rule is not None:
        limits = Processing(
            days=rule.days,
            complex_days=rule.complex_days,
            of=rule.of,
            article=rule.article,
            steps=tuple(WorkStep(name=step.name, days=step.days, of=rule.of) for step in rule.steps),
            steps_article=rule.article,
        )
    for promised in office.associations[claim.association].processing:
        of_league = not promised.leagues or claim.league in promised.leagues
        if of_league and (not promised.schemes or claim.scheme in promised.schemes):
            return _over(limits, promised)
    return limits


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
        steps = tuple(WorkStep(name=step.name, days=step.days, of=step.of) for step in promised.steps)
        own = msgspec.structs.replace(own, steps=steps, steps_article=promised.article)
    return own
