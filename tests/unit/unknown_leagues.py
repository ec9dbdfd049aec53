"""Eight leagues that `feed infer` was not written for: samples and what stands where, from the published facts alone.

Invented people under region 150999. Nothing of the gateway is used here: what is right must not follow from the code.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

SHANGHAI = timezone(timedelta(hours=8))
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰涛明超霞平刚桂"
HOSPITALS = (
    ("H15099900001", "示例市人民医院", "03"),
    ("H15099900002", "示例旗蒙医医院", "05"),
    ("P15099900003", "康乐大药房", "11"),
)
EMPLOYERS = "示例煤矿有限责任公司", "示例市第二中学", "示例农牧场", "示例铁路局"
ILLNESSES = "I10.x00", "E11.900", "C34.900", "K80.200", "J18.900"


@dataclass(frozen=True)
class League:
    """A sample and the truth about it: field → the name (or the place, from 0, without a header) of its column."""

    name: str
    content: bytes
    truth: dict[str, str | int]
    kind: str
    fund_includes_account: bool = False


@dataclass(frozen=True)
class Person:
    name: str
    id_number: str
    male: bool
    born: date
    person_no: str
    employer: str


@dataclass(frozen=True)
class Bill:
    person: Person
    no: int
    admitted: date
    discharged: date
    settled: datetime
    care: str
    hospital: tuple[str, str, str]
    illness: str
    retired: bool
    money: dict[str, Decimal]
    back: bool = False

    @property
    def days(self) -> int:
        return (self.discharged - self.admitted).days


def id_number(born: date, order: int) -> str:
    """18 digits with the check digit of GB 11643 (ISO 7064 MOD 11-2)."""
    first = f"150999{born:%Y%m%d}{order:03}"
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    return first + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True)) % 11]


def people(chance: random.Random, many: int) -> list[Person]:
    persons = []
    for serial in range(many):
        born = date(1950, 1, 1) + timedelta(days=chance.randrange(18000))
        order = chance.randrange(10, 900)
        name = chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2))))
        number = f"1509990000000000{serial * 37 + 1:06}"
        persons.append(Person(name, id_number(born, order), order % 2 == 1, born, number, chance.choice(EMPLOYERS)))
    return persons


def fen(chance: random.Random, low: int, high: int) -> Decimal:
    return Decimal(chance.randrange(low * 100, high * 100)) / 100


def money(chance: random.Random, care: str) -> dict[str, Decimal]:
    """A settlement sheet that keeps I1 to I4 (the account holds no shared part, the hospital bears nothing)."""
    scope = fen(chance, 2000, 30000) if care == "21" else fen(chance, 60, 900)
    own, over, first = (fen(chance, 0, 900) if chance.random() < 0.8 else Decimal(0) for _ in range(3))
    line = Decimal(chance.choice((200, 400, 600, 800))) if care == "21" else Decimal(0)
    paid = (max(scope - line, Decimal(0)) * Decimal("0.7")).quantize(Decimal("0.01"))
    civil = (paid * Decimal("0.05")).quantize(Decimal("0.01")) if chance.random() < 0.4 else Decimal(0)
    large = fen(chance, 100, 2000) if scope > 15000 and chance.random() < 0.7 else Decimal(0)
    pooled = paid - civil - large
    personal = own + over + first + scope - paid
    account = min(fen(chance, 0, 500), personal) if chance.random() < 0.7 else Decimal(0)
    zero = Decimal(0)
    return {
        "total": own + over + first + scope, "own": own, "over": over, "first": first, "scope": scope, "line": line,
        "pooled": pooled, "civil": civil, "large": large, "enterprise": zero, "critical": zero,
        "aid": zero, "other": zero,
        "fund": paid, "personal": personal, "account": account, "cash": personal - account, "hospital": zero,
    }  # fmt: skip


def bills(seed: int, many: int = 60) -> list[Bill]:
    """Settlements of a month, a few of them taken back under the same number."""
    chance = random.Random(seed)
    persons = people(chance, many * 2 // 3)
    made: list[Bill] = []
    for no in range(many):
        care = chance.choice(("21", "21", "11", "14"))
        admitted = date(2026, 2, 1) + timedelta(days=chance.randrange(40))
        discharged = admitted + timedelta(days=chance.randrange(2, 20) if care == "21" else 0)
        settled = datetime.combine(discharged, datetime.min.time()) + timedelta(hours=8, minutes=chance.randrange(600))
        person = chance.choice(persons)
        made.append(
            Bill(
                person,
                7000 + no * 3,
                admitted,
                discharged,
                settled,
                care,
                HOSPITALS[no % 2],
                chance.choice(ILLNESSES),
                person.born.year < 1962,
                money(chance, care),
            )
        )
    refunds = [
        Bill(b.person, b.no, b.admitted, b.discharged, b.settled + timedelta(hours=3), b.care, b.hospital, b.illness,
             b.retired, {key: -value for key, value in b.money.items()}, back=True)
        for b in made[5::20]
    ]  # fmt: skip
    return [*made, *refunds]


Cell = Callable[[Bill], Any]
Layout = Sequence[tuple[str, str | None, Cell]]
"""The feed's name of a column, the field it is (None: no field of ours), and what stands in it."""


