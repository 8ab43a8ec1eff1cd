"""Projections of many units at once, each computed up and down inside its own receptive field only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import units
from zfutils.attribution.deconvnet import norm_down
from zfutils.attribution.rules import DECONVNET, Rules
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models.crops import overlap
from zfutils.models.local_response_norm import LocalResponseNorm

_PIXELS = 600_000  # of all windows that run together: 32 units of the paper's layer 5, enough to fill the cores
_MOST = 512  # units that run together
_SMALL = 16  # side of windows, pixels, up to which a gather is faster on a CPU than a loop
_FEW = 16  # maps times phases below which a transposed convolution is made from a plain one


@dataclass(frozen=True)
class Regions:
    """Projections, cut to their receptive fields.

    Attributes:
        pixels: (m, channels, side, side), float32; zero in the part of a field that lies beyond the border of the image.
        corners: row and column of the top left pixel of each, (m, 2); below 0 where a field begins in the padding.
        activations: (m,), not below 0.
    """

    pixels: np.ndarray
    corners: np.ndarray
    activations: np.ndarray

    def whole(self, number: int, size: tuple[int, int]) -> np.ndarray:
        """One projection laid into a picture of zeros: (channels, *size)."""
        pixels = self.pixels[number]
        picture = np.zeros((len(pixels), *size), pixels.dtype)
        inside, there = overlap(self.corners[number], pixels.shape[1], size)
        picture[:, *there] = pixels[:, *inside]
        return picture

    def framed(self, size: int) -> np.ndarray:
        """What to show of them: (m, channels, s, s), the whole picture where a field takes at least nine tenths of it, else the fields.

        Args:
            size: side of the net's input, pixels.
        """
        if not fills(self.pixels.shape[2], size):
            return self.pixels
        return np.stack([self.whole(number, (size, size)) for number in range(len(self.pixels))])


def fills(side: int, size: int) -> bool:
    """Whether a field of this side takes at least nine tenths of a picture: then its border is of no interest."""
    return side >= 0.9 * size


@dataclass(frozen=True)
class _Level:
    """The windows of some units in the input of one layer.

    Attributes:
        name, layer: the layer.
        corners: first row and column of each window, (m, 2); outside the map where a field reaches into the padding.
        side: of the windows.
        size: height and width of the map.
    """

    name: str
    layer: nn.Module
    corners: np.ndarray
    side: int
    size: tuple[int, int]

    def filled(self, x: Tensor, value: float) -> Tensor:
        """Put one value outside the map, in place: nobody else holds these features, and memory is what costs here."""
        (height, width), side = self.size, self.side
        crossing = np.flatnonzero(((self.corners < 0) | (self.corners + side > self.size)).any(1))
        for number, (top, left) in zip(crossing.tolist(), self.corners[crossing].tolist(), strict=True):
            window = x[number]
            window[:, : max(-top, 0)] = value
            window[:, max(height - top, 0) :] = value
            window[:, :, : max(-left, 0)] = value
            window[:, :, max(width - left, 0) :] = value
        return x


def project(
    net: nn.Sequential,
    images: Tensor | Callable[[np.ndarray], Tensor],
    *,
    layer: str,
    indices: np.ndarray,
    maps: np.ndarray,
    positions: np.ndarray,
    rules: Rules = DECONVNET,
) -> Regions:
    """Bring many activations of a convolutional layer down to pixels.

    *Paper:* section 2.1. The result is that of `deconv.project` for each unit, cut to its receptive field, outside which it is zero. Both
    passes touch the field only, so that units of low layers, whose fields are small, cost next to nothing.

    Args:
        net: a net of the book, in evaluation mode.
        images: (n, 3, h, w), or a function from indices to images.
        layer: name of a convolutional layer, or of its ReLU.
        indices: the image of each unit, (m,).
        maps: its map, (m,).
        positions: its row and column in the map, (m, 2).
        rules: of the way down; a pool can only follow its switches here.

    Returns:
        The projections in the order of `indices`.

    Raises:
        Problem: unknown layer, map or position, unfit images, a layer without an explicit way down, rules that leave the field.

    Example:
        >>> project(net, images, layer="conv3", indices=top.indices[7], maps=np.full(9, 7), positions=top.positions[7])  # doctest: +SKIP
    """
    if rules.centred:
        raise Problem(f"expected rules that follow switches, got '{rules.name}'; take deconv.project_each")
    if not len(indices):
        raise Problem("expected at least one unit, got none; give indices, maps and positions")
    units.check_eval(net)
    way = _way(net, layer)
    first = images(indices[:1]) if callable(images) else images[int(indices[0])][None]
    sizes = _sizes(net, way, first)
    _check(layer, way[-1][1], maps, positions, sizes[-1])
    wholes: list[np.ndarray] = []
    order = np.argsort(indices, kind="stable")  # so that units of one image run together
    together = min(_MOST, max(1, _PIXELS // _levels(way, sizes, positions[:1])[0].side ** 2))
    for batch in np.array_split(order, -(-len(order) // together)):
        levels = _levels(way, sizes, positions[batch].astype(np.int64))
        crops, seen = images, indices[batch]
        if callable(images):
            wanted, seen = np.unique(seen, return_inverse=True)  # each image once
            crops = images(wanted)
        pixels, activations = _batch(net, levels, crops, seen, maps[batch], rules)
        parts = (pixels.cpu().numpy(), levels[0].corners, activations.cpu().numpy())
        wholes = wholes or [np.empty((len(order), *part.shape[1:]), part.dtype) for part in parts]
        for whole, part in zip(wholes, parts, strict=True):
            whole[batch] = part
    return Regions(*wholes)


def follows(net: nn.Module, layer: str) -> bool:
    """Whether `project` has an explicit way down from a layer: a plain sequence of square parts below a convolution, or its ReLU."""
    names = [name for name, _ in net.named_children()]
    if type(net) is not nn.Sequential or len(names) < len(net) or layer not in names:
        return False
    below = list(net)[: names.index(layer) + 1]
    if isinstance(below[-1], nn.ReLU):
        below.pop()
    return bool(below) and isinstance(below[-1], nn.Conv2d) and all(type(part) in _DOWN and _is_square(part) for part in below)


def _is_square(part: nn.Module) -> bool:
    """Whether a layer has one number for its rows and its columns, and is otherwise as those of the book."""
    sizes = [getattr(part, name, 1) for name in ("kernel_size", "stride", "padding", "dilation")]
    usual = getattr(part, "padding_mode", "zeros") == "zeros" and not (isinstance(part, nn.MaxPool2d) and part.dilation != 1)
    return usual and all(isinstance(size, int) or (isinstance(size, tuple) and len(set(size)) == 1) for size in sizes)


def _way(net: nn.Sequential, layer: str) -> list[tuple[str, nn.Module]]:
    """Names and modules up to a convolution; a ReLU stands for the convolution below it."""
    units.find(net, layer)
    modules = list(net.named_children())
    last = [name for name, _ in modules].index(layer)
    if isinstance(modules[last][1], nn.ReLU):
        last -= 1
    if not isinstance(modules[last][1], nn.Conv2d):
        raise Problem(f"expected a convolutional layer, got {layer}; take deconv.project_each")
    for name, module in modules[:last]:
        if type(module) not in _DOWN:
            raise Problem(f"{name} is a {type(module).__name__}, for which there is no way down here; take deconv.project_each")
    return modules[: last + 1]


@torch.no_grad()
def _sizes(net: nn.Sequential, way: list[tuple[str, nn.Module]], image: Tensor) -> list[tuple[int, int]]:
    """Height and width of the map that enters each layer, and of the last output."""
    units.check_images(net, image)
    sizes = [tuple(image.shape[2:])]
    for _, module in way:
        image = module(image)
        sizes.append(tuple(image.shape[2:]))
    return sizes


def _check(layer: str, conv: nn.Conv2d, maps: np.ndarray, positions: np.ndarray, size: tuple[int, int]) -> None:
    for number in (int(maps.min()), int(maps.max())):
        units.check_map(Unit(layer, number), conv.out_channels)
    if positions.min() < 0 or (positions >= size).any():
        raise Problem(f"expected positions within the {size[0]} x {size[1]} map of {layer}, got {positions.max(0).tolist()}; count from 0")


@torch.no_grad()
def _batch(
    net: nn.Sequential, levels: list[_Level], images: Tensor, seen: np.ndarray, maps: np.ndarray, rules: Rules
) -> tuple[Tensor, Tensor]:
    """Pixels and activations of units that run together."""
    numbers = torch.from_numpy(maps.astype(np.int64)).to(images.device)
    x, kept = windows(images, seen, levels[0].corners, levels[0].side), {}
    for level, above in zip(levels[:-1], levels[1:], strict=True):
        x, kept[level.name] = _UP[type(level.layer)](level, above, x, rules)
    conv = levels[-1].layer
    filters = _filters(conv, numbers)  # (m, maps below, k, k)
    activations = (x * filters).sum((1, 2, 3)) + (0 if conv.bias is None else conv.bias[numbers])
    if not bool(activations.isfinite().all()):
        units.check_images(net, images[np.unique(seen)])  # before blaming the weights
        units.check_finite(net, activations, layer=levels[-1].name)
    activations = activations.clamp(min=0)
    signal = levels[-1].filled(filters * activations[:, None, None, None], 0)
    for level in reversed(levels[:-1]):
        signal = _DOWN[type(level.layer)](level, signal, kept[level.name], rules)
    return signal, activations


def _levels(way: list[tuple[str, nn.Module]], sizes: list[tuple[int, int]], positions: np.ndarray) -> list[_Level]:
    """The windows that one position needs, in the input of every layer from the lowest to the highest."""
    corners, side, levels = positions, 1, []
    for (name, layer), size in zip(reversed(way), reversed(sizes[:-1]), strict=True):
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding, dilation = (_side(getattr(layer, of)) for of in ("kernel_size", "stride", "padding", "dilation"))
            corners, side = corners * stride - padding, (side - 1) * stride + (kernel - 1) * dilation + 1
        levels.append(_Level(name, layer, corners, side, size))
    return levels[::-1]


def _side(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[0]  # the book's filters are square


def windows(images: Tensor, seen: np.ndarray, corners: np.ndarray, side: int) -> Tensor:
    """Windows of some images, zero outside: (m, channels, side, side), channels last in memory.

    Args:
        images: (n, channels, h, w).
        seen: the image of each window, (m,).
        corners: row and column of its top left pixel, (m, 2); may lie outside.
        side: of the windows, pixels.
    """
    if side <= _SMALL or not images.is_cpu:
        return _gathered(images, seen, corners, side)
    cut = images.new_zeros(len(seen), side, side, images.shape[1]).permute(0, 3, 1, 2)
    for window, index, corner in zip(cut.unbind(), seen.tolist(), corners.tolist(), strict=True):
        inside, there = overlap(corner, side, images.shape[2:])
        window[:, *inside] = images[index, :, *there]
    return cut


def _gathered(images: Tensor, seen: np.ndarray, corners: np.ndarray, side: int) -> Tensor:
    """As `windows`, without a loop."""
    numbers = torch.from_numpy(seen).to(images.device)[:, None, None]
    rows, columns = torch.from_numpy(corners[:, :, None] + np.arange(side)).to(images.device).unbind(1)  # (m, side) each
    last_row, last_column = images.shape[2] - 1, images.shape[3] - 1
    outside = ((rows < 0) | (rows > last_row))[:, :, None] | ((columns < 0) | (columns > last_column))[:, None]
    cut = images.permute(0, 2, 3, 1)[numbers, rows.clamp(0, last_row)[:, :, None], columns.clamp(0, last_column)[:, None]]
    return cut.masked_fill_(outside[..., None], 0).permute(0, 3, 1, 2)


def _filters(conv: nn.Conv2d, maps: Tensor) -> Tensor:
    """Filters of some maps, (m, maps below, k, k), zero for the maps that a group does not see."""
    below = conv.in_channels // conv.groups
    if conv.groups == 1:
        return conv.weight[maps]
    first = maps // (conv.out_channels // conv.groups) * below
    whole = conv.weight.new_zeros(len(maps), conv.in_channels, *conv.kernel_size)
    slots = (first[:, None] + torch.arange(below, device=maps.device))[:, :, None, None].expand(-1, -1, *conv.kernel_size)
    return whole.scatter_(1, slots, conv.weight[maps])


def _conv_up(level: _Level, above: _Level, x: Tensor, rules: Rules) -> tuple[Tensor, None]:
    """The window holds its padding already; what the filters make outside the map is no feature."""
    layer = level.layer
    return above.filled(F.conv2d(x, layer.weight, layer.bias, layer.stride, 0, layer.dilation, layer.groups), 0), None


def _relu_up(level: _Level, above: _Level, x: Tensor, rules: Rules) -> tuple[Tensor, Tensor | None]:
    passes = x > 0 if rules.masked else None
    return x.clamp_(min=0), passes


def _pool_up(level: _Level, above: _Level, x: Tensor, rules: Rules) -> tuple[Tensor, Tensor]:
    """Switches are flat positions in the window; cells outside the map are never a maximum."""
    x, switches = F.max_pool2d(level.filled(x, -torch.inf), level.layer.kernel_size, level.layer.stride, return_indices=True)
    return above.filled(x, 0), switches


def _norm_up(level: _Level, above: _Level, x: Tensor, rules: Rules) -> tuple[Tensor, Tensor]:
    return level.layer(x), x


def _conv_down(level: _Level, signal: Tensor, kept: None, rules: Rules) -> Tensor:
    layer = level.layer
    few = layer.in_channels * _side(layer.stride) ** 2 <= _FEW and layer.groups == 1 and _side(layer.dilation) == 1
    if few and _side(layer.stride) > 1:
        return level.filled(_by_phases(signal, layer)[:, :, : level.side, : level.side], 0)
    return level.filled(F.conv_transpose2d(signal, layer.weight, None, layer.stride, 0, 0, layer.groups, layer.dilation), 0)


def _by_phases(signal: Tensor, layer: nn.Conv2d) -> Tensor:
    """A transposed convolution by a plain one: pixels at one distance from the stride's grid, a phase, meet the same filter weights.

    Down to three colours it takes a third of the time of the library's transposed convolution, whose vector registers stay almost empty.

    Args:
        signal: (m, maps, h, w).
        layer: without padding, groups and dilation.

    Returns:
        (m, maps below, H, W): the transposed convolution, and up to a stride of zeros beyond its far borders.
    """
    stride, kernel = _side(layer.stride), _side(layer.kernel_size)
    taps = -(-kernel // stride)  # of a phase
    filters = F.pad(layer.weight, (0, taps * stride - kernel) * 2).unflatten(3, (taps, stride)).unflatten(2, (taps, stride))
    filters = filters.permute(1, 3, 5, 0, 2, 4).flip(4, 5).flatten(0, 2)  # (maps below * phases, maps, taps, taps)
    return F.pixel_shuffle(F.conv2d(signal, filters.contiguous(memory_format=torch.channels_last), padding=taps - 1), stride)


def _relu_down(level: _Level, signal: Tensor, kept: Tensor | None, rules: Rules) -> Tensor:
    return rules.through_relu(signal, kept)


def _pool_down(level: _Level, signal: Tensor, kept: Tensor, rules: Rules) -> Tensor:
    """As `deconvnet.unpool`, with the maps innermost in memory, where the convolutions want them."""
    down = signal.new_zeros(len(signal), level.side**2, signal.shape[1])
    down.scatter_add_(1, *(x.permute(0, 2, 3, 1).flatten(1, 2) for x in (kept, signal)))
    return down.unflatten(1, (level.side, level.side)).permute(0, 3, 1, 2)


def _norm_down(level: _Level, signal: Tensor, kept: Tensor, rules: Rules) -> Tensor:
    return norm_down(level.layer, signal, kept) if rules.derived else signal


_UP = {nn.Conv2d: _conv_up, nn.ReLU: _relu_up, nn.MaxPool2d: _pool_up, LocalResponseNorm: _norm_up}
_DOWN = {nn.Conv2d: _conv_down, nn.ReLU: _relu_down, nn.MaxPool2d: _pool_down, LocalResponseNorm: _norm_down}
