"""A member's period made from the day he joined (参互日期 → 保障期), by the edition's own rule."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from gateway.core.schemes.language.edition import PeriodRule, SchemeFamily
from gateway.model.member import Coverage

_ONE_DAY = timedelta(days=1)


def coverage_from(joined_on: date, family: SchemeFamily) -> Coverage | None:
    """The period that begins when a member joins; None where no edition or no rule is in force then."""
    for edition in reversed(family.editions):
        if edition.period is not None:
            # The edition is that of the first covered day, which may come after the day of joining.
            rule = edition.period.on(joined_on)
            first = first_day(joined_on, rule)
            if edition.starts <= first:
                return Coverage(first_day=first, last_day=last_day(first, rule), scheme=family.scheme)
    return None


def open_coverage(first: date, family: SchemeFamily) -> Coverage | None:
    """A period whose first day is known and whose end is not."""
    edition = family.edition_on(first)
    if edition is None or edition.period is None:
        return None
    return Coverage(first_day=first, last_day=last_day(first, edition.period.on(first)), scheme=family.scheme)


def first_day(joined_on: date, rule: PeriodRule) -> date:
    """The first covered day of somebody who joined on that day."""
    if rule.runs == "fixed_days":
        coming = _fixed_after(joined_on, rule)
        if (coming - joined_on).days <= rule.joined_before:
            return coming
    if rule.runs == "month_by_day":
        first = joined_on.replace(day=1)
        return first if joined_on.day <= rule.cutoff_day else months_later(first, 1)
    return joined_on + _ONE_DAY if rule.starts == "next_day" else joined_on


def last_day(first: date, rule: PeriodRule) -> date:
    """The last covered day of a period that begins on `first`."""
    last = _last_by_rule(first, rule)
    return last if rule.extended_to is None else max(last, rule.extended_to)


def _last_by_rule(first: date, rule: PeriodRule) -> date:
    if rule.runs == "calendar_year" or rule.until_year_end:
        return date(first.year, 12, 31)
    if rule.runs == "july_to_june":
        return date(first.year + (first.month >= 7), 6, 30)
    if rule.runs == "fixed_days":
        return _fixed_after(first, rule) - _ONE_DAY
    return before_months_later(first, rule.months)


def before_months_later(first: date, months: int) -> date:
    """The last of so many months that begin on `first`: the day before the one that corresponds, or the last of the
    month where none does (a year from 29 February ends on 28 February)."""
    after = months_later(first, months)
    return after - _ONE_DAY if after.day == first.day else after


def _fixed_after(day: date, rule: PeriodRule) -> date:
    """The first day after this one on which a fixed period begins, for everybody."""
    begins = rule.begins or day
    months = (day.year - begins.year) * 12 + day.month - begins.month
    # The latest beginning in or before this month may lie behind the day by some days; the next one then is it.
    months -= months % rule.months
    while months_later(begins, months) <= day:
        months += rule.months
    return months_later(begins, months)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, the last of the month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