def yuan(key: str) -> Cell:
    return lambda bill: f"{bill.money[key]:.2f}"


def truth_of(layout: Layout, *, places: bool = False) -> dict[str, str | int]:
    return {field: place if places else name for place, (name, field, _) in enumerate(layout) if field is not None}


def lines(layout: Layout, rows: Sequence[Bill], delimiter: str, *, header: bool, after: str = "") -> Iterator[str]:
    if header:
        yield delimiter.join(name + after for name, _, _ in layout)
    for bill in rows:
        yield delimiter.join(str(cell(bill)) + after for _, _, cell in layout)


def national_reply() -> League:
    """5203 replies in one message, with keys of 2207 and a spelling that real platforms send (feeds.md §2.2, §7.7)."""
    layout: Layout = (
        ("setl_id", "settlement_no", lambda b: f"150999G{b.no:013}"),
        ("mdtrt_id", "visit_no", lambda b: f"9{b.no:011}"),
        ("psn_no", "person_no", lambda b: b.person.person_no),
        ("psn_name", "name", lambda b: b.person.name),
        ("psn_cert_type", "id_type", lambda _: "01"),
        ("certno", "id_number", lambda b: b.person.id_number),
        ("gend", "sex", lambda b: "1" if b.person.male else "2"),
        ("naty", None, lambda _: "01"),
        ("brdy", "birth_date", lambda b: str(b.person.born)),
        ("age", None, lambda b: 2026 - b.person.born.year),
        ("insutype", "insurance_type", lambda _: "310"),
        ("psn_type", "person_type", lambda b: "1201" if b.retired else "1101"),
        ("insu_admdvs", "insured_region", lambda _: "150999"),
        ("fixmedins_code", "facility_no", lambda b: b.hospital[0]),
        ("fixmedins_name", "facility_name", lambda b: b.hospital[1]),
        ("hosp_lv", "facility_level", lambda b: b.hospital[2]),
        ("begndate", "admitted_on", lambda b: str(b.admitted)),
        ("enddate", "discharged_on", lambda b: str(b.discharged)),
        ("setl_time", "settled_at", lambda b: f"{b.settled:%Y-%m-%d %H:%M:%S}"),
        ("med_type", "care_type", lambda b: b.care),
        ("clr_type", None, lambda b: "21" if b.care == "21" else "11"),
        ("pay_loc", "payment_place", lambda _: "2"),
        ("medfee_sumamt", "total_amount", yuan("total")),
        ("fulamt_ownpay_amt", "full_self_amount", yuan("own")),
        ("overlmt_selfpay", "over_limit_amount", yuan("over")),
        ("preselfpay_amt", "first_self_amount", yuan("first")),
        ("inscp_scp_amt", "in_scope_amount", yuan("scope")),
        ("act_pay_dedc", "deductible_amount", yuan("line")),
        ("hifp_pay", "pooled_fund_amount", yuan("pooled")),
        ("pool_prop_selfpay", None, lambda _: "0.0"),
        ("cvlserv_pay", "civil_servant_amount", yuan("civil")),
        ("hifes_pay", "enterprise_amount", yuan("enterprise")),
        ("hifmi_pay", "critical_illness_amount", yuan("critical")),
        ("hifob_pay", "large_amount_fund_amount", yuan("large")),
        ("maf_pay", "medical_aid_amount", yuan("aid")),
        ("oth_pay", "other_fund_amount", yuan("other")),
        ("fund_pay_sumamt", "fund_paid_amount", yuan("fund")),
        ("psn_part_amt", "personal_amount", yuan("personal")),
        ("acct_pay", "account_amount", yuan("account")),
        ("cashPayamt", "cash_amount", yuan("cash")),
        ("balc", None, lambda b: f"{b.no / 7:.2f}"),
        ("refd_setl_flag", "reversal", lambda b: "1" if b.back else "0"),
        ("dise_codg", "diagnosis_codes", lambda b: b.illness),
        ("medins_setl_id", None, lambda b: f"H150999{b.no:023}"),
    )
    rows = [{name: cell(bill) for name, _, cell in layout} for bill in bills(1)]
    message = {"infcode": "0", "inf_refmsgid": "1", "err_msg": "", "output": {"setlinfo": rows}}
    return League("national", json.dumps(message, ensure_ascii=False).encode(), truth_of(layout), "json")


