"""Nets from scratch see their own pictures alone, are read the second time, and are judged fairly."""

import dataclasses

import numpy as np
import pytest

from zfutils import profiles, scratch, training
from zfutils.scratch import Scratch


@pytest.fixture
def profile():
    """A few steps of a small net."""
    smoke = profiles.profile("smoke")
    plan = dataclasses.replace(smoke.transfer, scratch_steps=3)
    return dataclasses.replace(smoke, image_size=56, transfer=plan)


def test_only_the_given_pictures_are_trained_on_and_the_second_time_it_is_read(tiny_set, profile, monkeypatch):
    rows, test, seen = np.array([0, 1, 2, 3, 8, 9]), np.array([60, 61, 62]), []
    whole = training.Trainer.batch

    def watched(self):
        seen.extend(whole(self)[0].tolist())
        return whole(self)

    monkeypatch.setattr(training.Trainer, "batch", watched)
    found = scratch.train(profile, tiny_set, tiny_set.mean(), rows, test, rate=0.0025, seed=0)
    assert set(seen) == set(rows) and found.correct.shape == (3,) and found.steps == 3
    seen.clear()
    again = scratch.train(profile, tiny_set, tiny_set.mean(), rows, test, rate=0.0025, seed=0)
    assert not seen and np.array_equal(again.correct, found.correct) and again.train_error == found.train_error


def test_the_rate_is_chosen_on_held_out_training_pictures(tiny_set, profile, monkeypatch):
    rows = np.arange(24)
    asked = []

    def fake(profile, prepared, mean, kept, held, *, rate, seed):
        asked.append((set(kept), set(held)))
        if rate == max(scratch.RATES):
            raise training.Diverged("the loss is not finite")
        right = np.arange(len(held)) < (3 if rate == sorted(scratch.RATES)[1] else 2)
        return Scratch(right, 0.0, 700, rate, 0.75)

    monkeypatch.setattr(scratch, "train", fake)
    rate, table = scratch.best_rate(profile, tiny_set, tiny_set.mean(), rows, seed=0)
    assert rate == sorted(scratch.RATES)[1]
    assert all(kept | held == set(rows.tolist()) and not kept & held for kept, held in asked)
    assert table["right"].tolist()[-1] == -1, "a rate at which the run diverges is never taken"


@pytest.mark.parametrize(
    ("error", "steps", "comparable"),
    [(0.04, 100, True), (0.2, 100, False), (0.2, 600, True), (0.4, 600, False), (0.75, 5000, False)],
)
def test_a_net_that_did_not_learn_its_pictures_does_not_compare(error, steps, comparable):
    assert Scratch(np.zeros(1, bool), error, steps, 0.01, 0.75).comparable is comparable
