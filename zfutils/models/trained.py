"""Nets that the tools of the book look at: a trained one on disk, or any net that somebody brings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from zfutils.core.errors import unknown
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import checkpoints, crops
from zfutils.models.architectures import Architecture
from zfutils.models.crops import Crops, ScaledCrops


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
    def epochs(self) -> tuple[int, ...]:
        """The epochs, of the paper's 70, after which weights were kept; those before training, at epoch 0, left out."""
        kept = sorted(int(file.stem.removeprefix("epoch-")) for file in self.folder.glob("checkpoints/epoch-*.safetensors"))
        return tuple(epoch for epoch in kept if epoch)

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch: losses, errors as counts, learning rate, clipped filters, seconds."""
        return pd.read_csv(self.folder / "log.csv")

    def net(self) -> nn.Sequential:
        """The net, on the CPU, in evaluation mode."""
        return checkpoints.load(self.folder / "net.safetensors")

    def checkpoint(self, epoch: int) -> nn.Sequential:
        """The net as it was at an epoch of the paper's 70 (0 is before training)."""
        return checkpoints.load(self.folder / "checkpoints" / f"epoch-{epoch:02d}.safetensors")

    def inputs(self, prepared: PreparedSet, *, device: torch.device, mean: np.ndarray | None = None) -> Crops:
        """What cuts the net's input out of a prepared set; `mean` is subtracted, (side, side, 3), default that of the set."""
        return Crops(prepared, self.architecture.image_size, device=device, mean=mean)


@dataclass(frozen=True)
class Model:
    """A net of any kind with what the tools ask of a trained one: give it wherever they take a `Trained`.

    Attributes:
        module: the net, in evaluation mode; its layers have the names of `module.named_modules()`.
        size: side of its input, pixels.
        folder: where what is computed with it is kept.
        mean, std: of each colour, for pixels in [0, 255]; the input is (pixels - mean) / std. Default those of torchvision's nets.
        states: for each epoch a function that loads the net as it was then, in evaluation mode.

    Example:
        >>> Model(torchvision.models.resnet18(weights="DEFAULT").eval(), 224, Path("kept/resnet18"))  # doctest: +SKIP
    """

    module: nn.Module
    size: int
    folder: Path
    mean: tuple[float, float, float] = crops.IMAGENET_MEAN
    std: tuple[float, float, float] = crops.IMAGENET_STD
    states: Mapping[int, Callable[[], nn.Module]] = field(default_factory=dict)

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs of which there are states."""
        return tuple(sorted(self.states))

    def net(self) -> nn.Module:
        """The net."""
        return self.module

    def checkpoint(self, epoch: int) -> nn.Module:
        """The net as it was at an epoch.

        Raises:
            Problem: there is no state of that epoch.
        """
        if epoch not in self.states:
            raise unknown("epoch", epoch, [str(known) for known in self.epochs] or ["none"])
        return self.states[epoch]()

    def inputs(self, prepared: PreparedSet, *, device: torch.device, mean: np.ndarray | None = None) -> Crops:
        """What cuts the net's input out of a prepared set; its own `mean` is subtracted whatever is given."""
        return ScaledCrops(prepared, self.size, device=device, mean=self.mean, std=self.std)
