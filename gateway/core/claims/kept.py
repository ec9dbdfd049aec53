"""Claim bodies as they are kept: frozen when a version is made, in a form that has a number, opened for ever.

Form 1 has three shapes: a claim with an aside for its words, a claim from before words were kept, and a withdrawal.
Later forms begin with their mark (`core.forms`), which is taken off before anything is sent. What each form tells
stands in `content`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from gateway.core.claims.content import CLAIM_BODY, FORMS, ContentForms, Draft
from gateway.core.claims.explaining import Wording, explain
from gateway.core.forms import marked, unmarked
from gateway.model.benefit import BenefitEstimate, BenefitLine, PlainLine
from gateway.model.money import Money, parse_yuan
from gateway.model.record import SettlementRecord

_json = msgspec.json.Encoder()

_Unpaid: TypeAlias = tuple[Money | None, Money | None, Money | None, Money | None]
"""全自费, 超限价, 先行自付, 起付线 of one settlement, in fen."""


class _Aside(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the words of a claim need beside its content: small, frozen with it, and no part of what is compared.

    `unpaid`: what each settlement tells beside its content; `of`: the benefit each line belongs to; `unit`: what the
    claim is about where it is no stay (a month, a period, an event).
    """

    unpaid: list[_Unpaid]
    of: list[str | None]
    unit: str = ""


_UNITS: Final = ("month/", "period/", "event/")
_ASIDE: Final = b',"aside":'
"""Cannot stand inside a text of the content: there its quotes would be escaped."""


def frozen(draft: Draft) -> bytes:
    """The content as a version keeps it, in the newest form: with what its words will need.

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
    )
    return draft.content[:-1] + _ASIDE + _json.encode(aside) + b"}"


def withdrawal(association: str, scheme: str, reason: str) -> bytes:
    """The content of a version that takes a claim back."""
    return _json.encode({"association": association, "scheme": scheme, "reason": reason, "payable": "0.00"})


def body(claim: str, version: int, status: str, content: bytes, forms: ContentForms = FORMS) -> bytes:
    """The frozen bytes of one version, in the newest form: which it is in front, the content as it was behind."""
    head = _json.encode({"claim_id": claim, "version": version, "status": status})
    return marked(forms.newest, head[:-1] + b"," + content[1:])


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


_kept = msgspec.json.Decoder(_KeptBody)


def spoken(stored: bytes, wording: Callable[[str, str | None], Wording], forms: ContentForms = FORMS) -> bytes:
    """A kept body as the association receives it: without its mark, with `explanation` and `not_covered` at its end.

    `wording`: scheme and edition → its wording. The same for the same body, scheme files and program. A body from
    before words were kept, and a withdrawal, are sent as they are. Raises UnknownForm.
    """
    plain = open_kept(stored, forms)
    at = plain.rfind(_ASIDE)
    if at < 0:
        return plain
    body = _kept.decode(plain)
    records = [
        _record(settlement, body.stay, unpaid)
        for settlement, unpaid in zip(body.settlements, body.aside.unpaid, strict=True)
    ]
    words = explain(_estimate(body), records, wording(body.scheme, body.edition), flags=body.flags)
    return plain[:at] + b"," + _json.encode(words)[1:]


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
