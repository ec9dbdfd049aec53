"""One person, now (一键申领): an association asks about its member, the 医保 line answers, and what stands is told.

Of somebody who is no member of the association no line is asked. The answer is that for a member without settlements,
after as long as such answers lately took: it is drawn from what was measured, and goes out through the same code.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.flow.delivery.claims import summary
from gateway.flow.intake import asking
from gateway.flow.intake.asking import (
    LookupOutcome,
    LookupPurpose,
    LookupTrace,
    LookupWish,
    ShownEstimate,
    ShownStay,
)
from gateway.web.api.associations import Claim, MemberNo
from gateway.web.api.desk import Desk, desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/associations/{association}", tags=["lookups"], route_class=SignedRoute)

_KEPT_SECONDS: Final = 600.0
_MOST_KEPT: Final = 2_000
_REMEMBERED: Final = 64
_TICK_SECONDS: Final = 0.008
_BEFORE_ANY: Final = tuple(0.2 + 0.05 * step for step in range(20))
"""Seconds drawn from while nothing was measured: a line answers within a second or so."""

IdNumber = Annotated[str, msgspec.Meta(min_length=15, max_length=18, pattern="^[0-9]{14,17}[0-9Xx]$")]
PersonName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[^\u0000-\u001f\u007f\ud800-\udfff]+$")
]


class NewLookup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask about: `member_no`, or `id_number` with `name`; in which days; why (`claim` 一键申领, `enquiry` 咨询,
    `appeal` 申诉复核, `check` 核对), and the association's own reference to the member's consent. `wait_seconds`: how
    long the answer may take; `trial`: reckon only, and keep nothing but who asked."""

    action: Literal["lookups"]
    purpose: LookupPurpose
    consent: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
    member_no: MemberNo | None = None
    id_number: IdNumber | None = None
    name: PersonName | None = None
    since: date | None = None
    until: date | None = None
    wait_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 10.0
    trial: bool = False


class LookupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of the person. `source`: line, what it said just now; stored, where it did not answer: then up to the
    day `as_of` (null where no line was ever asked about the person)."""

    lookup_id: str
    state: Literal["done"] = "done"
    source: Literal["line", "stored"]
    as_of: date | None
    trial: bool
    stays: list[ShownStay]
    estimates: list[ShownEstimate]
    claims: list[Claim]


class LookupPending(msgspec.Struct, frozen=True, kw_only=True):
    """The line is slow: ask at `Location` after `Retry-After` seconds, for ten minutes."""

    lookup_id: str
    state: Literal["pending"] = "pending"


class LookupTraces(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked about a member, newest first, at most 500."""

    lookups: list[LookupTrace]


class Measured(msgspec.Struct, frozen=True):
    """How long a member without settlements lately waited, and whether the line answered."""

    seconds: float
    source: Literal["line", "stored"]


class LookupRoom:
    """What goes on behind the lookups of one application. Belongs to the server's own thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, float, asyncio.Task[LookupAnswer]]] = OrderedDict()
        self._measured: dict[str, deque[Measured]] = {}
        self._calls: dict[tuple[str, str], deque[float]] = {}

    def admit(self, association: str, caller: str, *, per_minute: int) -> None:
        """Count a call. Raises Problem("too_many") with the seconds after which there is room again."""
        calls, now = self._calls.setdefault((association, caller), deque()), time.monotonic()
        while calls and now - calls[0] >= 60:
            calls.popleft()
        if len(calls) >= per_minute:
            wait = max(1, round(60 - (now - calls[0]) + 0.5))
            raise Problem("too_many", f"每分钟至多 {per_minute} 次 (a minute)", headers={"retry-after": str(wait)})
        calls.append(now)

    def keep(self, lookup_id: str, association: str, task: asyncio.Task[LookupAnswer]) -> None:
        """For whoever asks again later."""
        now = time.monotonic()
        while self._kept and (len(self._kept) >= _MOST_KEPT or next(iter(self._kept.values()))[1] < now):
            _, (_, _, oldest) = self._kept.popitem(last=False)
            oldest.cancel()
        self._kept[lookup_id] = association, now + _KEPT_SECONDS, task

    def find(self, lookup_id: str, association: str) -> asyncio.Task[LookupAnswer] | None:
        """One of this association's that is not forgotten yet."""
        owner, until, task = self._kept.get(lookup_id, ("", 0.0, None))
        return task if owner == association and until >= time.monotonic() else None

    def measure(self, association: str, measured: Measured) -> None:
        """A member without settlements was answered."""
        self._measured.setdefault(association, deque(maxlen=_REMEMBERED)).append(measured)

    def draw(self, association: str, lot: float) -> Measured:
        """One of the latest measured; `lot` is between -1 and 1."""
        latest = self._measured.get(association) or [Measured(seconds, "line") for seconds in _BEFORE_ANY]
        return latest[min(int((lot + 1) / 2 * len(latest)), len(latest) - 1)]


def _room(request: Request) -> LookupRoom:
    room: LookupRoom = request.app.state.lookups
    return room


_PROBLEMS = ("bad_request", "not_authentic", "not_allowed", "too_large", "unsupported_encoding", "not_valid")
_LATER = ("unavailable", "not_configured")


