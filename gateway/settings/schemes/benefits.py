"""[[benefits]] of a scheme file: a share by bands, a daily allowance, a fixed amount, a lump sum."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import pairwise, product
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from gateway.core.schemes.language import conditions, rules
from gateway.core.schemes.language.bands import band_of
from gateway.model.money import Money
from gateway.model.record import AMOUNT_FIELDS
from gateway.settings.files import Spec
from gateway.settings.schemes.common import (
    Article,
    ConditionSpec,
    Days,
    Groups,
    Names,
    NarrowSpec,
    NotEmpty,
    Rate,
    RuleName,
    RuleSpec,
    Yuan,
    fen,
)

CEILING_TERMS: Final = ("in_scope_below_ceiling", "in_scope_above_ceiling")
TERMS: Final = (*AMOUNT_FIELDS, *CEILING_TERMS, "days")
PAID_BY: Final = "paid_by:"


class BaseSpec(Spec):
    """Terms added and taken off: amount fields, parts below or above the ceiling, days, paid_by:<scheme>."""

    add: Annotated[tuple[str, ...], Field(min_length=1)]
    less: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _terms_are_known(self) -> BaseSpec:
        unknown = [term for term in self.terms if term not in TERMS and not term.startswith(PAID_BY)]
        if unknown:
            raise ValueError(
                f"没有这一项 (unknown {', '.join(unknown)}; known)：可用: {', '.join(TERMS)}, paid_by:<scheme>"
            )
        if "days" in self.less:
            raise ValueError("days 只能加，不能减 (days can be added, not taken off)")
        return self

    @property
    def terms(self) -> tuple[str, ...]:
        return self.add + self.less

    @property
    def schemes(self) -> list[str]:
        """The schemes whose payments are terms."""
        return [term.removeprefix(PAID_BY) for term in self.terms if term.startswith(PAID_BY)]

    def plain(self) -> rules.Base:
        return rules.Base(
            add=_fields(self.add),
            less=_fields(self.less),
            special=any(term in CEILING_TERMS for term in self.terms),
            days=self.add.count("days"),
            paid_by=_schemes(self.less),
            paid_by_added=_schemes(self.add),
        )


class StayAmountSpec(Spec):
    """An amount, or one for a period's first stay and one for later stays."""

    amount: Yuan | None = None
    first: Yuan | None = None
    later: Yuan | None = None

    @model_validator(mode="after")
    def _amount_or_first_and_later(self) -> StayAmountSpec:
        both_told = (self.first is None) is (self.later is None)
        if not both_told or (self.amount is None) is (self.first is None):
            raise ValueError("写 amount，或同时写 first 和 later (either amount, or first and later)")
        return self


class GateSpec(StayAmountSpec):
    """What the base must reach before anything is paid, or exceed."""

    exceeded: bool = False


class DeductibleSpec(StayAmountSpec):
    """What is taken off the base (起付): per stay, or used up once a period."""

    per: Literal["stay", "period"] = "stay"


class BandSpec(NarrowSpec):
    """One band: from where the last one ended (or `from`), up to this many yuan (left out: no end), at this rate."""

    from_: Annotated[Yuan | None, Field(alias="from")] = None
    from_included: bool = False
    upto: Yuan | None = None
    rate: Rate | None = None
    amount: Yuan | None = None
    article: Article

    @model_validator(mode="after")
    def _one_of_both(self) -> BandSpec:
        if (self.rate is None) == (self.amount is None):
            raise ValueError('缺 rate (rate missing: a band has a rate or, with mode = "whole", an amount)')
        return self

    @property
    def narrow(self) -> tuple[object, ...]:
        return self.categories, self.grades, self.place, self.classes, self.without_classes


class RaiseSpec(Spec):
    """How much every rate grows by touching periods in a row."""

    per_year: Rate
    from_year: Annotated[int, Field(ge=1)] = 2
    most: Rate
    article: Article


class BenefitSpec(RuleSpec, ConditionSpec):
    """What every benefit has: a name for machines, a title for people, its article, its conditions."""

    name: RuleName
    title: Annotated[str, Field(min_length=1)]


class PaidBenefitSpec(BenefitSpec):
    """A benefit of care; `unless` names those before it in the file that exclude it where they pay."""

    unless: Names = ()


