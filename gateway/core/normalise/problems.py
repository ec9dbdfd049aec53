"""What can be wrong with a row or a page: stable codes, and sentences that never hold a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.errors import BadPage
from gateway.model.page import RowError
from gateway.words.troubles import PAGE_CODES, ROW_CODES

_CODE: Final = re.compile(r"(?=[A-Za-z0-9_.-]{1,12}$)(?!(?:.*[0-9]){7})[A-Za-z0-9_.-]+")
_STATUS: Final = re.compile(r"[-A-Za-z0-9_.]{1,16}")
_NAME: Final = re.compile(r"(?!(?:.*[0-9]){7})[^\x00-\x1f\x7f]{1,40}")
_SHEET: Final = re.compile("[A-Za-z]+[0-9]{0,2}|.*(旗|县|市|区|盟|表|页|月|日|年|说明|明细|统计|汇总|数据|代码)")
_MOST_NAMES: Final = 12
_TRADE_WORD: Final = re.compile(
    "住院|门诊|急诊|药店|购药|诊疗|就医|医院|医疗|医保|医药|生育|计划|慢性|慢病|特病|特殊|特门|大病|保险|职工|居民|公务|离休|退休|在职|灵活"
    "|结算|手工|中心|自费|转院|转外|异地|家庭|日间|手术|体检|康复|护理|[一二三]级|未定|其他|未知"
)
"""What a Chinese word must hold to be taken for one of the trade. One sign is not enough: names hold 保, 生, 民, 居."""


class Wrong(Exception):
    """One value that cannot be used. Carries only its code: which field it stands in, the reader knows. `detail`: what
    else may be told of a whole row; it must hold no value."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(code)


def row_error(code: str, field: str, sources: tuple[str, ...] = (), detail: str = "") -> RowError:
    """A row error with its sentence, naming the field and the feed's own names for it. `detail` tells what was found
    and what is allowed; it must hold no value."""
    place = f"{field}（{'、'.join(sources)}）" if sources else field
    sentence = f"{ROW_CODES[code]}；{detail}" if detail else ROW_CODES[code]
    return RowError(code=code, field=field, message=f"{place}：{sentence}" if place else sentence)


def fields_of(error: RowError) -> list[str]:
    """The fields that are wrong; of missing amounts, which are told together, each of them."""
    return error.message.rpartition("；")[2].split("、") if error.code == "missing_amount" else [error.field]


def bad_page(code: str, detail: str = "") -> BadPage:
    """A page error with its sentence. `detail` must not come from a person's data."""
    return BadPage(code, f"{PAGE_CODES[code]}{'：' if detail else ''}{detail}")


def nothing_at(paths: Sequence[str], names: Sequence[str]) -> str:
    """Where settlements were looked for, and what stands at the top of the message, as far as it may be shown."""
    tops = [name for name in dict.fromkeys(names) if _NAME.fullmatch(name)][:_MOST_NAMES]
    return f"找过 {'、'.join(paths)}；报文最外层有 {'、'.join(tops) or '—'} (looked at; at the top there is)"


def shown_sheet(place: int, title: str) -> str:
    """Which sheet of a workbook, by its place (from 1) and, where that holds nobody's name, by its own name."""
    named = f"“{title}”" if _SHEET.fullmatch(title) and _NAME.fullmatch(title) else ""
    return f"第{place}张工作表{named} (sheet {place})"


def shown_status(text: str) -> str:
    """A platform's own status as it may be shown: a short code; of anything else nothing."""
    return text if _STATUS.fullmatch(text) else "状态 (status)"


def shown_code(text: str) -> str:
    """A code as it may be shown: letters and a few digits, or a word of the trade; of anything else only its length."""
    if _CODE.fullmatch(text) or (len(text) <= 12 and _TRADE_WORD.search(text) and not re.search("[0-9]{7}", text)):
        return text
    return f"（{len(text)}字 characters）"
