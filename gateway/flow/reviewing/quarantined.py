"""What could not be read, before a person: listed by place and number, grouped by what is wrong, shown with its row
only with a trace, and closed for a reason where it will never be right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from gateway.core.masks import mask_personal
from gateway.core.signing import clerk
from gateway.errors import BadPage, BrokenSeal, WrongUse
from gateway.flow.accounts.seeing import note_access
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.flow.pages.stored_pages import OpenPage, open_page, page_bytes
from gateway.model.money import yuan
from gateway.model.page import RowError
from gateway.model.questions import QuarantineItem
from gateway.model.states import ItemState
from gateway.store import pages, quarantine
from gateway.store.accesses import QUARANTINE, Access
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms
from gateway.vault import context_for

reason_context = context_for("quarantine", "reason")

_PAGE_START = 2_000
"""How much of a page that cannot be read at all is shown to whoever must look at it, in bytes."""


class QuarantineLine(msgspec.Struct, frozen=True, kw_only=True):
    """An item without its row. `row` from 1, None for a whole page; `amount` in yuan; `settlement_no` None where it
    cannot be read, or its page is gone; `source`: the file, where it came in one. A person's numbers are masked."""

    item: int
    feed: str
    page: int
    row: int | None
    settlement_no: str | None
    source: str
    day: str
    amount: str
    errors: tuple[RowError, ...]
    groups: tuple[str, ...]
    state: str
    closed_by: str | None
    closed_at: str | None
    reason: str | None


class QuarantineShown(QuarantineLine, frozen=True, kw_only=True):
    """An item with its row as it came, by the names the mapping reads: only where somebody signed for seeing it."""

    revealed: bool
    values: dict[str, str]


class QuarantineList(msgspec.Struct, frozen=True, kw_only=True):
    """Items newest first, and how many there are in all."""

    quarantine: list[QuarantineLine]
    total: int
    more: bool


class QuarantineGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What has one thing wrong in common: `group` names it to the other commands. `amount` in yuan."""

    group: str
    feed: str
    mapping: str
    version: int
    code: str
    field: str
    items: int
    amount: str
    first_item: int
    last_item: int


def list_items(
    office: Office,
    *,
    state: ItemState | None = "open",
    feed: str | None = None,
    below: int | None = None,
    limit: int = 100,
) -> QuarantineList:
    """Items newest first, from behind number `below` on. Raises WrongUse for an unknown feed."""
    with office.store.read() as tx:
        items = quarantine.listing(tx, state=state, feed=feed, below=below, limit=limit + 1)
        total = quarantine.count(tx, state=state, feed=feed)
        lines = _lines(tx, office, items[:limit])
    return QuarantineList(quarantine=lines, total=total, more=len(items) > limit)


def list_group(office: Office, group: str, *, below: int | None = None, limit: int = 100) -> QuarantineList:
    """The items of a group, as `list_items`. Raises WrongUse where there is no such group."""
    numbers = items_of_group(office, group)
    chosen = [number for number in numbers if below is None or number < below]
    with office.store.read() as tx:
        items = [_item(tx, number) for number in chosen[:limit]]
        lines = _lines(tx, office, items)
    return QuarantineList(quarantine=lines, total=len(numbers), more=len(chosen) > limit)


def groups(office: Office, *, feed: str | None = None) -> list[QuarantineGroup]:
    """What waits for a person, by feed, version of the mapping, code and field; the largest first. An item with several
    things wrong is in several groups."""
    with office.store.read() as tx:
        waiting = [item for item in quarantine.standing(tx) if item.closed_by is None and feed in (None, item.feed)]
    by_group: dict[str, list[QuarantineItem]] = defaultdict(list)
    for item in waiting:
        for group in _groups_of(office, item):
            by_group[group].append(item)
    counted = [_group(group, items) for group, items in by_group.items()]
    return sorted(counted, key=lambda group: (-group.items, group.group))


def _group(name: str, items: Sequence[QuarantineItem]) -> QuarantineGroup:
    feed, mapping, code, field = name.split("/")
    numbers = [item.item_id for item in items]
    return QuarantineGroup(
        group=name,
        feed=feed,
        mapping=mapping.partition("@")[0],
        version=int(mapping.partition("@")[2]),
        code=code,
        field=field.removeprefix("-"),
        items=len(items),
        amount=yuan(sum(item.amount for item in items)),
        first_item=min(numbers),
        last_item=max(numbers),
    )


def _groups_of(office: Office, item: QuarantineItem) -> list[str]:
    """`feed/mapping@version/code/field`, once for each thing wrong. The version is the one its page would be read with
    now; 0 where its feed is no more."""
    feed = office.feeds.get(item.feed)
    mapping = f"{feed.mapping}@{office.mappings[feed.mapping].language.version}" if feed is not None else "-@0"
    return list(dict.fromkeys(f"{item.feed}/{mapping}/{error.code}/{error.field or '-'}" for error in item.errors))


def items_of_group(office: Office, group: str) -> list[int]:
    """The numbers of what waits in a group. Raises WrongUse where there is no such group."""
    with office.store.read() as tx:
        waiting = [item for item in quarantine.standing(tx) if item.closed_by is None]
    numbers = [item.item_id for item in waiting if group in _groups_of(office, item)]
    if not numbers:
        raise WrongUse(f"没有待处理的组 {group}，见 hubao quarantine list --group (no such group)")
    return numbers


def show(office: Office, item_id: int) -> QuarantineShown:
    """One item without its row. Raises WrongUse."""
    with office.store.read() as tx:
        return _shown(_lines(tx, office, [_item(tx, item_id)])[0], revealed=False, values={})


def reveal(office: Office, item_id: int, *, by: str, page: str = "") -> QuarantineShown:
    """One item with its row, or the beginning of its page, after writing down who looks and where. Raises WrongUse,
    BadInput."""
    name = clerk(by)
    with office.store.write() as tx:
        _item(tx, item_id)
        note_access(
            tx,
            office,
            Access(item_id=item_id, by=name, at=to_ms(office.now()), what=QUARANTINE),
            purpose="mend",
            page=page,
        )
    with office.store.read() as tx:
        item = _item(tx, item_id)
        return _shown(_lines(tx, office, [item])[0], revealed=True, values=_values(tx, office, item))


def _shown(line: QuarantineLine, *, revealed: bool, values: dict[str, str]) -> QuarantineShown:
    return QuarantineShown(**msgspec.structs.asdict(line), revealed=revealed, values=values)


def _item(tx: Tx, item_id: int) -> QuarantineItem:
    items = quarantine.listing(tx, state=None, item_id=item_id)
    if not items:
        raise WrongUse(f"没有第{item_id}号 (no such item)")
    return items[0]


def _values(tx: Tx, office: Office, item: QuarantineItem) -> dict[str, str]:
    """What stands in a row, or the beginning of a page that cannot be read; nothing once the page is gone."""
    if item.row is not None:
        page = _page(tx, office, item)
        return {} if page is None else office.mapping_of(item.feed).as_it_came(page.rows, item.row)
    try:
        content = page_bytes(tx, office, item.page_seq)
    except DOES_NOT_OPEN:
        return {}
    return {} if content is None else {"page": content[:_PAGE_START].decode("utf-8", "replace")}


def close(office: Office, item_ids: Sequence[int], *, by: str, reason: str) -> int:
    """A person says, for a reason, that these will never be right; returns how many. Raises WrongUse where one does not
    wait, or there is no reason; BadInput for a name nobody can sign with."""
    name = clerk(by)
    if not reason.strip():
        raise WrongUse("--reason 是空的：请写明为什么不再处理 (--reason is empty: say why)")
    key = office.vault.roster_key()
    with office.store.write() as tx:
        _check_closed(tx, item_ids, closed=False)
        sealed = [(item_id, key.seal(reason.strip().encode(), reason_context(str(item_id)))) for item_id in item_ids]
        quarantine.close(tx, sealed, by=name, at=to_ms(office.now()))
    return len(item_ids)


def reopen(office: Office, item_ids: Sequence[int]) -> int:
    """A person takes a closing back; returns how many. Raises WrongUse where one was not closed by a person."""
    with office.store.write() as tx:
        _check_closed(tx, item_ids, closed=True)
        quarantine.reopen(tx, item_ids)
    return len(item_ids)


def _check_closed(tx: Tx, item_ids: Iterable[int], *, closed: bool) -> None:
    fitting = {item.item_id for item in quarantine.standing(tx) if (item.closed_by is not None) is closed}
    if others := sorted(set(item_ids) - fitting):
        state = "由人关闭的 (closed by a person)" if closed else "待处理的 (waiting)"
        raise WrongUse(f"没有这些{state}隔离项：{'、'.join(map(str, others))} (no such items)")


# ── lines ──


def _lines(tx: Tx, office: Office, items: Sequence[QuarantineItem]) -> list[QuarantineLine]:
    """The items as they are listed; each page is opened once."""
    opened: dict[int, OpenPage | None] = {}
    lines = []
    for item in items:
        if item.row is not None and item.page_seq not in opened:
            opened[item.page_seq] = _page(tx, office, item)
        lines.append(_line(tx, office, item, opened.get(item.page_seq)))
    return lines


def _page(tx: Tx, office: Office, item: QuarantineItem) -> OpenPage | None:
    if item.feed not in office.feeds:
        return None
    try:
        return open_page(tx, office, item.page_seq)
    except (BadPage, *DOES_NOT_OPEN):
        return None


def _line(tx: Tx, office: Office, item: QuarantineItem, page: OpenPage | None) -> QuarantineLine:
    meta, _, _ = pages.about(tx, item.page_seq)
    number = None
    if page is not None and item.row is not None and item.row < len(page.rows):
        number, *_ = office.mapping_of(item.feed).salvage(page.rows, item.row)
    return QuarantineLine(
        item=item.item_id,
        feed=item.feed,
        page=item.page_seq,
        row=None if item.row is None else item.row + 1,
        settlement_no=mask_personal(number) if number else None,
        source=mask_personal(meta.source),
        day=(meta.day or meta.received_at.date()).isoformat(),
        amount=yuan(item.amount),
        errors=item.errors,
        groups=tuple(_groups_of(office, item)),
        state="closed" if item.closed_by is not None and item.state == "open" else item.state,
        closed_by=item.closed_by,
        closed_at=from_ms(item.closed_at).isoformat() if item.closed_at is not None else None,
        reason=_reason(office, item),
    )


def _reason(office: Office, item: QuarantineItem) -> str | None:
    if item.reason is None:
        return None
    try:
        return office.vault.open(item.reason, reason_context(str(item.item_id))).decode()
    except BrokenSeal:
        return None
