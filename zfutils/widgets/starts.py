"""First weights of another deviation: how large the signals are that they let through, layer by layer (section 3)."""

from dataclasses import dataclass, field

import ipywidgets as widgets
import pandas as pd
import torch
from torch import Tensor

from zfutils.analysis import signals
from zfutils.core.errors import unknown
from zfutils.models import architectures
from zfutils.models.architectures import Architecture
from zfutils.report import plot
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, Memory
from zfutils.widgets.sliders import Sliders

RANGES = {"±128": 1.0, "±1": 1 / 128}  # of the input, and what the paper's is multiplied by for it
_WIDE = 800  # pixels of the chart, twice those on the page


@dataclass(frozen=True)
class Starts:
    """A net on paper and pictures that it sees before its first step.

    Attributes:
        architecture: the net.
        images: as the net takes them, (n, 3, side, side), in about ±128.
        seed: of the weights.
    """

    architecture: Architecture
    images: Tensor
    seed: int
    kept: Memory = field(default_factory=lambda: Memory(64), repr=False)

    def sliders(self) -> Sliders:
        """Deviation of the first weights, and the range of the input."""
        std = widgets.FloatLogSlider(description="deviation", value=architectures.INIT_STD, min=-3, max=-1, step=0.05, readout_format=".3f")
        controls = {"std": std, "inputs": widgets.Dropdown(description="inputs in", options=list(RANGES))}
        return Sliders(self.at, title="Signals before the first step", controls=controls, wide=_WIDE // 2)

    def at(self, std: float, inputs: str, check: Check) -> Shown:
        """Sizes of the signals, beside those with the paper's deviation on inputs of ±128.

        Args:
            std: deviation of the first weights; in a scaled net those of a layer stay larger in their proportion.
            inputs: name of a range.
            check: of the pipeline.
        """
        if inputs not in RANGES:
            raise unknown("range", inputs, RANGES)
        usual, found = self._sizes(architectures.INIT_STD, "±128"), self._sizes(std, inputs)
        check()
        frame = pd.DataFrame({"layer": list(found), "size": list(found.values()), "usual": list(usual.values())})
        logits = frame["size"].iloc[-1]
        chart = plot.signals(frame, low=signals.DIES, high=signals.EXPLODES)
        rms = f"Root mean square: {found['input']:.3g} in the input, {found['conv1']:.3g} after conv1, {logits:.2g} at the logits."
        said = f"{rms} From conv1 on a layer multiplies it by {signals.gain(found):.2f}."
        return Shown({f"the signal {signals.fate(logits)}: {logits:.2g} at the logits": drawing.rendered(chart, width=_WIDE)}, said)

    def _sizes(self, std: float, inputs: str) -> dict[str, float]:
        def measure() -> dict[str, float]:
            changed = architectures.with_std(self.architecture, std)
            net = architectures.build(changed, generator=torch.Generator().manual_seed(self.seed)).eval()
            return signals.sizes(net, self.images * RANGES[inputs])

        return self.kept.get((std, inputs), measure)
