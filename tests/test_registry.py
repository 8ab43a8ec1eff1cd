"""Data: sets are prepared from archives or folders once, resumed after a kill, and opened with a remedy where they are absent."""

import dataclasses
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests import layouts
from zfutils.core import keys, paths, profiles
from zfutils.core.errors import Problem
from zfutils.data import decode, left_out, listings, manifests, preparation, prepared_sets, registry

PHOTOS = dataclasses.replace(profiles.profile("photos"), image_size=28)  # prepared at 32 pixels: quick
IMAGENET = dataclasses.replace(profiles.profile("imagenet"), image_size=28)
FOLDER = dataclasses.replace(profiles.profile("folder"), image_size=28)


def vouch(path: Path) -> None:
    """Let the mirror's own checksums vouch for a file."""
    (path.parent / "SHA256SUMS").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n", encoding="utf-8")


def put_two_broken(tiny: Path) -> None:
    """Give the mirror a Caltech-101 of which the second picture of each class is empty."""
    numbers = {c: (1, 2, 3) for c in layouts.TWO["caltech101"]}
    files = {f"101_ObjectCategories/{c}/image_{n:04d}.jpg": b"" if n == 2 else layouts.jpeg(n) for c in numbers for n in numbers[c]}
    archive = tiny / "mirror" / "caltech-101.zip"
    archive.write_bytes(layouts.zipped({"caltech-101/101_ObjectCategories.tar": layouts.tar(files)}))
    vouch(archive)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Manifests and a mirror of two-class archives of every data set, and an empty DATA_DIR."""
    (tmp_path / "manifests").mkdir()
    for name in layouts.TWO:
        layouts.write_manifest(name, tmp_path / "manifests")
    layouts.write_mirror(tmp_path / "mirror", list(layouts.TWO))
    monkeypatch.setattr(paths, "MANIFESTS", tmp_path / "manifests")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATA", raising=False)
    monkeypatch.delenv("TRANSFER", raising=False)
    return tmp_path


def test_photos_are_prepared_from_a_mirror(tiny):
    made = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)
    assert list(made) == ["transfer", "sharper", "pretraining"]
    pretraining, sharper = made["pretraining"], made["sharper"]
    assert pretraining.classes == ["goldfish", "European fire salamander"]
    assert pretraining.table["split"].value_counts().to_dict() == {"train": 6, "dev": 2, "val": 4}
    assert sharper.images.shape == (24, 32, 32, 3)
    assert sharper.classes == ["tench", "Shih-Tzu", "beagle", "English springer"]
    assert sharper.table["split"].value_counts().to_dict() == {"train": 12, "dev": 4, "val": 8}
    assert made["transfer"].classes == ["background", "accordion"] and set(made["transfer"].table["split"]) == {"all"}
    assert {fact["origin"] for fact in pretraining.facts["archives"].values()} == {"upstream"}
    assert sharper.facts["left_train"] == pretraining.facts["left_out"] == []


TWINS = tuple(f"tiny-imagenet-200/train/n01443537/images/n01443537_{n}.JPEG" for n in (1, 3))


def with_twins(tiny) -> Path:
    """A mirror in which two training pictures are, smaller, one that transfer is measured with."""
    files = {name: layouts.jpeg(2, width=32, height=24) for name in TWINS}
    archive = tiny / "mirror" / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(archive) as whole:
        files = {name: files.get(name, whole.read(name)) for name in whole.namelist()}
    archive.write_bytes(layouts.zipped(files))
    vouch(archive)
    return tiny / "mirror"


def test_training_pictures_that_measurements_hold_too_are_found_even_when_they_are_smaller(tiny, monkeypatch, capsys):
    mirror = with_twins(tiny)
    assert left_out.search(PHOTOS, mirror=mirror, jobs=1) == list(TWINS)
    assert not registry.is_prepared(PHOTOS) and registry.is_prepared(PHOTOS, "sharper"), "only what else is measured with is decoded"
    monkeypatch.setattr(left_out.profiles, "profile", lambda name: PHOTOS)
    assert left_out.main(["--mirror", str(mirror)]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == {"left_out": list(TWINS)}
    assert left_out.main(["--mirror", str(tiny / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_pictures_that_the_manifest_leaves_out_leave_whatever_the_copies_look_like(tiny):
    layouts.write_manifest("tinyimagenet", tiny / "manifests", left_out=TWINS)
    made = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["pretraining"]
    copies = registry.prepare(PHOTOS, mirror=with_twins(tiny), jobs=1)["pretraining"]
    assert made.facts["left_out"] == list(TWINS)
    assert made.table["split"].value_counts().to_dict() == {"val": 4, "train": 4, "dev": 2}
    assert made.named == copies.named and made.digest() == copies.digest()


def test_a_picture_that_is_left_out_must_be_there(tiny):
    for name in ("tiny-imagenet-200/train/n01443537/images/n01443537_9.JPEG", "tiny-imagenet-200/val/images/val_0.JPEG"):
        layouts.write_manifest("tinyimagenet", tiny / "manifests", left_out=(name,))
        with pytest.raises(Problem, match=f"expected {name} among the training pictures, found none; restore data_manifests/"):
            registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)


def test_the_manifest_leaves_out_training_pictures_of_its_classes():
    manifest = manifests.read(left_out.MANIFEST)
    assert len(manifest.left_out) == 95 and sorted(set(manifest.left_out)) == list(manifest.left_out)
    assert keys.digest(*manifest.left_out) == "258b8a6dce01fd81", "nets and answers that ship learned from what was left: ship them again"
    for name in manifest.left_out:
        folder, number = re.fullmatch(r"tiny-imagenet-200/train/(n\d{8})/images/\1_(\d+)\.JPEG", name).groups()
        assert folder in manifest.classes and int(number) < manifest.classes[folder].images["train"]


def test_a_part_of_the_classes_keeps_the_pictures_and_the_mean(tiny):
    whole = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["sharper"]
    part = whole.restricted([2, 0], per_class=1)
    assert part.classes == ["beagle", "tench"] and part.labels.max() == 1
    train, val = part.indices("train"), part.indices("val")
    assert [whole.classes[whole.labels[index]] for index in train] == [part.classes[part.labels[index]] for index in train]
    assert len(train) == 2 and len(val) == 4 and part.digest() != whole.digest()
    np.testing.assert_array_equal(part.mean(), whole.mean())
    assert set(train) < set(whole.restricted([2, 0]).indices("train"))


def test_the_pictures_are_those_of_the_files(tiny):
    prepared = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["transfer"]
    np.testing.assert_array_equal(prepared.images[1], decode.square(layouts.jpeg(2), 32))


def test_imagenet_has_its_three_sets_for_transfer(tiny):
    made = registry.prepare(IMAGENET, mirror=tiny / "mirror", jobs=1)
    assert list(made) == ["pretraining", "transfer", "caltech256", "voc2012"]
    assert made["pretraining"].table["split"].value_counts().to_dict() == {"train": 6, "dev": 2, "val": 4}
    assert made["voc2012"].table["split"].value_counts().to_dict() == {"train": 3, "val": 2}
    assert made["voc2012"].table["present"].iloc[2] == '["cat", "dog"]'
    assert len(made["caltech256"].images) == 6


def test_pictures_of_imagenet_are_decoded_from_the_archives_and_lie_nowhere_else(tiny, monkeypatch):
    made, build = {}, preparation.build

    def watched(path, *args, **kwargs):
        made[path.name] = sorted(path.name for path in (tiny / "data" / "unpacked").rglob("*") if path.is_file())
        return build(path, *args, **kwargs)

    monkeypatch.setattr(preparation, "build", watched)
    sets = registry.prepare(IMAGENET, mirror=tiny / "mirror", jobs=1)
    assert made == {"pretraining": ["ILSVRC2012_devkit_t12.tar.gz.0"], "transfer": made["transfer"], "caltech256": [], "voc2012": []}
    assert not any("member" in prepared.table for prepared in sets.values())


def test_a_local_copy_is_told_in_the_facts(tiny):
    vouch(tiny / "mirror" / "caltech-101.zip")
    made = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["transfer"]
    assert made.facts["archives"]["caltech-101.zip"]["origin"] == "local copy"


def test_nothing_is_left_but_the_sets(tiny):
    registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)
    assert not (tiny / "data" / "unpacked").exists()
    kept = {path.name for path in (tiny / "data").rglob("*.u8")}
    assert kept == {"images.u8"} and not list((tiny / "data").rglob("*.part"))


def test_preparing_again_only_opens_with_and_without_the_mirror(tiny, monkeypatch):
    first = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)
    monkeypatch.setattr(preparation, "build", lambda *_, **__: pytest.fail("built again"))
    monkeypatch.setattr(listings, "listing", lambda *_: pytest.fail("listed again"))
    for mirror in (tiny / "mirror", None):
        again = registry.prepare(PHOTOS, mirror=mirror)
        assert again["pretraining"].facts == first["pretraining"].facts
    assert registry.opened(PHOTOS).facts == first["pretraining"].facts
    assert registry.opened(PHOTOS, "transfer").facts == first["transfer"].facts


def test_another_copy_of_the_archives_is_prepared_anew(tiny):
    first = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["transfer"]
    before = first.facts["sha256"]
    (tiny / "mirror" / "caltech-101.zip").write_bytes(layouts.archives("caltech101", first_seed=700)["caltech-101.zip"])
    with pytest.raises(Problem, match="wrong checksum"):
        registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)
    vouch(tiny / "mirror" / "caltech-101.zip")
    assert registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["transfer"].facts["sha256"] != before


def test_editing_the_words_of_a_manifest_prepares_nothing(tiny, monkeypatch):
    registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)
    path = tiny / "manifests" / "caltech101.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("licence: CC BY 4.0", "licence: see the source"), encoding="utf-8")
    monkeypatch.setattr(preparation, "build", lambda *_, **__: pytest.fail("built again"))
    assert registry.prepare(PHOTOS)["transfer"].classes == ["background", "accordion"]


def test_the_bytes_do_not_depend_on_the_number_of_processes(tiny, monkeypatch):
    one = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["sharper"]
    monkeypatch.setenv("DATA_DIR", str(tiny / "again"))
    two = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=2)["sharper"]
    assert one.facts["sha256"] == two.facts["sha256"] and one.table.equals(two.table)


def test_absent_set_says_how_large_it_is_and_how_to_make_it(tiny, monkeypatch):
    monkeypatch.undo()  # the real manifests: sizes of the published archives
    monkeypatch.setenv("DATA_DIR", str(tiny / "data"))
    with pytest.raises(Problem, match=r"make data PROFILE=photos \(fetches 577 MB"):
        registry.opened(profiles.profile("photos"))
    with pytest.raises(Problem, match="unknown set 'scenes'; known: transfer, sharper, pretraining"):
        registry.opened(profiles.profile("photos"), "scenes")


def test_broken_picture_stops_the_run_by_name_and_leaves_no_set(tiny):
    put_two_broken(tiny)
    with pytest.raises(Problem, match=r"2 broken pictures, at most 0 .*image_0002\.jpg \(no image of a known kind\)"):
        registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)
    with pytest.raises(Problem, match="no prepared set"):
        registry.opened(PHOTOS, "transfer")


def test_broken_pictures_that_the_manifest_allows_are_left_out(tiny):
    manifest = tiny / "manifests" / "caltech101.yml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("allowed_broken: 0", "allowed_broken: 2"), encoding="utf-8")
    put_two_broken(tiny)
    made = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["transfer"]
    assert len(made.images) == len(made.table) == 4
    assert len(made.facts["broken"]) == 2 and "image_0002.jpg" in made.facts["broken"][0]


SLOW = """
import sys, time
from pathlib import Path
from zfutils.core import paths, profiles
from zfutils.data import decode, preparation, registry
import dataclasses
quick = decode.worker
def slow(context, rows):
    time.sleep(float(sys.argv[3]))
    return quick(context, rows)
