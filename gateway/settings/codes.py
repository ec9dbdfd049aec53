"""config/codes/<set>.toml: groups of diseases by their ICD-10 codes, named by the scheme files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator

from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.errors import BadSettings, Finding
from gateway.settings.files import Spec, check, read_toml

_CODE: Final = r"[A-Z][0-9]{2}(\.[0-9]{1,3}|\.[0-9]?[xX][0-9]{1,3})?"
_CODE_OR_RANGE: Final = re.compile(rf"{_CODE}(-{_CODE})?")


class GroupSpec(Spec):
    """One disease group: codes as prefixes ("C50") and ranges of prefixes ("D07.0-D07.3"), and where they come from."""

    title: Annotated[str, Field(min_length=1)]
    icd10: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    assumed: bool = False

    @field_validator("icd10")
    @classmethod
    def _codes_are_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            low, _, high = code.partition("-")
            if not _CODE_OR_RANGE.fullmatch(code):
                raise ValueError(f"{code!r} is not an ICD-10 code such as C50, D07.1 or a range C50-C58")
            if high and (len(low) != len(high) or high < low):
                raise ValueError(f"{code!r}: a range goes upwards between codes of the same length")
        return codes

    def plain(self, name: str) -> DiseaseGroup:
        """The same for the core, under its name."""
        ranges = [code.partition("-") for code in self.icd10 if "-" in code]
        return DiseaseGroup(
            name=name,
            title=self.title,
            prefixes=tuple(code for code in self.icd10 if "-" not in code),
            ranges=tuple((low, high) for low, _, high in ranges),
        )


class CodesSpec(Spec):
    """One set of disease groups by name."""

    groups: Annotated[dict[str, GroupSpec], Field(min_length=1)]


def load_groups(folder: Path, *, shown_as: str = "config/codes") -> dict[str, DiseaseGroup]:
    """All disease groups of a folder by name. Raises BadSettings with the findings of all files at once."""
    groups: dict[str, DiseaseGroup] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.toml")):
        shown = f"{shown_as}/{path.name}"
        try:
            spec = check(CodesSpec, read_toml(path, shown_as=shown), shown_as=shown)
        except BadSettings as error:
            findings += error.findings
            continue
        for name, group in spec.groups.items():
            if name in groups:
                findings.append(Finding(shown, f"groups.{name}", "重复 (stands twice)", "每组唯一 (each group once)"))
            groups[name] = group.plain(name)
    if findings:
        raise BadSettings(findings)
    return groups
