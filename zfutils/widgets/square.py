"""A square over a picture, dragged by the pointer or moved by the arrow keys: a control as a slider is one."""

import numpy as np
import traitlets

from zfutils.widgets import drawing
from zfutils.widgets.clickable import Clickable

_STEP = 0.04  # of the picture, for an arrow key
_SIDE = 300  # pixels, of the picture on the page


class Square(Clickable):
    """The square's middle is the value; the arrow keys move it, the escape key takes it away.

    Args:
        picture: under it, uint8 (h, w, 3).
        label: what one does with it, read aloud.
        side: of the square, a fraction.
        value: where it is at first.
        cells: along a side of the picture, where the square stands in cells; the pointer then moves it without a button too.

    Attributes:
        value: x and y of the middle as fractions of width and height in [0, 1]; empty without a square.
        description: its name.
    """

    value = traitlets.Tuple()
    description = traitlets.Unicode("square")

    def __init__(self, picture: np.ndarray, *, label: str, side: float, value: tuple[float, float] | tuple[()] = (), cells: int = 0):
        said = f"{label}; the arrow keys move the square, escape takes it away"
        moves = {"cells": cells, "hover": cells > 0, "step": 1 / cells if cells else _STEP}
        super().__init__(data=drawing.png(drawing.enlarged(picture, _SIDE)), label=said, square=side, **moves)
        traitlets.dlink((self, "position"), (self, "value"), tuple)
        traitlets.dlink((self, "value"), (self, "position"), list)
        self.value = value


def pixels(value: tuple[float, float], side: int) -> tuple[float, float]:
    """Row and column of a value in a picture of a side in pixels."""
    return value[1] * side, value[0] * side


def position(value: tuple[float, float], cells: int) -> tuple[int, int]:
    """Row and column of the cell that a value lies in."""
    row, column = (int(np.clip(share * cells, 0, cells - 1)) for share in value[::-1])
    return row, column


def value(row: float, column: float, side: float) -> tuple[float, float]:
    """The value of a place in a picture: x before y, short enough for a caption."""
    return round(float(column / side), 3), round(float(row / side), 3)
