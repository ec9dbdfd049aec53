"""双人确认: what one person asked for and another must say yes to, before the first may do it, once, within a day."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Response

from gateway.core.accounts.rights import Right
from gateway.flow.accounts.two_persons import answer_act, waiting_acts
from gateway.model.clock import SHANGHAI
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.web.session import page_of

router = APIRouter(prefix="/second", route_class=ErrorPageRoute, include_in_schema=False)


@router.get("")
def waiting(at: Annotated[Sitting, needs(Right.EXPORT_SECOND)]) -> Response:
    """What waits, oldest first."""
    acts = [
        (act, datetime.fromtimestamp(act.asked_at / 1000, SHANGHAI)) for act in waiting_acts(at.office, at.viewer.scope)
    ]
    return at.page("second.html", acts=acts)


@router.post("/{act_id}")
def answer(
    at: Annotated[Sitting, needs(Right.EXPORT_SECOND)],
    act_id: Annotated[int, Path(ge=1, le=2**62)],
    word: Annotated[Literal["confirm", "refuse"], Form()],
) -> Response:
    """Yes or no; both are written down."""
    answer_act(at.office, act_id, confirmed=word == "confirm", by=at.viewer, page=page_of(at.request))
    return at.back(f"/second?done={'confirmed' if word == 'confirm' else 'refused'}")
