"""Nets that the tools of the book look at: a trained one on disk, or any net that somebody brings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from zfutils.core import paths, shipped_files
from zfutils.core.errors import Problem, unknown
from zfutils.data.prepared_sets import PreparedSet
from zfutils.data.samples import Sample
from zfutils.models import architectures, checkpoints, crops, shipped
from zfutils.models.architectures import Architecture
from zfutils.models.crops import Crops, ScaledCrops
from zfutils.models.shipped_answers import Answered


@dataclass(frozen=True)
class Trained:
    """A trained net on disk.

    Attributes:
        folder: its folder, with `net.safetensors`, `log.csv` and `checkpoints/`.
    """

    folder: Path

    @property
    def file(self) -> Path:
        """Where its weights are."""
        return self.folder / "net.safetensors"

    @property
    def card(self) -> dict:
        """The model card."""
        return checkpoints.card(self.file)

    @property
    def architecture(self) -> Architecture:
        """What net it is."""
        return checkpoints.architecture(self.file)

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs, of the paper's 70, after which weights were kept; those before training, at epoch 0, left out."""
        kept = sorted(int(file.stem.removeprefix("epoch-")) for file in self.folder.glob("checkpoints/epoch-*.safetensors"))
        return tuple(epoch for epoch in kept if epoch)

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch: losses, errors as counts, learning rate, how often a filter was scaled back, seconds."""
        return pd.read_csv(self.folder / "log.csv")

    def net(self) -> nn.Sequential:
        """The net, on the CPU, in evaluation mode."""
        return checkpoints.load(self.file)

    def checkpoint(self, epoch: int) -> nn.Sequential:
        """The net as it was at an epoch of the paper's 70 (0 is before training)."""
        return checkpoints.load(self.folder / "checkpoints" / f"epoch-{epoch:02d}.safetensors")

    def inputs(self, prepared: PreparedSet, *, device: torch.device, mean: np.ndarray | None = None) -> Crops:
        """What cuts the net's input out of a prepared set; `mean` is subtracted, (side, side, 3), default that of the set."""
        return Crops(prepared, self.architecture.image_size, device=device, mean=mean)


@dataclass(frozen=True)
class Shipped(Trained):
    """A net that came with the book, used as one that was trained here. Its weights are rounded to half precision.

    Attributes:
        folder: where what is computed with it is kept.
        name: under which it ships.
    """

    name: str

    @property
    def file(self) -> Path:
        """Where its weights are."""
        return shipped_files.checked(f"{self.name}{shipped.NET}")

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs, of the paper's 70, whose convolutional layers ship."""
        return tuple(epoch for epoch in shipped.epochs(self.name) if epoch)

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch, as of a net that was trained here.

        Raises:
            Problem: the net ships without it.
        """
        if not self.card.get("log"):
            raise Problem(
                f"{self.name} ships without the log of its training; train a net of your own: make train NET={self.card['recipe']}"
            )
        return pd.DataFrame(self.card["log"])

    def net(self) -> nn.Sequential:
        """The net, on the CPU, in evaluation mode."""
        return shipped.load(self.name)

    def checkpoint(self, epoch: int) -> nn.Sequential:
        """The convolutional part of the net as it was at an epoch of the paper's 70; at 0 the whole net, which follows from its seed."""
        if epoch == 0:
            seed = torch.Generator().manual_seed(self.card["settings"]["seed"])
            return architectures.build(self.architecture, generator=seed).eval()
        return shipped.checkpoint(self.name, epoch)


@dataclass(frozen=True)
class Earlier:
    """A net as it was at an epoch of its training, with what the feature cache asks of a trained one.

    Attributes:
        trained: the net.
        epoch: of the paper's 70; 0 is before training.
    """

    trained: Trained
    epoch: int

    @property
    def folder(self) -> Path:
        """Where what is computed with the net is kept."""
        return self.trained.folder

    def net(self) -> nn.Sequential:
        """Its weights at that epoch, on the CPU, in evaluation mode; of a net that ships the convolutional layers alone."""
        return self.trained.checkpoint(self.epoch)

    def inputs(self, prepared: PreparedSet, *, device: torch.device, mean: np.ndarray | None = None) -> Crops:
        """As of the trained net."""
        return self.trained.inputs(prepared, device=device, mean=mean)


def of_shipped(profile: str, recipe: str, *, seed: int = 0) -> Shipped | None:
    """The net of a recipe that ships for a profile and was trained from this seed of a run; None where none does."""
    name = shipped.name_of(profile, recipe)
    if name not in shipped.known() or shipped.card(name).get("run_seed", 0) != seed:
        return None
    digest = shipped_files.index()[f"{name}{shipped.NET}"]["sha256"]
    return Shipped(paths.data_dir() / profile / "shipped" / f"{name}-{digest[:8]}", name)


def note(nets: Iterable[Trained | Answered], pictures: PreparedSet) -> str:
    """One line, Markdown, that says whose nets and pictures a page is made with."""
    nets = list(dict.fromkeys(nets))
    names, answers = (", ".join(f"`{net.name}`" for net in nets if isinstance(net, kind)) for kind in (Shipped, Answered))
    few = f"the {len(pictures.table)} pictures that ship, too few for errors and tables" if isinstance(pictures, Sample) else ""
    if not names and not answers and not few:
        return "Shown with nets and pictures of this machine."
    rest = answers and f"what ships of other nets, their answers without their weights: {answers}"
    asked = [net for net in nets if isinstance(net, Answered)] if not few else []  # those few were asked about nothing
    if any(net.card["data_digest"] != pictures.digest() for net in asked):
        rest += " (given to other copies of the same pictures)"
    shown = " and ".join(filter(None, (names and f"what ships: {names}", rest, few)))
    large = [profile for profile, word in shipped.DATA.items() if f"-{word}`" in names + answers]  # a plain run takes those that ship
    own = f"make reproduce PROFILE={large[0]} RETRAIN=1" if large else "make reproduce"
    return f"*Shown with {shown}; `{own}` makes your own.*"


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
