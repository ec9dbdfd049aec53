"""Explain a claim: the sentences of its frozen body, the papers to bring, and the open questions it leaned on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.core.claims.explaining import Explanation, NotCovered, explain, explain_withdrawal
from gateway.core.claims.needs import situations_of
from gateway.core.schemes import Edition, SchemeFamily
from gateway.errors import BadCase, WrongUse
from gateway.flow.office import Office
from gateway.flow.people.ledgers import cases_of, open_person
from gateway.model.claim import ClaimStatus, PrefilledClaim, StayKind
from gateway.model.money import yuan
from gateway.store import claims, deliveries
from gateway.store.engine import Tx

_OUTCOMES = {"approved": "协会已核定补助{}元。", "paid": "协会已支付{}元。", "refused": "协会已核定不予补助。"}


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question the regulation leaves open and the answer this claim rests on."""

    name: str
    question: str
    answer: str


class ClaimExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One claim in words. `source`: "body" as it was delivered, "records" worked out again for a body of before."""

    claim_id: str
    version: int
    status: str
    scheme: str
    edition: str | None
    payable: str
    explanation: list[str]
    not_covered: list[NotCovered]
    claim_by: str | None
    papers: list[str]
    open_questions: list[OpenQuestion]
    source: str


def explain_claim(office: Office, claim_id: str) -> ClaimExplanation:
    """How each fen of the latest version came about. Raises WrongUse where there is no such claim or body."""
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
        if not rows:
            raise WrongUse(f"没有申领 {claim_id} (no such claim)")
        row = office.digested(rows[0])
        sealed = _sealed_body(tx, row)
        body = msgspec.json.decode(office.claim_body(sealed, claim_id, row.version))
        words, source = _words(tx, office, row, body)
        decision = claims.decisions(tx, [claim_id]).get(claim_id)
    edition = edition_named(office.schemes.get(row.scheme), row.edition)
    live = row.status != ClaimStatus.WITHDRAWN
    decided = [] if decision is None else [_OUTCOMES[decision.outcome].format(yuan(decision.amount))]
    return ClaimExplanation(
        claim_id=claim_id,
        version=row.version,
        status=row.status,
        scheme=row.scheme,
        edition=row.edition,
        payable=yuan(row.payable),
        explanation=words.explanation + decided,
        not_covered=words.not_covered,
        claim_by=row.claim_by if live else None,
        papers=papers_for(edition, _situations(row, body, office.claim_unit(sealed, row))) if edition and live else [],
        open_questions=[
            OpenQuestion(name=name, question=edition.questions[name].question, answer=edition.questions[name].answer)
            for name in body.get("assumed", ())
            if name in edition.questions
        ]
        if edition
        else [],
        source=source,
    )


def _sealed_body(tx: Tx, row: PrefilledClaim) -> bytes:
    sealed = deliveries.body_of(tx, row.claim_id, row.version)
    if sealed is None:
        raise WrongUse(f"申领 {row.claim_id} 的内容已到期销毁 (its content has expired)")
    return sealed


def _words(tx: Tx, office: Office, row: PrefilledClaim, body: Mapping[str, Any]) -> tuple[Explanation, str]:
    if row.status == ClaimStatus.WITHDRAWN:
        return explain_withdrawal(body["reason"]), "body"
    if "explanation" in body:
        words = {"explanation": body["explanation"], "not_covered": body["not_covered"]}
        return msgspec.convert(words, Explanation), "body"
    worked_out = _worked_out(tx, office, row)
    if worked_out is None:
        lines = [f"{line['text']}（{line['article']}）。" for line in body.get("lines", ())]
        worked_out = Explanation(explanation=[*lines, f"合计应补助{body['payable']}元。"], not_covered=[])
    return worked_out, "records"


def _worked_out(tx: Tx, office: Office, row: PrefilledClaim) -> Explanation | None:
    """The words for a body made before bodies held them; None where the records say something else by now."""
    case = cases_of(tx, office, open_person(tx, office, row.association, row.person_id)).get(row.scheme)
    if case is None:
        return None
    try:
        estimates = case.estimates(but=row.stay_digest)
    except BadCase:
        return None
    for estimate in estimates:
        if estimate.payable == row.payable and office.digest_stay(row, estimate.stay) == row.stay_digest:
            records = [case.records[at] for at in estimate.record_keys]
            flags = row.flags.split(",") if row.flags else []
            return explain(estimate, records, office.wording(row.scheme, estimate.edition), flags=flags)
    return None


def edition_named(family: SchemeFamily | None, name: str | None) -> Edition | None:
    """The edition of this name; None where the scheme has it no longer."""
    return next((edition for edition in family.editions if edition.name == name), None) if family else None


def _situations(row: PrefilledClaim, body: Mapping[str, Any], unit: str) -> set[str]:
    """The situations of the claim that ask for papers of their own; `unit`: what it is about where that is no stay."""
    return situations_of(
        care={settlement["care_type"] for settlement in body.get("settlements", ())},
        flags=row.flags.split(","),
        rules=[line["rule"] for line in body.get("lines", ())],
        unit=unit,
        at_event=row.stay_kind == StayKind.EVENT,
    )


def papers_for(edition: Edition, situations: Iterable[str]) -> list[str]:
    """What a member brings in these situations, in the order of the edition's file."""
    present = set(situations)
    return [item for papers in edition.papers if papers.situation in present for item in papers.items]
