"""What the fields of a settlement are called by those who send them: Chinese columns, legacy codes, English keys.

Legacy codes are those of the systems before the national platform (AAC, AKA, AKB, AKC, AKE, BKA, CKC of 劳动和社会保障
信息系统指标体系, and yka, yke, yae of one vendor's wrapper). National codes stand with the record itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LEGACY: Final[Mapping[str, str]] = {
    "settlement_no": "ckc618 bke384 yka103 akc600",
    "visit_no": "akc190 ykc010",
    "person_no": "aac001",
    "name": "aac003",
    "id_type": "aac058 aac043",
    "id_number": "aac002 aac147 aae135",
    "sex": "aac004",
    "birth_date": "aac006",
    "insurance_type": "aae140",
    "person_type": "akc021 akc300",
    "employer_name": "aab004 aab069",
    "insured_region": "aab301 aaa027 yab003",
    "care_region": "aab299 yab139",
    "facility_no": "akb020",
    "facility_name": "akb021",
    "facility_level": "aka101",
    "care_type": "aka130",
    "admitted_on": "akc192 aae030",
    "discharged_on": "akc194 aae031",
    "inpatient_days": "akb063 ykc011",
    "settled_at": "aae036 aae040 ake007",
    "diagnosis_codes": "akc196 akc193 aka120 akc185",
    "reversal": "ckc085 aka018",
    "total_amount": "akc264 yka055",
    "full_self_amount": "bka825 yka056 akc253 akc228",
    "over_limit_amount": "bka826",
    "first_self_amount": "yka057 akc254",
    "in_scope_amount": "yka111 akc268",
    "deductible_amount": "aka151 yka058",
    "pooled_fund_amount": "ake039 yka248",
    "civil_servant_amount": "ake035 yke030",
    "enterprise_amount": "ake026",
    "large_amount_fund_amount": "ake029 yka062",
    "other_fund_amount": "bka839",
    "fund_paid_amount": "akb068 akc260 bka832",
    "personal_amount": "bka831",
    "account_amount": "akb066 akc255 yka065",
    "cash_amount": "akb067 akc261",
    "hospital_borne_amount": "bka840",
}
"""Field → codes of the systems of before."""

CHINESE: Final[Mapping[str, str]] = {
    "settlement_no": (
        "结算流水号 结算编号 结算号 结算ID 结算单号 结算业务号 结算序号 结算单据号 医保结算号 医保结算流水号 "
        "结算交易流水号"
    ),
    "visit_no": (
        "就诊流水号 就诊编号 就诊号 就诊ID 就诊登记号 住院流水号 住院号 门诊住院流水号 就医登记号 就医流水号 "
        "就诊顺序号 登记流水号 医保就诊号"
    ),
    "person_no": ("人员编号 个人编号 医保编号 参保人编号 参保人员编号 个人账号 医保个人编号 人员ID 个人代码 参保号"),
    "name": "姓名 患者姓名 参保人姓名 人员姓名 病人姓名 参保人 患者 人员名称 就诊人姓名 参保人员姓名",
    "id_type": "证件类型 身份证件类型 人员证件类型 证件种类 证件类别",
    "id_number": (
        "证件号码 身份证号 身份证号码 公民身份号码 身份证 证件号 社会保障号码 社会保障号 公民身份证号码 社保号"
    ),
    "sex": "性别 人员性别 患者性别 性别代码",
    "birth_date": "出生日期 出生年月 出生年月日 生日 出生时间",
    "insurance_type": "险种类型 险种 险种代码 参保险种 保险类型 险种类别 参保类型 医保险种",
    "person_type": "人员类别 人员类型 医疗人员类别 参保人员类别 人群类别 人员性质 医疗待遇人员类别",
    "employer_name": "单位名称 工作单位 参保单位 单位 参保单位名称 所在单位 用人单位",
    "insured_region": (
        "参保区划 参保地 参保地区划 参保地医保区划 参保统筹区 参保地区 参保行政区划 参保所属区划 统筹区编码"
    ),
    "care_region": "就医区划 就医地 就医地区划 就医地医保区划 就医统筹区 就医地区 就诊地 就医地统筹区",
    "facility_no": (
        "医疗机构编码 医疗机构编号 定点医药机构编号 医院编号 医院编码 机构编码 机构编号 定点机构编号 医院代码 "
        "定点医疗机构编码 医药机构编号 医疗机构代码"
    ),
    "facility_name": (
        "医疗机构名称 定点医药机构名称 医院名称 机构名称 就诊医院 医院 医疗机构 定点机构名称 就医机构 "
        "定点医疗机构名称 医药机构名称 就诊机构"
    ),
    "facility_level": "医院等级 医疗机构等级 机构等级 医院级别 医疗机构级别 定点机构等级",
    "care_type": "医疗类别 就医类别 就诊类别 就诊类型 医疗类型 就医类型 就医方式 待遇类别 业务类型",
    "admitted_on": (
        "入院日期 入院时间 开始日期 住院日期 就诊日期 就诊开始日期 就医开始日期 入院 住院开始日期 开始时间"
    ),
    "discharged_on": "出院日期 出院时间 结束日期 就诊结束日期 就医结束日期 出院 住院结束日期 结束时间",
    "inpatient_days": "住院天数 实际住院天数 住院日数 床日数 天数 住院床日",
    "settled_at": ("结算时间 结算日期 费用结算时间 费用结算日期 结算完成时间 医保结算时间 报销日期 报销时间 经办时间"),
    "diagnosis_codes": (
        "诊断编码 疾病编码 病种编码 主要诊断编码 出院诊断编码 诊断代码 疾病代码 病种代码 主诊断编码 诊断 "
        "出院诊断代码 ICD编码 主要诊断代码 疾病诊断编码"
    ),
    "reversal": ("退费标志 退费结算标志 冲正标志 红冲标志 退费标识 作废标志 撤销标志 有效标志 冲销标志 结算状态 退费"),
    "reverses": "原结算流水号 原结算号 原结算ID 被冲销结算号 原结算编号 冲销结算号 原单号 被退费结算号",
    "total_amount": (
        "医疗费总额 医疗总费用 总费用 费用总额 医疗费用总额 总金额 医疗费 医疗费总金额 费用合计 医疗费用 "
        "发生费用 费用总金额 医疗费用合计 总医疗费 费用总计"
    ),
    "full_self_amount": ("全自费金额 全自费 自费金额 自费费用 全自费费用 自费 丙类自费 完全自费 全额自费 自费总额"),
    "over_limit_amount": (
        "超限价自费 超限价自费费用 超限价金额 超限价 超限额自费 超限价自付 超限价费用 超限价自付金额"
    ),
    "first_self_amount": (
        "先行自付 先行自付金额 乙类自付 乙类先自付 部分自付 挂钩自付 乙类先行自付 乙类自理 先自付 先自付金额 "
        "乙类自付金额"
    ),
    "in_scope_amount": (
        "符合政策范围金额 政策范围内费用 符合范围 范围内费用 政策范围金额 进入统筹 纳入报销范围 "
        "符合基本医疗费用 政策范围内金额 合规费用 合规金额 可报销金额 目录内费用 符合政策范围费用 "
        "进入统筹金额 符合范围金额 政策内费用 政策范围"
    ),
    "deductible_amount": (
        "起付线 起付标准 起付金额 实际支付起付线 起付线金额 本次起付线 起付 进入起付线 起付线支付 起付标准金额"
    ),
    "pooled_fund_amount": (
        "统筹基金支出 统筹支付 统筹基金支付 基本医疗统筹支付 基本统筹 统筹支出 基本医疗保险统筹基金支出 "
        "统筹金额 统筹基金 统筹 基本统筹支付 统筹支付金额 基本医保统筹"
    ),
    "civil_servant_amount": ("公务员补助 公务员医疗补助 公务员 公务员支付 公补支付 公务员基金支付 公务员补助支付 公补"),
    "enterprise_amount": (
        "企业补充 企业补充医疗 企业补充支付 企业补充保险 企业补充医疗保险基金 企业支付 补充医疗 补充保险支付 "
        "企业补充医疗保险"
    ),
    "critical_illness_amount": ("大病支出 大病保险 居民大病 大病支付 大病保险支付 居民大病保险 大病 大病保险基金"),
    "large_amount_fund_amount": (
        "大额补助 大额支付 职工大额 大额医疗 大额医疗补助 大额基金支付 大额 大额支出 职工大额补助 大额互助 大额救助"
    ),
    "medical_aid_amount": (
        "医疗救助 救助支付 民政救助 医疗救助支出 医疗救助基金 救助金额 救助 医疗救助支付 民政救助支付"
    ),
    "other_fund_amount": "其他支出 其他基金 其他支付 其他基金支付 其他 其它支付 其它基金 其他基金支出",
    "fund_paid_amount": (
        "基金支付总额 基金支付合计 医保支付 基金合计 医保基金支付 基金支付 报销金额 医保支付金额 报销总额 "
        "医保报销金额 基金支付金额 医保支付合计 医保支付总额 统筹支付合计 医保基金支付总额 报销合计 医保报销"
    ),
    "personal_amount": (
        "个人负担总额 个人负担 个人支付 个人自付 个人负担总金额 个人支付金额 自付金额 个人承担 个人自付总额 "
        "个人支付总额 个人负担合计 个人支付合计 个人应付 个人自负"
    ),
    "account_amount": (
        "个人账户支出 个人账户支付 账户支付 个人账户 个账支付 帐户支付 个人帐户支付 医保卡支付 账户支出 "
        "个人帐户支出 个账支出 个账 个人帐户 个人账户支付金额"
    ),
    "shared_account_amount": (
        "个人账户共济 共济账户支付 共济支付 账户共济支付 家庭共济 个人账户共济支付 家庭共济支付 个人账户共济支付金额"
    ),
    "cash_amount": (
        "现金支付 个人现金 现金 现金支付金额 个人现金支出 个人现金支付 现金支出 自付现金 应付现金 本次现金支付"
    ),
    "hospital_borne_amount": ("医院负担 医院负担金额 医院承担 医院垫付 医院支付 医院负担费用 机构负担 院方负担"),
    "settlement_kind": "结算类型 结算类别 结算方式",
    "payment_place": "支付地点 支付地点类别 结算地点",
}
"""Field → names of columns, the plainest first."""

ENGLISH: Final[Mapping[str, str]] = {
    "settlement_no": ("settlementno settleno settlementid settleid billno settlno settlementnumber settlenumber"),
    "visit_no": "visitno visitid registerno regno inpatientno encounterid visitnumber admissionno",
    "person_no": "personno personid memberno insuredno insuredid psnid patientno personnumber",
    "name": "name patientname personname insuredname fullname realname username",
    "id_type": "idtype certtype cardtype certificatetype documenttype",
    "id_number": ("idnumber idno idcard idcardno certno certificateno identityno identitycard documentno cardid"),
    "sex": "sex gender",
    "birth_date": "birthdate birthday dateofbirth dob birth",
    "insurance_type": "insurancetype insurtype insutype insurancekind insurancecode",
    "person_type": "persontype psntype personcategory personkind",
    "employer_name": "employername employer company companyname unitname workunit",
    "insured_region": "insuredregion insuredarea insuranceregion insuredplace",
    "care_region": "careregion carearea treatmentregion hospitalregion",
    "facility_no": (
        "facilityno hospitalno hospitalid hospitalcode hospcode orgcode facilitycode facilityid hospid medinscode"
    ),
    "facility_name": "facilityname hospitalname hospname orgname medinsname hospital",
    "facility_level": "facilitylevel hospitallevel hosplevel hospitalgrade",
    "care_type": "caretype visittype medtype treattype medicaltype encountertype treatmenttype",
    "admitted_on": (
        "admittedon admissiondate admitdate indate inhospdate begindate startdate indatetime admissiontime inhosdate"
    ),
    "discharged_on": ("dischargedon dischargedate outdate outhospdate enddate leavedate dischargetime outhosdate"),
    "inpatient_days": "inpatientdays hospdays days staydays inhospdays lengthofstay los",
    "settled_at": "settledat settlementtime settletime settlementdate settledate billtime paytime",
    "diagnosis_codes": ("diagnosiscode diagnosiscodes diagcode icd10 icdcode diseasecode icd diagnosis maindiagcode"),
    "reversal": "reversal refundflag isrefund cancelflag reversalflag refund voidflag",
    "reverses": "reverses originalsettlementno originalno origsettleid oldsettleno refundof originalid",
    "total_amount": (
        "totalamount totalfee totalcost feetotal sumamount amounttotal totalcharge medfee total totalfees"
    ),
    "full_self_amount": "fullselfamount selfexpense ownexpense selffee fullownpay ownfee selfpayall",
    "over_limit_amount": "overlimitamount overlimit overpriceamount overlimitfee",
    "first_self_amount": "firstselfamount preselfpay firstselfpay partselfpay",
    "in_scope_amount": "inscopeamount inscope policyamount coveredamount eligibleamount scopeamount",
    "deductible_amount": "deductibleamount deductible startline thresholdamount",
    "pooled_fund_amount": "pooledfundamount poolpay pooledfund overallpay tcpay fundpool poolamount",
    "civil_servant_amount": "civilservantamount civilpay officialpay civilservantpay",
    "enterprise_amount": "enterpriseamount enterprisepay corppay",
    "critical_illness_amount": "criticalillnessamount seriousillnesspay criticalpay bigillnesspay",
    "large_amount_fund_amount": "largeamountfundamount largepay largeamountpay depay",
    "medical_aid_amount": "medicalaidamount medicalaid aidpay assistancepay",
    "other_fund_amount": "otherfundamount otherpay otherfund otherfundpay",
    "fund_paid_amount": ("fundpaidamount fundpay fundtotal insurancepay insurpay reimbursement fundamount fundpaid"),
    "personal_amount": "personalamount personalpay selfpay psnpay personpay patientpay personalpaid",
    "account_amount": "accountamount accountpay accpay acctpay personalaccount accountpaid",
    "shared_account_amount": "sharedaccountamount sharedaccount familyaccount mutualaccountpay",
    "cash_amount": "cashamount cashpay cash payincash cashpaid",
    "hospital_borne_amount": "hospitalborneamount hospitalpay hospitalborne hosppay hospitalpart",
    "settlement_kind": "settlementkind settletype settlementtype",
    "payment_place": "paymentplace payplace",
}
"""Field → keys as programs write them, without signs and in small letters."""

_OTHERS: Final = (
    "上传时间 丙类费用 个人账户余额 中药费 主治医师 主要诊断 主要诊断名称 乙类费用 住址 住院次数 余额 "
    "入院科室 入院诊断 公务员标志 出院科室 出院诊断 创建时间 医保卡号 医师 医师姓名 医生 医生姓名 "
    "医药机构结算ID 医院结算流水号 单位代码 单位编号 卡号 参保机构 发票号 发票号码 地址 备注 家庭住址 "
    "就诊凭证类型 帐户余额 年度 年龄 床位号 床位费 床号 序号 开户行 手机号 手机号码 报销比例 操作员 "
    "操作员姓名 支付比例 数据来源 新生儿标志 明细条数 更新时间 材料费 检查费 民族 清算年度 清算方式 "
    "清算类别 清算经办机构 灵活就业标志 甲类费用 电话 电话号码 疾病名称 病案号 病种名称 社保卡号 票据号 "
    "科室 科室名称 科室编码 经办人 经办人姓名 经办人编号 结算年度 统筹支付比例 联系人 联系人姓名 联系电话 "
    "药品费 行号 西药费 诊断名称 诊疗费 账户余额 银行卡号 aab001 aae011 aae100 address age akc087 akc191 "
    "akc290 balc ckc110 clr_optins clr_type clr_way crt_dedc cvlserv_flag dedc_hosp_lv dedc_std dise_name "
    "exp_content fixmedins_poolarea flxempe_flag insu_optins invono lmtpric_hosp_lv mdtrt_cert_no "
    "mdtrt_cert_type medins_setl_id memo mobile msgid naty nwb_flag opt_time opter opter_id opter_name "
    "phone pool_prop_selfpay psn_insu_rlts_id remark rownum seq tel yae366 year yka054 yka316 ykb037"
)
OTHER_MATTERS: Final = frozenset(_OTHERS.split())
"""Names of what settlements also bring and a record does not hold: known, so that none is taken for a field."""
