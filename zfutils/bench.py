"""Speed against what one would use instead, measured in one run, as ratios."""

import json
import statistics
import tempfile
import time
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

from zfutils import data, devices, nets, places, progress, recipes, results, training
from zfutils.norm import ContrastNorm
from zfutils.profiles import Profile
from zfutils.sets import PreparedSet

_STEPS = 20  # a round
_ROUNDS = 3  # of each, in turn, so that a busy moment of the machine hits both
_LOADERS = 2  # processes of the library's loader
_BATCH = 128  # images a step


def run(profile: Profile, *, seed: int = 0) -> int:
    """Measure training throughput and print it; write it to `bench.json` in the results of the profile.

    Our training step (memory map, band-matrix norm, channels-last, narrow number type) stands against torchvision's `ImageFolder` and a
    `DataLoader` over JPEG files of the same pictures with the same net, `nn.LocalResponseNorm(alpha=5e-4)` and float32; then against the
    same in our number type.

    Returns:
        0.
    """
    prepared = data.opened(profile, seed=seed)
    device = devices.device()
    settings = replace(training.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed), batch=_BATCH)
    with tempfile.TemporaryDirectory() as folder:
        files = _write_jpegs(prepared, Path(folder))
        contestants = {
            "ours": _ours(settings, prepared, Path(folder) / "run", device),
            "ImageFolder, DataLoader, LocalResponseNorm, float32": _library(settings, files, device, torch.float32),
            "the same in our number type": _library(settings, files, device, devices.number_type(device)),
        }
        rates = _in_turn(contestants, settings.batch)
    report = _report(profile, rates, settings, device)
    with places.whole(places.results_dir(profile.name) / "bench.json") as fresh:
        fresh.write_text(json.dumps(report, indent=1))
    print(f"training {settings.recipe}, {settings.architecture}, batch {settings.batch}, {devices.describe(device)}")
    for name, row in report["training"].items():
        print(f"  {name:52} {row['images_per_second']:8.1f} images/s   ours is {row['ours_is_faster']:.2f} times as fast")
    return 0


def _report(profile: Profile, rates: dict[str, float], settings: training.Settings, device: torch.device) -> dict:
    ours = rates["ours"]
    rows = {name: {"images_per_second": round(rate, 1), "ours_is_faster": round(ours / rate, 2)} for name, rate in rates.items()}
    return {"training": rows, "net": str(settings.architecture), **results.provenance(profile, seed=settings.seed, seconds=0.0)}


def _in_turn(contestants: dict[str, Callable[[], None]], batch: int) -> dict[str, float]:
    """Images a second of each contestant: the median of several rounds, taken in turn after a round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    with progress.bar(total=(_ROUNDS + 1) * len(contestants), text="measuring", unit="rounds") as shown:
        for number in range(_ROUNDS + 1):
            for name, step in contestants.items():
                start = time.perf_counter()
                for _ in range(_STEPS):
                    step()
                if number:
                    times[name].append(time.perf_counter() - start)
                shown.update(1)
    return {name: _STEPS * batch / statistics.median(taken) for name, taken in times.items()}


def _write_jpegs(prepared: PreparedSet, folder: Path) -> Path:
    """The training pictures as JPEG files in class folders."""
    root = folder / "jpeg"
    for row in prepared.indices("train"):
        path = root / f"{prepared.labels[row]:04d}" / f"{row}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(prepared.images[row])).save(path, quality=92)
    return root


def _ours(settings: training.Settings, prepared: PreparedSet, folder: Path, device: torch.device) -> Callable[[], None]:
    """One step of our training."""
    trainer = training.Trainer(settings, prepared, folder, device=device, number_type=devices.number_type(device))

    def step() -> None:
        trainer.backward()
        trainer.optimizer.step()
        nets.clip_filters(trainer.net, trainer.radii)
        trainer.step = (trainer.step + 1) % trainer.steps

    return step


def _library(settings: training.Settings, files: Path, device: torch.device, number_type: torch.dtype) -> Callable[[], None]:
    """One step of training as one would write it with the library."""
    size = settings.architecture.image_size
    steps = [transforms.RandomCrop(size), transforms.RandomHorizontalFlip(), transforms.PILToTensor(), transforms.Lambda(_centred)]
    pictures = ImageFolder(str(files), transforms.Compose(steps))
    options = {"shuffle": True, "drop_last": True, "num_workers": _LOADERS, "persistent_workers": _LOADERS > 0}
    loader = torch.utils.data.DataLoader(pictures, settings.batch, **options)
    net = _with_library_norm(nets.build(settings.architecture, generator=torch.Generator().manual_seed(settings.seed))).to(device).train()
    optimizer = torch.optim.SGD(net.parameters(), settings.learning_rate, settings.momentum)
    batches = _endless(loader)

    def step() -> None:
        images, labels = next(batches)
        optimizer.zero_grad()
        with torch.autocast(device.type, number_type, enabled=number_type != torch.float32):
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
        if isinstance(layer, ContrastNorm):
            net.set_submodule(name, nn.LocalResponseNorm(layer.window, layer.alpha * layer.window, layer.beta, layer.k))
    return net
