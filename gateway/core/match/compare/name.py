"""The name. A rare one says more than a common one, and a card that somebody else uses seldom bears the user's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import log2
from typing import Final

from gateway.core.masks import mask_name
from gateway.core.match.compare.comparison import Comparison, RecordSide, day_of
from gateway.core.match.model import Frequencies, Model, SameNumber
from gateway.core.match.writing.name_keys import name_key, name_keys
from gateway.core.match.writing.names import compare_names
from gateway.core.match.writing.spelling import folded, plain_name
from gateway.model.decision import Candidate
from gateway.model.person import Particulars


def share_of(name: str, frequencies: Frequencies) -> float:
    """How common a name is, as a share of the population: counted, or put together from its characters."""
    plain = folded(plain_name(name))
    share = frequencies.names.get(plain)
    if share is None:
        share = frequencies.surnames.get(plain[:1], frequencies.other_surname)
        for character in plain[1:]:
            share *= frequencies.given.get(character, frequencies.other_given)
        share *= frequencies.single_given if len(plain) == 2 else 1.0
    return max(share, frequencies.floor)


HIDING: Final = frozenset(("hidden", "hidden_surname", "missing"))
"""Levels at which a name, or a part of it, is not to be seen."""

_MAY_HIDE: Final[Mapping[str, frozenset[str]]] = {
    "hidden": frozenset(("lost", "homophone", "typo", "surname", "newborn"))
}
"""Level → the worst that may stand behind it; behind any other, whatever there is."""


def worst_of(level: str, weights: Mapping[str, float]) -> float:
    """Bits of evidence of a name that is not to be seen: as little as those of the worst it may hide, since a score
    that rose with every character hidden would be evidence of nothing."""
    may_hide = _MAY_HIDE.get(level, weights.keys())
    return min((weight for hidden, weight in weights.items() if hidden in may_hide), default=0.0)


class NameComparison(Comparison):
    """Names as they are written for one person in life."""

    field = "name"
    levels = (
        "equal",
        "variant",
        "transcribed",
        "cut",
        "rare_lost",
        "rare_homophone",
        "rare_spelt",
        "folk_surname",
        "family_in_front",
        "sounds_alike",
        "lost",
        "rare_dropped",
        "homophone",
        "typo",
        "hidden",
        "surname",
        "newborn",
        "hidden_surname",
        "differs",
        "missing",
    )
    record_field = "name"
    member_field = "name"
    rare_levels = frozenset(
        ("equal", "variant", "transcribed", "cut", "rare_lost", "rare_homophone", "rare_spelt", "folk_surname")
    )
    echoes_card = False
    of_same_number = True
    always_said = True
    # Asked for first: it survives whatever happens to numbers, and with the birth date it leads to few.
    place = 1

    def compare(self, record: RecordSide, member: Candidate) -> str:
        name = record.subject.name
        return compare_names(name, member.name) if name and member.name else "missing"

    def rarity(self, member: Candidate, model: Model) -> float:
        """The model's share of exact agreement is that of an average name: this one's own takes its place."""
        return log2(model.levels["name"]["equal"].u / share_of(member.name, model.frequencies))

    def weight(self, level: str, member: Candidate, model: Model) -> float:
        return (
            worst_of(level, model.weights.get(self.field, {}))
            if level in HIDING
            else super().weight(level, member, model)
        )

    def weight_under_number(self, level: str, same_number: SameNumber) -> float:
        if level in HIDING:
            return worst_of(level, same_number.weights.get(self.field, {}))
        return super().weight_under_number(level, same_number)

    def by_chance(self, member: Candidate) -> Hashable:
        return folded(plain_name(member.name))

    def member_blocks(self, person: Particulars, day: str) -> tuple[str, ...]:
        return tuple(f"nb|{day}|{key}" for key in name_keys(person.name)) if day else ()

    def record_block(self, record: RecordSide) -> str:
        key = name_key(record.subject.name) if record.subject.name and record.born else ""
        return f"nb|{day_of(record.born)}|{key}" if key and record.born else ""

    def same_text(self, record: str, member: str) -> bool:
        return plain_name(record) == plain_name(member)

    def mask(self, text: str) -> str:
        return mask_name(text)


NAME: Final = NameComparison()
