"""One person, now, for an association: the line is asked, what it says is taken in or only reckoned, and what stands of
that person is told. Of somebody who is not this association's member no line is asked, and nothing is told apart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.core.personal_numbers import kept_reference
from gateway.core.roster import same_name
from gateway.errors import BadCase, BadPage, BrokenSeal, Conflict, Refused, Unavailable, WrongUse
from gateway.flow.batches.causes import CausesAtWork
from gateway.flow.delivery.claims import told_of_person
from gateway.flow.intake.steps import plainly
from gateway.flow.intake.sweep import ask_about, lines_about
from gateway.flow.intake.work import judge_causes, process_page, work_at_once
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.flow.pages.stored_pages import seal_page, store_page
from gateway.flow.people.ledgers import cases_of, open_person
from gateway.model.claim import PrefilledClaim
from gateway.model.money import yuan
from gateway.model.national_id import in_18, normalise_id
from gateway.model.page import Fetched
from gateway.model.record import SettlementRecord
from gateway.ports import SweepFeed
from gateway.store import lookups, members, sweep_windows
from gateway.store.engine import Tx
from gateway.store.lookups import LookupEntry
from gateway.store.members import MemberRow
from gateway.store.together import SharedWrites
from gateway.store.values import from_ms, to_ms

log = logging.getLogger("hubao.lookups")

LookupPurpose: TypeAlias = Literal["claim", "enquiry", "appeal", "check"]
"""Why somebody asks: 一键申领, 咨询, 申诉复核, 核对."""


class LookupWish(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an association asks about: by member number, or by id number and name. `since`, `until`: the days of the
    settlements wanted, both included; `consent`: its own reference to the member's consent."""

    association: str
    caller: str
    purpose: LookupPurpose
    consent: str
    member_no: str | None = None
    id_number: str | None = None
    name: str | None = None
    since: date | None = None
    until: date | None = None
    trial: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the wish is about (nobody: no member of this association) and which lines may be asked."""

    rows: Sequence[MemberRow] = ()
    lines: Sequence[str] = ()

    @property
    def is_member(self) -> bool:
        """Whether the person is a member of the association, and takes part."""
        return bool(self.rows)

    @property
    def member(self) -> MemberRow:
        """The member; only where `is_member`."""
        return self.rows[0]


class ShownStay(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement of the member's that stands; amounts in yuan as text."""

    settlement_no: str
    facility_name: str | None
    admitted_on: date | None
    discharged_on: date | None
    settled_on: date | None
    total_amount: str | None
    in_scope_amount: str | None
    fund_paid_amount: str | None


class EstimateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an estimate; the amount in yuan as text."""

    rule: str
    article: str
    amount: str
    text: str


class ShownEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheme owes for some settlements, line by line; amounts in yuan as text."""

    scheme: str
    edition: str | None
    settlements: list[str]
    payable: str
    flags: list[str]
    claim_by: date | None
    lines: list[EstimateLine]


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of a person: settlements, what each scheme owes, and the claims with their bodies."""

    stays: list[ShownStay] = []
    estimates: list[ShownEstimate] = []
    claims: list[tuple[PrefilledClaim, bytes | None]] = []


NOTHING: Final = PersonAnswer()
"""What is told of a member without settlements, and of everybody who is no member."""


class LookupOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a lookup came to. `source`: the line, or what is stored, where not every line answered; `as_of`: up to which
    day."""

    told: PersonAnswer
    source: Literal["line", "stored"]
    as_of: date | None


class LineReply(msgspec.Struct, frozen=True, kw_only=True):
    """What a line said about a person; `is_whole`: it answered all that it was asked."""

    feed: str
    fetched: Fetched
    is_whole: bool


