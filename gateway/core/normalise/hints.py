"""What stands where a value could not be read, what is agreed, and which key of the mapping would take it.

Only the shape of a value is told, never the value: how many digits, what kind of text. Codes are told where they have a
form that holds nobody's data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from gateway.core.normalise.dates import DATE_FORMATS, DATETIME_FORMATS, datetime_parser
from gateway.core.normalise.language import FieldRule, default_parser
from gateway.core.normalise.problems import Wrong, shown_code

_SHAPES: Final = (
    (re.compile("[0-9]{3,}[eE][+-]?[0-9]+|[0-9]+[.][0-9]*[eE][+-]?[0-9]+"), "科学计数法"),
    (re.compile("[+-]?[0-9]*[.][0-9]*"), "带小数点的数字"),
    (re.compile("[0-9]{1,3}([,，][0-9]{3})+([.][0-9]*)?"), "带千分位的数字"),
    (re.compile("[0-9]{1,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,4}日?([ T].*)?"), "另一种写法的日期"),
    (re.compile("[￥¥$]?[+-]?[0-9.,]+[元圆%]?"), "带单位或符号的数字"),
    (re.compile("[０-９．，－]+"), "全角数字"),
    (re.compile("[A-Za-z0-9_.-]+"), "字母和数字"),
)
_TIMES: Final = ((" [0-9]{1,2}:[0-9]{2}:[0-9]{2}", " H:mm:ss"), (" [0-9]{1,2}:[0-9]{2}", " H:mm"), ("", ""))
_DAYS: Final = (
    ("[12][0-9]{3}-[0-9]{1,2}-[0-9]{1,2}", "yyyy-M-d"),
    ("[12][0-9]{3}/[0-9]{1,2}/[0-9]{1,2}", "yyyy/M/d"),
    ("[12][0-9]{3}[.][0-9]{1,2}[.][0-9]{1,2}", "yyyy.M.d"),
    ("[12][0-9]{3}年[0-9]{1,2}月[0-9]{1,2}日", "yyyy年M月d日"),
)
_FORMATS: Final = (
    *((re.compile(day + time), form + clock) for day, form in _DAYS for time, clock in _TIMES),
    (re.compile("(19|20)[0-9]{2}[01][0-9][0-3][0-9]"), "yyyyMMdd"),
    (re.compile("(19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{6}"), "yyyyMMddHHmmss"),
)
"""What is written so → the format that would take it."""

_SAYS_IT_ALL: Final = frozenset(("bad_id_number", "bad_encoding", "control_character", "damaged_number"))
_GROUPED: Final = re.compile("[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]*)?")
_AMOUNTS: Final = "约定 20000、20000.00、.50、-20000.00"
# Excel counts days from 1900; these are the days from 1954 to 2064.
_EXCEL_DAY: Final = re.compile("[2-5][0-9]{4}([.][0-9]+)?")
_COUNTED: Final = re.compile("-?([0-9]{10}|[0-9]{12,13})")


def hint(field: str, code: str, rule: FieldRule, values: Sequence[Any]) -> str:
    """What was found and what would be read, in words; "" where the sentence of the code says it all.

    `values`: what stands in the feed's sources of the field, in their order.
    """
    value = next((value for value in values if value is not None and value != ""), None)
    if value is None or code in _SAYS_IT_ALL:
        return ""
    text = str(value).strip() if type(value) in (str, int) else ""
    shape = f"读到{_shape(value, text)}"
    if code in ("not_a_date", "not_a_datetime", "too_early"):
        return "；".join(filter(None, (shape, *_about_dates(field, code, rule, text))))
    if code == "not_an_amount":
        grouped = not rule.thousands and _GROUPED.fullmatch(text)
        allowed = f"要接受千分位，在 [fields.{field}] 写 thousands = true" if grouped else _AMOUNTS
        return f"{shape}；{allowed}"
    if code == "unknown_code":
        return f"读到代码 {shown_code(text)}；在 [fields.{field}] 的 codes 里写上它 (add it to codes)"
    return shape


def _shape(value: Any, text: str) -> str:
    if type(value) is bool:
        return "真假值 (true or false)"
    if type(value) is list:
        return "数组 (an array)"
    if type(value) is dict:
        return "对象 (an object)"
    if text.lstrip("-").isdigit() and text.isascii():
        return f"{len(text.lstrip('-'))}位{'负' if text.startswith('-') else ''}数字"
    named = next((words for pattern, words in _SHAPES if pattern.fullmatch(text)), None)
    return named or f"{len(text)}个字符的文字"


def _about_dates(field: str, code: str, rule: FieldRule, text: str) -> list[str]:
    own = default_parser(field)
    agreed = rule.formats or (DATE_FORMATS if own == "date" else DATETIME_FORMATS)
    words = [f"约定 {'、'.join(agreed)}{'、1970年起的毫秒或秒' if rule.epoch_ms else ''}"]
    if code == "too_early":
        return [f"若它表示没有日期，在 [fields.{field}] 写上 empty (if it means no date, name it in empty)"]
    form = next((form for pattern, form in _FORMATS if pattern.fullmatch(text)), None)
    if form is not None and not _is_a_day(text, form):
        words.append("没有这一天 (no such day)")
    elif form is not None and form not in agreed:
        written = ", ".join(f'"{name}"' for name in (*agreed, form))
        words.append(f"要接受它，在 [fields.{field}] 写 formats = [{written}]")
    elif _EXCEL_DAY.fullmatch(text):
        words.append(
            "像是Excel的日期序号：请在表格里把这一列设为日期 yyyy-mm-dd 或文本，再导出"
            " (Excel's day number: set the column to a date or to text)"
        )
    elif not rule.epoch_ms and _COUNTED.fullmatch(text):
        words.append(f"像是时间戳：要接受它，在 [fields.{field}] 写 epoch_ms = true")
    return words


def _is_a_day(text: str, form: str) -> bool:
    try:
        return datetime_parser((form,), frozenset(), epoch_ms=False)(text) is not None
    except Wrong:
        return False
