"""Errors of several nets: counts by hand, and bootstraps equal to loops that resample images one by one."""

import numpy as np
import pandas as pd
import pytest

from zfutils.analysis import error_rates
from zfutils.models import predictions
from zfutils.report import plot
from zfutils.stats import bootstrap
from zfutils.training import runs

DRAWS = 4000


@pytest.fixture
def answers() -> np.ndarray:
    """Wrong answers of six nets to 250 images, some images harder than others."""
    generator = np.random.default_rng(0)
    hard = generator.random(250)
    return generator.random((6, 250)) < 0.6 * hard


def slow(measure, *splits: int) -> tuple[float, float]:
    """The interval of a measure of drawn rows, one array of rows a split."""
    generator = np.random.default_rng(7)
    drawn = [measure(*(generator.integers(0, n, n) for n in splits)) for _ in range(DRAWS)]
    return tuple(np.percentile(drawn, [2.5, 97.5]))


def test_counts_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2, 0, 0, 0], [0.1, 0.2, 0.7, 0, 0, 0], [0.4, 0.3, 0.1, 0.1, 0.1, 0.0]])
    row = error_rates.counted(probabilities, np.array([0, 1, 5]))
    assert (row["n"], row["top-1 wrong"], row["top-2 wrong"], row["top-5 wrong"]) == (3, 2, 1, 1)
    assert (row["top-1 error %"], row["top-2 error %"]) == (66.67, 33.33)
    low, high = predictions.ErrorRate(2, 3).interval()
    assert (row["low %"], row["high %"]) == (round(100 * low, 2), round(100 * high, 2))
    assert row["mean log loss"] == round((np.log(2) + np.log(5) + np.log(1e12)) / 3, 4)  # no likelihood below 1e-12


def test_a_net_has_begun_to_learn_at_the_end_of_the_first_epoch_below_nine_tenths_of_a_guess():
    losses = {"train_loss": np.array([1.0, 0.91, 0.89, 0.5]), "dev_loss": np.array([0.95, 0.89, 0.6, 0.4])}
    log = pd.DataFrame({"step": [10, 20, 30, 40], **{which: np.log(20) * loss for which, loss in losses.items()}})
    assert error_rates.left_chance(log, 20) == 30
    assert error_rates.left_chance(log, 20, loss="dev_loss") == 20  # without dropout, and at the end of an epoch
    assert error_rates.left_chance(log, 10) == 40  # the guess among fewer classes has a smaller loss
    assert error_rates.left_chance(log[:2], 20) is None


def test_bootstrap_samples_have_the_mean_and_the_spread_of_resampled_images():
    values = np.array([[0, 1], [0, 1], [1, 0], [1, 0], [1, 1]])
    drawn = bootstrap.means(values, generator=np.random.default_rng(0), draws=50_000)
    assert drawn.shape == (50_000, 2) and set(np.round(drawn[:, 0] * 5).astype(int)) == set(range(6))
    np.testing.assert_allclose(drawn.mean(0), values.mean(0), atol=0.005)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(values.T, bias=True) / 5, atol=0.002)
    with pytest.raises(ValueError, match="got none"):
        bootstrap.means(np.empty((0, 2)), generator=np.random.default_rng(0))


def test_the_gain_of_an_ensemble_equals_a_slow_bootstrap(answers):
    together, alone = answers[0], answers[1:]
    value, low, high = error_rates.ensemble_gain(together, alone, generator=np.random.default_rng(1))
    assert value == pytest.approx(together.mean() - alone.mean())
    assert (low, high) == pytest.approx(slow(lambda rows: together[rows].mean() - alone[:, rows].mean(), 250), abs=0.006)


def test_the_gain_by_hand():
    together, alone = np.array([False, False, True, False]), np.array([[True, False, True, False], [False, False, True, True]])
    assert error_rates.ensemble_gain(together, alone, generator=np.random.default_rng(0))[0] == 1 / 4 - (2 / 4 + 2 / 4) / 2
    same = error_rates.ensemble_gain(together, together[None], generator=np.random.default_rng(0))
    assert same == (0, 0, 0)


