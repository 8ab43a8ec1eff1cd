"""Samples: a few pictures of a prepared set with their truth, in one file that ships."""

import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from zfutils.core import paths
from zfutils.core.errors import Problem, unknown
from zfutils.data.prepared_sets import PreparedSet


@dataclass(frozen=True)
class Sample(PreparedSet):
    """A prepared set of few pictures, read from one file into memory as they are used. Its mean is that of the training pictures."""

    @functools.cached_property
    def images(self) -> np.ndarray:
        """The pictures, uint8 RGB of shape (n, size, size, 3)."""
        return _decoded(self.path, (f"pictures/{file}{self.facts['suffix']}" for file in self.table["file"]))

    def indices(self, split: str) -> np.ndarray:
        """Indices of the pictures of one split in the order of the table, int64.

        Raises:
            Problem: no picture of that split ships.
        """
        if split not in self._splits:
            raise Problem(
                f"no picture of the split {split} ships with the book; make the whole set: make data PROFILE={self.path.name.split('.')[0]}"
            )
        return super().indices(split)

    def mean(self) -> np.ndarray:
        """Mean of every pixel over the training pictures, float32 of shape (size, size, 3), in [0, 255]."""
        return np.load(io.BytesIO(_member(self.path, "mean.npy")), allow_pickle=False)

    def map(self, name: str) -> np.ndarray:
        """One map of ground truth, uint8 of shape (n, size, size).

        Raises:
            Problem: the sample has no such map.
        """
        if name not in self.facts["maps"]:
            raise unknown("map", name, self.facts["maps"] or ["none"])
        return _decoded(self.path, (f"{name}/{file}.png" for file in self.table["file"]))

    def only(self, indices: np.ndarray) -> "Sample":
        """The sample cut down to some pictures, in their order: only those are decoded."""
        return replace(self, table=self.table.iloc[indices].reset_index(drop=True))


def per_class(prepared: PreparedSet, split: str, count: int) -> np.ndarray:
    """Indices of the first pictures of every class in a split, class by class."""
    of_split = prepared.indices(split)
    return np.concatenate([of_split[prepared.labels[of_split] == label][:count] for label in range(len(prepared.classes))])


def write(prepared: PreparedSet, indices: np.ndarray, path: Path, *, quality: int | None = None, maps: bool = True) -> None:
    """Write pictures of a set into one file; the same bytes for the same pictures.

    Args:
        prepared: the set.
        indices: which of its pictures, in this order.
        path: the `.zip` file.
        quality: of WebP, 1 to 100; None keeps every pixel, as PNG, which takes ten times the room.
        maps: whether the maps of ground truth are kept.
    """
    images, kept = np.asarray(prepared.images[indices]), prepared.facts["maps"] if maps else []
    suffix, options = (
        (".png", {"format": "PNG", "optimize": True}) if quality is None else (".webp", {"format": "WEBP", "quality": quality})
    )
    table = prepared.table.iloc[indices].reset_index(drop=True)
    about = {"size": prepared.facts["size"], "count": len(indices), "sha256": hashlib.sha256(images.tobytes()).hexdigest()}
    about |= {"classes": prepared.classes, "maps": list(kept), "suffix": suffix, "of": prepared.facts["sha256"]}
    about |= {name: prepared.facts[name] for name in ("parts",) if name in prepared.facts}
    mean = io.BytesIO()
    np.save(mean, prepared.mean())
    with paths.whole(path) as fresh, zipfile.ZipFile(fresh, "w") as archive:
        for name, data in (("facts.json", json.dumps(about)), ("table.csv", table.to_csv(index=False)), ("mean.npy", mean.getvalue())):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # a ZipInfo without a date: the same bytes every time
        for file, image in zip(table["file"], images, strict=True):
            archive.writestr(zipfile.ZipInfo(f"pictures/{file}{suffix}"), _encoded(image, options))
        for name in kept:
            for file, values in zip(table["file"], prepared.map(name)[indices], strict=True):
                archive.writestr(zipfile.ZipInfo(f"{name}/{file}.png"), _encoded(values, {"format": "PNG", "optimize": True}))


def read(path: Path) -> Sample:
    """Open a sample.

    Raises:
        Problem: the file is absent or broken.
    """
    facts = json.loads(_member(path, "facts.json"))
    table = pd.read_csv(io.BytesIO(_member(path, "table.csv")), keep_default_na=False, na_values=[""], low_memory=False)
    return Sample(path, table, facts["classes"], facts)


def _member(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise Problem(f"cannot read {name} of the sample {path} ({error}); get it back: git checkout -- weights") from None


def _decoded(path: Path, names: Iterable[str]) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])


def _encoded(image: np.ndarray, options: dict) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(written, **options)
    return written.getvalue()