class LookupClerk:
    """Answers the lookups of one process: writes down who asks, asks the lines, takes in what they say and tells what
    stands. `line_of`: feed → its line; raises WrongUse, Unavailable."""

    def __init__(self, office: Office, line_of: Callable[[str], SweepFeed]) -> None:
        self._office, self._line_of = office, line_of
        self._shared = SharedWrites(office.store)

    def answer(self, lookup_id: str, wish: LookupWish) -> LookupOutcome | None:
        """The whole lookup; blocks while a line is asked. None about somebody of whom no line is asked and nothing is
        told: no member, or one about whom no line may be asked."""
        asked = self.begin(lookup_id, wish)
        if not asked.is_member:
            return None
        if len(asked.lines) > 1:
            with ThreadPoolExecutor(len(asked.lines), thread_name_prefix="line") as beside:
                heard = list(beside.map(lambda feed: self._ask(feed, asked, wish), asked.lines))
        else:
            heard = [self._ask(feed, asked, wish) for feed in asked.lines]
        replies = [reply for reply in heard if reply is not None]
        standing, could_be_read = (
            self._reckon(asked, wish, replies) if wish.trial else self._take_in(asked, wish, replies)
        )
        if not asked.lines and standing == NOTHING:
            # Nobody could be asked about the member: an answer at once would tell that this is one.
            return None
        if asked.lines and could_be_read and len(replies) == len(heard) and all(reply.is_whole for reply in replies):
            return LookupOutcome(told=standing, source="line", as_of=self._office.now().date())
        return LookupOutcome(told=standing, source="stored", as_of=stored_on(self._office, asked))

    def begin(self, lookup_id: str, wish: LookupWish) -> Asked:
        """Find the member and write down who asks, before any line hears of it. An opted-out member is nobody's: the
        line is not asked about them."""
        row = self._shared.write(partial(self._write_down, lookup_id, wish))
        return Asked(rows=[row], lines=lines_about(self._office, row)) if row is not None else Asked()

    def _write_down(self, lookup_id: str, wish: LookupWish, tx: Tx) -> MemberRow | None:
        office, row = self._office, _find(tx, self._office, wish)
        member = row if row is not None and not row.opt_out else None
        entry = LookupEntry(
            lookup_id=lookup_id,
            association=wish.association,
            member_id=member.member_id if member is not None else None,
            caller=wish.caller,
            purpose=wish.purpose,
            consent=kept_reference(wish.consent, office.vault.fingerprinter("reference")) or "",
            trial=wish.trial,
            at=to_ms(office.now()),
        )
        lookups.add(tx, entry)
        return member

    def _ask(self, feed: str, asked: Asked, wish: LookupWish) -> LineReply | None:
        """What a line says; None where it does not answer: then what is stored is told, and how old that is."""
        try:
            reply = ask_about(self._office, feed, self._line_of(feed), asked.member, since=wish.since, until=wish.until)
        except (Unavailable, Refused, WrongUse) as error:
            log.warning("lookup over %s: %s", feed, plainly(error))
            return None
        if reply.failed:
            log.warning("lookup over %s: answered in part: %s", feed, reply.failed[0][1])
        return LineReply(feed=feed, fetched=reply.fetched, is_whole=not reply.failed)

    def _take_in(self, asked: Asked, wish: LookupWish, replies: Sequence[LineReply]) -> tuple[PersonAnswer, bool]:
        """Take in what was said, and tell what stands then; whether every reply could be read.

        Nearly always in one transaction: a crash before it leaves a question without an answer, which is asked again.
        """
        office, causes = self._office, CausesAtWork()
        sealed = [seal_page(office, reply.feed, reply.fetched) for reply in replies]

        def work(tx: Tx) -> PersonAnswer:
            if not all(work_at_once(tx, office, page, causes) for page in sealed):
                raise Conflict("the page is stored already")
            return _standing(tx, office, asked.member, wish)

        try:
            if not sealed or not office.store.postgres:
                return self._shared.write(work), True
            # There several hold locks of people at one time, each in the order of their ids.
            with office.store.write() as tx:
                return work(tx), True
        except (BadPage, Conflict):
            readable = [_take_in_by_itself(office, reply) for reply in replies]
            with office.store.read() as tx:
                return _standing(tx, office, asked.member, wish), all(readable)
        finally:
            judge_causes(office, causes)

    def _reckon(self, asked: Asked, wish: LookupWish, replies: Sequence[LineReply]) -> tuple[PersonAnswer, bool]:
        """Of a trial the replies are worked in a transaction that is rolled back: records, match, estimates and claims
        come about as they would, and nothing of it is kept. A page that is stored already says nothing new."""
        office, could_be_read = self._office, []
        with office.store.write() as tx:
            for reply in replies:
                try:
                    with tx.begin_nested():
                        work_at_once(tx, office, seal_page(office, reply.feed, reply.fetched), CausesAtWork())
                    could_be_read.append(True)
                except BadPage:
                    could_be_read.append(False)
            answer = _standing(tx, office, asked.member, wish)
            tx.rollback()
        return answer, all(could_be_read)


def _take_in_by_itself(office: Office, reply: LineReply) -> bool:
    """Store a reply, and work it; whether it could be read. One that could not is set aside."""
    seq, _ = store_page(office, reply.feed, reply.fetched)
    return process_page(office, seq) is not None


