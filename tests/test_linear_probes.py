"""Probes: equal to plain formulas, blind to the test pictures, and sensible with one picture a class."""

import numpy as np
import pytest
import threadpoolctl
from sklearn.svm import SVC

from zfutils.core.errors import Problem
from zfutils.transfer import linear_probes


def clouds(count: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return (generator.normal(0, 1, (count, 6)) + 2.5 * np.eye(classes, 6)[labels]).astype(np.float32), labels


def test_scaling_centres_and_gives_unit_mean_squared_length():
    features, _ = clouds(50)
    scaled = linear_probes.Scaling.of(features)(features)
    assert np.abs(scaled.mean(0)).max() < 1e-6
    assert (scaled**2).sum(1).mean() == pytest.approx(1, rel=1e-5)
    assert np.isfinite(linear_probes.Scaling.of(np.ones((3, 4)))(np.ones((3, 4)))).all(), "features that are all alike"


def test_the_svm_is_the_librarys_linear_one():
    features, labels = clouds(60)
    machine = SVC(kernel="linear", C=5.0).fit(features[:40].astype(np.float64), labels[:40])
    found = linear_probes.svm(features[:40], labels[:40], features[40:], strength=5.0)
    assert np.array_equal(found, machine.predict(features[40:].astype(np.float64)))


@pytest.mark.parametrize("kind", ["softmax", "svm"])
def test_separable_classes_are_learnt_and_shuffled_labels_are_not(kind):
    features, labels = clouds(240)
    train, test = np.arange(120), np.arange(120, 240)
    right, strength = linear_probes.answers(kind, features, labels, train, test, generator=np.random.default_rng(0))
    assert right.mean() > 0.85 and strength in linear_probes.STRENGTHS
    mixed = np.random.default_rng(1).permutation(labels)
    assert linear_probes.answers(kind, features, mixed, train, test, generator=np.random.default_rng(0))[0].mean() < 0.55


def test_the_choice_of_c_does_not_look_at_test_pictures():
    features, labels = clouds(60)
    spoilt = features.copy()
    spoilt[30:] = np.random.default_rng(0).normal(0, 100, (30, 6))
    train = np.arange(30)
    one, other = (linear_probes.chosen("softmax", given, labels, train, generator=np.random.default_rng(2)) for given in (features, spoilt))
    assert one == other


def test_one_picture_a_class_takes_the_usual_c():
    features, labels = clouds(30)
    right, strength = linear_probes.answers("softmax", features, labels, np.arange(3), np.arange(3, 30), generator=np.random.default_rng(0))
    assert strength == linear_probes.USUAL and right.mean() > 0.5


@pytest.mark.parametrize("kind", ["softmax", "svm"])
def test_one_picture_in_each_of_many_classes_is_no_reason_to_warn(kind):
    features = np.eye(30, dtype=np.float32)
    right, _ = linear_probes.answers(
        kind,
        np.concatenate([features, features]),
        np.tile(np.arange(30), 2),
        np.arange(30),
        np.arange(30, 60),
        generator=np.random.default_rng(0),
    )
    assert right.all()


def test_one_regression_a_class_may_say_yes_to_several_and_knows_what_it_never_saw():
    features, labels = clouds(90)
    present = np.eye(3, dtype=bool)[labels]
    present[labels == 0, 1] = True  # the first kind shows two classes
    never, always = np.zeros((90, 1), bool), np.ones((90, 1), bool)
    shown = np.concatenate([present, never, always], 1)
    found = linear_probes.each_alone(features[:60], shown[:60], features[60:], strength=10.0)
    assert found.shape == (30, 5) and (found[:, 3] == 0).all() and (found[:, 4] == 1).all()
    assert ((found[:, :3] > 0.5) == present[60:]).mean() > 0.85


def test_one_mixed_class_alone():
    features, labels = clouds(60, classes=2)
    found = linear_probes.each_alone(features[:40], (labels[:40] == 1)[:, None], features[40:], strength=10.0)
    assert ((found[:, 0] > 0.5) == (labels[40:] == 1)).mean() > 0.9


def test_an_unknown_classifier_lists_those_that_exist():
    with pytest.raises(Problem, match="unknown classifier 'tree'; known: softmax, svm"):
        linear_probes.answers("tree", np.zeros((2, 2)), np.zeros(2, int), np.arange(1), np.arange(1), generator=np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["softmax", "svm"])
def test_answers_do_not_depend_on_the_number_of_threads(kind):
    generator = np.random.default_rng(0)
    labels = np.tile(np.arange(20), 90)
    features = np.maximum(generator.standard_normal((1800, 512)) + 0.12 * generator.standard_normal((20, 512))[labels], 0)
    scaled = linear_probes.Scaling.of(features)(features).astype(np.float32)
    fit, found = getattr(linear_probes, kind), []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            found.append(fit(scaled[:1200], labels[:1200], scaled[1200:], strength=10.0))
    assert np.abs(found[0] - found[1]).max() < 1e-9
