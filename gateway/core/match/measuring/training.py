"""A new version of the model (训练): counted from pairs whose truth is known, from the roster, and from decisions.

Pure and deterministic. What was seen too rarely to count keeps the number it has, so no level is ever worth nothing
because a sample was small. The thresholds are policy, not statistics: they are taken over as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log2
from typing import Final

import msgspec

from gateway.core.match.compare import COMPARISONS, LEVELS, SAME_NUMBER_FIELDS, record_side
from gateway.core.match.model import Frequencies, Level, Model, SameNumber, log_odds
from gateway.core.match.scoring import score_pair
from gateway.core.match.writing.spelling import folded, plain_name
from gateway.model.decision import Candidate
from gateway.model.person import Subject

Levels = Mapping[str, str]
"""Field → level of one pair."""

Table = Mapping[str, Mapping[str, Level]]
"""Field → level → how often it is seen."""

Weights = Mapping[str, Mapping[str, float]]
"""Field → level → bits."""

SEEN: Final = 10
"""Fewer sightings than this are too few to count a share from."""

RAREST: Final = 0.0001
"""No error is rarer than this among pairs of one person: whoever wrote down what goes wrong did not know it all."""

_LEAST: Final = 1e-12
_MOST: Final = 0.999
_NAME_BEARERS: Final = 20
_CHARACTER_BEARERS: Final = 5
_MOST_NAMES: Final = 2_000
_DECISIONS_HALF: Final = 50


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided about a doubt: the levels of its evidence, and whether it was the same person."""

    levels: dict[str, str]
    same: bool
    model: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A level whose weight (bits) the new version changes."""

    field: str
    level: str
    before: float
    after: float


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Levels seen among pairs of one kind: how often, weighted, of which weight in all, and how often in truth."""

    levels: Mapping[tuple[str, str], float]
    pairs: float
    sightings: Mapping[tuple[str, str], int]

    def share(self, field: str, level: str) -> float:
        """Of all pairs, the share that agrees at this level."""
        return self.levels.get((field, level), 0.0) / self.pairs if self.pairs else 0.0

    def sure(self, field: str, level: str) -> float:
        """The same, but never less than RAREST."""
        return max(self.share(field, level), RAREST)

    def often(self, field: str, level: str) -> bool:
        """Whether it was seen often enough to count a share from."""
        return self.sightings.get((field, level), 0) >= SEEN


NOTHING_COUNTED: Final = Counted(levels={}, pairs=0.0, sightings={})


class OnNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Counted records under a member's very number: his own, and those of people who use his card; each record weighs
    what it stands for, so that both together say how often it is he."""

    own: Counted = NOTHING_COUNTED
    others: Counted = NOTHING_COUNTED

    @property
    def share_of_own(self) -> float:
        """The share of records under a member's number that are his."""
        return self.own.pairs / (self.own.pairs + self.others.pairs)


def levels_of(subject: Subject, member: Candidate, model: Model) -> Levels:
    """At which level each field of a record agrees with a member's."""
    return score_pair(record_side(subject), member, model).levels


def count(pairs: Iterable[tuple[Levels, float]]) -> Counted:
    """Levels of pairs, each pair weighing what it stands for."""
    seen: dict[tuple[str, str], float] = {}
    sightings = Counter[tuple[str, str]]()
    whole = 0.0
    for levels, weight in pairs:
        whole += weight
        sightings.update(levels.items())
        for agreement in levels.items():
            seen[agreement] = seen.get(agreement, 0.0) + weight
    return Counted(levels=seen, pairs=whole, sightings=sightings)


def train(
    current: Model,
    *,
    version: str,
    same: Counted,
    other: Counted,
    members: Sequence[Candidate],
    lessons: Iterable[Lesson] = (),
    members_share: float = 0.25,
    on_number: OnNumber | None = None,
    count_names: bool = True,
) -> Model:
    """The next version. `same` and `other` are counted pairs of one person and of two; `members_share` is the share of
    records that are about a member; `on_number` those under a member's number. An invented roster tells nothing of
    how common names are: without `count_names` theirs stay as they are. Every number is rounded as the file holds it,
    so file and model are one."""
    chance = {each: share for each, share in _by_chance(members).items() if count_names or each[0] != "name"}
    levels = {
        field: {name: _level(current, same, other, chance, field, name) for name in names}
        for field, names in LEVELS.items()
    }
    trained = msgspec.structs.replace(
        current,
        version=version,
        prior=_rounded(members_share / max(1, len(members))),
        levels=levels,
        frequencies=frequencies(members, current.frequencies) if count_names else current.frequencies,
        same_number=_same_number(current, on_number),
    )
    return _taught(trained, list(lessons))


