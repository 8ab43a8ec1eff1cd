"""Manifests: the numbers that are known of each data set, and errors that name the file."""

import pytest

from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.data import manifests

# Classes and pictures of each split, from the papers and pages that describe the sets.
PUBLISHED = {
    "tinyimagenet": (200, {"train": 100000, "val": 10000}),
    "imagenette": (10, {"train": 9469, "val": 3925}),
    "imagewoof": (10, {"train": 9025, "val": 3929}),
    "caltech101": (102, {"all": 9144}),
    "caltech256": (257, {"all": 30607}),
    "voc2012": (20, {"train": 5717, "val": 5823}),
    "ilsvrc2012": (1000, {"train": 1281167, "val": 50000}),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_manifest_has_the_published_numbers_of_classes_and_pictures(name):
    manifest = manifests.read(name)
    assert (manifest.class_count, manifest.images) == PUBLISHED[name]


def test_every_data_set_has_a_manifest_and_every_manifest_its_facts():
    assert list(PUBLISHED) == manifests.names()
    for name in manifests.names():
        manifest = manifests.read(name)
        assert manifest.title and manifest.source.startswith("http") and manifest.licence and manifest.preparation
        assert all(len(checksum) == 32 for archive in manifest.archives for checksum in archive.md5)


def test_numbers_of_classes_sum_to_the_numbers_of_splits():
    for name in ("tinyimagenet", "imagenette", "imagewoof", "caltech101"):
        manifest = manifests.read(name)
        for split, total in manifest.images.items():
            assert sum(known.images[split] for known in manifest.classes.values()) == total


def test_checksums_agree_with_those_that_torchvision_knows():
    imagenet = pytest.importorskip("torchvision.datasets.imagenet")
    from torchvision.datasets import Imagenette, voc

    kept = {archive.name: archive for name in manifests.names() for archive in manifests.read(name).archives}
    for file, checksum in imagenet.ARCHIVE_META.values():
        assert kept[file].md5 == (checksum,) and kept[file].url is None
    url, checksum = Imagenette._ARCHIVES["160px"]
    assert (kept["imagenette2-160.tgz"].url, kept["imagenette2-160.tgz"].md5[0]) == (url, checksum)
    about = voc.DATASET_YEAR_DICT["2012"]
    assert (kept[about["filename"]].url, kept[about["filename"]].md5) == (about["url"], (about["md5"],))


def test_expected_is_exact_where_known_and_else_a_range():
    assert manifests.read("imagewoof").expected("n02089973", "train") == (580, 580)
    assert manifests.read("caltech256").expected("056.dog", "all") == (80, 827)
    assert manifests.read("ilsvrc2012").expected("n01440764", "val") == (50, 50)
    assert manifests.read("voc2012").expected("cat", "train")[0] == 1


def test_wrong_name_lists_the_right_ones():
    with pytest.raises(Problem, match="unknown manifest 'imagenete'; known: tinyimagenet, imagenette"):
        manifests.read("imagenete")


@pytest.mark.parametrize("text", ["", "title: only", "a: [", "archives: []\nclasses: {a: {name: a}}\nclass_count: 3", "- 1"])
def test_damaged_manifest_is_one_line_that_names_the_file(tmp_path, monkeypatch, text):
    monkeypatch.setattr(paths, "MANIFESTS", tmp_path)
    (tmp_path / "voc2012.yml").write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as caught:
        manifests.read("voc2012")
    assert str(tmp_path / "voc2012.yml") in str(caught.value) and "\n" not in str(caught.value)


def test_absent_manifest_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "MANIFESTS", tmp_path)
    with pytest.raises(Problem, match="restore that file"):
        manifests.read("voc2012")
