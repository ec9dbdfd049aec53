"""What a key of a settings file may say, in the words of whoever writes it: the library that checks says it in English
only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_LIMITS: Final = {
    "greater_than": "大于 {gt} (greater than {gt})",
    "greater_than_equal": "不小于 {ge} (at least {ge})",
    "less_than": "小于 {lt} (less than {lt})",
    "less_than_equal": "不大于 {le} (at most {le})",
    "string_too_short": "至少 {min_length} 个字 (at least so many letters)",
    "string_too_long": "至多 {max_length} 个字 (at most so many letters)",
    "too_short": "至少 {min_length} 项 (at least so many entries)",
    "too_long": "至多 {max_length} 项 (at most so many entries)",
    "string_pattern_mismatch": "符合 {pattern} 的文字 (a text of this pattern)",
    "decimal_max_places": "至多 {decimal_places} 位小数 (at most so many decimals)",
    "decimal_max_digits": "至多 {max_digits} 位数字 (at most so many digits)",
    "decimal_whole_digits": "整数部分至多 {whole_digits} 位 (at most so many digits before the point)",
}
"""Type of the error → what it allows, with the limit the specification sets."""

_KINDS: Final = {
    "string": "文字，写在引号里 (a text in quotes)",
    "int": "整数 (a whole number)",
    "float": "数字 (a number)",
    "decimal": "数字 (a number)",
    "bool": "true 或 false (true or false)",
    "date": "日期，如 2026-03-01 (a day)",
    "datetime": "时间，如 2026-03-01T08:00:00+08:00 (an instant)",
    "time": "时刻，如 02:00:00 (a time of day)",
    "list": "方括号里的一列 (a list in square brackets)",
    "tuple": "方括号里的一列 (a list in square brackets)",
    "dict": "一张表 (a table)",
    "model": "一张表 (a table)",
}
"""First word of an error's type (`int_parsing`, `date_from_datetime_inexact`) → the kind of value wanted."""

_CHINESE: Final = re.compile("[\u4e00-\u9fff]")


def allowed_in_words(problem: Mapping[str, Any]) -> str:
    """What is allowed where one error of a check was found."""
    kind, message = problem["type"], str(problem["msg"]).removeprefix("Value error, ")
    if kind in _LIMITS:
        return _LIMITS[kind].format(**problem.get("ctx", {}))
    if kind.split("_")[0] in _KINDS:
        return _KINDS[kind.split("_")[0]]
    return message if _CHINESE.search(message) else f"合乎规定的值 ({message})"
