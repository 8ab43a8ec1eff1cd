"""Tiny archives of two classes in the layouts of the data sets of photographs."""

import dataclasses
import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import scipy.io
import yaml
from PIL import Image

from zfutils.data import manifests
from zfutils.data.manifests import Manifest, PhotoClass

TWO = {
    "tinyimagenet": ("n01443537", "n01629819"),
    "imagenette": ("n01440764", "n02102040"),
    "imagewoof": ("n02086240", "n02088364"),
    "caltech101": ("BACKGROUND_Google", "accordion"),
    "caltech256": ("001.ak47", "002.american-flag"),
    "voc2012": ("cat", "dog"),
    "ilsvrc2012": ("n01440764", "n01443537"),
}


def jpeg(seed: int, *, width: int = 40, height: int = 30) -> bytes:
    """The bytes of a small picture that no other seed has."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((width, height)).save(out, "JPEG")
    return out.getvalue()


def tar(files: dict[str, bytes]) -> bytes:
    """A tar of files, the same bytes at any time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def tgz(files: dict[str, bytes]) -> bytes:
    """A compressed tar of files, the same bytes at any time."""
    return gzip.compress(tar(files), mtime=0)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of files, the same bytes at any time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def archives(name: str, *, first_seed: int = 0) -> dict[str, bytes]:
    """The archives of one data set by file name, with 4 (train) and 2 (val) pictures a class, or 3 where there are no splits."""
    makers = {
        "tinyimagenet": _tiny,
        "imagenette": _splits,
        "imagewoof": _splits,
        "caltech101": _caltech101,
        "caltech256": _caltech256,
        "voc2012": _voc,
    }
    return makers.get(name, _ilsvrc)(name, first_seed)


def manifest(name: str) -> Manifest:
    """The data set's own manifest cut down to two classes, with the checksums and numbers of the tiny archives."""
    whole = manifests.read(name)
    made = archives(name)
    splits = {name: {"train": 4, "val": 2} for name in ("tinyimagenet", "imagenette", "imagewoof")}
    numbers = {"caltech101": {"all": 3}, **splits}.get(name, {})
    known = {folder: PhotoClass(whole.classes[folder].name, numbers) for folder in TWO[name] if folder in whole.classes}
    fetched = tuple(
        dataclasses.replace(archive, md5=(hashlib.md5(made[archive.name]).hexdigest(),), size=len(made[archive.name]))
        for archive in whole.archives
    )
    images = {"voc": {"train": 3, "val": 2}, "classes": {"all": 6}}.get(whole.layout, {"train": 8, "val": 4})
    ranges = {"ilsvrc2012": {"train": (4, 4), "val": (2, 2)}, "caltech256": {"all": (2, 3)}}.get(name, {})
    return dataclasses.replace(whole, archives=fetched, classes=known, class_count=2, images=images, per_class=ranges, left_out=())


def write_manifest(name: str, folder: Path, *, left_out: tuple[str, ...] = ()) -> None:
    """Write `manifest(name)` as a YAML file, for code that reads manifests by name; some pictures may be left out."""
    about = dataclasses.asdict(manifest(name))
    about.pop("name")
    about["archives"] = [{**archive, "md5": list(archive["md5"])} for archive in about["archives"]]
    about["classes"] = {key: {"name": known["name"], **known["images"]} for key, known in about["classes"].items()}
    about["left_out"] = list(left_out)
    about["per_class"] = {split: list(limits) for split, limits in about["per_class"].items()}
    (folder / f"{name}.yml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")


