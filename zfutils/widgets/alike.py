"""The same place hidden in several faces: how alike the features change, layer by layer (section 4.3)."""

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from torch import Tensor, nn

from zfutils.analysis import correspondence
from zfutils.analysis.correspondence import LAYERS, Faces
from zfutils.models.crops import Crops
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, apart
from zfutils.widgets.sliders import Sliders
from zfutils.widgets.square import Square, pixels, value

_WIDE = 575  # pixels, of the row of faces on the page


@dataclass(frozen=True)
class Alike:
    """Faces and the net that sees them.

    Attributes:
        net: in evaluation mode.
        images: as the net takes them, (n, 3, side, side).
        faces: where their parts are, in the same order.
        crops: that the images were cut with.
    """

    net: nn.Module
    images: Tensor
    faces: Faces
    crops: Crops

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", apart(self.net))  # cells after this one go on with the net that was given

    def dragged(self, size: int) -> Sliders:
        """A square to drag over the first face; in the others it takes the place that lies to their parts alike, inside the picture.

        Args:
            size: of the square at first, pixels.
        """
        side = self.images.shape[-1]
        over = Square(self.crops.pictures(self.images[:1])[0], label="the first face", side=size / side, value=self.place("nose"))
        slider = widgets.IntSlider(description="size, px", value=size, min=2, max=side // 2)
        slider.observe(lambda event: setattr(over, "square", event["new"] / side), "value")
        layer = widgets.SelectionSlider(description="layer", options=[(str(n), name) for n, name in enumerate(LAYERS, 1)], value="relu5")
        zone = widgets.FloatSlider(description="dead zone", max=0.1, step=0.005, readout_format=".1%")
        controls = {"square": over, "size": slider, "layer": layer, "zone": zone}
        return Sliders(self.at, title="Hide the same place in all faces", controls=controls, wide=_WIDE)

    def place(self, part: str) -> tuple[float, float]:
        """Where a part of the first face is, as a value of the square."""
        return value(*self.faces.centres[part][0], self.images.shape[-1])

    def at(self, square: tuple, size: int, layer: str, zone: float, check: Check) -> Shown:
        """The faces with a square each, and how alike the features of a layer change.

        Args:
            square: in the first face; empty hides nothing.
            size: of the square, pixels.
            layer: whose changes are compared.
            zone: changes up to this share of the largest of an image count as none.
            check: of the pipeline.
        """
        check()
        if not square:
            return Shown({"nothing is hidden": self._row(self.images)}, "Press an arrow key, or click the first face.")
        side = self.images.shape[-1]
        centres = self.faces.alike(pixels(square, side), 0, side, size)
        signs = correspondence.signs(self.net, self.images, centres, size, zone=zone)
        pairs = {name: correspondence.pairs(some) for name, some in signs.items()}
        number = LAYERS.index(layer) + 1
        ratios = np.array([one.ratio() for one in pairs.values()])
        caption = f"Δ {pairs[layer].delta()[0]:.3f}, Δ/Δ0 {pairs[layer].ratio():.3f}"
        said = f"{(signs[layer] != 0).mean():.1%} of the features of layer {number} change. Below 1 the faces change alike."
        hidden = correspondence.masked(self.images, centres, size)
        return Shown({caption: self._row(hidden)}, said, _chart(ratios, number))

    def _row(self, images: Tensor) -> np.ndarray:
        return drawing.sheet(self.crops.pictures(images), columns=len(images), side=images.shape[-1])


def _chart(ratios: np.ndarray, layer: int) -> str:
    """The ratio at every layer, an SVG; none where some layer does not change."""
    if not np.isfinite(ratios).all():
        return ""
    numbers = np.arange(1, 1 + len(ratios))
    return drawing.curves(numbers, {"Δ/Δ0": ratios, "chance": np.ones(len(ratios))}, cursor=layer, label="layer", ylabel="")
