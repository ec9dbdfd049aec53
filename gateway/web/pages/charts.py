"""Charts as SVG, drawn by templates from numbers that are laid out here; each has its table beside it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

WIDTH = 420
LEFT, RIGHT = 150, 70


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of a waterfall: from where to where in pixels, what it is, what it adds and the sum so far."""

    left: float
    width: float
    words: str
    level: str
    weight: float
    running: float


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """Bars one under the other; `zero`: where nothing speaks for or against, in pixels."""

    bars: list[Bar]
    zero: float


def waterfall(steps: Sequence[tuple[str, str, float, float]]) -> Waterfall:
    """What speaks for and against, step by step: words, level, weight and the sum so far (bits)."""
    sums = [0.0, *(running for _, _, _, running in steps)]
    low, high = min(sums), max(sums)
    scale = (WIDTH - LEFT - RIGHT) / ((high - low) or 1)
    bars = []
    for words, level, weight, running in steps:
        begin, end = sorted((running - weight, running))
        left = LEFT + (begin - low) * scale
        width = max(1.5, (end - begin) * scale)
        bars.append(Bar(left=left, width=width, words=words, level=level, weight=weight, running=running))
    return Waterfall(bars=bars, zero=LEFT + (0 - low) * scale)


def sparkline(values: Sequence[int], *, width: int = 160, height: int = 28) -> str:
    """The points of a polyline over these values, the oldest first; empty for fewer than four, which say nothing."""
    if len(values) < 4:
        return ""
    most = max(values) or 1
    step = width / (len(values) - 1)
    return " ".join(
        f"{at * step:.1f},{height - 2 - value * (height - 4) / most:.1f}" for at, value in enumerate(values)
    )
