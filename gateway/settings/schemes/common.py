"""Kinds of values all parts of a scheme file share, and the conditions a rule may have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.model.member import Category
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


def _not_empty(rows: tuple[object, ...]) -> tuple[object, ...]:
    if not rows:
        raise ValueError("at least one is needed")
    return rows


NotEmpty = AfterValidator(_not_empty)
"""At least one row. Unlike a length it says nothing of its own where a row is wrong."""


class NarrowSpec(Spec):
    """Conditions of one row of a table: category of the member, grade of the facility, where the care was."""

    categories: Annotated[tuple[Category, ...], Field(min_length=1)] | None = None
    grades: Some | None = None
    place: Literal["local", "elsewhere"] | None = None


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


class RuleSpec(Spec):
    """What every rule has: its article, and the names of the open questions it leans on."""

    article: Article
    leans_on: Names = ()
