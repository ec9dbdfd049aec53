"""config/matching/model-<version>.toml: the numbers of the matching model, with how they were estimated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, model_validator

from gateway.core.match import LEVELS, Frequencies, Level, Model
from gateway.core.match.compare import SAME_NUMBER_FIELDS
from gateway.core.match.measuring.lessons import Lessons, described
from gateway.core.match.measuring.training import as_toml
from gateway.core.match.model import SameNumber
from gateway.errors import BadSettings, Finding
from gateway.settings.files import Spec, check, read_toml
from gateway.settings.gateway import GatewaySpec, MatchingChoice
from gateway.settings.shipped import shipped_folder

Share = Annotated[float, Field(gt=0, lt=1)]
Version = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$")]

_SHOWN: Final = "config/matching"


class LevelSpec(Spec):
    """How often a level is seen among pairs of the same person (m) and of two persons (u)."""

    m: Share
    u: Share


class SameNumberSpec(Spec):
    """Records under a member's very number: his own (m), or of somebody who uses his card (u)."""

    prior: Share
    levels: dict[str, dict[str, LevelSpec]]

    def plain(self) -> SameNumber:
        """The same for the core."""
        return SameNumber(prior=self.prior, levels=_levels(self.levels))


class FrequenciesSpec(Spec):
    """Shares of names in the population; `floor` is the share of a name nobody has counted."""

    names: dict[str, Share] = Field(default_factory=dict)
    surnames: dict[str, Share] = Field(default_factory=dict)
    given: dict[str, Share] = Field(default_factory=dict)
    other_surname: Share
    other_given: Share
    single_given: Share
    floor: Share


class MatchingSpec(Spec):
    """One version of the matching model. A file in force is never edited: a new version is a new file."""

    version: Version
    estimated: Annotated[str, Field(min_length=1)]
    prior: Share
    matched: Share
    review: Share
    levels: dict[str, dict[str, LevelSpec]]
    frequencies: FrequenciesSpec
    same_number: SameNumberSpec | None = None

    @model_validator(mode="after")
    def _levels_are_known(self) -> MatchingSpec:
        """A level nobody knows is a slip of the pen. One that is not there is none: the file may be older than it."""
        problems = _unlike(self.levels, LEVELS)
        if self.same_number is not None:
            of_number = {field: LEVELS[field] for field in SAME_NUMBER_FIELDS}
            problems += _unlike(self.same_number.levels, of_number, within="same_number.")
        if problems:
            raise ValueError("levels: " + "; ".join(problems))
        return self

    @model_validator(mode="after")
    def _thresholds_rise(self) -> MatchingSpec:
        if not self.review < self.matched:
            raise ValueError("matched 应大于 review (matched must be above review)")
        return self

    def model(self) -> Model:
        """What matching uses of this file."""
        return Model(
            version=self.version,
            prior=self.prior,
            matched=self.matched,
            review=self.review,
            levels=_levels(self.levels),
            frequencies=Frequencies(**self.frequencies.model_dump()),
            same_number=self.same_number.plain() if self.same_number else None,
        )


def _levels(specs: dict[str, dict[str, LevelSpec]]) -> dict[str, dict[str, Level]]:
    return {field: {name: Level(spec.m, spec.u) for name, spec in levels.items()} for field, levels in specs.items()}


def _unlike(written: Mapping[str, Iterable[str]], expected: Mapping[str, Iterable[str]], within: str = "") -> list[str]:
    """Levels that are not known, and what is not there of the same field: one of these is perhaps what was meant."""
    in_file = {(field, level) for field, levels in written.items() for level in levels}
    of_code = {(field, level) for field, levels in expected.items() for level in levels}
    unknown = sorted(in_file - of_code)
    meant = sorted((field, level) for field, level in of_code - in_file if field in {field for field, _ in unknown})
    return [f"unknown {within}{field}.{level}" for field, level in unknown] + [
        f"missing {within}{field}.{level}" for field, level in meant
    ]


def write_model(folder: Path, model: Model, lessons: Lessons) -> Path:
    """Writes config/matching/model-<version>.toml; raises FileExistsError rather than change a version."""
    path = folder / f"model-{model.version}.toml"
    with path.open("x", encoding="utf-8") as file:
        file.write(as_toml(model, described(lessons)))
    return path


def model_files(folder: Path) -> list[Path]:
    """The model files of a folder, oldest version first."""
    return sorted(folder.glob("model-*.toml"), key=_version_order)


def load_model(folder: Path, version: str | None = None) -> Model:
    """The newest model of config/matching, or the version named. Raises BadSettings with every finding."""
    if version is not None:
        return load_spec(folder / f"model-{version}.toml").model()
    files = model_files(folder)
    if not files:
        raise BadSettings([Finding(_SHOWN, "-", "没有 model-*.toml (no model)", "model-<version>.toml")])
    return load_spec(files[-1]).model()


def site_model(site: Path) -> Model:
    """The model a site folder has in force (`matching.model` in its gateway.toml, else its newest), or the shipped one
    where the folder is no site or has no model file. Raises BadSettings with every finding."""
    folder, settings = site / "config" / "matching", site / "config" / "gateway.toml"
    if not settings.is_file() or not model_files(folder):
        return load_model(shipped_folder() / "config" / "matching")
    return load_model(folder, _choice(settings).model)


def site_looks_further(site: Path) -> bool:
    """Whether a site folder's `matching.look_further` is "always". Where the folder is no site there is no night to
    keep pace with, and every record is looked for. Raises BadSettings with every finding."""
    settings = site / "config" / "gateway.toml"
    return not settings.is_file() or _choice(settings).look_further == "always"


def _choice(settings: Path) -> MatchingChoice:
    shown = "config/gateway.toml"
    return check(GatewaySpec, read_toml(settings, shown_as=shown), shown_as=shown).matching


def load_spec(path: Path) -> MatchingSpec:
    """One model file, checked. Raises BadSettings with every finding; its version must be the file's."""
    shown = f"{_SHOWN}/{path.name}"
    spec = check(MatchingSpec, read_toml(path, shown_as=shown), shown_as=shown)
    if path.name != f"model-{spec.version}.toml":
        raise BadSettings([Finding(shown, "version", repr(spec.version), "与文件名一致 (as in the file's name)")])
    return spec


def _version_order(path: Path) -> tuple[tuple[int, ...], str]:
    parts = path.stem.removeprefix("model-").split(".")
    return tuple(int(part) if part.isdecimal() else 0 for part in parts), path.name
