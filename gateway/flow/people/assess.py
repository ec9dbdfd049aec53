"""Weigh the stays of people who are locked: all their records → estimates → claims that differ → outbox.

The caller holds the locks (design §2) and passes what it already knows in memory; this reads what else is
stored about these people, decides with values, and writes once at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from gateway.core.claims import drafting, kept
from gateway.core.claims.content import Draft
from gateway.core.compared import to_compare
from gateway.core.reviewing import union_of_coverage, union_order
from gateway.core.schemes import (
    Insured,
    OtherPayment,
    SchemeFamily,
    assess,
    in_order_of_payment,
    needs_person,
    payments_by,
)
from gateway.errors import BadCase
from gateway.flow.findings.aside import not_written_off, open_or_set_aside
from gateway.flow.office import Office, delivery_context, pack
from gateway.model.benefit import BenefitEstimate, ClaimDecision, Fact
from gateway.model.claim import ClaimStatus
from gateway.model.member import Coverage, Member
from gateway.model.money import Money
from gateway.model.record import SettlementRecord
from gateway.store import claims, deliveries, reviews, unreadable
from gateway.store.claims import ClaimDecisionRow, ClaimRow
from gateway.store.deliveries import Outgoing
from gateway.store.engine import Tx
from gateway.store.reviews import ReviewItem
from gateway.store.unreadable import Piece
from gateway.store.values import to_ms

WITHDRAWN = "decision_withdrawn"
"""Why claims are withdrawn when a person takes a decision about a doubt back."""

_MERGED = "merged"

_EVENT = "event/"
"""How the stays of claims begin that are about a diagnosis, a death or the end of a period."""


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
    facts: tuple[Fact, ...] = ()
    aside: list[Piece] = msgspec.field(default_factory=list)

    @property
    def enrolled(self) -> list[Member]:
        """His enrolments but those that opted out, in order of member number. A person may have none left."""
        mine = [member for member in self.members if not member.opt_out]
        return sorted(mine, key=_member_no) if len(mine) > 1 else mine


def _member_no(member: Member) -> str:
    return member.member_no


class Outcome(msgspec.Struct, kw_only=True):
    """What is to be written after weighing. `digest`: the facts of a doubt → by what they are known again; `because`:
    why claims are withdrawn, where that is not told by what is left."""

    digest: Callable[[str], bytes]
    because: str | None = None
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


def weigh(tx: Tx, office: Office, people: Sequence[PersonFile], *, because: str | None = None) -> Outcome:
    """Assess everything these people have, and write the claims and outbox rows that follow.

    `because`: the reason of every withdrawal but a merger's, where no record tells it.
    """
    now_ms = to_ms(office.now())
    before: dict[int, dict[tuple[str, str], ClaimRow]] = defaultdict(dict)
    for row in claims.of_people(tx, [each.person_id for each in people]):
        before[row.person_id][(row.scheme, row.stay)] = row
    known = [row.claim_id for rows in before.values() for row in rows.values()]
    decided = claims.decisions(tx, known) if known else {}
    outcome = Outcome(digest=office.vault.fingerprinter("doubt"), because=because)
    families = {name: in_order_of_payment(office.families(name)) for name in {each.association for each in people}}
    unopened: list[Piece] = []
    everything = fixed_claims(
        tx, office, [row for rows in before.values() for row in rows.values()], decided, aside=unopened
    )
    blocked = set_aside(tx, office, [*unopened, *(piece for person in people for piece in person.aside)])
    for person in people:
        if person.person_id in blocked:
            continue
        fixed = everything.get(person.person_id, {})
        paid: list[OtherPayment] = []
        for family in families[person.association]:
            try:
                _weigh_scheme(outcome, office, person, family, before[person.person_id], fixed, paid, now_ms)
            except BadCase:
                # One person whose facts contradict each other must not hold up the others of his batch.
                facts = [[stay.record for stay in person.stays], insured(person, family.scheme)]
                said = outcome.digest(to_compare(facts).hex())
                outcome.doubts.append(_doubt(person, family, "", {}, person.stays, now_ms, said, kind="contradiction"))
    _write(tx, office, outcome, now_ms)
    return outcome


def set_aside(tx: Tx, office: Office, pieces: Sequence[Piece]) -> set[int]:
    """Note what does not open and was not written off; returns the people about whom nothing is concluded for it."""
    waiting = not_written_off(tx, pieces)
    unreadable.note(tx, waiting, now=office.now())
    return {piece.person_id for piece in waiting if piece.person_id is not None}


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """A decided claim: its row, the decision, and the settlements as the decided version told them."""

    claim: ClaimRow
    decision: ClaimDecision
    told: tuple[dict[str, Any], ...]


def fixed_claims(
    tx: Tx,
    office: Office,
    rows: Iterable[ClaimRow],
    decided: dict[str, ClaimDecisionRow],
    *,
    aside: list[Piece] | None = None,
) -> dict[int, dict[tuple[str, str], Fixed]]:
    """Person → (scheme, stay) → what the association decided, for those of these claims that are decided.

    Of a decided version that does not open only the amount counts, and it is added to `aside`; without `aside` it
    raises BrokenSeal.
    """
    mine = [row for row in rows if row.claim_id in decided]
    bodies = deliveries.bodies_of(tx, {row.claim_id: decided[row.claim_id].version for row in mine})
    fixed: dict[int, dict[tuple[str, str], Fixed]] = {}
    for row in mine:
        decision = decided[row.claim_id]
        told = _settlements_of(office, row, decision, bodies.get(row.claim_id), aside)
        settlements = tuple(each["settlement_no"] for each in told)
        refused = decision.outcome == "refused"
        payable = Money(0 if refused else decision.amount)
        fixed.setdefault(row.person_id, {})[(row.scheme, row.stay)] = Fixed(
            claim=row,
            decision=ClaimDecision(settlements=settlements, payable=payable, refused=refused, stay=row.stay),
            told=told,
        )
    return fixed


def _settlements_of(
    office: Office, row: ClaimRow, decision: ClaimDecisionRow, sealed: bytes | None, aside: list[Piece] | None
) -> tuple[dict[str, Any], ...]:
    if sealed is None:
        return ()
    name = f"{decision.claim_id}/{decision.version}"

    def told() -> tuple[dict[str, Any], ...]:
        return kept.settlements_told(office.vault.open(sealed, delivery_context(name)))

    if aside is None:
        return told()
    piece = Piece(kind="body", name=name, subject=row.association, person_id=row.person_id, amount=decision.amount)
    return open_or_set_aside(piece, told, aside) or ()


def _weigh_scheme(
    outcome: Outcome,
    office: Office,
    person: PersonFile,
    family: SchemeFamily,
    before: dict[tuple[str, str], ClaimRow],
    fixed: dict[tuple[str, str], Fixed],
    paid: list[OtherPayment],
    now_ms: int,
) -> None:
    """One scheme of a person. `paid` is what schemes before it pay, for those that stand on them; it grows."""
    # Nobody is paid by an enrolment that opted out, or whose number turned out to be another's.
    stays = [stay for stay in person.stays if not stay.duplicate] if person.enrolled else []
    mine = {stay: row for (scheme, stay), row in before.items() if scheme == family.scheme}
    decided = {stay: each for (scheme, stay), each in fixed.items() if scheme == family.scheme}
    who = insured(person, family.scheme)
    if not who.coverage and not mine:
        # Who never had a period in a scheme has no claim in it, whatever a settlement leaves in doubt.
        return
    records = [stay.record for stay in stays]
    decisions = [each.decision for each in decided.values()]
    estimates = assess(who, records, family, decisions, facts=person.facts, other_payments=paid)
    if len(office.families(person.association)) > 1:
        paid += payments_by(family.scheme, estimates, records)
    doubtful = _doubtful(estimates, decided, records)
    drafts = {
        one.stay: _draft(person, one, stays, family, covered=bool(who.coverage))
        for one in estimates
        if one.stay not in decided and "decided_before" not in one.flags
    }
    _withdraw_gone(outcome, person, mine, {*drafts, *decided}, estimates, now_ms)
    for draft in drafts.values():
        _propose(outcome, office, person, draft, mine.get(draft.stay), now_ms)
    outcome.doubts += [
        _doubt(person, family, stay, mine, stays, now_ms, outcome.digest(doubtful[stay])) for stay in sorted(doubtful)
    ]


def _doubtful(
    estimates: Sequence[BenefitEstimate], decided: dict[str, Fixed], records: Sequence[SettlementRecord]
) -> dict[str, str]:
    """Stay → what speaks against a decision of the association, where anything does."""
    doubtful = {one.stay: repr(one.settlements) for one in estimates if "decided_before" in one.flags}
    for stay, fixed in decided.items():
        if changes := changed_since(fixed, records):
            doubtful[stay] = doubtful.get(stay, "") + repr(changes)
    return doubtful


def _withdraw_gone(
    outcome: Outcome,
    person: PersonFile,
    mine: dict[str, ClaimRow],
    there: set[str],
    estimates: Sequence[BenefitEstimate],
    now_ms: int,
) -> None:
    """Take back the claims of stays that are not there any more."""
    merged = {stay for estimate in estimates for stay in estimate.merged_stays}
    for stay, row in mine.items():
        if stay in there:
            continue
        # Who has no enrolment left was found to be another person, whose claims now hold these stays.
        if stay in merged or not person.members:
            _withdraw(outcome, row, _MERGED, now_ms)
        else:
            _withdraw(outcome, row, "event_gone" if stay.startswith(_EVENT) else "reversed", now_ms)


def insured(person: PersonFile, scheme: str) -> Insured:
    """The person as a scheme sees him: the union of his enrolments' coverage."""
    if not person.enrolled:
        return Insured()
    enrolled = person.enrolled
    first = enrolled[0]
    if len(enrolled) == 1:
        coverage = tuple(each for each in first.coverage if each.scheme == scheme)
    else:
        # Days that two enrolments share are covered once; within one enrolment they are a contradiction.
        coverage = union_of_coverage([period for _, period in _periods(enrolled, scheme)])
    return Insured(category=first.category, sex=first.sex, birth_date=first.birth_date, coverage=coverage)


