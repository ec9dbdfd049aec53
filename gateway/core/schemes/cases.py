"""`hubao scheme assess`: one JSON case in, one JSON answer out (design §7). Never raises for bad input."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeVar, get_args

from gateway.core.schemes.assessing import assess
from gateway.core.schemes.contradictions import with_contradictions
from gateway.core.schemes.coordination import payment_by, payments_stood_on
from gateway.core.schemes.language.edition import SchemeFamily
from gateway.core.schemes.units.emergencies import EMERGENCY_PART
from gateway.core.schemes.units.joining import open_coverage
from gateway.core.schemes.units.periods import Insured
from gateway.core.schemes.units.situations import OtherPayment
from gateway.errors import BadCase, BadInput
from gateway.model.benefit import ClaimDecision, Fact, estimate_to_json
from gateway.model.member import Category, Coverage
from gateway.model.money import Money, parse_yuan
from gateway.model.record import AMOUNT_FIELDS, CARE_TYPES, SettlementRecord

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATES: Final = ("birth_date", "admitted_on", "discharged_on")
_LONGEST_STAY: Final = 36_600
_MOST_SHARES: Final = 1_000
_MOST: Final = 10_000

_KINDS: Final[dict[type, str]] = {
    dict: "对象 object",
    list: "数组 array",
    str: "文本 text",
    bool: "布尔 boolean",
    type(None): "null",
}

CASE_KEYS: Final = ("case", "scheme", "member", "settlements", "decided", "facts", "beside")
_MEMBER_KEYS: Final = (
    "category",
    "sex",
    "birth_date",
    "coverage",
    "shares",
    "classes",
    "joined_on",
    "insured",
    "region",
)
_COVERAGE_KEYS: Final = ("from", "to", "scheme", "category", "shares", "classes")
_FACT_KEYS: Final = ("kind", "on", "disease", "confirmed", "accident")
_EMERGENCY_KEYS: Final = ("kind", "settlements")
_DECISION_KEYS: Final = ("settlements", "payable", "refused")
_RECORD_KEYS: Final = SettlementRecord.__struct_fields__

_SHOWN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}")
"""A key that may stand in a message: it says nothing of a person."""

T = TypeVar("T")
Reader = Callable[[object, str], Any]


def answer_case(case: object, families: Mapping[str, SchemeFamily]) -> dict[str, Any]:
    """{"case", "estimates"} for a case that can be assessed, else {"case", "error": {"code", "message"}}."""
    name = case.get("case") if isinstance(case, dict) else None
    name = name if isinstance(name, str | int) else None
    try:
        return {"case": name, "estimates": _estimates(_table(case, "case"), families)}
    except BadInput as error:
        return {"case": name, "error": {"code": error.code, "message": error.message}}


def _estimates(case: dict[str, Any], families: Mapping[str, SchemeFamily]) -> list[dict[str, Any]]:
    _only(case, "", CASE_KEYS)
    family = families.get(_needed(case, "scheme", "scheme", _text))
    if family is None:
        schemes = "、".join(sorted(families))
        raise BadCase("unknown_scheme", f"没有这个互助计划 (unknown scheme)；已有 (known): {schemes}")
    insured = _insured(_needed(case, "member", "member", _table), family)
    records = _each(_needed(case, "settlements", "settlements", _list), "settlements", _record)
    keys = [(record.settlement_no, record.sign) for record in records]
    if len(set(keys)) < len(keys):
        raise BadCase("duplicate_settlement", "settlements: 同一结算编号出现两次 (a settlement stands twice)")
    decided = _each(_optional(case, "decided", "decided", _list) or [], "decided", _decided)
    facts = _each(_optional(case, "facts", "facts", _list) or [], "facts", _fact)
    numbers = {record.settlement_no for record in records if not record.reversal}
    _about_known("decided", [decision.settlements for decision in decided], numbers)
    _about_known("facts", [fact.settlements for fact in facts], numbers)
    reported: dict[str, list[OtherPayment]] = {}
    for scheme, rows in (_optional(case, "beside", "beside", _table) or {}).items():
        place = f"beside.{scheme}" if scheme in families else "beside"
        payments = _each(_list(rows, place), place, _decided)
        reported[scheme] = [payment_by(scheme, paid.settlements, paid.payable, records) for paid in payments]
    other_payments = payments_stood_on(insured, records, family, families, facts=facts, reported=reported)
    assessed = assess(
        insured,
        records,
        family,
        decided,
        facts=facts,
        other_payments=other_payments,
    )
    return [estimate_to_json(estimate) for estimate in with_contradictions(assessed, records)]


def _about_known(place: str, named: Sequence[Sequence[str]], present: Collection[str]) -> None:
    """Refuse what is said about settlements the case does not hold; what is unknown is told by its place."""
    unknown = [
        f"第{row}条 settlements 第{at}个"
        for row, numbers in enumerate(named, start=1)
        for at, number in enumerate(numbers, start=1)
        if number not in present
    ]
    if unknown:
        raise BadCase("unknown_settlement", f"{place}: {'、'.join(unknown)}不在 settlements 中 (no such settlement)")


def _insured(member: dict[str, Any], family: SchemeFamily) -> Insured:
    _only(member, "member", _MEMBER_KEYS)
    insured = _optional(member, "insured", "member.insured", _truth)
    return Insured(
        category=_optional(member, "category", "member.category", _category),
        sex=_optional(member, "sex", "member.sex", _sex),
        birth_date=_optional(member, "birth_date", "member.birth_date", _date),
        coverage=tuple(
            _coverage(value, _nth("member.coverage", at), family)
            for at, value in enumerate(_optional(member, "coverage", "member.coverage", _list) or [])
        ),
        shares=_optional(member, "shares", "member.shares", _shares) or 1,
        joined_on=_optional(member, "joined_on", "member.joined_on", _date),
        insured=insured is None or insured,
        region=_optional(member, "region", "member.region", _text),
        classes=_optional(member, "classes", "member.classes", _classes) or (),
    )


def _coverage(value: object, place: str, family: SchemeFamily) -> Coverage:
    """A period; one whose end is left open ends as the scheme's own rule says."""
    period = _table(value, place)
    _only(period, place, _COVERAGE_KEYS)
    first = _needed(period, "from", f"{place}.from", _date)
    last = _optional(period, "to", f"{place}.to", _date)
    if last is None:
        made = open_coverage(first, family)
        if made is None:
            raise BadCase("missing", f"{place}.to: 缺失，方案也没有 [period] (missing, and the scheme has no [period])")
        last = made.last_day
    if last < first:
        raise BadCase("bad_coverage", f"{place}: 保障期止日早于起日 (the period ends before it begins)")
    return Coverage(
        first_day=first,
        last_day=last,
        scheme=_optional(period, "scheme", f"{place}.scheme", _text) or "",
        category=_optional(period, "category", f"{place}.category", _category),
        shares=_optional(period, "shares", f"{place}.shares", _shares) or 0,
        classes=_optional(period, "classes", f"{place}.classes", _classes) or (),
    )


