"""What a claim tells (申领内容): the content of its body, its forms, and a claim as it should stand now.

To make a claim tell a new field: add the field here, fill it in `drafting`, and add a form to `FORMS`; the fields of
released forms stay as they are. Claims that stand are compared in the form they have, so the field alone amends none
of them; whatever is written next has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from gateway.errors import UnknownForm
from gateway.model.benefit import BenefitEstimate, PlainLine
from gateway.model.member import Category
from gateway.model.record import SettlementRecord

_json = msgspec.json.Encoder()

CLAIM_BODY: Final = "申领内容 (claim body)"
"""What a form of a newer program is said to be of."""


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

    `content` is what `statement` says in the newest form; `content_in_form` says it in the form a version has
    that it is compared with. What it was made of stays beside it, to be put into words if it is written.
    """

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
    applicant: Applicant


class Applicant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The member as the application form (申领审批表) asks: unit, league and what follows from the roster.

    Kept beside the content and never compared: a member who changes the unit changes no claim by that.
    """

    category: Category = "active"
    sex: str | None = None
    birth_date: date | None = None
    unit_no: str | None = None
    unit_name: str | None = None
    league: str | None = None


class ContentForm(msgspec.Struct, frozen=True, kw_only=True):
    """One form of a claim's content: the fields it tells, of the content and of each thing in it."""

    content: tuple[str, ...]
    member: tuple[str, ...]
    stay: tuple[str, ...]
    settlement: tuple[str, ...]
    line: tuple[str, ...]

    def of(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """A content as this form tells it, in the order of its fields today."""
        part = {name: content[name] for name in content if name in self.content}
        part["member"] = _only(part["member"], self.member)
        part["stay"] = _only(part["stay"], self.stay)
        part["settlements"] = [_only(settlement, self.settlement) for settlement in part["settlements"]]
        part["lines"] = [_only(line, self.line) for line in part["lines"]]
        return part


def _only(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in names}


class ContentForms:
    """All released forms of a claim's content, the first of them first; the last one is what `ClaimContent` has."""

    def __init__(self, *forms: ContentForm) -> None:
        self.newest = len(forms)
        self.released = forms

    def encode(self, content: ClaimContent, form: int) -> bytes:
        """A content as JSON in one form. Raises UnknownForm for a form of a newer program."""
        if form == self.newest:
            return _json.encode(content)
        if not 1 <= form < self.newest:
            raise UnknownForm(CLAIM_BODY, form, self.newest)
        if self.released[form - 1] == self.released[-1]:
            # The later form tells the same and only keeps more beside it.
            return _json.encode(content)
        return _json.encode(self.released[form - 1].of(msgspec.to_builtins(content)))


FORM_1: Final = ContentForm(
    content=(
        "association",
        "scheme",
        "member",
        "stay",
        "settlements",
        "edition",
        "payable",
        "lines",
        "flags",
        "assumed",
        "claim_by",
        "needs_person",
    ),
    member=("member_no", "name", "id_type", "id_number"),
    stay=("kind", "facility_no", "facility_name", "admitted_on", "discharged_on", "period_from"),
    settlement=(
        "settlement_no",
        "visit_no",
        "facility_no",
        "care_type",
        "admitted_on",
        "discharged_on",
        "settled_at",
        "total_amount",
        "in_scope_amount",
        "fund_paid_amount",
        "personal_amount",
        "diagnosis_codes",
    ),
    line=("rule", "article", "base", "rate", "days", "total_days", "per_day", "amount", "text"),
)

FORM_2: Final = FORM_1
"""The same content. What is kept aside grew, which an older program must not pass over (`kept`)."""

FORMS: Final = ContentForms(FORM_1, FORM_2)
"""Every form of a claim's content there is. A released one is never edited: a new one is added behind it."""


def content_in_form(draft: Draft, form: int, forms: ContentForms = FORMS) -> bytes:
    """What a draft says, in the form of the version it is compared with. Raises UnknownForm."""
    return draft.content if form == forms.newest else forms.encode(draft.statement, form)
