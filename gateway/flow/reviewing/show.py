"""Doubts before a person: listed without personal data, shown side by side and masked, revealed only with a trace.

What a person answers is carried out by `gateway.flow.reviewing.decide`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from gateway.core.changes import ReadRow
from gateway.core.changes.claims import changed_since
from gateway.core.changes.persons import insured
from gateway.core.match import record_blocks
from gateway.core.normalise import Normal, Rejected, only_in_doubt
from gateway.core.reviewing import Pair, alone, context_of, side_by_side
from gateway.core.schemes import assess
from gateway.errors import BadInput, BrokenSeal
from gateway.flow.changes.people import claims_of, decided_claims, person_files
from gateway.flow.delivery.claims import summary as claim_summary
from gateway.flow.office import Office, note_context, undone_note_context
from gateway.flow.pages.stored_pages import OpenPage, open_page
from gateway.flow.reading.candidates import Search
from gateway.flow.reading.rows import identify, see_as_written
from gateway.flow.reading.rulings import subject_of
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

_LONGEST_NAME = 80


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
        return msgspec.json.encode({each.field: each.level for each in self.decision.evidence}).decode()


def page_of(tx: Tx, office: Office, seq: int) -> OpenPage | None:
    """A stored page, or None where its bytes are gone, its feed is no more, or it cannot be read any more."""
    return open_page(tx, office, seq) if pages.load(tx, seq)[0].feed in office.feeds else None


def alternatives(
    tx: Tx, office: Office, page: OpenPage, row: ReadRow, item: ReviewItem, named: Iterable[int | None] = ()
) -> list[Alternative]:
    """The members an item's row may be about, the likeliest first; the one the item names and those `named` by people
    are always among them."""
    feed = page.meta.feed
    found = Search(tx, office, feed, page.rows).run([row])
    candidates = {member.member_id: member for member in found.of_rows.get(row.index, ())}
    wanted = {each for each in (item.member_id, *named) if each is not None}
    further = members.by_id(tx, wanted - candidates.keys())
    candidates.update((row.member_id, office.open_member(row)) for row in further)
    subject = subject_of(office, feed, page.rows, row.index) or Subject()
    likely = []
    for member in candidates.values():
        decision = alone(subject, found.as_matched(row.index, member), office.match_model)
        offered = decision.outcome is not MatchOutcome.NONE or member.member_id in wanted
        if offered and member.association == item.association and not member.opt_out:
            likely.append(Alternative(member=member, decision=decision))
    return sorted(likely, key=lambda each: (-each.decision.score, each.member.member_no))


def _namesakes(tx: Tx, office: Office, subject: Subject) -> set[int]:
    """Whoever else bears such a name and was born that day: the other twin, where a card is one twin's and the record
    the other's, and matching looks at the owner of the number only."""
    texts = [text for text in record_blocks(subject, sound_too=True) if text.startswith("nb|")]
    return {member_id for _, member_id in blocks.find(tx, [office.block(text) for text in texts])}


def find_item(tx: Tx, item_id: int, association: str | None) -> ReviewItem:
    """An item, of this association where one is named. Raises BadInput("unknown_item")."""
    item = reviews.by_id(tx, item_id) if 0 < item_id < 1 << 62 else None
    if item is None or association not in (None, item.association):
        raise BadInput("unknown_item", f"没有第{item_id}号待核事项 (no such item)")
    return item


