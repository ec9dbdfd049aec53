"""Checked files → the engine's values: amounts in fen, rates in ten-thousandths, conditions as questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from gateway.core.schemes.language import conditions, edition, rules
from gateway.core.schemes.language.bands import band_of
from gateway.core.schemes.language.conditions import Condition, Conditions
from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.model.money import Money
from gateway.settings.schemes.benefits import (
    CEILING_TERMS,
    PAID_BY,
    AnyBenefit,
    BaseSpec,
    DailySpec,
    DeductibleSpec,
    FirstLaterSpec,
    FlatSpec,
    LumpSumSpec,
    ShareSpec,
)
from gateway.settings.schemes.common import ConditionSpec, NarrowSpec
from gateway.settings.schemes.specs import CapSpec, ClaimSpec, ConfirmSpec, ExclusionSpec, SchemeSpec, StaySpec

Groups = Mapping[str, DiseaseGroup]


def edition_of(spec: SchemeSpec, groups: Groups) -> edition.Edition:
    """One checked file as an edition. `groups` holds every disease group the file names."""
    return edition.Edition(
        name=spec.edition,
        title=spec.title,
        source=spec.source,
        version=spec.version,
        starts=spec.starts,
        carried_on_from=spec.carried_on_from,
        benefits=tuple(_benefit(benefit, groups) for benefit in spec.benefits if not isinstance(benefit, LumpSumSpec)),
        lump_sums=tuple(_lump_sum(lump_sum, groups) for lump_sum in spec.lump_sums),
        caps=tuple(_cap(cap, slot) for slot, cap in enumerate(spec.caps)),
        floor=_floor(spec),
        proration_article=None if spec.proration is None else spec.proration.article,
        exclusions=tuple(_exclusion(exclusion, groups) for exclusion in spec.exclusions),
        confirms=tuple(_confirm(confirm, groups) for confirm in spec.confirm),
        who=_who(spec),
        ages=tuple(_ages(spec)),
        claim_window=None if spec.claim is None else _claim(spec.claim),
        period=_period(spec),
        waiting=edition.Waiting(**spec.waiting.model_dump(exclude={"leans_on"})) if spec.waiting else None,
        ceiling=None if spec.ceiling is None else fen(spec.ceiling),
        rounding_unit=100 if spec.rounding == "half_up_yuan" else 1,
        papers=tuple(edition.Papers(**papers.model_dump()) for papers in spec.papers),
        processing=_processing(spec),
        fees=tuple(_fees(spec)),
        questions={name: edition.SchemeQuestion(**question.model_dump()) for name, question in spec.settings.items()},
        assumed=frozenset(name for name, question in spec.settings.items() if question.assumed),
        leans_on=_leans_always(spec),
        stands_on=tuple(dict.fromkeys(spec.stands_on)),
        asks_place=_asks_place(spec),
        asks_first=any(benefit.stays is not None for benefit in spec.benefits),
        has_daily=any(isinstance(benefit, DailySpec) for benefit in spec.benefits),
        reorders=_reorders([benefit for benefit in spec.benefits if not isinstance(benefit, LumpSumSpec)]),
    )


def fen(amount: Decimal) -> Money:
    """Yuan → fen."""
    return Money(int(amount * 100))


def units_of(stay: StaySpec | None) -> dict[str, edition.UnitKind]:
    """Kind of care → what is one unit of it."""
    units: dict[str, edition.UnitKind] = {}
    if stay is not None:
        units |= dict.fromkeys(stay.care, "stay")
        units |= dict.fromkeys(stay.months, "month")
        units |= dict.fromkeys(stay.single, "single")
        units |= dict.fromkeys(stay.period, "period")
    return units


# ── conditions ──────


def conditions_of(spec: ConditionSpec, groups: Groups) -> Conditions:
    """The questions a rule's conditions ask, cheap ones first."""
    required: list[Condition] = []
    if spec.care is not None:
        required.append(conditions.care_is(frozenset(spec.care)))
    if spec.stays is not None:
        required.append(conditions.stay_is(spec.stays))
    if spec.sex is not None:
        required.append(conditions.sex_is(spec.sex))
    if spec.insured is not None:
        required.append(conditions.insured_is(spec.insured))
    if spec.insurance is not None:
        required.append(conditions.insurance_is(frozenset(spec.insurance)))
    required += narrow_of(spec)
    if spec.years_from is not None or spec.years_to is not None:
        required.append(conditions.years_between(spec.years_from, spec.years_to))
    if spec.from_day is not None or spec.to_day is not None:
        required.append(conditions.admitted_between(spec.from_day, spec.to_day))
    if spec.care_codes is not None:
        required.append(conditions.care_code_is(frozenset(spec.care_codes)))
    if spec.disease is not None:
        required.append(conditions.disease_is(tuple(groups[name] for name in spec.disease)))
    return tuple(required)


