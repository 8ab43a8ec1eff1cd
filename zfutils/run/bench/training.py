"""Training throughput against torchvision's ImageFolder and a DataLoader over JPEG files of the same pictures."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.datasets import ImageFolder

from zfutils.core.profiles import Profile
from zfutils.data import registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, devices, filters, recipes
from zfutils.models.local_response_norm import LocalResponseNorm
from zfutils.run.bench import clock, subject
from zfutils.training import runs
from zfutils.training.trainer import Settings, Trainer

_STEPS = 20  # a round
_LOADERS = 2  # processes of the library's loader
_BATCH = 128  # images a step


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Images a second of a training step.

    Ours (memory map, band-matrix norm, channels-last, narrow number type) stands against the library's loader with the same net,
    `nn.LocalResponseNorm(alpha=5e-4)` and float32; then against the same in our number type.
    """
    prepared = registry.opened(profile, seed=seed)
    device = devices.device()
    settings = replace(runs.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed), batch=_BATCH)
    with tempfile.TemporaryDirectory() as folder:
        files = _write_jpegs(prepared, Path(folder))
        contestants = {
            "ours": _ours(settings, prepared, Path(folder) / "run", device),
            "bare pass, up and down, of one batch in memory": _bare(settings, device),
            "ImageFolder, DataLoader, LocalResponseNorm, float32": _library(settings, files, device, torch.float32),
            "the same in our number type": _library(settings, files, device, devices.dtype(device)),
        }
        return clock.compared(f"training step, {settings.architecture}", _many(contestants), per=_STEPS * settings.batch, unit="image")


def _many(contestants: dict[str, Callable[[], None]]) -> dict[str, Callable[[], None]]:
    """Each contestant several steps in a row."""

    def repeated(step: Callable[[], None]) -> Callable[[], None]:
        def steps() -> None:
            for _ in range(_STEPS):
                step()

        return steps

    return {name: repeated(step) for name, step in contestants.items()}


def _write_jpegs(prepared: PreparedSet, folder: Path) -> Path:
    """The training pictures as JPEG files in class folders."""
    root = folder / "jpeg"
    for index in prepared.indices("train"):
        path = root / f"{prepared.labels[index]:04d}" / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(prepared.images[index])).save(path, quality=92)
    return root


def _ours(settings: Settings, prepared: PreparedSet, folder: Path, device: torch.device) -> Callable[[], None]:
    """One step of our training."""
    trainer = Trainer(settings, prepared, folder, device=device, dtype=devices.dtype(device))

    def step() -> None:
        trainer.backward()
        trainer.optimizer.step()
        filters.clip(trainer.net, trainer.radii)
        trainer.step = (trainer.step + 1) % trainer.steps

    return step


def _bare(settings: Settings, device: torch.device) -> Callable[[], None]:
    """Forward and backward of the same net in our layout and number type, and nothing else."""
    size = settings.architecture.image_size
    net = subject.initial(settings.architecture, seed=settings.seed).train().to(device)
    images, labels = subject.images(settings.batch, size=size, seed=settings.seed).to(device), torch.zeros(settings.batch).long().to(device)

    def step() -> None:
        with devices.autocast(device, devices.dtype(device)):
            loss = F.cross_entropy(net(images), labels)
        net.zero_grad()
        loss.backward()

    return step


def _library(settings: Settings, files: Path, device: torch.device, dtype: torch.dtype) -> Callable[[], None]:
    """One step of training as one would write it with the library."""
    size = settings.architecture.image_size
    steps = [transforms.RandomCrop(size), transforms.RandomHorizontalFlip(), transforms.PILToTensor(), transforms.Lambda(_centred)]
    pictures = ImageFolder(str(files), transforms.Compose(steps))
    options = {"shuffle": True, "drop_last": True, "num_workers": _LOADERS, "persistent_workers": _LOADERS > 0}
    loader = torch.utils.data.DataLoader(pictures, settings.batch, **options)
    net = (
        _with_library_norm(architectures.build(settings.architecture, generator=torch.Generator().manual_seed(settings.seed)))
        .to(device)
        .train()
    )
    optimizer = torch.optim.SGD(net.parameters(), settings.learning_rate, settings.momentum)
    batches = _endless(loader)

    def step() -> None:
        images, labels = next(batches)
        optimizer.zero_grad()
        with devices.autocast(device, dtype):
            loss = F.cross_entropy(net(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()

    return step


def _centred(picture: torch.Tensor) -> torch.Tensor:
    """Bytes as numbers around zero."""
    return picture.float() - 128


def _endless(loader: torch.utils.data.DataLoader) -> Iterator:
    while True:
        yield from loader


def _with_library_norm(net: nn.Sequential) -> nn.Sequential:
    """The net with the library's own contrast norm, whose alpha is divided by the window."""
    for name, layer in list(net.named_children()):
        if isinstance(layer, LocalResponseNorm):
            net.set_submodule(name, nn.LocalResponseNorm(layer.window, layer.alpha * layer.window, layer.beta, layer.k))
    return net
