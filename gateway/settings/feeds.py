"""config/feeds/<feed>.toml: where a league's settlement records come from, and on what legal ground."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.settings.files import Spec
from gateway.settings.secrets import SecretName

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class CloudLine(Spec):
    """The 医保云专线: the national platform's JSON envelope with x-tif signing (feeds answered person by person)."""

    kind: Literal["cloud-line"]
    address: Annotated[str, Field(pattern=r"^https?://")]
    paas_id: str
    secret: SecretName
    facility_no: Annotated[str, Field(min_length=12, max_length=12)]
    facility_name: str
    operator_no: str = "hubao"
    operator_name: str = "互保网关"
    receiver: str = "YBXT"
    interface_version: str = "V1.0"
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    paths: dict[str, str] = Field(default_factory=dict)
    care_types: tuple[str, ...] = ("21",)
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    people_per_page: Annotated[int, Field(ge=1, le=200)] = 200


class Folder(Spec):
    """Files dropped in a folder. `marker` is the suffix of the file that says another one is complete."""

    kind: Literal["folder"]
    folder: str
    pattern: str
    day_format: str = "%Y%m%d"
    marker: str | None = ".ok"
    after: Literal["delete", "move", "keep"] = "delete"
    moved_to: str | None = None


class Push(Spec):
    """The league pushes to us over HTTP, signed with Standard Webhooks."""

    kind: Literal["push"]
    secret: SecretName
    tolerance_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    body_limit_mib: Annotated[int, Field(ge=1, le=16)] = 16


Connector = Annotated[CloudLine | Folder | Push, Field(discriminator="kind")]


class Schedule(Spec):
    """When a feed is taken in, in Asia/Shanghai. A sweep may run between `at` and `until` and go on the next night."""

    at: time
    until: time | None = None


class Window(Spec):
    """How far back a first question reaches, and how much a later one overlaps, in days."""

    first_days: Annotated[int, Field(ge=1, le=3660)] = 365
    overlap_days: Annotated[int, Field(ge=0, le=365)] = 7


class Rate(Spec):
    """At most this many calls in a second; fractions allowed."""

    per_second: Annotated[float, Field(gt=0, le=1000)] = 10.0


class Expect(Spec):
    """What a normal day looks like; `status` warns outside of it."""

    rows_per_day: tuple[int, int] | None = None
    fresh_within_hours: Annotated[int, Field(ge=1)] = 36


class Legal(Spec):
    """The ground on which the data may be processed (个人信息保护法 第十三条)."""

    agreement: Annotated[str, Field(min_length=1)]
    purpose: Annotated[str, Field(min_length=1)]
    expires: date


class FeedSpec(Spec):
    """One feed file. `leagues`: a sweep asks only about members of these (roster column `league`); empty for all."""

    feed: Name
    version: Annotated[int, Field(ge=1)] = 1
    name: str
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    intake: Literal["pull", "sweep", "receive"]
    mapping: Name
    associations: Annotated[tuple[Name, ...], Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    enabled: bool = True
    retention_days: Annotated[int, Field(ge=1, le=3660)] = 180
    replaces: Literal["nothing", "file"] = "nothing"
    leagues: tuple[str, ...] = ()
    takeback_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    connector: Connector
    schedule: Schedule | None = None
    window: Window = Window()
    rate: Rate = Rate()
    expect: Expect = Expect()
    legal: Legal

    @model_validator(mode="after")
    def _intake_fits_connector(self) -> FeedSpec:
        fits = {"cloud-line": "sweep", "folder": "pull", "push": "receive"}[self.connector.kind]
        if self.intake != fits:
            raise ValueError(f"connector.kind {self.connector.kind} goes with intake = {fits!r}")
        if self.intake != "receive" and self.schedule is None:
            raise ValueError("schedule.at is required for intake pull and sweep")
        return self
