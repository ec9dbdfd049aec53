"""A league that pushes to us over HTTP, each delivery signed with Standard Webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from connectors.transport import webhook
from gateway.errors import BadPage, NotAuthentic
from gateway.model.exchange import WireExchange
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


def tried_push(
    feed: str, body: bytes, headers: Mapping[str, str], read_secret: Callable[[], str]
) -> tuple[WireExchange, str]:
    """A push of this body as it would have to come, and what is wrong with the headers it came with, "" for nothing.
    A captured push is proved as of the time it says itself."""
    lowered = {header.lower(): value for header, value in headers.items()}
    problem = ""
    if headers:
        seconds = lowered.get("webhook-timestamp", "")
        now = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 12 else 0
        try:
            webhook.verify(read_secret(), headers, body, now=now)
        except NotAuthentic as error:
            problem = error.part
    message_id, timestamp = lowered.get("webhook-id", "‹id›"), lowered.get("webhook-timestamp", "‹秒›")
    # The body is only counted: what is signed is shown, and nothing of a person.
    text = f"{message_id}.{timestamp}.‹报文 body, {len(body)} bytes›"
    exchange = WireExchange(
        method="POST",
        address=f"/api/v1/feeds/{feed}/push",
        headers={"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": "v1,‹base64›"},
        content=body,
        signed=(text,),
        status=0,
        size=0,
    )
    return exchange, problem
