"""A claim in words: where it stands, why nothing is paid, what is doubtful, why it was withdrawn."""

from __future__ import annotations

from typing import Final

CLAIM_STATES: Final = {"proposed": "新申领", "amended": "已变更", "withdrawn": "已撤回"}

OUTCOMES: Final = {"approved": "已核定", "paid": "已支付", "refused": "不予补助"}
"""What the association decided about a claim."""

FLAGS: Final = {
    "age_outside": "年龄不在参互范围",
    "amount_unknown": "给付标准未载明",
    "billed_twice": "疑似重复结算",
    "days_exceed_stay": "住院天数多于起止日期",
    "days_to_confirm": "住院天数待核实",
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
    "overlapping_stays": "住院日期重叠",
    "partial_reversal": "部分退费",
    "recover_to_confirm": "已付补助待追回",
    "referral_to_confirm": "异地就医转诊待核实",
    "reversal_unclear": "退费对应不明",
    "transfer_to_confirm": "转院待核实",
    "used_before": "同类给付已享受过",
    "scope_exceeds_total": "政策范围内金额高于总额",
    "visit_far_apart": "同一就诊号的结算相隔过久",
    "waiting_period": "等待期内",
    "merged": "并入同次住院",
    "nothing_owed": "已无应补助金额",
    "decision_withdrawn": "人工认定已撤回",
    "emergency_to_confirm": "急诊转住院待核实",
    "event_gone": "确诊等事实已撤回或更正",
    "reversed": "结算已退费或更正",
    "told_elsewhere": "同一结算已在另一申领中计算",
}
"""Flags of a claim and reasons of a withdrawal."""

NOT_PAID: Final = {
    "maternity_insurance": "属于生育保险范围，互助保障不予补助",
    "not_employee_insurance": "不是职工基本医疗保险的结算，不予补助",
    "not_payable_care": "就医类别不在补助范围之内",
    "waiting_period": "入院时仍在等待期内，不予补助",
    "not_covered": "就医期间没有一天在保障期内",
    "incomplete": "结算资料缺少金额或日期，暂不能计算，须由经办人补齐后核定",
    "decided_before": "与协会已核定的申领有关，是否补差须由经办人决定",
    "partial_reversal": "有一笔退费与原结算金额不同，须由经办人核定",
    "reversal_unclear": "有一笔退费找不到对应的原结算，须由经办人核定",
    "diagnosis_to_confirm": "仅凭诊断编码不能给付，须确认诊断证明后核定",
    "amount_unknown": "该病种的给付标准未载明，须由协会核定",
    "diagnosed_before": "保障开始前已有同类诊断记录，须由经办人核实",
    "used_before": "同类给付此前已享受过，不再给付",
    "emergency_to_confirm": "入院当日或前一日在同一机构有急诊费用，是否属于本次住院须由经办人核实",
}
"""Why nothing is paid, by flag."""

DOUBTS: Final = {
    **NOT_PAID,
    "billed_twice": "另有一笔结算与本次机构、日期、金额相同而流水号不同，在经办人核定之前不计入",
    "overlapping_stays": "同一时间另有一次住院，须由经办人核实是否重复结算",
    "days_exceed_stay": "结算单所列住院天数多于入院至出院的天数，须由经办人核实",
    "days_to_confirm": "结算单所列住院天数多于入院至出院的天数，按结算单计算，须由经办人核实",
    "scope_exceeds_total": "结算单所列符合政策范围金额高于医疗费总额，须由经办人核实",
    "visit_far_apart": "同一就诊号的几笔结算相隔多日，须由经办人核实是否为一次住院",
    "not_eligible": "性别、参保、人员类别或地区与参互条件不符，须由经办人核实",
    "age_outside": "保障期首日的年龄不在参互范围之内，须由经办人核实",
    "referral_to_confirm": "在参保地以外就医，须核实是否办理转诊或备案",
    "injury_to_confirm": "外伤住院，须核实是否有第三人责任或工伤",
    "transfer_to_confirm": "按日期判断为转院并合并为一次住院，须核实是否在24小时以内",
    "recover_to_confirm": "协会已核定补助，其后结算已退费或保障期已取消，是否追回须由经办人决定",
    "late": "结算资料到达时已超过申领期限，是否受理须由经办人决定",
}
"""What a person still has to look at, by flag."""

