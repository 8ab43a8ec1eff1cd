"""The winners of some maps: what each looked at, and its projection (figures 2 and 6 d, e)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from zfutils.attribution import projections, topk
from zfutils.attribution.batched_deconv import Regions, fills
from zfutils.attribution.rules import DECONVNET, Rules
from zfutils.attribution.topk import Top
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models.crops import CENTRE, Crops, overlap, to_display

SHARE = 0.98  # of the lit pixels that are shown in proportion; the rest is black or white


@dataclass(frozen=True)
class Winners:
    """Winners of some maps of a layer, strongest first.

    Attributes:
        layer: its name.
        maps: numbers of the maps, (m,).
        indices: of the winners' pictures, (m, k).
        values: activations, (m, k).
        corners: top left pixel of each receptive field in the centre crop, (m, k, 2); may lie outside.
        projections: (m, k, 3, side, side), float32, cut by the receptive field; zero beyond the border.
        patches: the same windows of the pictures, uint8 (m, k, side, side, 3); grey beyond the border.
    """

    layer: str
    maps: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    corners: np.ndarray
    projections: np.ndarray
    patches: np.ndarray

    @property
    def side(self) -> int:
        """Side of the receptive field, pixels."""
        return self.projections.shape[-1]

    def scales(self) -> np.ndarray:
        """For each map the absolute value below which `SHARE` of its nine projections' pixels lie, zeros left out, (m,).

        It becomes black and white on display: a few pixels far above the rest would leave the rest grey.
        """
        return np.array([display_scale(nine) for nine in self.projections])

    def framed(self, size: int) -> np.ndarray:
        """The projections cut by the field, or whole where a field takes nearly all of the picture: float32 (m, k, 3, s, s).

        Args:
            size: side of the net's input, pixels.
        """
        flat = self.projections.reshape(-1, *self.projections.shape[2:])
        framed = Regions(flat, self.corners.reshape(-1, 2), self.values.reshape(-1)).framed(size)
        return framed.reshape(*self.indices.shape, *framed.shape[1:])

    def tiles(self, prepared: PreparedSet, size: int, *, scales: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Projections and patches as pictures: the fields, or the whole pictures where a field takes nearly all of them.

        Args:
            prepared: the pictures.
            size: side of the net's input, pixels.
            scales: the absolute value that becomes black or white, for each map, (m,), or each tile, (m, k); default `scales()`.

        Returns:
            uint8 of shape (m, k, s, s, 3) twice; in the first zero is grey 128.
        """
        framed, patches = self.framed(size), self.patches
        if fills(self.side, size):
            corners = np.zeros((self.indices.size, 2), np.int64)
            patches = topk.patches(prepared, size, self.indices.reshape(-1), corners, size)
        scales = self.scales() if scales is None else np.asarray(scales)
        each = np.broadcast_to(scales.reshape(len(self.maps), -1), self.indices.shape)
        shown = [[to_display(tile, scale=scale) for tile, scale in zip(*some, strict=True)] for some in zip(framed, each, strict=True)]
        return np.array(shown), patches.reshape(np.shape(shown))

    def inputs(self, prepared: PreparedSet, size: int) -> np.ndarray:
        """The patches as the net saw them: mean subtracted, zero beyond the border, float32 (m, k, 3, side, side)."""
        corners = self.corners.reshape(-1, 2)
        offset = (prepared.facts["size"] - size) // 2
        mean = prepared.mean()[offset : offset + size, offset : offset + size]
        windows = np.zeros((len(corners), self.side, self.side, 3), np.float32)
        for window, patch, corner in zip(windows, self.patches.reshape(windows.shape), corners.tolist(), strict=True):
            inside, there = overlap(corner, self.side, (size, size))
            window[inside] = patch[inside] - mean[there]
        return np.moveaxis(windows, -1, 1).reshape(self.projections.shape)


def display_scale(pixels: np.ndarray, share: float = SHARE) -> float:
    """The absolute value below which this share of the pixels lie, zeros left out; 1 where all are zero."""
    lit = np.abs(pixels[pixels != 0])
    return float(np.quantile(lit, share)) if len(lit) else 1.0


def of(
    net: nn.Module,
    prepared: PreparedSet,
    size: int,
    top: Top,
    *,
    layer: str,
    maps: np.ndarray,
    inputs: Crops | None = None,
    rules: Rules = DECONVNET,
    generator: torch.Generator | None = None,
) -> Winners:
    """Project the winners of some maps and cut their patches.

    *Paper:* figure 2: the nine strongest activations of a map on the validation images, each brought down to pixels, beside the patches.

    Args:
        net: any net, in evaluation mode, on its device.
        prepared: the pictures that `top` was found in.
        size: side of the net's input, pixels.
        top: the winners.
        layer: its name.
        maps: numbers of maps that have all their winners.
        inputs: cuts the net's input; default the pictures minus their mean, as the book's nets take them.
        rules: of the way down.
        generator: draws the switches, as in `projections.whole`.

    Raises:
        Problem: as `projections.project`.
    """
    inputs = inputs or Crops(prepared, size, device=next(net.parameters()).device)
    k = top.indices.shape[1]
    indices, positions = top.indices[maps].reshape(-1), top.positions[maps].reshape(-1, 2)
    chosen = {"indices": indices, "maps": np.repeat(maps, k), "positions": positions, "rules": rules, "generator": generator}
    regions = projections.project(net, lambda wanted: inputs.batch(wanted, CENTRE), layer=layer, **chosen)
    side = regions.pixels.shape[-1]
    patches = topk.patches(prepared, size, indices, regions.corners, side)
    shape = (len(maps), k)
    return Winners(
        layer,
        np.asarray(maps),
        indices.reshape(shape),
        top.values[maps],
        regions.corners.reshape(*shape, 2),
        regions.pixels.reshape(*shape, 3, side, side),
        patches.reshape(*shape, side, side, 3),
    )


def draw(top: Top, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw maps at random among those that have all their winners, in ascending order; all of them where there are fewer.

    *Paper:* figures 2, 4 and 6 show a random subset of maps.
    """
    active = top.active()
    return np.sort(generator.permutation(active)[:count])


def centre_crops(prepared: PreparedSet, size: int, indices: np.ndarray, device: torch.device) -> torch.Tensor:
    """Input for the centre crops of some pictures, (n, 3, size, size)."""
    return Crops(prepared, size, device=device).batch(np.asarray(indices), CENTRE)
