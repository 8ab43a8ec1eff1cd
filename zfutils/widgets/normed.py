"""The values of all maps at one position of a picture, and what the contrast norm makes of them (figure 3)."""

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
import pandas as pd
from torch import Tensor

from zfutils.models.local_response_norm import LocalResponseNorm
from zfutils.report import plot
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check
from zfutils.widgets.sliders import Sliders
from zfutils.widgets.square import Square, position, value

_WIDE = 800  # pixels of the chart, twice those on the page


@dataclass(frozen=True)
class Normed:
    """A picture and its features below a norm.

    Attributes:
        features: (maps, side, side), not negative.
        picture: uint8 (side, side, 3).
    """

    features: Tensor
    picture: np.ndarray

    def strongest(self) -> tuple[float, float]:
        """The place where the maps have most energy, as a value of the square."""
        return self._place(int(self._energy().argmax()))

    def quietest(self) -> tuple[float, float]:
        """The place where they have least."""
        return self._place(int(self._energy().argmin()))

    def sliders(self) -> Sliders:
        """A place in the picture and the constants of the norm."""
        controls = {
            "place": Square(self.picture, label="the place in the picture", side=0.06, value=self.strongest()),
            "k": widgets.FloatSlider(description="k", value=2.0, min=0.25, max=8.0, step=0.25),
            "alpha": widgets.FloatLogSlider(description="alpha", value=1e-4, min=-6, max=-2, step=0.25, readout_format=".1e"),
            "window": widgets.SelectionSlider(description="n, maps", options=[1, 3, 5, 7, 9, 11], value=5),
            "beta": widgets.FloatSlider(description="beta", value=0.75, max=1.5, step=0.05),
        }
        return Sliders(self.at, title="Contrast norm at one place", controls=controls, wide=_WIDE // 2)

    def at(self, place: tuple, k: float, alpha: float, window: int, beta: float, check: Check) -> Shown:
        """All maps at one place, before and after the norm.

        Args:
            place: x and y as shares of the picture; empty takes the strongest.
            k, alpha, window, beta: of the norm.
            check: of the pipeline.
        """
        check()
        norm = LocalResponseNorm(len(self.features), window=window, k=k, alpha=alpha, beta=beta)
        row, column = position(place or self.strongest(), self.features.shape[-1])
        x = self.features[None, :, row : row + 1, column : column + 1]
        before, after, factor = (values.flatten().numpy() for values in (x, norm(x), norm.factor(x)))
        frame = pd.DataFrame({"map": np.arange(len(before)), "before": before, "after": after, "factor": factor})
        empty = float(norm.factor(x * 0).max())
        most, least = int(before.argmax()), int(factor.argmin())
        caption = f"row {row}, column {column}: the strongest, map {most}, {before[most]:.3g} → {after[most]:.3g}"
        said = (
            f"With nothing active near it a value keeps {empty:.2f} of itself; map {least}, pressed down most, keeps {factor[least]:.2f}."
        )
        return Shown({caption: drawing.rendered(plot.normed(frame, empty=empty), width=_WIDE)}, said)

    def _energy(self) -> Tensor:
        return (self.features**2).sum(0)

    def _place(self, flat: int) -> tuple[float, float]:
        row, column = divmod(flat, self.features.shape[-1])
        return value(row + 0.5, column + 0.5, self.features.shape[-1])
