"""Questions about a person's bills, and what was answered: asked once for the same facts, closed when they are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from gateway.core.changes.persons import HeldRecord
from gateway.model.questions import ReviewItem
from gateway.model.states import QuestionKind

Digest: TypeAlias = Callable[[str], bytes]
"""The text of a situation → its keyed digest."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What a person answered. `original`: the key of the settlement named as the original of a refund."""

    answer: str
    original: bytes | None = None


class AskedBefore(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked about a person's bills: the questions that are open, and situation → what was answered."""

    open: tuple[ReviewItem, ...] = ()
    answers: Mapping[bytes, Answered] = msgspec.field(default_factory=dict)


class BillQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question that the bills of a person raise: about the bill that came last (`about`) and what it is held against
    (`against`, the first of them in front). `reasons`: codes, the first says what is wrong. `claim_id`: the claim it is
    about, where that is known before anything is assessed."""

    kind: QuestionKind
    situation: bytes
    about: HeldRecord
    against: tuple[HeldRecord, ...]
    reasons: tuple[str, ...]
    claim_id: str | None = None
