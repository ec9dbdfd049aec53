"""A proposal as the text of a mapping file: every line with its confidence and why beside it."""

from __future__ import annotations

import json
from typing import Any, Final

from gateway.core.normalise.national import national_rules
from gateway.core.studies.infer.choosing import HALF, Guess, Proposal

_DOUBT: Final = "请核对 (check this)"


def mapping_text(proposal: Proposal, *, mapping: str, name: str) -> str:
    """The whole file. It passes the check of settings; what is doubtful says so in its comment."""
    sample = proposal.sample
    lines = [
        f"# {_shown(name)}：由样本推断（{sample.rows}行），每行后面是把握（0–1）与理由；",
        f"# 不高于{HALF}的都要逐一核对 (each line with its confidence and reason; check those that are doubtful)。",
        f"mapping = {_toml(mapping)}",
        "version = 1",
        f"name = {_toml(name)}",
        *(["national = true"] if proposal.national else []),
        "",
        "[format]",
        *_table(proposal, "format", _format(proposal)),
    ]
    for table, content in (("status", sample.status), ("totals", sample.totals)):
        if content:
            lines += ["", f"[{table}]", *_table(proposal, table, content)]
    if sample.skip:
        lines += ["", "[skip]", *(f"{_toml(column)} = {_toml(texts)}" for column, texts in sample.skip.items())]
    for guess in proposal.fields:
        lines += _field(guess, proposal)
    for table, content in proposal.tables.items():
        lines += ["", f"[{table}]", *_table(proposal, table, content)]
    if proposal.unused:
        lines += ["", "# 没有字段读的列 (columns no field reads)：" + "、".join(map(_shown, proposal.unused))]
    return "\n".join(lines) + "\n"


def _format(proposal: Proposal) -> dict[str, Any]:
    form = dict(proposal.sample.format)
    if proposal.sample.kind == "fixed":
        pairs = zip(proposal.names, form["columns"], strict=True)
        form["columns"] = [{"name": name, **place} for name, place in pairs]
    elif not proposal.sample.has_names:
        form["columns"] = list(proposal.names)
    return form


def _table(proposal: Proposal, table: str, content: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in content.items():
        remark = proposal.remarks.get(f"{table}.{key}")
        lines.append(f"{key} = {_toml(value)}{f'  # {remark.confidence:.2f} {remark.why}' if remark else ''}")
    header = proposal.remarks.get("format.header") if table == "format" else None
    return [*lines, *([f"# 列名：{header.confidence:.2f} {header.why}"] if header else [])]


def _field(guess: Guess, proposal: Proposal) -> list[str]:
    why = f"{guess.confidence:.2f} {guess.why}" + (f"；{_DOUBT}" if guess.confidence <= HALF else "")
    rule = national_rules().get(guess.field)
    is_national = rule is not None and guess.sources[0] in rule.sources + rule.sum
    if proposal.national and is_national and not guess.options:
        return ["", f"# {guess.field} ← {'、'.join(map(_shown, guess.sources))}  {why}"]
    written = [f"{key} = {_toml(value)}" for key, value in guess.options.items()]
    return ["", f"[fields.{guess.field}]", f"from = {_toml(list(guess.sources))}  # {why}", *written]


def _shown(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(inside)}" for key, inside in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
