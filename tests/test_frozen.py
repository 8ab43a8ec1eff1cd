"""Sliders on frozen features: what is drawn is what the library says."""

import ipywidgets as widgets
import numpy as np
import pytest

from zfutils.analysis import similarity
from zfutils.core.errors import Problem
from zfutils.data import splits
from zfutils.stats import average_precision
from zfutils.transfer import linear_probes
from zfutils.widgets.frozen import Frozen, Ranking
from zfutils.widgets.sliders import Sliders


def never() -> None:
    """Nobody waits for anything else."""


@pytest.fixture
def frozen(tiny_set) -> Frozen:
    generator = np.random.default_rng(0)
    known = np.eye(4)[tiny_set.labels]
    features = {layer: (known + generator.normal(0, noise, known.shape)).astype(np.float16) for layer, noise in ((1, 2.0), (7, 0.05))}
    return Frozen(features, tiny_set, splits.draw(tiny_set.labels, largest=5, test=4, fold=0, seed=0))


@pytest.fixture
def ranking(tiny_set) -> Ranking:
    generator = np.random.default_rng(1)
    scores, present = generator.random((72, 4)), generator.random((72, 4)) < 0.3
    present[:, 3] = False
    counts = np.ones_like(present)
    counts[:10, 0] = False
    return Ranking(tiny_set, np.arange(72), scores, present, counts)


def test_nearest_are_those_of_the_largest_cosine_and_never_the_picture_itself():
    features = np.array([[1, 0], [0, 1], [2, 0.1], [1, 1], [0, 0]], np.float16)
    others, alike = similarity.nearest(features, 0, count=3)
    assert others.tolist() == [2, 3, 1]
    assert alike == pytest.approx(similarity.cosine(np.repeat(features[:1], 3, 0), features[others]), abs=1e-3)


def test_a_picture_without_features_is_near_to_none():
    others, alike = similarity.nearest(np.array([[0, 0], [0, 1], [1, 0]], np.float16), 0, count=2)
    assert others.tolist() == [1, 2] and alike.tolist() == [0, 0]


def test_neighbours_are_counted_by_class(frozen):
    shown = frozen.nearest(5, 7, never)
    others, _ = similarity.nearest(frozen.features[7], 5, count=8)
    same = int((frozen.prepared.labels[others] == frozen.prepared.labels[5]).sum())
    assert list(shown.pictures) == [f"{same} of 8 are {frozen.prepared.classes[frozen.prepared.labels[5]]}"] and same == 8
    assert frozen.nearest(5, 1, never).text != shown.text


def test_answers_are_those_of_the_classifier(frozen):
    labels, test = frozen.prepared.labels, frozen.fold.test
    given = linear_probes.predicted("svm", frozen.features[1], labels, frozen.fold.train(2), test, strength=linear_probes.USUAL)
    accuracy = splits.class_mean(given == labels[test], labels[test])
    shown, shown_classes = frozen.answers(2, 1, never), np.unique(frozen.prepared.labels[frozen.fold.test])
    assert list(shown.pictures) == [f"{100 * accuracy:.0f} % right"] and 0 < accuracy < 1 and "layers that are frozen" in shown.svg
    assert f"one picture of each of {len(shown_classes)} classes" in shown.text
    assert list(frozen.answers(2, 7, never).pictures) == ["100 % right"]


def test_a_wrong_answer_is_crossed(frozen):
    (right,), (some,) = (list(frozen.answers(size, layer, never).pictures.values()) for size, layer in ((2, 7), (1, 1)))
    labels, test = frozen.prepared.labels, frozen.fold.test
    given = linear_probes.predicted("svm", frozen.features[1], labels, frozen.fold.train(1), test, strength=linear_probes.USUAL)
    first = np.unique(labels[test], return_index=True)[1]
    changed = [bool((right != some)[:, 100 * n + 4 : 100 * n + 90].any()) for n in range(4)]
    assert changed == [given[n] != labels[test][n] for n in first] and any(changed)


def test_the_cut_says_what_the_curve_says(ranking):
    own = np.arange(10, 72)
    _, precision, recall = average_precision.curve(ranking.scores[own, 0], ranking.present[own, 0])
    shown = ranking.cut("a", 7, never)
    assert list(shown.pictures) == [f"precision {precision[6]:.2f}, recall {recall[6]:.2f}"] and "of 62" in shown.text
    everything = ranking.cut("a", 500, never)
    assert f"precision {ranking.present[own, 0].mean():.2f}, recall 1.00" in everything.pictures


def test_the_curve_ends_where_the_average_does():
    scores, present = np.array([4.0, 3, 2, 1]), np.array([True, False, True, False])
    order, precision, recall = average_precision.curve(scores, present)
    assert order.tolist() == [0, 1, 2, 3] and precision.tolist() == [1, 1 / 2, 2 / 3, 2 / 4] and recall.tolist() == [0.5, 0.5, 1, 1]
    steps = np.diff(recall, prepend=0.0)
    assert average_precision.average(scores, present, interpolated=False) == pytest.approx((steps * precision).sum())


def test_a_class_that_no_picture_shows_is_told(ranking):
    with pytest.raises(Problem, match="none shows d"):
        ranking.cut("d", 3, never)


@pytest.mark.parametrize("which", ["nearest", "answers", "cut"])
def test_every_state_of_a_row_is_drawn(frozen, ranking, which):
    work, states = {
        "nearest": (frozen.nearest, [{"picture": 3, "layer": 1}, {"picture": 3, "layer": 7}]),
        "answers": (frozen.answers, [{"images": 1, "layers": 1}, {"images": 5, "layers": 7}]),
        "cut": (ranking.cut, [{"target": "a", "taken": 5}, {"target": "b", "taken": 40}]),
    }[which]
    first = states[0]
    controls = {name: widgets.Dropdown(description=name, options=[value], value=value) for name, value in first.items()}
    made = Sliders(work, title="Frozen", controls=controls, pictures=2)
    figure = made.figure(states, columns=2)
    made.pipeline.close()
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 2 and all(axis.get_title().count(":") == 1 for axis in shown)
    assert (shown[0].images[0].get_array() != shown[1].images[0].get_array()).any()
