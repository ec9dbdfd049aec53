"""config/schemes/<scheme>-<edition>.toml: one edition of a scheme, every rule with its article.

All files of one scheme together are a family; what holds across editions and schemes is checked here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.core.schemes.language.edition import SchemeFamily
from gateway.errors import BadSettings, Finding
from gateway.settings.codes import load_groups
from gateway.settings.files import Spec, check, read_toml
from gateway.settings.schemes.benefits import LumpSumSpec
from gateway.settings.schemes.compiling import edition_of, units_of
from gateway.settings.schemes.specs import SchemeSpec

__all__ = ["SchemeSpec", "edition_of", "families_of", "load_families", "scheme_files", "scheme_test_files"]

Specs = dict[str, SchemeSpec]


def load_families(
    folder: Path,
    *,
    shown_as: str = "config/schemes",
    codes: Path | None = None,
    draft: Path | None = None,
) -> dict[str, SchemeFamily]:
    """All schemes of a folder by name. Raises BadSettings with the findings of all files at once.

    `codes` is the folder of the disease groups (default: `codes` beside the folder). A `draft` stands in place
    of the edition of its scheme with the same name or the same first day, whatever its file is called.
    """
    findings: list[Finding] = []
    groups: dict[str, DiseaseGroup] = {}
    try:
        groups = load_groups(codes or folder.parent / "codes")
    except BadSettings as error:
        findings += error.findings
    specs = _read(scheme_files(folder), shown_as, findings)
    for shown, spec in specs.items():
        expected = f"{spec.scheme}-{spec.edition}.toml"
        if not shown.endswith(f"/{expected}"):
            allowed = f"文件名应为 (file name) {expected}"
            findings.append(Finding(shown, "edition", f"{spec.scheme} {spec.edition}", allowed))
    if draft is not None:
        for shown, spec in _read([draft], draft.parent.name, findings).items():
            specs = {
                at: stored
                for at, stored in specs.items()
                if stored.scheme != spec.scheme or (stored.edition != spec.edition and stored.starts != spec.starts)
            }
            specs[shown] = spec
    findings += _disagreements(specs)
    findings += [finding for shown, spec in specs.items() for finding in _unknown_groups(shown, spec, groups)]
    findings += _stacking(specs)
    if findings:
        raise BadSettings(findings)
    return families_of(specs.values(), groups)


def scheme_files(folder: Path) -> list[Path]:
    """The edition files of a folder, without the tests beside them."""
    return sorted(path for path in folder.glob("*.toml") if not path.name.endswith(".test.toml"))


def scheme_test_files(folder: Path) -> list[Path]:
    """The files of cases beside the edition files."""
    return sorted(folder.glob("*.test.toml"))


def families_of(specs: Iterable[SchemeSpec], groups: Mapping[str, DiseaseGroup]) -> dict[str, SchemeFamily]:
    """Checked editions → one family for each scheme, editions oldest first."""
    by_scheme: dict[str, list[SchemeSpec]] = {}
    for spec in sorted(specs, key=lambda spec: (spec.scheme, spec.starts)):
        by_scheme.setdefault(spec.scheme, []).append(spec)
    families = {}
    for scheme, editions in by_scheme.items():
        latest = editions[-1]
        families[scheme] = SchemeFamily(
            scheme=scheme,
            name=latest.name,
            editions=tuple(edition_of(spec, groups) for spec in editions),
            insurance_types=frozenset(latest.who.insurance_types),
            maternity_insurance=latest.who.maternity_insurance,
            units=units_of(latest.stay),
            transfer_days=None if latest.stay is None else latest.stay.transfer_days,
            emergency_days=None if latest.stay is None else latest.stay.emergency_days,
            splits_years=latest.stay is not None and latest.stay.split == "year_end",
        )
    return families


def _read(paths: Iterable[Path], shown_as: str, findings: list[Finding]) -> Specs:
    specs: Specs = {}
    for path in paths:
        shown = f"{shown_as}/{path.name}"
        try:
            specs[shown] = check(SchemeSpec, read_toml(path, shown_as=shown), shown_as=shown, from_one=True)
        except BadSettings as error:
            findings += error.findings
    return specs


def _disagreements(specs: Specs) -> list[Finding]:
    """What must hold between the editions of one scheme."""
    findings: list[Finding] = []
    seen: dict[tuple[str, date], str] = {}
    oldest: dict[str, SchemeSpec] = {}
    for shown, spec in specs.items():
        earlier = seen.setdefault((spec.scheme, spec.starts), shown)
        if earlier != shown:
            allowed = "每期起始日唯一 (each edition its own first day)"
            findings.append(Finding(shown, "starts", f"与 {earlier} 相同 (same as there)", allowed))
        first = oldest.setdefault(spec.scheme, spec)
        # A stay may span two editions, so what makes a stay cannot depend on the edition.
        findings += [
            Finding(shown, key, f"与 {first.edition} 期不同 (differs)", "各期相同 (the same in all editions)")
            for key in ("name", "who", "stay")
            if _compared(first, key) != _compared(spec, key)
        ]
    return findings


def _compared(spec: SchemeSpec, key: str) -> object:
    """What of a table of the file must be the same in all editions: never the article it rests on."""
    value = getattr(spec, key)
    if key == "who":
        return frozenset(spec.who.insurance_types), spec.who.maternity_insurance
    return value.model_dump(exclude={"article", "leans_on"}) if isinstance(value, Spec) else value


def _unknown_groups(shown: str, spec: SchemeSpec, groups: Mapping[str, DiseaseGroup]) -> list[Finding]:
    """Disease groups a file names that no file of codes holds."""
    named: dict[str, str] = {}
    for at, benefit in enumerate(spec.benefits, start=1):
        named |= dict.fromkeys(benefit.disease or (), f"benefits[{at}].disease")
        if isinstance(benefit, LumpSumSpec):
            named |= {row.disease: f"benefits[{at}].groups" for row in benefit.groups}
    for key, rows in (("exclusions", spec.exclusions), ("confirm", spec.confirm)):
        for at, row in enumerate(rows, start=1):
            named |= dict.fromkeys(row.disease or (), f"{key}[{at}].disease")
    group_names = ", ".join(sorted(groups)) or "config/codes 中没有 (none in config/codes)"
    return [Finding(shown, key, repr(name), group_names) for name, key in named.items() if name not in groups]


def _stacking(specs: Specs) -> list[Finding]:
    """A scheme may stand only on schemes there are, and never on itself by any way round."""
    on: dict[str, set[str]] = {}
    for spec in specs.values():
        on.setdefault(spec.scheme, set()).update(spec.stands_on)
    findings = []
    for shown, spec in specs.items():
        for base_scheme in dict.fromkeys(spec.stands_on):
            if base_scheme not in on:
                allowed = f"已有的计划 (schemes) {', '.join(sorted(on))}"
                findings.append(Finding(shown, "benefits.base", f"paid_by:{base_scheme}", allowed))
            elif _reaches(base_scheme, spec.scheme, on):
                allowed = "不得循环叠加 (no circle)"
                findings.append(Finding(shown, "benefits.base", f"paid_by:{base_scheme}", allowed))
    return findings


def _reaches(scheme: str, target: str, on: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    todo = [scheme]
    while todo:
        reached = todo.pop()
        if reached == target:
            return True
        if reached not in seen:
            seen.add(reached)
            todo += on.get(reached, ())
    return False
