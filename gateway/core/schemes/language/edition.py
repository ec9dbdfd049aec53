"""The rules of a scheme as values: one `Edition` (期) a year or so, all of them a `SchemeFamily`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

import msgspec

from gateway.core.schemes.language.bands import bands_from
from gateway.core.schemes.language.conditions import narrowed
from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.core.schemes.language.plans import Plans, plans_of
from gateway.core.schemes.language.rules import Benefit, Cap, Confirm, Exclusion, Floor, LumpSum
from gateway.model.money import Money

__all__ = [
    "OPEN_QUESTIONS",
    "AgeRule",
    "Ceiling",
    "ClaimWindow",
    "Edition",
    "Fee",
    "Papers",
    "PeriodRule",
    "ProcessingRule",
    "ProcessingStep",
    "SchemeFamily",
    "SchemeQuestion",
    "UnitKind",
    "UnitSize",
    "Waiting",
    "Who",
    "bands_from",
]

OPEN_QUESTIONS: Final = (
    "age.first_day",
    "allowance.days",
    "allowance.first_stay",
    "allowance.from_2021",
    "allowance.restart",
    "allowance.years",
    "bands.open_end",
    "base.not_below_zero",
    "ceiling",
    "claim_by.period_end",
    "coverage.discharge_day",
    "decided.fixed",
    "edition.carried_on",
    "edition.first_covered_day",
    "floor.above_zero",
    "floor.from_2021",
    "maternity.under_310",
    "place.unknown_is_local",
    "proration.nights",
    "proration.subsidy_only",
    "rounding",
    "special_outpatient.last_settlement",
    "stay.transfer_by_dates",
    "stay.two_on_one_day",
)
"""What regulations leave open and the engine itself leans on. A file answers those that concern its scheme by
name and says if that is an assumption; names of its own are leaned on by its rules (`leans_on`)."""

UnitKind = Literal["stay", "month", "single", "period", "event", "none"]
"""What one estimate is about; `none` is a settlement that belongs to no unit of the scheme."""


class SchemeQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question the regulation leaves open, the answer used, and whether nobody has confirmed it yet."""

    question: str
    answer: str
    assumed: bool


class ClaimWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Until when a claim may be made (申领期限): days or years after an anchor, or a fixed day of the year after.

    `fixed_day` is (month, day) of the year after the one the period ends in.
    """

    counts_from: Literal["settlement", "period_end", "discharge"]
    article: str
    days: int | None = None
    years: int | None = None
    fixed_day: tuple[int, int] | None = None


class AgeRule(msgspec.Struct, frozen=True, kw_only=True):
    """Ages in full years (周岁) of a category, both included, on the period's first day or when joining.

    With `sex` it holds for that sex only, and for nobody whose sex is not known.
    """

    category: str
    sex: str | None = None
    youngest: int | None
    oldest: int | None
    at: Literal["period_first_day", "joining"]
    article: str


class UnitSize(msgspec.Struct, frozen=True, kw_only=True):
    """The share of its people a unit of this size must bring (按单位规模的参互比例), both ends included."""

    from_people: int
    to_people: int | None
    share: str


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who may be a member. Whoever does not fit is enrolled by mistake: a person decides (`not_eligible`)."""

    article: str
    categories: frozenset[str] = frozenset()
    sex: str | None = None
    insured: Literal["required", "any"] = "required"
    regions: tuple[str, ...] = ()
    unit_share: str | None = None
    unit_minimum_people: int | None = None
    unit_sizes: tuple[UnitSize, ...] = ()


