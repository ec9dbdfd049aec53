"""Every fen of a bill has a code: billed = 医保 paid + every cut + payable, by settlement, by line and by claim."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.claims.balance import balance
from gateway.core.claims.drafting import change_of, draft, withdrawal_of
from gateway.core.claims.explaining import NO_WORDING, Wording, wording_of
from gateway.core.claims.kept import body, frozen, spoken, withdrawal
from gateway.core.claims.told import claim_schema
from gateway.core.schemes import Insured, assess, needs_person
from gateway.model.benefit import BenefitEstimate, ClaimDecision, Fact
from gateway.model.claim import PrefilledClaim
from gateway.model.member import Coverage, Member
from gateway.model.money import Money, parse_yuan
from gateway.model.record import SettlementRecord
from gateway.settings.schemes import load_families
from gateway.settings.shipped import shipped_folder
from gateway.words.claims import CHANGES, WITHDRAWN
from gateway.words.cuts import CUTS, LINE_CUTS

FAMILIES = load_families(shipped_folder() / "config" / "schemes")
WORDINGS = {
    (family.scheme, edition.name): wording_of(edition) for family in FAMILIES.values() for edition in family.editions
}
SHANGHAI = timezone(timedelta(hours=8))
VALIDATOR = jsonschema.Draft202012Validator(claim_schema(), format_checker=jsonschema.FormatChecker())
MEMBER = Member(
    member_id=1,
    person_id=1,
    association="nm",
    member_no="M1",
    name="甲",
    id_type="01",
    id_number="150999198001011234",
    unit_no="U1",
    unit_name="某单位",
    league="乌海市",
)


def wording(scheme: str, edition: str | None) -> Wording:
    return WORDINGS.get((scheme, edition or ""), NO_WORDING)


def record(number: str, first: date, nights: int = 9, **amounts: int | None) -> SettlementRecord:
    last = first + timedelta(days=nights)
    fields: dict[str, Any] = {
        "facility_no": "H15099900001",
        "facility_name": "某医院",
        "facility_level": "01",
        "care_type": "inpatient",
        "inpatient_days": nights,
        "settled_at": datetime(last.year, last.month, last.day, 10, tzinfo=SHANGHAI),
        **{name: None if amount is None else Money(amount) for name, amount in amounts.items()},
    }
    return SettlementRecord(settlement_no=number, admitted_on=first, discharged_on=last, **fields)


def spoken_body(
    scheme: str, estimate: BenefitEstimate, records: Sequence[SettlementRecord], version: int = 1, change: Any = None
) -> dict[str, Any]:
    """The body as the association receives it."""
    one = draft(
        MEMBER, estimate, records, scheme=scheme, received_on=date(2024, 1, 1), needs_person=needs_person(estimate)
    )
    status = "proposed" if version == 1 else "amended"
    return msgspec.json.decode(spoken(body("HB1", version, status, frozen(one, change)), wording))  # type: ignore[no-any-return]


def fen(amount: str) -> int:
    assert re.fullmatch(r"-?[0-9]+\.[0-9]{2}", amount)
    return int(amount.replace(".", ""))


def check(told: dict[str, Any], records: Sequence[SettlementRecord]) -> None:
    """The identities of `balance`, written once more from the bill and the lines."""
    VALIDATOR.validate(told)
    balanced = told["balance"]
    if any(each.total_amount is None or each.fund_paid_amount is None for each in records):
        assert balanced is None
        return
    assert fen(balanced["billed"]) == sum(each.total_amount or 0 for each in records)
    assert fen(balanced["fund_paid"]) == sum(each.fund_paid_amount or 0 for each in records)
    assert balanced["payable"] == told["payable"]
    everything = list(balanced["cuts"])
    for one, sheet in zip(balanced["settlements"], records, strict=True):
        assert one["settlement_no"] == sheet.settlement_no
        assert fen(one["billed"]) == sheet.total_amount
        assert sum(fen(part["amount"]) for part in one["funds"]) == fen(one["fund_paid"]) == sheet.fund_paid_amount
        kept_out = sum(fen(cut["amount"]) for cut in one["cuts"])
        assert fen(one["billed"]) == fen(one["fund_paid"]) + kept_out + fen(one["in_base"])
        everything += one["cuts"]
    in_base = sum(fen(one["in_base"]) for one in balanced["settlements"])
    assert in_base == fen(balanced["in_base"])
    assert in_base == sum(fen(cut["amount"]) for cut in balanced["cuts"]) + fen(told["payable"])
    whole = fen(balanced["fund_paid"]) + sum(fen(cut["amount"]) for cut in everything) + fen(told["payable"])
    assert fen(balanced["billed"]) == whole
    for cut in everything:
        assert cut["code"] in CUTS
        assert fen(cut["amount"]) != 0
    for number, line in enumerate(told["lines"], 1):
        mine = [cut for cut in balanced["cuts"] if cut["line"] == number]
        assert len(mine) <= 1
        if line["rule"] in LINE_CUTS:
            assert [fen(cut["amount"]) for cut in mine] == [-fen(line["amount"])] * (fen(line["amount"]) != 0)


amounts = st.one_of(st.integers(0, 50_000_000), st.sampled_from([0, 1, 20_000, 100_000, 1_000_000, 25_000_000]))
maybe = st.one_of(st.none(), amounts)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Insured, list[SettlementRecord], list[ClaimDecision], list[Fact]]:
    """A member in any shipped scheme with up to three bills, some decided, sheets that add up or do not."""
    scheme = draw(st.sampled_from(sorted(FAMILIES)))
    edition = draw(st.sampled_from(FAMILIES[scheme].editions))
    first = max(edition.starts, date(1999, 1, 1))
    who = Insured(
        category=draw(st.sampled_from(("active", "retired"))),
        sex=draw(st.sampled_from(("F", "M"))),
        birth_date=first - timedelta(days=365 * 40),
        coverage=(Coverage(first_day=first, last_day=first + timedelta(days=364)),),
    )
    records = []
    for number in range(draw(st.integers(1, 3))):
        scope, *parts = draw(amounts), draw(maybe), draw(maybe), draw(maybe)
        paid = draw(st.one_of(st.integers(0, scope), amounts))
        total = scope + sum(part or 0 for part in parts) + draw(st.sampled_from((0, 0, 0, 7, -7)))
        sheet = record(
            f"S{number}",
            first + timedelta(days=draw(st.sampled_from((-4, 150, 200, 210, 360)))),
            draw(st.integers(1, 40)),
            in_scope_amount=draw(st.sampled_from((scope, scope, scope, None))),
            full_self_amount=parts[0],
            over_limit_amount=parts[1],
            first_self_amount=parts[2],
            deductible_amount=draw(maybe),
            fund_paid_amount=paid,
            total_amount=draw(st.sampled_from((total, total, total, None))),
            personal_amount=max(0, total - paid),
            pooled_fund_amount=draw(st.one_of(st.none(), st.integers(0, paid))),
            hospital_borne_amount=draw(st.sampled_from((None, 7))),
        )
        care = draw(st.sampled_from(("inpatient", "inpatient", "outpatient", "outpatient_special", "emergency")))
        records.append(replace(sheet, care_type=care, diagnosis_codes=draw(st.sampled_from(((), ("C50.900",))))))
    decided = [
        ClaimDecision(settlements=("S0",), payable=Money(draw(amounts)))
        for _ in range(draw(st.sampled_from((0, 0, 1))))
    ]
    facts = [Fact(kind="death", on=first + timedelta(days=205)) for _ in range(draw(st.sampled_from((0, 0, 1))))]
    return scheme, who, records, decided, facts


@given(cases())
def test_every_claim_balances_to_the_fen_and_keeps_the_schema(case: Any) -> None:
    scheme, who, records, decided, facts = case
    for estimate in assess(who, records, FAMILIES[scheme], decided, facts=facts):
        mine = [records[at] for at in estimate.record_keys]
        told = spoken_body(scheme, estimate, mine)
        check(told, mine)


def _cuts(cuts: Sequence[dict[str, Any]]) -> dict[str, str]:
    return {cut["code"]: cut["amount"] for cut in cuts}


def _nm(*sheets: SettlementRecord, year: int = 2021, decided: Sequence[ClaimDecision] = ()) -> list[dict[str, Any]]:
    first = date(year, 6, 1)
    who = Insured(category="active", coverage=(Coverage(first_day=first, last_day=date(year + 1, 5, 31)),))
    found = []
    for estimate in assess(who, sheets, FAMILIES["nm-inpatient"], decided):
        mine = [sheets[at] for at in estimate.record_keys]
        found.append(spoken_body("nm-inpatient", estimate, mine))
        check(found[-1], mine)
    return found


def test_a_bill_worked_out_by_hand() -> None:
    """20,000 billed; 3,000 全自费, 1,500 超限价, 500 先行自付; 15,000 in scope, 9,000 paid. 40 % of 6,000 and nine days
    of 10 yuan (policy A10.1, A10.5): 2,490 payable, 3,600 the member's share."""
    sheet = record(
        "S1",
        date(2021, 7, 1),
        total_amount=2_000_000,
        full_self_amount=300_000,
        over_limit_amount=150_000,
        first_self_amount=50_000,
        in_scope_amount=1_500_000,
        fund_paid_amount=900_000,
        pooled_fund_amount=800_000,
        large_amount_fund_amount=60_000,
    )
    [told] = _nm(sheet)
    balanced = told["balance"]
    [one] = balanced["settlements"]
    assert told["payable"] == "2490.00"
    assert _cuts(one["cuts"]) == {"full_self": "3000.00", "over_limit": "1500.00", "first_self": "500.00"}
    assert _cuts(one["funds"]) == {"pooled_fund": "8000.00", "large_amount_fund": "600.00", "fund_paid": "400.00"}
    assert (one["in_base"], _cuts(balanced["cuts"])) == (
        "6000.00",
        {"own_share": "3600.00", "daily_allowance": "-90.00"},
    )
    assert balanced["cuts"][0]["article"] == "第十条第一项"


