"""What `national = true` stands for: the codes of every field, their known spellings, the code tables.

Source: 定点医药机构接口规范 (setlinfo of 2207, 2304, 2305 and 5203) and spellings seen in real messages.
"""

from __future__ import annotations

from typing import Final

from gateway.core.normalise.language import FieldRule
from gateway.model.record import national_codes

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "id_number": ("cert_no",),
    "insured_region": ("insu_admdvs",),
    "care_region": ("mdtrtarea_admdvs",),
    "admitted_on": ("begntime",),
    "discharged_on": ("endtime",),
    "total_amount": ("med_fee_sumamt",),
    "full_self_amount": ("fulamtOwnpay_amt",),
    "first_self_amount": ("prese_ifpay_amt",),
    "in_scope_amount": ("inscp_amt",),
    "cash_amount": ("cashPayamt", "psnCash_pay", "pdn_cash_pay"),
    "hospital_borne_amount": ("ownpay_hosp_part",),
}
"""Other spellings of a national code that real platforms send, tried after the right ones."""

SEX_CODES: Final = {
    "1": "M", "男": "M", "M": "M", "m": "M",
    "2": "F", "女": "F", "F": "F", "f": "F",
    "0": "", "9": "", "未知": "", "未说明": "",
}  # fmt: skip
"""性别: 0 (未知) and 9 (未说明) are no value."""

ID_TYPE_CODES: Final = {
    **{str(digit): f"0{digit}" for digit in range(1, 10)},
    "居民身份证": "01", "身份证": "01", "户口簿": "01", "居民身份证（户口簿）": "01",
    "居民身份证(户口簿)": "01",
    "军官证": "02", "护照": "08", "社会保障卡": "90", "社保卡": "90", "其他": "99",
}  # fmt: skip
"""证件类型: a lost leading zero comes back; a code that is not here stays as it is."""

FLAG_CODES: Final = {
    "0": "no", "否": "no", "正常": "no", "N": "no", "n": "no", "false": "no",
    "1": "yes", "2": "yes", "是": "yes", "退费": "yes", "Y": "yes", "y": "yes", "true": "yes",
}  # fmt: skip
"""退费结算标志: 0 正常, 1 退费; older hospital systems also write 2 for a refund."""

VALID_FLAG_CODES: Final = {"1": "no", "0": "yes", "2": "yes"}
"""有效标志 read as "is this a reversal": 1 有效, 0 无效, 2 冲正挂起."""

CARE_TYPE_CODES: Final = {
    "11": "outpatient", "12": "outpatient", "15": "outpatient", "16": "outpatient", "19": "outpatient",
    "13": "emergency",
    "14": "outpatient_chronic",
    "21": "inpatient", "22": "inpatient", "23": "inpatient", "24": "inpatient", "25": "inpatient",
    "26": "inpatient", "28": "inpatient",
    "27": "other",
    "41": "pharmacy",
    "51": "maternity_outpatient",
    "52": "maternity_inpatient",
    "53": "family_planning",
    "91": "other", "92": "other", "93": "other", "99": "other",
}  # fmt: skip
"""医疗类别 by its first two digits (local codes are longer: 140104, 2101, 53_04).

23 转外诊治住院 is a hospital stay by its name; 27 自主就医 does not say what it is, so it is `other` unless a
mapping knows better.
"""


INSURANCE_CODES: Final = dict.fromkeys(
    ("310", "320", "330", "340", "350", "360", "370", "380", "390", "391", "392", "399", "410", "510"), "known"
)
"""险种类型 by its first three digits (local codes are longer: 39902)."""


def national_rules() -> dict[str, FieldRule]:
    """Field → the rule `national = true` gives it; dates may be epoch milliseconds, columns missing."""
    rules = {
        field: FieldRule(
            sources=codes + SPELLINGS.get(field, ()),
            epoch_ms=field in ("birth_date", "admitted_on", "discharged_on", "settled_at"),
            optional=True,
        )
        for field, codes in national_codes().items()
        if codes
    }
    rules["other_fund_amount"] = FieldRule(sum=("oth_pay", "othfund_pay", "hifdm_pay"), optional=True)
    return rules
