"""Sweeps (一遍读): the fields that are read from one place by one parser, all of a row at once.

Nearly every field of nearly every mapping is such a field, so nearly all the time of a record is spent here. Three
kinds of them are read in three ways: words that come again and again are looked up among those met before, amounts are
asked first whether they are zero, and all others go through their parser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

Parser = Callable[[Any], Any]

_REPEATING: Final = frozenset((
    "id_type", "sex", "insurance_type", "person_type", "insured_region", "care_region", "facility_no", "facility_name",
    "facility_level", "care_type", "care_type_code", "admitted_on", "discharged_on", "settlement_kind", "payment_place",
))  # fmt: skip
"""Fields of few different words. None of them says who somebody is: what is remembered outlives its page."""
_MOST_WORDS: Final = 2_000
_LONGEST_WORD: Final = 100


class Remembered(dict[Any, Any]):
    """Text → what a parser makes of it, called once for each that comes again."""

    def __init__(self, parse: Parser) -> None:
        super().__init__({None: parse(None)})
        self._parse = parse

    def __missing__(self, value: Any) -> Any:
        parsed = self._parse(value)
        # Of texts alone: True is the same key as 1, and a list is none.
        if type(value) is str and len(value) <= _LONGEST_WORD:
            if len(self) >= _MOST_WORDS:
                self.clear()
            self[value] = parsed
        return parsed


class Sweep:
    """Reads fields at once, each by its parser from its place in a row's values.

    `fields`: their names in the order in which they are read.
    """

    def __init__(self, plain: Mapping[str, tuple[Parser, int]]) -> None:
        words = [field for field in plain if field in _REPEATING]
        amounts = [field for field in plain if field.endswith("_amount")]
        others = [field for field in plain if field not in words and field not in amounts]
        self.fields = (*words, *amounts, *others)
        self._words = [Remembered(plain[field][0]) for field in words]
        self._amounts, self._others = ([plain[field][0] for field in kind] for kind in (amounts, others))
        self._at_words, self._at_amounts, self._at_others = (
            _picker([plain[field][1] for field in kind]) for kind in (words, amounts, others)
        )

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The values of `fields`. Raises Wrong, and TypeError for a list or an object in the place of a word."""
        parsed = [words[value] for words, value in zip(self._words, self._at_words(values), strict=False)]
        parsed += [
            0 if value == "0.00" or value == "0.0" else parse(value)  # noqa: PLR1714 - a set asks for a hash.
            for parse, value in zip(self._amounts, self._at_amounts(values), strict=False)
        ]
        parsed += [parse(value) for parse, value in zip(self._others, self._at_others(values), strict=False)]
        return parsed


def _picker(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Values → those at these places. Two more stand behind them: of one place alone `itemgetter` makes no tuple."""
    return itemgetter(*places, 0, 0)