def clerk(by: str) -> str:
    """The name somebody signs with. Raises BadInput("not_valid")."""
    name = " ".join(by.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadInput("not_valid", f"经办人应为1至{_LONGEST_NAME}个字 (by: the name of the person deciding)")
    return name


# ── list ──


def summary(item: ReviewItem) -> dict[str, Any]:
    """An item without personal data."""
    return {
        "item_id": item.item_id,
        "kind": item.kind,
        "association": item.association,
        "feed": item.feed,
        "page_seq": item.page_seq,
        "row": item.row,
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
        found = reviews.listing(tx, state=state, association=association, kind=kind, after=after, limit=limit)
        said = review_decisions.of_items(tx, [each.item_id for each in found])
        numbers = numbers_of(tx, [each for spoken in said.values() for each in spoken])
    return [{**summary(item), **_standing(said.get(item.item_id, []), numbers)} for item in found]


def numbers_of(tx: Tx, said: Iterable[ReviewDecision]) -> dict[int, str]:
    """Member → member number, of everybody these decisions are about."""
    ids = {member_id for each in said for member_id in (each.member_id, *_joined(each)) if member_id is not None}
    return {row.member_id: row.member_no for row in members.by_id(tx, ids)}


def _joined(said: ReviewDecision) -> list[int]:
    """Whom a decision made, or would make, one person with the member it is about."""
    entries = msgspec.json.decode(said.joined)
    return [each[1] if each[0] == "join" else each[0] for each in entries]


def _standing(said: list[ReviewDecision], numbers: dict[int, str]) -> dict[str, Any]:
    proposed = next((each for each in reversed(said) if each.state == "proposed"), None)
    return {
        "unsure": sum(each.state == "noted" for each in said),
        "proposed_by": proposed.by if proposed else None,
        "proposed_member_no": numbers.get(proposed.member_id or 0) if proposed else None,
        "proposed_join": proposed is not None and bool(_joined(proposed)),
    }


# ── show ──


def show(office: Office, item_id: int, *, association: str | None = None) -> dict[str, Any]:
    """An item with all that decides it, masked. Raises BadInput("unknown_item")."""
    with office.store.read() as tx:
        return _shown(tx, office, find_item(tx, item_id, association), reveal=False)


def reveal(office: Office, item_id: int, *, by: str, association: str | None = None) -> dict[str, Any]:
    """The same with plain values, after writing down who looks. Raises BadInput."""
    name = clerk(by)
    with office.store.write() as tx:
        find_item(tx, item_id, association)
        accesses.note(tx, Access(item_id=item_id, by=name, at=to_ms(office.now()), what="reveal"))
    with office.store.read() as tx:
        return _shown(tx, office, find_item(tx, item_id, association), reveal=True)


def _shown(tx: Tx, office: Office, item: ReviewItem, *, reveal: bool) -> dict[str, Any]:
    said = review_decisions.of_items(tx, [item.item_id]).get(item.item_id, [])
    numbers = numbers_of(tx, said)
    spoken = [_told(office, each, numbers) for each in said]
    told = {**summary(item), **_standing(said, numbers), "revealed": reveal, "decisions": spoken}
    if item.kind == "match":
        # Whoever confirms a proposal sees the member it is about, whether or not anything else led to him.
        named = {each for one in said if one.state in ("proposed", "done") for each in (one.member_id, *_joined(one))}
        return {**told, **_match_shown(tx, office, item, named, reveal=reveal)}
    if item.kind == "takeback":
        return {**told, "file": pages.load(tx, item.page_seq)[0].source}
    return {**told, "claim": _claim_shown(tx, office, item)}


def _told(office: Office, said: ReviewDecision, numbers: dict[int, str]) -> dict[str, Any]:
    def opened(note: bytes | None, context: Callable[[str], bytes]) -> str | None:
        return office.vault.open(note, context(str(said.item_id))).decode() if note is not None else None

    return {
        "answer": said.answer,
        "state": said.state,
        "member_no": numbers.get(said.member_id or 0),
        "join": [numbers[each] for each in _joined(said) if each in numbers and each != said.member_id],
        "by": said.by,
        "at": from_ms(said.decided_at).isoformat(),
        "note": opened(said.note, note_context),
        "undone_by": said.undone_by,
        "undone_at": from_ms(said.undone_at).isoformat() if said.undone_at is not None else None,
        "undone_note": opened(said.undone_note, undone_note_context),
    }


def _match_shown(
    tx: Tx, office: Office, item: ReviewItem, named: Iterable[int | None], *, reveal: bool
) -> dict[str, Any]:
    """The record beside every member it may be about, and the waterfall the doubt was raised with."""
    page = page_of(tx, office, item.page_seq)
    kept = [each for each in match_decisions.of_pages(tx, [item.page_seq]) if each.row == item.row]
    why = next((each for each in kept if each.association == item.association), None)
    shown = {
        "available": page is not None,
        "evidence": msgspec.to_builtins(why.evidence) if why else [],
        "model": why.model if why else "",
    }
    if page is None or item.row is None:
        return {**shown, "settlement": None, "candidates": []}
    row = row_as_written(office, page, item.row)
    subject = subject_of(office, page.meta.feed, page.rows, item.row) or Subject()
    likely = alternatives(tx, office, page, row, item, {*named, *_namesakes(tx, office, subject)})
    return {
        **shown,
        "settlement": _settlement(office, page, item.row),
        "candidates": [_candidate(subject, each, reveal=reveal) for each in likely],
    }


def _settlement(office: Office, page: OpenPage, index: int) -> dict[str, Any]:
    """Where, when and how much, and what is wrong with the row; that alone where more than number or name is."""
    mapping = office.mapping_of(page.meta.feed)
    found = mapping.record(page.rows, index)
    wrong = {} if isinstance(found, Normal) else {"errors": msgspec.to_builtins(found.errors)}
    if isinstance(found, Rejected) and only_in_doubt(found.errors):
        # The doubt is about who he is; where he was, when and for how much is as good as anybody's.
        found = mapping.record(page.rows, index, as_written=True)
    if not isinstance(found, Normal):
        return wrong
    record = found.record
    total = None if record.total_amount is None else yuan(record.total_amount)
    return {**context_of(record), "reversal": record.reversal, "total": total, **wrong}


def _candidate(subject: Subject, one: Alternative, *, reveal: bool) -> dict[str, Any]:
    pairs: list[Pair] = side_by_side(subject, one.member, reveal=reveal)
    return {
        "member_no": one.member.member_no,
        "member_id": one.member.member_id,
        "score": one.decision.score,
        "reasons": list(one.decision.reasons),
        "fields": msgspec.to_builtins(pairs),
    }


def _claim_shown(tx: Tx, office: Office, item: ReviewItem) -> dict[str, Any] | None:
    """A decided claim, what became of its settlements, and what its stay would be owed now."""
    rows = claims.by_ids(tx, [item.claim_id]) if item.claim_id else []
    if not rows:
        return None
    row = rows[0]
    shown = claim_summary(row)
    decided = claims.decisions(tx, [row.claim_id])
    if row.claim_id not in decided:
        return {**shown, "decision": None}
    person = person_files(tx, office, {row.person_id: row.association}, {}, [])[row.person_id]
    if person.unreadable:
        raise BrokenSeal
    counting = person.records if person.enrolled else []
    records = [held.record for held in counting if not held.duplicate and held.record is not None]
    mine = decided_claims(tx, office, claims_of(tx, [row.person_id]), [])[row.person_id][row.scheme, row.stay]
    estimates = assess(insured(person, row.scheme), records, office.schemes[row.scheme])
    now = sum(each.payable for each in estimates if each.stay == row.stay)
    what = decided[row.claim_id]
    return {
        **shown,
        "decision": {"outcome": what.outcome, "amount": yuan(what.amount), "version": what.version},
        "settlements": list(mine.decision.settlements),
        "changed": [{"settlement_no": number, "gone": said == "gone"} for number, said in changed_since(mine, records)],
        "owed_now": yuan(now),
        "difference": yuan(now - what.amount),
    }


# ── what is learnt from people, and who looked ──


def lessons(office: Office, *, association: str | None = None) -> Iterator[dict[str, Any]]:
    """Every decision that stands, as evidence levels and answer; nothing in it says who anybody is."""
    with office.store.read() as tx:
        found = review_decisions.lessons(tx, association=association)
    for levels, same, model in found:
        yield {"levels": msgspec.json.decode(levels), "same": same, "model": model}


def access_log(office: Office, *, item_id: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Who looked at plain values, newest first."""
    with office.store.read() as tx:
        found = accesses.listing(tx, item_id=item_id, limit=limit)
    return [{**msgspec.to_builtins(each), "at": from_ms(each.at).isoformat()} for each in found]
