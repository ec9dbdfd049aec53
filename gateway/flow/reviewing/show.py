"""Doubts before a person: listed without personal data, shown side by side and masked, revealed only with a trace.

What a person answers is carried out by `gateway.flow.reviewing.decide`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.core.changes import ReadRow
from gateway.core.changes.claims import changed_since
from gateway.core.changes.persons import insured
from gateway.core.match import record_blocks
from gateway.core.normalise import Normal, Rejected, only_in_doubt
from gateway.core.reviewing import Pair, alone, context_of, side_by_side
from gateway.core.schemes import assess
from gateway.core.signing import clerk
from gateway.errors import BadInput
from gateway.flow.accounts.seeing import note_access
from gateway.flow.changes.people import claim_key, claims_of, decided_claims
from gateway.flow.delivery.claims import summary as claim_summary
from gateway.flow.office import Office, note_context, undone_note_context
from gateway.flow.pages.stored_pages import OpenPage, open_page
from gateway.flow.people.ledgers import counting_bills, open_person
from gateway.flow.people.waiting import waiting_bills
from gateway.flow.reading.candidates import Search
from gateway.flow.reading.rows import identify, see_as_written
from gateway.flow.reading.rulings import subject_of
from gateway.flow.reviewing.bills import ABOUT_BILLS, bills_shown
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.member import Member
from gateway.model.money import yuan
from gateway.model.person import Subject
from gateway.model.questions import ReviewItem
from gateway.model.states import ItemState, QuestionKind
from gateway.store import accesses, blocks, claims, match_decisions, members, pages, review_decisions, reviews
from gateway.store.accesses import Access
from gateway.store.engine import Tx
from gateway.store.review_decisions import ReviewDecision
from gateway.store.values import from_ms, to_ms


def row_as_written(office: Office, page: OpenPage, index: int) -> ReadRow:
    """One row of a page, read as far as finding out whose it is needs."""
    [row] = identify(office, page.meta.feed, page.rows, index, index + 1)
    see_as_written(office, page.meta.feed, page.rows, row)
    return row


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A member a row may be about, and what matching says of him alone."""

    member: Member
    decision: MatchDecision

    @property
    def different(self) -> bool:
        """Whether nothing in the evidence is a reason to think of him."""
        return self.decision.outcome is MatchOutcome.NONE

    @property
    def levels(self) -> str:
        """The evidence as levels, for training: no value of anybody; nothing where only a person knows why."""
        if self.different:
            return "{}"
        return msgspec.json.encode({evidence.field: evidence.level for evidence in self.decision.evidence}).decode()


def page_of(tx: Tx, office: Office, seq: int) -> OpenPage | None:
    """A stored page, or None where its bytes are gone, its feed is no more, or it cannot be read any more."""
    return open_page(tx, office, seq) if pages.about(tx, seq)[0].feed in office.feeds else None


def alternatives(
    tx: Tx, office: Office, page: OpenPage, row: ReadRow, item: ReviewItem, named: Iterable[int | None] = ()
) -> list[Alternative]:
    """The members an item's row may be about, the likeliest first; the one the item names and those `named` by people
    are always among them."""
    feed = page.meta.feed
    candidate_set = Search(tx, office, feed, page.rows).run([row])
    candidates = {member.member_id: member for member in candidate_set.of_rows.get(row.index, ())}
    always = {member_id for member_id in (item.member_id, *named) if member_id is not None}
    further = members.by_id(tx, always - candidates.keys())
    candidates.update((row.member_id, office.open_member(row)) for row in further)
    subject = subject_of(office, feed, page.rows, row.index) or Subject()
    likely = []
    for member in candidates.values():
        decision = alone(subject, candidate_set.as_matched(row.index, member), office.match_model)
        offered = decision.outcome is not MatchOutcome.NONE or member.member_id in always
        if offered and member.association == item.association and not member.opt_out:
            likely.append(Alternative(member=member, decision=decision))
    return sorted(likely, key=lambda alternative: (-alternative.decision.score, alternative.member.member_no))


