"""Random schemes of the language and random cases for them, from seeds: a failure names the seed that makes it again.

A scheme is made as the tables of its file, sound by construction: what the settings would refuse is not drawn.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Row = dict[str, Any]
CLASSES = ("劳模", "困难职工", "女职工")
GRADES = ("03", "02", "01")
FEED_CODES = ("21", "22")
CODES = ("J18.900", "J44.000", "C16.900", "I10.x00")
BEGINS = date(2023, 1, 1)
EDGES = (0, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
ARTICLE = {"article": "a"}


class SchemeMaker:
    """One scheme: what is one unit, one to four benefits, limits, who and when."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.stays = self.pick(("care", "care", "care", "period", "single"))
        self.other = self.pick((None, "months", "single", "period"))

    def pick(self, options: Any) -> Any:
        return options[int(self.rng.random() * len(options))]

    def chance(self, part: float) -> bool:
        return self.rng.random() < part

    def amount(self, *around: int) -> Decimal:
        return Decimal(self.pick(around)) + Decimal(self.pick((0, 0, 0, 1, 50))) / 100

    def rate(self) -> Decimal:
        return Decimal(self.pick((500, 1000, 1500, 2250, 3333, 4000, 5000, 6000, 7000))) / 10_000

    def make(self) -> Row:
        scheme: Row = {"scheme": "random", "name": "random", "edition": "1", "title": "random", "source": "tests"}
        scheme |= {"starts": date(2000, 1, 1), "rounding": self.pick(("half_up_fen", "half_up_fen", "half_up_yuan"))}
        scheme |= {"who": self.who(), "stay": self.stay(), "benefits": self.benefits()}
        if any("ceiling" in str(benefit.get("base")) for benefit in scheme["benefits"]):
            scheme["ceiling"] = self.ceiling()
        if any(benefit.get("prorated") for benefit in scheme["benefits"]):
            scheme["proration"] = {**ARTICLE}
        if self.chance(0.3):
            scheme["waiting"] = {"days": self.pick((10, 30, 90)), **ARTICLE}
            scheme["waiting"] |= {"waived_if_renewed_within": self.pick((1, 10))} if self.chance(0.5) else {}
            scheme["waiting"] |= {"accident_waits": False} if self.chance(0.4) else {}
        scheme |= self.limits(scheme["benefits"])
        if self.chance(0.5):
            scheme["exclusions"] = [{"reason": "ruled_out", **ARTICLE, **self.rare_conditions()}]
        if self.chance(0.3):
            scheme["confirm"] = [{"flag": "to_confirm", **ARTICLE, **self.conditions()}]
        if self.chance(0.8):
            scheme["claim"] = {**ARTICLE, **self.claim()}
        return scheme

    def who(self) -> Row:
        who: Row = {"categories": self.pick((["active"], ["active", "retired"])), **ARTICLE}
        who |= {"insurance_types": ["310"]} if self.chance(0.7) else {}
        who |= {"maternity_insurance": "510"} if self.chance(0.5) else {}
        who |= {"sex": "F"} if self.chance(0.1) else {}
        who |= {"insured": "any"} if self.chance(0.5) else {}
        if self.chance(0.4):
            who["ages"] = [
                {"category": "active", "sex": sex, "from": 18, "to": to, **ARTICLE}
                for sex, to in (("F", 54), ("M", 59))
            ]
        return who

    def stay(self) -> Row:
        stay: Row = {self.stays: ["inpatient"], **ARTICLE}
        if self.other == self.stays == "period":
            # Two kinds of care in one month or period are not made one unit here: the language refuses or parts them.
            self.other = None
        if self.other is not None:
            stay.setdefault(self.other, [])
            stay[self.other] = [*stay[self.other], "outpatient_special"]
        if self.stays == "care" and self.chance(0.3):
            stay["split"] = "year_end"
        return stay

    def claim(self) -> Row:
        return self.pick((
            {"days": 90, "counts_from": "settlement"}, {"days": 90, "counts_from": "discharge"},
            {"days": 60, "counts_from": "period_end"}, {"years": 2, "counts_from": "period_end"},
            {"fixed_day": "06-30"},
        ))  # fmt: skip

    def ceiling(self) -> Any:
        amount = self.amount(3_000, 10_000, 20_000)
        return self.pick((
            amount, {"amount": amount}, {"amount": amount, "per": "year"},
            {"amount": amount, "per": "year", "year_begins": "04-01"},
        ))  # fmt: skip

    # ---- conditions

    def one_condition(self) -> Row:
        low = self.pick((1, 1, 2, 3))
        day = date(2024, 1, 1) + timedelta(days=self.pick(range(700)))
        return self.pick((
            {"categories": [self.pick(("active", "retired"))]}, {"sex": self.pick("FM")}, {"insured": self.chance(0.7)},
            {"insurance": [self.pick(("310", "390"))]}, {"grades": list(self.pick((GRADES[:1], GRADES[:2])))},
            {"place": self.pick(("local", "elsewhere"))}, {"stays": self.pick(("first", "later"))},
            {"disease": [self.pick(("pneumonia", "lung"))]}, {"years_from": low}, {"years_to": low}, {"from_day": day},
            {"to_day": day}, {"nth_from": low}, {"nth_to": low}, {"nth_from": 2, "nth_to": 2}, {"paid_from": low},
            {"paid_to": low - 1}, {"accident": self.chance(0.5)}, {"care_codes": ["22"]},
            {"classes": [self.pick(CLASSES)]}, {"without_classes": list(CLASSES[:2])},
        ))  # fmt: skip

    def conditions(self) -> Row:
        found: Row = {}
        while self.chance(0.35):
            found |= self.one_condition()
        for low, high in (
            ("years_from", "years_to"),
            ("from_day", "to_day"),
            ("nth_from", "nth_to"),
            ("paid_from", "paid_to"),
        ):
            if low in found and high in found and found[high] < found[low]:
                del found[high]
        return found

    def rare_conditions(self) -> Row:
        return self.pick((
            {"paid_from": self.pick((1, 2, 3))}, {"nth_from": self.pick((2, 3, 4))}, {"care_codes": ["22"]},
            {"accident": True}, {"classes": ["困难职工"], "place": "elsewhere"}, {"disease": ["pneumonia"], "sex": "M"},
        ))  # fmt: skip

    def narrow(self) -> list[Row]:
        """The rows of a table by one question, the last for everybody else."""
        return self.pick((
            [{"categories": ["active"]}, {"categories": ["retired"]}],
            [{"grades": ["03"]}, {"grades": ["02", "01"]}],
            [{"place": "local"}, {"place": "elsewhere"}],
            [{"classes": ["劳模"]}, {"without_classes": ["劳模"]}],
        ))  # fmt: skip

    # ---- benefits

    def benefits(self) -> list[Row]:
        rows: list[Row] = []
        for at in range(self.pick((1, 1, 2, 2, 3, 4))):
            made = self.pick((self.share, self.share, self.daily, self.flat, self.lump_sum))(f"b{at}")
            before = [row["name"] for row in rows if row["kind"] != "lump_sum"]
            if before and made["kind"] != "lump_sum" and self.chance(0.35):
                made["unless"] = [self.pick(before)]
            rows.append(made)
        return rows

    def head(self, name: str, kind: str) -> Row:
        head = {"name": name, "kind": kind, "title": "t", **ARTICLE, **self.conditions()}
        if self.chance(0.3):
            head["care"] = ["inpatient"]
        return head

    def share(self, name: str) -> Row:
        share = self.head(name, "share")
        share["base"] = self.pick((
            {"add": ["in_scope_amount"], "less": ["fund_paid_amount"]},
            {"add": ["in_scope_amount"], "less": ["fund_paid_amount"]},
            {"add": ["in_scope_amount"], "less": ["fund_paid_amount", "deductible_amount"]},
            {"add": ["total_amount"], "less": ["fund_paid_amount"]},
            {"add": ["in_scope_below_ceiling"], "less": ["pooled_fund_amount"]},
            {"add": ["in_scope_above_ceiling"], "less": ["large_amount_fund_amount"]},
            {"add": ["days"]},
        ))  # fmt: skip
        share["mode"] = self.pick(("marginal", "marginal", "whole"))
        share["edge"] = self.pick(("lower_included", "upper_included"))
        tables = self.narrow() if self.chance(0.3) else [{}]
        share["bands"] = [row | narrow for narrow in tables for row in self.bands(share)]
        if self.chance(0.25):
            share["gate"] = self.pick((
                self.amount(500, 1_000), {"first": self.amount(1_000), "later": self.amount(500)},
                {"amount": self.amount(500, 1_000), "exceeded": True},
                {"first": Decimal(800), "later": Decimal(0), "exceeded": True},
            ))  # fmt: skip
        if self.chance(0.3):
            share["deductible"] = self.pick((
                self.amount(200, 1_000), {"first": self.amount(1_300), "later": self.amount(650)},
                {"amount": self.amount(1_000, 3_000), "per": "period"},
                {"first": self.amount(1_000), "later": self.amount(500), "per": "period"},
            ))  # fmt: skip
        if self.chance(0.2):
            most = max(row.get("rate", Decimal(0)) for row in share["bands"])
            share["raise"] = {"per_year": Decimal("0.05"), "from_year": self.pick((1, 2, 3)), **ARTICLE}
            share["raise"]["most"] = min(Decimal("0.15"), 1 - most)
        if self.chance(0.5):
            share["prorated"] = True
        share |= {"floor": self.amount(20, 100, 200)} if self.chance(0.25) else {}
        share |= {"cap": self.amount(300, 1_000, 5_000)} if self.chance(0.25) else {}
        return share

    def bands(self, share: Row) -> list[Row]:
        count = self.pick((1, 1, 2, 3))
        edges = sorted(self.rng.sample(EDGES[1:], count))
        rows: list[Row] = []
        for at, edge in enumerate(edges):
            row: Row = {"upto": Decimal(edge), **ARTICLE}
            amounts = share["mode"] == "whole" and self.chance(0.4)
            row |= {"amount": self.amount(100, 500, 1_500)} if amounts else {"rate": self.rate()}
            if at == count - 1 and self.chance(0.6):
                del row["upto"]
            rows.append(row)
        rows[0] |= {"from": Decimal(0)}
        if edges[0] > 500 and self.chance(0.4):
            rows[0]["from"] = Decimal(500)
        if share["mode"] == "whole" and share["edge"] == "upper_included" and self.chance(0.5):
            rows[0]["from_included"] = True
        return rows

    def daily(self, name: str) -> Row:
        daily = self.head(name, "daily") | {"care": ["inpatient"]}
        if self.stays == "period":
            # Days are those of a stay; what is summed over a period has none.
            return self.flat(name)
        per_day = self.pick((Decimal(40), [Decimal(10), Decimal(20), Decimal(30)]))
        if self.chance(0.3):
            daily["rates"] = [{"per_day": per_day} | narrow for narrow in self.narrow()]
        else:
            daily["per_day"] = per_day
        daily |= {"max_days": self.pick((5, 10, 30))} if self.chance(0.6) else {}
        daily |= {"after_days": self.pick((1, 3))} if self.chance(0.3) else {}
        daily |= {"counts_from": date(2024, 1, 1)} if self.chance(0.2) else {}
        daily |= {"restart": True} if self.chance(0.3) else {}
        return daily

    def flat(self, name: str) -> Row:
        flat = self.head(name, "flat")
        if self.chance(0.4):
            flat["amounts"] = [{"amount": self.amount(100, 300)} | narrow for narrow in self.narrow()]
        else:
            flat["amount"] = self.amount(100, 200, 500)
        return flat

    def lump_sum(self, name: str) -> Row:
        lump = self.head(name, "lump_sum") | {"event": self.pick(("diagnosis", "diagnosis", "death"))}
        for name in ("care", "insurance", "grades", "place", "stays", "disease", "care_codes", "nth_from", "nth_to"):
            # A sum with a condition that only care can fulfil is never paid.
            if name == "care" or self.chance(0.8):
                lump.pop(name, None)
        if lump["event"] == "death":
            lump["amount"] = self.amount(5_000, 10_000)
        else:
            amounts = [self.pick((Decimal(10_000), Decimal(5_000), None)) for _ in range(2)]
            rows = zip(("tumour", "uraemia"), amounts, strict=True)
            lump["groups"] = [{"disease": group} | ({"amount": amount} if amount else {}) for group, amount in rows]
            lump["once"] = self.pick(("lifetime", "group_lifetime", "period"))
        lump |= {"per_share": True} if self.chance(0.5) else {}
        if self.chance(0.5):
            lump["waiting_days"] = 90
            lump |= {"accident_waits": False} if self.chance(0.4) else {}
            if self.chance(0.6):
                row = {"from_day": 30, "to_day": 89, "amount": Decimal(500), **ARTICLE}
                lump["consolation"] = [row | ({"per_share": True} if self.chance(0.5) else {})]
        return lump

    # ---- limits

    def limits(self, benefits: list[Row]) -> Row:
        names = [benefit["name"] for benefit in benefits]
        limits: Row = {}
        if self.chance(0.35):
            limits["floor"] = self.pick((
                {"amount": Decimal(200), **ARTICLE}, {"amount": Decimal(150), "care": ["inpatient"], **ARTICLE},
                {"on_death": Decimal(5_000), "care": ["inpatient"], **ARTICLE},
                {"amount": Decimal(100), "on_death": Decimal(2_000), "care": ["inpatient"], **ARTICLE},
            ))  # fmt: skip
            if self.stays == "period":
                limits["floor"].pop("on_death", None)
                limits["floor"].setdefault("amount", Decimal(200))
        caps: list[Row] = []
        for per in ("stay", "period", "year", "lifetime"):
            if self.chance(0.3):
                cap: Row = {"per": per, "amount": self.amount(1_000, 3_000, 8_000, 20_000), **ARTICLE}
                # A floor beside a cap of some benefits only is another question; each stands alone here.
                cap |= {"benefits": self.rng.sample(names, 1)} if "floor" not in limits and self.chance(0.4) else {}
                cap |= {"per_share": True} if self.chance(0.3) else {}
                cap |= {"categories": ["active"]} if per == "period" and self.chance(0.2) else {}
                caps.append(cap)
        if caps:
            self.rng.shuffle(caps)
            limits["caps"] = caps
        return limits


