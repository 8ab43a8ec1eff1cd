"""Correspondence: Delta against slow loops and cases worked out by hand; places, masks, bad input."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tests.test_deconvnet import images, net_of
from zfutils.analysis import correspondence
from zfutils.core.errors import Problem
from zfutils.data import layouts, members


def slow_delta(of_images: np.ndarray) -> list[float]:
    """Section 4.3, read aloud: over all i and j that differ, the Hamming distance of the signs, as a mean over the features."""
    found = []
    for i in range(len(of_images)):
        for j in range(len(of_images)):
            if i != j:
                found.append(sum(a != b for a, b in zip(of_images[i], of_images[j], strict=True)) / len(of_images[i]))
    return found


def test_delta_is_that_of_a_slow_loop_and_of_a_case_by_hand():
    three = np.array([[1, 0, -1, 0], [1, 1, -1, 0], [0, 0, 1, 0]])
    # 1 and 2 differ in one of four, 1 and 3 in two, 2 and 3 in three
    assert correspondence.delta(three)[0] == pytest.approx((1 + 2 + 3) / 12)
    many = np.random.default_rng(0).integers(-1, 2, (7, 40))
    expected = slow_delta(many)
    assert correspondence.delta(many) == (pytest.approx(np.mean(expected)), pytest.approx(np.std(expected)))


def test_chance_is_what_independent_signs_give_and_alike_changes_lie_below():
    generator = np.random.default_rng(1)
    independent = generator.choice([-1, 0, 1], p=[0.1, 0.7, 0.2], size=(12, 4000))
    found = correspondence.pairs(independent)
    assert found.ratio() == pytest.approx(1, abs=0.02) and found.expected[0, 1] == pytest.approx(1 - 0.01 - 0.49 - 0.04, abs=0.03)
    shared = np.where(generator.random((12, 4000)) < 0.8, independent[:1], independent)
    assert correspondence.pairs(shared).ratio() < 0.6
    assert np.isnan(correspondence.pairs(np.zeros((3, 5), int)).ratio())
    assert np.isnan(found.ratio(np.array([3, 3, 3]))), "a bootstrap may draw one image only"
    drawn = np.array([0, 0, 1, 2])
    direct = [found.different[a, b] for a in drawn for b in drawn if a != b]
    assert found.delta(drawn)[0] == pytest.approx(np.mean(direct))
    assert np.isnan(found.delta(np.array([2, 2]))).all()  # a bootstrap may draw one image only


def test_signs_are_of_original_minus_masked_and_small_changes_may_count_as_none():
    net, several = net_of(size=64).float(), images(3, 64).float()
    centres = np.array([[20.0, 20], [30, 40], [0, 0]])
    found = correspondence.signs(net, several, centres, 12, layers=("relu3", "relu7"))
    hidden = several.clone()
    hidden[0, :, 14:26, 14:26] = 0
    hidden[1, :, 24:36, 34:46] = 0
    hidden[2, :, :6, :6] = 0
    assert torch.equal(correspondence.masked(several, centres, 12), hidden)
    index = [name for name, _ in net.named_children()].index("relu3")
    change = (net[: index + 1](several) - net[: index + 1](hidden)).flatten(1).detach().numpy()
    assert np.array_equal(found["relu3"], np.sign(change)) and set(np.unique(found["relu3"])) == {-1, 0, 1}
    zoned = correspondence.signs(net, several, centres, 12, layers=("relu3",), zone=0.5)["relu3"]
    assert 0 < (zoned != 0).sum() < (found["relu3"] != 0).sum()
    assert np.array_equal(zoned != 0, np.abs(change) > 0.5 * np.abs(change).max(1, keepdims=True))


class Set:
    """A stand-in for a prepared set: table, classes, facts."""

    def __init__(self, table: pd.DataFrame, classes: list[str]):
        self.table, self.classes, self.facts = table, classes, {"size": 64}

    def indices(self, split: str) -> np.ndarray:
        return np.flatnonzero(self.table["split"] == split)


def test_frontal_toys_are_found_by_their_yaw_and_their_visible_parts():
    whole = {"eye_right": [20, 24], "eye_left": [20, 40], "nose": [30, 32]}
    centres = [whole, whole, {"nose": [30, 32]}, whole, {**whole, "nose": [2, 2]}, {**whole, "nose": [33, 31]}]
    table = pd.DataFrame(
        {"split": ["val"] * 6, "label": [0, 0, 0, 1, 0, 0], "yaw": [5, 40, 0, 0, 0, -30], "centres": [json.dumps(c) for c in centres]}
    )
    found = correspondence.faces(Set(table, ["dog", "cat"]), 56)
    assert found.indices.tolist() == [0, 5] and found.centres["nose"].tolist() == [[26, 28], [29, 27]]


def test_listed_photographs_are_found_by_their_file_and_scaled():
    entries = yaml.safe_load(correspondence.POINTS.read_text(encoding="utf-8"))
    assert len({entry["file"] for entry in entries}) == len(entries) >= 50, "the claims about faces ask for 50"
    assert all(0.08 <= value <= 0.92 for entry in entries for part in correspondence.PARTS for value in entry[part])
    assert all(entry["eye_right"][0] < entry["eye_left"][0] < 1 and entry["nose"][1] > entry["eye_right"][1] for entry in entries)
    files = [f"imagewoof2-160/val/{entry['file']}" for entry in entries] + ["imagewoof2-160/val/n1/other.JPEG"]
    table = pd.DataFrame({"split": "val", "label": 0, "file": files, "folder": [file.split("/")[2] for file in files]})
    found = correspondence.faces(Set(table, ["dog"]), 64)
    assert found.indices.tolist() == list(range(len(entries)))
    assert found.centres["nose"][0].tolist() == [entries[0]["nose"][1] * 64, entries[0]["nose"][0] * 64]
    with pytest.raises(correspondence.NoFaces, match="at least two frontal faces"):
        correspondence.faces(Set(pd.DataFrame({"split": "val", "label": 0, "file": ["a/b.png"], "folder": ["a"]}), ["dog"]), 64)
    renamed = [f"tiny-imagenet-200/val/images/val_{number}.JPEG" for number in range(len(table))]
    with pytest.raises(correspondence.NoFaces, match="at least two frontal faces"):
        correspondence.faces(Set(table.assign(file=renamed), ["dog"]), 64)
    with pytest.raises(Problem, match=f"expected {len(entries)} listed faces in these classes, found 1"):
        correspondence.faces(Set(table.assign(file=[files[0], *(file.replace("_", "_9") for file in files[1:])]), ["dog"]), 64)


def test_listed_photographs_are_found_in_the_one_folder_of_ilsvrc(tmp_path):
    entries = yaml.safe_load(correspondence.POINTS.read_text(encoding="utf-8"))
    pairs = sorted((entry["file"].split("/")[1], entry["file"].split("/")[0]) for entry in entries)
    (tmp_path / "val").mkdir()
    for file, _ in pairs:
        (tmp_path / "val" / file).touch()
    table = layouts._ilsvrc_val(members.of_folder(tmp_path), sorted({folder for _, folder in pairs}), [folder for _, folder in pairs])
    found = correspondence.faces(Set(table, []), 64)
    assert len(found.indices) == len(entries)
    nose = {entry["file"].split("/")[1]: entry["nose"] for entry in entries}
    for row, (y, x) in zip(found.indices, found.centres["nose"], strict=True):
        assert [x / 64, y / 64] == pytest.approx(nose[table["file"][row].removeprefix("val/")])


def test_random_places_are_spread_as_the_parts_are_and_lie_inside():
    generator = np.random.default_rng(2)
    base = generator.normal(40, 3, (30, 2))
    found = correspondence.Faces(np.arange(30), {part: base + shift for part, shift in zip(correspondence.PARTS, (0, 5, 9), strict=True)})
    drawn = correspondence.matched_positions(found, 96, 12, draws=40, generator=generator)
    assert len(drawn) == 40 and all(one.min() >= 6 and one.max() <= 90 for one in drawn)
    inside = [one for one in drawn if one.min() > 6 and one.max() < 90]  # not cut off at the border
    assert np.allclose([one.std(0) for one in inside], base.std(0), rtol=0.01) and len(inside) > 10
    on_the_animal = [one - base for one in drawn[::2] if one.min() > 6 and one.max() < 90]
    for offset in on_the_animal:  # the same for every image, from the middle of its own face
        assert np.ptp(offset, axis=0).max() < 1e-9 and np.abs(offset[0] - 14 / 3).max() <= 0.2 * 96
    assert len(on_the_animal) > 5


def test_bad_input_is_named():
    net, several = net_of(size=64).float(), images(2, 64).float()
    with pytest.raises(Problem, match="at least two images"):
        correspondence.signs(net, several[:1], np.zeros((1, 2)), 5)
    with pytest.raises(Problem, match="square of 1 to 64 px, got 65"):
        correspondence.signs(net, several, np.zeros((2, 2)), 65)
    with pytest.raises(Problem, match="unknown layer 'relu9'"):
        correspondence.signs(net, several, np.zeros((2, 2)), 5, layers=("relu9",))
