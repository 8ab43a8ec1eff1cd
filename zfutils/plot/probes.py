"""Figures of probing from outside: the five panels of occlusion (figure 7) and curves of transformations (figure 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from zfutils.plot.page import GREY, Shown


@dataclass(frozen=True)
class Probed:
    """One row of figure 7.

    Attributes:
        label: the true class.
        image: uint8 (h, w, 3).
        square: top, left and side of the square that is drawn on it, pixels.
        activity: of the strongest map, (rows, columns).
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
    projections: np.ndarray
    captions: Sequence[str]
    probability: np.ndarray
    classes: np.ndarray
    names: Sequence[str]


def occlusion(rows: Sequence[Probed], *, title: str = "") -> Figure:
    """Draw figure 7: a row an example, with its five panels (a) to (e).

    Args:
        rows: the examples.
        title: of the figure.

    Returns:
        A figure; every row has eight axes: image, activity, four projections, probability, classes.
    """
    figure = Shown(figsize=(14, 3.05 * len(rows) + 0.4))
    parts = np.atleast_1d(figure.subfigures(len(rows), 1))
    for number, (part, row) in enumerate(zip(parts, rows, strict=True)):
        heads = (f"(a) {row.label}", "(b) strongest layer-5 map", "(c) its projections", "(d) P(true class)", "(e) most probable class")
        axes = part.subplot_mosaic([["a", "b", "c", "d", "e", "f"], ["a", "b", "g", "h", "e", "f"]], width_ratios=[2, 2.3, 1, 1, 2.3, 2.6])
        axes["a"].imshow(row.image)
        top, left, side = row.square
        axes["a"].add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fc="0.5", ec="white", lw=0.8))
        part.colorbar(axes["b"].imshow(row.activity, cmap="viridis"), ax=axes["b"], shrink=0.7)
        for place, name in enumerate("cdgh"):
            axes[name].imshow(row.projections[place])
            axes[name].set_xlabel(row.captions[place], fontsize=6.5, labelpad=1)
            axes[name].set(xticks=[], yticks=[])
            axes[name].spines[:].set_visible(place == 0)
            axes[name].spines[:].set(color="black", linewidth=2)
        part.colorbar(axes["e"].imshow(row.probability, cmap="viridis", vmin=0, vmax=1), ax=axes["e"], shrink=0.7)
        _classes(axes["f"], row)
        for name, head in zip("abcef", heads, strict=True):
            axes[name].set_title(head if number == 0 or name == "a" else "", fontsize=8.5)
        for name in "abef":
            axes[name].set(xticks=[], yticks=[])
            axes[name].grid(False)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
    return figure


def _classes(axis, row: Probed) -> None:
    """The map of labels, with a legend that counts positions."""
    found, counts = np.unique(row.classes, return_counts=True)
    order = found[np.argsort(-counts, kind="stable")]
    colours = sns.color_palette("Set2", max(8, len(order)))[: len(order)]
    lookup = np.zeros(int(found.max()) + 1, int)
    lookup[order] = np.arange(len(order))
    axis.imshow(lookup[row.classes], cmap=ListedColormap(colours), vmin=-0.5, vmax=len(order) - 0.5)
    shares = dict(zip(found.tolist(), counts.tolist(), strict=True))
    entries = [
        Patch(color=colour, label=f"{row.names[number]} {shares[number]}")
        for number, colour in zip(order[:6].tolist(), colours, strict=False)
    ]
    axis.legend(handles=entries, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, frameon=False)


def curves(frame: pd.DataFrame, panels: Sequence[tuple[str, str]], images: dict[str, np.ndarray], *, title: str = "") -> Figure:
    """Draw figure 5: a row a transformation; the images, then one panel a measure with a line an image and the band of many.

    Args:
        frame: columns `transformation`, `amount`, `image`, and one a measure; rows with the image `band low`, `band high` and `median`
            describe many images.
        panels: column and axis label of each measure.
        images: for each transformation its name's sheet of transformed images, uint8 (h, w, 3).
        title: of the figure.

    Returns:
        A figure with one axes a panel.
    """
    kinds = list(dict.fromkeys(frame["transformation"]))
    figure = Shown(figsize=(14, 2.75 * len(kinds) + 0.5))
    axes = figure.subplots(len(kinds), 1 + len(panels), squeeze=False, width_ratios=[1.15, *[1] * len(panels)])
    special = ("band low", "band high", "median")
    for row, kind in zip(axes, kinds, strict=True):
        part = frame[frame["transformation"] == kind]
        row[0].imshow(images[kind])
        row[0].set_title(kind, fontsize=9)
        row[0].set_axis_off()
        for axis, (column, label) in zip(row[1:], panels, strict=True):
            single = part[~part["image"].isin(special)]
            sns.lineplot(single, x="amount", y=column, hue="image", ax=axis, errorbar=None, legend=axis is axes[0, -1], lw=1.1)
            low, high, middle = (part[part["image"] == name].sort_values("amount") for name in special)
            axis.fill_between(low["amount"], low[column].to_numpy(float), high[column].to_numpy(float), color=GREY, alpha=0.2, lw=0)
            axis.plot(middle["amount"], middle[column], color="black", lw=1.2, ls="--")
            axis.set(xlabel=kind, ylabel=label)
            axis.set_ylim(bottom=0)
    sns.move_legend(axes[0, -1], "upper left", bbox_to_anchor=(1, 1), fontsize=7.5, title="")
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
    return figure
