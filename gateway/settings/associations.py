"""config/associations/<name>.toml: who receives claims, how, and under which limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.settings.feeds import Name
from gateway.settings.files import Spec
from gateway.settings.secrets import SecretName


class HttpJson(Spec):
    """Claims as HTTP JSON with Idempotency-Key and a Standard Webhooks signature.

    POST {address}/claims sends; GET {address}/claims/{claim_id} asks. `can_be_asked = false` for a system
    without the second: then a person decides about an unknown outcome.
    """

    kind: Literal["http-json"]
    address: Annotated[str, Field(pattern=r"^https?://")]
    secret: SecretName
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    quick_tries: Annotated[int, Field(ge=1, le=5)] = 2
    can_be_asked: bool = True


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
    delivery: HttpJson
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
    processing: tuple[ProcessingSpec, ...] = ()

    @property
    def roster_scheme(self) -> str | None:
        """The scheme of roster rows that name none; None where they must."""
        return self.default_scheme or (self.schemes[0] if len(self.schemes) == 1 else None)

    @model_validator(mode="after")
    def _default_is_one_of_them(self) -> AssociationSpec:
        if self.default_scheme is not None and self.default_scheme not in self.schemes:
            raise ValueError(f"default_scheme must be one of schemes: {', '.join(self.schemes)}")
        return self
