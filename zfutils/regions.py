"""Projections of many units at once, each computed inside its own receptive field only, after one shared pass up."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils import units
from zfutils.deconvnet import Ascent, Deconvnet
from zfutils.norm import ContrastNorm
from zfutils.problems import Problem
from zfutils.rules import DECONVNET, Rules
from zfutils.units import Unit

_SEEDS = 64  # units that come down together: enough to fill the cores, few enough to stay in the cache


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
        pixels, (top, left) = self.pixels[number], self.corners[number]
        picture = np.zeros((len(pixels), *size), pixels.dtype)
        bottom, right = min(top + pixels.shape[1], size[0]), min(left + pixels.shape[2], size[1])
        y, x = max(top, 0), max(left, 0)
        picture[:, y:bottom, x:right] = pixels[:, y - top : bottom - top, x - left : right - left]
        return picture


@dataclass
class _Window:
    """A signal in a window of a map, for each of several units: rows `top` to `top + h` of the map, which may lie outside."""

    signal: Tensor  # (m, maps, h, w)
    images: Tensor  # (m,)
    top: Tensor  # (m,)
    left: Tensor  # (m,)

    def places(self) -> tuple[Tensor, Tensor]:
        """Rows (m, h) and columns (m, w) of the map."""
        height, width = self.signal.shape[2:]
        device = self.signal.device
        return self.top[:, None] + torch.arange(height, device=device), self.left[:, None] + torch.arange(width, device=device)

    def inside(self, size: tuple[int, int]) -> Tensor:
        """Which cells lie in a map of this size: (m, 1, h, w)."""
        rows, columns = self.places()
        return (((rows >= 0) & (rows < size[0]))[:, :, None] & ((columns >= 0) & (columns < size[1]))[:, None])[:, None]

    def of(self, features: Tensor) -> Tensor:
        """What features (n, maps, H, W) hold in the windows, (m, maps, h, w); some value of the border outside."""
        rows, columns = self.places()
        rows, columns = rows.clamp(0, features.shape[2] - 1), columns.clamp(0, features.shape[3] - 1)
        return features.permute(0, 2, 3, 1)[self.images[:, None, None], rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def project(
    net: nn.Sequential,
    images: Tensor | Callable[[np.ndarray], Tensor],
    *,
    layer: str,
    rows: np.ndarray,
    maps: np.ndarray,
    places: np.ndarray,
    rules: Rules = DECONVNET,
    batch: int = 32,
) -> Regions:
    """Bring many activations of a convolutional layer down to pixels.

    *Paper:* section 2.1. The result is that of `deconv.project` for each unit, cut to its receptive field, outside which it is zero.
    Every image runs up once, whatever the number of units that are looked at in it, and the way down touches the field only.

    Args:
        net: a net of the book, in evaluation mode.
        images: (n, 3, h, w), or a function from row numbers to images.
        layer: name of a convolutional layer, or of its ReLU.
        rows: the image of each unit, (m,).
        maps: its map, (m,).
        places: its row and column in the map, (m, 2).
        rules: of the way down; a contrast norm can only be skipped here, and a pool only follow its switches.
        batch: images that run up together.

    Returns:
        The projections in the order of `rows`.

    Raises:
        Problem: unknown layer or map, unfit images, a layer that has no explicit way down, rules that do not stay inside the field.

    Example:
        >>> regions.project(net, images, layer="conv3", rows=top.rows[7], maps=np.full(9, 7), places=top.places[7])  # doctest: +SKIP
    """
    if rules.centred or rules.derived:
        raise Problem(f"expected rules with switches and the norm skipped, got '{rules.name}'; take deconv.project_each")
    way = _way(net, layer)
    for number in {int(maps.min()), int(maps.max())} if len(maps) else ():
        units.check_map(Unit(layer, number), way[-1][1].out_channels)
    take = images if callable(images) else lambda wanted: images[torch.from_numpy(wanted)]
    parts: list[tuple[np.ndarray, Tensor, Tensor, Tensor]] = []
    for wanted, ascent in _ascents(net, take, np.unique(rows), batch, layer):
        members = np.flatnonzero(np.isin(rows, wanted))
        for some in np.array_split(members, -(-len(members) // _SEEDS)):
            at = torch.from_numpy(np.column_stack([np.searchsorted(wanted, rows[some]), maps[some], places[some]]).astype(np.int64))
            parts.append((some, *_down(way, ascent, at, rules)))
    order = np.argsort(np.concatenate([some for some, *_ in parts]))
    pixels, corners, activations = (torch.cat([part[place] for part in parts]).cpu().numpy()[order] for place in (1, 2, 3))
    return Regions(pixels, corners, activations)


def _way(net: nn.Sequential, layer: str) -> list[tuple[str, nn.Module]]:
    """Names and modules up to a convolution; a ReLU stands for the convolution below it."""
    units.find(net, layer)
    modules = list(net.named_children())
    last = [name for name, _ in modules].index(layer)
    if isinstance(modules[last][1], nn.ReLU):
        last -= 1
    if not isinstance(modules[last][1], nn.Conv2d):
        raise Problem(f"expected a convolutional layer, got {layer}; take deconv.project_each")
    return modules[: last + 1]


def _ascents(net: nn.Sequential, take: Callable, wanted: np.ndarray, batch: int, layer: str) -> Iterator[tuple[np.ndarray, Ascent]]:
    """The passes up, a batch of images at a time."""
    units.check_eval(net)
    names = [name for name, _ in net.named_children()]
    lower = Deconvnet(net[: 1 + names.index(layer)].eval())
    for start in range(0, len(wanted), batch):
        some = wanted[start : start + batch]
        yield some, lower.up(take(some))


@torch.no_grad()
def _down(way: list[tuple[str, nn.Module]], ascent: Ascent, at: Tensor, rules: Rules) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels, corners and activations for units given as (m, 4): image, map, row, column."""
    name, conv = way[-1]
    features = ascent.outputs[name]
    images, maps, top, left = at.to(features.device).unbind(1)
    activations = features[images, maps, top, left].clamp(min=0)
    window = _Window(_filters(conv, maps) * activations[:, None, None, None], images, *_through(conv, top, left))
    window = _cleared(window, ascent.inputs[name])
    for name, layer in reversed(way[:-1]):
        window = _STEPS[type(layer)](layer, window, ascent, name, rules)
    return window.signal, torch.stack([window.top, window.left], 1), activations


