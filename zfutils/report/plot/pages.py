"""Figures of projections: pages of the nine winners, of checkpoints, and the two paths of a layer (figures 1, 2, 4 and 6 d, e)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke

from zfutils.report.plot.page import GREY, Shown, grid

_TILE = 48  # smallest side of a tile on a page, pixels
BANNER_DPI = 100


@dataclass(frozen=True)
class Page:
    """A picture made of tiles.

    Attributes:
        caption: above it.
        picture: uint8 (h, w, 3).
        columns: labels under the caption, one a column of equal width; or none.
        numbers: words in the upper left corners of tiles, each with the pixel (x, y) of its corner; or none.
    """

    caption: str
    picture: np.ndarray
    columns: tuple[str, ...] = ()
    numbers: tuple[tuple[str, int, int], ...] = ()


def nine_page(caption: str, images: np.ndarray, *, columns: int, numbers: Sequence[int] = ()) -> Page:
    """Lay out the winners of several maps: each map a square of 3 x 3 tiles, thin white lines inside, wide ones between.

    Args:
        caption: above the page.
        images: uint8 (maps, k, side, side, 3); a map with one tile is shown as that tile.
        columns: maps a row.
        numbers: of the maps, written into their squares; or none.
    """
    across = int(np.ceil(images.shape[1] ** 0.5))
    blocks = np.stack([grid(tiles, across, gap=1) for tiles in _enlarged(images)])
    gap = max(4, blocks.shape[1] // 24)
    step, row = np.array(blocks.shape[1:3]) + gap, min(columns, len(blocks))
    corners = [(str(number), n % row * int(step[1]), n // row * int(step[0])) for n, number in enumerate(numbers)]
    return Page(caption, grid(blocks, columns, gap=gap), numbers=tuple(corners))


def strip_page(caption: str, images: np.ndarray, labels: Sequence[str]) -> Page:
    """Lay out one row of tiles for each map.

    Args:
        caption: above the page.
        images: uint8 (maps, columns, side, side, 3).
        labels: one a column.
    """
    tiles = _enlarged(images)
    maps, columns = tiles.shape[:2]
    return Page(caption, grid(tiles.reshape(maps * columns, *tiles.shape[2:]), columns, gap=max(2, tiles.shape[2] // 24)), tuple(labels))


def pages(rows: Sequence[Sequence[Page]], *, title: str = "", width: float = 13.0) -> Figure:
    """Show rows of pages, those of one row equally high.

    Args:
        rows: the pages.
        title: of the whole figure.
        width: of the figure, inches.

    Returns:
        A figure with one axes a page.
    """
    heights = [min(width / sum(_aspect(page) for page in row), 8.0) for row in rows]
    figure = Shown(figsize=(width, sum(heights) + 0.42 * len(rows) + 0.3))
    parts = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=[height + 0.42 for height in heights]))
    for part, row in zip(parts, rows, strict=True):
        axes = part.subplots(1, len(row), squeeze=False, gridspec_kw={"width_ratios": [_aspect(page) for page in row]})
        for axis, page in zip(axes.flat, row, strict=True):
            _show(axis, page)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
    return figure


def banner(columns: Sequence[tuple[str, np.ndarray, np.ndarray]], *, rows: tuple[str, str]) -> Shown:
    """Show pictures in two rows, pixel by pixel, with letters that are read on a telephone too.

    Args:
        columns: caption, upper and lower picture, uint8 (side, side, 3), of each column; all of about one side.
        rows: what stands above the two rows.

    Returns:
        A figure that has its true size at `BANNER_DPI`.
    """
    side, gap, line = max(picture.shape[0] for _, *both in columns for picture in both), 12, 44
    width, height = (side + gap) * len(columns) - gap, 2 * side + 3 * line
    figure = Shown(figsize=(width / BANNER_DPI, height / BANNER_DPI), dpi=BANNER_DPI)
    figure.set_layout_engine("none")
    for number, (caption, *both) in enumerate(columns):
        x = number * (side + gap)
        figure.text((x + side / 2) / width, 1 - line * 1.5 / height, caption, fontsize=20, ha="center", va="center")
        for picture, bottom in zip(both, (side + line, 0), strict=True):
            figure.figimage(picture, x, bottom, origin="upper")
    for words, top in zip(rows, (height - line / 2, side + line / 2), strict=True):
        figure.text(0, top / height, words, fontsize=22, va="center", weight="bold")
    figure.words = f"{rows[0]}, and below them {rows[1]}: {', '.join(caption for caption, *_ in columns)}"
    return figure


def two_paths(
    up: Sequence[tuple[str, np.ndarray]], down: Sequence[tuple[str, np.ndarray]], steps: dict[str, Sequence[str]], *, title: str
) -> Figure:
    """Draw a layer of the convnet (right, upwards) beside that of the deconvnet (left, downwards), as the top of figure 1.

    Args:
        up: caption and picture of each stage, from the input to the pooled map.
        down: the same from the reconstruction above to the one below; as many.
        steps: `up` and `down`: words for the steps between the stages, one fewer.
        title: of the figure.

    Returns:
        A figure with one axes a picture.
    """
    count = len(up)
    figure = Shown(figsize=(7.6, 2.35 * count + 0.3))
    axes = figure.subplots(count, 2)
    for side, stages in ((1, list(up)[::-1]), (0, list(down))):
        for row, (caption, picture) in enumerate(stages):
            axis = axes[row, side]
            axis.imshow(picture)
            axis.set_title(caption, fontsize=8.5, weight="normal", loc="center")
            axis.set_axis_off()
    for row in range(count - 1):
        _arrow(figure, axes[row, 0], axes[row + 1, 0], steps["down"][row], right=False)
        _arrow(figure, axes[row + 1, 1], axes[row, 1], list(steps["up"])[::-1][row], right=True)
    join = {"arrowstyle": "-|>", "color": "C1", "lw": 1.4, "coordsA": "axes fraction", "coordsB": "axes fraction"}
    figure.add_artist(ConnectionPatch((0, 0.5), (1, 0.5), axesA=axes[0, 1], axesB=axes[0, 0], **join))
    axes[0, 0].annotate("switches", (1.35, 0.56), xycoords="axes fraction", color="C1", ha="center", fontsize=9, annotation_clip=False)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def switches(
    values: np.ndarray, pooled: np.ndarray, positions: np.ndarray, above: np.ndarray, below: np.ndarray, *, title: str = ""
) -> Figure:
    """Draw pooling and un-pooling of a small map in numbers, as the bottom of figure 1.

    Args:
        values: what enters the pool, (h, w).
        pooled: what leaves it, (a, b).
        positions: row and column of each maximum, (a, b, 2).
        above: the signal that comes down, (a, b).
        below: the un-pooled signal, (h, w).
        title: of the figure.

    Returns:
        A figure with four axes.
    """
    figure = Shown(figsize=(13, 3.5))
    axes = figure.subplots(1, 4, width_ratios=[values.shape[1], pooled.shape[1] * 1.3, pooled.shape[1] * 1.3, values.shape[1]])
    chosen = {tuple(position) for position in positions.reshape(-1, 2).tolist()}
    for axis, numbers, caption in zip(
        axes,
        (values, pooled, above, below),
        ("rectified map, switches framed", "pooled map", "signal from above", "un-pooled: added at the switches"),
        strict=True,
    ):
        _numbers(axis, numbers, frames=chosen if numbers.shape == values.shape else set())
        axis.set_title(caption, fontsize=9)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    return figure


def _numbers(axis: Axes, numbers: np.ndarray, *, frames: set[tuple[int, int]]) -> None:
    """A grid of numbers, shaded by size."""
    axis.imshow(numbers, cmap="Blues", vmin=0, vmax=max(2.0 * float(numbers.max()), 1e-9))
    for (row, column), value in np.ndenumerate(numbers):
        words = f"{value:.3g}" if value else "0"
        size = 7.5 if len(words) < 6 else 6  # what is longer would reach into the next cell
        axis.text(column, row, words, ha="center", va="center", fontsize=size, color="black" if value else GREY)
    for row, column in sorted(frames):
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec="C1", lw=1.8))
    axis.set(xticks=[], yticks=[])
    axis.grid(False)


def _arrow(figure: Figure, start: Axes, end: Axes, words: str, *, right: bool) -> None:
    """An arrow between two pictures with the name of the step beside it."""
    down = start.get_subplotspec().rowspan.start < end.get_subplotspec().rowspan.start
    head = {"arrowstyle": "-|>", "color": "#333333", "lw": 1.2, "coordsA": "axes fraction", "coordsB": "axes fraction"}
    x, shift = (1.12, 0.05) if right else (-0.12, -0.05)
    figure.add_artist(ConnectionPatch((x, 0.45 if down else 0.55), (x, 0.55 if down else 0.45), axesA=start, axesB=end, **head))
    upper = start if down else end
    style = {"xycoords": "axes fraction", "ha": "left" if right else "right", "va": "center", "fontsize": 9, "annotation_clip": False}
    upper.annotate(words, (x + shift, -0.13), **style)


def _show(axis: Axes, page: Page) -> None:
    axis.imshow(page.picture)
    axis.set_title(page.caption, fontsize=9, pad=14 if page.columns else 4)
    width = page.picture.shape[1]
    for number, label in enumerate(page.columns):
        axis.text((number + 0.5) * width / len(page.columns), -0.012 * page.picture.shape[0], label, ha="center", va="bottom", fontsize=7.5)
    for words, x, y in page.numbers:
        axis.annotate(
            words,
            (x, y),
            (1.5, -1.5),
            textcoords="offset points",
            ha="left",
            va="top",
            fontsize=5.5,
            color="white",
            path_effects=[withStroke(linewidth=1.2, foreground="black")],
        )
    axis.set_axis_off()


def _aspect(page: Page) -> float:
    return page.picture.shape[1] / page.picture.shape[0]


def _enlarged(images: np.ndarray) -> np.ndarray:
    """Small tiles (maps, k, side, side, 3) with every pixel repeated, so that thin lines stay thin."""
    times = -(-_TILE // images.shape[2])
    return images.repeat(times, 2).repeat(times, 3)
