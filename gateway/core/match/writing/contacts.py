"""Employers and phones as they are written in life, brought to what two writings have in common."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_PLACE: Final = re.compile(r"^(中国|内蒙古自治区|内蒙古|[\u4e00-\u9fff]{2,4}?(自治区|省|市|盟|自治州|自治旗|县|旗|区))")
_FORMS: Final = re.compile(
    r"(集团)?(股份|控股)?(有限)?(责任)?公司$|集团$|总公司$|分公司$|服务中心$|总站$|中心$|总厂$|厂$|站$|局$|委员会$|事务所$|合作社$"
)
_BRACKETED: Final = re.compile(r"[(（\[【〔].*?[)）\]】〕]")
_HIDING: Final = re.compile(r"[*#?●○■□×✕◇◆〓\ufffd]|XX")
# What stands in the field of whoever has no employer, and what an insurer's system puts there by itself.
_NO_EMPLOYER: Final = re.compile(
    r"灵活就业|自由职业|个体(劳动者|参保|缴费|人员)|^个体(工商)?户?$|个人(参保|缴费|窗口|身份)|自谋职业|城乡居民|居民(参保|医保|医疗)"
    r"|失业|待业|下岗|无业|托管人员|代(缴|理)(人员|户|参保)|虚拟|默认|测试单位|^(无|无单位|没有|空|暂无|不详|不明|未知|未填|其他|其它|本人|个人|居民|退休|NULL|NONE|N/A)$"
    r"|(医疗保障|医疗保险|社会保险|社保|医保|人才交流|就业服务)[^公司]{0,8}(局|中心|处|所|站|大厅|窗口)$"
)
_OUTSIDE: Final = re.compile(r"[^0-9A-Z\u4e00-\u9fff]")
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_HIDDEN_DIGIT: Final = re.compile(r"[*#?●○■□×xX_]")
_COUNTED: Final = "0123456789012345678909876543210"
_COMPANYS: Final = frozenset(("13800138000", "13800138001", "13900139000"))
"""Numbers that everybody knows because a telephone company used them as examples."""


def compare_employers(record: str, member: str) -> str:
    """equal: the same but for form of company, brackets and place; similar: one abbreviates the other; missing: one of
    them names no employer."""
    recorded, enrolled = employer_core(record), employer_core(member)
    if not recorded or not enrolled:
        return "missing"
    if recorded == enrolled:
        return "equal"
    short, long = sorted((recorded, enrolled), key=len)
    if short in long:
        return "similar" if len(short) > 2 else "differs"
    # Or its characters stand in the longer one in the same order, beginning with the same.
    rest = iter(long)
    in_order = len(short) > 1 and short[0] == long[0] and all(character in rest for character in short)
    return "similar" if in_order else "differs"


@lru_cache(maxsize=16_384)
def employer_core(name: str) -> str:
    """An employer's name without place, form of company, brackets and marks; "" for what names no employer, or hides
    part of one."""
    plain = unicodedata.normalize("NFKC", name).upper()
    if _HIDING.search(plain) or _NO_EMPLOYER.search(plain):
        return ""
    core = _OUTSIDE.sub("", _BRACKETED.sub("", plain)) or _OUTSIDE.sub("", plain)
    core = _stripped(_FORMS, core)
    while (shorter := _stripped(_PLACE, core)) != core:
        core = shorter
    return core


def employer_key(name: str | None) -> str:
    """The first two characters of an employer's core name."""
    return employer_core(name)[:2] if name else ""


def phone_digits(phone: str) -> str:
    """The last eleven digits of a phone: no country code, no marks between."""
    return "".join(filter(str.isdecimal, unicodedata.normalize("NFKC", phone)))[-11:]


def own_phone(phone: str | None) -> str:
    """The digits of a telephone that a person carries; "" for a line of a house (a hospital, an office, a family), for
    one that is typed because the field must be filled, and for one that is not shown whole."""
    if not phone or _HIDDEN_DIGIT.search(unicodedata.normalize("NFKC", phone)):
        return ""
    digits = phone_digits(phone)
    typed_for_none = len(set(digits[3:])) == 1 or digits[3:] in _COUNTED or digits in _COMPANYS
    return digits if _MOBILE.fullmatch(digits) and not typed_for_none else ""


def _stripped(pattern: re.Pattern[str], name: str) -> str:
    """The name without what the pattern finds, unless too little would be left to tell employers apart."""
    shorter = pattern.sub("", name)
    return shorter if len(shorter) >= 2 else name
