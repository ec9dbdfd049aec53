"""What three leagues say about the same kind of lives, each in its own words.

A `Sent` holds the truth (the record that a right mapping makes) beside how it was written: an id number in
an odd form, a name that is not the person's, a row spoiled on purpose. The writers below turn it into the
national `setlinfo`, a CSV row, or a push record; `as_filed` and `as_pushed` say what then is the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from gateway.model.clock import SHANGHAI
from gateway.model.record import AMOUNT_FIELDS, SettlementRecord
from gateway.sandbox.national import (
    NATIONAL_KEYS,
    SPOILINGS,
    Keys,
    Row,
    moment,
    setlinfo,
    spoil,
    written_otherwise,
)
from gateway.sandbox.people import Dice, Person, other_name, words
from gateway.sandbox.stays import reversal_of, stays_of_year

REVERSED: Final = 500
"""Of ten thousand settlements, how many are refunded."""
SPOILED: Final = 100
"""Of ten thousand rows, how many are wrong."""
ODDLY_WRITTEN: Final = 400
"""Of ten thousand rows, how many write the id number in another form."""
WRONG_NAME: Final = 60
"""Of ten thousand rows, how many carry a name that is not the person's."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a league. `record` is the truth of it, its name included when that is the wrong one.

    `name_written`: the name where it stands in another form than it is read. `duplicate` when another league has
    already said the same about the same stay. `end`: how the row ends, where its label says so and not what
    is wrong with it.
    """

    person: Person
    record: SettlementRecord
    id_written: str
    name_written: str | None = None
    spoiled: str | None = None
    wrong_name: bool = False
    duplicate: bool = False
    end: str | None = None


def sent_between(seed: int, people: Iterable[Person], *, first: date, last: date, serials: Iterator[int]) -> list[Sent]:
    """All rows about these people that were settled between two days, in order of settlement."""
    rows: list[Sent] = []
    for person in people:
        dice = Dice("sent", seed, person.index)
        for record in stays_of_year(dice, person, first=first, last=last, serials=serials):
            sent = written(dice, person, record)
            rows.append(sent)
            if not sent.spoiled and not sent.wrong_name and dice.chance(REVERSED):
                settled_at = cast(datetime, record.settled_at)
                days = dice.below((last - settled_at.date()).days + 1)
                latest = datetime(last.year, last.month, last.day, 23, 30, tzinfo=SHANGHAI)
                rows.append(refund(sent, settled_at=min(settled_at + timedelta(days=days, minutes=45), latest)))
    return sorted(rows, key=lambda sent: (sent.record.settled_at, sent.record.settlement_no))


def refund(sent: Sent, *, settled_at: datetime) -> Sent:
    """The full refund of a row, written the same way."""
    return msgspec.structs.replace(sent, record=reversal_of(sent.record, settled_at=settled_at))


def written(dice: Dice, person: Person, record: SettlementRecord) -> Sent:
    """A settlement as the league sends it: now and then spoiled, under a wrong name, or oddly written."""
    spoiled = dice.pick(SPOILINGS) if dice.chance(SPOILED) else None
    wrong_name = spoiled is None and dice.chance(WRONG_NAME)
    if wrong_name:
        record = msgspec.structs.replace(record, name=other_name(person, seed=1))
    odd = spoiled is None and dice.chance(ODDLY_WRITTEN)
    id_written = written_otherwise(person, dice) if odd else person.id_number
    return Sent(person=person, record=record, id_written=id_written, spoiled=spoiled, wrong_name=wrong_name)


PAID_CARE: Final = ("inpatient", "outpatient_special")
"""The kinds of care some scheme of the shipped association pays for."""


def stay_ending(person: Person, record: SettlementRecord, day: date) -> Sent:
    """A stay moved so that it ends, and is settled, on this day."""
    days = timedelta(days=cast(int, record.inpatient_days))
    settled_at = datetime(day.year, day.month, day.day, 11, tzinfo=SHANGHAI)
    moved = msgspec.structs.replace(record, admitted_on=day - days, discharged_on=day, settled_at=settled_at)
    return Sent(person=person, record=moved, id_written=person.id_number)


# 乌海: the national interface, seen through 5203.


def national_row(sent: Sent) -> Row:
    """The `setlinfo` of 5203: it has no days in hospital, and keys nobody documented."""
    row = setlinfo(sent.record, nation=sent.person.nation) | {"certno": sent.id_written}
    del row["ipt_days"]
    row |= {"invono": "", "balc": Decimal("0.00"), "exp_content": None, "expContent": "", "opter_id": "sys"}
    return spoil(row, sent.spoiled) if sent.spoiled else row


# 兴安盟: a CSV file a day.

FILE_HEADERS: Final = words(
    "结算流水号 就诊流水号 人员编号 姓名 证件类型 证件号码 性别 出生日期 险种类型 人员类别 单位名称 "
    "参保区划 就医区划 医疗机构编码 医疗机构名称 医院等级 医疗类别 入院日期 出院日期 住院天数 结算时间 "
    "退费标志 医疗费总额 全自费金额 超限价自费 先行自付 符合政策范围金额 起付线 统筹基金支出 公务员补助 "
    "大额补助 企业补充 大病支出 医疗救助 其他支出 基金支付总额 个人负担总额 个人账户支出 现金支付 "
    "医院负担 诊断编码"
)
"""The columns of the daily file."""

FILE_KEYS: Final = Keys(
    id_number="证件号码", total="医疗费总额", in_scope="符合政策范围金额", admitted="入院日期", amount=str
)

_FILE_AMOUNTS = {
    "医疗费总额": "medfee_sumamt",
    "全自费金额": "fulamt_ownpay_amt",
    "超限价自费": "overlmt_selfpay",
    "先行自付": "preselfpay_amt",
    "符合政策范围金额": "inscp_scp_amt",
    "起付线": "act_pay_dedc",
    "统筹基金支出": "hifp_pay",
    "公务员补助": "cvlserv_pay",
    "大额补助": "hifob_pay",
    "企业补充": "hifes_pay",
    "大病支出": "hifmi_pay",
    "医疗救助": "maf_pay",
    "其他支出": "oth_pay",
    "基金支付总额": "fund_pay_sumamt",
    "个人负担总额": "psn_pay",
    "个人账户支出": "acct_pay",
    "现金支付": "cash_payamt",
    "医院负担": "hosp_part_amt",
}
_FILE_TEXTS = {
    "结算流水号": "setl_id",
    "就诊流水号": "mdtrt_id",
    "人员编号": "psn_no",
    "姓名": "psn_name",
    "证件类型": "psn_cert_type",
    "性别": "gend",
    "险种类型": "insutype",
    "人员类别": "psn_type",
    "单位名称": "emp_name",
    "参保区划": "insuplc_admdvs",
    "就医区划": "mdtrtarea_admvs",
    "医疗机构编码": "fixmedins_code",
    "医疗机构名称": "fixmedins_name",
    "医院等级": "hosp_lv",
    "医疗类别": "med_type",
    "诊断编码": "dise_codg",
}


def as_filed(record: SettlementRecord) -> SettlementRecord:
    """The truth of a row in a file: the file does not say how or where it was paid."""
    return msgspec.structs.replace(record, settlement_kind=None, payment_place=None)


def file_row(sent: Sent, *, refunded: bool = False) -> dict[str, str]:
    """One row of the daily file. `refunded` rows carry the flag on both sides of the pair."""
    national, record = setlinfo(sent.record), sent.record
    style = Dice("dates", record.settlement_no).below(3)
    settled = cast(datetime, record.settled_at)
    times = (moment(settled), f"{_day(settled, 1)} {settled:%H:%M:%S}", f"{settled:%Y%m%d%H%M%S}")
    row = {name: national[code] or "" for name, code in _FILE_TEXTS.items()}
    row |= {name: str(national[code]) for name, code in _FILE_AMOUNTS.items()}
    row |= {
        "姓名": sent.name_written or row["姓名"],
        "证件号码": sent.id_written,
        "出生日期": _day(record.birth_date, style),
        "入院日期": _day(record.admitted_on, style),
        "出院日期": _day(record.discharged_on, (style + 1) % 3),
        "住院天数": str(record.inpatient_days or ""),
        "结算时间": times[style],
        "退费标志": "1" if refunded or record.reversal else "0",
    }
    return spoil(row, sent.spoiled, keys=FILE_KEYS) if sent.spoiled else row


def _day(day: date | None, style: int) -> str:
    """2022-03-01, 2022/3/1 or 20220301: all three occur in one file. An unknown day is an empty cell."""
    if day is None:
        return ""
    if style == 0:
        return day.isoformat()
    return f"{day.year}/{day.month}/{day.day}" if style == 1 else f"{day:%Y%m%d}"


# 巴彦淖尔: pushes.

_LEFT_OUT_WHEN_ZERO = {
    "civil_servant_amount": "cvlserv_pay",
    "enterprise_amount": "hifes_pay",
    "hospital_borne_amount": "hosp_part_amt",
}
_PUSH_TEXTS = words(
    "setl_id mdtrt_id psn_no psn_name psn_cert_type insutype psn_type emp_name mdtrtarea_admvs "
    "fixmedins_code fixmedins_name hosp_lv med_type setl_time pay_loc setl_type"
)
_PUSH_AMOUNTS = words(
    "medfee_sumamt fulamt_ownpay_amt overlmt_selfpay preselfpay_amt inscp_scp_amt act_pay_dedc hifp_pay "
    "hifmi_pay hifob_pay maf_pay oth_pay psn_pay acct_pay"
)


def as_pushed(record: SettlementRecord) -> SettlementRecord:
    """The truth of a pushed row: a void settlement keeps its positive amounts, some zeros are left out."""
    changed: dict[str, Any] = {}
    if record.reversal:
        amounts = {name: getattr(record, name) for name in AMOUNT_FIELDS}
        changed |= {name: -amount for name, amount in amounts.items() if amount is not None}
    changed |= {name: None for name in _LEFT_OUT_WHEN_ZERO if getattr(record, name) == 0}
    return msgspec.structs.replace(record, **changed)


def push_row(sent: Sent) -> Row:
    """One record of a push: renamed keys, mixed types, the personal account inside the fund's total."""
    record = as_pushed(sent.record)
    national, dice = setlinfo(record), Dice("push", record.settlement_no)
    row: Row = {key: _text(dice, national[key]) for key in _PUSH_TEXTS}
    row |= {key: _mixed(dice, national[key]) for key in _PUSH_AMOUNTS}
    row |= {key: _mixed(dice, national[key]) for key in _LEFT_OUT_WHEN_ZERO.values()}
    row |= {
        "psn_name": sent.name_written or row["psn_name"],
        "certno": _text(dice, sent.id_written),
        "gend": national["gend"] and int(national["gend"]),
        "insu_admdvs": record.insured_region,
        "brdy": _birth(dice, record.birth_date),
        "begndate": f"{record.admitted_on} 00:00:00",
        "enddate": f"{record.discharged_on} 00:00:00",
        "ipt_days": f"{record.inpatient_days}.0" if record.inpatient_days else None,
        "fund_pay_sumamt": _mixed(dice, national["fund_pay_sumamt"] + national["acct_pay"]),
        "cashPayamt": _mixed(dice, national["cash_payamt"]),
        "diag_list": list(record.diagnosis_codes),
        "vali_flag": dice.pick("02") if record.reversal else "1",
    }
    return spoil(row, sent.spoiled, keys=NATIONAL_KEYS) if sent.spoiled else row


def _mixed(dice: Dice, value: Decimal | None) -> Any:
    """An amount as a number, as text, with the noise of a float, or absent."""
    if value is None:
        return dice.pick((None, ""))
    draw = dice.below(10)
    if draw == 0 and value:
        return value + Decimal("0.000000000002")
    return str(value) if draw < 4 else value


def _text(dice: Dice, value: str | None) -> str | None:
    """A text, or one of the two ways of saying that there is none."""
    return value or dice.pick((None, ""))


def _birth(dice: Dice, day: date | None) -> Any:
    if day is None:
        return dice.pick((None, ""))
    if dice.below(2):
        return f"{day} 00:00:00"
    return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()) * 1000


def total_of(rows: Iterable[Row], key: str, *, void: str | None = None) -> Decimal:
    """The sum of an amount over rows as written; an unreadable one counts nothing, void rows negative."""
    total = Decimal(0)
    for row in rows:
        value = row[key]
        worth = Decimal(str(value)).quantize(Decimal("0.01")) if value not in ("", None) else Decimal("0.00")
        total += -worth if void is not None and row[void] in ("0", "2") else worth
    return total
