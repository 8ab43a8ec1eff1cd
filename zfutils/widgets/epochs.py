"""A training looked at epoch by epoch: its curves, and the first-layer filters as they were then (section 3, figure 6)."""

from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
import pandas as pd

from zfutils.core.errors import unknown
from zfutils.models import crops
from zfutils.models.trained import Trained
from zfutils.training import trainer
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, Memory
from zfutils.widgets.sliders import Sliders

SCALES = ("one for all epochs", "its own")  # what of the filters becomes black and white
_SIDE = 44  # pixels of a filter
_GROWN = "largest_rms_over_radius_first_layer"  # as the log calls it
_LAST = 70  # the paper's last epoch: the trained net


@dataclass(frozen=True)
class Epochs:
    """Trained nets with the weights that were kept of them.

    Attributes:
        trained: by name.
        images: how many pictures the training visits in a step.
    """

    trained: dict[str, Trained]
    batch: int
    kept: Memory = field(default_factory=lambda: Memory(64), repr=False)

    def sliders(self) -> Sliders:
        """Net, epoch of the paper's 70, and scale of the filters; the epochs are those that were kept of the net that is chosen."""
        net = widgets.Dropdown(description="net", options=list(self.trained))
        epoch = widgets.SelectionSlider(description="epoch of 70", options=self._epochs(net.value), value=_LAST)
        net.observe(lambda event: self._fit(epoch, event["new"]), "value")
        controls = {
            "net": net,
            "epoch": epoch,
            "scale": widgets.Dropdown(description="scale", options=SCALES),
        }
        return Sliders(self.at, title="One training, epoch by epoch", controls=controls, pictures=2)

    def at(self, net: str, epoch: int, scale: str, check: Check) -> Shown:
        """The first-layer filters at an epoch, and the curves with a cursor there.

        Args:
            net: its name.
            epoch: of the paper's 70; 0 is before training, 70 the trained net.
            scale: which absolute value becomes black or white; zero is grey.
            check: of the pipeline.
        """
        if net not in self.trained:
            raise unknown("net", net, self.trained)
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        found, epochs = self.trained[net], self._epochs(net)
        if epoch not in epochs:
            raise unknown("epoch", epoch, [str(known) for known in epochs])
        filters = self._filters(net, epoch)
        check()
        loudest = max(float(np.abs(self._filters(net, some)).max()) for some in (epochs if scale == SCALES[0] else (epoch,)))
        tiles = crops.to_display(filters, scale=loudest)
        columns = next(count for count, most in ((6, 24), (8, 48), (12, len(tiles))) if len(tiles) <= most)
        white = np.full((-len(tiles) % columns, *tiles.shape[1:]), 255, np.uint8)
        page = drawing.sheet(np.concatenate([tiles, white]), columns=columns, side=_SIDE)
        log, step = found.log, trainer.checkpoint_step(epoch, int(found.card["steps"]))
        caption = f"{net}, {len(tiles)} filters, black and white are ±{loudest:.3g}"
        return Shown({caption: page}, self._said(log, step), self._chart(log, step))

    def _chart(self, log: pd.DataFrame, step: int) -> str:
        lines = {split: log[f"{split}_loss"].to_numpy() for split in ("train", "dev")}
        seen = log["step"].to_numpy() * self.batch
        return drawing.curves(seen, lines, cursor=step * self.batch, label="images seen", ylabel="loss", start=0)

    def _said(self, log: pd.DataFrame, step: int) -> str:
        """What was logged at the last full epoch up to a step."""
        before = log[log["step"] <= step]
        if before.empty:
            return f"Step {step}: no full epoch has passed."
        last = before.iloc[-1]
        said = [f"{last['dev_wrong']:.0f} of {last['dev_n']:.0f} dev pictures wrong"]
        if _GROWN in last:  # nets that clip nothing have no radius
            said.append(f"the largest filter of layer 1 has {last[_GROWN]:.2f} of the radius of clipping")
        return f"Step {step}: {'; '.join(said)}; rate {last['learning_rate']:g}."

    def _epochs(self, net: str) -> tuple[int, ...]:
        return (0, *self.trained[net].epochs, _LAST)

    def _fit(self, slider: widgets.SelectionSlider, net: str) -> None:
        """Offer the epochs of a net; the one that is shown stays, or becomes the one that is nearest."""
        nearest = min(self._epochs(net), key=lambda epoch: abs(epoch - slider.value))
        slider.options = self._epochs(net)
        slider.value = nearest

    def _filters(self, net: str, epoch: int) -> np.ndarray:
        def load() -> np.ndarray:
            state = self.trained[net].net() if epoch == _LAST else self.trained[net].checkpoint(epoch)
            return state.conv1.weight.detach().numpy()

        return self.kept.get((net, epoch), load)
