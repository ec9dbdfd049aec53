"""The ledger (台账) of a member: what each period paid and what is left of it, worked out from what is stored now.

Nothing is kept for it: it is always the sum of the settlements that stand and the decisions that were made, so
reversals, corrections and late arrivals are in it whatever order they came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date

import msgspec

from gateway.core.changes.bills import NOTHING_ASKED, bills_of
from gateway.core.changes.decided_again import without_corrections
from gateway.core.changes.persons import PersonFile, insured
from gateway.core.changes.values import ClaimKey, DecidedClaim
from gateway.core.schemes import Insured, OtherPayment, SchemeFamily, assess, in_order_of_payment, ledger, payments_by
from gateway.core.schemes.ledger import CapUse, DeductibleUse, Ledger, PeriodLedger
from gateway.errors import BadCase, BrokenSeal, WrongUse
from gateway.flow.changes.asked import asked_before
from gateway.flow.changes.people import claims_of, decided_claims, person_files
from gateway.flow.office import Office
from gateway.flow.people.waiting import waiting_bills
from gateway.model.benefit import BenefitEstimate, ClaimDecision, Fact
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.store import members
from gateway.store.engine import Tx


class PersonCase(msgspec.Struct, frozen=True, kw_only=True):
    """What one scheme's rules see of one person: who that is, what stands, what was decided, what other schemes pay."""

    family: SchemeFamily
    insured: Insured
    records: Sequence[SettlementRecord]
    decided: Mapping[bytes, ClaimDecision]
    facts: Sequence[Fact]
    other_payments: Sequence[OtherPayment]

    def estimates(self, *, but: bytes | None = None) -> tuple[BenefitEstimate, ...]:
        """What the rules say now; `but` leaves the decision about one stay (its digest) out. Raises BadCase."""
        decided = [decision for digest, decision in self.decided.items() if digest != but]
        return assess(
            self.insured,
            self.records,
            self.family,
            decided,
            facts=self.facts,
            other_payments=self.other_payments,
            # What corrects a decided stay is asked of a person, and left out here until it is answered.
            ties_corrections=False,
        )

    def ledger(self) -> Ledger:
        """What is used and left. Raises BadCase."""
        decided = list(self.decided.values())
        return ledger(
            self.insured,
            self.records,
            self.family,
            decided,
            self.facts,
            self.other_payments,
            ties_corrections=False,
        )


def open_person(tx: Tx, office: Office, association: str, person_id: int) -> PersonFile:
    """A person's file. Raises BrokenSeal where something in it does not open and is waited for."""
    person = person_files(tx, office, {person_id: association}, {}, [])[person_id]
    if person.unreadable:
        raise BrokenSeal
    return person


def cases_of(tx: Tx, office: Office, person: PersonFile) -> dict[str, PersonCase]:
    """Scheme → a person's case in it, as it is assessed: without the bills that wait for an answer. None where there is
    no enrolment left."""
    if not person.enrolled:
        return {}
    person_id = person.person_id
    decided = decided_claims(tx, office, claims_of(tx, office, [person_id]), []).get(person_id, {})
    counting = counting_bills(tx, office, person, decided)
    cases: dict[str, PersonCase] = {}
    paid: list[OtherPayment] = []
    for family in in_order_of_payment(office.families(person.association)):
        case = cases[family.scheme] = PersonCase(
            family=family,
            insured=insured(person, family.scheme),
            records=counting,
            decided={digest: claim.decision for (scheme, digest), claim in decided.items() if scheme == family.scheme},
            facts=person.facts,
            other_payments=tuple(paid),
        )
        # A scheme whose facts contradict each other pays nothing that another could stand on.
        with suppress(BadCase):
            paid += payments_by(family.scheme, case.estimates(), case.records)
    return cases


def counting_bills(
    tx: Tx, office: Office, person: PersonFile, decided: Mapping[ClaimKey, DecidedClaim]
) -> list[SettlementRecord]:
    """A person's bills as they count for the claims. `decided`: of all schemes."""
    digest = office.vault.fingerprinter("doubt")
    by_person = {person.person_id: person}
    asked = asked_before(tx, by_person, (), {person.person_id: decided}).get(person.person_id, NOTHING_ASKED)
    bills = bills_of(person.records, asked, digest)
    counting = without_corrections(bills.counting, decided.values(), asked, digest)
    return [bill.record for bill in counting if bill.record is not None]


