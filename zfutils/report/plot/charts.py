"""Figures of numbers: curves, bars, lines."""

from collections.abc import Sequence

import lazy_loader
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from zfutils.report.plot.page import GREY, blank, dots_with_ends

_MANY = 10_000  # counts up to here are short enough as they stand
sns = lazy_loader.load("seaborn")  # with what it loads it is two seconds of import, and most figures need none of it


def learning_curves(frame: pd.DataFrame, lr_drops: dict[str, Sequence[int]], *, chance: float, title: str = "") -> Figure:
    """Draw loss and error over the run, with the learning-rate drops.

    Args:
        frame: columns `net`, `visits` (images seen), `split`, `loss`, `error` (share, in [0, 1]).
        lr_drops: for each net, image visits at which the learning rate was cut.
        chance: error of a guess, in [0, 1].
        title: of the whole figure.

    Returns:
        A figure with one axes for the loss and one for the error.
    """
    figure, axes = blank(1, 2, figsize=(11, 3.6))
    for axis, measure in zip(axes, ("loss", "error"), strict=True):
        sns.lineplot(frame, x="visits", y=measure, hue="net", style="split", ax=axis, errorbar=None, legend=measure == "error")
        for number, visits in enumerate(lr_drops.values()):
            for cut in visits:
                axis.axvline(cut, color=f"C{number}", lw=0.8, ls=":")
        axis.set(xlabel="images seen", ylabel="mean cross-entropy" if measure == "loss" else "share of wrong answers")
        _counted(axis)
    axes[0].set(yscale="log", title="Loss")
    axes[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].yaxis.set_minor_formatter(NullFormatter())  # of a short axis it would name every tick, in powers of ten
    axes[1].axhline(chance, color=GREY, lw=0.8, ls="--")
    axes[1].text(frame["visits"].mean(), chance, "a guess", ha="center", va="bottom", color=GREY, fontsize=8)
    axes[1].set(ylim=(0, 1.08), title="Error (dotted lines: learning rate cut)")  # room for the words above the line
    sns.move_legend(axes[1], "upper left", bbox_to_anchor=(1.01, 1), fontsize=8, frameon=False)  # inside it would lie on the lines
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def bars(
    frame: pd.DataFrame, *, x: str, y: str, hue: str | None = None, labels: Sequence[str] = (), xlabel: str, title: str = ""
) -> Figure:
    """Draw horizontal bars.

    Args:
        frame: one row a bar.
        x, y, hue: columns for length, row and colour.
        labels: text at the end of each bar in the order of the table, or none.
        xlabel: of the axis, with the unit.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(8, 0.35 * frame[y].nunique() * (1 + 0.5 * bool(hue)) + 1.1))
    sns.barplot(frame, x=x, y=y, hue=hue, orient="h", ax=axis, errorbar=None, color=None if hue else "C0")
    for number, text in enumerate(labels):
        axis.text(frame[x].iloc[number], number, f" {text}", va="center", fontsize=8)
    axis.set(xlabel=xlabel, ylabel="", title=title)
    axis.grid(axis="y", visible=False)
    axis.margins(x=0.18)
    return figure


def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str,
    xlabel: str,
    ylabel: str,
    marks: dict[str, float] | None = None,
    moments: dict[str, float] | None = None,
    marker: str | None = None,
    dashed: Sequence[str] = (),
    log: bool = False,
    title: str = "",
) -> Figure:
    """Draw one line for each value of `hue`.

    Args:
        frame: tidy table.
        x, y, hue: columns.
        xlabel, ylabel: of the axes, with units.
        marks: captions and heights of horizontal lines, told in the legend.
        moments: captions and values of x of vertical lines.
        marker: Matplotlib's name of what marks the values that were measured; none by default.
        dashed: values of `hue` whose lines are dashed, so that what lies below them is seen.
        log: whether equal ratios of y have equal heights.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(8, 3.4))
    if log:
        axis.set_yscale("log")
    sns.lineplot(frame, x=x, y=y, hue=hue, ax=axis, errorbar=None, marker=marker)
    named = [*zip(axis.lines, frame[hue].unique(), strict=False), *zip(*axis.get_legend_handles_labels(), strict=True)]
    for line in (line for line, name in named if name in dashed):
        line.set_linestyle("--")
    for caption, height in (marks or {}).items():
        axis.axhline(height, color=GREY, lw=0.9, ls="--", label=caption)
    for caption, moment in (moments or {}).items():
        axis.axvline(moment, color=GREY, lw=0.9, ls=":")
        foot = (moment, axis.get_ylim()[0])
        beside = {"xytext": (-2, 3), "textcoords": "offset points", "rotation": 90, "ha": "right", "va": "bottom"}
        axis.annotate(caption, foot, **beside, color=GREY, fontsize=7.5)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if pd.api.types.is_numeric_dtype(frame[x]) and frame[x].max() >= _MANY:
        _counted(axis)
    axis.legend(title="", fontsize=8, bbox_to_anchor=(1, 0.5), loc="center left")  # inside it would lie on a line or a mark
    return figure


