"""Photos: each layout is listed as torchvision lists it, and every difference from the manifest is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torchvision.datasets
from torchvision.datasets import imagenet
from torchvision.datasets.folder import IMG_EXTENSIONS

from tests import layouts
from zfutils.core.errors import Problem
from zfutils.data import listings, members
from zfutils.data.layouts import ENDINGS
from zfutils.data.listings import Listing


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Look through the tiny archives of a data set once; gives its manifest and files."""
    known = {}

    def of(name: str):
        if name not in known:
            base, files = tmp_path_factory.mktemp(name), {}
            manifest = layouts.manifest(name)
            for archive in manifest.archives:
                (base / archive.name).write_bytes(layouts.archives(name)[archive.name])
                inside = members.of_archive(base / archive.name, base / "expanded")
                files |= {f"{archive.into}/{file}" if archive.into else file: member for file, member in inside.items()}
            known[name] = manifest, files
        return known[name]

    return of


@pytest.fixture
def unpacked(read, tmp_path):
    """The files as a folder, for torchvision to read."""

    def of(name: str) -> Path:
        for file, member in read(name)[1].items():
            (tmp_path / "root" / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "root" / file).write_bytes(member.read())
        return tmp_path / "root"

    return of


def without(files: dict, gone: str) -> dict:
    """The files but one, or but those of a folder."""
    kept = {name: member for name, member in files.items() if name != gone and not name.startswith(f"{gone}/")}
    assert len(kept) < len(files), gone
    return kept


def samples(part: Listing) -> list[tuple[str, int]]:
    return sorted((Path(file).name, label) for file, label in zip(part.table["file"], part.table["label"], strict=True))


def theirs(pairs) -> list[tuple[str, int]]:
    return sorted((Path(path).name, label) for path, label in pairs)


@pytest.mark.parametrize("name", layouts.TWO)
def test_two_class_archives_of_every_data_set_are_listed(read, name):
    part = listings.listing(*read(name))
    assert len(part.classes) == 2 and sorted(set(part.table["label"])) == [0, 1]
    assert part.table["split"].value_counts().to_dict() == read(name)[0].images
    assert set(part.table["group"]) == {name} and not part.table["file"].duplicated().any()
    assert all(member.read()[:2] == b"\xff\xd8" for member in part.table["member"]), "each is a JPEG"


def test_imagenette_is_what_torchvision_reads(read, unpacked):
    part, root = listings.listing(*read("imagenette")), unpacked("imagenette")
    for split in ("train", "val"):
        own = torchvision.datasets.Imagenette(root, split, size="160px")
        chosen = Listing(part.table[part.table["split"] == split], part.classes, {})
        assert samples(chosen) == theirs(own._samples)
        assert [name[0] for name in own.classes] == part.classes == ["tench", "English springer"]


def test_caltech101_is_what_torchvision_reads_and_the_background(read, unpacked, tmp_path):
    (manifest, files), root = read("caltech101"), unpacked("caltech101")
    part = listings.listing(manifest, files)
    shutil.copytree(root / "caltech-101", tmp_path / "caltech101")
    own = torchvision.datasets.Caltech101(tmp_path)
    assert own.categories == [folder for folder in manifest.classes if folder != "BACKGROUND_Google"]
    assert len(own) == (part.table["folder"] != "BACKGROUND_Google").sum() == 3
    assert part.classes == ["background", "accordion"]


def test_caltech256_is_what_torchvision_reads(read, unpacked, tmp_path):
    (manifest, files), root = read("caltech256"), unpacked("caltech256")
    shutil.copytree(root, tmp_path / "caltech256")
    own = torchvision.datasets.Caltech256(str(tmp_path))
    assert own.categories == list(manifest.classes) and own.y == listings.listing(manifest, files).table["label"].tolist()


def test_ilsvrc_is_what_torchvision_reads(read, tmp_path, monkeypatch):
    manifest, files = read("ilsvrc2012")
    part = listings.listing(manifest, files)
    made = {archive.name: archive.md5[0] for archive in manifest.archives}
    monkeypatch.setattr(imagenet, "ARCHIVE_META", {kind: (file, made[file]) for kind, (file, _) in imagenet.ARCHIVE_META.items()})
    for file, content in layouts.archives("ilsvrc2012").items():
        (tmp_path / file).write_bytes(content)
    theirs_all = []
    for split in ("train", "val"):
        own = torchvision.datasets.ImageNet(tmp_path, split)
        theirs_all += own.samples
        assert [names[0] for names in own.classes] == part.classes == ["tench", "goldfish"]
    assert samples(part) == theirs(theirs_all)


