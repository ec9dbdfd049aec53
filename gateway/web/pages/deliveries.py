"""投递: the outbox, how the lines stand, and what a person does about deliveries that came to nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from gateway.core.accounts.rights import Right
from gateway.errors import BadInput
from gateway.flow.delivery import by_hand
from gateway.flow.delivery.outbox import lines_of, list_deliveries
from gateway.web.pages.fields import COUNT_AT_MOST, ROWS, a_number, one_of
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.deliveries import DELIVERIES, DELIVERY_STATES, code_in_words

router = APIRouter(prefix="/deliveries", route_class=ErrorPageRoute, include_in_schema=False)


@router.get("")
def outbox(
    at: Annotated[Sitting, needs(Right.DELIVERIES)],
    state: Annotated[str | None, Query(max_length=20)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=18)] = None,
) -> Response:
    """Deliveries newest first, and how the line stands."""
    name, state = at.one_association(association), one_of(state, DELIVERY_STATES)
    page = list_deliveries(
        at.office, state=state, association=name, below=a_number(after), limit=ROWS, count_at_most=COUNT_AT_MOST + 1
    )
    return at.page(
        "deliveries.html",
        page=page,
        lines=lines_of(at.office, at.associations),
        after=after,
        filters={"state": state, "association": name if len(at.associations) > 1 else None},
        states=DELIVERIES,
        listed_states=[(code, DELIVERIES[code]) for code in DELIVERY_STATES],
        why=code_in_words,
    )


@router.get("/groups")
def groups(
    at: Annotated[Sitting, needs(Right.DELIVERIES)], association: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """What stands alike and may go again, and what nobody knows the outcome of."""
    name = at.one_association(association)
    return at.page(
        "delivery_groups.html",
        association=name,
        dead=by_hand.redrivable(at.office, association=name, ids=None, refused=False),
        refused=by_hand.redrivable(at.office, association=name, ids=None, refused=True),
        in_doubt=by_hand.in_doubt(at.office, name),
        standing=lines_of(at.office, [name])[0],
        states=DELIVERIES,
        why=code_in_words,
    )


@router.post("/redrive")
def redrive(
    at: Annotated[Sitting, needs(Right.DELIVERIES_REDRIVE)],
    association: Annotated[str, Form(max_length=40)],
    group: Annotated[str, Form(max_length=80)],
    count: Annotated[int, Form(ge=1)],
    refused: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Give a group a new schedule; refused where it is not what was shown. Dead letters are asked about first."""
    name, by_status = at.one_association(association), bool(refused)
    alike = by_hand.redrivable(at.office, association=name, ids=None, refused=by_status, group=group)
    if sum(entry.count for entry in alike) != count:
        raise BadInput("conflict", "这一组的件数已变，请再看一遍 (the group has changed: look again)")
    order = by_hand.RedriveOrder(association=name, group=group, refused=by_status, by=at.viewer.account)
    by_hand.redrive(at.office, order)
    return at.back(f"/deliveries/groups?association={name}&done=redriven")


@router.post("/confirm")
def confirm(
    at: Annotated[Sitting, needs(Right.DELIVERIES_REDRIVE)],
    association: Annotated[str, Form(max_length=40)],
    group: Annotated[str, Form(max_length=80)],
    accepted: Annotated[str, Form(pattern="^(yes|no)$")],
) -> Response:
    """A person asked the association what became of a group."""
    name = at.one_association(association)
    by_hand.confirm(at.office, name, group=group, accepted=accepted == "yes", by=at.viewer.account)
    return at.back(f"/deliveries/groups?association={name}&done=confirmed")


@router.post("/enable")
def enable(
    at: Annotated[Sitting, needs(Right.DELIVERIES_REDRIVE)], association: Annotated[str, Form(max_length=40)]
) -> Response:
    """Switch a line on again."""
    name = at.one_association(association)
    by_hand.enable(at.office, name)
    return at.back(f"/deliveries/groups?association={name}&done=enabled")
