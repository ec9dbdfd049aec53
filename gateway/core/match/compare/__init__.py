"""Every kind of evidence, one file each. To add one: a file with its `Comparison`, and its place in this list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.core.match.compare.birth_date import BIRTH_DATE
from gateway.core.match.compare.comparison import Comparison, RecordSide, record_side
from gateway.core.match.compare.employer import EMPLOYER
from gateway.core.match.compare.id_number import ID_NUMBER
from gateway.core.match.compare.name import NAME
from gateway.core.match.compare.person_no import PERSON_NO
from gateway.core.match.compare.phone import PHONE
from gateway.core.match.compare.sex import SEX

__all__ = [
    "BIRTH_DATE",
    "COMPARISONS",
    "EMPLOYER",
    "ID_NUMBER",
    "LEVELS",
    "NAME",
    "PERSON_NO",
    "PHONE",
    "SAME_NUMBER_FIELDS",
    "SEX",
    "Comparison",
    "RecordSide",
    "record_side",
]

COMPARISONS: Final = (ID_NUMBER, NAME, BIRTH_DATE, SEX, EMPLOYER, PHONE, PERSON_NO)
"""In the order of the evidence: the strongest first, so that a waterfall reads from what decides to what only helps. A
new kind comes last: what is stored of earlier decisions keeps its order."""

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {comparison.field: comparison.levels for comparison in COMPARISONS}
"""Every field of the evidence and the levels it can agree at, best first."""

SAME_NUMBER_FIELDS: Final = tuple(comparison.field for comparison in COMPARISONS if comparison.of_same_number)
"""What tells a member from somebody who uses the card; employer and telephone of a record are the card's."""
