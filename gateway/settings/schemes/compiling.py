"""A checked file → an edition: amounts in fen, rates in ten-thousandths, conditions as questions."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.schemes.language import edition
from gateway.settings.schemes.benefits import (
    AnyBenefit,
    DailySpec,
    FlatSpec,
    LumpSumSpec,
    ShareSpec,
)
from gateway.settings.schemes.common import Groups, NarrowSpec
from gateway.settings.schemes.specs import SchemeSpec, StaySpec, ceiling_of


def edition_of(spec: SchemeSpec, groups: Groups) -> edition.Edition:
    """One checked file as an edition. `groups` holds every disease group the file names."""
    return edition.Edition(
        name=spec.edition,
        title=spec.title,
        source=spec.source,
        version=spec.version,
        starts=spec.starts,
        carried_on_from=spec.carried_on_from,
        benefits=tuple(benefit.plain(groups) for benefit in spec.benefits if not isinstance(benefit, LumpSumSpec)),
        lump_sums=tuple(lump_sum.plain(groups) for lump_sum in spec.lump_sums),
        caps=tuple(cap.plain(slot) for slot, cap in enumerate(spec.caps)),
        floor=spec.floor.plain() if spec.floor else None,
        proration_article=None if spec.proration is None else spec.proration.article,
        exclusions=tuple(exclusion.plain(groups) for exclusion in spec.exclusions),
        confirms=tuple(confirm.plain(groups) for confirm in spec.confirm),
        who=spec.who.plain(),
        ages=tuple(age.plain() for age in spec.who.ages),
        class_of=spec.who.class_of,
        claim_window=spec.claim.plain() if spec.claim else None,
        period=spec.period.plain() if spec.period else None,
        waiting=edition.Waiting(**spec.waiting.model_dump(exclude={"leans_on"})) if spec.waiting else None,
        ceiling=ceiling_of(spec),
        rounding_unit=100 if spec.rounding == "half_up_yuan" else 1,
        papers=tuple(edition.Papers(**papers.model_dump()) for papers in spec.papers),
        processing=spec.processing.plain() if spec.processing else None,
        fees=tuple(fee.plain() for fee in spec.fees),
        questions={name: edition.SchemeQuestion(**question.model_dump()) for name, question in spec.settings.items()},
        assumed=_assumed(spec),
        leans_on=spec.leans_always,
        stands_on=tuple(dict.fromkeys(spec.stands_on)),
        asks_place=_asks_place(spec),
        asks_first=any(benefit.stays is not None for benefit in spec.benefits),
        has_daily=any(isinstance(benefit, DailySpec) for benefit in spec.benefits),
        reorders=_reorders([benefit for benefit in spec.benefits if not isinstance(benefit, LumpSumSpec)]),
    )


def _assumed(spec: SchemeSpec) -> frozenset[str]:
    """The questions nobody has answered: those the file says so of, all that the engine leans on where it has no
    [settings] at all."""
    if spec.settings:
        return frozenset(name for name, question in spec.settings.items() if question.assumed)
    # Two of them are about editions of one scheme, and mean nothing for another.
    return frozenset(edition.OPEN_QUESTIONS) - {"allowance.from_2021", "floor.from_2021"}


def units_of(stay: StaySpec | None) -> dict[str, edition.UnitKind]:
    """Kind of care → what is one unit of it."""
    units: dict[str, edition.UnitKind] = {}
    if stay is not None:
        units |= dict.fromkeys(stay.care, "stay")
        units |= dict.fromkeys(stay.months, "month")
        units |= dict.fromkeys(stay.single, "single")
        units |= dict.fromkeys(stay.period, "period")
    return units


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


def _reorders(benefits: Sequence[AnyBenefit]) -> bool:
    """Whether lines in the order of the file would not be in the order of their rules."""
    ranks = [0 if isinstance(spec, ShareSpec) else 1 if isinstance(spec, DailySpec) else 2 for spec in benefits]
    capped = any(isinstance(spec, ShareSpec) and (spec.cap is not None or spec.floor is not None) for spec in benefits)
    return ranks != sorted(ranks) or ranks.count(0) > 1 or (capped and len(benefits) > 1)
