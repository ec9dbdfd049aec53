"""Whom a request is from, what it may ask for, and that it is good for one thing only, and once.

An association's machine comes with a key of its own (`Authorization: Bearer`), made for some verbs, or signs.

The signature of Standard Webhooks covers id, time and body. A body therefore names its action and what it is about; a
request without a body signs its own method and address in the body's place. A request that asks for something to be
done is carried out once: its id is kept for as long as its signature holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from gateway import wiring
from gateway.errors import Conflict, HubaoError, NotAuthentic, Unavailable, WrongUse
from gateway.flow.delivery import requests
from gateway.flow.office import Office
from gateway.flow.roster.arriving import MOST_BYTES
from gateway.flow.site.access_keys import VERBS, KeyCaller, Verb, caller_of
from gateway.web.api.desk import desk_of
from gateway.web.api.messages import check_head, is_packed, read_body, unpacked
from gateway.web.problems import KINDS, Problem
from gateway.web.refusals import told_to_the_log

log = logging.getLogger("hubao.web")

_BODY_LIMIT = 64 * 1024
BY_SIGNATURE: Final = "signature"
"""What stands in place of a key's id for a caller that signed: it may ask for anything of its association."""


def may(verb: Verb, *, limit: int = _BODY_LIMIT) -> Any:
    """The dependency of a route: the body (of at most `limit` bytes) of a request whose sender is this association, and
    is allowed this."""

    async def proved(association: str, request: Request) -> bytes:
        return await _proved(association, request, verb, limit)

    return Depends(proved)


async def _proved(association: str, request: Request, verb: Verb, limit: int) -> bytes:
    """The body of a request that this association's key opens, or that it signed and that was not carried out yet.

    Raises Problem, NotAuthentic.
    """
    office = desk_of(request).office
    check_head(request, limit=limit)
    with told_to_the_log(_sender(office, association)):
        await recognise(association, request, verb)
    with desk_of(request).in_flight.share() as share:
        body = await read_body(request, share, limit=limit)
    if must_be_signed(request, association):
        await prove_once(association, request, body)
    if request.method == "GET" or not is_packed(request):
        return body
    return await run_in_threadpool(unpacked, request, body, limit=limit)


async def prove_stream(association: str, request: Request, verb: Verb) -> bool:
    """Who sends a stream, before any of it is read; whether it is signed: over `POST path?query`, a space and what
    `Content-Digest` says, which the caller holds the bytes against. Raises as `_proved`."""
    check_head(request, limit=MOST_BYTES)
    with told_to_the_log(_sender(desk_of(request).office, association)):
        await recognise(association, request, verb)
    signs = must_be_signed(request, association)
    if signs:
        digest = request.headers.get("content-digest", "").encode("latin-1")
        await prove_once(association, request, request.method.encode() + b" " + _target(request) + b" " + digest)
    return signs


def _target(request: Request) -> bytes:
    """Path and query as they came over the wire."""
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope["query_string"]
    return path + (b"?" + query if query else b"")


async def recognise(association: str, request: Request, verb: Verb) -> None:
    """Who calls, by the head alone: a key is looked up, a signature's headers are looked at. Afterwards
    `request.state.caller` says who it is. Raises NotAuthentic, Problem("not_allowed")."""
    office, key = desk_of(request).office, _key_of(request)
    caller = KeyCaller(association=association, key_id=BY_SIGNATURE, verbs=frozenset(VERBS))
    if key is not None:
        caller = await run_in_threadpool(caller_of, office, association, key)
        if verb not in caller.verbs:
            raise Problem("not_allowed", f"须有用途 (it would have to be for): {verb}")
    request.state.caller = caller
    if must_be_signed(request, association):
        wiring.look_at_headers(dict(request.headers), office.now())


def _key_of(request: Request) -> str | None:
    """The key a request comes with; None where it has none."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def must_be_signed(request: Request, association: str) -> bool:
    """Whether the signature counts: there is no key beside it, or the association's file wants both."""
    spec = desk_of(request).office.associations.get(association)
    return _key_of(request) is None or bool(spec and spec.requests and spec.requests.signed_too)


async def prove_once(association: str, request: Request, body: bytes) -> None:
    """The signature over what was sent holds, and a request that asks for something did not come before."""
    office, signed = desk_of(request).office, body
    asks = request.method == "GET"
    if asks:
        # A request without a body signs `GET /path?query`, as it came over the wire.
        signed = b"GET " + _target(request)
    with told_to_the_log(_sender(office, association)):
        message_id = await run_in_threadpool(prove, office, association, dict(request.headers), signed)
    if not asks:
        digest = office.vault.fingerprinter("request")(f"{association}/{message_id}")
        seen = await run_in_threadpool(requests.first_came, office, digest, keep_seconds=wiring.REPLAY_SECONDS)
        if seen is not None:
            raise Problem("seen_before", f"首次收到 (first came) {seen.isoformat(timespec='seconds')}")
        request.state.noted = digest


def _sender(office: Office, association: str) -> str:
    # A name that is none of ours may hold anything at all, and stays out of the log.
    return f"association {association if association in office.associations else '?'}"


def prove(office: Office, association: str, headers: dict[str, str], signed: bytes) -> str:
    """The id of a request this association signed. An association that is not there is answered like a wrong signature,
    so that nobody can try out which names there are."""
    try:
        with unproved_is_unready(wiring.has_requests_secrets(office)):
            return wiring.verifier(office, association)(headers, signed, office.now())
    except WrongUse as error:
        log.error("association %s cannot be verified: %s", association, error)
        raise Problem("not_configured") from None


@contextmanager
def unproved_is_unready(ready: bool) -> Iterator[None]:
    """While a secret is missing, whoever proves nothing may be whoever has it: all of them are to come again, so that
    the answer tells no name."""
    try:
        yield
    except NotAuthentic:
        if ready:
            raise
        raise Problem("not_configured") from None


class SignedRoute(APIRoute):
    """A route whose requests, where they could not be carried out for now, may come again under the same id."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, and what becomes of the id of a request it could not carry out."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            try:
                return await handle(request)
            except NotAuthentic:
                raise Problem("not_authentic", headers={"www-authenticate": "Bearer, StandardWebhooks"}) from None
            except HubaoError as error:
                noted = getattr(request.state, "noted", None)
                # Nothing was done, and the same request may be carried out later.
                later = isinstance(error, Problem) and KINDS[error.code][0] >= 500
                if noted is not None and (later or isinstance(error, (Unavailable, Conflict))):
                    await run_in_threadpool(requests.forget, desk_of(request).office, noted)
                raise

        return handle_once
