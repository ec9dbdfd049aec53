"""How near two folded names come where no known way of writing leads from one to the other."""

from __future__ import annotations

from gateway.core.match.writing.name_tables import DOUBLE_SURNAMES
from gateway.core.match.writing.spelling import is_rare
from gateway.core.match.writing.transcribed_names import has_surname_in_front


def how_near(recorded: str, enrolled: str, bare: str) -> str:
    """The level of two folded names; `bare` is the member's as the member writes it."""
    if has_surname_in_front(recorded, enrolled) or has_surname_in_front(enrolled, recorded):
        return "family_in_front"
    written = zip(enrolled, bare, strict=True)
    without_rare = "".join(character for character, own in written if not (is_rare(character) or is_rare(own)))
    if recorded == without_rare != enrolled and len(without_rare) > 1:
        return "rare_dropped"
    if len(enrolled) > 2 and len(recorded) > 1 and _one_edit(recorded, enrolled):
        return "typo"
    surname = surname_length(enrolled)
    return "surname" if recorded[:surname] == enrolled[:surname] else "differs"


def surname_length(folded_name: str) -> int:
    """How many characters of a name are its Han surname."""
    return 2 if folded_name[:2] in DOUBLE_SURNAMES else 1


def _one_edit(recorded: str, enrolled: str) -> bool:
    """One character wrong, missing, too many, or two neighbours swapped."""
    if abs(len(recorded) - len(enrolled)) > 1:
        return False
    start = next(
        (at for at, (a, b) in enumerate(zip(recorded, enrolled, strict=False)) if a != b),
        min(len(recorded), len(enrolled)),
    )
    part, counterpart = recorded[start:], enrolled[start:]
    if len(part) == len(counterpart):
        return part[1:] == counterpart[1:] or (part[:2] == counterpart[1::-1] and part[2:] == counterpart[2:])
    return part[1:] == counterpart if len(part) > len(counterpart) else part == counterpart[1:]
