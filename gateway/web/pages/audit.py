"""审计: who saw and did what, about whom, why and where; and whether the log is as it was written."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.core.accounts.rights import Right
from gateway.flow.accounts.auditing import AuditQuestion, anchor, note_look, show_entries, verify
from gateway.model.clock import SHANGHAI
from gateway.web.pages.fields import ROWS, a_day, a_number, one_of
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.web.session import page_of
from gateway.words.accounts import ACTS, BREAKS, PURPOSES

router = APIRouter(prefix="/audit", route_class=ErrorPageRoute, include_in_schema=False)

Auditor = Annotated[Sitting, needs(Right.AUDIT, narrow=True)]
Text = Annotated[str | None, Query(max_length=40)]


@router.get("")
def entries(
    at: Auditor,
    account: Text = None,
    act: Text = None,
    since: Text = None,
    until: Text = None,
    after: Text = None,
) -> Response:
    """Entries, newest first; that somebody looks is an entry, too."""
    note_look(at.office, at.viewer.account, page=page_of(at.request))
    first, last = a_day(since), a_day(until)
    question = AuditQuestion(
        account=account or None,
        act=one_of(act, ACTS),
        since=_start_of(first) if first else None,
        until=_start_of(last) + timedelta(days=1) if last else None,
        below=a_number(after),
        limit=ROWS + 1,
    )
    lines = show_entries(at.office, question)
    return at.page(
        "audit.html",
        rows=lines[:ROWS],
        next=lines[ROWS - 1].number if len(lines) > ROWS else None,
        filters={"account": account, "act": act, "since": since, "until": until},
        after=after,
        acts=ACTS,
        purposes=PURPOSES,
    )


@router.post("/verify")
def walk_over(at: Auditor) -> Response:
    """A walk over the whole log."""
    check = verify(at.office)
    if not check.breaks:
        anchor(at.office)
    return at.page("audit_verified.html", check=check, words=BREAKS)


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
