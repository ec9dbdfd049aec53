"""The chart of a simulation: a year's outlay by take-up under both sets of rules, against what the fees bring in.

The SVG stands alone: nothing is loaded from outside, because these networks have no internet, and it holds no script.
"""

from __future__ import annotations

from typing import Any, Final

import pygal
from pygal.style import Style

from gateway.model.money import yuan
from gateway.runners.simulation import SimulationResult

_FONT: Final = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
_FEN_OF_WAN: Final = 1_000_000


def draw(outcome: SimulationResult) -> bytes:
    """The chart as SVG bytes."""
    total = outcome.figures.total
    change = f"{'+' if total.after >= total.before else ''}{yuan(total.after - total.before)} 元"
    chart = pygal.XY(
        js=(),
        style=Style(font_family=_FONT, background="white", plot_background="white"),
        title=f"{outcome.rules.before.name}：草案与现行对比（同样的结算 {change}）",
        x_title="每百名会员每年申领件数",
        y_title="万元（一年）",
        legend_at_bottom=True,
        include_x_axis=True,
        pretty_print=True,
        width=900,
        height=560,
    )
    chart.add(f"现行 {outcome.rules.edition.name}", _points(outcome, after=False))
    chart.add(outcome.rules.draft.name, _points(outcome, after=True))
    if outcome.after.income is not None:
        ends = (outcome.forecast[0].per_100, outcome.forecast[-1].per_100)
        label = f"会费收入 {yuan(outcome.after.income)} 元"
        chart.add("会费收入", [{"value": (x / 100, _wan(outcome.after.income)), "label": label} for x in ends])
    # The same result is the same file: no random name, no day of drawing.
    chart.uuid = "simulation"
    chart.add_xml_filter(_bare)
    drawn: bytes = chart.render()
    return drawn


def _points(outcome: SimulationResult, *, after: bool) -> list[dict[str, Any]]:
    amounts = [(year.per_100, year.after if after else year.before) for year in outcome.forecast]
    # Coordinates on paper are not money: the label says the exact amount.
    return [{"value": (rate / 100, _wan(fen)), "label": f"{yuan(fen)} 元"} for rate, fen in amounts]


def _wan(fen: int) -> float:
    return fen / _FEN_OF_WAN


def _bare(root: Any) -> Any:
    """The drawing without scripts and remarks."""
    for parent in list(root.iter()):
        for child in [node for node in parent if callable(node.tag) or str(node.tag).endswith("script")]:
            parent.remove(child)
    return root
