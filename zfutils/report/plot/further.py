"""Figures beyond the paper: changes from two seeds beside each other, nets by what they cost."""

import itertools
import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from zfutils.report.plot.page import GREY, blank, dots_with_ends

_STEPS = range(9, 240, 6)  # distances of a label from its dot that are tried, points
_TICKS = (1, 3, 10, 30, 100)  # of a change in points
_WAYS = 16  # directions that are tried
_ROOM = (8.0, 2.0)  # between labels beside and above each other, points
_FRONT = "front: no net is as cheap and as good, and better in one"


def beside(
    frame: pd.DataFrame,
    *,
    value: str,
    ends: tuple[str, str],
    row: str,
    hue: str,
    xlabel: str,
    printed: tuple[str, str] | None = None,
    hollow: tuple[str, str] | None = None,
    panel: str | None = None,
    title: str = "",
) -> Figure:
    """Draw a dot with its interval for each row and colour, the colours of a row below each other, and a line at 0.

    Args:
        frame: one line a row and colour; where the value is missing nothing is drawn.
        value: column of the dots.
        ends: columns of the two ends of the interval.
        row: column of the words on the left.
        hue: column of the colour.
        xlabel: of the axis, with the unit.
        printed: a column of values, equal for all colours of a row, that are drawn as open diamonds, and its word in the legend.
        hollow: a bool column of the dots that are drawn hollow, and its word in the legend.
        panel: a column whose values stand in axes of their own, one below the other, each with its own range; none for one axes.
        title: of the figure.

    Returns:
        A figure with one axes a panel.
    """
    parts = [frame] if panel is None else [own for _, own in frame.groupby(panel, sort=False)]
    hues, counts = list(dict.fromkeys(frame[hue])), [part[row].nunique() for part in parts]
    figure, axes = blank(len(parts), figsize=(8, 0.42 * sum(counts) + 0.5 + 0.8 * len(parts)), squeeze=False, height_ratios=counts)
    for axis, part in zip(axes[:, 0], parts, strict=True):
        _rows_beside(axis, part, value=value, ends=ends, row=row, hue=hue, hues=hues, printed=printed, hollow=hollow)
    axes[0, 0].set_title(title)
    axes[-1, 0].set_xlabel(xlabel)
    axes[0, 0].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _rows_beside(
    axis: Axes,
    frame: pd.DataFrame,
    *,
    value: str,
    ends: tuple[str, str],
    row: str,
    hue: str,
    hues: list[str],
    printed: tuple[str, str] | None,
    hollow: tuple[str, str] | None,
) -> None:
    """Draw the rows of one axes of `beside`."""
    rows = list(dict.fromkeys(frame[row]))
    axis.axvline(0, color=GREY, lw=0.9)
    for number, word in enumerate(hues):
        own = frame[frame[hue] == word]
        heights = [rows.index(name) + 0.36 * ((number + 0.5) / len(hues) - 0.5) for name in own[row]]
        dots_with_ends(axis, own, heights, value=value, ends=ends, colour=f"C{number}", word=word)
        if hollow is not None:
            empty = own[hollow[0]].to_numpy(bool)
            axis.plot(own[value][empty], np.array(heights)[empty], "o", color="white", ms=3.5, lw=0)
    if hollow is not None:
        axis.plot([], [], "o", color=GREY, mfc="white", ms=6, mew=1.5, lw=0, label=hollow[1])
    if printed is not None:  # over the dots, which it may share a place with
        once = frame.drop_duplicates(row)
        axis.plot(once[printed[0]], [rows.index(word) for word in once[row]], "D", color=GREY, mfc="none", ms=5, lw=0, label=printed[1])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(axis="y", visible=False)


