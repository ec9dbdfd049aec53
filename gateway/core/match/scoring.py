"""Score a record against one member: the level of every kind of evidence, and the sum of their weights (Fellegi and
Sunter)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp2
from typing import Final

import msgspec

from gateway.core.match.compare import COMPARISONS, RecordSide
from gateway.core.match.model import Model, SameNumber, log_odds
from gateway.core.match.writing.numbers import covers_birth
from gateway.model.decision import Candidate, Evidence

_NO_EMPLOYER: Final = 2


class ScoredPair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record against one member: field → level, bits of evidence, posterior."""

    member: Candidate
    levels: Mapping[str, str]
    evidence: tuple[Evidence, ...]
    posterior: float

    @property
    def order(self) -> tuple[float, int, bool, str, int]:
        """Best first, the same for every order of candidates and of the roster, which numbers members inside. Of two
        enrolments under one number the one of the record's employer."""
        employer = {"equal": 0, "similar": 1}.get(self.levels["employer"], _NO_EMPLOYER)
        return -self.posterior, employer, self.levels["phone"] != "equal", self.member.member_no, self.member.member_id

    def posterior_without(self, field: str) -> float:
        """The posterior had this field said nothing."""
        return _share_of(self.evidence[-1].running - sum(step.weight for step in self.evidence if step.field == field))


def score_pair(record: RecordSide, member: Candidate, model: Model) -> ScoredPair:
    """Compare in every kind of evidence and add up what it is worth."""
    levels = {comparison.field: comparison.compare(record, member) for comparison in COMPARISONS}
    if levels["id_number"] == "equal" and model.same_number is not None:
        weighed = _under_the_number(levels, model.same_number, model)
    else:
        weighed = list(_apart_from_the_number(levels, record, member, model))
    # Every step with the sum so far. Sums are of exact weights, what is shown is rounded.
    running = log_odds(model.prior)
    steps = [Evidence(field="prior", level="", weight=round(running, 3), running=round(running, 3))]
    for (field, level), weight in zip(levels.items(), weighed, strict=True):
        running += weight
        steps.append(Evidence(field=field, level=level, weight=round(weight, 3), running=round(running, 3)))
    return ScoredPair(member=member, levels=levels, evidence=tuple(steps), posterior=_share_of(steps[-1].running))


def score_of(pair: ScoredPair, model: Model) -> float:
    """The posterior of a pair as it is shown. Where a number is not the member's very one it is at most what the whole
    number would make of all else, so that no number scores higher for the digits that it hides (in models that know of
    hiding)."""
    if model.same_number is None or not model.knows("name", "hidden"):
        return pair.posterior
    whole = log_odds(model.prior) + sum(_under_the_number(pair.levels, model.same_number, model))
    return min(pair.posterior, _share_of(whole))


def _under_the_number(levels: Mapping[str, str], same_number: SameNumber, model: Model) -> list[float]:
    """How often it is the member who stands under the number, then what tells the member from whoever uses the card."""
    weights = [comparison.weight_under_number(levels[comparison.field], same_number) for comparison in COMPARISONS[1:]]
    return [log_odds(same_number.prior) - log_odds(model.prior), *weights]


def _share_of(bits: float) -> float:
    """Log odds as a probability."""
    return round(1 / (1 + exp2(-max(min(bits, 60.0), -60.0))), 6)


def _apart_from_the_number(
    levels: Mapping[str, str], record: RecordSide, member: Candidate, model: Model
) -> Iterable[float]:
    """The weight of every level. What agrees because the number agrees is no evidence of its own and may only
    contradict: the number holds the birth date, and a card that somebody else uses brings its owner's sex, employer and
    telephone with it."""
    on_number = levels["id_number"]
    # Versions from before hiding was known count a birth date that a masked number shows for nothing.
    shown_counts = model.knows("name", "hidden")
    holds_birth = covers_birth(on_number) or (
        not shown_counts and on_number in ("masked", "masked_part") and record.number.born is not None
    )
    for comparison in COMPARISONS:
        echoes = comparison.echoes_card if on_number == "equal" else holds_birth and comparison.echoes_number
        weight = comparison.weight(levels[comparison.field], member, model)
        yield min(weight, 0.0) if echoes else weight