class ShareSpec(PaidBenefitSpec):
    """A share of a base by bands, marginal (each part at its rate) or on the whole amount."""

    kind: Literal["share"]
    base: BaseSpec
    gate: Yuan | GateSpec | None = None
    deductible: Yuan | DeductibleSpec | None = None
    mode: Literal["marginal", "whole"] = "marginal"
    edge: Literal["lower_included", "upper_included"] = "lower_included"
    bands: Annotated[tuple[BandSpec, ...], NotEmpty]
    raise_: Annotated[RaiseSpec | None, Field(alias="raise")] = None
    prorated: bool = False
    floor: Yuan | None = None
    cap: Yuan | None = None

    @model_validator(mode="after")
    def _floor_below_cap(self) -> ShareSpec:
        if self.floor is not None and self.cap is not None and self.cap < self.floor:
            raise ValueError("cap 不得低于 floor (must not be below floor)")
        return self

    @model_validator(mode="after")
    def _bands_agree(self) -> ShareSpec:
        edges_told = self.mode == "whole" and self.edge == "upper_included"
        if not edges_told and any(band.from_included for band in self.bands):
            raise ValueError(_FROM_INCLUDED)
        for rows in _tables(self.placed_bands()):
            _check_table(rows)
        if self.mode == "marginal" and any(band.amount is not None for band in self.bands):
            raise ValueError('bands 的 amount 只用于 mode = "whole" (bands: amount needs mode = "whole")')
        most = max([band.rate or Decimal(0) for band in self.bands])
        if self.raise_ is not None and most + self.raise_.most > 1:
            raise ValueError("raise.most 使比例超过1 (a raised rate would be above 1)")
        return self

    def placed_bands(self) -> list[tuple[Decimal, BandSpec]]:
        """Each band with where it begins: `from`, else where the one before it with the same conditions ended."""
        ends: dict[tuple[object, ...], Decimal] = {}
        placed = []
        for band in self.bands:
            over = band.from_ if band.from_ is not None else ends.get(band.narrow, Decimal(0))
            placed.append((over, band))
            ends[band.narrow] = over if band.upto is None else band.upto
        return placed

    def plain(self, groups: Groups) -> rules.ShareBenefit:
        return rules.ShareBenefit(
            name=self.name,
            title=self.title,
            article=self.article,
            conditions=self.conditions(groups),
            leans_on=self.leans_on,
            base=self.base.plain(),
            bands=tuple(
                band_of(
                    fen(over),
                    None if band.upto is None else fen(band.upto),
                    band.rate or Decimal(0),
                    band.article,
                    amount=None if band.amount is None else fen(band.amount),
                    conditions=band.narrow_conditions(),
                    lower_included=band.from_included,
                )
                for over, band in self.placed_bands()
            ),
            gate=_threshold(self.gate),
            deductible=_threshold(self.deductible),
            whole=self.mode == "whole",
            upper_included=self.edge == "upper_included",
            by_condition=any(band.narrow_conditions() for band in self.bands),
            raise_=None if self.raise_ is None else rules.Raise(**self.raise_.model_dump()),
            prorated=self.prorated,
            unless=self.unless,
            floor=None if self.floor is None else fen(self.floor),
            cap=None if self.cap is None else fen(self.cap),
        )


_FROM_INCLUDED: Final = (
    'bands: from_included 只用于 mode = "whole"、edge = "upper_included" 的第一档'
    " (goes with the first band of a whole amount, upper edges included)"
)
Placed = tuple[Decimal, BandSpec]


def _tables(bands: list[Placed]) -> Iterable[list[Placed]]:
    """The bands of every combination of category, grade, place and class there is, one beyond those named included.

    A member of several classes that different bands name would have several tables, which the file must rule out by
    `without_classes`; so each class is looked at alone, and all of them together.
    """
    categories = {named for _, band in bands for named in band.categories or ()} | {None}
    grades = {named for _, band in bands for named in band.grades or ()} | {None}
    places = {"local", "elsewhere"} if any(band.place for _, band in bands) else {None}
    named = {name for _, band in bands for name in (*(band.classes or ()), *(band.without_classes or ()))}
    classes = {frozenset[str](), frozenset(named), *(frozenset([name]) for name in named)}
    for category, grade, place, member_classes in product(categories, grades, places, classes):
        yield [
            (over, band)
            for over, band in bands
            if (band.categories is None or category in band.categories)
            and (band.grades is None or grade in band.grades)
            and (band.place is None or place == band.place)
            and (band.classes is None or not member_classes.isdisjoint(band.classes))
            and (band.without_classes is None or member_classes.isdisjoint(band.without_classes))
        ]


