"""Where leagues push to: the answer goes out only once the page is durably stored."""

from __future__ import annotations

import logging
from typing import cast

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway import wiring
from gateway.errors import WrongUse
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.site.agreements import has_expired
from gateway.model.page import MAX_PAGE_BYTES
from gateway.ports import LooksAtHeaders, ReceiveFeed
from gateway.web.api.desk import Desk, desk_of
from gateway.web.api.documents import answers, any_body, problems, signed
from gateway.web.api.messages import check_head, json_answer, read_body, unpacked
from gateway.web.api.proving import unproved_is_unready
from gateway.web.problems import Problem
from gateway.web.refusals import told_to_the_log

log = logging.getLogger("hubao.web")

router = APIRouter(prefix="/api/v1/feeds", tags=["feeds"])


class PageTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The page is durably stored: its number, and whether it is new (false for a delivery that came before)."""

    page: str
    new: bool


_PROBLEMS = (
    *("bad_request", "not_authentic", "too_large", "unsupported_encoding", "not_valid"),
    *("unavailable", "not_configured"),
)


@router.post(
    "/{feed}/push",
    summary="接收推送 (take a push)",
    status_code=202,
    responses={
        **answers(PageTaken, "已落盘 (durably stored, new)", status=202),
        **answers(PageTaken, "此前已收到，无第二次效果 (came before: no second effect)"),
        **problems(*_PROBLEMS),
    },
    openapi_extra=signed(any_body("数据源自己的报文，原样保存 (the feed's own message, kept as it comes)")),
)
async def push(feed: str, request: Request) -> Response:
    """202 for a new page, 200 for one that was there already; what follows from it is worked afterwards."""
    desk = desk_of(request)
    entrance = await run_in_threadpool(_entrance, desk, feed)
    check_head(request, limit=MAX_PAGE_BYTES)
    with told_to_the_log(f"feed {feed if feed in desk.office.feeds else '?'}"):
        if isinstance(entrance.door, LooksAtHeaders):
            entrance.door.look_at(dict(request.headers), now=desk.office.now())
        with desk.in_flight.share() as share:
            body = await read_body(request, share, limit=entrance.door.body_limit)
            with unproved_is_unready(entrance.ready):
                taken = await run_in_threadpool(_take, desk, feed, entrance.door, request, body)
    desk.backroom.wake()
    return json_answer(taken, status=202 if taken.new else 200)


class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """Where one push comes in. `ready`: every feed that receives has its secret."""

    door: ReceiveFeed
    ready: bool


def _entrance(desk: Desk, feed: str) -> Entrance:
    """Of a feed that is not there no more is told than of one whose signature is wrong."""
    open_doors: dict[str, ReceiveFeed] = {}
    receiving = [name for name, spec in desk.office.feeds.items() if spec.intake == "receive" and spec.enabled]
    for name in receiving:
        try:
            open_doors[name] = cast(ReceiveFeed, desk.doors.feed(desk.office, name))
        except WrongUse as error:
            if name == feed:
                log.error("feed %s cannot receive: %s", feed, error)
    door = open_doors.get(feed) or wiring.door_of_nobody(desk.office)
    return Entrance(door=door, ready=len(open_doors) == len(receiving))


def _take(desk: Desk, feed: str, door: ReceiveFeed, request: Request, body: bytes) -> PageTaken:
    fetched = door.accept(dict(request.headers), body, now=desk.office.now())
    if has_expired(desk.office, feed):
        # The sender keeps what it has and comes again, so that nothing is lost once the agreement is renewed.
        expired = desk.office.feeds[feed].legal.expires
        log.error("feed %s: the agreement expired on %s, nothing is taken in", feed, expired)
        raise Problem("not_configured")
    content = unpacked(request, fetched.content, limit=door.body_limit)
    seq, new = store_page(desk.office, feed, msgspec.structs.replace(fetched, content=content))
    return PageTaken(page=str(seq), new=new)
