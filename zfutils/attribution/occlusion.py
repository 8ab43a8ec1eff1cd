"""Occlusion: a square is moved over an image, and what the net then says is recorded (section 4.2, figure 7)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import activations, units
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models import devices
from zfutils.stats.log_odds import log_odds

BATCH = 64  # occluded images that run together
SIZE, STRIDE, SIDE = 50, 6, 224  # pixels: of the square, of its steps, of the image (measured in figure 7; the text gives none)


@dataclass(frozen=True)
class Sweep:
    """What the net says while a square moves over an image.

    Attributes:
        probabilities: of every class for every position, (rows, columns, classes), float32.
        log_odds: of every class, log p / (1 - p), of the same shape.
        activity: sum over the map that is followed, (rows, columns); empty without a layer.
        map: its number; -1 without a layer.
        tops, lefts: first row and column of the square at each position, pixels.
        size: of the square, pixels.
        base_probabilities, base_log_odds: of the unoccluded image, (classes,).
        base_activity: of the map in the unoccluded image.
        image: height and width of the image, pixels.
    """

    probabilities: np.ndarray
    log_odds: np.ndarray
    activity: np.ndarray
    map: int
    tops: np.ndarray
    lefts: np.ndarray
    size: int
    base_probabilities: np.ndarray
    base_log_odds: np.ndarray
    base_activity: float
    image: tuple[int, int]

    @property
    def labels(self) -> np.ndarray:
        """Most probable class at each position, (rows, columns)."""
        return self.probabilities.argmax(2)

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """Row and column of the middle of the square at a position, pixels."""
        return self.tops[row] + self.size / 2, self.lefts[column] + self.size / 2

    def squares(self) -> np.ndarray:
        """Which pixels each position covers, bool (rows, columns, h, w)."""
        rows = (np.arange(self.image[0]) >= self.tops[:, None]) & (np.arange(self.image[0]) < self.tops[:, None] + self.size)
        columns = (np.arange(self.image[1]) >= self.lefts[:, None]) & (np.arange(self.image[1]) < self.lefts[:, None] + self.size)
        return rows[:, None, :, None] & columns[None, :, None, :]

    def covered(self, picture: np.ndarray) -> np.ndarray:
        """Sum of a picture (h, w) inside the square at each position, (rows, columns); a mask counts its pixels."""
        sums = np.zeros((self.image[0] + 1, self.image[1] + 1))
        sums[1:, 1:] = picture.astype(np.float64).cumsum(0).cumsum(1)
        top, left = self.tops[:, None], self.lefts[None]
        bottom, right = top + self.size, left + self.size
        return sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]

    def __str__(self) -> str:
        end = (int(self.tops[-1]) + self.size, int(self.lefts[-1]) + self.size)
        rest = (
            "" if end == self.image else f"; the last {self.image[0] - end[0]} rows and {self.image[1] - end[1]} columns are never covered"
        )
        return (
            f"{len(self.tops)} x {len(self.lefts)} positions of a square of {self.size} px over {self.image[0]} x {self.image[1]} px{rest}"
        )


def mean_grey(image: Tensor) -> Tensor:
    """The paper's filling, which it calls grey. **Assumption**: 0 once the mean is subtracted, so what is seen is the mean picture."""
    return torch.zeros_like(image)


def image_mean(image: Tensor) -> Tensor:
    """The mean colour of the image itself."""
    return image.mean((-2, -1), keepdim=True).expand_as(image)


