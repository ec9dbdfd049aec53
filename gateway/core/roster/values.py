"""Cells of a roster → values. Every parser raises BadInput with a stable code and never the value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from gateway.core.match.writing.numbers import looks_like_residents, unmarked
from gateway.core.normalise.workbooks import Cell
from gateway.errors import BadInput
from gateway.model import national_id
from gateway.model.person import CONTROLS

LONGEST_NUMBER: Final = 10**15
"""Excel keeps 15 digits of a number; from here on digits are lost."""

_EDGES: Final = " \u3000\u00a0\u200b\ufeff" + CONTROLS
_TRICKS: Final = "='"
_FORMULA = re.compile(r'="(.*)"')
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]{1,3}")
_DATE = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)")
_DATE_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME_OF_DAY = re.compile(r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$")
_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
# Excel keeps 15 digits of a number and fills up with noughts.
_LOST_DIGITS = re.compile(r"000$")
_ANOTHER_DOCUMENT = re.compile(r"[A-Z]{1,2}[0-9]{6,11}")
_DAY_NUMBER_DIGITS: Final = 5
"""Excel counts days from 1900 on: since 1927 its numbers have five digits, and no other writing of a date has."""
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,18}[0-9]")

_SEXES: Final[Mapping[str, str | None]] = {
    "男": "M", "男性": "M", "m": "M", "1": "M",
    "女": "F", "女性": "F", "f": "F", "2": "F",
    "0": None, "9": None, "未知": None, "未说明": None,
}  # fmt: skip
MOST_SHARES: Final = 1_000
MOST_CLASSES: Final = 10
MOST_LETTERS: Final = 20
_BETWEEN_CLASSES: Final = re.compile("[、，,;；/／|｜]")
_CATEGORIES: Final[Mapping[str, str]] = {
    "在职": "active", "在职职工": "active", "在职会员": "active", "active": "active",
    "退休": "retired", "参互退休": "retired", "退休职工": "retired", "退休会员": "retired",
    "retired": "retired",
}  # fmt: skip
_YES_NO: Final[Mapping[str, bool]] = {
    "是": True, "1": True, "true": True, "yes": True, "y": True,
    "否": False, "0": False, "false": False, "no": False, "n": False,
}  # fmt: skip
_ID_TYPES: Final[Mapping[str, str]] = {
    "身份证": "01", "居民身份证": "01", "居民身份证(户口簿)": "01", "居民户口簿": "01", "户口簿": "01",
    "军官证": "02", "武警警官证": "03", "武警证": "03",
    "港澳居民来往内地通行证": "04", "香港特区护照/港澳居民来往内地通行证": "04",
    "澳门特区护照/港澳居民来往内地通行证": "05", "台湾居民来往大陆通行证": "06",
    "外国人永久居留证": "07", "外国人护照": "08", "残疾人证": "09", "中国护照": "16",
    "港澳台居民居住证": "17", "社会保障卡": "90", "社保卡": "90", "其他": "99",
}  # fmt: skip
_ID_TYPE_CODES: Final = frozenset([f"{code:02}" for code in range(1, 18)] + ["90", "91", "99"])


def text_of(cell: Cell) -> str:
    """A cell as text, without what keeps Excel from changing it. Raises for a number that lost digits."""
    if isinstance(cell, str):
        text = cell.strip(_EDGES)
        if text[:1] in _TRICKS and text:
            formula = _FORMULA.fullmatch(text)
            text = (formula[1] if formula else text.removeprefix("'")).strip(_EDGES)
        return text
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, int | float):
        if not abs(cell) < LONGEST_NUMBER or cell != int(cell):
            raise _number_lost()
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return str(cell)


def _number_lost() -> BadInput:
    words = "被Excel改成了数字，位数已丢失，请把该列设为文本 (Excel made it a number, set the column to text)"
    return BadInput("number_lost", words)


def short_text(limit: int) -> Callable[[str], str]:
    """A parser of text up to `limit` characters, without control or unreadable characters."""

    def parse(text: str) -> str:
        if len(text) > limit:
            raise BadInput("too_long", f"超过{limit}个字符 (longer than {limit} characters)")
        return readable(text)

    return parse


def number_text(text: str) -> str:
    """A number given by an association, half width. Raises when Excel turned it into 1.5E+17."""
    text = half_width(text)
    if _SCIENTIFIC.fullmatch(text):
        raise _number_lost()
    return _NUMBER(text)


def half_width(text: str) -> str:
    """Full-width letters and digits in their usual form."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def readable(text: str) -> str:
    """The text itself. Raises for control characters and for characters that a wrong encoding left behind."""
    unreadable = _UNREADABLE.search(text)
    if unreadable is None:
        return text
    if unreadable[0] >= "\ud800":
        raise BadInput("bad_encoding", "含无法辨认的字符，请检查文件编码 (unreadable characters)")
    raise BadInput("control_character", "含控制字符或换行 (control character or line break)")