def _find(tx: Tx, office: Office, wish: LookupWish) -> MemberRow | None:
    if wish.member_no is not None:
        rows = members.by_number(tx, wish.association, [wish.member_no])
        return rows[0] if rows else None
    number = normalise_id(wish.id_number or "")
    prints = {office.id_fingerprint(form) for form in (number, in_18(number)) if form}
    ids = [member_id for _, member_id, _ in members.by_fingerprint(tx, sorted(prints))]
    for row in members.by_id(tx, ids):
        if row.association == wish.association and _is_named(office, row, wish.name or ""):
            return row
    return None


def _is_named(office: Office, row: MemberRow, name: str) -> bool:
    try:
        return same_name(office.open_member(row).name, name)
    except DOES_NOT_OPEN:
        return False


def _standing(tx: Tx, office: Office, member: MemberRow, wish: LookupWish) -> PersonAnswer:
    shown = told_of_person(tx, office, wish.association, member.person_id)
    try:
        person = open_person(tx, office, wish.association, member.person_id)
        cases = cases_of(tx, office, person)
    except BrokenSeal:
        return PersonAnswer(claims=shown)
    records = [bill.record for bill in person.records if bill.record is not None]
    stays = [_shown_stay(record) for record in records if _is_wanted(record, wish)]
    stays.sort(key=lambda stay: (stay.settled_on or date.max, stay.settlement_no))
    numbers = {stay.settlement_no for stay in stays}
    estimates = []
    joined = {period.scheme for enrolment in person.enrolled for period in enrolment.coverage}
    for scheme, case in cases.items():
        if scheme not in joined:
            continue
        try:
            estimates += [
                ShownEstimate(
                    scheme=scheme,
                    edition=estimate.edition,
                    settlements=list(estimate.settlements),
                    payable=yuan(estimate.payable),
                    flags=list(estimate.flags),
                    claim_by=estimate.claim_by,
                    lines=[
                        EstimateLine(rule=line.rule, article=line.article, amount=yuan(line.amount), text=line.text)
                        for line in estimate.lines
                    ],
                )
                for estimate in case.estimates()
                if not numbers.isdisjoint(estimate.settlements)
            ]
        except BadCase:
            continue
    return PersonAnswer(stays=stays, estimates=estimates, claims=shown)


def _is_wanted(record: SettlementRecord, wish: LookupWish) -> bool:
    day = _settled_on(record) or date.max
    return (wish.since is None or day >= wish.since) and (wish.until is None or day <= wish.until)


def _settled_on(record: SettlementRecord) -> date | None:
    return record.settled_at.date() if record.settled_at is not None else record.discharged_on


def _shown_stay(record: SettlementRecord) -> ShownStay:
    return ShownStay(
        settlement_no=record.settlement_no,
        facility_name=record.facility_name,
        admitted_on=record.admitted_on,
        discharged_on=record.discharged_on,
        settled_on=_settled_on(record),
        total_amount=yuan(record.total_amount) if record.total_amount is not None else None,
        in_scope_amount=yuan(record.in_scope_amount) if record.in_scope_amount is not None else None,
        fund_paid_amount=yuan(record.fund_paid_amount) if record.fund_paid_amount is not None else None,
    )


def stored_on(office: Office, asked: Asked) -> date | None:
    """Up to which day every one of these lines was last asked about the member at night; None where one never was."""
    number = asked.member.member_id
    with office.store.read() as tx:
        days = [sweep_windows.asked_until(tx, feed, [number]).get(number) for feed in asked.lines]
    told_days = [day for day in days if day is not None]
    return min(told_days) if told_days and len(told_days) == len(days) else None


class LookupTrace(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody asked about a member: who (a key's id, or "signature"), why, on whose consent, when."""

    lookup_id: str
    caller: str
    purpose: str
    consent: str
    trial: bool
    at: str


def who_asked(office: Office, association: str, member_no: str, *, limit: int = 500) -> list[LookupTrace] | None:
    """Who asked about a member of this association, newest first; None where there is no such member."""
    with office.store.read() as tx:
        rows = members.by_number(tx, association, [member_no])
        if not rows:
            return None
        entries = lookups.about(tx, rows[0].member_id, limit=limit)
    return [
        LookupTrace(
            lookup_id=entry.lookup_id,
            caller=entry.caller,
            purpose=entry.purpose,
            consent=entry.consent,
            trial=entry.trial,
            at=from_ms(entry.at).isoformat(),
        )
        for entry in entries
    ]
