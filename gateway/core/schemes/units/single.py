"""The only settlement of a member, where it is a stay: most members have just one.

Nothing is to be grouped, ordered or told apart then, so its situation is made at once; what it is worth is worked out
as everywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.core.schemes.language.edition import SchemeFamily
from gateway.core.schemes.units.care_units import CareUnit, Key, UnitPart, in_shanghai, set_aside
from gateway.core.schemes.units.periods import Insured, periods_of
from gateway.core.schemes.units.situations import MemberCase, OtherPayment, Situation, situation_of
from gateway.model.record import SettlementRecord

_ALONE: Final[Key] = ("alone", "0")


def single(
    insured: Insured,
    record: SettlementRecord,
    family: SchemeFamily,
    other_payments: Sequence[OtherPayment],
    *,
    explained: bool,
) -> Situation | None:
    """The situation of a member's only settlement; None where it is no stay, or may be more than one."""
    if family.units.get(record.care_type or "") != "stay" or record.reversal or set_aside(record, family) is not None:
        return None
    if (family.pays_at_events and record.diagnosis_codes) or family.splits_years:
        return None
    periods = periods_of(insured, family)
    settled = in_shanghai(record.settled_at)
    part = UnitPart(at=0, record=record, settled=settled, reason=None, kind="stay", key=_ALONE)
    case = MemberCase(
        insured=insured, family=family, periods=periods, other_payments=other_payments, explained=explained
    )
    situation = situation_of(CareUnit(parts=(part,), kind="stay"), part.visit_identity, case)
    if situation.period is not None:
        situation.period.stays = 1
    return situation
