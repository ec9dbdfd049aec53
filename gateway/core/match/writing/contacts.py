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
_OUTSIDE: Final = re.compile(r"[^0-9A-Z\u4e00-\u9fff]")


def compare_employers(record: str, member: str) -> str:
    """equal: the same but for form of company, brackets and place; similar: one abbreviates the other."""
    if record == member:
        return "equal"
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
    """An employer's name without place, form of company, brackets and marks."""
    plain = unicodedata.normalize("NFKC", name).upper()
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


def _stripped(pattern: re.Pattern[str], name: str) -> str:
    """The name without what the pattern finds, unless too little would be left to tell employers apart."""
    shorter = pattern.sub("", name)
    return shorter if len(shorter) >= 2 else name
