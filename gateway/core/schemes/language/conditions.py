"""Conditions of a rule (适用条件): all must hold; a list means any of them.

A condition is a small question about one unit of care of one member in one period. The unit's care, grade and place
are those of its first settlement; a code or a disease counts wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias

from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.model.record import SettlementRecord


class SubjectPart(Protocol):
    """One settlement of the unit."""

    @property
    def record(self) -> SettlementRecord: ...


class SubjectUnit(Protocol):
    """The settlements that belong together, in order. An event may have none."""

    @property
    def parts(self) -> Sequence[SubjectPart]: ...


class SubjectPeriod(Protocol):
    """The coverage period: the member's category in it, and how many touching periods end with it."""

    @property
    def category(self) -> str | None: ...

    @property
    def years(self) -> int: ...

    @property
    def classes(self) -> tuple[str, ...]: ...


class SubjectMember(Protocol):
    """As much of the member as a condition may ask for."""

    @property
    def category(self) -> str | None: ...

    @property
    def sex(self) -> str | None: ...

    @property
    def insured(self) -> bool: ...

    @property
    def classes(self) -> tuple[str, ...]: ...


class SubjectDays(Protocol):
    """When the unit began, if that is known."""

    @property
    def first(self) -> date | None: ...


class ConditionSubject(Protocol):
    """What a condition may ask about; `units.situations.Situation` fits.

    The language names this little and not the situation itself: units and amounts stand on the language, so an arrow
    back up would tie all three into one circle. A condition that needs more asks for it here first.
    """

    @property
    def unit(self) -> SubjectUnit: ...

    @property
    def period(self) -> SubjectPeriod | None: ...

    @property
    def insured(self) -> SubjectMember: ...

    @property
    def measure(self) -> SubjectDays: ...

    @property
    def first(self) -> bool: ...

    @property
    def place(self) -> int: ...

    @property
    def paid_before(self) -> int: ...

    @property
    def accident(self) -> bool: ...


Condition: TypeAlias = Callable[[ConditionSubject], bool]
Conditions: TypeAlias = tuple[Condition, ...]

ALWAYS: Final[Conditions] = ()


def holds(conditions: Conditions, subject: ConditionSubject) -> bool:
    """Whether every condition holds."""
    for condition in conditions:  # noqa: SIM110 (a plain loop, asked often)
        if not condition(subject):
            return False
    return True


def narrowed(conditions: Conditions, care: str | None, first: bool) -> Conditions | None:
    """The conditions left to ask of units of this care, first or later of their kind; None where they are ruled out."""
    left = []
    for condition in conditions:
        answer = None
        if isinstance(condition, partial) and condition.func is _has_care:
            answer = care in condition.args[0]
        elif isinstance(condition, partial) and condition.func is _is_first:
            answer = first is condition.args[0]
        if answer is None:
            left.append(condition)
        elif not answer:
            return None
    return tuple(left)


# The two conditions that `narrowed` answers ahead are partials, because it must know them again; all others are closed
# over what they allow.


def care_is(allowed: frozenset[str]) -> Condition:
    """The kind of care, in our words (`inpatient`, …)."""
    return partial(_has_care, allowed)


def _has_care(allowed: frozenset[str], subject: ConditionSubject) -> bool:
    parts = subject.unit.parts
    return bool(parts) and parts[0].record.care_type in allowed


def stay_is(place: Literal["first", "later"]) -> Condition:
    """The period's first unit of its kind, or a later one."""
    return partial(_is_first, place == "first")


def _is_first(first: bool, subject: ConditionSubject) -> bool:
    return subject.first is first


def care_code_is(allowed: frozenset[str]) -> Condition:
    """The feed's own code of the kind of care, of any settlement."""

    def condition(subject: ConditionSubject) -> bool:
        for part in subject.unit.parts:  # noqa: SIM110 (a plain loop, asked often)
            if part.record.care_type_code in allowed:
                return True
        return False

    return condition


