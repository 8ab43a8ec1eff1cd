"""Left out: which training pictures of Tiny ImageNet nearly are in what is measured; its manifest names them.

`python -m zfutils.data.left_out --mirror FOLDER` searches for them and prints the lines of the manifest.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from zfutils.core import cpu, profiles
from zfutils.core.errors import Problem
from zfutils.data import near_duplicates, registry
from zfutils.data.prepared_sets import PreparedSet

MANIFEST = "tinyimagenet"
_OTHERS, _MEASURED = ("transfer", "sharper"), ("val", "all")  # sets and splits that are measured with


def search(profile: profiles.Profile, *, mirror: Path | None = None, jobs: int | None = None) -> list[str]:
    """Find the training pictures of Tiny ImageNet that nearly are in its val, or in what other sets of photographs measure with.

    Some are the same picture, since Imagenette and Imagewoof are drawn from ImageNet too; most only look much alike.

    Args:
        profile: `photos`, whose other sets are prepared where they are not.
        mirror: a folder with the archives; default: download them.
        jobs: threads that decode; default all cores.

    Returns:
        Their names in the archives, sorted.

    Raises:
        Problem: as of `registry.prepare`.
    """
    made = registry.prepare(profile, mirror=mirror, jobs=jobs, chosen=_OTHERS)
    table = registry.listed(MANIFEST, mirror=mirror).table
    train, val = (list(table.loc[table["split"] == split, "member"]) for split in ("train", "val"))
    known = [near_duplicates.of_members(val, jobs=cpu.jobs(jobs)), *(_measured(made[which]) for which in _OTHERS)]
    nearly = near_duplicates.among(train, torch.cat(known), jobs=cpu.jobs(jobs))
    return sorted(table.loc[table["split"] == "train", "file"].iloc[nearly])


def _measured(prepared: PreparedSet) -> torch.Tensor:
    """Thumbnails of the pictures of a set that are measured."""
    return near_duplicates.thumbnails(prepared, np.flatnonzero(prepared.table["split"].isin(_MEASURED)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the manifest names; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m zfutils.data.left_out", description="find the pictures that the manifest leaves out")
    parser.add_argument("--mirror", type=Path, help="folder with the archives; default: download them")
    try:
        found = search(profiles.profile("photos"), mirror=parser.parse_args(arguments).mirror)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print("left_out:", *(f"  - {name}" for name in found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
