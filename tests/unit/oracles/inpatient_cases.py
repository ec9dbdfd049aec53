"""Random cases of nm-inpatient, from seeds: coverage first, then scenes of care around it, then what goes wrong."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any

from scheme_oracle import EDITION_STARTS, SHANGHAI, Row, assess_naively

from oracles.odd import ODD

FACILITIES = ("H15010200001", "H15020200002", "H15040200003")
OFFSETS = (8, 8, 8, 8, 0, 9, -5)
EDGES = (0, 1, 300_000, 500_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000)
OTHER_CARE = (
    "outpatient",
    "outpatient_chronic",
    "emergency",
    "maternity_inpatient",
    "maternity_outpatient",
    "family_planning",
    "pharmacy",
    "other",
)
NEEDED = ("admitted_on", "discharged_on", "settled_at", "in_scope_amount", "fund_paid_amount")


class CaseMaker:
    """Makes one case: coverage first, then scenes of care laid around it, then what goes wrong with them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.rows: list[Row] = []
        self.wanted = self.rng.randint(1, 10)
        self.coverage = self.make_coverage()
        self.last_day = self.some_day()

    def make(self) -> Row:
        scenes = (
            self.plain, self.chain, self.split_visit, self.special, self.other, self.heavy, self.fork, self.emergency,
        )  # fmt: skip
        while len(self.rows) < self.wanted:
            self.rng.choices(scenes, (5, 4, 3, 3, 2, 2, 1, 1))[0]()
        self.rows = self.rows[: self.wanted]
        self.refund()
        self.damage()
        self.contradict(Random(self.seed))
        self.rng.shuffle(self.rows)
        case = {
            "case": f"seed-{self.seed}",
            "scheme": "nm-inpatient",
            "member": self.member(),
            "settlements": self.rows,
        }
        plain = [row for row in self.rows if not row.get("reversal")]
        emergencies = [row["settlement_no"] for row in plain if row["care_type"] == "emergency"]
        if emergencies and self.chance(0.5):
            return case | {"facts": [{"kind": "emergency_part", "settlements": sorted(set(emergencies))}]}
        return self.decide(case) if self.chance(0.35) else case

    def chance(self, part: float) -> bool:
        return self.rng.random() < part

    # -- the member

    def member(self) -> Row:
        category = self.rng.choice(("active", "active", "retired"))
        member: Row = {"category": category, "sex": self.rng.choice("MF"), "coverage": self.coverage}
        if not self.chance(0.05):
            member["birth_date"] = self.birth_date(category).isoformat()
        return member

    def birth_date(self, category: str) -> date:
        """Often within days of a limit of age on the first day of some period."""
        if self.chance(0.02):
            return date(1960, 2, 29)
        if not self.coverage or self.chance(0.6):
            return date(1975, 1, 1) + timedelta(days=self.rng.randint(-2000, 2000))
        first = date.fromisoformat(self.rng.choice(self.coverage)["from"])
        age = self.rng.choice((16, 61)) if category == "active" else 71
        birthday = first.replace(year=first.year - age, day=min(first.day, 28))
        return birthday + timedelta(days=self.rng.randint(-2, 2))

    def make_coverage(self) -> list[Row]:
        count = self.rng.choices(range(6), (1, 5, 7, 6, 3, 2))[0]
        first = self.first_start()
        spans: list[Row] = []
        for _ in range(count):
            last = first + timedelta(days=364 if self.chance(0.75) else self.rng.choice((0, 5, 100, 500)))
            spans.append({"from": first.isoformat(), "to": last.isoformat()})
            first = last + timedelta(days=self.gap())
        if count > 1 and self.chance(0.01):
            spans[1]["from"] = spans[0]["to"]
        self.rng.shuffle(spans)
        return spans

    def first_start(self) -> date:
        if self.chance(0.6):
            start = self.rng.choice(EDITION_STARTS)[0] + timedelta(days=self.rng.randint(-1, 1))
            return start - timedelta(days=365 * self.rng.choice((0, 0, 1)))
        return date(2018, 6, 1) + timedelta(days=self.rng.randint(0, 2000))

    def gap(self) -> int:
        return 1 if self.chance(0.7) else self.rng.choice((2, 3, 5, 10, 30, 200))

    # -- days, instants and amounts

    def some_day(self) -> date:
        if not self.coverage:
            return date(2021, 6, 1) + timedelta(days=self.rng.randint(0, 300))
        span = self.rng.choice(self.coverage)
        first, last = date.fromisoformat(span["from"]), date.fromisoformat(span["to"])
        if self.chance(0.4):
            return self.rng.choice((first, last)) + timedelta(days=self.rng.randint(-12, 3))
        return first + timedelta(days=self.rng.randint(0, max(0, (last - first).days)))

    def start_day(self) -> date:
        if self.rows and self.chance(0.4):
            return self.last_day + timedelta(days=self.rng.randint(-3, 3))
        return self.some_day()

    def length(self) -> int:
        return self.rng.choice((0, 1, 2, 3, 7, 9, 12, 20, 29, 30, 31, 40, self.rng.randint(0, 400)))

    def instant(self, day: date) -> str:
        here = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
        here += timedelta(minutes=self.rng.choice((0, 1, 1439, self.rng.randint(0, 1439))))
        return self.written(here)

    def written(self, instant: datetime) -> str:
        zone = timezone(timedelta(hours=self.rng.choice(OFFSETS)))
        return instant.astimezone(zone).isoformat()

    def self_paid(self) -> int:
        kind = self.rng.randint(0, 9)
        if kind < 3:
            return max(0, self.rng.choice(EDGES) + self.rng.choice((-1, 0, 1)))
        if kind < 6:
            return self.rng.randint(0, 300_000)
        if kind < 9:
            return self.rng.randint(0, 3_000_000)
        return self.rng.randint(0, 40_000_000)

    def amounts(self, self_paid: int) -> Row:
        paid = self.rng.randint(0, 2_000_000)
        in_scope = paid + self_paid
        if self.chance(0.03):
            in_scope = max(0, paid - self.rng.randint(0, 1000))
        return {
            "total_amount": two_decimals(in_scope + self.rng.randint(0, 500_000)),
            "in_scope_amount": two_decimals(in_scope),
            "fund_paid_amount": two_decimals(paid),
        }

    # -- one row

    def row(self, care: str, **known: Any) -> Row:
        number = len(self.rows) + 1
        row: Row = {"settlement_no": f"S{number}", "care_type": care, "diagnosis_codes": ["I10.x00"]}
        row |= {"facility_no": self.rng.choice(FACILITIES), **self.amounts(self.self_paid())}
        if self.chance(0.8):
            row["visit_no"] = f"V{number}"
        if self.chance(0.7):
            row["insurance_type"] = self.rng.choices(("310", "390", "510"), (30, 1, 1))[0]
        self.add_regions(row)
        row |= known
        self.rows.append(row)
        return row

    def add_regions(self, row: Row) -> None:
        if self.chance(0.5):
            row["insured_region"] = "150102"
        if self.chance(0.5):
            row["care_region"] = self.rng.choice(("150102", "150125", "150202", "110101"))

    def stay(self, came: date, left: date, **known: Any) -> Row:
        row = self.row("inpatient", admitted_on=came.isoformat(), discharged_on=left.isoformat())
        row["settled_at"] = self.instant(left + timedelta(days=self.rng.choice((0, 0, 0, 1, 40))))
        if self.chance(0.6):
            wrong = self.rng.choice((0, 0, 1, 3, -2))
            row["inpatient_days"] = max(0, (left - came).days + wrong)
        elif self.chance(0.3):
            row["inpatient_days"] = self.rng.choice((0, None))
        if self.chance(0.05):
            row["care_type_code"] = self.rng.choice(("21", "22"))
        self.last_day = left
        row.update(known)
        return row

    # -- scenes of care

    def plain(self) -> None:
        came = self.start_day()
        self.stay(came, came + timedelta(days=self.length()))

    def chain(self) -> None:
        """Transfers to other hospitals, back, and a readmission that only looks like one."""
        came, facility = self.start_day(), self.rng.choice(FACILITIES)
        for _ in range(self.rng.choice((2, 2, 3, 4))):
            left = came + timedelta(days=self.rng.choice((0, 1, 2, 5, 12)))
            self.stay(came, left, facility_no=facility)
            came = left + timedelta(days=self.rng.choice((0, 0, 1, 1, 2)))
            facility = self.rng.choice(FACILITIES)

    def split_visit(self) -> None:
        """One visit settled in parts: all with the visit's dates, or each with its own."""
        came, facility, visit = self.start_day(), self.rng.choice(FACILITIES), f"V{len(self.rows) + 1}"
        same_dates, same_amounts = self.chance(0.4), self.chance(0.3)
        amounts = self.amounts(self.self_paid())
        for _ in range(self.rng.choice((2, 2, 3))):
            left = came + timedelta(days=self.rng.choice((1, 4, 9)))
            row = self.stay(came, left, facility_no=facility, visit_no=visit)
            if same_amounts:
                row.update(amounts)
            if self.chance(0.05):
                row["facility_no"] = self.rng.choice(FACILITIES)
            if same_dates:
                row["discharged_on"] = came.isoformat()
            else:
                came = left if self.chance(0.8) else came + timedelta(days=1)

    def fork(self) -> None:
        """Two stays that both could follow a first one."""
        came = self.start_day()
        left = came + timedelta(days=self.rng.choice((1, 5)))
        self.stay(came, left, facility_no=FACILITIES[0])
        for facility in FACILITIES[1:]:
            later = left + timedelta(days=self.rng.choice((0, 1)))
            self.stay(later, later + timedelta(days=self.rng.choice((0, 3, 8))), facility_no=facility)

    def emergency(self) -> None:
        """Emergency care on the day of an admission or around it, with the day of care or that of settlement alone."""
        came, facility = self.start_day(), self.rng.choice(FACILITIES)
        self.stay(came, came + timedelta(days=self.length()), facility_no=facility)
        for days in self.rng.choice(((0,), (1,), (0, 1), (2,), (-1,))):
            day = came - timedelta(days=days)
            known = {"admitted_on": day.isoformat()} if self.chance(0.3) else {}
            self.row("emergency", facility_no=facility, settled_at=self.instant(day), **known)

    def heavy(self) -> None:
        """Stays that use up the cap of a period."""
        came = self.some_day()
        for _ in range(self.rng.choice((1, 2, 3))):
            left = came + timedelta(days=self.rng.choice((3, 10)))
            self.stay(came, left, **self.amounts(self.rng.randint(15_000_000, 60_000_000)))
            came = left + timedelta(days=self.rng.randint(2, 20))

    def special(self) -> None:
        """Radio-, chemotherapy or dialysis, often on both sides of a month's midnight."""
        day = self.start_day()
        midnight = datetime(day.year, day.month, 1, tzinfo=SHANGHAI)
        for _ in range(self.rng.choice((1, 2, 3, 4))):
            moved = self.rng.choice((-1, 0, 1, 60, -60, self.rng.randint(-40_000, 40_000)))
            instant = midnight + timedelta(minutes=moved)
            known = {"settled_at": self.written(instant), "admitted_on": instant.date().isoformat()}
            self.row("outpatient_special", **known, discharged_on=known["admitted_on"])

    def other(self) -> None:
        day = self.start_day()
        row = self.row(self.rng.choice(OTHER_CARE))
        left = day + timedelta(days=5 if row["care_type"] == "maternity_inpatient" else 0)
        row.update(admitted_on=day.isoformat(), discharged_on=left.isoformat(), settled_at=self.instant(left))

    # -- what goes wrong with them

    def refund(self) -> None:
        for original in list(self.rows):
            if self.chance(0.10):
                self.rows.append(self.reversal_of(original))
                if original["care_type"] == "inpatient" and self.chance(0.4):
                    self.settle_again(original)

    def settle_again(self, original: Row) -> None:
        """The same admission under a new number, with its visit, a new one or none, and other amounts."""
        row = {**original, "settlement_no": f"N{original['settlement_no']}", **self.amounts(self.self_paid())}
        row["settled_at"] = self.written(datetime.fromisoformat(original["settled_at"]) + timedelta(days=3))
        visit = self.rng.choice((original.get("visit_no"), f"V{row['settlement_no']}", None))
        row.pop("visit_no", None)
        self.rows.append(row if visit is None else row | {"visit_no": visit})

    def reversal_of(self, original: Row) -> Row:
        row = {**original, "reversal": True}
        new_number = f"R{original['settlement_no']}"
        part = 2 if self.chance(0.2) else 1
        sign = self.rng.choice((1, -1, -1))
        for name in ("total_amount", "in_scope_amount", "fund_paid_amount"):
            row[name] = two_decimals(sign * (fen(original[name]) // part))
        style = self.rng.choice(("own", "named", "bare", "bare", "bare_own", "unknown"))
        if style in ("own", "named"):
            row["reverses"] = original["settlement_no"]
        elif style == "unknown":
            row["reverses"] = "S-unknown"
        if style in ("named", "bare", "unknown"):
            row["settlement_no"] = new_number
        return row

    def damage(self) -> None:
        """Amounts or dates that are missing (absent or null) or impossible."""
        rows = [row for row in self.rows if not row.get("reversal")]
        while rows and self.chance(0.08):
            row = self.rng.choice(rows)
            kind = self.rng.randint(0, 7)
            if kind == 0 and row.get("admitted_on"):
                before = date.fromisoformat(row["admitted_on"]) - timedelta(days=self.rng.randint(5, 9))
                row["discharged_on"] = before.isoformat()
            elif kind == 1:
                row[self.rng.choice(NEEDED[3:])] = "-" + two_decimals(self.rng.randint(1, 10_000))
            elif kind == 2 and row.get("admitted_on"):
                before = date.fromisoformat(row["admitted_on"]) - timedelta(days=1)
                row["settled_at"] = self.instant(before)
            elif self.chance(0.5):
                row.pop(self.rng.choice(NEEDED), None)
            else:
                row[self.rng.choice(NEEDED)] = None

    def contradict(self, rng: Random) -> None:
        """One stay billed twice under two numbers, more in scope than in all, a bill of one visit weeks later."""
        stays = [row for row in self.rows if row["care_type"] == "inpatient" and not row.get("reversal")]
        if not stays or rng.random() > 0.15:
            return
        row, kind = rng.choice(stays), rng.randrange(3)
        if kind == 0:
            self.rows.append({**row, "settlement_no": f"T{row['settlement_no']}", "visit_no": "VT"})
        elif kind == 1:
            row["total_amount"] = "1.00"
        elif all(row.get(name) for name in (*NEEDED[:3], "visit_no")):
            later = {name: date.fromisoformat(row[name]) + timedelta(days=rng.randint(6, 40)) for name in NEEDED[:2]}
            days = {name: value.isoformat() for name, value in later.items()}
            self.rows.append({**row, **days, "settlement_no": f"L{row['settlement_no']}"})

    def decide(self, case: Row) -> Row:
        """The association has decided about some stays as they looked before the latest rows came."""
        old = {**case, "settlements": [row for row in self.rows if not self.came_later(row)]}
        estimates = [one for one in assess_naively(old).get("estimates", ()) if is_decidable(one)]
        self.rng.shuffle(estimates)
        decided = [self.decision(one) for one in estimates[: self.rng.choice((1, 1, 2))]]
        if self.coverage and self.chance(0.06):
            self.coverage.pop()
        return {**case, "decided": decided} if decided else case

    def came_later(self, row: Row) -> bool:
        return self.chance(0.7 if row.get("reversal") else 0.25)

    def decision(self, estimate: Row) -> Row:
        numbers = list(estimate["settlements"])
        self.rng.shuffle(numbers)
        other = two_decimals(self.rng.randint(1, 30_000_000))
        payable = self.rng.choice((estimate["payable"], estimate["payable"], other, "0.00"))
        return {"settlements": numbers, "payable": payable}


def is_decidable(estimate: Row) -> bool:
    plain = {"age_outside", "referral_to_confirm", "injury_to_confirm", "transfer_to_confirm", *ODD}
    return estimate["edition"] is not None and set(estimate["flags"]) <= plain


def two_decimals(amount: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def fen(text: str) -> int:
    return int(text.replace(".", ""))
