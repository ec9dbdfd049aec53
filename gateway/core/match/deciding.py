"""The rules: what evidence is conclusive, what contradicts it, and what a person must look at.

A probability alone does not know that a contradiction is a veto, so the model's sum never decides by itself: it
ranks, and it says whether a doubt is worth anybody's time. Whoever uses somebody else's card has the whole number
right; what gives him away is the name, the sex or the birth date, and none of them may ever be outvoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.core.match.model import Model
from gateway.core.match.weighing import Weighed, weigh
from gateway.core.match.writing.numbers import Number, read_number
from gateway.model.decision import Candidate, Evidence, MatchDecision, Outcome, Subject

KNOWN_WRITINGS: Final = frozenset(
    ("equal", "variant", "transcribed", "cut", "rare_lost", "rare_homophone", "rare_spelt")
)
"""Levels at which two names are the same name, written another way."""

_WITH_WHOLE_NUMBER: Final = KNOWN_WRITINGS | {"lost", "folk_surname"}
_NEAR_NAMES: Final = _WITH_WHOLE_NUMBER | {"homophone", "typo"}
_SLIPS: Final = frozenset(("one_digit", "swapped", "digit_missing", "digit_doubled"))
_AGREEING: Final = _SLIPS | {"same_document", "masked"}
_OTHER_PERSONS: Final = frozenset(("sound_near", "sound_differs", "masked_differs", "unsound_differs"))
_CERTAIN: Final = ("id_number_agrees", "name_agrees")
_UNKNOWN: Final = ("id_number_unknown",)


def match(subject: Subject, candidates: Sequence[Candidate], model: Model) -> MatchDecision:
    """Who this is. The order of candidates says nothing; where a member has the record's very number, the others
    count for nothing.

    matched: conclusive evidence for exactly one person, and nothing against it. review: a person must look. none:
    nobody, or no evidence worth a look.
    """
    wanted = subject.id_number
    same = [each for each in candidates if each.id_number == wanted] if wanted else []
    first = same[0] if len(same) == 1 else _first_of_one(same)
    if first is not None and first.name == subject.name and _nothing_against(subject, first):
        return MatchDecision(outcome=Outcome.MATCHED, score=1.0, reasons=_CERTAIN, member=first, model=model.version)
    if same:
        return _decide_same_number(subject, read_number(wanted), same, model)
    if not candidates:
        return _nobody(model)
    return _decide_doubtful(subject, candidates, model)


def explain(subject: Subject, candidate: Candidate, model: Model) -> tuple[Evidence, ...]:
    """The waterfall of a record against one member, also where the decision needed none."""
    return weigh(subject, read_number(subject.id_number), candidate, model).evidence


def _nothing_against(subject: Subject, member: Candidate) -> bool:
    """Whether birth date and sex, as far as both sides know them, do not contradict. Quick: every match asks."""
    number, born = member.id_number, subject.birth_date
    if member.id_type != "01" or len(number) != 18 or not number[:17].isdigit():
        return (born is None or born == member.birth_date) and (subject.sex is None or subject.sex == member.sex)
    if born is not None and born.year * 10000 + born.month * 100 + born.day != int(number[6:14]):
        return False
    return subject.sex is None or subject.sex == ("M" if number[16] in "13579" else "F")


def _first_of_one(same: Sequence[Candidate]) -> Candidate | None:
    """The first by member number of one person's enrolments, which stands for all of them; None for several people."""
    if len({each.person_id for each in same}) != 1:
        return None
    return min(same, key=_by_number)


def _by_number(member: Candidate) -> tuple[str, int]:
    return member.member_no, member.member_id


def _decide_same_number(subject: Subject, number: Number, same: Sequence[Candidate], model: Model) -> MatchDecision:
    """The number is a member's: his if the name is his too, else a doubt whoever the record names. Two members under
    it are two people until somebody, or the roster, said that they are one."""
    weighed = sorted((weigh(subject, number, each, model) for each in same), key=lambda each: each.order)
    agreeing = [each for each in weighed if each.name in _WITH_WHOLE_NUMBER]
    if len({each.person_id for each in same}) > 1:
        return _review((agreeing or weighed)[0], model, "several_people")
    sure = [each for each in agreeing if not _contradictions(each)]
    if sure:
        return _matched(min(sure, key=lambda each: _by_number(each.member)), model)
    return _review((agreeing or weighed)[0], model)


