"""Layouts: where the archives of each data set of photographs hold its pictures, classes, boxes and lists."""

import dataclasses
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import scipy

from zfutils.core.errors import Problem, unknown
from zfutils.data.manifests import Manifest, PhotoClass
from zfutils.data.members import Member

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # of files that count as pictures
_TINY = 64  # side of the pictures of Tiny ImageNet, pixels


def read(manifest: Manifest, files: Mapping[str, Member]) -> tuple[pd.DataFrame, list[str]]:
    """Read a data set's layout and check its pictures against the manifest.

    Args:
        manifest: what the data set is.
        files: all that is in its archives.

    Returns:
        One row a picture: `file`, `split`, `label`, `folder`, `member` and what else the layout tells; and the names of the classes.

    Raises:
        Problem: a class folder is missing, or a class or a split has not the number of pictures that the manifest expects.
    """
    readers = {"splits": _splits, "tiny": _tiny, "classes": _classes, "voc": _voc, "ilsvrc": _ilsvrc}
    if manifest.layout not in readers:
        raise unknown("layout", manifest.layout, readers)
    try:
        table, names = readers[manifest.layout](manifest, files)
    except (OSError, KeyError, ValueError, ElementTree.ParseError) as error:  # lists and annotations that are missing or cut off
        reason, named = " ".join(f"{type(error).__name__}: {error}".split()), _archive_names(manifest)
        raise Problem(f"{manifest.name}: expected its lists of pictures, got {reason}; fetch {named} again") from error
    _check_totals(manifest, table)
    return table, names


def _splits(manifest: Manifest, files: Mapping[str, Member]) -> tuple[pd.DataFrame, list[str]]:
    """Layout train/<class>/ and val/<class>/ (Imagenette, Imagewoof)."""
    frames = [_class_folders(manifest, files, f"{manifest.folder}/{split}", split) for split in ("train", "val")]
    return pd.concat(frames, ignore_index=True), [known.name for known in manifest.classes.values()]


def _tiny(manifest: Manifest, files: Mapping[str, Member]) -> tuple[pd.DataFrame, list[str]]:
    """Layout of Tiny ImageNet: train/<class>/images/, and val as one folder with a list; every picture has the box of its object, as
    `left`, `top`, `right` and `bottom`, shares of the picture's side.
    """
    base, folders = manifest.folder, list(manifest.classes)
    train = _class_folders(manifest, files, f"{base}/train", "train")
    lines = [(f"{base}/train/{folder}/images/", f"{base}/train/{folder}/{folder}_boxes.txt") for folder in folders]
    boxes = {inside + file: sides for inside, name in lines for file, *sides in _fields(files, name)}
    truth = {f"{base}/val/images/{file}": about for file, *about in _fields(files, f"{base}/val/val_annotations.txt")}
    rows = sorted((folders.index(folder), file) for file, (folder, *_) in truth.items())
    val = pd.DataFrame(
        [(file, "val", label, folders[label], files[file]) for label, file in rows], columns=["file", "split", "label", "folder", "member"]
    )
    _check_classes(manifest, val, "val")
    table = pd.concat([train, val], ignore_index=True)
    boxes |= {file: sides for file, (_, *sides) in truth.items()}
    sides = np.array([boxes[file] for file in table["file"]], int)
    table[["left", "top", "right", "bottom"]] = (sides + (0, 0, 1, 1)) / _TINY  # the last row and column are within the box
    return table, [known.name for known in manifest.classes.values()]


def _fields(files: Mapping[str, Member], name: str) -> list[list[str]]:
    """The fields of every line of a list."""
    return [line.split() for line in _text(files, name).splitlines() if line.strip()]


def _classes(manifest: Manifest, files: Mapping[str, Member]) -> tuple[pd.DataFrame, list[str]]:
    """Layout <class>/ without splits (Caltech-101, Caltech-256)."""
    return _class_folders(manifest, files, manifest.folder, "all"), [known.name for known in manifest.classes.values()]


def _class_folders(manifest: Manifest, files: Mapping[str, Member], inside: str, split: str) -> pd.DataFrame:
    """Table of one split whose classes have a folder each, checked."""
    there = {name.removeprefix(f"{inside}/").partition("/")[0] for name in files if name.startswith(f"{inside}/")}
    for folder, known in manifest.classes.items():
        if folder not in there:
            low, _ = manifest.expected(folder, split)
            raise _miscount(manifest, f"{folder} ({known.name})", split, f"at least {low}", "no folder")
    table = in_folders(files, f"{inside}/", split, list(manifest.classes))
    _check_classes(manifest, table, split)
    return table


def in_folders(files: Mapping[str, Member], inside: str, split: str, folders: Sequence[str]) -> pd.DataFrame:
    """Rows of the pictures of class folders whose names begin with `inside`, in the order of the classes and then of their names."""
    order = {folder: label for label, folder in enumerate(folders)}
    rows = []
    for name, member in files.items():
        folder, within, _ = name.removeprefix(inside).partition("/")
        if name.startswith(inside) and within and folder in order and name.lower().endswith(ENDINGS):
            rows.append((name, split, order[folder], folder, member))
    rows.sort(key=lambda row: (row[2], row[0]))
    return pd.DataFrame(rows, columns=["file", "split", "label", "folder", "member"])


def _check_classes(manifest: Manifest, table: pd.DataFrame, split: str) -> None:
    """Compare the number of pictures of each class with the manifest."""
    counts = table["folder"].value_counts()
    for folder, known in manifest.classes.items():
        low, high = manifest.expected(folder, split)
        count = int(counts.get(folder, 0))
        if not low <= count <= high:
            raise _miscount(manifest, f"{folder} ({known.name})", split, str(low) if low == high else f"{low} to {high}", str(count))


