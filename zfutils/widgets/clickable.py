"""A picture that one can click, drag on, and steer by the arrow keys."""

from pathlib import Path

import anywidget
import traitlets


class Clickable(anywidget.AnyWidget):
    """A picture with a cursor.

    Attributes:
        data: the picture, PNG or JPEG bytes.
        label: what it shows, read aloud.
        position: where the cursor is, [x, y] as fractions of width and height in [0, 1]; empty without one. The arrow keys move it, the
            escape key takes it away.
        step: how far an arrow key moves it, a fraction.
        square: side of a square around the cursor, a fraction; 0 for none.
        hover: whether the cursor follows the pointer also while no button is pressed.
        cells: along a side, in whose middles the cursor stands; 0 lets it stand anywhere.
        width: on the page, pixels; it shrinks in a narrow column.
    """

    _esm = Path(__file__).with_name("clickable.js")
    data = traitlets.Bytes().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    position = traitlets.List(traitlets.Float()).tag(sync=True)
    step = traitlets.Float(0.05).tag(sync=True)
    square = traitlets.Float(0.0).tag(sync=True)
    hover = traitlets.Bool(False).tag(sync=True)
    cells = traitlets.Int(0).tag(sync=True)
    width = traitlets.Int(300).tag(sync=True)
