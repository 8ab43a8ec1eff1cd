"""Invariance: images are shifted, enlarged and rotated, and the features' distances from the original recorded (section 4, figure 5)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zfutils.attribution import activations, units
from zfutils.core.errors import Problem
from zfutils.models.crops import sampled
from zfutils.stats.log_odds import log_odds

SIDE = 224  # pixels, of the paper's images
LAYERS = ("pool1", "relu7")  # the paper's layers 1 and 7: pooled but not yet normalised; the last hidden layer

Transformation = Callable[..., Tensor]


def shift(images: Tensor, amount: float, *, border: str = "zeros") -> Tensor:
    """Move images down.

    Args:
        images: (n, channels, h, w).
        amount: pixels, in (-h, h); negative ones move up.
        border: what comes in at the edge, a padding of `torch.nn.functional.grid_sample`: `zeros` is mean grey once the mean is subtracted,
            `reflection` mirrors the image.

    Raises:
        Problem: a shift of the whole image or more.
    """
    height = images.shape[2]
    if abs(amount) >= height:
        raise Problem(f"expected a shift of less than {height} px, got {amount:g}; the image would be gone")
    return sampled(images, [[1.0, 0.0, 0.0], [0.0, 1.0, -2 * amount / height]], border)


def enlarge(images: Tensor, amount: float, *, border: str = "zeros") -> Tensor:
    """Enlarge images about their middle.

    Args:
        images: (n, channels, h, w).
        amount: factor, at least 1; what goes beyond the edge is cut off.
        border: as in `shift`; nothing comes in here.

    Raises:
        Problem: a factor below 1.
    """
    if amount < 1:
        raise Problem(f"expected a factor of at least 1, got {amount:g}; the paper enlarges only")
    return sampled(images, [[1 / amount, 0.0, 0.0], [0.0, 1 / amount, 0.0]], border)


def rotate(images: Tensor, amount: float, *, border: str = "zeros") -> Tensor:
    """Turn square images about their middle, counter-clockwise.

    Args:
        images: (n, channels, side, side).
        amount: degrees.
        border: as in `shift`.

    Raises:
        Problem: images that are not square.
    """
    if images.shape[2] != images.shape[3]:
        raise Problem(f"expected square images, got {images.shape[2]} x {images.shape[3]} px; crop them first")
    sine, cosine = math.sin(math.radians(amount)), math.cos(math.radians(amount))
    return sampled(images, [[cosine, -sine, 0.0], [sine, cosine, 0.0]], border)


def amounts(side: int) -> dict[str, tuple[Transformation, np.ndarray]]:
    """The paper's three transformations and their ranges (read off figure 5), scaled to the side of the images.

    Returns:
        For each name the function and its amounts: shifts in whole pixels, factors, degrees.
    """
    shifts = np.unique(np.rint(np.arange(-63, 64, 7) * side / SIDE))
    return {
        "vertical shift, px": (shift, shifts),
        "scale": (enlarge, np.round(np.arange(1.0, 2.01, 0.1), 2)),
        "rotation, degrees": (rotate, np.arange(0.0, 361.0, 10.0)),
    }


@dataclass(frozen=True)
class Curves:
    """How features and answers move under one transformation.

    Attributes:
        amounts: of the transformation, (m,).
        distances: Euclidean, from the features of the untransformed image, by layer, (m, n), float32.
        probability: of the true class, (m, n).
        log_odds: of the true class, (m, n).
    """

    amounts: np.ndarray
    distances: dict[str, np.ndarray]
    probability: np.ndarray
    log_odds: np.ndarray

    def relative(self, typical: dict[str, float]) -> dict[str, np.ndarray]:
        """Distances as multiples of those between different images, by layer, (m, n): in this unit layers compare."""
        return {layer: values / typical[layer] for layer, values in self.distances.items()}


def curves(
    net: nn.Module,
    images: Tensor,
    labels: np.ndarray,
    transformation: Transformation,
    amounts: np.ndarray,
    *,
    layers: Sequence[str] = LAYERS,
    border: str = "zeros",
) -> Curves:
    """Transform images by rising amounts and record what the net makes of them.

    *Paper:* section 4 and figure 5. Whether the printed distances are normalised is not said; these are as they come.

    Args:
        net: a classifier that gives logits, in evaluation mode.
        images: (n, channels, h, w).
        labels: the true class of each, (n,).
        transformation: `shift`, `enlarge` or `rotate`.
        amounts: (m,).
        layers: names of layers.
        border: what comes in at the edges.

    Raises:
        Problem: an amount out of range, unknown layer, training mode, unfit images.
    """
    units.check_eval(net)
    units.check_images(net, images)
    start, _ = _asked(net, images, layers)
    own = torch.from_numpy(np.asarray(labels))[:, None].to(images.device)
    distances: dict[str, list] = {layer: [] for layer in layers}
    probability, odds = [], []
    for amount in amounts.tolist():
        found, logits = _asked(net, transformation(images, amount, border=border), layers)
        for layer in layers:
            distances[layer].append((found[layer] - start[layer]).norm(dim=1).cpu().numpy())
        probability.append(logits.softmax(1).gather(1, own)[:, 0].cpu().numpy())
        odds.append(log_odds(logits).gather(1, own)[:, 0].cpu().numpy())
    return Curves(amounts, {layer: np.array(some) for layer, some in distances.items()}, np.array(probability), np.array(odds))


def typical_distances(net: nn.Module, images: Tensor, *, layers: Sequence[str] = LAYERS) -> dict[str, float]:
    """Median distance between the features of different images, by layer: the unit in which layers compare.

    Raises:
        Problem: fewer than two images.
    """
    if len(images) < 2:
        raise Problem(f"expected at least two images for a distance between images, got {len(images)}; give more")
    found, _ = _asked(net, images, layers)
    return {layer: float(torch.nn.functional.pdist(values).median()) for layer, values in found.items()}


def distances(net: nn.Module, image: Tensor, others: Tensor, *, layers: Sequence[str] = LAYERS) -> dict[str, np.ndarray]:
    """Euclidean distances of the features of some images from those of one, by layer.

    Args:
        net: in evaluation mode.
        image: (1, channels, h, w).
        others: (n, channels, h, w).
        layers: names of layers.

    Returns:
        (n,) for each layer.
    """
    start, _ = _asked(net, image, layers)
    found, _ = _asked(net, others, layers)
    return {layer: (found[layer] - start[layer]).norm(dim=1).cpu().numpy() for layer in layers}


def lead(ours: Curves, others: Sequence[Curves], layer: str) -> np.ndarray:
    """How much farther one transformation carries the features of every image than others do, each at its farthest.

    *Paper:* the axes of figure 5, which end where the curves of rotation lie above those of shifts and scales.

    Returns:
        Natural logarithm of our largest distance over the largest of the others', (n,); 0 where they are equal.
    """
    farthest = [curve.distances[layer].max(0).astype(np.float64) for curve in (ours, *others)]
    return np.log(farthest[0] / np.max(farthest[1:], axis=0))


def kept(curves: Mapping[str, Curves]) -> pd.DataFrame:
    """What each kind of transformation leaves of the answer.

    *Paper:* section 4 calls the output stable to shifts and to scaling, and not invariant to rotation.

    Args:
        curves: by name.

    Returns:
        One row a kind, P(true class) as a mean over images: `unmoved`, `mean` over all amounts that move the features, the `lowest`, and
        the amount `at` which that is.
    """
    rows = {}
    for name, found in curves.items():
        first = next(iter(found.distances.values())).mean(1)  # (amounts,)
        moved, answers = first > 1e-3 * first.max(), found.probability.mean(1)
        lowest = int(np.where(moved, answers, np.inf).argmin())
        rows[name] = {"unmoved": float(answers[~moved].mean()), "mean": float(answers[moved].mean())}
        rows[name] |= {"lowest": float(answers[lowest]), "at": float(found.amounts[lowest])}
    return pd.DataFrame(rows).T


def beside_rotation(lasting: pd.DataFrame) -> str:
    """Which kinds of transformation leave more of the answer than rotation does, in words; `lasting` as `kept` gives it."""
    means = {name.split(",")[0]: value for name, value in lasting["mean"].items()}
    more = [name for name in means if means[name] > means["rotation"]]
    others = [name for name in means if name not in (*more, "rotation")]
    said = f"Over the amounts of figure 5, more of the answer than rotation leaves is left by: {', '.join(more) or 'none'}"
    return said + (f"; no more than rotation leaves: {', '.join(others)}." if others else ".")


def straightness(x: np.ndarray, y: np.ndarray) -> float:
    """R^2 of the best straight line through the origin, against the mean of y; 1 for a perfect line, below 0 for worse than the mean."""
    slope = (x * y).sum() / (x * x).sum()
    return float(1 - ((y - slope * x) ** 2).sum() / ((y - y.mean()) ** 2).sum())


@torch.no_grad()
def _asked(net: nn.Module, images: Tensor, layers: Sequence[str], batch: int = 128) -> tuple[dict[str, Tensor], Tensor]:
    """Features of some layers, flat, (n, features), and logits, float32."""
    parts: list[tuple[dict[str, Tensor], Tensor]] = []
    for start in range(0, len(images), batch):
        some = images[start : start + batch].contiguous(memory_format=torch.channels_last)
        with activations.watched(net, {layer: lambda output: output.float().flatten(1).clone() for layer in layers}) as found:
            logits = net(some).float()
        parts.append((dict(found), logits))
    return {layer: torch.cat([part[layer] for part, _ in parts]) for layer in layers}, torch.cat([logits for _, logits in parts])
