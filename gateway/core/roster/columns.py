"""The columns of a roster, by our name and by what associations write above them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import msgspec

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "member_no": ("会员号", "会员编号", "会员证号", "互助会员号", "职工编号"),
    "name": ("姓名", "会员姓名", "职工姓名"),
    "id_type": ("证件类型", "证件种类", "身份证件类型"),
    "id_number": ("证件号码", "证件号", "身份证号", "身份证号码", "身份证", "公民身份号码"),
    "sex": ("性别", "gender"),
    "birth_date": ("出生日期", "出生年月日", "生日"),
    "phone": ("手机号", "手机号码", "手机", "联系电话", "电话", "联系方式"),
    "unit_no": ("单位编号", "单位代码", "单位号"),
    "unit_name": ("单位名称", "单位", "工作单位", "所在单位"),
    "league": ("盟市", "所属盟市", "所在盟市"),
    "category": ("人员类别", "会员类别", "类别", "在职退休"),
    "scheme": ("险种", "互助计划", "计划", "保障计划", "互助项目"),
    "coverage_from": (
        "保障开始",
        "保障开始日期",
        "起始日期",
        "开始日期",
        "保障起",
        "保障起期",
        "保障起始日期",
    ),
    "coverage_to": ("保障结束", "保障结束日期", "终止日期", "结束日期", "保障止", "保障止期", "保障终止日期"),
    "joined_on": ("参加日期", "参互日期", "加入日期", "参加互助日期"),
    "shares": ("份数", "份", "参保份数", "参加份数", "购买份数", "互助份数"),
    "classes": ("人员身份", "会员身份", "特殊身份", "身份"),
    "end_on": ("终止", "终止日", "提前终止", "提前终止日期", "退保日期"),
    "opt_out": ("不参与", "不参加", "退出", "不参与免申即享"),
}
"""Our column → the Chinese names and synonyms it may carry; the first is the one used in messages."""

MANDATORY: Final = ("member_no", "name", "id_number")
COVERAGE: Final = ("coverage_from", "coverage_to", "scheme")
BEGINNINGS: Final = ("coverage_from", "joined_on")
"""Where the periods of the schemes are known, one of these is enough: their rules make the rest."""

PERIOD_DAYS: Final = frozenset(("coverage_from", "coverage_to", "joined_on"))
NEEDS_NO_PERIOD: Final = frozenset(("end_on", "opt_out"))
"""A file with one of these may tell nothing else: that something ends, or who takes no part."""
CLEARABLE: Final = ("sex", "birth_date", "phone", "unit_no", "unit_name", "league")
"""The columns whose empty cells may empty what is stored, where the import says so."""

HEADER_WITHIN: Final = 10
"""A title or two may stand above the header: it is looked for in this many rows."""

_BRACKETS = re.compile(r"\(.*?\)")
_NOISE = re.compile(r"[\s*_:\-]+")
_DIGITS = re.compile(r"\d{4,}")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Where the columns stand: our name → index, names found twice, and what nobody knows (index, words)."""

    at: dict[str, int]
    doubled: tuple[str, ...]
    unknown: tuple[tuple[int, str], ...]
    width: int


def shown(column: str) -> str:
    """The name a clerk knows the column by."""
    return NAMES[column][0]


def read_header(cells: list[str]) -> Header | None:
    """The header these cells are, or None when fewer than two of them are known columns."""
    at: dict[str, int] = {}
    doubled: list[str] = []
    unknown: list[tuple[int, str]] = []
    for index, cell in enumerate(cells):
        column = _KNOWN.get(plain(cell))
        if column is None:
            # Header words may be shown. Digits in a row could be a person's, so such words are left out.
            words = cell.strip()[:20]
            unknown += [(index, "" if _DIGITS.search(words) else words)] if words else []
        elif column in at:
            doubled.append(column)
        else:
            at[column] = index
    if len(at) < 2:
        return None
    width = max(index for index, cell in enumerate(cells, start=1) if cell.strip())
    return Header(at=at, doubled=tuple(doubled), unknown=tuple(unknown), width=width)


def names_column(text: str, column: str) -> bool:
    """Whether a cell holds the name of this column."""
    return _KNOWN.get(plain(text)) == column


def known_columns(cells: list[str]) -> int:
    """How many of these cells name a column."""
    return sum(plain(cell) in _KNOWN for cell in cells)


def missing_columns(
    header: Header, *, coverage_required: bool, scheme_given: bool, rules_known: bool = False
) -> tuple[str, ...]:
    """The columns that must be there and are not. `rules_known`: a period may be made by its scheme's own rule."""
    coverage: tuple[str, ...] = COVERAGE[:2] if scheme_given else COVERAGE
    if rules_known:
        begins = any(column in header.at for column in BEGINNINGS)
        coverage = tuple(column for column in coverage if column == "scheme" or (column in BEGINNINGS and not begins))
    if NEEDS_NO_PERIOD & header.at.keys() and not PERIOD_DAYS & header.at.keys():
        coverage = ("scheme",) if "end_on" in header.at and not scheme_given else ()
    required = MANDATORY + (coverage if coverage_required else ())
    return tuple(column for column in required if column not in header.at)


def letter(index: int) -> str:
    """The letter a spreadsheet shows for a column index: 0 → A, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def plain(cell: str) -> str:
    """A header cell as it is compared: half width, lower case, without spaces, stars, marks and brackets."""
    text = unicodedata.normalize("NFKC", cell).lower()
    return _NOISE.sub("", _BRACKETS.sub("", text)).strip("\ufeff'\"")


_KNOWN: Final[dict[str, str]] = {plain(word): column for column, words in NAMES.items() for word in (column, *words)}
