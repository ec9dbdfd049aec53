"""A golden case → the body an association receives, and its headers under a key that everybody knows."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import msgspec

from gateway import wiring
from gateway.core.claims.content import Draft
from gateway.core.claims.drafting import change_of, draft, recovery_of, stay_text, unkeyed_claim_id, withdrawal_of
from gateway.core.claims.explaining import NO_WORDING, Wording, wording_of
from gateway.core.claims.kept import body, changed_again, frozen, spoken, withdrawal
from gateway.core.schemes import Insured, SchemeFamily, assess, needs_person
from gateway.errors import BadCase
from gateway.kit.cases import GoldenCase
from gateway.kit.golden_cases import GOLDEN
from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.model.member import Member
from gateway.model.record import SettlementRecord
from gateway.settings.schemes import load_families
from gateway.settings.shipped import shipped_folder

ASSOCIATION: Final = "demo"
TIMESTAMP: Final = 1_790_000_000
"""Unix seconds at which every vector was signed: in September 2026."""


def _known_key(text: str) -> str:
    return "whsec_" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


KEY: Final = _known_key("hubao golden payloads")
"""What the vectors are signed with. It stands in every copy of the kit: it must never sign a real claim."""

OLD_KEY: Final = _known_key("hubao golden payloads, before the rotation")
"""The key of before, while both sign."""

ROTATED: Final = ("new-second-year", "amended-corrected")
"""The cases whose signature header holds one of each."""

Speak = Callable[[bytes], bytes]
"""A kept body → what goes over the wire."""


class GoldenPayload(msgspec.Struct, frozen=True, kw_only=True):
    """A body as it goes over the wire, and the headers of its delivery. `key`: the idempotency key."""

    name: str
    words: str
    body: bytes
    key: str
    headers: dict[str, str] = {}

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.json"


def golden_payloads() -> list[GoldenPayload]:
    """All of them, the same at every call."""
    families = load_families(shipped_folder() / "config" / "schemes")
    wordings: dict[tuple[str, str | None], Wording] = {
        (family.scheme, edition.name): wording_of(edition)
        for family in families.values()
        for edition in family.editions
    }

    def speak(stored: bytes) -> bytes:
        return spoken(stored, lambda scheme, edition: wordings.get((scheme, edition), NO_WORDING))

    return [_payload(case, families[case.scheme], speak) for case in GOLDEN]


def _payload(case: GoldenCase, family: SchemeFamily, speak: Speak) -> GoldenPayload:
    claim_id, version, content, status = _version(case, family)
    spoken_body = speak(body(claim_id, version, status, content))
    unsigned = GoldenPayload(name=case.name, words=case.words, body=spoken_body, key=f"{claim_id}-v{version}")
    keys = f"{KEY} {OLD_KEY}" if case.name in ROTATED else KEY
    return msgspec.structs.replace(unsigned, headers=known_headers(unsigned, keys))


def known_headers(payload: GoldenPayload, secret: str) -> dict[str, str]:
    """What a payload is delivered with, signed with a key or several at the time of all vectors."""
    return {
        "content-type": "application/json; charset=utf-8",
        "idempotency-key": payload.key,
        **wiring.sign_webhook(secret, message_id=payload.key, timestamp=TIMESTAMP, body=payload.body),
    }


def _version(case: GoldenCase, family: SchemeFamily) -> tuple[str, int, bytes, str]:
    """Claim id, version, kept content and status of what a case is about."""
    if not case.before:
        first = _draft(case, family, case.sheets)
        return _claim_id(case, first), 1, frozen(first), ClaimStatus.PROPOSED
    before = _draft(case, family, case.before)
    claim_id = _claim_id(case, before)
    standing = _standing(claim_id, before)
    if case.withdrawn:
        change = withdrawal_of(standing, case.withdrawn)
        return claim_id, 2, withdrawal(ASSOCIATION, case.scheme, case.withdrawn, change), ClaimStatus.WITHDRAWN
    if case.recovery is not None:
        stored = body(claim_id, 1, ClaimStatus.PROPOSED, frozen(before))
        notice = changed_again(stored, recovery_of(standing, case.recovery))
        assert notice is not None  # noqa: S101 - only bodies of before have nothing beside their content.
        return claim_id, 2, notice, ClaimStatus.AMENDED
    after = _draft(case, family, case.sheets)
    return claim_id, 2, frozen(after, change_of(standing, after)), ClaimStatus.AMENDED


def _claim_id(case: GoldenCase, drafted: Draft) -> str:
    # A claim's number in a site is keyed by the site's vault; here the name of the case keeps any two apart.
    return unkeyed_claim_id(stay_text(f"{ASSOCIATION}/{case.name}", 0, case.scheme, drafted.stay))


def _draft(case: GoldenCase, family: SchemeFamily, sheets: Sequence[SettlementRecord]) -> Draft:
    """The claim that a case is about, drafted as a night does. Raises BadCase where its settlements make none."""
    person = case.person
    insured = Insured(category=person.category, sex=person.sex, birth_date=person.birth_date, coverage=case.coverage)
    estimates = assess(insured, sheets, family, facts=case.facts, ties_corrections=False)
    estimate = next((estimate for estimate in estimates if not case.about or case.about in estimate.settlements), None)
    if estimate is None:
        raise BadCase("no_claim", f"{case.name}: 没有申领 (no claim)")
    flags = tuple(dict.fromkeys((*estimate.flags, *case.added)))
    estimate = msgspec.structs.replace(estimate, flags=flags)
    records = [sheets[at] for at in estimate.record_keys]
    settled = max((record.settled_at.date() for record in records if record.settled_at), default=date.min)
    return draft(
        Member(
            member_id=0,
            person_id=0,
            association=ASSOCIATION,
            id_type="01",
            coverage=case.coverage,
            **msgspec.structs.asdict(person),
        ),
        estimate,
        records,
        scheme=case.scheme,
        received_on=case.received_on or settled,
        needs_person=needs_person(estimate),
    )


def _standing(claim_id: str, drafted: Draft) -> PrefilledClaim:
    """The first version of a claim, which the next one changes."""
    return PrefilledClaim(
        claim_id=claim_id,
        association=ASSOCIATION,
        person_id=0,
        member_id=0,
        scheme=drafted.scheme,
        stay_kind="stay",
        stay_digest=b"",
        version=1,
        status=ClaimStatus.PROPOSED,
        edition=drafted.edition,
        payable=drafted.payable,
        flags=",".join(drafted.flags),
        claim_by=drafted.claim_by.isoformat() if drafted.claim_by else None,
        content=b"",
        updated_at=0,
    )
