"""巴彦淖尔's side of the pushes: signed bodies, sent until taken, and a few the gateway must not take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import date
from itertools import islice
from typing import Final

import httpx
import msgspec

from gateway.errors import Unavailable
from gateway.sandbox.leagues import Sent, push_row, total_of
from gateway.sandbox.national import encode
from gateway.sandbox.signing import WINDOW_SECONDS, webhook_headers

ROWS_PER_PUSH: Final = 250


class SignedPush(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery: its id stays the same however often it is sent."""

    message_id: str
    day: date
    body: bytes
    rows: int


class PushReport(msgspec.Struct, kw_only=True):
    """What the gateway answered. `refused_*` are the statuses of deliveries that must not be taken."""

    taken: int = 0
    attempts: int = 0
    repeated: int = 0
    refused_stale: int = 0
    refused_forged: int = 0


def pushes_of(day: date, sent: Iterable[Sent], *, rows_per_push: int = ROWS_PER_PUSH) -> list[SignedPush]:
    """A day's rows in bodies of at most so many rows, each with its own totals."""
    rest = iter(sent)
    pushes: list[SignedPush] = []
    while chunk := list(islice(rest, rows_per_push)):
        number = len(pushes) + 1
        rows = [push_row(row) for row in chunk]
        totals = {"rows": len(rows), "amount": str(total_of(rows, "medfee_sumamt", void="vali_flag"))}
        pushes.append(
            SignedPush(
                message_id=f"msg_150800_{day:%Y%m%d}_{number:03d}",
                day=day,
                body=encode({"type": "settlement.batch", "day": day.isoformat(), "totals": totals, "records": rows}),
                rows=len(chunk),
            )
        )
    return pushes


class Pusher:
    """The league's sender. `url` is where the gateway receives; waits and clock come in for tests."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        tries: int = 40,
        timeout_seconds: float = 20.0,
    ) -> None:
        self._url, self._secret = url, secret
        self._clock, self._sleep, self._tries = clock, sleep, tries
        self._client = httpx.Client(timeout=timeout_seconds, trust_env=False)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def send_all(self, pushes: Iterable[SignedPush], *, mischief: bool = True) -> PushReport:
        """Sends every push until it is taken; with `mischief` also a repeat, a stale one and a forged one."""
        report = PushReport()
        for push in pushes:
            report.attempts += self.send(push)
            report.taken += 1
            if mischief and report.taken == 1:
                report.repeated = self.attempt(push) or 0
                report.refused_stale = self.attempt(push, age_seconds=WINDOW_SECONDS + 60) or 0
                report.refused_forged = self.attempt(push, body=push.body.replace(b"1", b"2", 1)) or 0
        return report

    def send(self, push: SignedPush) -> int:
        """Sends until a 2xx comes back; how many attempts that took. Raises Unavailable if none does."""
        for attempt in range(1, self._tries + 1):
            status = self.attempt(push)
            if status is not None and 200 <= status < 300:
                return attempt
            self._sleep(min(0.05 * attempt, 1.0))
        raise Unavailable("网关没有接收推送 (the gateway does not take the push)")

    def attempt(self, push: SignedPush, *, age_seconds: int = 0, body: bytes | None = None) -> int | None:
        """One attempt: the status, or None without an answer; perhaps signed long ago or for other bytes."""
        headers = webhook_headers(
            self._secret,
            message_id=push.message_id,
            timestamp=int(self._clock()) - age_seconds,
            body=push.body,
        )
        content = push.body if body is None else body
        headers |= {"content-type": "application/json"}
        try:
            return self._client.post(self._url, content=content, headers=headers).status_code
        except httpx.TransportError:
            return None
