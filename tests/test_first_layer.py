"""First-layer filters in numbers: gratings fall into their bands, dead is dead."""

import numpy as np
import pytest

from zfutils.analysis import first_layer
from zfutils.stats import bootstrap


def grating(frequency: float, side: int = 11) -> np.ndarray:
    wave = np.cos(2 * np.pi * frequency * np.arange(side))
    return np.broadcast_to(wave, (1, 3, side, side))


@pytest.mark.parametrize(("frequency", "band"), [(0.0, 0), (0.11, 1), (0.12, 1), (0.3, 2), (0.45, 2)])
def test_a_grating_falls_into_its_band(frequency, band):
    shares = first_layer.band_shares(grating(frequency, 33))[0]
    assert shares.sum() == pytest.approx(1) and shares[band] > 0.75


def test_the_spectrum_keeps_all_energy_and_does_not_depend_on_the_size_of_the_filter():
    weight = np.random.default_rng(0).normal(size=(5, 3, 7, 7))
    frequency, energy = first_layer.spectrum(weight)
    assert frequency[0] == 0 and frequency[-1] == 0.5
    np.testing.assert_allclose(energy.sum(1), 1)
    np.testing.assert_allclose(first_layer.spectrum(weight * 9)[1], energy)


def test_small_or_silent_filters_are_dead():
    weight = np.ones((6, 3, 7, 7))
    weight[1] *= 0.09
    weight[2] *= 0.11
    strongest = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    assert first_layer.dead(weight, strongest).tolist() == [False, True, False, True, False, False]


def test_dominance_is_the_largest_over_the_median():
    weight = np.ones((5, 3, 7, 7))
    weight[4] *= 6
    assert first_layer.dominance(weight) == pytest.approx(6)


def test_the_bootstrap_covers_the_difference():
    generator = np.random.default_rng(0)
    difference, low, high = bootstrap.mean_difference(np.full(9, 3.0), np.full(7, 1.0), generator=generator)
    assert (difference, low, high) == (2, 2, 2)