def test_above_the_bands_over_the_cap_and_without_cover() -> None:
    whole = {"in_scope_amount": 40_000_000, "fund_paid_amount": 0, "total_amount": 40_000_000}
    first, second = _nm(record("S1", date(2021, 7, 1), **whole), record("S2", date(2021, 9, 1), **whole))
    # 4,000 + 63,000 + 150,000 of 250,000; 150,000 lie above the bands (A10.4); the cap of 250,000 leaves the rest.
    assert _cuts(first["balance"]["cuts"])["above_bands"] == "150000.00"
    assert "above_bands" in _cuts(second["balance"]["cuts"])
    assert fen(first["payable"]) + fen(second["payable"]) == 25_000_000
    # Eight nights of twenty are covered: 5,000.006 becomes 2,000 (A14.1), so 3,000.01 of the rounded sum fall away; the
    # allowance of 80 is of covered days alone.
    sheet = record("S3", date(2021, 5, 20), 20, in_scope_amount=1_142_858, fund_paid_amount=0, total_amount=1_142_858)
    [told] = _nm(sheet)
    assert (told["payable"], _cuts(told["balance"]["cuts"])["uncovered_days"]) == ("2080.00", "3000.01")


def test_a_floor_is_an_addition_and_a_small_bill_may_be_paid_more_than_it_cost() -> None:
    """X = 100, five days: 40 + 50 = 90 is topped up to 200 (A10.8), more than the 100 of the bill."""
    sheet = record("S1", date(2021, 7, 1), 5, in_scope_amount=10_000, fund_paid_amount=0, total_amount=10_000)
    [told] = _nm(sheet)
    assert told["payable"] == "200.00"
    assert _cuts(told["balance"]["cuts"]) == {"own_share": "60.00", "daily_allowance": "-50.00", "floor": "-110.00"}


