"""What a claim's body tells (申领报文): the whole of it as the association receives it, and its JSON Schema.

A body that carries `schema` has every field below; bodies frozen before it was introduced have none and tell less. A
new field is a new minor of the schema: whoever reads must pass over what it does not know. Anything else is a new major
under a new `$id`, beside the old one.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from gateway.core.claims.balance import Balance, Yuan
from gateway.core.claims.content import Applicant, ClaimContent
from gateway.core.claims.explaining import NotCovered
from gateway.core.claims.needs import Needed
from gateway.words.cuts import CUTS

SCHEMA_ID: Final = "urn:hubao:schema:claim:1"
"""The stable `$id` of the schema; its last part is the major."""

SCHEMA_VERSION: Final = "1.1"
"""Major and minor. The minor grows with every field that comes."""

SchemaName: TypeAlias = Literal["urn:hubao:schema:claim:1"]


class ClaimBill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one settlement tells beside `settlements`: place, days, and every other amount by its name, in yuan."""

    settlement_no: str
    facility_name: str | None = None
    facility_level: str | None = None
    inpatient_days: int | None = None
    insurance_type: str | None = None
    insured_region: str | None = None
    care_region: str | None = None
    amounts: dict[str, Yuan] = {}


class ToConfirm(msgspec.Struct, frozen=True, gc=False):
    """A flag that sends the claim to a person (须人工核实), in words."""

    flag: str
    text: str


class Recovery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was paid and is to come back (追回): amounts in yuan, why as a code and in words, the article it is by."""

    recovery_id: int
    paid: Yuan
    amount: Yuan
    reason: str
    text: str
    article: str | None = None


class VersionChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a version changed against the one before, and why. `payable_before` in yuan. `recovery`: the version is the
    notice that money comes back; all else is as the version before told it."""

    of_version: int
    payable_before: Yuan
    reasons: tuple[str, ...]
    text: str
    recovery: Recovery | None = None


class ClaimBody(ClaimContent, frozen=True, kw_only=True, gc=False):
    """A claim as it is proposed or amended."""

    claim_id: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    status: Literal["proposed", "amended"]
    explanation: list[str]
    not_covered: list[NotCovered]
    schema: SchemaName
    kind: Literal["claim"]
    applicant: Applicant
    bills: list[ClaimBill]
    balance: Balance | None
    still_needed: list[Needed]
    to_confirm: list[ToConfirm]
    change: VersionChange | None


class WithdrawalBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A version that takes a claim back (撤回): nothing is asked for any more, with the reason."""

    claim_id: str
    version: Annotated[int, msgspec.Meta(ge=2)]
    status: Literal["withdrawn"]
    association: str
    scheme: str
    reason: str
    payable: Literal["0.00"]
    schema: SchemaName
    kind: Literal["withdrawal"]
    explanation: list[str]
    change: VersionChange


def claim_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a body: a claim or a withdrawal. Unknown fields and codes are allowed."""
    (claim, withdrawal), parts = msgspec.json.schema_components(
        [ClaimBody, WithdrawalBody], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "预填申领 (pre-filled claim)",
        "description": f"版本 {SCHEMA_VERSION}。未知字段与代码应予忽略 (pass over fields and codes you do not know).",
        "x-version": SCHEMA_VERSION,
        "x-cut-codes": [
            {"code": code, "group": words.group, "text": words.text} for code, words in sorted(CUTS.items())
        ],
        "anyOf": [claim, withdrawal],
        "$defs": parts,
    }
