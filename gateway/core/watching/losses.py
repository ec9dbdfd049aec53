"""Claims that were withdrawn or lowered, by what did it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.masks import mask_personal
from gateway.model.losses import LossCause, LossSum
from gateway.model.money import yuan
from gateway.model.trouble import Trouble
from gateway.words.claims import FLAGS

CAUSES: Final[dict[LossCause, str]] = {
    "page": "新到数据 (rows that came)",
    "again": "重读 (rows read again)",
    "taken_back": "新文件不再包含 (left out by a newer file)",
    "people": "名册、事实或人工认定 (roster, facts, decisions)",
}
"""What made claims fall → what people read."""

_LOWERED_WORD = "降低 (lowered)"
_SHOWN = 12


def claims_taken(losses: Sequence[LossSum]) -> list[Trouble]:
    """One for each association and feed (or none, where the roster or a person made it), naming every file or day with
    the reason, how many claims and how much money."""
    groups: dict[str, list[LossSum]] = defaultdict(list)
    for loss in losses:
        groups[f"{loss.association}/{loss.feed}" if loss.feed else loss.association].append(loss)
    troubles = []
    for name, group in sorted(groups.items()):
        lines = [in_words(loss) for loss in sorted(group, key=lambda loss: -loss.amount)]
        count, amount = sum(loss.withdrawn + loss.lowered for loss in group), sum(loss.amount for loss in group)
        days = tuple(day for loss in group for day in (loss.first_day, loss.last_day))
        detail = "；".join(lines[:_SHOWN]) + (f"；等{len(lines)}项" if len(lines) > _SHOWN else "")
        trouble = Trouble(code="claims_taken", kind="association", name=name, count=count, amount=amount, days=days)
        troubles.append(msgspec.structs.replace(trouble, detail=detail))
    return troubles


def in_words(loss: LossSum) -> str:
    """What made claims fall, why, how many of them and by how much."""
    place = mask_personal(loss.source or "") or (loss.day.isoformat() if loss.day else "")
    why = FLAGS.get(loss.why, _LOWERED_WORD if loss.lowered else loss.why)
    counts = [f"撤回{loss.withdrawn}件" if loss.withdrawn else "", f"降低{loss.lowered}件" if loss.lowered else ""]
    head = " ".join(part for part in (CAUSES[loss.cause], place) if part)
    return f"{head}：{why}，{'、'.join(filter(None, counts))}，少{yuan(loss.amount)}元"