def wrapper_xml() -> League:
    """A wrapper of the old kind: XML in GBK with its vendor's codes (feeds.md §4.5)."""
    layout: Layout = (
        ("yka103", "settlement_no", lambda b: f"JS{b.no:010}"),
        ("akc190", "visit_no", lambda b: f"ZY{b.no:08}"),
        ("aac001", "person_no", lambda b: b.person.person_no),
        ("aac003", "name", lambda b: b.person.name),
        ("aac002", "id_number", lambda b: b.person.id_number),
        ("aac004", "sex", lambda b: "1" if b.person.male else "2"),
        ("aac006", "birth_date", lambda b: f"{b.person.born:%Y%m%d}"),
        ("aae140", "insurance_type", lambda _: "310"),
        ("akb020", "facility_no", lambda b: b.hospital[0]),
        ("akb021", "facility_name", lambda b: b.hospital[1]),
        ("aka130", "care_type", lambda b: b.care),
        ("akc192", "admitted_on", lambda b: f"{b.admitted:%Y%m%d}"),
        ("akc194", "discharged_on", lambda b: f"{b.discharged:%Y%m%d}"),
        ("aae036", "settled_at", lambda b: f"{b.settled:%Y%m%d%H%M%S}"),
        ("yka055", "total_amount", yuan("total")),
        ("yka056", "full_self_amount", yuan("own")),
        ("yka057", "first_self_amount", lambda b: f"{b.money['first'] + b.money['over']:.2f}"),
        ("yka111", "in_scope_amount", yuan("scope")),
        ("yka058", "deductible_amount", yuan("line")),
        ("yka248", "pooled_fund_amount", yuan("pooled")),
        ("yka062", "large_amount_fund_amount", yuan("large")),
        ("yke030", "civil_servant_amount", yuan("civil")),
        ("akb068", "fund_paid_amount", yuan("fund")),
        ("yka065", "account_amount", yuan("account")),
        ("akb067", "cash_amount", yuan("cash")),
        ("akc087", None, lambda b: f"{b.no / 3:.2f}"),
        ("ykb037", None, lambda _: "1509"),
    )
    rows = "".join(
        "<row>" + "".join(f"<{name}>{cell(bill)}</{name}>" for name, _, cell in layout) + "</row>" for bill in bills(2)
    )
    text = f'<?xml version="1.0" encoding="GBK"?><output><code>0</code><message/><data>{rows}</data></output>'
    return League("wrapper", text.encode("gbk"), truth_of(layout), "xml")


