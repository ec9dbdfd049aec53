"""The certain part of matching: the id number and the name both agree, or it is not certain.

Doubtful evidence has its room beside this file; whatever it finds, these answers stay as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gateway.model.decision import Candidate, MatchDecision, Outcome

# The middle dot of a transcribed name (额尔敦·朝鲁) is typed in many ways; all are one letter here.
_DOTS = dict.fromkeys(map(ord, "·•‧∙⋅・･.．。｡●"), "·")

_NOBODY = MatchDecision(outcome=Outcome.NONE, score=0.0, reasons=("id_number_unknown",))


def plain_name(name: str) -> str:
    """One spelling of a name: NFKC, no space, one kind of middle dot, upper case."""
    if name.isalnum() and not name.isascii() and unicodedata.is_normalized("NFKC", name):
        return name
    return "".join(unicodedata.normalize("NFKC", name).translate(_DOTS).split()).upper()


def match(id_number: str | None, name: str | None, candidates: Sequence[Candidate]) -> MatchDecision:
    """Who this is. Candidates are members; those whose id number is not this one count for nothing.

    matched: exactly one person has this id number, and the name agrees. review: the number agrees and the name
    does not, or is missing, or several persons have the number. none: nobody has it.
    """
    same_number = [candidate for candidate in candidates if candidate.id_number == id_number]
    if id_number is None or not same_number:
        return _NOBODY
    if not name:
        return _doubt(same_number, "name_missing")
    wanted = plain_name(name)
    same_name = [candidate for candidate in same_number if plain_name(candidate.name) == wanted]
    if not same_name:
        return _doubt(same_number, "name_differs")
    if len({candidate.person_id for candidate in same_number}) > 1:
        return _doubt(same_name, "several_people")
    return MatchDecision(
        outcome=Outcome.MATCHED,
        score=1.0,
        reasons=("id_number_agrees", "name_agrees"),
        member=_first(same_name),
    )


def _doubt(candidates: Sequence[Candidate], reason: str) -> MatchDecision:
    return MatchDecision(
        outcome=Outcome.REVIEW, score=0.5, reasons=("id_number_agrees", reason), member=_first(candidates)
    )


def _first(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate every order of candidates agrees on."""
    return min(candidates, key=lambda candidate: (candidate.member_id, candidate.member_no))
