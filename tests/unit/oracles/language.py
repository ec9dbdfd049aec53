"""A naive interpreter of the scheme language, written from `config/schemes/README.md` alone.

A scheme is the plain tables of its file, a case the JSON of `hubao scheme assess`. Nothing is prepared, narrowed or
remembered beyond what the text says is used up; exact fractions of a yuan, loops over everything. Left to other
oracles: transfers, refunds, decisions, schemes that stand on others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
DAY = timedelta(days=1)
GROUPS = {"pneumonia": "J18", "lung": "J4", "tumour": "C16", "uraemia": "N18", "malignant_tumour": "C"}
"""Disease groups that conditions ask for: their codes begin so."""
SETTLED_FIRST, EVENTS_LAST = 0, 1


@dataclass
class Span:
    """One coverage period, and what was used in it."""

    first: date
    last: date
    row: Row
    before: Span | None
    paying_from: date
    kinds: list[str] = field(default_factory=list)
    paid_units: int = 0
    due: set[str] = field(default_factory=set)
    deducted: dict[str, Fraction] = field(default_factory=dict)

    def years(self) -> int:
        return 1 if self.before is None else self.before.years() + 1

    def row_begins(self) -> date:
        return self.first if self.before is None else self.before.row_begins()


@dataclass
class Unit:
    """What one estimate is about: settlements of a kind, or an event."""

    kind: str
    rows: list[Row]
    reason: str | None = None
    event: Row | None = None
    period: Span | None = None
    place: int = 1
    paid_before: int = 0


class Reading:
    """One case read by one scheme."""

    def __init__(self, scheme: Row, case: Row) -> None:
        self.scheme, self.case, self.member = scheme, case, case["member"]
        self.facts: list[Row] = case.get("facts", [])
        self.spans = self.coverage()
        self.used: dict[Any, Fraction] = {}
        self.sums_paid: set[str] = set()

    def answers(self) -> list[Row]:
        units = sorted(self.care_units() + self.events(), key=self.order)
        for unit in units:
            unit.period = self.period_of(unit)
        return [self.answer(unit) for unit in units]

    # ---- periods

    def coverage(self) -> list[Span]:
        spans: list[Span] = []
        waiting = self.scheme.get("waiting", {})
        for row in sorted(self.member["coverage"], key=lambda row: row["from"]):
            first, last = date.fromisoformat(row["from"]), date.fromisoformat(row["to"])
            gap = (first - spans[-1].last).days if spans else None
            within = waiting.get("waived_if_renewed_within")
            waits = waiting.get("days", 0)
            if gap is not None and within is not None and gap <= within:
                waits = 0
            before = spans[-1] if gap == 1 else None
            spans.append(Span(first, last, row, before, first + waits * DAY))
        return spans

    def span_on(self, day: date | None) -> Span | None:
        return next((span for span in self.spans if day is not None and span.first <= day <= span.last), None)

    def period_of(self, unit: Unit) -> Span | None:
        """The period of the first covered day."""
        for day in self.days(unit):
            span = self.span_on(day)
            if span is not None:
                return span
        return None

    # ---- units

    def care_units(self) -> list[Unit]:
        units: dict[Any, Unit] = {}
        for row in sorted(self.case["settlements"], key=row_order):
            reason, kind = self.aside(row), self.kind_of(row)
            key = ("alone", row["settlement_no"]) if reason else self.key(row, kind)
            units.setdefault(key, Unit(kind, [], reason)).rows.append(row)
        for unit in units.values():
            if unit.kind in ("month", "period"):
                unit.rows.sort(key=lambda row: (instant(row), row["settlement_no"]))
        return list(units.values())

    def kind_of(self, row: Row) -> str:
        kinds = {"care": "stay", "months": "month", "single": "single", "period": "period"}
        stay = self.scheme.get("stay", {})
        return next((kind for key, kind in kinds.items() if row["care_type"] in stay.get(key, ())), "none")

    def aside(self, row: Row) -> str | None:
        insurance, types = row.get("insurance_type"), self.scheme["who"].get("insurance_types", ())
        if insurance is not None and insurance == self.scheme["who"].get("maternity_insurance"):
            return "maternity_insurance"
        if insurance is not None and types and insurance not in types:
            return "not_employee_insurance"
        return "not_payable_care" if self.kind_of(row) == "none" else None

    def key(self, row: Row, kind: str) -> Any:
        settled = instant(row).date()
        if kind == "month":
            return kind, settled.year, settled.month
        if kind == "period":
            span = self.span_on(settled)
            if span is not None and not (settled < span.paying_from and self.waits_after(row.get("care_type_code"))):
                return kind, span.first
        if kind == "stay" and row.get("visit_no") is not None:
            split = self.scheme["stay"].get("split") == "year_end"
            return kind, row["facility_no"], row["visit_no"], settled.year if split else None
        return "alone", row["settlement_no"]

    def waits_after(self, care_code: str | None) -> bool:
        return bool(self.scheme.get("waiting", {}).get("accident_waits", True)) or care_code != "22"

    def events(self) -> list[Unit]:
        events: dict[Any, Unit] = {}
        for fact in sorted(self.facts, key=lambda fact: (not fact.get("confirmed", False), fact["on"])):
            for lump in self.scheme["benefits"]:
                if lump["kind"] != "lump_sum" or lump["event"] != fact["kind"]:
                    continue
                if lump.get("accident") not in (None, fact.get("accident", False)):
                    continue
                groups = [group["disease"] for group in lump.get("groups", ())]
                if fact["kind"] == "diagnosis" and fact["disease"] not in groups:
                    continue
                span = self.span_on(date.fromisoformat(fact["on"]))
                own = span.first if span and lump.get("once") == "period" and fact["kind"] == "diagnosis" else None
                known = {"lump": lump, "on": date.fromisoformat(fact["on"]), "accident": fact.get("accident", False)}
                known["confirmed"] = fact["kind"] == "death" or fact.get("confirmed", False)
                known["disease"] = fact.get("disease")
                events.setdefault((lump["name"], fact.get("disease"), own), Unit("event", [], event=known))
        return list(events.values())

    def counted(self, unit: Unit) -> list[Row]:
        """The settlements whose amounts count: of a month those of covered days, before those that only wait."""
        if unit.kind != "month":
            return unit.rows
        covered = [row for row in unit.rows if self.span_on(instant(row).date()) is not None]
        return [row for row in covered if not self.waits(row)] or covered or unit.rows

    def waits(self, row: Row) -> bool:
        span = self.span_on(instant(row).date())
        early = span is not None and instant(row).date() < span.paying_from
        return early and self.waits_after(row.get("care_type_code"))

    def days(self, unit: Unit) -> list[date]:
        """The dates a unit counts, each night by its date."""
        if unit.event is not None:
            return [unit.event["on"]]
        first, last = unit.rows[0], self.counted(unit)[-1]
        if unit.kind not in ("stay", "single", "none") or first.get("admitted_on") is None:
            return [instant(last).date()]
        came, left = date.fromisoformat(first["admitted_on"]), date.fromisoformat(last["discharged_on"])
        return [came + at * DAY for at in range(max(1, (left - came).days))]

    def order(self, unit: Unit) -> Any:
        if unit.event is not None:
            groups = [group["disease"] for group in unit.event["lump"].get("groups", ())]
            rank = groups.index(unit.event["disease"]) if unit.event["disease"] in groups else 0
            name = f"event/{unit.event['lump']['name']}/{unit.event['disease'] or 'death'}"
            return unit.event["on"], EVENTS_LAST, rank, name
        first, last = unit.rows[0], unit.rows[-1]
        if unit.kind in ("month", "period"):
            return instant(last).date(), SETTLED_FIRST, instant(last), last["settlement_no"]
        return self.days(unit)[0], SETTLED_FIRST, instant(last), first["settlement_no"]

    # ---- the answer

    def answer(self, unit: Unit) -> Row:
        span = unit.period
        if unit.reason is not None:
            return self.shown(unit, [], [unit.reason])
        if span is None:
            return self.shown(unit, [], ["not_covered"])
        unit.place, unit.paid_before = 1 + span.kinds.count(unit.kind), span.paid_units
        code = "22" if unit.event is None and self.accident(unit) else None
        if unit.event is None and max(self.days(unit)[0], span.first) < span.paying_from and self.waits_after(code):
            return self.shown(unit, [], ["waiting_period"])
        for exclusion in self.scheme.get("exclusions", ()):
            if self.holds(exclusion, unit):
                return self.shown(unit, [], [exclusion["reason"]])
        if unit.event is not None:
            return self.paid(unit, *self.event_lines(unit, span))
        lines = self.care_lines(unit, span)
        if lines is None:
            span.kinds.append(unit.kind)
            return self.shown(unit, [], ["incomplete", *self.doubts(unit)])
        return self.paid(unit, lines, [])

    def paid(self, unit: Unit, lines: list[Row], flags: list[str]) -> Row:
        span = unit.period
        assert span is not None
        lines = self.floored(unit, span, lines) if unit.event is None else lines
        lines = self.capped(unit, span, lines)
        payable = total(lines)
        for at, cap in enumerate(self.scheme.get("caps", ())):
            key = self.scope(at, cap, unit, span)
            self.used[key] = self.used.get(key, Fraction(0)) + concerned(cap, lines)
        if unit.event is None:
            span.kinds.append(unit.kind)
        elif payable:
            self.sums_paid.add(unit.event["lump"]["name"])
        span.paid_units += payable > 0
        return self.shown(unit, lines, [*flags, *self.doubts(unit)])

    def shown(self, unit: Unit, lines: list[Row], flags: list[str]) -> Row:
        rules: dict[str, Fraction] = {}
        for line in lines:
            rules[line["rule"]] = rules.get(line["rule"], Fraction(0)) + line["amount"]
        deadline = self.claim_by(unit) if unit.reason is None else None
        return {
            "settlements": sorted(row["settlement_no"] for row in unit.rows),
            "payable": yuan(total(lines)),
            "lines": {rule: yuan(amount) for rule, amount in sorted(rules.items()) if amount},
            "flags": sorted(flags),
            "claim_by": deadline.isoformat() if deadline else None,
        }

    def doubts(self, unit: Unit) -> list[str]:
        who, span = self.scheme["who"], unit.period
        assert span is not None
        flags = []
        if any(self.too_old_or_young(rule, span) for rule in who.get("ages", ())):
            flags.append("age_outside")
        category, sex = span.row.get("category", self.member.get("category")), self.member.get("sex")
        if (
            (who.get("categories") and category is not None and category not in who["categories"])
            or (who.get("sex") and sex is not None and sex != who["sex"])
            or (who.get("insured", "required") == "required" and self.member.get("insured") is False)
        ):
            flags.append("not_eligible")
        return flags + [confirm["flag"] for confirm in self.scheme.get("confirm", ()) if self.holds(confirm, unit)]

    def too_old_or_young(self, rule: Row, span: Span) -> bool:
        category, born = span.row.get("category", self.member.get("category")), self.member.get("birth_date")
        if category != rule["category"] or born is None or rule.get("sex") not in (None, self.member.get("sex")):
            return False
        birth = date.fromisoformat(born)
        age = span.first.year - birth.year - ((span.first.month, span.first.day) < (birth.month, birth.day))
        return age < rule.get("from", 0) or age > rule.get("to", 999)

    def claim_by(self, unit: Unit) -> date | None:
        claim, span = self.scheme.get("claim"), unit.period
        if claim is None or span is None:
            return None
        if "fixed_day" in claim:
            return date.fromisoformat(f"{span.last.year + 1}-{claim['fixed_day']}")
        counted = instant(unit.rows[-1]).date() if unit.rows else None
        if claim.get("counts_from", "period_end") == "period_end":
            counted = span.last
        elif claim["counts_from"] == "discharge" and unit.rows and unit.rows[-1].get("discharged_on"):
            counted = date.fromisoformat(unit.rows[-1]["discharged_on"])
        if counted is None and unit.event is not None:
            counted = unit.event["on"]
        assert counted is not None
        return later(counted, claim["years"]) if "years" in claim else counted + claim["days"] * DAY

    # ---- conditions

    def accident(self, unit: Unit) -> bool:
        if unit.event is not None:
            return bool(unit.event["accident"])
        return any(row.get("care_type_code") == "22" for row in unit.rows)

    def classes(self, span: Span | None) -> set[str]:
        return set((span.row.get("classes") if span else None) or self.member.get("classes", ()))

    def holds(self, rule: Row, unit: Unit) -> bool:
        span, first = unit.period, unit.rows[0] if unit.rows else None
        assert span is not None
        category = span.row.get("category", self.member.get("category"))
        day = self.days(unit)[0]
        codes = [code for row in unit.rows for code in row.get("diagnosis_codes", ())]
        elsewhere = (
            first is not None
            and (first.get("care_region") or first.get("insured_region") or "")[:4]
            != (first.get("insured_region") or first.get("care_region") or "")[:4]
        )
        asked = {
            "care": lambda wanted: first is not None and first["care_type"] in wanted,
            "care_codes": lambda wanted: any(row.get("care_type_code") in wanted for row in unit.rows),
            "categories": lambda wanted: category in wanted,
            "classes": lambda wanted: bool(self.classes(span) & set(wanted)),
            "without_classes": lambda wanted: not self.classes(span) & set(wanted),
            "sex": lambda wanted: self.member.get("sex") == wanted,
            "insured": lambda wanted: self.member.get("insured", True) is wanted,
            "insurance": lambda wanted: first is not None and first.get("insurance_type") in wanted,
            "grades": lambda wanted: first is not None and first.get("facility_level") in wanted,
            "place": lambda wanted: elsewhere is (wanted == "elsewhere"),
            "stays": lambda wanted: (unit.place == 1) is (wanted == "first"),
            "disease": lambda wanted: any(code.startswith(GROUPS[name]) for code in codes for name in wanted),
            "years_from": lambda least: span.years() >= least,
            "years_to": lambda most: span.years() <= most,
            "from_day": lambda least: day >= least,
            "to_day": lambda most: day <= most,
            "nth_from": lambda least: unit.place >= least,
            "nth_to": lambda most: unit.place <= most,
            "paid_from": lambda least: unit.paid_before >= least,
            "paid_to": lambda most: unit.paid_before <= most,
            "accident": lambda wanted: self.accident(unit) is wanted,
        }
        if rule.get("kind") == "lump_sum":
            # Which accident it was for decides whether there is an event.
            del asked["accident"]
        return all(ask(rule[name]) for name, ask in asked.items() if name in rule)

    # ---- benefits

    def care_lines(self, unit: Unit, span: Span) -> list[Row] | None:
        lines: list[Row] = []
        deducted: dict[str, Fraction] = {}
        due = set()
        for benefit in self.scheme["benefits"]:
            if benefit["kind"] == "lump_sum" or not self.holds(benefit, unit):
                continue
            if any(
                total([line for line in lines if line["benefit"] == name]) > 0 for name in benefit.get("unless", ())
            ):
                continue
            if benefit["kind"] == "share":
                base = self.base(benefit["base"], unit)
                if base is None:
                    return None
                lines += self.share(benefit, base, unit, span, deducted)
            elif benefit["kind"] == "flat":
                rows = [*benefit.get("amounts", ()), benefit] if "amount" in benefit else benefit["amounts"]
                row = next((row for row in rows if row is benefit or self.holds(row, unit)), None)
                lines += [line_of("flat_amount", benefit, money(row["amount"]))] if row else []
            else:
                lines += self.daily(benefit, unit, span, due)
        span.due |= due
        for name, amount in deducted.items():
            span.deducted[name] = span.deducted.get(name, Fraction(0)) + amount
        return lines

    def base(self, base: Row, unit: Unit) -> Fraction | None:
        whole = Fraction(0)
        for row in self.counted(unit):
            added = [self.term(name, row, unit) for name in base["add"] if name != "days"]
            if any(name.endswith("_ceiling") for name in base["add"]) and all(value == 0 for value in added):
                continue
            taken = [self.term(name, row, unit) for name in base.get("less", ())]
            if any(value is None or value < 0 for value in added + taken):
                return None
            whole += max(Fraction(0), sum(added, Fraction(0)) - sum(taken, Fraction(0)))
        if "days" in base["add"]:
            whole += self.sheet_or_nights(unit)
        return whole

    def term(self, name: str, row: Row, unit: Unit) -> Fraction | None:
        if not name.endswith("_ceiling"):
            return money(row.get(name))
        scope = money(row.get("in_scope_amount"))
        if scope is None or scope < 0:
            return scope
        left = self.ceiling_left(row)
        return min(scope, left) if name == "in_scope_below_ceiling" else max(Fraction(0), scope - left)

    def ceiling_left(self, row: Row) -> Fraction:
        ceiling = self.scheme["ceiling"]
        if not isinstance(ceiling, dict):
            return Fraction(ceiling)
        left = Fraction(ceiling["amount"])
        if ceiling.get("per", "settlement") == "settlement":
            return left
        begins = ceiling.get("year_begins", "01-01")
        for other in self.case["settlements"]:
            if self.aside(other) is None and (instant(other), other["settlement_no"]) < (
                instant(row),
                row["settlement_no"],
            ):
                same = funds_year(instant(other).date(), begins) == funds_year(instant(row).date(), begins)
                left -= max(Fraction(0), money(other.get("in_scope_amount")) or Fraction(0)) if same else 0
        return max(Fraction(0), left)

    def share(self, benefit: Row, base: Fraction, unit: Unit, span: Span, deducted: dict[str, Fraction]) -> list[Row]:
        if "gate" in benefit:
            gate = threshold(benefit["gate"], unit)
            exceeded = isinstance(benefit["gate"], dict) and benefit["gate"].get("exceeded", False)
            if base < gate or (exceeded and base == gate):
                return []
        if "deductible" in benefit:
            taken = threshold(benefit["deductible"], unit)
            if isinstance(benefit["deductible"], dict) and benefit["deductible"].get("per") == "period":
                taken = max(Fraction(0), taken - span.deducted.get(benefit["name"], Fraction(0)))
                deducted[benefit["name"]] = min(base, taken)
            base -= min(base, taken)
        exact = self.by_bands(benefit, base, unit, span)
        if exact is None:
            return []
        whole = self.rounded(exact)
        lines = [line_of("band", benefit, whole)]
        days = self.days(unit)
        covered = [day for day in days if self.span_on(day) is not None]
        if benefit.get("prorated") and len(covered) < len(days):
            part = self.rounded(exact * len(covered) / len(days))
            lines.append(line_of("proration", benefit, part - whole))
            whole = part
        if 0 < whole < money(benefit.get("floor", 0)):
            lines.append(line_of("benefit_floor", benefit, money(benefit["floor"]) - whole))
            whole = money(benefit["floor"])
        if "cap" in benefit and whole > money(benefit["cap"]):
            lines.append(line_of("benefit_cap", benefit, money(benefit["cap"]) - whole))
        return lines

    def by_bands(self, benefit: Row, base: Fraction, unit: Unit, span: Span) -> Fraction | None:
        """The exact amount; None where no band is reached."""
        more, rule = Fraction(0), benefit.get("raise")
        if rule and span.years() >= rule.get("from_year", 2):
            more = min(
                Fraction(rule["most"]), (span.years() - rule.get("from_year", 2) + 1) * Fraction(rule["per_year"])
            )
        rows, begins = [], Fraction(0)
        for band in benefit["bands"]:
            if self.holds(band, unit):
                begins = Fraction(band.get("from", begins))
                upto = Fraction(band["upto"]) if "upto" in band else None
                rows.append((begins, upto, band))
                begins = upto if upto is not None else begins
        if benefit.get("mode", "marginal") == "marginal":
            parts = [(min(base, upto) if upto is not None else base) - over for over, upto, _ in rows]
            exact = [
                part * (Fraction(row[2]["rate"]) + more) for part, row in zip(parts, rows, strict=True) if part > 0
            ]
            return sum(exact, Fraction(0)) if exact else None
        for over, upto, band in rows:
            if benefit.get("edge", "lower_included") == "upper_included":
                inside = over < base or (over == base and band.get("from_included", False))
                inside = inside and (upto is None or base <= upto)
            else:
                inside = over <= base and (upto is None or base < upto)
            if inside and base > 0:
                return Fraction(band["amount"]) if "amount" in band else base * (Fraction(band["rate"]) + more)
        return None

    def rounded(self, exact: Fraction) -> Fraction:
        unit = Fraction(1) if self.scheme.get("rounding") == "half_up_yuan" else Fraction(1, 100)
        return math.floor(exact / unit + Fraction(1, 2)) * unit

    def sheet_or_nights(self, unit: Unit) -> int:
        told = [row.get("inpatient_days") or 0 for row in unit.rows]
        return sum(told) if all(told) else len(self.days(unit))

    def daily(self, benefit: Row, unit: Unit, span: Span, due: set[str]) -> list[Row]:
        rows = [*benefit.get("rates", ()), benefit] if "per_day" in benefit else benefit["rates"]
        row = next((row for row in rows if row is benefit or self.holds(row, unit)), None)
        if row is None:
            return []
        due.add(benefit["name"])
        days = self.sheet_or_nights(unit)
        covered = sum(self.span_on(day) is not None for day in self.days(unit))
        if covered < len(self.days(unit)):
            days = min(days, covered)
        days = min(max(0, days - benefit.get("after_days", 0)), benefit.get("max_days", 366))
        amounts = row["per_day"] if isinstance(row["per_day"], list) else [row["per_day"]]
        years, counted = 1, span.before
        while counted is not None:
            if benefit.get("counts_from") and counted.first < benefit["counts_from"]:
                break
            if benefit.get("restart") and benefit["name"] in counted.due:
                break
            years, counted = years + 1, counted.before
        per_day = money(amounts[min(years, len(amounts)) - 1])
        return [line_of("daily_allowance", benefit, per_day * days)] if days else []

    def event_lines(self, unit: Unit, span: Span) -> tuple[list[Row], list[str]]:
        event = unit.event
        assert event is not None
        lump = event["lump"]
        if not self.holds(lump, unit):
            return [], ["not_payable_care"]
        if not event["confirmed"] and lump.get("confirmed", "fact") == "fact":
            return [], ["diagnosis_to_confirm"]
        if lump.get("once", "lifetime") == "lifetime" and lump["name"] in self.sums_paid:
            return [], ["used_before"]
        shares = span.row.get("shares") or self.member.get("shares", 1)
        day = (event["on"] - span.row_begins()).days
        if day < lump.get("waiting_days", 0) and (lump.get("accident_waits", True) or not event["accident"]):
            for row in lump.get("consolation", ()):
                if row["from_day"] <= day <= row["to_day"]:
                    times = shares if row.get("per_share") else 1
                    return [line_of("consolation", lump, money(row["amount"]) * times)], []
            return [], ["waiting_period"]
        amount = lump.get("amount")
        if lump["event"] == "diagnosis":
            amount = next(group.get("amount") for group in lump["groups"] if group["disease"] == event["disease"])
        if amount is None:
            return [], ["amount_unknown"]
        return [line_of("lump_sum", lump, money(amount) * (shares if lump.get("per_share") else 1))], []

    # ---- limits

    def floored(self, unit: Unit, span: Span, lines: list[Row]) -> list[Row]:
        floor = self.scheme.get("floor")
        if floor is None or (
            unit.kind == "month" if "care" not in floor else unit.rows[0]["care_type"] not in floor["care"]
        ):
            return lines
        lowest, least = money(floor.get("amount", 0)), Fraction(1, 100)
        first, left = self.days(unit)[0], unit.rows[-1].get("discharged_on")
        until = (date.fromisoformat(left) if left else first) + DAY
        deaths = [date.fromisoformat(fact["on"]) for fact in self.facts if fact["kind"] == "death"]
        if "on_death" in floor and any(first <= on <= until for on in deaths):
            lowest, least = money(floor["on_death"]), Fraction(0)
        paid = total(lines)
        if least <= paid < lowest:
            return [*lines, {"rule": "floor", "amount": lowest - paid, "benefit": None}]
        return lines

    def capped(self, unit: Unit, span: Span, lines: list[Row]) -> list[Row]:
        for at, cap in enumerate(self.scheme.get("caps", ())):
            if "categories" in cap and span.row.get("category", self.member.get("category")) not in cap["categories"]:
                continue
            shares = (span.row.get("shares") or self.member.get("shares", 1)) if cap.get("per_share") else 1
            used = Fraction(0) if cap["per"] == "stay" else self.used.get(self.scope(at, cap, unit, span), Fraction(0))
            over = concerned(cap, lines) - max(Fraction(0), money(cap["amount"]) * shares - used)
            if over <= 0 or total(lines) <= 0:
                continue
            # What a cap takes comes off the benefits from the last one backwards.
            named = [line["benefit"] for line in lines if line["benefit"] is not None]
            for name in reversed(list(dict.fromkeys(named))):
                paid = total([line for line in lines if line["benefit"] == name])
                cut = min(over, paid) if "benefits" not in cap or name in cap["benefits"] else Fraction(0)
                if cut > 0:
                    lines = [*lines, {"rule": "cap", "amount": -cut, "benefit": name}]
                    over -= cut
            if over > 0:
                lines = [*lines, {"rule": "cap", "amount": -over, "benefit": None}]
        return lines

    def scope(self, at: int, cap: Row, unit: Unit, span: Span) -> Any:
        if cap["per"] == "year":
            years = 0
            while later(span.first, years + 1) <= max(self.days(unit)[0], span.first):
                years += 1
            return at, span.first, years
        return (at, span.first) if cap["per"] == "period" else (at, cap["per"])


def row_order(row: Row) -> Any:
    return row.get("admitted_on") or instant(row).date().isoformat(), instant(row), row["settlement_no"]


def instant(row: Row) -> datetime:
    return datetime.fromisoformat(row["settled_at"])


def funds_year(day: date, begins: str) -> int:
    return day.year - (f"{day.month:02d}-{day.day:02d}" < begins)


def later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)


def threshold(value: Any, unit: Unit) -> Fraction:
    if not isinstance(value, dict):
        return Fraction(value)
    amount = value["amount"] if "amount" in value else value["first" if unit.place == 1 else "later"]
    return Fraction(amount)


def concerned(cap: Row, lines: list[Row]) -> Fraction:
    return total([line for line in lines if "benefits" not in cap or line["benefit"] in cap["benefits"]])


def line_of(rule: str, benefit: Row, amount: Fraction) -> Row:
    return {"rule": rule, "amount": amount, "benefit": benefit["name"]}


def money(value: Any) -> Any:
    return None if value is None else Fraction(str(value))


def total(lines: list[Row]) -> Fraction:
    return sum((line["amount"] for line in lines), Fraction(0))


def yuan(amount: Fraction) -> str:
    fen = amount * 100
    assert fen.denominator == 1, amount
    return f"{'-' if fen < 0 else ''}{abs(int(fen)) // 100}.{abs(int(fen)) % 100:02d}"