_NUMBER: Final = short_text(64)
_NAME: Final = short_text(100)


def person_name(text: str) -> str:
    """A name with its spaces reduced to single ones; 1–100 characters."""
    return _NAME(" ".join(text.split()))


def day(text: str) -> date:
    """A day as yyyy-MM-dd, yyyy/M/d, yyyy.M.d, yyyyMMdd or yyyy年M月d日; a time of day is dropped."""
    bare = _TIME_OF_DAY.sub("", half_width(text))
    written = _DATE.fullmatch(bare) or _DATE_DIGITS.fullmatch(bare)
    numbers = [int(part) for part in written.groups() if part and part.isdigit()] if written else []
    try:
        parsed = date(*numbers)
    except (TypeError, ValueError):
        parsed = date.min
    if not 1900 <= parsed.year <= 2199:
        words = "应为日期，如 2021-05-01、2021/5/1、20210501 (a date)"
        if len(bare) == _DAY_NUMBER_DIGITS and bare.isdigit():
            words = (
                "是Excel的日期序号，请在Excel里把该列设为日期格式再另存 (Excel's day number: format the column as date)"
            )
        raise BadInput("not_a_date", words)
    return parsed


def phone(text: str) -> str:
    """A telephone number: digits, spaces, hyphens and brackets, 6–20 characters."""
    text = half_width(text)
    if not _PHONE.fullmatch(text):
        raise BadInput("bad_phone", "不是电话号码，已留空 (not a telephone number, left empty)")
    return text


def one_of(table: Mapping[str, Any], words: str) -> Callable[[str], Any]:
    """A parser of a closed set of words."""

    def parse(text: str) -> Any:
        key = half_width(text).lower()
        if key not in table:
            raise BadInput("unknown_word", f"应为 {words}")
        return table[key]

    return parse


def id_type(text: str) -> str:
    """The national code of a document type, from the code or its name; Excel's 1 is 01."""
    text = half_width(text).replace(" ", "")
    code = _ID_TYPES.get(text, text.rjust(2, "0"))
    if code not in _ID_TYPE_CODES:
        raise BadInput("unknown_word", "应为国家代码 01–17、90、91、99 或证件名称 (a national code or its name)")
    return code


def id_number(text: str, kind: str) -> str:
    """An id number. Of type 01 always the 18 digits with a true checksum and a real birth date."""
    if _SCIENTIFIC.fullmatch(text):
        raise _number_lost()
    number = national_id.normalise_id(text)
    if kind != "01":
        return _NUMBER(number)
    bare = unmarked(number)
    return resident_id(bare if bare != number and national_id.looks_like_id(bare) else number)


def is_of_another_document(text: str) -> bool:
    """Whether a number looks like that of a passport or a permit: one or two letters, then digits."""
    return _ANOTHER_DOCUMENT.fullmatch("".join(unicodedata.normalize("NFKC", text).upper().split())) is not None


