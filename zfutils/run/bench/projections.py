"""Projections: all top nines of a layer against one call each, and Captum's deconvolution."""

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import activations, batched_deconv, deconv, receptive_field, rules
from zfutils.attribution.deconvnet import unpool
from zfutils.attribution.units import Unit
from zfutils.core.profiles import Profile
from zfutils.models import devices
from zfutils.run.bench import clock, subject

_SIZE, _WIDTH = 224, 0.5  # the half-width net at the paper's size
_IMAGES = 256  # smooth noise, among which the winners are drawn
_CALLS = 12  # single projections that stand for all, one a map and image
_BATCH = 16  # images that Captum gets at once
_LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds a projection, by layer."""
    device = devices.device()
    net = subject.net(size=_SIZE, width=_WIDTH, fc_units=1024, seed=seed).to(device)
    images = subject.images(_IMAGES, size=_SIZE, seed=seed).to(device)
    return [*(row for layer in _LAYERS for row in _layer(net, images, layer, seed)), *_captum(net, images)]


def _layer(net: nn.Sequential, images: Tensor, layer: str, seed: int) -> list[clock.Row]:
    chosen = _winners(net, images, layer, seed)
    count, side = len(chosen["indices"]), receptive_field.of(net, images[:1], layer).size[0]
    together = max(1, 600_000 // side**2)
    windows = F.interpolate(images, size=side).repeat(-(-together // len(images)), 1, 1, 1)[:together]
    windows = windows.contiguous(memory_format=torch.channels_last)
    lower = list(net[: 1 + [name for name, _ in net.named_children()].index(layer)])
    contestants = {
        "ours, inside the fields": lambda: batched_deconv.project(net, images, layer=layer, **chosen),
        "bare pass, up and down, over windows of that size": lambda: _bare(lower, windows),
        "one call a map and image": lambda: _one_call_each(net, images, layer, chosen),
    }
    per = dict(zip(contestants, (count, together, min(_CALLS, count)), strict=True))
    return clock.compared(f"nine projections of every map of {layer}, {_SIZE} px, half width", contestants, per=per, unit="projection")


@torch.inference_mode()
def _bare(lower: list[nn.Module], x: Tensor) -> None:
    """The library's layers up and down without padding, and nothing else: no borders, no units, no checks."""
    kept = []
    for layer in lower:
        size, switches = x.shape[2:], None
        if isinstance(layer, nn.Conv2d):
            x = F.conv2d(x, layer.weight, layer.bias, layer.stride)
        elif isinstance(layer, nn.MaxPool2d):
            x, switches = F.max_pool2d(x, layer.kernel_size, layer.stride, return_indices=True)
        else:
            x = layer(x)
        kept.append((layer, size, switches))
    for layer, size, switches in reversed(kept):
        if isinstance(layer, nn.Conv2d):
            x = F.conv_transpose2d(x, layer.weight, None, layer.stride)
        elif isinstance(layer, nn.MaxPool2d):
            x = unpool(x, switches, size)
        elif isinstance(layer, nn.ReLU):
            x = F.relu(x)


def _winners(net: nn.Sequential, images: Tensor, layer: str, seed: int) -> dict[str, np.ndarray]:
    """Nine images and positions a map, drawn."""
    generator = np.random.default_rng(seed)
    maps, height, width = activations.of(net, images[:1], [layer])[layer].shape[1:]
    count = 9 * maps
    positions = np.column_stack([generator.integers(0, height, count), generator.integers(0, width, count)])
    return {"indices": generator.integers(0, len(images), count), "maps": np.repeat(np.arange(maps), 9), "positions": positions}


def _one_call_each(net: nn.Sequential, images: Tensor, layer: str, chosen: dict[str, np.ndarray]) -> None:
    """Some of the projections as one would make them: one call each."""
    for index, number, position in list(zip(chosen["indices"], chosen["maps"], chosen["positions"].tolist(), strict=True))[:_CALLS]:
        deconv.project(net, images[index], unit=Unit(layer, int(number)), at=tuple(position))


def _captum(net: nn.Sequential, images: Tensor) -> list[clock.Row]:
    """Captum's Deconvolution where its rules coincide with ours: the norm's true derivative, a seed of 1.

    Raises:
        AssertionError: the pictures are not the same up to scale.
    """
    from captum.attr import Deconvolution

    batch, height = images[:_BATCH], activations.of(net, images[:1], ["conv5"])["conv5"].shape[2]
    middle, ways = height // 2, rules.NAMED["deconvnet, norm derived"]
    lower = net[: 1 + [name for name, _ in net.named_children()].index("conv5")].eval()
    theirs, positions = Deconvolution(lower), torch.full((len(batch), 2), middle)
    maps = torch.zeros(len(batch), dtype=torch.int64)

    def bare() -> None:
        pixels = batch.detach().requires_grad_(True)
        lower(pixels)[:, 0, middle, middle].sum().backward()

    def ours() -> Tensor:
        return deconv.project_each(net, batch, layer="conv5", maps=maps, positions=positions, rules=ways, seed=1.0)

    def captum() -> Tensor:
        with warnings.catch_warnings():  # it announces its hooks at every call
            warnings.simplefilter("ignore")
            return theirs.attribute(batch.clone().requires_grad_(True), target=(0, middle, middle))

    first, second = ours().flatten(1), captum().detach().flatten(1)
    assert float(F.cosine_similarity(first, second).min()) > 0.99999, "the pictures differ from Captum's"
    return clock.compared(
        f"projections of conv5, {_SIZE} px, {len(batch)} at once",
        {"ours": ours, "bare pass, up and down": bare, "Captum's Deconvolution": captum},
        per=len(batch),
        unit="projection",
    )
