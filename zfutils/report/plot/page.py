"""What all figures share: the style, a figure that shows itself, pictures laid out on a page."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from zfutils.report.plot.alternative_text import described

STYLE = Path(__file__).with_name("book.mplstyle")
plt.style.use(STYLE)

GREY = "#7a7a7a"
_ROOM = 0.004  # around a state that is cut out, share of the figure
_EDGE = 0.05  # above and below what is drawn, inches


class Shown(Figure):
    """A figure that a notebook shows once, where it is the value of a cell, whatever backend is set.

    Attributes:
        words: what a drawing shows, where its axes do not say it.
        states: names of states, each with the numbers of the axes that show it; none for most figures.
    """

    words = ""
    states: Mapping[str, Sequence[int]] = MappingProxyType({})

    def _repr_png_(self) -> tuple[bytes, dict[str, object]]:
        """The picture, and beside it what it shows in words, and where its states lie."""
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=plt.rcParams["figure.dpi"])
        states = [{"label": label, "boxes": [self._box(number) for number in axes]} for label, axes in self.states.items()]
        return written.getvalue(), {"alt": described(self), **({"states": states} if states else {})}

    def _box(self, number: int) -> list[float]:
        """Left, top, width and height of axes with their title, as shares of the figure that was drawn last."""
        bounds = self.axes[number].get_tightbbox().transformed(self.transFigure.inverted()).padded(_ROOM)
        left, right = max(bounds.x0, 0.0), min(bounds.x1, 1.0)
        top, bottom = max(1 - bounds.y1, 0.0), min(1 - bounds.y0, 1.0)
        return [round(float(share), 4) for share in (left, top, right - left, bottom - top)]


def blank(rows: int = 1, columns: int = 1, *, figsize: tuple[float, float], **options: object) -> tuple[Figure, object]:
    """A figure and its axes, unknown to pyplot."""
    figure = Shown(figsize=figsize)
    return figure, figure.subplots(rows, columns, **options)


def without_empty_strips(figure: Figure) -> Figure:
    """Make a figure of pictures as high as what is drawn in it; pictures keep their shape, and what they leave empty stays below them."""
    figure.set_layout_engine("compressed")
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, min(height, figure.get_tightbbox().height + 2 * _EDGE))
    return figure


def unarranged(*, figsize: tuple[float, float]) -> Figure:
    """A figure whose axes stay where they are put, in inches.

    Asked for at the start (`layout="none"`), that is forgotten when the figure is first saved; set afterwards it stays.
    """
    figure = Shown(figsize=figsize)
    figure.set_layout_engine("none")
    return figure


def tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """Pictures (n, k, k, 3) in one, with white lines between, each pixel enlarged so that all panels have lines of one width."""
    nearest = np.arange(44) * images.shape[1] // 44
    return np.pad(grid(images[:, nearest][:, :, nearest], columns, gap=4), ((4, 4), (4, 4), (0, 0)), constant_values=255)


def grid(tiles: np.ndarray, columns: int, *, gap: int) -> np.ndarray:
    """Tiles (n, h, w, 3) row by row with white lines of `gap` pixels between."""
    columns = min(columns, len(tiles))
    rows, (height, width) = -(-len(tiles) // columns), tiles.shape[1:3]
    page = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = (number // columns) * (height + gap), number % columns * (width + gap)
        page[top : top + height, left : left + width] = tile
    return page


def dots_with_ends(axis, frame, heights, *, value: str, ends: tuple[str, str], colour: str, word: str) -> None:
    """Draw a dot and its interval, lying, for each row of a table.

    Args:
        axis: where.
        frame: the table.
        heights: of its rows.
        value, ends: columns of the dots and of the two ends.
        colour: of all.
        word: in the legend.
    """
    axis.hlines(heights, frame[ends[0]], frame[ends[1]], color=colour, lw=2, alpha=0.55)
    axis.plot(frame[value], heights, "o", color=colour, ms=6, lw=0, label=word)