def signs(
    frame: pd.DataFrame,
    *,
    value: str,
    ends: tuple[str, str],
    row: str,
    printed: str,
    limit: float,
    xlabel: str,
    title: str = "",
) -> Figure:
    """Draw one change a row, its sign by an arrow head, and the paper's beside it; of one size and scale whatever the changes are.

    The axis is linear up to 1 on either side and logarithmic beyond, so that the sign of a small change is seen beside a large one.

    Args:
        frame: one line a row; where the value is missing nothing but the paper's is drawn.
        value: column of the changes.
        ends: columns of the two ends of the interval; where it covers 0 the head is a ring.
        row: column of the words on the left.
        printed: column of the paper's changes, drawn as a diamond.
        limit: end of the axis on either side.
        xlabel: of the axis, with the unit.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(6.5, 0.36 * len(frame) + 1.3))
    axis.axvline(0, color=GREY, lw=0.9)
    heights = pd.Series(range(len(frame)), frame.index)
    axis.plot(frame[printed], heights, "D", color=GREY, mfc="white", ms=5, lw=0, label="the paper")
    undecided = (frame[ends[0]] <= 0) & (frame[ends[1]] >= 0)
    kinds = {"higher": (">", "C3", ~undecided & (frame[value] > 0)), "lower": ("<", "C0", ~undecided & (frame[value] < 0))}
    for word, (marker, colour, own) in (kinds | {"undecided": ("o", GREY, undecided)}).items():
        axis.hlines(heights[own], frame.loc[own, ends[0]], frame.loc[own, ends[1]], color=colour, lw=2, alpha=0.55)
        face = "white" if word == "undecided" else colour
        axis.plot(frame.loc[own, value], heights[own], marker, color=colour, mfc=face, ms=8, lw=0, label=word)
    axis.set_xscale("symlog", linthresh=1, linscale=0.6)
    axis.set(xlabel=xlabel, ylim=(len(frame) - 0.5, -0.5), xlim=(-limit, limit), title=title)
    ticks = [sign * tick for sign in (-1, 1) for tick in _TICKS if tick <= limit]
    axis.set_xticks([*ticks, 0], [*(f"{tick:+g}" for tick in ticks), "0"])
    axis.set_yticks(heights, frame[row])
    axis.grid(axis="y", visible=False)
    figure.legend(fontsize=8, loc="outside lower center", ncols=4)
    return figure


def scatter(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    ends: tuple[str, str],
    hue: str,
    label: str,
    xlabel: str,
    ylabel: str,
    front: str | None = None,
    title: str = "",
) -> Figure:
    """Draw a dot with its interval for each row of a table, each joined to a label; no label covers a dot, another label or the step line.

    Args:
        frame: one line a dot.
        x, y: columns; x stands on a logarithmic scale, and y too where all intervals lie above 0.
        ends: columns of the two ends of the interval of y.
        hue: column of the colour.
        label: column of the words beside the dots.
        xlabel, ylabel: of the axes, with units.
        front: a bool column: dots that a step line joins, those that no other is as low in x and in y as, and lower in one; none without.
        title: of the figure.

    Returns:
        A figure with one axes, which stays as large as it is when it is saved.
    """
    figure, axis = blank(figsize=(9.5, 6))
    above = bool((frame[ends[0]] > 0).all())
    axis.set(xscale="log", yscale="log" if above else "linear", xlabel=xlabel, ylabel=ylabel, title=title)
    corners = []
    if front is not None:
        joined = frame[frame[front]].sort_values(x)
        corners = _corners(joined[x].tolist(), joined[y].tolist())
        axis.plot(*zip(*corners, strict=True), color=GREY, lw=0.9, ls="--", zorder=1, label=_FRONT)
    for number, (word, own) in enumerate(frame.groupby(hue, sort=False)):
        axis.vlines(own[x], own[ends[0]], own[ends[1]], color=f"C{number}", lw=1, alpha=0.3)
        axis.plot(own[x], own[y], "o", color=f"C{number}", ms=6, lw=0, label=word)
    axis.margins(x=0.22, y=0.08)
    for own in (axis.xaxis, axis.yaxis) if above else (axis.xaxis,):
        own.set_major_formatter("{x:g}")
        own.set_minor_formatter("{x:g}")
        own.set_tick_params(which="minor", labelsize=7)
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.1), ncols=2)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # labels are put where the axes stand now
    _label(axis, frame[x].tolist(), frame[y].tolist(), frame[label].tolist(), line=corners)
    return figure


def _corners(xs: list[float], ys: list[float]) -> list[tuple[float, float]]:
    """Corners of a line through dots, each level kept until the next dot."""
    return [corner for x, y, right in zip(xs, ys, [*xs[1:], xs[-1]], strict=True) for corner in ((x, y), (right, y))]


def _label(axis: Axes, xs: list[float], ys: list[float], words: list[str], *, line: list[tuple[float, float]]) -> None:
    """Write a word near each dot, at the nearest free place off a line that lies nearer to no other dot, and join it to its dot."""
    point = axis.figure.dpi / 72  # pixels
    dots = axis.transData.transform(list(zip(xs, ys, strict=True)))
    taken = [Bbox.from_bounds(px - 4 * point, py - 4 * point, 8 * point, 8 * point) for px, py in dots]
    corners = axis.transData.transform(line) if line else ()
    taken += [Bbox(np.sort(ends, axis=0)).padded(point) for ends in itertools.pairwise(corners)]
    for (px, py), at, word in sorted(zip(dots.tolist(), zip(xs, ys, strict=True), words, strict=True)):
        drawn = axis.annotate(word, at, (0, 0), textcoords="offset points", ha="center", va="center", fontsize=7.5, annotation_clip=False)
        drawn.set_bbox({"fc": "white", "ec": "none", "alpha": 0.6, "pad": 0.5})
        size = drawn.get_window_extent()
        width, height = size.width + _ROOM[0] * point, size.height + _ROOM[1] * point
        right, up = _free(px, py, width, height, taken, axis.get_window_extent(), point, dots)
        drawn.set_position((right / point, up / point))
        taken.append(Bbox.from_bounds(px + right - width / 2, py + up - height / 2, width, height))
        end = (
            float(np.clip(0, right - size.width / 2, right + size.width / 2)),
            float(np.clip(0, up - size.height / 2, up + size.height / 2)),
        )
        join = {"arrowstyle": "-", "lw": 0.6, "color": GREY, "shrinkA": 0, "shrinkB": 3}
        axis.annotate(
            "", at, (end[0] / point, end[1] / point), textcoords="offset points", arrowprops=join, zorder=0, annotation_clip=False
        )


def _free(
    px: float, py: float, width: float, height: float, taken: list[Bbox], inside: Bbox, point: float, dots: np.ndarray
) -> tuple[float, float]:
    """How far right and up of a dot a label of some size has room, pixels: the nearest of the places that are tried.

    First those that lie nearer to this dot than to any other are tried, then all.
    """
    found = None
    for step in _STEPS:
        for way in range(_WAYS):
            angle = 2 * math.pi * way / _WAYS
            right = math.cos(angle) * (step * point + width / 2)
            up = math.sin(angle) * (step * point + height / 2)
            box = Bbox.from_bounds(px + right - width / 2, py + up - height / 2, width, height)
            within = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if not within or any(box.overlaps(label) for label in taken):
                continue
            if _gaps(box, np.array([(px, py)]))[0] <= _gaps(box, dots).min() + 1e-6:
                return right, up
            found = found or (right, up)
    return found or (0.0, height + 10 * point)  # nothing is free: above the dot


def _gaps(box: Bbox, dots: np.ndarray) -> np.ndarray:
    """How far each dot lies from a box, pixels."""
    return np.hypot(
        *(
            np.maximum(0, np.maximum(low - dots[:, at], dots[:, at] - high))
            for at, (low, high) in enumerate(zip(box.min, box.max, strict=True))
        )
    )