class PeriodRule(msgspec.Struct, frozen=True, kw_only=True):
    """How a member's period is made from the day of joining.

    `begins` is the first day of one of the fixed periods (`fixed_days`): another begins every `months` months before
    and after it, for everybody. Who joins up to `joined_before` days ahead of one is covered from its first day. No
    period ends before `extended_to`. `joined` are other rules for those who join between two days, both included
    (`joined_from`, `joined_to`).
    """

    runs: Literal["months_from_joining", "calendar_year", "july_to_june", "month_by_day", "fixed_days"]
    months: int
    starts: Literal["same_day", "next_day"]
    cutoff_day: int
    until_year_end: bool
    article: str
    begins: date | None = None
    joined_before: int = 0
    extended_to: date | None = None
    joined_from: date = date.min
    joined_to: date = date.max
    joined: tuple[PeriodRule, ...] = ()

    def on(self, day: date) -> PeriodRule:
        """The rule for who joins on a day: the first of `joined` that is about it, else this one."""
        for rule in self.joined:
            if rule.joined_from <= day <= rule.joined_to:
                return rule
        return self


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Days at a period's beginning in which nothing is paid (等待期), waived on a renewal in time or an accident."""

    days: int
    waived_if_renewed_within: int | None
    article: str
    accident_waits: bool = True


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """The funds' ceiling (统筹封顶线), for each settlement by itself or used up over a year of the funds.

    `year_begins` is the (month, day) on which a year of the funds begins; None: each settlement by itself.
    """

    amount: Money
    year_begins: tuple[int, int] | None = None

    def year_of(self, day: date) -> date | None:
        """The first day of the year of the funds that a day lies in."""
        if self.year_begins is None:
            return None
        began = date(day.year, *self.year_begins)
        return began if began <= day or day.year == 1 else date(day.year - 1, *self.year_begins)


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """What a member pays a period (互助金)."""

    name: str
    amount: Money
    article: str
    categories: tuple[str, ...] = ()


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    """What a member brings (申领材料) in a situation."""

    situation: str
    items: tuple[str, ...]
    article: str | None = None


class ProcessingStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the association's work, and its days."""

    name: str
    days: int


class ProcessingRule(msgspec.Struct, frozen=True, kw_only=True):
    """How many days the association has to pay (办理时限)."""

    days: int
    complex_days: int | None
    of: Literal["working", "calendar"]
    article: str
    steps: tuple[ProcessingStep, ...] = ()


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One edition (期): in force for coverage periods whose first day is on or after `starts`.

    Periods from `carried_on_from` on are assessed by this edition because no newer text is known. `assumed` are
    the names of the questions the association has not confirmed, `leans_on` those of them every estimate rests
    on. `stands_on` are the schemes whose payments its rules ask for. `ceiling` and all amounts are in fen;
    `rounding_unit` is 1 for fen and 100 for yuan. The last four but one say what the rules ask for, so that nothing
    is looked for that no rule needs; `plans` follows from the benefits.
    """

    name: str
    title: str
    source: str
    version: int
    starts: date
    carried_on_from: date | None
    benefits: tuple[Benefit, ...]
    lump_sums: tuple[LumpSum, ...]
    caps: tuple[Cap, ...]
    floor: Floor | None
    proration_article: str | None
    exclusions: tuple[Exclusion, ...]
    confirms: tuple[Confirm, ...]
    who: Who
    ages: tuple[AgeRule, ...]
    claim_window: ClaimWindow | None
    period: PeriodRule | None = None
    waiting: Waiting | None = None
    ceiling: Ceiling | None = None
    rounding_unit: int = 1
    papers: tuple[Papers, ...] = ()
    processing: ProcessingRule | None = None
    fees: tuple[Fee, ...] = ()
    questions: Mapping[str, SchemeQuestion] = {}
    assumed: frozenset[str] = frozenset()
    leans_on: tuple[str, ...] = ()
    stands_on: tuple[str, ...] = ()
    asks_place: bool = False
    asks_first: bool = False
    has_daily: bool = False
    reorders: bool = False
    plans: Plans = {}
    class_of: Mapping[str, str] = {}
    """What a roster may write for a class of members → the class the rules ask for (劳动模范 → 劳模)."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "plans", plans_of(self.benefits))

    @property
    def cap(self) -> Cap:
        """The cap of a period over everything. Raises LookupError where there is none."""
        for cap in self.caps:
            if cap.per == "period" and cap.benefits is None:
                return cap
        raise LookupError(f"{self.name}: no cap of the period")


