"""Manifests: what each data set of photographs is, where its archives come from and how many pictures every class must have."""

from dataclasses import dataclass

import yaml

from zfutils.core import paths
from zfutils.core.errors import Problem, unknown


@dataclass(frozen=True)
class Archive:
    """One file to fetch.

    Attributes:
        name: its file name, in a mirror folder too.
        url: where it is published; None where every user must ask for it in person.
        size: bytes of the published file; None where unknown.
        md5: accepted checksums: the published file and older copies of the same pictures.
        into: folder that its files count as in.
    """

    name: str
    md5: tuple[str, ...]
    url: str | None = None
    size: int | None = None
    into: str = ""


@dataclass(frozen=True)
class PhotoClass:
    """One class: its name for people, and the number of its pictures in each split (empty where the manifest gives a range)."""

    name: str
    images: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """One data set.

    Attributes:
        name: name of the manifest.
        title, source, licence: what people should know of it.
        layout: how its folders are arranged: `splits`, `tiny`, `classes`, `voc` or `ilsvrc`.
        folder: the folder with the pictures, within the archives.
        archives: the files it consists of.
        classes: folder of a class (or its key in the annotations) to what is known of it, in the order of the labels.
        class_count: number of classes.
        images: pictures of each split, all classes together, where known.
        per_class: fewest and most pictures of a class in each split, for classes without a number of their own.
        preparation: what is done to every picture, in words.
        allowed_broken: how many pictures may be broken and left out.
        left_out: training pictures that are not used, by their names in the archives, because what is measured nearly has them.
    """

    name: str
    title: str
    source: str
    licence: str
    layout: str
    folder: str
    archives: tuple[Archive, ...]
    classes: dict[str, PhotoClass]
    class_count: int
    images: dict[str, int]
    per_class: dict[str, tuple[int, int]]
    preparation: str
    allowed_broken: int
    left_out: tuple[str, ...] = ()

    def expected(self, folder: str, split: str) -> tuple[int, int]:
        """Fewest and most pictures that a class must have in a split; (1, no limit) where nothing is known."""
        known = self.classes[folder].images if folder in self.classes else {}
        if split in known:
            return known[split], known[split]
        return self.per_class.get(split, (1, 10**9))

    def megabytes(self) -> int:
        """Size of all archives of known size, in millions of bytes."""
        return round(sum(archive.size or 0 for archive in self.archives) / 1e6)


def names() -> list[str]:
    """Names of the data sets of photographs that have a manifest."""
    return ["tinyimagenet", "imagenette", "imagewoof", "caltech101", "caltech256", "voc2012", "ilsvrc2012"]


def read(name: str) -> Manifest:
    """Read a manifest.

    Args:
        name: one of `names()`.

    Raises:
        Problem: there is no such manifest, or a part of it is missing or unknown.

    Example:
        >>> read("imagenette").classes["n01440764"].name
        'tench'
    """
    if name not in names():
        raise unknown("manifest", name, names())
    path = paths.MANIFESTS / f"{name}.yml"
    try:
        return _manifest(name, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())
        raise Problem(f"expected a whole manifest at {path}, got: {reason}; restore that file from the repository") from error


def _manifest(name: str, raw: dict) -> Manifest:
    """Check and convert what a manifest says."""
    raw = dict(raw)
    classes = {str(folder): _photo_class(about) for folder, about in raw.pop("classes", {}).items()}
    count = raw.pop("class_count", len(classes))
    if classes and count != len(classes):
        raise ValueError(f"class_count is {count}, but {len(classes)} classes are listed")
    return Manifest(
        name=name,
        archives=tuple(Archive(**{**archive, "md5": tuple(archive["md5"])}) for archive in raw.pop("archives")),
        classes=classes,
        class_count=count,
        images=dict(raw.pop("images", {})) or _totals(classes),
        left_out=tuple(raw.pop("left_out", None) or ()),
        per_class={split: (low, high) for split, (low, high) in raw.pop("per_class", {}).items()},
        **raw,
    )


def _photo_class(about: dict) -> PhotoClass:
    """One class of the manifest: a name, and numbers by split."""
    return PhotoClass(str(about["name"]), {split: int(count) for split, count in about.items() if split != "name"})


def _totals(classes: dict[str, PhotoClass]) -> dict[str, int]:
    """Pictures of each split, summed over the classes."""
    totals: dict[str, int] = {}
    for known in classes.values():
        for split, count in known.images.items():
            totals[split] = totals.get(split, 0) + count
    return totals
