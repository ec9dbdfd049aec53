"""Conditions of a rule (适用条件): all must hold; a list means any of them.

A condition is a small question about one `Situation`: a unit of care of one member in one period. The unit's
care, grade and place are those of its first settlement; a code or a disease counts wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from gateway.core.schemes.language.disease_groups import DiseaseGroup
    from gateway.core.schemes.units.situations import Situation
    from gateway.model.record import SettlementRecord

Condition: TypeAlias = "Callable[[Situation], bool]"
Conditions: TypeAlias = tuple[Condition, ...]

ALWAYS: Final[Conditions] = ()


def holds(conditions: Conditions, situation: Situation) -> bool:
    """Whether every condition holds."""
    for condition in conditions:  # noqa: SIM110 (a plain loop, asked often)
        if not condition(situation):
            return False
    return True


def narrowed(conditions: Conditions, care: str | None, first: bool) -> Conditions | None:
    """The conditions left to ask of units of this care, first or later of their kind; None where they are ruled out."""
    left = []
    for condition in conditions:
        answer = _known(condition, care, first)
        if answer is None:
            left.append(condition)
        elif not answer:
            return None
    return tuple(left)


def _known(condition: Condition, care: str | None, first: bool) -> bool | None:
    """What kind of care and first or later say of a condition; None where it asks for something else."""
    if isinstance(condition, partial) and condition.func is _care:
        return care in condition.args[0]
    if isinstance(condition, partial) and condition.func is _stay:
        return first is (condition.args[0] == "first")
    return None


def care_is(wanted: frozenset[str]) -> Condition:
    """The kind of care, in our words (`inpatient`, …)."""
    return partial(_care, wanted)


def care_code_is(wanted: frozenset[str]) -> Condition:
    """The feed's own code of the kind of care, of any settlement."""
    return partial(_care_code, wanted)


def category_is(wanted: frozenset[str]) -> Condition:
    """The member's category in the period; one that is not known is none of them."""
    return partial(_category, wanted)


def sex_is(wanted: str) -> Condition:
    """M or F; unknown is neither."""
    return partial(_sex, wanted)


def insured_is(wanted: bool) -> Condition:
    """With 医保 or without."""
    return partial(_insured, wanted)


def insurance_is(wanted: frozenset[str]) -> Condition:
    """The kind of insurance (insutype) of the first settlement; unknown is none of them."""
    return partial(_insurance, wanted)


def grade_is(wanted: frozenset[str]) -> Condition:
    """The facility's grade as the feed gives it."""
    return partial(_grade, wanted)


def place_is(wanted: Literal["local", "elsewhere"]) -> Condition:
    """Cared for inside the insured league (first four digits of the region) or elsewhere; unknown is local."""
    return partial(_place, wanted)


def stay_is(wanted: Literal["first", "later"]) -> Condition:
    """The period's first unit of its kind, or a later one."""
    return partial(_stay, wanted)


def disease_is(groups: tuple[DiseaseGroup, ...]) -> Condition:
    """Any settlement has a code of any of the groups."""
    return partial(_disease, groups)


def years_between(first: int | None, last: int | None) -> Condition:
    """Touching periods in a row up to this one, both ends included."""
    return partial(_years, first or 1, last)


def admitted_between(first: date | None, last: date | None) -> Condition:
    """The day of admission (of an event: its day), both ends included."""
    return partial(_admitted, first or date.min, last or date.max)


def referred() -> Condition:
    """Any settlement from elsewhere than where the member is insured: was there a referral?"""
    return _referral


def elsewhere(record: SettlementRecord) -> bool:
    """Cared for outside the insured league (first four digits of the region); unknown is not outside."""
    here, home = record.care_region, record.insured_region
    return here is not None and home is not None and here != home and here[:4] != home[:4]


def _care(wanted: frozenset[str], situation: Situation) -> bool:
    parts = situation.unit.parts
    return bool(parts) and parts[0].record.care_type in wanted


def _care_code(wanted: frozenset[str], situation: Situation) -> bool:
    for part in situation.unit.parts:  # noqa: SIM110 (as above)
        if part.record.care_type_code in wanted:
            return True
    return False


def _category(wanted: frozenset[str], situation: Situation) -> bool:
    period = situation.period
    return (situation.insured.category if period is None else period.category) in wanted


def _sex(wanted: str, situation: Situation) -> bool:
    return situation.insured.sex == wanted


def _insured(wanted: bool, situation: Situation) -> bool:
    return situation.insured.insured is wanted


def _insurance(wanted: frozenset[str], situation: Situation) -> bool:
    parts = situation.unit.parts
    return bool(parts) and parts[0].record.insurance_type in wanted


def _grade(wanted: frozenset[str], situation: Situation) -> bool:
    parts = situation.unit.parts
    return bool(parts) and parts[0].record.facility_level in wanted


def _place(wanted: str, situation: Situation) -> bool:
    parts = situation.unit.parts
    return (bool(parts) and elsewhere(parts[0].record)) is (wanted == "elsewhere")


def _stay(wanted: str, situation: Situation) -> bool:
    return situation.first is (wanted == "first")


def _disease(groups: tuple[DiseaseGroup, ...], situation: Situation) -> bool:
    return any(group.holds(part.record.diagnosis_codes) for part in situation.unit.parts for group in groups)


def _years(first: int, last: int | None, situation: Situation) -> bool:
    years = 1 if situation.period is None else situation.period.years
    return first <= years and (last is None or years <= last)


def _admitted(first: date, last: date, situation: Situation) -> bool:
    day = situation.measure.first
    return day is not None and first <= day <= last


def _referral(situation: Situation) -> bool:
    for part in situation.unit.parts:
        record = part.record
        if record.care_region != record.insured_region and elsewhere(record):
            return True
    return False
