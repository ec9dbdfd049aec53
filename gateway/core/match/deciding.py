"""The rules: what evidence is conclusive, what contradicts it, and what a person must look at.

A probability alone does not know that a contradiction is a veto, so the model's sum never decides by itself: it
ranks, and it says whether a doubt is worth a person's time. Whoever uses somebody else's card has the whole number
right; what gives the user away is the name, the sex or the birth date, and none of them may ever be outvoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.core.match.compare import BIRTH_DATE, COMPARISONS, NAME, SEX, RecordSide, record_side
from gateway.core.match.model import Model
from gateway.core.match.scoring import ScoredPair, score_of, score_pair
from gateway.core.match.writing.numbers import hides_digits
from gateway.core.match.writing.spelling import hides, plain_name
from gateway.model.decision import Candidate, Evidence, MatchDecision, MatchOutcome
from gateway.model.national_id import checksum_ok
from gateway.model.person import Subject

KNOWN_WRITINGS: Final = frozenset(
    ("equal", "variant", "transcribed", "cut", "rare_lost", "rare_homophone", "rare_spelt")
)
"""Levels at which two names are the same name, written another way."""

# Three circles of names, each for as much as the number already says. Where the whole number is right, a name with lost
# characters or a folk surname is the same name. A homophone or one wrong character is near: siblings bear such names.
_LATER_LEVELS: Final = frozenset(("family_in_front", "sounds_alike"))
_WITH_WHOLE_NUMBER: Final = KNOWN_WRITINGS | {"lost", "folk_surname"} | _LATER_LEVELS
_NEAR_NAMES: Final = _WITH_WHOLE_NUMBER | {"homophone", "typo", "rare_dropped"}

_HIDDEN_NAMES: Final = frozenset(("hidden", "hidden_surname"))
"""What is shown of the name agrees, which brothers and sisters do too: never more than a doubt."""

_MEANT_NAMES: Final = _WITH_WHOLE_NUMBER | _HIDDEN_NAMES
_POSSIBLE_NAMES: Final = _NEAR_NAMES | _HIDDEN_NAMES
"""Under any other name a member is neither matched nor asked about, nor a rival, where the number is not his own."""

_SLIPS: Final = frozenset(("one_digit", "swapped", "digit_missing", "digit_doubled"))
"""One slip of the pen away from the member's number. The record's own is unsound, so nobody has it."""
_AGREEING: Final = _SLIPS | {"same_document", "masked"}
_OTHER_PERSONS: Final = frozenset(("sound_near", "sound_differs", "masked_differs", "unsound_differs"))
"""The number is somebody else's: it was proved, or shows a digit the member's has not, or is too far away."""
_NEAR_EMPLOYERS: Final = frozenset(("equal", "similar"))

_CONTRADICTING: Final = (SEX, BIRTH_DATE)
"""What a card user cannot change. A name never contradicts by itself: people marry, and clerks mishear."""
_CERTAIN: Final = ("id_number_agrees", "name_agrees")
_MATCHED: Final = MatchOutcome.MATCHED
_UNKNOWN: Final = ("id_number_unknown",)


def match(subject: Subject, candidates: Sequence[Candidate], model: Model) -> MatchDecision:
    """Whose record this is. The order of candidates says nothing; where a member has the record's very number, the
    others count for nothing.

    matched: conclusive evidence for exactly one person, and nothing against it. review: a person must look. none:
    no member, or no evidence worth a look.
    """
    number = subject.id_number
    of_number = [member for member in candidates if member.id_number == number] if number else []
    first = of_number[0] if len(of_number) == 1 else _first_of_one(of_number)
    # Nearly every member's record ends here, so it comes before anything is compared in detail.
    if first is not None and first.name == subject.name and _proves(first) and _nothing_against(subject, first):
        return MatchDecision(outcome=_MATCHED, score=1.0, reasons=_CERTAIN, member=first, model=model.version)
    if not candidates:
        return _no_member(model)
    record = record_side(subject)
    # A number of another writing (marks between its digits, 15 digits) may be a member's once it is read.
    of_number = of_number or [member for member in candidates if member.id_number == record.number.text]
    if of_number:
        return _decide_same_number(record, of_number, model)
    return _decide_doubtful(record, candidates, model)


def explain(subject: Subject, candidate: Candidate, model: Model) -> tuple[Evidence, ...]:
    """The waterfall of a record against one member, also where the decision needed none."""
    return score_pair(record_side(subject), candidate, model).evidence


def _nothing_against(subject: Subject, member: Candidate) -> bool:
    """Whether birth date and sex, as far as both sides know them, do not contradict. Quick: every match asks."""
    number, born = member.id_number, subject.birth_date
    if member.id_type != "01" or len(number) != 18 or not number[:17].isdigit():
        return (born is None or born == member.birth_date) and (subject.sex is None or subject.sex == member.sex)
    if born is not None and born.year * 10000 + born.month * 100 + born.day != int(number[6:14]):
        return False
    return subject.sex is None or subject.sex == ("M" if number[16] in "13579" else "F")


def _proves(member: Candidate) -> bool:
    """Whether the roster says in full who a member is: a resident's number with a right check digit, or any other
    document's, and a name, neither of them with parts hidden. Whoever it does not say of is never matched unseen."""
    number = member.id_number
    sound = checksum_ok(number) or (member.id_type != "01" and not hides_digits(number))
    return sound and (member.name.isalnum() or not hides(plain_name(member.name)))