@router.post(
    "/lookups",
    summary="当场查询一人：结算、待遇、申领 (one person, now: stays, estimates, claims)",
    responses={
        **answers(LookupAnswer, "已答复 (answered)"),
        **answers(LookupPending, "专线较慢，稍后来取 (the line is slow: ask later)", status=202),
        **problems(*_PROBLEMS, "seen_before", "too_many", *_LATER),
    },
    openapi_extra=signed(json_body(NewLookup), or_key="lookup"),
)
async def begin_lookup(association: str, request: Request, body: Annotated[bytes, may("lookup")]) -> Response:
    """Every line of the member's league is asked at once. Somebody who is no member is answered like a member without
    settlements. Who asked, why and on whose consent is kept for the member to see."""
    asked, desk, room = decode(body, NewLookup), desk_of(request), _room(request)
    caller = request.state.caller.key_id
    if (asked.member_no is None) == (asked.id_number is None) or (asked.id_number is None) != (asked.name is None):
        raise Problem("not_valid", "member_no，或 id_number 与 name (member_no, or id_number with name)")
    if asked.since and asked.until and asked.since > asked.until:
        raise Problem("not_valid", "since 晚于 until (since is after until)")
    per_minute = desk.office.associations[association].lookups.per_minute
    room.admit(association, caller, per_minute=per_minute)
    fields = msgspec.structs.asdict(asked)
    del fields["action"], fields["wait_seconds"]
    wish = LookupWish(association=association, caller=caller, **fields)
    lookup_id = desk.doors.new_lease()
    task = asyncio.create_task(_look_up(desk, room, lookup_id, wish))
    room.keep(lookup_id, association, task)
    return await _answer(request, lookup_id, task, asked.wait_seconds)


@router.get(
    "/lookups/{lookup_id}",
    summary="取一次查询的答复 (the answer of a lookup that took long)",
    responses={
        **answers(LookupAnswer, "已答复 (answered)"),
        **answers(LookupPending, "仍在等专线 (the line is still waited for)", status=202),
        **problems(*_PROBLEMS, "unknown_lookup", *_LATER),
    },
    openapi_extra=signed(or_key="lookup"),
)
async def show_lookup(
    association: str, lookup_id: str, request: Request, _: Annotated[bytes, may("lookup")]
) -> Response:
    """For ten minutes, from the process that was asked."""
    task = _room(request).find(lookup_id, association)
    if task is None:
        raise Problem("unknown_lookup")
    return await _answer(request, lookup_id, task, 0.0)


async def _answer(request: Request, lookup_id: str, task: asyncio.Task[LookupAnswer], seconds: float) -> Response:
    done, _ = await asyncio.wait([task], timeout=seconds)
    if done:
        return json_answer(task.result())
    answer = json_answer(LookupPending(lookup_id=lookup_id), status=202)
    path = request.url.path
    answer.headers["location"] = path if path.endswith(lookup_id) else f"{path}/{lookup_id}"
    answer.headers["retry-after"] = "2"
    return answer


async def _look_up(desk: Desk, room: LookupRoom, lookup_id: str, wish: LookupWish) -> LookupAnswer:
    """Ask and tell, or wait as long as that would have taken. In a thread of the lookups: lines are slow, and pushes
    never wait for them."""
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    outcome = await loop.run_in_executor(desk.lookups, desk.clerk.answer, lookup_id, wish)
    if outcome is None:
        return await _as_nobody(desk, room, lookup_id, wish, began)
    if outcome.told == asking.NOTHING:
        seconds = time.monotonic() - began
        room.measure(wish.association, Measured(seconds, outcome.source))
        await _release(began, seconds)
    return _as_answer(lookup_id, wish, outcome)


async def _as_nobody(desk: Desk, room: LookupRoom, lookup_id: str, wish: LookupWish, began: float) -> LookupAnswer:
    """The answer for a member without settlements, after as long as one lately took."""
    drawn = room.draw(wish.association, desk.doors.jitter())
    await _release(began, drawn.seconds)
    day = desk.office.now().date() if drawn.source == "line" else None
    return _as_answer(lookup_id, wish, LookupOutcome(told=asking.NOTHING, source=drawn.source, as_of=day))


async def _release(began: float, seconds: float) -> None:
    """Wait until the first tick behind this many seconds. Members without settlements wait here as strangers do: both
    are then woken by the same clock, which is late for both in the same way where the machine is busy."""
    ticks = math.ceil(seconds / _TICK_SECONDS)
    await asyncio.sleep(max(0.0, began + ticks * _TICK_SECONDS - time.monotonic()))


def _as_answer(lookup_id: str, wish: LookupWish, outcome: LookupOutcome) -> LookupAnswer:
    return LookupAnswer(
        lookup_id=lookup_id,
        source=outcome.source,
        as_of=outcome.as_of,
        trial=wish.trial,
        stays=list(outcome.told.stays),
        estimates=list(outcome.told.estimates),
        claims=[Claim(**summary(row), body=msgspec.Raw(body or b"null")) for row, body in outcome.told.claims],
    )


@router.get(
    "/members/{member_no}/lookups",
    summary="谁查询过这名会员 (who asked about this member)",
    responses={**answers(LookupTraces, "最近的在前 (newest first)"), **problems(*_PROBLEMS, "unknown_member", *_LATER)},
    openapi_extra=signed(or_key="ledger"),
)
async def list_lookups(
    association: str, member_no: str, request: Request, _: Annotated[bytes, may("ledger")]
) -> Response:
    """For a member who wants to know."""
    traces = await run_in_threadpool(asking.who_asked, desk_of(request).office, association, member_no)
    if traces is None:
        raise Problem("unknown_member")
    return json_answer(LookupTraces(lookups=traces))