def _fact(value: object, place: str) -> Fact:
    row = _table(value, place)
    kind = _needed(row, "kind", f"{place}.kind", _fact_kind)
    if kind == EMERGENCY_PART:
        _only(row, place, _EMERGENCY_KEYS)
        numbers = _each(_needed(row, "settlements", f"{place}.settlements", _list), f"{place}.settlements", _text)
        # A case has no day for it, and nothing depends on one.
        return Fact(kind=EMERGENCY_PART, on=date.min, settlements=tuple(numbers))
    _only(row, place, _FACT_KEYS)
    disease = _optional(row, "disease", f"{place}.disease", _text)
    if kind == "diagnosis" and disease is None:
        raise BadCase("missing", f"{place}.disease: 缺失 (missing)")
    return Fact(
        kind=kind,
        on=_needed(row, "on", f"{place}.on", _date),
        disease=disease,
        confirmed=_optional(row, "confirmed", f"{place}.confirmed", _truth) or False,
        accident=_optional(row, "accident", f"{place}.accident", _truth) or False,
    )


def _record(value: object, place: str) -> SettlementRecord:
    row = _table(value, place)
    _only(row, place, _RECORD_KEYS)
    _needed(row, "settlement_no", f"{place}.settlement_no", _text)
    names = [name for name in SettlementRecord.__struct_fields__ if row.get(name) is not None]
    return SettlementRecord(**{name: _READERS.get(name, _text)(row[name], f"{place}.{name}") for name in names})


def _decided(value: object, place: str) -> ClaimDecision:
    row = _table(value, place)
    _only(row, place, _DECISION_KEYS)
    payable = _needed(row, "payable", f"{place}.payable", _amount)
    refused = _optional(row, "refused", f"{place}.refused", _truth)
    if payable < 0 or (refused and payable):
        raise BadCase("bad_decision", f"{place}.payable: 核定金额不能为负，不予补助的应为0.00 (not a decision)")
    numbers = _each(_needed(row, "settlements", f"{place}.settlements", _list), f"{place}.settlements", _text)
    return ClaimDecision(
        settlements=tuple(numbers), payable=payable, refused=payable == 0 if refused is None else refused
    )


def _needed(table: dict[str, Any], key: str, place: str, read: Callable[[object, str], T]) -> T:
    value = _optional(table, key, place, read)
    if value is None:
        raise BadCase("missing", f"{place}: 缺失 (missing)")
    return value


