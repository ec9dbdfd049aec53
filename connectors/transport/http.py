"""HTTP answers → outcomes, by tables; and one careful way to make a request.

What matters after a failure is whether anything may have been done: `Unavailable` says no, `OutcomeUnknown`
says perhaps. Messages name the kind of failure and never an address, a header or a body.
"""

from __future__ import annotations

import functools
import random
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import httpx
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from connectors.transport.dates import http_date, remote_clocks
from connectors.transport.deadline import DeadlineTransport, one_deadline
from connectors.transport.watching import note_exchange
from gateway.errors import CallsSpent, OutcomeUnknown, Refused, Unavailable
from gateway.model.page import MAX_PAGE_BYTES

MAX_REPLY_BYTES: Final = MAX_PAGE_BYTES
"""More than this is not read: no reply of ours is larger, and memory must stay flat."""

LONGEST_WAIT_SECONDS: Final = 86_400.0
"""A Retry-After beyond a day is taken as a day: the far side's mistake must not park us for ever."""

LONGEST_EXCHANGE_SECONDS: Final = 300.0
"""How long an exchange may take over a client that has no time-out of its own."""

QUICK_WAIT_SECONDS: Final = 10.0
"""Who is asked to wait longer than this does not wait inside a call, but hands the wait to its caller."""


class HttpOutcome(StrEnum):
    """What an HTTP status means for the caller."""

    OK = "ok"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    REFUSED = "refused"


_OTHERWISE: Final = 0
"""The line of a table for a status that no other line is for."""

QUESTIONS: Final[Mapping[int, HttpOutcome]] = {
    _OTHERWISE: HttpOutcome.REFUSED,
    2: HttpOutcome.OK,
    3: HttpOutcome.REFUSED,
    4: HttpOutcome.REFUSED,
    5: HttpOutcome.UNAVAILABLE,
    408: HttpOutcome.UNAVAILABLE,
    425: HttpOutcome.UNAVAILABLE,
    429: HttpOutcome.UNAVAILABLE,
}
"""For requests that change nothing: a status, or the hundred it belongs to."""

DELIVERIES: Final[Mapping[int, HttpOutcome]] = {
    **QUESTIONS,
    _OTHERWISE: HttpOutcome.UNKNOWN,
    # A form that was taken is often answered with "see there" (302, 303): it may have been taken.
    3: HttpOutcome.UNKNOWN,
    # The address has moved, and nobody took anything.
    301: HttpOutcome.UNAVAILABLE,
    307: HttpOutcome.UNAVAILABLE,
    308: HttpOutcome.UNAVAILABLE,
    # A 500, 502 or 504 may come from behind a receiver that has already stored the claim.
    5: HttpOutcome.UNKNOWN,
    # A wrong secret or clock is our trouble and will be mended; the claim itself was not refused.
    401: HttpOutcome.UNAVAILABLE,
    403: HttpOutcome.UNAVAILABLE,
    409: HttpOutcome.CONFLICT,
    503: HttpOutcome.UNAVAILABLE,
}
"""For requests that hand something over. REFUSED may mean the claim or only the address: the body must say which."""

# Nothing has left this machine when one of these is raised.
_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer. `body` as it came over the wire; `whole` is False when it was cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True

    @property
    def retry_after(self) -> float | None:
        """Seconds the far side asks us to wait, None when it does not say."""
        return retry_after(self.headers.get("retry-after", ""), date=self.headers.get("date", ""))


def make_client(*, timeout_seconds: float, connections: int = 16) -> httpx.Client:
    """The one kind of HTTP client: nothing from the environment, no redirects, no compression. An `exchange` with it
    takes at most so many seconds, however it is spent."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.Client(
        transport=DeadlineTransport(verify=_trusted_authorities(), limits=limits, trust_env=False),
        timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 10.0)),
        headers={"accept-encoding": "identity", "user-agent": "hubao-gateway"},
        follow_redirects=False,
        trust_env=False,
    )


@functools.cache
def _trusted_authorities() -> ssl.SSLContext:
    """Public authorities, and the machine's own: the 医保专网 has its own, installed by the administrator."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def exchange(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    limit: int = MAX_REPLY_BYTES,
) -> Reply:
    """One request and its answer, whatever its status; at most `limit` bytes of body are read.

    Raises Unavailable when nothing was sent, OutcomeUnknown when the request may have arrived.
    """
    try:
        with (
            one_deadline(client.timeout.read or LONGEST_EXCHANGE_SECONDS),
            client.stream(method, _parsed(url), headers=dict(headers), content=content) as response,
        ):
            received = _headers_of(response)
            remote_clocks.note(response.url.host, received.get("date", ""))
            body, whole = _read(response, limit=limit)
            note_exchange(method, url, headers, content, status=response.status_code, size=len(body))
    except _NOTHING_SENT as error:
        raise Unavailable(f"未能连接 (no connection): {type(error).__name__}") from error
    except httpx.RequestError as error:
        raise OutcomeUnknown(f"未收到答复 (no answer came back): {type(error).__name__}") from error
    return Reply(status=response.status_code, headers=received, body=body, whole=whole)