def test_voc_has_all_classes_of_a_picture_and_the_largest_as_its_label(read):
    table = listings.listing(*read("voc2012")).table
    shown = {Path(row.file).stem: (json.loads(row.present), row.folder, row.split) for row in table.itertuples()}
    assert shown == {
        "2008_000001": (["cat"], "cat", "train"),
        "2008_000002": (["dog"], "dog", "train"),
        "2008_000003": (["cat", "dog"], "dog", "train"),  # one large dog, two small cats
        "2009_000001": (["cat", "dog"], "cat", "val"),
        "2009_000002": (["dog"], "dog", "val"),
    }
    assert table["hard"].map(json.loads).tolist() == [[], [], [], [], ["cat"]]


def test_order_does_not_depend_on_that_of_the_archive(read):
    manifest, files = read("imagenette")
    backwards = dict(reversed(files.items()))
    pd.testing.assert_frame_equal(listings.listing(manifest, backwards).table, listings.listing(manifest, files).table)


def test_the_endings_of_pictures_are_torchvisions():
    assert ENDINGS == IMG_EXTENSIONS


@pytest.mark.parametrize(
    ("name", "gone", "message"),
    [
        (
            "imagenette",
            "imagenette2-160/val/n02102040",
            r"n02102040 \(English springer\), split val: expected at least 2 pictures, found no folder",
        ),
        ("caltech101", "caltech-101/101_ObjectCategories/accordion", r"accordion \(accordion\), split all: .* found no folder"),
        ("caltech256", "256_ObjectCategories/001.ak47", r"001.ak47 \(ak47\), split all: .* found no folder"),
        ("ilsvrc2012", "train/n01443537", r"n01443537 \(goldfish\), split train: expected at least 4 pictures, found no folder"),
        ("voc2012", "VOCdevkit/VOC2012/ImageSets/Main", r"found no folder ImageSets/Main"),
        ("imagenette", "imagenette2-160", r"n01440764 \(tench\), split train: .* found no folder"),
    ],
)
def test_missing_folder_is_named_with_its_class(read, name, gone, message):
    manifest, files = read(name)
    with pytest.raises(Problem, match=message) as caught:
        listings.listing(manifest, without(files, gone))
    assert "\n" not in str(caught.value) and manifest.archives[0].name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "gone", "message"),
    [
        (
            "imagewoof",
            "imagewoof2-160/train/n02086240/n02086240_0_train.JPEG",
            r"n02086240 \(Shih-Tzu\), split train: expected 4 pictures, found 3",
        ),
        ("caltech101", "caltech-101/101_ObjectCategories/accordion/image_0002.jpg", r"accordion .* expected 3 pictures, found 2"),
        ("caltech256", "256_ObjectCategories/001.ak47/001_0001.jpg", r"all classes, split all: expected 6 pictures, found 5"),
        ("ilsvrc2012", "train/n01443537/n01443537_0.JPEG", r"n01443537 \(goldfish\), split train: expected 4 pictures, found 3"),
        ("ilsvrc2012", "val/ILSVRC2012_val_00000001.JPEG", r"expected 4 pictures of split val, found 3"),
        ("voc2012", "VOCdevkit/VOC2012/ImageSets/Main/cat_train.txt", r"class cat, split train: expected its list at .*cat_train.txt"),
    ],
)
def test_wrong_number_of_pictures_is_named_with_its_class(read, name, gone, message):
    manifest, files = read(name)
    with pytest.raises(Problem, match=message):
        listings.listing(manifest, without(files, gone))


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("voc2012", "VOCdevkit/VOC2012/ImageSets/Main/val.txt"),
        ("voc2012", "VOCdevkit/VOC2012/Annotations/2008_000002.xml"),
        ("ilsvrc2012", "devkit/ILSVRC2012_devkit_t12/data/meta.mat"),
        ("ilsvrc2012", "devkit/ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"),
    ],
)
def test_missing_list_is_one_line(read, name, gone):
    manifest, files = read(name)
    with pytest.raises(Problem, match=f"{name}: expected its lists of pictures, got .*{Path(gone).name}.* again") as caught:
        listings.listing(manifest, without(files, gone))
    assert "\n" not in str(caught.value)


def test_joined_sets_have_their_classes_in_the_order_of_the_folders(read):
    both = listings.joined([listings.listing(*read("imagewoof")), listings.listing(*read("imagenette"))])
    assert both.classes == ["tench", "Shih-Tzu", "beagle", "English springer"]
    assert both.table.groupby("label")["folder"].unique().map(list).tolist() == [["n01440764"], ["n02086240"], ["n02088364"], ["n02102040"]]
    assert set(both.table["group"]) == {"imagenette", "imagewoof"} and len(both.table) == 24


def test_pictures_that_are_also_in_val_leave_train(read, tmp_path):
    manifest, files = read("imagenette")
    base = "imagenette2-160"
    # The same pixels under another label; a comment makes it another file.
    pixels = files[f"{base}/val/n02102040/n02102040_1_val.JPEG"].read()
    (tmp_path / "twin.JPEG").write_bytes(pixels[:2] + b"\xff\xfe\x00\x06note" + pixels[2:])
    files = {**files, f"{base}/train/n01440764/n01440764_2_train.JPEG": members.of_folder(tmp_path)["twin.JPEG"]}
    part = listings.without_leaks(listings.listing(manifest, files), jobs=2)
    assert part.facts["left_train"] == ["imagenette2-160/train/n01440764/n01440764_2_train.JPEG"]
    assert part.table["split"].value_counts().to_dict() == {"train": 7, "val": 4}
    assert list(part.table.index) == list(range(11))