def _periods(enrolled: Iterable[Member], scheme: str) -> Iterator[tuple[Member, Coverage]]:
    """Every period in a scheme with whose it is, in the category he has there."""
    for member in enrolled:
        for each in member.coverage:
            if each.scheme == scheme:
                own = each if each.category else msgspec.structs.replace(each, category=member.category)
                yield member, own


def _draft(
    person: PersonFile, estimate: BenefitEstimate, stays: Sequence[Stay], family: SchemeFamily, *, covered: bool
) -> Draft:
    # What pays at events only leaves no question about care for a person, whatever a settlement leaves open.
    asked = covered and (bool(family.units) or estimate.stay.startswith(_EVENT))
    parts = [stays[index] for index in estimate.record_keys]
    return drafting.draft(
        _claimant(person, estimate, parts, family.scheme),
        estimate,
        [part.record for part in parts],
        scheme=family.scheme,
        # What only facts tell of has no settlement that came, so it is never late for having come late.
        received_on=max([date.fromisoformat(part.received_on) for part in parts], default=date.min),
        needs_person=asked and needs_person(estimate),
    )


def _claimant(person: PersonFile, estimate: BenefitEstimate, parts: Sequence[Stay], scheme: str) -> Member:
    """The enrolment a claim names: the one whose period pays, as the union of coverage has it; where none does, one
    the settlements were matched to."""
    enrolled = person.enrolled
    if len(enrolled) == 1:
        return enrolled[0]
    day = estimate.period_from
    if day is not None:
        covering = [pair for pair in _periods(enrolled, scheme) if pair[1].first_day <= day <= pair[1].last_day]
        if covering:
            return min(covering, key=lambda pair: union_order(pair[1]))[0]
    ids = {stay.member_id for stay in parts}
    return next((each for each in enrolled if each.member_id in ids), enrolled[0])


