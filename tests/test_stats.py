"""Statistics: log-odds in closed form equal the sum over the other classes; intervals and bootstraps equal slower ones."""

import numpy as np
import pytest
import torch
from scipy import stats

from zfutils.stats import bootstrap, intervals
from zfutils.stats.log_odds import log_odds


def slow_log_odds(logits):
    """From the definition: the logit minus the logarithm of the sum of the other classes' exponentials."""
    others = [torch.cat([logits[:, :c], logits[:, c + 1 :]], 1).logsumexp(1) for c in range(logits.shape[1])]
    return logits - torch.stack(others, 1)


@pytest.mark.parametrize("scale", [1e-3, 1, 30, 1000])
def test_log_odds_equal_those_from_the_other_classes(scale):
    logits = scale * torch.randn(40, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(log_odds(logits), slow_log_odds(logits), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(log_odds(logits.float()), slow_log_odds(logits).float(), rtol=1e-5, atol=1e-5)


def test_log_odds_of_ties_and_of_a_sure_class_are_finite():
    assert log_odds(torch.zeros(1, 2)).abs().max() < 1e-6
    torch.testing.assert_close(
        log_odds(torch.tensor([[80.0, 0.0, 0.0]])), torch.tensor([[80 - np.log(2), -80.0, -80.0]], dtype=torch.float32)
    )


def test_students_interval_is_that_of_a_t_test():
    folds = np.array([0.61, 0.66, 0.58, 0.64])
    expected = stats.ttest_1samp(folds, 0).confidence_interval()
    assert intervals.students_t(folds.mean(), folds.std(ddof=1), 4) == pytest.approx((expected.low, expected.high))
    assert np.isnan(intervals.students_t(0.6, np.nan, 1)).all()


def test_samples_drawn_a_few_at_a_time_are_those_drawn_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=30)
    whole = bootstrap.mean(values, generator=np.random.default_rng(1), draws=200)
    monkeypatch.setattr(bootstrap, "_CELLS", 70)
    assert bootstrap.mean(values, generator=np.random.default_rng(1), draws=200) == whole
    drawn = values[np.random.default_rng(1).integers(0, 30, (200, 30))].mean(1)
    assert whole == (values.mean(), *np.percentile(drawn, [2.5, 97.5]))


def test_a_measure_is_taken_of_drawn_indices_and_samples_without_one_are_left_out():
    values = np.arange(20.0)
    measure = lambda indices: values[indices].mean() if indices[0] else np.nan  # noqa: E731
    _, low, high = bootstrap.measured(measure, 20, generator=np.random.default_rng(0), draws=400)
    assert 6 < low < 9.5 < high < 13
