"""A feed's days against each other: one is missing, empty, too small or large, cut off, sent twice, or wrong in sum.

Every function takes the days of one feed, oldest first, as they were last counted, and returns what is not as it should
be. Only days that are over and wholly worked are judged: a day of receipt is not over before the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from types import MappingProxyType
from typing import Final

import msgspec

from gateway.core.claims.deadlines import is_working_day
from gateway.core.masks import mask_personal
from gateway.core.watching.expectation import Expectation
from gateway.core.watching.files import without_copy_mark
from gateway.model.feed_day import FeedDay
from gateway.model.trouble import Trouble

MISSING_WITHIN: Final = 45
"""How many days before its newest a feed's missing day is still said."""

RECENT: Final = 7
"""For how many days an odd day is said."""

_FEW_GAPS = 4
_DAYS_OFF = 4
_SAME_WEEKDAYS = 4
_FAR = 3
_FEWEST_ROWS = 50
_EQUAL_ROWS = 100
_EQUAL_DAYS = 3
_ROUND = 5_000
_SHEET_LIMITS = frozenset((65_535, 65_536, 1_048_575, 1_048_576))
"""The most rows a sheet of old and of new workbooks holds, with and without its header."""


def missing_days(feed: str, days: Sequence[FeedDay], expect: Expectation) -> list[Trouble]:
    """Days without a file between two days that have one. Only where the feed itself names its days.

    What is seen of the feed counts beside what is expected: one that leaves most days out tells no day too little, one
    that leaves most weekends and holidays out is judged by working days.
    """
    named = sorted(day.day for day in days if day.dated)
    if expect.days == "any" or len(named) < 2:
        return []
    steps = [(after - before).days for before, after in pairwise(named)]
    if len(steps) >= _FEW_GAPS and median(steps) > 1:
        return []
    all_days = [named[0] + timedelta(days=ahead) for ahead in range((named[-1] - named[0]).days + 1)]
    free = [day for day in all_days if not is_working_day(day)[0]]
    rests = expect.days == "working" or (len(free) >= _DAYS_OFF and 2 * len(set(free) & set(named)) < len(free))
    since = named[-1] - timedelta(days=MISSING_WITHIN)
    missing = [day for day in all_days if day >= since and day not in named and not (rests and day in free)]
    shown = "、".join(day.isoformat() for day in missing[:RECENT])
    return _about("day_missing", feed, missing, shown if len(missing) <= RECENT else f"{shown}等{len(missing)}天")


def empty_days(feed: str, days: Sequence[FeedDay], today: date) -> list[Trouble]:
    """Days on which something came and held no row, where such a feed usually tells some and does not say itself that
    there were none."""
    judged = _judged(days, today)
    usual = median([day.rows for day in judged]) if len(judged) > 1 else 0
    empty = [day.day for day in _recent(judged) if day.rows == 0 and day.said_rows is None and usual > 0]
    return _about("feed_empty", feed, empty)


def days_outside(feed: str, days: Sequence[FeedDay], expect: Expectation, today: date) -> list[Trouble]:
    """Days with fewer or more rows than its file expects."""
    if expect.rows_per_day is None:
        return []
    fewest, most = expect.rows_per_day
    odd = [day for day in _recent(_judged(days, today)) if not fewest <= day.rows <= most]
    if not odd:
        return []
    detail = f"{_rows(odd)}；应为{fewest}–{most}行 (expected)"
    return _about("rows_outside", feed, [day.day for day in odd], detail)