def changed_since(fixed: Fixed, records: Sequence[SettlementRecord]) -> list[tuple[str, str]]:
    """What became of the settlements the association decided on, where they are not there as they were told: gone,
    or what they say now. Empty where all stand."""
    there: dict[str, list[SettlementRecord]] = defaultdict(list)
    for record in records:
        if not record.reversal:
            there[record.settlement_no].append(record)
    reversed_ = {record.reverses or record.settlement_no for record in records if record.reversal}
    changes = []
    for told in fixed.told:
        number, now = told["settlement_no"], there[told["settlement_no"]]
        if number in reversed_ or not now:
            changes.append((number, "gone"))
        elif not any(drafting.same_weight(told, record) for record in now):
            # Packed, a record read just now and the same one from the database are the same bytes.
            changes.append((number, pack(now).hex()))
    return changes


def _doubt(
    person: PersonFile,
    family: SchemeFamily,
    stay: str,
    mine: dict[str, ClaimRow],
    stays: Sequence[Stay],
    now_ms: int,
    situation: bytes,
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
        member_id=min(person.members, key=_member_no).member_id if person.members else None,
        score=None,
        reasons=msgspec.json.encode([kind, family.scheme]).decode(),
        state="open",
        created_at=now_ms,
        claim_id=row.claim_id if row else drafting.claim_id(person.association, person.person_id, family.scheme, stay),
        situation=situation,
    )


