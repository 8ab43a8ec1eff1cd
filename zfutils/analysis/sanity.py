"""Checks of what a projection depends on: other seeds, other units, other upper layers (later work on the method of section 2.1)."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.rules import DECONVNET, Rules

UPPER = ("fc8", "fc7", "fc6", "conv5", "conv4")  # from the top down, as Adebayo et al. 2018 randomise: a cascade


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


def random_seed(net: nn.Sequential, images: Tensor, layer: str, *, generator: torch.Generator, rules: Rules = DECONVNET) -> Tensor:
    """Bring a random positive signal in all maps and places of a layer down to pixels.

    Mahendran & Vedaldi 2016: what comes out looks much like a projection, because the switches carry most of the picture.

    Args:
        net: in evaluation mode.
        images: (n, 3, h, w).
        layer: where the signal is put.
        generator: source of the signal, on the CPU.
        rules: of the way down.

    Returns:
        (n, 3, h, w).
    """
    explicit = Deconvnet(net)
    ascent = explicit.up(images)
    shape = ascent.outputs[layer].shape
    signal = torch.empty(shape).normal_(generator=generator).abs().to(images)
    return explicit.down(signal, layer, ascent, rules=rules)
