"""The thirty golden cases, in the order a developer meets them: new, amended, withdrawn, then whatever is unusual."""

from __future__ import annotations

from datetime import date
from typing import Final

from gateway.core.claims.told import Recovery
from gateway.kit.cases import GoldenCase, GoldenPerson, sheet, year
from gateway.model.benefit import Fact
from gateway.model.national_id import check_digit


def _person(number: int, name: str, sex: str, born: str, unit: int, league: str, **rest: str) -> GoldenPerson:
    birth_date = date.fromisoformat(born)
    first17 = f"150999{birth_date:%Y%m%d}{number * 2 + (sex == 'M'):03d}"
    return GoldenPerson(
        member_no=f"M{number:06d}",
        name=name,
        id_number=first17 + check_digit(first17),
        sex=sex,
        birth_date=birth_date,
        unit_no=f"U{unit:04d}",
        unit_name=f"示例{'一二三四五六七八九'[unit - 1]}公司",
        league=league,
        **rest,  # type: ignore[arg-type]
    )


WANG: Final = _person(1, "王示例", "F", "1980-05-01", 1, "乌海市")
LI: Final = _person(2, "李示范", "M", "1975-11-12", 1, "乌海市")
SUREN: Final = _person(3, "乌云·示例", "F", "1988-03-08", 2, "阿拉善盟")
ZHAO: Final = _person(4, "赵样本", "M", "1969-07-30", 3, "兴安盟")
QIAN: Final = _person(5, "钱虚构", "F", "1979-02-14", 4, "巴彦淖尔市")
SUN: Final = _person(6, "孙虚构", "M", "1992-09-09", 5, "运城市")
ZHOU: Final = _person(7, "周样例", "F", "1962-12-01", 6, "上海市", category="retired")
WU: Final = _person(8, "吴样例", "M", "1983-06-18", 7, "海口市")
RARE: Final = _person(9, "阿依古丽·𬭎示例", "F", "1990-02-28", 2, "阿拉善盟")

_NM_2021: Final = (year("2021-06-01", "2022-05-31"),)
_NM_SECOND: Final = (year("2020-06-01", "2021-05-31"), *_NM_2021)
_NM_2022: Final = (year("2022-06-01", "2023-05-31"),)

_PLAIN: Final = sheet(
    "G001", "2021-07-01", "2021-07-10", 20000, 9000,
    in_scope_amount=15000, full_self_amount=3000, over_limit_amount=1500, first_self_amount=500,
    deductible_amount=800, pooled_fund_amount=8400, large_amount_fund_amount=600, personal_amount=11000,
    account_amount=1000, cash_amount=10000,
)  # fmt: skip
_CORRECTED: Final = sheet(
    "G001", "2021-07-01", "2021-07-10", 20000, 10000,
    in_scope_amount=15000, full_self_amount=3000, over_limit_amount=1500, first_self_amount=500,
    deductible_amount=800, pooled_fund_amount=9400, large_amount_fund_amount=600, personal_amount=10000,
    account_amount=1000, cash_amount=9000,
)  # fmt: skip
_SMALL: Final = sheet("G004", "2021-08-02", "2021-08-05", 900, 700, in_scope_amount=800, personal_amount=200)
_LARGE: Final = sheet(
    "G005", "2021-09-01", "2021-11-20", 620000, 120000, in_scope_amount=600000, personal_amount=500000
)
_OUTPATIENT: Final = tuple(
    sheet(
        f"G02{day}", f"2021-10-0{day}", f"2021-10-0{day}", 1200, 700,
        care_type="outpatient_special", care_type_code="14", inpatient_days=None, in_scope_amount=1100,
        personal_amount=500, diagnosis_codes=("N18.502",),
    )
    for day in (2, 5, 9)
)  # fmt: skip


def _nm(name: str, words: str, person: GoldenPerson = WANG, **rest: object) -> GoldenCase:
    return GoldenCase(
        name=name, words=words, scheme="nm-inpatient", person=person, **{"coverage": _NM_2021, **rest},  # type: ignore[arg-type]
    )  # fmt: skip


