"""How features develop during training: the checkpoints of figure 4 in pictures and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from zfutils.analysis import similarity
from zfutils.attribution import activations, deconv, projections, topk
from zfutils.core.profiles import Profile
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models.crops import CENTRE
from zfutils.models.trained import Model, Trained
from zfutils.training.trainer import PAPER_EPOCHS

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
SETTLED = 0.9  # of the final margin: from there on a feature counts as settled


@dataclass(frozen=True)
class Strongest:
    """The strongest activation of some maps over the training images at one checkpoint.

    Attributes:
        epoch: of the paper's 70, in the book's nets.
        indices: of the pictures, (m,); `topk.NOBODY` for a map that no image makes active.
        projections: (m, 3, side, side), cut by the receptive field where that is small; zero for such a map.
    """

    epoch: int
    indices: np.ndarray
    projections: np.ndarray


def strongest(
    profile: Profile, trained: Trained | Model, prepared: PreparedSet, maps: dict[str, np.ndarray], *, device: torch.device
) -> dict[str, list[Strongest]]:
    """Project the strongest activation of some maps over all training images, at every checkpoint; the paper has eight.

    *Paper:* figure 4.

    Args:
        profile: whose folder keeps what was found.
        trained: the net with its checkpoints.
        prepared: the pictures.
        maps: numbers of maps, by layer.
        device: where the net runs.

    Returns:
        For each layer one entry a checkpoint.
    """
    inputs = trained.inputs(prepared, device=device)
    found: dict[str, list[Strongest]] = {layer: [] for layer in maps}
    for epoch in trained.epochs:
        net = trained.checkpoint(epoch).to(device)
        name = f"{trained.folder.name}-epoch-{epoch:02d}"
        tops = topk.scanned(profile, net, name, prepared, "train", layers=tuple(maps), k=1, inputs=inputs)
        for layer, chosen in maps.items():
            indices, positions, alive = (part[chosen, 0] for part in (tops[layer].indices, tops[layer].positions, tops[layer].alive))
            seen = {"indices": np.where(alive, indices, 0), "maps": chosen, "positions": positions}
            projected = projections.project(net, lambda wanted: inputs.batch(wanted, CENTRE), layer=layer, **seen)
            framed = projected.framed(inputs.size)
            found[layer].append(Strongest(epoch, indices, framed * alive[:, None, None, None]))
    return found


@dataclass(frozen=True)
class Settling:
    """How near the features of a layer are to their final form, at every checkpoint.

    Attributes:
        margins: similarity to the unit's final projection minus that to another unit's from the same place, (checkpoints, units).
        final: the same at the end, where the first similarity is 1, (units,).
        ranks: rank correlation of each map's activations with the final ones over fixed images, (checkpoints, maps).
        epochs: of the checkpoints.
    """

    margins: np.ndarray
    final: np.ndarray
    ranks: np.ndarray
    epochs: tuple[int, ...] = PAPER_EPOCHS

    def shares(self) -> np.ndarray:
        """Each unit's part in the settled share of the layer, (checkpoints, units); its mean over units is the share."""
        return self.margins / self.final.mean()

    def since(self) -> int | None:
        """The first of the epochs from which on the settled share stays at least `SETTLED`."""
        high = self.shares().mean(1) >= SETTLED
        after = [epoch for position, epoch in enumerate(self.epochs) if high[position:].all()]
        return after[0] if after else None

    def each(self) -> np.ndarray:
        """For each unit by itself the first of the epochs from which on its margin stays at least `SETTLED` of its final one, (units,).

        NaN for a unit that never gets there, or whose final projection is no other than that of the unit it is compared with.
        """
        high = (self.margins >= SETTLED * self.final) & (self.final > 0)
        stays = np.flip(np.logical_and.accumulate(np.flip(high, 0)), 0)
        return np.where(stays.any(0), np.asarray(self.epochs, float)[stays.argmax(0)], np.nan)


def jumps(stages: dict[str, list[Strongest]]) -> tuple[np.ndarray, np.ndarray]:
    """How far projections move from one checkpoint to the next: 1 minus their cosine.

    *Paper:* section 4, figure 4: a sudden jump comes with another image in the lead.

    Args:
        stages: for each layer its checkpoints, in order, of the same maps. No new image can move layer 1, whose projection is the filter.

    Returns:
        Where the image changed, and where it did not, over all layers; maps that no image makes active are left out.
    """
    moved, changed = [], []
    for checkpoints in stages.values():
        for before, after in zip(checkpoints[:-1], checkpoints[1:], strict=True):
            active = (before.indices != topk.NOBODY) & (after.indices != topk.NOBODY)
            moved.append((1 - similarity.cosine(before.projections, after.projections))[active])
            changed.append((before.indices != after.indices)[active])
    moved, changed = np.concatenate([*moved, np.zeros(0)]), np.concatenate([*changed, np.zeros(0, bool)])
    return moved[changed], moved[~changed]


