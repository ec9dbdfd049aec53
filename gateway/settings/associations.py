"""config/associations/<name>.toml: who receives claims, how, and under which limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

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


class AssociationSpec(Spec):
    """One association file."""

    association: Name
    version: Annotated[int, Field(ge=1)] = 1
    name: str
    schemes: Annotated[tuple[Name, ...], Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    delivery: HttpJson
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