paths.MANIFESTS = Path(sys.argv[1])
decode.worker = slow
preparation._CHUNK = 4
if __name__ == "__main__":
    profile = dataclasses.replace(profiles.profile("photos"), image_size=28)
    registry.prepare(profile, mirror=sys.argv[2], jobs=1)
"""


def preparing(tiny: Path, where: Path, wait: float, *, limit: int | None = None) -> subprocess.Popen:
    """Prepare in a process of its own, with a pause before each chunk."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-B", "-c", SLOW, str(tiny / "manifests"), str(tiny / "mirror"), str(wait)],
        env={**os.environ, "DATA_DIR": str(where)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited if limit else None,
    )


def test_a_killed_preparation_goes_on_and_gives_the_same_bytes(tiny):
    whole = registry.prepare(PHOTOS, mirror=tiny / "mirror", jobs=1)["sharper"]
    where = tiny / "killed"
    process = preparing(tiny, where, 0.3)
    journal = where / "photos" / "sharper.part" / "journal.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_text(encoding="utf-8").count("\n") >= 2):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (where / "photos" / "sharper").exists()
    done = journal.read_text(encoding="utf-8").count("\n")
    assert 2 <= done < 6
    again = preparing(tiny, where, 0)
    said = again.communicate()[1]
    assert again.returncode == 0, said
    assert f"preparing sharper: {24 - 4 * done} pictures" in said  # only what was missing
    resumed = prepared_sets.load(where / "photos" / "sharper", remedy="")
    assert resumed.facts["sha256"] == whole.facts["sha256"] and resumed.table.equals(whole.table)
    np.testing.assert_array_equal(resumed.mean(), whole.mean())


