"""Draws of which a label says too much (标注的边界): the kind has one right end, this one example of it is a doubt.

The labels of `KINDS` and `TRAPS` are those of kinds; measuring counts every draw by them, and what falls short shows
in the figures. Where each row must have one right end, as in the sandbox's night, the next draw is taken instead. The
rules say what anybody can see on the line and the roster, and nothing of how the matching decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.model.national_id import checksum_ok
from gateway.sandbox.truth_errors import SpoiledLine
from gateway.sandbox.truth_names import OTHER_TONE
from gateway.sandbox.truth_people import TruthPerson


def label_holds(kind: str, line: SpoiledLine, member: TruthPerson) -> bool:
    """Whether the label of the kind is right of this line about the member, or laid beside him."""
    rule = _LIMITS.get(kind)
    return rule is None or rule(line, member)


def _of_his_employer(line: SpoiledLine, member: TruthPerson) -> bool:
    """A wrong digit may stand in the number of a namesake of that day and district, unless the employer agrees."""
    return line.employer_name == member.unit_name


def _of_no_other_employer(line: SpoiledLine, member: TruthPerson) -> bool:
    """Hidden digits, a common name and another employer may be a namesake's."""
    return line.employer_name in (None, member.unit_name)


def _of_one_tone(line: SpoiledLine, member: TruthPerson) -> bool:
    """云 for 赟 is heard and not typed: brothers and sisters are given names of near sounds too."""
    pairs = zip(member.name, line.name or "", strict=False)
    return not any(typed in OTHER_TONE.get(rare, "") for rare, typed in pairs)


def _cut_within_a_word(line: SpoiledLine, member: TruthPerson) -> bool:
    """What ends where the dot stood is a whole name, which somebody else may bear."""
    return not member.name.startswith(f"{line.name}·")


def _not_one_slip_away(line: SpoiledLine, member: TruthPerson) -> bool:
    """A twin's number that one slip made, or could make, the member's own may be either's."""
    number, own = line.id_number or "", member.id_number
    if checksum_ok(number) or len(number) != len(own):
        return True
    apart = [at for at in range(len(own)) if number[at] != own[at]]
    swapped = len(apart) == 2 and apart[1] - apart[0] == 1 and sorted(number) == sorted(own)
    return len(apart) > 1 and not swapped


def _shows_nothing_of_another(line: SpoiledLine, member: TruthPerson) -> bool:
    """A digit that is not hidden and not the member's tells the two apart, and so does another kind of document."""
    number, own = line.id_number or "", member.id_number
    if "*" not in number:
        return True
    return len(number) == len(own) and all(shown in ("*", digit) for shown, digit in zip(number, own, strict=True))


_LIMITS: Final[dict[str, Callable[[SpoiledLine, TruthPerson], bool]]] = {
    "number_one_wrong": _of_his_employer,
    "number_check_wrong": _of_his_employer,
    "number_swapped": _of_his_employer,
    "number_masked": _of_no_other_employer,
    "name_homophone": _of_one_tone,
    "name_cut": _cut_within_a_word,
    "twin": _not_one_slip_away,
    "same_name_and_birth_unproved": _shows_nothing_of_another,
}
"""Kind of error or trap → where its label holds."""
