"""The same unit through training and through forgetting: how far its projection is from that of the trained net (figure 4; later work)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
from torch import Tensor, nn

from zfutils.analysis import sanity, similarity
from zfutils.attribution import deconv
from zfutils.attribution.top_nine import display_scale
from zfutils.attribution.units import Unit
from zfutils.core.errors import unknown
from zfutils.models.crops import to_display
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, Memory
from zfutils.widgets.sliders import Sliders
from zfutils.widgets.views import RULES, ways

NOTHING = "nothing"
_SIDE = 336  # pixels of a tile


@dataclass(frozen=True)
class Followed:
    """A picture, the net at the epochs of its training, and a net with the weights that are given back.

    Attributes:
        states: for each epoch of the paper's 70 a function that loads the net as it was then, in evaluation mode; the last is trained.
        fresh: a net of the same architecture with new initial weights.
        image: as the net takes it, (3, side, side).
        units: that are offered.
        layers: that get new weights, from the top down.
    """

    states: Mapping[int, Callable[[], nn.Sequential]]
    fresh: nn.Sequential
    image: Tensor
    units: Sequence[Unit]
    layers: Sequence[str]
    nets: Memory = field(default_factory=lambda: Memory(4), repr=False)
    kept: Memory = field(default_factory=lambda: Memory(512), repr=False)

    def sliders(self, unit: Unit) -> Sliders:
        """Unit, rule, epoch of training, and how many layers are forgotten.

        Args:
            unit: that is shown first.
        """
        controls = {
            "unit": widgets.Dropdown(description="unit", options=[(str(one), one) for one in self.units], value=unit),
            "rule": widgets.Dropdown(description="rule", options=RULES),
            "epoch": widgets.SelectionSlider(description="epoch", options=list(self.states), value=max(self.states)),
            "forgotten": widgets.SelectionSlider(description="forgotten", options=self.depths()),
        }
        return Sliders(self.at, title="The same unit through training and through forgetting", controls=controls, wide=_SIDE)

    def depths(self) -> list[str]:
        """What can be forgotten: nothing, or the layers from the top down to some layer."""
        top = self.layers[0]
        return [NOTHING, top, *(f"{top} to {layer}" for layer in self.layers[1:])]

    def at(self, unit: Unit, rule: str, epoch: int, forgotten: str, check: Check) -> Shown:
        """A projection, and how like it is to that of the trained net.

        Args:
            unit: that is projected, at its strongest place in each net, with a signal of 1.
            rule: of the way down.
            epoch: one of `states`.
            forgotten: one of `depths()`.
            check: of the pipeline.
        """
        for what, got, known in (("epoch", epoch, self.states), ("depth", forgotten, self.depths())):
            if got not in known:
                raise unknown(what, got, [str(one) for one in known])
        count = self.depths().index(forgotten)
        pixels, trained = (self._pixels(unit, rule, *state, check) for state in ((epoch, count), (max(self.states), 0)))
        alike = similarity.cosine(pixels[None], trained[None])[0]
        said = f"{unit}, {rule}: cosine {alike:+.3f} to the projection of the trained net. Grey is zero; the tile has a scale of its own."
        said += self._aside(unit, count)
        shown = drawing.resized(to_display(pixels, scale=display_scale(pixels)), _SIDE)
        return Shown({f"cosine {alike:+.2f}": shown}, said)

    def _aside(self, unit: Unit, count: int) -> str:
        """That nothing changes where all that is forgotten lies above the unit."""
        names = [name for name, _ in self.fresh.named_children()]
        above = names[names.index(unit.layer) + 1 :]
        return " What is forgotten lies above the unit and takes no part." if count and set(self.layers[:count]) <= set(above) else ""

    def _pixels(self, unit: Unit, rule: str, epoch: int, count: int, check: Check) -> np.ndarray:
        """The projection at an epoch after some layers were forgotten, (3, side, side)."""

        def project() -> np.ndarray:
            check()
            net = self.nets.get((epoch, count), lambda: self._net(epoch, count))
            return deconv.project(net, self.image, unit=unit, rules=ways(rule, "right"), seed=1.0).pixels.cpu().numpy()

        return self.kept.get((unit, rule, epoch, count), project)

    def _net(self, epoch: int, count: int) -> nn.Sequential:
        return sanity.reinitialised(self.states[epoch]().to(self.image.device), self.fresh, self.layers[:count])