def write_mirror(folder: Path, names: list[str]) -> Path:
    """A folder with the archives of some data sets."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for file, content in archives(name).items():
            (folder / file).write_bytes(content)
    return folder


def _splits(name: str, seed: int) -> dict[str, bytes]:
    counts, files = {"train": 4, "val": 2}, {}
    for split, count in counts.items():
        for wnid in TWO[name]:
            for number in range(count):
                seed += 1
                files[f"{name}2-160/{split}/{wnid}/{wnid}_{number}_{split}.JPEG"] = jpeg(seed + (1000 if name == "imagewoof" else 0))
    return {f"{name}2-160.tgz": tgz(files)}


def _tiny(name: str, seed: int) -> dict[str, bytes]:
    base, files, truth = "tiny-imagenet-200", {}, []
    for wnid in TWO[name]:
        for number in range(4):
            seed += 1
            files[f"{base}/train/{wnid}/images/{wnid}_{number}.JPEG"] = jpeg(seed + 5000, width=64, height=64)
        files[f"{base}/train/{wnid}/{wnid}_boxes.txt"] = "".join(f"{wnid}_{n}.JPEG\t0\t{n}\t31\t63\n" for n in range(4)).encode()
    for number in range(4):
        seed += 1
        files[f"{base}/val/images/val_{number}.JPEG"] = jpeg(seed + 5000, width=64, height=64)
        truth.append(f"val_{number}.JPEG\t{TWO[name][1 - number % 2]}\t16\t0\t63\t47\n")
    files[f"{base}/val/val_annotations.txt"] = "".join(truth).encode()
    files[f"{base}/test/images/test_0.JPEG"] = jpeg(seed + 5001)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items():
            archive.writestr(zipfile.ZipInfo(file), content, zipfile.ZIP_DEFLATED)
    return {"tiny-imagenet-200.zip": out.getvalue()}


def _caltech101(name: str, seed: int) -> dict[str, bytes]:
    files = {f"101_ObjectCategories/{c}/image_{n:04d}.jpg": jpeg(seed + 10 * k + n) for k, c in enumerate(TWO[name]) for n in (1, 2, 3)}
    inner = tgz(files)
    shadow = "__MACOSX/caltech-101/._101_ObjectCategories.tar.gz"  # the published zip has such a file, which is no archive
    return {"caltech-101.zip": zipped({"caltech-101/101_ObjectCategories.tar.gz": inner, shadow: b"Mac OS X"})}


def _caltech256(name: str, seed: int) -> dict[str, bytes]:
    files = {
        f"256_ObjectCategories/{c}/{k + 1:03d}_{n:04d}.jpg": jpeg(seed + 20 * k + n) for k, c in enumerate(TWO[name]) for n in (1, 2, 3)
    }
    files["256_ObjectCategories/001.ak47/RENAME2"] = b"a stray file, as the published archive has"
    return {"256_ObjectCategories.tar": tar(files)}


def voc_annotation(boxes: list[tuple[str, int]]) -> bytes:
    """An annotation with square boxes, given as class and side."""
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{0}</xmax><ymax>{0}</ymax></bndbox>"
    things = "".join(f"<object><name>{name}</name>{box.format(side + 1)}</object>" for name, side in boxes)
    return f"<annotation>{things}</annotation>".encode()


def _voc(name: str, seed: int) -> dict[str, bytes]:
    shows = {
        "train": {"2008_000001": [("cat", 9)], "2008_000002": [("dog", 9)], "2008_000003": [("cat", 5), ("dog", 20), ("cat", 4)]},
        "val": {"2009_000001": [("cat", 9), ("dog", 3)], "2009_000002": [("dog", 7)]},
    }
    base, files = "VOCdevkit/VOC2012", {}
    for split, pictures in shows.items():
        files[f"{base}/ImageSets/Main/{split}.txt"] = "\n".join(pictures).encode()
        for c in TWO[name]:
            hard = {"2009_000002": "cat"}  # a cat that is only hard to see, which no annotation of this picture has
            known = {picture: 1 if c in dict(boxes) else -(hard.get(picture) != c) for picture, boxes in pictures.items()}
            flags = [f"{picture} {flag:2d}" for picture, flag in known.items()]
            files[f"{base}/ImageSets/Main/{c}_{split}.txt"] = "\n".join(flags).encode()
        for picture, boxes in pictures.items():
            seed += 1
            files[f"{base}/Annotations/{picture}.xml"] = voc_annotation(boxes)
            files[f"{base}/JPEGImages/{picture}.jpg"] = jpeg(seed)
    return {"VOCtrainval_11-May-2012.tar": tar(files)}


def _ilsvrc(name: str, seed: int) -> dict[str, bytes]:
    inner = {}
    for k, wnid in enumerate(TWO[name]):
        inner[f"{wnid}.tar"] = tar({f"{wnid}_{n}.JPEG": jpeg(seed + 30 * k + n) for n in range(4)})
    val = {f"ILSVRC2012_val_{n:08d}.JPEG": jpeg(seed + 500 + n) for n in (1, 2, 3, 4)}
    # Numbers of the kit are not in the order of the folders, and it also lists classes that are no leaves.
    rows = [(1, TWO[name][1], "goldfish, Carassius auratus", "", 0), (2, TWO[name][0], "tench, Tinca tinca", "", 0)]
    kind = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "O")]
    meta = io.BytesIO()
    scipy.io.savemat(meta, {"synsets": np.array([*rows, (3, "n00001740", "entity", "", 2)], dtype=kind)})
    data = "ILSVRC2012_devkit_t12/data"
    undated = b"MATLAB 5.0 MAT-file".ljust(116) + meta.getvalue()[116:]  # the header tells the second: the same kit must be the same bytes
    kit = {f"{data}/meta.mat": undated, f"{data}/ILSVRC2012_validation_ground_truth.txt": b"2\n1\n1\n2\n"}
    return {
        "ILSVRC2012_img_train.tar": tar(inner),
        "ILSVRC2012_img_val.tar": tar(val),
        "ILSVRC2012_devkit_t12.tar.gz": tgz(kit),
    }
