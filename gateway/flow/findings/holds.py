"""Holds: what would take away from members more than a small share at once is put aside until a person decides.

A hold is a finding (`changes_held`) as long as it is open. What it puts aside is concluded again when it is accepted
(`flow/batches/deciding_holds.py`); here holds are opened, and what they hold sealed is sealed and opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.changes.difference import Difference
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.model.holds import AsideItem, AsideReason, Cause, Hold
from gateway.store import holds, reviews
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms
from gateway.vault import context_for

HELD = "changes_held"

item_context = context_for("hold_item", "sealed")
note_context = context_for("hold", "note")


def open_hold(
    tx: Tx,
    office: Office,
    cause: Cause,
    people: Mapping[int, bytes | None],
    difference: Difference,
    *,
    reason: AsideReason = "roster",
) -> int:
    """Put these people aside until a person decides; returns the number of the hold, which is open at once, whatever
    its share. `people`: person → what to do for each once it is accepted, in the caller's own bytes, which are sealed
    under the roster's key; `difference`: what would become of their claims. Until then their new rows are in review.

    The caller holds the roster and has locked these people, and writes nothing else of what is put aside.
    """
    hold_id = holds.gather(tx, cause, now_ms=to_ms(office.now()))
    key = office.vault.roster_key()
    items = [
        AsideItem(
            person_id=person_id,
            reason=reason,
            sealed=key.seal(content, item_context(f"{hold_id}/{person_id}")) if content is not None else None,
        )
        for person_id, content in people.items()
    ]
    holds.put_aside(tx, hold_id, items)
    mark_open(tx, office, holds.load(tx, hold_id), difference)
    return hold_id


def contents_of(tx: Tx, office: Office, hold_id: int) -> dict[int, bytes]:
    """Person → what `open_hold` was given. Raises BrokenSeal."""
    open_one = office.vault.opener()
    return {
        item.person_id: open_one(item.sealed, item_context(f"{hold_id}/{item.person_id}"))
        for item in holds.items_of(tx, hold_id)
        if item.sealed is not None
    }


def mark_open(tx: Tx, office: Office, hold: Hold, difference: Difference) -> Hold:
    """A person must decide from now on: the hold says what it would come to, and so does its finding."""
    now = office.now()
    was, becomes = difference.money
    marked = msgspec.structs.replace(
        hold,
        state="open",
        judged_at=to_ms(now),
        members=holds.members_at(tx, hold.hold_id),
        claims=len(difference.taken),
        was=was,
        becomes=becomes,
        difference=difference_digest(office, difference),
    )
    holds.change(tx, marked)
    trouble = Trouble(
        code=HELD,
        kind="hold",
        name=str(hold.hold_id),
        count=marked.claims,
        amount=difference.lost,
        days=(from_ms(hold.created_at).date(),),
        detail=f"{hold.subject}，{marked.members}名会员 (members)",
    )
    raise_(tx, trouble, now=now)
    return marked


def say_decided(tx: Tx, office: Office, hold_id: int) -> None:
    """Nobody is asked about this hold any more."""
    close(tx, HELD, "hold", [str(hold_id)], now=office.now())


def expire_holds(tx: Tx, office: Office, seqs: Sequence[int]) -> None:
    """The pages of these holds are gone before anybody decided: what stands stays for good, and a finding says so."""
    now = office.now()
    for hold in holds.of_pages(tx, seqs) if seqs else ():
        items = holds.items_of(tx, hold.hold_id)
        holds.let_people_go(tx, hold.hold_id, {item.person_id for item in items})
        reviews.expire_rows(tx, {(item.page_seq, item.row) for item in items if item.page_seq is not None})
        holds.change(tx, msgspec.structs.replace(hold, state="expired", decided_at=to_ms(now)))
        holds.forget_items(tx, hold.hold_id)
        say_decided(tx, office, hold.hold_id)
        trouble = Trouble(
            code="hold_expired",
            kind="hold",
            name=str(hold.hold_id),
            count=sum(item.row is not None for item in items),
            days=(from_ms(hold.created_at).date(),),
            detail=hold.subject,
        )
        raise_(tx, trouble, now=now)


def difference_digest(office: Office, difference: Difference) -> bytes:
    """What a person was told, so that it is noticed where it is something else by now."""
    return office.vault.digest_content(msgspec.json.encode(difference))[:16]
