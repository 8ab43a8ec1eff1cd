"""Gradient descent on a small loss: steps worked by hand, the library's optimizer, and what the factors say."""

import numpy as np
import pytest
import torch

from zfutils.core.errors import Problem
from zfutils.training import descent


def test_two_steps_by_hand():
    points = descent.path(np.array([8.0, 1.0]), np.array([1.0, 10.0]), rate=0.1, momentum=0.5, steps=2)
    # v = (8, 10), x = (7.2, 0); v = (4 + 7.2, 5 + 0), x = (7.2 - 1.12, -0.5)
    assert points == pytest.approx(np.array([[8, 1], [7.2, 0], [6.08, -0.5]]))
    assert descent.loss(points, np.array([1.0, 10.0])) == pytest.approx([37, 25.92, 19.7332])


def test_the_path_is_that_of_the_optimizer():
    weight = torch.nn.Parameter(torch.tensor([-9.0, 1.6], dtype=torch.float64))
    optimizer, steep = torch.optim.SGD([weight], lr=0.03, momentum=0.9), torch.tensor([1.0, 25.0], dtype=torch.float64)
    points = descent.path(np.array([-9.0, 1.6]), np.array([1.0, 25.0]), rate=0.03, momentum=0.9, steps=20)
    for point in points[1:]:
        optimizer.zero_grad()
        ((steep * weight**2).sum() / 2).backward()
        optimizer.step()
        assert weight.detach().numpy() == pytest.approx(point, abs=1e-12)


def test_without_momentum_a_step_keeps_one_minus_rate_times_curvature():
    assert descent.modes(np.array([1.0, 10, 15, 25]), rate=0.1, momentum=0.0).real == pytest.approx([0.9, 0, -0.5, -1.5])


@pytest.mark.parametrize(("rate", "momentum"), [(0.02, 0.0), (0.07, 0.0), (0.03, 0.5), (0.02, 0.9), (0.14, 0.9)])
def test_the_factors_are_those_of_the_step_as_a_matrix(rate, momentum):
    for steep, found in zip((1.0, 25.0), descent.modes(np.array([1.0, 25.0]), rate=rate, momentum=momentum), strict=True):
        step = np.array([[1 + momentum - rate * steep, -momentum], [1, 0]])
        assert abs(found) == pytest.approx(max(abs(np.linalg.eigvals(step))))


@pytest.mark.parametrize(
    ("rate", "momentum", "said"),
    [
        (0.0, 0.5, "stands still"),
        (0.02, 0.0, "converges: the slowest axis keeps 0.980"),
        (0.04, 0.0, "converges: the slowest axis keeps 0.960"),
        (0.06, 0.0, "oscillates: it swings over the minimum along curvature 25; the slowest axis keeps 0.940"),
        (0.02, 0.9, "oscillates: it swings over the minimum along curvature 1 and 25; the slowest axis keeps 0.949"),
        (0.08, 0.0, "diverges: the rate is not below 0.08"),
        (0.16, 0.9, "diverges: the rate is not below 0.152"),
    ],
)
def test_the_verdict_is_what_the_path_does(rate, momentum, said):
    curvatures = np.array([1.0, 25.0])
    verdict = descent.verdict(curvatures, rate=rate, momentum=momentum)
    assert verdict.startswith(said) and "\n" not in verdict
    losses = descent.loss(descent.path(np.array([-9.0, 1.6]), curvatures, rate=rate, momentum=momentum, steps=400), curvatures)
    assert (losses[-1] < 1e-6 * losses[0]) == verdict.startswith(("converges", "oscillates"))


def test_a_path_that_runs_away_ends():
    points = descent.path(np.array([0.0, 1.0]), np.array([1.0, 25.0]), rate=0.2, momentum=0.0, steps=500)
    assert points[:, 1].tolist() == [1, -4, 16, -64, 256, -1024]  # 16^5 times the first loss: more than a million


@pytest.mark.parametrize(("rate", "momentum"), [(-0.1, 0.5), (0.1, 1.0), (0.1, -0.2)])
def test_a_bad_rate_or_momentum_is_one_line(rate, momentum):
    for answer in (descent.modes, descent.verdict):
        with pytest.raises(Problem, match=r"the paper takes \.01 and \.9"):
            answer(np.array([1.0]), rate=rate, momentum=momentum)
    with pytest.raises(Problem, match="expected a rate from 0"):
        descent.path(np.array([1.0]), np.array([1.0]), rate=rate, momentum=momentum, steps=1)