GOLDEN: Final[tuple[GoldenCase, ...]] = (
    _nm("new-inpatient", "新申领：一次住院，分段补助加住院津贴，收支逐分平衡", sheets=(_PLAIN,)),
    _nm("new-second-year", "新申领：连续第二年参互，住院津贴每日20元", coverage=_NM_SECOND, sheets=(_PLAIN,)),
    _nm(
        "new-several-bands", "新申领：跨三个分段，超过分段上限的部分不予补助", LI,
        sheets=(_LARGE,),
    ),
    _nm("new-topped-up", "新申领：补助不足200元的补足到200元", LI, sheets=(_SMALL,)),
    _nm(
        "new-cap-reached", "新申领：同一保障期的第二次住院，达到保障期封顶", LI,
        sheets=(_LARGE, sheet("G006", "2021-12-10", "2021-12-30", 80000, 10000, in_scope_amount=76000)), about="G006",
    ),
    _nm(
        "new-part-covered", "新申领：部分住院日在保障期之外，按天折算", ZHAO,
        coverage=(year("2021-06-11", "2022-06-10"),),
        sheets=(sheet("G007", "2022-06-01", "2022-06-21", 16000, 6000, in_scope_amount=14000),),
    ),
    _nm(
        "new-edition-2022", "新申领：2022年版方案，六个分段", SUREN, coverage=_NM_2022,
        sheets=(sheet("G008", "2022-09-01", "2022-09-12", 68000, 20000, in_scope_amount=60000),),
    ),
    _nm(
        "new-outpatient-month", "新申领：门诊特殊病按月合并，三次结算为一份申领", QIAN, sheets=_OUTPATIENT,
    ),
    GoldenCase(
        name="new-women-diagnosis", words="新申领：女性特殊疾病，确诊后定额给付，与费用多少无关",
        scheme="nm-women", person=SUREN, coverage=(year("2022-06-01", "2023-05-31", "nm-women"),),
        facts=(Fact(kind="diagnosis", on=date(2022, 10, 11), disease="breast_cancer", confirmed=True),),
        sheets=(sheet("G009", "2022-10-08", "2022-10-20", 42000, 25000, in_scope_amount=40000,
                      diagnosis_codes=("C50.900",)),),
    ),
    GoldenCase(
        name="new-yuncheng", words="新申领：运城方案，一式两份的申请审批表",
        scheme="yuncheng", person=SUN, coverage=(year("2025-01-01", "2025-12-31"),),
        sheets=(sheet("G010", "2025-03-03", "2025-03-11", 14000, 6500, in_scope_amount=13000),),
    ),
    GoldenCase(
        name="new-hainan", words="新申领：海南第五期，免申即享，起付线与按比例自付为基数",
        scheme="hainan", person=WU, coverage=(year("2026-03-01", "2029-02-28"),),
        sheets=(sheet("G011", "2026-05-02", "2026-05-12", 52000, 30000, in_scope_amount=48000, full_self_amount=2500,
                      first_self_amount=1500, deductible_amount=1200, personal_amount=22000),),
    ),
    GoldenCase(
        name="new-retired", words="新申领：退休职工，上海退休住院保障",
        scheme="sh-retired", person=ZHOU, coverage=(year("2023-07-01", "2024-06-30"),),
        sheets=(sheet("G012", "2023-09-05", "2023-09-19", 30000, 21000, in_scope_amount=28000, deductible_amount=1500,
                      pooled_fund_amount=21000, personal_amount=9000),),
    ),
    GoldenCase(
        name="new-daily-only", words="新申领：按住院天数的津贴，与费用无关",
        scheme="zhonghu-stay", person=LI, coverage=(year("2021-01-01", "2021-12-31"),),
        sheets=(sheet("G013", "2021-04-01", "2021-04-16", 9000, 6000, in_scope_amount=8500),),
    ),
    GoldenCase(
        name="new-major-illness", words="新申领：三明大病补助，按全年自付分段",
        scheme="sanming-major", person=QIAN, coverage=(year("2025-01-01", "2025-12-31"),),
        sheets=(sheet("G014", "2025-02-01", "2025-03-15", 180000, 90000, in_scope_amount=160000,
                      personal_amount=90000, cash_amount=90000),),
    ),
    _nm(
        "amended-corrected", "变更：医保更正结算，基金多付1000元，补助随之减少", sheets=(_CORRECTED,), before=(_PLAIN,),
    ),
    _nm(
        "amended-joined", "变更：24小时内转院，后一次住院并入前一次，金额增加，须核实转院",
        sheets=(_PLAIN, sheet("G015", "2021-07-10", "2021-07-20", 9000, 4000, in_scope_amount=8000,
                              facility_no="H15099900002", facility_name="示例市第二医院")),
        before=(_PLAIN,),
    ),
    _nm(
        "amended-details", "变更：只更正了诊断编码，金额不变", before=(_PLAIN,),
        sheets=(sheet(
            "G001", "2021-07-01", "2021-07-10", 20000, 9000, diagnosis_codes=("I10.x05",),
            in_scope_amount=15000, full_self_amount=3000, over_limit_amount=1500, first_self_amount=500,
            deductible_amount=800, pooled_fund_amount=8400, large_amount_fund_amount=600, personal_amount=11000,
            account_amount=1000, cash_amount=10000,
        ),),
    ),
    _nm("withdrawn-refunded", "撤回：结算已退费", before=(_PLAIN,), withdrawn="reversed"),
    _nm("withdrawn-merged", "撤回：并入前一次住院的申领", LI, before=(_SMALL,), withdrawn="merged"),
    _nm("withdrawn-nothing-owed", "撤回：更正后已无应补助金额", ZHAO, before=(_SMALL,), withdrawn="nothing_owed"),
    _nm("withdrawn-told-elsewhere", "撤回：同一结算已由另一来源报送", QIAN, before=(_SMALL,),
        withdrawn="told_elsewhere"),
    _nm(
        "amended-recovery", "追回：已支付后结算退费，通知收回全部补助；其余内容与上一版相同", SUREN, before=(_PLAIN,),
        recovery=Recovery(
            recovery_id=1, paid="2490.00", amount="2490.00", reason="reversed", text="医保结算已退费或更正",
        ),
    ),
    _nm(
        "flag-referral", "存疑：参保地以外就医，须核实转诊备案", ZHAO,
        sheets=(sheet("G016", "2021-08-08", "2021-08-18", 36000, 15000, in_scope_amount=33000,
                      care_region="110000", facility_no="H11099900001", facility_name="外地示例医院"),),
    ),
    _nm(
        "flag-injury", "存疑：外伤住院，须核实第三人责任或工伤", LI,
        sheets=(sheet("G017", "2021-10-01", "2021-10-08", 12000, 6000, in_scope_amount=11000,
                      care_type_code="22", diagnosis_codes=("S82.200",)),),
    ),
    _nm(
        "flag-emergency", "存疑：入院前一日同一机构有急诊费用，是否并入须核实", QIAN,
        sheets=(
            sheet("G018", "2021-09-09", "2021-09-09", 1500, 400, care_type="emergency", care_type_code="13",
                  inpatient_days=None, in_scope_amount=1400),
            sheet("G019", "2021-09-10", "2021-09-20", 18000, 8000, in_scope_amount=16000),
        ),
        about="G019",
    ),
    _nm(
        "flag-late", "存疑：资料到达时已超过申领期限，是否受理由经办人决定", sheets=(_PLAIN,),
        received_on=date(2022, 12, 1),
    ),
    _nm(
        "flag-incomplete", "存疑：结算缺少金额，暂不能计算，金额0.00，须补齐后核定；没有收支平衡", SUREN,
        sheets=(sheet("G020", "2021-11-01", "2021-11-09", 15000, 7000, in_scope_amount=None),),
    ),
    _nm(
        "flag-billed-twice", "存疑：疑似重复结算，另一笔在核定之前不计入", ZHAO, added=("billed_twice",),
        sheets=(_PLAIN,),
    ),
    GoldenCase(
        name="flag-diagnosis", words="存疑：仅凭诊断编码，须确认诊断证明后核定",
        scheme="nm-women", person=WANG, coverage=(year("2022-06-01", "2023-05-31", "nm-women"),),
        sheets=(sheet("G023", "2022-11-01", "2022-11-12", 38000, 22000, in_scope_amount=36000,
                      diagnosis_codes=("C50.900",)),),
    ),
    _nm(
        "edge-names", "边界：姓名含间隔号与四字节的生僻字，金额到分，缺省的字段为空", RARE,
        sheets=(sheet("G024", "2022-01-03", "2022-01-06", "3333.33", "1111.11", in_scope_amount="3000.01",
                      facility_name=None, facility_level=None, diagnosis_codes=()),),
    ),
)  # fmt: skip
"""Names are those of files; what was released is changed no more, and new ones come behind."""
