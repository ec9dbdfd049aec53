"""Claims as FHIR R4 `Claim` resources with `use = predetermination` (预先核定): extra `hubao-gateway[fhir]`.

What FHIR has a place for stands there: patient, provider, stay, diagnoses, coverage, settlements with totals, and what
is asked for. The amounts of 医保 stand as extensions `urn:hubao:fhir:amount` of their item. The whole of our own body
stands in the extension `urn:hubao:fhir:claim-body`, name by name, so that it comes back without loss. Requests,
questions and answers are those of `http_json`. Source: HL7 FHIR R4 (4.0.1), Claim and Extension; `fhir.resources` knows
R4B, which is the same for these.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from connectors.associations.http_json import HttpJson, HttpJsonSpec
from gateway.errors import WrongUse
from gateway.model.claim import Answer, AnswerKind
from gateway.ports import ClaimOnItsWay, DeliveryWay, Surroundings

BODY: Final = "urn:hubao:fhir:claim-body"
AMOUNT: Final = "urn:hubao:fhir:amount"

_CODES: Final = "http://terminology.hl7.org/CodeSystem/"
_UNKNOWN: Final = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"},
    ]
}
_STRING: Final = re.compile(r"\S(?s:.*\S)?")
_CONTROL: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\U0010ffff]")
_AMOUNTS: Final = ("total_amount", "in_scope_amount", "fund_paid_amount", "personal_amount")
_SEXES: Final = {"M": "male", "F": "female"}


class FhirClaimSpec(HttpJsonSpec, frozen=True, kw_only=True):
    """Claims as FHIR R4 Claim resources (use = predetermination), signed and sent like `http-json`.

    Needs the extra: pip install hubao-gateway[fhir].
    """


class FhirClaim(HttpJson):
    """A Sender: the same exchange as HTTP JSON, with the body as a resource."""

    content_type = "application/fhir+json; charset=utf-8"

    def __init__(self, spec: FhirClaimSpec, around: Surroundings, **more: Any) -> None:
        _claim_model()  # A missing extra must be found at the start, not at night.
        super().__init__(spec, around, **more)

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        """Deliver one claim version as a resource; the same bytes for the same body. See `gateway.ports.Sender`."""
        resource = to_fhir(body)
        if not _is_resource(resource):
            # Nothing was sent. What is wrong could speak of the member, so it is not kept.
            return Answer(kind=AnswerKind.UNAVAILABLE, code="not_fhir")
        return super().send(resource, claim_id=claim_id, version=version, idempotency_key=idempotency_key, now=now)

    def send_batch(self, claims: Sequence[ClaimOnItsWay], *, now: datetime) -> list[Answer]:
        """Several resources in one request; what is none goes in no batch, and is answered for as if sent alone."""
        resources = [msgspec.structs.replace(claim, body=to_fhir(claim.body)) for claim in claims]
        good = [resource for resource in resources if _is_resource(resource.body)]
        sent = super().send_batch(good, now=now) if good else []
        answers = {claim.idempotency_key: answer for claim, answer in zip(good, sent, strict=True)}
        none_sent = Answer(kind=AnswerKind.UNAVAILABLE, code="not_fhir")
        return [answers.get(claim.idempotency_key, none_sent) for claim in claims]


def _is_resource(text: bytes) -> bool:
    try:
        _claim_model().model_validate_json(text)
    except ValueError:
        return False
    return True


def _claim_model() -> Any:
    """The model of R4B. Raises WrongUse where the extra is not installed."""
    try:
        from fhir.resources.R4B.claim import Claim
    except ImportError:
        raise WrongUse(
            '以 FHIR 送达需要附加组件：pip install "hubao-gateway[fhir]" (the extra is not installed)'
        ) from None
    return Claim


def to_fhir(body: bytes) -> bytes:
    """One claim version as the JSON of a Claim resource; the same bytes for the same body."""
    content: dict[str, Any] = msgspec.json.decode(body)
    withdrawn = content.get("status") == "withdrawn"
    resource: dict[str, Any] = {
        "resourceType": "Claim",
        "identifier": [
            {"system": "urn:hubao:claim", "value": f"{content.get('claim_id')}-v{content.get('version', 1)}"}
        ],
        "status": "cancelled" if withdrawn else "active",
        "type": _coded("claim-type", "institutional"),
        "use": "predetermination",
        **_patient(content),
        **_created(content),
        **_stay(content.get("stay") or {}),
        "priority": _coded("processpriority", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": _coverage(content)}],
        "total": _money(content.get("payable", "0.00")),
        "extension": [_told_as(BODY, content)],
    }
    settlements = content.get("settlements") or []
    codes = dict.fromkeys(code for settlement in settlements for code in settlement["diagnosis_codes"] if code.strip())
    if codes:
        resource["diagnosis"] = [
            {
                "sequence": number,
                "diagnosisCodeableConcept": {"coding": [{"system": "urn:hubao:diagnosis", "code": code}]},
            }
            # A code of FHIR has no two blanks in a row; how it was sent stands in the body.
            for number, code in enumerate((" ".join(_plain(code).split()) for code in codes), 1)
        ]
    if settlements:
        resource["item"] = [_item(number, settlement) for number, settlement in enumerate(settlements, 1)]
    return msgspec.json.encode(resource)


def from_fhir(resource: bytes) -> bytes:
    """Our own body out of a resource that `to_fhir` made, as it was. Raises ValueError where it holds none."""
    content = msgspec.json.decode(resource)
    for extension in content.get("extension", ()):
        if extension.get("url") == BODY:
            return msgspec.json.encode(_taken_from(extension))
    raise ValueError(f"no extension {BODY}")


def _patient(content: Mapping[str, Any]) -> dict[str, Any]:
    member, applicant = content.get("member"), content.get("applicant") or {}
    if member is None:
        return {"patient": _UNKNOWN}
    numbers = [
        ("urn:hubao:member", member["member_no"]),
        (f"urn:hubao:document:{member['id_type']}", member["id_number"]),
    ]
    patient = {
        "resourceType": "Patient",
        "id": "patient",
        "identifier": [{"system": system, "value": _plain(number)} for system, number in numbers if number.strip()],
        "name": [{"text": _plain(member["name"]) or "–"}],
    }
    if applicant.get("sex") in _SEXES:
        patient["gender"] = _SEXES[applicant["sex"]]
    if applicant.get("birth_date"):
        patient["birthDate"] = applicant["birth_date"]
    return {"contained": [patient], "patient": {"reference": "#patient"}}


def _created(content: Mapping[str, Any]) -> dict[str, Any]:
    """When the bill was settled: a body has no other day of its own."""
    settled = [settlement["settled_at"] for settlement in content.get("settlements") or () if settlement["settled_at"]]
    return {"created": max(settled)[:10]} if settled else {"_created": _UNKNOWN}


def _stay(stay: Mapping[str, Any]) -> dict[str, Any]:
    provider: dict[str, Any] = {}
    if stay.get("facility_no"):
        provider["identifier"] = {"system": "urn:hubao:facility", "value": _plain(stay["facility_no"])}
    if stay.get("facility_name"):
        provider["display"] = _plain(stay["facility_name"])
    days = {"start": stay.get("admitted_on"), "end": stay.get("discharged_on")}
    period = {name: day for name, day in days.items() if day}
    return {"provider": provider or _UNKNOWN} | ({"billablePeriod": period} if period else {})


def _coverage(content: Mapping[str, Any]) -> dict[str, Any]:
    scheme = content.get("scheme") or "–"
    return {
        "identifier": {"system": "urn:hubao:scheme", "value": scheme},
        "display": f"{scheme} {content.get('edition') or ''}".strip(),
    }


def _item(number: int, settlement: Mapping[str, Any]) -> dict[str, Any]:
    """One settlement: what it cost, and what 医保 says of it."""
    item: dict[str, Any] = {
        "sequence": number,
        "productOrService": {
            "coding": [{"system": "urn:hubao:care", "code": settlement["care_type"] or "other"}],
            "text": _plain(settlement["settlement_no"]) or "–",
        },
    }
    if settlement["total_amount"] is not None:
        item["net"] = _money(settlement["total_amount"])
    amounts = [(name, settlement[name]) for name in _AMOUNTS if settlement[name] is not None]
    if amounts:
        item["extension"] = [
            {
                "url": AMOUNT,
                "extension": [{"url": "name", "valueCode": name}, {"url": "amount", "valueMoney": _money(amount)}],
            }
            for name, amount in amounts
        ]
    return item


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": _CODES + system, "code": code}]}


def _money(amount: str) -> dict[str, Any]:
    # The figures as they are: a number of JSON, never a float of ours.
    return {"value": msgspec.Raw(amount.encode()), "currency": "CNY"}


def _plain(text: str) -> str:
    """A text as FHIR may hold it: no control characters, no blanks around it."""
    return _CONTROL.sub("\ufffd", text).strip()


def _told_as(url: str, value: Any) -> dict[str, Any]:
    """A JSON value as an extension: lists and objects begin with a mark, so that empty ones come back too."""
    if value is None:
        return {"url": url, "valueCode": "null"}
    if isinstance(value, bool):
        return {"url": url, "valueBoolean": value}
    if isinstance(value, int):
        return {"url": url, "valueInteger": value}
    if isinstance(value, str):
        if _STRING.fullmatch(value) and not _CONTROL.search(value):
            return {"url": url, "valueString": value}
        return (
            {"url": url, "valueBase64Binary": base64.b64encode(value.encode()).decode()}
            if value
            else {"url": url, "valueCode": "empty"}
        )
    kind, parts = ("object", value.items()) if isinstance(value, dict) else ("list", (("item", part) for part in value))
    mark = {"url": "kind", "valueCode": kind}
    return {"url": url, "extension": [mark, *(_told_as(name, part) for name, part in parts)]}


def _taken_from(extension: Mapping[str, Any]) -> Any:
    """The JSON value an extension of `_told_as` holds."""
    parts = extension.get("extension")
    if parts is None:
        if "valueCode" in extension:
            return None if extension["valueCode"] == "null" else ""
        if "valueBase64Binary" in extension:
            return base64.b64decode(extension["valueBase64Binary"]).decode()
        return next(extension[name] for name in ("valueString", "valueBoolean", "valueInteger") if name in extension)
    mark, *rest = parts
    if mark["valueCode"] == "object":
        return {part["url"]: _taken_from(part) for part in rest}
    return [_taken_from(part) for part in rest]


WAY = DeliveryWay(spec=FhirClaimSpec, make=FhirClaim)
