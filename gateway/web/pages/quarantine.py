"""待修: rows that could not be read, by what is wrong with them; one shown with its row by a logged click; read again,
or closed for a reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from gateway.core.accounts.rights import Right
from gateway.errors import BadInput
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.reviewing import quarantined
from gateway.web.pages.fields import ROWS, a_number, one_of
from gateway.web.pages.filters import address
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.web.session import page_of
from gateway.words.records import field_in_words
from gateway.words.reviews import QUARANTINE_STATES
from gateway.words.troubles import trouble_in_words

router = APIRouter(prefix="/quarantine", route_class=ErrorPageRoute, include_in_schema=False)

_MOST_AT_ONCE = 1_000


@router.get("")
def groups(
    at: Annotated[Sitting, needs(Right.QUARANTINE)], feed: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """What is wrong, each kind of it once."""
    chosen = one_of(feed, at.feeds)
    shown = [group for group in quarantined.groups(at.office, feed=chosen) if group.feed in at.feeds]
    return at.page("quarantine.html", groups=shown, filters={"feed": chosen}, trouble=trouble_in_words)


@router.get("/items")
def items(
    at: Annotated[Sitting, needs(Right.QUARANTINE)],
    group: Annotated[str | None, Query(max_length=200)] = None,
    feed: Annotated[str | None, Query(max_length=40)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[str | None, Query(max_length=18)] = None,
) -> Response:
    """The rows of a group, or of a state; newest first."""
    chosen, state, below = one_of(feed, at.feeds), one_of(state, QUARANTINE_STATES), a_number(after)
    if group:
        one_of(group.partition("/")[0], at.feeds)
        listed = quarantined.list_group(at.office, group, below=below, limit=ROWS)
    else:
        in_state = state or "open"
        listed = quarantined.list_items(at.office, state=in_state, feed=chosen, below=below, limit=ROWS)  # type: ignore[arg-type]
    rows = [line for line in listed.quarantine if line.feed in at.feeds]
    return at.page(
        "quarantine_items.html",
        rows=rows,
        total=listed.total,
        next=listed.quarantine[-1].item if listed.more else None,
        after=after,
        group=group,
        filters={"group": group, "feed": chosen, "state": state},
        states=QUARANTINE_STATES,
        trouble=trouble_in_words,
    )


@router.get("/items/{item_id}")
def one_item(
    at: Annotated[Sitting, needs(Right.QUARANTINE)],
    item_id: int,
    group: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """One of them, without its row."""
    return _item_page(at, quarantined.show(at.office, item_id), group)


@router.post("/items/{item_id}/reveal")
def reveal(
    at: Annotated[Sitting, needs(Right.QUARANTINE_REVEAL)],
    item_id: int,
    group: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """With its row as it came; who looks is written down first."""
    one_of(quarantined.show(at.office, item_id).feed, at.feeds)
    return _item_page(at, quarantined.reveal(at.office, item_id, by=at.viewer.account, page=page_of(at.request)), group)


def _item_page(at: Sitting, shown: quarantined.QuarantineShown, group: str | None) -> Response:
    one_of(shown.feed, at.feeds)
    return at.page(
        "quarantine_item.html",
        item=shown,
        filters={"group": group},
        states=QUARANTINE_STATES,
        field=field_in_words,
        trouble=trouble_in_words,
    )


def _numbers(at: Sitting, item: str, group: str, expected: str) -> list[int]:
    """The rows an action is about: one, or a group that is as large as it was shown. Raises BadInput."""
    if item:
        number = a_number(item) or 0
        one_of(quarantined.show(at.office, number).feed, at.feeds)
        return [number]
    one_of(group.partition("/")[0], at.feeds)
    numbers = quarantined.items_of_group(at.office, group)
    if str(len(numbers)) != expected:
        raise BadInput("conflict", f"这一组现有 {len(numbers)} 条，与页面所示不同：请再看一遍 (the group has changed)")
    if len(numbers) > _MOST_AT_ONCE:
        raise BadInput("not_valid", f"一次最多 {_MOST_AT_ONCE} 条，请用 hubao quarantine (too many at once)")
    return numbers


@router.post("/retry")
def retry(
    at: Annotated[Sitting, needs(Right.QUARANTINE_CLOSE)],
    item: Annotated[str, Form(max_length=18)] = "",
    group: Annotated[str, Form(max_length=200)] = "",
    count: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Read again with the mapping in force now."""
    report = retry_quarantine(at.office, _numbers(at, item, group, count))
    return at.back(address("/quarantine", {}, done="retried", tried=report.tried, solved=report.solved))


@router.post("/close")
def close(
    at: Annotated[Sitting, needs(Right.QUARANTINE_CLOSE)],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
    item: Annotated[str, Form(max_length=18)] = "",
    group: Annotated[str, Form(max_length=200)] = "",
    count: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Say for a reason that these will never be right."""
    quarantined.close(at.office, _numbers(at, item, group, count), by=at.viewer.account, reason=reason)
    return at.back("/quarantine?done=closed")


@router.post("/reopen")
def reopen(
    at: Annotated[Sitting, needs(Right.QUARANTINE_CLOSE)], item: Annotated[str, Form(max_length=18)]
) -> Response:
    """Take a closing back."""
    [number] = _numbers(at, item, "", "")
    quarantined.reopen(at.office, [number])
    return at.back(f"/quarantine/items/{number}?done=reopened")
