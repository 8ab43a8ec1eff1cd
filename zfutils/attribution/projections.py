"""Projections of many units of any net, each cut to its receptive field."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from zfutils.attribution import activations, batched_deconv, deconv, receptive_field
from zfutils.attribution.batched_deconv import Regions, fills
from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.rules import DECONVNET, Rules
from zfutils.attribution.units import Unit

_BATCH = 32  # units that run together


def project(
    net: nn.Module,
    images: Callable[[np.ndarray], Tensor],
    *,
    layer: str,
    indices: np.ndarray,
    maps: np.ndarray,
    positions: np.ndarray,
    rules: Rules = DECONVNET,
    generator: torch.Generator | None = None,
) -> Regions:
    """Bring many activations of a layer down to pixels.

    The book's own nets take the short way, up and down inside the field only; others run whole and are cut.

    *Paper:* section 2.1.

    Args:
        net: any net that `deconv.project` follows, in evaluation mode.
        images: a function from data indices to images, as the net takes them.
        layer: name of the layer.
        indices: the image of each unit, (m,).
        maps: its map, (m,).
        positions: its row and column in the map, (m, 2); not looked at for a fully connected layer.
        rules: of the way down.
        generator: draws the switches, as in `whole`.

    Returns:
        The projections in the order of `indices`; whole images where a field takes at least nine tenths of one.

    Raises:
        Problem: as `deconv.project_each`.
    """
    if generator is None and not rules.centred and batched_deconv.follows(net, layer):
        return batched_deconv.project(net, images, layer=layer, indices=indices, maps=maps, positions=positions, rules=rules)
    parts = []
    for start in range(0, len(indices), _BATCH):
        batch = slice(start, start + _BATCH)
        parts.append(_batch(net, images(indices[batch]), layer, maps[batch], positions[batch], rules, generator))
    return Regions(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def whole(
    net: nn.Module,
    images: Tensor,
    *,
    layer: str,
    maps: Tensor,
    positions: Tensor | None = None,
    rules: Rules = DECONVNET,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Bring one activation of each of many images down to pixels, also through switches that are drawn.

    Args:
        net: any net; the book's own where switches are drawn.
        images: (n, channels, h, w).
        layer, maps, positions, rules: as in `deconv.project_each`.
        generator: draws switches at random within their windows, image after image; None leaves the right ones.

    Returns:
        (n, channels, h, w).
    """
    if generator is None:
        return deconv.project_each(net, images, layer=layer, maps=maps, positions=positions, rules=rules)
    explicit = Deconvnet(net)
    chosen = [None] * len(images) if positions is None else [tuple(position) for position in positions.tolist()]
    each = zip(images.split(1), maps.tolist(), chosen, strict=True)
    found = [explicit.project(image, unit=Unit(layer, map), at=at, rules=rules, generator=generator) for image, map, at in each]
    return torch.cat(found)


def _batch(
    net: nn.Module,
    images: Tensor,
    layer: str,
    maps: np.ndarray,
    positions: np.ndarray,
    rules: Rules,
    generator: torch.Generator | None,
) -> tuple:
    """Pixels, corners and activations of units that run together."""
    with activations.watched(net, {layer: lambda output: output.detach().clone()}) as features:
        field = receptive_field.of(net, images[:1], layer)
    at = torch.from_numpy(positions) if features[layer].ndim == 4 else None
    chosen = {"layer": layer, "maps": torch.from_numpy(maps), "positions": at, "rules": rules}
    if generator is None:
        with activations.watched(net, {layer: lambda output: output.detach().clone()}) as features:
            pixels = whole(net, images, **chosen)
    else:
        features = activations.of(net, images, [layer])  # images run one by one
        pixels = whole(net, images, **chosen, generator=generator)
    values = features[layer][np.arange(len(maps)), maps, *(() if at is None else at.unbind(1))].clamp(min=0)
    side = max(field.size)
    if fills(side, min(field.image)):
        return pixels.cpu().numpy(), np.zeros((len(maps), 2), np.int64), values.cpu().numpy()
    corners = np.array([field.box(tuple(position))[:2] for position in positions.tolist()])
    windows = batched_deconv.windows(pixels, np.arange(len(maps)), corners, side)
    return windows.cpu().numpy(), corners, values.cpu().numpy()
