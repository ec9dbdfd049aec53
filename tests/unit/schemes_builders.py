"""Short ways to write members and settlements in the tests of the schemes. All invented."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from gateway.core.schemes import Insured, SchemeFamily, assess
from gateway.model.benefit import BenefitEstimate, ClaimDecision
from gateway.model.member import Coverage
from gateway.model.money import Money, parse_yuan, yuan
from gateway.model.record import SettlementRecord
from gateway.settings.schemes import load_families

SCHEMES = Path(__file__).parents[2] / "config" / "schemes"
SHANGHAI = timezone(timedelta(hours=8))


@cache
def family() -> SchemeFamily:
    return load_families(SCHEMES)["nm-inpatient"]


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str, *, hour: int = 10, zone: timezone = SHANGHAI) -> datetime:
    return datetime.combine(day(text), time(hour), tzinfo=zone)


def insured(*periods: tuple[str, str], category: str = "active", born: str = "1980-05-01") -> Insured:
    coverage = tuple(Coverage(first_day=day(first), last_day=day(last)) for first, last in periods)
    return Insured(category=category, sex="F", birth_date=day(born), coverage=coverage)  # type: ignore[arg-type]


def stay(number: str, first: str, last: str, x: str = "6000.00", **given: Any) -> SettlementRecord:
    """An inpatient settlement whose base is `x` yuan, settled at ten on the day of discharge."""
    base = parse_yuan(x)
    fields: dict[str, Any] = {
        "settlement_no": number,
        "care_type": "inpatient",
        "facility_no": "H15010200001",
        "admitted_on": day(first),
        "discharged_on": day(last),
        "settled_at": at(last),
        "in_scope_amount": Money(base + 900_000),
        "fund_paid_amount": Money(900_000),
        "total_amount": Money(base + 1_000_000),
    }
    return SettlementRecord(**(fields | given))


def special(number: str, settled: datetime, x: str = "1000.00", **given: Any) -> SettlementRecord:
    """A settlement of dialysis or radio- or chemotherapy as an outpatient."""
    fields = {"care_type": "outpatient_special", "admitted_on": None, "discharged_on": None}
    return stay(number, "2021-01-01", "2021-01-01", x, **(fields | {"settled_at": settled} | given))


def reversal(of: SettlementRecord, **given: Any) -> SettlementRecord:
    """The negative of a settlement under its own number."""
    negative = {
        name: Money(-amount)
        for name in ("in_scope_amount", "fund_paid_amount", "total_amount")
        if (amount := getattr(of, name)) is not None
    }
    plain = {name: getattr(of, name) for name in of.__struct_fields__}
    return SettlementRecord(**(plain | {"reversal": True} | negative | given))


def decided(payable: str, *numbers: str, refused: bool = False) -> ClaimDecision:
    return ClaimDecision(settlements=numbers, payable=parse_yuan(payable), refused=refused)


def assessed(
    member: Insured, *records: SettlementRecord, decided: tuple[ClaimDecision, ...] = ()
) -> tuple[BenefitEstimate, ...]:
    return assess(member, records, family(), decided)


def paid(estimates: tuple[BenefitEstimate, ...]) -> list[str]:
    return [yuan(estimate.payable) for estimate in estimates]


def amounts(estimate: BenefitEstimate) -> list[tuple[str, str]]:
    return [(line.rule, yuan(line.amount)) for line in estimate.lines]


def groups(estimates: tuple[BenefitEstimate, ...]) -> list[tuple[str, ...]]:
    return [estimate.settlements for estimate in estimates]


IN_2019 = ("2019-06-01", "2020-05-31")
IN_2020 = ("2020-06-01", "2021-05-31")
IN_2021 = ("2021-06-01", "2022-05-31")
IN_2022 = ("2022-06-01", "2023-05-31")