def frequencies(members: Sequence[Candidate], current: Frequencies) -> Frequencies:
    """Shares of names on the roster. Only what many bear is written down: nobody can be found in it."""
    names = [folded(plain_name(member.name)) for member in members]
    han = [name for name in names if 2 <= len(name) <= 4 and not name.isascii()]
    if len(han) < 100 * SEEN:
        return current
    given_characters = Counter(character for name in han for character in name[1:])
    return Frequencies(
        names=_shares(Counter(names), len(names), least=_NAME_BEARERS),
        surnames=_shares(Counter(name[0] for name in han), len(han), least=_CHARACTER_BEARERS),
        given=_shares(given_characters, given_characters.total(), least=_CHARACTER_BEARERS),
        other_surname=_rounded(min(current.other_surname, _CHARACTER_BEARERS / len(han))),
        other_given=_rounded(min(current.other_given, _CHARACTER_BEARERS / given_characters.total())),
        single_given=_rounded(min(_MOST, max(1, sum(len(name) == 2 for name in han)) / len(han))),
        floor=current.floor,
    )


def differences(before: Model, after: Model, *, least: float = 0.1) -> list[Change]:
    """Levels whose weight differs by at least so many bits, in the order of the evidence."""
    changes = (
        Change(field=field, level=name, before=before.weight(field, name), after=after.weight(field, name))
        for field, names in LEVELS.items()
        for name in names
    )
    return [change for change in changes if abs(change.after - change.before) >= least]


def as_toml(model: Model, estimated: str) -> str:
    """The model as a file of config/matching; `estimated` says how its numbers were found."""
    return "\n".join(_toml_lines(model, estimated)) + "\n"


def _level(
    current: Model, of_same: Counted, of_other: Counted, chance: Mapping[tuple[str, str], float], field: str, name: str
) -> Level:
    old = current.levels.get(field, {}).get(name)
    m, u = (old.m, old.u) if old is not None else (None, None)
    if of_same.often(field, name):
        m = _rounded(of_same.share(field, name) if name == "missing" else of_same.sure(field, name))
    if name == "missing":
        # That a field is empty says nothing about who it is: both shares are the same, the weight is nought.
        u = m
    elif (field, name) in chance:
        u = _rounded(chance[field, name])
    elif of_other.often(field, name):
        u = _rounded(of_other.share(field, name))
    if m is None or u is None:
        # A level the model does not know and that was not seen often enough on both sides goes on weighing nothing.
        m = u = m or u or RAREST
    return Level(m=m, u=u)


def _by_chance(members: Sequence[Candidate]) -> dict[tuple[str, str], float]:
    """How often two different members agree exactly, from the roster itself: such pairs are too rare to be drawn."""
    chance = {}
    for comparison in COMPARISONS:
        times = Counter(value for member in members if (value := comparison.by_chance(member)))
        whole = times.total()
        pairs = sum(many * (many - 1) for many in times.values())
        if pairs >= SEEN:
            chance[comparison.field, "equal"] = pairs / (whole * (whole - 1))
    return chance


def _same_number(current: Model, counted: OnNumber | None) -> SameNumber | None:
    """What is weighed under a member's number; as before where nobody else was seen to use one."""
    if counted is None or not counted.own.pairs or not counted.others.pairs:
        return current.same_number
    levels: dict[str, dict[str, Level]] = {field: {} for field in SAME_NUMBER_FIELDS}
    for field, names in levels.items():
        for name in LEVELS[field]:
            m = _rounded(counted.own.sure(field, name))
            # What is missing tells nothing, so both shares are one.
            names[name] = Level(m=m, u=m if name == "missing" else _rounded(counted.others.sure(field, name)))
    return SameNumber(prior=_rounded(counted.share_of_own), levels=levels)


