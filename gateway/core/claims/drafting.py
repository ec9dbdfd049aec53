"""estimate → pre-filled claim (预填申领), and what changed between two versions of one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from gateway.core.claims.content import (
    FORMS,
    Applicant,
    ClaimContent,
    ClaimMember,
    ClaimSettlement,
    ClaimStay,
    Draft,
)
from gateway.core.claims.told import Recovery, VersionChange
from gateway.model.benefit import BenefitEstimate, plain_line
from gateway.model.claim import ClaimStatus, PrefilledClaim, StayKind
from gateway.model.clock import SHANGHAI_OFFSET
from gateway.model.member import Member
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.words.claims import CHANGES, WITHDRAWN

_PLAIN_STAY: Final = StayKind.STAY
_NAMED_UNITS: Final = frozenset({StayKind.MONTH.value, StayKind.PERIOD.value, StayKind.EVENT.value})


def stay_text(association: str, person_id: int, scheme: str, stay: str) -> str:
    """What a claim is about, for ever, as the text whose keyed digest it is found by. Internal and hospital numbers,
    and the names of events (design §5.2)."""
    return f"{association}\x1f{person_id}\x1f{scheme}\x1f{stay}"


def stay_kind(stay: str) -> StayKind:
    """What a claim with this stay is about."""
    head, _, _ = stay.partition("/")
    return StayKind(head) if head in _NAMED_UNITS else _PLAIN_STAY


def claim_id(stay_digest: bytes) -> str:
    """The name of a claim, for ever: its stays are few enough to be guessed, so their digest is keyed."""
    return "HB" + stay_digest.hex()[:24].upper()


def unkeyed_claim_id(text: str) -> str:
    """How claims and questions were named before their names had a key. What was given out stays."""
    return "HB" + hashlib.sha256(text.encode()).hexdigest()[:24].upper()


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
    statement = ClaimContent(
        association=member.association,
        scheme=scheme,
        member=ClaimMember(
            member_no=member.member_no, name=member.name, id_type=member.id_type, id_number=member.id_number
        ),
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
        scheme=scheme,
        stay=estimate.stay,
        member_id=member.member_id,
        edition=estimate.edition,
        payable=estimate.payable,
        flags=flags,
        claim_by=estimate.claim_by,
        needs_person=needs_person,
        content=FORMS.encode(statement, FORMS.newest),
        statement=statement,
        estimate=estimate,
        records=records,
        applicant=_applicant(member),
    )


def _applicant(member: Member) -> Applicant:
    """What the form asks of the member beside the content, from the roster."""
    return Applicant(
        category=member.category,
        sex=member.sex,
        birth_date=member.birth_date,
        unit_no=member.unit_no,
        unit_name=member.unit_name,
        league=member.league,
    )


def change_of(before: PrefilledClaim, after: Draft) -> VersionChange:
    """What a new version of a claim says it changes, and why."""
    compared = {
        "amount_changed": (yuan(before.payable), yuan(after.payable)),
        "edition_changed": (before.edition or "无", after.edition or "无"),
        "deadline_changed": (before.claim_by or "无", after.claim_by.isoformat() if after.claim_by else "无"),
        "flags_changed": (before.flags, ",".join(after.flags)),
    }
    reasons = [code for code, (was, now) in compared.items() if was != now]
    if before.status == ClaimStatus.WITHDRAWN:
        reasons = ["restored"]
    texts = []
    for code in reasons or ["details_changed"]:
        was, now = compared.get(code, ("", ""))
        texts.append(CHANGES[code].format(before=was, after=now))
    return _changed(before, reasons or ["details_changed"], "；".join(texts) + "。")


def withdrawal_of(before: PrefilledClaim, reason: str) -> VersionChange:
    """What a version says that takes a claim back."""
    return _changed(before, [reason], WITHDRAWN.get(reason, f"本申领撤回：{reason}。"))


def recovery_of(before: PrefilledClaim, recovery: Recovery) -> VersionChange:
    """What a version says by which money is asked back."""
    text = CHANGES["recovery"].format(before=recovery.paid, after=recovery.amount) + f"：{recovery.text}。"
    return msgspec.structs.replace(_changed(before, ["recovery"], text), recovery=recovery)


def _changed(before: PrefilledClaim, reasons: Sequence[str], text: str) -> VersionChange:
    return VersionChange(
        of_version=before.version, payable_before=yuan(before.payable), reasons=tuple(reasons), text=text
    )


def _stay(estimate: BenefitEstimate, first: SettlementRecord | None) -> ClaimStay:
    # A sum at an event (a death, the end of a period) belongs to no settlement.
    return ClaimStay(
        kind=None if first is None else first.care_type,
        facility_no=None if first is None else first.facility_no,
        facility_name=None if first is None else first.facility_name,
        admitted_on=estimate.admitted_on,
        discharged_on=estimate.discharged_on,
        period_from=estimate.period_from,
    )


def _settlement(record: SettlementRecord) -> ClaimSettlement:
    settled_at = record.settled_at
    return ClaimSettlement(
        settlement_no=record.settlement_no,
        visit_no=record.visit_no,
        facility_no=record.facility_no,
        care_type=record.care_type,
        admitted_on=record.admitted_on,
        discharged_on=record.discharged_on,
        # A record that was stored comes back in UTC: the same instant must be the same text, or a claim would seem
        # changed.
        settled_at=None if settled_at is None else settled_at.astimezone(SHANGHAI_OFFSET),
        total_amount=_yuan(record.total_amount),
        in_scope_amount=_yuan(record.in_scope_amount),
        fund_paid_amount=_yuan(record.fund_paid_amount),
        personal_amount=_yuan(record.personal_amount),
        diagnosis_codes=record.diagnosis_codes,
    )


def _yuan(amount: int | None) -> str | None:
    return None if amount is None else yuan(amount)


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


def same_weight(settlement: Mapping[str, Any], record: SettlementRecord) -> bool:
    """Whether a settlement as a claim's body told it still says the same, in all that an amount may rest on.

    What the body's form did not tell yet cannot have changed.
    """
    current = msgspec.to_builtins(_settlement(record))
    return all(settlement[name] == current[name] for name in _WEIGHTY if name in settlement)
