"""The schemes that pay a sum on a diagnosis, a death or the end of the period, each as its text says it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from oracles.naive import (
    Estimate,
    Period,
    Row,
    day,
    estimate,
    period_on,
    periods_of,
    settled_day,
    standing,
    wrong_insurance,
    years_after,
)

WOMENS_CANCERS = {
    "breast_cancer": "C50",
    "cervical_cancer": "C53",
    "uterine_cancer": "C54|C55",
    "ovarian_cancer": "C56",
    "tubal_cancer": "C57",
    "vaginal_cancer": "C52",
    "vulvar_cancer": "C51",
    "placental_cancer": "C58",
    "invasive_mole": "D39[.]2",
}
IN_SITU = {"breast_in_situ": "D05", "cervix_in_situ": "D06", "genital_in_situ": "D07[.][0-3]"}
NINE = {
    "uraemia": "N18[.][05]|N19",
    "malignant_tumour": "C[0-8][0-9]|C9[0-7]",
    "severe_hepatitis": "B15[.]0|B16[.]0|B16[.]2|B17|B19[.]0|K72",
    "valve_replacement": "Z95[.][234]",
    "coronary_bypass": "Z95[.]1",
    "aplastic_anaemia": "D60|D61",
    "intracranial_tumour": "D32[.]0|D33[.][0-3]|D35[.][234]|D42[.]0|D43[.][0-3]|D44[.][345]",
    "organ_transplant": "Z94[.][0-48]",
    "aortic_surgery": "I71",
}
TEN = {
    "deafness": "H90[.][35]|H91[.]3",
    "blindness": "H54[.]0",
    "hiv": "B2[0-4]|Z21",
    "parkinson": "G20",
    "motor_neurone_disease": "G12[.]2",
    "alzheimer": "F00|G30",
    "other_dementia": "F0[1-3]",
    "scleroderma": "M34",
    "valve_intervention": "Z95[.]8",
}
EARLY = {"early_stage": "D0[0-9]"}
OPERATIONS = {
    "uterus_and_ovaries_removed": "Z90[.]702",
    "uterus_or_ovary_removed": "Z90[.]70[01]",
    "uterine_myoma_removed": "D25",
}
INFARCTION = {"myocardial_infarction": "I2[12]"}

Table = dict[str, tuple[str, int | None]]
"""Group → codes, yuan (None where no text says it), in the order of the file."""


def paying(groups: dict[str, str], yuan: int | None) -> Table:
    return {name: (codes, yuan) for name, codes in groups.items()}


@dataclass(frozen=True)
class Sums:
    """One scheme. `tables` gives the benefits of an edition: name → table of groups."""

    starts: tuple[tuple[str, str], ...]
    tables: Callable[[str], dict[str, Table]]
    once_for_life: bool
    claim_by: Callable[[Period], date]
    flags: Callable[[Row], list[str]]
    insurance_types: tuple[str, ...] = ("310",)
    shares: bool = False
    waiting: bool = False
    on_death: int | None = None
    on_maturity: int | None = None


def answer(case: Row, sums: Sums) -> list[Estimate]:
    periods = periods_of(case, sums.starts)
    found = []
    coded: dict[tuple[str, str], list[Row]] = {}
    for row in standing(case["settlements"]):
        reason = wrong_insurance(row, sums.insurance_types)
        place = None if reason else place_of(row, sums, periods)
        if place is None:
            found.append(estimate([row["settlement_no"]], None, flags=[reason or "not_payable_care"]))
        else:
            coded.setdefault(place, []).append(row)
    for benefit, table in sums.tables(sums.starts[-1][1]).items():
        rows = {name: coded.get((benefit, name), []) for name in table}
        found += diagnoses(case, sums, periods, rows)
    return found + [one for one in (death(case, sums, periods), maturity(case, sums, periods)) if one]


# ---- diagnoses


def place_of(row: Row, sums: Sums, periods: list[Period]) -> tuple[str, str] | None:
    """Benefit and group, by the edition that weighs the row's day; of a day without one, by the latest."""
    period = period_on(day_of(row), periods)
    edition = period.edition if period and period.edition else sums.starts[-1][1]
    for benefit, table in sums.tables(edition).items():
        for name, (codes, _) in table.items():
            if any(is_one_of(code, codes) for code in row.get("diagnosis_codes", ())):
                return benefit, name
    return None


