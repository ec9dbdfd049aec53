"""`[desk]` of an association's file: it has no claims system of its own, so its clerks decide here (在网关内核定)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.core.claims.levels import DeskLevel
from gateway.settings.files import Spec

Limit = Annotated[int, Field(ge=0, le=366)]


class DeskLevelSpec(Spec):
    """One level a claim goes through (层级). `days`: until when it is to pass a claim on, from the day it came there;
    `complex_days` for complex claims. Without `days` it has no clock."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    days: Limit | None = None
    complex_days: Limit | None = None
    of: Literal["working", "calendar"] = "working"

    def plain(self) -> DeskLevel:
        """The same for the core."""
        return DeskLevel(name=self.name, days=self.days, complex_days=self.complex_days, of=self.of)


class DeskLevelsSpec(Spec):
    """The levels of some leagues, from the one that has a claim first to the one that decides: none named, all leagues.
    The first entry that fits a claim's league holds."""

    leagues: tuple[str, ...] = ()
    article: Annotated[str, Field(max_length=80)] = ""
    steps: Annotated[tuple[DeskLevelSpec, ...], Field(min_length=1, max_length=9)]

    @model_validator(mode="after")
    def _named_once(self) -> DeskLevelsSpec:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError("各层级名称不得重复 (two levels of one name)")
        return self


class DeskSpec(Spec):
    """The clerks' desk of an association. Above `two_persons_above` yuan a decision stands once a second person has
    said the same, and so does every approval above what the claim asks for. `purpose`: what a payment list says under
    用途; `keep_accounts_days`: how long a bank account is kept once nothing is to be paid to it any more."""

    two_persons_above: Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 10, decimal_places=2)]
    purpose: Annotated[str, Field(min_length=1, max_length=30)] = "职工互助保障补助金"
    keep_accounts_days: Annotated[int, Field(ge=0, le=3650)] = 180
    levels: tuple[DeskLevelsSpec, ...] = ()

    @property
    def second_above(self) -> int:
        """The same amount in fen."""
        return int(self.two_persons_above * 100)

    def levels_of(self, league: str | None) -> tuple[DeskLevel, ...]:
        """The levels of a league's claims; empty where none are named."""
        for entry in self.levels:
            if not entry.leagues or league in entry.leagues:
                return tuple(step.plain() for step in entry.steps)
        return ()

    @property
    def held_by_default(self) -> str:
        """Who holds a claim where no levels are named."""
        return "协会"
