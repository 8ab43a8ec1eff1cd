"""The drawing of a net (figure 3)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from zfutils.report.plot.page import GREY, blank

_BLUES = {"front": "#dcebf5", "side": "#a9cbe3", "edge": "#1b6ca8"}


def architecture(rows: dict[str, pd.DataFrame]) -> Figure:
    """Draw nets as in figure 3: a slab for the maps of every stage, a bar for fully connected units.

    Args:
        rows: caption and stages of each net; columns `stage`, `side` (pixels; 1 for units), `maps`, `text` (what leads to it) and
            `printed` (the paper's size, or empty).

    Returns:
        A figure with one axes a net.
    """
    figure, axes = blank(len(rows), 1, figsize=(13, 3.5 * len(rows)), squeeze=False)
    for axis, (caption, stages) in zip(axes.flat, rows.items(), strict=True):
        _draw_net(axis, stages)
        axis.set_title(caption)
    return figure


def _draw_net(axis: Axes, stages: pd.DataFrame) -> None:
    """One net, left to right."""
    x = 0.0
    for row in stages.itertuples():
        height = 0.35 + 2.3 * (row.side / stages["side"].max()) ** 0.5 if row.side > 1 else 2.2
        depth = 0.12 + 0.85 * (row.maps / 400) ** 0.5 if row.side > 1 else 0.16
        _slab(axis, x, height, min(depth, 1.3), flat=row.side == 1)
        middle = x + depth / 2
        size = f"{row.maps} x {row.side} x {row.side}" if row.side > 1 else f"{row.maps}"
        axis.text(middle, -height / 2 - 0.16, row.stage, ha="center", va="top", weight="bold", fontsize=8)
        axis.text(middle, -height / 2 - 0.46, size, ha="center", va="top", fontsize=7.5, color=_BLUES["edge"])
        axis.text(middle, -height / 2 - 0.74, row.printed, ha="center", va="top", fontsize=7.5, color=GREY)
        axis.text(middle, height / 2 + 0.3, row.text, ha="center", va="bottom", fontsize=7, color="#333333")
        x += depth + 0.95
    axis.set(xlim=(-0.4, x), ylim=(-2.5, 2.6), aspect="equal")
    axis.set_axis_off()


def _slab(axis: Axes, x: float, height: float, depth: float, *, flat: bool) -> None:
    """A block seen from its left front: the square of a map, and the maps behind it."""
    style = {"ec": _BLUES["edge"], "lw": 0.8}
    low, high, lift = -height / 2, height / 2, 0.0 if flat else 0.18
    side = [(x, low), (x + depth, low + lift), (x + depth, high + lift), (x, high)]
    axis.add_patch(Polygon(side, fc=_BLUES["side"] if not flat else _BLUES["front"], **style))
    if not flat:
        axis.add_patch(Rectangle((x - 0.09, low), 0.09, height, fc=_BLUES["front"], **style))
