"""A settlement in words: its fields, its amounts, and the codes its fields hold."""

from __future__ import annotations

from typing import Final

RECORD_FIELDS: Final = {
    "settlement_no": "结算号",
    "visit_no": "就诊号",
    "person_no": "医保人员编号",
    "name": "姓名",
    "id_type": "证件类型",
    "id_number": "证件号码",
    "sex": "性别",
    "birth_date": "出生日期",
    "insurance_type": "险种",
    "person_type": "人员类别",
    "employer_name": "单位名称",
    "insured_region": "参保地",
    "care_region": "就医地",
    "facility_no": "医疗机构编号",
    "facility_name": "医疗机构名称",
    "facility_level": "医疗机构等级",
    "care_type": "就医类别",
    "care_type_code": "就医类别代码",
    "admitted_on": "入院日期",
    "discharged_on": "出院日期",
    "inpatient_days": "住院天数",
    "settled_at": "结算时间",
    "diagnosis_codes": "诊断编码",
    "reversal": "退费标志",
    "reverses": "所冲销的结算号",
    "settlement_kind": "结算类别",
    "payment_place": "支付地点",
}
"""Fields of a settlement; its amounts are `AMOUNTS`."""

AMOUNTS: Final = {
    "total_amount": "医疗总费用",
    "in_scope_amount": "进入统筹",
    "fund_paid_amount": "统筹基金等已支付",
    "full_self_amount": "全自费",
    "over_limit_amount": "超限价自付",
    "first_self_amount": "先行自付",
    "deductible_amount": "起付线",
    "pooled_fund_amount": "统筹基金支付",
    "civil_servant_amount": "公务员医疗补助",
    "large_amount_fund_amount": "大额医疗补助",
    "enterprise_amount": "企业补充医疗保险",
    "critical_illness_amount": "大病保险",
    "medical_aid_amount": "医疗救助",
    "other_fund_amount": "其他基金支付",
    "personal_amount": "个人负担",
    "account_amount": "个人账户支付",
    "shared_account_amount": "个人账户共济支付",
    "cash_amount": "现金支付",
    "hospital_borne_amount": "医院承担",
    "in_scope_below_ceiling": "统筹最高支付限额以内的费用",
    "in_scope_above_ceiling": "统筹最高支付限额以上的费用",
}
"""The amounts of a settlement sheet as people call them."""

SEXES: Final = {"M": "男", "F": "女"}

DOCUMENTS: Final = {
    "01": "居民身份证（户口簿）",
    "02": "军官证",
    "03": "武警警官证",
    "04": "香港通行证件",
    "05": "澳门通行证件",
    "06": "台湾通行证件",
    "07": "外国人永久居留证",
    "08": "外国护照",
    "16": "中国护照",
    "17": "港澳台居民居住证",
    "90": "社会保障卡",
    "99": "其他证件",
}
"""National field psn_cert_type (证件类型), its usual codes."""

CARE: Final = {
    "inpatient": "住院",
    "outpatient": "普通门诊",
    "outpatient_special": "门诊特殊病",
    "outpatient_chronic": "门诊慢性病",
    "emergency": "急诊",
    "maternity_inpatient": "生育住院",
    "maternity_outpatient": "生育门诊",
    "family_planning": "计划生育",
    "pharmacy": "药店购药",
    "other": "其他就医",
}

CARE_IN_A_SENTENCE: Final = {
    "inpatient": "住院",
    "outpatient": "门诊就医",
    "outpatient_special": "门诊特殊慢性病治疗",
    "outpatient_chronic": "门诊慢性病治疗",
    "emergency": "急诊",
    "maternity_inpatient": "生育住院",
    "maternity_outpatient": "生育门诊",
}
"""The same inside the first sentence of a claim; whatever is not here is 就医."""

_VALUES: Final = {"sex": SEXES, "id_type": DOCUMENTS}


def field_in_words(field: str) -> str:
    """A field of a settlement: total_amount → 医疗总费用."""
    return RECORD_FIELDS.get(field) or AMOUNTS.get(field, field)


def value_in_words(field: str, value: str | None) -> str | None:
    """What a field of a record or member says: F of `sex` → 女; whatever has no words stays as it is."""
    return None if value is None else _VALUES.get(field, {}).get(value, value)


CATEGORIES: Final = {"active": "在职", "retired": "参互退休"}
"""Category of a member → its word."""
