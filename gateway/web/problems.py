"""Problem details (RFC 9457) for every error: a stable code, Chinese first, and never a value that was sent."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from gateway.errors import BadInput, Conflict, HubaoError, NotAuthentic, Unavailable

log = logging.getLogger("hubao.web")

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

MEDIA_TYPE: Final = "application/problem+json"


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong. `code` is stable; `title` and `detail` are for people and may change."""

    type: str
    title: str
    status: int
    detail: str
    code: str


KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "请求无法读取 (the request cannot be read)"),
    "not_authentic": (401, "验签未通过 (the message does not prove its sender)"),
    "not_allowed": (403, "此密钥没有这项用途 (the key is not for this)"),
    "forbidden": (403, "无权访问 (your roles have no right to this, or the page has expired)"),
    "not_found": (404, "没有此地址 (no such address)"),
    "unknown_claim": (404, "没有此申领 (no such claim)"),
    "unknown_list": (404, "没有这份支付名单 (no such payment list)"),
    "unknown_member": (404, "没有此会员 (no such member)"),
    "unknown_fact": (404, "没有此事实 (no such fact)"),
    "unknown_lookup": (404, "没有此查询，或已过十分钟 (no such lookup, or it is forgotten)"),
    "unknown_preview": (404, "没有此预览，或已过期 (no such preview, or it has expired)"),
    "unknown_item": (404, "没有此待核事项 (no such item)"),
    "method_not_allowed": (405, "不支持的方法 (method not allowed)"),
    "not_open": (409, "事项已不待核，或没有可撤回的决定 (the item is not open, or there is nothing to take back)"),
    "seen_before": (409, "此编号的请求已收到过；另一请求须用新编号 (a request of this id came before)"),
    "key_used": (409, "此幂等键已用于另一请求 (the idempotency key stands for another request)"),
    "still_comparing": (409, "尚在比对，稍后再确认 (it is still being compared: confirm it later)"),
    "conflict": (409, "数据刚被他人改动，请重试 (somebody else was first: try again)"),
    "too_large": (413, "报文过大 (the body is too large)"),
    "unsupported_encoding": (415, "报文只可不压缩或用 gzip (the body must be plain or gzip)"),
    "unsupported_type": (415, "只收 text/csv 或 application/x-ndjson (the type of content must be one of these)"),
    "not_valid": (422, "内容不合要求 (the content is not as asked)"),
    "not_pulled": (409, "申领由网关送达，不由协会领取 (claims are sent to this association, not fetched)"),
    "unknown_version": (422, "申领没有这一版 (the claim has no such version)"),
    "needs_join": (422, "一人有几个会员号，须注明是一人 (he has several member numbers: say they are one person)"),
    "nothing_agrees": (422, "没有一项足以相符，须特别注明 (nothing speaks for this member: say so expressly)"),
    "second_person": (422, "须由另一人确认 (another person must confirm)"),
    "item_expired": (422, "原页已到期或读不出 (the page is gone or cannot be read)"),
    "opted_out": (422, "会员已选择不参加 (the member has opted out)"),
    "too_many": (429, "请求过于频繁 (too many requests)"),
    "internal": (500, "内部错误 (internal error)"),
    "unavailable": (503, "暂时不可用，请稍后重试 (not available now: try again later)"),
    "not_ready": (503, "尚未就绪 (not ready)"),
    "not_configured": (503, "网关配置不完整 (the gateway is not fully configured)"),
}
"""Code → HTTP status and title. Codes of unreadable input (BadInput) are used beside these, with status 422."""


class Problem(HubaoError):
    """A request that ends in a problem of `KINDS`."""

    def __init__(self, code: str, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        self.code, self.detail, self.headers = code, detail, dict(headers or {})
        super().__init__(f"{code}: {detail}")


def problem_response(problem: Problem) -> Response:
    """A problem of `KINDS` as an answer."""
    status, title = KINDS[problem.code]
    return _answer(status, problem.code, title, problem.detail, problem.headers)


def _answer(status: int, code: str, title: str, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    body = ProblemDetails(type=f"urn:hubao:problem:{code}", title=title, status=status, detail=detail, code=code)
    all_headers = {"cache-control": "no-store", **(headers or {})}
    if status == HTTPStatus.UNAUTHORIZED:
        all_headers.setdefault("www-authenticate", "StandardWebhooks")
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=all_headers)


def install(app: FastAPI) -> None:
    """Every error of this app is answered with a problem."""
    handlers: dict[Any, Any] = {
        HubaoError: _ours,
        HTTPException: _of_the_framework,
        RequestValidationError: _not_valid,
        ClientDisconnect: _gone,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    web_server = logging.getLogger("uvicorn.error")
    if not any(isinstance(log_filter, WithoutTraces) for log_filter in web_server.filters):
        web_server.addFilter(WithoutTraces())


class WithoutTraces(logging.Filter):
    """The web server would print whole tracebacks, and an error's text may quote what was sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without the error's own words."""
        if record.exc_info and record.exc_info[0] is not None:
            record.msg, record.args = f"request failed: {record.exc_info[0].__name__}", ()
            record.exc_info = record.exc_text = None
        return True


async def _ours(_: Request, error: HubaoError) -> Response:
    """Errors raised on purpose; the type says which answer."""
    if isinstance(error, Problem):
        return problem_response(error)
    if isinstance(error, BadInput):
        status, title = KINDS.get(error.code, KINDS["not_valid"])
        return _answer(status, error.code, title, error.message)
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return problem_response(Problem(code, headers=retry_after(error)))
    return await _unexpected(_, error)


_CODES: Final[Mapping[type[HubaoError], str]] = {
    NotAuthentic: "not_authentic",
    Unavailable: "unavailable",
    Conflict: "conflict",
}


def retry_after(error: HubaoError) -> dict[str, str]:
    """The header that says when to come back, where it is known."""
    seconds = error.retry_after if isinstance(error, Unavailable) else None
    return {} if seconds is None else {"retry-after": str(max(1, round(seconds)))}


async def _of_the_framework(request: Request, error: HTTPException) -> Response:
    """404, 405 and the like."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of the first route alone.
        routes, scope = request.app.routes, request.scope
        fitting = {name: [route.matches({**scope, "method": name})[0] for route in routes] for name in _METHODS}
        allowed = ", ".join(name for name, matches in fitting.items() if Match.FULL in matches)
        return problem_response(Problem("method_not_allowed", headers={"allow": allowed}))
    codes = {404: "not_found", 413: "too_large"}
    if error.status_code in codes:
        return problem_response(Problem(codes[error.status_code], headers=error.headers))
    phrase = HTTPStatus(error.status_code).phrase
    return _answer(error.status_code, f"http_{error.status_code}", phrase, headers=error.headers)


async def _not_valid(_: Request, error: RequestValidationError) -> Response:
    """Which parameters are wrong; what they were stays with the sender."""
    names = sorted({str(fault["loc"][-1]) for fault in error.errors() if fault.get("loc")})
    return problem_response(Problem("not_valid", f"参数 (parameters): {'、'.join(names)}"))


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    """The sender hung up in the middle; nothing was done."""
    return problem_response(Problem("bad_request"))


async def _unexpected(_: Request, error: Exception) -> Response:
    """A mistake of ours: it alarms with its type and place, and tells the caller nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    log.error("request failed: %s%s", type(error).__name__, place)
    return problem_response(Problem("internal"))
