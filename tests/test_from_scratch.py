"""Nets from scratch see their own pictures alone, are read the second time, and are judged fairly."""

import dataclasses

import numpy as np
import pytest

from zfutils.analysis import regime
from zfutils.core import profiles
from zfutils.training import from_scratch
from zfutils.training.from_scratch import Scratch
from zfutils.training.trainer import Diverged, Trainer


@pytest.fixture
def profile():
    """A few steps of a small net."""
    smoke = profiles.profile("smoke")
    plan = dataclasses.replace(smoke.transfer, scratch_steps=3)
    return dataclasses.replace(smoke, image_size=56, transfer=plan)


def test_only_the_given_pictures_are_trained_on_and_the_second_time_it_is_read(tiny_set, profile, monkeypatch):
    rows, test, seen = np.array([0, 1, 2, 3, 8, 9]), np.array([60, 61, 62]), []
    whole = Trainer.batch

    def watched(self):
        seen.extend(whole(self)[0].tolist())
        return whole(self)

    monkeypatch.setattr(Trainer, "batch", watched)
    found = from_scratch.train(profile, tiny_set, tiny_set.mean(), rows, test, rate=0.0025, seed=0)
    assert set(seen) == set(rows) and found.correct.shape == (3,) and found.steps == 3
    seen.clear()
    again = from_scratch.train(profile, tiny_set, tiny_set.mean(), rows, test, rate=0.0025, seed=0)
    assert not seen and np.array_equal(again.correct, found.correct) and again.train_error == found.train_error
    assert again.losses == found.losses and again.log["step"].iloc[-1] == 3


def _answering(monkeypatch, right_of: dict[float, int | None]) -> list[tuple[float, set, set]]:
    """Let the trainings answer by a list, None for a run that diverges; return a list that fills with what was asked for."""
    asked = []

    def fake(profile, prepared, mean, kept, held, *, rate, seed, recipe):
        asked.append((rate, set(kept), set(held)))
        if right_of[rate] is None:
            raise Diverged("the loss is not finite")
        return Scratch(np.arange(len(held)) < right_of[rate], 0.0, 700, rate)

    monkeypatch.setattr(from_scratch, "train", fake)
    return asked


@pytest.mark.parametrize(
    ("right_of", "best"),
    [
        ({0.000625: 2, 0.00125: 4, 0.0025: 3}, 0.00125),
        ({0.0003125: 4, 0.000625: 5, 0.00125: 4, 0.0025: 3}, 0.000625),
        ({0.00125: 3, 0.0025: 4, 0.005: 5, 0.01: None}, 0.005),
        ({0.00125: 3, 0.0025: 4, 0.005: 5, 0.01: 6}, 0.01),
        ({0.000625: 3, 0.00125: 3, 0.0025: 3}, 0.000625),
        ({0.0003125: 2, 0.000625: 1, 0.00125: None, 0.0025: None}, 0.0003125),
        ({0.0003125: 2, 0.000625: None, 0.00125: None, 0.0025: None}, 0.0003125),
    ],
)
def test_the_rate_is_chosen_on_held_out_training_pictures_beyond_the_first_two(tiny_set, profile, monkeypatch, right_of, best):
    rows, asked = np.arange(24), _answering(monkeypatch, right_of)
    rate, table = from_scratch.best_rate(profile, tiny_set, tiny_set.mean(), rows, seed=0)
    assert rate == best, "never one at which the run diverges; of equal ones the smallest"
    assert all(kept | held == set(rows.tolist()) and not kept & held for _, kept, held in asked)
    assert table["rate"].tolist() == sorted(right_of) == sorted(rate for rate, _, _ in asked), "each is tried once, and no more than needed"
    assert table["right"].tolist() == [-1 if right_of[rate] is None else right_of[rate] for rate in sorted(right_of)]


def test_another_net_from_scratch_has_its_own_layers_crops_and_weight_decay(tiny_set, profile):
    rows = np.arange(24)
    usual, later = (from_scratch._settings(profile, tiny_set, rows, 0.005, 0, name) for name in ("zfnet", "zfnet-10-classes"))
    assert (usual.clips, usual.anywhere, usual.weight_decay) == (True, False, 0)
    assert (later.clips, later.anywhere, later.weight_decay) == (False, True, 5e-4)
    assert later.architecture.classes == usual.architecture.classes == len(tiny_set.classes), "the classes at hand, not those of the recipe"
    assert any("batch" in conv.then for conv in later.architecture.convs) and later.recipe == "zfnet-10-classes from scratch"
    assert (later.epochs, later.lr_drops, later.learning_rate) == (usual.epochs, usual.lr_drops, usual.learning_rate)


def test_a_net_that_did_not_learn_its_pictures_does_not_compare_by_the_rule_for_every_net():
    net = Scratch(np.zeros(1, bool), 0.2, 100, 0.01, ((50, 1.0), (100, 0.99)))
    assert regime.of_scratch(net, classes=4).under_trained == ""
    assert "never left chance" in regime.of_scratch(dataclasses.replace(net, losses=((50, 1.38), (100, 1.37))), classes=4).under_trained
    assert "errs on 40.0%" in regime.of_scratch(dataclasses.replace(net, train_error=0.4), classes=4).under_trained
    assert "still fell" in regime.of_scratch(dataclasses.replace(net, losses=((50, 1.0), (100, 0.8))), classes=4).under_trained
