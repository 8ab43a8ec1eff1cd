"""Pictures that are shifted, enlarged or turned: how far the features move and what the net then says (section 4, figure 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor, nn

from zfutils.analysis import invariance
from zfutils.analysis.invariance import Curves, Transformation
from zfutils.core.errors import unknown
from zfutils.models.crops import Crops
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, apart
from zfutils.widgets.sliders import Sliders


@dataclass(frozen=True)
class Moved:
    """Pictures, the net that is asked, and its curves.

    Attributes:
        net: in evaluation mode.
        images: as the net takes them, (n, 3, side, side).
        labels: numbers of their classes, (n,).
        crops: that the images were cut with.
        names: of the classes.
        changes: transformation and amounts, by name, as `invariance.amounts` gives them.
        curves: of these images, by the same names.
        typical: distance between different images, by layer.
    """

    net: nn.Module
    images: Tensor
    labels: np.ndarray
    crops: Crops
    names: Sequence[str]
    changes: dict[str, tuple[Transformation, np.ndarray]]
    curves: dict[str, Curves]
    typical: dict[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", apart(self.net))  # cells after this one go on with the net that was given

    def sliders(self, chosen: Sequence[int]) -> Sliders:
        """Picture, change and amount; the range of the amount is that of the change.

        Args:
            chosen: numbers of the pictures that are offered.
        """
        pictures = [(self.names[self.labels[n]], n) for n in chosen]
        change = widgets.Dropdown(description="change", options=list(self.changes))
        amount = widgets.FloatSlider(description="amount", readout_format=".4g")
        change.observe(lambda event: self._fit(amount, event["new"]), "value")
        self._fit(amount, change.value)
        controls = {"picture": widgets.Dropdown(description="picture", options=pictures), "change": change, "amount": amount}
        return Sliders(self.at, title="Shift, scale, turn", controls=controls, pictures=2)

    def at(self, picture: int, change: str, amount: float, check: Check) -> Shown:
        """A picture, changed, with the distances of both layers as multiples of those between pictures, and the classes.

        Args:
            picture: its number among the images.
            change: name of the transformation.
            amount: of it; one beyond its range becomes the end of the range.
            check: of the pipeline.
        """
        if change not in self.changes:
            raise unknown("change", change, self.changes)
        check()
        transformation, amounts = self.changes[change]
        amount = float(np.clip(amount, amounts.min(), amounts.max()))
        image = self.images[picture : picture + 1]
        moved = transformation(image, amount)
        far = {_short(layer): d[0] / self.typical[layer] for layer, d in invariance.distances(self.net, image, moved).items()}
        before, after = self._asked(torch.cat([image, moved]))
        own, best = self.names[self.labels[picture]], self.names[int(after.argmax())]
        caption = ", ".join(f"{layer} moves {value:.2f}" for layer, value in far.items())
        caption += f";\nP({own}) {before[self.labels[picture]]:.2f} → {after[self.labels[picture]]:.2f}; most probable: {best}"
        lines = {_short(layer): values[:, picture] for layer, values in self.curves[change].relative(self.typical).items()}
        svg = drawing.curves(amounts, lines, cursor=amount, label=change, ylabel="distance / that between pictures")
        said = "Curves: 1 is as far as another picture. Bars: the five most probable classes; the mark is the share before."
        return Shown({caption: self.crops.pictures(moved)[0]}, said, svg + drawing.class_bars(before, after, self.names))

    def _fit(self, slider: widgets.FloatSlider, change: str) -> None:
        """Give the slider the range of a change, at the amount that changes nothing."""
        amounts = self.changes[change][1]
        start = max(0.0, float(amounts.min()))  # no pixel, factor 1, no degree
        slider.min, slider.max = min(slider.min, amounts.min()), max(slider.max, amounts.max())
        slider.value, slider.min, slider.max = start, float(amounts.min()), float(amounts.max())
        slider.step = float(np.diff(amounts).min()) / 2

    @torch.no_grad()
    def _asked(self, images: Tensor) -> np.ndarray:
        """Probabilities of images, (n, classes)."""
        return self.net(images).float().softmax(1).cpu().numpy()


def _short(layer: str) -> str:
    """`layer 1` for `pool1`."""
    return f"layer {layer[-1]}"