class LimitUse(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with what is used of it and left, in yuan. `of`: cap or deductible; `per`: period, year or lifetime.

    `benefits` are those it is about, none for all; `since` is the first day of the period or year.
    """

    of: str
    per: str
    benefits: tuple[str, ...]
    article: str | None
    since: date | None
    limit: str
    used: str
    left: str


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """A daily allowance that was used in a period, with its days and its amount in yuan."""

    benefit: str
    days: int
    amount: str


class PeriodAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One coverage period: the number of its estimates and stays, what they pay, how much of that is decided."""

    first: date
    last: date
    edition: str
    stays: int
    paid: str
    decided: str
    limits: tuple[LimitUse, ...]
    allowances: tuple[Allowance, ...]


class SchemeAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A member's account in one scheme. `problem` instead of periods where the facts contradict each other."""

    scheme: str
    name: str
    paid: str
    periods: tuple[PeriodAccount, ...]
    lifetime: tuple[LimitUse, ...]
    lump_sums: tuple[str, ...]
    problem: str | None = None


class MemberLedger(msgspec.Struct, frozen=True, kw_only=True):
    """Every scheme of the association that one member has joined, by member number; holds no name. `waiting`: what
    waits for an answer and is in none of the figures, as `WaitingBills.plain` tells it."""

    association: str
    member_no: str
    schemes: tuple[SchemeAccount, ...]
    waiting: dict[str, int | str]


def member_ledger(office: Office, association: str, member_no: str) -> MemberLedger:
    """The ledger of the person this number belongs to. Raises WrongUse for an unknown association or number."""
    if association not in office.associations:
        raise WrongUse(f"没有协会 {association} (no such association)；已有：{sorted(office.associations)}")
    with office.store.read() as tx:
        rows = members.by_number(tx, association, [member_no])
        if not rows:
            raise WrongUse("没有这个会员号 (no such member number)")
        person = open_person(tx, office, association, rows[0].person_id)
        cases, waiting = cases_of(tx, office, person), waiting_bills(tx, [person])
    joined = {period.scheme for enrolment in person.members for period in enrolment.coverage}
    accounts = [
        _account(family, cases.get(family.scheme)) for family in office.families(association) if family.scheme in joined
    ]
    return MemberLedger(association=association, member_no=member_no, schemes=tuple(accounts), waiting=waiting.plain())


def _account(family: SchemeFamily, case: PersonCase | None) -> SchemeAccount:
    if case is None:
        return _empty(family, "已退出互助，不再核算 (opted out)")
    try:
        used, estimates = case.ledger(), case.estimates()
    except BadCase as error:
        return _empty(family, error.message)
    return SchemeAccount(
        scheme=family.scheme,
        name=family.name,
        paid=yuan(used.paid),
        periods=tuple(
            _period(period, [estimate for estimate in estimates if estimate.period_from == period.first])
            for period in used.periods
        ),
        lifetime=tuple(_cap(cap) for cap in used.lifetime),
        lump_sums=tuple(used.lump_sums),
    )


def _empty(family: SchemeFamily, problem: str) -> SchemeAccount:
    return SchemeAccount(
        scheme=family.scheme, name=family.name, paid="0.00", periods=(), lifetime=(), lump_sums=(), problem=problem
    )


def _period(period: PeriodLedger, estimates: Sequence[BenefitEstimate]) -> PeriodAccount:
    return PeriodAccount(
        first=period.first,
        last=period.last,
        edition=period.edition,
        stays=period.stays,
        paid=yuan(period.paid),
        decided=yuan(period.decided),
        limits=(*(_cap(cap) for cap in period.caps), *(_deductible(use, period) for use in period.deductibles)),
        # The allowances that were paid. One that was decided stands in the decided amount, without its days.
        allowances=tuple(
            Allowance(benefit=line.benefit or line.rule, days=line.days or 0, amount=yuan(line.amount))
            for estimate in estimates
            for line in estimate.lines
            if line.rule == "daily_allowance"
        ),
    )


def _cap(cap: CapUse) -> LimitUse:
    return LimitUse(
        of="cap",
        per=cap.per,
        benefits=cap.benefits,
        article=cap.article,
        since=cap.first,
        limit=yuan(cap.limit),
        used=yuan(cap.used),
        left=yuan(cap.left),
    )


def _deductible(use: DeductibleUse, period: PeriodLedger) -> LimitUse:
    return LimitUse(
        of="deductible",
        per="period",
        benefits=(use.benefit,),
        article=None,
        since=period.first,
        limit=yuan(use.limit),
        used=yuan(use.used),
        left=yuan(use.left),
    )