@cache
def is_one_of(code: str, codes: str) -> bool:
    return re.match(codes, code) is not None


def day_of(row: Row) -> date | None:
    return day(row.get("admitted_on")) or settled_day(row)


def diagnoses(case: Row, sums: Sums, periods: list[Period], rows: dict[str, list[Row]]) -> list[Estimate]:
    """One estimate for each group that a row or a confirmed fact names; the earliest fact is paid first."""
    facts = facts_of(case, sums, periods, rows)
    order = list(rows)
    names = [name for name in order if name in facts or rows[name]]
    found, used = [], False
    for name in sorted(names, key=lambda name: (facts.get(name, date.max), order.index(name))):
        if name in facts:
            period, payable, rule, flags = confirmed(case, sums, periods, name, facts[name], used=used)
        else:
            period, payable, rule, flags = unconfirmed(periods, rows[name])
        used = used or (sums.once_for_life and payable > 0)
        if period is not None:
            flags = flags + sums.flags(case["member"])
        numbers = [row["settlement_no"] for row in rows[name]]
        claim_by = sums.claim_by(period).isoformat() if period else None
        lines = [(rule, payable)]
        found.append(estimate(numbers, period, payable=payable, lines=lines, flags=flags, claim_by=claim_by))
    return found


def facts_of(case: Row, sums: Sums, periods: list[Period], rows: dict[str, list[Row]]) -> dict[str, date]:
    """The earliest confirmed day of each group; a fact of a group that its edition does not know is none."""
    facts: dict[str, date] = {}
    for fact in case.get("facts", ()):
        if fact["kind"] == "diagnosis" and fact["confirmed"] and fact["disease"] in rows:
            on = date.fromisoformat(fact["on"])
            period = period_on(on, periods)
            if period is None or is_in(fact["disease"], sums, period):
                facts[fact["disease"]] = min(on, facts.get(fact["disease"], on))
    return facts


Outcome = tuple[Period | None, int, str, list[str]]


def unconfirmed(periods: list[Period], rows: list[Row]) -> Outcome:
    days = sorted(when for when in (day_of(row) for row in rows) if when is not None)
    period = next((one for one in (period_on(when, periods) for when in days) if one), None)
    return period, 0, "lump_sum", ["diagnosis_to_confirm" if period else "not_covered"]


def is_in(name: str, sums: Sums, period: Period) -> bool:
    return any(name in table for table in sums.tables(period.edition or "").values())


def confirmed(case: Row, sums: Sums, periods: list[Period], name: str, on: date, *, used: bool) -> Outcome:
    period = period_on(on, periods)
    if period is None:
        return None, 0, "lump_sum", ["not_covered"]
    if used:
        return period, 0, "lump_sum", ["used_before"]
    elapsed = (on - period.row_begins()).days
    if sums.waiting and elapsed < 180:
        consolation = 2_000 if elapsed >= 150 else 1_000 if elapsed >= 120 else 500 if elapsed >= 90 else 0
        return period, consolation * 100, "consolation", [] if consolation else ["waiting_period"]
    yuan = next(table[name][1] for table in sums.tables(period.edition or "").values() if name in table)
    if yuan is None:
        return period, 0, "lump_sum", ["amount_unknown"]
    shares = case["member"].get("shares", 1) if sums.shares else 1
    return period, yuan * 100 * shares, "lump_sum", []


# ---- death and the end of the period


def death(case: Row, sums: Sums, periods: list[Period]) -> Estimate | None:
    days = [date.fromisoformat(fact["on"]) for fact in case.get("facts", ()) if fact["kind"] == "death"]
    if not days or sums.on_death is None:
        return None
    period = period_on(min(days), periods)
    if period is None:
        return estimate([], None, flags=["not_covered"])
    return certain(case, sums, period, sums.on_death)


def maturity(case: Row, sums: Sums, periods: list[Period]) -> Estimate | None:
    days = [date.fromisoformat(fact["on"]) for fact in case.get("facts", ()) if fact["kind"] == "maturity"]
    if not days or sums.on_maturity is None:
        return None
    for period in periods:
        if period.edition is not None and min(days) in (period.last, period.last + timedelta(days=1)):
            return certain(case, sums, period, sums.on_maturity)
    return estimate([], None, flags=["not_covered"])


