"""A league that pushes to us over HTTP, each delivery signed with Standard Webhooks."""

from __future__ import annotations

from datetime import datetime

from connectors.transport import webhook
from gateway.errors import BadPage
from gateway.model.page import Fetched


class Push:
    """A ReceiveFeed. The page's request is the delivery id: a replay is the same page and has no effect."""

    def __init__(
        self, *, secret: str, tolerance_seconds: int = 300, body_limit_mib: int = 16, name: str = "push"
    ) -> None:
        webhook.secret_keys(secret)  # A secret of the wrong form must be found at the start, not at night.
        self.name = name
        self._secret = secret
        self._tolerance = tolerance_seconds
        self.body_limit = body_limit_mib * 1024 * 1024

    def accept(self, headers: dict[str, str], body: bytes, *, now: datetime) -> Fetched:
        """The page a request holds. Raises NotAuthentic; BadPage("too_large") for a body over the limit."""
        if len(body) > self.body_limit:
            raise BadPage("too_large", f"报文超过 {self.body_limit} 字节 (larger than {self.body_limit} bytes)")
        delivery = webhook.verify(self._secret, headers, body, now=int(now.timestamp()), tolerance=self._tolerance)
        return Fetched(content=body, request=f"push:{delivery}")
