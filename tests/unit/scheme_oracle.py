"""A second, naive implementation of the scheme nm-inpatient (住院医疗互助), to check the first against.

Written from the regulation's text and the association's defaults alone, without a look at the product's own
rules: plain loops over days, exact fractions of yuan, nothing clever. It takes the JSON case of
`hubao scheme assess` and gives the JSON answer, without articles, texts and the list of assumptions.
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
OLD_BANDS = ((10_000, "0.30"), (100_000, "0.70"), (250_000, "1.00"))
BANDS: dict[str, tuple[tuple[int | None, str], ...]] = {
    "2019": OLD_BANDS,
    "2020": OLD_BANDS,
    "2021": ((10_000, "0.40"), (100_000, "0.70"), (250_000, "1.00")),
    "2022": (
        (3_000, "0.40"),
        (5_000, "0.50"),
        (10_000, "0.60"),
        (50_000, "0.70"),
        (100_000, "0.80"),
        (None, "1.00"),
    ),
}
CAPS = {"2019": 250_000, "2020": 250_000, "2021": 250_000, "2022": 500_000}
ALLOWANCE_EDITIONS = FLOOR_EDITIONS = ("2021", "2022")
CLAIM_BY_SETTLEMENT = ("2019", "2020", "2021")
YEARS_COUNT_FROM = date(2020, 4, 28)
FLOOR = Fraction(200)
TO_A_PERSON = ("incomplete", "decided_before")
MATERNITY_CARE = ("maternity_inpatient", "maternity_outpatient", "family_planning")


@dataclass
class Period:
    """One coverage period and what has been used of it so far."""

    first: date
    last: date
    edition: str | None
    before: Period | None = None
    cap_used: Fraction = Fraction(0)
    first_stay_taken: bool = False
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
    lines: list[Row] = field(default_factory=list)
    payable: Fraction = Fraction(0)

    def numbers(self) -> list[str]:
        return [row["settlement_no"] for row in self.rows]


class CaseError(Exception):
    """The case cannot be assessed at all."""


def assess_naively(case: Row) -> Row:
    """The answer of `scheme assess` for one case of nm-inpatient."""
    try:
        periods = coverage_periods(case["member"]["coverage"])
    except CaseError as error:
        return {"case": case["case"], "error": {"code": "contradiction", "message": str(error)}}
    live, doubts = without_reversed(case["settlements"])
    stays = stays_of(live)
    for decision in case.get("decided", []):
        stays = with_decision(stays, decision, case["settlements"])
    stays.sort(key=place_in_order)
    for stay in stays:
        stay.doubts = {doubt for doubt, numbers in doubts.items() if numbers & set(stay.numbers())}
        stay.period = period_of(stay, periods)
        stay.reason = reason_not_payable(stay, periods)
    weigh_all(stays, periods)
    standing = [stay for stay in stays if not stay.reversed_since]
    return {"case": case["case"], "estimates": [shown(stay, case["member"]) for stay in standing]}


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


def days_of(stay: Stay) -> list[date] | None:
    """The dates whose nights count, from admission on; None when the dates are missing or impossible."""
    if is_special(stay):
        last = settled(stay.rows[-1])
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


# ---- what a stay is weighed by


def with_decision(stays: list[Stay], decision: Row, rows: list[Row]) -> list[Stay]:
    """A decided stay stays as it was; what came later stands beside it and changes nothing by itself."""
    numbers = set(decision["settlements"])
    touched = [stay for stay in stays if numbers & set(stay.numbers())]
    others = [stay for stay in stays if not numbers & set(stay.numbers())]
    parts = [row for stay in touched for row in stay.rows]
    before = [row for row in parts if row["settlement_no"] in numbers]
    later = [row for row in parts if row["settlement_no"] not in numbers]
    gone = [row for row in rows if row["settlement_no"] in numbers and row not in before]
    gone = [row for row in gone if not row.get("reversal")]
    if not before + gone:
        return stays
    decided = decided_stay(before, gone, decision)
    if later:
        transfer = decided.transfer or any(stay.transfer for stay in touched)
        others.append(Stay(decided.kind, in_order(later), transfer=transfer, reason="decided_before"))
    for stay in others:
        if stay.decided is None and stay.reason is None and replaces(stay, gone):
            stay.reason = "decided_before"
    return [*others, decided]


def in_order(rows: list[Row]) -> list[Row]:
    special = all(row["care_type"] == "outpatient_special" for row in rows)
    return sorted(rows, key=place_in_month if special else place_of_row)


def decided_stay(before: list[Row], gone: list[Row], decision: Row) -> Stay:
    """As it was decided. Where all of it was refunded since, it is not shown, but the money is out."""
    rows = in_order(before + gone)
    kind = "month" if rows[0]["care_type"] == "outpatient_special" else "inpatient"
    transfer = kind == "inpatient" and any(stay.transfer for stay in inpatient_stays(rows))
    stay = Stay(kind, in_order(before) or rows, transfer=transfer, decided=decision)
    stay.changed, stay.reversed_since = bool(gone), not before
    return stay


def replaces(stay: Stay, gone: list[Row]) -> bool:
    """A settlement of the visit or month of a refunded one would change what was decided."""
    if stay.kind == "month":
        special = [row for row in gone if row["care_type"] == "outpatient_special"]
        return any(month_name(stay.rows[0]) == month_name(row) for row in special)
    return any(same_visit(row, other) for row in stay.rows for other in gone)


def period_of(stay: Stay, periods: list[Period]) -> Period | None:
    days = days_of(stay)
    if days is None:
        first = None if is_special(stay) else admission(stay)
        days = [] if first is None else [first]
    for day in days:
        period = period_holding(day, periods)
        if period is not None:
            return period
    return None


def reason_not_payable(stay: Stay, periods: list[Period]) -> str | None:
    if stay.reason is not None or stay.decided is not None:
        return stay.reason
    days = days_of(stay)
    if days is None:
        return "incomplete"
    if not any(period_holding(day, periods) for day in days):
        return "not_covered"
    if any(is_incomplete(row) for row in stay.rows):
        return "incomplete"
    return None


def is_incomplete(row: Row) -> bool:
    """An amount or the settlement time is missing or impossible; of the dates days_of has spoken."""
    amounts = amount(row, "in_scope_amount"), amount(row, "fund_paid_amount")
    return settled(row) is None or settled_too_early(row) or any(one is None or one < 0 for one in amounts)


def settled_too_early(row: Row) -> bool:
    when, came = settled(row), admitted(row)
    return row["care_type"] == "inpatient" and bool(when and came and when.date() < came)


def base(stay: Stay) -> Fraction:
    total = Fraction(0)
    for row in stay.rows:
        in_scope, paid = amount(row, "in_scope_amount"), amount(row, "fund_paid_amount")
        assert in_scope is not None
        assert paid is not None
        total += max(Fraction(0), in_scope - paid)
    return total


# ---- the amount


def weigh_all(stays: list[Stay], periods: list[Period]) -> None:
    for stay in stays:
        if stay.decided is not None and stay.reason is None:
            take_as_decided(stay, Fraction(stay.decided["payable"]))
    for stay in stays:
        if stay.decided is None and stay.reason is None:
            weigh(stay, periods)
        elif stay.reason == "incomplete" and stay.kind == "inpatient" and stay.period is not None:
            stay.period.first_stay_taken = True


def take_as_decided(stay: Stay, payable: Fraction) -> None:
    stay.payable = payable
    stay.lines = [line("decided", payable)]
    if payable == 0 or stay.period is None:
        return
    stay.period.cap_used += payable
    if stay.kind == "inpatient" and not stay.period.first_stay_taken:
        stay.period.first_stay_taken = True
        stay.period.allowance_was_due = stay.period.edition in ALLOWANCE_EDITIONS


def weigh(stay: Stay, periods: list[Period]) -> None:
    period = stay.period
    assert period is not None
    assert period.edition is not None
    days = days_of(stay) or []
    covered = [day for day in days if period_holding(day, periods)]
    stay.lines = band_lines(base(stay), period.edition)
    due = prorated(stay, len(covered), len(days))
    if stay.kind == "inpatient":
        due += take_allowance(stay, period, len(covered), len(days))
        due += floor_top_up(stay, period, due)
    stay.payable = capped(stay, period, due)


def floor_top_up(stay: Stay, period: Period, due: Fraction) -> Fraction:
    if period.edition not in FLOOR_EDITIONS or not 0 < due < FLOOR:
        return Fraction(0)
    stay.lines.append(line("floor", FLOOR - due))
    return FLOOR - due


def band_lines(whole_base: Fraction, edition: str) -> list[Row]:
    lines, lower = [], Fraction(0)
    for upto, rate in BANDS[edition]:
        upper = whole_base if upto is None else min(whole_base, Fraction(upto))
        part = upper - lower
        if part <= 0:
            break
        lines.append(line("band", half_up(part * Fraction(rate)), base=two_decimals(part), rate=rate))
        lower = upper
    return lines


def exact_subsidy(bands: list[Row]) -> Fraction:
    return sum((Fraction(band["base"]) * Fraction(band["rate"]) for band in bands), Fraction(0))


def prorated(stay: Stay, covered: int, total: int) -> Fraction:
    """The subsidy, rounded once; the line for the days outside is the difference to the bands."""
    bands = sum((Fraction(band["amount"]) for band in stay.lines), Fraction(0))
    subsidy = half_up(exact_subsidy(stay.lines) * covered / total)
    if covered != total:
        stay.lines.append(line("proration", subsidy - bands))
    return subsidy


def take_allowance(stay: Stay, period: Period, covered: int, total: int) -> Fraction:
    first = not period.first_stay_taken
    period.first_stay_taken = True
    if not first or period.edition not in ALLOWANCE_EDITIONS:
        return Fraction(0)
    period.allowance_was_due = True
    per_day = Fraction({1: 10, 2: 20}.get(period.years(), 30))
    days = min(30, days_on_the_sheet(stay) or total)
    if covered != total:
        days = min(days, covered)
    stay.lines.append(line("daily_allowance", per_day * days, days=days, per_day=two_decimals(per_day)))
    return per_day * days


def days_on_the_sheet(stay: Stay) -> int:
    """Inpatient days (住院天数) of all parts; 0 when a part does not give them."""
    given = [row.get("inpatient_days") for row in stay.rows]
    total = 0 if None in given else sum(one for one in given if one is not None)
    spans = [(row["admitted_on"], row["discharged_on"]) for row in stay.rows]
    shared = [1 for at, (came, _) in enumerate(spans) if any(came < left for _, left in spans[:at])]
    if not shared:
        return total
    # Sheets that tell the same days: no night counts twice.
    first, last = date.fromisoformat(spans[0][0]), date.fromisoformat(spans[-1][1])
    return min(total, max(1, (last - first).days))


def capped(stay: Stay, period: Period, due: Fraction) -> Fraction:
    assert period.edition is not None
    left = max(Fraction(0), CAPS[period.edition] - period.cap_used)
    if due > left:
        stay.lines.append(line("cap", left - due))
        due = left
    period.cap_used += due
    return due


def half_up(value: Fraction) -> Fraction:
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


# ---- the answer


def shown(stay: Stay, member: Row) -> Row:
    deadline = claim_by(stay, stay.period)
    return {
        "settlements": stay.numbers(),
        "edition": stay.period.edition if stay.period else None,
        "payable": two_decimals(stay.payable),
        "lines": stay.lines,
        "flags": flags(stay, member),
        "claim_by": deadline.isoformat() if deadline else None,
    }


def flags(stay: Stay, member: Row) -> list[str]:
    if stay.reason is not None and stay.reason not in TO_A_PERSON:
        return [stay.reason]
    found = {
        "incomplete": stay.reason == "incomplete",
        "partial_reversal": "partial_reversal" in stay.doubts,
        "reversal_unclear": "reversal_unclear" in stay.doubts,
        "decided_before": stay.reason == "decided_before" or stay.changed,
        "age_outside": stay.period is not None and age_outside(member, stay.period.first),
        "referral_to_confirm": any(is_elsewhere(row) for row in stay.rows),
        "injury_to_confirm": any(row.get("care_type_code") == "22" for row in stay.rows),
        "transfer_to_confirm": stay.transfer,
    }
    return [flag for flag, present in found.items() if present]


def age_outside(member: Row, day: date) -> bool:
    if member.get("birth_date") is None:
        return False
    born = date.fromisoformat(member["birth_date"])
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return not 16 <= age <= 60 if member["category"] == "active" else age > 70


def is_elsewhere(row: Row) -> bool:
    care, insured = row.get("care_region"), row.get("insured_region")
    return care is not None and insured is not None and care[:4] != insured[:4]


def claim_by(stay: Stay, period: Period | None) -> date | None:
    if period is None:
        return None
    if period.edition not in CLAIM_BY_SETTLEMENT:
        return period.last + 90 * ONE_DAY
    last = settled(stay.rows[-1])
    return last.date() + 90 * ONE_DAY if last else None


def line(rule: str, value: Fraction, **inputs: Any) -> Row:
    return {"rule": rule, "amount": two_decimals(value), **inputs}


def two_decimals(value: Fraction) -> str:
    fen = value * 100
    assert fen.denominator == 1
    sign, size = ("-" if fen < 0 else ""), abs(fen.numerator)
    return f"{sign}{size // 100}.{size % 100:02d}"