def narrow_of(spec: NarrowSpec) -> Conditions:
    """The questions of one row of a table."""
    required: list[Condition] = []
    if spec.categories is not None:
        required.append(conditions.category_is(frozenset(spec.categories)))
    if spec.grades is not None:
        required.append(conditions.grade_is(frozenset(spec.grades)))
    if spec.place is not None:
        required.append(conditions.place_is(spec.place))
    return tuple(required)


def _asks_place(spec: SchemeSpec) -> bool:
    rows: list[NarrowSpec] = [*spec.benefits, *spec.exclusions, *spec.confirm]
    for benefit in spec.benefits:
        if isinstance(benefit, ShareSpec):
            rows += benefit.bands
        elif isinstance(benefit, DailySpec):
            rows += benefit.rates
        elif isinstance(benefit, FlatSpec):
            rows += benefit.amounts
    return any(row.place is not None for row in rows)


# ── benefits ──────


def _benefit(spec: AnyBenefit, groups: Groups) -> rules.Benefit:
    if isinstance(spec, ShareSpec):
        return _share(spec, groups)
    if isinstance(spec, DailySpec):
        return _daily(spec, groups)
    if isinstance(spec, FlatSpec):
        return _flat(spec, groups)
    raise TypeError(spec.kind)


def _share(spec: ShareSpec, groups: Groups) -> rules.ShareBenefit:
    return rules.ShareBenefit(
        name=spec.name,
        title=spec.title,
        article=spec.article,
        conditions=conditions_of(spec, groups),
        leans_on=spec.leans_on,
        base=_base(spec.base),
        bands=tuple(
            band_of(
                fen(over),
                None if band.upto is None else fen(band.upto),
                band.rate or Decimal(0),
                band.article,
                amount=None if band.amount is None else fen(band.amount),
                conditions=narrow_of(band),
            )
            for over, band in spec.placed_bands()
        ),
        gate=_threshold(spec.gate),
        deductible=_threshold(spec.deductible),
        whole=spec.mode == "whole",
        upper_included=spec.edge == "upper_included",
        by_condition=any(narrow_of(band) for band in spec.bands),
        raise_=None if spec.raise_ is None else rules.Raise(**spec.raise_.model_dump()),
        prorated=spec.prorated,
        cap=None if spec.cap is None else fen(spec.cap),
    )


def _base(spec: BaseSpec) -> rules.Base:
    return rules.Base(
        add=_fields(spec.add),
        less=_fields(spec.less),
        special=any(term in CEILING_TERMS for term in spec.terms),
        days=spec.add.count("days"),
        paid_by=_schemes(spec.less),
        paid_by_added=_schemes(spec.add),
    )


