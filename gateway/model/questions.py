"""What waits for a person: doubts and rows that cannot be read. They name a page, a row and reasons, never the row."""

from __future__ import annotations

import msgspec

from gateway.model.page import RowError
from gateway.model.states import ItemState, QuestionKind


class QuarantineItem(msgspec.Struct, frozen=True, kw_only=True):
    """A row (or, with row None, a page) that could not be read; `key` where its number could.

    `closed_by`, `closed_at`, `reason` (sealed): a person said that it will never be right. It asks for nobody any more,
    and its row stands in quarantine all the same, because that is what became of it.
    """

    page_seq: int
    row: int | None
    feed: str
    key: bytes | None
    amount: int
    errors: tuple[RowError, ...]
    state: ItemState
    created_at: int
    item_id: int = 0
    closed_by: str | None = None
    closed_at: int | None = None
    reason: bytes | None = None


class ReviewItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must decide; `member_id` is the best candidate.

    `situation`: keyed digest of the facts a question about a claim rests on.
    """

    kind: QuestionKind
    association: str
    feed: str
    page_seq: int
    row: int | None
    key: bytes | None
    amount: int
    member_id: int | None
    score: float | None
    reasons: str
    state: ItemState
    created_at: int
    claim_id: str | None = None
    situation: bytes | None = None
    item_id: int = 0
