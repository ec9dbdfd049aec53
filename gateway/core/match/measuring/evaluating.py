"""How good the matching is (评估): decisions against labelled truth, by kind of error, with a calibration table.

Pure sums. A false match is a record matched to somebody it is not about; a record is reached when it was matched to,
or brought before a person with, the right member.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import msgspec

EDGES: Final = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0)
"""The score bins of the calibration table; each holds its lower edge, the last both."""

SHOWN: Final = 50
"""So many false matches are named, by settlement number."""


class Label(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is so. `member_no` is None where the record is no member's; `also` are other numbers of the same person.

    `automatic`: a gateway may, and can, decide this alone (None: nobody said, so every member's record counts).
    `review`: a person ought to look at it.
    """

    settlement_no: str
    member_no: str | None = None
    kind: str = "unlabelled"
    automatic: bool | None = None
    review: bool = False
    also: tuple[str, ...] = ()

    @property
    def members(self) -> frozenset[str]:
        """Every member number that would be right."""
        return frozenset((self.member_no, *self.also)) if self.member_no is not None else frozenset()

    @property
    def may_be_automatic(self) -> bool:
        """Whether automatic recall counts this record."""
        return self.member_no is not None and self.automatic is not False


class MatchAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was decided: outcome matched, review or none; the best candidate and its score (0–1)."""

    outcome: str = "none"
    member_no: str | None = None
    score: float = 0.0


class MatchTally(msgspec.Struct, kw_only=True):
    """Counts of records. `allowed` of them may be matched automatically, `allowed_matched` were, rightly."""

    records: int = 0
    members: int = 0
    allowed: int = 0
    allowed_matched: int = 0
    right: int = 0
    false: int = 0
    review: int = 0
    review_right: int = 0
    review_wanted: int = 0

    def add(self, label: Label, answer: MatchAnswer) -> None:
        """Count one record."""
        right = answer.member_no in label.members
        self.records += 1
        self.members += label.member_no is not None
        self.allowed += label.may_be_automatic
        if answer.outcome == "matched":
            self.right += right
            self.false += not right
            self.allowed_matched += right and label.may_be_automatic
        elif answer.outcome == "review":
            self.review += 1
            self.review_right += right
            self.review_wanted += right or label.review

    @property
    def precision(self) -> float | None:
        """Of the automatic matches, the share that is right."""
        return _share(self.right, self.right + self.false)

    @property
    def recall(self) -> float | None:
        """Of the records that may be matched automatically, the share that was, rightly."""
        return _share(self.allowed_matched, self.allowed)

    @property
    def recall_of_all(self) -> float | None:
        """Of all members' records, the share matched automatically and rightly."""
        return _share(self.right, self.members)

    @property
    def reached(self) -> float | None:
        """Of all members' records, the share matched rightly or in review with the right member: recall with review."""
        return _share(self.right + self.review_right, self.members)

    @property
    def review_share(self) -> float | None:
        """Of all records, the share a person must look at."""
        return _share(self.review, self.records)


class Bin(msgspec.Struct, kw_only=True):
    """One bin of scores, of records with a candidate: what the scores promise and how often the candidate is right.

    `matched` and `matched_right` are those among them that no rule held back: a score knows no contradiction, so the
    others may be right far less often than it says.
    """

    low: float
    high: float
    records: int = 0
    right: int = 0
    matched: int = 0
    matched_right: int = 0
    promised: float = 0.0

    def add(self, answer: MatchAnswer, *, right: bool) -> None:
        """Count one record."""
        self.records += 1
        self.right += right
        self.matched += answer.outcome == "matched"
        self.matched_right += right and answer.outcome == "matched"
        self.promised += answer.score

    @property
    def predicted(self) -> float | None:
        """The mean score."""
        return _share(self.promised, self.records)

    @property
    def observed(self) -> float | None:
        """The share of right candidates."""
        return _share(self.right, self.records)

    @property
    def observed_matched(self) -> float | None:
        """The share of right ones among the matched."""
        return _share(self.matched_right, self.matched)


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All the figures. `false_matches` names the first of them; `unlabelled` records had no truth and count nowhere,
    `unanswered` labels had no record and count as none."""

    total: MatchTally
    kinds: dict[str, MatchTally]
    calibration: tuple[Bin, ...]
    false_matches: tuple[str, ...]
    unlabelled: int
    unanswered: int


def evaluate(labels: Iterable[Label], answers: Iterable[tuple[str | None, MatchAnswer]]) -> Evaluation:
    """Answers (by settlement number) against labels. The order of neither matters but for the names shown."""
    truth = {label.settlement_no: label for label in labels}
    total, kinds, bins = (
        MatchTally(),
        defaultdict[str, MatchTally](MatchTally),
        tuple(Bin(low=low, high=high) for low, high in pairwise(EDGES)),
    )
    false: list[str] = []
    unlabelled = 0
    waiting = dict(truth)
    for number, answer in answers:
        label = truth.get(number or "")
        if label is None:
            unlabelled += 1
            continue
        waiting.pop(label.settlement_no, None)
        _count(label, answer, (total, kinds[label.kind]), bins)
        if answer.outcome == "matched" and answer.member_no not in label.members and len(false) < SHOWN:
            false.append(label.settlement_no)
    for label in waiting.values():
        _count(label, MatchAnswer(), (total, kinds[label.kind]), bins)
    return Evaluation(
        total=total,
        kinds=dict(sorted(kinds.items())),
        calibration=tuple(score_bin for score_bin in bins if score_bin.records),
        false_matches=tuple(false),
        unlabelled=unlabelled,
        unanswered=len(waiting),
    )


def as_figures(tally: MatchTally) -> dict[str, float | int | None]:
    """A tally with its shares, for machines; a share of nothing is None."""
    shares = {
        name: getattr(tally, name) for name in ("precision", "recall", "recall_of_all", "reached", "review_share")
    }
    return {**msgspec.to_builtins(tally), **shares}


def _count(label: Label, answer: MatchAnswer, tallies: tuple[MatchTally, ...], bins: tuple[Bin, ...]) -> None:
    for tally in tallies:
        tally.add(label, answer)
    if answer.member_no is not None:
        place = next(score_bin for score_bin in reversed(bins) if answer.score >= score_bin.low)
        place.add(answer, right=answer.member_no in label.members)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
