"""What rows are made of: codes the mapping does not know, keys no field reads, fields that are suddenly empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Final

from gateway.core.watching.counting import add_samples, newest_against_before
from gateway.model.feed_day import WARNING, FeedDay
from gateway.model.trouble import Trouble
from gateway.words.records import field_in_words
from gateway.words.troubles import trouble_in_words

NEW_FOR: Final = 30
"""For how many days a key that appeared is said to be new."""

WARNED_FOR: Final = 7
"""For how many days behind its newest row a warning is said."""

_FILLED = 0.95
_SHOWN = 20


def unknown_codes(feed: str, days: Sequence[FeedDay], is_known: Callable[[str, str], bool]) -> list[Trouble]:
    """One for each code that decides about money and that the mapping does not know, with rows, money and first day,
    whatever the mapping makes of such a code. `is_known`: whether the mapping in force knows a field's code."""
    rows_by_code: dict[tuple[str, str], list[tuple[date, int, int]]] = {}
    for day in days:
        for field, codes in day.unknown.items():
            if field.startswith(WARNING):
                continue
            for code, (rows, amount) in codes.items():
                rows_by_code.setdefault((field, code), []).append((day.day, rows, amount))
    return [
        Trouble(
            code="unknown_codes",
            kind="feed",
            name=f"{feed}/{field}/{code}",
            count=sum(rows for _, rows, _ in seen),
            amount=sum(amount for _, _, amount in seen),
            days=tuple(day for day, _, _ in seen),
        )
        for (field, code), seen in sorted(rows_by_code.items())
        if not is_known(field, code)
    ]


def rows_warned(feed: str, days: Sequence[FeedDay], still_warns: Callable[[str, str], bool]) -> list[Trouble]:
    """One for each code that members' rows were taken in with a warning of, with fields, rows, money and first day, as
    long as the newest week holds such rows. `still_warns`: whether the mapping in force may warn of a field so."""
    seen: dict[str, list[tuple[date, list[str], int, int]]] = {}
    for day in days:
        for name, rows_by_fields in day.unknown.items():
            code = name.removeprefix(WARNING)
            for fields, (rows, amount) in rows_by_fields.items() if name.startswith(WARNING) else ():
                warned = [field for field in fields.split("、") if still_warns(code, field)]
                if warned:
                    seen.setdefault(code, []).append((day.day, warned, rows, amount))
    return [
        Trouble(
            code="rows_warned",
            kind="feed",
            name=f"{feed}/{code}",
            count=sum(rows for _, _, rows, _ in rows_seen),
            amount=sum(amount for _, _, _, amount in rows_seen),
            days=tuple(day for day, _, _, _ in rows_seen),
            detail=f"{trouble_in_words('', code)}：{_fields_in_words([fields for _, fields, _, _ in rows_seen])}",
        )
        for code, rows_seen in sorted(seen.items())
        if rows_seen[-1][0] + timedelta(days=WARNED_FOR) > days[-1].day
    ]


def _fields_in_words(several: Sequence[Sequence[str]]) -> str:
    return "、".join(field_in_words(field) for field in dict.fromkeys(chain.from_iterable(several)))


def vanished_fields(feed: str, days: Sequence[FeedDay]) -> list[Trouble]:
    """One for each field that nearly every row had and no row has any more."""
    newest_samples, samples_before = newest_against_before(days)
    newest = add_samples(newest_samples)
    if all(newest.filled.get(field) for field in set().union(*(sample.filled for sample in samples_before))):
        return []
    before, last_day = add_samples(samples_before), days[-1].day
    return [
        Trouble(
            code="field_vanished",
            kind="feed",
            name=f"{feed}/{field}",
            count=newest.rows,
            days=(last_day,),
            detail=f"{field}：此前{rows / before.rows:.0%}的行有值，现在没有 (filled before, empty now)",
        )
        for field, rows in sorted(before.filled.items())
        if rows >= _FILLED * before.rows and not newest.filled.get(field)
    ]


def new_keys(feed: str, days: Sequence[FeedDay], is_read: Callable[[str], bool]) -> list[Trouble]:
    """Keys or columns that no field reads and that were not there when the feed began. What was there then was looked
    at when the feed was connected. `is_read`: whether the mapping in force reads a key."""
    sampled = [day for day in days if day.sample.rows]
    if not sampled:
        return []
    first_seen: dict[str, date] = {}
    for day in sampled:
        for key in day.sample.unused:
            first_seen.setdefault(key, day.day)
    begin, newest = sampled[0].day, sampled[-1].day
    recent = {key: day for key, day in first_seen.items() if day > begin and day + timedelta(days=NEW_FOR) > newest}
    new = [key for key in recent if not is_read(key)]
    if not new:
        return []
    shown = "、".join(new[:_SHOWN]) + (f"等{len(new)}个" if len(new) > _SHOWN else "")
    since = tuple(first_seen[key] for key in new)
    return [Trouble(code="keys_unused", kind="feed", name=feed, count=len(new), days=since, detail=shown)]