def unusual_days(feed: str, days: Sequence[FeedDay], today: date) -> list[Trouble]:
    """Days with less than a third or more than three times what the same weekday usually has. Holidays are held
    against days off, working Saturdays against working days."""
    judged = _judged(days, today)
    rows_by_day = {day.day: day.rows for day in judged}
    odd = []
    for day in _recent(judged):
        weeks = range(1, (day.day - judged[0].day).days // 7 + 1)
        same_weekdays = [day.day - timedelta(weeks=back) for back in weeks]
        works = is_working_day(day.day)[0]
        alike = [rows_by_day[on] for on in same_weekdays if on in rows_by_day and is_working_day(on)[0] == works]
        usual = median(alike) if len(alike) >= _SAME_WEEKDAYS else 0
        if usual >= _FEWEST_ROWS and not usual <= _FAR * day.rows <= _FAR * _FAR * usual:
            odd.append((day.day, f"{day.day} {day.rows}行，往常{int(usual)}行 (usually)"))
    return _each_day("rows_unusual", feed, odd)


def cut_off_files(feed: str, days: Sequence[FeedDay]) -> list[Trouble]:
    """Files with exactly as many rows as a sheet or an export holds at most: what is behind them did not come."""
    odd = [
        (day.day, f"{mask_personal(name)} {rows}行")
        for day in _recent(days)
        for name, rows in day.sources.items()
        if name and (rows in _SHEET_LIMITS or (rows >= _ROUND and rows % _ROUND == 0))
    ]
    return _each_day("rows_at_limit", feed, odd)


def equal_days(feed: str, days: Sequence[FeedDay], today: date) -> list[Trouble]:
    """The same number of rows day after day: a page limit, or the same file again and again."""
    last = _judged(days, today)[-_EQUAL_DAYS:]
    if len(last) < _EQUAL_DAYS or len({day.rows for day in last}) > 1 or last[0].rows < _EQUAL_ROWS:
        return []
    return _about("rows_equal", feed, [day.day for day in last], _rows(last))


def files_twice(
    feed: str, days: Sequence[FeedDay], late_files: Mapping[date, Sequence[str]] = MappingProxyType({})
) -> list[Trouble]:
    """Days with a second file under another name: one named like a copy of the other, or more files than on any other
    day of a feed that usually sends as many each day. Nothing was taken back for it. `late_files`: the names of all
    files of earlier days for which one came lately."""
    dated = [day for day in days if day.dated]
    recent = {day.day: list(day.sources) for day in _recent(dated)}
    odd = []
    for on, sources in sorted({**late_files, **recent}.items()):
        names = [name for name in dict.fromkeys(sources) if name]
        copies = len({without_copy_mark(name) for name in names}) < len(names)
        counts = [len(another.sources) for another in dated if another.day != on]
        if copies or (len(counts) >= RECENT and len(names) > max(counts)):
            odd.append((on, "、".join(mask_personal(name) for name in names)))
    return _each_day("file_twice", feed, odd)


def totals_that_differ(feed: str, days: Sequence[FeedDay]) -> list[Trouble]:
    """Days whose rows or money are not what the feed itself says they are.

    A settlement that stands twice in a file counts once for one sender and twice for another, so both are right.
    """
    odd, money = [], 0
    for day in days:
        if day.said_rows is None or day.open_pages:
            continue
        rows_differ = not day.rows - day.superseded_rows <= day.said_rows <= day.rows
        bounds = sorted((day.amount, day.amount - day.superseded_amount))
        differs = day.said_amount is not None and not bounds[0] <= day.said_amount <= bounds[1]
        if rows_differ or differs:
            odd.append((day.day, f"{day.day} 对方称{day.said_rows}行，实收{day.rows}行"))
            money += abs((day.said_amount or 0) - day.amount) if differs else 0
    return _each_day("totals_differ", feed, odd, amount=money or None)


def doubts_jumped(feed: str, days: Sequence[FeedDay], today: date) -> list[Trouble]:
    """The newest day has three times the share of doubtful matches that the days before it had."""
    judged = _judged(days, today)
    if len(judged) < _SAME_WEEKDAYS:
        return []
    *before, newest = judged
    matches, matches_before = (
        newest.member_rows + newest.review_rows,
        sum(d.member_rows + d.review_rows for d in before),
    )
    if newest.review_rows < 10 or matches_before < 2 * _FEWEST_ROWS:
        return []
    doubts_before = sum(day.review_rows for day in before)
    few = 20 * newest.review_rows < matches
    if few or newest.review_rows * matches_before < _FAR * doubts_before * matches:
        return []
    shares = f"{newest.review_rows / matches:.0%}，此前{doubts_before / matches_before:.1%}"
    detail = f"{shares} (share of doubts now, before)"
    return _about("doubts_jumped", feed, [newest.day], detail, count=newest.review_rows)


def newest_judged(days: Sequence[FeedDay], today: date) -> FeedDay | None:
    """The newest day that is over and wholly worked."""
    judged = _judged(days, today)
    return judged[-1] if judged else None


def _judged(days: Sequence[FeedDay], today: date) -> list[FeedDay]:
    return [day for day in days if not day.open_pages and (day.dated or day.day < today)]


def _recent(days: Sequence[FeedDay]) -> list[FeedDay]:
    newest = max((day.day for day in days), default=date.min)
    return [day for day in days if day.day + timedelta(days=RECENT) > newest]


def _rows(days: Sequence[FeedDay]) -> str:
    return "；".join(f"{day.day} {day.rows}行" for day in days)


def _about(code: str, feed: str, days: Sequence[date], detail: str = "", *, count: int | None = None) -> list[Trouble]:
    """What is wrong with these days of a feed; nothing where there are none."""
    many = len(days) if count is None else count
    return [Trouble(code=code, kind="feed", name=feed, count=many, days=tuple(days), detail=detail)] if days else []


def _each_day(code: str, feed: str, odd: Sequence[tuple[date, str]], *, amount: int | None = None) -> list[Trouble]:
    """What is wrong with each of these days, in words; nothing where there are none."""
    detail = "；".join(words for _, words in odd)
    troubles = _about(code, feed, [day for day, _ in odd], detail)
    return [msgspec.structs.replace(trouble, amount=amount) for trouble in troubles]
