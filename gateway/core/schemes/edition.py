"""The rules of a scheme as values: one `Edition` (期) a year or so, all of them a `SchemeFamily`.

Rates are kept twice, as the Decimal a person wrote and as whole ten-thousandths for exact integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

from gateway.model.money import Money, yuan

OPEN_QUESTIONS: Final = (
    "age.first_day",
    "allowance.days",
    "allowance.first_stay",
    "allowance.from_2021",
    "allowance.restart",
    "allowance.years",
    "bands.open_end",
    "base.not_below_zero",
    "claim_by.period_end",
    "decided.fixed",
    "edition.carried_on",
    "edition.first_covered_day",
    "floor.above_zero",
    "floor.from_2021",
    "maternity.under_310",
    "proration.nights",
    "proration.subsidy_only",
    "rounding",
    "special_outpatient.last_settlement",
    "stay.transfer_by_dates",
)
"""What the regulations leave open. An edition file answers each by name and says if that is an assumption."""

RATE_UNITS: Final = 10_000
"""A rate of 1 in the units of `Band.rate_units`."""


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """One band (分段): the part of the base over `over` and up to `upto` (None: no end), at `rate`."""

    over: Money
    upto: Money | None
    rate: Decimal
    rate_units: int
    article: str
    label: str
    percent: str


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """An amount with its article: a cap (最高补助) or a floor (补足)."""

    amount: Money
    article: str


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """Daily allowance (住院补贴): yuan a day by years of touching periods, the last for all years after.

    Only periods that start on or after `counts_from` count as years. With `restart` the count starts again
    at 1 in the period after one in which an allowance was due.
    """

    per_day: tuple[Money, ...]
    max_days: int
    counts_from: date
    restart: bool
    article: str


class ClaimWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Until when a claim may be made (申领期限): so many days after settlement or after the period's end."""

    days: int
    counts_from: Literal["settlement", "period_end"]
    article: str


class Ages(msgspec.Struct, frozen=True, kw_only=True):
    """Ages in full years on the first day of the period, all included (周岁)."""

    active_from: int
    active_to: int
    retired_to: int
    article: str


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One edition (期): in force for coverage periods whose first day is on or after `starts`.

    `assumed` holds the names of the open questions whose answer is not yet confirmed by the association.
    Periods from `carried_on_from` on are weighed by this edition because no newer text is known.
    """

    name: str
    title: str
    source: str
    starts: date
    carried_on_from: date | None
    bands: tuple[Band, ...]
    cap: Limit
    floor: Limit | None
    allowance: Allowance | None
    proration_article: str
    claim_window: ClaimWindow
    ages: Ages
    papers: tuple[str, ...]
    assumed: frozenset[str]


class SchemeFamily(msgspec.Struct, frozen=True, kw_only=True):
    """All editions of one scheme, oldest first, and what is the same in all of them.

    `insurance_types` are the national codes (insutype) the scheme pays for, `maternity_insurance` the one it
    never does; `transfer_days` is how many days after a discharge a stay elsewhere still belongs to it.
    """

    scheme: str
    name: str
    editions: tuple[Edition, ...]
    insurance_types: frozenset[str]
    maternity_insurance: str
    transfer_days: int

    def edition_on(self, first_day: date) -> Edition | None:
        """The edition of a coverage period by its first day; None before the first edition."""
        for edition in reversed(self.editions):
            if edition.starts <= first_day:
                return edition
        return None


def bands_from(rows: Sequence[tuple[Money | None, Decimal, str]]) -> tuple[Band, ...]:
    """Bands from (up to in fen, rate 0–1 with at most four decimals, article), in ascending order."""
    bands: list[Band] = []
    over = Money(0)
    for upto, rate, article in rows:
        bands.append(_band(over, upto, rate, article))
        over = over if upto is None else upto
    return tuple(bands)


def _band(over: Money, upto: Money | None, rate: Decimal, article: str) -> Band:
    units = rate * RATE_UNITS
    if units != int(units):
        raise ValueError("a rate has at most four decimals")
    return Band(
        over=over,
        upto=upto,
        rate=rate,
        rate_units=int(units),
        article=article,
        label=f"{_short(over)}元以上部分" if upto is None else f"{_short(over)}–{_short(upto)}元部分",
        percent=f"{(rate * 100).normalize():f}%",
    )


def _short(amount: Money) -> str:
    return yuan(amount).removesuffix(".00")
