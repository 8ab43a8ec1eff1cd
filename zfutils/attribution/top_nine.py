"""The winners of some maps: what each looked at, and its projection (figures 2 and 6 d, e)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from zfutils.attribution import projections, topk
from zfutils.attribution.batched_deconv import Regions
from zfutils.attribution.rules import DECONVNET, Rules
from zfutils.attribution.topk import Top
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models.crops import CENTRE, Crops, to_display

SHARE = 0.98  # of the lit pixels that are shown in proportion; the rest is black or white


@dataclass(frozen=True)
class Winners:
    """Winners of some maps of a layer, strongest first.

    Attributes:
        layer: its name.
        maps: numbers of the maps, (m,).
        rows: row of each winner's picture, (m, k).
        values: activations, (m, k).
        corners: top left pixel of each receptive field in the centre crop, (m, k, 2); may lie outside.
        projections: (m, k, 3, side, side), float32, cut by the receptive field; zero beyond the border.
        patches: the same windows of the pictures, uint8 (m, k, side, side, 3); grey beyond the border.
    """

    layer: str
    maps: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    corners: np.ndarray
    projections: np.ndarray
    patches: np.ndarray

    @property
    def side(self) -> int:
        """Side of the receptive field, pixels."""
        return self.projections.shape[-1]

    def scales(self, share: float = SHARE) -> np.ndarray:
        """For each map the absolute value below which this share of its nine projections' pixels lie, zeros left out, (m,).

        It becomes black and white on display: a few pixels far above the rest would leave the rest grey.
        """
        return np.array([display_scale(nine, share) for nine in self.projections])

    def tiles(self, prepared: PreparedSet, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Projections and patches as pictures: the fields, or the whole pictures where a field takes nearly all of them.

        Args:
            prepared: the pictures.
            size: side of the net's input, pixels.

        Returns:
            uint8 of shape (m, k, s, s, 3) twice; in the first zero is grey 128, with one scale a map (`scales`).
        """
        rows, corners = self.rows.reshape(-1), self.corners.reshape(-1, 2)
        pixels = self.projections.reshape(-1, *self.projections.shape[2:])
        framed = Regions(pixels, corners, self.values.reshape(-1)).framed(size)
        patches = self.patches
        if framed is not pixels:
            patches = topk.patches(prepared, size, rows, np.zeros_like(corners), size)
        shape = (*self.rows.shape, *framed.shape[1:])
        nines = zip(framed.reshape(shape), self.scales(), strict=True)
        shown = np.stack([to_display(nine, scale=scale) for nine, scale in nines])
        return shown, patches.reshape(shown.shape)

    def inputs(self, prepared: PreparedSet, size: int) -> np.ndarray:
        """The patches as the net saw them: mean subtracted, zero beyond the border, float32 (m, k, 3, side, side)."""
        rows, corners = self.rows.reshape(-1), self.corners.reshape(-1, 2)
        offset = (prepared.facts["size"] - size) // 2
        mean = prepared.mean()[offset : offset + size, offset : offset + size]
        windows = np.zeros((len(rows), self.side, self.side, 3), np.float32)
        for window, patch, (top, left) in zip(windows, self.patches.reshape(windows.shape), corners.tolist(), strict=True):
            y, x, bottom, right = max(top, 0), max(left, 0), min(top + self.side, size), min(left + self.side, size)
            inside = np.s_[y - top : bottom - top, x - left : right - left]
            window[inside] = patch[inside] - mean[y:bottom, x:right]
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
    rules: Rules = DECONVNET,
    inputs: Crops | None = None,
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
        rules: of the way down.
        inputs: cuts the net's input; default the pictures minus their mean, as the book's nets take them.

    Raises:
        Problem: as `projections.project`.
    """
    inputs = inputs or Crops(prepared, size, device=next(net.parameters()).device)
    k = top.rows.shape[1]
    rows, places = top.rows[maps].reshape(-1), top.places[maps].reshape(-1, 2)
    chosen = {"indices": rows, "maps": np.repeat(maps, k), "positions": places}
    found = projections.project(net, lambda some: inputs.batch(some, CENTRE), layer=layer, **chosen, rules=rules)
    side = found.pixels.shape[-1]
    patches = topk.patches(prepared, size, rows, found.corners, side)
    shape = (len(maps), k)
    return Winners(
        layer,
        np.asarray(maps),
        rows.reshape(shape),
        top.values[maps],
        found.corners.reshape(*shape, 2),
        found.pixels.reshape(*shape, 3, side, side),
        patches.reshape(*shape, side, side, 3),
    )


def draw(top: Top, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw maps at random among those that have all their winners, in ascending order; all of them where there are fewer.

    *Paper:* figures 2, 4 and 6 show a random subset of maps.
    """
    active = top.active()
    return np.sort(generator.permutation(active)[:count])


def centre_crops(prepared: PreparedSet, size: int, rows: np.ndarray, device: torch.device) -> torch.Tensor:
    """Input for the centre crops of some rows, (n, 3, size, size)."""
    return Crops(prepared, size, device=device).batch(np.asarray(rows), CENTRE)
