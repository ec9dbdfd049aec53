"""Checks on a whole record: the identities I1–I4 of a settlement's amounts, and the order of its dates.

    I1  total = full self-pay + over limit + first self-pay + in scope
    I2  total = fund + personal + hospital-borne (a missing hospital share counts as nothing)
    I3  personal = account + shared account + cash, or account + cash where the account holds the shared one (共济)
    I4  fund = the sum of the funds (a missing "other fund" counts as nothing)

A check is skipped where one of its other amounts is missing. The fund is the one without personal account and
hospital share, whatever the feed's total holds. Where no mapping says whether the account holds the shared one, I3
holds if it holds either way.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final

import msgspec

from gateway.core.normalise.language import Checks
from gateway.core.normalise.problems import row_error
from gateway.model.page import RowError
from gateway.model.record import SettlementRecord

_SUMS: Final = {
    "i1": ("total_amount", "full_self_amount", "over_limit_amount", "first_self_amount", "in_scope_amount"),
    "i2": ("total_amount", "fund_paid_amount", "personal_amount", "hospital_borne_amount"),
    "i3": ("personal_amount", "account_amount", "cash_amount"),
    "i4": (
        "fund_paid_amount", "pooled_fund_amount", "civil_servant_amount", "enterprise_amount",
        "critical_illness_amount", "large_amount_fund_amount", "medical_aid_amount", "other_fund_amount",
    ),
}  # fmt: skip
_MAY_BE_MISSING: Final = {"i2": "hospital_borne_amount", "i4": "other_fund_amount"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: which fields it looks at, whether a record fails it, and whether that only warns."""

    error: RowError
    fields: tuple[str, ...]
    fails: Callable[[SettlementRecord], bool]
    warns: bool


def checks_of(switches: Checks) -> tuple[Check, ...]:
    """The checks a mapping has switched on, in their order."""
    made = [_sum_check(name, switches) for name in _SUMS if getattr(switches, name) != "off"]
    if switches.date_order != "off":

        def fails(record: SettlementRecord) -> bool:
            admitted, discharged = record.admitted_on, record.discharged_on
            return admitted is not None and discharged is not None and discharged < admitted

        fields, warns = ("discharged_on", "admitted_on"), switches.date_order == "warn"
        made.append(Check(error=row_error("date_order", fields[0]), fields=fields, fails=fails, warns=warns))
    return tuple(made)


def plainly_sound(switches: Checks) -> Callable[[SettlementRecord], bool]:
    """A record → whether it has every amount that I1–I4 need, all four hold and its dates are in order.

    One look that spares nearly every record the checks one by one; False only says that they are needed.
    """

    tolerance, beside = switches.tolerance, switches.account_includes_shared is False

    def sound(record: SettlementRecord) -> bool:
        amounts = needed(record)
        if None in amounts:
            return False
        total, full_self, over_limit, first_self, in_scope, fund, personal, account, cash, *funds = amounts
        admitted, discharged = record.admitted_on, record.discharged_on
        return (
            abs(total - full_self - over_limit - first_self - in_scope) <= tolerance
            and abs(total - fund - personal - (record.hospital_borne_amount or 0)) <= tolerance
            and abs(personal - account - cash) <= tolerance
            and abs(fund - sum(funds) - (record.other_fund_amount or 0)) <= tolerance
            and (admitted is None or discharged is None or admitted <= discharged)
            and not (beside and record.shared_account_amount)
        )

    every = dict.fromkeys(field for fields in _SUMS.values() for field in fields)
    needed = attrgetter(*(field for field in every if field not in _MAY_BE_MISSING.values()))
    return sound


def _sum_check(name: str, switches: Checks) -> Check:
    fields, may_be_missing, tolerance = _SUMS[name], _MAY_BE_MISSING.get(name), switches.tolerance
    needed = attrgetter(*(field for field in fields if field != may_be_missing))
    extra = attrgetter(may_be_missing) if may_be_missing else None

    def fails(record: SettlementRecord) -> bool:
        amounts = needed(record)
        if None in amounts:
            return False
        missing_counts_nothing = (extra(record) or 0) if extra else 0
        off = 2 * amounts[0] - sum(amounts) - missing_counts_nothing
        shared = (record.shared_account_amount or 0) if name == "i3" else 0
        if shared and switches.account_includes_shared is not True:
            beside = abs(off - shared) <= tolerance
            return not beside and (switches.account_includes_shared is False or abs(off) > tolerance)
        return bool(abs(off) > tolerance)

    error, warns = row_error(f"sum_mismatch_{name}", fields[0]), getattr(switches, name) == "warn"
    return Check(error=error, fields=fields, fails=fails, warns=warns)
