"""The clerks' desk in words: why a claim is refused or changed, which papers are asked for, what a bank answers."""

from __future__ import annotations

from typing import Final

REFUSALS: Final = {
    "outside_period": "就医不在保障期内（第十八条第一项）",
    "not_payable_by_insurance": "不属医保支付范围（第十八条第二项）",
    "arrears": "医保欠费，保障期内未补缴（第十八条第三项）",
    "work_injury": "工伤或职业病（第十八条第四项）",
    "maternity": "生育保险支付的生育、节育（第十八条第四项）",
    "no_settlement": "没有医保结算单（第十八条第五项）",
    "no_referral": "异地就医未办转诊或备案（第十八条第六项）",
    "not_on_bill": "不在住院费用清单内（第十八条第七项）",
    "traffic": "交通事故，没有医保结算单（第十八条第八项）",
    "force_majeure": "公共卫生事件或不可抗力（第十八条第九项）",
    "unlawful": "斗殴、吸毒、自杀、酗酒等（第十八条第十项）",
    "fraud": "弄虚作假（第十八条第十一项、第十九条）",
    "late": "超过申领期限（第十三条第一款）",
    "not_eligible": "不符合参互条件（第一条）",
    "left_insurance": "已退出职工医保（第二十条）",
    "papers_missing": "所需材料逾期未补齐（第十二条）",
    "already_paid": "同一次就医已补助",
    "given_up": "本人放弃申领",
    "other": "其他（须写明备注）",
}
"""Why a claim is refused: code → words. Codes are stable."""

AMOUNT_REASONS: Final = {
    "excluded_cost": "核减不属补助范围的费用（第十八条）",
    "paid_elsewhere": "核减第三方或其他保险已赔付的部分",
    "days_corrected": "住院天数更正",
    "bill_corrected": "结算金额更正",
    "allowance_corrected": "住院津贴标准更正（参互年限）",
    "proration_corrected": "保障期内外天数更正（第十四条）",
    "raised_by_review": "复核后核增",
    "other": "其他（须写明备注）",
}
"""Why another amount is granted than the claim asks for."""

PAPERS: Final = {
    "identity": "身份证",
    "bank_account": "银行卡（户名、账号、开户行）",
    "settlement_sheet": "医保结算单",
    "receipt": "收费票据",
    "discharge_note": "出院证明（出院小结）",
    "cost_list": "费用清单",
    "diagnosis_proof": "诊断证明",
    "referral_proof": "转诊或异地备案证明",
    "injury_statement": "外伤经过说明",
    "emergency_papers": "急诊病历与票据",
    "death_proof": "死亡证明、户籍注销证明",
    "heir_proof": "受益人关系证明、身份证与授权委托书",
    "other": "其他（须写明备注）",
}
"""Papers a clerk may ask for (第十二条)."""

RECOVERIES: Final = {
    "fraud": "弄虚作假骗取补助，取消享受权利并追回（第十八条第十一项、第十九条）",
    "excluded": "所付属于不予补助的情形（第十八条）",
    "reversed": "医保结算已退费或更正",
    "paid_twice": "重复支付",
    "wrong_account": "支付对象有误",
    "calculation": "金额核算有误",
    "other": "其他（须写明备注）",
}
"""Why money that was paid is asked back."""

RECOVERY_ARTICLES: Final = {"fraud": "第十九条", "excluded": "第十八条"}
"""The article that a reason of a recovery rests on, where the regulation names one."""

RECOVERY_STATES: Final = {"asked": "追回中", "recovered": "已追回", "written_off": "已核销"}

PAYMENT_STATES: Final = {"listed": "已列入名单", "paid": "已支付", "failed": "未付成"}

PAYMENT_FAILURES: Final = {
    "wrong_number": "账号不存在或有误",
    "wrong_holder": "户名与账号不符",
    "closed_account": "账户已销户、冻结或休眠",
    "wrong_bank": "开户行有误",
    "returned": "银行退回",
    "other": "其他原因",
}
"""Why the bank did not pay."""

BANK_PAID: Final = ("成功", "已支付", "已付", "支付成功", "付款成功", "交易成功", "代发成功", "paid")
"""What a bank's answer says of what was paid."""

BANK_FAILED: Final = (
    ("wrong_holder", ("户名不符", "户名错", "户名有误", "姓名不符", "wrong_holder")),
    ("closed_account", ("销户", "冻结", "休眠", "挂失", "睡眠户", "closed_account")),
    ("wrong_bank", ("开户行", "行号", "wrong_bank")),
    (
        "wrong_number",
        ("账号不存在", "账号有误", "账号错误", "账号错", "无此账号", "账户不存在", "卡号", "wrong_number"),
    ),
    ("returned", ("退回", "退票", "退汇", "失败", "未成功", "failed")),
)
"""Code → the words a bank's answer may say it in, looked for in this order in result and reason."""

STEPS: Final = {
    "approved": "核定",
    "refused": "不予补助",
    "papers": "要求补材料",
    "papers_in": "材料已补",
    "undo": "撤销核定",
    "pass": "上报",
    "return": "退回",
    "seen": "查看",
    "account": "登记收款账户",
    "listed": "列入支付名单",
    "paid": "已支付",
    "failed": "未付成",
    "recovery": "追回",
    "recovered": "收回",
    "written_off": "核销",
}
"""What somebody did about a claim."""

DESK_STATES: Final = {
    "waiting": "待核定",
    "papers": "待补材料",
    "second_person": "待第二人确认",
    "approved": "已核定",
    "listed": "已列入名单",
    "failed": "账户有误",
    "paid": "已支付",
    "refused": "不予补助",
}
"""Where a claim stands at the desk."""

STEP_STATES: Final = {"done": "已办", "proposed": "待第二人确认", "overtaken": "已被取代", "undone": "已撤销"}

UNPAID: Final = {
    "not_sent": "未送达协会",
    "unknown": "送达结果不明",
    "refused": "协会系统拒收",
    "papers": "等待补材料",
    "in_review": "有疑问待核",
    "held": "待确认的变更",
    "second_person": "待第二人确认",
    "awaiting_decision": "待核定",
    "account_missing": "已核定，缺收款账户",
    "not_listed": "已核定，未列入支付名单",
    "listed": "已列入支付名单，待银行回盘",
    "account_wrong": "账户有误，待更正",
    "approved": "已核定，未报支付",
    "over_clock": "已超办理时限",
    "before_claim": "尚未成为申领：匹配待核",
}
"""Why what is payable was not paid."""

CLAIM_WINDOWS: Final = {
    "passed": "已过最晚申领日",
    "week": "7天内",
    "month": "30天内",
    "later": "30天以后",
    "none": "没有期限",
}
"""When the last day to claim is."""
