"""Short ways to write a small scheme file and a case for it, for the tests of the language's words."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.cases import answer_case
from gateway.settings.schemes import load_families

CODES = Path(__file__).parents[2] / "config" / "codes"
Case = dict[str, Any]

HEAD = """scheme = "words"
name = "words"
edition = "1"
title = "words"
source = "tests"
starts = 2000-01-01
"""
BASE = 'base = { add = ["in_scope_amount"], less = ["fund_paid_amount"] }'


def text_of(rules: str, more: str = "", *, head: str = "", stay_split: bool = False, kind: str = "care") -> str:
    """A scheme file with these benefits and further tables; `head` stands before the tables, `kind` is the list of
    `[stay]` that inpatient care stands in."""
    split = 'split = "year_end"\n' if stay_split else ""
    who = '[who]\ninsurance_types = ["310"]\ncategories = ["active", "retired"]\narticle = "a"\n'
    return f'{HEAD}{head}\n{who}[stay]\n{kind} = ["inpatient"]\narticle = "a"\n{split}{more}\n{rules}'


def family_of(folder: Path, rules: str, more: str = "", **given: Any) -> SchemeFamily:
    """The family of such a file."""
    folder.mkdir(exist_ok=True)
    (folder / "words-1.toml").write_text(text_of(rules, more, **given), encoding="utf-8")
    return load_families(folder, codes=CODES)["words"]


def share(
    rate: float | None, more: str = "", *, name: str = "share", base: str = BASE, deductible: str = "", bands: str = ""
) -> str:
    """A share at one rate, or with these bands."""
    rows = bands or f'rate = {rate}\narticle = "a"\n'
    taken = f"deductible = {deductible}\n" if deductible else ""
    head = f'[[benefits]]\nname = "{name}"\nkind = "share"\ntitle = "t"\n{base}\n{taken}{more}\narticle = "a"\n'
    return f"{head}[[benefits.bands]]\n{rows}"


def death(amount: int, more: str = "", *, name: str = "death") -> str:
    """A sum at death."""
    head = f'[[benefits]]\nname = "{name}"\nkind = "lump_sum"\ntitle = "t"\nevent = "death"\n'
    return f'{head}amount = {amount}\n{more}\narticle = "a"\n'


def period(rule: str) -> str:
    """A rule of periods on fixed days."""
    return f'[period]\nruns = "fixed_days"\n{rule}\narticle = "a"'


def member(*years: tuple[str, str], **known: Any) -> Case:
    """An active member covered in these periods."""
    return {"category": "active", "coverage": [{"from": first, "to": last} for first, last in years], **known}


def stay(number: str, day: str, x: str, **known: Any) -> Case:
    """A stay of three nights from this day on, with nothing paid by the funds."""
    left = (date.fromisoformat(day) + timedelta(days=3)).isoformat()
    row = {"settlement_no": number, "care_type": "inpatient", "facility_no": "H15010200001", "admitted_on": day}
    left = known.get("discharged_on", left)
    row |= {"discharged_on": left, "settled_at": f"{left}T10:00:00+08:00"}
    return {**row, "in_scope_amount": x, "fund_paid_amount": "0.00", "deductible_amount": "0.00", **known}


def answers(family: SchemeFamily, someone: Case, stays: list[Case], **more: Any) -> Case:
    """The whole answer to a case."""
    case = {"case": "words", "scheme": family.scheme, "member": someone, "settlements": stays, **more}
    return answer_case(case, {family.scheme: family})


def estimates(family: SchemeFamily, someone: Case, stays: list[Case], **more: Any) -> list[Case]:
    """The estimates of a case that can be answered."""
    found: list[Case] = answers(family, someone, stays, **more)["estimates"]
    return found


def payables(family: SchemeFamily, someone: Case, stays: list[Case], **more: Any) -> list[str]:
    """What each estimate of a case pays."""
    return [one["payable"] for one in estimates(family, someone, stays, **more)]
