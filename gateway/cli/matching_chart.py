"""The calibration chart: what scores promise beside what came true. An SVG by itself: no script, nothing loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pygal
from pygal.style import CleanStyle

from gateway.core.match.measuring.evaluating import Bin

_SCRIPT = re.compile(rb"<script.*?</script>|<!--.*?-->", re.DOTALL)


def calibration_chart(bins: Sequence[Bin], version: str) -> bytes:
    """The table as SVG. The same bins give the same bytes."""
    chart = pygal.Bar(
        js=(),
        style=CleanStyle,
        no_prefix=True,
        range=(0, 100),
        title=f"匹配得分的校准，模型 {version} (calibration)",
        x_title="得分与记录数 (score, records)",
        y_title="%",
        legend_at_bottom=True,
        # Labels are what a bar is about: turned they fit, cut they say nothing.
        truncate_label=-1,
        truncate_legend=-1,
        x_label_rotation=35,
    )
    chart.x_labels = [f"{bar.low:g}–{bar.high:g} ({bar.records})" for bar in bins]
    chart.add("预期 (predicted)", [_percent(bar.predicted) for bar in bins])
    chart.add("实际 (observed)", [_percent(bar.observed) for bar in bins])
    chart.add("自动匹配的实际 (observed of the matched)", [_percent(bar.observed_matched) for bar in bins])
    return _SCRIPT.sub(b"", chart.render())


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 3)