def _by_number(member: Candidate) -> tuple[str, int]:
    return member.member_no, member.member_id


def _first_of_one(members: Sequence[Candidate]) -> Candidate | None:
    """The first by member number of one person's enrolments, which stands for all of them; None for several people."""
    if len({member.person_id for member in members}) != 1:
        return None
    return min(members, key=_by_number)


def _decide_same_number(record: RecordSide, members: Sequence[Candidate], model: Model) -> MatchDecision:
    """The number is a member's: the record is too if the name is, else it is a doubt whoever the record names.

    Two members under it are two people until a person, or the roster, said that they are one; that comes first, since
    no name can tell which of them is meant. Then the name, and what contradicts it: whoever uses a card has the whole
    number right, and only these give the user away. No score is asked: none could outvote them.
    """
    pairs = _best_first(record, members, model)
    agreeing = [pair for pair in pairs if _same_name(record, pair, model)]
    if len({member.person_id for member in members}) > 1:
        return _review((agreeing or pairs)[0], model, "several_people")
    sure = [pair for pair in agreeing if not _contradictions(pair)]
    proved = [pair for pair in sure if _proves(pair.member)]
    if proved:
        return _matched(min(proved, key=lambda pair: _by_number(pair.member)), model)
    return _review((agreeing or pairs)[0], model, *(("roster_unproved",) if sure else ()))


def _same_name(record: RecordSide, pair: ScoredPair, model: Model) -> bool:
    """Whether the name is the member's where the whole number is: a model from before a level was known goes on without
    it. A rare character may have gone without a mark where the record itself, and not only its number, says sex and
    birth date too."""
    level = pair.levels["name"]
    if level != "rare_dropped":
        return level in _WITH_WHOLE_NUMBER and (level not in _LATER_LEVELS or model.knows("name", level))
    tells_both = record.subject.sex is not None and record.written_birth is not None and model.knows("name", level)
    return tells_both and pair.levels["sex"] == pair.levels["birth_date"] == "equal"


def _decide_doubtful(record: RecordSide, candidates: Sequence[Candidate], model: Model) -> MatchDecision:
    """The number is no member's. A conclusive pair is matched unless another person is good enough to be meant too;
    without one the best of what is worth a look goes to a person; where two people are, that is said."""
    # A block of region and last digits leads to people of whom nearly all bear another name.
    possible = [member for member in candidates if NAME.compare(record, member) in _POSSIBLE_NAMES]
    pairs = _best_first(record, possible, model)
    sure = [pair for pair in pairs if _conclusive(record, pair, model)]
    doubtful = [pair for pair in pairs if _worth_a_look(pair, model)]
    if not sure and not doubtful:
        return _no_member(model)
    best = (sure or doubtful)[0]
    # A conclusive pair is in doubt for as long as nothing says that another person is not meant by that number. Whether
    # that other is worth a look by himself is not asked: a record that says less would then be surer.
    rivals = [pair for pair in (pairs if sure else doubtful) if pair.member.person_id != best.member.person_id]
    if any(not sure or _may_be_meant(pair) for pair in rivals):
        return _review(best, model, "several_people")
    return _matched(best, model) if sure else _review(best, model)


def _may_be_meant(pair: ScoredPair) -> bool:
    same_name = pair.levels["name"] in _MEANT_NAMES
    return same_name and pair.levels["id_number"] not in _OTHER_PERSONS and not _contradictions(pair)


