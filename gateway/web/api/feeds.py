"""Where leagues push to: the answer goes out only once the page is durably stored."""

from __future__ import annotations

import logging
from typing import cast

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.errors import WrongUse
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.site.agreements import has_expired
from gateway.ports import ReceiveFeed
from gateway.web.api.desk import Desk, desk_of
from gateway.web.api.documents import answers, any_body, problems, signed
from gateway.web.api.messages import json_answer, read_body
from gateway.web.problems import Problem

log = logging.getLogger("hubao.web")

router = APIRouter(prefix="/api/v1/feeds", tags=["feeds"])


class PageTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The page is durably stored: its number, and whether it is new (false for a delivery that came before)."""

    page: str
    new: bool


@router.post(
    "/{feed}/push",
    summary="接收推送 (take a push)",
    status_code=202,
    responses={
        **answers(PageTaken, "已落盘 (durably stored, new)", status=202),
        **answers(PageTaken, "此前已收到，无第二次效果 (came before: no second effect)"),
        **problems("bad_request", "not_authentic", "unknown_feed", "too_large", "unavailable", "not_configured"),
    },
    openapi_extra=signed(any_body("数据源自己的报文，原样保存 (the feed's own message, kept as it comes)")),
)
async def push(feed: str, request: Request) -> Response:
    """202 for a new page, 200 for one that was there already; what follows from it is worked afterwards."""
    desk = desk_of(request)
    door = await run_in_threadpool(_door, desk, feed)
    body = await read_body(request, limit=door.body_limit)
    taken = await run_in_threadpool(_take, desk, feed, door, dict(request.headers), body)
    desk.backroom.wake()
    return json_answer(taken, status=202 if taken.new else 200)


def _door(desk: Desk, feed: str) -> ReceiveFeed:
    """Where a feed's pushes come in. Raises Problem for a feed that does not receive, or cannot for now."""
    spec = desk.office.feeds.get(feed)
    if spec is None or spec.intake != "receive" or not spec.enabled:
        raise Problem("unknown_feed")
    if has_expired(desk.office, feed):
        # The sender keeps what it has and comes again, so that nothing is lost once the agreement is renewed.
        log.error("feed %s: the agreement expired on %s, nothing is taken in", feed, spec.legal.expires)
        raise Problem("not_configured")
    try:
        return cast(ReceiveFeed, desk.doors.feed(desk.office, feed))
    except WrongUse as error:
        log.error("feed %s cannot receive: %s", feed, error)
        raise Problem("not_configured") from None


def _take(desk: Desk, feed: str, door: ReceiveFeed, headers: dict[str, str], body: bytes) -> PageTaken:
    fetched = door.accept(headers, body, now=desk.office.now())
    seq, new = store_page(desk.office, feed, fetched)
    return PageTaken(page=str(seq), new=new)
