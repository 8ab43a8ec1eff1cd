"""What the microscope looks at: a net that ships, the pictures that come with it, and what is known of them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from zfutils.analysis import evolution, localization, selectivity
from zfutils.attribution import activations, shipped_winners, topk
from zfutils.attribution.topk import Top
from zfutils.core import profiles, shipped_files
from zfutils.core.errors import Problem
from zfutils.core.profiles import Profile
from zfutils.data import registry, samples
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import shipped
from zfutils.models.crops import CENTRE, Crops

LAYERS = evolution.LAYERS
_NINE = 9  # winners
USUAL_MOST = 128  # units a page
_PER_CLASS = 10  # val pictures of each class from which selectivity is measured
_TOGETHER = 32  # pictures that run together


@dataclass(frozen=True)
class Subject:
    """A net and the pictures it is looked at with.

    Attributes:
        name: under which it ships.
        net: in evaluation mode, on the CPU.
        size: side of its input, pixels.
        tops: the nine winners of every unit, by layer.
        prepared: the pictures that `tops` name.
        some: a few val pictures of every class.
        parts: maps of parts in the net's input for some of `prepared`, or None where they have none.
        part_names: their names; 0 is the background.
        states: the net as it was, by epoch.
    """

    name: str
    net: torch.nn.Sequential
    size: int
    tops: dict[str, Top]
    prepared: PreparedSet
    some: tuple[PreparedSet, np.ndarray]
    parts: Callable[[np.ndarray], np.ndarray] | None
    part_names: list[str]
    states: dict[int, torch.nn.Module]

    def crops(self, prepared: PreparedSet) -> Crops:
        """What cuts the net's input out of pictures."""
        return Crops(prepared, self.size, device=torch.device("cpu"), mean=shipped.mean(self.name))

    @functools.cached_property
    def selectivity(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By layer the class selectivity of every unit and the number of its favourite class, over `some`."""
        prepared, indices = self.some
        inputs = self.crops(prepared)
        parts = [self._activity(inputs.batch(some, CENTRE)) for some in np.array_split(indices, -(-len(indices) // _TOGETHER))]
        labels = prepared.labels[indices]
        return {layer: selectivity.by_class(np.concatenate([part[layer] for part in parts]), labels) for layer in LAYERS}

    def _activity(self, images: torch.Tensor) -> dict[str, np.ndarray]:
        """Strongest activation of every map in every image, by layer, (n, maps)."""
        found = activations.of(self.net, images, LAYERS)
        return {layer: values.amax((2, 3)).clamp(min=0).numpy() for layer, values in found.items()}


def subject(profile: Profile, name: str, most: int = USUAL_MOST) -> Subject:
    """A net that ships and its pictures.

    Raises:
        Problem: its winners do not ship and the pictures among which they are looked for are not on this machine.
    """
    net, size = shipped.load(name), shipped.card(name)["architecture"]["image_size"]
    states = {epoch: shipped.checkpoint(name, epoch) for epoch in shipped.epochs(name) if epoch}
    if not shipped_winners.has(name):
        prepared = registry.opened(profile)
        inputs = Crops(prepared, size, device=torch.device("cpu"), mean=shipped.mean(name))
        tops = topk.scanned(profile, net, name, prepared, "val", layers=LAYERS, k=_NINE, inputs=inputs)
        return Subject(name, net, size, tops, prepared, (prepared, samples.per_class(prepared, "val", _PER_CLASS)), None, [], states)
    tops, prepared = shipped_winners.of(name)
    tops, prepared = _cut_down({layer: top for layer, top in tops.items() if layer in LAYERS}, prepared, most)
    sample = samples.read(shipped_files.checked("toybox.sample.zip"))
    some = sample.only(samples.per_class(sample, "val", _PER_CLASS))
    parts, names = _parts(prepared, size)
    return Subject(name, net, size, tops, prepared, (some, np.arange(len(some.table))), parts, names, states)


def chosen(count: int, most: int) -> np.ndarray:
    """Numbers of the units that are shown: all, or `most` of them at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _cut_down(tops: dict[str, Top], prepared: samples.Sample, most: int) -> tuple[dict[str, Top], samples.Sample]:
    """The pictures that the chosen units need, and the winners with their new numbers; those of other units name none."""
    picked = {layer: chosen(len(top.indices), most) for layer, top in tops.items()}
    seen = np.unique(np.concatenate([top.indices[picked[layer]].reshape(-1) for layer, top in tops.items()]))
    seen = seen[seen != topk.NOBODY]
    renumbered = {}
    for layer, top in tops.items():
        indices = np.full_like(top.indices, topk.NOBODY)
        own = top.indices[picked[layer]]
        indices[picked[layer]] = np.where(own == topk.NOBODY, topk.NOBODY, np.searchsorted(seen, own))
        renumbered[layer] = Top(indices, top.values, top.positions)
    return renumbered, prepared.only(seen)


def _parts(prepared: PreparedSet, size: int) -> tuple[Callable[[np.ndarray], np.ndarray] | None, list[str]]:
    """Maps of parts from the toys that were rendered on this machine, where they are the same toys."""
    rendered = opened(profiles.profile("toybox"))
    if rendered is None:
        return None, []
    rows = rendered.table.reset_index().set_index("file").reindex(prepared.table["file"])
    if rows["shape"].tolist() != prepared.table["shape"].tolist():
        return None, []
    there = rows["index"].to_numpy(np.int64)
    return lambda indices: localization.part_maps(rendered, size, there[indices]), ["", *rendered.facts["parts"]]


def opened(profile: Profile) -> PreparedSet | None:
    """The pictures of a profile, where they are on this machine."""
    try:
        return registry.opened(profile)
    except Problem:
        return None
