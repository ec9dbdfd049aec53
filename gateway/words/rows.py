"""What became of a row, in words."""

from __future__ import annotations

from typing import Final

CLASSES: Final = {
    "member": "会员",
    "left": "会员·不属保障",
    "stranger": "非会员",
    "review": "待核",
    "duplicate": "重复",
    "superseded": "已被取代",
    "quarantined": "隔离",
}
"""What became of a row."""
