"""Names, values and sums put together: one column for a field, with how sure and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core.normalise.language import FieldRule
from gateway.core.normalise.national import national_rules
from gateway.core.studies.infer.names import Belief, fields_named, is_other_matter
from gateway.core.studies.infer.options import options_of
from gateway.core.studies.infer.samples import Remark, Sample, SampleColumn
from gateway.core.studies.infer.sums import by_sums
from gateway.core.studies.infer.totals import amounts_table, checked_sums
from gateway.core.studies.infer.traits import Beliefs, beliefs_from_values, contradicts
from gateway.core.studies.infer.turning import reversals_of
from gateway.core.studies.infer.values import amounts_of, looks_like_amounts
from gateway.model.record import AMOUNT_FIELDS

HALF: Final = 0.5
_LEAST: Final = 0.3
_BY_NAME: Final = 0.6


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """Where a field comes from: names of the feed, options of the mapping language, how sure (0–1) and why."""

    field: str
    sources: tuple[str, ...]
    confidence: float
    why: str
    options: dict[str, Any] = {}


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A whole mapping: format and fields, what the sums say, how refunds come. `remarks`: key → how sure and why of
    what is no field; `unused`: columns no field reads; `names`: the columns of a file without a header line."""

    sample: Sample
    fields: tuple[Guess, ...]
    national: bool
    names: tuple[str, ...]
    tables: dict[str, dict[str, Any]]
    remarks: dict[str, Remark]
    unused: tuple[str, ...]


def propose(sample: Sample) -> Proposal:
    """What the sample says of itself, as a mapping."""
    beliefs = beliefs_from_values(sample)
    chosen = surest_pairs(sample, all_beliefs(sample, beliefs))
    add_amounts_by_sums(sample, chosen)
    turning = reversals_of(sample, {field: column for field, (column, _) in chosen.items()})
    if turning.column is not None and "reversal" not in chosen:
        chosen["reversal"] = (turning.column, turning.belief)
    names = _names(sample, {column.place: field for field, (column, _) in chosen.items()})
    by_field = {field: column for field, (column, _) in chosen.items()}
    summed, sums, amounts, remarks = checked_sums(sample, by_field)
    fields = []
    for field, (column, _) in chosen.items():
        sure, why = chosen[field][1]
        options = options_of(field, column, sample, by_field, turning)
        sources = (names[column.place], *_alternatives(field, column, sample))
        if field in summed and field in fields_named(column.name):
            # What adds up with named columns on either side is what its name says. Without names it proves nothing
            # new: the columns were chosen because they add up.
            sure, why = (max(sure, 0.97) if sure > HALF else sure), f"{why}；{summed[field]}"
        if sample.kind == "fixed" and field in AMOUNT_FIELDS:
            # What was cut by the blanks of a sample may be cut off in the next file.
            sure, why = min(sure, HALF), f"{why}；切点只是推断"
        fields.append(Guess(field=field, sources=sources, confidence=round(sure, 2), why=why, options=options))
    order = list(national_rules())
    fields.sort(key=lambda guess: order.index(guess.field) if guess.field in order else len(order))
    tables = {"amounts": amounts_table(amounts), "reversals": turning.table(), "checks": sums}
    read = {source for guess in fields for source in guess.sources}
    return Proposal(
        sample=sample,
        fields=tuple(fields),
        national=_is_national(sample, fields),
        names=names,
        tables={name: table for name, table in tables.items() if table},
        remarks={**sample.remarks, **remarks, "reversals.style": turning.remark},
        unused=tuple(name for name in names if name not in read),
    )


def all_beliefs(sample: Sample, beliefs: Beliefs) -> Beliefs:
    """Both kinds of evidence together; a name whose values contradict it says little."""
    for column in sample.columns:
        named, valued = fields_named(column.name), beliefs[column.place]
        if is_other_matter(column.name):
            beliefs[column.place] = {}
            continue
        for field, (by_name, words) in named.items():
            alternative, reason = valued.get(field, (0.0, ""))
            wrong = contradicts(field, column)
            together = 1 - (1 - (0.2 * by_name if wrong else by_name)) * (1 - alternative)
            why = f"{words}{'，但值不像' if wrong else ''}{f'；{reason}' if reason else ''}"
            valued[field] = (round(min(together, 0.99), 3), why)
        if named and max(sure for sure, _ in named.values()) >= _BY_NAME:
            # A known name that fits leaves no room for what its values might be as well.
            for field in [field for field in valued if field not in named and valued[field][0] < 0.9]:
                valued[field] = (valued[field][0] * 0.4, valued[field][1])
    return beliefs


