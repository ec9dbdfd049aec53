"""BenefitEstimate: what a scheme owes for one stay (单次住院) or month, line by line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import msgspec

from gateway.model.money import Money, yuan


class BenefitLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One step of the calculation: the rule, its article, its inputs, the amount, and a Chinese sentence."""

    rule: str
    article: str
    amount: Money
    text: str
    base: Money | None = None
    rate: Decimal | None = None
    days: int | None = None
    total_days: int | None = None
    per_day: Money | None = None
    benefit: str | None = None
    """The name of the benefit in the scheme file it belongs to; a floor, a cap and a decision belong to none."""


class BenefitEstimate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the scheme owes for these settlements. Lines sum to `payable`.

    `edition`, `period_from` and `claim_by` are None where no coverage period applies. `assumed` names the
    open settings (policy questions the regulation leaves open) the result leaned on. `stay` identifies the
    stay or month for ever: see design §5.2. `difference` is what a stay that would change what was decided would be
    worth with it, less what was decided; None where it changes nothing or that cannot be told.
    """

    settlements: tuple[str, ...]
    edition: str | None
    payable: Money
    lines: tuple[BenefitLine, ...]
    flags: tuple[str, ...]
    assumed: tuple[str, ...]
    claim_by: date | None
    stay: str
    record_keys: tuple[int, ...] = ()
    period_from: date | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None
    merged_stays: tuple[str, ...] = ()
    difference: Money | None = None

    def __post_init__(self) -> None:
        total = 0
        for line in self.lines:
            total += line.amount
        if total != self.payable:
            raise ValueError("the lines of an estimate must add up to what is payable")


class ClaimDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What the association has decided about a stay: it stays fixed (policy 1.7.8). A refusal has payable 0.

    `stay` identifies it where it has no settlements of its own: an event (确诊、身故、期满).
    """

    settlements: tuple[str, ...]
    payable: Money
    refused: bool = False
    stay: str | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a member that no settlement tells: a diagnosis, a death, the end of a period, which emergency
    care became an inpatient stay (急诊转住院).

    `disease` is the name of a disease group; only a `confirmed` diagnosis pays. `accident`: an accident caused it.
    `settlements`: of an `emergency_part` the numbers of the settlements of that care; `on` is the day it was found.
    """

    kind: Literal["diagnosis", "death", "maturity", "emergency_part"]
    on: date
    disease: str | None = None
    confirmed: bool = False
    accident: bool = False
    settlements: tuple[str, ...] = ()


class PlainLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A line as JSON tells it: amounts as text in yuan, the rate with two decimals, what is None left out."""

    rule: str
    article: str
    base: str | None = None
    rate: str | None = None
    days: int | None = None
    total_days: int | None = None
    per_day: str | None = None
    amount: str
    text: str


def plain_line(line: BenefitLine) -> PlainLine:
    """A line in the words of JSON, to be encoded as it is."""
    base, rate, per_day = line.base, line.rate, line.per_day
    return PlainLine(
        rule=line.rule,
        article=line.article,
        base=None if base is None else yuan(base),
        rate=None if rate is None else _two_decimals(rate),
        days=line.days,
        total_days=line.total_days,
        per_day=None if per_day is None else yuan(per_day),
        amount=yuan(line.amount),
        text=line.text,
    )


@lru_cache(maxsize=64)
def _two_decimals(rate: Decimal) -> str:
    # All the schemes together know a handful of rates, and every line of every claim tells one.
    return f"{rate:.2f}"


def line_to_json(line: BenefitLine) -> dict[str, Any]:
    """A line as JSON values, in the shape of `hubao scheme assess`."""
    plain: dict[str, Any] = msgspec.to_builtins(plain_line(line))
    return plain


def estimate_to_json(estimate: BenefitEstimate) -> dict[str, Any]:
    """An estimate as JSON values, in the shape of `hubao scheme assess`; `difference` is left out where it is None."""
    plain = {
        "settlements": list(estimate.settlements),
        "edition": estimate.edition,
        "payable": yuan(estimate.payable),
        "lines": [line_to_json(line) for line in estimate.lines],
        "flags": list(estimate.flags),
        "assumed": list(estimate.assumed),
        "claim_by": estimate.claim_by.isoformat() if estimate.claim_by else None,
    }
    if estimate.difference is not None:
        plain["difference"] = yuan(estimate.difference)
    return plain
