"""estimate → pre-filled claim (预填申领), and what changed between two versions of one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from gateway.core.claims.explaining import Wording, explain
from gateway.model.benefit import BenefitEstimate, BenefitLine, PlainLine, plain_line
from gateway.model.member import Member
from gateway.model.money import Money, parse_yuan, yuan
from gateway.model.record import SettlementRecord

_json = msgspec.json.Encoder()
_SHANGHAI: Final = timezone(timedelta(hours=8))


class _Who(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As much of the member as the association needs to know whom it is about; the rest it has in its own roster."""

    member_no: str
    name: str
    id_type: str
    id_number: str


class _Stay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    kind: str | None
    facility_no: str | None
    facility_name: str | None
    admitted_on: date | None
    discharged_on: date | None
    period_from: date | None


class _Settlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    settlement_no: str
    visit_no: str | None
    facility_no: str | None
    care_type: str | None
    admitted_on: date | None
    discharged_on: date | None
    settled_at: datetime | None
    total_amount: str | None
    in_scope_amount: str | None
    fund_paid_amount: str | None
    personal_amount: str | None
    diagnosis_codes: tuple[str, ...]


class _Content(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a claim's body tells, in the order it tells it; its version stands in front (see `body`)."""

    association: str
    scheme: str
    member: _Who
    stay: _Stay
    settlements: list[_Settlement]
    edition: str | None
    payable: str
    lines: list[PlainLine]
    flags: tuple[str, ...]
    assumed: tuple[str, ...]
    claim_by: date | None
    needs_person: bool


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A claim as it should stand now, before anybody asks whether it differs from the last version.

    Claims are told apart by `content`. What it was made of stays beside it, to be put into words if it is written.
    """

    claim_id: str
    scheme: str
    stay: str
    member_id: int
    edition: str | None
    payable: int
    flags: tuple[str, ...]
    claim_by: date | None
    needs_person: bool
    content: bytes
    estimate: BenefitEstimate
    records: Sequence[SettlementRecord]


def claim_id(association: str, person_id: int, scheme: str, stay: str) -> str:
    """The name of a claim, for ever. Made of internal and hospital numbers only (design §5.2)."""
    parts = f"{association}\x1f{person_id}\x1f{scheme}\x1f{stay}"
    return "HB" + hashlib.sha256(parts.encode()).hexdigest()[:24].upper()


def draft(
    member: Member,
    estimate: BenefitEstimate,
    records: Sequence[SettlementRecord],
    *,
    scheme: str,
    received_on: date,
    needs_person: bool,
) -> Draft:
    """The claim for one estimate. `received_on`: the day its latest record came, which decides `late`."""
    flags = estimate.flags
    if estimate.claim_by is not None and received_on > estimate.claim_by:
        flags = (*flags, "late")
        needs_person = True
    content = _Content(
        association=member.association,
        scheme=scheme,
        member=_who(member),
        stay=_stay(estimate, records[0] if records else None),
        settlements=[_settlement(record) for record in records],
        edition=estimate.edition,
        payable=yuan(estimate.payable),
        lines=[plain_line(line) for line in estimate.lines],
        flags=flags,
        assumed=estimate.assumed,
        claim_by=estimate.claim_by,
        needs_person=needs_person,
    )
    return Draft(
        claim_id=claim_id(member.association, member.person_id, scheme, estimate.stay),
        scheme=scheme,
        stay=estimate.stay,
        member_id=member.member_id,
        edition=estimate.edition,
        payable=estimate.payable,
        flags=flags,
        claim_by=estimate.claim_by,
        needs_person=needs_person,
        content=_json.encode(content),
        estimate=estimate,
        records=records,
    )


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
    """The content as a version keeps it: with what its words will need.

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


class _Kept(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As much of a kept body as its words follow from."""

    scheme: str
    stay: _Stay
    settlements: list[_Settlement]
    edition: str | None
    payable: str
    lines: list[PlainLine]
    flags: tuple[str, ...]
    claim_by: date | None
    aside: _Aside


_kept = msgspec.json.Decoder(_Kept)


def spoken(kept: bytes, wording: Callable[[str, str | None], Wording]) -> bytes:
    """A kept body as the association receives it: with `explanation` and `not_covered` at its end.

    `wording`: scheme and edition → its wording. The same for the same body, scheme files and program. A body from
    before words were kept, and a withdrawal, stay as they are.
    """
    at = kept.rfind(_ASIDE)
    if at < 0:
        return kept
    body = _kept.decode(kept)
    records = [
        _record(told, body.stay, unpaid) for told, unpaid in zip(body.settlements, body.aside.unpaid, strict=True)
    ]
    words = explain(_estimate(body), records, wording(body.scheme, body.edition), flags=body.flags)
    return kept[:at] + b"," + _json.encode(words)[1:]


def _estimate(body: _Kept) -> BenefitEstimate:
    return BenefitEstimate(
        settlements=tuple(each.settlement_no for each in body.settlements),
        edition=body.edition,
        payable=parse_yuan(body.payable),
        lines=tuple(_line(line, benefit) for line, benefit in zip(body.lines, body.aside.of, strict=True)),
        flags=tuple(flag for flag in body.flags if flag != "late"),
        assumed=(),
        claim_by=body.claim_by,
        stay=body.aside.unit,
        admitted_on=body.stay.admitted_on,
        discharged_on=body.stay.discharged_on,
    )


def _line(line: PlainLine, benefit: str | None) -> BenefitLine:
    return BenefitLine(
        rule=line.rule,
        article=line.article,
        amount=parse_yuan(line.amount),
        text=line.text,
        base=_fen(line.base),
        rate=None if line.rate is None else Decimal(line.rate),
        benefit=benefit,
    )


def _record(told: _Settlement, stay: _Stay, unpaid: _Unpaid) -> SettlementRecord:
    full_self, over_limit, first_self, deductible = unpaid
    return SettlementRecord(
        settlement_no=told.settlement_no,
        facility_name=stay.facility_name,
        care_type=told.care_type,
        total_amount=_fen(told.total_amount),
        in_scope_amount=_fen(told.in_scope_amount),
        fund_paid_amount=_fen(told.fund_paid_amount),
        personal_amount=_fen(told.personal_amount),
        full_self_amount=full_self,
        over_limit_amount=over_limit,
        first_self_amount=first_self,
        deductible_amount=deductible,
    )


def _fen(amount: str | None) -> Money | None:
    return None if amount is None else parse_yuan(amount)


def _who(member: Member) -> _Who:
    return _Who(member_no=member.member_no, name=member.name, id_type=member.id_type, id_number=member.id_number)


def _stay(estimate: BenefitEstimate, first: SettlementRecord | None) -> _Stay:
    # A sum at an event (a death, the end of a period) belongs to no settlement.
    return _Stay(
        kind=None if first is None else first.care_type,
        facility_no=None if first is None else first.facility_no,
        facility_name=None if first is None else first.facility_name,
        admitted_on=estimate.admitted_on,
        discharged_on=estimate.discharged_on,
        period_from=estimate.period_from,
    )


def _settlement(record: SettlementRecord) -> _Settlement:
    return _Settlement(
        settlement_no=record.settlement_no,
        visit_no=record.visit_no,
        facility_no=record.facility_no,
        care_type=record.care_type,
        admitted_on=record.admitted_on,
        discharged_on=record.discharged_on,
        settled_at=_in_shanghai(record.settled_at),
        total_amount=_yuan(record.total_amount),
        in_scope_amount=_yuan(record.in_scope_amount),
        fund_paid_amount=_yuan(record.fund_paid_amount),
        personal_amount=_yuan(record.personal_amount),
        diagnosis_codes=record.diagnosis_codes,
    )


def _in_shanghai(instant: datetime | None) -> datetime | None:
    # A record that was stored comes back in UTC: the same instant must be the same text, or a claim would seem changed.
    return None if instant is None else instant.astimezone(_SHANGHAI)


_WEIGHTY: Final = (
    "settlement_no",
    "facility_no",
    "care_type",
    "admitted_on",
    "discharged_on",
    "settled_at",
    "total_amount",
    "in_scope_amount",
    "fund_paid_amount",
)


def same_weight(told: dict[str, Any], record: SettlementRecord) -> bool:
    """Whether a settlement as a claim's body told it still says the same, in all that an amount may rest on."""
    now = msgspec.json.decode(_json.encode(_settlement(record)))
    return all(told.get(name) == now[name] for name in _WEIGHTY)


def _yuan(amount: int | None) -> str | None:
    return None if amount is None else yuan(amount)


def body(claim: str, version: int, status: str, content: bytes) -> bytes:
    """The frozen bytes of one version: who it is in front, the content as it was weighed behind."""
    head = _json.encode({"claim_id": claim, "version": version, "status": status})
    return head[:-1] + b"," + content[1:]


def withdrawal(association: str, scheme: str, reason: str) -> bytes:
    """The content of a version that takes a claim back."""
    return _json.encode({"association": association, "scheme": scheme, "reason": reason, "payable": "0.00"})
