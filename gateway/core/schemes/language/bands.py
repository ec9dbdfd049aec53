"""Bands (分段): the part of a base between two edges, or the whole base by where it falls, at a rate.

Rates are kept twice, as the Decimal a person wrote and as whole ten-thousandths for exact integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from gateway.core.schemes.language.conditions import ALWAYS, Conditions
from gateway.model.money import Money, yuan

RATE_UNITS: Final = 10_000
"""A rate of 1 in the units of `Band.rate_units`."""


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """One band: the part of the base over `over` and up to `upto` (None: no end), at `rate`.

    A whole-amount band (全额) may give a flat `amount` instead of a rate. `middle` is the middle of its sentence.
    """

    over: Money
    upto: Money | None
    rate: Decimal
    rate_units: int
    article: str
    label: str
    percent: str
    middle: str
    amount: Money | None = None
    conditions: Conditions = ALWAYS
    lower_included: bool = False
    """Of the first band of a whole amount whose upper edges are in: a base of just `over` falls in it too."""


def bands_from(rows: Sequence[tuple[Money | None, Decimal, str]]) -> tuple[Band, ...]:
    """Bands from (up to in fen, rate 0–1 with at most four decimals, article), in ascending order."""
    bands: list[Band] = []
    over = Money(0)
    for upto, rate, article in rows:
        bands.append(band_of(over, upto, rate, article))
        over = over if upto is None else upto
    return tuple(bands)


def band_of(
    over: Money,
    upto: Money | None,
    rate: Decimal,
    article: str,
    *,
    amount: Money | None = None,
    conditions: Conditions = ALWAYS,
    lower_included: bool = False,
) -> Band:
    """One band with its words. Raises ValueError for a rate with more than four decimals."""
    label = f"{_short(over)}元以上部分" if upto is None else f"{_short(over)}–{_short(upto)}元部分"
    percent = f"{(rate * 100).normalize():f}%"
    return Band(
        over=over,
        upto=upto,
        rate=rate,
        rate_units=units_of(rate),
        article=article,
        label=label,
        percent=percent,
        middle=f"元中{label}，按{percent}补助",
        amount=amount,
        conditions=conditions,
        lower_included=lower_included,
    )


def raised(band: Band, more: Decimal) -> Band:
    """The band with a higher rate, for members of several years in a row."""
    return band_of(
        band.over,
        band.upto,
        band.rate + more,
        band.article,
        amount=band.amount,
        conditions=band.conditions,
        lower_included=band.lower_included,
    )


def units_of(rate: Decimal) -> int:
    """A rate in ten-thousandths. Raises ValueError where that is not whole."""
    units = rate * RATE_UNITS
    if units != int(units):
        raise ValueError("a rate has at most four decimals")
    return int(units)


def band_of_whole(bands: Sequence[Band], base: int, *, upper_included: bool) -> Band | None:
    """The band the whole base falls in; None where it falls in none."""
    for band in bands:
        over, upto = band.over, band.upto
        if upper_included:
            if (over < base or (band.lower_included and over == base)) and (upto is None or base <= upto):
                return band
        elif over <= base and (upto is None or base < upto):
            return band
    return None


def half_up(numerator: int, denominator: int) -> int:
    """Rounded half up, for amounts that are not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def _short(amount: Money) -> str:
    return yuan(amount).removesuffix(".00")
