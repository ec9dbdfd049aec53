"""What a person's records are worth: estimates under every scheme → claims that differ from those that stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, TypeVar

import msgspec

from gateway.core.changes.bills import NOTHING_ASKED, Bills
from gateway.core.changes.decided_again import question_about, settled_again
from gateway.core.changes.difference import ELSEWHERE, MERGED, TOLD_ELSEWHERE
from gateway.core.changes.persons import HeldRecord, PersonFile, claimant, insured
from gateway.core.changes.questions import AskedBefore, BillQuestion
from gateway.core.changes.repeats import COUNTED, TOO_MANY_DAYS
from gateway.core.changes.values import Changes, ClaimKey, DecidedClaim, Known, Place, Rules
from gateway.core.claims import drafting, kept
from gateway.core.claims.content import FORMS, Draft, content_in_form
from gateway.core.compared import to_compare
from gateway.core.schemes import Insured, OtherPayment, SchemeFamily, assess, needs_person, payments_by
from gateway.errors import BadCase
from gateway.model.benefit import BenefitEstimate, ClaimDecision
from gateway.model.claim import ClaimStatus, PrefilledClaim, StayKind
from gateway.model.questions import ReviewItem
from gateway.model.record import SettlementRecord
from gateway.model.states import QuestionKind

Claimed = TypeVar("Claimed", PrefilledClaim, DecidedClaim)

DECISION_WITHDRAWN: Final = "decision_withdrawn"
"""Why claims are withdrawn when a person takes a decision about a doubt back."""

_COVER_GONE: Final = "cover_gone"
_PROPOSED, _AMENDED = ClaimStatus.PROPOSED, ClaimStatus.AMENDED
_EVENT: Final = "event/"
"""How the stays of claims begin that are about a diagnosis, a death or the end of a period."""


def _named_apart(estimates: Sequence[BenefitEstimate], counting: Sequence[HeldRecord]) -> Sequence[BenefitEstimate]:
    """Every stay under a name of its own. Two feeds may give one number at one facility to two stays of a person, and
    tell no visit: what was received first keeps the name, the other one's says its feed too."""
    if len(estimates) < 2 or len({estimate.stay for estimate in estimates}) == len(estimates):
        return estimates
    first: dict[str, Place] = {}
    for estimate in estimates:
        came = min((counting[at].first_place for at in estimate.record_keys), default=(0, 0))
        first[estimate.stay] = min(came, first.get(estimate.stay, came))
    named = []
    for estimate in estimates:
        part = min((counting[at] for at in estimate.record_keys), key=lambda part: part.first_place, default=None)
        is_second = part is not None and part.first_place > first[estimate.stay]
        name = f"{estimate.stay}@{part.feed}" if part is not None and is_second else estimate.stay
        named.append(msgspec.structs.replace(estimate, stay=name))
    return named


def assess_person(
    person: PersonFile,
    bills: Bills,
    standing: Sequence[HeldRecord],
    known: Known,
    rules: Rules,
    changes: Changes,
    withdrawal_reason: str | None,
) -> None:
    """Assess everything a person has. `bills`: how the standing records count."""
    before = known.claims.get(person.person_id, {})
    decided = known.decided.get(person.person_id, {})
    asked = known.asked.get(person.person_id, NOTHING_ASKED)
    desk = _Desk(person, bills, asked, rules, changes, withdrawal_reason)
    paid: list[OtherPayment] = []
    for family in rules.families(person.association):
        claims = _of_scheme(family, before)
        decisions = _of_scheme(family, decided)
        try:
            desk.assess_scheme(family, claims, decisions, paid)
        except BadCase:
            # One person whose facts contradict each other must not hold up the others of the batch.
            facts = [[settlement.record for settlement in standing], insured(person, family.scheme)]
            situation = rules.digest_doubt(to_compare(facts).hex())
            desk.ask(family, "", None, standing, situation, kind="contradiction")
    desk.ask_about_bills()


def _of_scheme(family: SchemeFamily, claims: Mapping[ClaimKey, Claimed]) -> dict[bytes, Claimed]:
    """Digest of a stay → the claim, of those of one scheme."""
    return {digest: claim for (scheme, digest), claim in claims.items() if scheme == family.scheme} if claims else {}


