"""Carry out what a person answers about a doubt, and take it back: one transaction, all of it or nothing.

A transaction of this room holds the feeds of the association and its roster, in this order, like everybody who takes
both: so no batch is read under rulings that change while it is settled. Rows are read again from their stored pages
and settled like the first time (`gateway.flow.batches.replay`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from gateway.core.changes import ReadRow
from gateway.core.changes.claims import DECISION_WITHDRAWN
from gateway.core.reviewing import needs_second
from gateway.core.roster import one_holder
from gateway.core.signing import clerk
from gateway.errors import BadInput, Conflict
from gateway.flow.accounts.two_persons import confirms, propose
from gateway.flow.batches.replay import apply_again
from gateway.flow.batches.take_back import take_back_agreed
from gateway.flow.batches.withdrawn_rulings import take_out_of_gone_pages
from gateway.flow.delivery.decisions import ABOVE_CLAIM, take_agreed
from gateway.flow.office import Office, feeds_of, note_context, undone_note_context
from gateway.flow.pages.row_lists import classes_listed
from gateway.flow.pages.stored_pages import OpenPage
from gateway.flow.people.joining import join_people, part_people
from gateway.flow.reading.candidates import PERSON_NO
from gateway.flow.reading.rows import look_up
from gateway.flow.reading.rulings import Digests, digests_of
from gateway.flow.reviewing.answers import (
    ReplacedProposal,
    ReviewAnswer,
    ReviewResult,
    check_answer,
    check_fits,
)
from gateway.flow.reviewing.bills import ABOUT_BILLS, original_named, weigh_again
from gateway.flow.reviewing.show import Alternative, alternatives, find_item, numbers_of, page_of, row_as_written
from gateway.flow.roster.enrol import look_again_at
from gateway.model.member import Member
from gateway.model.questions import ReviewItem
from gateway.model.rows import RowClass
from gateway.model.states import AnswerState
from gateway.store import blocks, members, pages, records, rescans, review_decisions, reviews, roster, rulings
from gateway.store.engine import Tx, lock
from gateway.store.review_decisions import ReviewDecision
from gateway.store.rulings import Ruling
from gateway.store.values import from_ms, to_ms

__all__ = ["ReplacedProposal", "ReviewAnswer", "ReviewResult", "decide", "undo"]


def decide(office: Office, item_id: int, answer: ReviewAnswer, *, association: str | None = None) -> ReviewResult:
    """Carry out an answer. Raises BadInput where it cannot be given, Conflict where somebody was first."""
    with office.store.read() as tx:
        item = find_item(tx, item_id, association)
    check_fits(item, answer)
    with office.store.write() as tx:
        return answer_in(tx, office, item, answer)


def answer_in(tx: Tx, office: Office, item: ReviewItem, answer: ReviewAnswer) -> ReviewResult:
    """Carry out an answer that fits the item, in a transaction of the caller's. Raises as `decide`."""
    return _Case(tx, office, _held(tx, office, item), msgspec.structs.replace(answer, by=clerk(answer.by))).decide()


def undo(
    office: Office, item_id: int, *, by: str, note: str | None = None, association: str | None = None
) -> ReviewResult:
    """Take back the decision that stands about an item, or a proposal, and all that followed from it.

    What the association had already decided stays, and goes to a person with the difference. Raises BadInput where
    a decision cannot be taken back, Conflict where there is none.
    """
    withdrawal = ReviewAnswer(answer="unsure", by=clerk(by), note=note)
    check_answer(withdrawal)
    with office.store.read() as tx:
        item = find_item(tx, item_id, association)
    with office.store.write() as tx:
        return _Case(tx, office, _held(tx, office, item), withdrawal).undo()