WITHDRAWN: Final = {
    "merged": "该次住院已与前一次住院合并为一次计算，本申领撤回，金额并入前一次住院的申领。",
    "reversed": "原结算已退费、更正或不再属于本会员，本申领撤回。",
    "told_elsewhere": "同一结算已先由另一数据源或以另一流水号报送，金额已在其申领中计算，本申领撤回。",
    "nothing_owed": "按更正后的结算重新计算，已没有应补助的金额，本申领撤回。",
    "decision_withdrawn": "经办人撤回了“该结算属于本会员”的认定，本申领随之撤回，待重新核定。",
    "event_gone": "原确诊、身故或期满的事实已撤回，或相应结算已退费、更正，本申领撤回。",
}
"""Why a claim is taken back, by reason of the withdrawal."""

DEADLINES: Final = {"delivery": "待送达", "claim": "已送达待核定", "decision": "审核时限", "payment": "支付时限"}
"""What must happen with a claim by a day."""

CHANGES: Final = {
    "amount_changed": "应补助金额由{before}元变为{after}元",
    "flags_changed": "须由经办人核实的事项有变化",
    "edition_changed": "适用的期次由{before}变为{after}",
    "deadline_changed": "最晚申领日由{before}变为{after}",
    "details_changed": "结算、就医或会员信息已更正，金额不变",
    "restored": "上一版已撤回，现重新提出",
    "recovery": "追回通知：已支付{before}元，须追回{after}元",
}
"""What an amended version changed against the one before, by code."""

WAY: Final = {
    "prepared": "预填",
    "amended": "变更",
    "withdrawn": "撤回",
    "sent": "送出",
    "accepted": "协会收下",
    "refused": "协会系统拒收",
    "unknown": "结果不明",
    "dead": "未送成，不再自行尝试",
    "again": "重新排队",
    "overtaken": "已由新版取代",
    "taken_in": "已受理",
    "papers": "要求补材料",
    "papers_in": "材料已补",
    "approved": "核定",
    "not_granted": "不予补助",
    "paid": "已支付",
    "failed": "未付成",
    "listed": "列入支付名单",
    "account": "登记收款账户",
    "undo": "撤销核定",
    "pass": "上报",
    "return": "退回",
    "recovery": "追回",
    "recovered": "收回",
    "written_off": "核销",
}
"""The steps of a claim's way, from being prepared to being paid."""

WAY_ACTORS: Final = {"gateway": "网关", "association": "协会"}
"""Who did a step that no clerk did."""

WHY_NEEDED: Final = {
    "always": "办理申领按规定须提供",
    "emergency": "本次申领含急诊费用",
    "outpatient_special": "本次申领为门诊特殊慢性病治疗",
    "death": "参互职工已身故，由受益人办理",
    "diagnosis": "给付以确诊为条件",
    "referral": "在参保地以外就医，须核实转诊或备案",
    "uninsured": "未参加基本医疗保险",
}
"""Why papers are asked for, by situation."""

BANK_ACCOUNT: Final = ("领款人的银行卡（户名、开户行、卡号）", "医保结算数据不含收款账户，须由领款人提供")
CONSENT: Final = ("本人对处理其医疗健康信息的单独同意", "医疗健康信息属于敏感个人信息，处理须取得个人的单独同意")
CONSENT_ARTICLE: Final = "《个人信息保护法》第二十九条"
TRANSFER_PROOF: Final = (
    "转院医嘱或转院证明（载明转出、转入时间）",
    "按日期判断为转院并合并为一次住院，须核实是否在24小时以内",
)