class _Desk:
    """One person before the schemes of the association, one after the other."""

    def __init__(
        self,
        person: PersonFile,
        bills: Bills,
        asked: AskedBefore,
        rules: Rules,
        changes: Changes,
        withdrawal_reason: str | None,
    ) -> None:
        self._person, self._rules, self._changes = person, rules, changes
        # Nobody is paid by an enrolment that opted out, or whose number turned out to be another's.
        self._records = bills.counting if person.enrolled else []
        self._bills, self._asked, self._withdrawal_reason = bills, asked, withdrawal_reason
        self._questions = list(bills.questions)
        self._claimed: dict[Place, str] = {}

    def assess_scheme(
        self,
        family: SchemeFamily,
        claims: Mapping[bytes, PrefilledClaim],
        decided: Mapping[bytes, DecidedClaim],
        paid: list[OtherPayment],
    ) -> None:
        """One scheme; claims by the digests of their stays. `paid` is what schemes before it pay, for those that stand
        on them; it grows."""
        person = self._person
        seen = insured(person, family.scheme)
        if not seen.coverage and not claims:
            # Who never had a period in a scheme has no claim in it, whatever a settlement leaves in doubt.
            return
        counting = self._records
        decisions = self._decisions(family, seen, decided, paid) if decided else []
        estimates = self._estimates(family, seen, counting, decisions, paid)
        stays = {self._digest_stay(family, estimate.stay): estimate for estimate in estimates}
        if decided and (again := self._settled_again(counting, stays, decided, claims)):
            # Nothing is paid on top of what was decided before a person says that it is another stay.
            counting = [settlement for at, settlement in enumerate(counting) if at not in again]
            estimates = self._estimates(family, seen, counting, decisions, paid)
            stays = {self._digest_stay(family, estimate.stay): estimate for estimate in estimates}
        if len(self._rules.families(person.association)) > 1:
            paid += payments_by(family.scheme, estimates, _told(counting))
        doubtful = _doubtful(stays, decided, _told(counting)) if decided else {}
        # What the association decided is not drafted again: what changed since goes to a person.
        drafts = {
            digest: self._draft(estimate, counting, family, covered=bool(seen.coverage))
            for digest, estimate in stays.items()
            if digest not in decided and "decided_before" not in estimate.flags
        }
        if claims:
            self._withdraw_gone(family, claims, {*drafts, *decided}, estimates, counting)
        for digest, draft in drafts.items():
            self._propose(draft, digest, claims.get(digest))
        for digest in sorted(doubtful):
            stay = stays[digest].stay if digest in stays else ""
            self.ask(family, stay, claims.get(digest), counting, self._rules.digest_doubt(doubtful[digest]))
        if self._questions:
            self._note_claimed(stays, drafts, {digest: claim.claim_id for digest, claim in claims.items()}, counting)

    def _decisions(
        self,
        family: SchemeFamily,
        seen: Insured,
        decided: Mapping[bytes, DecidedClaim],
        paid: Sequence[OtherPayment],
    ) -> list[ClaimDecision]:
        """What was decided. Where no body says any more what an event is called, its digest finds it among those that
        can be, so that what was decided about it is used up all the same."""
        decisions = [claim.decision for claim in decided.values()]
        nameless = {
            digest
            for digest, claim in decided.items()
            if claim.claim.stay_kind == StayKind.EVENT and claim.decision.stay is None
        }
        if not nameless:
            return decisions
        estimates = self._estimates(family, seen, self._records, decisions, paid)
        names = {self._digest_stay(family, estimate.stay): estimate.stay for estimate in estimates}
        return [
            msgspec.structs.replace(claim.decision, stay=names.get(digest)) if digest in nameless else claim.decision
            for digest, claim in decided.items()
        ]

    def _stay_text(self, family: SchemeFamily, stay: str) -> str:
        return drafting.stay_text(self._person.association, self._person.person_id, family.scheme, stay)

    def _digest_stay(self, family: SchemeFamily, stay: str) -> bytes:
        return self._rules.digest_stay(self._stay_text(family, stay))

    def _estimates(
        self,
        family: SchemeFamily,
        seen: Insured,
        counting: Sequence[HeldRecord],
        decisions: Sequence[ClaimDecision],
        paid: Sequence[OtherPayment],
    ) -> Sequence[BenefitEstimate]:
        records = _told(counting)
        # Whether a bill under a new number corrects a decided stay is asked of a person here (`decided_again`).
        estimates = assess(
            seen,
            records,
            family,
            decisions,
            facts=self._person.facts,
            other_payments=paid,
            ties_corrections=False,
        )
        return _named_apart(estimates, counting)

    def _settled_again(
        self,
        counting: Sequence[HeldRecord],
        stays: Mapping[bytes, BenefitEstimate],
        decided: Mapping[bytes, DecidedClaim],
        claims: Mapping[bytes, PrefilledClaim],
    ) -> set[int]:
        """Positions of bills that change a decided stay, and are asked about: all but those whose claim stands since
        before the decision."""
        undecided = [estimate for digest, estimate in stays.items() if digest not in decided]
        changing = settled_again(counting, undecided, list(decided.values()), self._bills)
        in_question = {question.about.place for question in self._questions}
        standing = {digest for digest, claim in claims.items() if claim.status != ClaimStatus.WITHDRAWN}
        claimed = {at for digest, estimate in stays.items() if digest in standing for at in estimate.record_keys}
        still_open = {item.situation: item.reasons for item in self._asked.open}
        apart = set()
        for at, claim in changing.items():
            question = question_about(counting[at], claim, self._rules.digest_doubt)
            answered = self._asked.answers.get(question.situation)
            # Whose claim stood before anybody asked keeps it; one that only an answer made goes with the answer.
            reasons = still_open.get(question.situation)
            stood = at in claimed if reasons is None else COUNTED in reasons
            if answered is None and counting[at].place not in in_question:
                counted = (*question.reasons, COUNTED) if stood else question.reasons
                self._questions.append(msgspec.structs.replace(question, reasons=counted))
            if (answered is None and not stood) or (answered is not None and answered.answer != "different"):
                apart.add(at)
        return apart

    def _note_claimed(
        self,
        stays: Mapping[bytes, BenefitEstimate],
        drafts: Mapping[bytes, Draft],
        names: Mapping[bytes, str],
        counting: Sequence[HeldRecord],
    ) -> None:
        """Which claim each bill is in: a question names the claim, and is asked only where there is one. `names`: those
        of claims there are already."""
        for digest, estimate in stays.items():
            draft = drafts.get(digest)
            # What is decided is not drafted again; what nothing is owed for is no claim.
            if draft is None and digest not in names:
                continue
            if draft is not None and not draft.payable and not draft.needs_person:
                continue
            claim_id = names.get(digest) or drafting.claim_id(digest)
            for index in estimate.record_keys:
                self._claimed.setdefault(counting[index].place, claim_id)

    def ask_about_bills(self) -> None:
        """Ask once for the same facts, about the first claim concerned; what nothing gives rise to any more is
        closed."""
        if not (self._questions or self._asked.open):
            return
        still_open = {item.situation: item for item in self._asked.open}
        current = set()
        for question in self._questions:
            claimed = [self._claimed.get(bill.place) for bill in (*question.against, question.about)]
            claim_id = question.claim_id or next((name for name in claimed if name is not None), None)
            if claim_id is not None:
                current.add(question.situation)
                item = still_open.get(question.situation)
                if item is None:
                    self._changes.bill_questions.append(self._bill_question(question, claim_id))
                elif (item.page_seq, item.row) != question.about.place:
                    # The same bill came again: the question is about the row that stands.
                    self._changes.asked_of[item.item_id] = question.about.place
        self._changes.closed_reviews += [item.item_id for item in self._asked.open if item.situation not in current]

    def _bill_question(self, question: BillQuestion, claim_id: str) -> ReviewItem:
        return ReviewItem(
            kind=question.kind,
            association=self._person.association,
            feed=question.about.feed,
            page_seq=question.about.page_seq,
            row=question.about.row,
            key=None,
            amount=question.about.amount,
            member_id=self._person.first_member_id,
            score=None,
            reasons=msgspec.json.encode(question.reasons).decode(),
            state="open",
            created_at=self._rules.now_ms,
            claim_id=claim_id,
            situation=question.situation,
        )

    def _draft(
        self, estimate: BenefitEstimate, counting: Sequence[HeldRecord], family: SchemeFamily, *, covered: bool
    ) -> Draft:
        # What pays at events only leaves no question about care for a person, whatever a settlement leaves open.
        asked = covered and (bool(family.units) or estimate.stay.startswith(_EVENT))
        parts = [counting[index] for index in estimate.record_keys]
        if self._bills.flags and (estimate.payable or needs_person(estimate)):
            of_bills = sorted({flag for part in parts for flag in self._bills.flags.get(part.place, ())})
            # An estimate of one sheet says itself that its days are too many.
            if "days_to_confirm" in estimate.flags:
                of_bills = [flag for flag in of_bills if flag != TOO_MANY_DAYS]
            flags = tuple(dict.fromkeys((*estimate.flags, *of_bills)))
            estimate = msgspec.structs.replace(estimate, flags=flags)
        return drafting.draft(
            claimant(self._person, estimate, parts, family.scheme),
            estimate,
            [part.record for part in parts if part.record is not None],
            scheme=family.scheme,
            # What only facts tell of has no settlement that came, so it is never late for having come late.
            received_on=max([date.fromisoformat(part.received_on) for part in parts], default=date.min),
            needs_person=asked and needs_person(estimate),
        )

    def _withdraw_gone(
        self,
        family: SchemeFamily,
        claims: Mapping[bytes, PrefilledClaim],
        standing_stays: set[bytes],
        estimates: Sequence[BenefitEstimate],
        counting: Sequence[HeldRecord],
    ) -> None:
        """Take back the claims of stays that are not there any more."""
        gone = {digest: claim for digest, claim in claims.items() if digest not in standing_stays}
        merged_stays = {stay for estimate in estimates for stay in estimate.merged_stays} if gone else ()
        merged = {self._digest_stay(family, stay) for stay in merged_stays}
        repeated = self._stays_repeated(family, estimates, counting) if gone and self._bills.repeating else set()
        for digest, claim in gone.items():
            # Who has no enrolment left was found to be another person, whose claims now hold these stays.
            if digest in merged or not self._person.members:
                reason = MERGED
            else:
                reason = "event_gone" if claim.stay_kind == StayKind.EVENT else "reversed"
            self._withdraw(claim, TOLD_ELSEWHERE if digest in repeated and reason != MERGED else reason)

    def _stays_repeated(
        self, family: SchemeFamily, estimates: Sequence[BenefitEstimate], counting: Sequence[HeldRecord]
    ) -> set[bytes]:
        """The stays that bills would be by themselves which only repeat what stands (another feed told it first, or a
        person found so), under either name they may have had."""
        standing = _told([counting[at] for estimate in estimates for at in estimate.record_keys])
        begun = {(record.facility_no, record.admitted_on) for record in standing}
        bills = [
            bill
            for bill in self._bills.repeating
            if bill.record is not None and (bill.record.facility_no, bill.record.admitted_on) in begun
        ]
        alone = self._estimates(family, insured(self._person, family.scheme), bills, (), ())
        names = {estimate.stay for estimate in alone}
        names |= {f"{name}@{bill.feed}" for name in names for bill in bills}
        return {self._digest_stay(family, name) for name in names}

    def _propose(self, draft: Draft, stay_digest: bytes, before: PrefilledClaim | None) -> None:
        """A new claim, a new version of one, its withdrawal, or nothing where nothing changed."""
        if draft.payable == 0 and not draft.needs_person:
            if before is not None:
                self._withdraw(before, "nothing_owed")
            return
        # Compared in the form it has: a field that a later form gained amends no claim by itself.
        stands = before is not None and before.status != ClaimStatus.WITHDRAWN
        if before is not None and stands and before.content == self._digest(draft, before.form):
            return
        claim = PrefilledClaim(
            # A name that was given out stays, also one from before names had a key.
            claim_id=drafting.claim_id(stay_digest) if before is None else before.claim_id,
            association=self._person.association,
            person_id=self._person.person_id,
            member_id=draft.member_id,
            scheme=draft.scheme,
            stay_kind=drafting.stay_kind(draft.stay),
            stay_digest=stay_digest,
            version=self._rules.next_version(0 if before is None else before.version),
            status=_PROPOSED if before is None else _AMENDED,
            edition=draft.edition,
            payable=draft.payable,
            flags=",".join(draft.flags),
            claim_by=draft.claim_by.isoformat() if draft.claim_by else None,
            content=self._digest(draft, FORMS.newest),
            updated_at=self._rules.now_ms,
            form=FORMS.newest,
        )
        (self._changes.new_claims if before is None else self._changes.changed_claims).append(claim)
        changed = None if before is None else drafting.change_of(before, draft)
        self._changes.outgoing.append((claim, kept.frozen(draft, changed)))

    def _digest(self, draft: Draft, form: int) -> bytes:
        return self._rules.digest_content(content_in_form(draft, form))

    def _withdraw(self, before: PrefilledClaim, reason: str) -> None:
        if before.status == ClaimStatus.WITHDRAWN:
            return
        reason = reason if reason in ELSEWHERE else self._withdrawal_reason or reason
        claim = msgspec.structs.replace(
            before,
            version=self._rules.next_version(before.version),
            status=ClaimStatus.WITHDRAWN,
            payable=0,
            flags=reason,
            updated_at=self._rules.now_ms,
        )
        self._changes.changed_claims.append(claim)
        changed = drafting.withdrawal_of(before, reason)
        self._changes.outgoing.append((claim, kept.withdrawal(before.association, before.scheme, reason, changed)))

    def ask(
        self,
        family: SchemeFamily,
        stay: str,
        claim: PrefilledClaim | None,
        records: Sequence[HeldRecord],
        situation: bytes,
        *,
        kind: QuestionKind = "decided_before",
    ) -> None:
        """Put the facts of a claim, or of a stay that has none, before a person, once for the same `situation`."""
        latest = max(records, key=lambda settlement: settlement.place) if records else None
        person = self._person
        if claim is not None:
            claim_id = claim.claim_id
        else:
            text = self._stay_text(family, stay)
            claim_id = drafting.claim_id(self._rules.digest_stay(text))
            self._changes.names_before[claim_id] = drafting.unkeyed_claim_id(text)
        self._changes.doubts.append(
            ReviewItem(
                kind=kind,
                association=person.association,
                feed=latest.feed if latest else "",
                page_seq=latest.page_seq if latest else 0,
                row=latest.row if latest else None,
                key=None,
                amount=0,
                member_id=person.first_member_id,
                score=None,
                reasons=msgspec.json.encode([kind, family.scheme]).decode(),
                state="open",
                created_at=self._rules.now_ms,
                claim_id=claim_id,
                situation=situation,
            )
        )


