"""Claim bodies as they are kept: frozen when a version is made, in a form that has a number, opened for ever.

Form 1 has three shapes: a claim with an aside for its words, a claim from before words were kept, and a withdrawal.
Later forms begin with their mark (`core.forms`), which is taken off before anything is sent. What each form tells
stands in `content`; the second one keeps more aside, and a withdrawal of it has an aside too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from gateway.core.claims.balance import Balance, balance
from gateway.core.claims.content import CLAIM_BODY, FORMS, Applicant, ContentForms, Draft
from gateway.core.claims.explaining import Wording, explain, explain_withdrawal
from gateway.core.claims.needs import Needed, situations_of, still_needed
from gateway.core.claims.told import SCHEMA_ID, ClaimBill, ToConfirm, VersionChange
from gateway.core.forms import marked, unmarked
from gateway.model.benefit import BenefitEstimate, BenefitLine, PlainLine
from gateway.model.money import Money, parse_yuan, yuan
from gateway.model.record import AMOUNT_FIELDS, SettlementRecord
from gateway.words.claims import DOUBTS

_json = msgspec.json.Encoder()

_Unpaid: TypeAlias = tuple[Money | None, Money | None, Money | None, Money | None]
"""全自费, 超限价, 先行自付, 起付线 of one settlement, in fen."""


class _Aside(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the words of a claim need beside its content: small, frozen with it, and no part of what is compared.

    `unpaid`: what each settlement tells beside its content; `of`: the benefit each line belongs to; `unit`: what the
    claim is about where it is no stay (a month, a period, an event). Since the second form: `who` the member is beside
    the content, the rest of each settlement as `bills`, and what the version `changed`.
    """

    unpaid: list[_Unpaid]
    of: list[str | None]
    unit: str = ""
    who: Applicant | None = None
    bills: list[ClaimBill] = []
    changed: VersionChange | None = None