def without_header() -> League:
    """TAB-separated text in GBK without a header, 30 columns in the order of 5203 (feeds.md §4.5, §5)."""
    layout: Layout = (
        ("", "settlement_no", lambda b: f"150999{b.no:012}"),
        ("", "visit_no", lambda b: f"M{b.no:09}"),
        ("", "person_no", lambda b: b.person.person_no),
        ("", "name", lambda b: b.person.name),
        ("", "id_number", lambda b: b.person.id_number),
        ("", "sex", lambda b: "1" if b.person.male else "2"),
        ("", "birth_date", lambda b: f"{b.person.born:%Y%m%d}"),
        ("", "insurance_type", lambda _: "310"),
        ("", "person_type", lambda b: "1201" if b.retired else "1101"),
        ("", "facility_no", lambda b: b.hospital[0]),
        ("", "facility_name", lambda b: b.hospital[1]),
        ("", "care_type", lambda b: b.care),
        ("", "admitted_on", lambda b: f"{b.admitted:%Y%m%d}"),
        ("", "discharged_on", lambda b: f"{b.discharged:%Y%m%d}"),
        ("", "inpatient_days", lambda b: b.days),
        ("", "settled_at", lambda b: f"{b.settled:%Y%m%d%H%M%S}"),
        ("", "diagnosis_codes", lambda b: b.illness),
        ("", "total_amount", yuan("total")),
        ("", "full_self_amount", yuan("own")),
        ("", "over_limit_amount", yuan("over")),
        ("", "first_self_amount", yuan("first")),
        ("", "in_scope_amount", yuan("scope")),
        ("", "deductible_amount", yuan("line")),
        ("", "pooled_fund_amount", yuan("pooled")),
        ("", "civil_servant_amount", yuan("civil")),
        ("", "large_amount_fund_amount", yuan("large")),
        ("", "fund_paid_amount", yuan("fund")),
        ("", "personal_amount", yuan("personal")),
        ("", "account_amount", yuan("account")),
        ("", "cash_amount", yuan("cash")),
    )
    text = "\r\n".join([*lines(layout, bills(3), "\t", header=False), ""])
    return League("headerless", text.encode("gbk"), truth_of(layout, places=True), "csv")


def oracle_view() -> League:
    """An export of a city's view: legacy names behind a table's letter, refund flag CKC085 (feeds.md §4.5, §5)."""
    layout: Layout = (
        ("K2_AAE036", "settled_at", lambda b: f"{b.settled:%Y-%m-%d %H:%M:%S}"),
        ("K2_CKC618", "settlement_no", lambda b: f"{b.no:012}"),
        ("K2_AKC190", "visit_no", lambda b: f"{b.no:09}01"),
        ("K2_AAC001", "person_no", lambda b: b.person.person_no),
        ("K2_AAC002", "id_number", lambda b: b.person.id_number),
        ("K2_AAC003", "name", lambda b: b.person.name),
        ("K2_AAC004", "sex", lambda b: "1" if b.person.male else "2"),
        ("K2_AAB004", "employer_name", lambda b: b.person.employer),
        ("K2_AKB020", "facility_no", lambda b: b.hospital[0]),
        ("K2_AKC021", "person_type", lambda b: "12" if b.retired else "11"),
        ("K2_AKA130", "care_type", lambda b: b.care),
        ("K2_CKC085", "reversal", lambda b: "1" if b.back else "0"),
        ("K2_AKC264", "total_amount", yuan("total")),
        ("K2_BKA825", "full_self_amount", yuan("own")),
        ("K2_BKA826", "over_limit_amount", yuan("over")),
        ("K2_AKC254", "first_self_amount", yuan("first")),
        ("K2_AKA151", "deductible_amount", yuan("line")),
        ("K2_AKE039", "pooled_fund_amount", yuan("pooled")),
        ("K2_AKE035", "civil_servant_amount", yuan("civil")),
        ("K2_AKE026", "enterprise_amount", yuan("enterprise")),
        ("K2_AKE029", "large_amount_fund_amount", yuan("large")),
        ("K2_BKA839", "other_fund_amount", yuan("other")),
        ("K2_AKB068", "fund_paid_amount", yuan("fund")),
        ("K2_BKA831", "personal_amount", yuan("personal")),
        ("K2_AKB066", "account_amount", yuan("account")),
        ("K2_AKB067", "cash_amount", yuan("cash")),
        ("K2_AKC087", None, lambda b: f"{b.no / 9:.2f}"),
    )
    text = "\r\n".join([*lines(layout, bills(4), ",", header=True), ""])
    return League("oracle-view", text.encode("gb18030"), truth_of(layout), "csv")


