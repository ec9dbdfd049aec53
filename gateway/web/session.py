"""Who looks at a page: the session of a browser, proven at every request; and that a form came from a page of ours.

Every route of pages is made with `route_class=PageRoute` and names its right:
`viewer: Annotated[Viewer, allowed(Right.CLAIMS)]`. The cookie holds a random id and nothing else, is out of reach of
scripts, and goes with no request that another site started (SameSite=Strict). Whatever changes something carries the
session's token besides, in the form or in a header.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartParser
from starlette.responses import HTMLResponse, RedirectResponse

from gateway.core.accounts.rights import Right, may
from gateway.flow.accounts.sessions import LoginNeeded, Stage, csrf_of, viewer_of
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.model.account import Viewer
from gateway.web.api.desk import desk_of
from gateway.web.problems import Problem

COOKIE: Final = "hubao_session"
FORM_FIELD: Final = "csrf"
HEADER: Final = "x-csrf-token"
HEADERS: Final = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""What every page is sent with: nothing from outside, in nobody's frame, kept by no cache."""

_PLACES: Final[dict[Stage | None, str]] = {
    None: "/login",
    "second": "/login/second",
    "enrol": "/login/enrol",
    "change": "/login/password",
    "open": "/",
}
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_LONGEST_NEXT: Final = 1000
MOST_FORM_BYTES: Final = 256 * 1024
MOST_FILE_BYTES: Final = 64 * 1024 * 1024

# A file that somebody brings names people: it stays in memory, where by itself it would go to a disk in the clear.
MultiPartParser.spool_max_size = MOST_FILE_BYTES


def session_id(request: Request) -> str:
    """The id this browser sent; empty where it sent none that could be one."""
    text = request.cookies.get(COOKIE, "")
    return text if len(text) <= 64 and text.isascii() else ""


def viewer(request: Request) -> Viewer:
    """Who looks; a dependency. Raises LoginNeeded, which a `PageRoute` answers with the way to the log-in."""
    proven: Viewer | None = getattr(request.state, "viewer", None)
    if proven is None:
        proven = request.state.viewer = viewer_of(desk_of(request).office, session_id(request), way="page")
    return proven


def csrf(request: Request) -> str:
    """The token that every form of this session carries, in a hidden field `csrf` or the header `x-csrf-token`."""
    return csrf_of(desk_of(request).office, session_id(request))


class Allowed:
    """The dependency of a route that needs a right. Raises LoginNeeded, Problem("forbidden")."""

    def __init__(self, right: Right) -> None:
        self.right = right

    def __call__(self, request: Request) -> Viewer:
        seen = viewer(request)
        if not may(seen, self.right):
            request.state.refused = str(self.right)
            raise Problem("forbidden")
        return seen


def allowed(right: Right) -> Any:
    """`viewer: Annotated[Viewer, allowed(Right.X)]`: who looks, where a role of theirs has this right."""
    return Depends(Allowed(right))


def page_of(request: Request) -> str:
    """The page of a request for the audit log: its route, in which no value stands."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', '?')}"


def set_session(response: Response, request: Request, value: str) -> None:
    """Hand the browser its session."""
    # What a proxy says is believed here because it can only make the cookie stricter.
    secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
    response.set_cookie(COOKIE, value, path="/", httponly=True, samesite="strict", secure=secure)


def drop_session(response: Response) -> None:
    """The browser forgets its session."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def place_of(stage: Stage | None) -> str:
    """Where a log-in that has come so far goes on."""
    return _PLACES[stage]


def own_address(text: str) -> str:
    """Where to go after the log-in: an address of this site alone, else the first page."""
    parts = urlsplit(text) if len(text) <= _LONGEST_NEXT and text.isprintable() else None
    is_ours = parts is not None and not parts.scheme and not parts.netloc and "\\" not in text
    return text if is_ours and text.startswith("/") and not text.startswith("//") else "/"


class PageRoute(APIRoute):
    """A route of pages: refuses what changes something without the session's token, shows the way to the log-in, and
    sends every answer with `HEADERS`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with all of that around it."""
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                with desk_of(request).in_flight.share() as share:
                    if request.method not in _SAFE:
                        share.take(await _bytes_to_hold(request))
                        await check_csrf(request)
                    response = await handle(request)
            except LoginNeeded as error:
                response = _to_login(request, error.stage)
            except Problem as error:
                if error.code != "forbidden":
                    raise
                await run_in_threadpool(note_refusal, request)
                response = HTMLResponse(_FORBIDDEN, status_code=403)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle_page


def note_refusal(request: Request) -> None:
    """Write down what was refused to whom: a right, or `scope` where it was somebody else's data. What a stranger is
    refused is not written down, or strangers could fill the log."""
    office = desk_of(request).office
    with suppress(LoginNeeded):
        entry = AuditNote(
            account=viewer(request).account,
            act="refused",
            subject=getattr(request.state, "refused", "scope"),
            page=page_of(request),
        )
        note_alone(office, entry)


async def _bytes_to_hold(request: Request) -> int:
    """How long a form is. Nobody's file is read before it is known whose it is. Raises LoginNeeded, and
    Problem("too_large") for one longer than a form is, or of no said length."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    brings_file = kind == "multipart/form-data"
    limit = MOST_FILE_BYTES if brings_file else MOST_FORM_BYTES
    if not (length.isascii() and length.isdigit() and int(length[:18]) <= limit):
        raise Problem("too_large")
    if brings_file:
        await run_in_threadpool(viewer, request)
    return int(length)


async def check_csrf(request: Request) -> None:
    """Raises Problem("forbidden") where a request that changes something does not carry its session's token."""
    token = request.headers.get(HEADER)
    if token is None:
        form = await request.form(max_files=20, max_fields=2000)
        value = form.get(FORM_FIELD)
        token = value if isinstance(value, str) else ""
    expected = await run_in_threadpool(csrf, request)
    # Without a session there is a token too, which every stranger could have.
    request.state.refused = "csrf"
    if not session_id(request) or not hmac.compare_digest(token.encode("utf-8", "surrogatepass"), expected.encode()):
        raise Problem("forbidden")
    del request.state.refused


def _to_login(request: Request, stage: Stage | None) -> Response:
    # A form that was sent has nothing to come back to.
    back = request.url.path + ("?" + request.url.query if request.url.query else "")
    query = f"?next={quote(back, safe='/')}" if stage is None and request.method in _SAFE and back != "/" else ""
    address = place_of(stage) + query
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": address})
    return RedirectResponse(address, status_code=303)


_FORBIDDEN: Final = (
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>无权访问</title>'
    "<h1>无权访问</h1><p>您的角色没有这项权限，或页面已过期。本次访问已记入审计日志。</p>"
    '<p><a href="/">返回首页</a></p></html>'
)