def _held(tx: Tx, office: Office, item: ReviewItem) -> ReviewItem:
    """The item as it stands once nobody else can settle rows of this association or change its roster."""
    for feed in sorted({*feeds_of(office, item.association), item.feed} - {""}):
        lock(tx, f"feed:{feed}")
    # The version moves, so a batch that was read under the rulings of before is read again.
    roster.move_version(tx, item.association)
    return find_item(tx, item.item_id, item.association)


class _Case:
    """One item in the hands of one person, in one transaction."""

    def __init__(self, tx: Tx, office: Office, item: ReviewItem, answer: ReviewAnswer) -> None:
        self._tx, self._office, self._item, self._answer = tx, office, item, answer
        self._pages: dict[int, OpenPage | None] = {}
        self._before = review_decisions.of_items(tx, [item.item_id]).get(item.item_id, [])
        self._last_item = reviews.last_number(tx)
        self._replaced: tuple[ReplacedProposal, ...] = ()

    # ── an answer ──

    def decide(self) -> ReviewResult:
        """Carry out the answer. Raises Conflict where the item is no longer open."""
        if self._item.state != "open":
            done = [decision for decision in self._before if decision.state == "done"]
            last = f"，{done[-1].by}于{from_ms(done[-1].decided_at):%Y-%m-%d %H:%M}答 {done[-1].answer}" if done else ""
            raise Conflict(f"第{self._item.item_id}号已不待核（{self._item.state}{last}）(the item is no longer open)")
        answer = self._answer.answer
        if answer == "unsure":
            self._write("noted")
            return self._done("open")
        if self._item.kind in ABOUT_BILLS:
            return self._about_bills()
        if self._item.kind == "changed":
            return self._about_number()
        if answer == "same":
            return self._same()
        if answer == "different":
            return self._different()
        if answer == "agree" and self._item.kind == ABOVE_CLAIM:
            take_agreed(self._tx, self._office, self._item)
        elif answer == "agree":
            shared = self._office.feeds[self._item.feed].associations
            roster.version(self._tx, shared, hold=True)
            take_back_agreed(self._tx, self._office, self._item.page_seq)
        self._write("done")
        self._close()
        return self._done("decided")

    def _about_bills(self) -> ReviewResult:
        original = None
        if self._answer.answer == "original":
            original = original_named(self._tx, self._office, self._item, self._answer.settlement_no)
        self._write("done", original=original)
        self._close()
        weigh_again(self._tx, self._office, self._item)
        return self._done("decided")

    def _about_number(self) -> ReviewResult:
        """What becomes of a row that could not simply replace what stands under its number."""
        if self._page(self._item.page_seq) is None:
            raise BadInput("item_expired", "原页已到期或已读不出，无从核定 (its page is gone or cannot be read)")
        self._write("done")
        changed = self._settle_rows({(self._item.page_seq, self._item.row or 0)})
        self._close()
        return self._done("decided", rows=changed)

    def _same(self) -> ReviewResult:
        page, row, likely = self._evidence()
        if self._answer.confirm:
            self._answer = self._proposed()
        chosen = self._chosen(page, row, likely)
        others = self._others(chosen, likely)
        if chosen.different and not self._answer.although_different:
            raise BadInput(
                "nothing_agrees",
                "所写与此会员没有一项足以相符；确是他，请注明 although_different，并由另一人确认 "
                "(nothing speaks for this member: say so, and a second person must confirm)",
            )
        if self._waits_for_second(chosen, others):
            return self._done("proposed", member=chosen.member)
        joined = join_people(self._tx, self._office, chosen.member, others) if others else []
        digests = digests_of(self._office, page.meta.feed, page.rows, row)
        decision = self._write("done", chosen=chosen, joined=joined)
        against = self._overruled(digests, {chosen.member.member_id}, is_same=True)
        self._rule(against, [self._ruling(digests.same, chosen.member, decision, is_same=True)])
        changed = self._settle(against, [*likely, chosen])
        if self._now().state == "open":
            # The decision could not be carried out: better nothing than half of it.
            raise Conflict("这一行已不是当时的样子，请重新查看 (the row is not what it was: look again)")
        self._close()
        return self._done("decided", member=chosen.member, rows=changed)

    def _different(self) -> ReviewResult:
        page, row, likely = self._evidence()
        digests = digests_of(self._office, page.meta.feed, page.rows, row)
        decision = self._write("done", chosen=likely[0] if likely else None)
        against = self._overruled(digests, {alternative.member.member_id for alternative in likely}, is_same=False)
        new = [self._ruling(digests.different, alternative.member, decision, is_same=False) for alternative in likely]
        self._rule(against, new)
        changed = self._settle(against, likely)
        if self._now().state == "open":
            return self._done("open", rows=changed)
        self._close()
        return self._done("decided", rows=changed)

    def _evidence(self) -> tuple[OpenPage, ReadRow, list[Alternative]]:
        page = self._page(self._item.page_seq)
        if page is None or self._item.row is None:
            raise BadInput("item_expired", "原页已到期或已读不出，无从核定 (its page is gone or cannot be read)")
        row = row_as_written(self._office, page, self._item.row)
        return page, row, alternatives(self._tx, self._office, page, row, self._item)

    def _chosen(self, page: OpenPage, row: ReadRow, likely: Sequence[Alternative]) -> Alternative:
        """Whom the answer is about: the member named, though nothing led to it but the person who decides, or the one
        the item names. Raises BadInput."""
        number = self._answer.member_no
        for alternative in likely:
            member = alternative.member
            if number == member.member_no or (number is None and member.member_id == self._item.member_id):
                return alternative
        if number is None:
            raise BadInput("unknown_member", "候选会员已不在册，请以会员号指明 (name the member by number)")
        rows = members.by_number(self._tx, self._item.association, [number])
        if not rows:
            raise BadInput("unknown_member", "没有此会员号 (no such member)")
        if rows[0].opt_out:
            raise BadInput("opted_out", "此会员已选择不参加 (the member has opted out)")
        named = rows[0].member_id
        with_named = alternatives(self._tx, self._office, page, row, self._item, [named])
        return next(alternative for alternative in with_named if alternative.member.member_id == named)

    def _others(self, chosen: Alternative, likely: Sequence[Alternative]) -> list[Member]:
        """The enrolments said to be the same person's, none where the answer joins nobody: all under the same id number
        and name, and the one the item names where another is chosen; else the one other that is equally likely.

        Raises BadInput where the chosen one stands under another member number too and nobody said yet that both are
        one person: the stays would be two people's, and the same stay from two feeds be paid twice.
        """
        apart = [alternative for alternative in likely if alternative.member.person_id != chosen.member.person_id]
        holder = one_holder(chosen.member)
        joining = [alternative for alternative in apart if one_holder(alternative.member) == holder]
        if not self._answer.join:
            if joining:
                raise BadInput(
                    "needs_join",
                    "他以同一证件号码、同一姓名有几个会员号，选其一会把他拆成几人；确是他，请答 same 并注明 join "
                    "(he has several member numbers: say that they are one person)",
                )
            return []
        asked = self._item.member_id
        if self._answer.member_no is not None and chosen.member.member_id != asked:
            named = [alternative for alternative in apart if alternative.member.member_id == asked]
            joining += [alternative for alternative in named if alternative not in joining]
        elif not joining and len({alternative.member.person_id for alternative in apart}) == 1:
            joining = apart
        if not joining:
            raise BadInput("not_valid", "join 需要恰好两名候选会员，可用会员号指明 (join needs exactly two candidates)")
        return [alternative.member for alternative in joining]

    # ── a second person ──

    def _proposed(self) -> ReviewAnswer:
        """What another one proposed, as an answer. Raises BadInput, or Conflict where it is not what is thought."""
        proposals = [decision for decision in self._before if decision.state == "proposed"]
        proposal = proposals[-1] if proposals else None
        if proposal is None or proposal.member_id is None:
            raise BadInput("not_valid", "没有待确认的提议 (no proposal to confirm)")
        numbers = {row.member_id: row.member_no for row in members.by_id(self._tx, [proposal.member_id])}
        number = numbers.get(proposal.member_id)
        if number is None or self._answer.member_no not in (None, number):
            raise Conflict("提议的会员与所写不同，请重新查看 (another member is proposed: look again)")
        join = proposal.joined != "[]"
        return msgspec.structs.replace(self._answer, member_no=number, join=join, although_different=True)

    def _waits_for_second(self, chosen: Alternative, others: Sequence[Member]) -> bool:
        """Whether this "same" is only a proposal. Raises BadInput where one person says it twice."""
        above = int(self._office.gateway.review.second_person_above * 100)
        proposals = [decision for decision in self._before if decision.state == "proposed"]
        if not needs_second(self._item.amount, above=above, although_different=chosen.different):
            self._overtake(proposals)
            return False
        joined = [["join", member.member_id] for member in others]
        for proposal in proposals:
            alike = proposal.member_id == chosen.member.member_id and msgspec.json.decode(proposal.joined) == joined
            subject, second = f"review {self._item.item_id}", self._answer.by
            if alike and confirms(self._tx, self._office, subject, first=proposal.by, second=second):
                review_decisions.end(self._tx, [proposal.decision_id], state="confirmed")
                return False
        self._overtake(proposals)
        self._write("proposed", chosen=chosen, joined=joined)
        propose(self._tx, self._office, f"review {self._item.item_id}", by=self._answer.by)
        return True

    def _overtake(self, proposals: Sequence[ReviewDecision]) -> None:
        """These proposals are no longer there to be confirmed; who gave the new answer is told."""
        numbers = numbers_of(self._tx, proposals)
        self._replaced = tuple(
            ReplacedProposal(
                by=proposal.by, member_no=numbers.get(proposal.member_id or 0), join=proposal.joined != "[]"
            )
            for proposal in proposals
        )
        review_decisions.end(self._tx, [proposal.decision_id for proposal in proposals], state="overtaken")

    # ── rulings ──

    def _ruling(self, digest: bytes, member: Member, decision: int, *, is_same: bool) -> Ruling:
        return Ruling(
            association=self._item.association,
            digest=digest,
            member_id=member.member_id,
            same=is_same,
            decision_id=decision,
        )

    def _overruled(self, digests: Digests, members: set[int], *, is_same: bool) -> list[Ruling]:
        """Earlier rulings about this evidence that the new one contradicts or repeats."""
        return [
            ruling
            for earlier in rulings.by_digest(self._tx, {digests.same, digests.different}).values()
            for ruling in earlier
            if ruling.association == self._item.association
            and (ruling.member_id in members or (is_same and ruling.same))
        ]

    def _rule(self, against: Sequence[Ruling], new: Sequence[Ruling]) -> None:
        self._touched = rulings.ruled_rows(self._tx, [ruling.ruling_id for ruling in against])
        rulings.forget(self._tx, [ruling.ruling_id for ruling in against])
        rulings.add(self._tx, new)

    def _settle(self, against: Sequence[Ruling], likely: Sequence[Alternative]) -> int:
        """Settle the row again, those the overruled rulings decided, and the open doubts about the same members."""
        members = {alternative.member.member_id for alternative in likely} | {ruling.member_id for ruling in against}
        waiting = reviews.open_of_members(self._tx, members)
        rows = {(item.page_seq, item.row) for item in waiting if item.row is not None}
        return self._settle_rows(self._touched | rows | {(self._item.page_seq, self._item.row or 0)})

    def _settle_rows(self, rows: Iterable[tuple[int, int]], *, withdrawal_reason: str | None = None) -> int:
        by_page: dict[int, list[int]] = defaultdict(list)
        for seq, index in rows:
            by_page[seq].append(index)
        changed = 0
        for seq, indexes in sorted(by_page.items()):
            page = self._page(seq)
            if page is None or page.meta.replaced_by is not None:
                continue
            if self._item.association in self._office.feeds[page.meta.feed].associations:
                again = [row_as_written(self._office, page, index) for index in sorted(indexes)]
                reading = look_up(self._tx, self._office, page.meta.feed, again, page.rows)
                changed += apply_again(self._tx, self._office, page, reading, withdrawal_reason=withdrawal_reason)
        return changed

    def _page(self, seq: int) -> OpenPage | None:
        if seq not in self._pages:
            self._pages[seq] = page_of(self._tx, self._office, seq)
        return self._pages[seq]

    # ── taking it back ──

    def undo(self) -> ReviewResult:
        """Take back a proposal, or the decision that stands."""
        standing = [decision for decision in self._before if decision.state in ("done", "proposed")]
        if not standing or (self._item.state == "open") is (standing[-1].state == "done"):
            raise Conflict(f"第{self._item.item_id}号没有可撤回的决定 (no decision to take back)")
        last = standing[-1]
        at, note = to_ms(self._office.now()), self._sealed_note(undone_note_context)
        review_decisions.undo(self._tx, last.decision_id, by=self._answer.by, at=at, note=note)
        if last.state == "proposed":
            return self._done("open", answer=last.answer)
        if self._item.kind == "match":
            return self._unrule(last)
        if self._item.kind in ABOUT_BILLS:
            reviews.end(self._tx, [self._item.item_id], state="open")
            weigh_again(self._tx, self._office, self._item)
            return self._done(self._now().state, answer=last.answer)
        if self._item.kind == "changed":
            return self._number_again(last)
        # A question about a claim or a file is open again.
        if last.answer == "agree" and self._item.kind == ABOVE_CLAIM:
            raise BadInput("not_valid", "已记为协会的决定，请协会另作决定 (the association must decide anew)")
        if last.answer == "agree":
            raise BadInput("not_valid", "已收回的行不能放回，请让对方重发文件 (have the file sent again)")
        if self._item.page_seq and pages.about(self._tx, self._item.page_seq)[0].state == "expired":
            raise BadInput("item_expired", "原页已到期 (its page is gone)")
        reviews.end(self._tx, [self._item.item_id], state="open")
        return self._done("open", answer=last.answer)

    def _number_again(self, last: ReviewDecision) -> ReviewResult:
        """The row is in question again, and what it took the place of counts again, read from its page: unless a later
        row has replaced both."""
        seq, row = self._item.page_seq, self._item.row or 0
        if self._page(seq) is None:
            raise BadInput("item_expired", "原页已到期 (its page is gone)")
        reviews.end(self._tx, [self._item.item_id], state="closed")
        changed = self._settle_rows({(seq, row)})
        state = self._now().state
        listed = classes_listed(self._tx, self._office, seq, [row], [])[row]
        keys = [] if self._item.key is None else [self._item.key]
        # A stranger's row that was replaced stays what it is in its list.
        later = any((stored.page_seq, stored.row) > (seq, row) for stored in records.by_keys(self._tx, keys))
        if last.answer == "take" and state != "open" and listed is not RowClass.SUPERSEDED and not later:
            raise BadInput(
                "item_expired", "被取代的行已读不出，请让对方重发 (what it replaced cannot be read any more)"
            )
        return self._done(state, answer=last.answer, rows=changed)

    def _unrule(self, last: ReviewDecision) -> ReviewResult:
        withdrawn = rulings.of_decisions(self._tx, [last.decision_id])
        rows = rulings.ruled_rows(self._tx, [ruling.ruling_id for ruling in withdrawn])
        rows.add((self._item.page_seq, self._item.row or 0))
        gone = {place for place in rows if self._page(place[0]) is None}
        if any(pages.about(self._tx, seq)[0].state != "expired" for seq, _ in gone):
            raise BadInput("item_expired", "原页已读不出，先修映射 (a page cannot be read: mend the mapping first)")
        if last.answer == "different" and (self._item.page_seq, self._item.row) in gone:
            raise BadInput("item_expired", "原页已到期 (its page is gone)")
        rulings.forget(self._tx, [ruling.ruling_id for ruling in withdrawn])
        parted, doubtful = self._part(last)
        changed = take_out_of_gone_pages(
            self._tx,
            self._office,
            self._item,
            parted if last.member_id is None else {last.member_id, *parted},
            gone,
        )
        changed += self._settle_rows((rows - gone) | doubtful, withdrawal_reason=DECISION_WITHDRAWN)
        if self._now().state == "decided":
            # The row came again since: the doubt is about the newer one, and is asked there.
            reviews.end(self._tx, [self._item.item_id], state="superseded")
        return self._done(self._now().state, answer=last.answer, rows=changed)

    def _part(self, last: ReviewDecision) -> tuple[set[int], set[tuple[int, int]]]:
        """Undo what a decision joined; returns the enrolments that parted, and the rows that are perhaps in doubt again
        and can be read. Those that left no record are looked for by the next rescan."""
        parted = part_people(self._tx, self._office, self._item.association, msgspec.json.decode(last.joined))
        if not parted:
            return set(), set()
        # Learnt while they were one person, a person number would lead to one of them for certain.
        gone = blocks.drop_kind(self._tx, PERSON_NO, [row.member_id for row in parted])
        learnt = {row.member_id: b"".join(block for block, member in gone if member == row.member_id) for row in parted}
        again = [look_again_at(self._office, row, learnt[row.member_id]) for row in parted if not row.opt_out]
        rescans.ask(self._tx, again)
        live = records.of_people(self._tx, {row.person_id for row in parted})
        rows = {(record.page_seq, record.row) for record in live if self._page(record.page_seq) is not None}
        open_items = reviews.open_of_members(self._tx, set(learnt))
        return set(learnt), rows | {(item.page_seq, item.row) for item in open_items if item.row is not None}

    # ── writing ──

    def _write(
        self,
        state: AnswerState,
        *,
        chosen: Alternative | None = None,
        joined: Sequence[Any] = (),
        original: bytes | None = None,
    ) -> int:
        if state == "done" and self._answer.answer != "same":
            self._overtake([decision for decision in self._before if decision.state == "proposed"])
        row = ReviewDecision(
            item_id=self._item.item_id,
            association=self._item.association,
            answer=self._answer.answer,
            state=state,
            member_id=chosen.member.member_id if chosen else None,
            by=self._answer.by,
            note=self._sealed_note(note_context),
            decided_at=to_ms(self._office.now()),
            levels=chosen.levels if chosen else "{}",
            model=chosen.decision.model if chosen else "",
            joined=msgspec.json.encode(list(joined)).decode(),
            original=original,
        )
        return review_decisions.add(self._tx, row)

    def _sealed_note(self, context: Callable[[str], bytes]) -> bytes | None:
        note = self._answer.note
        if not note:
            return None
        return self._office.vault.roster_key().seal(note.encode(), context(str(self._item.item_id)))

    def _now(self) -> ReviewItem:
        return find_item(self._tx, self._item.item_id, None)

    def _close(self) -> None:
        reviews.end(self._tx, [self._item.item_id], state="decided")

    def _done(self, state: str, *, answer: str = "", member: Member | None = None, rows: int = 0) -> ReviewResult:
        new = reviews.listing(
            self._tx, association=self._item.association, kind="decided_before", after=self._last_item
        )
        return ReviewResult(
            item_id=self._item.item_id,
            answer=answer or self._answer.answer,
            state=state,
            member_no=member.member_no if member else None,
            rows=rows,
            asked=tuple(item.item_id for item in new),
            replaced=self._replaced,
            kind=self._item.kind,
        )
