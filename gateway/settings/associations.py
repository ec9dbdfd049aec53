"""config/associations/<name>.toml: who receives claims, how, and under which limits."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, create_model, model_validator

from gateway.ports import DeliverySpec, DeliveryWay, Proof, Registry, SecretName
from gateway.settings.connectors import Connection, connection_table
from gateway.settings.desks import DeskSpec
from gateway.settings.feeds import Name
from gateway.settings.files import Spec
from gateway.settings.secrets import NamedSecret


class RequestsSpec(Spec):
    """What the association signs the requests it sends us with (Standard Webhooks), whichever way we deliver to it.

    `signed_too`: whether a request that comes with a key must be signed as well.
    """

    secret: NamedSecret
    signed_too: bool = False


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


class AssociationSpec(Spec):
    """One association file. `default_scheme` is what a roster row without a scheme joins; the only one, if one."""

    association: Name
    version: Annotated[int, Field(ge=1)] = 1
    name: str
    schemes: Annotated[tuple[Name, ...], Field(min_length=1)]
    default_scheme: Name | None = None
    owner: Annotated[str, Field(min_length=1)]
    delivery: Connection[DeliveryWay[Any], DeliverySpec]
    accepted: AcceptedSpec | None = None
    requests: RequestsSpec | None = None
    lookups: LookupsSpec = LookupsSpec()
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
    processing: tuple[ProcessingSpec, ...] = ()
    desk: DeskSpec | None = None

    @property
    def roster_scheme(self) -> str | None:
        """The scheme of roster rows that name none; None where they must."""
        return self.default_scheme or (self.schemes[0] if len(self.schemes) == 1 else None)

    @property
    def requests_secret(self) -> SecretName | None:
        """What the association signs its requests with; in a file without `[requests]`, what our deliveries are signed
        with, where the way of delivering has always meant that. None: it cannot send us any."""
        return self.delivery.options.shared_secret() if self.requests is None else self.requests.secret

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
