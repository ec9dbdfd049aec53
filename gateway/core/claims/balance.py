"""Balance (收支平衡): from what was billed to what is payable, every fen with a code of `gateway.words.cuts`.

Amounts are signed: a cut above zero is not paid by the scheme, one below zero is paid beyond the bill (an allowance by
days, a floor, a lump sum, a fixed amount that is more than the cost). Two identities hold to the fen, always:

* of each settlement:  billed = fund_paid + Σ its cuts + in_base
* of the claim:        Σ in_base = Σ the claim's cuts + payable

so that together  billed = fund_paid + Σ all cuts + payable.  A line that shares a base is balanced by itself: its base
is its amount and the cut that names the line. What a settlement sheet leaves open (parts that are not told, parts that
contradict the total) has codes of its own and hides in no other. A sum at an event has no settlement: billed is 0.00
and the whole sum is an addition. Of settlements reversed since, only those that stand are billed; days without cover,
caps, floors, deductibles and what the association decided are cuts of the claim. There is no balance where a
settlement does not tell its total or what the funds paid.

Source of the form: the claim adjustment reasons of X12 835, where service lines, claim and payment must balance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import msgspec

from gateway.core.claims.explaining import OUTSIDE, BaseWords, Wording, bases_of
from gateway.model.benefit import BenefitEstimate, BenefitLine
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.words.claims import NOT_PAID
from gateway.words.cuts import CUTS, FUND_FIELDS, LINE_CUTS

Yuan = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,12}\.[0-9]{2}$")]
"""An amount in yuan as text, with two decimals."""

_PARTS: Final = ("full_self_amount", "over_limit_amount", "first_self_amount", "in_scope_amount")
"""What together is the whole bill, where a sheet tells all of it."""


class Cut(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One step between billed and payable. `line`: the estimate's line it belongs to, from 1."""

    code: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]+$")]
    amount: Yuan
    text: str
    article: str | None = None
    line: int | None = None


class BilledSettlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One settlement of the balance. `funds` are the parts of `fund_paid`."""

    settlement_no: str
    billed: Yuan
    fund_paid: Yuan
    funds: list[Cut]
    cuts: list[Cut]
    in_base: Yuan


class Balance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The whole claim: `billed` = `fund_paid` + every cut + `payable`."""

    billed: Yuan
    fund_paid: Yuan
    in_base: Yuan
    payable: Yuan
    settlements: list[BilledSettlement]
    cuts: list[Cut]


def balance(estimate: BenefitEstimate, records: Sequence[SettlementRecord], wording: Wording) -> Balance | None:
    """The balance of one estimate over its settlements; None where one does not tell its total or its funds' part."""
    bases = bases_of(estimate, wording) if _shares_money(estimate, wording) else []
    settlements: list[BilledSettlement] = []
    billed = fund_paid = in_base = 0
    for record in records:
        total, funds = record.total_amount, record.fund_paid_amount
        if total is None or funds is None:
            return None
        cuts = list(_left_outside(record, total - funds, bases))
        rest = total - funds - sum(amount for _, amount, _ in cuts)
        billed, fund_paid, in_base = billed + total, fund_paid + funds, in_base + rest
        settlements.append(
            BilledSettlement(
                settlement_no=record.settlement_no,
                billed=yuan(total),
                fund_paid=yuan(funds),
                funds=[cut_of(code, amount) for code, amount in _fund_parts(record, funds)],
                cuts=[cut_of(code, amount, article) for code, amount, article in cuts],
                in_base=yuan(rest),
            )
        )
    return Balance(
        billed=yuan(billed),
        fund_paid=yuan(fund_paid),
        in_base=yuan(in_base),
        payable=yuan(estimate.payable),
        settlements=settlements,
        cuts=list(_claim_cuts(estimate, in_base, wording, bases)),
    )


def cut_of(
    code: str, amount: int, article: str | None = None, *, text: str | None = None, line: int | None = None
) -> Cut:
    """A cut of this code; its sentence is the table's where the scheme says nothing closer."""
    return Cut(code=code, amount=yuan(amount), text=text or CUTS[code].text, article=article, line=line)


def _shares_money(estimate: BenefitEstimate, wording: Wording) -> bool:
    """Whether the estimate shares a base of money, or would have if it had been enough."""
    return any(line.rule not in ("decided", "decided_before") for line in estimate.lines) and (
        wording.only is None or wording.only.benefit not in wording.counted_in_days
    )


def _fund_parts(record: SettlementRecord, funds: int) -> Iterator[tuple[str, int]]:
    """What each fund paid, and what the sheet does not itemise; the whole in one where the parts are more than it."""
    parts = [(code, amount) for name, code in FUND_FIELDS.items() if (amount := getattr(record, name))]
    itemised = sum(amount for _, amount in parts)
    if itemised > funds or any(amount < 0 for _, amount in parts):
        parts, itemised = [], 0
    yield from parts
    if funds != itemised:
        yield "fund_paid", funds - itemised


