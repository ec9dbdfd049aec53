"""What waits because it would take much away from members at once, in words."""

from __future__ import annotations

from typing import Final

CAUSES: Final = {
    "file": "文件",
    "night": "一夜取数",
    "push": "一日推送",
    "roster": "名册导入",
    "rescan": "名册变更后重查",
    "replay": "重读旧页",
    "retry": "隔离重试",
}
"""What the changes belong to."""

HOLD_STATES: Final = {
    "gathering": "汇集中",
    "open": "等人确认",
    "accepted": "已接受",
    "refused": "已拒绝",
    "released": "已自动入账",
    "expired": "已过期",
}

MOVES: Final = {
    "new": "新增",
    "raised": "调高",
    "lowered": "调低",
    "withdrawn": "撤回",
    "amended": "内容变更",
}
"""What becomes of a claim."""

OUTCOMES: Final = {
    "shown": "尚未写入；同意请用 hubao holds accept，不同意请用 hubao holds refuse (nothing written yet)",
    "accepted": "已接受并写入 (accepted and written)",
    "proposed": "金额较大，须由另一人用 --confirm 确认 (another person must confirm with --confirm)",
    "changed": "与上次显示的差异不同，未写入：请再看一遍再接受 (not what was last shown: look again, nothing written)",
}
"""What came of looking at a hold or accepting it."""
