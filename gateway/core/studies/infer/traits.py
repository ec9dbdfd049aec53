"""What the values of the columns say they are, whatever their names: check digits, code sets, days in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import permutations
from typing import Final

from gateway.core.normalise.national import CARE_TYPE_CODES, INSURANCE_CODES
from gateway.core.studies.infer.names import Belief
from gateway.core.studies.infer.samples import Sample, SampleColumn
from gateway.core.studies.infer.values import days_of, has_times, id_number, looks_like_amounts, share
from gateway.model.national_id import birth_date_of, sex_of

Beliefs = dict[int, dict[str, Belief]]
"""Place of a column → field → belief."""

_NAME: Final = re.compile(r"[\u4e00-\u9fff·]{2,4}|[\u4e00-\u9fff]{1,12}·[\u4e00-\u9fff·]{1,12}")
_SURNAMES: Final = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊"
    "秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤包敖乌斯那额布苏巴其测"
)
_FACILITY: Final = re.compile("医院|卫生|诊所|药店|药房|保健院|门诊部|医疗|社区服务|大药")
_EMPLOYER: Final = re.compile(
    "公司|厂|局|学校|中学|小学|大学|煤矿|矿|农场|牧场|集团|银行|政府|委员会|研究|中心|铁路|电力|单位|队|社|所|站"
)
_LONG_NAME: Final = re.compile(r"[\u4e00-\u9fff][\u4e00-\u9fff·]{1,11}")
_PLACE: Final = re.compile(f"(?:{_FACILITY.pattern}|公司|工厂|学校|煤矿|集团|委员会)")
_NEAR: Final = 3
_FEWEST_NAMES: Final = 6
_FACILITY_NO: Final = re.compile(r"[HPhp][0-9]{11}")
_ICD: Final = re.compile(r"[A-Za-z][0-9]{2}([.]?[0-9xX]{1,3}(x[0-9]{3})?)?|M[0-9]{5}")
_REGION: Final = re.compile(r"(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])[0-9]{4}")
_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{6,40}")
_PERSON_TYPE: Final = re.compile(
    r"(11(01|02|03|60)|12(01|02|03|60)|13(00|60)|14(0[1-5]|60)|15(01|60))([0-9]{2})?|16(00|60)"
)
_SMALL: Final = re.compile(r"[0-9]{1,3}([.]0+)?")
_SEPARATORS: Final = re.compile("[;；,，、|]")
_MOST_CARE_CODES: Final = 12
_LONGEST_CARE_CODE: Final = 6
_FEWEST_STAYS: Final = 20


def beliefs_from_values(sample: Sample) -> Beliefs:
    """What each column may be by its values alone."""
    beliefs: Beliefs = {column.place: {} for column in sample.columns}
    for column in sample.columns:
        for field, (holds, sure, why) in _ALONE.items():
            part = share(column.filled, holds)
            if part >= 0.7:
                beliefs[column.place][field] = (round(sure * part, 2), f"{round(100 * part)}%的值{why}")
    person = next((c for c in sample.columns if "id_number" in beliefs[c.place]), None)
    if person is not None:
        of_the_person(sample, person, beliefs)
    days_in_order(sample, beliefs)
    numbers_of_rows(sample, person, beliefs)
    return beliefs


def _is_care_type(value: str) -> bool:
    return value[:2] in CARE_TYPE_CODES and value.isdigit() and len(value) in (2, 4, 6)


_ALONE: Final[Mapping[str, tuple[Callable[[str], bool], float, str]]] = {
    "id_number": (lambda value: id_number(value) is not None, 0.98, "是校验码正确的身份证号"),
    "name": (lambda value: bool(_NAME.fullmatch(value)) and value[0] in _SURNAMES, 0.8, "像姓名（姓氏、二到四字）"),
    "facility_name": (lambda value: bool(_FACILITY.search(value)) and len(value) >= 4, 0.92, "含医院、药店等字"),
    "employer_name": (
        lambda value: bool(_EMPLOYER.search(value)) and len(value) >= 4 and not _FACILITY.search(value),
        0.75, "像单位名称",
    ),
    "facility_no": (lambda value: bool(_FACILITY_NO.fullmatch(value)), 0.95, "是H或P加11位数字的机构编码"),
    "insurance_type": (lambda value: value[:3] in INSURANCE_CODES and value.isdigit(), 0.95, "是险种代码"),
    "person_type": (lambda value: bool(_PERSON_TYPE.fullmatch(value)), 0.9, "是人员类别代码"),
    "care_type": (_is_care_type, 0.5, "是医疗类别代码"),
    "insured_region": (lambda value: bool(_REGION.fullmatch(value)), 0.7, "像六位行政区划"),
    "care_region": (lambda value: bool(_REGION.fullmatch(value)), 0.69, "像六位行政区划"),
    "diagnosis_codes": (
        lambda value: all(_ICD.fullmatch(part.strip()) for part in _SEPARATORS.split(value) if part.strip()),
        0.95, "是ICD-10编码",
    ),
}  # fmt: skip
"""Field → what its values must be like, how sure that is by itself, and the words for it."""


def of_the_person(sample: Sample, person: SampleColumn, beliefs: Beliefs) -> None:
    """Birth date and sex stand in an id number: the columns that say the equal are those."""
    numbers = [id_number(value) if value else None for value in person.values]
    for column in sample.columns:
        days = days_of(column) if column is not person else None
        if days is not None:
            equal = _agree(days, [birth_date_of(number) if number else None for number in numbers])
            if equal >= 0.8:
                beliefs[column.place]["birth_date"] = (0.98, f"{round(100 * equal)}%与身份证号里的出生日期相同")
        if 2 <= len(column.distinct) <= 4 and max(map(len, column.distinct)) <= 6:
            table = sex_table(column, numbers)
            if table:
                beliefs[column.place]["sex"] = (0.96, "与身份证号第17位的单双一致")
    names_beside(sample, person, beliefs)
    for column in sample.columns:
        kinds = column.distinct <= {"01", "1", "02", "08", "90", "99", "身份证", "居民身份证"}
        if kinds and ({"01", "1", "身份证", "居民身份证"} & column.distinct) and abs(column.place - person.place) == 1:
            beliefs[column.place].setdefault("id_type", (0.6, "在证件号码旁边，多为身份证"))


def names_beside(sample: Sample, person: SampleColumn, beliefs: Beliefs) -> None:
    """Where no column has the usual surnames: Chinese words of a name's length near the id number."""
    if any("name" in fields for fields in beliefs.values()):
        return
    for column in sample.columns:
        if 0 < abs(column.place - person.place) <= _NEAR and len(column.distinct) >= _FEWEST_NAMES:
            part = share(column.filled, lambda value: bool(_LONG_NAME.fullmatch(value)) and not _PLACE.search(value))
            if part >= 0.9:
                beliefs[column.place]["name"] = (0.6, "证件号码近旁、像姓名长短的汉字")


