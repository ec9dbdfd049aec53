"""Random cases for the schemes beside nm-inpatient, from seeds: a failure names the seed that makes it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from oracles.naive import Row, yuan

Some = TypeVar("Some")

FACILITIES = ("H31010100001", "H35080200002", "H15020200003")
OTHER_CARE = ("outpatient_chronic", "emergency", "maternity_inpatient", "family_planning", "pharmacy", "other")
EDGES = {
    "yuncheng": (2_000_00, 5_000_00, 20_000_00, 100_000_00, 150_000_00),
    "longyan": (400_00, 200_00, 50_000_00, 1_00),
    "chongming": (500_00, 1_200_00, 2_000_00, 700_00),
}
CEILINGS = {
    "sh-active": (56_000_00, 420_000_00, 550_000_00, 640_000_00),
    "sh-active-3y": (56_000_00,),
    "sh-retired": (530_000_00, 550_000_00, 610_000_00),
}


class Maker:
    """Coverage around the days the editions start, care around the coverage, then what goes wrong with it."""

    def __init__(self, scheme: str, seed: int, starts: tuple[tuple[str, str], ...]) -> None:
        self.scheme, self.seed, self.starts = scheme, seed, starts
        self.rng = Random(seed)
        self.rows: list[Row] = []
        self.coverage = self.make_coverage()

    # Random's own choice and randint take most of a run's time, and nobody needs their evenness here.

    def chance(self, part: float) -> bool:
        return self.rng.random() < part

    def pick(self, options: Sequence[Some]) -> Some:
        return options[int(self.rng.random() * len(options))]

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.rng.random() * (most - least + 1))

    # ---- the member

    def make_coverage(self) -> list[Row]:
        spans: list[Row] = []
        start = date.fromisoformat(self.pick(self.starts)[0])
        first = start + timedelta(days=self.pick((-1, 0, 0, 0, 1, 30, 200, 400, self.between(-400, 900))))
        for _ in range(self.pick((1, 1, 2, 2, 3))):
            length = self.pick((1095, 1095, 400)) if self.scheme == "sh-active-3y" else self.pick((364, 364, 364, 60))
            last = first + timedelta(days=length)
            spans.append({"from": first.isoformat(), "to": last.isoformat()})
            first = last + timedelta(days=self.pick((1, 1, 1, 2, 9, 10, 11, 12, 40)))
            if (first.month, first.day) == (2, 29):
                first += timedelta(days=1)
        return spans

    def member(self, categories: tuple[str, ...], **known: object) -> Row:
        usual = categories[0] if self.chance(0.9) else self.pick(("active", "retired"))
        found: Row = {"category": usual, "sex": "F", "birth_date": "1980-05-01", "coverage": self.coverage, **known}
        if self.chance(0.1):
            found["insured"] = self.chance(0.5)
        return found

    # ---- days

    def some_day(self) -> date:
        span = self.pick(self.coverage)
        first, last = date.fromisoformat(span["from"]), date.fromisoformat(span["to"])
        if self.chance(0.4):
            near = self.pick((first, first, last)) + timedelta(days=self.between(-12, 12))
            return near + timedelta(days=self.pick((0, 0, 20, 30)))
        return first + timedelta(days=self.between(0, (last - first).days))

    def instant(self, when: date) -> str:
        hour, minute = self.pick(((0, 0), (23, 59), (10, self.between(0, 59))))
        return f"{when.isoformat()}T{hour:02d}:{minute:02d}:00+08:00"

    # ---- rows

    def row(self, care: str, **known: object) -> Row:
        row: Row = {"settlement_no": f"S{len(self.rows) + 1}", "care_type": care}
        row["facility_no"] = self.pick(FACILITIES)
        if self.chance(0.7):
            row["visit_no"] = f"V{len(self.rows) + 1}"
        if self.chance(0.5):
            row["insurance_type"] = self.rng.choices(("310", "390", "340", "510"), (30, 1, 1, 1))[0]
        row |= known
        self.rows.append(row)
        return row

    def stay(self) -> Row:
        came = self.some_day()
        left = came + timedelta(days=self.pick((0, 1, 3, 9, 25, self.between(0, 60))))
        row = self.row("inpatient", admitted_on=came.isoformat(), discharged_on=left.isoformat())
        row["settled_at"] = self.instant(left + timedelta(days=self.pick((0, 0, 1))))
        return row

    def part_of(self, whole: Row) -> Row:
        """Another settlement of the same visit."""
        whole.setdefault("visit_no", f"V{whole['settlement_no']}")
        came = date.fromisoformat(whole["discharged_on"])
        left = came + timedelta(days=self.pick((0, 2, 6)))
        row = self.row("inpatient", admitted_on=came.isoformat(), discharged_on=left.isoformat())
        same = ("facility_no", "visit_no", "insurance_type", "insured_region", "care_region")
        row |= {key: whole[key] for key in same if key in whole}
        if "insurance_type" not in whole:
            row.pop("insurance_type", None)
        row["settled_at"] = self.instant(left)
        return row

    def visit(self, care: str) -> Row:
        return self.row(care, settled_at=self.instant(self.some_day()))

    def refund(self) -> None:
        for row in list(self.rows):
            if self.chance(0.04):
                back = {**row, "reversal": True, "reverses": row["settlement_no"]}
                self.rows.append(back | {"settlement_no": f"R{row['settlement_no']}"})

    def damage(self, names: tuple[str, ...]) -> None:
        """Now and then an amount is missing or impossible, or a date is."""
        if not self.chance(0.08):
            return
        refunded = {row.get("reverses") for row in self.rows}
        whole = [row for row in self.rows if not row.get("reversal") and row["settlement_no"] not in refunded]
        if not whole:
            return
        row = self.pick(whole)
        present = [name for name in names if name in row]
        if self.chance(0.6) and present:
            name = self.pick(present)
            row[name] = self.pick((None, "-0.01"))
        elif row["care_type"] == "inpatient":
            row[self.pick(("admitted_on", "discharged_on", "settled_at"))] = None

    def case(self, member: Row, **more: object) -> Row:
        self.rng.shuffle(self.rows)
        return {"case": f"{self.scheme}-{self.seed}", "scheme": self.scheme, "member": member, "settlements": self.rows,
                **more}  # fmt: skip


# ---- plans that pay a share


class PlanMaker(Maker):
    """Stays, months and visits with the amounts the scheme asks for."""

    def make(self) -> Row:
        care = {"chongming": "outpatient"}.get(self.scheme, "outpatient_special")
        for _ in range(self.pick((1, 1, 2, 3, 5))):
            kind = self.rng.random()
            if kind < 0.6:
                row = self.stay()
                self.places(row)
                if self.chance(0.15):
                    self.part_of(row)
            elif kind < 0.92:
                self.visit(care)
            else:
                row = self.stay()
                row["care_type"] = self.pick(OTHER_CARE)
        for row in self.rows:
            self.amounts(row)
        names = tuple(name for name in self.rows[0] if name.endswith("_amount"))
        self.refund()
        self.damage(names)
        categories = {"sh-retired": ("retired",), "jingan": ("active", "retired")}.get(self.scheme, ("active",))
        member = self.member(categories)
        if self.scheme == "yuncheng" and self.chance(0.2):
            member["insured"] = False
            self.bills_without_insurance()
        return self.case(member, **self.beside())

    def bills_without_insurance(self) -> None:
        """Whole bills near the edges of the bands; a refund is of the same amount as its original."""
        totals: dict[str, str] = {}
        for row in self.rows:
            row.pop("insurance_type", None)
            if row.get("total_amount") is not None and not row["total_amount"].startswith("-"):
                number = row.get("reverses", row["settlement_no"])
                row["total_amount"] = totals.setdefault(number, yuan(self.self_pay()))

    def places(self, row: Row) -> None:
        if self.scheme == "longyan":
            if self.chance(0.8):
                row["insured_region"] = "350802"
            if self.chance(0.8):
                row["care_region"] = self.pick(("350802", "350823", "350200", "110101"))

    def self_pay(self) -> int:
        if self.chance(0.4):
            return max(0, self.pick(EDGES.get(self.scheme, (1_000_00, 100_000_00))) + self.pick((-1, 0, 1)))
        return self.pick((self.between(0, 3_000_00), self.between(0, 60_000_00), 0))

    def amounts(self, row: Row) -> None:
        left, paid = self.self_pay(), self.between(0, 20_000_00)
        deductible = self.pick((0, 600_00, 1_500_00, self.between(0, 1_600_00)))
        in_scope = max(0, paid + left - (self.between(0, 10_00) if self.chance(0.1) else 0))
        row |= {"in_scope_amount": yuan(in_scope), "fund_paid_amount": yuan(paid)}
        row["deductible_amount"] = yuan(deductible)
        if self.scheme == "longyan":
            own = self.between(0, 3_000_00)
            row |= {"full_self_amount": yuan(own), "total_amount": yuan(paid + own + deductible + left)}
        elif self.scheme.startswith("sh-"):
            self.funds(row, deductible)
        else:
            row["total_amount"] = yuan(in_scope + self.between(0, 2_000_00))

    def funds(self, row: Row, deductible: int) -> None:
        """The pooled fund under the ceiling, the additional one above it, which often is not named."""
        ceiling = self.pick(CEILINGS[self.scheme])
        near = ceiling + self.pick((-1, 0, 1, self.between(0, 80_000_00)))
        in_scope = near if self.chance(0.25) else self.between(0, 90_000_00)
        pooled = self.between(0, max(0, min(in_scope, ceiling) - deductible))
        if self.chance(0.6):
            pooled = max(0, min(in_scope, ceiling) - deductible - self.self_pay())
        row |= {"in_scope_amount": yuan(in_scope), "pooled_fund_amount": yuan(pooled)}
        if in_scope > ceiling or self.chance(0.4):
            row["large_amount_fund_amount"] = yuan(self.between(0, max(0, in_scope - ceiling)))

    def beside(self) -> Row:
        if self.scheme != "jingan":
            return {}
        numbers = [row["settlement_no"] for row in self.rows if not row.get("reversal")]
        self.rng.shuffle(numbers)
        paid = []
        while numbers and self.chance(0.8):
            part = [numbers.pop()] + ([numbers.pop()] if numbers and self.chance(0.2) else [])
            paid.append({"settlements": part, "payable": yuan(self.pick((0, self.self_pay())))})
        return {"beside": {"sh-active": paid}}


# ---- sums on a diagnosis


CODES = (
    "C50.900", "C50.100x001", "C53.900", "C54.100", "C55.x00", "C56.x00", "C57.000", "C52.x00", "C51.900", "C58.x00",
    "D39.200", "D39.100", "D05.100", "D06.900", "D07.000", "D07.300", "D07.400", "C16.900", "C97.x00", "D61.900",
    "N18.001", "N18.500", "N18.900", "N19.x00", "K72.900", "B16.200", "B16.900", "Z95.100", "Z95.200", "Z95.500",
    "Z94.000", "Z94.500", "I71.000", "D32.000", "D33.300", "D35.200", "I10.x00", "I63.900", "E11.900", "G20.x00",
    "F01.900", "H54.000", "M34.900", "Z95.800", "B24.x00",
)  # fmt: skip
DISEASES = {
    "women": (
        "breast_cancer", "cervical_cancer", "uterine_cancer", "ovarian_cancer", "cervix_in_situ", "breast_in_situ",
        "genital_in_situ", "invasive_mole", "placental_cancer",
    ),
    "critical": (
        "malignant_tumour", "uraemia", "aplastic_anaemia", "aortic_surgery", "organ_transplant", "intracranial_tumour",
        "severe_hepatitis", "valve_replacement", "coronary_bypass", "early_stage", "deafness", "blindness", "hiv",
        "parkinson", "motor_neurone_disease", "alzheimer", "other_dementia", "scleroderma", "valve_intervention",
    ),
}  # fmt: skip


class SumMaker(Maker):
    """Settlements with diagnoses, facts that a person confirmed or not, deaths and ends of periods."""

    def make(self) -> Row:
        for _ in range(self.pick((0, 1, 1, 2, 3, 5))):
            row = self.stay() if self.chance(0.8) else self.visit(self.pick(("outpatient", *OTHER_CARE)))
            row["diagnosis_codes"] = self.rng.sample(CODES, self.pick((0, 1, 1, 1, 2)))
        self.refund()
        facts = [self.fact() for _ in range(self.pick((0, 1, 1, 1, 2, 3)))]
        for kind in ("death", "maturity"):
            if self.chance(0.2):
                facts.append({"kind": kind, "on": self.some_day().isoformat()})
        if self.chance(0.15):
            end = date.fromisoformat(self.coverage[0]["to"]) + timedelta(days=self.pick((0, 1, 2)))
            facts = [fact for fact in facts if fact["kind"] != "maturity"]
            facts.append({"kind": "maturity", "on": end.isoformat()})
        known: Row = {"shares": self.pick((1, 2, 3))} if self.chance(0.4) else {}
        known["sex"] = "M" if self.chance(0.05) else "F"
        return self.case(self.member(("active",), **known), facts=facts)

    def fact(self) -> Row:
        kinds = "critical" if self.scheme.startswith("sh-critical") or self.scheme == "sh-post" else "women"
        disease = self.pick(DISEASES[kinds])
        on = self.some_day()
        if self.chance(0.4):
            first = date.fromisoformat(self.pick(self.coverage)["from"])
            on = first + timedelta(days=self.pick((89, 90, 119, 120, 149, 150, 179, 180, 181)))
        return {"kind": "diagnosis", "disease": disease, "on": on.isoformat(), "confirmed": True}
