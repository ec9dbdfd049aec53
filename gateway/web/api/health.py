"""Whether this process lives, and whether it can work."""

from __future__ import annotations

import logging

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.errors import HubaoError
from gateway.flow.office import Office
from gateway.store import roster
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, problems
from gateway.web.api.messages import json_answer
from gateway.web.problems import Problem

log = logging.getLogger("hubao.web")

router = APIRouter(tags=["health"])


class Wellbeing(msgspec.Struct, frozen=True, kw_only=True):
    """ok."""

    status: str = "ok"


@router.get(
    "/healthz",
    summary="进程在运行 (the process lives)",
    responses={**answers(Wellbeing, "在运行 (it lives)"), **problems()},
)
async def healthz() -> Response:
    """Answers as long as the process can answer anything."""
    return json_answer(Wellbeing())


@router.get(
    "/readyz",
    summary="可以工作 (it can work)",
    responses={**answers(Wellbeing, "就绪 (ready)"), **problems("not_ready")},
)
async def readyz(request: Request) -> Response:
    """Ready where the database answers and the vault gives out its keys."""
    office = desk_of(request).office
    try:
        await run_in_threadpool(_look, office)
    except HubaoError as error:
        log.error("not ready: %s", type(error).__name__)
        raise Problem("not_ready") from None
    return json_answer(Wellbeing())


def _look(office: Office) -> None:
    with office.store.read() as tx:
        roster.version(tx, sorted(office.associations))
    office.vault.roster_key()