def _optional(table: dict[str, Any], key: str, place: str, read: Callable[[object, str], T]) -> T | None:
    value = table.get(key)
    return None if value is None else read(value, place)


def _each(values: list[Any], place: str, read: Callable[[object, str], T]) -> list[T]:
    return [read(value, _nth(place, at)) for at, value in enumerate(values)]


def _nth(place: str, at: int) -> str:
    """The place of an entry of a list, counted from 1 as a person does."""
    return f"{place} 第{at + 1}条"


def _only(table: dict[str, Any], place: str, allowed: Sequence[str]) -> None:
    """Refuse keys nobody reads: a typing error must not pass for something that is not told."""
    unknown = [str(key) for key in table if key not in allowed]
    if not unknown:
        return
    names = []
    for key in unknown:
        close = get_close_matches(key, allowed, n=1, cutoff=0.6)
        hint = f"（是否想写 did you mean {close[0]}？）" if close else ""
        names.append((key if _SHOWN_KEY.fullmatch(key) else "（不便显示的键）") + hint)
    where = f"{place}: " if place else ""
    raise BadCase(
        "unknown_key", f"{where}未知键 (unknown key) {'、'.join(names)}；允许 (allowed): {', '.join(sorted(allowed))}"
    )


def _wrong(place: str, value: object, allowed: str) -> BadCase:
    """What kind of value stood there, never the value: it could belong to a person."""
    kind = _KINDS.get(type(value), "数字 number")
    return BadCase("wrong_type", f"{place}: 是 (is) {kind}；应为 (should be) {allowed}")


def _table(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(place, value, "对象 object")
    return value


def _list(value: object, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(place, value, "数组 array")
    if len(value) > _MOST:
        raise BadCase("too_many", f"{place}: 最多{_MOST}项 (at most {_MOST} entries)")
    return value


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, value, "文本 text")
    if not value.strip():
        raise BadCase("empty", f"{place}: 为空 (is empty)；没有值时不写 (leave it out)")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadCase("not_text", f"{place}: 不是有效的文本 (not text that can be written)")
    return value


def _truth(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(place, value, "true/false")
    return value


def _date(value: object, place: str) -> date:
    text = _text(value, place)
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadCase("bad_date", f"{place}: 不是存在的日期 (not a date that exists)；写作 YYYY-MM-DD")


def _instant(value: object, place: str) -> datetime:
    text = _text(value, place)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadCase("bad_instant", f"{place}: 不是存在的时刻 (not an instant that exists)") from None
    if instant.tzinfo is None or len(text) < len("2021-07-10T10:00Z"):
        raise BadCase("bad_instant", f"{place}: 须带时区，如 2021-07-10T10:00:00+08:00 (needs its offset)")
    return instant


def _amount(value: object, place: str) -> Money:
    if not isinstance(value, str):
        raise _wrong(place, value, '金额文本，如 "2580.00" (an amount as text)')
    try:
        return parse_yuan(value)
    except BadInput as error:
        raise BadCase(error.code, f"{place}: {error.message}") from error


def _whole_number(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(place, value, "整数 whole number")
    if not -_LONGEST_STAY <= value <= _LONGEST_STAY:
        raise BadCase("out_of_range", f"{place}: 天数过大 (too many days)")
    return value


def _shares(value: object, place: str) -> int:
    number = _whole_number(value, place)
    if not 1 <= number <= _MOST_SHARES:
        raise BadCase("out_of_range", f"{place}: 份数应在1到{_MOST_SHARES}之间 (from 1 to {_MOST_SHARES} shares)")
    return number


def _one_of(allowed: tuple[str, ...]) -> Callable[[object, str], Any]:
    def read(value: object, place: str) -> Any:
        text = _text(value, place)
        if text not in allowed:
            raise BadCase("not_allowed", f"{place}: 未知的值 (unknown)；允许 (allowed): {', '.join(allowed)}")
        return text

    return read


def _codes(value: object, place: str) -> tuple[str, ...]:
    return tuple(_each(_list(value, place), place, _text))


def _classes(value: object, place: str) -> tuple[str, ...]:
    return tuple(sorted(set(_each(_list(value, place), place, _text))))


_category = _one_of(get_args(Category))
_sex = _one_of(("M", "F"))
_fact_kind = _one_of(("diagnosis", "death", "maturity", EMERGENCY_PART))

_READERS: Final[dict[str, Reader]] = {
    **dict.fromkeys(AMOUNT_FIELDS, _amount),
    **dict.fromkeys(_DATES, _date),
    "settled_at": _instant,
    "inpatient_days": _whole_number,
    "reversal": _truth,
    "diagnosis_codes": _codes,
    "care_type": _one_of(CARE_TYPES),
    "sex": _sex,
}
"""How a field of a settlement is read; any other is text."""
