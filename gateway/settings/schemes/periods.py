"""[period] of a scheme file: how a member's period is made from the day of joining."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from pydantic import Field, model_validator

from gateway.core.schemes.language import edition
from gateway.settings.schemes.common import Days, RuleSpec


class PeriodRuleSpec(RuleSpec):
    """How a member's period is made from the day of joining."""

    runs: Literal["months_from_joining", "calendar_year", "july_to_june", "month_by_day", "fixed_days"]
    months: Annotated[int, Field(ge=1, le=120)] = 12
    starts: Literal["same_day", "next_day"] = "same_day"
    cutoff_day: Annotated[int, Field(ge=1, le=28)] = 15
    until: Literal["year_end"] | None = None
    begins: date | None = None
    joined_before: Days = 0
    extended_to: date | None = None

    @model_validator(mode="after")
    def _fixed_days_are_known(self) -> PeriodRuleSpec:
        fixed = self.runs == "fixed_days"
        if fixed and self.begins is None:
            raise ValueError(
                'begins 缺失：runs = "fixed_days" 须写其中一期的起始日 (the first day of one of the periods)'
            )
        if fixed and self.begins is not None and self.begins.day > 28:
            raise ValueError("begins 应为每月1日至28日中的一天 (a day from the 1st to the 28th)")
        if not fixed and (self.begins is not None or self.joined_before):
            raise ValueError('begins、joined_before 只用于 runs = "fixed_days" (go with fixed_days only)')
        if fixed and self.until is not None:
            raise ValueError('until 不用于 runs = "fixed_days" (does not go with fixed_days)')
        return self

    def plain(self) -> edition.PeriodRule:
        return edition.PeriodRule(
            runs=self.runs,
            months=self.months,
            starts=self.starts,
            cutoff_day=self.cutoff_day,
            until_year_end=self.until == "year_end",
            begins=self.begins,
            joined_before=self.joined_before,
            extended_to=self.extended_to,
            article=self.article,
        )


class JoinedSpec(PeriodRuleSpec):
    """The same for those who join between two days, both included."""

    joined_from: date
    joined_to: date | None = None

    def plain(self) -> edition.PeriodRule:
        rule = super().plain()
        return msgspec.structs.replace(rule, joined_from=self.joined_from, joined_to=self.joined_to or date.max)


class PeriodSpec(PeriodRuleSpec):
    """The rule of an edition, and others for those who join at certain times: the first that is about the day holds."""

    joined: tuple[JoinedSpec, ...] = ()

    def plain(self) -> edition.PeriodRule:
        return msgspec.structs.replace(super().plain(), joined=tuple(rule.plain() for rule in self.joined))
