"""Invented members and the people around them: who is whose twin, who shares a name, a phone, an employer.

A person is a function of (seed, index): a million of them need no memory. Numbers begin with 15099, which no county
does. Every index owns four order numbers of one day and region, two for each sex, so that a twin or a neighbour
whose number differs in one digit can be made for anybody; orders from 900 on are kept for people outside.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import msgspec

from gateway.model.national_id import check_digit
from gateway.sandbox.people import Dice, words
from gateway.sandbox.truth_names import dotted_name, han_name, latin_name, mongol_name, mongol_parts, surname_of

REGIONS: Final = tuple(f"15099{last}" for last in range(10))
"""Region codes that no county of Inner Mongolia has."""

_FIRST_BIRTH: Final = date(1957, 1, 1)
_DAYS: Final = (date(2003, 12, 31) - _FIRST_BIRTH).days + 1
_SEATS: Final = 225
_STRIDE: Final = 7_368_787
_BLOCK: Final = 500
_SHUFFLE: Final = 193
_UNSHUFFLE: Final = pow(_SHUFFLE, -1, _BLOCK)

ROLES: Final = {
    "twins": range(0, 3),
    "siblings": range(3, 9),
    "couple": range(9, 17),
    "same_name_and_birth": range(17, 18),
    "enrolled_twice": range(18, 19),
    "opted_out": range(19, 20),
    "foreign": range(20, 22),
    "permit": range(22, 23),
    "dotted": range(23, 25),
    "rare": range(25, 36),
    "mongol": range(36, 108),
    "number_miswritten": range(108, 111),
    "column_miswritten": range(111, 114),
    "plain": range(114, 500),
}
"""Of every 500 pairs of members, which are what; both of a pair are the same."""

_ROLE_OF: Final = tuple(role for role, places in ROLES.items() for _ in places)
PAIRED: Final = frozenset(("twins", "siblings", "couple", "same_name_and_birth", "enrolled_twice"))
"""Roles in which the two of a pair know each other."""
_ONE_SEAT: Final = frozenset(("twins", "same_name_and_birth", "enrolled_twice"))

_PLACES = words("内蒙古 乌海市 草原 塞外 河套 兴安盟 呼和浩特市 阴山 敕勒川 北疆")
_UNIT_NAMES = words(
    "晨光 远山 北辰 金穗 长河 瑞和 新峰 安达 恒泰 云岭 丰原 宏图 青松 明泽 同德 启航 万联 德润 众诚 博远"
)
_TRADES = words("矿业 化工 供热 公共交通 供水 建材 食品 纺织 机械制造 物流 环卫 医药 教育 农机 电力 商贸 乳业 印刷")
_FORMS = words("有限责任公司 有限公司 集团有限公司 服务中心 厂 股份有限公司 有限责任公司(第二分公司)")
_COUNTRIES = words("CAN USA JPN KOR MNG RUS DEU VNM IND ESP")


class TruthPerson(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody. `partner` is the index of the other of his pair, where they know each other.

    What a given roster does not say is "", and `date.min` for the birth date; invented people know everything.
    """

    index: int
    role: str
    name: str
    id_type: str = "01"
    id_number: str
    sex: str
    birth_date: date
    phone: str
    unit_no: str
    unit_name: str
    partner: int | None = None

    @property
    def member_no(self) -> str:
        """His number, should he be a member: counted, derived from nothing he is."""
        return f"NM{self.index:08d}"

    @property
    def person_no(self) -> str:
        """His number at the medical insurance; one person has one, however often he is enrolled."""
        index = self.index - 1 if self.role == "enrolled_twice" and self.index % 2 else self.index
        return f"159900{index:010d}"


