"""The rules of an edition as values: what is paid (benefits), what limits it, what rules it out.

Every rule has its `article`; `leans_on` names the open questions it rests on. Amounts in fen.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from gateway.core.schemes.language.bands import Band
from gateway.core.schemes.language.conditions import ALWAYS, Conditions
from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.model.money import Money


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What a share is taken of: fields of each settlement added and taken off, days, what another scheme pays.

    `fields` and `less` are amount fields or the two ceiling terms; `special` says that one of them is such a
    term. `days` counts how often the days of the unit are added (a day as one yuan), `paid_by` names the
    schemes whose payments are taken off, `paid_by_added` those whose payments are added.
    """

    add: tuple[str, ...]
    less: tuple[str, ...]
    special: bool = False
    days: int = 0
    paid_by: tuple[str, ...] = ()
    paid_by_added: tuple[str, ...] = ()


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that may differ between a period's first stay and later ones; per stay or once a period."""

    first: Money
    later: Money
    per: Literal["stay", "period"] = "stay"
    exceeded: bool = False
    """Of a gate: the base must be more than the amount, not just reach it."""


class Raise(msgspec.Struct, frozen=True, kw_only=True):
    """How much a rate grows by years in a row: `per_year` from `from_year` on, `most` in all."""

    per_year: Decimal
    from_year: int
    most: Decimal
    article: str


class ShareBenefit(msgspec.Struct, frozen=True, kw_only=True):
    """A share of a base by bands (分段补助), marginal or on the whole amount."""

    name: str
    title: str
    article: str
    base: Base
    bands: tuple[Band, ...]
    conditions: Conditions = ALWAYS
    leans_on: tuple[str, ...] = ()
    gate: Threshold | None = None
    deductible: Threshold | None = None
    whole: bool = False
    upper_included: bool = False
    by_condition: bool = False
    raise_: Raise | None = None
    prorated: bool = False
    floor: Money | None = None
    cap: Money | None = None
    unless: tuple[str, ...] = ()


class DailyRate(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts a day by years in a row, where the conditions hold."""

    per_day: tuple[Money, ...]
    conditions: Conditions = ALWAYS


class DailyBenefit(msgspec.Struct, frozen=True, kw_only=True):
    """A daily allowance (住院补贴): so much a day by years of touching periods, the last for all years after.

    Only periods that start on or after `counts_from` count as years. With `restart` the count starts again
    at 1 in the period after one in which the allowance was due. The first `after_days` days are not paid.
    """

    name: str
    title: str
    article: str
    rates: tuple[DailyRate, ...]
    max_days: int
    conditions: Conditions = ALWAYS
    leans_on: tuple[str, ...] = ()
    after_days: int = 0
    counts_from: date | None = None
    restart: bool = False
    unless: tuple[str, ...] = ()


class FlatAmount(msgspec.Struct, frozen=True, kw_only=True):
    """One amount of a flat benefit, where the conditions hold."""

    amount: Money
    conditions: Conditions = ALWAYS


class FlatBenefit(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed amount for each unit (定额补助): the first of `amounts` whose conditions hold."""

    name: str
    title: str
    article: str
    amounts: tuple[FlatAmount, ...]
    conditions: Conditions = ALWAYS
    leans_on: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


Benefit: TypeAlias = ShareBenefit | DailyBenefit | FlatBenefit
"""What a stay, a month, a period or a single settlement is paid by."""


class GroupPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A disease group and what its first diagnosis pays; None where no text tells the amount."""

    group: DiseaseGroup
    amount: Money | None


class Consolation(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid instead for a first diagnosis so many days after the start (慰问金), both days included."""

    from_day: int
    to_day: int
    amount: Money
    article: str
    per_share: bool = False


class LumpSum(msgspec.Struct, frozen=True, kw_only=True):
    """A sum at an event: a first diagnosis, a death, the end of a period (一次性给付).

    `payments` belong to a diagnosis, `amount` to the two others. Unless `by_code`, only a confirmed fact
    pays. `once` says how often: for life over all groups, each group for life, each group in each period.
    `accident` limits it to what an accident caused, or to what none did; `accident_waits` says whether the waiting
    days hold after an accident too.
    """

    name: str
    title: str
    article: str
    event: Literal["diagnosis", "death", "maturity"]
    payments: tuple[GroupPayment, ...] = ()
    amount: Money = Money(0)
    conditions: Conditions = ALWAYS
    leans_on: tuple[str, ...] = ()
    once: Literal["lifetime", "period", "group_lifetime"] = "lifetime"
    waiting_days: int = 0
    lookback_days: int = 0
    per_share: bool = False
    by_code: bool = False
    accident: bool | None = None
    accident_waits: bool = True
    consolation: tuple[Consolation, ...] = ()


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """An amount with its article."""

    amount: Money
    article: str


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit is topped up to (补足). `care` None: all units but months. `on_death` holds even from zero."""

    amount: Money
    article: str
    care: frozenset[str] | None = None
    on_death: Money | None = None
    leans_on: tuple[str, ...] = ()


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """The most that is paid (最高补助) per unit, period, year of a period, or lifetime.

    `benefits` limits it to some benefits, `categories` to members of some (which `conditions` ask), `others` are
    schemes whose payments count towards it, `slot` is its place in the edition.
    """

    amount: Money
    per: Literal["stay", "period", "year", "lifetime"]
    article: str
    slot: int = 0
    benefits: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    others: tuple[str, ...] = ()
    conditions: Conditions = ALWAYS
    per_share: bool = False
    leans_on: tuple[str, ...] = ()


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Data rule it out: nothing is paid, with this reason as the one flag (不予补助)."""

    reason: str
    article: str
    conditions: Conditions


class Confirm(msgspec.Struct, frozen=True, kw_only=True):
    """Only a person can decide: this flag, the amount unchanged (须人工审核)."""

    flag: str
    article: str
    conditions: Conditions
