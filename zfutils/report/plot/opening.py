"""The pictures of the first chapter: the way up and the way down, and a square that hides."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from zfutils.report.plot.page import GREY, Shown, blank

_UP, _DOWN, _SWITCH = "#1b6ca8", "#d1495b", "#b9770e"
_RIGHT, _LEFT = 3.85, 1.55  # middles of the two columns, inches
_BOX, _PICTURE = (1.6, 0.5), 1.6  # width and height of a step, side of a picture, inches
_HEIGHTS = (2.55, 3.35, 4.15)  # of the three steps


def both_ways(
    image: np.ndarray,
    values: np.ndarray,
    seed: tuple[int, int],
    projection: np.ndarray,
    *,
    steps: dict[str, Sequence[str]],
    captions: dict[str, str],
) -> Figure:
    """Draw the deconvnet in one picture: up through the net on the right, one activation kept, down to pixels on the left.

    Args:
        image: what goes in, uint8 (h, w, 3).
        values: a map of the net in that image, (rows, columns).
        seed: row and column of the value that is kept.
        projection: what comes down, uint8 (h, w, 3).
        steps: `up` and `down`: the names of three steps each, from the bottom to the top; the last two are joined by the switches.
        captions: of the pictures: `image`, `map`, `seed`, `projection`.

    Returns:
        A figure with five axes: the drawing, then image, projection, map and seed.
    """
    figure = Shown(figsize=(5.5, 7.1))
    figure.set_layout_engine("none")
    drawing = figure.add_axes((0, 0, 1, 1))
    drawing.set(xlim=(0, 5.5), ylim=(0, 7.1))
    drawing.set_axis_off()
    drawing.add_patch(FancyBboxPatch((0.5, 2.2), 4.4, 2.3, boxstyle="round,pad=0,rounding_size=0.1", fc="#f6f6f6", ec=GREY, lw=0.8, ls=":"))
    for way, middle, colour in (("up", _RIGHT, _UP), ("down", _LEFT, _DOWN)):
        _column(drawing, middle, steps[way], colour, upwards=way == "up")
    drawing.annotate("", (_LEFT + _BOX[0] / 2, _HEIGHTS[-1]), (_RIGHT - _BOX[0] / 2, _HEIGHTS[-1]), arrowprops=_arrow(_SWITCH, ls="--"))
    drawing.text(2.7, _HEIGHTS[-1] + 0.07, "switches", color=_SWITCH, ha="center", va="bottom", fontsize=8.5)
    drawing.annotate("", (_LEFT + _PICTURE / 2, 5.75), (_RIGHT - _PICTURE / 2, 5.75), arrowprops=_arrow("#333333"))
    drawing.text(2.7, 5.82, "keep one", ha="center", va="bottom", fontsize=8.5)
    drawing.text(5.1, _HEIGHTS[1], "layer after layer", rotation=90, ha="center", va="center", fontsize=8.5, color=GREY)
    kept = np.zeros_like(values)
    kept[seed] = values[seed]
    pictures = (
        ("image", image, _RIGHT, 0.4),
        ("projection", projection, _LEFT, 0.4),
        ("map", values, _RIGHT, 4.95),
        ("seed", kept, _LEFT, 4.95),
    )
    for name, picture, middle, bottom in pictures:
        _inset(figure, picture, middle, bottom, captions[name], high=float(values.max()), above=bottom > 1)
    return figure


def hidden(
    image: np.ndarray, square: tuple[int, int, int], probability: np.ndarray, *, name: str, unhidden: float, fill: np.ndarray
) -> Figure:
    """Draw an image with the square where it hurts most, and what the square does at every position.

    Args:
        image: uint8 (h, w, 3).
        square: its top, left and side, pixels.
        probability: of the class with the square at each position, (rows, columns), in [0, 1].
        name: of the class.
        unhidden: its probability in the image as it is.
        fill: what is seen inside the square, uint8 (h, w, 3).

    Returns:
        A figure with two axes and a colour bar.
    """
    figure, (left, right) = blank(1, 2, figsize=(5.8, 2.9))
    top, start, side = square
    inside = np.s_[top : top + side, start : start + side]
    shown = image.copy()
    shown[inside] = fill[inside]
    left.imshow(shown)
    for colour, width in (("black", 3), ("white", 1.5)):  # white alone is lost on a pale picture
        left.add_patch(Rectangle((start - 0.5, top - 0.5), side, side, fc="none", ec=colour, lw=width))
    left.set_title("the square at its worst place", fontsize=9, weight="normal")
    shades = right.imshow(probability, cmap="viridis", vmin=0, vmax=max(unhidden, float(probability.max())))
    right.set_title(f"P({name}), square by square", fontsize=9, weight="normal")
    figure.colorbar(shades, ax=right, shrink=0.85).ax.tick_params(labelsize=8)
    for axis in (left, right):
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        axis.spines[:].set_visible(False)
    return figure


def _column(axis: Axes, middle: float, steps: Sequence[str], colour: str, *, upwards: bool) -> None:
    """The steps of one way, with arrows between them and to the pictures at both ends."""
    for height, words in zip(_HEIGHTS, steps, strict=True):
        corner = (middle - _BOX[0] / 2, height - _BOX[1] / 2)
        axis.add_patch(FancyBboxPatch(corner, *_BOX, boxstyle="round,pad=0,rounding_size=0.08", fc="white", ec=colour, lw=1.4))
        axis.text(middle, height, words, ha="center", va="center", fontsize=9, color=colour)
    half = _BOX[1] / 2
    ends = [0.4 + _PICTURE, *(edge for height in _HEIGHTS for edge in (height - half, height + half)), 4.95]
    for low, high in zip(ends[::2], ends[1::2], strict=True):
        start, end = (low, high) if upwards else (high, low)
        axis.annotate("", (middle, end), (middle, start), arrowprops=_arrow(colour))


def _arrow(colour: str, **style: str) -> dict:
    return {"arrowstyle": "-|>", "color": colour, "lw": 1.4, "shrinkA": 0, "shrinkB": 0, **style}


def _inset(figure: Figure, picture: np.ndarray, middle: float, bottom: float, caption: str, *, high: float, above: bool) -> None:
    """A picture or a map in the drawing, with its caption."""
    width, height = figure.get_size_inches()
    axis = figure.add_axes(((middle - _PICTURE / 2) / width, bottom / height, _PICTURE / width, _PICTURE / height))
    axis.imshow(picture, cmap="Blues", vmin=0, vmax=high)
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(True)
    axis.spines[:].set_color("#aaaaaa")
    if above:
        axis.set_title(caption, fontsize=8.5, weight="normal", loc="center", pad=4)
    else:
        axis.set_xlabel(caption, fontsize=8.5, labelpad=4)
