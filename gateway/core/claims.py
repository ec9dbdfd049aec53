"""estimate → pre-filled claim (预填申领), and what changed between two versions of one."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from gateway.model.benefit import BenefitEstimate, estimate_to_json
from gateway.model.member import Member
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord

_json = msgspec.json.Encoder()
_SHANGHAI: Final = timezone(timedelta(hours=8))


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A claim as it should stand now, before anybody asks whether it differs from the last version."""

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


def claim_id(association: str, person_id: int, scheme: str, stay: str) -> str:
    """The name of a claim, for ever. Made of internal and hospital numbers only (design §5.2)."""
    parts = "\x1f".join((association, str(person_id), scheme, stay))
    return "HB" + b32encode(hashlib.sha256(parts.encode()).digest()[:15]).decode()


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
    body = {
        "association": member.association,
        "scheme": scheme,
        "member": _who(member),
        "stay": _stay(estimate, records),
        **estimate_to_json(estimate),
        "settlements": [_settlement(record) for record in records],
        "flags": list(flags),
        "needs_person": needs_person,
    }
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
        content=_json.encode(body),
    )


def _who(member: Member) -> dict[str, Any]:
    """As much of the member as the association needs to know whom it is about; the rest it has in its own roster."""
    return {
        "member_no": member.member_no,
        "name": member.name,
        "id_type": member.id_type,
        "id_number": member.id_number,
    }


def _stay(estimate: BenefitEstimate, records: Sequence[SettlementRecord]) -> dict[str, Any]:
    first = records[0]
    return {
        "kind": first.care_type,
        "facility_no": first.facility_no,
        "facility_name": first.facility_name,
        "admitted_on": estimate.admitted_on,
        "discharged_on": estimate.discharged_on,
        "period_from": estimate.period_from,
    }


def _settlement(record: SettlementRecord) -> dict[str, Any]:
    return {
        "settlement_no": record.settlement_no,
        "visit_no": record.visit_no,
        "facility_no": record.facility_no,
        "care_type": record.care_type,
        "admitted_on": record.admitted_on,
        "discharged_on": record.discharged_on,
        "settled_at": _in_shanghai(record.settled_at),
        "total_amount": _yuan(record.total_amount),
        "in_scope_amount": _yuan(record.in_scope_amount),
        "fund_paid_amount": _yuan(record.fund_paid_amount),
        "personal_amount": _yuan(record.personal_amount),
        "diagnosis_codes": record.diagnosis_codes,
    }


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
