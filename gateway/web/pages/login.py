"""登录: the steps of a log-in, each a page that works without script; one's own account; 退出."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.core.accounts.rights import Right
from gateway.errors import BadInput
from gateway.flow.accounts import sessions
from gateway.flow.accounts.sessions import LoginNeeded, LoginRefused, NewSession
from gateway.flow.office import Office
from gateway.vault.passwords import new_second_secret, new_session_id
from gateway.web.api.desk import desk_of
from gateway.web.pages.showing import HEADERS, ErrorPageRoute, Sitting, needs, templates
from gateway.web.session import drop_session, own_address, place_of, session_id, set_session
from gateway.words.accounts import ROLES

router = APIRouter(route_class=ErrorPageRoute, include_in_schema=False)

Next = Annotated[str, Query(alias="next", max_length=1000)]
Came = Annotated[str, Form(alias="next", max_length=1000)]
Typed = Annotated[str, Form(max_length=400)]
_UNAUTHORISED: Final = 401


def _office(request: Request) -> Office:
    return desk_of(request).office


def _step(request: Request, template: str, *, session: str, status: int = 200, **context: Any) -> Response:
    office = _office(request)
    text = (
        templates()
        .get_template(template)
        .render(
            site=office.gateway.name, csrf=sessions.csrf_of(office, session), **{"problem": "", "next": "/", **context}
        )
    )
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def _on(request: Request, session: NewSession, came_from: str) -> Response:
    """To the next step, with the new session's id; after the last one to where one wanted to go."""
    place = place_of(session.stage)
    back = own_address(came_from)
    address = back if session.stage == "open" else f"{place}?next={quote(back, safe='/')}"
    response = RedirectResponse(address, status_code=303, headers=HEADERS)
    set_session(response, request, session.session_id)
    return response


@router.get("/login")
def login_page(request: Request, came_from: Next = "/") -> Response:
    """Account and password. Who has no session gets an id for the form's token, which opens nothing."""
    stage = sessions.stage_of(_office(request), session_id(request))
    if stage is not None:
        return RedirectResponse(own_address(came_from) if stage == "open" else place_of(stage), 303, headers=HEADERS)
    fresh = new_session_id()
    response = _step(request, "login.html", session=fresh, next=own_address(came_from))
    set_session(response, request, fresh)
    return response


@router.post("/login")
def log_in(request: Request, account: Typed = "", password: Typed = "", came_from: Came = "/") -> Response:
    """The first step."""
    try:
        session = sessions.log_in(_office(request), account.strip(), password, way="page", draw=new_session_id)
    except LoginRefused as error:
        return _again(request, "login.html", error, came_from)
    return _on(request, session, came_from)


@router.get("/login/second")
def second_page(request: Request, came_from: Next = "/") -> Response:
    """The code of the authenticator app."""
    _must_be_at(request, "second")
    return _step(request, "login_second.html", session=session_id(request), next=own_address(came_from))


@router.post("/login/second")
def prove_second(request: Request, code: Typed = "", came_from: Came = "/") -> Response:
    """The second step."""
    try:
        typed = "".join(code.split())
        session = sessions.prove_second(_office(request), session_id(request), typed, draw=new_session_id)
    except LoginRefused as error:
        if sessions.stage_of(_office(request), session_id(request)) == "enrol":
            return _again(request, "login_enrol.html", error, came_from, **_secret(request))
        return _again(request, "login_second.html", error, came_from)
    return _on(request, session, came_from)


@router.get("/login/enrol")
def enrol_page(request: Request, came_from: Next = "/") -> Response:
    """A second factor is set up: the secret, to be typed or opened in an authenticator app, and its first code."""
    _must_be_at(request, "enrol")
    return _step(
        request, "login_enrol.html", session=session_id(request), next=own_address(came_from), **_secret(request)
    )


@router.get("/login/password")
def password_page(request: Request, came_from: Next = "/") -> Response:
    """A new password: because it is due, or wished."""
    stage = _must_be_at(request, "change", "open")
    back = own_address(came_from)
    return _step(request, "login_password.html", session=session_id(request), due=stage == "change", next=back)


@router.post("/login/password")
def change_password(
    request: Request, old: Typed = "", new: Typed = "", again: Typed = "", came_from: Came = "/"
) -> Response:
    """The last step where it is due."""
    stage = _must_be_at(request, "change", "open")
    try:
        if new != again:
            raise BadInput("weak_password", "两次输入的新密码不同 (the two differ)")
        session = sessions.change_password(_office(request), session_id(request), old, new, draw=new_session_id)
    except (LoginRefused, BadInput) as error:
        return _again(request, "login_password.html", error, came_from, due=stage == "change")
    return _on(request, session, came_from)


@router.post("/logout")
def log_out(request: Request) -> Response:
    """The session opens nothing any more."""
    sessions.log_out(_office(request), session_id(request))
    response = RedirectResponse("/login", status_code=303, headers=HEADERS)
    drop_session(response)
    return response


@router.get("/account")
def own_account(at: Annotated[Sitting, needs(Right.OWN, narrow=True)]) -> Response:
    """Who one is here."""
    return at.page("own_account.html", roles=[ROLES[role] for role in sorted(at.viewer.roles)])


def _must_be_at(request: Request, *stages: str) -> str:
    stage = sessions.stage_of(_office(request), session_id(request))
    if stage not in stages:
        raise LoginNeeded(stage)
    return str(stage)


def _secret(request: Request) -> dict[str, Any]:
    """What an authenticator app is given while it is being set up."""
    secret, address = sessions.second_to_enrol(_office(request), session_id(request), draw_secret=new_second_secret)
    return {"secret": " ".join(secret[place : place + 4] for place in range(0, len(secret), 4)), "address": address}


def _again(request: Request, template: str, error: LoginRefused | BadInput, came_from: str, **context: Any) -> Response:
    words = error.message if isinstance(error, BadInput) else str(error)
    context = {"problem": words, "next": own_address(came_from), **context}
    return _step(request, template, session=session_id(request), status=_UNAUTHORISED, **context)
