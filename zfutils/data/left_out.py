"""Left out: which training pictures of photographs nearly are in what is measured; the manifest of Tiny ImageNet names them.

`python -m zfutils.data.left_out --mirror FOLDER` searches for them and prints the lines of the manifest.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from zfutils.core import cpu, profiles
from zfutils.data import manifests, near_duplicates, registry
from zfutils.data.prepared_sets import PreparedSet

MANIFEST = "tinyimagenet"
_MEASURED = ("val", "all")  # splits


def search(mirror: Path | None = None, *, profile: profiles.Profile | None = None, jobs: int | None = None) -> list[str]:
    """Find the training pictures of Tiny ImageNet that nearly are in its val, or in what the other sets of photographs measure with.

    Their twins are ImageNet's own, for Imagenette and Imagewoof are drawn from it too, and chance likenesses.

    Args:
        mirror: a folder with the archives; default: download them.
        profile: whose sets are looked at; default `photos`.
        jobs: threads that decode; default all cores.

    Returns:
        Their names in the folder of the data set, sorted.

    Raises:
        Problem: as of `registry.prepare`.
    """
    made = registry.prepare(profile or profiles.profile("photos"), mirror=mirror, jobs=jobs)
    table = registry.listed(MANIFEST, mirror=mirror).table
    train, val = (list(table.loc[table["split"] == split, "member"]) for split in ("train", "val"))
    known = [near_duplicates.of_members(val, jobs=cpu.jobs(jobs)), *(_measured(made[which]) for which in ("transfer", "sharper"))]
    nearly = near_duplicates.among(train, torch.cat(known), jobs=cpu.jobs(jobs))
    inside = f"{manifests.read(MANIFEST).folder}/"
    return sorted(name.removeprefix(inside) for name in table.loc[table["split"] == "train", "file"].iloc[nearly])


def _measured(prepared: PreparedSet) -> torch.Tensor:
    """Thumbnails of the pictures of a set that are measured."""
    return near_duplicates.thumbnails(prepared, np.flatnonzero(prepared.table["split"].isin(_MEASURED)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what the manifest names."""
    parser = argparse.ArgumentParser(prog="python -m zfutils.data.left_out", description="find the pictures that the manifest leaves out")
    parser.add_argument("--mirror", type=Path, help="folder with the archives; default: download them")
    print("left_out:", *(f"  - {name}" for name in search(parser.parse_args(arguments).mirror)), sep="\n")


if __name__ == "__main__":
    main()