def numbered_rows() -> League:
    """SOAP with XML as text inside, settlements as <row1>, <row2> (feeds.md §4.5)."""
    layout: Layout = (
        ("bke384", "settlement_no", lambda b: f"{b.no:010}"),
        ("akc190", "visit_no", lambda b: f"V{b.no:07}"),
        ("aac001", "person_no", lambda b: b.person.person_no),
        ("aac003", "name", lambda b: b.person.name),
        ("aac002", "id_number", lambda b: b.person.id_number),
        ("akb020", "facility_no", lambda b: b.hospital[0]),
        ("akb021", "facility_name", lambda b: b.hospital[1]),
        ("aka130", "care_type", lambda b: b.care),
        ("akc300", "person_type", lambda b: "1201" if b.retired else "1101"),
        ("aae040", "settled_at", lambda b: f"{b.settled:%Y-%m-%d %H:%M:%S}"),
        ("akc264", "total_amount", yuan("total")),
        ("bka825", "full_self_amount", yuan("own")),
        ("bka826", "over_limit_amount", yuan("over")),
        ("akc254", "first_self_amount", yuan("first")),
        ("ake039", "pooled_fund_amount", yuan("pooled")),
        ("ake035", "civil_servant_amount", yuan("civil")),
        ("ake029", "large_amount_fund_amount", yuan("large")),
        ("akc260", "fund_paid_amount", yuan("fund")),
        ("akc255", "account_amount", yuan("account")),
        ("akc261", "cash_amount", yuan("cash")),
        ("akc290", None, yuan("line")),
    )
    rows = "".join(
        f"<row{n}>" + "".join(f"<{name}>{cell(bill)}</{name}>" for name, _, cell in layout) + f"</row{n}>"
        for n, bill in enumerate(bills(5), 1)
    )
    inner = f"<Program><head><returnCode>0</returnCode><message>成功</message></head><data>{rows}</data></Program>"
    escaped = inner.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = f"<Envelope><Body><queryResponse><return>{escaped}</return></queryResponse></Body></Envelope>"
    return League("numbered-rows", text.encode("gb18030"), truth_of(layout), "xml")


