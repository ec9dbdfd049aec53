"""The language beyond the first scheme: every mistake is found when a file is read, drafts, stacking, the ledger."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from schemes_builders import IN_2021, SCHEMES, assessed, decided, family, insured, reversal, stay

from gateway.core.schemes import SchemeFamily, assess, could_pay, in_order_of_payment, ledger, payments_stood_on
from gateway.core.schemes.cases import answer_case
from gateway.core.schemes.coordination import payment_by
from gateway.errors import BadSettings
from gateway.model.record import SettlementRecord
from gateway.settings.schemes import load_families

HEAD = """
scheme = "{scheme}"
name = "{scheme}"
edition = "1"
title = "试"
source = "试"
starts = 2020-01-01
[who]
article = "一"
[stay]
care = ["inpatient"]
article = "一"
"""

SHARE = """
[[benefits]]
name = "share"
kind = "share"
title = "补助"
base = { add = ["in_scope_amount"] }
article = "二"
[[benefits.bands]]
upto = 1000
rate = 0.40
article = "二"
[[benefits.bands]]
rate = 0.50
article = "二"
"""

LUMP = """
[[benefits]]
name = "sum"
kind = "lump_sum"
title = "给付"
event = "diagnosis"
article = "三"
[[benefits.groups]]
disease = "cancer"
amount = 10000
"""

CODES = """
[groups.cancer]
title = "恶性肿瘤"
icd10 = ["C50", "D07.0-D07.3"]
source = "试"
"""


def written(tmp_path: Path, text: str, *, scheme: str = "one", codes: str = CODES) -> Path:
    folder = tmp_path / "schemes"
    folder.mkdir(exist_ok=True)
    (tmp_path / "codes").mkdir(exist_ok=True)
    (tmp_path / "codes" / "set.toml").write_text(codes, encoding="utf-8")
    (folder / f"{scheme}-1.toml").write_text(HEAD.format(scheme=scheme) + text, encoding="utf-8")
    return folder


def load(folder: Path) -> SchemeFamily:
    return next(iter(load_families(folder).values()))


def findings(folder: Path) -> list[str]:
    with pytest.raises(BadSettings) as refused:
        load_families(folder)
    return [str(finding) for finding in refused.value.findings]


BAND = '[[benefits.bands]]\nrate = 0.50\narticle = "二"\n'
MISTAKES = [
    ("upto = 1000\n", "from = 1000\nupto = 1000\n", "upto must rise"),
    ("rate = 0.50", "from = 1500\nrate = 0.50", "a hole between 1000 and 1500"),
    ("rate = 0.50", "from = 500\nrate = 0.50", "an overlap between 1000 and 500"),
    ("upto = 1000\n", "", "only the last band"),
    ("rate = 0.50", "amount = 5", 'amount needs mode = "whole"'),
    ("rate = 0.50", "rate = 0.50\namount = 5", "a band has a rate"),
    ("rate = 0.50", 'rate = 0.50\ngrades = ["3"]', "an overlap between 1000 and 0"),
    ("in_scope_amount", "in_scope", "unknown in_scope; known"),
    ("in_scope_amount", "in_scope_below_ceiling", "ceiling missing"),
    ("in_scope_amount", "paid_by:none", "paid_by:none"),
    ("in_scope_amount", "paid_by:one", "no circle"),
    ('kind = "share"', 'kind = "shares"', "'share', 'daily', 'flat', 'lump_sum'"),
    ('kind = "share"', 'kind = "share"\nprorated = true', "proration missing"),
    ('kind = "share"', 'kind = "share"\nleans_on = ["x"]', "leans_on: x not in settings"),
    ('kind = "share"', 'kind = "share"\ndisease = ["plague"]', "benefits[1].disease: 'plague'"),
    ('kind = "share"', 'kind = "share"\ncare = ["bath"]', "benefits[1].care"),
    ('kind = "share"', 'kind = "share"\nraise = { per_year = 0.1, most = 0.6, article = "r" }', "raise.most"),
    ('care = ["inpatient"]', "care = []", "stay missing"),
    ('care = ["inpatient"]', 'care = ["inpatient"]\nsingle = ["inpatient"]', "inpatient stands twice"),
    ('name = "sum"', 'name = "share"', "name share stands twice"),
    ("amount = 10000", "amount = -1", "groups[1].amount"),
    ('disease = "cancer"', 'disease = "flu"', "benefits[2].groups: 'flu'"),
    ('event = "diagnosis"', 'event = "death"', "death pays one amount"),
    ("amount = 10000\n", 'amount = 10000\n[[benefits.groups]]\ndisease = "cancer"\n', "stands twice"),
]


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES)
def test_a_mistake_of_the_language_is_found(tmp_path: Path, old: str, new: str, named: str) -> None:
    folder = written(tmp_path, SHARE + LUMP)
    assert load(folder).scheme == "one"
    path = folder / "one-1.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(named in finding for finding in findings(folder))


@pytest.mark.parametrize(
    ("rest", "named"),
    [
        ('[[caps]]\namount = 10\nper = "stay"\narticle = "c"\n[floor]\namount = 20\narticle = "f"', "cap.amount"),
        ('[[caps]]\namount = 10\nper = "week"\narticle = "c"', "caps[1].per"),
        ('[[caps]]\namount = 10\nper = "stay"\nbenefits = ["x"]\narticle = "c"', "caps.benefits: unknown x"),
        ('[[caps]]\namount = 10\nper = "stay"\nwith = ["nobody"]\narticle = "c"', "nobody"),
        ('[claim]\narticle = "c"', "exactly one of days, years, fixed_day"),
        ('[claim]\ndays = 90\narticle = "c"', "counts_from missing"),
        ('[claim]\nfixed_day = "02-30"\narticle = "c"', "claim"),
        ('[[benefits.consolation]]\nfrom_day = 5\nto_day = 4\namount = 1\narticle = "c"', "to_day must not"),
        ('[[benefits.consolation]]\nfrom_day = 5\nto_day = 9\namount = 1\narticle = "c"', "inside waiting_days"),
        ('[settings."mine"]\nquestion = "?"\nanswer = "!"\nassumed = true', "unknown mine"),
        ('[[exclusions]]\nreason = "x"\narticle = "e"\ndisease = ["flu"]', "exclusions[1].disease"),
    ],
)
def test_a_mistake_in_what_limits_it_is_found(tmp_path: Path, rest: str, named: str) -> None:
    assert any(named in finding for finding in findings(written(tmp_path, SHARE + LUMP + rest)))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('icd10 = ["C50", "D07.0-D07.3"]', "icd10 = []", "icd10"),
        ('"C50"', '"Krebs"', "not an ICD-10 code"),
        ('"D07.0-D07.3"', '"D07.3-D07.0"', "upwards"),
        ('source = "试"', "", "source"),
    ],
)
def test_a_disease_group_needs_codes(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert any(named in one for one in findings(written(tmp_path, SHARE + LUMP, codes=CODES.replace(old, new))))


def test_stacking_in_a_circle_is_found_in_both_files(tmp_path: Path) -> None:
    written(tmp_path, SHARE.replace("in_scope_amount", "paid_by:two"))
    folder = written(tmp_path, SHARE.replace("in_scope_amount", "paid_by:one"), scheme="two")
    found = findings(folder)
    assert len(found) == 2
    assert all("no circle" in finding for finding in found)


def test_a_draft_stands_in_place_of_the_edition_it_would_replace(tmp_path: Path) -> None:
    folder = written(tmp_path, SHARE)
    draft = tmp_path / "what-if.toml"
    text = (HEAD.format(scheme="one") + SHARE).replace("rate = 0.40", "rate = 0.45")
    draft.write_text(text, encoding="utf-8")
    (edition,) = load_families(folder, draft=draft)["one"].editions
    assert [str(band.rate) for band in edition.benefits[0].bands] == ["0.45", "0.50"]  # type: ignore[union-attr]
    draft.write_text(text.replace("2020-01-01", "2021-01-01").replace('edition = "1"', 'edition = "2"'), "utf-8")
    assert [edition.name for edition in load_families(folder, draft=draft)["one"].editions] == ["1", "2"]
    draft.write_text(text.replace("0.45", "45"), encoding="utf-8")
    with pytest.raises(BadSettings, match=r"what-if\.toml"):
        load_families(folder, draft=draft)


# ── stacking ──────


def test_schemes_are_taken_after_those_they_stand_on(tmp_path: Path) -> None:
    written(tmp_path, SHARE.replace('add = ["in_scope_amount"]', 'add = ["in_scope_amount"], less = ["paid_by:two"]'))
    folder = written(tmp_path, SHARE, scheme="two")
    families = load_families(folder)
    assert [one.scheme for one in in_order_of_payment(families.values())] == ["two", "one"]
    case: dict[str, Any] = {
        "case": "c",
        "scheme": "one",
        "member": {"coverage": [{"from": "2021-01-01", "to": "2021-12-31", "scheme": one} for one in ("one", "two")]},
        "settlements": [
            {
                "settlement_no": "S1",
                "care_type": "inpatient",
                "admitted_on": "2021-02-01",
                "discharged_on": "2021-02-03",
                "settled_at": "2021-02-03T10:00:00+08:00",
                "in_scope_amount": "1000.00",
            }
        ],
    }
    # Two pays 400 of 1,000; one pays 40 % of the 600 that are left.
    assert answer_case(case, families)["estimates"][0]["payable"] == "240.00"
    case["beside"] = {"two": [{"settlements": ["S1"], "payable": "1000.00"}]}
    assert answer_case(case, families)["estimates"][0]["payable"] == "0.00"
    case["beside"] = {"two": [{"settlements": ["S9"], "payable": "1000.00"}]}
    assert answer_case(case, families)["estimates"][0]["payable"] == "400.00"


def test_another_scheme_counts_only_where_the_member_has_its_coverage(tmp_path: Path) -> None:
    written(tmp_path, SHARE.replace('add = ["in_scope_amount"]', 'add = ["in_scope_amount"], less = ["paid_by:two"]'))
    families = load_families(written(tmp_path, SHARE, scheme="two"))
    member = insured(("2021-01-01", "2021-12-31"))
    assert payments_stood_on(member, [stay("S1", "2021-02-01", "2021-02-03")], families["one"], families) == []


def test_a_payment_beside_has_the_first_day_of_its_settlements() -> None:
    records = [stay("S1", "2021-07-05", "2021-07-08"), stay("S2", "2021-07-01", "2021-07-03")]
    assert payment_by("other", ("S1", "S2"), 100, records).on == date(2021, 7, 1)
    assert payment_by("other", ("S9",), 100, records).on is None


# ── what could pay ──────


def test_a_diagnosis_scheme_could_pay_for_any_care_with_such_a_code(tmp_path: Path) -> None:
    scheme = load(written(tmp_path, LUMP))

    def could(*codes: str) -> bool:
        return could_pay(SettlementRecord(settlement_no="S1", care_type="pharmacy", diagnosis_codes=codes), scheme)

    assert could("C50.900x001")
    assert could("d072")
    assert not could("I10.x00")
    assert not could()


# ── the ledger ──────


def test_the_ledger_tells_what_is_used_and_left() -> None:
    member = insured(IN_2021)
    records = [stay("S1", "2021-07-01", "2021-07-11", "250000.00"), stay("S2", "2021-08-01", "2021-08-11", "1000.00")]
    books = ledger(member, records, family())
    (period,) = books.periods
    (cap,) = period.caps
    assert (period.edition, period.stays, period.allowances) == ("2021", 2, ("allowance",))
    assert (cap.limit, cap.used, cap.left) == (25_000_000, 21_710_000 + 40_000, 3_250_000)
    assert (period.paid, books.paid, period.decided) == (21_750_000, 21_750_000, 0)


def test_the_ledger_counts_decisions_also_for_what_was_taken_back() -> None:
    one, two = stay("S1", "2021-07-01", "2021-07-11"), stay("S2", "2021-08-01", "2021-08-11", "1000.00")
    made = (decided("1500.00", "S1"),)
    (period,) = ledger(insured(IN_2021), [one, two, reversal(one)], family(), made).periods
    assert [estimate.settlements for estimate in assessed(insured(IN_2021), one, two, reversal(one), decided=made)] == [
        ("S1",),
        ("S2",),
    ]
    assert (period.decided, period.paid) == (150_000, 150_000 + 40_000)
    assert period.caps[0].used == period.paid
    (refused,) = ledger(insured(IN_2021), [one], family(), (decided("0.00", "S1", refused=True),)).periods
    assert (refused.paid, refused.allowances) == (0, ())


def test_a_deductible_of_the_period_is_used_up_once(tmp_path: Path) -> None:
    text = SHARE.replace('kind = "share"', 'kind = "share"\ndeductible = { amount = 800, per = "period" }')
    scheme = load(written(tmp_path, text))
    member = insured(("2021-01-01", "2021-12-31"))
    records = [
        stay("S1", "2021-02-01", "2021-02-03", in_scope_amount=50_000),
        stay("S2", "2021-03-01", "2021-03-03", in_scope_amount=50_000),
    ]
    estimates = assess(member, records, scheme)
    assert [one.payable for one in estimates] == [0, 8_000]
    assert "减去起付300.00元" in estimates[1].lines[0].text
    (use,) = ledger(member, records, scheme).periods[0].deductibles
    assert (use.limit, use.used, use.left) == (80_000, 80_000, 0)


def test_the_shipped_codes_and_schemes_load() -> None:
    families = load_families(SCHEMES)
    assert {"nm-inpatient"} <= set(families)
    assert all(group.prefixes or group.ranges for one in families.values() for group in one.disease_groups)
