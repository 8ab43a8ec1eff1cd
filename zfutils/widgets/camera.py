"""A picture from the reader's camera, where the browser allows it."""

from pathlib import Path

import anywidget
import traitlets


class Camera(anywidget.AnyWidget):
    """A button that takes a picture. Nothing is seen before it is pressed, and the camera rests once the picture is taken.

    Attributes:
        shot: the latest picture, JPEG bytes; empty before one is taken.
    """

    _esm = Path(__file__).with_name("camera.js")
    shot = traitlets.Bytes().tag(sync=True, from_json=lambda sent, _: bytes(sent))  # it comes as a view of memory
