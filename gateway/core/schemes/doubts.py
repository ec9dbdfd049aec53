"""What sends a claim to a person without changing its amount (须人工审核), in a fixed order."""

from __future__ import annotations

from typing import Final

from gateway.core.schemes.language.edition import Who
from gateway.core.schemes.units.care_units import EMERGENCY_TO_CONFIRM, CareUnit
from gateway.core.schemes.units.periods import Period, age_is_outside
from gateway.core.schemes.units.reversals import PARTIAL, UNCLEAR
from gateway.core.schemes.units.situations import Situation

DAYS_TO_CONFIRM: Final = "days_to_confirm"

_REFUNDS: Final = (PARTIAL, UNCLEAR)


def doubts_of(situation: Situation) -> list[str]:
    """Flags: doubtful refunds, who the member is, what the file wants confirmed, a transfer by dates."""
    unit, period = situation.unit, situation.period
    edition = situation.case.family.editions[-1] if period is None else period.edition
    flags, awaits_emergency = [], False
    # Asked of every bill of every member: one look at each settlement, and nothing is built where there is nothing.
    for part in unit.told if unit.emergencies else unit.parts:
        awaits_emergency = awaits_emergency or part.awaits_emergency
        if part.doubt is not None and part.doubt not in flags:
            flags.append(part.doubt)
    flags.sort(key=_REFUNDS.index)
    if period is not None:
        if age_is_outside(period, situation.case.insured):
            flags.append("age_outside")
        if _not_eligible(edition.who, situation, period):
            flags.append("not_eligible")
    for confirm in edition.confirms:
        for condition in confirm.conditions:
            if not condition(situation):
                break
        else:
            flags.append(confirm.flag)
    on_sheet, measured = situation.measure.sheet_days, situation.measure
    # Of days that cannot be there are none to compare with; most sheets tell no more than their stay has.
    if on_sheet is not None and (on_sheet > measured.total_days or not measured.days_known):
        flags += [DAYS_TO_CONFIRM] if _tells_too_many_days(unit, on_sheet) else []
    if awaits_emergency:
        flags.append(EMERGENCY_TO_CONFIRM)
    if unit.transfer:
        flags.append("transfer_to_confirm")
    return flags


def _tells_too_many_days(unit: CareUnit, on_sheet: int) -> bool:
    """Whether the only sheet of a stay tells more days than counting both ends would give: paid as it says (1.7.4)."""
    if unit.kind != "stay" or len(unit.parts) != 1:
        return False
    began, ended = unit.parts[0].record.admitted_on, unit.parts[0].record.discharged_on
    return began is not None and ended is not None and on_sheet > (ended - began).days + 1


def _not_eligible(rule: Who, situation: Situation, period: Period) -> bool:
    """Whether the member is none of those the scheme is for; what is not known does not count against him."""
    insured = situation.case.insured
    if rule.insured == "required" and not insured.insured:
        return True
    if rule.sex is not None and insured.sex is not None and insured.sex != rule.sex:
        return True
    if rule.categories and period.category is not None and period.category not in rule.categories:
        return True
    if not rule.regions:
        return False
    regions = [part.record.insured_region for part in situation.unit.parts] + [insured.region]
    return any(region is not None and not region.startswith(rule.regions) for region in regions)
