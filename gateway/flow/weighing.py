"""Weigh the stays of people who are locked: all their records → estimates → claims that differ → outbox.

The caller holds the locks (design §2) and passes what it already knows in memory; this reads what else is
stored about these people, decides with values, and writes once at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from gateway.core import claims as drafting
from gateway.core.claims import Draft
from gateway.core.schemes import Insured, SchemeFamily, assess, needs_person
from gateway.errors import BadCase
from gateway.flow.office import Office, delivery_context
from gateway.model.benefit import BenefitEstimate, Decided
from gateway.model.claim import ClaimStatus
from gateway.model.member import Member
from gateway.model.money import Money
from gateway.model.record import SettlementRecord
from gateway.store import claims, deliveries, items
from gateway.store.claims import ClaimRow, DecisionRow
from gateway.store.deliveries import Outgoing
from gateway.store.engine import Tx
from gateway.store.items import ReviewItem
from gateway.store.values import to_ms


class Stay(msgspec.Struct, kw_only=True, gc=False):
    """A settlement of a person with what the gateway knows of its coming."""

    record: SettlementRecord
    feed: str
    member_id: int
    page_seq: int
    row: int
    received_on: str
    record_id: int | None = None
    duplicate: bool = False
    was_duplicate: bool = False


class PersonFile(msgspec.Struct, kw_only=True, gc=False):
    """A locked person: his enrolments and all his live stays."""

    person_id: int
    association: str
    members: list[Member]
    stays: list[Stay]

    @property
    def enrolled(self) -> list[Member]:
        """His enrolments but those that opted out. A person may have none left."""
        return [member for member in self.members if not member.opt_out]


class Outcome(msgspec.Struct, kw_only=True):
    """What is to be written after weighing."""

    new: list[ClaimRow] = msgspec.field(default_factory=list)
    changed: list[ClaimRow] = msgspec.field(default_factory=list)
    outgoing: list[tuple[ClaimRow, bytes]] = msgspec.field(default_factory=list)
    doubts: list[ReviewItem] = msgspec.field(default_factory=list)


def mark_duplicates(stays: Sequence[Stay]) -> None:
    """The same facility, dates and total from another feed is a duplicate of the one received first (design §5.2)."""
    feeds = {stay.feed for stay in stays}
    if len(feeds) < 2:
        for stay in stays:
            stay.duplicate = False
        return
    first: dict[Any, Stay] = {}
    for stay in sorted(stays, key=lambda each: (each.page_seq, each.row)):
        r = stay.record
        same = (r.facility_no, r.admitted_on, r.discharged_on, r.total_amount, r.reversal)
        seen = first.setdefault(same, stay)
        stay.duplicate = seen.feed != stay.feed and r.facility_no is not None and r.admitted_on is not None


def weigh(tx: Tx, office: Office, people: Sequence[PersonFile]) -> Outcome:
    """Assess everything these people have, and write the claims and outbox rows that follow."""
    now_ms = to_ms(office.now())
    before: dict[int, dict[tuple[str, str], ClaimRow]] = defaultdict(dict)
    for row in claims.of_people(tx, [each.person_id for each in people]):
        before[row.person_id][(row.scheme, row.stay)] = row
    known = [row.claim_id for rows in before.values() for row in rows.values()]
    decided = claims.decisions(tx, known) if known else {}
    outcome = Outcome()
    for person in people:
        fixed = _fixed(tx, office, before[person.person_id].values(), decided)
        for family in office.families(person.association):
            try:
                _weigh_scheme(outcome, office, person, family, before[person.person_id], fixed, now_ms)
            except BadCase:
                # One person whose facts contradict each other must not hold up the others of his batch.
                outcome.doubts.append(_doubt(person, family, "", {}, person.stays, now_ms, kind="contradiction"))
    _write(tx, office, outcome, now_ms)
    return outcome


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """A decided claim: its row, the decision, and the settlements as the decided version told them."""

    claim: ClaimRow
    decision: Decided
    told: tuple[dict[str, Any], ...]


def _fixed(
    tx: Tx, office: Office, rows: Iterable[ClaimRow], decided: dict[str, DecisionRow]
) -> dict[tuple[str, str], Fixed]:
    fixed = {}
    for row in rows if decided else ():
        decision = decided.get(row.claim_id)
        if decision is None:
            continue
        told = _settlements_of(tx, office, decision)
        settlements = tuple(each["settlement_no"] for each in told)
        refused = decision.outcome == "refused"
        payable = Money(0 if refused else decision.amount)
        fixed[(row.scheme, row.stay)] = Fixed(
            claim=row, decision=Decided(settlements=settlements, payable=payable, refused=refused), told=told
        )
    return fixed


def _settlements_of(tx: Tx, office: Office, decision: DecisionRow) -> tuple[dict[str, Any], ...]:
    sealed = deliveries.body_of(tx, decision.claim_id, decision.version)
    if sealed is None:
        return ()
    plain = office.vault.open(sealed, delivery_context(f"{decision.claim_id}/{decision.version}"))
    body = msgspec.json.decode(plain)
    return tuple(body.get("settlements", ()))


def _weigh_scheme(
    outcome: Outcome,
    office: Office,
    person: PersonFile,
    family: SchemeFamily,
    before: dict[tuple[str, str], ClaimRow],
    fixed: dict[tuple[str, str], Fixed],
    now_ms: int,
) -> None:
    # Nobody is paid by an enrolment that opted out, or whose number turned out to be another's.
    stays = [stay for stay in person.stays if not stay.duplicate] if person.enrolled else []
    mine = {stay: row for (scheme, stay), row in before.items() if scheme == family.scheme}
    decided = {stay: each for (scheme, stay), each in fixed.items() if scheme == family.scheme}
    records = [stay.record for stay in stays]
    estimates = assess(insured(person, family.scheme), records, family, [each.decision for each in decided.values()])
    drafts: dict[str, Draft] = {}
    merged: set[str] = set()
    doubtful: set[str] = set()
    for estimate in estimates:
        merged.update(estimate.merged_stays)
        if "decided_before" in estimate.flags:
            doubtful.add(estimate.stay)
        if estimate.stay in decided or "decided_before" in estimate.flags:
            continue
        drafts[estimate.stay] = _draft(person, estimate, stays, family)
    for stay, row in mine.items():
        if stay in decided:
            if not _still_whole(decided[stay], records):
                doubtful.add(stay)
        elif stay not in drafts:
            _withdraw(outcome, row, "merged" if stay in merged else "reversed", now_ms)
    for one in drafts.values():
        _propose(outcome, office, person, one, mine.get(one.stay), now_ms)
    outcome.doubts += [_doubt(person, family, stay, mine, stays, now_ms) for stay in sorted(doubtful)]


def insured(person: PersonFile, scheme: str) -> Insured:
    """The person as a scheme sees him: the union of his enrolments' coverage."""
    if not person.enrolled:
        return Insured()
    first = person.enrolled[0]
    return Insured(
        category=first.category,
        sex=first.sex,
        birth_date=first.birth_date,
        coverage=tuple(each for member in person.enrolled for each in member.coverage if each.scheme == scheme),
    )


