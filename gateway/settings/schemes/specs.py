"""One edition file of a scheme, checked as far as it can be alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.core.schemes.language import conditions, edition, rules
from gateway.core.schemes.language.conditions import Conditions
from gateway.core.schemes.language.edition import OPEN_QUESTIONS
from gateway.model.member import Category
from gateway.model.record import Care
from gateway.settings.feeds import Name
from gateway.settings.files import Spec
from gateway.settings.schemes.benefits import CEILING_TERMS, AnyBenefit, LumpSumSpec, ShareSpec
from gateway.settings.schemes.common import (
    Article,
    ConditionSpec,
    Days,
    Groups,
    InsuranceType,
    Names,
    NotEmpty,
    Rate,
    RuleName,
    RuleSpec,
    Yuan,
    fen,
)
from gateway.settings.schemes.periods import PeriodSpec

Region = Annotated[str, Field(pattern=r"^[0-9]{2,6}$")]
Age = Annotated[int, Field(ge=0, le=150)]


class FeeSpec(Spec):
    """What a member pays a period."""

    name: Annotated[str, Field(min_length=1)]
    amount: Yuan
    categories: tuple[Category, ...] = ()
    article: Article

    def plain(self) -> edition.Fee:
        return edition.Fee(name=self.name, amount=fen(self.amount), categories=self.categories, article=self.article)


class AgeSpec(Spec):
    """Ages in full years of a category, both included."""

    category: Category
    sex: Literal["M", "F"] | None = None
    from_: Annotated[Age | None, Field(alias="from")] = None
    to: Age | None = None
    at: Literal["period_first_day", "joining"] = "period_first_day"
    article: Article

    @model_validator(mode="after")
    def _ages_agree(self) -> AgeSpec:
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise ValueError("to 不得小于 from (must not be below from)")
        return self

    def plain(self) -> edition.AgeRule:
        return edition.AgeRule(
            category=self.category,
            sex=self.sex,
            youngest=self.from_,
            oldest=self.to,
            at=self.at,
            article=self.article,
        )


class UnitSizeSpec(Spec):
    """The share of its people that a unit of this size must bring, both ends included."""

    from_people: Annotated[int, Field(ge=1)] = 1
    to_people: Annotated[int, Field(ge=1)] | None = None
    share: Rate

    @model_validator(mode="after")
    def _people_agree(self) -> UnitSizeSpec:
        if self.to_people is not None and self.to_people < self.from_people:
            raise ValueError("to_people 不得小于 from_people (must not be below from_people)")
        return self

    def plain(self) -> edition.UnitSize:
        return edition.UnitSize(from_people=self.from_people, to_people=self.to_people, share=f"{self.share:f}")


class WhoSpec(RuleSpec):
    """Who may be a member, and which insurance (insutype) a settlement must belong to where it is given."""

    insurance_types: tuple[InsuranceType, ...] = ()
    maternity_insurance: InsuranceType | None = None
    categories: tuple[Category, ...] = ()
    sex: Literal["M", "F"] | None = None
    insured: Literal["required", "any"] = "required"
    regions: tuple[Region, ...] = ()
    unit_share: Rate | None = None
    unit_minimum_people: Annotated[int, Field(ge=1)] | None = None
    unit_sizes: tuple[UnitSizeSpec, ...] = ()
    ages: tuple[AgeSpec, ...] = ()
    class_names: dict[str, Annotated[Names, Field(min_length=1)]] = Field(default_factory=dict)

    @property
    def class_of(self) -> dict[str, str]:
        """What rosters write → the class the rules ask for."""
        return {written: name for name, others in self.class_names.items() for written in others}

    @model_validator(mode="after")
    def _names_of_one_class(self) -> WhoSpec:
        others = [written for others in self.class_names.values() for written in others]
        twice = sorted({written for written in others if others.count(written) > 1 or written in self.class_names})
        if twice:
            raise ValueError(f"class_names：{'、'.join(twice)} 属于两种身份 (stands for two classes)")
        return self

    @model_validator(mode="after")
    def _sizes_agree(self) -> WhoSpec:
        if self.unit_sizes and self.unit_share is not None:
            raise ValueError("unit_share 与 unit_sizes 只写一种 (either unit_share or unit_sizes)")
        for smaller, larger in pairwise(self.unit_sizes):
            if smaller.to_people is None or larger.from_people <= smaller.to_people:
                raise ValueError("unit_sizes 须从小到大且不重叠 (must ascend and not overlap)")
        return self

    def plain(self) -> edition.Who:
        return edition.Who(
            article=self.article,
            categories=frozenset(self.categories),
            sex=self.sex,
            insured=self.insured,
            regions=self.regions,
            unit_share=None if self.unit_share is None else f"{self.unit_share:f}",
            unit_minimum_people=self.unit_minimum_people,
            unit_sizes=tuple(size.plain() for size in self.unit_sizes),
        )


class WaitingSpec(RuleSpec):
    """Days at a period's beginning in which nothing is paid; none where it was renewed in time."""

    days: Days
    waived_if_renewed_within: Days | None = None
    accident_waits: bool = True