def sex_table(column: SampleColumn, numbers: Sequence[str | None]) -> dict[str, str]:
    """Code → M or F as the id numbers beside it say; empty where they do not agree."""
    seen: dict[str, dict[str, int]] = {}
    for value, number in zip(column.values, numbers, strict=True):
        if value is not None and number is not None:
            counts = seen.setdefault(value, {"M": 0, "F": 0})
            counts[sex_of(number)] += 1
    sexes = {value: max(counts, key=lambda sex: counts[sex]) for value, counts in seen.items()}
    pure = sum(max(counts.values()) for counts in seen.values()) >= 0.9 * sum(sum(c.values()) for c in seen.values())
    return sexes if pure and len(set(sexes.values())) == 2 else {}


def days_in_order(sample: Sample, beliefs: Beliefs) -> None:
    """Admitted, discharged, settled: three columns of days in their order; the days between are its length."""
    dated = [
        (c, days) for c in sample.columns if (days := days_of(c)) is not None and "birth_date" not in beliefs[c.place]
    ]
    dated = [(c, days) for c, days in dated if share_after_2000(days) >= 0.9 and not looks_like_amounts(c)]
    timed = [(c, days) for c, days in dated if has_times(c)]
    if timed:
        latest = max(timed, key=lambda entry: (_after(entry[1], [days for _, days in dated]), -entry[0].place))
        beliefs[latest[0].place]["settled_at"] = (0.8, "是带时刻的日期，且不早于其他日期")
    whole = [entry for entry in dated if "settled_at" not in beliefs[entry[0].place]]
    for (admitted, begins), (discharged, ends) in permutations(whole[: None if timed or len(whole) < 3 else -1], 2):
        stays = [(b, e) for b, e in zip(begins, ends, strict=True) if b and e]
        if (
            stays
            and all(b <= e for b, e in stays)
            and (any(b < e for b, e in stays) or admitted.place < discharged.place)
        ):
            beliefs[admitted.place]["admitted_on"] = (0.75, "每行都不晚于另一列日期")
            beliefs[discharged.place]["discharged_on"] = (0.75, "每行都不早于另一列日期")
            length_of_stay(sample, begins, ends, beliefs)
            codes_of_stays(sample, begins, ends, beliefs)
            break
    if not timed and len(whole) > 2:
        beliefs[whole[-1][0].place].setdefault("settled_at", (0.55, "最后一列日期"))


