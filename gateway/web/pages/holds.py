"""待放行: changes that would take much away from members at once, with their difference; accepted or refused."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from gateway.core.accounts.rights import Right
from gateway.errors import WrongUse
from gateway.flow.batches import deciding_holds
from gateway.flow.batches.deciding_holds import HoldReport
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.claims import FLAGS
from gateway.words.holds import CAUSES, HOLD_STATES, MOVES

router = APIRouter(prefix="/holds", route_class=ErrorPageRoute, include_in_schema=False)

_SHOWN = 500


def _listed(at: Sitting, *, ended: bool) -> list[HoldReport]:
    """The holds whose feed or association is the viewer's."""
    subjects = {*at.feeds, *at.associations}
    return [hold for hold in deciding_holds.list_holds(at.office, ended=ended) if hold.subject in subjects]


def _own(at: Sitting, hold_id: int) -> HoldReport:
    for hold in _listed(at, ended=True):
        if hold.hold_id == hold_id:
            return hold
    raise WrongUse(f"没有第{hold_id}号待放行的变更 (no such hold)")


@router.get("")
def waiting(
    at: Annotated[Sitting, needs(Right.HOLDS)], everything: Annotated[bool, Query(alias="all")] = False
) -> Response:
    """The holds that wait, or all there were."""
    return at.page(
        "holds.html", holds=_listed(at, ended=everything), everything=everything, causes=CAUSES, states=HOLD_STATES
    )


@router.get("/{hold_id}")
def one_hold(at: Annotated[Sitting, needs(Right.HOLDS)], hold_id: int) -> Response:
    """What would become of which claims; of a hold that ended, what it came to."""
    hold = _own(at, hold_id)
    open_now = hold.state in deciding_holds.WAITING
    difference = deciding_holds.show_hold(at.office, hold_id) if open_now else None
    lines = difference.claims[:_SHOWN] if difference is not None else []
    return at.page(
        "hold.html",
        hold=difference.hold if difference is not None else hold,
        difference=difference,
        lines=lines,
        causes=CAUSES,
        states=HOLD_STATES,
        moves=MOVES,
        flags=FLAGS,
    )


@router.post("/{hold_id}/accept")
def accept(
    at: Annotated[Sitting, needs(Right.HOLDS_DECIDE)], hold_id: int, confirm: Annotated[str, Form(max_length=3)] = ""
) -> Response:
    """Write what was shown, or propose it where two persons must."""
    _own(at, hold_id)
    result = deciding_holds.accept_hold(at.office, hold_id, by=at.viewer.account, confirm=bool(confirm))
    return at.back(f"/holds/{hold_id}?done={result.outcome}")


@router.post("/{hold_id}/refuse")
def refuse(
    at: Annotated[Sitting, needs(Right.HOLDS_DECIDE)],
    hold_id: int,
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """Leave what stands."""
    _own(at, hold_id)
    deciding_holds.refuse_hold(at.office, hold_id, by=at.viewer.account, reason=reason)
    return at.back(f"/holds/{hold_id}?done=refused")
