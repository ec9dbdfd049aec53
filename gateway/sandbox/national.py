"""True records in the words of the national interface (定点医药机构接口规范), right or spoiled on purpose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from gateway.model.money import Money
from gateway.model.record import SettlementRecord
from gateway.sandbox.people import Dice, Person

Row = dict[str, Any]
"""One settlement as a league writes it; amounts are Decimal with two places."""

encode: Final = msgspec.json.Encoder(decimal_format="number").encode
"""A value as JSON bytes, amounts as JSON numbers."""

_FEN = Decimal("0.01")
_SEXES = {"M": "1", "F": "2", None: None}


def amount(fen: Money | None) -> Decimal | None:
    """Fen → yuan with two places."""
    return None if fen is None else fen * _FEN


def setlinfo(record: SettlementRecord, *, nation: str = "01") -> Row:
    """The `setlinfo` of transaction 5203, with the keys warehouses add (ipt_days, regions)."""
    rest = {
        "refd_setl_flag": "1" if record.reversal else "0",
        "dise_codg": record.diagnosis_codes[0] if record.diagnosis_codes else "",
        "year": str(cast(datetime, record.settled_at).year),
    }
    return _who(record, nation) | _what(record) | _amounts(record) | rest


def _who(record: SettlementRecord, nation: str) -> Row:
    born, day = record.birth_date, cast(date, record.discharged_on)
    return {
        "setl_id": record.settlement_no,
        "mdtrt_id": record.visit_no,
        "psn_no": record.person_no,
        "psn_name": record.name,
        "psn_cert_type": record.id_type,
        "certno": record.id_number,
        "gend": _SEXES[record.sex],
        "naty": nation,
        "brdy": born and born.isoformat(),
        "age": born and day.year - born.year - ((day.month, day.day) < (born.month, born.day)),
        "insutype": record.insurance_type,
        "psn_type": record.person_type,
        "cvlserv_flag": "1" if record.civil_servant_amount else "0",
        "emp_name": record.employer_name,
        "insuplc_admdvs": record.insured_region,
        "mdtrtarea_admvs": record.care_region,
    }


def _what(record: SettlementRecord) -> Row:
    admitted, discharged = cast(date, record.admitted_on), cast(date, record.discharged_on)
    return {
        "pay_loc": record.payment_place,
        "fixmedins_code": record.facility_no,
        "fixmedins_name": record.facility_name,
        "hosp_lv": record.facility_level,
        "begndate": admitted.isoformat(),
        "enddate": discharged.isoformat(),
        "ipt_days": record.inpatient_days,
        "setl_time": moment(record.settled_at),
        "mdtrt_cert_type": "03",
        "med_type": record.care_type_code,
        "setl_type": record.settlement_kind,
        "clr_type": "21" if record.care_type == "inpatient" else "11",
    }


def _amounts(record: SettlementRecord) -> Row:
    return {
        "medfee_sumamt": amount(record.total_amount),
        "fulamt_ownpay_amt": amount(record.full_self_amount),
        "overlmt_selfpay": amount(record.over_limit_amount),
        "preselfpay_amt": amount(record.first_self_amount),
        "inscp_scp_amt": amount(record.in_scope_amount),
        "act_pay_dedc": amount(record.deductible_amount),
        "hifp_pay": amount(record.pooled_fund_amount),
        "cvlserv_pay": amount(record.civil_servant_amount),
        "hifes_pay": amount(record.enterprise_amount),
        "hifmi_pay": amount(record.critical_illness_amount),
        "hifob_pay": amount(record.large_amount_fund_amount),
        "maf_pay": amount(record.medical_aid_amount),
        "oth_pay": amount(record.other_fund_amount),
        "fund_pay_sumamt": amount(record.fund_paid_amount),
        "psn_pay": amount(record.personal_amount),
        "acct_pay": amount(record.account_amount),
        "cash_payamt": amount(record.cash_amount),
        "hosp_part_amt": amount(record.hospital_borne_amount),
    }


def moment(instant: datetime | None) -> str:
    """An instant of Asia/Shanghai in the form of the national interface: 2022-03-01 09:30:00."""
    return cast(datetime, instant).isoformat(" ", "seconds")[:19]


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What a league calls the cells that can be spoiled; `amount` writes one of its amounts."""

    id_number: str
    total: str
    in_scope: str
    admitted: str
    amount: Callable[[Decimal], Any] = lambda value: value


NATIONAL_KEYS: Final = Keys(id_number="certno", total="medfee_sumamt", in_scope="inscp_scp_amt", admitted="begndate")

SPOILINGS: Final = ("id_number", "total_missing", "sums", "admitted")
"""The ways a row can be wrong, by name."""


def spoil(row: Row, how: str, *, keys: Keys = NATIONAL_KEYS) -> Row:
    """The row made wrong in one way: false checksum, no total, sums that do not add up, impossible day."""
    spoiled = dict(row)
    if how == "id_number":
        spoiled[keys.id_number] = false_checksum(row[keys.id_number])
    elif how == "total_missing":
        spoiled[keys.total] = ""
    elif how == "sums":
        spoiled[keys.in_scope] = keys.amount(Decimal(str(row[keys.in_scope])) + Decimal("321.09"))
    elif how == "admitted":
        spoiled[keys.admitted] = f"{str(row[keys.admitted])[:4]}-02-31"
    else:
        raise ValueError(f"unknown way to spoil a row: {how}")
    return spoiled


def false_checksum(id_number: str) -> str:
    """The same id number with a last character that its checksum forbids."""
    return id_number[:-1] + ("7" if id_number[-1] != "7" else "3")


def written_otherwise(person: Person, dice: Dice) -> str:
    """The id number as some clerk typed it: 15 digits, full width, lower-case x, or spaces around."""
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in person.id_number)
    ways = [full_width, person.id_number.lower(), f" {person.id_number} "]
    if person.birth_date.year < 2000:
        ways.append(person.id_number[:6] + person.id_number[8:17])
    return dice.pick(ways)
