"""A trained net on disk: its weights, its log, and the weights of earlier steps."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from torch import nn

from zfutils.models import checkpoints
from zfutils.models.architectures import Architecture


@dataclass(frozen=True)
class Trained:
    """A trained net on disk.

    Attributes:
        folder: its folder, with `net.safetensors`, `log.csv` and `checkpoints/`.
    """

    folder: Path

    @property
    def card(self) -> dict:
        """The model card."""
        return checkpoints.card(self.folder / "net.safetensors")

    @property
    def architecture(self) -> Architecture:
        """What net it is."""
        return checkpoints.architecture(self.folder / "net.safetensors")

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch: losses, errors as counts, learning rate, clipped filters, seconds."""
        return pd.read_csv(self.folder / "log.csv")

    def net(self) -> nn.Sequential:
        """The net, on the CPU, in evaluation mode."""
        return checkpoints.load(self.folder / "net.safetensors")

    def checkpoint(self, paper_epoch: int) -> nn.Sequential:
        """The net as it was at an epoch of the paper's 70 (0 is before training)."""
        return checkpoints.load(self.folder / "checkpoints" / f"epoch-{paper_epoch:02d}.safetensors")
