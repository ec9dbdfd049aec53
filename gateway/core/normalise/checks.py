"""Checks on a whole record: the identities I1–I4 of a settlement's amounts, and the order of its dates.

    I1  total = full self-pay + over limit + first self-pay + in scope
    I2  total = fund + personal + hospital-borne (a missing hospital share counts as nothing)
    I3  personal = account + shared account + cash, or account + cash where the account holds the shared one (共济)
    I4  fund = the sum of the funds (a missing "other fund" counts as nothing)

A check is skipped where one of its other amounts is missing; that it is missing is told by `missing_amounts`, unless
the mapping says that the league does not send it, or that it counts as nothing. The fund is the one without personal
account and hospital share, whatever the feed's total holds. Where no mapping says whether the account holds the shared
one, I3 holds if it holds either way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from gateway.core.normalise.language import Checks
from gateway.core.normalise.problems import row_error
from gateway.model.page import RowError
from gateway.model.record import SettlementRecord

SUMS: Final = {
    "i1": ("total_amount", "full_self_amount", "over_limit_amount", "first_self_amount", "in_scope_amount"),
    "i2": ("total_amount", "fund_paid_amount", "personal_amount", "hospital_borne_amount"),
    "i3": ("personal_amount", "account_amount", "cash_amount"),
    "i4": (
        "fund_paid_amount", "pooled_fund_amount", "civil_servant_amount", "enterprise_amount",
        "critical_illness_amount", "large_amount_fund_amount", "medical_aid_amount", "other_fund_amount",
    ),
}  # fmt: skip
"""Identity → its amounts: the sum first, then its parts."""
_BESIDE: Final = (
    "hospital_borne_amount", "other_fund_amount", "shared_account_amount", "deductible_amount", "admitted_on",
    "discharged_on",
)  # fmt: skip
"""What is looked at beside the amounts that must be there."""
_MAY_BE_MISSING: Final = {"i2": "hospital_borne_amount", "i4": "other_fund_amount"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: which fields it looks at, whether a record fails it, and whether that only warns."""

    error: RowError
    fields: tuple[str, ...]
    fails: Callable[[SettlementRecord], bool]
    warns: bool


def checks_of(switches: Checks) -> tuple[Check, ...]:
    """The checks a mapping has switched on, in their order."""
    made = [_sum_check(name, switches) for name in SUMS if getattr(switches, name) != "off"]
    if switches.deductible != "off":
        field, warns = "deductible_amount", switches.deductible == "warn"
        made.append(
            Check(error=row_error("deductible", field), fields=(field, "total_amount"), fails=_odd, warns=warns)
        )
    if switches.date_order != "off":

        def fails(record: SettlementRecord) -> bool:
            admitted, discharged = record.admitted_on, record.discharged_on
            return admitted is not None and discharged is not None and discharged < admitted

        fields, warns = ("discharged_on", "admitted_on"), switches.date_order == "warn"
        made.append(Check(error=row_error("date_order", fields[0]), fields=fields, fails=fails, warns=warns))
    return tuple(made)


def plainly_sound(switches: Checks, *, reads_deductible: bool) -> Callable[[Sequence[Any]], bool]:
    """The values of a record in its order → whether it has every amount that I1–I4 need, all four hold and its dates
    are in order.

    One look that spares nearly every record the checks one by one; False only says that they are needed.
    """

    i1, i2, i3, i4 = (tolerance_of(name, switches) for name in SUMS)
    asks_deductible = switches.deductible != "off"
    every = dict.fromkeys(field for fields in SUMS.values() for field in fields)
    needed = _at(*(field for field in every if field not in _MAY_BE_MISSING.values()))
    beside = _at(*_BESIDE)

    def sound(values: Sequence[Any]) -> bool:
        amounts = needed(values)
        if None in amounts:
            return False
        total, full_self, over_limit, first_self, in_scope, fund, personal, account, cash, *funds = amounts
        hospital_borne, other_fund, shared, deductible, admitted, discharged = beside(values)
        return (
            abs(total - full_self - over_limit - first_self - in_scope) <= i1
            and abs(total - fund - personal - (hospital_borne or 0)) <= i2
            and abs(personal - account - cash) <= i3
            and abs(fund - sum(funds) - (other_fund or 0)) <= i4
            and (admitted is None or discharged is None or admitted <= discharged)
            and not shared
            and (deductible is not None or not reads_deductible)
            and not (deductible and asks_deductible and _is_odd(deductible, total))
        )

    return sound


