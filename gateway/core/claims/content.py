"""What a claim tells (申领内容): the content of its body, and a claim as it should stand now.

A field added here belongs to a new form of the content (`kept.FORMS`); the fields of released forms stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from gateway.model.benefit import BenefitEstimate, PlainLine
from gateway.model.record import SettlementRecord


class ClaimMember(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As much of the member as the association needs to know whom it is about; the rest it has in its own roster."""

    member_no: str
    name: str
    id_type: str
    id_number: str


class ClaimStay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where and when the member was cared for; all None where a sum is paid at an event that has no settlement."""

    kind: str | None
    facility_no: str | None
    facility_name: str | None
    admitted_on: date | None
    discharged_on: date | None
    period_from: date | None


class ClaimSettlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A settlement as the claim tells it: amounts in yuan as text, instants by the clock of Shanghai."""

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


class ClaimContent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a claim's body tells, in the order it tells it; its version stands in front (see `kept.body`)."""

    association: str
    scheme: str
    member: ClaimMember
    stay: ClaimStay
    settlements: list[ClaimSettlement]
    edition: str | None
    payable: str
    lines: list[PlainLine]
    flags: tuple[str, ...]
    assumed: tuple[str, ...]
    claim_by: date | None
    needs_person: bool


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A claim as it should stand now, before anybody asks whether it differs from the last version.

    `content` is what `statement` says in the newest form; `kept.content_in_form` says it in the form a version has
    that it is compared with. What it was made of stays beside it, to be put into words if it is written.
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
    statement: ClaimContent
    estimate: BenefitEstimate
    records: Sequence[SettlementRecord]
