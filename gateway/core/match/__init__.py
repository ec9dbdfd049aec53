"""record + candidates → decision, with reasons."""

from gateway.core.match.blocks import (
    member_blocks,
    member_numbers,
    name_search_blocks,
    number_looked_up,
    record_blocks,
    sound_block,
)
from gateway.core.match.compare import COMPARISONS, LEVELS
from gateway.core.match.compare.person_no import own_person_no
from gateway.core.match.deciding import explain, match
from gateway.core.match.model import Frequencies, Level, Model
from gateway.core.match.writing.spelling import plain_name

__all__ = [
    "COMPARISONS",
    "LEVELS",
    "Frequencies",
    "Level",
    "Model",
    "explain",
    "match",
    "member_blocks",
    "member_numbers",
    "name_search_blocks",
    "number_looked_up",
    "own_person_no",
    "plain_name",
    "record_blocks",
    "sound_block",
]
