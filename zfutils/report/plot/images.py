"""Figures of pictures: grids, contact sheets, crops, filters."""

import colorsys
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from zfutils.report.plot.page import blank, grid, tiled, without_empty_strips

_LETTERS = 17.5  # of a caption, an inch


def pictures(
    images: np.ndarray, captions: Sequence[str] = (), *, columns: int, title: str = "", note: str = "", cell: float = 1.1
) -> Figure:
    """Show pictures in a grid, row by row.

    Args:
        images: uint8 of shape (n, h, w, 3) or (n, h, w).
        captions: one a picture, of one or more lines, or none; what is wider than a picture is broken into lines.
        columns: pictures a row.
        title: of the whole figure.
        note: stands below, one or more lines, each broken where it is wider than the figure.
        cell: width of a picture, inches.

    Returns:
        A figure with one axes a picture.
    """
    rows = -(-len(images) // columns)
    tall = max((image.shape[0] / image.shape[1] for image in images), default=1.0)
    captions = [_broken(caption, cell) for caption in captions]
    words = 0.14 + 0.11 * max(caption.count("\n") + 1 for caption in captions) if captions else 0.0
    note = _broken(note, cell * columns)
    height = (cell * tall + words) * rows + 0.4 + 0.11 * (note.count("\n") + bool(note))
    figure, axes = blank(rows, columns, figsize=(cell * columns, height), squeeze=False)
    for number, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if number < len(images):
            axis.imshow(images[number], cmap="gray", vmin=0, vmax=255)
            if captions:
                axis.set_title(captions[number], fontsize=7, weight="normal", loc="center", pad=2)
    if title:
        figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=10)
    if note:
        figure.supxlabel(note, x=0.01, ha="left", fontsize=7)
    return without_empty_strips(figure)


def _broken(words: str, width: float) -> str:
    """Words in lines that are not wider than some inches."""
    return "\n".join(textwrap.fill(line, int(_LETTERS * width), break_long_words=False) for line in words.split("\n"))


def sheet(rows: dict[str, np.ndarray], *, columns: int) -> Figure:
    """Show a contact sheet, one row of pictures for each class, two classes side by side.

    Args:
        rows: name and pictures, uint8 of shape (n, h, w, 3), of each class.
        columns: pictures a row.

    Returns:
        A figure with two axes.
    """
    names = list(rows)
    halves = [names[: -(-len(names) // 2)], names[-(-len(names) // 2) :]]
    columns = min(columns, max(len(images) for images in rows.values()))
    figure, axes = blank(1, 2, figsize=(1.6 * columns + 1.4, 0.78 * len(halves[0]) + 0.3))
    for axis, half in zip(axes, halves, strict=True):
        axis.grid(False)
        axis.spines[:].set_visible(False)
        if half:
            pages = [_row(rows[name], columns) for name in half]
            axis.imshow(np.concatenate(pages))
            height = len(pages[0])
            axis.set_yticks([height * (number + 0.5) for number in range(len(half))], half)
        axis.set_xticks([])
        axis.tick_params(length=0)
    return figure


def _row(images: np.ndarray, columns: int) -> np.ndarray:
    """Pictures of one class side by side, white where there are fewer than columns."""
    shown = grid(images[:columns], columns, gap=4)
    width = columns * (images.shape[2] + 4)
    return np.pad(shown, ((0, 4), (0, width - shown.shape[1]), (0, 0)), constant_values=255)


def palette(parts: int) -> np.ndarray:
    """Colours for a map of parts, uint8 of shape (1 + parts, 3): dark grey for the background, then far apart hues."""
    hues = [colorsys.hsv_to_rgb(part * 0.61803 % 1, 0.45 + 0.4 * (part % 2), 0.98 - 0.12 * (part % 3)) for part in range(parts)]
    return np.rint(np.array([(0.16, 0.16, 0.18), *hues]) * 255).astype(np.uint8)


def filters(panels: dict[str, np.ndarray], *, columns: int = 11) -> Figure:
    """Show the first-layer filters of several nets side by side (figure 6 a-c).

    Args:
        panels: caption and pictures, uint8 of shape (n, k, k, 3), of each net. Zero is grey 128.
        columns: filters a row; the paper has 11.

    Returns:
        A figure with one axes a net.
    """
    rows = -(-max(len(images) for images in panels.values()) // columns)
    figure, axes = blank(1, len(panels), figsize=(4.3 * len(panels), 4.2 * rows / columns + 0.5), squeeze=False)
    for axis, (caption, images) in zip(axes.flat, panels.items(), strict=True):
        axis.imshow(tiled(images, columns))
        axis.set_title(caption, fontsize=9)
        axis.set_axis_off()
    return without_empty_strips(figure)


def crops(picture: np.ndarray, corners: Sequence[tuple[int, int, bool]], size: int, cut: np.ndarray) -> Figure:
    """Show a picture with the frames of its crops, and the crops.

    Args:
        picture: uint8 (side, side, 3).
        corners: top, left and whether mirrored, of each crop.
        size: side of a crop, pixels.
        cut: the crops, uint8 (n, size, size, 3).

    Returns:
        A figure; the first axes holds the picture.
    """
    half = len(cut) // 2
    figure, axes = blank(2, half + 2, figsize=(1.45 * (half + 2), 3.2), gridspec_kw={"width_ratios": [1] * (half + 2)})
    for axis in axes[:, :2].flat:
        axis.remove()
    whole = figure.add_subplot(axes[0, 0].get_gridspec()[:, :2])
    whole.imshow(picture)
    whole.set_title("prepared picture, five frames", fontsize=8)
    for number, (top, left, _) in enumerate(corners[:half]):
        whole.add_patch(Rectangle((left, top), size - 1, size - 1, fill=False, ec=f"C{number}", lw=1.8))
    whole.set_axis_off()
    for number, axis in enumerate(axes[:, 2:].flat):
        axis.imshow(cut[number])
        axis.set_title(f"{number}" + (" mirrored" if corners[number][2] else ""), fontsize=8, color=f"C{number % half}")
        axis.set_axis_off()
    return figure
