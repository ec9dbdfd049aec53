"""What a hold put aside is concluded anew, or never will be: in one transaction, rolled back where it is only told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gateway.core.changes.difference import Difference, difference_between
from gateway.core.changes.holding import people_taken_from
from gateway.core.changes.values import Relisting
from gateway.errors import BrokenSeal, Conflict
from gateway.flow.batches.replay import apply_again, rows_of
from gateway.flow.changes import Batch, conclude_only, make_changes
from gateway.flow.changes.write import write
from gateway.flow.findings.holds import contents_of
from gateway.flow.office import Office
from gateway.flow.pages import row_lists
from gateway.flow.pages.stored_pages import OpenPage, open_page
from gateway.flow.reading.rows import look_up
from gateway.flow.roster.enrol import take_held
from gateway.model.holds import AsideItem, Cause, Hold
from gateway.model.questions import ReviewItem
from gateway.model.rows import ClassChange, RowClass
from gateway.store import batches, claims, holds, pages, people, reviews, roster
from gateway.store.engine import Tx, lock


def cause_of(hold: Hold) -> Cause:
    """What the hold waits for."""
    return Cause(kind=hold.cause, subject=hold.subject, name=hold.name)


def carry_out(tx: Tx, office: Office, hold: Hold) -> Difference:
    """Conclude anew, under the rules of now, all that a hold put aside, and write it; what became of the claims of its
    people. The pages come in the order they were received. Raises BrokenSeal, or Conflict where a page is gone."""
    items, concerned = _take_hold(tx, office, hold, holds.items_of(tx, hold.hold_id))
    before = {claim.claim_id: claim for claim in claims.of_people(tx, concerned)}
    holds.let_people_go(tx, hold.hold_id, concerned)
    if hold.cause == "roster":
        take_held(tx, office, hold.subject, contents_of(tx, office, hold.hold_id).values())
    for seq, rows in sorted(_rows_by_page(items).items()):
        page = _page(tx, office, seq)
        reading = look_up(tx, office, page.meta.feed, rows_of(office, page, rows), page.rows)
        apply_again(tx, office, page, reading, cause=cause_of(hold), judged=True)
    taken_back = sorted({item.page_seq for item in items if item.row is None and item.page_seq is not None})
    if taken_back:
        make_changes(tx, office, Batch(taken_back=taken_back), cause_of(hold), judged=True)
    make_changes(tx, office, Batch(people=concerned), cause_of(hold), judged=True)
    return difference_between(before, claims.of_people(tx, concerned))


def _take_hold(
    tx: Tx, office: Office, hold: Hold, items: Sequence[AsideItem]
) -> tuple[Sequence[AsideItem], dict[int, str]]:
    """Lock what a batch locks, in the same order (feeds, rosters, people), then the hold. Returns its items as they are
    once nobody can add one, since what was put aside while this waited belongs to it too; and person → association.
    Raises Conflict where the hold was decided about meanwhile."""
    concerned = dict(sorted(holds.associations_of(tx, {item.person_id for item in items}).items()))
    feeds = {pages.about(tx, seq)[0].feed for seq in {item.page_seq for item in items} if seq is not None}
    for feed in sorted(feeds):
        lock(tx, f"feed:{feed}")
    if hold.cause == "roster":
        # Accepting it changes the roster: a lock that was only shared could not be raised without waiting for others.
        roster.move_version(tx, hold.subject)
    in_force = feeds & office.feeds.keys()
    served = {name for feed in in_force for name in office.feeds[feed].associations}
    roster.version(tx, sorted(served.union(concerned.values())), hold=True)
    people.lock(tx, concerned)
    if holds.keep_still(tx, hold.hold_id) != hold.state:
        # Two may have read it as waiting: the second would carry it out again, and write that it took nothing.
        raise Conflict(f"待确认 {hold.hold_id} 已由他人处理 (somebody was first)")
    now = holds.items_of(tx, hold.hold_id)
    return (now, concerned) if len(now) == len(items) else _take_hold(tx, office, hold, now)


def _rows_by_page(items: Sequence[AsideItem]) -> dict[int, set[int]]:
    rows: dict[int, set[int]] = defaultdict(set)
    for item in items:
        if item.page_seq is not None and item.row is not None:
            rows[item.page_seq].add(item.row)
    return rows


def _page(tx: Tx, office: Office, seq: int) -> OpenPage:
    """A page whose rows wait. Raises BrokenSeal, or Conflict where it is gone, or its feed is."""
    feed = pages.about(tx, seq)[0].feed
    if feed not in office.feeds:
        raise Conflict(f"来源 {feed} 已不在配置中 (no longer in the settings)")
    page = open_page(tx, office, seq)
    if page is None:
        raise Conflict(f"第{seq}页已到期或现行映射读不了 (page {seq} is gone, or the mapping of now cannot read it)")
    return page


def _page_or_none(tx: Tx, office: Office, seq: int) -> OpenPage | None:
    try:
        return _page(tx, office, seq)
    except (BrokenSeal, Conflict):
        return None


def leave_as_it_stands(tx: Tx, office: Office, hold: Hold) -> int:
    """A person refused: what stands stays. Rows that would take something away count no longer; one that by itself
    takes nothing from anybody, such as another stay, is its member's like any other; of a page that does not open none
    is. Returns how many rows count no longer."""
    items, concerned = _take_hold(tx, office, hold, holds.items_of(tx, hold.hold_id))
    holds.let_people_go(tx, hold.hold_id, concerned)
    refused = 0
    for seq, rows in sorted(_rows_by_page(items).items()):
        waiting = {item.row: item for item in reviews.open_of_pages(tx, [seq]) if item.kind == "hold"}
        page = _page_or_none(tx, office, seq)
        for row in sorted(rows & waiting.keys()):
            if page is None or not _takes_nothing(tx, office, page, row):
                _count_no_longer(tx, office, waiting[row], row)
                refused += 1
    return refused


def _takes_nothing(tx: Tx, office: Office, page: OpenPage, row: int) -> bool:
    """Whether a row, concluded alone, takes nothing from anybody and replaces nothing: then it is written."""
    reading = look_up(tx, office, page.meta.feed, rows_of(office, page, [row]), page.rows)
    batch = Batch(page=page.place, rows=reading.rows, again=True, members=reading.members)
    knowledge, changes = conclude_only(tx, office, batch)
    if changes.removed or people_taken_from(knowledge, changes) or changes.classes.get(row) is RowClass.SUPERSEDED:
        return False
    write(tx, office, batch, changes)
    return True


def _count_no_longer(tx: Tx, office: Office, item: ReviewItem, row: int) -> None:
    seq = item.page_seq
    move = ClassChange(
        page_seq=seq,
        row=row,
        before=RowClass.REVIEW,
        after=RowClass.SUPERSEDED,
        amount=item.amount,
        counted=item.amount,
    )
    reviews.end(tx, [item.item_id], state="closed")
    batches.change_classes(tx, [move])
    row_lists.rewrite(tx, office, seq, {row: Relisting(row_class=RowClass.SUPERSEDED)})
