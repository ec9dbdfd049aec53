"""What the naive implementation of nm-inpatient reads: coverage periods, rows, refunds, stays and months.

Written from the regulation's text and the association's defaults alone, as `scheme_oracle`, which weighs what is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import pairwise
from typing import Any

Row = dict[str, Any]

SHANGHAI = timezone(timedelta(hours=8))
ONE_DAY = timedelta(days=1)
NO_DAY = date.max
NO_INSTANT = datetime.max.replace(tzinfo=SHANGHAI)

EDITION_STARTS = (
    (date(2022, 3, 22), "2022"),
    (date(2021, 5, 1), "2021"),
    (date(2020, 4, 28), "2020"),
    (date(2019, 1, 16), "2019"),
)
YEARS_COUNT_FROM = date(2020, 4, 28)
MATERNITY_CARE = ("maternity_inpatient", "maternity_outpatient", "family_planning")


@dataclass
class Period:
    """One coverage period and what has been used of it so far."""

    first: date
    last: date
    edition: str | None
    before: Period | None = None
    cap_used: Fraction = Fraction(0)
    recovering: Fraction = Fraction(0)
    first_stay_taken: bool = False
    first_stay_decided: Row | None = None
    allowance_was_due: bool = False

    def holds(self, day: date) -> bool:
        return self.edition is not None and self.first <= day <= self.last

    def follows_without_gap(self) -> bool:
        return self.before is not None and self.before.last + ONE_DAY == self.first

    def years(self) -> int:
        """Touching periods up to this one that count, begun again after a period with an allowance."""
        if self.first < YEARS_COUNT_FROM:
            return 0
        if self.before is None or not self.follows_without_gap() or self.before.allowance_was_due:
            return 1
        return self.before.years() + 1


@dataclass
class Stay:
    """What one estimate is about: an inpatient stay, a month of special care, or one row set aside."""

    kind: str
    rows: list[Row]
    transfer: bool = False
    doubts: set[str] = field(default_factory=set)
    reason: str | None = None
    period: Period | None = None
    decided: Row | None = None
    changed: bool = False
    reversed_since: bool = False
    changed_again: bool = False
    gone: list[Row] = field(default_factory=list)
    whole: list[Row] = field(default_factory=list)
    emergencies: list[Row] = field(default_factory=list)
    awaits_emergency: bool = False
    joins: list[Row] = field(default_factory=list)
    difference: Fraction | None = None
    lines: list[Row] = field(default_factory=list)
    payable: Fraction = Fraction(0)

    def numbers(self) -> list[str]:
        return [row["settlement_no"] for row in self.rows + self.emergencies]


class CaseError(Exception):
    """The case cannot be assessed at all."""


# ---- coverage periods (保障期)


def coverage_periods(coverage: list[Row]) -> list[Period]:
    spans = sorted((date.fromisoformat(one["from"]), date.fromisoformat(one["to"])) for one in coverage)
    periods: list[Period] = []
    for first, last in spans:
        before = periods[-1] if periods else None
        if last < first:
            raise CaseError("a period ends before it begins")
        if before is not None and first <= before.last:
            raise CaseError("periods overlap")
        periods.append(Period(first, last, edition_from(first), before))
    return periods


def edition_from(first_day: date) -> str | None:
    for start, edition in EDITION_STARTS:
        if first_day >= start:
            return edition
    return None


def period_holding(day: date, periods: list[Period]) -> Period | None:
    for period in periods:
        if period.holds(day):
            return period
    return None


# ---- reading a row


def admitted(row: Row) -> date | None:
    text = row.get("admitted_on")
    return None if text is None else date.fromisoformat(text)


def discharged(row: Row) -> date | None:
    text = row.get("discharged_on")
    return None if text is None else date.fromisoformat(text)


def settled(row: Row) -> datetime | None:
    text = row.get("settled_at")
    return None if text is None else datetime.fromisoformat(text).astimezone(SHANGHAI)


def amount(row: Row, name: str) -> Fraction | None:
    text = row.get(name)
    return None if text is None else Fraction(text)


def place_of_row(row: Row) -> tuple[date, datetime, str]:
    """What is unknown comes last; the text does not say."""
    return admitted(row) or NO_DAY, settled(row) or NO_INSTANT, row["settlement_no"]


# ---- reversals (退费)


def without_reversed(rows: list[Row]) -> tuple[list[Row], dict[str, set[str]]]:
    """The settlements that stand, and the flags of those a refund leaves in doubt, by number."""
    originals = {row["settlement_no"]: row for row in rows if not row.get("reversal")}
    found: dict[str, set[str]] = {"gone": set(), "partial_reversal": set(), "reversal_unclear": set()}
    nameless = []
    for reversal in [row for row in rows if row.get("reversal")]:
        number = number_reversed(reversal, originals)
        if number is None:
            nameless.append(reversal)
        elif number in originals:
            whole = same_total(reversal, originals[number])
            found["gone" if whole else "partial_reversal"].add(number)
    live = {number: row for number, row in originals.items() if number not in found["gone"]}
    for reversal in take_sure_ones(nameless, live):
        what, numbers = find_by_visit(reversal, live)
        found[what] |= set(numbers)
    return list(live.values()), found


def take_sure_ones(nameless: list[Row], live: dict[str, Row]) -> list[Row]:
    """Takes out what is the one live settlement of the visit with the opposite amounts; gives the rest."""
    sure = {place: find_by_visit(reversal, live) for place, reversal in enumerate(nameless)}
    for what, numbers in sure.values():
        if what == "gone":
            live.pop(numbers[0], None)
    return [reversal for place, reversal in enumerate(nameless) if sure[place][0] != "gone"]


def number_reversed(reversal: Row, originals: dict[str, Row]) -> str | None:
    """The original's number: named, or the reversal's own where a settlement has the same."""
    named: str | None = reversal.get("reverses")
    own: str = reversal["settlement_no"]
    return named if named is not None else own if own in originals else None


def find_by_visit(reversal: Row, live: dict[str, Row]) -> tuple[str, list[str]]:
    """Which live settlements of the visit a refund without a number can mean, and what follows."""
    visit = [number for number, row in live.items() if same_visit(row, reversal)]
    opposite = [number for number in visit if same_total(live[number], reversal)]
    if len(opposite) == 1:
        return "gone", opposite
    if len(visit) == 1:
        return "partial_reversal", visit
    return "reversal_unclear", opposite or visit


def same_visit(one: Row, other: Row) -> bool:
    keys = ("facility_no", "visit_no")
    return all(one.get(key) is not None and one.get(key) == other.get(key) for key in keys)


def same_admission(row: Row, other: Row) -> bool:
    """1.7.8: whatever its settlement and visit number."""
    keys = ("facility_no", "admitted_on")
    both = [row, other]
    inpatient = all(one["care_type"] == "inpatient" and set_aside(one) is None for one in both)
    return inpatient and all(row.get(key) is not None and row.get(key) == other.get(key) for key in keys)


def distinct(rows: list[Row]) -> list[Row]:
    return [row for at, row in enumerate(rows) if row not in rows[:at]]


def same_total(one: Row, other: Row) -> bool:
    """Feeds send a refund with the opposite sign or with the same one: only the size counts."""
    totals = amount(one, "total_amount"), amount(other, "total_amount")
    return totals[0] is not None and totals[1] is not None and abs(totals[0]) == abs(totals[1])


# ---- stays (单次住院) and months (门诊特殊慢性病)


def stays_of(live: list[Row]) -> list[Stay]:
    aside = [Stay("aside", [row], reason=set_aside(row)) for row in live if set_aside(row)]
    rest = [row for row in live if not set_aside(row)]
    special = [row for row in rest if row["care_type"] == "outpatient_special"]
    return aside + months(special) + inpatient_stays([row for row in rest if row["care_type"] == "inpatient"])


def with_emergencies(stays: list[Stay], agreed: set[str]) -> list[Stay]:
    """1.7.13: emergency care before an admission: in its stay where a person agreed, else flagged with it."""
    left = []
    for stay in stays:
        row = stay.rows[0]
        home = stay_after(row, stays) if stay.kind == "aside" else None
        if home is None or stay.decided is not None:
            left.append(stay)
        elif row["settlement_no"] in agreed:
            home.emergencies = in_place([*home.emergencies, row])
        else:
            home.awaits_emergency = True
            stay.reason = "emergency_to_confirm"
            left.append(stay)
    return left


def in_place(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=place_of_row)


def stay_after(row: Row, stays: list[Stay]) -> Stay | None:
    """The stay that begins, or has a transfer, at the facility of emergency care on its day; else on the day after."""
    instant = settled(row)
    day = admitted(row) or (instant.date() if instant else None)
    if row["care_type"] != "emergency" or set_aside(row) != "not_payable_care" or day is None:
        return None
    for when in (day, day + ONE_DAY):
        found = []
        for stay in [stay for stay in stays if stay.kind == "inpatient" and not stay.reversed_since]:
            for part in stay.rows:
                same = part.get("facility_no") is not None and part["facility_no"] == row.get("facility_no")
                if same and part["care_type"] == "inpatient" and admitted(part) == when:
                    found.append((place_of_row(part), stay))
        if found:
            return min(found, key=lambda one: one[0])[1]
    return None


def set_aside(row: Row) -> str | None:
    insurance, care = row.get("insurance_type"), row.get("care_type")
    if insurance == "510" or care in MATERNITY_CARE:
        return "maternity_insurance"
    if insurance is not None and insurance != "310":
        return "not_employee_insurance"
    if care not in ("inpatient", "outpatient_special"):
        return "not_payable_care"
    return None


def months(rows: list[Row]) -> list[Stay]:
    by_month: dict[str, list[Row]] = {}
    for row in rows:
        by_month.setdefault(month_name(row), []).append(row)
    return [Stay("month", sorted(part, key=place_in_month)) for part in by_month.values()]


def month_name(row: Row) -> str:
    instant = settled(row)
    return instant.strftime("%Y-%m") if instant else f"unknown {row['settlement_no']}"


def place_in_month(row: Row) -> tuple[datetime, str]:
    return settled(row) or NO_INSTANT, row["settlement_no"]


def inpatient_stays(rows: list[Row]) -> list[Stay]:
    """Each row starts alone; rows of one visit are put together, then rows that follow as a transfer."""
    ordered = sorted(rows, key=place_of_row)
    groups = [Stay("inpatient", [row]) for row in ordered]
    for one in ordered:
        for other in ordered:
            if same_visit(one, other):
                groups = joined(groups, one, other, transfer=False)
    for previous, row in pairwise(ordered):
        if is_transfer(previous, row):
            groups = joined(groups, previous, row, transfer=True)
    return groups


def is_transfer(previous: Row, row: Row) -> bool:
    left, came = discharged(previous), admitted(row)
    if left is None or came is None or admitted(previous) is None:
        return False
    return previous.get("facility_no") != row.get("facility_no") and came in (left, left + ONE_DAY)


def joined(groups: list[Stay], one: Row, other: Row, *, transfer: bool) -> list[Stay]:
    ours = [stay for stay in groups if one in stay.rows or other in stay.rows]
    rows = sorted((row for stay in ours for row in stay.rows), key=place_of_row)
    whole = Stay("inpatient", rows, transfer=transfer or any(stay.transfer for stay in ours))
    return [stay for stay in groups if not any(stay is our for our in ours)] + [whole]


def place_in_order(stay: Stay) -> tuple[date, datetime, str]:
    """By admission, settlement time, settlement number; a month stands at its last settlement."""
    last = settled(stay.rows[-1])
    if is_special(stay):
        return (last.date() if last else NO_DAY), last or NO_INSTANT, stay.rows[-1]["settlement_no"]
    return admission(stay) or NO_DAY, last or NO_INSTANT, stay.rows[0]["settlement_no"]


def is_special(stay: Stay) -> bool:
    return all(row.get("care_type") == "outpatient_special" for row in stay.rows)


def admission(stay: Stay) -> date | None:
    """The first that is known: rows that do not say stand last."""
    return admitted(stay.rows[0])


def counted(stay: Stay, periods: list[Period]) -> list[Row]:
    """1.7.10: of a month the settlements of covered days; all of them where no day is covered, and of a stay."""
    if not is_special(stay):
        return stay.rows
    covered = []
    for row in stay.rows:
        when = settled(row)
        if when is not None and period_holding(when.date(), periods) is not None:
            covered.append(row)
    return covered or stay.rows


def days_of(stay: Stay, periods: list[Period]) -> list[date] | None:
    """The dates whose nights count, from admission on; None when the dates are missing or impossible."""
    if is_special(stay):
        last = settled(counted(stay, periods)[-1])
        return [last.date()] if last else None
    for row in stay.rows:
        came, left = admitted(row), discharged(row)
        if came is None or left is None or left < came:
            return None
    first, end = admitted(stay.rows[0]), discharged(stay.rows[-1])
    assert first is not None
    assert end is not None
    days = [first]
    while days[-1] + ONE_DAY < end:
        days.append(days[-1] + ONE_DAY)
    return days
