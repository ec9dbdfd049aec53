"""People as they are stored: locked by the caller, every record, fact and decided claim opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from gateway.core.changes.persons import HeldRecord, PersonFile
from gateway.core.changes.values import ClaimKey, DecidedClaim
from gateway.core.claims import kept
from gateway.core.schemes import EMERGENCY_CARE
from gateway.flow.changes.fact_boxes import facts_of
from gateway.flow.office import Office, Opener, delivery_context, record_name
from gateway.flow.opening import DOES_NOT_OPEN, member_piece, not_written_off, open_or_set_aside
from gateway.model.benefit import ClaimDecision
from gateway.model.claim import PrefilledClaim, StayKind
from gateway.model.member import Member
from gateway.model.money import Money
from gateway.model.pieces import Piece
from gateway.store import claims, deliveries, members, records
from gateway.store.claims import ClaimDecisionRow
from gateway.store.engine import Tx
from gateway.store.members import MemberRow
from gateway.store.records import RecordRow


def person_files(
    tx: Tx, office: Office, people: Mapping[int, str], opened: Mapping[int, list[Member]], aside: list[Piece]
) -> dict[int, PersonFile]:
    """The files of these people (person → association), in order of id. `opened`: enrolments opened already.

    What does not open is added to `aside`; a person of whom something is waited for is `unreadable`.
    """
    ids = sorted(people)
    unopened: list[Piece] = []
    enrolments = _enrolments(tx, office, ids, opened, unopened)
    settlement: dict[int, list[HeldRecord]] = defaultdict(list)
    open_one = office.vault.opener()
    for row in records.of_people(tx, ids):
        settlement[row.person_id].append(opened_record(office, row, open_one, unopened))
    facts = facts_of(tx, office, enrolments, people, unopened, with_emergencies=with_emergency_care(settlement))
    waiting = not_written_off(tx, unopened) if unopened else []
    aside += waiting
    return {
        person_id: PersonFile(
            person_id=person_id,
            association=people[person_id],
            members=enrolments[person_id],
            records=settlement[person_id],
            facts=tuple(facts.get(person_id, ())),
            unreadable=any(piece.person_id == person_id for piece in waiting),
        )
        for person_id in ids
    }


def with_emergency_care(records_of: Mapping[int, Iterable[HeldRecord]]) -> set[int]:
    """The people of whose records one is of emergency care: a person may have found it to be part of a stay."""
    return {
        person_id
        for person_id, records_held in records_of.items()
        if any(row.record is not None and row.record.care_type == EMERGENCY_CARE for row in records_held)
    }


def _enrolments(
    tx: Tx, office: Office, ids: Sequence[int], opened: Mapping[int, list[Member]], unopened: list[Piece]
) -> dict[int, list[Member]]:
    enrolments = {person_id: list(opened.get(person_id, ())) for person_id in ids}
    missing = [person_id for person_id in ids if person_id not in opened]
    for row in members.of_people(tx, missing) if missing else ():
        member = open_or_set_aside(member_piece(row), partial(office.open_member, row), unopened)
        enrolments[row.person_id].append(member or _nameless_member(row))
    return enrolments


def _nameless_member(row: MemberRow) -> Member:
    """An enrolment whose personal fields do not open. It takes part in nothing."""
    return Member(
        member_id=row.member_id,
        person_id=row.person_id,
        association=row.association,
        member_no=row.member_no,
        name="",
        id_type="",
        id_number="",
        category=row.category,
        league=row.league,
        opt_out=True,
        coverage=row.coverage,
    )


def opened_record(office: Office, row: RecordRow, open_one: Opener, unopened: list[Piece]) -> HeldRecord:
    """A record from the database; without what it says where that does not open."""
    try:
        return held_record(office, row, open_one)
    except DOES_NOT_OPEN:
        name = str(row.record_id)
        unopened.append(
            Piece(kind="record", name=name, subject=row.association, person_id=row.person_id, amount=row.amount)
        )
        return held_record(office, row)


def held_record(office: Office, row: RecordRow, open_one: Opener | None = None) -> HeldRecord:
    """A record from the database; opened where `open_one` is given."""
    key = bytes(row.key)
    record = None
    if open_one is not None:
        record = office.open_record(bytes(row.sealed), record_name(row.feed, key, row.association), open_one)
    return HeldRecord(
        record=record,
        key=key,
        association=row.association,
        feed=row.feed,
        person_id=row.person_id,
        member_id=row.member_id,
        page_seq=row.page_seq,
        row=row.row,
        received_on=row.received_on,
        amount=row.amount,
        record_id=row.record_id,
        duplicate=bool(row.duplicate),
        first=(row.first_seq, row.first_row or 0) if row.first_seq is not None else None,
    )


def claims_of(tx: Tx, office: Office, people: Iterable[int]) -> dict[int, dict[ClaimKey, PrefilledClaim]]:
    """Person → (scheme, digest of the stay) → the claim as it stands, whichever form its row has."""
    by_person: dict[int, dict[ClaimKey, PrefilledClaim]] = defaultdict(dict)
    for row in claims.of_people(tx, people):
        claim = office.digested(row)
        by_person[claim.person_id][claim_key(claim)] = claim
    return by_person


def claim_key(claim: PrefilledClaim) -> ClaimKey:
    """What a claim with a digest is found by among those of its person."""
    return claim.scheme, claim.stay_digest or b""


def decided_claims(
    tx: Tx, office: Office, claims_by_person: Mapping[int, Mapping[ClaimKey, PrefilledClaim]], aside: list[Piece]
) -> dict[int, dict[ClaimKey, DecidedClaim]]:
    """Person → (scheme, digest of the stay) → what the association decided, for those of these claims that are decided.
    Of a decided version that does not open only the amount counts, and it is added to `aside` unless it was written
    off."""
    by_id = {claim.claim_id: claim for of_person in claims_by_person.values() for claim in of_person.values()}
    decisions = claims.decisions(tx, by_id) if by_id else {}
    bodies = deliveries.bodies_of(tx, {claim_id: row.version for claim_id, row in decisions.items()})
    decided: dict[int, dict[ClaimKey, DecidedClaim]] = defaultdict(dict)
    unopened: list[Piece] = []
    for claim_id, claim in by_id.items():
        if claim_id in decisions:
            plain = _decided_body(office, claim, decisions[claim_id], bodies.get(claim_id), unopened)
            decided[claim.person_id][claim_key(claim)] = _decided(claim, decisions[claim_id], plain)
    aside += not_written_off(tx, unopened) if unopened else []
    return decided


def _decided_body(
    office: Office,
    claim: PrefilledClaim,
    decision: ClaimDecisionRow,
    sealed: bytes | None,
    unopened: list[Piece],
) -> bytes | None:
    if sealed is None:
        return None
    name = f"{decision.claim_id}/{decision.version}"
    piece = Piece(kind="body", name=name, subject=claim.association, person_id=claim.person_id, amount=decision.amount)
    return open_or_set_aside(piece, partial(office.vault.open, sealed, delivery_context(name)), unopened)


def _decided(claim: PrefilledClaim, decision: ClaimDecisionRow, plain: bytes | None) -> DecidedClaim:
    refused = decision.outcome == "refused"
    settlements = kept.settlements_told(plain) if plain is not None else ()
    stay = claim.stay or None
    if claim.stay_kind == StayKind.EVENT and plain is not None:
        # What an event is called its decided body alone says; its decision finds it by that.
        stay = kept.unit_told(plain) or stay
    return DecidedClaim(
        claim=claim,
        decision=ClaimDecision(
            settlements=tuple(settlement["settlement_no"] for settlement in settlements),
            payable=Money(0 if refused else decision.amount),
            refused=refused,
            stay=stay,
        ),
        told_settlements=settlements,
    )
