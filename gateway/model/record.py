"""SettlementRecord: one 医保 settlement (结算), in our words.

Every field carries the code of the national interface (定点医药机构接口规范) it comes from, so a mapping of a
national-platform feed needs only `national = true`. A missing value is None, never 0 or "".
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from gateway.model.money import Money, yuan

Care = Literal[
    "inpatient",
    "outpatient",
    "outpatient_special",
    "outpatient_chronic",
    "emergency",
    "maternity_inpatient",
    "maternity_outpatient",
    "family_planning",
    "pharmacy",
    "other",
]
CARE_TYPES: Final = get_args(Care)
"""What `care_type` may be; a feed's own code stays in `care_type_code`."""


def _national(*codes: str) -> Meta:
    return Meta(extra={"national": codes})


class SettlementRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One settlement. Amounts in fen with the sign the feed sent; dates of Asia/Shanghai; instants with offset.

    Made with the names of its fields, but by normalising, which makes each of thousands a second: there their order is
    taken from this class.
    """

    settlement_no: Annotated[str, _national("setl_id")]
    visit_no: Annotated[str | None, _national("mdtrt_id")] = None
    person_no: Annotated[str | None, _national("psn_no")] = None
    name: Annotated[str | None, _national("psn_name")] = None
    id_type: Annotated[str | None, _national("psn_cert_type")] = None
    id_number: Annotated[str | None, _national("certno")] = None
    sex: Annotated[str | None, _national("gend")] = None
    birth_date: Annotated[date | None, _national("brdy")] = None
    insurance_type: Annotated[str | None, _national("insutype")] = None
    person_type: Annotated[str | None, _national("psn_type")] = None
    employer_name: Annotated[str | None, _national("emp_name")] = None
    insured_region: Annotated[str | None, _national("insuplc_admdvs")] = None
    care_region: Annotated[str | None, _national("mdtrtarea_admvs")] = None
    facility_no: Annotated[str | None, _national("fixmedins_code")] = None
    facility_name: Annotated[str | None, _national("fixmedins_name")] = None
    facility_level: Annotated[str | None, _national("hosp_lv")] = None
    care_type: Annotated[str | None, _national("med_type")] = None
    care_type_code: str | None = None
    admitted_on: Annotated[date | None, _national("begndate")] = None
    discharged_on: Annotated[date | None, _national("enddate")] = None
    inpatient_days: Annotated[int | None, _national("ipt_days")] = None
    settled_at: Annotated[datetime | None, _national("setl_time")] = None
    diagnosis_codes: Annotated[tuple[str, ...], _national("dise_codg", "diag_code")] = ()
    reversal: Annotated[bool, _national("refd_setl_flag")] = False
    reverses: str | None = None
    total_amount: Annotated[Money | None, _national("medfee_sumamt")] = None
    full_self_amount: Annotated[Money | None, _national("fulamt_ownpay_amt")] = None
    over_limit_amount: Annotated[Money | None, _national("overlmt_selfpay")] = None
    first_self_amount: Annotated[Money | None, _national("preselfpay_amt")] = None
    in_scope_amount: Annotated[Money | None, _national("inscp_scp_amt")] = None
    deductible_amount: Annotated[Money | None, _national("act_pay_dedc")] = None
    pooled_fund_amount: Annotated[Money | None, _national("hifp_pay")] = None
    civil_servant_amount: Annotated[Money | None, _national("cvlserv_pay")] = None
    large_amount_fund_amount: Annotated[Money | None, _national("hifob_pay")] = None
    enterprise_amount: Annotated[Money | None, _national("hifes_pay")] = None
    critical_illness_amount: Annotated[Money | None, _national("hifmi_pay")] = None
    medical_aid_amount: Annotated[Money | None, _national("maf_pay")] = None
    other_fund_amount: Annotated[Money | None, _national("oth_pay", "othfund_pay", "hifdm_pay")] = None
    fund_paid_amount: Annotated[Money | None, _national("fund_pay_sumamt")] = None
    personal_amount: Annotated[Money | None, _national("psn_part_amt", "psn_pay")] = None
    account_amount: Annotated[Money | None, _national("acct_pay")] = None
    shared_account_amount: Annotated[Money | None, _national("acct_mulaid_pay")] = None
    cash_amount: Annotated[Money | None, _national("psn_cash_pay", "cash_payamt")] = None
    hospital_borne_amount: Annotated[Money | None, _national("hosp_part_amt")] = None
    settlement_kind: Annotated[str | None, _national("setl_type")] = None
    payment_place: Annotated[str | None, _national("pay_loc")] = None

    @property
    def sign(self) -> str:
        """ "-" for a reversal, "+" for a settlement: part of what identifies a record."""
        return "-" if self.reversal else "+"


@cache
def national_codes() -> dict[str, tuple[str, ...]]:
    """Field name → its national codes, first choice first; a field of our own has none."""
    hints = get_type_hints(SettlementRecord, include_extras=True)
    return {name: _codes_of(hints[name]) for name in SettlementRecord.__struct_fields__}


def _codes_of(hint: Any) -> tuple[str, ...]:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.extra is not None:
            return tuple(meta.extra["national"])
    return ()


AMOUNT_FIELDS: Final = tuple(name for name in SettlementRecord.__struct_fields__ if name.endswith("_amount"))
"""The fields that hold Money."""


def record_to_json(record: SettlementRecord) -> dict[str, Any]:
    """A record as JSON values: amounts as text in yuan, dates ISO 8601, instants with offset, None left out."""
    plain: dict[str, Any] = msgspec.to_builtins(record)
    # Not a reversal is something known, so it is said.
    plain["reversal"] = record.reversal
    for name in AMOUNT_FIELDS:
        if name in plain:
            plain[name] = yuan(plain[name])
    return plain
