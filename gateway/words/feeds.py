"""Feeds and their runs in words."""

from __future__ import annotations

from typing import Final

INTAKES: Final = {"pull": "取文件", "sweep": "逐人查询", "receive": "接收推送"}

RUNS: Final = {
    "done": "完成",
    "failed": "失败",
    "stopped": "中止",
    "done_before": "此前已完成",
    "closed": "对方维护，未取数",
    "paused": "对方维护，稍后接着取",
    "cut_off": "未结束",
    "expired": "协议到期，未取数",
}
"""How a run of a feed ended. One that is under way looks like one that was cut off."""