def find_item(tx: Tx, item_id: int, association: str | None) -> ReviewItem:
    """An item, of this association where one is named. Raises BadInput("unknown_item")."""
    item = reviews.by_id(tx, item_id) if 0 < item_id < 1 << 62 else None
    if item is None or association not in (None, item.association):
        raise BadInput("unknown_item", f"没有第{item_id}号待核事项 (no such item)")
    return item


# ── list ──


def summary(item: ReviewItem) -> dict[str, Any]:
    """An item without personal data. Its row is counted from 1."""
    return {
        "item_id": item.item_id,
        "kind": item.kind,
        "association": item.association,
        "feed": item.feed,
        "page_seq": item.page_seq,
        "row": None if item.row is None else item.row + 1,
        "amount": yuan(item.amount),
        "member_id": item.member_id,
        "score": item.score,
        "reasons": msgspec.json.decode(item.reasons),
        "claim_id": item.claim_id,
        "state": item.state,
        "created_at": from_ms(item.created_at).isoformat(),
    }


def list_items(
    office: Office,
    *,
    state: ItemState | None = "open",
    association: str | None = None,
    kind: QuestionKind | None = None,
    after: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Items newest first, or with `after` in order of number from behind that one on.

    `unsure`: how many could not say; `proposed_by`: who waits for a second person, who proposed `proposed_member_no`,
    with `proposed_join` that the others are he too.
    """
    with office.store.read() as tx:
        items = reviews.listing(tx, state=state, association=association, kind=kind, after=after, limit=limit)
        return _listed(tx, items)


def list_older(
    office: Office,
    *,
    state: ItemState | None,
    association: str | None,
    kind: QuestionKind | None,
    below: int | None,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    """Items newest first, from behind number `below` on, and how many there are in all."""
    with office.store.read() as tx:
        items = reviews.listing(tx, state=state, association=association, kind=kind, below=below, limit=limit)
        return _listed(tx, items), reviews.count(tx, state=state, association=association, kind=kind)


def _listed(tx: Tx, items: Sequence[ReviewItem]) -> list[dict[str, Any]]:
    decisions = review_decisions.of_items(tx, [item.item_id for item in items])
    numbers = numbers_of(tx, [decision for about_item in decisions.values() for decision in about_item])
    return [{**summary(item), **_standing(decisions.get(item.item_id, []), numbers)} for item in items]


def numbers_of(tx: Tx, decisions: Iterable[ReviewDecision]) -> dict[int, str]:
    """Member → member number, of everybody these decisions are about."""
    return {row.member_id: row.member_no for row in members.by_id(tx, _members_of(decisions))}


def _members_of(decisions: Iterable[ReviewDecision]) -> set[int]:
    """The members these decisions are about, and those they join to them."""
    members_named = ((decision.member_id, *_joined(decision)) for decision in decisions)
    return {member_id for named in members_named for member_id in named if member_id is not None}


def _joined(decision: ReviewDecision) -> list[int]:
    """Whom a decision made, or would make, one person with the member it is about."""
    entries = msgspec.json.decode(decision.joined)
    return [entry[1] if entry[0] == "join" else entry[0] for entry in entries]


def _standing(decisions: Sequence[ReviewDecision], numbers: dict[int, str]) -> dict[str, Any]:
    proposed = next((decision for decision in reversed(decisions) if decision.state == "proposed"), None)
    return {
        "unsure": sum(decision.state == "noted" for decision in decisions),
        "proposed_by": proposed.by if proposed else None,
        "proposed_member_no": numbers.get(proposed.member_id or 0) if proposed else None,
        "proposed_join": proposed is not None and bool(_joined(proposed)),
    }


# ── show ──


def show(office: Office, item_id: int, *, association: str | None = None) -> dict[str, Any]:
    """An item with all that decides it, masked. Raises BadInput("unknown_item")."""
    with office.store.read() as tx:
        return _shown(tx, office, find_item(tx, item_id, association), reveal=False)


def reveal(office: Office, item_id: int, *, by: str, association: str | None = None, page: str = "") -> dict[str, Any]:
    """The same with plain values, after writing down who looks and where. Raises BadInput."""
    name = clerk(by)
    with office.store.write() as tx:
        find_item(tx, item_id, association)
        note_access(
            tx,
            office,
            Access(item_id=item_id, by=name, at=to_ms(office.now()), what="reveal"),
            purpose="decide",
            page=page,
        )
    with office.store.read() as tx:
        return _shown(tx, office, find_item(tx, item_id, association), reveal=True)


def _shown(tx: Tx, office: Office, item: ReviewItem, *, reveal: bool) -> dict[str, Any]:
    decisions = review_decisions.of_items(tx, [item.item_id]).get(item.item_id, [])
    numbers = numbers_of(tx, decisions)
    shown = {
        **summary(item),
        **_standing(decisions, numbers),
        "revealed": reveal,
        "decisions": [_decision_shown(office, decision, numbers) for decision in decisions],
    }
    if item.kind == "match":
        # Whoever confirms a proposal sees the member it is about, whether or not anything else led to that member.
        named = _members_of(decision for decision in decisions if decision.state in ("proposed", "done"))
        return {**shown, **_match_shown(tx, office, item, named, reveal=reveal)}
    if item.kind == "hold":
        return shown
    if item.kind == "takeback":
        return {**shown, "file": pages.about(tx, item.page_seq)[0].source}
    if item.kind in ABOUT_BILLS:
        shown["bills"] = bills_shown(tx, office, item)
    return {**shown, "claim": _claim_shown(tx, office, item)}


def _decision_shown(office: Office, decision: ReviewDecision, numbers: dict[int, str]) -> dict[str, Any]:
    def opened(note: bytes | None, context: Callable[[str], bytes]) -> str | None:
        return office.vault.open(note, context(str(decision.item_id))).decode() if note is not None else None

    joined = [member_id for member_id in _joined(decision) if member_id != decision.member_id]
    return {
        "answer": decision.answer,
        "state": decision.state,
        "member_no": numbers.get(decision.member_id or 0),
        "join": [numbers[member_id] for member_id in joined if member_id in numbers],
        "by": decision.by,
        "at": from_ms(decision.decided_at).isoformat(),
        "note": opened(decision.note, note_context),
        "undone_by": decision.undone_by,
        "undone_at": from_ms(decision.undone_at).isoformat() if decision.undone_at is not None else None,
        "undone_note": opened(decision.undone_note, undone_note_context),
    }


def _match_shown(tx: Tx, office: Office, item: ReviewItem, named: Iterable[int], *, reveal: bool) -> dict[str, Any]:
    """The record beside every member it may be about, and the waterfall the doubt was raised with."""
    page = page_of(tx, office, item.page_seq)
    of_page = match_decisions.of_pages(tx, [item.page_seq])
    of_row = [raised for raised in of_page if (raised.row, raised.association) == (item.row, item.association)]
    shown = {
        "available": page is not None,
        "evidence": msgspec.to_builtins(of_row[0].evidence) if of_row else [],
        "model": of_row[0].model if of_row else "",
    }
    if page is None or item.row is None:
        return {**shown, "settlement": None, "candidates": []}
    row = row_as_written(office, page, item.row)
    subject = subject_of(office, page.meta.feed, page.rows, item.row) or Subject()
    # Whoever else bears such a name and was born that day is shown too: the other twin, where a card is one twin's and
    # the record the other's, and matching looks at the owner of the number only.
    texts = [text for text in record_blocks(subject, sound_too=True) if text.startswith("nb|")]
    namesakes = {member_id for _, member_id in blocks.find(tx, [office.block(text) for text in texts])}
    likely = alternatives(tx, office, page, row, item, {*named, *namesakes})
    return {
        **shown,
        "settlement": _settlement(office, page, item.row),
        "candidates": [_candidate(subject, alternative, reveal=reveal) for alternative in likely],
    }


def _settlement(office: Office, page: OpenPage, index: int) -> dict[str, Any]:
    """Where, when and how much, and what is wrong with the row; that alone where more than number or name is."""
    mapping = office.mapping_of(page.meta.feed)
    result = mapping.record(page.rows, index)
    wrong = {} if isinstance(result, Normal) else {"errors": msgspec.to_builtins(result.errors)}
    if isinstance(result, Rejected) and only_in_doubt(result.errors):
        # The doubt is about who the patient is; where, when and for how much is as good as anywhere.
        result = mapping.record(page.rows, index, as_written=True)
    if not isinstance(result, Normal):
        return wrong
    record = result.record
    total = None if record.total_amount is None else yuan(record.total_amount)
    return {**context_of(record), "reversal": record.reversal, "total": total, **wrong}


def _candidate(subject: Subject, alternative: Alternative, *, reveal: bool) -> dict[str, Any]:
    pairs: list[Pair] = side_by_side(subject, alternative.member, reveal=reveal)
    return {
        "member_no": alternative.member.member_no,
        "member_id": alternative.member.member_id,
        "score": alternative.decision.score,
        "reasons": list(alternative.decision.reasons),
        "fields": msgspec.to_builtins(pairs),
    }


def _claim_shown(tx: Tx, office: Office, item: ReviewItem) -> dict[str, Any] | None:
    """A decided claim, what became of its settlements, what its stay would be owed now, and what waits and is not in
    that."""
    rows = claims.by_ids(tx, [item.claim_id]) if item.claim_id else []
    if not rows:
        return None
    row = office.digested(rows[0])
    shown = claim_summary(row)
    decided = claims.decisions(tx, [row.claim_id])
    if row.claim_id not in decided:
        return {**shown, "decision": None}
    person = open_person(tx, office, row.association, row.person_id)
    own_claims = claims_of(tx, office, [row.person_id])
    all_decided = decided_claims(tx, office, own_claims, [])[row.person_id]
    records = counting_bills(tx, office, person, all_decided) if person.enrolled else []
    decided_claim = all_decided[claim_key(row)]
    estimates = assess(insured(person, row.scheme), records, office.schemes[row.scheme])
    owed = sum(estimate.payable for estimate in estimates if office.digest_stay(row, estimate.stay) == row.stay_digest)
    decision = decided[row.claim_id]
    changes = changed_since(decided_claim, records)
    return {
        **shown,
        "decision": {"outcome": decision.outcome, "amount": yuan(decision.amount), "version": decision.version},
        "settlements": list(decided_claim.decision.settlements),
        "changed": [{"settlement_no": number, "gone": change == "gone"} for number, change in changes],
        "owed_now": yuan(owed),
        "difference": yuan(owed - decision.amount),
        "waiting": waiting_bills(tx, [person]).plain(),
    }


# ── what is learnt from people, and who looked ──


def lessons(office: Office, *, association: str | None = None) -> Iterator[dict[str, Any]]:
    """Every decision that stands, as evidence levels and answer; nothing in it says who anybody is."""
    with office.store.read() as tx:
        standing = review_decisions.lessons(tx, association=association)
    for levels, is_same, model in standing:
        yield {"levels": msgspec.json.decode(levels), "same": is_same, "model": model}


def access_log(
    office: Office, *, item_id: int | None = None, below: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Who looked at plain values, newest first, from behind `below` on."""
    with office.store.read() as tx:
        looks = accesses.listing(tx, item_id=item_id, below=below, limit=limit)
    return [{**msgspec.to_builtins(access), "at": from_ms(access.at).isoformat()} for access in looks]


def count_accesses(office: Office, *, item_id: int | None = None) -> int:
    """How many entries the log has."""
    with office.store.read() as tx:
        return accesses.count(tx, item_id=item_id)