def _decide_doubtful(subject: Subject, candidates: Sequence[Candidate], model: Model) -> MatchDecision:
    number = read_number(subject.id_number)
    same = [each for each in candidates if each.id_number == number.text]
    if same:
        return _decide_same_number(subject, number, same, model)
    weighed = sorted((weigh(subject, number, each, model) for each in candidates), key=lambda each: each.order)
    sure = [each for each in weighed if _conclusive(number, each, model)]
    doubtful = [each for each in weighed if _worth_a_look(each, model)]
    if not sure and not doubtful:
        return _nobody(model)
    best = (sure or doubtful)[0]
    persons = {each.member.person_id for each in sure + doubtful}
    if len(persons) > 1:
        rivals = [each for each in sure + doubtful if each.member.person_id != best.member.person_id]
        if not sure or any(_rivals(each) for each in rivals):
            return _review(best, model, "several_people")
    return _matched(best, model) if sure else _review(best, model)


def _rivals(other: Weighed) -> bool:
    """Whether somebody else is good enough to make a conclusive pair doubtful: his number could be meant too."""
    return other.name in _WITH_WHOLE_NUMBER and other.number not in _OTHER_PERSONS


def _conclusive(number: Number, pair: Weighed, model: Model) -> bool:
    """Whether the rules allow this pair to be matched by itself."""
    if pair.name not in KNOWN_WRITINGS or _contradictions(pair) or pair.number in _OTHER_PERSONS:
        return False
    if pair.number == "same_document" or pair.person_no == "known":
        return True
    if pair.number in _SLIPS:
        # All digits but one say the birth date too: its own field need not be there.
        enough = pair.birth_date in ("equal", "missing") and not _may_be_anothers(number, pair)
    else:
        enough = pair.number == "masked" and pair.birth_date == "equal"
    return enough and pair.posterior >= model.matched


def _may_be_anothers(number: Number, pair: Weighed) -> bool:
    """Whether a slip in the last four digits may stand in the number of somebody else of that day and district: of a
    twin, whose name sounds alike; of a namesake, unless employer or telephone agree or the check digit alone is wrong.
    """
    ours, theirs = number.text, pair.member.id_number
    if ours[:14] != theirs[:14]:
        return False
    if pair.name not in ("equal", "variant", "cut"):
        return True
    return ours[:17] != theirs[:17] and pair.employer not in ("equal", "similar") and pair.phone != "equal"


def _worth_a_look(pair: Weighed, model: Model) -> bool:
    """Whether a doubt is worth a person's time."""
    if pair.number in _OTHER_PERSONS:
        also = pair.employer in ("equal", "similar") or pair.phone == "equal" or pair.person_no == "known"
        agrees = pair.name in _WITH_WHOLE_NUMBER and pair.birth_date == "equal" and pair.sex != "differs"
        return also and agrees
    # One character apart and born the same day are twins too, unless the number says it is the member's.
    names = _NEAR_NAMES if pair.number in _AGREEING else _WITH_WHOLE_NUMBER
    return pair.name in names and pair.posterior >= model.review


def _contradictions(pair: Weighed) -> list[str]:
    found = ["sex_differs"] if pair.sex == "differs" else []
    return found + (["birth_date_differs"] if pair.birth_date in ("swapped", "year", "differs") else [])


def _matched(pair: Weighed, model: Model) -> MatchDecision:
    certain = pair.number == "equal" and pair.name == "equal"
    return MatchDecision(
        outcome=Outcome.MATCHED,
        score=1.0 if certain else pair.posterior,
        reasons=_reasons(pair),
        member=pair.member,
        evidence=pair.evidence,
        model=model.version,
    )


def _review(pair: Weighed, model: Model, *more: str) -> MatchDecision:
    return MatchDecision(
        outcome=Outcome.REVIEW,
        score=pair.posterior,
        reasons=_reasons(pair) + more,
        member=pair.member,
        evidence=pair.evidence,
        model=model.version,
    )


def _nobody(model: Model) -> MatchDecision:
    return MatchDecision(outcome=Outcome.NONE, score=0.0, reasons=_UNKNOWN, model=model.version)


def _reasons(pair: Weighed) -> tuple[str, ...]:
    """Stable codes, the number first: what agreed and how, then what contradicts."""
    found = ["id_number_agrees" if pair.number == "equal" else f"id_number_{pair.number}"]
    found.append("name_agrees" if pair.name == "equal" else f"name_{pair.name}")
    if pair.number != "equal":
        fields = (("birth_date", pair.birth_date), ("employer", pair.employer), ("phone", pair.phone))
        found += [f"{field}_agrees" for field, level in fields if level in ("equal", "similar")]
        found += ["person_no_known"] if pair.person_no == "known" else []
    return (*found, *_contradictions(pair))