class StaySpec(RuleSpec):
    """What is one unit, by kind of care; how many days after a discharge a stay elsewhere still belongs to it."""

    care: tuple[Care, ...] = ()
    months: tuple[Care, ...] = ()
    single: tuple[Care, ...] = ()
    period: tuple[Care, ...] = ()
    transfer_days: Annotated[int, Field(ge=0, le=30)] | None = None
    emergency_days: Annotated[int, Field(ge=0, le=7)] | None = None
    split: Literal["year_end"] | None = None

    @model_validator(mode="after")
    def _each_care_once(self) -> StaySpec:
        every = [*self.care, *self.months, *self.single, *self.period]
        twice = sorted({care for care in every if every.count(care) > 1})
        if twice:
            raise ValueError(
                f"{'、'.join(twice)} 在 care、months、single、period 里写了两次 ({', '.join(twice)} stands twice)"
            )
        return self


class ProrationSpec(RuleSpec):
    """The sum of every benefit with `prorated = true` in proportion to the covered days of a stay."""

    base: Literal["subsidy"] = "subsidy"


class FloorSpec(RuleSpec):
    """What a unit above zero is topped up to; on the member's death also from zero, to this other amount."""

    amount: Yuan | None = None
    care: Annotated[tuple[Care, ...], Field(min_length=1)] | None = None
    on_death: Yuan | None = None

    @model_validator(mode="after")
    def _tops_up(self) -> FloorSpec:
        if self.amount is None and self.on_death is None:
            raise ValueError("至少写 amount 或 on_death (at least amount or on_death)")
        return self

    def plain(self) -> rules.Floor:
        return rules.Floor(
            amount=fen(self.amount or Decimal(0)),
            article=self.article,
            care=None if self.care is None else frozenset(self.care),
            on_death=None if self.on_death is None else fen(self.on_death),
            leans_on=self.leans_on,
        )


class CapSpec(RuleSpec):
    """The most that is paid."""

    amount: Yuan
    per: Literal["stay", "period", "year", "lifetime"]
    with_: Annotated[tuple[Name, ...], Field(alias="with")] = ()
    benefits: Annotated[tuple[RuleName, ...], Field(min_length=1)] | None = None
    categories: Annotated[tuple[Category, ...], Field(min_length=1)] | None = None
    per_share: bool = False

    def plain(self, slot: int) -> rules.Cap:
        categories = None if self.categories is None else frozenset(self.categories)
        return rules.Cap(
            amount=fen(self.amount),
            per=self.per,
            article=self.article,
            slot=slot,
            benefits=None if self.benefits is None else frozenset(self.benefits),
            categories=categories,
            others=self.with_,
            conditions=() if categories is None else (conditions.category_is(categories),),
            per_share=self.per_share,
            leans_on=self.leans_on,
        )


class ExclusionSpec(ConditionSpec):
    """Data rule it out: nothing is paid, with this reason."""

    reason: RuleName
    article: Article
    referral: bool = False

    def plain(self, groups: Groups) -> rules.Exclusion:
        return rules.Exclusion(reason=self.reason, article=self.article, conditions=_with_referral(self, groups))


class ConfirmSpec(ConditionSpec):
    """Only a person can decide: this flag, the amount unchanged."""

    flag: RuleName
    article: Article
    referral: bool = False

    def plain(self, groups: Groups) -> rules.Confirm:
        return rules.Confirm(flag=self.flag, article=self.article, conditions=_with_referral(self, groups))


class ClaimSpec(RuleSpec):
    """How long a member may claim: days or years from a day, or until a fixed day of the year after the period."""

    days: Annotated[int, Field(ge=0, le=3660)] | None = None
    counts_from: Literal["settlement", "period_end", "discharge"] | None = None
    years: Annotated[int, Field(ge=1, le=20)] | None = None
    fixed_day: Annotated[str, Field(pattern=r"^[0-9]{2}-[0-9]{2}$")] | None = None

    @model_validator(mode="after")
    def _one_window(self) -> ClaimSpec:
        if [self.days, self.years, self.fixed_day].count(None) != 2:
            raise ValueError("days、years、fixed_day 恰好写一种 (exactly one of days, years, fixed_day)")
        if self.days is not None and self.counts_from is None:
            raise ValueError("缺 counts_from：settlement、period_end 或 discharge (counts_from missing)")
        if self.fixed_day is not None:
            date.fromisoformat(f"2001-{self.fixed_day}")
        return self

    def plain(self) -> edition.ClaimWindow:
        month, _, day = (self.fixed_day or "").partition("-")
        return edition.ClaimWindow(
            counts_from=self.counts_from or "period_end",
            article=self.article,
            days=self.days,
            years=self.years,
            fixed_day=(int(month), int(day)) if self.fixed_day is not None else None,
        )