def settle(
    profile: Profile,
    trained: Trained | Model,
    prepared: PreparedSet,
    *,
    generator: np.random.Generator,
    device: torch.device,
    layers: Sequence[str] = LAYERS,
    units: int = 24,
    fixed: int = 256,
) -> dict[str, Settling]:
    """Follow units through training on fixed images: for each the training image that excites its final form most.

    *Paper:* figure 4, where the image and the place in it may change from one checkpoint to the next. Here both are fixed, at those of the
    final form: what changes is the feature. A place that moves by one step would look like a change of the whole projection, most of all
    where a unit sees few pixels.

    Args:
        profile: whose folder keeps what was found.
        trained: the net with its checkpoints.
        prepared: the pictures.
        generator: draws the units and the images for the rank correlation.
        device: where the net runs.
        layers: names of layers.
        units: followed in each layer.
        fixed: images for the rank correlation.

    Returns:
        One entry a layer.
    """
    final = trained.net().to(device)
    inputs = trained.inputs(prepared, device=device)
    tops = topk.scanned(profile, final, trained.folder.name, prepared, "train", layers=layers, k=1, inputs=inputs)
    train = prepared.indices("train")
    some = inputs.batch(np.sort(generator.permutation(train)[:fixed]), CENTRE)
    chosen = {layer: generator.permutation(top.active())[:units] for layer, top in tops.items()}
    images = {layer: inputs.batch(tops[layer].indices[maps, 0], CENTRE) for layer, maps in chosen.items()}
    places = {layer: _places(final, images[layer], layer, maps) for layer, maps in chosen.items()}
    last = {layer: _projections(final, images[layer], layer, maps, places[layer]) for layer, maps in chosen.items()}
    other = {layer: _projections(final, images[layer], layer, np.roll(maps, 1), places[layer]) for layer, maps in chosen.items()}
    ranks = {layer: [] for layer in chosen}
    margins = {layer: [] for layer in chosen}
    final_activity = _activity(final, some, layers)
    for epoch in trained.epochs:
        net = trained.checkpoint(epoch).to(device)
        activity = _activity(net, some, layers)
        for layer, maps in chosen.items():
            now = _projections(net, images[layer], layer, maps, places[layer])
            margins[layer].append(similarity.cosine(now, last[layer]) - similarity.cosine(now, other[layer]))
            ranks[layer].append(similarity.rank_correlation(activity[layer], final_activity[layer]))
    ends = {layer: 1 - similarity.cosine(last[layer], other[layer]) for layer in chosen}
    return {layer: Settling(np.array(margins[layer]), ends[layer], np.array(ranks[layer]), trained.epochs) for layer in chosen}


def follow(final: nn.Module, states: dict[int, nn.Module], images: torch.Tensor, *, layer: str, maps: np.ndarray) -> Settling:
    """Follow units of one layer through training, each in an image of its own, where it is strongest in the end; no ranks.

    Args:
        final: the trained net, in evaluation mode.
        states: the net as it was, by epoch.
        images: one a unit, (m, 3, h, w).
        layer: its name.
        maps: numbers of the units, (m,).
    """
    places = _places(final, images, layer, maps)
    last, other = (_projections(final, images, layer, some, places) for some in (maps, np.roll(maps, 1)))
    margins = []
    for net in states.values():
        now = _projections(net, images, layer, maps, places)
        margins.append(similarity.cosine(now, last) - similarity.cosine(now, other))
    return Settling(np.array(margins), 1 - similarity.cosine(last, other), np.zeros((len(states), 0)), tuple(states))


def table(settled: dict[str, Settling]) -> pd.DataFrame:
    """One row a layer and checkpoint: `layer`, `epoch`, `settled` share, `rank_correlation`, `units`."""
    return pd.DataFrame(
        {
            "layer": layer,
            "epoch": epoch,
            "settled": float(one.shares()[place].mean()),
            "rank_correlation": float(np.nanmean(one.ranks[place])) if np.isfinite(one.ranks[place]).any() else float("nan"),
            "units": one.margins.shape[1],
        }
        for layer, one in settled.items()
        for place, epoch in enumerate(one.epochs)
    )


def _places(net: nn.Module, images: torch.Tensor, layer: str, maps: np.ndarray) -> torch.Tensor:
    """Row and column at which one map an image is strongest, (n, 2)."""
    own = activations.of(net, images, [layer])[layer].cpu()[range(len(maps)), maps]
    first = own.flatten(1).argmax(1)
    return torch.stack([first // own.shape[2], first % own.shape[2]], 1)


def _projections(net: nn.Module, images: torch.Tensor, layer: str, maps: np.ndarray, places: torch.Tensor) -> np.ndarray:
    """One unit an image, from one place each and as if it were active there, (n, 3, h, w)."""
    return deconv.project_each(net, images, layer=layer, maps=torch.from_numpy(maps), positions=places, seed=1.0).cpu().numpy()


def _activity(net: nn.Module, images: torch.Tensor, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Strongest activation of every map in every image, by layer, (n, maps)."""
    found = activations.of(net, images, layers)
    return {layer: (values.amax((2, 3)) if values.ndim == 4 else values).clamp(min=0).cpu().numpy() for layer, values in found.items()}