def _check_totals(manifest: Manifest, table: pd.DataFrame) -> None:
    """Compare the number of pictures of each split with the manifest."""
    counts = table["split"].value_counts()
    for split, expected in manifest.images.items():
        count = int(counts.get(split, 0))
        if count != expected:
            raise _miscount(manifest, "all classes", split, str(expected), str(count))


def _miscount(manifest: Manifest, what: str, split: str, expected: str, got: str) -> Problem:
    """The error for a wrong number of pictures."""
    named = _archive_names(manifest)
    return Problem(f"{manifest.name}, {what}, split {split}: expected {expected} pictures, found {got}; fetch {named} again")


def _archive_names(manifest: Manifest) -> str:
    """File names of a data set's archives, for messages."""
    return ", ".join(archive.name for archive in manifest.archives)


def _voc(manifest: Manifest, files: Mapping[str, Member]) -> tuple[pd.DataFrame, list[str]]:
    """Layout of PASCAL VOC: several classes in a picture, listed in `present`, those that are only hard to see in `hard`; `label` is the
    class that covers most of it.
    """
    base, folders = manifest.folder, list(manifest.classes)
    if not any(name.startswith(f"{base}/ImageSets/Main/") for name in files):
        raise _miscount(manifest, "all classes", "train", str(manifest.images.get("train", "some")), "no folder ImageSets/Main")
    rows = []
    for split in ("train", "val"):
        flags = _voc_flags(files, base, folders, split)
        for picture in _text(files, f"{base}/ImageSets/Main/{split}.txt").split():
            present = [folder for folder in folders if flags[folder].get(picture) == 1]
            hard = [folder for folder in folders if flags[folder].get(picture) == 0]
            label = folders.index(_largest(_text(files, f"{base}/Annotations/{picture}.xml"), present or folders))
            file = f"{base}/JPEGImages/{picture}.jpg"
            rows.append((file, split, label, folders[label], json.dumps(present), json.dumps(hard), files[file]))
    table = pd.DataFrame(rows, columns=["file", "split", "label", "folder", "present", "hard", "member"])
    return table, [known.name for known in manifest.classes.values()]


def _text(files: Mapping[str, Member], name: str) -> str:
    return files[name].read().decode("utf-8")


def _voc_flags(files: Mapping[str, Member], base: str, folders: Iterable[str], split: str) -> dict[str, dict[str, int]]:
    """For each class: picture to 1 (present), 0 (only hard to see) or -1 (absent)."""
    flags = {}
    for folder in folders:
        name = f"{base}/ImageSets/Main/{folder}_{split}.txt"
        if name not in files:
            raise Problem(f"class {folder}, split {split}: expected its list at {name}, found none; fetch the archive again")
        flags[folder] = {picture: int(flag) for picture, flag in (line.split() for line in _text(files, name).splitlines() if line.strip())}
    return flags


def _largest(annotation: str, among: Sequence[str]) -> str:
    """The class, of those given, whose boxes cover the largest area."""
    areas = dict.fromkeys(among, 0.0)
    for thing in ElementTree.fromstring(annotation).iter("object"):
        name, box = thing.findtext("name"), thing.find("bndbox")
        left, top, right, bottom = (float(box.findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax"))
        if name in areas:
            areas[name] += (right - left) * (bottom - top)
    return max(areas, key=areas.get)


def _ilsvrc(manifest: Manifest, files: Mapping[str, Member]) -> tuple[pd.DataFrame, list[str]]:
    """Layout of ILSVRC2012: a folder a class in train, val as one folder whose classes stand in the development kit."""
    names, truth = _devkit(files)
    if len(names) != manifest.class_count:
        raise Problem(f"expected {manifest.class_count} classes in the development kit, got {len(names)}; fetch it again")
    known = dataclasses.replace(manifest, classes={folder: PhotoClass(names[folder], {}) for folder in sorted(names)})
    train = _class_folders(known, files, "train", "train")
    val = _ilsvrc_val(files, list(known.classes), truth)
    _check_classes(known, val, "val")
    return pd.concat([train, val], ignore_index=True), [about.name for about in known.classes.values()]


def _devkit(files: Mapping[str, Member]) -> tuple[dict[str, str], list[str]]:
    """Names of the leaf classes by folder, and the folder's name of every picture of val in order."""
    kit = "devkit/ILSVRC2012_devkit_t12/data"
    synsets = scipy.io.loadmat(io.BytesIO(files[f"{kit}/meta.mat"].read()), squeeze_me=True)["synsets"]
    leaves = [entry for entry in synsets if entry["num_children"] == 0]
    folders = {int(entry["ILSVRC2012_ID"]): str(entry["WNID"]) for entry in leaves}
    names = {str(entry["WNID"]): str(entry["words"]).split(", ")[0] for entry in leaves}
    truth = _text(files, f"{kit}/ILSVRC2012_validation_ground_truth.txt").split()
    return names, [folders[int(number)] for number in truth]


def _ilsvrc_val(files: Mapping[str, Member], folders: list[str], truth: list[str]) -> pd.DataFrame:
    """Table of val, whose files in the order of their names belong to the classes in the order of the ground truth."""
    pictures = sorted(name for name in files if name.startswith("val/") and name.lower().endswith(ENDINGS))
    if len(pictures) != len(truth):
        raise Problem(f"expected {len(truth)} pictures of split val, found {len(pictures)}; fetch ILSVRC2012_img_val.tar again")
    rows = sorted((folders.index(folder), file) for file, folder in zip(pictures, truth, strict=True))
    table = [(file, "val", label, folders[label], files[file]) for label, file in rows]
    return pd.DataFrame(table, columns=["file", "split", "label", "folder", "member"])