class CaseMaker:
    """A member with one to three periods, up to seven settlements around them, sometimes facts."""

    def __init__(self, seed: int, scheme: Row, *, codes: tuple[str, ...] = CODES[:2], begins: date = BEGINS) -> None:
        self.rng, self.seed, self.scheme = Random(seed), seed, scheme
        self.codes, self.begins = codes, begins
        lumps = [lump for lump in scheme["benefits"] if lump["kind"] == "lump_sum"]
        groups = [group["disease"] for lump in lumps for group in lump.get("groups", ())]
        self.diseases = groups or ["tumour", "uraemia"]
        self.rows: list[Row] = []

    def pick(self, options: Any) -> Any:
        return options[int(self.rng.random() * len(options))]

    def chance(self, part: float) -> bool:
        return self.rng.random() < part

    def make(self) -> Row:
        self.coverage = self.spans()
        for _ in range(self.pick((0, 1, 2, 3, 4, 5))):
            self.settlement()
        facts = [self.fact() for _ in range(self.pick((0, 0, 1, 2, 3)))]
        if self.chance(0.2):
            facts.append({"kind": "death", "on": self.day().isoformat(), "accident": self.chance(0.5)})
        member: Row = {"coverage": self.coverage, "category": self.pick(("active", "active", "active", "retired"))}
        member |= {"sex": self.pick("FM")} if self.chance(0.9) else {}
        member |= {"birth_date": f"{self.pick((1950, 1966, 1970, 1980, 2008))}-06-01"} if self.chance(0.9) else {}
        member |= {"insured": False} if self.chance(0.1) else {}
        member |= {"shares": self.pick((2, 3))} if self.chance(0.3) else {}
        member |= {"classes": self.rng.sample(CLASSES, self.pick((1, 1, 2)))} if self.chance(0.4) else {}
        self.rng.shuffle(self.rows)
        return {
            "case": str(self.seed),
            "scheme": self.scheme["scheme"],
            "member": member,
            "settlements": self.rows,
            "facts": facts,
        }

    def spans(self) -> list[Row]:
        first, spans = self.begins + timedelta(days=self.pick(range(500))), []
        for _ in range(self.pick((1, 2, 2, 3))):
            last = first + timedelta(days=self.pick((364, 364, 120, 800)))
            span: Row = {"from": first.isoformat(), "to": last.isoformat()}
            span |= {"category": self.pick(("active", "retired"))} if self.chance(0.1) else {}
            span |= {"shares": self.pick((1, 2, 4))} if self.chance(0.2) else {}
            span |= {"classes": [self.pick(CLASSES)]} if self.chance(0.2) else {}
            spans.append(span)
            first = last + timedelta(days=self.pick((1, 1, 1, 5, 30)))
        return spans

    def day(self) -> date:
        span = self.pick(self.coverage)
        first, last = date.fromisoformat(span["from"]), date.fromisoformat(span["to"])
        if self.chance(0.3):
            return self.pick((first, first, last)) + timedelta(days=self.pick(range(-6, 35)))
        return first + timedelta(days=int(self.rng.random() * (last - first).days))

    def settlement(self) -> None:
        ends = date.fromisoformat(self.pick(self.coverage)["to"]) - timedelta(days=self.pick(range(8)))
        came = self.pick(
            (self.day(), self.day(), ends, date(self.begins.year + self.pick((1, 2)), 12, self.pick((20, 28, 31))))
        )
        if self.chance(0.75):
            row = self.stay(came, self.pick((0, 1, 2, 4, 9, 20)))
            if self.chance(0.6 if came.month == 12 else 0.25):
                self.further(row)
        else:
            other = (
                "outpatient" if "outpatient" in self.scheme.get("stay", {}).get("period", ()) else "outpatient_special"
            )
            care = self.pick((other, other, other, "pharmacy"))
            self.row(care, came)

    def stay(self, came: date, nights: int) -> Row:
        left = came + timedelta(days=nights)
        row = self.row("inpatient", left)
        row |= {"admitted_on": came.isoformat(), "discharged_on": left.isoformat()}
        if self.chance(0.4):
            row["inpatient_days"] = max(1, nights)
        if self.chance(0.15):
            row["care_type_code"] = "22"
        return row

    def further(self, whole: Row) -> None:
        """Another settlement of the same visit, from the day the first one ended."""
        whole["visit_no"] = whole["settlement_no"]
        whole.pop("inpatient_days", None)
        row = self.stay(date.fromisoformat(whole["discharged_on"]), self.pick((1, 3, 8)))
        row.pop("inpatient_days", None)
        row |= {key: whole[key] for key in ("facility_no", "visit_no")}
        row.pop("insurance_type", None)
        row |= {"insurance_type": whole["insurance_type"]} if "insurance_type" in whole else {}

    def row(self, care: str, settled: date) -> Row:
        number = f"S{len(self.rows) + 1}"
        row: Row = {"settlement_no": number, "care_type": care, "facility_no": "H15010200001"}
        row["settled_at"] = f"{settled.isoformat()}T{8 + len(self.rows):02d}:30:00+08:00"
        row |= {"visit_no": f"V{number}"} if self.chance(0.5) else {}
        row |= {"insurance_type": self.pick(("310", "310", "310", "310", "390", "510"))} if self.chance(0.8) else {}
        row |= {"facility_level": self.pick(GRADES)} if self.chance(0.8) else {}
        row |= {"diagnosis_codes": [self.pick(self.codes)]} if self.chance(0.3) else {}
        row |= {"insured_region": "150100"} if self.chance(0.8) else {}
        row |= {"care_region": self.pick(("150102", "110101"))} if self.chance(0.8) else {}
        self.rows.append(row | self.amounts())
        return self.rows[-1]

    def amounts(self) -> Row:
        paid = self.pick((0, 0, 100_000, int(self.rng.random() * 500_000)))
        left = self.pick((0, self.pick(EDGES) * 100 + self.pick((-1, 0, 0, 1)), int(self.rng.random() * 3_000_000)))
        scope = max(0, paid + left - self.pick((0, 0, 0, 0, 5_000)))
        found = {
            "in_scope_amount": scope,
            "fund_paid_amount": paid,
            "deductible_amount": self.pick((0, 50_000)),
            "total_amount": scope + self.pick((0, 120_000)),
            "pooled_fund_amount": min(paid, scope),
            "large_amount_fund_amount": self.pick((0, 20_000)),
        }
        texts: Row = {name: f"{fen // 100}.{fen % 100:02d}" for name, fen in found.items()}
        if self.chance(0.08):
            texts.pop(self.pick(list(texts)))
        return texts

    def fact(self) -> Row:
        on = self.day()
        if self.chance(0.4):
            on = date.fromisoformat(self.coverage[0]["from"]) + timedelta(days=self.pick((0, 29, 30, 89, 90, 91)))
        fact = {"kind": "diagnosis", "disease": self.pick(self.diseases), "on": on.isoformat()}
        return fact | {"confirmed": self.chance(0.9), "accident": self.chance(0.2)}
