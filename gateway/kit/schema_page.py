"""The JSON Schema of a claim as a page for people: one file, nothing from outside, no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from gateway.kit.schema_words import FIELDS, PARTS
from gateway.words.cuts import CUTS

_GROUPS: Final = {
    "fund": "医保已付",
    "outside": "基数之外",
    "share": "分段与比例",
    "limit": "限额",
    "addition": "另加",
    "decision": "协会核定",
    "reason": "整体不予补助",
}

_STYLE: Final = """
body{font:16px/1.6 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;
max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}
th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}
th{background:#f0f0f0}code{font-family:Consolas,monospace}h2{margin-top:2rem}
"""


def schema_page(schema: Mapping[str, Any]) -> str:
    """The whole page of a schema as `core.claims.told.claim_schema` makes it."""
    parts = schema["$defs"]
    order = [name for name in PARTS if name in parts] + [name for name in parts if name not in PARTS]
    lines = [
        "<!doctype html>",
        f'<html lang="zh-CN"><meta charset="utf-8"><title>{escape(schema["title"])}</title><style>{_STYLE}</style>',
        f"<h1>{escape(schema['title'])}</h1>",
        f"<p><code>{escape(schema['$id'])}</code>，{escape(schema['description'])}</p>",
        "<p>金额一律为元、两位小数的文本；日期 YYYY-MM-DD；时间带时区。机器核对用同目录的 "
        "<code>claim-1.schema.json</code>（JSON Schema 2020-12）。</p>",
        "<ul>" + "".join(f'<li><a href="#{name}">{name}</a>　{_title(name)}</li>' for name in order) + "</ul>",
    ]
    for name in order:
        lines += _part(name, parts[name])
    lines += _codes(schema["x-cut-codes"])
    return "\n".join([*lines, "</html>", ""])


def _title(name: str) -> str:
    return escape(PARTS.get(name, ""))


def _part(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h2 id="{name}">{name}　{_title(name)}</h2>'
    yield "<table><tr><th>字段</th><th>类型</th><th>必有</th><th>含义</th></tr>"
    for field, kind in part["properties"].items():
        required = "是" if field in part.get("required", ()) else ""
        words = escape(FIELDS.get(name, {}).get(field, ""))
        yield f"<tr><td><code>{field}</code></td><td>{_type(kind)}</td><td>{required}</td><td>{words}</td></tr>"
    yield "</table>"


def _type(kind: Mapping[str, Any]) -> str:
    """A type in a word or two, with links to the parts it is made of."""
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in kind:
        return " 或 ".join(_type(option) for option in kind["anyOf"])
    if "enum" in kind:
        return "、".join(f"<code>{escape(str(value))}</code>" for value in kind["enum"])
    if kind.get("type") == "array":
        return f"数组，每项 {_type(kind['items'])}" if "items" in kind else "数组"
    if kind.get("type") == "object":
        values = kind.get("additionalProperties")
        return f"对象，值为 {_type(values)}" if isinstance(values, Mapping) else "对象"
    return _plain_type(kind)


def _plain_type(kind: Mapping[str, Any]) -> str:
    if kind.get("format") == "date":
        return "日期"
    if kind.get("format") == "date-time":
        return "时间"
    if "\\." in kind.get("pattern", ""):
        return "金额（元）"
    return {"string": "文本", "integer": "整数", "boolean": "true/false", "null": "null"}.get(
        kind.get("type", ""), escape(str(kind.get("type", "")))
    )


def _codes(codes: list[dict[str, str]]) -> Iterator[str]:
    yield '<h2 id="cuts">扣减代码（Cut.code）</h2>'
    yield "<p>已发布的代码含义不变；会有新的，不认识的按 <code>text</code> 显示。</p>"
    yield "<table><tr><th>代码</th><th>类</th><th>含义</th></tr>"
    for code in sorted(codes, key=lambda code: list(_GROUPS).index(code["group"])):
        group = _GROUPS[CUTS[code["code"]].group]
        yield f"<tr><td><code>{code['code']}</code></td><td>{group}</td><td>{escape(code['text'])}</td></tr>"
    yield "</table>"
