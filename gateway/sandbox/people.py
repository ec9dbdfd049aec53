"""Invented people: names as in Inner Mongolia, id numbers of a region that does not exist, no memory needed.

A person is a function of (seed, index), so a million of them cost nothing until somebody looks at one. Every
id number starts with 150999, which is no county, and carries a right checksum; no two people share one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import blake2b
from operator import mul
from typing import Final, TypeVar

import msgspec

from gateway.model.member import Category

T = TypeVar("T")
_WORDS = struct.Struct("<16I")


class Dice:
    """Whole numbers that look random and are the same for the same seed on every machine. No floats."""

    __slots__ = ("_block", "_key", "_words")

    def __init__(self, *seed: int | str) -> None:
        self._key = blake2b(repr(seed).encode(), digest_size=32).digest()
        self._block = 0
        self._words: list[int] = []

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1; limit at most 2**32."""
        if not self._words:
            block = self._block.to_bytes(8, "little")
            self._words.extend(_WORDS.unpack(blake2b(block, key=self._key).digest()))
            self._block += 1
        return self._words.pop() * limit >> 32

    def between(self, least: int, most: int) -> int:
        """A number from least to most, both included."""
        return least + self.below(most - least + 1)

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely as the others."""
        return choices[self.below(len(choices))]

    def chance(self, of_ten_thousand: int) -> bool:
        """True so many times in ten thousand."""
        return self.below(10_000) < of_ten_thousand


class League(msgspec.Struct, frozen=True):
    """A league or city (盟市): key, name, region code, how many in a hundred bear Mongolian names."""

    key: str
    name: str
    region: str
    mongolian: int


LEAGUES: Final = {
    league.key: league
    for league in (
        League("wuhai", "乌海市", "150300", 4),
        League("hinggan", "兴安盟", "152200", 42),
        League("bayannur", "巴彦淖尔市", "150800", 6),
        League("hohhot", "呼和浩特市", "150100", 12),
    )
}
"""The leagues people are drawn from. The draws depend on which these are, so a further one is written below."""

FURTHER_LEAGUES: Final = {
    league.key: league
    for league in (
        League("tongliao", "通辽市", "150500", 45),
        League("alxa", "阿拉善盟", "152900", 28),
        League("manzhouli", "满洲里市", "150781", 20),
        League("xilingol", "锡林郭勒盟", "152500", 45),
        League("yuncheng", "运城市", "140800", 0),
        League("erenhot", "二连浩特市", "152501", 25),
        League("longyan", "龙岩市", "350800", 0),
        League("shanghai", "上海市", "310000", 0),
        League("ordos", "鄂尔多斯市", "150600", 9),
        League("nmg", "内蒙古自治区本级", "159900", 15),
        League("ulanqab", "乌兰察布市", "150900", 4),
        League("hulunbuir", "呼伦贝尔市", "150700", 11),
        League("chifeng", "赤峰市", "150400", 21),
    )
}
"""Leagues that are played one at a time (`played`), each with people of its own."""

ALL_LEAGUES: Final = LEAGUES | FURTHER_LEAGUES


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody insured with 职工医保. `id_number` in 18 digits where `id_type` is 01, a resident's; `nation` is 01
    (Han) or 02 (Mongol)."""

    index: int
    league: str
    region: str
    person_no: str
    name: str
    id_type: str = "01"
    id_number: str
    sex: str
    birth_date: date
    nation: str
    phone: str
    unit_no: str
    employer: str
    category: Category


def words(text: str) -> tuple[str, ...]:
    """The words of a text, in order."""
    return tuple(text.split())


def _by_share(shares: str) -> tuple[str, ...]:
    """ "王72 李71 …" → a tuple in which every name stands as often as its share."""
    return tuple(entry[0] for entry in shares.split() for _ in range(int(entry[1:])))


