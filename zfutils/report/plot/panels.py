"""Small charts that stand beside a slider: wide as a picture of a panel, their words large enough for it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zfutils.report.plot.page import GREY, unarranged

_BLUE, _RED = "C0", "C1"


def _fixed(rows: int = 1, columns: int = 1, *, figsize: tuple[float, float], inches: tuple[float, float, float, float], **options: object):
    """A figure and its axes, which stay where they are whatever is drawn: nothing jumps while a slider moves, and it takes half the time.

    Args:
        rows, columns: of axes.
        figsize: width and height, inches.
        inches: kept free on the left, at the bottom, on the right and at the top.
        options: as for `subplots`.
    """
    figure, (width, height), (left, bottom, right, top) = unarranged(figsize=figsize), figsize, inches
    sides = {"left": left / width, "bottom": bottom / height, "right": 1 - right / width, "top": 1 - top / height}
    return figure, figure.subplots(rows, columns, gridspec_kw={**sides, "hspace": 0.16, "wspace": 0.36}, **options)


def chain(frame: pd.DataFrame) -> Figure:
    """Draw the sides of the maps from the input up, with the printed ones where there are any.

    Args:
        frame: columns `stage`, `side` (pixels, 0 where nothing fits) and `printed` (missing where the paper prints none).

    Returns:
        A figure with one axes; a side that is not the printed one is hatched, and its label says what is printed.
    """
    figure, axis = _fixed(figsize=(3.2, 0.25 * len(frame) + 0.75), inches=(0.55, 0.5, 0.05, 0.05))
    for number, row in enumerate(frame.itertuples()):
        other = not np.isnan(row.printed) and row.printed != row.side
        axis.barh(number, row.side, height=0.7, color="#f3d3d7" if other else "#9cc3df", edgecolor=_RED if other else _BLUE)
        axis.patches[-1].set_hatch("////" if other else "")
        words = "" if np.isnan(row.printed) else f"  not {row.printed:.0f}" if other else "  as printed"
        axis.text(row.side + 4, number, f"{row.side}{words}", va="center", fontsize=9, color=_RED if other else "black")
    axis.set_yticks(range(len(frame)), frame["stage"])
    axis.set(
        xlabel="side of the maps, pixels", xlim=(0, max(frame["side"].max(), frame["printed"].max()) * 1.5), ylim=(len(frame) - 0.4, -0.6)
    )
    axis.grid(axis="y", visible=False)
    return figure


def normed(frame: pd.DataFrame, *, empty: float) -> Figure:
    """Draw the values of all maps at one position before and after a norm, and what each is multiplied by.

    Args:
        frame: columns `map`, `before`, `after`, `factor`.
        empty: the factor where no neighbouring map is active.

    Returns:
        A figure with two axes: values, and factors.
    """
    figure, (values, factors) = _fixed(2, 1, figsize=(3.6, 3.5), inches=(0.65, 0.45, 0.05, 0.05), sharex=True, height_ratios=(3, 2))
    values.bar(frame["map"], frame["before"], width=0.85, color="white", edgecolor=GREY, hatch="////", lw=0.8, label="before")
    values.bar(frame["map"], frame["after"], width=0.4, color=_BLUE, label="after")
    values.set(ylabel="value", ylim=(0, max(frame["before"].max(), frame["after"].max(), 1e-9) * 1.28))
    values.legend(fontsize=9, ncols=2, loc="upper right")
    factors.axhline(empty, color=GREY, lw=1, ls="--", label="with nothing near")
    factors.plot(frame["map"], frame["factor"], "o-", color=_RED, ms=3.5, lw=1)
    factors.set(xlabel="map", ylabel="after / before", ylim=(0, max(empty, frame["factor"].max()) * 1.5))
    factors.legend(fontsize=9, loc="upper right")
    for axis in (values, factors):
        axis.grid(axis="x", visible=False)
    return figure


def signals(frame: pd.DataFrame, *, low: float, high: float) -> Figure:
    """Draw the size of a signal layer by layer, on a log scale, beside what is usual, with the bounds of a live one.

    Args:
        frame: columns `layer`, `size` and `usual`, both above 0.
        low, high: bounds for the last layer.

    Returns:
        A figure with one axes.
    """
    figure, axis = _fixed(figsize=(3.8, 3.4), inches=(0.75, 0.6, 0.05, 0.08))
    place, ends = np.arange(len(frame)), (1e-12, 1e8)
    for start, end, word, colour in (
        (ends[0], low, "dies", "#dcdcdc"),
        (low, high, "lives", "#d6ebda"),
        (high, ends[1], "explodes", "#f3d3d7"),
    ):
        axis.fill_between((place[-1] - 0.4, place[-1] + 1.5), start, end, color=colour, lw=0)
        axis.text(place[-1] + 0.95, (start * end) ** 0.5, word, rotation=90, ha="center", va="center", fontsize=9)
    axis.plot(place, frame["usual"], "--", color=GREY, lw=1.3, label="the paper: .01, ±128")
    axis.plot(place, frame["size"], "o-", color=_BLUE, ms=4.5, label="as set")
    axis.set_xticks(place, frame["layer"], rotation=60)
    axis.set(yscale="log", ylim=ends, xlim=(-0.4, place[-1] + 1.5), ylabel="root mean square")
    axis.legend(fontsize=9, loc="lower left")
    return figure


def descent(points: np.ndarray, losses: np.ndarray, *, grid: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Figure:
    """Draw a path down a valley of two dimensions, and its loss step by step.

    Args:
        points: (steps + 1, 2), the start first.
        losses: of the points, (steps + 1,).
        grid: x (columns,), y (rows,) and the loss there (rows, columns); the path is seen as far as they reach.

    Returns:
        A figure with two axes.
    """
    x, y, height = grid
    figure, (valley, curve) = _fixed(1, 2, figsize=(6.2, 2.9), inches=(0.6, 0.45, 0.05, 0.08), width_ratios=(3, 2))
    levels = height.max() * 4.0 ** -np.arange(7.0)[::-1]
    valley.contour(x, y, height, levels=levels, colors="#b0b0b0", linewidths=0.8)
    valley.plot(points[:, 0], points[:, 1], "o-", color=_BLUE, ms=3, lw=1)
    valley.plot(*points[0], "s", color="black", ms=6)
    valley.plot(0, 0, "*", color=_RED, ms=11, zorder=5)
    valley.annotate("start", points[0], xytext=(6, 6), textcoords="offset points", fontsize=9)
    valley.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel="flat axis", ylabel="steep axis")
    curve.plot(losses.clip(1e-9), color=_BLUE, lw=1.4)
    curve.axhline(losses[0], color=GREY, lw=0.8, ls="--")
    curve.set(yscale="log", ylim=(losses[0] * 1e-6, losses[0] * 1e4), xlabel="step", ylabel="loss")
    for axis in (valley, curve):
        axis.grid(False)
    return figure
