"""Look at matching from outside: why a row was decided as it was, and what the blocks cost. Both only ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

import msgspec

from gateway.core.changes import ReadRow
from gateway.core.normalise import Rows
from gateway.core.reviewing import Pair, side_by_side
from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import entries_after
from gateway.flow.pages.stored_pages import open_page
from gateway.flow.reading.candidates import Search, blocks_asked, number_asked
from gateway.flow.reading.rows import identify, look_up, see_as_written
from gateway.flow.reviewing.show import find_item
from gateway.model.decision import Evidence
from gateway.model.person import Subject
from gateway.model.rows import RowClass
from gateway.store import blocks, members, pages, quarantine, records, reviews
from gateway.store.blocks import Width
from gateway.store.engine import Tx
from gateway.store.reporting import number_width


class AssociationMatch(msgspec.Struct, frozen=True, kw_only=True):
    """What one association's members came to: the decision, and the best candidate beside the row, masked."""

    association: str
    outcome: str
    score: float
    reasons: tuple[str, ...]
    model: str
    candidates: int
    member_no: str | None
    pairs: tuple[Pair, ...]
    evidence: tuple[Evidence, ...]


class MatchExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One row, counted from 1, decided again from what is stored. `asked`: the kinds of what it is looked up by, in
    order."""

    feed: str
    page: int
    row: int
    reversal: bool
    kind: RowClass
    asked: tuple[str, ...]
    decisions: tuple[AssociationMatch, ...]


def explain(office: Office, settlement_no: str, feed: str | None = None) -> list[MatchExplanation]:
    """Every live row with this settlement number, decided again as the night would decide it now.

    Raises WrongUse where no stored page holds it, or there is no such feed.
    """
    if feed is not None and feed not in office.feeds:
        raise WrongUse(f"没有盟市 {feed}；已有：{'、'.join(sorted(office.feeds))} (unknown feed)")
    explanations = []
    for name in [feed] if feed else list(office.feeds):
        for key in office.keys_of_number(name, settlement_no):
            with office.store.read() as tx:
                place = _place(tx, office, name, key)
                if place is not None:
                    explanations += _again(tx, office, *place)
    if not explanations:
        raise WrongUse("没有这个结算号，或其报文已过保存期 (no stored page holds this settlement number)")
    return explanations


def explain_item(office: Office, item_id: int) -> list[MatchExplanation]:
    """The row a doubt before a person is about, decided again. Raises BadInput, WrongUse where it is about none."""
    with office.store.read() as tx:
        item = find_item(tx, item_id, None)
        if item.kind != "match" or item.row is None:
            raise WrongUse(f"第{item_id}号不是匹配事项 (the item is not about a match)")
        explanations = _again(tx, office, item.page_seq, item.row)
    if not explanations:
        raise WrongUse("其报文已过保存期或读不出 (its page is gone or cannot be read)")
    return explanations


def _place(tx: Tx, office: Office, feed: str, key: bytes) -> tuple[int, int] | None:
    """Page and row of what was received last under a key; strangers' rows only the pages' sealed lists know."""
    places = [(record.page_seq, record.row) for record in records.by_keys(tx, [key])]
    places += [(item.page_seq, item.row) for item in reviews.open_by_key(tx, [key]) if item.row is not None]
    places += [(lost.page_seq, lost.row) for lost in quarantine.open_by_key(tx, [key]) if lost.row is not None]
    if places:
        return max(places)
    return max((place for place, _, _ in entries_after(tx, office, feed, 0, {key}, [])), default=None)


def _again(tx: Tx, office: Office, seq: int, index: int) -> list[MatchExplanation]:
    page = open_page(tx, office, seq)
    if page is None:
        return []
    meta, content = page.meta, page.rows
    row = identify(office, meta.feed, content, index, index + 1)[0]
    asked = _kinds_asked(office, meta.feed, content, row)
    look_up(tx, office, meta.feed, [row], content)
    subject = office.mapping_of(meta.feed).subject(content, index)
    candidates = Search(tx, office, meta.feed, content).run([row]).of_rows.get(index, ())
    offered = Counter(member.association for member in candidates)
    decisions = [
        AssociationMatch(
            association=association,
            outcome=decision.outcome.value,
            score=decision.score,
            reasons=decision.reasons,
            model=decision.model,
            candidates=offered[association],
            member_no=decision.member.member_no if decision.member else None,
            pairs=_pairs(tx, office, subject, decision.member.member_id if decision.member else None),
            evidence=decision.evidence,
        )
        for association, decision in row.decisions
    ]
    reversal = row.identity.reversal if row.identity else row.amount < 0
    return [
        MatchExplanation(
            feed=meta.feed,
            page=seq,
            row=index + 1,
            reversal=reversal,
            kind=row.row_class,
            asked=asked,
            decisions=tuple(decisions),
        )
    ]


def _pairs(tx: Tx, office: Office, subject: Subject, member_id: int | None) -> tuple[Pair, ...]:
    rows = members.by_id(tx, [member_id]) if member_id is not None else []
    return tuple(side_by_side(subject, office.open_member(rows[0]), reveal=False)) if rows else ()


def _kinds_asked(office: Office, feed: str, content: Rows, row: ReadRow) -> tuple[str, ...]:
    """What a row that leads to nobody is looked up by: its number, then kinds of blocks."""
    see_as_written(office, feed, content, row)
    number = ("number",) if number_asked(row) is not None else ()
    return number + tuple(block[:2].decode() for block in blocks_asked(office, feed, content, row))


class LookupSample(msgspec.Struct, frozen=True, kw_only=True):
    """What asking cost for rows of the newest pages: look-ups a row; candidates a row whose number is a member's, for
    the one look-up it takes; candidates a row whose number is nobody's."""

    rows: int
    by_number: int
    candidates_per_member: float
    most_by_number: int
    lookups_per_record: float
    lookups_per_stranger: float
    most_lookups: int
    candidates_per_stranger: float
    most_candidates: int