def certain(case: Row, sums: Sums, period: Period, yuan: int) -> Estimate:
    payable = yuan * 100 * (case["member"].get("shares", 1) if sums.shares else 1)
    claim_by = sums.claim_by(period).isoformat()
    flags = sums.flags(case["member"])
    return estimate([], period, payable=payable, lines=[("lump_sum", payable)], flags=flags, claim_by=claim_by)


# ---- the schemes


def women_only(member: Row) -> list[str]:
    wrong = member["sex"] != "F" or member["category"] != "active"
    return ["not_eligible"] if wrong else []


def insured_women_only(member: Row) -> list[str]:
    return ["not_eligible"] if member.get("insured") is False else women_only(member)


def active_only(member: Row) -> list[str]:
    return ["not_eligible"] if member["category"] != "active" else []


def ninety_days_on(period: Period) -> date:
    return period.last + timedelta(days=90)


def thirtieth_of_june(period: Period) -> date:
    return date(period.last.year + 1, 6, 30)


def two_years_on(period: Period) -> date:
    return years_after(period.last, 2)


@cache
def xinkang(edition: str) -> dict[str, Table]:
    """32,000 for breast cancer; what the other diseases pay no text says."""
    return {"all": paying(WOMENS_CANCERS | IN_SITU, None) | paying({"breast_cancer": "C50"}, 32_000)}


@cache
def longyan(edition: str) -> dict[str, Table]:
    names = ("cervical_cancer", "breast_cancer", "uterine_cancer", "ovarian_cancer")
    return {"all": paying({name: WOMENS_CANCERS[name] for name in names}, None) | {"cervical_cancer": ("C53", 6_000)}}


@cache
def critical(edition: str) -> dict[str, Table]:
    """Nine diseases at 10,000; from 2016 ten more, and early stages of which no text says the sum."""
    return {"all": paying(NINE, 10_000) | (paying(TEN, 10_000) | paying(EARLY, None) if edition == "2016" else {})}


@cache
def shanghai_women(edition: str) -> dict[str, Table]:
    seven = {name: codes for name, codes in WOMENS_CANCERS.items() if name not in ("placental_cancer", "invasive_mole")}
    return {"in_situ": paying(IN_SITU, 5_000 if edition == "2015" else 10_000), "cancer": paying(seven, None)}


@cache
def post(edition: str) -> dict[str, Table]:
    return {"all": paying(NINE, 10_000)}


@cache
def ceair(edition: str) -> dict[str, Table]:
    return {"all": paying({name: codes for name, codes in WOMENS_CANCERS.items() if name != "invasive_mole"}, None)}


def critical_sums(starts: tuple[tuple[str, str], ...], back: int | None) -> Sums:
    return Sums(
        starts, critical, once_for_life=True, claim_by=two_years_on, flags=active_only, shares=True, waiting=True,
        on_maturity=back,
    )  # fmt: skip


SUMS = {
    "nm-women": Sums(
        (("2022-01-01", "2022"), ("2026-01-01", "2026")), xinkang, once_for_life=True, claim_by=ninety_days_on,
        flags=insured_women_only,
    ),
    "longyan-women": Sums(
        (("2013-01-01", "2013"),), longyan, once_for_life=False, claim_by=thirtieth_of_june, flags=insured_women_only,
        insurance_types=("310", "390"),
    ),
    "sh-critical": critical_sums((("2002-01-01", "2002"), ("2016-07-01", "2016")), None),
    "sh-critical-340": critical_sums((("2002-08-01", "2002"),), 310),
    "sh-critical-620": critical_sums((("2002-08-01", "2002"),), 620),
    "sh-women": Sums(
        (("2015-07-01", "2015"), ("2016-07-01", "2016")), shanghai_women, once_for_life=False, claim_by=two_years_on,
        flags=women_only, shares=True,
    ),
    "sh-post": Sums(
        (("2002-01-01", "2002"),), post, once_for_life=True, claim_by=ninety_days_on, flags=active_only,
        on_death=10_000,
    ),
    "ceair-women": Sums(
        (("2002-01-01", "2002"),), ceair, once_for_life=False, claim_by=ninety_days_on, flags=women_only,
    ),
}  # fmt: skip
