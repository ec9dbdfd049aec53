"""Names as they are borne and as they are written: shares of life, and the tables by which systems spoil them.

The shares are rules of thumb (surnames by their known order, given names by what each half of the century liked),
good enough that 王 is common and 额尔敦朝鲁 is not; nothing here was taken from a register of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from gateway.sandbox.people import Dice, words


def _by_share(shares: str) -> tuple[str, ...]:
    """ "王72 欧阳1 …" → a tuple in which every name stands as often as its share."""
    names: list[str] = []
    for entry in shares.split():
        name = entry.rstrip("0123456789")
        names += [name] * int(entry[len(name) :])
    return tuple(names)


SURNAMES: Final = _by_share(
    "王152 李150 张142 刘116 陈64 杨62 赵62 黄26 周34 吴30 徐30 孙40 胡22 朱24 高34 林20 何22 郭38 马34 罗18 "
    "梁18 宋22 郑16 谢14 韩26 唐14 冯18 于20 董18 萧4 肖8 程14 曹16 袁14 邓10 许16 傅5 付6 沈8 曾8 彭10 吕14 "
    "苏16 卢8 蒋10 蔡8 贾16 丁12 魏16 薛10 叶6 阎4 闫16 余8 潘8 杜14 戴6 夏8 钟6 汪8 田14 任14 姜14 范12 方8 "
    "石12 姚10 谭6 廖4 邹6 熊6 金12 陆6 郝12 孔6 白16 崔14 康8 毛6 邱6 秦8 江6 史10 顾4 侯12 邵8 孟12 龙4 万6 "
    "段10 雷6 钱4 汤4 尹8 黎4 易4 常10 武12 乔10 贺8 赖2 龚4 文6 云8 包14 图2 那3 乌2 佟3 敖3 苗4 庞4 樊4 兰4 殷3 "
    "施4 陶4 洪4 翟5 安6 颜2 倪2 严4 牛4 温4 芦3 季3 俞2 章3 鲁4 葛4 伍2 韦2 申4 尤3 毕3 聂4 焦4 向2 柳3 邢5 岳4 "
    "齐4 梅3 莫2 庄2 辛3 管3 祝3 左3 涂2 谷3 祁3 舒2 耿4 牟2 卜2 路3 詹2 关4 苑2 凌2 费2 纪3 靳3 盛2 童2 欧阳3 "
    "上官1 司马1 诸葛1 皇甫1 司徒1 慕容1"
)
_MALE = _by_share(
    "伟30 强24 军26 洋12 勇18 杰16 涛18 明24 超14 刚16 平14 辉16 鹏16 华18 飞14 鑫12 波16 斌14 宇14 浩12 凯10 健10 "
    "俊12 帆6 帅8 旭10 宁8 龙14 林14 志26 建26 国26 文22 海18 东16 立12 成12 永16 春12 晓12 光12 振10 家10 庆10 "
    "新10 子8 少6 峰16 亮12 磊14 世8 玉8 德10 福8 忠8 利8 兵6 胜8 云6 学8 宝8 万4 景6 清6 升5 群5 栋6 恒5 泽5 轩4 "
    "博6 瑞6 阳8 毅6 岩5 彦5 启5 修2 晋4 卫6 真2 棋2 喜4 根4 满3 富4 贵5 全5 有4 树5 长6 仁4 义4 元4 一3 天4"
)
_FEMALE = _by_share(
    "芳24 娜14 敏20 静22 丽28 艳20 娟16 霞18 秀22 燕20 玲20 桂16 英24 梅18 红22 雪12 莉12 萍16 洁10 颖10 倩8 婷12 "
    "玉22 慧14 琴12 云14 凤12 兰14 晶10 欣8 佳10 春14 晓14 文12 雅8 淑16 海10 美12 小12 新8 子6 宁6 思6 雨8 荣8 "
    "珍8 琳8 蕾6 薇5 菲5 悦4 青5 清5 温2 真4 彦4 群4 卫3 月6 香8 花6 莲8 翠8 爱6 志5 金6 素6 瑞5 俊5 巧4 素4 婧3"
)
RARE: Final = {
    "喆": "哲", "堃": "坤", "镕": "容荣", "玥": "月悦", "珺": "俊君", "璟": "景", "翀": "冲", "赟": "云", "垚": "尧",
    "昇": "生", "祎": "一依", "瑄": "宣", "旻": "民", "淏": "浩", "湉": "甜", "頔": "迪", "彧": "玉", "旸": "阳",
    "晞": "希", "珣": "寻", "燊": "深", "翃": "宏", "昫": "旭", "玹": "玄", "弢": "涛", "珮": "佩", "暐": "伟",
    "芃": "朋", "䶮": "岩言", "㛃": "洁杰", "𬭎": "宏", "𬱟": "伟", "𫍽": "宣", "㧑": "挥", "㳇": "富",
}  # fmt: skip
"""Characters of given names that GB2312 does not hold (the last ones GBK neither) → what is typed in their place."""

OTHER_TONE: Final = {"珺": "君", "赟": "云", "䶮": "岩言"}
"""Rare character → those of the characters typed in its place that have its sound and not its tone."""

PINYIN: Final = {
    "䶮": "YAN",
    "㛃": "JIE",
    "𬭎": "HONG",
    "𬱟": "WEI",
    "𫍽": "XUAN",
    "㧑": "HUI",
    "喆": "ZHE",
    "翀": "CHONG",
}
"""Rare character → the letters that passports, and with them some systems, put in its place."""

PARTS: Final = {"堃": "方方土", "喆": "吉吉", "珺": "王君", "玥": "王月", "䶮": "龙天", "㛃": "女洁", "𬭎": "金宏"}
"""Rare character → the parts it is described by where it cannot be typed."""

VARIANTS: Final = {
    pair[0]: pair[1]
    for pair in words(
        "峰峯 群羣 强彊 升陞 棋碁 修脩 晋晉 彦彥 黄黃 吕呂 青靑 清淸 静靜 温溫 真眞 卫衞 启啓 恒恆 高髙 岩巖"
    )
}
"""Character → another accepted way of writing it (异体字)."""

FOLK_SURNAMES: Final = {"萧": "肖", "肖": "萧", "傅": "付", "付": "傅", "阎": "闫", "闫": "阎", "戴": "代"}
"""Surnames that offices write in two ways since the simplification of 1977; two families or one, nobody can tell."""

_MONGOL_FIRST = words(
    "额尔敦 阿拉坦 苏日 斯琴 乌兰 娜仁 宝音 那顺 孟和 敖登 萨仁 呼和 哈斯 布和 乌云 苏雅拉 牧仁 特木尔 必力格 朝克 "
    "青格勒 阿古拉 达来 胡日查 图门 吉雅 莫日根 查干 锡林 巴彦 德力格尔 满都拉 旭日 通拉嘎 阿木古郎 额日德木 苏都 "
    "包力道 白音 朝鲁 巴达玛 扎木苏 道尔吉 敖其尔 青巴雅尔 图布新 呼格吉勒 赛音 伊德尔 格日勒 照日格"
)
_MONGOL_MALE = words(
    "朝鲁 巴特尔 巴雅尔 布和 特木尔 吉日嘎拉 陶克陶 毕力格 仓 巴图 夫 宝力高 木仁 达来 白音 苏和 图 呼 巴根 满都呼 "
    "吉雅 那木拉 道尔吉 格"
)
_MONGOL_FEMALE = words(
    "其其格 高娃 图雅 格日勒 花 塔娜 托娅 娜日苏 哈斯 萨日娜 莲花 娜拉 琪琪格 乌日娜 珊丹 敖登 其木格 娜仁 通嘎拉 玛 "
    "乌兰 斯琴 阿茹娜 苏布德"
)
MONGOL_SURNAMES: Final = words("包 白 王 韩 何 乌 海 吴 李 张 陈 金 赵 齐 孟 佟")
"""Han surnames that Mongolian families have taken; the name stands with or without one."""

_DOTTED_FIRST = words("买买提 阿依古丽 吐尔逊 热依汗 古丽娜尔 艾山 阿不都 努尔兰 木拉提 叶尔江 哈丽玛 赛力克")
_DOTTED_LAST = words("吐尔逊 艾合买提 买买提 依明 肉孜 卡德尔 巴合提 沙迪克 努尔买买提 哈力克 居马汗 胡达拜尔迪")
_LATIN_FAMILY = words("SMITH JOHNSON MILLER TANAKA SUZUKI KIM PARK NGUYEN IVANOV PETROVA BATBAYAR GARCIA MUELLER KUMAR")
_LATIN_GIVEN = words("JOHN MARY ANNA DAVID YUKI HIROSHI MINJUN SOYEON OLGA IVAN ENKHTUYA CARLOS PETRA RAHUL LINH")


def han_name(dice: Dice, sex: str, *, surname: str | None = None, rare: bool = False) -> str:
    """A Han name of two to four characters; `rare` puts a character in it that GB2312 does not hold."""
    pool = _MALE if sex == "M" else _FEMALE
    first, second = dice.pick(pool), dice.pick(pool)
    if rare:
        first, second = (first, dice.pick(_RARE_ONES)) if dice.below(2) else (dice.pick(_RARE_ONES), second)
    family = surname or dice.pick(SURNAMES)
    return family + (second if dice.below(100) < 18 and not (rare and second not in RARE) else first + second)


def mongol_name(dice: Dice, sex: str) -> str:
    """A Mongolian name in Chinese characters: one word or two, one in six with a dot, one in eight with a surname."""
    last = dice.pick(_MONGOL_MALE if sex == "M" else _MONGOL_FEMALE)
    shape = dice.below(48)
    if shape < 4 and len(last) > 1:
        return last
    name = dice.pick(_MONGOL_FIRST) + ("·" if shape < 12 else "") + last
    return dice.pick(MONGOL_SURNAMES) + name if shape > 41 else name


def dotted_name(dice: Dice) -> str:
    """A transcribed name of two words and the dot between them."""
    return dice.pick(_DOTTED_FIRST) + "·" + dice.pick(_DOTTED_LAST)


def latin_name(dice: Dice) -> str:
    """A foreigner's name in capitals, family name first; some bear a second given name."""
    second = " " + dice.pick(_LATIN_GIVEN) if dice.below(4) == 0 else ""
    return f"{dice.pick(_LATIN_FAMILY)} {dice.pick(_LATIN_GIVEN)}{second}"


