"""A roster over the interface: a stream comes in, what it would change is told, and once confirmed it is taken in.

A stream is never held, so its signature cannot be over its bytes: it is over `POST path`, a space, and the header
`Content-Digest` (RFC 9530), which the bytes are held against as they come.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from concurrent.futures import Future
from functools import partial
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.core.normalise.unpacking import Ungzipping
from gateway.core.roster.cutting import RosterForm
from gateway.errors import Conflict
from gateway.flow.roster.arriving import MOST_BYTES, Arrival, RosterUpload, confirm, show
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed, stream_of
from gateway.web.api.messages import decode, is_packed, json_answer, stream_body
from gateway.web.api.proving import SignedRoute, may, prove_stream
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/associations/{association}/roster", tags=["roster"], route_class=SignedRoute)

_FORMS: Final[dict[str, RosterForm]] = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
_GATHERED: Final = 256 * 1024
_PROBLEMS = ("bad_request", "not_authentic", "not_allowed", "too_large", "unsupported_encoding", "not_valid")
_LATER = ("unavailable", "not_configured")
_PENDING: Final = ("comparing", "confirmed")

PreviewId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
WaitSeconds = Annotated[float, Query(ge=0, le=60, description="最多等几秒 (how long the answer may take).")]
IdempotencyKey = Annotated[
    str, Header(alias="idempotency-key", pattern=r"^[ -~]{0,128}$", description="同一请求不论几次 (names the request).")
]


class ConfirmRoster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`action` and `preview` repeat the address, so that the signature covers it."""

    action: Literal["confirm"]
    preview: PreviewId


@router.post(
    "",
    summary="送来名册，先看会改什么 (bring a roster: what it would change)",
    responses={
        **answers(RosterUpload, "会改什么 (what it would change)"),
        **answers(RosterUpload, "尚在比对，稍后来取 (still being compared: ask later)", status=202),
        **problems(*_PROBLEMS, "unsupported_type", "key_used", "seen_before", *_LATER),
    },
    openapi_extra=signed(
        stream_of(
            *_FORMS,
            text="名册，一人一段保障期一行；CSV 有表头，JSON 行以列名为键，至多一百万行 (a row a period, a million)",
        ),
        or_key="roster",
    ),
)
async def bring_roster(
    association: str, request: Request, wait_seconds: WaitSeconds = 10.0, idempotency_key: IdempotencyKey = ""
) -> Response:
    """Nothing is changed by it. The same bytes again are the same preview; it may be confirmed for 24 hours. Columns
    are those of a roster file (会员编号, 姓名, 证件号码, 保障开始, 保障结束 and the like)."""
    signs = await prove_stream(association, request, "roster")
    form = _FORMS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if form is None:
        raise Problem("unsupported_type", headers={"accept": ", ".join(_FORMS)})
    desk = desk_of(request)
    caller, name = request.state.caller.key_id, desk.doors.new_lease()
    begin = partial(Arrival, desk.office, association, form, upload_id=name, caller=caller)
    arrival = await run_in_threadpool(begin)
    try:
        digest = await _receive(request, arrival)
        stated = request.headers.get("content-digest", "")
        if (signs or stated) and not hmac.compare_digest(stated.encode("latin-1"), digest.encode()):
            raise Problem("not_authentic" if signs else "bad_request", "Content-Digest")
        preview = await run_in_threadpool(arrival.finish, idempotency_key)
    except BaseException:
        # Also where the sender hung up: nothing of half a roster stays.
        await asyncio.shield(run_in_threadpool(arrival.give_up))
        raise
    return await _answer(request, association, preview, desk.rosters.work(association, preview), wait_seconds)


async def _receive(request: Request, arrival: Arrival) -> str:
    """Hand the stream on, a quarter of a megabyte at a time; returns its digest as `Content-Digest` states it. Raises
    BadInput, Problem."""
    digest, packed = hashlib.sha256(), is_packed(request)
    unpacking = Ungzipping(limit=MOST_BYTES)
    gathered = bytearray()

    def hand_on(data: bytes) -> None:
        digest.update(data)
        for plain in unpacking.take(data) if packed else (data,):
            arrival.take(plain)

    async for chunk in stream_body(request, limit=MOST_BYTES):
        gathered += chunk
        if len(gathered) >= _GATHERED:
            await run_in_threadpool(hand_on, bytes(gathered))
            gathered.clear()
    await run_in_threadpool(hand_on, bytes(gathered))
    if packed:
        unpacking.finish()
    return f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"


async def _answer(
    request: Request, association: str, preview: str, working: Future[object] | None, seconds: float
) -> Response:
    """How it stands once it is worked, or when the caller's time is up."""
    if working is not None and seconds > 0:
        await asyncio.wait([asyncio.wrap_future(working)], timeout=seconds)
    upload = await run_in_threadpool(show, desk_of(request).office, association, preview)
    if upload is None:
        raise Problem("unknown_preview")
    pending = upload.state in _PENDING
    answer = json_answer(upload, status=202 if pending else 200)
    if pending:
        answer.headers["location"] = f"/api/v1/associations/{association}/roster/{preview}"
        answer.headers["retry-after"] = "5"
    return answer


@router.get(
    "/{preview}",
    summary="一份名册现在怎样 (how a roster stands)",
    responses={
        **answers(RosterUpload, "会改什么，或已改什么 (what it would change, or did)"),
        **answers(RosterUpload, "尚在比对或导入 (still at work)", status=202),
        **problems(*_PROBLEMS, "unknown_preview", *_LATER),
    },
    openapi_extra=signed(or_key="roster"),
)
async def show_roster(
    association: str,
    preview: str,
    request: Request,
    _: Annotated[bytes, may("roster")],
    wait_seconds: WaitSeconds = 0.0,
) -> Response:
    """What was broken off goes on when it is asked about."""
    desk = desk_of(request)
    upload = await run_in_threadpool(show, desk.office, association, preview)
    working = desk.rosters.work(association, preview) if upload is not None and upload.state in _PENDING else None
    return await _answer(request, association, preview, working, wait_seconds)


@router.post(
    "/{preview}/confirm",
    summary="确认导入 (take it in)",
    responses={
        **answers(RosterUpload, "已导入，缩短、终止者待人核定 (taken in; what takes days away waits for a person)"),
        **answers(RosterUpload, "正在导入，稍后来看 (being taken in: ask later)", status=202),
        **problems(*_PROBLEMS, "unknown_preview", "still_comparing", "seen_before", *_LATER),
    },
    openapi_extra=signed(json_body(ConfirmRoster), or_key="roster"),
)
async def confirm_roster(
    association: str,
    preview: str,
    request: Request,
    body: Annotated[bytes, may("roster")],
    wait_seconds: WaitSeconds = 10.0,
) -> Response:
    """Each part is concluded anew against the roster as it is now, with the holds of a file import. Confirming again
    changes nothing."""
    desk = desk_of(request)
    if decode(body, ConfirmRoster).preview != preview:
        raise Problem("not_valid", "preview 与地址不符 (differs from the address)")
    try:
        upload = await run_in_threadpool(confirm, desk.office, association, preview)
    except Conflict:
        raise Problem("still_comparing", headers={"retry-after": "5"}) from None
    if upload is None:
        raise Problem("unknown_preview")
    working = desk.rosters.work(association, preview) if upload.state in _PENDING else None
    return await _answer(request, association, preview, working, wait_seconds)
