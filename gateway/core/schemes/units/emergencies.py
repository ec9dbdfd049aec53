"""Emergency care that became an inpatient stay (急诊转住院): part of the stay once a person agreed.

A settlement of emergency care at the facility of an inpatient admission, on its day or so many days before, may be part
of that stay (fn②). Nobody can tell by the data, so both are flagged until a person agreed; then its amounts are
summed into the stay, whose days do not change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from gateway.core.schemes.language.edition import SchemeFamily
from gateway.core.schemes.units.care_units import EMERGENCY_TO_CONFIRM, CareKind, UnitPart
from gateway.model.benefit import ClaimDecision, Fact

EMERGENCY_CARE: Final = "emergency"
EMERGENCY_PART: Final = "emergency_part"
"""The kind of a fact: these settlements of emergency care are part of the stay after them."""


def may_be_part(kind: CareKind, reason: str | None, family: SchemeFamily) -> bool:
    """Whether a settlement set aside for its care may be the beginning of a stay."""
    return reason == "not_payable_care" and kind.care_type == EMERGENCY_CARE and family.emergency_days is not None


def agreed_parts(facts: Iterable[Fact]) -> set[str]:
    """The numbers of the settlements that a person found to be part of a stay."""
    return {number for fact in facts if fact.kind == EMERGENCY_PART for number in fact.settlements}


def with_emergencies(
    parts: Sequence[UnitPart], family: SchemeFamily, agreed: Collection[str], decided: Sequence[ClaimDecision]
) -> list[UnitPart]:
    """The same settlements (in order), each emergency at an admission in its stay or flagged together with it.

    `agreed`: the settlement numbers that a person found to be part of a stay; a decision about both says so too.
    """
    joined = list(parts)
    for at, part in enumerate(parts):
        # Most settlements are set aside for nothing, so that is asked first.
        if part.reason is None or not may_be_part(part.record, part.reason, family):
            continue
        place = _admission_after(part, joined, family.emergency_days or 0)
        if place is None:
            continue
        stay, number = joined[place], part.record.settlement_no
        together = {number, stay.record.settlement_no}
        if number in agreed or any(together <= set(decision.settlements) for decision in decided):
            joined[at] = msgspec.structs.replace(part, reason=None, kind="stay", key=stay.key, emergency=True)
        elif not part.gone and not any(number in decision.settlements for decision in decided):
            joined[at] = msgspec.structs.replace(part, reason=EMERGENCY_TO_CONFIRM)
            joined[place] = msgspec.structs.replace(stay, awaits_emergency=True)
    return joined


def _admission_after(part: UnitPart, parts: Sequence[UnitPart], days: int) -> int | None:
    """The place of the first stay that begins at its facility on its day, or else within so many days after it."""
    day, facility = part.day, part.record.facility_no
    if day is None or facility is None:
        return None
    places = []
    for at, stay in enumerate(parts):
        began = stay.record.admitted_on
        of_stay = stay.kind == "stay" and stay.reason is None and not stay.gone and not stay.emergency
        if of_stay and began is not None and stay.record.facility_no == facility:
            gap = (began - day).days
            if 0 <= gap <= days:
                places.append((gap, at))
    return min(places)[1] if places else None