class _WithdrawalAside(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a withdrawal says beside its content since the second form."""

    changed: VersionChange


_UNITS: Final = ("month/", "period/", "event/")
_ASIDE: Final = b',"aside":'
"""Cannot stand inside a text of the content: there its quotes would be escaped."""


def frozen(draft: Draft, changed: VersionChange | None = None) -> bytes:
    """The content as a version keeps it, in the newest form: with what its words will need. `changed`: against the
    version before, where there is one.

    The words themselves are spoken when the claim is delivered or shown. Kept with every version they would double
    what a night writes; compared, a better word would send every claim again.
    """
    aside = _Aside(
        unpaid=[
            (record.full_self_amount, record.over_limit_amount, record.first_self_amount, record.deductible_amount)
            for record in draft.records
        ],
        of=[line.benefit for line in draft.estimate.lines],
        unit=draft.stay if draft.stay.startswith(_UNITS) else "",
        who=draft.applicant,
        bills=[_bill(record) for record in draft.records],
        changed=changed,
    )
    return draft.content[:-1] + _ASIDE + _json.encode(aside) + b"}"


_IN_CONTENT: Final = frozenset({"total_amount", "in_scope_amount", "fund_paid_amount", "personal_amount"})
_OTHER_AMOUNTS: Final = tuple(name for name in AMOUNT_FIELDS if name not in _IN_CONTENT)


def _bill(record: SettlementRecord) -> ClaimBill:
    amounts = ((name, getattr(record, name)) for name in _OTHER_AMOUNTS)
    return ClaimBill(
        settlement_no=record.settlement_no,
        facility_name=record.facility_name,
        facility_level=record.facility_level,
        inpatient_days=record.inpatient_days,
        insurance_type=record.insurance_type,
        insured_region=record.insured_region,
        care_region=record.care_region,
        amounts={name: yuan(amount) for name, amount in amounts if amount is not None},
    )


def withdrawal(association: str, scheme: str, reason: str, changed: VersionChange | None = None) -> bytes:
    """The content of a version that takes a claim back; with what it takes back, since the second form."""
    content = _json.encode({"association": association, "scheme": scheme, "reason": reason, "payable": "0.00"})
    if changed is None:
        return content
    return content[:-1] + _ASIDE + _json.encode(_WithdrawalAside(changed=changed)) + b"}"


def body(claim: str, version: int, status: str, content: bytes, forms: ContentForms = FORMS) -> bytes:
    """The frozen bytes of one version, in the newest form: which it is in front, the content as it was behind."""
    head = _json.encode({"claim_id": claim, "version": version, "status": status})
    return marked(forms.newest, head[:-1] + b"," + content[1:])


def changed_again(stored: bytes, change: VersionChange) -> bytes | None:
    """The content of a version that tells what a kept body told, and another change; None where that is from before
    bodies told what they change. Raises UnknownForm."""
    fields: dict[str, Any] = msgspec.json.decode(open_kept(stored))
    if "aside" not in fields:
        return None
    fields["aside"]["changed"] = change
    for name in ("claim_id", "version", "status"):
        fields.pop(name, None)
    return _json.encode(fields)


def open_kept(stored: bytes, forms: ContentForms = FORMS) -> bytes:
    """The JSON of a kept body of any form, its aside included. Raises UnknownForm where a newer program wrote it."""
    return unmarked(stored, newest=forms.newest, what=CLAIM_BODY)[1]


def settlements_told(stored: bytes) -> tuple[dict[str, Any], ...]:
    """The settlements as a kept body told them; none in a withdrawal. Raises UnknownForm."""
    return tuple(msgspec.json.decode(open_kept(stored)).get("settlements", ()))


def unit_told(stored: bytes) -> str | None:
    """What a kept body is about where that is no stay: its month, period or event; None where it does not say. Raises
    UnknownForm."""
    return msgspec.json.decode(open_kept(stored)).get("aside", {}).get("unit") or None


class _KeptStay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    facility_name: str | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None


class _KeptSettlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    settlement_no: str
    care_type: str | None = None
    total_amount: str | None = None
    in_scope_amount: str | None = None
    fund_paid_amount: str | None = None
    personal_amount: str | None = None


class _KeptBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As much of a kept body as its words follow from. Required is only what the first form tells already: a field
    that words need later has a default, which stands for bodies from before it.
    """

    scheme: str
    stay: _KeptStay
    settlements: list[_KeptSettlement]
    payable: str
    lines: list[PlainLine]
    aside: _Aside
    edition: str | None = None
    flags: tuple[str, ...] = ()
    claim_by: date | None = None


class _KeptWithdrawal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As much of a kept withdrawal as its words follow from."""

    reason: str
    aside: _WithdrawalAside


def _decoded(plain: bytes) -> _KeptBody | _KeptWithdrawal:
    return _kept_withdrawal.decode(plain) if b'"status":"withdrawn"' in plain[:120] else _kept.decode(plain)


_kept = msgspec.json.Decoder(_KeptBody)
_kept_withdrawal = msgspec.json.Decoder(_KeptWithdrawal)


def spoken(stored: bytes, wording: Callable[[str, str | None], Wording], forms: ContentForms = FORMS) -> bytes:
    """A kept body as the association receives it: without its mark, with `explanation` and `not_covered` at its end.

    `wording`: scheme and edition → its wording. The same for the same body, scheme files and program. A body from
    before words were kept, and a withdrawal of the first form, are sent as they are; those of the second form tell the
    rest of `told` behind the words. Raises UnknownForm.
    """
    plain = open_kept(stored, forms)
    at = plain.rfind(_ASIDE)
    if at < 0:
        return plain
    body = _decoded(plain)
    if isinstance(body, _KeptWithdrawal):
        return plain[:at] + b"," + _json.encode(_withdrawn(body))[1:]
    records = [
        _record(settlement, body.stay, unpaid)
        for settlement, unpaid in zip(body.settlements, body.aside.unpaid, strict=True)
    ]
    estimate, scheme_words = _estimate(body), wording(body.scheme, body.edition)
    words = explain(estimate, records, scheme_words, flags=body.flags)
    sentences = _json.encode(words)
    if body.aside.who is not None:
        sentences = sentences[:-1] + b"," + _json.encode(_rest(body, estimate, records, scheme_words))[1:]
    return plain[:at] + b"," + sentences[1:]


class _Rest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a body of the second form tells behind its words, in this order (`told.ClaimBody`)."""

    schema: str
    kind: str
    applicant: Applicant
    bills: list[ClaimBill]
    balance: Balance | None
    still_needed: list[Needed]
    to_confirm: list[ToConfirm]
    change: VersionChange | None


def _rest(body: _KeptBody, estimate: BenefitEstimate, records: Sequence[SettlementRecord], wording: Wording) -> _Rest:
    aside = body.aside
    situations = situations_of(
        care={settlement.care_type for settlement in body.settlements},
        flags=body.flags,
        rules=[line.rule for line in body.lines],
        unit=aside.unit,
    )
    billed = [_with_funds(record, bill) for record, bill in zip(records, aside.bills, strict=True)]
    return _Rest(
        schema=SCHEMA_ID,
        kind="claim",
        applicant=aside.who or Applicant(),
        bills=aside.bills,
        balance=balance(estimate, billed, wording),
        still_needed=still_needed(situations, body.flags, wording.papers),
        to_confirm=[ToConfirm(flag, DOUBTS.get(flag) or f"须由经办人核实（{flag}）") for flag in body.flags],
        change=aside.changed,
    )


def _with_funds(record: SettlementRecord, bill: ClaimBill) -> SettlementRecord:
    amounts = {name: parse_yuan(amount) for name, amount in bill.amounts.items()}
    return msgspec.structs.replace(record, **amounts)


def _withdrawn(body: _KeptWithdrawal) -> dict[str, Any]:
    words = explain_withdrawal(body.reason)
    return {
        "schema": SCHEMA_ID,
        "kind": "withdrawal",
        "explanation": words.explanation,
        "change": body.aside.changed,
    }


def _estimate(body: _KeptBody) -> BenefitEstimate:
    return BenefitEstimate(
        settlements=tuple(settlement.settlement_no for settlement in body.settlements),
        edition=body.edition,
        payable=parse_yuan(body.payable),
        lines=tuple(
            BenefitLine(
                rule=line.rule,
                article=line.article,
                amount=parse_yuan(line.amount),
                text=line.text,
                base=_fen(line.base),
                rate=None if line.rate is None else Decimal(line.rate),
                benefit=benefit,
            )
            for line, benefit in zip(body.lines, body.aside.of, strict=True)
        ),
        flags=tuple(flag for flag in body.flags if flag != "late"),
        assumed=(),
        claim_by=body.claim_by,
        stay=body.aside.unit,
        admitted_on=body.stay.admitted_on,
        discharged_on=body.stay.discharged_on,
    )


def _record(settlement: _KeptSettlement, stay: _KeptStay, unpaid: _Unpaid) -> SettlementRecord:
    full_self, over_limit, first_self, deductible = unpaid
    return SettlementRecord(
        settlement_no=settlement.settlement_no,
        facility_name=stay.facility_name,
        care_type=settlement.care_type,
        total_amount=_fen(settlement.total_amount),
        in_scope_amount=_fen(settlement.in_scope_amount),
        fund_paid_amount=_fen(settlement.fund_paid_amount),
        personal_amount=_fen(settlement.personal_amount),
        full_self_amount=full_self,
        over_limit_amount=over_limit,
        first_self_amount=first_self,
        deductible_amount=deductible,
    )


def _fen(amount: str | None) -> Money | None:
    return None if amount is None else parse_yuan(amount)
