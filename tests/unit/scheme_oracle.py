"""A second, naive implementation of the scheme nm-inpatient (住院医疗互助), to check the first against.

Written from the regulation's text and the association's defaults alone, without a look at the product's own
rules: plain loops over days, exact fractions of yuan, nothing clever. It takes the JSON case of
`hubao scheme assess` and gives the JSON answer, without articles, texts and the list of assumptions.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from oracles.inpatient_care import (
    EDITION_STARTS,
    ONE_DAY,
    SHANGHAI,
    CaseError,
    Period,
    Row,
    Stay,
    admission,
    admitted,
    amount,
    counted,
    coverage_periods,
    days_of,
    discharged,
    distinct,
    inpatient_stays,
    is_special,
    month_name,
    period_holding,
    place_in_month,
    place_in_order,
    place_of_row,
    same_admission,
    same_visit,
    settled,
    stays_of,
    with_emergencies,
    without_reversed,
)
from oracles.odd import odd_flags

__all__ = ["EDITION_STARTS", "SHANGHAI", "Row", "assess_naively"]

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
FLOOR = Fraction(200)
TO_A_PERSON = ("incomplete", "decided_before")


def assess_naively(case: Row) -> Row:
    """The answer of `scheme assess` for one case of nm-inpatient."""
    try:
        periods = coverage_periods(case["member"]["coverage"])
    except CaseError as error:
        return {"case": case["case"], "error": {"code": "contradiction", "message": str(error)}}
    live, doubts = without_reversed(case["settlements"])
    stays = stays_of(live)
    standing_numbers = {row["settlement_no"] for row in live}
    # What stands is decided about before what was refunded since, so that nothing decided is taken for a correction.
    for decision in sorted(case.get("decided", []), key=lambda one: standing_numbers.isdisjoint(one["settlements"])):
        stays = with_decision(stays, decision, case["settlements"])
    facts = [fact for fact in case.get("facts", []) if fact["kind"] == "emergency_part"]
    stays = with_emergencies(stays, {number for fact in facts for number in fact["settlements"]})
    stays.sort(key=place_in_order)
    for stay in stays:
        stay.doubts = {doubt for doubt, numbers in doubts.items() if numbers & set(stay.numbers())}
        stay.period = period_of(stay, periods)
        stay.reason = reason_not_payable(stay, periods)
    for stay in stays:
        stay.changed_again = stay.reversed_since and any(is_again(other, stay) for other in stays)
    weigh_all(stays, periods)
    standing = [stay for stay in stays if not stay.reversed_since or to_recover(stay, periods)]
    estimates = [shown(stay, case["member"], periods) for stay in standing]
    for one in estimates:
        one["flags"] += odd_flags(one["payable"] != "0.00", one["settlements"], live)
    return {"case": case["case"], "estimates": estimates}


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
    again = [stay for stay in others if stay.decided is None and is_open(stay) and replaces(stay, gone)]
    if later or again:
        concerned = touched + again
        rest = Stay(
            decided.kind, in_order(later + [row for stay in again for row in stay.rows]), reason="decided_before"
        )
        rest.transfer = decided.transfer or any(stay.transfer for stay in concerned)
        rest.whole = in_order(distinct([row for stay in concerned for row in stay.whole or stay.rows]))
        rest.joins = [earlier for stay in concerned for earlier in stay.joins] + [decision]
        others = [stay for stay in others if not any(stay is one for one in again)] + [rest]
    return [*others, decided]


def is_open(stay: Stay) -> bool:
    return stay.reason in (None, "decided_before")


def in_order(rows: list[Row]) -> list[Row]:
    special = all(row["care_type"] == "outpatient_special" for row in rows)
    return sorted(rows, key=place_in_month if special else place_of_row)


def decided_stay(before: list[Row], gone: list[Row], decision: Row) -> Stay:
    """As it was decided. Where all of it was refunded since, it is not shown, but the money is out."""
    rows = in_order(before + gone)
    kind = "month" if rows[0]["care_type"] == "outpatient_special" else "inpatient"
    transfer = kind == "inpatient" and any(stay.transfer for stay in inpatient_stays(rows))
    stay = Stay(kind, in_order(before) or rows, transfer=transfer, decided=decision)
    stay.changed, stay.reversed_since, stay.gone = bool(before and gone), not before, gone
    return stay


def replaces(stay: Stay, gone: list[Row]) -> bool:
    """A settlement of the visit or month of a refunded one would change what was decided."""
    if stay.kind == "month":
        special = [row for row in gone if row["care_type"] == "outpatient_special"]
        return any(month_name(stay.rows[0]) == month_name(row) for row in special)
    return any(same_visit(row, other) or same_admission(row, other) for row in stay.rows for other in gone)


def is_again(stay: Stay, refunded: Stay) -> bool:
    """Whether a stay stands in place of a decided one that was refunded whole."""
    if stay is refunded or stay.reversed_since:
        return False
    if stay.decided is not None:
        return any(same_admission(row, other) for row in stay.rows for other in refunded.gone)
    return stay.reason == "decided_before" and replaces(stay, refunded.gone)


def to_recover(stay: Stay, periods: list[Period]) -> bool:
    """1.7.8: decided and paid, then reversed and not settled again, or its coverage was taken away."""
    if stay.decided is None or Fraction(stay.decided["payable"]) == 0:
        return False
    if stay.reversed_since:
        return not stay.changed_again
    days = days_of(stay, periods)
    return days is not None and not any(period_holding(day, periods) for day in days)


def period_of(stay: Stay, periods: list[Period]) -> Period | None:
    days = days_of(stay, periods)
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
    days = days_of(stay, periods)
    if days is None:
        return "incomplete"
    if not any(period_holding(day, periods) for day in days):
        return "not_covered"
    if any(is_incomplete(row) for row in counted(stay, periods)) or any(lacks(row) for row in stay.emergencies):
        return "incomplete"
    return None


def is_incomplete(row: Row) -> bool:
    """An amount or the settlement time is missing or impossible; of the dates days_of has spoken."""
    return settled(row) is None or settled_too_early(row) or lacks(row)


def lacks(row: Row) -> bool:
    amounts = amount(row, "in_scope_amount"), amount(row, "fund_paid_amount")
    return any(one is None or one < 0 for one in amounts)


def settled_too_early(row: Row) -> bool:
    when, came = settled(row), admitted(row)
    return row["care_type"] == "inpatient" and bool(when and came and when.date() < came)


def base(stay: Stay, periods: list[Period]) -> Fraction:
    total = Fraction(0)
    for row in counted(stay, periods) + stay.emergencies:
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
            if stay.period is not None and stay.reversed_since and to_recover(stay, periods):
                # 1.7.8: it keeps using the cap until a person says otherwise, and whoever the cap stops is told so.
                stay.period.recovering += Fraction(stay.decided["payable"])
    for stay in stays:
        if stay.decided is None and stay.reason is None:
            weigh(stay, periods)
        elif stay.reason == "incomplete" and stay.kind == "inpatient" and stay.period is not None:
            # 1.7.6: what is missing comes later; a first stay has days, so its allowance is due all the same.
            if not stay.period.first_stay_taken and stay.period.edition in ALLOWANCE_EDITIONS:
                stay.period.allowance_was_due = True
            stay.period.first_stay_taken = True
        elif stay.reason == "decided_before":
            stay.difference = difference(stay, periods)


def difference(stay: Stay, periods: list[Period]) -> Fraction | None:
    """What the whole would be worth had nothing been decided about it, less what was decided."""
    paid = sum((Fraction(decision["payable"]) for decision in stay.joins), Fraction(0))
    whole = Stay(stay.kind, stay.whole or stay.rows)
    whole.period = period_of(whole, periods)
    if days_of(whole, periods) is None or any(is_incomplete(row) for row in counted(whole, periods)):
        return None
    if whole.period is None:
        return -paid
    period = replace(whole.period)
    period.cap_used -= paid
    period.first_stay_taken &= not any(period.first_stay_decided is decision for decision in stay.joins)
    whole.period = period
    weigh(whole, periods)
    return whole.payable - paid


def take_as_decided(stay: Stay, payable: Fraction) -> None:
    stay.payable = payable
    stay.lines = [line("decided", payable)]
    if payable == 0 or stay.period is None:
        return
    stay.period.cap_used += payable
    if stay.kind == "inpatient" and not stay.period.first_stay_taken:
        stay.period.first_stay_taken = True
        stay.period.first_stay_decided = stay.decided
        stay.period.allowance_was_due = stay.period.edition in ALLOWANCE_EDITIONS


def weigh(stay: Stay, periods: list[Period]) -> None:
    period = stay.period
    assert period is not None
    assert period.edition is not None
    days = days_of(stay, periods) or []
    covered = [day for day in days if period_holding(day, periods)]
    stay.lines = band_lines(base(stay, periods), period.edition)
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
    """1.7.3: the inpatient days (住院天数) of all parts, when every part gives them above 0 (else 0); of several parts
    never more than the nights between the first admission and the last discharge."""
    given = [row.get("inpatient_days") or 0 for row in stay.rows]
    if min(given) <= 0:
        return 0
    if len(stay.rows) == 1:
        return given[0]
    first, last = date.fromisoformat(stay.rows[0]["admitted_on"]), date.fromisoformat(stay.rows[-1]["discharged_on"])
    return min(sum(given), max(1, (last - first).days))


def capped(stay: Stay, period: Period, due: Fraction) -> Fraction:
    assert period.edition is not None
    left = max(Fraction(0), CAPS[period.edition] - period.cap_used)
    if due > left:
        stay.lines.append(line("cap", left - due, recovering=two_decimals(period.recovering)))
        due = left
    period.cap_used += due
    return due


def half_up(value: Fraction) -> Fraction:
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


# ---- the answer


def shown(stay: Stay, member: Row, periods: list[Period]) -> Row:
    deadline = claim_by(stay, stay.period)
    return {
        "settlements": stay.numbers(),
        "edition": stay.period.edition if stay.period else None,
        "payable": two_decimals(stay.payable),
        "lines": stay.lines,
        "flags": flags(stay, member, periods),
        "claim_by": deadline.isoformat() if deadline else None,
        "difference": None if stay.difference is None else two_decimals(stay.difference),
    }


def flags(stay: Stay, member: Row, periods: list[Period]) -> list[str]:
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
        "emergency_to_confirm": stay.awaits_emergency,
        "days_to_confirm": is_too_long(stay),
        "recover_to_confirm": to_recover(stay, periods),
    }
    return [flag for flag, present in found.items() if present]


def is_too_long(stay: Stay) -> bool:
    """1.7.4: a single sheet that tells more days than nights by more than one."""
    came, left, days = admitted(stay.rows[0]), discharged(stay.rows[-1]), stay.rows[0].get("inpatient_days")
    if stay.kind != "inpatient" or len(stay.rows) > 1 or came is None or left is None or not days:
        return False
    return bool(days - (left - came).days > 1)


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