class PapersSpec(Spec):
    """What a member brings in a situation."""

    situation: Literal["always", "emergency", "outpatient_special", "death", "uninsured", "referral", "diagnosis"]
    items: Annotated[Names, Field(min_length=1)]
    article: Article | None = None


class StepSpec(Spec):
    """One step of the association's work, and its days."""

    name: Annotated[str, Field(min_length=1)]
    days: Days


class ProcessingSpec(RuleSpec):
    """How many days the association has to pay."""

    days: Days
    complex_days: Days | None = None
    of: Literal["working", "calendar"] = "working"
    steps: tuple[StepSpec, ...] = ()

    def plain(self) -> edition.ProcessingRule:
        return edition.ProcessingRule(
            days=self.days,
            complex_days=self.complex_days,
            of=self.of,
            article=self.article,
            steps=tuple(edition.ProcessingStep(name=step.name, days=step.days) for step in self.steps),
        )


class QuestionSpec(Spec):
    """A question the regulation leaves open, the answer used, and whether nobody has confirmed it yet."""

    question: Annotated[str, Field(min_length=1)]
    answer: Annotated[str, Field(min_length=1)]
    assumed: bool


class CeilingSpec(Spec):
    """The funds' ceiling: for each settlement by itself, or used up over a year of the funds."""

    amount: Yuan
    per: Literal["settlement", "year"] = "settlement"
    year_begins: Annotated[str, Field(pattern=r"^[0-9]{2}-[0-9]{2}$")] | None = None

    @model_validator(mode="after")
    def _year_is_known(self) -> CeilingSpec:
        if self.year_begins is not None and self.per != "year":
            raise ValueError('year_begins 只用于 per = "year" (goes with a year only)')
        if self.year_begins is not None:
            date.fromisoformat(f"2001-{self.year_begins}")
        return self

    def plain(self) -> edition.Ceiling:
        month, _, day = (self.year_begins or "01-01").partition("-")
        return edition.Ceiling(
            amount=fen(self.amount), year_begins=(int(month), int(day)) if self.per == "year" else None
        )


class SchemeSpec(Spec):
    """One edition file of a scheme: who, when, what is one unit, what is paid, what limits it, how it is claimed."""

    scheme: Name
    name: Annotated[str, Field(min_length=1)]
    edition: Annotated[str, Field(pattern=r"^[0-9a-z][0-9a-z-]{0,19}$")]
    version: Annotated[int, Field(ge=1)] = 1
    title: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    starts: date
    carried_on_from: date | None = None
    rounding: Literal["half_up_fen", "half_up_yuan"] = "half_up_fen"
    ceiling: Yuan | CeilingSpec | None = None
    fees: tuple[FeeSpec, ...] = ()
    who: WhoSpec
    period: PeriodSpec | None = None
    waiting: WaitingSpec | None = None
    stay: StaySpec | None = None
    benefits: Annotated[tuple[AnyBenefit, ...], NotEmpty]
    proration: ProrationSpec | None = None
    floor: FloorSpec | None = None
    caps: tuple[CapSpec, ...] = ()
    exclusions: tuple[ExclusionSpec, ...] = ()
    confirm: tuple[ConfirmSpec, ...] = ()
    claim: ClaimSpec | None = None
    papers: tuple[PapersSpec, ...] = ()
    processing: ProcessingSpec | None = None
    settings: dict[str, QuestionSpec] = Field(default_factory=dict)

    @property
    def shares(self) -> list[ShareSpec]:
        return [benefit for benefit in self.benefits if isinstance(benefit, ShareSpec)]

    @property
    def lump_sums(self) -> list[LumpSumSpec]:
        return [benefit for benefit in self.benefits if isinstance(benefit, LumpSumSpec)]

    @property
    def stands_on(self) -> list[str]:
        """The schemes whose payments it must know."""
        return [scheme for share in self.shares for scheme in share.base.schemes] + [
            scheme for cap in self.caps for scheme in cap.with_
        ]

    @property
    def rules(self) -> list[RuleSpec]:
        """Every rule that may lean on open questions."""
        tables = [
            self.who,
            self.period,
            self.waiting,
            self.stay,
            self.proration,
            self.floor,
            self.claim,
            self.processing,
        ]
        joined = () if self.period is None else self.period.joined
        return [*self.benefits, *self.caps, *joined, *[table for table in tables if table is not None]]

    @property
    def leans_always(self) -> tuple[str, ...]:
        """The open questions every estimate rests on: who, when, what is one unit, until when to claim."""
        tables = [self.who, self.period, self.waiting, self.stay, self.claim]
        return tuple(name for table in tables if table is not None for name in table.leans_on)

    @model_validator(mode="after")
    def _problems(self) -> SchemeSpec:
        """All that does not agree inside the file, told at once."""
        names = [benefit.name for benefit in self.benefits]
        doubles = sorted({name for name in names if names.count(name) > 1})
        problems = [f"benefits 的 name {name} 写了两次 (name {name} stands twice)" for name in doubles]
        for cap in self.caps:
            unknown = sorted(set(cap.benefits or ()) - set(names))
            if unknown:
                words = f"caps.benefits 没有这一项 (caps.benefits: unknown {', '.join(unknown)})"
                problems.append(f"{words}；可用 (known): {', '.join(names)}")
        problems += _excluding(self)
        lowest = (self.floor.amount if self.floor is not None else None) or Decimal(0)
        if any(cap.amount < lowest for cap in self.caps if cap.benefits is None):
            problems.append("caps 的 amount 不得低于 floor.amount (cap.amount must not be below floor.amount)")
        if self.carried_on_from is not None and self.carried_on_from <= self.starts:
            problems.append("carried_on_from 须晚于 starts (must be after starts)")
        problems += _questions(self) + _needs(self)
        if problems:
            raise ValueError("；".join(problems))
        return self


