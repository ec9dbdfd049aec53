"""One person under both sets of rules, for the coverage periods the draft is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from gateway.core.schemes import Edition, Insured, OtherPayment, SchemeFamily, assess, payments_stood_on
from gateway.core.schemes.units.joining import coverage_from
from gateway.core.studies.simulation import Simulated, earned
from gateway.flow.studies.simulating.drafts import Rules
from gateway.model.benefit import BenefitEstimate, Fact
from gateway.model.clock import SHANGHAI
from gateway.model.member import Category, Coverage
from gateway.model.money import Money
from gateway.model.record import SettlementRecord

NO_LEAGUE: Final = "–"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate. `first` and `last` bound the day of admission (of settlement where nobody was admitted).

    `fees` are a period's fee by category, in place of what the files say; `kept` how many of the largest changes to
    tell, with member numbers where `members` is true.
    """

    rules: Rules
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


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One person as far as rules ask.

    `given` is what other schemes pay where that is known; otherwise it is computed where he has their coverage.
    """

    insured: Insured
    records: Sequence[SettlementRecord]
    facts: Sequence[Fact] = ()
    given: Mapping[str, Sequence[OtherPayment]] | None = None


def bill(asked: Asked, known: Known, *, order: int, league: str | None, who: str = "") -> Simulated | None:
    """What one person is paid before and after; None where the draft is about none of his periods.

    What the association decided plays no part: the question is what the rules would pay. Raises BadCase.
    """
    insured = known.insured
    days = _days_asked(asked, insured)
    if not days:
        return None
    rules = asked.rules
    return Simulated(
        order=order,
        league=league or NO_LEAGUE,
        category=days[0].period.category or insured.category or NO_LEAGUE,
        days=sum([each.last - each.first + 1 for each in days]),
        first=days[0].first,
        last=days[-1].last,
        fees=(_fees(asked, rules.edition, insured, days), _fees(asked, rules.draft, insured, days)),
        before=_owed(asked, rules.before, rules.edition, known),
        after=_owed(asked, rules.after, rules.draft, known),
        settlements=len(known.records),
        who=who if asked.members else "",
    )


def _days_asked(asked: Asked, insured: Insured) -> list[_Days]:
    """The periods the draft is about that have a day within what was asked for, in order."""
    family, wanted = asked.rules.before, asked.rules.edition
    found = []
    for period in _coverage(insured, family):
        if family.edition_on(period.first_day) is not wanted:
            continue
        first = period.first_day if asked.first is None else max(period.first_day, asked.first)
        last = period.last_day if asked.last is None else min(period.last_day, asked.last)
        if first <= last:
            found.append(_Days(period, first.toordinal(), last.toordinal()))
    return found


def _coverage(insured: Insured, family: SchemeFamily) -> list[Coverage]:
    if not insured.coverage and insured.joined_on is not None:
        made = coverage_from(insured.joined_on, family)
        return [] if made is None else [made]
    mine = [each for each in insured.coverage if not each.scheme or each.scheme == family.scheme]
    return mine if len(mine) == 1 else sorted(mine, key=lambda each: each.first_day)


def _owed(asked: Asked, family: SchemeFamily, edition: Edition, known: Known) -> Sequence[BenefitEstimate]:
    """The estimates of this edition's periods. All records are weighed: periods before lend years and allowances."""
    insured, records, facts = known.insured, known.records, known.facts
    if not records and not facts:
        return ()
    other_payments: Sequence[OtherPayment] = ()
    if asked.rules.stacked:
        other_payments = payments_stood_on(
            insured, records, family, asked.rules.families, facts=facts, reported=known.given
        )
    estimates = assess(insured, records, family, facts=facts, other_payments=other_payments, explained=False)
    return [each for each in estimates if each.edition == edition.name and _within(asked, each, known)]


def _within(asked: Asked, estimate: BenefitEstimate, known: Known) -> bool:
    if asked.first is None and asked.last is None:
        return True
    records = [known.records[at] for at in estimate.record_keys]
    day = estimate.admitted_on or _told_on(estimate, known.facts) or _settled_on(records)
    if day is None:
        return False
    return (asked.first is None or day >= asked.first) and (asked.last is None or day <= asked.last)


def _told_on(estimate: BenefitEstimate, facts: Sequence[Fact]) -> date | None:
    """The day of the fact an event's estimate stands on; its identity names the disease, death or the period's end."""
    named = estimate.stay.split("/")
    if named[0] != "event":
        return None
    return min((fact.on for fact in facts if (fact.disease or fact.kind) in named), default=None)


def _settled_on(records: Sequence[SettlementRecord]) -> date | None:
    instants = [record.settled_at for record in records if record.settled_at is not None]
    return max(instants).astimezone(SHANGHAI).date() if instants else None


def _fees(asked: Asked, edition: Edition, insured: Insured, days: Sequence[_Days]) -> int | None:
    """What the person pays for these days; None where no fee is known for any of his periods."""
    total: int | None = None
    for each in days:
        fee = fee_of(asked, edition, each.period.category or insured.category)
        if fee is not None:
            whole = each.period.last_day.toordinal() - each.period.first_day.toordinal() + 1
            total = (total or 0) + earned(Money(fee * insured.shares), each.last - each.first + 1, whole)
    return total


def fee_of(asked: Asked, edition: Edition, category: Category | None) -> Money | None:
    """The fee of a share and period: as asked, else the file's first that fits the category; None where none does."""
    if category is not None and category in asked.fees:
        return asked.fees[category]
    for fee in edition.fees:
        if not fee.categories or category in fee.categories:
            return fee.amount
    return None
