"""What sends a claim to a person without changing its amount (须人工审核), in a fixed order."""

from __future__ import annotations

from typing import Final

from gateway.core.schemes.language.edition import Who
from gateway.core.schemes.units.care_units import EMERGENCY_TO_CONFIRM
from gateway.core.schemes.units.periods import Period, age_is_outside
from gateway.core.schemes.units.reversals import PARTIAL, UNCLEAR
from gateway.core.schemes.units.situations import Situation
from gateway.model.record import SettlementRecord

DAYS_TO_CONFIRM: Final = "days_to_confirm"


def doubts_of(situation: Situation) -> list[str]:
    """Flags: doubtful refunds, who the member is, what the file wants confirmed, a transfer by dates."""
    unit, period = situation.unit, situation.period
    edition = situation.case.family.editions[-1] if period is None else period.edition
    flags = []
    if unit.doubtful:
        doubts = {part.doubt for part in unit.told}
        flags += [flag for flag in (PARTIAL, UNCLEAR) if flag in doubts]
    if period is not None:
        if age_is_outside(period, situation.insured):
            flags.append("age_outside")
        if _not_eligible(edition.who, situation, period):
            flags.append("not_eligible")
    for confirm in edition.confirms:
        for condition in confirm.conditions:
            if not condition(situation):
                break
        else:
            flags.append(confirm.flag)
    if unit.kind == "stay" and len(unit.parts) == 1 and _tells_too_many_days(unit.parts[0].record):
        flags.append(DAYS_TO_CONFIRM)
    if unit.awaits_emergency:
        flags.append(EMERGENCY_TO_CONFIRM)
    if unit.transfer:
        flags.append("transfer_to_confirm")
    return flags


def _tells_too_many_days(record: SettlementRecord) -> bool:
    """Whether the only sheet of a stay tells more days than counting both ends would give: paid as it says (1.7.4)."""
    began, ended, days = record.admitted_on, record.discharged_on, record.inpatient_days
    if not days or began is None or ended is None:
        return False
    return days > (ended - began).days + 1


def _not_eligible(rule: Who, situation: Situation, period: Period) -> bool:
    """Whether the member is none of those the scheme is for; what is not known does not count against him."""
    insured = situation.insured
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
