"""The invented town of the second truth: members and strangers, each with a number of its own, and the roster as an
office writes it, mistakes included. Numbers begin with 15099, which no county does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

import msgspec

HEADER: Final = (
    "member_no", "name", "id_type", "id_number", "sex", "birth_date", "phone", "unit_no", "unit_name", "league",
    "category", "scheme", "coverage_from", "coverage_to", "opt_out",
)  # fmt: skip

_SURNAMES: Final = (
    "王王王王李李李李张张张刘刘刘陈陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董程曹袁邓许傅沈曾"
    "彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭龙"
)
_GIVEN_M: Final = "伟强军勇杰涛明超刚平辉鹏华飞波斌宇浩凯健俊帆帅旭宁志建国文海东立成永春晓光振家庆新峰亮磊德福忠"
_GIVEN_F: Final = "芳娜敏静丽艳娟霞秀燕玲桂英梅红雪莉萍洁颖倩婷玉慧琴云凤兰晶欣佳淑美荣珍琳蕾薇菲悦香花莲翠爱"
_RARE: Final = "喆堃镕玥珺璟翀赟垚祎瑄旻淏湉頔彧旸晞珣䶮𬍛㛃𬭎"
_SAME_SOUND: Final = {"玥": "悦", "珺": "俊", "𬍛": "丽莉", "淏": "浩", "㛃": "洁", "镕": "荣", "彧": "玉"}
"""Rare character → what is typed in its place: no family gives two children names of one sound, tone and all."""
WORDS: Final = (
    "额尔敦", "阿拉坦", "苏雅拉", "乌力吉", "孟和", "宝音", "那顺", "敖登", "萨仁", "斯琴", "娜仁", "朝克",
    "哈斯", "布仁", "特木尔",
)  # fmt: skip
_ENDS_M: Final = ("朝鲁", "巴特尔", "巴雅尔", "吉日嘎拉", "格日勒图", "毕力格", "道尔吉", "达来", "巴根")
_ENDS_F: Final = ("其其格", "高娃", "图雅", "苏日娜", "格日勒", "托娅", "塔娜", "乌日娜", "其木格")
ENDS: Final = (*_ENDS_M, *_ENDS_F)
_ALONE: Final = (
    "其其格",
    "格日勒图",
    "苏日娜",
    "乌日娜",
    "巴雅尔",
    "吉日嘎拉",
    "阿不都",
    "旦增",
    "格日勒",
    "琪琪格",
    "德力格尔",
)
_PLACES: Final = ("呼伦", "锡林", "科尔沁", "鄂尔多", "阿拉善", "乌兰", "赤峰", "通辽", "包头", "海拉")
_TRADES: Final = (
    "煤业",
    "乳业",
    "供电",
    "热力",
    "运输",
    "制药",
    "冶金",
    "教育",
    "水务",
    "建筑",
    "商贸",
    "林场",
    "牧场",
)
_WEIGHTS: Final = [pow(2, 17 - place, 11) for place in range(17)]


class Townsman(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody of the town. `slip`: what the roster has wrong about a member, "" for nothing; `twin_no`: the member
    number of the other enrolment."""

    member_no: str
    name: str
    number: str
    sex: str
    born: str
    phone: str
    unit: str
    slip: str = ""
    twin_no: str = ""
    transcribed: bool = False