def _fields(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(term for term in terms if term != "days" and not term.startswith(PAID_BY))


def _schemes(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(term.removeprefix(PAID_BY) for term in terms if term.startswith(PAID_BY))


def _threshold(spec: Decimal | FirstLaterSpec | DeductibleSpec | None) -> rules.Threshold | None:
    if spec is None:
        return None
    if isinstance(spec, FirstLaterSpec):
        return rules.Threshold(first=fen(spec.first), later=fen(spec.later))
    if isinstance(spec, DeductibleSpec):
        first = spec.first if spec.amount is None else spec.amount
        later = spec.later if spec.amount is None else spec.amount
        return rules.Threshold(first=fen(first or Decimal(0)), later=fen(later or Decimal(0)), per=spec.per)
    return rules.Threshold(first=fen(spec), later=fen(spec))


def _per_day(amounts: Decimal | tuple[Decimal, ...]) -> tuple[Money, ...]:
    return (fen(amounts),) if isinstance(amounts, Decimal) else tuple(fen(amount) for amount in amounts)


def _daily(spec: DailySpec, groups: Groups) -> rules.DailyBenefit:
    rates = [rules.DailyRate(per_day=_per_day(row.per_day), conditions=narrow_of(row)) for row in spec.rates]
    if spec.per_day is not None:
        rates.append(rules.DailyRate(per_day=_per_day(spec.per_day)))
    required = conditions_of(spec, groups)
    if spec.once is not None and spec.stays is None:
        required = (conditions.stay_is("first"), *required)
    return rules.DailyBenefit(
        name=spec.name,
        title=spec.title,
        article=spec.article,
        conditions=required,
        leans_on=spec.leans_on,
        rates=tuple(rates),
        max_days=spec.max_days,
        after_days=spec.after_days,
        counts_from=spec.counts_from,
        restart=spec.restart,
    )


def _flat(spec: FlatSpec, groups: Groups) -> rules.FlatBenefit:
    amounts = [rules.FlatAmount(amount=fen(row.amount), conditions=narrow_of(row)) for row in spec.amounts]
    if spec.amount is not None:
        amounts.append(rules.FlatAmount(amount=fen(spec.amount)))
    return rules.FlatBenefit(
        name=spec.name,
        title=spec.title,
        article=spec.article,
        conditions=conditions_of(spec, groups),
        leans_on=spec.leans_on,
        amounts=tuple(amounts),
    )


def _lump_sum(spec: LumpSumSpec, groups: Groups) -> rules.LumpSum:
    return rules.LumpSum(
        name=spec.name,
        title=spec.title,
        article=spec.article,
        event=spec.event,
        conditions=conditions_of(spec, groups),
        leans_on=spec.leans_on,
        payments=tuple(
            rules.GroupPayment(group=groups[row.disease], amount=None if row.amount is None else fen(row.amount))
            for row in spec.groups
        ),
        amount=fen(spec.amount or Decimal(0)),
        once=spec.once,
        waiting_days=spec.waiting_days,
        lookback_days=spec.lookback_days,
        per_share=spec.per_share,
        by_code=spec.confirmed == "code",
        consolation=tuple(
            rules.Consolation(from_day=row.from_day, to_day=row.to_day, amount=fen(row.amount), article=row.article)
            for row in spec.consolation
        ),
    )


def _reorders(benefits: Sequence[AnyBenefit]) -> bool:
    """Whether lines in the order of the file would not be in the order of their rules."""
    ranks = [0 if isinstance(spec, ShareSpec) else 1 if isinstance(spec, DailySpec) else 2 for spec in benefits]
    capped = any(isinstance(spec, ShareSpec) and spec.cap is not None for spec in benefits)
    return ranks != sorted(ranks) or ranks.count(0) > 1 or (capped and len(benefits) > 1)


# ── limits, who, when, how ──────


def _floor(spec: SchemeSpec) -> rules.Floor | None:
    floor = spec.floor
    if floor is None:
        return None
    return rules.Floor(
        amount=fen(floor.amount),
        article=floor.article,
        care=None if floor.care is None else frozenset(floor.care),
        on_death=None if floor.on_death is None else fen(floor.on_death),
        leans_on=floor.leans_on,
    )


def _cap(spec: CapSpec, slot: int) -> rules.Cap:
    return rules.Cap(
        amount=fen(spec.amount),
        per=spec.per,
        article=spec.article,
        slot=slot,
        benefits=None if spec.benefits is None else frozenset(spec.benefits),
        others=spec.with_,
        conditions=() if spec.categories is None else (conditions.category_is(frozenset(spec.categories)),),
        per_share=spec.per_share,
        leans_on=spec.leans_on,
    )


def _exclusion(spec: ExclusionSpec, groups: Groups) -> rules.Exclusion:
    return rules.Exclusion(reason=spec.reason, article=spec.article, conditions=_with_referral(spec, groups))


def _confirm(spec: ConfirmSpec, groups: Groups) -> rules.Confirm:
    return rules.Confirm(flag=spec.flag, article=spec.article, conditions=_with_referral(spec, groups))


def _with_referral(spec: ExclusionSpec | ConfirmSpec, groups: Groups) -> Conditions:
    required = conditions_of(spec, groups)
    return (conditions.referred, *required) if spec.referral else required


def _who(spec: SchemeSpec) -> edition.Who:
    people = spec.who
    return edition.Who(
        article=people.article,
        categories=frozenset(people.categories),
        sex=people.sex,
        insured=people.insured,
        regions=people.regions,
        unit_share=None if people.unit_share is None else f"{people.unit_share:f}",
        unit_minimum_people=people.unit_minimum_people,
    )


def _fees(spec: SchemeSpec) -> Iterable[edition.Fee]:
    for fee in spec.fees:
        yield edition.Fee(name=fee.name, amount=fen(fee.amount), categories=fee.categories, article=fee.article)


def _ages(spec: SchemeSpec) -> Iterable[edition.AgeRule]:
    for age in spec.who.ages:
        yield edition.AgeRule(category=age.category, youngest=age.from_, oldest=age.to, at=age.at, article=age.article)


def _claim(spec: ClaimSpec) -> edition.ClaimWindow:
    month, _, day = (spec.fixed_day or "").partition("-")
    return edition.ClaimWindow(
        counts_from=spec.counts_from or "period_end",
        article=spec.article,
        days=spec.days,
        years=spec.years,
        fixed_day=(int(month), int(day)) if spec.fixed_day is not None else None,
    )


def _period(spec: SchemeSpec) -> edition.PeriodRule | None:
    period = spec.period
    if period is None:
        return None
    return edition.PeriodRule(
        runs=period.runs,
        months=period.months,
        starts=period.starts,
        cutoff_day=period.cutoff_day,
        until_year_end=period.until == "year_end",
        article=period.article,
    )


def _processing(spec: SchemeSpec) -> edition.ProcessingRule | None:
    work = spec.processing
    if work is None:
        return None
    return edition.ProcessingRule(
        days=work.days,
        complex_days=work.complex_days,
        of=work.of,
        article=work.article,
        steps=tuple(edition.ProcessingStep(name=step.name, days=step.days) for step in work.steps),
    )


def _leans_always(spec: SchemeSpec) -> tuple[str, ...]:
    """The open questions every estimate rests on: who, when, what is one unit, until when to claim."""
    tables = [spec.who, spec.period, spec.waiting, spec.stay, spec.claim]
    return tuple(name for table in tables if table is not None for name in table.leans_on)
