"""config/associations/<name>.toml: who receives claims, how, and under which limits."""

from __future__ import annotations

from datetime import time, timedelta
from functools import cache, cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, create_model, model_validator

from gateway.core.claims.delivering import RetryRules
from gateway.core.claims.line import LineRules, OpeningHours
from gateway.ports import DeliverySpec, DeliveryWay, Proof, Registry, SecretName
from gateway.settings.connectors import Connection, connection_table
from gateway.settings.desks import DeskSpec
from gateway.settings.feeds import Name
from gateway.settings.files import Spec
from gateway.settings.secrets import NamedSecret


class RequestsSpec(Spec):
    """What the association signs the requests it sends us with (Standard Webhooks), whichever way we deliver to it.

    `signature`: hmac, with a secret both sides have, or sm2, with the association's public key. `signed_too`: whether
    a request that comes with a key must be signed as well.
    """

    secret: NamedSecret
    signature: Literal["hmac", "sm2"] = "hmac"
    signed_too: bool = False


class SealingSpec(Spec):
    """What claims are sealed with before they leave: `jwe` (an EC, X25519 or RSA key in PEM or JWK) or `sm` (an SM2
    key in Base64 or hex: SM2 and SM4-GCM), to the association's public key."""

    form: Literal["jwe", "sm"]
    public_key: NamedSecret


class LookupsSpec(Spec):
    """How often each caller (a key, or the signature) may ask about a person."""

    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 60


_FieldPath = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,39}(\.[A-Za-z_][A-Za-z0-9_-]{0,39}){0,3}$")]


class AcceptedSpec(Spec):
    """What an answer with status 2xx must say before a claim counts as accepted (收下). All that stands here must hold.

    `claim` and `version` name the fields that repeat the claim's id and version, `reference` the one with the
    association's own number, `equals` fields and the value each must have (`{ code = 0 }`). Inner fields are written
    with dots: `data.claim_id`.
    """

    claim: _FieldPath | None = None
    version: _FieldPath | None = None
    reference: _FieldPath | None = None
    equals: dict[_FieldPath, StrictStr | StrictBool | StrictInt] = Field(default_factory=dict)

    def proof(self) -> Proof:
        """The same for a connector; values as the text they have in JSON."""
        equals = tuple((path, _as_json_text(value)) for path, value in self.equals.items())
        return Proof(claim=self.claim, version=self.version, reference=self.reference, equals=equals)

    @model_validator(mode="after")
    def _says_something(self) -> AcceptedSpec:
        if not (self.claim or self.reference or self.equals):
            raise ValueError(
                "claim、reference、equals 至少一项，只有版本不算 (one of them: a version alone proves nothing)"
            )
        return self


def _as_json_text(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class StepSpec(Spec):
    """One step of the office's work: so many days after the step before it, the first after receipt."""

    name: Annotated[str, Field(min_length=1)]
    days: Annotated[int, Field(ge=0, le=366)]
    of: Literal["working", "calendar"] = "calendar"


class ProcessingSpec(Spec):
    """What some leagues promised beyond the scheme (办理时限): none named, all of them.

    `days` and `complex_days` run from approval to payment and replace the scheme's; `steps` run from receipt to the
    decision.
    """

    leagues: tuple[str, ...] = ()
    schemes: tuple[Name, ...] = ()
    days: Annotated[int, Field(ge=0, le=366)] | None = None
    complex_days: Annotated[int, Field(ge=0, le=366)] | None = None
    of: Literal["working", "calendar"] = "working"
    article: Annotated[str, Field(min_length=1, max_length=80)]
    steps: tuple[StepSpec, ...] = ()


_Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}[smhd]$")]
_SECONDS_IN: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_LONGEST_RETRY: Final = timedelta(hours=20)
"""With the largest spread less than what the clock watch takes for the work of a clock that was ahead."""


def _duration(text: str) -> timedelta:
    return timedelta(seconds=int(text[:-1]) * _SECONDS_IN[text[-1]])


class RetrySpec(Spec):
    """How long a delivery waits between its tries (5s, 30m, 2h, 1d), each spread by `jitter_percent` either way; after
    the last one it is a dead letter."""

    schedule: Annotated[tuple[_Duration, ...], Field(min_length=1, max_length=20)] = (
        "5s",
        "5m",
        "30m",
        "2h",
        "5h",
        "10h",
        "10h",
    )
    jitter_percent: Annotated[int, Field(ge=0, le=25)] = 20

    @model_validator(mode="after")
    def _waits_a_day_at_most(self) -> RetrySpec:
        if any(_duration(wait) > _LONGEST_RETRY for wait in self.schedule):
            raise ValueError("每次至多等 20h (no wait is longer than 20h)")
        return self


