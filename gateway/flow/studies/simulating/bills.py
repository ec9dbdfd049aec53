"""One person under both sets of rules, for the coverage periods the draft is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from gateway.core.schemes import Edition, Insured, OtherPayment, SchemeFamily, assess, payments_stood_on
from gateway.core.schemes.units.joining import coverage_from
from gateway.core.studies.simulation import SimulatedBill, earned
from gateway.flow.studies.simulating.drafts import DraftRules
from gateway.model.benefit import BenefitEstimate, Fact
from gateway.model.clock import SHANGHAI
from gateway.model.member import Category, Coverage
from gateway.model.money import Money
from gateway.model.record import SettlementRecord

NO_LEAGUE: Final = "–"


class SimulationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate. `first` and `last` bound the day of admission (of settlement where nobody was admitted).

    `fees` are a period's fee by category, in place of what the files say; `kept` how many of the largest changes to
    tell, with member numbers where `members` is true.
    """

    rules: DraftRules
    first: date | None = None
    last: date | None = None
    fees: Mapping[Category, Money] = msgspec.field(default_factory=dict)
    kept: int = 10
    members: bool = False


class _Days(msgspec.Struct, frozen=True, gc=False):
    """A coverage period and what of it was asked for: first and last day as ordinals."""

    period: Coverage
    first: int
    last: int


class SimulatedPerson(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One person as far as rules ask.

    `other_payments` is what other schemes pay where that is told; otherwise it is worked out where there is coverage.
    """

    insured: Insured
    records: Sequence[SettlementRecord]
    facts: Sequence[Fact] = ()
    other_payments: Mapping[str, Sequence[OtherPayment]] | None = None


def bill(
    request: SimulationRequest, person: SimulatedPerson, *, order: int, league: str | None, member_no: str = ""
) -> SimulatedBill | None:
    """What one person is paid before and after; None where the draft is about none of the periods.

    What the association decided plays no part: the question is what the rules would pay. Raises BadCase.
    """
    insured = person.insured
    days = _days_asked(request, insured)
    if not days:
        return None
    rules = request.rules
    return SimulatedBill(
        order=order,
        league=league or NO_LEAGUE,
        category=days[0].period.category or insured.category or NO_LEAGUE,
        days=sum([part.last - part.first + 1 for part in days]),
        first=days[0].first,
        last=days[-1].last,
        fees=(_fees(request, rules.edition, insured, days), _fees(request, rules.draft, insured, days)),
        before=_owed(request, rules.before, rules.edition, person),
        after=_owed(request, rules.after, rules.draft, person),
        settlements=len(person.records),
        who=member_no if request.members else "",
    )


def _days_asked(request: SimulationRequest, insured: Insured) -> list[_Days]:
    """The periods the draft is about that have a day within what is asked for, in order."""
    family, edition = request.rules.before, request.rules.edition
    periods = [period for period in insured.coverage if not period.scheme or period.scheme == family.scheme]
    if not insured.coverage and insured.joined_on is not None:
        joined = coverage_from(insured.joined_on, family)
        periods = [] if joined is None else [joined]
    days = []
    for period in sorted(periods, key=lambda period: period.first_day):
        if family.edition_on(period.first_day) is not edition:
            continue
        first = period.first_day if request.first is None else max(period.first_day, request.first)
        last = period.last_day if request.last is None else min(period.last_day, request.last)
        if first <= last:
            days.append(_Days(period, first.toordinal(), last.toordinal()))
    return days


def _owed(
    request: SimulationRequest, family: SchemeFamily, edition: Edition, person: SimulatedPerson
) -> Sequence[BenefitEstimate]:
    """The estimates of this edition's periods. All records are weighed: periods before lend years and allowances."""
    insured, records, facts = person.insured, person.records, person.facts
    if not records and not facts:
        return ()
    other_payments: Sequence[OtherPayment] = ()
    if request.rules.stacked:
        other_payments = payments_stood_on(
            insured, records, family, request.rules.families, facts=facts, reported=person.other_payments
        )
    estimates = assess(insured, records, family, facts=facts, other_payments=other_payments, explained=False)
    return [
        estimate for estimate in estimates if estimate.edition == edition.name and _within(request, estimate, person)
    ]


def _within(request: SimulationRequest, estimate: BenefitEstimate, person: SimulatedPerson) -> bool:
    if request.first is None and request.last is None:
        return True
    day = estimate.admitted_on
    # The identity of an event names the disease, the death or the period's end, and by it the facts it stands on.
    if day is None and (event := estimate.stay.split("/"))[0] == "event":
        day = min((fact.on for fact in person.facts if (fact.disease or fact.kind) in event), default=None)
    if day is None:
        records = [person.records[at] for at in estimate.record_keys]
        instants = [record.settled_at for record in records if record.settled_at is not None]
        day = max(instants).astimezone(SHANGHAI).date() if instants else None
    if day is None:
        return False
    return (request.first is None or day >= request.first) and (request.last is None or day <= request.last)


def _fees(request: SimulationRequest, edition: Edition, insured: Insured, days: Sequence[_Days]) -> int | None:
    """What the person pays for these days; None where no fee is known for any of the periods."""
    total: int | None = None
    for part in days:
        fee = fee_of(request, edition, part.period.category or insured.category)
        if fee is not None:
            whole = part.period.last_day.toordinal() - part.period.first_day.toordinal() + 1
            shares = part.period.shares or insured.shares
            total = (total or 0) + earned(Money(fee * shares), part.last - part.first + 1, whole)
    return total


def fee_of(request: SimulationRequest, edition: Edition, category: Category | None) -> Money | None:
    """The fee of a share and period: as requested, else the file's first for the category; None where there is none."""
    if category is not None and category in request.fees:
        return request.fees[category]
    for fee in edition.fees:
        if not fee.categories or category in fee.categories:
            return fee.amount
    return None
