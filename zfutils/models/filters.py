"""Filters: how large the filters of a convolution are, and how they are kept within a radius (section 3)."""

import math

import torch
from torch import Tensor, nn

from zfutils.models.architectures import INIT_STD, Architecture

RADIUS = 0.1  # of the root mean square of a filter, above which it is scaled back (section 3)


def rms(weight: Tensor) -> Tensor:
    """Root mean square of every filter; (maps, channels, k, k) gives (maps,)."""
    return torch.linalg.vector_norm(weight, dim=(1, 2, 3)) / math.sqrt(weight[0].numel())


def radii(architecture: Architecture) -> dict[str, float]:
    """Largest root mean square that a filter may have, for every convolutional layer.

    *Paper:* .1, ten times the initial std (section 3). In a scaled net it grows with the std.
    """
    convs = zip(architecture.numbered, architecture.stds, strict=False)
    return {f"conv{number}": RADIUS / INIT_STD * std for (number, _), std in convs}


@torch.no_grad()
def clip(net: nn.Sequential, radii: dict[str, float]) -> Tensor:
    """Scale every filter whose root mean square exceeds its radius back to it (section 3), in place.

    Args:
        net: the net.
        radii: largest root mean square, by layer.

    Returns:
        How many filters were scaled in each layer, integers of shape (layers,) on the net's device.
    """
    clipped = torch.zeros(len(radii), dtype=torch.int64, device=next(net.parameters()).device)
    for position, (name, radius) in enumerate(radii.items()):
        weight = net.get_submodule(name).weight
        share = (radius / rms(weight)).clamp_(max=1)
        weight.mul_(share[:, None, None, None])
        clipped[position] = (share < 1).sum()
    return clipped
