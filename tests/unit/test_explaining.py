"""A claim in words: each fen of the bill is either paid or named with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.claims.content import Draft
from gateway.core.claims.drafting import draft
from gateway.core.claims.explaining import (
    NO_WORDING,
    Explanation,
    Wording,
    base_words,
    explain,
    explain_withdrawal,
    wording_of,
)
from gateway.core.claims.kept import body, frozen, open_kept, spoken, withdrawal
from gateway.core.schemes import PERSON_FLAGS, Insured, assess, needs_person
from gateway.model.benefit import BenefitEstimate, BenefitLine
from gateway.model.member import Coverage, Member
from gateway.model.money import Money, parse_yuan
from gateway.model.record import SettlementRecord
from gateway.settings.schemes import load_families
from gateway.settings.shipped import shipped_folder
from gateway.words.claims import DOUBTS, NOT_PAID

FAMILIES = load_families(shipped_folder() / "config" / "schemes")
FAMILY = FAMILIES["nm-inpatient"]
WORDINGS = {edition.name: wording_of(edition) for edition in FAMILY.editions}
YEARS = {"2019": 2019, "2020": 2020, "2021": 2021, "2022": 2022}
SHANGHAI = timezone(timedelta(hours=8))


def insured(year: int) -> Insured:
    first = date(year, 6, 1)
    return Insured(category="active", coverage=(Coverage(first_day=first, last_day=date(year + 1, 5, 31)),))


def record(number: str, first: date, nights: int = 9, **amounts: int) -> SettlementRecord:
    """A settlement whose sheet adds up; amounts in fen."""
    last = first + timedelta(days=nights)
    parts = ("full_self_amount", "over_limit_amount", "first_self_amount", "in_scope_amount")
    given = {name: Money(amounts.pop(name, 0)) for name in (*parts, "fund_paid_amount")}
    return SettlementRecord(
        settlement_no=number,
        facility_no="H15099900001",
        facility_name="某医院",
        care_type="inpatient",
        admitted_on=first,
        discharged_on=last,
        settled_at=datetime(last.year, last.month, last.day, 10, tzinfo=SHANGHAI),
        total_amount=Money(sum(given[name] for name in parts)),
        **given,
        **{name: Money(amount) for name, amount in amounts.items()},
    )


def told(insured: Insured, records: Sequence[SettlementRecord]) -> list[tuple[BenefitEstimate, Explanation]]:
    found = []
    for estimate in assess(insured, records, FAMILY):
        mine = [records[at] for at in estimate.record_keys]
        wording = WORDINGS.get(estimate.edition or "", NO_WORDING)
        found.append((estimate, explain(estimate, mine, wording, flags=estimate.flags)))
    return found


def parts(words: Explanation) -> dict[str, str | None]:
    return {each.what: each.amount for each in words.not_covered}


# ── the whole bill ──

fen = st.integers(0, 40_000_000)


@st.composite
def stays(draw: st.DrawFn) -> tuple[int, list[SettlementRecord]]:
    year = draw(st.sampled_from(sorted(YEARS.values())))
    many = draw(st.integers(1, 3))
    found = []
    for at in range(many):
        scope = draw(fen)
        first = date(year, 6, 1) + timedelta(days=draw(st.integers(-20, 360)))
        found.append(
            record(
                f"S{at}",
                first,
                draw(st.integers(1, 40)),
                full_self_amount=draw(fen),
                over_limit_amount=draw(st.integers(0, 100_000)),
                first_self_amount=draw(st.integers(0, 100_000)),
                in_scope_amount=scope,
                fund_paid_amount=draw(st.integers(0, scope)),
                deductible_amount=draw(st.sampled_from((0, 80_000))),
            )
        )
    return year, found


@given(stays())
@example((2021, [record("S0", date(2021, 7, 1), in_scope_amount=40_000_000)]))
@example((2021, [record(f"S{n}", date(2021, 7 + n, 1), in_scope_amount=25_000_000) for n in range(2)]))
@example((2021, [record("S0", date(2021, 5, 22), 20, in_scope_amount=1_000_000)]))
def test_what_is_paid_and_what_is_not_are_all_that_was_left_of_the_bill(drawn: tuple[int, list[Any]]) -> None:
    year, records = drawn
    for estimate, words in told(insured(year), records):
        mine = [records[at] for at in estimate.record_keys]
        left = sum(each.total_amount - each.fund_paid_amount for each in mine)
        subsidy = sum(line.amount for line in estimate.lines if line.rule in ("band", "proration", "cap"))
        assert sum(parse_yuan(each.amount or "") for each in words.not_covered) + subsidy == left
        assert all(parse_yuan(each.amount or "") >= 0 for each in words.not_covered)


@given(stays())
def test_every_line_is_a_sentence_with_its_article(drawn: tuple[int, list[Any]]) -> None:
    year, records = drawn
    for estimate, words in told(insured(year), records):
        assert all(each.endswith("。") for each in words.explanation)
        for line in estimate.lines:
            assert f"{line.text}（{line.article}）。" in words.explanation
        assert all(each.reason and (each.article or not estimate.lines) for each in words.not_covered)


def drafted(estimate: BenefitEstimate, records: Sequence[SettlementRecord]) -> Draft:
    person = Member(
        member_id=1, person_id=1, association="nm", member_no="M1", name="试", id_number='","aside":{}', coverage=()
    )
    return draft(
        person,
        estimate,
        records,
        scheme="nm-inpatient",
        received_on=date(2030, 1, 1),
        needs_person=needs_person(estimate),
    )


@given(stays())
@example((2021, [replace(record("S1", date(2021, 7, 1), in_scope_amount=9_000), care_type="outpatient_special")]))
def test_a_kept_body_is_put_into_the_same_words(drawn: tuple[int, list[Any]]) -> None:
    year, records = drawn
    for estimate in assess(insured(year), records, FAMILY):
        mine = [records[at] for at in estimate.record_keys]
        one = drafted(estimate, mine)
        kept = body("HB1", 3, "amended", frozen(one))
        said = spoken(kept, lambda scheme, edition: WORDINGS.get(edition or "", NO_WORDING))
        plain = open_kept(kept)
        assert said.startswith(plain[: plain.rindex(b',"aside":')])
        words = msgspec.json.decode(said)
        assert "aside" not in words
        wanted = explain(estimate, mine, WORDINGS.get(estimate.edition or "", NO_WORDING), flags=one.flags)
        found = {"explanation": words["explanation"], "not_covered": words["not_covered"]}
        assert found == msgspec.to_builtins(wanted)


def test_a_body_without_anything_aside_stays_as_it_is() -> None:
    [estimate] = assess(insured(2021), [record("S1", date(2021, 7, 1), in_scope_amount=1_000_000)], FAMILY)
    before = body("HB1", 1, "proposed", drafted(estimate, [record("S1", date(2021, 7, 1))]).content)
    assert spoken(before, lambda scheme, edition: NO_WORDING) == open_kept(before)
    gone = body("HB1", 2, "withdrawn", withdrawal("nm", "nm-inpatient", "reversed"))
    assert spoken(gone, lambda scheme, edition: NO_WORDING) == open_kept(gone)


@given(st.data())
def test_every_shipped_scheme_explains_itself(data: st.DataObject) -> None:
    scheme = data.draw(st.sampled_from(sorted(FAMILIES)))
    family = FAMILIES[scheme]
    edition = data.draw(st.sampled_from(family.editions))
    first = max(edition.starts, date(1999, 1, 1))
    who = Insured(category="active", coverage=(Coverage(first_day=first, last_day=first + timedelta(days=364)),))
    scope, nights = data.draw(fen), data.draw(st.integers(1, 40))
    sheet = record("S1", first + timedelta(days=200), nights, in_scope_amount=scope, full_self_amount=data.draw(fen))
    care = data.draw(st.sampled_from(("inpatient", "outpatient", "outpatient_special", "emergency", "pharmacy")))
    sheet = replace(sheet, care_type=care, facility_level="01", inpatient_days=nights, diagnosis_codes=("C50.900",))
    wordings = {each.name: wording_of(each) for each in family.editions}
    for estimate in assess(who, [sheet], family):
        mine = [sheet] if estimate.record_keys else []
        words = explain(estimate, mine, wordings.get(estimate.edition or "", NO_WORDING), flags=estimate.flags)
        assert words.explanation[-1].endswith("。")
        assert {f"{line.text}（{line.article}）。" for line in estimate.lines} <= set(words.explanation)
        assert all(each.amount is None or parse_yuan(each.amount) >= 0 for each in words.not_covered)
        assert estimate.payable or words.not_covered or not mine


# ── one by one ──


def one(**amounts: int) -> Explanation:
    [(_, words)] = told(insured(2021), [record("S1", date(2021, 7, 1), **amounts)])
    return words


def test_the_deductible_is_part_of_the_base_in_inner_mongolia() -> None:
    words = one(in_scope_amount=1_500_000, fund_paid_amount=900_000, deductible_amount=80_000)
    assert words.explanation[1] == (
        "可补助的自付部分＝进入统筹15000.00元－统筹基金等已支付9000.00元＝6000.00元，其中起付线800.00元也计入。"
    )
    assert parts(words) == {"own_share": "3600.00"}


def test_a_deductible_that_is_taken_off_is_named_as_not_covered() -> None:
    words = base_words(
        add=("in_scope_amount",),
        less=("fund_paid_amount", "deductible_amount"),
        article="第五条",
        ends_at=None,
        end_article=None,
    )
    line = BenefitLine(
        rule="band", article="第五条", amount=Money(260_000), text="补助", base=Money(520_000), rate=Decimal("0.5")
    )
    estimate = BenefitEstimate(
        settlements=("S1",),
        edition="x",
        payable=Money(260_000),
        lines=(line,),
        flags=(),
        assumed=(),
        claim_by=None,
        stay="S1",
        record_keys=(0,),
    )
    sheet = record(
        "S1", date(2021, 7, 1), in_scope_amount=1_500_000, fund_paid_amount=900_000, deductible_amount=80_000
    )
    told_ = explain(estimate, [sheet], Wording(only=words), flags=())
    assert "－起付线800.00元＝5200.00元" in told_.explanation[1]
    assert "也计入" not in told_.explanation[1]
    assert parts(told_) == {"deductible": "800.00", "own_share": "2600.00"}


def test_of_a_base_of_the_whole_bill_nothing_stays_outside() -> None:
    words = base_words(
        add=("total_amount",), less=("fund_paid_amount",), article="第五条", ends_at=None, end_article=None
    )
    assert (words.outside, words.deductible_inside) == ((), True)


def test_of_a_base_no_sheet_shows_nothing_is_said() -> None:
    words = base_words(add=(), less=(), article="第五条", ends_at=None, end_article=None)
    assert (words.terms, words.outside, words.deductible_inside) == ((), (), False)


def test_above_the_last_band_nothing_is_paid() -> None:
    words = one(in_scope_amount=30_000_000)
    assert parts(words)["above_bands"] == "50000.00"
    assert "超过250000.00元的部分不予补助" in [each.reason for each in words.not_covered]


def test_days_without_cover_and_a_cap_take_off_what_their_lines_say() -> None:
    [(estimate, words)] = told(insured(2021), [record("S1", date(2021, 5, 22), 20, in_scope_amount=1_000_000)])
    cut = next(line for line in estimate.lines if line.rule == "proration")
    assert parts(words)["uncovered_days"] == f"{-cut.amount / 100:.2f}"
    records = [record(f"S{n}", date(2021, 7 + n, 1), in_scope_amount=25_000_000) for n in range(2)]
    capped = told(insured(2021), records)[1][1]
    assert "cap_reached" in parts(capped)


def test_several_settlements_are_told_as_one() -> None:
    [(_, words)] = told(
        insured(2021),
        [
            record("S1", date(2021, 7, 1), in_scope_amount=600_000),
            replace(record("S2", date(2021, 7, 10), in_scope_amount=400_000), facility_no="H15099900002"),
        ],
    )
    assert "2021-07-01至2021-07-19在某医院住院（2笔结算合并计算），医疗总费用10000.00元" in words.explanation[0]
    assert any(DOUBTS["transfer_to_confirm"] in each for each in words.explanation)


def test_a_month_of_special_care_is_named_by_its_month() -> None:
    special = replace(record("S1", date(2021, 7, 1), in_scope_amount=600_000), care_type="outpatient_special")
    [(_, words)] = told(insured(2021), [special])
    assert words.explanation[0].startswith("2021年7月在某医院门诊特殊慢性病治疗，")


def test_a_fund_that_paid_more_than_was_in_scope_is_said() -> None:
    words = one(in_scope_amount=100_000, fund_paid_amount=150_000)
    assert "＝0.00元（其中不足0元的结算按0元计）" in words.explanation[1]


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"insurance_type": "510"}, "maternity_insurance"),
        ({"insurance_type": "390"}, "not_employee_insurance"),
        ({"care_type": "pharmacy"}, "not_payable_care"),
        ({"admitted_on": date(2019, 1, 1), "discharged_on": date(2019, 1, 5)}, "not_covered"),
        ({"in_scope_amount": None}, "incomplete"),
    ],
)
def test_where_nothing_is_paid_the_whole_rest_has_one_reason(change: dict[str, Any], flag: str) -> None:
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=1_000_000, fund_paid_amount=400_000)
    [(estimate, words)] = told(insured(2021), [replace(sheet, **change)])
    assert estimate.payable == 0
    assert [(each.what, each.amount, each.reason) for each in words.not_covered] == [(flag, "6000.00", NOT_PAID[flag])]
    assert any(NOT_PAID[flag] in each for each in words.explanation)


def test_an_amount_nobody_gave_is_not_guessed() -> None:
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=1_000_000, fund_paid_amount=400_000)
    [(_, words)] = told(insured(2021), [replace(sheet, total_amount=None, full_self_amount=None)])
    assert "医疗总费用" not in words.explanation[0]
    assert set(parts(words)) == {"own_share"}


def test_every_flag_that_sends_a_claim_to_a_person_has_words() -> None:
    assert set(DOUBTS) >= PERSON_FLAGS


def test_a_flag_of_a_scheme_of_its_own_is_told_by_its_name() -> None:
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=1_000_000)
    [estimate] = assess(insured(2021), [sheet], FAMILY)
    words = explain(estimate, [sheet], WORDINGS["2021"], flags=("brawl_to_confirm",))
    assert "须由经办人核实（brawl_to_confirm）。" in words.explanation


def test_a_sum_at_an_event_belongs_to_no_bill() -> None:
    line = BenefitLine(rule="lump_sum", article="第三条", amount=Money(1_000_000), text="身故给付10000.00元")
    estimate = BenefitEstimate(
        settlements=(),
        edition="x",
        payable=Money(1_000_000),
        lines=(line,),
        flags=(),
        assumed=(),
        claim_by=date(2022, 1, 1),
        stay="event/death/death",
    )
    words = explain(estimate, [], Wording(claim_basis="（第九条）"), flags=())
    assert words.explanation == [
        "本次给付不对应某一次就医结算。",
        "身故给付10000.00元（第三条）。",
        "合计应补助10000.00元。",
        "最晚申领日为2022-01-01（含当日）（第九条）。",
    ]
    assert words.not_covered == []


@pytest.mark.parametrize(
    "reason", ["merged", "reversed", "nothing_owed", "told_elsewhere", "decision_withdrawn", "other"]
)
def test_a_withdrawal_says_why(reason: str) -> None:
    [said] = explain_withdrawal(reason).explanation
    assert "撤回" in said
    assert said.endswith("。")


# ── other shapes ──

OTHER = """
scheme = "other"
name = "甲市互助"
edition = "2021"
title = "2021年度"
source = "test"
starts = 2021-01-01
rounding = "half_up_fen"
ceiling = 10000
[who]
article = "第一条"
[stay]
care = ["inpatient"]
article = "第二条"
[[benefits]]
name = "below"
kind = "share"
title = "统筹段补助"
base = { add = ["in_scope_amount"], less = ["fund_paid_amount", "deductible_amount"] }
deductible = 500
article = "第三条"
[[benefits.bands]]
rate = 0.6
article = "第三条第一项"
[[benefits]]
name = "days"
kind = "share"
title = "住院天数补助"
base = { add = ["days"] }
mode = "whole"
article = "第四条"
[[benefits.bands]]
rate = 0.5
article = "第四条第一项"
[[benefits]]
name = "special"
kind = "flat"
title = "定额补助"
amount = 100
article = "第五条"
[[caps]]
amount = 100000
per = "period"
article = "第六条"
[claim]
years = 2
counts_from = "period_end"
article = "第七条"
[[exclusions]]
reason = "emergency_care"
care_codes = ["13"]
article = "第八条"
[settings."ceiling"]
question = "封顶线"
answer = "10000"
assumed = true
"""


def other(tmp_path: Path, **changes: Any) -> tuple[BenefitEstimate, Explanation]:
    (tmp_path / "other-2021.toml").write_text(OTHER, encoding="utf-8")
    family = load_families(tmp_path)["other"]
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=800_000, fund_paid_amount=300_000, deductible_amount=100_000)
    sheet = replace(sheet, **changes)
    [estimate] = assess(insured(2021), [sheet], family)
    return estimate, explain(estimate, [sheet], wording_of(family.editions[0]), flags=estimate.flags)


def test_each_benefit_tells_its_own_base(tmp_path: Path) -> None:
    estimate, words = other(tmp_path)
    # 8,000 − 3,000 − 1,000 = 4,000, less 500: 60 % of 3,500; nine days at a half a yuan; 100.
    assert estimate.payable == 210_000 + 450 + 10_000
    assert [each for each in words.explanation if "＝" in each] == [
        "可补助的自付部分＝进入统筹8000.00元－统筹基金等已支付3000.00元－起付线1000.00元＝4000.00元。",
        "住院天数补助的补助基数＝住院天数。",
    ]
    assert "最晚申领日为2024-05-31（含当日）（第七条）。" in words.explanation
    assert parts(words) == {"deductible": "1000.00", "outside_bands": "500.00", "own_share": "1400.00"}


def test_an_exclusion_of_a_scheme_tells_its_article(tmp_path: Path) -> None:
    _, words = other(tmp_path, care_type_code="13")
    assert [(each.what, each.amount, each.article) for each in words.not_covered] == [
        ("emergency_care", "5000.00", "第八条")
    ]