def _counted(axis: Axes) -> None:
    """Write the counts below an axis in full, at so few places that they do not meet."""
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.xaxis.set_major_formatter("{x:,.0f}")


def spectra(frame: pd.DataFrame, edges: Sequence[float], *, dashed: Sequence[str] = (), title: str = "") -> Figure:
    """Draw the spectra of the first-layer filters with the borders of the bands.

    Args:
        frame: columns `net`, `frequency` (cycles a pixel of the input), `energy` (share a bin).
        edges: borders between low, middle and high, cycles a pixel.
        dashed: nets whose lines are dashed.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    words = {"xlabel": "cycles a pixel of the input", "ylabel": "share of the energy"}
    figure = lines(frame, x="frequency", y="energy", hue="net", dashed=dashed, title=title, **words)
    axis = figure.axes[0]
    for edge in edges:
        axis.axvline(edge, color=GREY, lw=0.9, ls="--")
    top = axis.get_ylim()[1]
    for left, right, word in zip((0, *edges), (*edges, 0.5), ("low", "middle", "high"), strict=True):
        axis.text((left + right) / 2, top, word, ha="center", va="top", color=GREY, fontsize=8)
    return figure


def dots(
    frame: pd.DataFrame,
    *,
    value: str,
    ends: tuple[str, str],
    row: str,
    hue: str,
    xlabel: str,
    labels: Sequence[str] = (),
    beside: tuple[str, str] | None = None,
    zero: bool = False,
    title: str = "",
) -> Figure:
    """Draw a dot with its interval for each row of a table, from top to bottom.

    Args:
        frame: one line a row of the figure; where the value is missing nothing is drawn but the label.
        value: column of the dots.
        ends: columns of the two ends of the interval.
        row: column of the words on the left.
        hue: column of the colour; a line parts neighbours of different colour.
        xlabel: of the axis, with the unit.
        labels: words on the right, in the order of the table, or none.
        beside: a column of values that stand beside ours as open diamonds, and its word in the legend.
        zero: whether a line marks 0.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = blank(figsize=(8, 0.3 * len(frame) + 1.2))
    if zero:
        axis.axvline(0, color=GREY, lw=0.9)
    heights = pd.Series(range(len(frame)), index=frame.index)
    if beside is not None:
        axis.plot(frame[beside[0]], heights, "D", color=GREY, mfc="white", ms=5, lw=0, label=beside[1])
    for number, (word, group) in enumerate(frame.groupby(hue, sort=False)):
        dots_with_ends(axis, group, heights[group.index], value=value, ends=ends, colour=f"C{number}", word=word)
    changes = frame[hue] != frame[hue].shift()
    for height in heights[changes][1:]:
        axis.axhline(height - 0.5, color=GREY, lw=0.6)
    for number, text in enumerate(labels):
        axis.text(1.01, number, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8)
    axis.set(xlabel=xlabel, ylim=(len(frame) - 0.5, -0.5), title=title)
    axis.set_yticks(heights, frame[row])
    axis.grid(axis="y", visible=False)
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.55 / figure.get_figheight()), ncols=4)
    return figure