def blur(image: Tensor) -> Tensor:
    """The image, blurred so much that its parts are lost: the mean over windows of a quarter of a side."""
    k = image.shape[-1] // 4 // 2 * 2 + 1
    padded = F.pad(image[None], [k // 2] * 4, mode="reflect")
    return F.avg_pool2d(padded, k, 1)[0]


def noise(image: Tensor) -> Tensor:
    """Independent noise with the image's own mean and std of each colour; the same noise for the same image size."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(image.shape, generator=generator, dtype=torch.float32).to(image)
    return image.mean((-2, -1), keepdim=True) + image.std((-2, -1), keepdim=True) * drawn


def cover(image: Tensor, centre: Sequence[float], size: int, *, fill: Callable[[Tensor], Tensor] = mean_grey) -> Tensor:
    """Fill one square of an image.

    Args:
        image: (channels, h, w).
        centre: row and column of its middle, pixels; what lies beyond the border is cut off.
        size: of the square, pixels.
        fill: gives the picture that is seen inside the square, (channels, h, w).

    Raises:
        Problem: a square larger than the image.
    """
    if not 0 < size <= min(image.shape[1:]):
        raise Problem(f"expected a square of 1 to {min(image.shape[1:])} px, got {size}; give another side")
    top, left = np.rint(np.asarray(centre) - size / 2).astype(int).tolist()
    square = np.s_[:, max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)]
    hidden = image.clone()
    hidden[square] = fill(image)[square]
    return hidden


def scaled(side: int, *, steps: float = 1.0) -> tuple[int, int]:
    """The paper's square and steps for images of another side: (size, stride), pixels.

    Args:
        side: of the image, pixels.
        steps: how many of the paper's steps one step is.
    """
    return round(SIZE * side / SIDE), max(1, round(STRIDE * steps * side / SIDE))


def sweep(
    net: nn.Module,
    image: Tensor,
    *,
    layer: str | None = "relu5",
    map: int | None = None,
    size: int | None = None,
    stride: int | None = None,
    fill: Callable[[Tensor], Tensor] = mean_grey,
    batch: int = BATCH,
    dtype: torch.dtype = torch.float32,
) -> Sweep:
    """Move a square over an image and record what the net says.

    *Paper:* section 4.2 and figure 7: 50 x 50 of 224 pixels in steps of 6, grey; probability of the true class, most probable class, and
    the summed activity of the layer-5 map that is strongest in the unoccluded image.

    Args:
        net: any classifier that gives logits, in evaluation mode.
        image: (channels, h, w), as the net takes it.
        layer: of the map that is followed; None follows none.
        map: its number; None takes the one that is strongest in the unoccluded image.
        size, stride: of the square and its steps, pixels; None takes the paper's, scaled to the image.
        fill: gives the picture that is seen inside the square, (channels, h, w).
        batch: occluded images that run together.
        dtype: of the layers: bfloat16 where the hardware has it is faster and less exact.

    Raises:
        Problem: a square larger than the image, a stride below 1, unknown layer or map, training mode, unfit image.

    Example:
        >>> sweep(net, image).probabilities[..., label]  # doctest: +SKIP
    """
    units.check_eval(net)
    units.check_images(net, image[None])
    height, width = image.shape[1:]
    usual = scaled(min(height, width))
    size, stride = usual[0] if size is None else size, usual[1] if stride is None else stride
    if not 0 < size <= min(height, width) or stride < 1:
        raise Problem(
            f"expected a square of 1 to {min(height, width)} px in steps of at least 1, got {size} px in steps of {stride}; give others"
        )
    tops, lefts = np.arange(0, height - size + 1, stride), np.arange(0, width - size + 1, stride)
    corners = [(int(top), int(left)) for top in tops for left in lefts]
    with devices.autocast(image.device, dtype):  # around all batches, so that weights are cast once
        logits, activity, followed = _asked(net, _occluded(image, fill(image), corners, size, batch), layer, map)
    base_logits, logits, shape = logits[:1], logits[1:], (len(tops), len(lefts))
    return Sweep(
        logits.softmax(1).reshape(*shape, -1).cpu().numpy(),
        log_odds(logits).reshape(*shape, -1).cpu().numpy(),
        activity[1:].cpu().numpy().reshape(shape) if layer else np.zeros((0, 0), np.float32),
        followed,
        tops,
        lefts,
        size,
        base_logits.softmax(1)[0].cpu().numpy(),
        log_odds(base_logits)[0].cpu().numpy(),
        float(activity[0]) if layer else 0.0,
        (height, width),
    )


@torch.no_grad()
def _asked(net: nn.Module, batches: Iterable[Tensor], layer: str | None, map: int | None) -> tuple[Tensor, Tensor, int]:
    """Logits, the summed activity of a map of a layer, both float32, and its number; None takes the strongest of the first image."""
    logits, activity, followed = [], [], -1 if map is None else map
    for images in batches:
        with activations.watched(net, {layer: _summed} if layer else {}) as taken:
            logits.append(net(images).float())
        units.check_finite(net, logits[-1], layer="the output")
        if layer and not activity:
            followed = int(taken[layer][0].argmax()) if map is None else followed
            units.check_map(Unit(layer, followed), taken[layer].shape[1])
        if layer:
            activity.append(taken[layer][:, followed])
    return torch.cat(logits), torch.cat(activity) if layer else torch.zeros(0), followed


def _summed(output: Tensor) -> Tensor:
    """Sum over every map of what its ReLU lets through, float32 (n, maps)."""
    rectified = output.float().clamp(min=0)
    return rectified.sum((2, 3)) if rectified.ndim == 4 else rectified


def _occluded(image: Tensor, filling: Tensor, corners: list[tuple[int, int]], size: int, batch: int) -> Iterator[Tensor]:
    """Batches of the image as it is, once, and then with the square filled at every corner, (n, channels, h, w), channels last.

    All lie in the memory of the first: what a square hid is put back afterwards.
    """
    images = image[None].repeat(min(batch, 1 + len(corners)), 1, 1, 1).contiguous(memory_format=torch.channels_last)
    squares = [None, *((slice(None), slice(top, top + size), slice(left, left + size)) for top, left in corners)]
    for start in range(0, len(squares), batch):
        hidden = [(picture, square) for picture, square in zip(images.unbind(), squares[start : start + batch], strict=False) if square]
        for picture, square in hidden:
            picture[square] = filling[square]
        version = images._version
        yield images[: len(squares) - start]
        if images._version != version:  # the net works in place on its input
            images.copy_(image)
        for picture, square in hidden:
            picture[square] = image[square]