def _best_first(record: RecordSide, candidates: Sequence[Candidate], model: Model) -> list[ScoredPair]:
    return sorted((score_pair(record, member, model) for member in candidates), key=lambda pair: pair.order)


def _conclusive(record: RecordSide, pair: ScoredPair, model: Model) -> bool:
    """Whether the rules allow this pair to be matched by itself.

    First what forbids it whatever else agrees: another name, a contradiction, a number that is somebody else's. Then
    what proves it without a score: the same document, or a person number learnt. A slip or a mask leaves a rest of
    doubt, so there the birth date must agree and the sum must be high.
    """
    levels = pair.levels
    number = levels["id_number"]
    if levels["name"] not in KNOWN_WRITINGS or _contradictions(pair) or number in _OTHER_PERSONS:
        return False
    if not _proves(pair.member):
        return False
    if number == "same_document" or levels["person_no"] == "known":
        return True
    if number in _SLIPS:
        # All digits but one say the birth date too: its own field need not be there.
        enough = levels["birth_date"] in ("equal", "missing") and not _may_be_anothers(record, pair)
    else:
        enough = number == "masked" and levels["birth_date"] == "equal"
    return enough and pair.posterior >= model.matched


def _may_be_anothers(record: RecordSide, pair: ScoredPair) -> bool:
    """Whether a slip in the last four digits may stand in the number of somebody else of that day and district: of a
    twin, whose name sounds alike; of a namesake, unless employer or telephone agree or the check digit alone is wrong.
    """
    written, number, levels = record.number.text, pair.member.id_number, pair.levels
    if written[:14] != number[:14]:
        return False
    if levels["name"] not in ("equal", "variant", "cut"):
        return True
    return written[:17] != number[:17] and levels["employer"] not in _NEAR_EMPLOYERS and levels["phone"] != "equal"


def _worth_a_look(pair: ScoredPair, model: Model) -> bool:
    """Whether a doubt is worth a person's time. Under somebody else's number only where everything that says who it is
    agrees, and something beside it: name and birth date alone are a namesake's as often."""
    levels = pair.levels
    if levels["id_number"] in _OTHER_PERSONS:
        also = levels["employer"] in _NEAR_EMPLOYERS or levels["phone"] == "equal" or levels["person_no"] == "known"
        same_person = levels["name"] in _WITH_WHOLE_NUMBER and levels["birth_date"] == "equal"
        return also and same_person and levels["sex"] != "differs"
    if levels["name"] in _HIDDEN_NAMES:
        # What is hidden weighs like another's name; a person looks where all else says that it is not.
        return pair.posterior_without("name") >= model.review
    # One character apart and born the same day are twins too, unless the number says it is the member's.
    names = _NEAR_NAMES if levels["id_number"] in _AGREEING else _WITH_WHOLE_NUMBER
    return levels["name"] in names and pair.posterior >= model.review


def _contradictions(pair: ScoredPair) -> list[str]:
    return [
        f"{comparison.field}_differs"
        for comparison in _CONTRADICTING
        if pair.levels[comparison.field] in comparison.contradicts
    ]


def _matched(pair: ScoredPair, model: Model) -> MatchDecision:
    certain = pair.levels["id_number"] == "equal" and pair.levels["name"] == "equal"
    return MatchDecision(
        outcome=MatchOutcome.MATCHED,
        score=1.0 if certain else score_of(pair, model),
        reasons=_reasons(pair),
        member=pair.member,
        evidence=pair.evidence,
        model=model.version,
    )


def _review(pair: ScoredPair, model: Model, *more: str) -> MatchDecision:
    return MatchDecision(
        outcome=MatchOutcome.REVIEW,
        score=score_of(pair, model),
        reasons=_reasons(pair) + more,
        member=pair.member,
        evidence=pair.evidence,
        model=model.version,
    )


def _no_member(model: Model) -> MatchDecision:
    return MatchDecision(outcome=MatchOutcome.NONE, score=0.0, reasons=_UNKNOWN, model=model.version)


def _reasons(pair: ScoredPair) -> tuple[str, ...]:
    """Stable codes, the number first: what agreed and how, then what contradicts. Under the member's very number only
    the name is worth saying: what else agrees came with the card."""
    same_number = pair.levels["id_number"] == "equal"
    reasons = []
    for comparison in COMPARISONS:
        level = pair.levels[comparison.field]
        if comparison.always_said or (not same_number and level in comparison.supports):
            reasons.append(comparison.reason(level))
    return (*reasons, *_contradictions(pair))
