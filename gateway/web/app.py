"""The HTTP application of one site: routes, problems, OpenAPI, and what starts and stops with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event
from typing import Final

import msgspec
from fastapi import FastAPI, Response
from starlette.concurrency import run_in_threadpool

from gateway import __version__, scheduler, wiring
from gateway.flow.intake.night import Doors
from gateway.flow.office import Office
from gateway.web import problems, reader
from gateway.web.api import (
    associations,
    desk_claims,
    documents,
    facts,
    feeds,
    health,
    lookups,
    members,
    metrics,
    payments,
    reviews,
    roster,
)
from gateway.web.api.desk import Desk
from gateway.web.api.messages import json_answer
from gateway.web.pages import PAGES
from gateway.web.problems import Problem

ROUTERS: Final = (
    feeds.router,
    associations.router,
    lookups.router,
    members.router,
    roster.router,
    facts.router,
    desk_claims.router,
    payments.router,
    reviews.router,
    health.router,
    metrics.router,
)
"""Every address there is."""

_DESCRIPTION = """
医保结算数据进，预填申领出。错误一律为 RFC 9457 的 application/problem+json，`code` 稳定。
每个接口另可能答 404 not_found、405 method_not_allowed。
"""


def make_app(office: Office, doors: Doors, *, start_scheduler: bool) -> FastAPI:
    """The application over an office that is open. `app.state.at_rest`, once it has shut down: nothing runs on."""
    stopping = Event()
    doors = wiring.kept(msgspec.structs.replace(doors, stopping=stopping.is_set))
    desk = Desk.of(office, doors)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # What a crash left stored and not worked is worked first.
        desk.backroom.wake()
        desk.rosters.go_on()
        stop = scheduler.start(office, doors) if start_scheduler else scheduler.nothing_to_stop
        yield
        stopping.set()
        jobs_ended = await run_in_threadpool(stop)
        app.state.at_rest = await run_in_threadpool(desk.close) and jobs_ended

    # The documentation pages of the framework load scripts from outside, and these networks have no outside.
    app = FastAPI(
        title=office.gateway.name,
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.desk, app.state.lookups, app.state.at_rest = desk, lookups.LookupRoom(), False
    for router in ROUTERS:
        app.include_router(router)
    for router in (reader.router, *PAGES):
        app.include_router(router)
    problems.install(app)
    documents.complete(app)
    return app


def make_refusing_app(title: str) -> FastAPI:
    """The application of a site that must not be opened: it lives, and is ready for nothing."""
    app = FastAPI(title=title, version=__version__, openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        return json_answer(health.Wellbeing())

    @app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def refuse(path: str) -> Response:
        detail = (
            "数据库与密钥库不属于同一站点，由管理员处理后重启 hubao serve"
            " (database and keys do not belong together; once they do, restart hubao serve)"
        )
        raise Problem("not_ready", detail)

    problems.install(app)
    return app