class LimitsSpec(Spec):
    """What an association's system can bear. `per_second`: claims a second, by all workers together; after
    `breaker_failures` in a row nothing is sent until a probe gets through; `disable_after`: who was not reached for so
    long is switched off until a person runs `hubao deliveries enable`."""

    per_second: Annotated[int, Field(ge=1, le=10_000)] | None = None
    breaker_failures: Annotated[int, Field(ge=1, le=10_000)] = 20
    disable_after: _Duration = "120h"


class HoursSpec(Spec):
    """When the association takes claims, in its own time of day (Asia/Shanghai); `working`: not on weekends and public
    holidays, and on the weekends that are worked."""

    begin: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    end: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    days: Literal["working", "all"] = "working"

    def opening_hours(self) -> OpeningHours:
        """The same for the flow."""
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        return OpeningHours(begin=begin, end=end, working_days=self.days == "working")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> HoursSpec:
        if self.begin >= self.end:
            raise ValueError("begin 应早于 end (begin before end, within one day)")
        return self


class AssociationSpec(Spec):
    """One association file. `default_scheme` is what a roster row without a scheme joins; the only one, if one.

    `parallel`: claims on their way at once, from each worker; `idempotency_window`: for how long the association knows
    an idempotency key (24h); without it, for ever.
    """

    association: Name
    version: Annotated[int, Field(ge=1)] = 1
    name: str
    schemes: Annotated[tuple[Name, ...], Field(min_length=1)]
    default_scheme: Name | None = None
    owner: Annotated[str, Field(min_length=1)]
    delivery: Connection[DeliveryWay[Any], DeliverySpec]
    accepted: AcceptedSpec | None = None
    requests: RequestsSpec | None = None
    sealing: SealingSpec | None = None
    lookups: LookupsSpec = LookupsSpec()
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
    idempotency_window: _Duration | None = None
    retry: RetrySpec = Field(default_factory=RetrySpec)
    limits: LimitsSpec = Field(default_factory=LimitsSpec)
    hours: HoursSpec | None = None
    processing: tuple[ProcessingSpec, ...] = ()
    desk: DeskSpec | None = None

    @cached_property
    def retry_rules(self) -> RetryRules:
        """`[retry]` and `idempotency_window` as the flow reckons with them."""
        window = _duration(self.idempotency_window) if self.idempotency_window is not None else None
        schedule = tuple(_duration(wait) for wait in self.retry.schedule)
        return RetryRules(
            schedule=schedule,
            jitter=self.retry.jitter_percent / 100,
            idempotency_window=window,
            answers_later=self.delivery.options.answered_within_days() is not None,
        )

    @cached_property
    def line_rules(self) -> LineRules:
        """`[limits]` and `[hours]` as the flow reckons with them."""
        return LineRules(
            breaker_failures=self.limits.breaker_failures,
            disable_after=_duration(self.limits.disable_after),
            per_second=self.limits.per_second,
            hours=self.hours.opening_hours() if self.hours is not None else None,
        )

    @property
    def roster_scheme(self) -> str | None:
        """The scheme of roster rows that name none; None where they must."""
        return self.default_scheme or (self.schemes[0] if len(self.schemes) == 1 else None)

    @property
    def requests_secret(self) -> SecretName | None:
        """What the association signs its requests with; in a file without `[requests]`, what our deliveries are signed
        with, where the way of delivering has always meant that. None: it cannot send us any."""
        return self.delivery.options.shared_secret() if self.requests is None else self.requests.secret

    @property
    def requests_signature(self) -> str:
        """How the association signs its requests: hmac or sm2."""
        return self.requests.signature if self.requests is not None else "hmac"

    @model_validator(mode="after")
    def _sealed_is_what_leaves(self) -> AssociationSpec:
        if self.sealing is not None and self.delivery.options.pulled_within_days() is not None:
            raise ValueError("由协会领取的不能加密封 (what is fetched is not sealed: leave out [sealing])")
        return self

    @model_validator(mode="after")
    def _default_is_one_of_them(self) -> AssociationSpec:
        if self.default_scheme is not None and self.default_scheme not in self.schemes:
            raise ValueError(f"default_scheme 应为 schemes 之一：{'、'.join(self.schemes)} (one of schemes)")
        return self


@cache
def association_file(registry: Registry) -> type[AssociationSpec]:
    """The specification of an association file whose `[delivery]` is of one of the registry's kinds."""
    table = connection_table(registry.deliveries)
    base = AssociationSpec
    return create_model("AssociationSpec", __base__=base, __doc__=base.__doc__, delivery=table)