def test_what_was_decided_stays_whatever_the_bill_says() -> None:
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=100_000, fund_paid_amount=0, total_amount=100_000)
    [told] = _nm(sheet, decided=[ClaimDecision(settlements=("S1",), payable=Money(70_000))])
    assert _cuts(told["balance"]["cuts"]) == {"decided": "300.00"}


def test_where_nothing_is_paid_the_rest_has_the_one_reason() -> None:
    sheet = record("S1", date(2019, 1, 1), in_scope_amount=100_000, fund_paid_amount=40_000, total_amount=120_000)
    [told] = _nm(sheet)
    assert _cuts(told["balance"]["cuts"]) == {"not_covered": "800.00"}


@pytest.mark.parametrize(
    ("amounts", "code"),
    [
        ({"total_amount": 130_000, "full_self_amount": None}, "not_itemised"),
        ({"total_amount": 130_000, "full_self_amount": 0}, "sheet_difference"),
        ({"total_amount": 130_000, "full_self_amount": 0, "hospital_borne_amount": 30_000}, "hospital_borne"),
        ({"total_amount": 100_000, "full_self_amount": 0, "fund_paid_amount": 130_000}, "beyond_bill"),
    ],
)
def test_what_a_sheet_leaves_open_has_a_code_of_its_own(amounts: dict[str, Any], code: str) -> None:
    given = {"in_scope_amount": 100_000, "fund_paid_amount": 0, "over_limit_amount": 0, "first_self_amount": 0}
    [told] = _nm(record("S1", date(2021, 7, 1), **(given | amounts)))
    assert code in _cuts(told["balance"]["settlements"][0]["cuts"])


