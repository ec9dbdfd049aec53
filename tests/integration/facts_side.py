"""Helpers for the tests of facts: women covered by 馨康, their diagnoses, and associations with other schemes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from builders import EAST_AND_WEST, Who, member, only, row, rows_of

from gateway.core.roster import RosterMember
from gateway.flow.office import Office
from gateway.flow.people.facts import FactReport, KnownFact, record_fact
from gateway.model.member import Coverage
from gateway.store import schema

WOMEN = "nm-women"
EVENT = "event/women_disease/breast_cancer"
WHOLE = 3_200_000
"""What breast cancer pays, in fen."""

STAY: dict[str, Any] = {"begndate": "2022-07-01", "enddate": "2022-07-10", "setl_time": "2022-07-10 10:00:00"}


def period(scheme: str, first: str, last: str) -> Coverage:
    return Coverage(first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), scheme=scheme)


XINKANG = period(WOMEN, "2022-03-01", "2023-02-28")


def woman(serial: int, **changes: Any) -> RosterMember:
    """A woman covered by 馨康 and nothing else for a year from March 2022."""
    return member(serial, **{"sex": "F", "coverage": (XINKANG,), **changes})


def ill(number: str, person: Who | int, **changes: Any) -> dict[str, Any]:
    """An ordinary outpatient bill that tells breast cancer."""
    return row(number, person, **{**STAY, "med_type": "11", "ipt_days": None, "dise_codg": "C50.900", **changes})


def told(serial: int, **changes: Any) -> FactReport:
    """Her diagnosis, confirmed."""
    fields: dict[str, Any] = {"kind": "diagnosis", "on": date(2022, 6, 20), "disease": "breast_cancer", "by": "经办甲"}
    return FactReport(member_no=f"M{serial:05d}", **{**fields, **changes})


def confirmed(office: Office, serial: int, **changes: Any) -> KnownFact:
    return record_fact(office, "nm", told(serial, **changes))


def stored(office: Office) -> dict[str, Any]:
    """The one fact there is, as the database holds it."""
    found: dict[str, Any] = only(rows_of(office, schema.fact))
    return found


def office_with(make_office: Callable[..., Office], url: str, *schemes: str) -> Office:
    """A site whose association `nm` has these schemes."""
    first = make_office(url, feeds=EAST_AND_WEST)
    file = first.site / "config" / "associations" / "nm.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("schemes =")]
    lines[at] = "schemes = [" + ", ".join(f'"{name}"' for name in schemes) + "]"
    lines = [line for line in lines if not line.startswith("default_scheme =")]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return make_office(url)