def _told(counting: Sequence[HeldRecord]) -> list[SettlementRecord]:
    return [settlement.record for settlement in counting if settlement.record is not None]


def _doubtful(
    stays: Mapping[bytes, BenefitEstimate],
    decided: Mapping[bytes, DecidedClaim],
    records: Sequence[SettlementRecord],
) -> dict[bytes, str]:
    """Digest of a stay → what speaks against a decision of the association, where anything does."""
    doubtful = {
        digest: repr(estimate.settlements) for digest, estimate in stays.items() if "decided_before" in estimate.flags
    }
    for digest, claim in decided.items():
        estimate = stays.get(digest)
        # It was decided under an edition, and no period holds the stay any more: what was paid may be paid for nothing.
        if estimate is not None and estimate.edition is None and claim.claim.edition and claim.decision.payable:
            doubtful[digest] = doubtful.get(digest, "") + _COVER_GONE
        if changes := changed_since(claim, records):
            doubtful[digest] = doubtful.get(digest, "") + repr(changes)
    return doubtful


def changed_since(decided: DecidedClaim, records: Sequence[SettlementRecord]) -> list[tuple[str, str]]:
    """What became of the settlements the association decided on, where they are not there as they were told: gone,
    or what they say now. Empty where all stand."""
    present: dict[str, list[SettlementRecord]] = defaultdict(list)
    for record in records:
        if not record.reversal:
            present[record.settlement_no].append(record)
    reversed_numbers = {record.reverses or record.settlement_no for record in records if record.reversal}
    changes = []
    for told_settlement in decided.told_settlements:
        number = str(told_settlement["settlement_no"])
        now = present[number]
        if number in reversed_numbers or not now:
            changes.append((number, "gone"))
        elif not any(drafting.same_weight(told_settlement, record) for record in now):
            # Packed, a record read just now and the same one from the database are the same bytes.
            changes.append((number, to_compare(now).hex()))
    return changes