def _taught(model: Model, lessons: Sequence[Lesson]) -> Model:
    """The model after people's decisions; those about a member's own number teach what is weighed under one."""
    same_number = model.same_number
    if same_number is None:
        return msgspec.structs.replace(model, levels=_taught_levels(model.prior, model.levels, model.weights, lessons))
    on_number = [lesson for lesson in lessons if lesson.levels.get("id_number") == "equal"]
    others = [lesson for lesson in lessons if lesson.levels.get("id_number") != "equal"]
    return msgspec.structs.replace(
        model,
        levels=_taught_levels(model.prior, model.levels, model.weights, others),
        same_number=SameNumber(
            prior=same_number.prior,
            levels=_taught_levels(same_number.prior, same_number.levels, same_number.weights, on_number),
        ),
    )


def _taught_levels(prior: float, levels: Table, weights: Weights, lessons: Sequence[Lesson]) -> Table:
    """A level that was the same person oftener than its weight promised gains.

    Each decision is about its doubtful levels, those that neither agree nor are missing. What a level gains is the
    difference of the log odds, seen and promised, and by 50 decisions half of it is believed.
    """
    seen: dict[tuple[str, str], list[float]] = {}
    for lesson in lessons:
        doubtful = [
            agreement
            for agreement in lesson.levels.items()
            if agreement[1] in levels.get(agreement[0], {}) and agreement[1] not in ("equal", "known", "missing")
        ]
        # The posterior of a pair with these levels, without the frequency of its name, which is not in a lesson.
        weighed = [weights[field][name] for field, name in lesson.levels.items() if name in weights.get(field, {})]
        bits = log_odds(prior) + sum(weighed)
        promise = float(1 / (1 + 2.0 ** -max(min(bits, 60.0), -60.0)))
        for agreement in doubtful:
            part = 1 / len(doubtful)
            sums = seen.setdefault(agreement, [0.0, 0.0, 0.0])
            sums[0] += part
            sums[1] += part * lesson.same
            sums[2] += part * promise
    taught = {field: dict(names) for field, names in levels.items()}
    for (field, name), (many, agreed, promised) in sorted(seen.items()):
        if many >= SEEN:
            bits = _log_odds(agreed, many) - _log_odds(promised, many)
            # Both shares move, so that neither leaves its range.
            times = float(2.0 ** (bits * many / (many + _DECISIONS_HALF) / 2))
            level = taught[field][name]
            taught[field][name] = Level(m=_rounded(level.m * times), u=_rounded(level.u / times))
    return taught


def _log_odds(part: float, whole: float) -> float:
    return log2((part + 0.5) / (whole - part + 0.5))


def _shares(times: Counter[str], whole: int, *, least: int) -> dict[str, float]:
    """What is borne by at least so many, the most frequent first; ties in order of the characters."""
    frequent = sorted((-many, name) for name, many in times.items() if many >= least)
    return {name: _rounded(-many / whole) for many, name in frequent[:_MOST_NAMES]}


def _rounded(share: float) -> float:
    """Three significant digits, strictly between 0 and 1, as the file writes it."""
    return float(f"{min(max(share, _LEAST), _MOST):.3g}")


def _toml_lines(model: Model, estimated: str) -> Iterator[str]:
    yield "#:schema ../schema/matching.schema.json"
    yield f'version = "{model.version}"'
    yield f'estimated = """\n{estimated}\n"""'
    for name in ("prior", "matched", "review"):
        yield f"{name} = {getattr(model, name)!r}"
    yield from _level_lines("levels", model.levels)
    if model.same_number is not None:
        yield f"\n[same_number]\nprior = {model.same_number.prior!r}"
        yield from _level_lines("same_number.levels", model.same_number.levels)
    counted = model.frequencies
    yield "\n[frequencies]"
    for name in ("other_surname", "other_given", "single_given", "floor"):
        yield f"{name} = {getattr(counted, name)!r}"
    for name in ("names", "surnames", "given"):
        yield f"\n[frequencies.{name}]"
        yield from (f'"{key}" = {share!r}' for key, share in getattr(counted, name).items())


def _level_lines(table: str, levels: Table) -> Iterator[str]:
    for field, names in levels.items():
        yield f"\n[{table}.{field}]"
        yield from (f"{name} = {{ m = {level.m!r}, u = {level.u!r} }}" for name, level in names.items())
