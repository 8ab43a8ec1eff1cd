"""Listings: tables of the pictures of each data set of photographs, by the names that they have in its archives."""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zfutils.core import progress
from zfutils.core.errors import Problem
from zfutils.data import decode, layouts, members
from zfutils.data.manifests import Manifest
from zfutils.data.members import Member

DEV_SHARE = 0.05  # of the training pictures, where a data set has no split dev


@dataclass(frozen=True)
class Listing:
    """Pictures of a data set.

    Attributes:
        table: one row a picture: `file` (its name in the archives or folder, with /), `split`, `label`, `folder` (the class's own name
            in the data set), `group` (the data set) and `member` (where its bytes are).
        classes: names of the classes for people; a label is an index into them.
        facts: what was left out, and how often.
    """

    table: pd.DataFrame
    classes: list[str]
    facts: dict


def listing(manifest: Manifest, files: Mapping[str, Member]) -> Listing:
    """List a data set and check its pictures against the manifest.

    Args:
        manifest: what the data set is.
        files: all that is in its archives.

    Raises:
        Problem: a class folder is missing, or a class or a split has not the number of pictures that the manifest expects.
    """
    table, names = layouts.read(manifest, files)
    table["group"] = manifest.name
    return Listing(table, names, {})


def joined(parts: Sequence[Listing]) -> Listing:
    """Join data sets of different classes into one; its classes are in the order of their folders' names."""
    tables = pd.concat([part.table for part in parts], ignore_index=True)
    names = {row.folder: part.classes[row.label] for part in parts for row in part.table.drop_duplicates("folder").itertuples()}
    folders = sorted(names)
    tables["label"] = tables["folder"].map({folder: label for label, folder in enumerate(folders)})
    return Listing(tables, [names[folder] for folder in folders], {})


def without(part: Listing, indices: Sequence[int], fact: str) -> Listing:
    """Remove some pictures.

    Args:
        part: the pictures.
        indices: of those that leave.
        fact: under which name `facts` lists their files.
    """
    leaving = part.table.index[indices]
    facts = {**part.facts, fact: sorted(part.table.loc[leaving, "file"])}
    return Listing(part.table.drop(leaving).reset_index(drop=True), part.classes, facts)


def without_named(part: Listing, files: Sequence[str]) -> Listing:
    """Remove the training pictures that a manifest leaves out.

    Args:
        part: the pictures.
        files: their names in the archives.

    Returns:
        The listing without them; `facts["left_out"]` names them.

    Raises:
        Problem: the archives have no such training picture.
    """
    if missing := set(files) - set(part.table.loc[part.table["split"] == "train", "file"]):
        raise Problem(f"expected {min(missing)} among the training pictures, found none; restore data_manifests/ from the repository")
    return without(part, np.flatnonzero(part.table["file"].isin(files)), "left_out")


def without_leaks(part: Listing, *, jobs: int = 1) -> Listing:
    """Remove from the training pictures those that are also, pixel for pixel, pictures of val.

    Returns:
        The listing without them; `facts["left_train"]` names them.
    """
    train, val = (part.table[part.table["split"] == split] for split in ("train", "val"))
    twins = _twins(list(train["member"]), list(val["member"]), jobs)
    return without(part, [index for index, is_twin in zip(train.index, twins, strict=True) if is_twin], "left_train")


def with_dev(part: Listing) -> Listing:
    """Turn 5 % of the training pictures of every class into the split dev, unless there is one.

    Which ones depends on nothing but the names of the files, so that it is the same in every copy.
    """
    table = part.table.copy()
    if (table["split"] == "dev").any():
        return part
    train = table[table["split"] == "train"]
    order = train["file"].map(_name_digest)
    for _, digests in order.groupby(train["label"]):
        count = max(1, round(len(digests) * DEV_SHARE)) if len(digests) > 1 else 0
        table.loc[digests.sort_values().index[:count], "split"] = "dev"
    return Listing(table, part.classes, part.facts)


def own_folder(folder: Path) -> Listing:
    """List somebody's own pictures: `train/<class>/`, `val/<class>/` and, if wanted, `dev/<class>/`.

    Raises:
        Problem: a split or a class is missing, there is one class only, or a class of val is not one of train.
    """
    splits = [split for split in ("train", "dev", "val") if split != "dev" or (folder / split).is_dir()]
    names = _subfolders(folder / "train", "DATA=dir with train/<class>/ and val/<class>/")
    frames, files = [], members.of_folder(folder)
    for split in splits:
        there = _subfolders(folder / split, "DATA=dir with train/<class>/ and val/<class>/")
        if there != names:
            odd = min(set(there) ^ set(names))
            raise Problem(f"expected the same classes in train and {split} of {folder}, got {odd!r} in one of them only; add or remove it")
        frames.append(layouts.in_folders(files, f"{split}/", split, names))
    return _own(pd.concat(frames, ignore_index=True), names, folder)


def own_classes(folder: Path) -> Listing:
    """List somebody's own pictures for transfer: `<class>/`, all in the split `all`.

    Raises:
        Problem: there are not two class folders, or a class has no picture.
    """
    names = _subfolders(folder, "TRANSFER=dir with one folder a class")
    return _own(layouts.in_folders(members.of_folder(folder), "", "all", names), names, folder)


def _own(table: pd.DataFrame, names: list[str], folder: Path) -> Listing:
    """The listing of somebody's own pictures; every class must have one in every split."""
    if len(names) < 2:
        raise Problem(f"expected two or more class folders in {folder}, got {names[0]!r} alone; add a class to tell it from")
    counts = table.groupby(["split", "label"]).size()
    for split in dict.fromkeys(table["split"]):
        for label, name in enumerate(names):
            if (split, label) not in counts.index:
                kinds = ", ".join(layouts.ENDINGS)
                raise Problem(f"expected pictures of class {name!r} in split {split} of {folder}, got none; add some ({kinds})")
    return Listing(table.assign(group="own"), names, {})


def _subfolders(folder: Path, wanted: str) -> list[str]:
    """Names of the class folders, sorted."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    if not names:
        raise Problem(f"expected class folders in {folder}, got none; give {wanted}")
    return names


def _name_digest(file: str) -> str:
    """Digest of a file's own name."""
    return hashlib.sha256(Path(file).name.encode()).hexdigest()


def _twins(train: list[Member], val: list[Member], jobs: int) -> list[bool]:
    """For each training picture, whether the same pixels are a picture of val. Only candidates are decoded in full."""
    with progress.bar(total=len(train) + len(val), text="looking for pictures that are in train and in val", unit="pictures") as shown:
        coarse = []
        with warnings.catch_warnings(), ThreadPoolExecutor(jobs) as pool:
            warnings.simplefilter("ignore")  # of damaged metadata; set once, for threads cannot set it for themselves
            for digest in pool.map(decode.coarse_digest, [*train, *val]):
                coarse.append(digest)
                shown.update(1)
    in_val: dict[str, list[Member]] = {}
    for picture, digest in zip(val, coarse[len(train) :], strict=True):
        if digest is not None:
            in_val.setdefault(digest, []).append(picture)
    return [_is_among(picture, in_val.get(digest, [])) for picture, digest in zip(train, coarse[: len(train)], strict=True)]


def _is_among(picture: Member, candidates: list[Member]) -> bool:
    """Whether a picture equals one of the candidates, pixel for pixel."""
    return bool(candidates) and decode.digest(picture) in [decode.digest(candidate) for candidate in candidates]