class Town:
    """Everybody: who is on the roster and takes part, who opted out, and which numbers are given out."""

    def __init__(self) -> None:
        self.members: list[Townsman] = []
        self.out: list[Townsman] = []
        self._numbers: set[str] = set()

    def free_number(self, dice: Random, born: str, sex: str) -> str:
        """A sound number (GB 11643) for somebody born then that nobody has yet."""
        while True:
            order = dice.randrange(500) * 2 + (sex == "M")
            body = f"15099{dice.randrange(10)}{born.replace('-', '')}{order:03d}"
            number = body + last_character(body)
            if number not in self._numbers:
                self._numbers.add(number)
                return number

    def person(self, dice: Random, member_no: str = "") -> Townsman:
        """Anybody: three in four bear Han names, one in twenty-five with a rare character."""
        sex = dice.choice("MF")
        born = (date(1955, 1, 1) + timedelta(days=dice.randrange(18_000))).isoformat()
        transcribed = dice.random() < 0.25
        name = _transcribed(dice, sex) if transcribed else _han(dice, sex)
        return Townsman(
            member_no=member_no,
            name=name,
            number=self.free_number(dice, born, sex),
            sex=sex,
            born=born,
            phone=f"17{dice.randrange(10**9):09d}",
            unit=f"{dice.choice(_PLACES)}{dice.choice('一二三四五六七八')}{dice.choice('号江源祥瑞隆')}{dice.choice(_TRADES)}有限公司",
            transcribed=transcribed,
        )

    def stranger(self, dice: Random) -> Townsman:
        """Somebody who is on no roster."""
        return self.person(dice)

    def sibling(self, dice: Random, person: Townsman) -> str:
        """Another name of the same family, as different as names of one family are; "" where a name says no family."""
        if person.transcribed:
            return ""
        given = dice.choice(_GIVEN_M if person.sex == "M" else _GIVEN_F)
        other = person.name[0] + given if len(person.name) == 2 else person.name[:2] + given
        alike = given in _SAME_SOUND.get(person.name[-1], "") or other == person.name
        return "" if alike else other

    def plain(self, dice: Random, person: Townsman) -> dict[str, str | None]:
        """What a feed writes that makes no mistake; it knows every other one's employer and few telephones."""
        draw = dice.random()
        return {
            "name": person.name,
            "id_type": "01",
            "id_number": person.number,
            "sex": person.sex,
            "birth_date": person.born,
            "person_no": f"1509{int(person.number[6:17]) % 10**10:010d}",
            "employer_name": person.unit if draw < 0.6 else None,
            "phone": person.phone if draw < 0.2 else None,
        }


def last_character(first17: str) -> str:
    """The check character of 17 digits (ISO 7064, MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def _han(dice: Random, sex: str) -> str:
    pool = _GIVEN_M if sex == "M" else _GIVEN_F
    given = "".join(dice.choice(pool) for _ in range(1 if dice.random() < 0.2 else 2))
    if dice.random() < 0.06:
        given = given[:-1] + dice.choice(_RARE)
    return dice.choice(_SURNAMES) + given


def _transcribed(dice: Random, sex: str) -> str:
    shape = dice.random()
    if shape < 0.3:
        return dice.choice(_ALONE)
    name = dice.choice(WORDS) + ("·" if shape < 0.5 else "") + dice.choice(_ENDS_M if sex == "M" else _ENDS_F)
    if shape > 0.9:
        return dice.choice("包白王韩何") + dice.choice(("格日勒图", "额尔敦朝鲁", "巴特尔"))
    return name


def town_of(members: int, seed: int) -> Town:
    """The town of a seed: one member in a hundred is one about whom the roster has something wrong."""
    town, dice = Town(), Random(f"{seed} town {members}")  # noqa: S311 - invented, no secret
    for index in range(members):
        person = town.person(dice, f"E{index:07d}")
        slip = {7: "number", 207: "sex", 407: "birth date", 607: "near name"}.get(index % 800, "")
        if index % 100 == 55:
            town.out.append(person)
        elif slip == "near name":
            twin_no = f"E{index:07d}b"
            town.members.append(
                msgspec.structs.replace(person, slip=slip, twin_no=twin_no, name=person.name[0] + "小红")
            )
        else:
            town.members.append(msgspec.structs.replace(person, slip=slip))
    return town


def roster_lines(town: Town, seed: int) -> Iterator[list[str]]:
    """The rows of the office's file, some pasted twice; at its end a line of sums and one for the signature."""
    dice = Random(f"{seed} roster")  # noqa: S311 - invented, no secret
    for person in town.members:
        row = _row(person)
        if person.slip == "number":
            at = dice.randrange(1, 18)
            row[3] = (
                person.number[:at] + str((int(person.number[at].replace("X", "0")) + 3) % 10) + person.number[at + 1 :]
            )
        elif person.slip == "sex":
            row[4] = "女" if person.sex == "M" else "男"
        elif person.slip == "birth date":
            row[5] = f"{int(person.born[:4]) - 1}-01-15"
        yield row
        if person.slip == "near name":
            yield [person.twin_no, person.name[0] + "小虹", *row[2:8], "另一家商贸公司", *row[9:]]
        elif dice.random() < 0.002:
            yield row
    yield from ([*_row(person)[:-1], "是"] for person in town.out)
    yield ["合计", str(len(town.members)), *[""] * 13]
    yield ["制表人：", *[""] * 14]


def _row(person: Townsman) -> list[str]:
    sex = "男" if person.sex == "M" else "女"
    return [
        person.member_no, person.name, "01", person.number, sex, person.born, person.phone, "U1", person.unit, "乌海市",
        "在职", "nm-inpatient", "2021-01-01", "2021-12-31", "",
    ]  # fmt: skip
