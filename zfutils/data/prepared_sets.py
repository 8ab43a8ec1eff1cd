"""Prepared sets: pictures decoded or rendered once into a memory map of bytes, with one table row a picture."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zfutils.core import keys
from zfutils.core.errors import Problem, unknown


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set on disk, opened for reading.

    Attributes:
        path: its folder.
        table: one row a picture, in the order of `images`: `file`, `split`, `label` and what else the source knows.
        classes: class names; a label is an index into them.
        facts: how the set was made: `size`, `count`, `key`, `sha256` of the pictures' bytes, `broken` files, and the source's own facts.
    """

    path: Path
    table: pd.DataFrame
    classes: list[str]
    facts: dict

    @functools.cached_property
    def images(self) -> np.memmap:
        """The pictures, uint8 RGB of shape (n, size, size, 3), read from disk as they are used."""
        size = self.facts["size"]
        return np.memmap(self.path / "images.u8", np.uint8, "r", shape=(len(self.table), size, size, 3))

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Class of each picture, int64 of shape (n,)."""
        return self.table["label"].to_numpy(np.int64)

    def indices(self, split: str) -> np.ndarray:
        """Indices of the pictures of one split in the order of the table, int64.

        Raises:
            Problem: the set has no such split.
        """
        if split not in self._splits:
            raise unknown("split", split, self._splits)
        return self._splits[split].copy()

    def restricted(self, labels: Sequence[int], *, per_class: int | None = None) -> "PreparedSet":
        """The same pictures as if only some classes were there, and only so many training pictures of each.

        The others stay in the table, in the split `unused` and with label 0. The mean stays that of all training pictures.

        Args:
            labels: of the classes that stay; their new labels are the positions here.
            per_class: training pictures of each class, the first ones by a digest of their names; default all.
        """
        table = self.table.copy()
        new = {old: position for position, old in enumerate(labels)}
        table["split"] = table["split"].where(table["label"].isin(new), "unused")
        table["label"] = table["label"].map(new).fillna(0).astype(int)
        if per_class is not None:
            train = table[table["split"] == "train"]
            order = train["file"].map(keys.digest).groupby(train["label"]).rank(method="first")
            table.loc[order.index[order > per_class], "split"] = "unused"
        return PreparedSet(self.path, table, [self.classes[label] for label in labels], self.facts)

    @functools.cached_property
    def _splits(self) -> dict[str, np.ndarray]:
        codes, names = pd.factorize(self.table["split"])
        return {name: np.flatnonzero(codes == code) for code, name in enumerate(names)}

    def digest(self) -> str:
        """Digest of all that a net trained on the set depends on: the pictures' bytes, and the class and split of every picture."""
        return self._digest

    @functools.cached_property
    def named(self) -> str:
        """Digest of which pictures there are, by their names, splits and classes; whose copies of photographs they are makes no difference.
        Of rendered toys the names are numbers, so what they were rendered by counts too."""
        rendered = [self.facts["key"]] if self.facts.get("source") == "toybox" else []
        return keys.digest(*(self.table[column].tolist() for column in ("file", "split", "label")), self.classes, *rendered)

    @functools.cached_property
    def _digest(self) -> str:
        splits = "\n".join(self.table["split"].tolist()).encode()
        # Bytes, not lists: a million pictures take a moment.
        labels_digest = hashlib.sha256(self.labels.tobytes() + splits).hexdigest()
        return keys.digest(self.facts["sha256"], labels_digest, self.classes)

    def mean(self) -> np.ndarray:
        """Mean of every pixel over the training pictures (section 3), float32 of shape (size, size, 3), in [0, 255]."""
        return np.load(self.path / "mean.npy")

    def map(self, name: str) -> np.memmap:
        """One map of ground truth, uint8 of shape (n, size, size).

        Raises:
            Problem: the set has no such map.
        """
        if name not in self.facts["maps"]:
            raise unknown("map", name, self.facts["maps"] or ["none"])
        size = self.facts["size"]
        return np.memmap(self.path / f"{name}.u8", np.uint8, "r", shape=(len(self.table), size, size))


def load(path: Path, *, remedy: str) -> PreparedSet:
    """Open a prepared set; one that was not made anew since is the same object, so do not change its table.

    Args:
        path: its folder.
        remedy: what to do where it is absent, e.g. the command that makes it.

    Raises:
        Problem: it is absent or not whole.
    """
    facts_file = path / "facts.json"
    if not facts_file.exists():
        raise Problem(f"no prepared set at {path}; {remedy}")
    state = facts_file.stat()
    prepared = opened_before(path, state.st_mtime_ns, state.st_size, state.st_ino)
    expected = prepared.facts["count"] * prepared.facts["size"] ** 2 * 3
    if (path / "images.u8").stat().st_size != expected:
        raise Problem(f"the prepared set at {path} is damaged (images.u8 has not {expected} bytes); delete that folder, then {remedy}")
    return prepared


@functools.lru_cache(maxsize=8)  # a table of a million rows takes a second to read, and a run asks for it at every net
def opened_before(path: Path, *state: int) -> PreparedSet:
    """The set at `path`, read from disk once for as long as its facts, which are written last, are the same file."""
    facts = json.loads((path / "facts.json").read_text(encoding="utf-8"))
    # Only an empty cell is a missing value: a material called 'none' is a name.
    table = pd.read_csv(path / "table.csv", keep_default_na=False, na_values=[""], low_memory=False)
    return PreparedSet(path, table, facts["classes"], facts)