def _left_outside(
    record: SettlementRecord, own_part: int, bases: Sequence[BaseWords]
) -> Iterator[tuple[str, int, str | None]]:
    """(code, amount, article) of what one settlement's base leaves out of what the funds did not pay."""
    if not bases or not all(base.terms for base in bases):
        return
    rest, article = own_part, bases[0].article
    for outside in OUTSIDE:
        name, code, _ = outside
        amount = getattr(record, name) or 0
        if amount > 0 and all(outside in base.outside for base in bases):
            rest -= amount
            yield code, amount, article
    in_base = _base_of(record, bases[0]) if len(bases) == 1 else None
    if in_base is not None and in_base != rest:
        yield _why_left(record, rest - in_base), rest - in_base, article


def _base_of(record: SettlementRecord, base: BaseWords) -> int | None:
    """The base of one settlement, at least zero; None where an amount it is made of is missing."""
    total = 0
    for _, name, sign in base.terms:
        amount = getattr(record, name)
        if amount is None:
            return None
        total += sign * amount
    return max(0, total)


def _why_left(record: SettlementRecord, amount: int) -> str:
    """The code of what neither the parts of a sheet nor its base account for."""
    parts = [getattr(record, name) for name in _PARTS]
    if amount == record.hospital_borne_amount:
        return "hospital_borne"
    if None in parts and amount > 0:
        return "not_itemised"
    if None not in parts and sum(parts) != record.total_amount:
        return "sheet_difference"
    return "not_in_base" if amount > 0 else "beyond_bill"


def _claim_cuts(estimate: BenefitEstimate, in_base: int, wording: Wording, bases: Sequence[BaseWords]) -> Iterator[Cut]:
    """The cuts of the claim: what of the base is not shared, what each line keeps back or adds."""
    lines = estimate.lines
    if not lines or lines[0].rule == "decided_before":
        if in_base:
            yield _nothing_paid(estimate, in_base, wording, bases)
        return
    if lines[0].rule == "decided":
        if in_base != estimate.payable:
            yield cut_of("decided", in_base - estimate.payable, lines[0].article, text=lines[0].text, line=1)
        return
    shared = [line for line in lines if _is_share(line, wording)]
    yield from _not_shared(in_base, shared, bases)
    for number, line in enumerate(lines, 1):
        if line in shared:
            own = (line.base or 0) - line.amount
            if own:
                yield cut_of("own_share" if own > 0 else "share_above_cost", own, line.article, line=number)
        elif line.amount:
            code = "daily_allowance" if line.rule == "band" else LINE_CUTS[line.rule]
            yield cut_of(code, -line.amount, line.article, text=line.text, line=number)


def _is_share(line: BenefitLine, wording: Wording) -> bool:
    """Whether a line pays a part of a base of money."""
    return line.rule == "band" and line.base is not None and line.benefit not in wording.counted_in_days


def _not_shared(in_base: int, shared: Sequence[BenefitLine], bases: Sequence[BaseWords]) -> Iterator[Cut]:
    """What of the base no line shares: below or above the bands, in a deductible of the scheme, or in no benefit."""
    gap = in_base - sum(line.base or 0 for line in shared)
    if not gap:
        return
    article = bases[0].article if bases else None
    if gap < 0:
        yield cut_of("counted_again" if len(bases) > 1 else "beyond_bill", gap, article)
    elif not bases:
        yield cut_of("not_shared", gap)
    elif not bases[0].terms:
        yield cut_of("other_rest", gap, article)
    else:
        only = bases[0] if len(bases) == 1 else None
        deducted = min(gap, only.deductible) if only is not None and shared else 0
        if deducted:
            yield cut_of("scheme_deductible", deducted, article)
        gap -= deducted
        ends_at = None if only is None else only.ends_at
        if only is not None and ends_at is not None and in_base - deducted > ends_at and gap:
            text = f"超过{yuan(ends_at)}元的部分不予补助"
            yield cut_of("above_bands", gap, only.end_article, text=text)
        elif gap:
            yield cut_of("outside_bands", gap, article)


def _nothing_paid(estimate: BenefitEstimate, in_base: int, wording: Wording, bases: Sequence[BaseWords]) -> Cut:
    """The whole of what the funds left, with the reason: the estimate's first flag."""
    if not estimate.flags:
        return cut_of("nothing_owed", in_base, bases[0].article if bases else None)
    reason = estimate.flags[0]
    article = wording.reasons.get(reason)
    if reason in NOT_PAID:
        return cut_of(reason, in_base, article)
    return cut_of("excluded", in_base, article, text=f"按规定不予补助（{reason}）")
