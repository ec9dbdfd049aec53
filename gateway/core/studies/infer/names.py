"""What a column's name says: which fields it may be, how surely, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from pypinyin import Style, lazy_pinyin
from rapidfuzz import fuzz

from gateway.core.normalise.national import national_rules
from gateway.core.studies.infer.words import CHINESE, ENGLISH, LEGACY, OTHER_MATTERS

Belief = tuple[float, str]
"""How sure (0–1), and why."""

_BRACKETS: Final = re.compile(r"[（(\[【].*?[）)\]】]")
_SIGNS: Final = re.compile(r"[\s_\-./:#@*]+")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_LETTERS: Final = re.compile(r"[a-z0-9]+")
_TYPED: Final = re.compile(r"[a-z]{1,3}[0-9]?_(?=[a-z]{3}[0-9]{3}$)")
"""A letter or two of a table or a wrapper before a legacy code: k2_aae036, prm_akc190."""
_ALIKE: Final = 0.8
_NOTHING: Final[Mapping[str, Belief]] = {}


def fields_named(name: str) -> dict[str, Belief]:
    """Field → belief for a column of this name; empty where it is nobody's name, or that of another matter."""
    return dict(_named(name))


def likeness(names: Iterable[str]) -> int:
    """How many different fields of a settlement stand under these names."""
    return len({next(iter(fields)) for name in names if (fields := fields_named(name))})


def is_other_matter(name: str) -> bool:
    """Whether a name is beliefs to be of something that records do not hold."""
    plain = _plain(name)
    return plain in OTHER_MATTERS or _bare(plain) in other_matters()


@cache
def _named(name: str) -> Mapping[str, Belief]:
    plain = _plain(name)
    if not plain or is_other_matter(plain):
        return _NOTHING
    inner = plain.rpartition(".")[2].lstrip("@") or plain
    for text in dict.fromkeys((plain, inner, _TYPED.sub("", inner))):
        beliefs = names_known().get(_bare(text))
        if beliefs:
            return beliefs
    return fields_alike(plain) if _CHINESE.search(plain) else fields_by_pinyin(_bare(inner))


def _plain(name: str) -> str:
    text = _BRACKETS.sub("", name).strip().strip("\t\"'\ufeff").lower()
    return text.removesuffix("(元)").strip()


def _bare(name: str) -> str:
    return _SIGNS.sub("", name)


@cache
def other_matters() -> frozenset[str]:
    """Names of other matters without signs."""
    return frozenset(_bare(name.lower()) for name in OTHER_MATTERS)


@cache
def names_known() -> Mapping[str, Mapping[str, Belief]]:
    """Every name without signs → field → belief. What stands earlier is better beliefs."""
    tables: dict[str, dict[str, Belief]] = {}

    def add(name: str, field: str, belief: Belief) -> None:
        tables.setdefault(_bare(name.lower()), {}).setdefault(field, belief)

    for field, rule in national_rules().items():
        for place, code in enumerate(rule.sources + rule.sum):
            add(code, field, (0.97 if place == 0 else 0.95, f"国家接口的 {code}"))
    for words, confidence, why in (
        (LEGACY, 0.93, "旧系统指标代码"), (CHINESE, 0.95, "常用列名"), (ENGLISH, 0.88, "英文键名"),
    ):  # fmt: skip
        for field, names in words.items():
            for name in names.split():
                add(name, field, (confidence, f"{why} {name}"))
    add("vali_flag", "reversal", (0.95, "国家接口的 vali_flag（有效标志）"))
    return tables


def fields_alike(plain: str) -> Mapping[str, Belief]:
    """Fields with a name nearly like this one; only the best and what comes close to it."""
    best: dict[str, Belief] = {}
    others = max((fuzz.ratio(plain, matter) for matter in OTHER_MATTERS if _CHINESE.search(matter)), default=0) / 100
    for field, names in CHINESE.items():
        for name in names.split():
            likeness = fuzz.ratio(plain, name.lower()) / 100
            # A name inside of a longer one says nearly as much: 本次医保统筹支付金额.
            if len(name) >= 3 and name.lower() in plain:
                likeness = max(likeness, 0.75 + 0.02 * len(name))
            if likeness >= _ALIKE - 0.12 and likeness > others and likeness > best.get(field, (0.0, ""))[0]:
                best[field] = (likeness, name)
    top = max((likeness for likeness, _ in best.values()), default=0.0)
    return {
        field: (round(0.75 * likeness, 2), f"列名像「{name}」")
        for field, (likeness, name) in best.items()
        if likeness > top - 0.1
    }


@cache
def names_in_pinyin() -> Mapping[str, Mapping[str, str]]:
    """Pinyin and initials of the Chinese names → field → the name."""
    spelt: dict[str, dict[str, str]] = {}
    for field, names in CHINESE.items():
        for name in names.split():
            for spelling in ("".join(lazy_pinyin(name)), "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))):
                spelt.setdefault(spelling.lower(), {}).setdefault(field, name)
    return spelt


@cache
def others_in_pinyin() -> frozenset[str]:
    """Initials of the names of other matters."""
    chinese = [name for name in OTHER_MATTERS if _CHINESE.search(name)]
    return frozenset("".join(lazy_pinyin(name, style=Style.FIRST_LETTER)) for name in chinese)


def fields_by_pinyin(bare: str) -> Mapping[str, Belief]:
    """Fields whose Chinese names are spelt so, in full or by initials."""
    if not _LETTERS.fullmatch(bare) or len(bare) < 2:
        return _NOTHING
    fields = names_in_pinyin().get(bare, {})
    # One set of initials stands for several names; the shorter it is, the more by chance.
    share = 1 / (len(fields) + (bare in others_in_pinyin())) if fields else 0.0
    sure = 0.85 if len(bare) >= 4 else 0.75
    return {field: (round(sure * share**0.5, 2), f"「{name}」的拼音") for field, name in fields.items()}
