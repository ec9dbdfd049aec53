"""Stable codes in the words of a clerk (说法): what matching found, for tables; JSON keeps the codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FIELDS: Final = {
    "prior": "起点",
    "id_number": "证件号码",
    "name": "姓名",
    "birth_date": "出生日期",
    "sex": "性别",
    "employer": "单位",
    "phone": "手机",
    "person_no": "医保人员编号",
}

LEVELS: Final = {
    "agrees": "一致",
    "equal": "一致",
    "known": "已知",
    "missing": "缺",
    "differs": "不同",
    "same_document": "同一证件的另一写法",
    "one_digit": "错一位",
    "swapped": "两位颠倒",
    "digit_missing": "少一位",
    "digit_doubled": "多一位",
    "two_digits": "错两位",
    "masked": "遮蔽，可见位一致",
    "masked_part": "遮蔽，可见位少",
    "masked_differs": "遮蔽，可见位不同",
    "unsound_differs": "校验不符，相差较多",
    "sound_near": "另一有效号码，相近",
    "sound_differs": "另一有效号码",
    "other_document": "另一种证件",
    "unknown": "不是会员的",
    "variant": "异体或繁简",
    "transcribed": "译名写法不同",
    "cut": "被截短",
    "rare_lost": "生僻字丢失",
    "rare_homophone": "生僻字以同音字代替",
    "rare_spelt": "生僻字拆写或拼音",
    "folk_surname": "姓氏俗写",
    "lost": "有字缺失",
    "homophone": "同音",
    "typo": "差一字",
    "surname": "只有姓相同",
    "newborn": "新生儿写法",
    "similar": "相近",
    "year": "年份不同",
}

REASONS: Final = {
    "several_people": "不止一人符合",
    "decided_by_person": "此前人工认定",
    "ruled_out_by_person": "此前人工排除",
    "unreadable_record": "不是记录",
}

ANSWERS: Final = {
    "same": "同一人",
    "different": "不是",
    "unsure": "不确定",
    "agree": "同意收回",
    "refuse": "不收回",
    "noted": "已阅",
}
"""What people say about an item."""

SPOKEN: Final = {
    "noted": "记下",
    "proposed": "待另一人确认",
    "confirmed": "已由另一人确认",
    "overtaken": "已被取代",
    "done": "有效",
    "undone": "已撤回",
}
"""What became of what somebody said."""


def in_words(code: str) -> str:
    """`name_newborn` → 姓名新生儿写法; a code without words stays as it is."""
    if code in REASONS:
        return REASONS[code]
    for field, word in FIELDS.items():
        level = code.removeprefix(f"{field}_")
        if level != code and level in LEVELS:
            return word + LEVELS[level]
    return code


def all_in_words(codes: Iterable[str]) -> str:
    """Several codes, one after the other."""
    return "、".join(in_words(code) for code in codes)