def test_sets_without_twins_lose_nothing(read):
    part = listings.listing(*read("imagenette"))
    kept = listings.without_leaks(part)
    pd.testing.assert_frame_equal(kept.table, part.table)
    assert kept.facts["left_train"] == []


def drawn(names: list[str]) -> Listing:
    return Listing(pd.DataFrame({"file": names, "split": "train", "label": 0, "folder": "c", "group": "g"}), ["c"], {})


def test_dev_is_a_twentieth_of_every_class_whatever_the_order_and_folder():
    names = [f"c/picture_{n}.jpg" for n in range(200)]
    table = listings.with_dev(drawn(names)).table
    dev = set(table.loc[table["split"] == "dev", "file"])
    assert len(dev) == 10
    moved = listings.with_dev(drawn([f"elsewhere/{name}" for name in names[::-1]])).table
    assert {file.removeprefix("elsewhere/") for file in moved.loc[moved["split"] == "dev", "file"]} == dev


def test_a_small_class_gives_one_to_dev_and_a_single_picture_stays():
    assert (listings.with_dev(drawn(["a.jpg", "b.jpg"])).table["split"] == "dev").sum() == 1
    assert (listings.with_dev(drawn(["a.jpg"])).table["split"] == "train").all()


def test_dev_takes_only_from_train_and_an_own_dev_is_kept():
    part = drawn([f"{n}.jpg" for n in range(40)])
    part.table.loc[30:, "split"] = "val"
    table = listings.with_dev(part).table
    assert (table.loc[30:, "split"] == "val").all() and (table["split"] == "dev").sum() == 2
    part.table.loc[0, "split"] = "dev"
    assert (listings.with_dev(part).table["split"] == "dev").sum() == 1


@pytest.fixture
def own(tmp_path):
    """A folder of somebody's own pictures: 2 classes, 4 and 2 pictures."""
    for k, (split, count) in enumerate({"train": 4, "val": 2}.items()):
        for c in ("ant", "bee"):
            folder = tmp_path / "own" / split / c
            folder.mkdir(parents=True)
            for n in range(count):
                (folder / f"{n}.JPG").write_bytes(layouts.jpeg(100 * k + 10 * (c == "bee") + n))
    (tmp_path / "own" / "train" / "ant" / "notes.txt").write_text("no picture", encoding="utf-8")
    return tmp_path / "own"


def test_own_pictures_are_listed(own):
    part = listings.own_folder(own)
    assert part.classes == ["ant", "bee"]
    assert part.table.groupby(["split", "folder"]).size().to_dict() == {
        ("train", "ant"): 4,
        ("train", "bee"): 4,
        ("val", "ant"): 2,
        ("val", "bee"): 2,
    }
    assert part.table["file"].iloc[0] == "train/ant/0.JPG"


def test_own_dev_is_used(own):
    shutil.copytree(own / "val", own / "dev")
    assert set(listings.own_folder(own).table["split"]) == {"train", "dev", "val"}


def test_own_transfer_pictures_are_one_split(own):
    part = listings.own_classes(own / "train")
    assert set(part.table["split"]) == {"all"} and np.bincount(part.table["label"]).tolist() == [4, 4]


def test_one_class_alone_is_refused(own):
    for split in ("train", "val"):
        shutil.rmtree(own / split / "bee")
    with pytest.raises(Problem, match="two or more class folders in .*, got 'ant' alone"):
        listings.own_folder(own)
    with pytest.raises(Problem, match="two or more class folders in .*, got 'ant' alone"):
        listings.own_classes(own / "train")


def test_own_pictures_that_do_not_fit_are_said(own):
    shutil.rmtree(own / "val" / "bee")
    with pytest.raises(Problem, match="same classes in train and val .* got 'bee' in one of them only"):
        listings.own_folder(own)
    (own / "val" / "bee").mkdir()
    with pytest.raises(Problem, match="expected pictures of class 'bee' in split val .*, got none"):
        listings.own_folder(own)
    shutil.rmtree(own / "train")
    with pytest.raises(Problem, match="expected class folders in .*train, got none; give DATA=dir"):
        listings.own_folder(own)


def test_archives_in_the_upstream_layout_are_the_same_bytes_at_any_time(monkeypatch):
    monkeypatch.setattr("time.asctime", lambda *_: "Mon Jan  1 00:00:00 2001")
    early = layouts.archives("ilsvrc2012")
    monkeypatch.setattr("time.asctime", lambda *_: "Tue Feb  2 02:02:02 2002")
    assert layouts.archives("ilsvrc2012") == early
