"""A new feed as a draft: a file with every option its way of speaking needs, switched off until it is filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import msgspec

from gateway.errors import WrongUse
from gateway.ports import Address, FeedWay, Region, Registry, SecretName, SiteFolder

TO_FILL: Final = "待填"
"""What stands where only a person knows what belongs there."""

_DRAFT: Final = "草稿，尚未启用"
_OFF: Final = re.compile(r"(?m)^enabled[ \t]*=[ \t]*false\b.*$")
_DRAFT_LINE: Final = re.compile(rf"(?m)^(# .*)：{_DRAFT}。.*$")


class FeedDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a new feed; `options` of its connector, as text. `expires`: the agreement's last day."""

    feed: str
    kind: str
    name: str
    region: str
    association: str
    options: Mapping[str, str] = {}
    owner: str = TO_FILL
    agreement: str = TO_FILL
    purpose: str = TO_FILL
    expires: str = ""


def draft_text(draft: FeedDraft, registry: Registry) -> str:
    """The file of a feed that is not in force. Raises WrongUse for a way of speaking or an option that is not there."""
    if draft.kind not in registry.feeds:
        raise WrongUse(f"没有连接方式 {draft.kind}；可用：{'、'.join(sorted(registry.feeds))} (no such kind)")
    way = registry.feeds[draft.kind]
    fields = {field.name: field for field in msgspec.structs.fields(way.spec)}
    unknown = sorted(set(draft.options) - set(fields))
    if unknown:
        raise WrongUse(f"{draft.kind} 没有选项 {'、'.join(unknown)}；可用：{'、'.join(fields)} (no such option)")
    needed = {name: None for name, field in fields.items() if field.required}
    lines = [
        f"# {draft.name}：{_DRAFT}。填好各处{TO_FILL}，再用 hubao feed activate 启用 (a draft, not in force)。",
        f"feed = {_toml(draft.feed)}",
        "version = 1",
        f"name = {_toml(draft.name)}",
        f"region = {_toml(draft.region)}",
        f"intake = {_toml(way.intake)}",
        f"mapping = {_toml(draft.feed)}",
        f"associations = [{_toml(draft.association)}]",
        f"owner = {_toml(draft.owner)}",
        "enabled = false",
        "",
        "[connector]",
        f"kind = {_toml(draft.kind)}",
        *(f"{key} = {_option(way, draft, key)}" for key in (needed | dict.fromkeys(draft.options))),
        *(["", "[schedule]", "at = 02:00:00"] if way.intake != "receive" else []),
        "",
        "[legal]",
        f"agreement = {_toml(draft.agreement)}",
        f"purpose = {_toml(draft.purpose)}",
        f"expires = {_last_day(draft.expires)}",
    ]
    return "\n".join(lines) + "\n"


def options_to_tell(draft: FeedDraft, registry: Registry) -> list[str]:
    """The options that a draft's way of speaking needs, that were not told and that nothing stands in for."""
    way = registry.feeds.get(draft.kind)
    fields = msgspec.structs.fields(way.spec) if way is not None else ()
    needed = [field.name for field in fields if field.required and field.name not in draft.options]
    return [key for key in needed if way is not None and _option(way, draft, key) == _toml(TO_FILL)]


def _last_day(text: str) -> str:
    """A day as TOML writes it. Raises WrongUse where it is none."""
    if not text:
        return f"2000-01-01  # {TO_FILL}"
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise WrongUse(f"到期日 {text[:20]!r} 应为 YYYY-MM-DD (expires is no day)") from None


def _option(way: FeedWay, draft: FeedDraft, key: str) -> str:
    """An option as told, else something of its type that can be told from a real one."""
    hint = get_type_hints(way.spec, include_extras=True)[key]
    if key in draft.options:
        is_number = draft.options[key].replace(".", "", 1).isdigit() and str not in (hint, *get_args(hint))
        return draft.options[key] if is_number else _toml(draft.options[key])
    stand_ins: dict[Any, str] = {
        Address: "http://127.0.0.1:8000",
        SecretName: f"file:keys/{draft.feed}.{key}",
        SiteFolder: f"data/inbound/{draft.feed}",
        Region: draft.region,
    }
    return _toml(next((text for kind, text in stand_ins.items() if kind == hint or kind in get_args(hint)), TO_FILL))


def write_drafts(site: Path, files: Mapping[str, str]) -> list[Path]:
    """Files of a draft by their places in the site. Raises WrongUse, before anything is written, where one is there."""
    existing = [place for place in files if (site / place).exists()]
    if existing:
        raise WrongUse(f"{'、'.join(existing)} 已存在，不会覆盖 (it exists and is never overwritten)")
    for place, text in files.items():
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        (site / place).write_text(text, encoding="utf-8")
    return [site / place for place in files]


def switched_on(text: str) -> str:
    """The text of a feed file with `enabled = true`, and without the words that it is a draft."""
    return _DRAFT_LINE.sub(r"\1", _OFF.sub("enabled = true", text, count=1), count=1)


def unfilled(tables: Mapping[str, Any], before: str = "") -> list[str]:
    """The keys of a feed file under which still stands that somebody must fill them in."""
    keys: list[str] = []
    for name, value in tables.items():
        if isinstance(value, Mapping):
            keys += unfilled(value, f"{before}{name}.")
        elif value == TO_FILL or (isinstance(value, list) and TO_FILL in value):
            keys.append(f"{before}{name}")
    return keys


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
