"""Stable codes in the words of a clerk (说法), for tables; JSON keeps the codes."""

from __future__ import annotations

from collections.abc import Iterable
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
"""Fields of a settlement; its amounts are the terms of `gateway.core.claims.explaining`."""

FIELDS: Final = {
    "prior": "起点",
    **{name: RECORD_FIELDS[name] for name in ("id_number", "name", "birth_date", "sex")},
    "employer": "单位",
    "phone": "手机",
    "person_no": RECORD_FIELDS["person_no"],
}
"""What evidence is about."""

LEVELS: Final = {
    "agrees": "一致",
    "equal": "一致",
    "known": "已知",
    "missing": "缺",
    "differs": "不同",
    "same_document": "同一证件的另一写法",
    "one_digit": "错一位",
    "swapped": "两位颠倒",
    "digit_missing": "少一位",
    "digit_doubled": "多一位",
    "two_digits": "错两位",
    "masked": "遮蔽，可见位一致",
    "masked_part": "遮蔽，可见位少",
    "masked_differs": "遮蔽，可见位不同",
    "unsound_differs": "校验不符，相差较多",
    "sound_near": "另一有效号码，相近",
    "sound_differs": "另一有效号码",
    "other_document": "另一种证件",
    "unknown": "不是会员的",
    "variant": "异体或繁简",
    "transcribed": "译名写法不同",
    "cut": "被截短",
    "rare_lost": "生僻字丢失",
    "rare_homophone": "生僻字以同音字代替",
    "rare_spelt": "生僻字拆写或拼音",
    "folk_surname": "姓氏俗写",
    "lost": "有字缺失",
    "homophone": "同音",
    "typo": "差一字",
    "surname": "只有姓相同",
    "newborn": "新生儿写法",
    "similar": "相近",
    "year": "年份不同",
}

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

INTAKES: Final = {"pull": "取文件", "sweep": "逐人查询", "receive": "接收推送"}

RUNS: Final = {"done": "完成", "failed": "失败", "stopped": "中止", "done_before": "此前已完成", "cut_off": "未结束"}
"""How a run of a feed ended. One that is under way looks like one that was cut off."""

_VALUES: Final = {"sex": SEXES, "id_type": DOCUMENTS}

CLASSES: Final = {
    "member": "会员",
    "left": "会员·不属保障",
    "stranger": "非会员",
    "review": "待核",
    "duplicate": "重复",
    "superseded": "已被取代",
    "quarantined": "隔离",
}
"""What became of a row."""

ITEM_KINDS: Final = {
    "match": "匹配",
    "takeback": "文件收回",
    "decided_before": "协会已决定",
    "contradiction": "资料矛盾",
}

REASONS: Final = {
    "several_people": "不止一人符合",
    "decided_by_person": "此前人工认定",
    "ruled_out_by_person": "此前人工排除",
    "unreadable_record": "不是记录",
    **ITEM_KINDS,
}

ITEM_STATES: Final = {
    "open": "待核",
    "decided": "已核定",
    "closed": "已了结",
    "superseded": "已被更新的记录取代",
    "expired": "原页已到期",
}

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

CLAIM_STATES: Final = {"proposed": "新申领", "amended": "已变更", "withdrawn": "已撤回"}

DELIVERIES: Final = {
    "pending": "待送",
    "leased": "送达中",
    "accepted": "已收下",
    "refused": "已拒收",
    "unknown": "结果不明",
    "unavailable": "对方暂不可用",
    "absent": "对方没有",
    "dead": "死信",
    "overtaken": "已由新版取代",
}
"""Where deliveries stand, and what came of an attempt."""

DELIVERY_STATES: Final = ("pending", "leased", "accepted", "refused", "unknown", "dead", "overtaken")

OUTCOMES: Final = {"approved": "已核定", "paid": "已支付", "refused": "不予补助"}
"""What the association decided about a claim."""

FLAGS: Final = {
    "age_outside": "年龄不在参互范围",
    "amount_unknown": "给付标准未载明",
    "decided_before": "与已审定的申领有关",
    "diagnosed_before": "保障前已有同类诊断",
    "diagnosis_to_confirm": "诊断待确认",
    "incomplete": "资料不全",
    "injury_to_confirm": "外伤待核实",
    "late": "已过申领期限",
    "maternity_insurance": "生育保险范围",
    "not_covered": "不在保障期内",
    "not_eligible": "参互条件待核实",
    "not_employee_insurance": "非职工医保",
    "not_payable_care": "不属补助范围的就医",
    "partial_reversal": "部分退费",
    "referral_to_confirm": "异地就医转诊待核实",
    "reversal_unclear": "退费对应不明",
    "transfer_to_confirm": "转院待核实",
    "used_before": "同类给付已享受过",
    "waiting_period": "等待期内",
    "merged": "并入同次住院",
    "nothing_owed": "已无应补助金额",
    "decision_withdrawn": "人工认定已撤回",
    "event_gone": "确诊等事实已撤回或更正",
    "reversed": "结算已退费或更正",
}
"""Flags of a claim and reasons of a withdrawal."""

ANSWERS: Final = {
    "same": "同一人",
    "different": "不是",
    "unsure": "不确定",
    "agree": "同意收回",
    "refuse": "不收回",
    "noted": "已阅",
}
"""What people say about an item."""

SPOKEN: Final = {
    "noted": "记下",
    "proposed": "待另一人确认",
    "confirmed": "已由另一人确认",
    "overtaken": "已被取代",
    "done": "有效",
    "undone": "已撤回",
}
"""What became of what somebody said."""


def in_words(code: str) -> str:
    """`name_newborn` → 姓名新生儿写法; a code without words stays as it is."""
    if code in REASONS:
        return REASONS[code]
    for field, word in FIELDS.items():
        level = code.removeprefix(f"{field}_")
        if level != code and level in LEVELS:
            return word + LEVELS[level]
    return code


def all_in_words(codes: Iterable[str]) -> str:
    """Several codes, one after the other."""
    return "、".join(in_words(code) for code in codes)


def value_in_words(field: str, value: str | None) -> str | None:
    """What a field of a record or member says: F of `sex` → 女; whatever has no words stays as it is."""
    return None if value is None else _VALUES.get(field, {}).get(value, value)


def side_by_side_in_words(
    *, field: str, label: str, record: str | None, member: str | None, verdict: str
) -> tuple[str | None, ...]:
    """A line of the table that sets a record beside a member: a `Pair` of `gateway.core.reviewing`."""
    return label, value_in_words(field, record), value_in_words(field, member), LEVELS[verdict]


def score_in_words(score: float | None) -> str | None:
    """A probability with four digits. Only certainty is written 0 or 1."""
    if score is None:
        return None
    if score in (0, 1):
        return f"{score:.0f}"
    return "<0.0001" if score < 0.0001 else ">0.9999" if score > 0.9999 else f"{score:.4f}"


def field_in_words(field: str) -> str:
    """A field of a settlement: total_amount → 医疗总费用."""
    from gateway.core.claims.explaining import TERMS

    return RECORD_FIELDS.get(field) or TERMS.get(field, field)


def trouble_in_words(field: str, code: str) -> str:
    """What is wrong with a row or a page, in a few words: total_amount, missing → 医疗总费用：必填，但没有值."""
    from gateway.core.normalise.problems import PAGE_CODES, ROW_CODES

    sentence = (ROW_CODES.get(code) or PAGE_CODES.get(code, code)).split(" (")[0]
    return f"{field_in_words(field)}：{sentence}" if field else sentence
