"""The other side of the gateway's HTTP: a client that signs as leagues and associations do.

Signatures are made by the sandbox's own code, not by the gateway's.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec
from builders import content, rows_of
from fastapi import FastAPI

from gateway import wiring
from gateway.flow.intake.night import Doors
from gateway.flow.office import Office
from gateway.sandbox.signing import webhook_headers
from gateway.store import schema
from gateway.web.app import make_app
from gateway.web.running import Running

LEAGUE_SECRET = f"whsec_{b64encode(b'league secret of these tests....').decode()}"
ASSOCIATION_SECRET = f"whsec_{b64encode(b'association secret of the tests.').decode()}"
OTHER_SECRET = f"whsec_{b64encode(b'a secret nobody here should have').decode()}"
NO_AUTHORITY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""These servers speak plain HTTP. The list of the world's authorities takes longer to read than most tests."""

ENVIRONMENT = {
    "HUBAO_TEST_SECRET": LEAGUE_SECRET,
    "HUBAO_BAYANNUR_SECRET": LEAGUE_SECRET,
    "HUBAO_NM_SECRET": ASSOCIATION_SECRET,
    "HUBAO_NM_REQUESTS_SECRET": ASSOCIATION_SECRET,
    "HUBAO_WUHAI_SECRET": "a-secret-for-tests",
}

_ids = itertools.count(1)


class Side:
    """A client of one gateway; signatures say the time of the gateway's own clock."""

    def __init__(self, client: httpx.Client, office: Office) -> None:
        self.client, self.office = client, office

    def signed(self, body: bytes, *, secret: str, message_id: str | None = None, age: int = 0) -> dict[str, str]:
        """The headers of a request made `age` seconds ago."""
        at = int(self.office.now().timestamp()) - age
        return webhook_headers(secret, message_id=message_id or f"msg-{next(_ids)}", timestamp=at, body=body)

    def push(self, *rows: dict[str, Any], feed: str = "east", **how: Any) -> httpx.Response:
        """Push national rows."""
        return self.push_bytes(content(rows), feed=feed, **how)

    def push_bytes(self, body: bytes, *, feed: str = "east", secret: str = LEAGUE_SECRET, **how: Any) -> httpx.Response:
        """Push these bytes; `headers` in place of right ones."""
        headers = how.pop("headers", None)
        headers = self.signed(body, secret=secret, **how) if headers is None else headers
        return self.client.post(f"/api/v1/feeds/{feed}/push", content=body, headers=headers)

    def get(self, path: str, *, secret: str = ASSOCIATION_SECRET, **params: Any) -> httpx.Response:
        """A signed question of association nm."""
        return self.ask(f"/api/v1/associations/nm/{path}", secret=secret, **params)

    def ask(self, address: str, *, secret: str = ASSOCIATION_SECRET, **params: Any) -> httpx.Response:
        """A question whose signature covers method and address."""
        request = self.client.build_request("GET", address, params=params)
        request.headers.update(self.signed(b"GET " + request.url.raw_path, secret=secret))
        return self.client.send(request)

    def post(
        self, path: str, body: Any, *, association: str = "nm", secret: str = ASSOCIATION_SECRET
    ) -> httpx.Response:
        """A signed message of an association, which names its action and claim; bytes go as they are."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(named(path, body))
        headers = self.signed(data, secret=secret)
        return self.client.post(f"/api/v1/associations/{association}/{path}", content=data, headers=headers)


def named(path: str, body: Any) -> Any:
    """The body with what its signature must cover: the action, and of a decision the claim."""
    if not isinstance(body, dict):
        return body
    *before, last = path.split("/")
    repeated = {"action": "add" if last == "facts" else last}
    if last == "decision":
        repeated["claim_id"] = unquote(before[-1])
    return {**repeated, **body}


@contextmanager
def at_work(office: Office, doors: Doors | None = None) -> Iterator[Side]:
    """The gateway's HTTP side over this office on a port of this machine, without its scheduler.

    All of a process take turns at one server, because stopping one takes longer than most tests; the application
    itself is started and stopped as a server would. One beside another has a server of its own.
    """
    app = make_app(office, doors or wiring.doors(), start_scheduler=False)
    turns = _turns()
    if turns.app is not None:
        with served(app, office) as side:
            yield side
        return
    with turns.taken_by(app), client_of(turns.address) as client:
        yield Side(client, office)


class _Turns:
    """A server whose application changes."""

    def __init__(self) -> None:
        self.app: FastAPI | None = None
        self.address = Running.start(self).address

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            assert self.app is not None
            return await self.app(scope, receive, send)
        self._loop = asyncio.get_running_loop()
        for _ in range(2):
            await send({"type": f"{(await receive())['type']}.complete"})

    @contextmanager
    def taken_by(self, app: FastAPI) -> Iterator[None]:
        """Start this application, serve it, stop it."""
        lifespan = app.router.lifespan_context(app)
        self._wait_for(lifespan.__aenter__())
        self.app = app
        try:
            yield
        finally:
            self.app = None
            self._wait_for(lifespan.__aexit__(None, None, None))

    def _wait_for(self, doing: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(doing, self._loop).result(timeout=30)


@cache
def _turns() -> _Turns:
    return _Turns()


def client_of(address: str) -> httpx.Client:
    """A client of that server alone."""
    return httpx.Client(base_url=address, trust_env=False, timeout=30, verify=NO_AUTHORITY)


@contextmanager
def served(app: Any, office: Office) -> Iterator[Side]:
    """Any ASGI application on a port of this machine."""
    server = Running.start(app)
    try:
        with client_of(server.address) as client:
            yield Side(client, office)
    finally:
        server.stop()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that this is that problem, complete; returns it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "code"}
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"] == f"urn:hubao:problem:{code}"
    assert told["title"]
    return told


def wait_until(true: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for what goes on in other threads; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def page_states(office: Office) -> list[str]:
    """The state of every page, in order of coming."""
    return [page["state"] for page in rows_of(office, schema.page)]