def test_a_full_disk_is_one_line_and_no_set(tiny):
    process = preparing(tiny, tiny / "full", 0, limit=20_000)
    said = process.communicate()[1]
    assert process.returncode == 1 and "Problem: no room to write" in said
    assert not (tiny / "full" / "photos" / "pretraining").exists()


@pytest.fixture
def own(tiny):
    """Somebody's own pictures: 2 classes with 4 for train, 2 for val."""
    for split, count in {"train": 4, "val": 2}.items():
        for k, c in enumerate(("ant", "bee")):
            folder = tiny / "own" / split / c
            folder.mkdir(parents=True)
            for n in range(count):
                (folder / f"{split}{n}.jpg").write_bytes(layouts.jpeg(1000 * (split == "val") + 10 * k + n))
    return tiny / "own"


def test_own_pictures_are_prepared_and_opened(own):
    made = registry.prepare(FOLDER, folder=own, transfer=own / "val", jobs=1)
    assert made["pretraining"].table["split"].value_counts().to_dict() == {"train": 6, "val": 4, "dev": 2}
    assert made["transfer"].classes == ["ant", "bee"]
    assert registry.opened(FOLDER, folder=own).facts == made["pretraining"].facts
    assert registry.opened(FOLDER, "transfer", folder=own).facts == made["transfer"].facts