@functools.lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    """An address in its parts: a line asks and delivers at the same few, thousands of times."""
    return httpx.URL(url)


def _headers_of(response: httpx.Response) -> dict[str, str]:
    """Lower-case name → value, several of one name joined as RFC 9110 §5.2 says. The library's own view guesses the
    encoding anew at every look."""
    headers: dict[str, str] = {}
    for name, value in response.headers.raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _read(response: httpx.Response, *, limit: int) -> tuple[bytes, bool]:
    """Up to `limit` bytes, and whether that was all."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), False
    return bytes(body), True


def outcome_of(status: int, table: Mapping[int, HttpOutcome]) -> HttpOutcome:
    """What a status means: its own line in the table, else its hundred's, else the line for all others."""
    return table.get(status) or table.get(status // 100) or table[_OTHERWISE]


def answered(reply: Reply) -> bytes:
    """The body of a question's good answer. Raises Unavailable (also when it is too large) or Refused."""
    outcome = outcome_of(reply.status, QUESTIONS)
    if outcome is HttpOutcome.UNAVAILABLE:
        raise Unavailable(f"http_{reply.status}", retry_after=reply.retry_after)
    if outcome is not HttpOutcome.OK:
        raise Refused(f"http_{reply.status}", "对方拒绝了请求 (the far side refused the request)")
    if not reply.whole:
        raise Unavailable("broken_reply: 答复过大 (the reply is too large)")
    return reply.body


_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


def retry_after(text: str, *, date: str = "") -> float | None:
    """Retry-After (RFC 9110 §10.2.3) in seconds, 0 to a day; a date counts from the reply's own `date`."""
    if _SECONDS.fullmatch(seconds := text.strip(" \t")):
        return min(float(seconds), LONGEST_WAIT_SECONDS)
    until = http_date(text)
    if until is None:
        return None
    # The far side's clock wrote both; ours is only asked when it did not send its own.
    since = http_date(date) or datetime.now(UTC)
    return min(max((until - since).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a body, None for anything else. Fractions stay text: no float ever exists."""
    text = body.decode("utf-8-sig", "replace")
    try:
        value = _JSON.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


_JSON = msgspec.json.Decoder(float_hook=str)


def is_unavailable(error: BaseException) -> bool:
    """Whether a question may be asked again: it changes nothing, whatever became of it."""
    return isinstance(error, Unavailable) and not isinstance(error, CallsSpent)


def nothing_was_sent(error: BaseException) -> bool:
    """Whether a delivery may be sent again at once."""
    return isinstance(error, Unavailable) and not isinstance(error, OutcomeUnknown)


def quick_retries(tries: int, *, again: Callable[[BaseException], bool], sleep: Callable[[float], None]) -> Retrying:
    """At most `tries` tries, a second or so apart, for errors `again` agrees to; the last one is raised."""

    def worth_it(error: BaseException) -> bool:
        wait = getattr(error, "retry_after", None)
        return again(error) and (wait is None or wait <= QUICK_WAIT_SECONDS)

    return Retrying(
        stop=stop_after_attempt(tries),
        wait=_quick_wait,
        retry=retry_if_exception(worth_it),
        sleep=sleep,
        reraise=True,
    )


def _quick_wait(state: RetryCallState) -> float:
    """What the far side asked for, else 0.2, 0.4, 0.8… seconds and up to half as much again."""
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        return float(asked)
    # Callers that failed together must not come back together; nothing here needs to be secret.
    return float(min(0.2 * 2 ** (state.attempt_number - 1), 5.0)) * random.uniform(1.0, 1.5)  # noqa: S311


def probe(address: str, *, timeout_seconds: float = 5.0) -> str | None:
    """None if something answers HTTP at this address, whatever it says; else what went wrong."""
    try:
        with (
            one_deadline(timeout_seconds),
            make_client(timeout_seconds=timeout_seconds) as client,
            client.stream("GET", address) as response,
        ):
            remote_clocks.note(response.url.host, response.headers.get("date", ""))
            return None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"无法连通 (cannot be reached): {type(error).__name__}"


def probe_all(*addresses: str) -> list[str]:
    """What is wrong with each address where nothing answers."""
    return [problem for address in addresses if (problem := probe(address)) is not None]
