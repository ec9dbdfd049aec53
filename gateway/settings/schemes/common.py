"""Kinds of values all parts of a scheme file share, and the conditions a rule may have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.core.schemes.language import conditions
from gateway.core.schemes.language.conditions import Condition, Conditions
from gateway.core.schemes.language.disease_groups import DiseaseGroup
from gateway.model.member import Category
from gateway.model.money import Money
from gateway.model.record import Care
from gateway.settings.files import Spec

Article = Annotated[str, Field(min_length=1, max_length=120)]
Yuan = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 12, decimal_places=2)]
Rate = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
Days = Annotated[int, Field(ge=0, le=36_600)]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Names = tuple[Annotated[str, Field(min_length=1)], ...]
InsuranceType = Annotated[str, Field(pattern=r"^[0-9]{3}$")]
Some = Annotated[tuple[str, ...], Field(min_length=1)]
Groups = Mapping[str, DiseaseGroup]


def fen(amount: Decimal) -> Money:
    """Yuan → fen."""
    return Money(int(amount * 100))


def _not_empty(rows: tuple[object, ...]) -> tuple[object, ...]:
    if not rows:
        raise ValueError("至少一项 (at least one is needed)")
    return rows


NotEmpty = AfterValidator(_not_empty)
"""At least one row. Unlike a length it says nothing of its own where a row is wrong."""


_PAID: Final = ("paid_from", "paid_to")


class NarrowSpec(Spec):
    """Conditions of one row of a table: category and classes of the member, grade of the facility, where the care
    was.
    """

    categories: Annotated[tuple[Category, ...], Field(min_length=1)] | None = None
    grades: Some | None = None
    place: Literal["local", "elsewhere"] | None = None
    classes: Some | None = None
    without_classes: Some | None = None

    def narrow_conditions(self) -> Conditions:
        """The questions of one row of a table."""
        required: list[Condition] = []
        if self.categories is not None:
            required.append(conditions.category_is(frozenset(self.categories)))
        if self.grades is not None:
            required.append(conditions.grade_is(frozenset(self.grades)))
        if self.place is not None:
            required.append(conditions.place_is(self.place))
        if self.classes is not None:
            required.append(conditions.class_is(frozenset(self.classes)))
        if self.without_classes is not None:
            required.append(conditions.class_is(frozenset(self.without_classes), inside=False))
        return tuple(required)


class ConditionSpec(NarrowSpec):
    """Conditions of a rule: all that are given must hold, a list means any of them."""

    care: Annotated[tuple[Care, ...], Field(min_length=1)] | None = None
    care_codes: Some | None = None
    sex: Literal["M", "F"] | None = None
    insured: bool | None = None
    insurance: Annotated[tuple[InsuranceType, ...], Field(min_length=1)] | None = None
    stays: Literal["first", "later"] | None = None
    disease: Some | None = None
    years_from: Annotated[int, Field(ge=1)] | None = None
    years_to: Annotated[int, Field(ge=1)] | None = None
    from_day: date | None = None
    to_day: date | None = None
    nth_from: Annotated[int, Field(ge=1)] | None = None
    nth_to: Annotated[int, Field(ge=1)] | None = None
    paid_from: Annotated[int, Field(ge=0)] | None = None
    paid_to: Annotated[int, Field(ge=0)] | None = None
    accident: bool | None = None

    @model_validator(mode="after")
    def _ranges_agree(self) -> ConditionSpec:
        for low, high in (("years_from", "years_to"), ("from_day", "to_day"), ("nth_from", "nth_to"), _PAID):
            first, last = getattr(self, low), getattr(self, high)
            if first is not None and last is not None and last < first:
                raise ValueError(f"{high} 不得小于 {low}，否则从不成立 (must not be below {low})")
        return self

    def conditions(self, groups: Groups) -> Conditions:
        """The questions a rule's conditions ask, cheap ones first."""
        required: list[Condition] = []
        if self.care is not None:
            required.append(conditions.care_is(frozenset(self.care)))
        if self.stays is not None:
            required.append(conditions.stay_is(self.stays))
        if self.sex is not None:
            required.append(conditions.sex_is(self.sex))
        if self.insured is not None:
            required.append(conditions.insured_is(self.insured))
        if self.insurance is not None:
            required.append(conditions.insurance_is(frozenset(self.insurance)))
        required += self.narrow_conditions()
        if self.years_from is not None or self.years_to is not None:
            required.append(conditions.years_between(self.years_from, self.years_to))
        if self.from_day is not None or self.to_day is not None:
            required.append(conditions.admitted_between(self.from_day, self.to_day))
        if self.nth_from is not None or self.nth_to is not None:
            required.append(conditions.place_between(self.nth_from, self.nth_to))
        if self.paid_from is not None or self.paid_to is not None:
            required.append(conditions.paid_between(self.paid_from, self.paid_to))
        if self.accident is not None:
            required.append(conditions.accident_is(self.accident))
        if self.care_codes is not None:
            required.append(conditions.care_code_is(frozenset(self.care_codes)))
        if self.disease is not None:
            required.append(conditions.disease_is(tuple(groups[name] for name in self.disease)))
        return tuple(required)


class RuleSpec(Spec):
    """What every rule has: its article, and the names of the open questions it leans on."""

    article: Article
    leans_on: Names = ()
