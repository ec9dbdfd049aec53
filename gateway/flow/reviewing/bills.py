"""Questions about a person's bills: what is shown of both sides, and what follows from an answer."""

from __future__ import annotations

from typing import Any

from gateway.core.changes import HeldRecord, PersonFile
from gateway.core.changes.bills import NOTHING_ASKED, bills_of
from gateway.core.reviewing import context_of
from gateway.errors import BadInput
from gateway.flow.changes.people import person_files
from gateway.flow.office import Office
from gateway.flow.people.reassess import reassess
from gateway.model.money import yuan
from gateway.model.questions import ReviewItem
from gateway.store import members
from gateway.store.engine import Tx

ABOUT_BILLS = ("refund", "repeat")
"""The kinds of questions that are about a person's bills, whatever rows they came in."""


def weigh_again(tx: Tx, office: Office, item: ReviewItem) -> None:
    """Carry out what was answered about the bills of an item's person, or that nothing is answered any more. The
    caller holds the roster."""
    reassess(tx, office, item.association, {_person(tx, office, item).person_id})


def original_named(tx: Tx, office: Office, item: ReviewItem, settlement_no: str | None) -> bytes:
    """The key of the settlement a clerk names as what a refund takes back. Raises BadInput."""
    if not settlement_no:
        raise BadInput("not_valid", "请用 settlement_no 指明原结算流水号 (name the settlement that was refunded)")
    standing = [
        stored.key
        for stored in _person(tx, office, item).records
        if stored.record is not None and not stored.record.reversal and stored.record.settlement_no == settlement_no
    ]
    if len(standing) != 1:
        raise BadInput("unknown_settlement", "此会员没有这个流水号的结算 (the member has no such settlement)")
    return standing[0]


def bills_shown(tx: Tx, office: Office, item: ReviewItem) -> list[dict[str, Any]]:
    """The bill in question first, and then those it is held against."""
    person = _person(tx, office, item)
    bills = bills_of(person.records, NOTHING_ASKED, office.vault.fingerprinter("doubt"))
    raised = [question for question in bills.questions if question.situation == item.situation]
    about = [stored for stored in person.records if stored.place == (item.page_seq, item.row)]
    return [_bill(stored) for stored in (*about[:1], *(raised[0].against if raised else ()))]


def _person(tx: Tx, office: Office, item: ReviewItem) -> PersonFile:
    rows = members.by_id(tx, [] if item.member_id is None else [item.member_id])
    if not rows:
        raise BadInput("unknown_member", "会员已不在册 (the member is not on the roster any more)")
    person_id = rows[0].person_id
    return person_files(tx, office, {person_id: item.association}, {}, [])[person_id]


def _bill(stored: HeldRecord) -> dict[str, Any]:
    record = stored.record
    if record is None:
        return {"feed": stored.feed, "received_on": stored.received_on}
    amounts = {name: getattr(record, f"{name}_amount") for name in ("total", "in_scope", "fund_paid")}
    return {
        "settlement_no": record.settlement_no,
        "visit_no": record.visit_no,
        **context_of(record),
        "settled_at": None if record.settled_at is None else record.settled_at.isoformat(),
        "reversal": record.reversal,
        **{name: None if amount is None else yuan(amount) for name, amount in amounts.items()},
        "feed": stored.feed,
        "received_on": stored.received_on,
    }
