"""Regimes: when the comparisons of a net say nothing of its recipe; noise that measures of frequencies are held against."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from zfutils.analysis import aliasing, first_layer, noise, regime
from zfutils.analysis.regime import Regime

ENOUGH = Regime("zfnet", 1000, 100, 0.30, 0.331, 0.05)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"began": None}, "zfnet never left chance"),
        ({"train_error": 0.40}, "zfnet errs on 40.0% of its training images, the paper's net on 33.1%"),
        ({"fall": 0.2}, "the training loss of zfnet still fell by 20.0% in the last fifth of its run"),
        ({"fall": 0.2, "train_error": 0.01}, ""),
        ({"train_error": 0.15, "printed": 0.10}, "zfnet errs on 15.0% of its training images, the paper's net on 10.0%"),
    ],
)
def test_one_rule_for_every_net(change, said):
    assert dataclasses.replace(ENOUGH, **change).under_trained == said


def test_reasons_name_each_net_once_and_those_of_further_seeds_too():
    late = dataclasses.replace(ENOUGH, name="alexnet-again", began=None)
    regimes = {"zfnet": ENOUGH, "alexnet": dataclasses.replace(ENOUGH, name="alexnet"), "alexnet-again": late}
    assert regime.reasons(regimes, ("zfnet", "alexnet", "alexnet")) == "alexnet-again never left chance"
    assert not regime.reasons(regimes, ["zfnet"])
    regimes |= {name: dataclasses.replace(ENOUGH, name=name, fall=fall) for name, fall in (("zfnet", 0.2), ("alexnet", 0.37))}
    together = "the training losses of zfnet, alexnet still fell by 20.0% to 37.0% in the last fifth of their runs"
    assert regime.reasons(regimes, ("zfnet", "alexnet")) == f"alexnet-again never left chance; {together}"


@pytest.mark.parametrize(("losses", "expected"), [([4, 3, 2, 1, 0.8], 0.2), ([2, 1], 0.5), ([3], 0), ([*[3] * 8, 2.4, 1.5], 0.5)])
def test_the_fall_is_that_since_four_fifths_of_the_run(losses, expected):
    assert regime.fall(pd.DataFrame({"train_loss": losses})) == pytest.approx(expected)


def test_the_regime_of_a_net_is_counted_on_drawn_training_images(tiny_set, monkeypatch):
    log = pd.DataFrame({"step": [3, 6], "train_loss": [1.3, 0.9]})
    trained = type("Trained", (), {"log": log})()
    answers = np.eye(4)[tiny_set.labels]
    answers[:24] = np.roll(answers[:24], 1, 1)  # the first half of the training images is answered wrongly
    monkeypatch.setattr(regime.cached_predictions, "of", lambda trained, prepared, indices, crops: answers[indices])
    found = regime.of(trained, tiny_set, name="zfnet", seed=0)
    indices = regime.training_images(tiny_set, seed=0)
    assert len(indices) == 12 and (indices < 48).all() and found.train_error == (indices < 24).mean()
    assert (found.steps, found.began, found.printed) == (6, 6, pytest.approx(0.331))
    assert regime.of(trained, tiny_set, name="x", seed=0, row="krizhevsky-replication-removed-layers-3-4-6-7").printed == pytest.approx(
        0.711
    )


def test_the_amplitude_of_the_noise_falls_as_one_over_the_frequency():
    pictures = noise.pink(200, 64, generator=np.random.default_rng(0))
    assert pictures.shape == (200, 3, 64, 64)
    window = np.hanning(64)
    power = (np.abs(np.fft.fft2(pictures * window[:, None] * window)) ** 2).mean((0, 1))
    assert np.log2(power[0, 4] / power[0, 16]) == pytest.approx(4, abs=0.4)  # power falls as 1/f^2


def ratio(power: np.ndarray, at: int) -> float:
    """log2 of the power at a frequency over that of the frequencies near by, which a falling spectrum changes."""
    distance = np.abs(np.arange(33) - at)
    return float(np.log2(power[:, distance <= 1].mean(1) / power[:, (distance >= 3) & (distance <= 6)].mean(1)).mean())


def test_equal_grids_on_noise_differ_between_strides_by_their_excess_and_not_by_their_strength():
    pictures = noise.pink(300, 27, generator=np.random.default_rng(1))
    pictures, place = pictures / pictures.std((1, 2, 3), keepdims=True), np.arange(27)
    quarter, half = 0.5 * 2**0.5 * np.cos(np.pi * place / 2), 0.5 * np.cos(np.pi * place)  # grids of equal power
    gridded = {stride: pictures + (grid[:, None] + grid) for stride, grid in ((4, quarter), (2, half))}
    excess = {stride: ratio(aliasing.line_spectrum(found), 64 // stride) for stride, found in gridded.items()}
    assert excess[4] - excess[2] < -1
    strengths = {stride: aliasing.strength(found, stride, seed=2).mean() for stride, found in gridded.items()}
    assert strengths[4] == pytest.approx(strengths[2], rel=0.1) and strengths[4] > 0.05
    without = {stride: aliasing.strength(pictures, stride, seed=2).mean() for stride in gridded}
    assert max(map(abs, without.values())) < 0.01
    assert aliasing.strength(np.zeros((2, 3, 27, 27)), 4, seed=0).tolist() == [0, 0]


def test_filters_of_noise_cover_the_middle_as_their_window_lets_them_and_not_more():
    shares = {side: noise.pink(400, side, generator=np.random.default_rng(side)) for side in (7, 11)}
    for filters in shares.values():
        beyond = first_layer.middle_beyond_noise(filters, generator=np.random.default_rng(0))
        assert beyond.mean() == pytest.approx(0, abs=0.03)
