"""A draft edition (草案) → the rules in force and the same rules with the draft in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.core.schemes import Edition, SchemeFamily
from gateway.errors import WrongUse
from gateway.settings.files import read_toml
from gateway.settings.schemes import load_families


class DraftRules(msgspec.Struct, frozen=True, kw_only=True):
    """`before` as it is in force; `after` has `draft` in the place of `edition`, for the same coverage periods.

    `families` are all schemes as they are in force, by name; `stacked` says that one of them must be asked first.
    """

    before: SchemeFamily
    after: SchemeFamily
    edition: Edition
    draft: Edition
    families: Mapping[str, SchemeFamily]
    stacked: bool = False


def load_rules(folder: Path, draft: Path, *, against: str | None = None) -> DraftRules:
    """Read a draft beside the editions of `folder`, with every check an edition in force must pass.

    The draft stands in place of the edition `against`; by default of the one with its own name or first day,
    else of the last one that starts before it. Raises BadSettings naming the draft's file, WrongUse where there
    is no such scheme or edition.
    """
    tables = read_toml(draft, shown_as=draft.name)
    families = load_families(folder)
    scheme = str(tables.get("scheme"))
    family = families.get(scheme)
    if family is None:
        names = "、".join(sorted(families))
        raise WrongUse(f"草案的 scheme 不在已有方案之中 (the draft's scheme is not known)；已有 (known): {names}")
    drafted = load_families(folder, draft=draft.absolute())[scheme]
    edition = next(edition for edition in drafted.editions if edition.name == str(tables["edition"]))
    replaced = _replaced(family, edition, against)
    # The draft's own name may be an edition's in force, and estimates are told apart by it.
    edition = msgspec.structs.replace(edition, name=f"{edition.name} 草案", starts=replaced.starts)
    editions = tuple(edition if stands.name == replaced.name else stands for stands in family.editions)
    after = msgspec.structs.replace(drafted, editions=editions)
    stacked = bool(family.stands_on or after.stands_on)
    return DraftRules(before=family, after=after, edition=replaced, draft=edition, families=families, stacked=stacked)


def _replaced(family: SchemeFamily, draft: Edition, against: str | None) -> Edition:
    """The edition whose place the draft takes."""
    named = [edition for edition in family.editions if edition.name == (against or draft.name)]
    if named:
        return named[0]
    if against:
        names = "、".join(edition.name for edition in family.editions)
        raise WrongUse(f"没有 {against} 这一期；已有：{names} (no such edition)")
    before = family.edition_on(draft.starts)
    if before is None:
        raise WrongUse("草案起用日早于所有期次，请用 --against 指明对比哪一期 (say which edition with --against)")
    return before
