"""The sets: same bytes for any number of workers, splits, ground truth, and what the sets promise."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from tests import toybox_checks as checks
from zfutils.core import keys, paths
from zfutils.core.errors import Problem
from zfutils.core.profiles import PROFILES, ToyDraw, profile
from zfutils.data.toybox import collection, difficulty, families
from zfutils.data.toybox.difficulty import DIFFICULTY

TINY = replace(profile("smoke"), name="tiny", toys=ToyDraw(train=60, dev=20, val=20, transfer_per_class=1, scenes=3, turning=3))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """All sets of a tiny profile, made by one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("one")))
        yield collection.prepare(TINY, jobs=1)


def test_two_workers_make_the_same_bytes_as_one(made, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    again = collection.prepare(TINY, jobs=2)
    for which in collection.WHICH:
        assert again[which].facts["sha256"] == made[which].facts["sha256"]
        assert np.array_equal(again[which].map("parts"), made[which].map("parts"))
        pd.testing.assert_frame_equal(again[which].table, made[which].table)


def test_a_picture_does_not_depend_on_those_beside_it(made):
    rows = collection.table(TINY.toys, "pretraining").to_dict("records")
    context = {"seed": 0, "which": "pretraining", "size": TINY.prepared_size, "difficulty": DIFFICULTY}
    (alone,) = collection.render(context, rows[37:38])
    assert np.array_equal(alone["image"], made["pretraining"].images[37])
    other = collection.render({**context, "seed": 1}, rows[37:38])[0]
    assert (alone["image"] != other["image"]).mean() > 0.5


def test_ready_set_is_opened_by_name_and_an_absent_one_names_the_command(made, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(made["scenes"].path.parents[1]))
    assert collection.load(TINY, "scenes").facts["sha256"] == made["scenes"].facts["sha256"]
    with pytest.raises(Problem, match="make data PROFILE=tiny SEED=5"):
        collection.load(TINY, "scenes", seed=5)


def test_unknown_set_lists_those_that_exist():
    with pytest.raises(Problem, match="unknown set of toys 'photos'; known: pretraining, transfer, scenes, turning"):
        collection.path(TINY, "photos")


def test_profile_without_toys_is_refused():
    with pytest.raises(Problem, match="expected a profile with toys, got 'photos'"):
        collection.prepare(profile("photos"))


def test_classes_are_balanced_in_every_split(made):
    table = made["pretraining"].table
    counts = table.groupby(["split", "label"]).size()
    assert counts.loc["train"].tolist() == [3] * 20
    assert counts.loc["dev"].tolist() == counts.loc["val"].tolist() == [1] * 20
    assert made["transfer"].table["label"].tolist() == list(range(12))


def test_no_instance_is_in_two_splits(made):
    assert checks.shared_instances(made["pretraining"]) == []
    assert made["pretraining"].table["instance"].is_unique
    shapes = made["pretraining"].table["shape"]
    assert shapes.is_unique
    mixed = replace(made["pretraining"], table=made["pretraining"].table.assign(instance=[0] * 99 + [1]))
    assert checks.shared_instances(mixed) == [0]


def test_every_class_shows_three_parts_or_more(made):
    for which in ("pretraining", "transfer"):
        counts = checks.part_counts(made[which])
        assert list(counts) == made[which].classes
        assert min(counts.values()) >= 3


def test_all_centres_lie_on_their_part(made):
    for prepared in made.values():
        assert checks.misplaced_centres(prepared) == []
    spoilt = made["transfer"].table.assign(centres='{"head": [0, 0]}')
    assert len(checks.misplaced_centres(replace(made["transfer"], table=spoilt))) == 12


def test_coverage_stays_between_a_twentieth_and_a_quarter(made):
    for which in ("pretraining", "transfer", "turning"):
        low, high = checks.coverage_range(made[which])
        assert 0.05 <= low <= high <= 0.25


def test_disc_of_the_checks_hides_every_toy(made):
    for row, part_map in enumerate(made["pretraining"].map("parts")):
        places_ = np.argwhere(part_map > 0)
        middle = (places_.min(0) + places_.max(0)) // 2
        assert (((places_ - middle) ** 2).sum(1) < (checks.DISC * len(part_map)) ** 2).all(), row


def test_probes_return_shares_and_know_chance(made):
    assert checks.chance(made["pretraining"]) == 1 / 20
    for probe in (checks.surroundings_accuracy, checks.place_accuracy, checks.colour_accuracy, checks.thumbnail_accuracy):
        assert 0 <= probe(made["pretraining"]) <= 0.5


def test_probe_finds_a_class_that_is_told_by_its_colour(made):
    prepared = made["pretraining"]
    dye = np.stack([prepared.labels % 3, prepared.labels // 3 % 3, prepared.labels // 9], axis=1) * 60
    dyed = replace(prepared)
    dyed.__dict__["images"] = (np.array(prepared.images) // 4 + dye[:, None, None]).astype(np.uint8)
    assert checks.colour_accuracy(dyed) >= 0.5


def test_scenes_hold_two_to_four_classes_and_controls_one_of_the_same_size(made):
    table = made["scenes"].table
    toys = made["scenes"].map("toys")
    for row, (text, control) in enumerate(zip(table["present"], table["control"], strict=True)):
        present = json.loads(text)
        assert len(set(present)) == len(present)
        assert (len(present) == 1) == control
        assert len(present) in ((1,) if control else (2, 3, 4))
        assert np.unique(toys[row]).tolist() == list(range(len(present) + 1))
        assert list(json.loads(table["centres"][row])) == present
        assert made["scenes"].classes[table["label"][row]] == present[0]
    assert table["control"].sum() == 1


def test_turning_frames_are_one_instance_at_equal_steps(made):
    table = made["turning"].table
    assert table["instance"].tolist() == [0, 0, 0]
    assert table["angle"].tolist() == [0, 120, 240]
    assert table["shape"].nunique() == table["background"].nunique() == 1
    frames = collection.table(PROFILES["toybox"].toys, "turning")
    assert frames.groupby("instance").size().tolist() == [30] * 20
    assert frames.groupby("instance")["label"].first().tolist() == list(range(20))


@pytest.mark.parametrize("name", ["smoke", "toybox"])
def test_manifest_is_in_step_with_the_sets(name):
    manifest = yaml.safe_load((paths.MANIFESTS / "toybox.yml").read_text(encoding="utf-8"))
    for which in collection.WHICH:
        counts = collection.table(PROFILES[name].toys, which)["split"].value_counts().to_dict()
        assert counts == manifest["images"][name][which]
    assert manifest["classes"] == [one.name for one in families.PRETRAINING]
    assert manifest["transfer_classes"] == [one.name for one in families.TRANSFER]


def test_difficulty_has_a_hash_that_every_knob_changes(made):
    assert made["pretraining"].facts["difficulty"] == difficulty.hash()
    assert keys.digest(replace(DIFFICULTY, floor=0.25)) != difficulty.hash()


def test_the_difficulty_is_frozen():
    manifest = yaml.safe_load((paths.MANIFESTS / "toybox.yml").read_text(encoding="utf-8"))
    assert difficulty.hash() == manifest["difficulty"], "only training time may change once other nets are trained"
