"""What a worked batch leaves for later: errors and doubts for a person, decisions to explain, person numbers learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.changes.values import Changes, ExplainedRow, PagePlace, PlacedRow, ReadRow, Rules
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.model.rows import RowClass

PLAIN_REASONS: Final = ("id_number_agrees", "name_agrees")

_EXPLAINED: Final = frozenset((RowClass.MEMBER, RowClass.DUPLICATE, RowClass.REVIEW))
_CERTAIN: Final = frozenset((RowClass.MEMBER, RowClass.NOT_PAYABLE, RowClass.DUPLICATE))

# A member of an enum asked of its class costs as much as ten look-ups, and this is asked of every row followed.
_NON_MEMBER, _QUARANTINED, _SUPERSEDED = RowClass.NON_MEMBER, RowClass.QUARANTINED, RowClass.SUPERSEDED
_MATCHED, _IN_REVIEW = MatchOutcome.MATCHED, MatchOutcome.REVIEW


def is_plain(decision: MatchDecision) -> bool:
    """Whether number and name simply agree: that needs no waterfall, and nobody is ever asked about it."""
    return decision.outcome is _MATCHED and decision.reasons == PLAIN_REASONS


def leave_behind(rows: Sequence[PlacedRow], rules: Rules, changes: Changes) -> None:
    """Put down what rows leave. A superseded row leaves nothing: what replaced it is asked about and explained."""
    for placed in rows:
        page, row, row_class = placed.page, placed.row, changes.class_at(placed)
        if row_class is _NON_MEMBER and not row.ruled_by:
            continue
        if row_class is _QUARANTINED:
            changes.quarantined.append(_error_of(page, row, rules.now_ms))
        if row_class is _SUPERSEDED:
            continue
        if row.ruled_by:
            changes.ruled += [(ruling_id, placed.place) for ruling_id in row.ruled_by]
        if row.person_no is not None and row_class in _CERTAIN:
            # The feed's own number of a member certainly matched finds the member from now on.
            changes.person_numbers.update((row.person_no, member.member_id) for _, member in row.matched)
        if row_class in _EXPLAINED:
            for association, decision in row.decisions:
                if decision.member is not None and not is_plain(decision):
                    explained = ExplainedRow(place=placed.place, association=association, decision=decision)
                    changes.explained.append(explained)
                # What is one association's member for certain may be another's in doubt.
                if decision.outcome is _IN_REVIEW:
                    changes.questions.append(_question_about(page, row, association, decision, rules.now_ms))


def _error_of(page: PagePlace, row: ReadRow, now_ms: int) -> QuarantineItem:
    return QuarantineItem(
        page_seq=page.seq,
        row=row.index,
        feed=page.feed,
        key=row.key,
        amount=row.amount,
        errors=row.errors,
        state="open",
        created_at=now_ms,
    )


def _question_about(
    page: PagePlace, row: ReadRow, association: str, decision: MatchDecision, now_ms: int
) -> ReviewItem:
    return ReviewItem(
        kind="match",
        association=association,
        feed=page.feed,
        page_seq=page.seq,
        row=row.index,
        key=row.key,
        amount=row.amount,
        member_id=decision.member.member_id if decision.member else None,
        score=decision.score,
        reasons=msgspec.json.encode(decision.reasons).decode(),
        state="open",
        created_at=now_ms,
    )
