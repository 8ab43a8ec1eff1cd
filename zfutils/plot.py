"""Figures: each function takes a tidy table or uint8 pictures and returns a figure; none computes a number."""

import colorsys
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

STYLE = Path(__file__).with_name("book.mplstyle")
plt.style.use(STYLE)

GREY = "#7a7a7a"
_BLUES = {"front": "#dcebf5", "side": "#a9cbe3", "edge": "#1b6ca8"}


class Shown(Figure):
    """A figure that a notebook shows once, where it is the value of a cell, whatever backend is set."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=plt.rcParams["figure.dpi"])
        return written.getvalue()


def _axes(rows: int = 1, columns: int = 1, *, figsize: tuple[float, float], **options: object) -> tuple[Figure, object]:
    """A figure and its axes, unknown to pyplot."""
    figure = Shown(figsize=figsize)
    return figure, figure.subplots(rows, columns, **options)


def pictures(images: np.ndarray, captions: Sequence[str] = (), *, columns: int, title: str = "", cell: float = 1.1) -> Figure:
    """Show pictures in a grid, row by row.

    Args:
        images: uint8 of shape (n, h, w, 3) or (n, h, w).
        captions: one a picture, or none.
        columns: pictures a row.
        title: of the whole figure.
        cell: width of a picture, inches.

    Returns:
        A figure with one axes a picture.
    """
    rows = -(-len(images) // columns)
    height = (cell + 0.25 * bool(len(captions))) * rows + 0.4
    figure, axes = _axes(rows, columns, figsize=(cell * columns, height), squeeze=False)
    for place, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if place < len(images):
            axis.imshow(images[place], cmap="gray", vmin=0, vmax=255)
            if len(captions):
                axis.set_title(captions[place], fontsize=7, weight="normal", loc="center", pad=2)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def sheet(rows: dict[str, np.ndarray], *, columns: int, title: str = "") -> Figure:
    """Show a contact sheet, one row of pictures for each class, two classes side by side.

    Args:
        rows: name and pictures, uint8 of shape (n, h, w, 3), of each class.
        columns: pictures a row.
        title: of the whole figure.

    Returns:
        A figure with two axes.
    """
    names = list(rows)
    halves = [names[: -(-len(names) // 2)], names[-(-len(names) // 2) :]]
    columns = min(columns, max(len(images) for images in rows.values()))
    figure, axes = _axes(1, 2, figsize=(1.6 * columns + 1.4, 0.78 * len(halves[0]) + 0.3))
    for axis, half in zip(axes, halves, strict=True):
        axis.grid(False)
        axis.spines[:].set_visible(False)
        if half:
            pages = [_row(rows[name], columns) for name in half]
            axis.imshow(np.concatenate(pages))
            height = len(pages[0])
            axis.set_yticks([height * (place + 0.5) for place in range(len(half))], half)
        axis.set_xticks([])
        axis.tick_params(length=0)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def _row(images: np.ndarray, columns: int) -> np.ndarray:
    """Pictures of one class side by side, white where there are fewer than columns."""
    side = images.shape[1]
    page = np.full((side + 4, columns * (side + 4), 3), 255, np.uint8)
    for place, image in enumerate(images[:columns]):
        page[:side, place * (side + 4) : place * (side + 4) + side] = image
    return page


def palette(parts: int) -> np.ndarray:
    """Colours for a map of parts, uint8 of shape (1 + parts, 3): dark grey for the background, then far apart hues."""
    hues = [colorsys.hsv_to_rgb(part * 0.61803 % 1, 0.45 + 0.4 * (part % 2), 0.98 - 0.12 * (part % 3)) for part in range(parts)]
    return np.rint(np.array([(0.16, 0.16, 0.18), *hues]) * 255).astype(np.uint8)


def filters(panels: dict[str, np.ndarray], *, columns: int = 11, title: str = "") -> Figure:
    """Show the first-layer filters of several nets side by side (figure 6 a-c).

    Args:
        panels: caption and pictures, uint8 of shape (n, k, k, 3), of each net. Zero is grey 128.
        columns: filters a row; the paper has 11.
        title: of the whole figure.

    Returns:
        A figure with one axes a net.
    """
    rows = -(-max(len(images) for images in panels.values()) // columns)
    figure, axes = _axes(1, len(panels), figsize=(4.3 * len(panels), 4.2 * rows / columns + 0.5), squeeze=False)
    for axis, (caption, images) in zip(axes.flat, panels.items(), strict=True):
        axis.imshow(_tiled(images, columns))
        axis.set_title(caption, fontsize=9)
        axis.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def _tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """Pictures (n, k, k, 3) in one, with white lines between, each pixel enlarged so that all panels have lines of one width."""
    rows, side = -(-len(images) // columns), 44
    page = np.full((rows * (side + 4) + 4, columns * (side + 4) + 4, 3), 255, np.uint8)
    for place, image in enumerate(images):
        nearest = np.arange(side) * image.shape[0] // side
        top, left = divmod(place, columns)
        top, left = top * (side + 4) + 4, left * (side + 4) + 4
        page[top : top + side, left : left + side] = image[nearest][:, nearest]
    return page


def architecture(rows: dict[str, pd.DataFrame], *, title: str = "") -> Figure:
    """Draw nets as in figure 3: a slab for the maps of every stage, a bar for fully connected units.

    Args:
        rows: caption and stages of each net; columns `stage`, `side` (pixels; 1 for units), `maps`, `text` (what leads to it) and
            `printed` (the paper's size, or empty).
        title: of the whole figure.

    Returns:
        A figure with one axes a net.
    """
    figure, axes = _axes(len(rows), 1, figsize=(13, 3.5 * len(rows)), squeeze=False)
    for axis, (caption, stages) in zip(axes.flat, rows.items(), strict=True):
        _draw_net(axis, stages)
        axis.set_title(caption)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
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


def crops(picture: np.ndarray, corners: Sequence[tuple[int, int, bool]], size: int, cut: np.ndarray, *, title: str = "") -> Figure:
    """Show a picture with the frames of its crops, and the crops.

    Args:
        picture: uint8 (side, side, 3).
        corners: top, left and whether mirrored, of each crop.
        size: side of a crop, pixels.
        cut: the crops, uint8 (n, size, size, 3).
        title: of the whole figure.

    Returns:
        A figure; the first axes holds the picture.
    """
    half = len(cut) // 2
    figure, axes = _axes(2, half + 2, figsize=(1.45 * (half + 2), 3.2), gridspec_kw={"width_ratios": [1] * (half + 2)})
    for axis in axes[:, :2].flat:
        axis.remove()
    whole = figure.add_subplot(axes[0, 0].get_gridspec()[:, :2])
    whole.imshow(picture)
    whole.set_title("prepared picture, five frames", fontsize=8)
    for place, (top, left, _) in enumerate(corners[:half]):
        whole.add_patch(Rectangle((left, top), size - 1, size - 1, fill=False, ec=f"C{place}", lw=1.8))
    whole.set_axis_off()
    for place, axis in enumerate(axes[:, 2:].flat):
        axis.imshow(cut[place])
        axis.set_title(f"{place}" + (" mirrored" if corners[place][2] else ""), fontsize=8, color=f"C{place % half}")
        axis.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def learning_curves(frame: pd.DataFrame, cuts: dict[str, Sequence[int]], *, chance: float, title: str = "") -> Figure:
    """Draw loss and error over the run, with the learning-rate cuts.

    Args:
        frame: columns `net`, `visits` (images seen), `split`, `loss`, `error` (share, in [0, 1]).
        cuts: for each net, image visits at which the learning rate was cut.
        chance: error of a guess, in [0, 1].
        title: of the whole figure.

    Returns:
        A figure with one axes for the loss and one for the error.
    """
    figure, axes = _axes(1, 2, figsize=(10, 3.6))
    for axis, measure in zip(axes, ("loss", "error"), strict=True):
        sns.lineplot(frame, x="visits", y=measure, hue="net", style="split", ax=axis, errorbar=None, legend=measure == "error")
        for place, visits in enumerate(cuts.values()):
            for cut in visits:
                axis.axvline(cut, color=f"C{place}", lw=0.8, ls=":")
        axis.set(xlabel="images seen", ylabel="mean cross-entropy" if measure == "loss" else "share of wrong answers")
    axes[0].set(yscale="log", title="Loss")
    axes[1].axhline(chance, color=GREY, lw=0.8, ls="--")
    axes[1].text(0, chance, " a guess", va="bottom", color=GREY, fontsize=8)
    axes[1].set(ylim=(0, 1), title="Error (dotted lines: learning rate cut by ten)")
    sns.move_legend(axes[1], "upper right", fontsize=8)
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
    figure, axis = _axes(figsize=(8, 0.35 * frame[y].nunique() * (1 + 0.5 * bool(hue)) + 1.1))
    sns.barplot(frame, x=x, y=y, hue=hue, orient="h", ax=axis, errorbar=None, color=None if hue else "C0")
    for place, text in enumerate(labels):
        axis.text(frame[x].iloc[place], place, f" {text}", va="center", fontsize=8)
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
    title: str = "",
) -> Figure:
    """Draw one line for each value of `hue`.

    Args:
        frame: tidy table.
        x, y, hue: columns.
        xlabel, ylabel: of the axes, with units.
        marks: captions and heights of horizontal lines.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    figure, axis = _axes(figsize=(7, 3.4))
    sns.lineplot(frame, x=x, y=y, hue=hue, ax=axis, errorbar=None)
    for caption, height in (marks or {}).items():
        axis.axhline(height, color=GREY, lw=0.9, ls="--")
        axis.text(frame[x].min(), height, f" {caption}", va="bottom", color=GREY, fontsize=8)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.legend(title="", fontsize=8)
    return figure


def spectra(frame: pd.DataFrame, edges: Sequence[float], *, title: str = "") -> Figure:
    """Draw the spectra of the first-layer filters with the borders of the bands.

    Args:
        frame: columns `net`, `frequency` (cycles a pixel of the input), `energy` (share a bin).
        edges: borders between low, middle and high, cycles a pixel.
        title: of the figure.

    Returns:
        A figure with one axes.
    """
    words = {"xlabel": "cycles a pixel of the input", "ylabel": "share of the energy"}
    figure = lines(frame, x="frequency", y="energy", hue="net", title=title, **words)
    axis = figure.axes[0]
    for edge in edges:
        axis.axvline(edge, color=GREY, lw=0.9, ls="--")
    top = axis.get_ylim()[1]
    for left, right, word in zip((0, *edges), (*edges, 0.5), ("low", "middle", "high"), strict=True):
        axis.text((left + right) / 2, top, word, ha="center", va="top", color=GREY, fontsize=8)
    return figure
