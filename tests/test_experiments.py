"""Transfer: the same images for every method, means over folds, protocols for several objects."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from zfutils.core import profiles
from zfutils.data import prepared_sets, splits
from zfutils.transfer import experiments
from zfutils.transfer.experiments import Outcome


@pytest.fixture
def prepared(tiny_set) -> prepared_sets.PreparedSet:
    return tiny_set


def features_of(prepared: prepared_sets.PreparedSet, noise: float) -> np.ndarray:
    generator = np.random.default_rng(0)
    return (np.eye(4)[prepared.labels] + generator.normal(0, noise, (len(prepared.table), 4))).astype(np.float16)


def test_good_features_beat_bad_ones_on_the_same_images(prepared):
    smoke = profiles.profile("smoke")
    assert len(experiments.draws(prepared, smoke, seed=0)) == 2
    drawn = experiments.draws(prepared, dataclasses.replace(smoke, transfer=dataclasses.replace(smoke.transfer, folds=5)), seed=0)
    good, bad = (
        experiments.probed(name, "softmax", features_of(prepared, noise), prepared, drawn, (1, 2), seed=0)
        for name, noise in (("good", 0.1), ("bad", 50.0))
    )
    assert good.frame["accuracy"].min() > 0.9 and set(good.frame["fold"]) == set(range(5))
    value, low, high, n = experiments.gain(good, bad, 2, prepared, drawn, seed=0)
    assert 0 < low <= value <= high and n == len(np.unique(np.concatenate([fold.test for fold in drawn])))
    assert good.images(2) == n < sum(len(fold.test) for fold in drawn), "an image that is tested twice is one image"
    own = experiments.summary(good.frame)
    assert own["accuracy"].tolist() == pytest.approx((100 * good.frame.groupby("size")["accuracy"].mean()).tolist())
    assert own["folds"].tolist() == [5, 5]


def test_a_gain_over_seeds_is_their_mean_with_an_interval_of_folds_and_seeds(prepared):
    drawn = [splits.draw(prepared.labels, largest=4, test=5, fold=number, seed=0) for number in range(3)]
    generator = np.random.default_rng(0)

    def answering(rate: float) -> Outcome:
        outcome = Outcome("m")
        for number, fold in enumerate(drawn):
            outcome.add(2, number, fold, prepared.labels, generator.random(len(fold.test)) < rate)
        return outcome

    ours, scratch = [answering(rate) for rate in (0.9, 0.6, 0.7)], answering(0.2)
    found, n = experiments.gain_over_seeds(ours, scratch, 2, prepared, drawn, seed=0)
    alone = [experiments.gain(own, scratch, 2, prepared, drawn, seed=0) for own in ours]
    assert found.value == pytest.approx(np.mean([own[0] for own in alone])) and (found.seeds, n) == (3, alone[0][3])
    assert (found.high + found.low) / 2 == pytest.approx(found.value) and found.high > found.value
    alike, _ = experiments.gain_over_seeds(ours[:1] * 3, scratch, 2, prepared, drawn, seed=0)
    assert alike.found == pytest.approx(alone[0][:3]), "seeds that do not differ add nothing"
    first, _ = experiments.gain_over_seeds(ours[:1], scratch, 2, prepared, drawn, seed=0)
    assert first.found == pytest.approx(alone[0][:3]) and first.seeds == 1
    assert experiments.gain_over_seeds(ours, scratch, 2, prepared, drawn[:1], seed=0)[0].seeds == 1, "one start of a net from scratch"


def test_sizes_that_a_class_cannot_give_are_named(prepared):
    assert experiments.possible(prepared, (1, 17, 18, 60))[0] == [1, 17]
    assert "in a, b, c and 1 more" in experiments.possible(prepared, (60,))[1][60]


def test_a_summary_of_one_fold_has_no_std_and_no_interval():
    frame = pd.DataFrame([{"method": "m", "size": 1, "fold": 0, "accuracy": 0.5, "answers": 10, "trained": 20}])
    row = experiments.summary(frame).iloc[0]
    assert row["accuracy"] == 50.0 and np.isnan([row["std"], row["low"], row["high"]]).all()


def test_the_interval_of_few_folds_is_students_widened_by_the_images_that_they_share():
    frame = pd.DataFrame(
        [
            {"method": "m", "size": 1, "fold": fold, "accuracy": value, "answers": 10, "trained": 20}
            for fold, value in enumerate((0.4, 0.5, 0.6))
        ]
    )
    row = experiments.summary(frame).iloc[0]
    half = 4.302653 * 10 * np.sqrt(1 / 3 + 10 / 20)  # the table's value for two degrees of freedom
    assert (row["low"], row["high"]) == pytest.approx((50 - half, 50 + half))


def test_what_is_only_hard_to_see_does_not_count(prepared):
    assert experiments.counted(prepared).all()
    listed = ["[]"] * len(prepared.table)
    listed[1] = '["cat", "sheep"]'
    made = prepared_sets.PreparedSet(prepared.path, prepared.table.assign(hard=listed), prepared.classes, prepared.facts)
    counts = experiments.counted(made)
    assert counts.shape == (72, 20) and (~counts).sum() == 2 and (~counts[1]).sum() == 2


def test_what_scenes_show_is_read_from_names(prepared):
    listed = [json.dumps([prepared.classes[label]]) for label in prepared.labels]
    listed[0] = json.dumps(["a", "d"])
    made = prepared_sets.PreparedSet(prepared.path, prepared.table.assign(present=listed, control=False), prepared.classes, prepared.facts)
    assert experiments.present(made)[0].tolist() == [True, False, False, True]
    assert (experiments.present(made)[1:].argmax(1) == prepared.labels[1:]).all()


def test_the_two_protocols_rank_what_is_shown_first():
    generator = np.random.default_rng(0)
    shown = generator.random((300, 4)) < 0.4
    shown[:, 3] = False  # a class that no picture shows
    features = (shown + generator.normal(0, 0.3, shown.shape)).astype(np.float16)
    train, test = np.arange(150), np.arange(150, 300)
    for way in (experiments.exclusive, experiments.independent):
        scores = way(features, shown, train, test, strength=100.0)
        assert scores.shape == (150, 4) and (scores[:, 3] == 0).all()
        for label in range(3):
            assert scores[shown[test, label], label].mean() > scores[~shown[test, label], label].mean()
    both = shown[test][:, :2].all(1) & ~shown[test][:, 2]
    assert experiments.exclusive(features, shown, train, test, strength=100.0)[both].max(1).mean() < 0.9, "exclusive answers share one"
    assert experiments.independent(features, shown, train, test, strength=100.0)[both][:, :2].min(1).mean() > 0.5


def test_chance_is_taken_off():
    found = experiments.above_chance(np.array([True, False, True]), np.array([1, 1, 3]), 20)
    assert found.tolist() == pytest.approx([1, -0.05 / 0.95, 1])
    guess = experiments.above_chance(np.random.default_rng(0).random(200_000) < 3 / 20, np.full(200_000, 3), 20)
    assert guess.mean() == pytest.approx(0, abs=0.005)


def test_an_outcome_keeps_answers_by_size_and_fold():
    outcome = Outcome("m")
    assert outcome.frame.empty and outcome.correct == {}


def test_the_mean_over_folds_has_the_interval_of_nadeau_and_bengio_and_none_for_one_fold():
    frame = pd.DataFrame({"answers": [20, 20, 20], "trained": [40, 40, 40]})
    mean, low, high = experiments.over_folds(np.array([1.0, 2.0, 3.0]), frame)
    half = 4.303 * np.sqrt(1 / 3 + 20 / 40)  # Student's quantile with two degrees of freedom; the deviation is 1
    assert mean == 2 and (low, high) == (pytest.approx(2 - half, abs=1e-3), pytest.approx(2 + half, abs=1e-3))
    assert experiments.over_folds(np.array([1.5]), frame[:1]) == (1.5, -np.inf, np.inf)