class SchemeFamily(msgspec.Struct, frozen=True, kw_only=True):
    """All editions of one scheme, oldest first, and what is the same in all of them.

    `insurance_types` are the national codes (insutype) the scheme pays for (none: any), `maternity_insurance`
    the one it never does; `units` says for each kind of care what is one unit of it; `transfer_days` is how
    many days after a discharge a stay elsewhere still belongs to it (None: never).
    """

    scheme: str
    name: str
    editions: tuple[Edition, ...]
    insurance_types: frozenset[str]
    maternity_insurance: str | None
    units: Mapping[str, UnitKind]
    transfer_days: int | None
    emergency_days: int | None = None
    """So many days before an admission emergency care at the same facility may be part of the stay (急诊转住院)."""
    splits_years: bool = False
    """Whether what one visit was settled for in different years makes a unit a year (跨年分开结算)."""
    pays_at_events: bool = False
    """Whether any edition pays a sum at a diagnosis, a death or the end of a period; follows from the editions."""
    ceiling_over_years: bool = False
    """Whether any edition's ceiling of the funds is used up over a year; follows from the editions."""
    care_groups: Mapping[str, str] = {}
    """Kind of care → its group, where rules tell kinds of one list in [stay] apart: they make no unit together."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "pays_at_events", any(edition.lump_sums for edition in self.editions))
        ceilings = [edition.ceiling for edition in self.editions if edition.ceiling is not None]
        over_years = any(ceiling.year_begins is not None for ceiling in ceilings)
        msgspec.structs.force_setattr(self, "ceiling_over_years", over_years)
        msgspec.structs.force_setattr(self, "care_groups", self._groups_of_care())

    def _groups_of_care(self) -> dict[str, str]:
        groups: dict[str, str] = {}
        for kind in ("stay", "month", "period"):
            cares = sorted(care for care, unit in self.units.items() if unit == kind)
            by_rules: dict[tuple[object, ...], str] = {}
            alike = {care: by_rules.setdefault(self._rules_about(care), care) for care in cares}
            groups |= alike if len(by_rules) > 1 else {}
        return groups

    def _rules_about(self, care: str) -> tuple[object, ...]:
        """What can apply to a kind of care in each edition; kinds that have the same make units together."""
        about: list[object] = []
        for edition in self.editions:
            for first in (True, False):
                about.append(tuple([benefit.name for benefit in edition.plans.get((care, first), edition.benefits)]))
            about.append(edition.floor is not None and care in (edition.floor.care or ()))
            asked = [rule.conditions for rule in edition.exclusions] + [rule.conditions for rule in edition.confirms]
            about.append(tuple([narrowed(conditions, care, True) is None for conditions in asked]))
        return tuple(about)

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The schemes whose payments this one must know (叠加)."""
        schemes = [scheme for edition in self.editions for scheme in edition.stands_on]
        return tuple(dict.fromkeys(schemes))

    @property
    def pays_at_diagnosis(self) -> bool:
        """Whether any edition pays a sum at a first diagnosis."""
        return any(lump.payments for edition in self.editions for lump in edition.lump_sums)

    @property
    def disease_groups(self) -> list[DiseaseGroup]:
        """The disease groups of all lump sums."""
        lumps = [lump for edition in self.editions for lump in edition.lump_sums]
        return [payment.group for lump in lumps for payment in lump.payments]

    def edition_on(self, first_day: date) -> Edition | None:
        """The edition of a coverage period by its first day; None before the first edition."""
        for edition in reversed(self.editions):
            if edition.starts <= first_day:
                return edition
        return None