def surest_pairs(sample: Sample, beliefs: Beliefs) -> dict[str, tuple[SampleColumn, Belief]]:
    """The surest pair of field and column first, each once; of equals the column that comes first."""
    columns = {column.place: column for column in sample.columns}
    pairs = [(belief, place, field) for place, fields in beliefs.items() for field, belief in fields.items()]
    chosen: dict[str, tuple[SampleColumn, Belief]] = {}
    taken: set[int] = set()
    for belief, place, field in sorted(pairs, key=lambda pair: (-pair[0][0], pair[1])):
        if belief[0] >= _LEAST and field not in chosen and place not in taken and columns[place].filled:
            chosen[field] = (columns[place], belief)
            taken.add(place)
    # A key that never has a value is known by its name alone.
    for belief, place, field in sorted(pairs, key=lambda pair: (-pair[0][0], pair[1])):
        if belief[0] >= _BY_NAME and field not in chosen and place not in taken:
            chosen[field] = (columns[place], belief)
            taken.add(place)
    return chosen


def add_amounts_by_sums(sample: Sample, chosen: dict[str, tuple[SampleColumn, Belief]]) -> None:
    """Amounts whose columns have no name, or none that is known, by what they add up to."""
    taken = {column.place: field for field, (column, _) in chosen.items()}
    named = sum(field in AMOUNT_FIELDS for field in chosen)
    unknown = [
        column for column in sample.columns
        if looks_like_amounts(column) and not is_other_matter(column.name) and column.place not in taken
    ]  # fmt: skip
    # With most of the names known the few others are no amounts of a settlement sheet, or add up with the rest.
    if not unknown or (named >= 6 and len(unknown) < 3):
        return
    amounts = [(column, amounts_of(column) or []) for column in sample.columns if looks_like_amounts(column)]
    live = {column.place: [value or 0 for value in values] for column, values in amounts}
    columns = {column.place: column for column in sample.columns}
    for field, (place, belief) in by_sums(live, employees=not are_residents(chosen)).items():
        if field not in chosen and place not in taken:
            chosen[field] = (columns[place], belief)
            taken[place] = field


def are_residents(chosen: dict[str, tuple[SampleColumn, Belief]]) -> bool:
    """Whether all who are settled for are insured as residents (城乡居民)."""
    insured = chosen["insurance_type"][0].distinct if "insurance_type" in chosen else set()
    return bool(insured) and all(kind.startswith("39") or "居民" in kind for kind in insured)


def _names(sample: Sample, fields: dict[int, str]) -> tuple[str, ...]:
    """The names of all columns; of a file without a header line those of their fields, or numbers."""
    if sample.has_names:
        return tuple(column.name for column in sample.columns)
    return tuple(fields.get(column.place, f"column_{column.place + 1}") for column in sample.columns)


def _alternatives(field: str, column: SampleColumn, sample: Sample) -> list[str]:
    """Further columns that a national feed may send the agreeing field under, where the sample has them too."""
    rule = national_rules().get(field, FieldRule())
    if not sample.has_names or column.name not in rule.sources or field not in ("personal_amount", "cash_amount"):
        return []
    return [
        alternative.name
        for alternative in sample.columns
        if alternative.name in rule.sources and alternative is not column
    ]


def _is_national(sample: Sample, fields: Sequence[Guess]) -> bool:
    """Whether most fields stand where the national interface has them."""
    rules = national_rules()
    agreeing = sum(
        guess.field in rules and guess.sources[0] in rules[guess.field].sources + rules[guess.field].sum
        for guess in fields
    )
    return sample.has_names and agreeing >= 0.7 * max(len(fields), 1) and agreeing >= 8
