"""Files that lie where a feed drops them and are not taken in, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.core.masks import mask_personal
from gateway.core.watching.expectation import Expectation
from gateway.model.page import WaitingFile
from gateway.model.trouble import Trouble

WHY: Final = {
    "no_marker": "缺少完成标记 (no marker)",
    "marker_old": "完成标记早于文件 (the marker is older than the file)",
    "still": "仍在写入或刚写完 (being written, or not still for long enough)",
    "case": "文件名大小写与约定不同 (upper and lower case differ from the pattern)",
    "marker_case": "完成标记大小写与约定不同 (upper and lower case of the marker differ)",
    "pattern": "文件名与约定不符 (the name does not fit the pattern)",
    "link": "是链接，不会打开 (a link, which is never opened)",
    "special": "是管道、设备等，不是文件，不会打开 (a pipe or a device, which is never opened)",
    "folder": "是子目录，里面的文件不读 (a folder, whose files are not read)",
    "marker_alone": "只有完成标记，没有文件 (a marker without its file)",
}
"""Why a file waits → what people read."""

_NEVER_BY_ITSELF = ("case", "marker_case", "link", "special")
"""What no waiting mends."""

_SAID_ONLY = ("pattern", "folder")
"""What may well be nothing of the feed's."""

_SHOWN = 20

_COPY = re.compile(
    r"[\s_-]*(?:[(（]\d{1,3}[)）]|(?:-|_|\s)*(?:副本|复件|更正|修正|重传|最终|copy|new|final|v\d{1,2})(?:[\s_]*[(（]?\d{1,3}[)）]?)?)$",
    re.IGNORECASE,
)
"""What programs and people put behind the name of a file that is there already."""


def waiting_files(feed: str, files: Sequence[WaitingFile], expect: Expectation, *, now: datetime) -> list[Trouble]:
    """One for a feed, with each file by name, why it waits and for how long. To act on where one waits for longer than
    it may, or will never be taken in as it is; files the pattern does not mean and folders are only
    said."""
    if not files:
        return []
    longest = timedelta(hours=expect.waiting_hours)
    overdue = any(
        file.why in _NEVER_BY_ITSELF or (file.why not in _SAID_ONLY and now - file.since > longest) for file in files
    )
    by_age = sorted(files, key=lambda file: (file.why in _SAID_ONLY, file.since))
    lines = [f"{mask_personal(file.name)}：{WHY[file.why]}，{how_long(now - file.since)}" for file in by_age[:_SHOWN]]
    detail = "；".join(lines) + (f"；等{len(files)}个文件" if len(files) > _SHOWN else "")
    days, level = tuple(file.since.date() for file in files), "act" if overdue else "know"
    trouble = Trouble(code="files_waiting", kind="feed", name=feed, count=len(files), days=days, detail=detail)
    return [msgspec.structs.replace(trouble, level=level)]


def how_long(waited: timedelta) -> str:
    """How long in the largest unit that fits."""
    minutes = max(0, int(waited.total_seconds() // 60))
    if minutes < 60:
        return f"已{minutes}分钟"
    hours = minutes // 60
    return f"已{hours}小时" if hours < 48 else f"已{hours // 24}天"


def without_copy_mark(name: str) -> str:
    """The name of a file without what marks it as a copy or a correction of another, and without its ending's case."""
    stem, dot, ending = name.rpartition(".")
    stem = stem if dot else name
    while (shorter := _COPY.sub("", stem)) != stem:
        stem = shorter
    return f"{stem}.{ending}".lower() if dot else stem.lower()