def ceiling_of(spec: SchemeSpec) -> edition.Ceiling | None:
    """The funds' ceiling of a file; a plain amount is one for each settlement."""
    if isinstance(spec.ceiling, Decimal):
        return edition.Ceiling(amount=fen(spec.ceiling))
    return None if spec.ceiling is None else spec.ceiling.plain()


def _questions(spec: SchemeSpec) -> list[str]:
    """Every name that is leaned on is asked, and every question is leaned on by the engine or a rule."""
    leaned = {name for rule in spec.rules for name in rule.leans_on}
    unasked = sorted(leaned - set(spec.settings))
    unknown = sorted(set(spec.settings) - set(OPEN_QUESTIONS) - leaned)
    problems = []
    if unasked:
        problems.append(
            f"leans_on 的 {', '.join(unasked)} 在 settings 里没有 (leans_on: {', '.join(unasked)} not in settings)"
        )
    if unknown:
        names = ", ".join(OPEN_QUESTIONS)
        problems.append(
            f"settings 里没有规则用到的名字 (unknown {', '.join(unknown)}: no rule leans on it)；可用 (known): {names}"
        )
    return problems


def _excluding(spec: SchemeSpec) -> list[str]:
    """A benefit can only be excluded by one that stands before it: what that pays is known then."""
    problems, before = [], list[str]()
    for benefit in spec.benefits:
        if isinstance(benefit, LumpSumSpec):
            continue
        unknown = [name for name in benefit.unless if name not in before]
        if unknown:
            names = "、".join(before) or "无 (none)"
            problems.append(f"benefits.unless：{benefit.name} 之前没有 {'、'.join(unknown)}；可用 (before it): {names}")
        before.append(benefit.name)
    return problems


def _needs(spec: SchemeSpec) -> list[str]:
    problems = []
    terms = {term for share in spec.shares for term in share.base.terms}
    if terms & set(CEILING_TERMS) and spec.ceiling is None:
        problems.append("缺 ceiling：基数用到封顶线 (ceiling missing: a base speaks of it)")
    if any(share.prorated for share in spec.shares) and spec.proration is None:
        problems.append("缺 [proration]：有一项 prorated (proration missing: a benefit is prorated)")
    paying = [benefit for benefit in spec.benefits if not isinstance(benefit, LumpSumSpec)]
    units = spec.stay is not None and any([spec.stay.care, spec.stay.months, spec.stay.single, spec.stay.period])
    if paying and not units:
        problems.append("缺 [stay]：没有写付哪些就医类别 (stay missing: care, months, single or period)")
    return problems


def _with_referral(spec: ExclusionSpec | ConfirmSpec, groups: Groups) -> Conditions:
    required = spec.conditions(groups)
    return (conditions.referred, *required) if spec.referral else required
