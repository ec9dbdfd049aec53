"""Whether the chosen amounts keep I1–I4, and what the league counts in its fund total and its account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.normalise.checks import SUMS
from gateway.core.studies.infer.samples import Remark, Sample, SampleColumn
from gateway.core.studies.infer.values import fen

_ENOUGH: Final = 0.9
_OPTIONAL: Final = ("hospital_borne_amount", "other_fund_amount")
_WAYS: Final[tuple[dict[str, bool], ...]] = (
    {},
    {"fund_includes_account": True},
    {"fund_includes_hospital_share": True},
    {"fund_includes_account": True, "fund_includes_hospital_share": True},
)
"""What a fund total may hold beside the fund (province by province: Zhuhai's holds the account, Hunan's does not)."""

Checked = tuple[dict[str, str], dict[str, Any], dict[str, bool], dict[str, Remark]]
"""Field → the words for what it adds up with; `[checks]`; `[amounts]`; remarks."""


def checked_sums(sample: Sample, by_field: Mapping[str, SampleColumn]) -> Checked:
    """Which identities the rows keep under which reading of the fund total."""
    amounts = {
        field: [fen(value) for value in column.values]
        for field, column in by_field.items()
        if field.endswith("_amount")
    }
    way = max(
        _WAYS, key=lambda way: (share_holding("i2", amounts, way)[0] + share_holding("i4", amounts, way)[0], -len(way))
    )
    summed, checks, remarks = dict[str, str](), dict[str, Any](), dict[str, Remark]()
    for name in SUMS:
        holding, rows = share_holding(name, amounts, way)
        if rows and holding >= _ENOUGH:
            words = f"{name.upper()}在{round(holding * rows)}/{rows}行相符"
            summed.update({field: words for field in SUMS[name] if field in amounts and field not in summed})
        elif rows:
            # A check that the league's own rows do not keep would set every row aside.
            checks[name] = "warn"
            remarks[f"checks.{name}"] = Remark(
                0.5, f"只有{round(holding * rows)}/{rows}行相符：先只提醒，请核对金额的对应"
            )
    missing = [f for f in dict.fromkeys(f for fields in SUMS.values() for f in fields) if f not in amounts]
    missing += ["deductible_amount"] * ("deductible_amount" not in amounts)
    not_sent = [field for field in missing if field not in _OPTIONAL]
    if not_sent:
        checks["not_sent"] = not_sent
        remarks["checks.not_sent"] = Remark(0.6, "样本里没有找到这些金额")
    for key in way:
        remarks[f"amounts.{key}"] = Remark(0.9, "只有这样读，I2、I4才相符")
    return summed, checks, dict(way), remarks


def amounts_table(way: Mapping[str, bool]) -> dict[str, bool]:
    """The `[amounts]` table."""
    return {name: way.get(name, False) for name in ("fund_includes_account", "fund_includes_hospital_share")}


def share_holding(name: str, amounts: Mapping[str, Sequence[int | None]], way: Mapping[str, bool]) -> tuple[float, int]:
    """In which part of the rows an identity holds that have all its amounts, and how many those are."""
    whole, *parts = SUMS[name]
    needed = [field for field in (whole, *parts) if field not in _OPTIONAL]
    if any(field not in amounts for field in needed) and not (name == "i4" and whole in amounts):
        return 0.0, 0
    rows = holding = 0
    for row in range(len(amounts[whole])):
        values = {field: amounts[field][row] for field in (whole, *parts, "account_amount", "hospital_borne_amount")
                  if field in amounts}  # fmt: skip
        if values.get(whole) is None or (name != "i4" and any(values[field] is None for field in needed)):
            continue
        fund = values.get("fund_paid_amount") or 0
        taken_off = way.get("fund_includes_account", False) * (values.get("account_amount") or 0)
        taken_off += way.get("fund_includes_hospital_share", False) * (values.get("hospital_borne_amount") or 0)
        values["fund_paid_amount"] = fund - taken_off
        rows += 1
        holding += abs((values[whole] or 0) - sum(values.get(field) or 0 for field in parts)) <= 1
    return (holding / rows if rows else 0.0), rows