def _check_table(rows: list[Placed]) -> None:
    """Bands that hold together ascend without hole and overlap; only the first may begin above 0."""
    end: Decimal | None = None
    for at, (over, band) in enumerate(rows):
        if at and band.from_included:
            raise ValueError(_FROM_INCLUDED)
        if at and end is None:
            raise ValueError("bands 只有最后一段可以不写 upto (only the last band may be without upto)")
        if band.upto is not None and band.upto <= over:
            raise ValueError("bands 的 upto 须逐段升高 (upto must rise from band to band)")
        if end is not None and over != end:
            kind, english = ("空缺", "a hole") if over > end else ("重叠", "an overlap")
            words = f"bands 之间有{kind}，每段从上一段止处起"
            raise ValueError(f"{words} ({english} between {end:f} and {over:f}; each begins where the last one ended)")
        end = band.upto


class DailyRateSpec(NarrowSpec):
    """Yuan a day where these conditions hold."""

    per_day: Yuan | Annotated[tuple[Yuan, ...], Field(min_length=1)]


class DailySpec(PaidBenefitSpec):
    """Yuan a day in the first, second, … year in a row, the last for all later years; or rows by grade."""

    kind: Literal["daily"]
    per_day: Yuan | Annotated[tuple[Yuan, ...], Field(min_length=1)] | None = None
    rates: tuple[DailyRateSpec, ...] = ()
    max_days: Annotated[int, Field(ge=1, le=3660)] = 366
    after_days: Days = 0
    counts_from: date | None = None
    restart: bool = False
    once: Literal["period"] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> DailySpec:
        if (self.per_day is None) == (not self.rates):
            raise ValueError("per_day 与 rates 写一种 (either per_day or rates)")
        return self

    def plain(self, groups: Groups) -> rules.DailyBenefit:
        rates = [
            rules.DailyRate(per_day=_per_day(row.per_day), conditions=row.narrow_conditions()) for row in self.rates
        ]
        if self.per_day is not None:
            rates.append(rules.DailyRate(per_day=_per_day(self.per_day)))
        required = self.conditions(groups)
        if self.once is not None and self.stays is None:
            required = (conditions.stay_is("first"), *required)
        return rules.DailyBenefit(
            name=self.name,
            title=self.title,
            article=self.article,
            conditions=required,
            leans_on=self.leans_on,
            rates=tuple(rates),
            max_days=self.max_days,
            after_days=self.after_days,
            counts_from=self.counts_from,
            restart=self.restart,
            unless=self.unless,
        )


class FlatAmountSpec(NarrowSpec):
    """An amount where these conditions hold."""

    amount: Yuan


class FlatSpec(PaidBenefitSpec):
    """A fixed amount for each unit, or the first of several whose conditions hold."""

    kind: Literal["flat"]
    amount: Yuan | None = None
    amounts: tuple[FlatAmountSpec, ...] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> FlatSpec:
        if (self.amount is None) == (not self.amounts):
            raise ValueError("amount 与 amounts 写一种 (either amount or amounts)")
        return self

    def plain(self, groups: Groups) -> rules.FlatBenefit:
        amounts = [rules.FlatAmount(amount=fen(row.amount), conditions=row.narrow_conditions()) for row in self.amounts]
        if self.amount is not None:
            amounts.append(rules.FlatAmount(amount=fen(self.amount)))
        return rules.FlatBenefit(
            name=self.name,
            title=self.title,
            article=self.article,
            conditions=self.conditions(groups),
            leans_on=self.leans_on,
            amounts=tuple(amounts),
            unless=self.unless,
        )


class PaymentSpec(Spec):
    """A disease group and what its first diagnosis pays; without an amount a person decides."""

    disease: Annotated[str, Field(min_length=1)]
    amount: Yuan | None = None


