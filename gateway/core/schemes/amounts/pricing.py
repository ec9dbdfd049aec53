"""What one unit is worth: its benefits → the floor → the caps, by the rules of its period's edition.

The floor sees the sum of all benefits, because it tops up what a member gets in all; the caps see both (`caps`).
"""

from __future__ import annotations

from typing import Final

from gateway.core.schemes.amounts.caps import Uses, limit, top_up
from gateway.core.schemes.amounts.daily import price_daily
from gateway.core.schemes.amounts.flats import price_flat
from gateway.core.schemes.amounts.lump_sums import price_event
from gateway.core.schemes.amounts.shares import price_share
from gateway.core.schemes.amounts.unit_price import UnitPrice
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import DailyBenefit, ShareBenefit
from gateway.core.schemes.units.periods import Period
from gateway.core.schemes.units.situations import Situation

_RANK: Final = {"band": 0, "proration": 1, "daily_allowance": 2, "flat_amount": 3, "benefit_floor": 4, "benefit_cap": 5}
"""The order of the benefits' lines (design §7): the same rules together, whatever their order in the file."""


def price_unit(situation: Situation, period: Period, uses: Uses, *, spared: int = 0) -> UnitPrice | None:
    """The estimate's lines; None where an amount that a rule needs is not known.

    Nothing is remembered here: the caller says what is used. `spared` are decided amounts that this unit
    replaces, which are therefore not used up.
    """
    price, edition = UnitPrice(lines=[], assumed=[]), period.edition
    event = situation.unit.event
    if event is not None:
        price_event(price, event, situation, period, uses)
    else:
        care = situation.unit.parts[0].record.care_type if situation.unit.parts else None
        for benefit in edition.plans.get((care, situation.first), edition.benefits):
            if benefit.conditions and not holds(benefit.conditions, situation):
                continue
            # One that excludes it stands before it in the file, so what that pays is known.
            if benefit.unless and any(price.of(name) > 0 for name in benefit.unless):
                continue
            if isinstance(benefit, ShareBenefit):
                if not price_share(price, benefit, situation, period):
                    return None
            elif isinstance(benefit, DailyBenefit):
                price_daily(price, benefit, situation, period)
            else:
                price_flat(price, benefit, situation)
        if edition.reorders:
            price.lines.sort(key=lambda line: _RANK[line.rule])
        # What an allowance, or that there is none, rests on, also where none is paid.
        if situation.unit.kind != "month" and not edition.has_daily:
            price.assumed.append("allowance.from_2021")
        if situation.unit.kind != "month" and edition.asks_first and period.stays > 1:
            price.assumed.append("allowance.first_stay")
        top_up(price, situation, period)
    limit(price, situation, period, uses, spared)
    return price
