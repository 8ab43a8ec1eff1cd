"""Checks of what a projection depends on: other seeds, other units, other upper layers (later work on the method of section 2.1)."""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.rules import DECONVNET, Rules
from zfutils.core.errors import Problem

UPPER = ("fc8", "fc7", "fc6", "conv5", "conv4")  # from the top down, as Adebayo et al. 2018 randomise: a cascade
_RELATED = 0.5  # cosine of the weights of a layer, which is near 0 for two that were drawn apart


def randomised(net: nn.Sequential, layers: Sequence[str], *, generator: torch.Generator) -> nn.Sequential:
    """A copy of a net in which some layers have random weights of the same mean and deviation as the trained ones.

    Args:
        net: the net; left as it is.
        layers: names of convolutional and linear layers.
        generator: source of the weights, on the CPU.
    """
    other = copy.deepcopy(net)
    for name in layers:
        layer = other.get_submodule(name)
        for tensor in (layer.weight.data, layer.bias.data):
            spread = float(tensor.std()) if tensor.numel() > 1 else 0.0
            fresh = torch.empty(tensor.shape).normal_(float(tensor.mean()), spread, generator=generator)
            tensor.copy_(fresh)
    return other


def reinitialised(net: nn.Sequential, fresh: nn.Sequential, layers: Sequence[str]) -> nn.Sequential:
    """A copy of a net in which some layers have the weights of another of the same architecture, such as one before training.

    *Later work:* Sixt et al. 2020 put new initial weights into the upper layers.

    Raises:
        Problem: `fresh` has the weights that `net` was trained from: of the many of an upper layer most stay nearly what they were.
    """
    other = copy.deepcopy(net)
    for name in layers:
        own, new = (one.get_submodule(name).weight.detach().flatten() for one in (net, fresh))
        if (alike := float(F.cosine_similarity(own, new.to(own), 0))) > _RELATED:
            raise Problem(
                f"expected new weights for {name}, got those it was trained from (cosine {alike:.2f}); draw them from another seed"
            )
        other.get_submodule(name).load_state_dict(fresh.get_submodule(name).state_dict())
    return other


def random_seed(
    net: nn.Sequential,
    images: Tensor,
    layer: str,
    *,
    generator: torch.Generator,
    rules: Rules = DECONVNET,
    positions: Tensor | None = None,
) -> Tensor:
    """Bring a random positive signal in all maps of a layer down to pixels.

    Mahendran & Vedaldi 2016: what comes out looks much like a projection, because the switches carry most of the picture.

    Args:
        net: in evaluation mode.
        images: (n, 3, h, w).
        layer: where the signal is put.
        generator: source of the signal, on the CPU.
        rules: of the way down.
        positions: row and column for each image, (n, 2), where alone the signal stands; None for all.

    Returns:
        (n, 3, h, w).
    """
    explicit = Deconvnet(net)
    ascent = explicit.up(images)
    shape = ascent.outputs[layer].shape
    signal = torch.empty(shape).normal_(generator=generator).abs().to(images)
    if positions is not None:
        only = torch.zeros_like(signal[:, :1])
        only[torch.arange(len(images)), 0, positions[:, 0], positions[:, 1]] = 1
        signal = signal * only
    return explicit.down(signal, layer, ascent, rules=rules)