def _draft(person: PersonFile, estimate: BenefitEstimate, stays: Sequence[Stay], family: SchemeFamily) -> Draft:
    parts = [stays[index] for index in estimate.record_keys]
    ids = {stay.member_id for stay in parts}
    member = next((each for each in person.enrolled if each.member_id in ids), person.enrolled[0])
    return drafting.draft(
        member,
        estimate,
        [part.record for part in parts],
        scheme=family.scheme,
        received_on=date.fromisoformat(max(part.received_on for part in parts)),
        needs_person=needs_person(estimate),
    )


def _still_whole(fixed: Fixed, records: Sequence[SettlementRecord]) -> bool:
    """Whether every settlement the association decided on is still there, as it was told and not taken back."""
    there: dict[str, list[SettlementRecord]] = defaultdict(list)
    for record in records:
        if not record.reversal:
            there[record.settlement_no].append(record)
    gone = {record.reverses or record.settlement_no for record in records if record.reversal}
    return all(
        told["settlement_no"] not in gone
        and any(drafting.same_weight(told, record) for record in there[told["settlement_no"]])
        for told in fixed.told
    )


def _doubt(
    person: PersonFile,
    family: SchemeFamily,
    stay: str,
    mine: dict[str, ClaimRow],
    stays: Sequence[Stay],
    now_ms: int,
    *,
    kind: str = "decided_before",
) -> ReviewItem:
    latest = max(stays, key=lambda each: (each.page_seq, each.row)) if stays else None
    row = mine.get(stay)
    return ReviewItem(
        kind=kind,
        association=person.association,
        feed=latest.feed if latest else "",
        page_seq=latest.page_seq if latest else 0,
        row=latest.row if latest else None,
        key=None,
        amount=0,
        member_id=person.members[0].member_id if person.members else None,
        score=None,
        reasons=msgspec.json.encode([kind, family.scheme]).decode(),
        state="open",
        created_at=now_ms,
        claim_id=row.claim_id if row else drafting.claim_id(person.association, person.person_id, family.scheme, stay),
    )


