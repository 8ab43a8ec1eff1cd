"""The scan for the strongest activations of five layers, against a bare pass of the same net over the same memory map."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from torch import nn

from zfutils.attribution import topk
from zfutils.core.profiles import Profile
from zfutils.data import registry
from zfutils.models import devices, recipes
from zfutils.models.crops import CENTRE, Crops
from zfutils.run.bench import clock, subject
from zfutils.training import runs

_SIZE, _WIDTH = 224, 0.5  # the half-width net at the paper's size
_IMAGES = 512  # smooth noise
_BATCH = 128
_LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds an image, float32: the profile's net over its val pictures, and the half-width net at the paper's size."""
    return [*_own(profile, seed=seed), *_large(seed=seed)]


def _own(profile: Profile, *, seed: int) -> list[clock.Row]:
    prepared = registry.opened(profile, seed=seed)
    architecture = runs.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed).architecture
    inputs = Crops(prepared, profile.image_size, device=devices.device())
    return _compared(str(architecture), subject.initial(architecture, seed=seed), inputs, prepared.indices("val"))


def _large(*, seed: int) -> list[clock.Row]:
    net = subject.net(size=_SIZE, width=_WIDTH, fc_units=1024, seed=seed)
    side = _SIZE * 8 // 7  # of the prepared picture
    with tempfile.TemporaryDirectory() as folder:
        pictures = np.memmap(Path(folder) / "pictures.u8", np.uint8, "w+", shape=(_IMAGES, side, side, 3))
        for index in range(_IMAGES):
            pictures[index] = (subject.images(1, size=side, seed=seed + index)[0] + 128).byte().permute(1, 2, 0).numpy()
        mean = np.full((side, side, 3), 128, np.float32)
        inputs = Crops(SimpleNamespace(images=pictures), _SIZE, device=devices.device(), mean=mean)
        return _compared(f"half width, {_SIZE} px", net, inputs, np.arange(_IMAGES))


def _compared(what: str, net: nn.Sequential, inputs: Crops, indices: np.ndarray) -> list[clock.Row]:
    """The scan and the bare pass in turn."""
    net = net.to(inputs.device)

    def bare() -> None:
        subject.bare_pass(net, inputs, indices, _BATCH)

    def scan() -> None:
        topk.scan(net, lambda wanted: inputs.batch(wanted, CENTRE), layers=_LAYERS, indices=indices, batch=_BATCH)

    return clock.compared(f"top nine of five layers, {what}", {"ours, the scan": scan, "bare pass": bare}, per=len(indices), unit="image")