def test_the_difference_of_gaps_is_that_of_the_means_and_as_wide_as_a_slow_bootstrap_of_both_splits(answers):
    val, base_val, (train, base_train) = answers[0], answers[1], answers[2:4, :90]
    found = error_rates.gap_difference((val, train), (base_val, base_train), generator=np.random.default_rng(1))
    assert found.value == pytest.approx((val.mean() - train.mean()) - (base_val.mean() - base_train.mean())) and found.seeds == 1

    def gap(rows: np.ndarray, seen: np.ndarray) -> float:
        return (val[rows].mean() - train[seen].mean()) - (base_val[rows].mean() - base_train[seen].mean())

    assert found.interval == pytest.approx(slow(gap, 250, 90), abs=0.015)


def test_the_gap_by_hand():
    none, half = np.zeros(4, bool), np.array([True, False, True, False])
    overfitted, base = (half, none), (half, half)
    assert error_rates.gap_difference(overfitted, base, generator=np.random.default_rng(0)).value == 0.5
    assert error_rates.gap_difference(base, base, generator=np.random.default_rng(0)).found == (0, 0, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda few, many, chance: error_rates.ensemble_gain(few, many[None], generator=chance),
        lambda few, many, chance: error_rates.gap_difference((many, many), (many, few), generator=chance),
    ],
)
def test_answers_to_other_images_are_refused(call):
    with pytest.raises(ValueError, match="same images"):
        call(np.zeros(3, bool), np.zeros(4, bool), np.random.default_rng(0))


def test_a_seed_draws_the_same_samples_again(answers):
    values = answers.T.astype(float)
    one, two, other = (bootstrap.means(values, generator=np.random.default_rng(seed), draws=50) for seed in (3, 3, 4))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_a_change_has_a_direction_only_where_its_interval_leaves_zero_out():
    assert [error_rates.direction(ends) for ends in ((0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1), (0.0, 0.1))] == [
        "higher",
        "lower",
        "undecided",
        "undecided",
    ]


def test_missing_nets_come_with_what_is_there_of_them(monkeypatch):
    stopped = "training zfnet-3 stopped: the loss is not finite at step 7 of 9 (learning rate 0.5); lower the learning rate"
    states = {"zfnet": "trained", "zfnet-2": "missing", "zfnet-3": stopped, "zfnet-wide": "at step 3 of 12"}
    monkeypatch.setattr(runs, "state", lambda profile, name, *, seed: states[name])
    assert error_rates.missing(None, list(states)) == {
        "zfnet-2": "zfnet-2 is missing",
        "zfnet-3": "training zfnet-3 stopped: the loss is not finite at step 7 of 9 (learning rate 0.5)",
        "zfnet-wide": "zfnet-wide is at step 3 of 12",
    }


def test_what_is_missing_is_named_together():
    missing = {name: f"{name} is missing" for name in ("b", "c", "d")} | {"e": "e is at step 3 of 12"}
    assert error_rates.missing_words(missing, ["a", "b", "e", "c", "d"]) == "b, c and d are missing; e is at step 3 of 12"
    assert error_rates.missing_words(missing, ["a", "b"]) == "b is missing" and error_rates.missing_words(missing, ["a"]) == ""


def test_dots_stand_in_order_with_their_intervals_and_a_missing_row_has_its_label_only():
    frame = pd.DataFrame(
        {
            "net": ["a", "b", "c"],
            "base": ["one", "one", "two"],
            "change": [1.0, np.nan, -2.0],
            "low": [0.5, np.nan, -3.0],
            "high": [1.5, np.nan, -1.0],
            "paper": [4.0, 5.0, 6.0],
        }
    )
    options = {
        "value": "change",
        "ends": ("low", "high"),
        "row": "net",
        "hue": "base",
        "xlabel": "points",
        "beside": ("paper", "the paper"),
    }
    axis = plot.dots(frame, **options, labels=["+1", "missing", "-2"], zero=True).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b", "c"] and axis.get_ylim() == (2.5, -0.5)
    drawn = {line.get_label(): line.get_xdata().tolist() for line in axis.lines if line.get_marker() in ("o", "D")}
    assert drawn["the paper"] == [4, 5, 6] and drawn["two"] == [-2] and drawn["one"][0] == 1 and np.isnan(drawn["one"][1])
    segments = [segment for part in axis.collections for segment in part.get_segments()]
    ends = [segment[:, 0].tolist() for segment in segments if segment.ndim == 2 and np.isfinite(segment).all()]
    assert ends == [[0.5, 1.5], [-3.0, -1.0]]
    assert [text.get_text() for text in axis.texts] == ["+1", "missing", "-2"] and axis.get_xlabel() == "points"