def _propose(
    outcome: Outcome, office: Office, person: PersonFile, draft: Draft, old: ClaimRow | None, now_ms: int
) -> None:
    """A new claim, a new version of one, its withdrawal, or nothing where nothing changed."""
    if draft.payable == 0 and not draft.needs_person:
        if old is not None:
            _withdraw(outcome, old, "nothing_owed", now_ms)
        return
    # Compared in the form it has: a field that a later form gained amends no claim by itself.
    stands = old is not None and old.status != ClaimStatus.WITHDRAWN
    if old is not None and stands and old.content == office.vault.digest_content(kept.content_in_form(draft, old.form)):
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
        content=office.vault.digest_content(draft.content),
        updated_at=now_ms,
        form=kept.FORMS.newest,
    )
    (outcome.new if old is None else outcome.changed).append(row)
    outcome.outgoing.append((row, kept.frozen(draft)))


def _withdraw(outcome: Outcome, old: ClaimRow, reason: str, now_ms: int) -> None:
    if old.status == ClaimStatus.WITHDRAWN:
        return
    reason = reason if reason == _MERGED else outcome.because or reason
    row = msgspec.structs.replace(
        old, version=old.version + 1, status=ClaimStatus.WITHDRAWN, payable=0, flags=reason, updated_at=now_ms
    )
    outcome.changed.append(row)
    outcome.outgoing.append((row, kept.withdrawal(old.association, old.scheme, reason)))


def _write(tx: Tx, office: Office, outcome: Outcome, now_ms: int) -> None:
    claims.save(tx, outcome.new, outcome.changed)
    silent = deliveries.overtake(tx, [row.claim_id for row in outcome.changed])
    month = office.now().date().replace(day=1)
    keys = {name: office.vault.claim_key(name, month) for name in {row.association for row, _ in outcome.outgoing}}
    outgoing = []
    for row, content in outcome.outgoing:
        key = keys[row.association]
        plain = kept.body(row.claim_id, row.version, row.status, content)
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
        doubt
        for doubt in outcome.doubts
        if not reviews.has_open(tx, kind=doubt.kind, claim_id=doubt.claim_id)
        and not reviews.is_answered(tx, kind=doubt.kind, claim_id=doubt.claim_id, situation=doubt.situation)
    ]
    reviews.ask(tx, fresh)