def spreadsheet() -> League:
    """A clerk's export: Chinese headings and cells with a TAB behind, thousands, and the account inside of what was
    reimbursed (feeds.md §2.6, §5)."""

    def grouped(*keys: str) -> Cell:
        return lambda bill: f'"{sum(bill.money[key] for key in keys):,.2f}"'

    layout: Layout = (
        ("序号", None, lambda b: b.no),
        ("结算单号", "settlement_no", lambda b: f"{b.no:012}"),
        ("住院号", "visit_no", lambda b: f"Z{b.no}"),
        ("患者姓名", "name", lambda b: b.person.name),
        ("公民身份号码", "id_number", lambda b: b.person.id_number),
        ("性别", "sex", lambda b: "男" if b.person.male else "女"),
        ("工作单位", "employer_name", lambda b: b.person.employer),
        ("险种", "insurance_type", lambda _: "职工基本医疗保险"),
        ("就诊医院", "facility_name", lambda b: b.hospital[1]),
        ("医院编码", "facility_no", lambda b: b.hospital[0]),
        ("就诊类别", "care_type", lambda b: {"21": "普通住院", "11": "普通门诊", "14": "门诊慢特病"}[b.care]),
        ("入院时间", "admitted_on", lambda b: f"{b.admitted.year}/{b.admitted.month}/{b.admitted.day}"),
        ("出院时间", "discharged_on", lambda b: f"{b.discharged.year}/{b.discharged.month}/{b.discharged.day}"),
        ("实际住院天数", "inpatient_days", lambda b: b.days),
        (
            "报销时间",
            "settled_at",
            lambda b: f"{b.settled.year}/{b.settled.month}/{b.settled.day} {b.settled.hour}:{b.settled:%M}",
        ),
        ("主要诊断编码", "diagnosis_codes", lambda b: b.illness),
        ("总费用(元)", "total_amount", grouped("total")),
        ("全自费费用(元)", "full_self_amount", grouped("own")),
        ("超限价自付(元)", "over_limit_amount", grouped("over")),
        ("乙类先行自付(元)", "first_self_amount", grouped("first")),
        ("合规费用(元)", "in_scope_amount", grouped("scope")),
        ("起付金额(元)", "deductible_amount", grouped("line")),
        ("基本统筹支付(元)", "pooled_fund_amount", grouped("pooled")),
        ("公务员医疗补助(元)", "civil_servant_amount", grouped("civil")),
        ("职工大额(元)", "large_amount_fund_amount", grouped("large")),
        ("医保报销合计(元)", "fund_paid_amount", grouped("fund", "account")),
        ("个人负担合计(元)", "personal_amount", grouped("personal")),
        ("个账支付(元)", "account_amount", grouped("account")),
        ("个人现金支付(元)", "cash_amount", grouped("cash")),
    )
    text = "\r\n".join([*lines(layout, bills(6), ",", header=True, after="\t"), ""])
    # The TAB of such an export stands behind the closing quote's number too; a spreadsheet writes it inside.
    return League("spreadsheet", text.replace('"\t', '"').encode("utf-8-sig"), truth_of(layout), "csv", True)


def pinyin_dump() -> League:
    """A dump of a city's own table: initials as names, a bar between cells, own sex codes."""
    layout: Layout = (
        ("jslsh", "settlement_no", lambda b: f"{b.no:014}"),
        ("jzlsh", "visit_no", lambda b: f"Y{b.no:08}"),
        ("grbh", "person_no", lambda b: b.person.person_no),
        ("xm", "name", lambda b: b.person.name),
        ("sfzh", "id_number", lambda b: b.person.id_number),
        ("xb", "sex", lambda b: "0" if b.person.male else "1"),
        ("csrq", "birth_date", lambda b: str(b.person.born)),
        ("dwmc", "employer_name", lambda b: b.person.employer),
        ("xzlx", "insurance_type", lambda _: "310"),
        ("rylb", "person_type", lambda b: "1201" if b.retired else "1101"),
        ("yybm", "facility_no", lambda b: b.hospital[0]),
        ("yymc", "facility_name", lambda b: b.hospital[1]),
        ("yllb", "care_type", lambda b: b.care),
        ("ryrq", "admitted_on", lambda b: str(b.admitted)),
        ("cyrq", "discharged_on", lambda b: str(b.discharged)),
        ("zyts", "inpatient_days", lambda b: b.days),
        ("jssj", "settled_at", lambda b: f"{b.settled:%Y-%m-%d %H:%M:%S}"),
        ("ylfze", "total_amount", yuan("total")),
        ("qzf", "full_self_amount", yuan("own")),
        ("cxjzf", "over_limit_amount", yuan("over")),
        ("xxzf", "first_self_amount", yuan("first")),
        ("fhfw", "in_scope_amount", yuan("scope")),
        ("qfx", "deductible_amount", yuan("line")),
        ("tczf", "pooled_fund_amount", yuan("pooled")),
        ("gwybz", "civil_servant_amount", yuan("civil")),
        ("debz", "large_amount_fund_amount", yuan("large")),
        ("jjzfze", "fund_paid_amount", yuan("fund")),
        ("grfd", "personal_amount", yuan("personal")),
        ("grzhzf", "account_amount", yuan("account")),
        ("xjzf", "cash_amount", yuan("cash")),
        ("tfbz", "reversal", lambda b: "1" if b.back else "0"),
    )
    text = "\n".join([*lines(layout, bills(7), "|", header=True), ""])
    return League("pinyin", text.encode(), truth_of(layout), "csv")


