"""Learning rate and momentum on a loss of two dimensions, flat along one and steep along the other (section 3)."""

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from zfutils.report import plot
from zfutils.training import descent
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check
from zfutils.widgets.sliders import Sliders

_WIDE = 1150  # pixels of the chart, twice those on the page


@dataclass(frozen=True)
class Descents:
    """A valley and the point from which one descends.

    Attributes:
        curvatures: of the flat and of the steep axis.
        start: the point.
        steps: that are taken.
    """

    curvatures: tuple[float, float] = (1.0, 25.0)
    start: tuple[float, float] = (-9.0, 1.6)
    steps: int = 60

    def sliders(self) -> Sliders:
        """Learning rate and momentum."""
        controls = {
            "rate": widgets.FloatSlider(description="rate", value=0.02, max=0.2, step=0.002, readout_format=".3f"),
            "momentum": widgets.FloatSlider(description="momentum", max=0.98, step=0.02),
        }
        return Sliders(self.at, title="Down a stretched valley", controls=controls, wide=_WIDE // 2)

    def at(self, rate: float, momentum: float, check: Check) -> Shown:
        """The path, its loss step by step, and what it does."""
        check()
        curvatures = np.array(self.curvatures)
        settings = {"rate": rate, "momentum": momentum}
        points = descent.path(np.array(self.start), curvatures, steps=self.steps, **settings)
        losses = descent.loss(points, curvatures)
        said = descent.verdict(curvatures, **settings)
        x, y = (np.linspace(-1.25 * abs(side), 1.25 * abs(side), 80) for side in self.start)
        height = descent.loss(np.stack(np.meshgrid(x, y), -1), curvatures)
        word = said.split(":")[0]
        chart = plot.descent(points, losses, grid=(x, y, height))
        caption = f"{word}; after {len(points) - 1} steps the loss is {losses[-1] / losses[0]:.1e} of the first"
        return Shown({caption: drawing.rendered(chart, width=_WIDE)}, f"It {said}.")