def mongol_parts(name: str) -> tuple[str, str, str]:
    """Surname or nothing, first word or nothing, last word of a Mongolian name."""
    bare = name.replace("·", "")
    for surname in ("", bare[:1]):
        rest = bare.removeprefix(surname)
        first = next((word for word in _LONGEST_FIRST if rest.startswith(word) and rest != word), "")
        if first and (not surname or surname in MONGOL_SURNAMES):
            return surname, first, rest.removeprefix(first)
    return "", "", bare


def surname_of(name: str) -> str:
    """The surname of a Han name."""
    return name[:2] if name[:2] in _COMPOUND else name[:1]


def fits(character: str, encoding: str) -> bool:
    """Whether an encoding (gbk, gb2312) holds this character."""
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@cache
def traditional(character: str) -> str:
    """The character as it is written in Hong Kong and Taiwan (OpenCC s2t); itself where both are alike."""
    # Loaded here because only names written the traditional way need its tables.
    return str(_converter().convert(character))


@cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("s2t")


_LONGEST_FIRST: Final = sorted(set(_MONGOL_FIRST), key=lambda word: (-len(word), word))
_COMPOUND: Final = frozenset(name for name in SURNAMES if len(name) > 1)
_RARE_ONES: Final[Sequence[str]] = tuple(RARE)
