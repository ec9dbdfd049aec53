"""Once a cause is known as a whole: what it put aside is written at once, or a person is asked.

A cause that takes little away is nothing to ask about: the same changes follow a little later. One that would withdraw
or lower more than a share of an association's claims in force waits. A crash in between leaves a hold that gathers; the
next night judges it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from gateway.core.changes.difference import Difference
from gateway.errors import BrokenSeal, Conflict
from gateway.flow.batches.carrying_out import carry_out, cause_of
from gateway.flow.findings.holds import mark_open
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import revisions
from gateway.model.holds import Hold
from gateway.settings.gateway import HoldsSpec
from gateway.store import claims, holds, pages, reviews, runs
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms

_LONGEST_GATHERING = timedelta(days=1)
"""A file whose other parts never come is judged by those that came."""


def judge(office: Office, subject: str | None = None) -> int:
    """Judge every hold whose cause is over (of one feed or association, where it is named); returns how many a person
    must decide now."""
    with office.store.read() as tx:
        over = [hold for hold in holds.gathering(tx) if subject in (None, hold.subject) and _is_over(tx, office, hold)]
    return sum(_judge_or_ask(office, hold.hold_id) for hold in over)


def _judge_or_ask(office: Office, hold_id: int) -> bool:
    """As `_judge_hold`; what cannot be concluded, because a page does not open or its feed is gone, a person decides:
    it stops no other."""
    try:
        return _judge_hold(office, hold_id)
    except (BrokenSeal, Conflict):
        with office.store.write() as tx:
            hold = holds.load(tx, hold_id)
            if hold.state == "gathering":
                hold = mark_open(tx, office, hold, Difference())
        return hold.state == "open"


def _is_over(tx: Tx, office: Office, hold: Hold) -> bool:
    """Whether nothing more of a cause is to come: of a file, that every part of its newest delivery is worked; of a
    feed's night, that no process is at it."""
    if office.now() - from_ms(hold.created_at) > _LONGEST_GATHERING:
        return True
    if hold.cause == "night":
        return not runs.under_way(tx, hold.subject, now=office.now())
    if hold.cause != "file":
        return True
    stored = pages.of_source(tx, hold.subject, hold.name)
    newest = revisions(stored)[-1] if stored else []
    return all(page.state != "stored" for page in newest) and len(newest) >= max((p.parts for p in newest), default=0)


def _judge_hold(office: Office, hold_id: int) -> bool:
    """Write what a hold put aside, or leave it to a person; returns whether a person must decide."""
    with office.store.write() as tx:
        hold = holds.load(tx, hold_id)
        if hold.state != "gathering":
            return False
        in_force = {name: claims.in_force(tx, name) for name in office.associations}
        earlier = holds.taken_before(tx, cause_of(hold))
        difference = carry_out(tx, office, hold)
        if not is_much(difference, in_force, earlier, office.gateway.holds):
            _released(tx, office, hold, difference)
            return False
        tx.rollback()
    with office.store.write() as tx:
        hold = holds.load(tx, hold_id)
        if hold.state == "gathering":
            mark_open(tx, office, hold, difference)
    return True


def is_much(difference: Difference, in_force: Mapping[str, int], earlier: int, limit: HoldsSpec) -> bool:
    """Whether so many claims would be withdrawn or lowered that a person must decide: at least so many, and more than
    the share of what stood in some association (`in_force`: association → claims). `earlier`: claims that the same
    cause took before."""
    taken = Counter(claim.association for claim in difference.taken)
    return any(
        many + earlier >= limit.claims and many + earlier > limit.share * (in_force.get(association, 0) + earlier)
        for association, many in taken.items()
    )


def _released(tx: Tx, office: Office, hold: Hold, difference: Difference) -> None:
    was, becomes = difference.money
    released = msgspec.structs.replace(
        hold,
        state="released",
        judged_at=to_ms(office.now()),
        members=holds.members_at(tx, hold.hold_id),
        claims=len(difference.taken),
        was=was,
        becomes=becomes,
    )
    holds.change(tx, released)
    reviews.forget_released(
        tx, {item.page_seq for item in holds.items_of(tx, hold.hold_id) if item.page_seq is not None}
    )
    holds.forget_items(tx, hold.hold_id)