def _filters(conv: nn.Conv2d, maps: Tensor) -> Tensor:
    """Filters of some maps, (m, maps below, k, k): what a one in the map becomes on the way down."""
    below = conv.in_channels // conv.groups
    first = maps // (conv.out_channels // conv.groups) * below
    whole = conv.weight.new_zeros(len(maps), conv.in_channels, *conv.kernel_size)
    slots = (first[:, None] + torch.arange(below, device=maps.device))[:, :, None, None].expand(-1, -1, *conv.kernel_size)
    return whole.scatter_(1, slots, conv.weight[maps])


def _through(layer: nn.Conv2d | nn.MaxPool2d, top: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
    """Where a window begins in the input of a layer."""
    (stride_y, stride_x), (pad_y, pad_x) = (size if isinstance(size, tuple) else (size, size) for size in (layer.stride, layer.padding))
    return top * stride_y - pad_y, left * stride_x - pad_x


def _cleared(window: _Window, features: Tensor) -> _Window:
    """The window with zeros outside the map, where a padding has no way further down."""
    size = features.shape[2:]
    height, width = window.signal.shape[2:]
    low, high = torch.stack([window.top, window.left]).aminmax(dim=1)
    if low.min() < 0 or high[0] + height > size[0] or high[1] + width > size[1]:
        window.signal = window.signal * window.inside(size)
    return window


def _conv(layer: nn.Conv2d, window: _Window, ascent: Ascent, name: str, rules: Rules) -> _Window:
    signal = F.conv_transpose2d(window.signal, layer.weight, None, layer.stride, 0, 0, layer.groups, layer.dilation)
    return _cleared(_Window(signal, window.images, *_through(layer, window.top, window.left)), ascent.inputs[name])


def _relu(layer: nn.ReLU, window: _Window, ascent: Ascent, name: str, rules: Rules) -> _Window:
    passes = window.of(ascent.inputs[name]) > 0 if rules.masked else None
    window.signal = rules.through_relu(window.signal, passes)
    return window


def _pool(layer: nn.MaxPool2d, window: _Window, ascent: Ascent, name: str, rules: Rules) -> _Window:
    """Un-pool: every value to its switch, counted from the corner of the window below; values that share one are added."""
    signal, width = window.signal, ascent.inputs[name].shape[3]
    height, kernel, stride = signal.shape[2:], layer.kernel_size, layer.stride
    top, left = _through(layer, window.top, window.left)
    below = [(side - 1) * stride + kernel for side in height]
    switches = window.of(ascent.switches[name])  # flat positions in the whole map
    local = (switches // width - top[:, None, None, None]) * below[1] + switches % width - left[:, None, None, None]
    local = local.clamp(0, below[0] * below[1] - 1)  # cells outside the map carry no signal, but their places must exist
    down = signal.new_zeros(*signal.shape[:2], below[0] * below[1])
    down.scatter_add_(2, local.flatten(2), signal.flatten(2))
    return _Window(down.unflatten(2, below), window.images, top, left)


def _norm(layer: ContrastNorm, window: _Window, ascent: Ascent, name: str, rules: Rules) -> _Window:
    return window


_STEPS = {nn.Conv2d: _conv, nn.ReLU: _relu, nn.MaxPool2d: _pool, ContrastNorm: _norm}
