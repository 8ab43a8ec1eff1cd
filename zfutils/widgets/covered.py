"""One picture of which a square is covered: what is then seen, and what the net says of it (section 4.2)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor, nn

from zfutils.attribution import occlusion
from zfutils.attribution.occlusion import Sweep
from zfutils.core.errors import unknown
from zfutils.models.crops import Crops
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, Memory, apart
from zfutils.widgets.sliders import Sliders
from zfutils.widgets.square import Square, pixels, position


@dataclass(frozen=True)
class Covered:
    """A picture and the net that is asked.

    Attributes:
        net: in evaluation mode.
        image: as the net takes it, (3, side, side).
        label: number of its class.
        crops: that the image was cut with.
        names: of the classes.
        fills: what is seen in the square, by name.
    """

    net: nn.Module
    image: Tensor
    label: int
    crops: Crops
    names: list[str]
    fills: dict[str, Callable[[Tensor], Tensor]]
    kept: Memory = field(default_factory=lambda: Memory(1), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", apart(self.net))  # cells after this one go on with the net that was given

    def dragged(self) -> Sliders:
        """A square to drag over the picture, its size and its filling, and the classes that answer."""
        side = self.image.shape[-1]
        size = occlusion.scaled(side)[0]
        over = Square(self.crops.pictures(self.image[None])[0], label="the picture", side=size / side, value=(0.5, 0.5))
        slider = widgets.IntSlider(description="size, px", value=size, min=side // 14, max=side // 2)
        slider.observe(lambda event: setattr(over, "square", event["new"] / side), "value")
        menu = widgets.Dropdown(description="fill", options=list(self.fills))
        return Sliders(self.at, title="Drag the square", controls={"square": over, "size": slider, "fill": menu}, pictures=2)

    def swept(self, sweep: Sweep) -> Sliders:
        """The map of P(class); the cell under the pointer is opened: the picture with the square there, and the classes."""
        heat = drawing.heat(sweep.probabilities[..., self.label], low=0, high=1)
        label = f"P({self.names[self.label]}) by position of the square, bright where it is high"
        middle = ((len(heat) // 2 + 0.5) / len(heat),) * 2
        over = Square(heat, label=label, side=1 / len(heat), value=middle, cells=len(heat))
        return Sliders(lambda cell, check: self.cell(sweep, cell, check), title=label, controls={"cell": over}, pictures=2)

    def at(self, square: tuple, size: int, fill: str, check: Check) -> Shown:
        """The picture with a square of `size` pixels there, or as it is, and what the net says."""
        if fill not in self.fills:
            raise unknown("fill", fill, self.fills)
        check()
        if not square:
            return self._shown(self.image)
        centre = pixels(square, self.image.shape[-1])
        return self._shown(occlusion.cover(self.image, centre, size, fill=self.fills[fill]))

    def cell(self, sweep: Sweep, cell: tuple, check: Check) -> Shown:
        """The picture with the square where a sweep had it, and what the net said: read from the sweep."""
        check()
        if not cell:
            return self._shown(self.image, sweep.base_probabilities)
        row, column = position(cell, len(sweep.tops))
        covered = occlusion.cover(self.image, sweep.centre(row, column), sweep.size)
        return self._shown(covered, sweep.probabilities[row, column])

    def _shown(self, image: Tensor, after: np.ndarray | None = None) -> Shown:
        """An image as the net sees it, with its classes beside those of the uncovered one."""
        before = self.kept.get("uncovered", lambda: self._asked(self.image))
        after = self._asked(image) if after is None else after
        own, best = self.names[self.label], self.names[int(after.argmax())]
        caption = f"P({own}) {before[self.label]:.2f} → {after[self.label]:.2f};\nmost probable: {best} {after.max():.2f}"
        said = "Beside the square: what the net sees. The marks are the shares of the uncovered picture."
        return Shown({caption: self.crops.pictures(image[None])[0]}, said, drawing.class_bars(before, after, self.names))

    @torch.no_grad()
    def _asked(self, image: Tensor) -> np.ndarray:
        """Probabilities of an image, (classes,)."""
        return self.net(image[None]).float().softmax(1)[0].cpu().numpy()
