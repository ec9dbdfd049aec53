"""Whether this process lives, and whether it can work."""

from __future__ import annotations

import logging
from typing import Literal

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.errors import HubaoError, KeyMissing
from gateway.flow.delivery.health import require_ready
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, problems
from gateway.web.api.messages import json_answer
from gateway.web.problems import Problem

log = logging.getLogger("hubao.web")

router = APIRouter(tags=["health"])


class Wellbeing(msgspec.Struct, frozen=True, kw_only=True):
    """ok."""

    status: str = "ok"


class Readiness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """ok. `missing_keys`, where there are any: how many keys were given out and are gone."""

    status: Literal["ok"]
    missing_keys: int = 0


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
    responses={**answers(Readiness, "就绪 (ready)"), **problems("not_ready")},
)
async def readyz(request: Request) -> Response:
    """Ready where the database answers and the vault has its keys. Asking makes none."""
    office = desk_of(request).office
    try:
        missing = await run_in_threadpool(require_ready, office)
        return json_answer(Readiness(status="ok", missing_keys=missing))
    except KeyMissing as error:
        log.error("not ready: %s", type(error).__name__)
        raise Problem("not_ready", "名册密钥缺失，见 hubao keys status (the roster's key is missing)") from None
    except HubaoError as error:
        log.error("not ready: %s", type(error).__name__)
        raise Problem("not_ready") from None
