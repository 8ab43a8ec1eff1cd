"""Units: what is looked at inside a net, and the checks that a net and its images can be looked at."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zfutils.core.errors import Problem, unknown
from zfutils.models.local_response_norm import LocalResponseNorm

_LARGEST = 255.0  # of a pixel of 0..255 with the mean subtracted


@dataclass(frozen=True)
class Unit:
    """One map of a layer.

    Attributes:
        layer: name of a module, as in `net.named_modules()`: `conv4`, `layer3.1.conv2`.
        map: number of the map, or of the unit in a fully connected layer.

    Example:
        >>> str(Unit("conv4", 127))
        'conv4, map 127'
    """

    layer: str
    map: int

    def __str__(self) -> str:
        return f"{self.layer}, map {self.map}"


def find(net: nn.Module, layer: str) -> nn.Module:
    """Look a layer up by name.

    Raises:
        Problem: there is no such layer; the message lists those that exist.
    """
    known = dict(net.named_modules())
    if layer not in known or not layer:
        leaves = [name for name, module in known.items() if name and not list(module.children())]
        raise unknown("layer", layer, leaves or ["none"])
    return known[layer]


def check_map(unit: Unit, maps: int) -> None:
    """Refuse a map that the layer does not have.

    Raises:
        Problem: the message names the maps that exist.
    """
    if not 0 <= unit.map < maps:
        raise Problem(f"unknown map {unit.map} of {unit.layer}; known: 0 to {maps - 1}")


def check_eval(net: nn.Module) -> None:
    """Refuse a net in training mode: dropout and batch statistics would change what is looked at.

    Raises:
        Problem: a module is in training mode; it is named.
    """
    for name, module in net.named_modules():
        if module.training:
            raise Problem(f"expected a net in evaluation mode, but {name or 'the net'} is in training mode; call net.eval() first")


def check_images(net: nn.Module, images: Tensor) -> None:
    """Refuse images that the net cannot be meant to see.

    Args:
        net: the net.
        images: to be of shape (n, channels, h, w), in the number type and on the device of the net's weights. The book's own nets, known
            by their contrast norm, take 0..255 with the mean subtracted.

    Raises:
        Problem: wrong rank, channels, number type, device or range.
    """
    if images.ndim != 4:
        got = tuple(images.shape)
        raise Problem(f"expected images of shape (n, channels, h, w), got {got}; add the missing dimension with image[None]")
    first = next((module for module in net.modules() if isinstance(module, nn.Conv2d)), None)
    if first is not None:
        weight = first.weight
        if images.dtype != weight.dtype or images.device != weight.device:
            wanted = f"{str(weight.dtype).removeprefix('torch.')} on {weight.device}"
            got = f"{str(images.dtype).removeprefix('torch.')} on {images.device}"
            raise Problem(f"expected images as the weights of the net, {wanted}, got {got}; convert them with images.to(…)")
        if images.shape[1] != first.in_channels:
            wanted = f"{first.in_channels} channels"
            raise Problem(f"expected images with {wanted}, got {images.shape[1]}; a grey picture is repeated three times")
    stored = images.permute(0, 2, 3, 1) if images.is_contiguous(memory_format=torch.channels_last) else images  # spares a copy
    low, high = (float(value) for value in torch.aminmax(stored.detach()))  # NaN shows in both
    if not math.isfinite(high - low):
        raise Problem("the images hold NaN or infinite values; look at how they were prepared")
    if any(isinstance(module, LocalResponseNorm) for module in net.modules()):
        _check_range(low, high)


def _check_range(low: float, high: float) -> None:
    """Refuse pixels that are no 0..255 with the mean subtracted; all-zero images, the mean itself, are fine."""
    if low >= 0 < high:
        raise Problem(f"the images have no value below 0 (largest {high:g}); this net takes 0..255 minus the mean")
    if max(-low, high) > _LARGEST:
        raise Problem(f"expected pixels within ±{_LARGEST:g}, got {low:g} to {high:g}; this net takes 0..255 minus the mean")


def check_finite(net: nn.Module, values: Tensor, *, layer: str) -> None:
    """Refuse NaN or infinite features, and say which weights they come from.

    Raises:
        Problem: the layer, and the parameter that is not finite, if one is.
    """
    if bool(values.isfinite().all()):
        return
    bad = [name for name, tensor in net.state_dict().items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())]
    why = f"the weights {bad[0]} hold NaN or infinite values" if bad else "the weights are finite, so the values grew too large"
    raise Problem(f"{layer} gives NaN or infinite features: {why}; load or train the net again")
