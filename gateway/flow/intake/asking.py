"""One person, now, for an association: the line is asked, what it says is taken in or only reckoned, and what stands of
that person is told. Of somebody who is not this association's member no line is asked, and nothing is told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.core.personal_numbers import kept_reference
from gateway.core.roster import same_name
from gateway.errors import BadCase, BadPage, BrokenSeal, Unavailable
from gateway.flow.batches.apply import apply_batch
from gateway.flow.delivery.claims import told_of_person
from gateway.flow.intake.sweep import ask_about, lines_about
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.flow.pages.stored_pages import page_id, read_page, seal_page, store_page
from gateway.flow.people.ledgers import cases_of, open_person
from gateway.flow.reading.rows import identify, look_up
from gateway.model.claim import PrefilledClaim
from gateway.model.money import yuan
from gateway.model.national_id import in_18, normalise_id
from gateway.model.page import Fetched
from gateway.model.record import SettlementRecord
from gateway.ports import SweepFeed
from gateway.store import lookups, members, pages, sweep_windows
from gateway.store.engine import Tx
from gateway.store.lookups import LookupEntry
from gateway.store.members import MemberRow
from gateway.store.values import from_ms, to_ms

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


def begin(office: Office, lookup_id: str, wish: LookupWish) -> Asked:
    """Find the member and write down who asks. An opted-out member is nobody's: the line is not asked about them."""
    with office.store.read() as tx:
        row = _find(tx, office, wish)
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
    with office.store.write() as tx:
        lookups.add(tx, entry)
    return Asked(rows=[member], lines=lines_about(office, member)) if member is not None else Asked()


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


def ask(office: Office, feed: str, line: SweepFeed, asked: Asked, wish: LookupWish) -> Fetched:
    """What a line says about the member in the days wanted. Raises Unavailable where it does not answer in full; what
    it said is then taken in all the same."""
    reply = ask_about(office, feed, line, asked.member, since=wish.since, until=wish.until)
    if reply.failed:
        if not wish.trial:
            _take_in(office, feed, reply.fetched)
        raise Unavailable(f"{feed}: {reply.failed[0][1]}")
    if not wish.trial:
        _take_in(office, feed, reply.fetched)
    return reply.fetched


def _take_in(office: Office, feed: str, fetched: Fetched) -> None:
    seq, _ = store_page(office, feed, fetched)
    if process_page(office, seq) is None:
        raise Unavailable(f"{feed}: 答复不可读，已隔离 (its answer cannot be read; it was set aside)")


def tell(
    office: Office, asked: Asked, wish: LookupWish, replies: Sequence[tuple[str, Fetched]]
) -> tuple[PersonAnswer, bool]:
    """What stands of the member now, and whether every reply could be read. Of a trial the replies are worked in a
    transaction that is rolled back: records, match, estimates and claims come about as they would, and nothing of it is
    kept."""
    if not wish.trial:
        with office.store.read() as tx:
            return _standing(tx, office, asked.member, wish), True
    with office.store.write() as tx:
        could_be_read = [_reckon(tx, office, feed, fetched) for feed, fetched in replies]
        answer = _standing(tx, office, asked.member, wish)
        tx.rollback()
    return answer, all(could_be_read)


def _reckon(tx: Tx, office: Office, feed: str, fetched: Fetched) -> bool:
    """Work a page in this transaction alone; whether it could be read. One that is stored already says nothing new."""
    identity = page_id(feed, fetched)
    if pages.find(tx, identity) is not None:
        return True
    sealed, key_no = seal_page(office, fetched, feed, identity)
    seq = pages.add(tx, page_id=identity, feed=feed, fetched=fetched, sealed=sealed, key_no=key_no, now=office.now())
    try:
        page = read_page(office, pages.about(tx, seq)[0], identity, key_no, fetched.content)
    except BadPage:
        return False
    rows = identify(office, feed, page.rows, 0, len(page.rows))
    apply_batch(tx, office, page, look_up(tx, office, feed, rows, page.rows), 0)
    return True


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
