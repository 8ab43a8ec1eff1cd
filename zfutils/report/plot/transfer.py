"""Figures of the transfer experiments: accuracy against training images, layer by layer, class by class."""

from collections.abc import Sequence

import lazy_loader
import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from zfutils.report.plot.page import GREY, blank

sns = lazy_loader.load("seaborn")  # with what it loads it is two seconds of import, and most figures need none of it

_SHAPES = "os^Dv"  # of marks; of more series than colours no two look alike


def few_images(ours: pd.DataFrame, theirs: pd.DataFrame, *, same: str, chance: float, set_name: str, title: str = "") -> Figure:
    """Draw figure 9: accuracy against the number of training images a class, the paper's curves beside ours, on the same two scales.

    Args:
        ours: columns `method`, `size`, `accuracy`, `std` (over folds; empty for one), percent.
        theirs: columns `series`, `size`, `accuracy`, `std`, percent, as read off the paper.
        same: the method of ours that the paper's first series is of; both have one colour, which no other has.
        chance: accuracy of a guess, percent.
        set_name: what ours was measured on.
        title: of the figure.

    Returns:
        A figure with two axes.
    """
    figure, axes = blank(1, 2, figsize=(10, 4.2), sharex=True, sharey=True)
    first = theirs["series"].iloc[0]
    names = [*theirs["series"].unique(), *(method for method in ours["method"].unique() if method != same)]
    for axis, frame, column in ((axes[0], theirs, "series"), (axes[1], ours, "method")):
        for name, own in frame.groupby(column, sort=False):
            colour = f"C{names.index(first if name == same else name)}"
            axis.errorbar(own["size"], own["accuracy"], own["std"], marker="o", ms=3, lw=1.2, capsize=2, color=colour, label=name)
        axis.legend(fontsize=8, loc="lower right" if column == "series" else "upper left")
    axes[1].axhline(chance, color=GREY, lw=0.8, ls="--")
    axes[1].text(0.01, chance, "a guess", va="bottom", color=GREY, fontsize=8, transform=axes[1].get_yaxis_transform())
    axes[0].set(title="The paper, Caltech-256 (read off its plot)", ylim=(0, 100))
    axes[1].set(title=f"Ours, {set_name}")
    sizes = sorted({*theirs["size"], *ours["size"]})
    for axis in axes:
        axis.set_xscale("log", base=2)
        axis.set_xticks(sizes, [str(size) for size in sizes], minor=False, fontsize=8)
        axis.set(xlabel="training images a class (bars: std over folds)", ylabel="accuracy, mean over classes, %")
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def layers(frame: pd.DataFrame, *, ordered: Sequence[str] = (), title: str = "") -> Figure:
    """Draw table 7: accuracy by layer, ours with intervals and the paper's.

    Args:
        frame: columns `series` (who and with how many images), `layer`, `accuracy`, `low`, `high`, percent; the last two are empty for the
            paper.
        ordered: series that have an order, from the first to the last. Their colours run from light to dark, and bars that are moved
            sideways stand for their bands; what else is drawn is black, the paper grey.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(7, 3.8))
    colours = dict(zip(ordered, _in_order(len(ordered)), strict=True))
    moved = dict(zip(ordered, _sideways(len(ordered), 0.3), strict=True))
    for number, (series, own) in enumerate(frame.groupby("series", sort=False)):
        printed = own["low"].isna().all()
        colour = colours.get(series, GREY if printed else "black") if ordered else f"C{number}"
        where, line = own["layer"] + moved.get(series, 0), ":" if printed else "-"
        axis.plot(where, own["accuracy"], marker=_SHAPES[number % 5], ms=4, lw=1.2, ls=line, color=colour, label=series)
        if series in moved:
            axis.vlines(where, own["low"], own["high"], color=colour, lw=1.2, alpha=0.6)
        elif not printed:
            axis.fill_between(own["layer"], own["low"], own["high"], color=colour, alpha=0.18, lw=0)
    axis.set(xlabel="layer", ylabel="accuracy, mean over classes, %", title=title, ylim=(0, 100), xticks=frame["layer"].unique())
    axis.legend(fontsize=8, bbox_to_anchor=(1, 0.5), loc="center left")
    return figure


def by_count(
    frame: pd.DataFrame,
    *,
    ylabel: str,
    x: str = "classes",
    xlabel: str = "classes that the net was trained on",
    ordered: bool = False,
    marks: dict[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw something against a number, such as that of the classes that nets were trained on, each doubling as wide as any other.

    Args:
        frame: columns `series`, the one of `x`, `value`, `low`, `high`; the ends of an interval may be empty, and so may the whole.
        ylabel: of the axis, with the unit.
        x: the column of the number.
        xlabel: of its axis.
        ordered: whether the series have an order; then their colours run from light to dark, and their marks are moved sideways.
        marks: captions and heights of horizontal lines, told in the legend.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(7, 3.8))
    many = frame["series"].nunique()
    moved, colours = (_sideways(many, 0.3), _in_order(many)) if ordered else (np.zeros(many), [f"C{number}" for number in range(many)])
    for number, (series, own) in enumerate(frame.groupby("series", sort=False)):
        own = own.sort_values(x)
        where = own[x] * 2 ** moved[number]
        axis.plot(where, own["value"], _SHAPES[number % 5] + "-", ms=5, lw=1.2, color=colours[number], label=series)
        axis.vlines(where, own["low"], own["high"], color=colours[number], lw=2, alpha=0.4)
    for caption, height in (marks or {}).items():
        axis.axhline(height, color=GREY, lw=0.9, ls="--", label=caption)
    counts = sorted(set(frame[x]))
    axis.set_xscale("log", base=2)
    axis.set_xticks(counts, [str(count) for count in counts], minor=False)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if counts:
        axis.legend(fontsize=8, bbox_to_anchor=(1, 0.5), loc="center left")
    return figure


def by_panel(
    frame: pd.DataFrame, *, panel: str, x: str, y: str, hue: str, xlabel: str, ylabel: str, level: float, title: str = ""
) -> Figure:
    """Draw lines side by side, one panel for each value of a column, all on one scale.

    Args:
        frame: tidy table.
        panel, x, y, hue: columns; `x` holds whole numbers.
        xlabel, ylabel: of the axes, with units.
        level: height of a guess, told in the legend.
        title: of the figure.

    Returns:
        A figure with one axes a panel.
    """
    names, hues = (list(dict.fromkeys(frame[column])) for column in (panel, hue))
    figure, axes = blank(1, len(names), figsize=(3.3 * len(names), 3.6), sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        for number, word in enumerate(hues):  # of one colour in all panels
            own = frame[(frame[panel] == name) & (frame[hue] == word)]
            axis.plot(own[x], own[y], _SHAPES[number % 5] + "-", ms=4, lw=1.2, color=f"C{number}", label=word)
        axis.axhline(level, color=GREY, lw=0.9, ls="--", label="a guess")
        axis.set(xlabel=xlabel, title=name, xticks=sorted(set(frame[x])))
    axes[0, 0].set_ylabel(ylabel)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=len(hues) + 1)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def by_class(frame: pd.DataFrame, order: Sequence[str], *, xlabel: str, title: str = "") -> Figure:
    """Draw table 6: one row a class, one point a method.

    Args:
        frame: columns `class`, `method`, `value`, percent.
        order: classes from top to bottom.
        xlabel: what the value is.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(7.5, 0.26 * len(order) + 1.2))
    sns.stripplot(frame, x="value", y="class", hue="method", order=order, orient="h", size=6, jitter=False, ax=axis)
    axis.set(xlabel=xlabel, ylabel="", title=title, xlim=(-2, 102))
    axis.legend(title="", fontsize=8, bbox_to_anchor=(1, 0.5), loc="center left")
    return figure


def _in_order(count: int) -> list[str]:
    """Colours, from light to dark, of series that have an order."""
    return [to_hex(colour) for colour in matplotlib.colormaps["viridis_r"](np.linspace(0.15, 0.95, count))]


def _sideways(count: int, width: float) -> np.ndarray:
    """How far the marks of each of some series are moved, so that their bars do not lie on one another."""
    return np.linspace(-width / 2, width / 2, count) if count > 1 else np.zeros(count)