def unproved_id(text: str) -> str | None:
    """A resident's number with a slip in it: 17 to 19 digits that are not sound; None for what is none at all, or what
    a spreadsheet made of one."""
    number = unmarked(national_id.normalise_id(text))
    return number if looks_like_residents(number) and not _LOST_DIGITS.search(number) else None


def written_birth(number: str) -> date | None:
    """The birth date that stands in a number of 18 characters, sound or not; None where it is no date."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14])) if len(number) == 18 else None
    except ValueError:
        return None


def resident_id(number: str) -> str:
    """18 digits of a normalised resident's id number, also from the old 15. Raises bad_id_number."""
    try:
        return national_id.to_18(number)
    except ValueError as error:
        words = "身份证号应为18位且校验码正确，或旧式15位 (18 digits with a right check digit, or the old 15)"
        raise BadInput("bad_id_number", words) from error


sex: Final = one_of(_SEXES, "男、女 (M, F)")
category: Final = one_of(_CATEGORIES, "在职、退休 (active, retired)")
opt_out: Final = one_of(_YES_NO, "是、否 (1, 0, true, false)")


def shares(text: str) -> int:
    """How many shares (份) a period was bought in, also with the word behind the number."""
    digits = half_width(text).strip().removesuffix("份").strip()
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits[:5]) <= MOST_SHARES:
        raise BadInput("not_shares", f"应为1到{MOST_SHARES}的整数 (a whole number from 1 to {MOST_SHARES})")
    return int(digits)


def classes(text: str) -> tuple[str, ...]:
    """Classes of a member (人员身份) apart from active or retired, in order, each once: 劳模、困难职工."""
    names = [name.strip() for name in _BETWEEN_CLASSES.split(readable(text)) if name.strip()]
    if len(names) > MOST_CLASSES or any(len(name) > MOST_LETTERS for name in names):
        words = f"至多{MOST_CLASSES}种，每种至多{MOST_LETTERS}个字 (at most so many, of so many letters each)"
        raise BadInput("not_classes", f"应为用顿号隔开的身份，{words}")
    return tuple(sorted(set(names)))


_plain_text: Final = short_text(64)
_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "member_no": number_text,
    "name": person_name,
    "id_type": id_type,
    # An id number waits for its type.
    "id_number": str,
    "sex": sex,
    "birth_date": day,
    "phone": phone,
    "unit_no": number_text,
    "unit_name": short_text(200),
    "category": category,
    "coverage_from": day,
    "coverage_to": day,
    "joined_on": day,
    "shares": shares,
    "classes": classes,
    "end_on": day,
    "opt_out": opt_out,
}
"""Column → parser of its text, where it is not any text of up to 64 characters."""

_ONE_PERSONS: Final = frozenset(("member_no", "name", "id_number", "phone"))


def reader_of(column: str, day_zero: date | None) -> Callable[[Cell], Any]:
    """What reads the cells of a column: to their value, None for an empty one. `day_zero`: see `Table`."""
    parse = _PARSERS.get(column, _plain_text)
    return day_reader(day_zero) if parse is day and day_zero is not None else cell_reader(parse)


def repeats(column: str) -> bool:
    """Whether cells of a column repeat so much that what they mean is worth remembering."""
    return column not in _ONE_PERSONS


def cell_reader(parse: Callable[[str], Any]) -> Callable[[Cell], Any]:
    """A function from a cell to its value, None for an empty one."""

    def read(cell: Cell) -> Any:
        text = text_of(cell)
        return parse(text) if text else None

    return read


def day_reader(day_zero: date) -> Callable[[Cell], date | None]:
    """A function from a cell of a workbook to its day. A number that was never formatted as one counts the days since
    `day_zero`; as text it is refused, since a text file may come from a workbook that counts otherwise."""
    read_text = cell_reader(day)

    def read(cell: Cell) -> date | None:
        if isinstance(cell, int | float) and 10**4 <= cell < 10**_DAY_NUMBER_DIGITS:
            return day_zero + timedelta(days=int(cell))
        parsed: date | None = read_text(cell)
        return parsed

    return read