_SURNAMES = _by_share(
    "王76 李75 张71 刘58 陈32 杨32 赵31 黄14 周17 吴15 徐15 孙20 胡11 朱12 高17 林10 何11 郭19 马16 罗9 "
    "梁9 宋11 郑8 谢7 韩13 唐7 冯9 于10 董9 萧4 程7 曹8 袁7 邓5 许8 傅4 沈4 曾4 彭5 吕7 苏8 卢4 蒋5 蔡4 贾8 "
    "丁6 魏8 薛5 叶3 阎6 余4 潘4 杜7 戴4 夏4 钟3 汪4 田7 任7 姜7 范6 方4 石6 姚5 谭3 廖2 邹3 熊3 金6 陆3 郝6 "
    "孔3 白8 崔7 康4 毛3 邱3 秦4 江3 史5 顾2 侯6 邵4 孟6 龙2 万3 段5 雷3 钱2 汤2 尹4 黎2 易2 常5 武6 乔5 贺4 "
    "赖1 龚2 文3 云6 包9 图2 那2 乌2 佟2 敖2"
)
_MALE = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林志建国文海东立成永春晓光振家庆新子少"
_FEMALE = "芳娜敏静丽艳娟霞秀燕玲桂英梅红雪莉萍洁颖倩婷玉慧琴云凤兰晶欣佳春晓文雅淑海美小新子宁思雨"
_MONGOL_FIRST = words(
    "额尔敦 阿拉坦 苏日 斯琴 乌兰 娜仁 宝音 那顺 孟和 敖登 萨仁 呼和 哈斯 布和 乌云 苏雅拉 牧仁 特木尔 "
    "必力格 朝克 青格勒 阿古拉 达来 胡日查 图门 吉雅 莫日根 查干 锡林 巴彦 德力格尔 满都拉 旭日 通拉嘎"
)
_MONGOL_MALE = words("朝鲁 巴特尔 巴雅尔 布和 特木尔 吉日嘎拉 陶克陶 毕力格 仓 巴图 夫 宝力高 木仁 达来 白音 苏和")
_MONGOL_FEMALE = words("其其格 高娃 图雅 格日勒 花 塔娜 托娅 娜日苏 哈斯 萨日娜 莲花 娜拉 琪琪格 乌日娜 珊丹 敖登")
_UNIT_NAMES = words("晨光 草原 远山 北辰 金穗 长河 瑞和 新峰 安达 恒泰 云岭 丰原 宏图 青松 明泽 同德 启航")
_TRADES = words("矿业 化工 供热 公交 供水 建材 食品 纺织 机械 物流 环卫 医药 教育 农机 电力 商贸 乳业 印刷")
_FORMS = words("有限责任公司 有限公司 集团有限公司 服务中心 厂 总站")

_FIRST_BIRTH = date(1957, 1, 1)
_BIRTH_DAYS = (date(2003, 12, 31) - _FIRST_BIRTH).days + 1
_SLOTS = _BIRTH_DAYS * 1000
_STRIDE = 7_368_787  # Prime to the number of slots, so that every index gets a slot of its own.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
MOST_PEOPLE: Final = _SLOTS
"""So many people exist under one seed."""


def person_at(seed: int, index: int, *, league: str, as_of: date) -> Person:
    """The person with this index (below MOST_PEOPLE); `as_of` decides who has retired by age."""
    if not 0 <= index < _SLOTS:
        raise ValueError(f"a person's index is from 0 to {_SLOTS - 1}")
    dice, where = Dice("person", seed, index), ALL_LEAGUES[league]
    days, order = divmod((index * _STRIDE + seed * 104_729) % _SLOTS, 1000)
    birth_date = _FIRST_BIRTH + timedelta(days=days)
    sex = "M" if order % 2 else "F"
    mongol = dice.below(100) < where.mongolian
    unit = dice.below(2_000)
    name, rest = _UNIT_NAMES[unit % len(_UNIT_NAMES)], unit // len(_UNIT_NAMES)
    trade, form = _TRADES[rest % len(_TRADES)], _FORMS[unit % len(_FORMS)]
    return Person(
        index=index,
        league=league,
        region=where.region,
        person_no=f"{where.region}00{dice.below(10**6):06d}{index:08d}",
        name=_mongol_name(dice, sex) if mongol else _han_name(dice, sex),
        id_number=id_number(birth_date, order),
        sex=sex,
        birth_date=birth_date,
        nation="02" if mongol else "01",
        phone=f"199000{dice.below(10**5):05d}",
        unit_no=f"{where.region}{unit:05d}",
        employer=f"{where.name}{name}{trade}{form}",
        category=category_at(birth_date, sex, as_of),
    )


def id_number(birth_date: date, order: int) -> str:
    """An 18-digit id number of region 150999 with its checksum (GB 11643); `order` is odd for men."""
    body = f"150999{birth_date.isoformat().replace('-', '')}{order:03d}"
    return body + "10X98765432"[sum(map(mul, map(int, body), _WEIGHTS)) % 11]


def other_name(person: Person, seed: int) -> str:
    """A name of the same sex that is certainly not this person's, for a row that carries the wrong name."""
    dice = Dice("other name", seed, person.index)
    name = person.name
    while name == person.name or name[0] == person.name[0]:
        name = _han_name(dice, person.sex)
    return name


def category_at(birth_date: date, sex: str, as_of: date) -> Category:
    """Whether somebody has retired by age."""
    years = as_of.year - birth_date.year - ((as_of.month, as_of.day) < (birth_date.month, birth_date.day))
    return "retired" if years >= (60 if sex == "M" else 55) else "active"


def _han_name(dice: Dice, sex: str) -> str:
    characters = _MALE if sex == "M" else _FEMALE
    second = "" if dice.below(100) < 18 else dice.pick(characters)
    return dice.pick(_SURNAMES) + dice.pick(characters) + second


def _mongol_name(dice: Dice, sex: str) -> str:
    dot = "·" if dice.below(6) == 0 else ""
    last = dice.pick(_MONGOL_MALE if sex == "M" else _MONGOL_FEMALE)
    return dice.pick(_MONGOL_FIRST) + dot + last
