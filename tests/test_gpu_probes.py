"""The probes for a GPU, run here on a CPU, give the answers of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from zfutils.models import devices
from zfutils.transfer import gpu_probes, linear_probes


def clouds(classes: int, count: int = 150, numbers: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overlapping classes of unequal size: scaled training features, their classes, and test features."""
    generator = np.random.default_rng(classes)
    labels = np.concatenate([np.arange(classes), generator.integers(0, classes, count - classes) // 2 * 2 % classes])
    centres = generator.normal(size=(classes, numbers))
    train = centres[labels] + generator.normal(0, 1.2, (count, numbers))
    test = generator.normal(0, 1.5, (400, numbers))
    scaling = linear_probes.Scaling.of(train)
    return scaling(train), labels, scaling(test)


def tensors(*arrays):
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize("strength", [1.0, 1000.0])
def test_softmax_is_scikit_learns(classes, strength):
    train, labels, test = clouds(classes)
    expected = LogisticRegression(C=strength, max_iter=20_000, tol=1e-8).fit(train, labels).predict_proba(test)
    np.testing.assert_allclose(gpu_probes.softmax(*tensors(train, labels, test), strength=strength).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("strength", [1.0, 100.0])
def test_a_regression_a_class_is_scikit_learns(strength):
    train, labels, test = clouds(5)
    present = np.eye(5, dtype=bool)[labels]
    present[labels == 0, 1] = True
    exact = LogisticRegression(C=strength, max_iter=20_000, tol=1e-8)
    expected = np.stack([exact.fit(train, own).predict_proba(test)[:, 1] for own in present.T], 1)
    np.testing.assert_allclose(gpu_probes.each_alone(*tensors(train, present, test), strength=strength).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize("strength", [1.0, 10.0, 1000.0])
def test_the_svm_is_scikit_learns(classes, strength, monkeypatch):
    monkeypatch.setattr(gpu_probes, "_TOLERANCE", 1e-6)
    monkeypatch.setattr(gpu_probes, "_PAIRS", 5)
    train, labels, test = clouds(classes)
    expected = SVC(kernel="linear", C=strength, tol=1e-6).fit(train, labels).predict(test)
    assert (gpu_probes.svm(*tensors(train, labels, test), strength=strength).numpy() == expected).mean() > 0.995


def test_with_a_gpu_the_probes_run_there(monkeypatch):
    train, labels, test = clouds(4)
    present = np.eye(4, dtype=bool)[labels]
    present = np.concatenate([present, np.ones_like(present[:, :1]), np.zeros_like(present[:, :1])], 1)
    asked = {"svm": labels * 3, "softmax": labels * 3, "each_alone": present}
    here = {name: getattr(linear_probes, name)(train, told, test, strength=10.0) for name, told in asked.items()}
    monkeypatch.setattr(linear_probes, "_gpu", lambda: torch.device("cpu"))
    monkeypatch.setattr(linear_probes, "SVC", None)
    monkeypatch.setattr(linear_probes, "LogisticRegression", None)
    there = {name: getattr(linear_probes, name)(train, told, test, strength=10.0) for name, told in asked.items()}
    assert (here["svm"] == there["svm"]).mean() > 0.99
    for name in ("softmax", "each_alone"):
        np.testing.assert_allclose(there[name], here[name], atol=0.05)  # there the optimum, here within 1e-4 of a zero gradient


@pytest.mark.parametrize(("kind", "expected"), [("cuda", torch.device("cuda", 0)), ("mps", None), ("cpu", None)])
def test_only_a_cuda_gpu_takes_the_probes_over(monkeypatch, kind, expected):
    monkeypatch.setattr(devices, "device", lambda: torch.device(kind, 0) if kind == "cuda" else torch.device(kind))
    assert linear_probes._gpu() == expected
