"""Names of which a feed, or a roster, shows a part only (张*国)."""

from __future__ import annotations

import re
from typing import Final

from gateway.core.match.writing.latin import is_latin
from gateway.core.match.writing.near_names import surname_length
from gateway.core.match.writing.spelling import HIDDEN

_HIDDEN_RUNS: Final = re.compile(r"\*+")


def compare_shown(recorded: str, enrolled: str) -> str:
    """The level of two folded names of which one at least hides characters: what is shown may speak against a member,
    but nothing of it says that what is hidden agrees."""
    whole = recorded if HIDDEN in enrolled else enrolled
    # Of two names that both hide some nobody can tell more than their surnames.
    if HIDDEN not in whole and not _may_be(enrolled if HIDDEN in enrolled else recorded, whole):
        return "differs"
    surname = surname_length(whole)
    shown = [(a, b) for a, b in zip(recorded[:surname], enrolled[:surname], strict=False) if HIDDEN not in (a, b)]
    if any(a != b for a, b in shown):
        return "differs"
    # Which of its words is the surname, a name in Latin letters does not say.
    return "hidden" if len(shown) == surname and not is_latin(whole) else "hidden_surname"


def _may_be(shown: str, whole: str) -> bool:
    """Whether a name that hides characters may be this one; one mark may stand for several characters."""
    once = _HIDDEN_RUNS.sub(HIDDEN, shown)
    pattern = "".join(".+" if character == HIDDEN else re.escape(character) for character in once)
    return re.fullmatch(pattern, whole) is not None
