"""A league that pushes to us over HTTP, each delivery signed with Standard Webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from connectors.transport import webhook
from gateway.errors import BadPage
from gateway.model.page import Fetched
from gateway.ports import ConnectorSpec, ReceiveWay, SecretName, SecretOption, Surroundings


class PushSpec(ConnectorSpec, frozen=True, kw_only=True):
    """The league pushes to us over HTTP, signed with Standard Webhooks."""

    secret: SecretName
    tolerance_seconds: Annotated[int, Meta(ge=1, le=3600)] = 300
    body_limit_mib: Annotated[int, Meta(ge=1, le=16)] = 16

    def secrets(self) -> Sequence[SecretOption]:
        """What the league signs with."""
        return [webhook.secret_option("secret", self.secret)]

    def unreachable(self, site: Path) -> Sequence[str]:
        """Nothing: the league calls us."""
        return []


class Push:
    """A ReceiveFeed. The page's request is the delivery id: a replay is the same page and has no effect."""

    def __init__(self, spec: PushSpec, around: Surroundings) -> None:
        self.name = around.name
        self._secret = around.read_secret(spec.secret)
        webhook.secret_keys(self._secret)  # A secret of the wrong form must be found at the start, not at night.
        self._tolerance = spec.tolerance_seconds
        self.body_limit = spec.body_limit_mib * 1024 * 1024

    def look_at(self, headers: dict[str, str], *, now: datetime) -> None:
        """Refuse what its headers alone show to be unproved, before the body is read. Raises NotAuthentic."""
        webhook.check_headers(headers, now=int(now.timestamp()), tolerance=self._tolerance)

    def accept(self, headers: dict[str, str], body: bytes, *, now: datetime) -> Fetched:
        """The page a request holds. Raises NotAuthentic; BadPage("too_large") for a body over the limit."""
        if len(body) > self.body_limit:
            raise BadPage("too_large", f"报文超过 {self.body_limit} 字节 (larger than {self.body_limit} bytes)")
        delivery = webhook.verify(self._secret, headers, body, now=int(now.timestamp()), tolerance=self._tolerance)
        return Fetched(content=body, request=f"push:{delivery}")


WAY = ReceiveWay(spec=PushSpec, make=Push)