class BlockReport(msgspec.Struct, frozen=True, kw_only=True):
    """The index of numbers and that of blocks by kind, and a sample of what asking costs; none before any page is
    stored."""

    kinds: tuple[Width, ...]
    sample: LookupSample | None


def expected_candidates(width: Width) -> float:
    """How many others a member would find under his own block of this kind: what a stranger from the same people
    finds on average, where nobody but members lived there."""
    return (width.squares - width.rows) / width.rows if width.rows else 0.0


def block_report(office: Office, *, sample: int = 10_000) -> BlockReport:
    """How wide the blocks are, and what the newest `sample` rows ask and find."""
    with office.store.read() as tx:
        kinds = (number_width(tx), *blocks.widths(tx))
        # A page is opened only once the rows of the pages before it do not suffice.
        newest = ((feed, page) for feed in office.feeds for page in reversed(pages.of_feed(tx, feed)))
        opened = ((feed, open_page(tx, office, page.seq)) for feed, page in newest if page.state == "done")
        counts_by_page = (_counts_of(tx, office, feed, page.rows) for feed, page in opened if page is not None)
        counts = list(islice(chain.from_iterable(counts_by_page), sample))
    return BlockReport(kinds=kinds, sample=_sampled(counts) if counts else None)


class _Count(msgspec.Struct, frozen=True):
    """One row: look-ups it costs, candidates it finds, and whether its number found them."""

    lookups: int
    candidates: int
    by_number: bool


def _counts_of(tx: Tx, office: Office, feed: str, content: Rows) -> Iterator[_Count]:
    size = office.gateway.batch_rows
    for start in range(0, len(content), size):
        rows = identify(office, feed, content, start, min(start + size, len(content)))
        kinds = {row.index: _kinds_asked(office, feed, content, row) for row in rows}
        candidate_set = Search(tx, office, feed, content).run(rows)
        for row in rows:
            many = len(candidate_set.of_rows.get(row.index, ()))
            by_number = row.index in candidate_set.by_number
            yield _Count(1 if by_number else len(kinds[row.index]), many, by_number)


def _sampled(counts: Sequence[_Count]) -> LookupSample:
    strangers = [count for count in counts if not count.by_number]
    members = [count for count in counts if count.by_number]
    return LookupSample(
        rows=len(counts),
        by_number=len(members),
        candidates_per_member=_mean([count.candidates for count in members]),
        most_by_number=max((count.candidates for count in members), default=0),
        lookups_per_record=_mean([count.lookups for count in counts]),
        lookups_per_stranger=_mean([count.lookups for count in strangers]),
        most_lookups=max(count.lookups for count in counts),
        candidates_per_stranger=_mean([count.candidates for count in strangers]),
        most_candidates=max((count.candidates for count in strangers), default=0),
    )


def _mean(values: Sequence[int]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0