def length_of_stay(sample: Sample, begins: list[date | None], ends: list[date | None], beliefs: Beliefs) -> None:
    """The column of small numbers that is as long as the stays."""
    stays = [(e - b).days if b and e else None for b, e in zip(begins, ends, strict=True)]
    for column in sample.columns:
        if share(column.filled, lambda value: _SMALL.fullmatch(value) is not None) < 0.98 or len(column.distinct) < 2:
            continue
        days = [int(float(value)) if value and _SMALL.fullmatch(value) else None for value in column.values]
        for further in (0, 1):
            # Days of treatment without a night are written 0 or 1, so only stays say something.
            equal = _agree(days, [stay + further if stay else None for stay in stays])
            if equal >= 0.9:
                words = f"{round(100 * equal)}%等于出院减入院" + ("加一" if further else "")
                beliefs[column.place]["inpatient_days"] = (0.95, words)


def codes_of_stays(sample: Sample, begins: list[date | None], ends: list[date | None], beliefs: Beliefs) -> None:
    """A column of a few codes, each of which stands with stays over nights alone or never with one: a league's own
    codes of care. Which kind of care beyond that a code means nobody can tell from the days."""
    nights = [None if b is None or e is None else b < e for b, e in zip(begins, ends, strict=True)]
    for column in sample.columns:
        if not 2 <= len(column.distinct) <= _MOST_CARE_CODES or max(map(len, column.distinct)) > _LONGEST_CARE_CODE:
            continue
        by_code: dict[str, list[bool]] = {}
        for code, over_night in zip(column.values, nights, strict=True):
            if code is not None and over_night is not None:
                by_code.setdefault(code, []).append(over_night)
        shares = [sum(over) / len(over) for over in by_code.values()]
        agrees = all(part >= 0.9 or not part for part in shares) and any(shares) and not all(shares)
        if agrees and sum(map(len, by_code.values())) >= _FEWEST_STAYS:
            beliefs[column.place].setdefault("care_type", (0.5, "每个代码或都过夜，或都不过夜；过夜以外的含义须问对方"))


def numbers_of_rows(sample: Sample, person: SampleColumn | None, beliefs: Beliefs) -> None:
    """Settlement, visit and person: numbers of something; a person's comes again with the person."""
    sure = {place for place, fields in beliefs.items() if any(belief[0] > 0.6 for belief in fields.values())}
    numbers = [
        c for c in sample.columns
        if c.place not in sure and share(c.filled, lambda value: _NUMBER.fullmatch(value) is not None) >= 0.95
        and len(c.filled) >= 0.8 * sample.rows and not looks_like_amounts(c) and days_of(c) is None
        and len(c.distinct) > max(1, 0.3 * len(c.filled))
    ]  # fmt: skip
    people = len(person.distinct) if person is not None else 0
    for column in numbers:
        many, fields = len(column.distinct), beliefs[column.place]
        if person is not None and people < sample.rows and many == people and is_one_to_one(column, person):
            fields["person_no"] = (0.85, "与身份证号一一对应")
        elif person is not None and people < many:
            fields["settlement_no"] = (0.49, "几乎每行不同")
            fields["visit_no"] = (0.45, "几乎每行不同")
    rest = [c for c in numbers if "person_no" not in beliefs[c.place]]
    order = ("settlement_no", "visit_no", "person_no")
    for column, field in zip(rest, order, strict=False):
        beliefs[column.place][field] = (0.5, "每行不同，按国家接口的次序")


def is_one_to_one(column: SampleColumn, person: SampleColumn) -> bool:
    """Whether either column says the other."""
    pairs = {(a, b) for a, b in zip(column.values, person.values, strict=True) if a is not None and b is not None}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def share_after_2000(days: Sequence[date | None]) -> float:
    """In which part of the days the year is one of 医保 settlements."""
    written = [day for day in days if day is not None]
    return sum(2000 <= day.year <= 2099 for day in written) / len(written) if written else 0.0


def _after(days: Sequence[date | None], others: Sequence[Sequence[date | None]]) -> int:
    return sum(
        all(day is None or earlier is None or day >= earlier for day, earlier in zip(days, column, strict=True))
        for column in others
    )


def _agree(left: Sequence[object], right: Sequence[object]) -> float:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else 0.0


def contradicts(field: str, column: SampleColumn) -> bool:
    """Whether the values of a column cannot be what its name says."""
    if not column.filled:
        return False
    if field.endswith("_amount"):
        return share(column.filled, lambda value: value.replace(",", "").replace(".", "").lstrip("+-").isdigit()) < 0.9
    if field in ("birth_date", "admitted_on", "discharged_on", "settled_at"):
        return days_of(column) is None
    if field == "id_number":
        return share(column.filled, lambda value: len(value) >= 6) < 0.8
    if field == "inpatient_days":
        return share(column.filled, lambda value: _SMALL.fullmatch(value) is not None) < 0.9
    return False
