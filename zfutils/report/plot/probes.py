"""Figures of probing from outside: the five panels of occlusion (figure 7), masked parts (figure 8), transformations (figure 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import lazy_loader
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from zfutils.report.plot.page import GREY, Shown, grid, unarranged

sns = lazy_loader.load("seaborn")  # with what it loads it is two seconds of import, and most figures need none of it


@dataclass(frozen=True)
class Probed:
    """One row of figure 7.

    Attributes:
        label: the true class.
        image: uint8 (h, w, 3), with the square on it.
        square: its top, left and side, pixels; a frame is drawn around it.
        activity: of the map that is followed, (rows, columns).
        followed: its number.
        projections: uint8 (4, h, w, 3): in this image first, then in three others.
        captions: one a projection.
        probability: of the true class, (rows, columns), in [0, 1].
        classes: most probable class of each position, (rows, columns), numbers into `names`.
        names: of the classes.
    """

    label: str
    image: np.ndarray
    square: tuple[int, int, int]
    activity: np.ndarray
    followed: int
    projections: np.ndarray
    captions: Sequence[str]
    probability: np.ndarray
    classes: np.ndarray
    names: Sequence[str]


_SIDE, _GAP, _BAR, _HEAD = 2.1, 0.2, 0.55, 0.32  # inches: of a panel, between panels, for a colour bar with its numbers, for a row's titles
_NAMED = 6  # classes that a legend names


_PANELS = ("strongest layer-5 map", "its projections", "P(true class)", "most probable class")


def occlusion(rows: Sequence[Probed], *, heads: Sequence[str] = _PANELS, title: str = "") -> Figure:
    """Draw figure 7: a row an example, with its five panels (a) to (e), all of one size.

    As in the paper the colours of (d) run up to the highest probability of the row: a class of 200 may never have much.

    Args:
        rows: the examples.
        heads: what stands above panels (b) to (e), above the first row only.
        title: of the figure.

    Returns:
        A figure; every row has eight axes: image, activity, four projections, probability, classes; then two colour bars.
    """
    width, height = 5 * _SIDE + 5 * _GAP + 2 * _BAR + 1.9, (_SIDE + _HEAD) * len(rows) + 0.45
    figure = unarranged(figsize=(width, height))
    lefts = np.cumsum([0.1, _SIDE + _GAP, _SIDE + _GAP + _BAR, _SIDE + _GAP, _SIDE + _GAP + _BAR])
    for number, row in enumerate(rows):
        top = height - 0.25 - _HEAD - number * (_SIDE + _HEAD)
        whole = [_inches(figure, left, top, _SIDE) for left in lefts[[0, 1, 3, 4]]]
        cell = (_SIDE - 0.1) / 2
        small = [_inches(figure, lefts[2] + x * (cell + 0.1), top - y * (cell + 0.1), cell - 0.09) for y in (0, 1) for x in (0, 1)]
        _example(row, whole[0], small)
        _with_bar(whole[1], row.activity, lefts[1], top)
        _with_bar(whole[2], row.probability, lefts[3], top, vmin=0, vmax=max(float(row.probability.max()), 1e-9))
        _classes(whole[3], row.classes, row.names)
        whole[0].set_title(f"(a) {row.label}", fontsize=8.5)
        for axis in whole:
            axis.set(xticks=[], yticks=[])
        if number == 0:
            for letter, axis, head in zip("bcde", (whole[1], small[0], *whole[2:]), heads, strict=True):
                axis.set_title(f"({letter}) {head}", fontsize=8.5)
        whole[1].set_xlabel(f"map {row.followed}", fontsize=7, labelpad=2)
    figure.suptitle(title, x=0.1 / width, y=1 - 0.05 / height, ha="left", va="top", weight="bold", fontsize=11)
    return figure


def decoded(maps: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], names: Sequence[str], *, title: str = "") -> Figure:
    """Draw panels (b), (d) and (e) of examples that are known as maps only.

    Args:
        maps: activity and probability in [0, 1], and most probable class, numbers into `names`, each (rows, columns), by example.
        names: of the classes.
        title: of the figure.

    Returns:
        A figure; every row has three axes and two colour bars.
    """
    width, height = 3 * _SIDE + 3 * _GAP + 2 * _BAR + 1.9, (_SIDE + _HEAD) * len(maps) + 0.45
    figure = unarranged(figsize=(width, height))
    lefts = np.cumsum([0.1, _SIDE + _GAP + _BAR, _SIDE + _GAP + _BAR])
    for number, (label, (activity, probability, classes)) in enumerate(maps.items()):
        top = height - 0.25 - _HEAD - number * (_SIDE + _HEAD)
        axes = [_inches(figure, left, top, _SIDE) for left in lefts]
        for axis, left, values in zip(axes, lefts, (activity, probability), strict=False):
            _with_bar(axis, values, left, top, vmin=0, vmax=1)
        _classes(axes[2], classes, names)
        for axis, head in zip(axes, ("(b) relative activity", "(d) P(true class)", "(e) most probable class"), strict=True):
            axis.set_title(f"{label}: {head}" if axis is axes[0] else head, fontsize=8.5)
            axis.set(xticks=[], yticks=[])
    figure.suptitle(title, x=0.1 / width, y=1 - 0.05 / height, ha="left", va="top", weight="bold", fontsize=11)
    return figure


def heat_maps(maps: dict[str, np.ndarray], *, title: str = "") -> Figure:
    """Draw maps side by side, on one scale from 0 to the highest value of all, with one colour bar.

    Args:
        maps: (rows, columns), none of it negative, by what stands above it.
        title: of the figure.

    Returns:
        A figure; one axes a map, then the bar.
    """
    width, height = len(maps) * (_SIDE + _GAP) + _BAR, _SIDE + _HEAD + 0.45
    figure = unarranged(figsize=(width, height))
    top, highest = height - 0.25 - _HEAD, max(float(values.max()) for values in maps.values())
    lefts = 0.1 + (_SIDE + _GAP) * np.arange(len(maps))
    axes = [_inches(figure, left, top, _SIDE) for left in lefts]
    for axis, (head, values) in zip(axes, maps.items(), strict=True):
        axis.imshow(values, cmap="viridis", vmin=0, vmax=max(highest, 1e-9))
        axis.set_title(head, fontsize=8.5)
        axis.set(xticks=[], yticks=[])
    _bar(axes[-1].images[0], lefts[-1], top)
    figure.suptitle(title, x=0.1 / width, y=1 - 0.05 / height, ha="left", va="top", weight="bold", fontsize=11)
    return figure


def _inches(figure: Figure, left: float, top: float, width: float, height: float | None = None):
    """Axes by their upper left corner, measured from the lower left of the figure; square without a height."""
    height = width if height is None else height
    whole = figure.get_size_inches()
    axis = figure.add_axes((left / whole[0], (top - height) / whole[1], width / whole[0], height / whole[1]))
    axis.grid(False)
    return axis


def _with_bar(axis, values: np.ndarray, left: float, top: float, **limits: float) -> None:
    """A map and its colour bar."""
    _bar(axis.imshow(values, cmap="viridis", **limits), left, top)


def _bar(shown, left: float, top: float) -> None:
    """The colour bar to the right of a map with its left upper corner at (left, top)."""
    figure = shown.axes.figure
    bar = figure.colorbar(shown, cax=_inches(figure, left + _SIDE + 0.06, top, 0.09, _SIDE))
    bar.ax.tick_params(labelsize=7)


def _example(row: Probed, image, projections: Sequence) -> None:
    """The image with its square; the projections, that of this image in a frame."""
    image.imshow(row.image)
    top, left, side = row.square
    for colour, width in (("black", 2.4), ("white", 0.8)):  # white alone is lost on a pale picture
        image.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fc="none", ec=colour, lw=width))
    for number, (axis, pixels, caption) in enumerate(zip(projections, row.projections, row.captions, strict=True)):
        axis.imshow(pixels)
        axis.set_xlabel(caption, fontsize=6, labelpad=1)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(number == 0)
        axis.spines[:].set(color="black", linewidth=2)


def _classes(axis, classes: np.ndarray, names: Sequence[str]) -> None:
    """The map of labels, the most frequent first in a legend that counts positions."""
    labels, counts = np.unique(classes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    colours = [*sns.color_palette("Set2"), *sns.color_palette("husl", len(order))][: len(order)]
    lookup = np.zeros(int(labels.max()) + 1, int)
    lookup[labels[order]] = np.arange(len(order))
    axis.imshow(lookup[classes], cmap=ListedColormap(colours), vmin=-0.5, vmax=len(order) - 0.5)
    texts = [f"{names[label]} {count}" for label, count in zip(labels[order].tolist(), counts[order].tolist(), strict=True)]
    entries = [Patch(color=colour, label=text) for colour, text in zip(colours, texts[:_NAMED], strict=False)]
    if len(texts) > _NAMED:
        entries.append(Patch(alpha=0, label=f"{len(texts) - _NAMED} more classes {counts[order][_NAMED:].sum()}"))
    axis.legend(handles=entries, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, frameon=False)


def columns(pictures: np.ndarray, heads: Sequence[str], *, title: str = "") -> Figure:
    """Draw figure 8: pictures in rows and columns, each column under its head.

    Args:
        pictures: uint8 (rows, columns, h, w, 3).
        heads: one a column.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    gap = max(1, pictures.shape[2] // 28)
    pitch, width = pictures.shape[3] + gap, 1.55 * pictures.shape[1]
    page = grid(np.concatenate(list(pictures)), pictures.shape[1], gap=gap)
    figure = Shown(figsize=(width, 0.55 + width * page.shape[0] / page.shape[1]))
    axis = figure.subplots()
    axis.imshow(page)
    axis.set(yticks=[])
    axis.set_xticks([(number + 0.5) * pitch - gap / 2 for number in range(len(heads))], list(heads), fontsize=8.5)
    axis.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axis.spines[:].set_visible(False)
    axis.grid(False)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
    return figure


def curves(
    frame: pd.DataFrame,
    panels: Sequence[tuple[str, str]],
    pictures: dict[str, dict[str, np.ndarray]],
    *,
    limits: dict[str, dict[str, tuple[float, float]]] | None = None,
    title: str = "",
) -> Figure:
    """Draw figure 5: a row a transformation; the images, then one panel a measure with a line an image and the band of many.

    Args:
        frame: columns `transformation`, `amount`, `image`, and one a measure; rows with the image `band low`, `band high` and `median`
            describe many images.
        panels: column and axis label of each measure.
        pictures: for each transformation what the images look like, uint8 (n, h, w, 3) in the order of the lines, by the name of an amount.
        limits: ends of axes for each transformation, of `amount` and of measures; others begin at 0 and end where the values do.
        title: of the figure.

    Returns:
        A figure with one axes a panel; above each column of images stands the colour of its line.
    """
    kinds = list(dict.fromkeys(frame["transformation"]))
    figure = Shown(figsize=(14.5, 2.75 * len(kinds) + 0.5))
    axes = figure.subplots(len(kinds), 1 + len(panels), squeeze=False, width_ratios=[1.3, *[1] * len(panels)])
    special = ("band low", "band high", "median")
    for row, kind in zip(axes, kinds, strict=True):
        part = frame[frame["transformation"] == kind]
        _sheet(row[0], pictures[kind])
        row[0].set_title(kind, fontsize=9, pad=8)
        for axis, (column, label) in zip(row[1:], panels, strict=True):
            single = part[~part["image"].isin(special)]
            colours = sns.color_palette()[: single["image"].nunique()]
            sns.lineplot(
                single, x="amount", y=column, hue="image", palette=colours, ax=axis, errorbar=None, legend=axis is axes[0, -1], lw=1.1
            )
            low, high, middle = (part[part["image"] == name].sort_values("amount") for name in special)
            band = low[column].to_numpy(float), high[column].to_numpy(float)
            axis.fill_between(low["amount"], *band, color=GREY, alpha=0.2, lw=0, label="10th to 90th\npercentile of all")
            axis.plot(middle["amount"], middle[column], color="black", lw=1.2, ls="--", label="median of all")
            axis.set(xlabel=kind, ylabel=label)
            ends = (limits or {}).get(kind, {})
            axis.set_ylim(ends.get(column, (0, None)))
            axis.set_xlim(ends.get("amount"))
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=7.5)  # anew, with the band and the median
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
    return figure


def _sheet(axis, shown: dict[str, np.ndarray]) -> None:
    """Images side by side, a row an amount, with white lines between and the colour of each image's line above it."""
    batches = list(shown.values())
    gap = max(1, batches[0].shape[1] // 28)
    pitch = batches[0].shape[1] + gap
    page = grid(np.concatenate(batches), len(batches[0]), gap=gap)
    axis.imshow(page)
    for number, colour in zip(range(len(batches[0])), sns.color_palette(), strict=False):
        axis.plot(
            [number * pitch, (number + 1) * pitch - gap - 1], [-0.06 * pitch] * 2, color=colour, lw=3, clip_on=False, solid_capstyle="butt"
        )
    axis.set(xlim=(-0.5, page.shape[1] - 0.5), ylim=(page.shape[0] - 0.5, -0.5), xticks=[])
    axis.set_yticks([(number + 0.5) * pitch - gap / 2 for number in range(len(batches))], list(shown), fontsize=7.5)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.grid(False)