def _at(*fields: str) -> Callable[[Sequence[Any]], Any]:
    """The values of a record in its order → those of these fields."""
    return itemgetter(*map(SettlementRecord.__struct_fields__.index, fields))


def identities(record: SettlementRecord, switches: Checks) -> dict[str, bool | None]:
    """I1–I4 → whether a record keeps it, switched on or not; None where an amount of it is missing."""
    missing = {_MAY_BE_MISSING.get(name) for name in SUMS} | {*switches.nothing}
    stated = {
        name: all(getattr(record, field) is not None for field in fields if field not in missing)
        for name, fields in SUMS.items()
    }
    return {name: not _sum_check(name, switches).fails(record) if stated[name] else None for name in SUMS}


def tolerance_of(name: str, switches: Checks) -> int:
    """How far an identity may be off, in fen."""
    return dict(switches.tolerances).get(name, switches.tolerance)


def missing_amounts(
    record: SettlementRecord, switches: Checks, read: Collection[str], stands: Callable[[str], bool]
) -> list[str]:
    """The amounts of I1–I4, and the deductible, that should be there and are not.

    `read`: the fields the mapping reads. `stands`: whether anything stands for a field, if only an empty value: then it
    is missed only where the identities do not hold with nothing in its place.
    """
    if switches.complete == "off":
        return []
    spared = {*switches.not_sent, *switches.nothing, *_MAY_BE_MISSING.values()}
    every = dict.fromkeys((*(field for fields in SUMS.values() for field in fields), "deductible_amount"))
    absent = [field for field in every if field in read and field not in spared and getattr(record, field) is None]
    nothing = msgspec.structs.replace(switches, nothing=tuple(every))
    unproven = {
        field for name in SUMS if _sum_check(name, nothing).fails(record) for field in SUMS[name] if field in absent
    }
    return [field for field in absent if field in unproven or not stands(field)]


def _is_odd(deductible: int, total: int) -> bool:
    return abs(deductible) > abs(total) or (deductible < 0) != (total < 0)


def _odd(record: SettlementRecord) -> bool:
    total, deductible = record.total_amount, record.deductible_amount
    return bool(deductible) and total is not None and _is_odd(deductible or 0, total)


def _sum_check(name: str, switches: Checks) -> Check:
    fields, tolerance = SUMS[name], tolerance_of(name, switches)
    may_be_missing = {_MAY_BE_MISSING.get(name), *switches.nothing}
    needed = [field for field in fields if field not in may_be_missing]
    extra = [field for field in fields if field in may_be_missing]

    def fails(record: SettlementRecord) -> bool:
        amounts = [getattr(record, field) for field in needed]
        if None in amounts:
            return False
        parts = sum(amounts) + sum(getattr(record, field) or 0 for field in extra)
        off = 2 * (getattr(record, fields[0]) or 0) - parts
        shared = (record.shared_account_amount or 0) if name == "i3" else 0
        if not shared or switches.account_includes_shared is True:
            return bool(abs(off) > tolerance)
        beside = abs(off - shared) <= tolerance
        # An account cannot hold more of the family's money than it paid.
        within = abs(off) <= tolerance and abs(shared) <= abs(record.account_amount or 0)
        return not beside and (switches.account_includes_shared is False or not within)

    error, warns = row_error(f"sum_mismatch_{name}", fields[0]), getattr(switches, name) == "warn"
    return Check(error=error, fields=fields, fails=fails, warns=warns)
