"""Deliveries in words."""

from __future__ import annotations

from typing import Final

DELIVERIES: Final = {
    "pending": "待送",
    "leased": "送达中",
    "accepted": "已收下",
    "refused": "已拒收",
    "unknown": "结果不明",
    "unavailable": "对方暂不可用",
    "absent": "对方没有",
    "dead": "死信",
    "overtaken": "已由新版取代",
}
"""Where deliveries stand, and what came of an attempt."""

DELIVERY_STATES: Final = ("pending", "leased", "accepted", "refused", "unknown", "dead", "overtaken")