def test_every_rule_of_a_line_has_a_code() -> None:
    """The rules are those that the amounts of schemes write."""
    folder = Path(__file__).parents[2] / "gateway/core/schemes"
    rules = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BenefitLine":
                rules |= {key.value.value for key in node.keywords if key.arg == "rule"}  # type: ignore[attr-defined]
    assert rules - {"band", "decided", "decided_before"} == set(LINE_CUTS)
    assert set(LINE_CUTS.values()) <= set(CUTS)
    assert len(CUTS) >= 40


def test_a_bill_without_its_total_has_no_balance() -> None:
    estimate = BenefitEstimate(
        settlements=("S1",), edition=None, payable=Money(0), lines=(), flags=("incomplete",), assumed=(), claim_by=None,
        stay="S1", record_keys=(0,),
    )  # fmt: skip
    assert balance(estimate, [record("S1", date(2021, 7, 1))], NO_WORDING) is None


# ── what else the body tells ──


def test_the_form_is_filled_and_what_is_missing_is_named() -> None:
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=1_500_000, fund_paid_amount=900_000, total_amount=1_500_000)
    transfer = replace(sheet, settlement_no="S2", facility_no="H15099900002", admitted_on=sheet.discharged_on)
    [told] = _nm(sheet, replace(transfer, discharged_on=date(2021, 7, 20)))
    assert told["applicant"] == {"unit_no": "U1", "unit_name": "某单位", "league": "乌海市"}
    assert told["bills"][0]["facility_level"] == "01"
    needed = {(each["code"], each["situation"]) for each in told["still_needed"]}
    assert {("bank_account", "always"), ("consent", "always"), ("transfer_proof", "transfer")} <= needed
    papers = [each for each in told["still_needed"] if each["code"] == "paper"]
    assert {each["article"] for each in papers} == {"第十二条"}
    assert "住院治疗用药清单和出院证明书" in {each["text"] for each in papers}
    assert [each["flag"] for each in told["to_confirm"]] == ["transfer_to_confirm", "late"]


def test_special_outpatient_care_asks_for_its_proof() -> None:
    sheet = record("S1", date(2021, 7, 1), 0, in_scope_amount=100_000, fund_paid_amount=0, total_amount=100_000)
    [told] = _nm(replace(sheet, care_type="outpatient_special"))
    assert ("paper", "outpatient_special") in {(each["code"], each["situation"]) for each in told["still_needed"]}


CLAIM = PrefilledClaim(
    claim_id="HB1", association="nm", person_id=1, member_id=1, scheme="nm-inpatient", stay_kind="stay",
    stay_digest=b"x", version=3, status="amended", edition="2021", payable=100_000, flags="", claim_by="2021-10-08",
    content=b"", updated_at=0,
)  # fmt: skip


def test_an_amended_body_says_what_changed() -> None:
    sheet = record("S1", date(2021, 7, 1), in_scope_amount=1_500_000, fund_paid_amount=900_000, total_amount=1_500_000)
    who = Insured(category="active", coverage=(Coverage(first_day=date(2021, 6, 1), last_day=date(2022, 5, 31)),))
    [estimate] = assess(who, [sheet], FAMILIES["nm-inpatient"])
    one = draft(MEMBER, estimate, [sheet], scheme="nm-inpatient", received_on=date(2021, 8, 1), needs_person=False)
    change = change_of(CLAIM, one)
    told = spoken_body("nm-inpatient", estimate, [sheet], version=4, change=change)
    VALIDATOR.validate(told)
    assert told["change"]["of_version"] == 3
    assert told["change"]["reasons"] == ["amount_changed"]
    assert told["change"]["text"] == "应补助金额由1000.00元变为2490.00元。"
    same = replace(CLAIM, payable=estimate.payable)
    assert change_of(same, one).reasons == ("details_changed",)
    assert change_of(replace(CLAIM, status="withdrawn", payable=0), one).reasons == ("restored",)
    assert set(change_of(replace(CLAIM, flags="late", edition="2019", claim_by=None), one).reasons) == {
        "amount_changed", "flags_changed", "edition_changed", "deadline_changed",
    }  # fmt: skip
    assert set(CHANGES) > {"restored", "details_changed"}


@pytest.mark.parametrize("reason", sorted(WITHDRAWN))
def test_a_withdrawn_body_says_what_it_takes_back_and_why(reason: str) -> None:
    kept = body("HB1", 4, "withdrawn", withdrawal("nm", "nm-inpatient", reason, withdrawal_of(CLAIM, reason)))
    told = msgspec.json.decode(spoken(kept, wording))
    VALIDATOR.validate(told)
    assert told["change"]["payable_before"] == "1000.00"
    assert told["explanation"] == [WITHDRAWN[reason]] == [told["change"]["text"]]
    assert "aside" not in told
    assert parse_yuan(told["payable"]) == 0
