"""Rows → records: alternatives, sums, what belongs to the fund, reversal styles, checks, every error of a row."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from normalise_samples import ID18, ROW, csv_page, made, mapping, page, row

from gateway.core.normalise import CompiledMapping, Normal, Rejected
from gateway.core.normalise.national import national_rules
from gateway.model.national_id import in_18
from gateway.model.page import Identity
from gateway.model.record import AMOUNT_FIELDS, SettlementRecord, national_codes


def normalised(compiled: CompiledMapping, some: dict[str, Any]) -> Normal | Rejected:
    return compiled.record(compiled.read(page(some)), 0)


def record(some: dict[str, Any], **tables: Any) -> SettlementRecord:
    found = normalised(made(**tables), some)
    assert isinstance(found, Normal), found
    return found.record


def codes(some: dict[str, Any], **tables: Any) -> list[tuple[str, str]]:
    found = normalised(made(**tables), some)
    assert isinstance(found, Rejected), found
    return [(error.code, error.field) for error in found.errors]


def identity(some: dict[str, Any], **tables: Any) -> Identity | tuple[Any, ...]:
    compiled = made(**tables)
    return compiled.identify(compiled.read(page(some)), 0, 1)[0]


def test_a_national_row_needs_nothing_but_national() -> None:
    found = record(row(setl_type="2", pay_loc="2", dise_codg="I10.x00", ipt_days=9, acct_mulaid_pay=0))
    assert found.settlement_no == "T0000000001"
    assert found.birth_date == date(1980, 1, 1)
    assert found.care_type == "inpatient"
    assert found.care_type_code == "21"
    assert found.fund_paid_amount == 900_000
    assert found.diagnosis_codes == ("I10.x00",)
    known = {name for name in SettlementRecord.__struct_fields__ if getattr(found, name) not in (None, ())}
    assert known == set(SettlementRecord.__struct_fields__) - {"reverses"}


def test_every_field_with_a_national_code_has_a_rule() -> None:
    assert set(national_rules()) == {field for field, national in national_codes().items() if national}


@pytest.mark.parametrize(
    "field", [field for field in AMOUNT_FIELDS if field not in ("total_amount", "other_fund_amount")]
)
def test_a_missing_amount_is_none_and_never_zero(field: str) -> None:
    bare = {key: value for key, value in ROW.items() if key in ("setl_id", "medfee_sumamt")}
    assert getattr(record(bare), field) is None


def test_other_fund_is_a_sum_of_what_is_there() -> None:
    assert record(row(oth_pay=None)).other_fund_amount is None
    some = row(oth_pay=1, othfund_pay="2.5", hifdm_pay="", hifp_pay="7996.50")
    assert record(some).other_fund_amount == 350


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("med_fee_sumamt", "medfee_sumamt"), ("cert_no", "certno"), ("cashPayamt", "cash_payamt"),
     ("psnCash_pay", "cash_payamt"),
     ("prese_ifpay_amt", "preselfpay_amt"), ("fulamtOwnpay_amt", "fulamt_ownpay_amt"), ("psn_part_amt", "psn_pay"),
     ("pdn_cash_pay", "cash_payamt"), ("ownpay_hosp_part", "hosp_part_amt"), ("insu_admdvs", "insuplc_admdvs")],
)  # fmt: skip
def test_known_spellings_of_a_national_code(wrong: str, right: str) -> None:
    drifted = {wrong if key == right else key: value for key, value in ROW.items()}
    assert record(drifted) == record(ROW)


def test_the_first_source_with_a_value_wins() -> None:
    assert record(row(psn_part_amt=None)).personal_amount == 1_100_000
    assert record(row(psn_part_amt="", psn_pay="11000.00")).personal_amount == 1_100_000
    assert record(row(psn_part_amt=11000, psn_pay=5)).personal_amount == 1_100_000


def test_what_the_feed_counts_into_the_fund_is_taken_out() -> None:
    account = record(row(fund_pay_sumamt=10000), amounts={"fund_includes_account": True})
    assert account.fund_paid_amount == 900_000
    both = record(
        row(fund_pay_sumamt="10005.50", hosp_part_amt="5.50", psn_pay="10994.50", cash_payamt="9994.50"),
        amounts={"fund_includes_account": True, "fund_includes_hospital_share": True},
    )
    assert both.fund_paid_amount == 900_000


def test_a_fund_that_holds_the_account_is_caught_where_nobody_said_so() -> None:
    assert ("sum_mismatch_i2", "total_amount") in codes(row(fund_pay_sumamt=10000))


def test_constants_minus_and_codes() -> None:
    fields = {
        "insurance_type": {"value": "310"},
        "total_amount": {"from": ["medfee_sumamt"], "minus": ["off"]},
        "facility_level": {"from": ["hosp_lv"], "codes": {"09": "3A"}, "unknown": "empty"},
        "person_type": {"codes": {"11": "active"}, "prefix": True},
    }
    found = record(
        row(off="100", fulamt_ownpay_amt=1900, psn_pay=10900, cash_payamt=9900, insutype="390"), fields=fields
    )
    assert (found.insurance_type, found.total_amount, found.facility_level) == ("310", 1_990_000, "3A")
    assert found.person_type == "active"
    assert codes(row(psn_type="22"), fields={"person_type": {"codes": {"11": "active"}}}) == [
        ("unknown_code", "person_type")
    ]


# Reversals


@pytest.mark.parametrize(
    ("flag", "reversal"), [("0", False), (0, False), ("", False), (None, False), ("1", True), (2, True)]
)
def test_flag_style_by_the_flag(flag: Any, reversal: bool) -> None:
    found = record(row(refd_setl_flag=flag))
    assert (found.reversal, found.reverses) == (reversal, "T0000000001" if reversal else None)
    assert found.total_amount == 2_000_000, "amounts keep the sign the feed sent"


def negated() -> dict[str, Any]:
    return {key: -value if isinstance(value, int) else value for key, value in ROW.items()}


@pytest.mark.parametrize("style", ["flag", "pair", "vanish"])
def test_a_negative_total_is_a_reversal_in_every_style(style: str) -> None:
    found = record(negated(), reversals={"style": style})
    assert (found.reversal, found.total_amount, found.fund_paid_amount) == (True, -2_000_000, -900_000)


@pytest.mark.parametrize("total", [0, "0.00", "-0.00"])
def test_a_total_of_nothing_takes_nothing_back(total: Any) -> None:
    assert not record({"setl_id": "T1", "medfee_sumamt": total}, reversals={"style": "pair"}).reversal


def test_pair_style_does_not_look_at_the_flag() -> None:
    assert not record(row(refd_setl_flag="1"), reversals={"style": "pair"}).reversal


@pytest.mark.parametrize(("valid", "reversal"), [("1", False), (None, False), ("0", True), (0, True), ("2", True)])
def test_vanish_style_by_the_valid_flag(valid: Any, reversal: bool) -> None:
    assert record(row(vali_flag=valid), reversals={"style": "vanish"}).reversal is reversal


def test_a_named_original_stands_before_the_own_number() -> None:
    fields = {"reverses": {"from": ["init_setl_id"]}}
    assert record(row(refd_setl_flag="1", init_setl_id="T0"), fields=fields).reverses == "T0"
    assert record(row(refd_setl_flag="1"), fields=fields).reverses == "T0000000001"
    assert record(row(refd_setl_flag="0", init_setl_id="T0"), fields=fields).reverses is None
    unnamed = record(row(refd_setl_flag="1"), reversals={"style": "flag", "reverses": "unnamed"})
    assert (unnamed.reversal, unnamed.reverses) == (True, None)


def test_an_unknown_flag_is_an_error_once() -> None:
    assert codes(row(refd_setl_flag="9")) == [("unknown_code", "reversal")]


def test_a_reversal_may_name_nobody() -> None:
    bare = {"setl_id": "T1", "medfee_sumamt": "-5.00"}
    found = identity(bare)
    assert isinstance(found, Identity)
    assert found.names_nobody
    assert not getattr(identity({**bare, "psn_name": "测试甲"}), "names_nobody")  # noqa: B009
    assert not getattr(identity({**bare, "medfee_sumamt": "5"}), "names_nobody")  # noqa: B009


# Checks


def test_a_fen_of_rounding_is_no_mismatch_and_two_are() -> None:
    assert record(row(inscp_scp_amt="14999.99")).in_scope_amount == 1_499_999
    assert codes(row(inscp_scp_amt="14999.98")) == [("sum_mismatch_i1", "total_amount")]
    assert record(row(inscp_scp_amt="14999.50"), checks={"tolerance": "0.50"}).in_scope_amount == 1_499_950


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"inscp_scp_amt": 1}, "sum_mismatch_i1"), ({"hosp_part_amt": 7}, "sum_mismatch_i2"),
     ({"acct_pay": 7}, "sum_mismatch_i3"),
     ({"hifob_pay": 7}, "sum_mismatch_i4"), ({"enddate": "2026-02-01"}, "date_order")],
)  # fmt: skip
def test_each_check_quarantines_warns_or_is_off(changed: dict[str, Any], code: str) -> None:
    switch = code.removeprefix("sum_mismatch_")
    assert [found for found, _ in codes(row(**changed))] == [code]
    warned = normalised(made(checks={switch: "warn"}), row(**changed))
    assert isinstance(warned, Normal)
    assert [error.code for error in warned.warnings] == [code]
    silent = normalised(made(checks={switch: "off"}), row(**changed))
    assert isinstance(silent, Normal)
    assert silent.warnings == ()


@pytest.mark.parametrize("missing", ["fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"])
def test_a_check_with_a_missing_amount_is_skipped(missing: str) -> None:
    assert record(row(**{missing: None}))


def test_a_missing_hospital_share_and_other_fund_count_as_nothing() -> None:
    assert record(row(hosp_part_amt=None, oth_pay=None))
    assert codes(row(hosp_part_amt=None, fund_pay_sumamt=8000, hifp_pay=7000)) == [("sum_mismatch_i2", "total_amount")]
    assert codes(row(oth_pay=None, hifp_pay=7000)) == [("sum_mismatch_i4", "fund_paid_amount")]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=8, max_size=8), st.booleans(), st.integers(-5, 5))
def test_sums_that_are_right_pass_and_sums_that_are_not_do_not(parts: list[int], taken_back: bool, off: int) -> None:
    own, over, first, scope, fund_share, account, hospital = parts[:7]
    total = own + over + first + scope
    fund = min(fund_share, total)
    hospital = min(hospital, total - fund)
    personal = total - fund - hospital
    account = min(account, personal)
    sign = -1 if taken_back else 1
    amounts = {
        "medfee_sumamt": total + off, "fulamt_ownpay_amt": own, "overlmt_selfpay": over, "preselfpay_amt": first,
        "inscp_scp_amt": scope, "fund_pay_sumamt": fund, "hifp_pay": fund, "hifob_pay": 0, "psn_pay": personal,
        "acct_pay": account, "cash_payamt": personal - account, "hosp_part_amt": hospital,
    }  # fmt: skip
    some = row(**{name: f"{sign * fen / 100:.2f}" for name, fen in amounts.items()})
    found = normalised(made(), some)
    wrong = {error.code for error in found.errors} if isinstance(found, Rejected) else set()
    assert wrong == ({"sum_mismatch_i1", "sum_mismatch_i2"} if abs(off) > 1 else set())


# Errors


def test_all_errors_of_a_row_are_listed_and_none_twice() -> None:
    found = codes(
        row(setl_id=None, certno="150999198001010018", gend="7", brdy="1980-02-30", begndate="x", enddate=[],
        setl_time="y",
            medfee_sumamt="1e3", hifp_pay={}, acct_pay="NaN", psn_name="x" * 101, ipt_days="9.5", emp_name="a\x01b")
    )  # fmt: skip
    assert found == [
        ("missing", "settlement_no"), ("too_long", "name"), ("bad_id_number", "id_number"), ("unknown_code", "sex"),
        ("not_a_date", "birth_date"), ("control_character", "employer_name"), ("not_a_date", "admitted_on"),
        ("wrong_type", "discharged_on"), ("not_an_integer", "inpatient_days"), ("not_a_datetime", "settled_at"),
        ("not_an_amount", "total_amount"), ("wrong_type", "pooled_fund_amount"), ("not_an_amount", "account_amount"),
    ]  # fmt: skip


def test_errors_of_fields_and_of_sums_stand_together() -> None:
    assert codes(row(gend="7", acct_pay=7)) == [("unknown_code", "sex"), ("sum_mismatch_i3", "personal_amount")]
    bad = row(hosp_part_amt="x", psn_pay=10995, cash_payamt=9995)
    assert codes(bad) == [("not_an_amount", "hospital_borne_amount")], "a bad amount is not zero"


def test_identify_tells_every_error_of_the_row_too() -> None:
    found = identity(row(setl_id="", gend="7"))
    assert isinstance(found, tuple)
    assert [error.code for error in found] == ["missing", "unknown_code"]


def test_what_only_the_whole_record_shows_does_not_stop_the_identity() -> None:
    assert isinstance(identity(row(brdy="x")), Identity)


def test_messages_name_field_and_source_and_never_the_value() -> None:
    found = normalised(made(), row(certno="150999198001010018", psn_name="不应出现" * 30))
    assert isinstance(found, Rejected)
    messages = " ".join(error.message for error in found.errors)
    assert "id_number（certno" in messages
    assert "name（psn_name）" in messages
    assert "150999" not in messages
    assert "不应出现" not in messages


@pytest.mark.parametrize("limit", [("setl_id", 64), ("psn_name", 100), ("emp_name", 200), ("fixmedins_code", 64)])
def test_lengths(limit: tuple[str, int]) -> None:
    key, most = limit
    assert record(row(**{key: "x" * most}))
    assert [code for code, _ in codes(row(**{key: "x" * (most + 1)}))] == ["too_long"]


# Special outpatient care

SPECIAL = {
    "special_outpatient": {
        "care_type_codes": ["140201", "9905"],
        "disease_codes": ["M00500"],
        "disease_from": "dise_codg",
    }
}


@pytest.mark.parametrize(
    ("code", "disease", "care"),
    [("14", None, "outpatient_chronic"), ("14", "M03900", "outpatient_chronic"), ("14", "M00500", "outpatient_special"),
     ("140104", "M00500", "outpatient_special"), ("140201", None, "outpatient_special"),
     ("9905", None, "outpatient_special"),
     ("9906", None, "other"), ("21", "M00500", "inpatient"), ("11", "M00500", "outpatient"), (None, "M00500", None)],
)  # fmt: skip
def test_special_outpatient_care_only_by_the_feeds_own_codes(
    code: str | None, disease: str | None, care: str | None
) -> None:
    found = record(row(med_type=code, dise_codg=disease), **SPECIAL)
    assert (found.care_type, found.care_type_code) == (care, code)


def test_no_code_is_special_by_itself() -> None:
    assert record(row(med_type="140201", dise_codg="M00500")).care_type == "outpatient_chronic"


def test_a_mapping_may_know_care_types_better() -> None:
    fields = {"care_type": {"codes": {"27": "inpatient", "9901": "emergency"}}}
    assert [record(row(med_type=code), fields=fields).care_type for code in ("27", "9901", "2101", "9902")] == [
        "inpatient", "emergency", "inpatient", "other",
    ]  # fmt: skip


# Identity and record


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_identity_and_record_agree(chance: random.Random) -> None:
    some = row(
        refd_setl_flag=chance.choice(["0", "1", 2, None, "x"]),
        certno=chance.choice(
            [ID18, "150999800101001", "１５０９９９１９８００１０１００１７", "150999198001010018", None]
        ),
        psn_cert_type=chance.choice(["01", 1, None, "90", "身份证"]),
        medfee_sumamt=chance.choice([20000, "20000.00", "-20000.00", None, "x"]),
    )
    compiled = made(checks={"i1": "off", "i2": "off"})
    rows = compiled.read(page(some))
    (first,), whole = compiled.identify(rows, 0, 1), compiled.record(rows, 0)
    if isinstance(whole, Normal):
        assert isinstance(first, Identity)
        kept = whole.record
        assert (first.settlement_no, first.reversal, first.reverses) == (
            kept.settlement_no,
            kept.reversal,
            kept.reverses,
        )
        assert (first.id_type, first.total) == (kept.id_type, kept.total_amount)
        # Whoever is looked for under an old number must know that no check digit proved it.
        assert (first.id_number and in_18(first.id_number)) == (kept.id_number and in_18(kept.id_number))
    else:
        assert first == whole.errors


def test_hinggan_pairs() -> None:
    amounts = ["医疗费总额", "全自费金额", "超限价自费", "先行自付", "符合政策范围金额",
    "起付线", "统筹基金支出", "大额补助",
                                 "基金支付总额", "个人负担总额", "个人账户支出", "现金支付"]  # fmt: skip
    sent = {name: "-" + value for name, value in zip(amounts, (
        "20000.00", "2000.00", "1000.00", "2000.00", "15000.00", "800.00", "8000.00", "1000.00", "9000.00", "11000.00",
        "1000.00", "10000.00"), strict=True)}  # fmt: skip
    compiled = mapping("hinggan")
    rows = compiled.read(csv_page({"退费标志": "1"}, {"退费标志": "1", **sent}))
    first, second = (compiled.record(rows, index) for index in range(2))
    assert isinstance(first, Normal)
    assert isinstance(second, Normal)
    assert (first.record.sign, second.record.sign) == ("+", "-")
    assert second.record.reverses == first.record.settlement_no


# 个人账户共济

SHARED = {"acct_mulaid_pay": 500, "cash_payamt": 9500}
INSIDE = {"acct_pay": 1000, "acct_mulaid_pay": 500}


@pytest.mark.parametrize(
    ("includes", "changed", "wrong"),
    [
        (None, SHARED, False), (None, INSIDE, False), (None, {**SHARED, "cash_payamt": 9400}, True),
        (False, SHARED, False), (False, INSIDE, True), (True, SHARED, True), (True, INSIDE, False),
        (False, {"acct_mulaid_pay": 0}, False), (True, {"acct_mulaid_pay": None}, False),
        (None, {"acct_mulaid_pay": 500, "acct_pay": 500, "cash_payamt": 10000}, False),
        (None, {"acct_mulaid_pay": "0.01", "cash_payamt": "10000.00"}, False),
        (None, {"acct_mulaid_pay": "0.02", "cash_payamt": "10000.04"}, True),
    ],
)  # fmt: skip
def test_the_shared_account_stands_inside_the_account_or_beside_it(
    includes: bool | None, changed: dict[str, Any], wrong: bool
) -> None:
    amounts = {} if includes is None else {"account_includes_shared": includes}
    found = normalised(made(amounts=amounts), row(**changed))
    codes_found = [error.code for error in found.errors] if isinstance(found, Rejected) else []
    assert codes_found == (["sum_mismatch_i3"] if wrong else [])


def test_what_the_shared_account_paid_is_told_by_the_record() -> None:
    found = normalised(made(), row(**SHARED))
    assert isinstance(found, Normal)
    assert (found.record.account_amount, found.record.shared_account_amount, found.record.cash_amount) == (
        100_000, 50_000, 950_000,
    )  # fmt: skip


@pytest.mark.parametrize("league", ["wuhai", "bayannur", "national"])
def test_every_national_league_knows_the_shared_account(league: str) -> None:
    assert "acct_mulaid_pay" in mapping(league).language.fields["shared_account_amount"].sources