def category_is(allowed: frozenset[str]) -> Condition:
    """The member's category in the period; one that is not known is none of them."""

    def condition(subject: ConditionSubject) -> bool:
        period = subject.period
        return (subject.insured.category if period is None else period.category) in allowed

    return condition


def class_is(named: frozenset[str], *, inside: bool = True) -> Condition:
    """One of these classes of members (人员身份) in the period, or with `inside` false none of them."""

    def condition(subject: ConditionSubject) -> bool:
        period = subject.period
        classes = subject.insured.classes if period is None else period.classes
        return inside is not named.isdisjoint(classes)

    return condition


def place_between(first: int | None, last: int | None) -> Condition:
    """The unit's place among those of its kind in the period, 1 being the first; both ends included."""
    return lambda subject: (first or 1) <= subject.place and (last is None or subject.place <= last)


def paid_between(least: int | None, most: int | None) -> Condition:
    """How many units of the period, of any kind, were paid something before this one; both ends included."""
    return lambda subject: (least or 0) <= subject.paid_before and (most is None or subject.paid_before <= most)


def accident_is(accident: bool) -> Condition:
    """An accident (意外), as the care or a confirmed fact says, or none that anybody told of."""
    return lambda subject: subject.accident is accident


def sex_is(sex: str) -> Condition:
    """M or F; unknown is neither."""
    return lambda subject: subject.insured.sex == sex


def insured_is(insured: bool) -> Condition:
    """With 医保 or without."""
    return lambda subject: subject.insured.insured is insured


def insurance_is(allowed: frozenset[str]) -> Condition:
    """The kind of insurance (insutype) of the first settlement; unknown is none of them."""

    def condition(subject: ConditionSubject) -> bool:
        parts = subject.unit.parts
        return bool(parts) and parts[0].record.insurance_type in allowed

    return condition


def grade_is(allowed: frozenset[str]) -> Condition:
    """The facility's grade as the feed gives it."""

    def condition(subject: ConditionSubject) -> bool:
        parts = subject.unit.parts
        return bool(parts) and parts[0].record.facility_level in allowed

    return condition


def place_is(place: Literal["local", "elsewhere"]) -> Condition:
    """Cared for inside the insured league (first four digits of the region) or elsewhere; unknown is local."""

    def condition(subject: ConditionSubject) -> bool:
        parts = subject.unit.parts
        return (bool(parts) and elsewhere(parts[0].record)) is (place == "elsewhere")

    return condition


def disease_is(groups: tuple[DiseaseGroup, ...]) -> Condition:
    """Any settlement has a code of any of the groups."""
    return lambda subject: any(
        group.holds(part.record.diagnosis_codes) for part in subject.unit.parts for group in groups
    )


def years_between(first: int | None, last: int | None) -> Condition:
    """Touching periods in a row up to this one, both ends included."""

    def condition(subject: ConditionSubject) -> bool:
        years = 1 if subject.period is None else subject.period.years
        return (first or 1) <= years and (last is None or years <= last)

    return condition


def admitted_between(first: date | None, last: date | None) -> Condition:
    """The day of admission (of an event: its day), both ends included."""

    def condition(subject: ConditionSubject) -> bool:
        day = subject.measure.first
        return day is not None and (first or date.min) <= day <= (last or date.max)

    return condition


def referred(subject: ConditionSubject) -> bool:
    """A condition: any settlement from elsewhere than where the member is insured; was there a referral?"""
    for part in subject.unit.parts:
        record = part.record
        if record.care_region != record.insured_region and elsewhere(record):
            return True
    return False


def elsewhere(record: SettlementRecord) -> bool:
    """Cared for outside the insured league (first four digits of the region); unknown is not outside."""
    care, home = record.care_region, record.insured_region
    return care is not None and home is not None and care != home and care[:4] != home[:4]