def english_api() -> League:
    """A small town's API: English keys, times in milliseconds, numbers of JSON, the person inside of an object."""

    def number(key: str) -> Cell:
        return lambda bill: float(bill.money[key])

    def millis(day: date) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp() * 1000)

    layout: Layout = (
        ("settlementNo", "settlement_no", lambda b: f"S{b.no:08}"),
        ("visitNo", "visit_no", lambda b: f"E{b.no:08}"),
        ("patient.fullName", "name", lambda b: b.person.name),
        ("patient.idCardNo", "id_number", lambda b: b.person.id_number),
        ("patient.gender", "sex", lambda b: "M" if b.person.male else "F"),
        ("patient.birthday", "birth_date", lambda b: millis(b.person.born)),
        ("patient.phone", None, lambda b: f"139{b.no:08}"),
        ("hospitalCode", "facility_no", lambda b: b.hospital[0]),
        ("hospitalName", "facility_name", lambda b: b.hospital[1]),
        ("visitType", "care_type", lambda b: b.care),
        ("admissionDate", "admitted_on", lambda b: millis(b.admitted)),
        ("dischargeDate", "discharged_on", lambda b: millis(b.discharged)),
        ("settleTime", "settled_at", lambda b: int(b.settled.replace(tzinfo=SHANGHAI).timestamp() * 1000)),
        ("diagnosisCode", "diagnosis_codes", lambda b: b.illness),
        ("totalFee", "total_amount", number("total")),
        ("selfExpense", "full_self_amount", number("own")),
        ("overLimitFee", "over_limit_amount", number("over")),
        ("preSelfPay", "first_self_amount", number("first")),
        ("coveredAmount", "in_scope_amount", number("scope")),
        ("deductible", "deductible_amount", number("line")),
        ("poolPay", "pooled_fund_amount", number("pooled")),
        ("civilServantPay", "civil_servant_amount", number("civil")),
        ("largeAmountPay", "large_amount_fund_amount", number("large")),
        ("fundPay", "fund_paid_amount", number("fund")),
        ("selfPay", "personal_amount", number("personal")),
        ("accountPay", "account_amount", number("account")),
        ("cashPay", "cash_amount", number("cash")),
        ("isRefund", "reversal", lambda b: b.back),
    )
    rows = []
    for bill in bills(8):
        row: dict[str, Any] = {"patient": {}}
        for name, _, cell in layout:
            outer, _, inner = name.rpartition(".")
            (row[outer] if outer else row)[inner] = cell(bill)
        rows.append(row)
    message = {"code": 200, "msg": "success", "data": {"page": 1, "list": rows}}
    return League("english", json.dumps(message, ensure_ascii=False).encode(), truth_of(layout), "json")


LEAGUES = (
    national_reply(),
    wrapper_xml(),
    without_header(),
    oracle_view(),
    numbered_rows(),
    spreadsheet(),
    pinyin_dump(),
    english_api(),
)
