"""What the batches of a feed's day come to together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from gateway.model.feed_day import FeedDay, KeySample, PagePart, UnknownCodes

_FEWEST_ROWS = 20
"""Fewer rows of a sample say nothing about what a field is like."""

_SUMMED = (
    "rows", "amount", "member_rows", "review_rows", "quarantined_rows", "superseded_rows", "superseded_amount",
)  # fmt: skip


def count_day(feed: str, day: date, parts: Sequence[PagePart], totals: tuple[int, int | None] | None) -> FeedDay:
    """A day of its batches. `totals`: rows and money (fen) the feed itself states."""
    sources: dict[str, int] = defaultdict(int)
    for part in parts:
        sources[part.source] += part.rows
    return FeedDay(
        feed=feed,
        day=day,
        dated=any(part.dated for part in parts),
        open_pages=sum(part.page_open for part in parts),
        said_rows=totals[0] if totals else None,
        said_amount=totals[1] if totals else None,
        sources=dict(sources),
        sample=add_samples([part.sample for part in parts if part.sample is not None]),
        unknown=add_codes([part.unknown for part in parts if part.unknown]),
        **{name: sum(getattr(part, name) for part in parts) for name in _SUMMED},
    )


def add_samples(samples: Sequence[KeySample]) -> KeySample:
    """Several samples as one."""
    filled: dict[str, int] = defaultdict(int)
    for sample in samples:
        for field, rows in sample.filled.items():
            filled[field] += rows
    unused = tuple(dict.fromkeys(key for sample in samples for key in sample.unused))
    return KeySample(rows=sum(sample.rows for sample in samples), filled=dict(filled), unused=unused)


def add_codes(several: Sequence[UnknownCodes]) -> UnknownCodes:
    """Unknown codes of several batches or days together."""
    total: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for unknown in several:
        for field, codes in unknown.items():
            for code, (rows, amount) in codes.items():
                rows_before, amount_before = total[field].get(code, (0, 0))
                total[field][code] = (rows_before + rows, amount_before + amount)
    return dict(total)


def newest_against_before(days: Sequence[FeedDay]) -> tuple[Sequence[KeySample], Sequence[KeySample]]:
    """The newest days' samples that are enough together to say something, and all before them; none where either say
    too little."""
    samples = [day.sample for day in days if day.sample.rows]
    rows = 0
    for first in range(len(samples) - 1, 0, -1):
        rows += samples[first].rows
        if rows >= _FEWEST_ROWS:
            before, newest = samples[:first], samples[first:]
            return (newest, before) if sum(sample.rows for sample in before) >= _FEWEST_ROWS else ((), ())
    return (), ()
