"""What a figure leaves out, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def waiting_words(waiting: Mapping[str, Any]) -> str:
    """The sentence under a figure (`WaitingBills.plain`); empty where nothing waits."""
    told = []
    if waiting["bills"]:
        told.append(f"另有{waiting['bills']}笔票据待核或读不出，合计{waiting['amount']}元")
    if waiting["held"]:
        told.append(f"{waiting['held']}人的变动待确认")
    return f"{'；'.join(told)}：均未计入以上数字 (these wait and are in no figure above)" if told else ""