def _propose(
    outcome: Outcome, office: Office, person: PersonFile, draft: Draft, old: ClaimRow | None, now_ms: int
) -> None:
    """A new claim, a new version of one, its withdrawal, or nothing where nothing changed."""
    if draft.payable == 0 and not draft.needs_person:
        if old is not None:
            _withdraw(outcome, old, "nothing_owed", now_ms)
        return
    content = office.vault.digest_content(draft.content)
    if old is not None and old.content == content and old.status != ClaimStatus.WITHDRAWN:
        return
    row = ClaimRow(
        claim_id=draft.claim_id,
        association=person.association,
        person_id=person.person_id,
        member_id=draft.member_id,
        scheme=draft.scheme,
        stay=draft.stay,
        version=1 if old is None else old.version + 1,
        status=ClaimStatus.PROPOSED if old is None else ClaimStatus.AMENDED,
        edition=draft.edition,
        payable=draft.payable,
        flags=",".join(draft.flags),
        claim_by=draft.claim_by.isoformat() if draft.claim_by else None,
        content=content,
        updated_at=now_ms,
    )
    (outcome.new if old is None else outcome.changed).append(row)
    outcome.outgoing.append((row, draft.content))


def _withdraw(outcome: Outcome, old: ClaimRow, reason: str, now_ms: int) -> None:
    if old.status == ClaimStatus.WITHDRAWN:
        return
    row = msgspec.structs.replace(
        old, version=old.version + 1, status=ClaimStatus.WITHDRAWN, payable=0, flags=reason, updated_at=now_ms
    )
    outcome.changed.append(row)
    outcome.outgoing.append((row, drafting.withdrawal(old.association, old.scheme, reason)))


def _write(tx: Tx, office: Office, outcome: Outcome, now_ms: int) -> None:
    claims.save(tx, outcome.new, outcome.changed)
    silent = deliveries.overtake(tx, [row.claim_id for row in outcome.changed])
    month = office.now().date().replace(day=1)
    keys = {name: office.vault.claim_key(name, month) for name in {row.association for row, _ in outcome.outgoing}}
    outgoing = []
    for row, content in outcome.outgoing:
        key = keys[row.association]
        plain = drafting.body(row.claim_id, row.version, row.status, content)
        unheard = row.status == ClaimStatus.WITHDRAWN and silent.get(row.claim_id, False)
        outgoing.append(
            Outgoing(
                claim_id=row.claim_id,
                version=row.version,
                association=row.association,
                sealed=key.seal(plain, delivery_context(f"{row.claim_id}/{row.version}")),
                state="overtaken" if unheard else "pending",
                next_at=now_ms,
            )
        )
    deliveries.add(tx, outgoing)
    fresh = [
        doubt for doubt in outcome.doubts if not items.has_open_review(tx, kind=doubt.kind, claim_id=doubt.claim_id)
    ]
    items.ask_review(tx, fresh)