def test_own_pictures_can_be_named_by_variables(own, monkeypatch):
    monkeypatch.setenv("DATA", str(own))
    monkeypatch.setenv("TRANSFER", str(own / "val"))
    assert list(registry.prepare(FOLDER, jobs=1)) == ["pretraining", "transfer"]
    assert len(registry.opened(FOLDER).images) == 12


def test_own_pictures_are_prepared_anew_only_when_a_file_changes(own):
    first = registry.prepare(FOLDER, folder=own, jobs=1)["pretraining"]
    inode = (first.path / "images.u8").stat().st_ino
    assert (registry.prepare(FOLDER, folder=own, jobs=1)["pretraining"].path / "images.u8").stat().st_ino == inode
    (own / "train" / "ant" / "train9.jpg").write_bytes(layouts.jpeg(99))
    assert len(registry.prepare(FOLDER, folder=own, jobs=1)["pretraining"].images) == 13


def test_own_pictures_that_are_in_val_too_leave_train(own):
    shutil.copy(own / "val" / "bee" / "val0.jpg", own / "train" / "ant" / "twin.jpg")
    made = registry.prepare(FOLDER, folder=own, jobs=1)["pretraining"]
    assert made.facts["left_train"] == ["train/ant/twin.jpg"] and len(made.images) == 12


def test_folder_profile_without_a_folder_says_what_to_give(tiny):
    for ask in (lambda: registry.prepare(FOLDER), lambda: registry.opened(FOLDER)):
        with pytest.raises(Problem, match="give DATA=dir"):
            ask()
    with pytest.raises(Problem, match="expected a folder of pictures at .*nowhere"):
        registry.prepare(FOLDER, folder=tiny / "nowhere")
    with pytest.raises(Problem, match="make data PROFILE=folder DATA="):
        registry.opened(FOLDER, folder=tiny)
