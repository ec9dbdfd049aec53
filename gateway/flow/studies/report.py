"""The yearly table from what is stored: who is covered, what was granted or proposed; nothing sealed is opened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from gateway.core.studies.reporting import Basis, ClaimPayment, CoveredPerson, ReportTable, add_members, add_payments
from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.model.clock import SHANGHAI
from gateway.store import quarantine, reporting, reviews
from gateway.store.engine import Tx
from gateway.store.reporting import ClaimMoney
from gateway.store.values import to_ms

GRANTED = frozenset({"approved", "paid"})


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows of the feeds ended: feed → class → rows, and what is open now."""

    feeds: dict[str, dict[str, int]]
    open_quarantined: int
    open_review: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One association's table for a time, both days included; `basis` says by scheme what counts as paid."""

    association: str
    name: str
    first: date
    last: date
    basis: dict[str, Basis]
    table: ReportTable
    quality: Quality | None = None


def report(
    office: Office, *, first: date, last: date, association: str | None = None, quality: bool = False
) -> list[Report]:
    """One report for each association asked for. Raises WrongUse for an unknown one or a time that ends early.

    A scheme with any decision counts what was granted, on the day of the decision, and tells the claims that wait;
    a scheme without counts what is proposed, on the day the claim last changed.
    """
    if last < first:
        raise WrongUse("末日早于首日 (the last day is before the first)")
    if association is not None and association not in office.associations:
        names = sorted(office.associations)
        raise WrongUse(f"没有协会 {association}；已有：{'、'.join(names)} (no such association)")
    names = [association] if association else sorted(office.associations)
    with office.store.read() as tx:
        classes = None
        if quality:
            quarantined, in_review = quarantine.count_open(tx), reviews.count_open(tx)
            rows = reporting.rows_by_class(tx, first, last)
            classes = Quality(feeds=rows, open_quarantined=quarantined, open_review=in_review)
        return [_report_of(tx, office, name, first, last, classes) for name in names]


def _report_of(tx: Tx, office: Office, association: str, first: date, last: date, quality: Quality | None) -> Report:
    """One association's report."""
    spec = office.associations[association]
    decided = reporting.decided_schemes(tx, association)
    basis: dict[str, Basis] = {scheme: "decided" if scheme in decided else "proposed" for scheme in spec.schemes}
    table = ReportTable()
    enrolments = (
        CoveredPerson(person=row.person_id, league=row.league or "", coverage=row.coverage)
        for row in reporting.enrolments(tx, association)
    )
    add_members(table, enrolments, first=first, last=last)
    add_payments(table, _payments(tx, association, decided, first, last))
    return Report(
        association=association, name=spec.name, first=first, last=last, basis=basis, table=table, quality=quality
    )


def _payments(tx: Tx, association: str, decided: set[str], first: date, last: date) -> Iterator[ClaimPayment]:
    since, until = _midnight(first), _midnight(last + timedelta(days=1))
    for claim in reporting.claim_money(tx, association):
        payment = _granted(claim) if claim.scheme in decided else _proposed(claim)
        if payment is not None and since <= payment[1] < until:
            amount, _, waiting = payment
            yield ClaimPayment(
                person=claim.person_id,
                league=claim.league or "",
                scheme=claim.scheme,
                amount=amount,
                waiting=waiting,
            )


def _granted(claim: ClaimMoney) -> tuple[int, int, bool] | None:
    """(amount, instant, waits?) of a claim where the association decides; None where it counts for nothing."""
    if claim.outcome is None or claim.decided_at is None:
        payment = _proposed(claim)
        return None if payment is None else (payment[0], payment[1], True)
    if claim.outcome not in GRANTED or not claim.decided:
        return None
    return claim.decided, claim.decided_at, False


def _proposed(claim: ClaimMoney) -> tuple[int, int, bool] | None:
    if claim.status == "withdrawn" or not claim.payable:
        return None
    return claim.payable, claim.updated_at, False


def _midnight(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))