class ConsolationSpec(Spec):
    """What an early first diagnosis pays: on these days after the start, both included (day 0 is the first)."""

    from_day: Days
    to_day: Days
    amount: Yuan
    per_share: bool = False
    article: Article

    @model_validator(mode="after")
    def _days_agree(self) -> ConsolationSpec:
        if self.to_day < self.from_day:
            raise ValueError("to_day 不得早于 from_day (to_day must not be before from_day)")
        return self


class LumpSumSpec(BenefitSpec):
    """A sum at a first diagnosis of a disease group, at death, or at the end of a period."""

    kind: Literal["lump_sum"]
    event: Literal["diagnosis", "death", "maturity"]
    amount: Yuan | None = None
    groups: tuple[PaymentSpec, ...] = ()
    once: Literal["lifetime", "period", "group_lifetime"] = "lifetime"
    waiting_days: Days = 0
    accident_waits: bool = True
    lookback_days: Days = 0
    per_share: bool = False
    confirmed: Literal["code", "fact"] = "fact"
    consolation: tuple[ConsolationSpec, ...] = ()

    @model_validator(mode="after")
    def _amounts_fit_event(self) -> LumpSumSpec:
        if self.event == "diagnosis" and (not self.groups or self.amount is not None):
            raise ValueError("确诊按病种给付，写 groups，不写 amount (a diagnosis pays by disease group)")
        if self.event != "diagnosis" and (self.groups or self.amount is None):
            raise ValueError(f"{self.event} 只写一个 amount ({self.event} pays one amount)")
        names = [payment.disease for payment in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("groups 里同一病种写了两次 (a disease group stands twice)")
        return self

    @model_validator(mode="after")
    def _consolation_before_the_sum(self) -> LumpSumSpec:
        days = sorted((row.from_day, row.to_day) for row in self.consolation)
        if any(later[0] <= earlier[1] for earlier, later in pairwise(days)):
            raise ValueError("consolation 的天数重叠 (days overlap)")
        if days and days[-1][1] >= self.waiting_days:
            raise ValueError("consolation 的 to_day 须在 waiting_days 之内 (must lie inside waiting_days)")
        return self

    def plain(self, groups: Groups) -> rules.LumpSum:
        return rules.LumpSum(
            name=self.name,
            title=self.title,
            article=self.article,
            event=self.event,
            # Which accident a fact tells of decides whether there is an event at all, before anything is asked of it.
            conditions=self.model_copy(update={"accident": None}).conditions(groups),
            accident=self.accident,
            accident_waits=self.accident_waits,
            leans_on=self.leans_on,
            payments=tuple(
                rules.GroupPayment(group=groups[row.disease], amount=None if row.amount is None else fen(row.amount))
                for row in self.groups
            ),
            amount=fen(self.amount or Decimal(0)),
            once=self.once,
            waiting_days=self.waiting_days,
            lookback_days=self.lookback_days,
            per_share=self.per_share,
            by_code=self.confirmed == "code",
            consolation=tuple(
                rules.Consolation(
                    from_day=row.from_day,
                    to_day=row.to_day,
                    amount=fen(row.amount),
                    article=row.article,
                    per_share=row.per_share,
                )
                for row in self.consolation
            ),
        )


AnyBenefit = Annotated[ShareSpec | DailySpec | FlatSpec | LumpSumSpec, Field(discriminator="kind")]


def _fields(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(term for term in terms if term != "days" and not term.startswith(PAID_BY))


def _schemes(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(term.removeprefix(PAID_BY) for term in terms if term.startswith(PAID_BY))


def _threshold(spec: Decimal | GateSpec | DeductibleSpec | None) -> rules.Threshold | None:
    if spec is None:
        return None
    if isinstance(spec, GateSpec | DeductibleSpec):
        first = fen((spec.first if spec.amount is None else spec.amount) or Decimal(0))
        later = fen((spec.later if spec.amount is None else spec.amount) or Decimal(0))
        if isinstance(spec, GateSpec):
            return rules.Threshold(first=first, later=later, exceeded=spec.exceeded)
        return rules.Threshold(first=first, later=later, per=spec.per)
    return rules.Threshold(first=fen(spec), later=fen(spec))


def _per_day(amounts: Decimal | tuple[Decimal, ...]) -> tuple[Money, ...]:
    return (fen(amounts),) if isinstance(amounts, Decimal) else tuple(fen(amount) for amount in amounts)