class World:
    """All people of one seed, `most` of them; the first `members` indexes are on the roster, the rest are strangers."""

    def __init__(self, seed: int, *, members: int, regions: tuple[str, ...] = REGIONS) -> None:
        self.seed, self.members, self._regions = seed, members, regions
        self.most = _DAYS * _SEATS * len(regions)
        self._units = max(8, members // 120)

    def person(self, index: int) -> TruthPerson:
        """The person with this index."""
        role = role_of(index)
        if role in PAIRED and index % 2:
            return self._second(index, role)
        return self._single(index, role)

    def opted_out(self, index: int) -> bool:
        """Whether a member has said that he does not take part."""
        return role_of(index) == "opted_out"

    def enrolled(self, dice: Dice) -> TruthPerson:
        """Any member who takes part and whose number the roster has right."""
        index = dice.below(self.members)
        while self.opted_out(index) or role_of(index) == "number_miswritten":
            index = dice.below(self.members)
        return self.person(index)

    def in_role(self, dice: Dice, role: str) -> TruthPerson | None:
        """Any member of this role whose pair is whole; None where a small roster seems to hold none."""
        places = ROLES[role]
        blocks = -(-self.members // (2 * _BLOCK))
        for _ in range(30):
            pair = dice.between(places.start, places.stop - 1) * _UNSHUFFLE % _BLOCK + _BLOCK * dice.below(blocks)
            if 2 * pair + 1 < self.members:
                return self.person(2 * pair + dice.below(2))
        return None

    def neighbour_number(self, person: TruthPerson, step: int) -> str:
        """A sound number 1 to 3 steps on among the four of his seat: step 2 is his twin's, 1 and 3 the other sex."""
        owner = person.index - person.index % 2 if person.role in _ONE_SEAT else person.index
        region, born, first = self._seat(owner)
        own = int(person.id_number[14:17]) - first
        return resident_number(region, born, first + (own + step) % 4)

    def outside_number(self, dice: Dice, born: date, sex: str) -> str:
        """A sound number for somebody born on this day that no member has."""
        return resident_number(dice.pick(self._regions), born, _SEATS * 4 + 2 * dice.below(50) + (sex == "M"))

    def _single(self, index: int, role: str) -> TruthPerson:
        dice = Dice("truth person", self.seed, index)
        sex = "M" if dice.below(2) else "F"
        region, born, order = self._seat(index)
        unit = min(dice.below(self._units), dice.below(self._units))
        id_type, number = _document(dice, role, resident_number(region, born, order + (sex == "M")))
        if id_type in ("07", "08"):
            name = latin_name(dice)
        elif role == "mongol":
            name = mongol_name(dice, sex)
        elif role == "dotted":
            name = dotted_name(dice)
        else:
            name = han_name(dice, sex, rare=role == "rare")
        return TruthPerson(
            index=index,
            role=role,
            name=name,
            id_type=id_type,
            id_number=number,
            sex=sex,
            birth_date=born,
            phone=f"160{dice.below(10**8):08d}",
            unit_no=f"U{unit:06d}",
            unit_name=employer(self.seed, unit),
            partner=index + 1 if role in PAIRED else None,
        )

    def _second(self, index: int, role: str) -> TruthPerson:
        """The other of a pair, made from the first."""
        first, own = self._single(index - 1, role), self._single(index, role)
        dice = Dice("truth pair", self.seed, index)
        own = msgspec.structs.replace(own, partner=index - 1)
        if role == "enrolled_twice":
            return msgspec.structs.replace(
                first, index=index, unit_no=own.unit_no, unit_name=own.unit_name, partner=index - 1
            )
        if role == "couple":
            unit = {"unit_no": first.unit_no, "unit_name": first.unit_name} if dice.below(3) == 0 else {}
            return msgspec.structs.replace(own, phone=first.phone, **unit)
        name = first.name if role == "same_name_and_birth" else sibling_name(dice, first.name, own.sex)
        if role == "siblings":
            return msgspec.structs.replace(own, name=name)
        # Born on the same day in the same place, of the same sex: the third or fourth number of that seat.
        return msgspec.structs.replace(
            own,
            name=name,
            sex=first.sex,
            birth_date=first.birth_date,
            id_number=self.neighbour_number(first, 2),
        )

    def _seat(self, index: int) -> tuple[str, date, int]:
        """Region, birth date and the first of the four order numbers an index owns."""
        if not 0 <= index < self.most:
            raise ValueError(f"more people than numbers: {self.most} with these regions")
        place, days = divmod((index * _STRIDE + self.seed * 104_729) % self.most, _DAYS)
        seat, region = divmod(place, len(self._regions))
        return self._regions[region], _FIRST_BIRTH + timedelta(days=days), seat * 4


def role_of(index: int) -> str:
    """What a person is, by his index alone: both of a pair are the same."""
    return _ROLE_OF[index // 2 * _SHUFFLE % _BLOCK]


def resident_number(region: str, born: date, order: int) -> str:
    """An 18-digit id number with its check digit (GB 11643); an odd order is a man's."""
    body = f"{region}{born:%Y%m%d}{order:03d}"
    return body + check_digit(body)


def sibling_name(dice: Dice, name: str, sex: str) -> str:
    """Another name of the same family; every other time it shares a character, or a word, with this one."""
    first = mongol_parts(name)[1] if len(name) > 3 else ""
    bare = sibling = name.replace("·", "")
    while sibling.replace("·", "") == bare:
        # A dot more or less is the same name.
        sibling = _mongol_sibling(dice, first, sex) if first else _han_sibling(dice, name, sex)
    return sibling


def _mongol_sibling(dice: Dice, first: str, sex: str) -> str:
    drawn = mongol_name(dice, sex)
    shape = dice.below(4)
    if shape == 0 and len(first) == 3:
        # No field ends after three characters, so this is a name and not a name cut short; after four it may be both.
        return first
    return first + mongol_parts(drawn)[2] if shape < 3 else drawn


def _han_sibling(dice: Dice, name: str, sex: str) -> str:
    surname = surname_of(name)
    given_name = name[len(surname) :]
    drawn = han_name(dice, sex, surname=surname)
    if len(given_name) == 2 and len(drawn) == len(name) and dice.below(2):
        return surname + given_name[0] + drawn[-1]
    return drawn


def employer(seed: int, unit: int) -> str:
    """The full name of an employer; two of them rarely share one."""
    dice = Dice("truth unit", seed, unit)
    return dice.pick(_PLACES) + dice.pick(_UNIT_NAMES) + dice.pick(_UNIT_NAMES) + dice.pick(_TRADES) + dice.pick(_FORMS)


def _document(dice: Dice, role: str, number: str) -> tuple[str, str]:
    """Type and number of what somebody is enrolled under. The invented kinds carry 999 where a place would stand."""
    if role == "foreign":
        kind = dice.pick(("08", "08", "07", "07old"))
        serial = f"{dice.below(10**8):08d}"
        if kind == "08":
            return kind, dice.pick("EGKLMX") + serial
        if kind == "07":
            body = "915999" + number[6:17]
            return kind, body + check_digit(body)
        return "07", f"{dice.pick(_COUNTRIES)}9990{serial}"
    if role == "permit":
        kind = dice.pick(("04", "06", "17", "17"))
        if kind == "17":
            body = dice.pick(("810999", "820999", "830999")) + number[6:17]
            return kind, body + check_digit(body)
        digits = f"{dice.below(10**8):08d}"
        return (kind, "H" + digits + "01") if kind == "04" else (kind, digits)
    return "01", number
