"""What speaks for and against a match, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.model.person import Subject
from gateway.words.records import RECORD_FIELDS, value_in_words
from gateway.words.reviews import ITEM_KINDS

_FIRST_FIELDS: Final = frozenset(
    ("id_type", "id_number", "name", "sex", "birth_date", "person_no", "employer_name", "phone")
)
_LATER_FIELDS: Final = {name: RECORD_FIELDS[name] for name in Subject.__struct_fields__ if name not in _FIRST_FIELDS}
"""What else matching learnt to compare: called as the record calls it, and said last."""

FIELDS: Final = {
    "prior": "起点",
    **{name: RECORD_FIELDS[name] for name in ("id_number", "name", "birth_date", "sex")},
    "employer": "单位",
    "phone": "手机",
    "person_no": RECORD_FIELDS["person_no"],
    **_LATER_FIELDS,
}
"""What evidence is about."""

IDENTITY_FIELDS: Final = {
    **{name: RECORD_FIELDS[name] for name in ("name", "id_type", "id_number", "sex", "birth_date")},
    "employer_name": FIELDS["employer"],
    "phone": FIELDS["phone"],
    "person_no": RECORD_FIELDS["person_no"],
    **_LATER_FIELDS,
}
"""Fields that say who a patient is, as a record and a member stand side by side."""

MATCH_OUTCOMES: Final = {"matched": "匹配 (matched)", "review": "待核 (review)", "none": "不匹配 (none)"}
"""What matching decided about a record."""

BLOCKS: Final = {
    "number": "证件号码",
    "nb": "姓名+出生日期",
    "bl": "出生日期+末四位",
    "rl": "地区+末四位",
    "br": "出生日期+地区",
    "nl": "姓名+末四位",
    "be": "出生日期+单位",
    "ph": "手机",
    "pn": "医保人员编号",
    "oo": "不参与者证件号码（记录不查）",
    "wn": "全名（只供人工查找）",
    "ws": "全名读音（只供人工查找）",
}
"""What members are looked up by: the index of numbers and each kind of block."""

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
    "family_in_front": "前加氏族、父名或姓",
    "sounds_alike": "译音相同",
    "lost": "有字缺失",
    "rare_dropped": "生僻字漏写",
    "homophone": "同音",
    "typo": "差一字",
    "hidden": "有字被遮蔽",
    "surname": "只有姓相同",
    "newborn": "新生儿写法",
    "hidden_surname": "姓被遮蔽",
    "similar": "相近",
    "year": "年份不同",
}

REASONS: Final = {
    "several_people": "不止一人符合",
    "roster_unproved": "名册所记无法校验",
    "decided_by_person": "此前人工认定",
    "ruled_out_by_person": "此前人工排除",
    "unreadable_record": "不是记录",
    "file_shrunk": "新文件行数减少",
    "above_claim": "高于申领金额",
    "approved": "核定",
    "paid": "支付",
    **ITEM_KINDS,
}


_SHARE: Final = re.compile(r"([0-9]+)/([0-9]+)", re.ASCII)
"""How many rows a newer file left out, of how many."""


def in_words(code: str) -> str:
    """`name_newborn` → 姓名新生儿写法; a code without words stays as it is."""
    if code in REASONS:
        return REASONS[code]
    if share := _SHARE.fullmatch(code):
        return f"共{share[2]}行，少了{share[1]}行"
    for field, word in FIELDS.items():
        level = code.removeprefix(f"{field}_")
        if level != code and level in LEVELS:
            return word + LEVELS[level]
    return code


def all_in_words(codes: Iterable[str]) -> str:
    """Several codes, one after the other."""
    return "、".join(in_words(code) for code in codes)


def side_by_side_in_words(
    *, field: str, label: str, record: str | None, member: str | None, verdict: str
) -> tuple[str | None, ...]:
    """A line of the table that sets a record beside a member: a `Pair` of `gateway.core.reviewing`."""
    return label, value_in_words(field, record), value_in_words(field, member), LEVELS[verdict]


def score_in_words(score: float | None) -> str | None:
    """A probability with four digits. Only certainty is written 0 or 1."""
    if score is None:
        return None
    if score in (0, 1):
        return f"{score:.0f}"
    return "<0.0001" if score < 0.0001 else ">0.9999" if score > 0.9999 else f"{score:.4f}"
