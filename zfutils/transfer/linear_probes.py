"""Probes: linear classifiers on frozen features, a softmax and a linear support vector machine."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from zfutils.core.errors import unknown
from zfutils.data import splits
from zfutils.models import devices
from zfutils.transfer import gpu_probes

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)  # C, the weight of the errors against that of the margin, that are tried
USUAL = 100.0  # C where there is one image a class, so that none can be held out to choose it


@dataclass(frozen=True)
class Scaling:
    """Features moved and scaled as the training features demand: their mean is 0 and their mean squared length 1.

    One factor for all numbers, so that a layer keeps its own proportions; C then means the same for every layer.

    Attributes:
        mean: of the training features, (numbers,).
        length: root mean square length of the training features.
    """

    mean: np.ndarray
    length: float

    @classmethod
    def of(cls, train: np.ndarray) -> "Scaling":
        """From training features (n, numbers)."""
        mean = train.mean(0)
        return cls(mean, float(np.sqrt(((train - mean) ** 2).sum(1).mean())) or 1.0)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Scale features (n, numbers)."""
        return (features - self.mean) / self.length


def softmax(train: np.ndarray, labels: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    """Fit a softmax on features and give class probabilities.

    *Paper:* section 5.2: a new softmax on top of frozen layers.

    Args:
        train: scaled training features, (n, numbers).
        labels: their classes, (n,).
        test: scaled test features, (m, numbers).
        strength: C.

    Returns:
        (m, classes), in the order of the sorted classes.
    """
    if gpu := _gpu():
        return gpu_probes.softmax(*_on(gpu, train, np.unique(labels, return_inverse=True)[1], test), strength=strength).cpu().numpy()
    with _few_images():
        return LogisticRegression(C=strength, max_iter=2000).fit(_exact(train), labels).predict_proba(_exact(test))


def svm(train: np.ndarray, labels: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    """Fit a linear support vector machine on features, classes one against one, and give classes.

    *Paper:* table 7; library and constant are not stated. The inner products are computed once, so the number of features hardly counts.

    Args:
        train, labels, test, strength: as in `softmax`.

    Returns:
        Classes, (m,).
    """
    if gpu := _gpu():
        known, own = np.unique(labels, return_inverse=True)
        return known[gpu_probes.svm(*_on(gpu, train, own, test), strength=strength).cpu().numpy()]
    with _few_images():
        machine = SVC(kernel="precomputed", C=strength, cache_size=500).fit((train @ train.T).astype(np.float64), labels)
    return machine.predict((test @ train.T).astype(np.float64))


@contextlib.contextmanager
def _few_images() -> Iterator[None]:
    """The library doubts that labels are classes when most of them occur once; with one image a class they do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50% of the number of samples", UserWarning)
        yield


def each_alone(train: np.ndarray, present: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    """Fit one logistic regression a class, for pictures that show several (beyond the paper).

    Args:
        train: scaled training features, (n, numbers).
        present: which classes each shows, bool (n, classes).
        test: scaled test features, (m, numbers).
        strength: C.

    Returns:
        Probability of each class, (m, classes); 0 for a class that no training picture shows, 1 for one that all show.
    """
    shares = np.tile(present.all(0).astype(float), (len(test), 1))
    mixed = np.flatnonzero(present.any(0) & ~present.all(0))
    if len(mixed) and (gpu := _gpu()):
        shares[:, mixed] = gpu_probes.each_alone(*_on(gpu, train, present[:, mixed], test), strength=strength).cpu().numpy()
    elif len(mixed):
        fitted = OneVsRestClassifier(LogisticRegression(C=strength, max_iter=2000)).fit(_exact(train), present[:, mixed].astype(int))
        shares[:, mixed] = fitted.predict_proba(_exact(test)).reshape(len(test), -1)[:, -len(mixed) :]
    return shares


def _exact(features: np.ndarray) -> np.ndarray:
    """In float64: in float32 the sums, which another number of threads takes in another order, end the search elsewhere."""
    return features.astype(np.float64)


def _gpu() -> torch.device | None:
    """The CUDA GPU that fits the probes; None where scikit-learn does on the CPU."""
    device = devices.device()
    return device if device.type == "cuda" else None


def _on(device: torch.device, *arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays]


def _softmax_classes(train: np.ndarray, labels: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    return np.unique(labels)[softmax(train, labels, test, strength=strength).argmax(1)]


CLASSIFIERS: dict[str, Callable[..., np.ndarray]] = {"softmax": _softmax_classes, "svm": svm}


def answers(
    kind: str, features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, *, generator: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Train a classifier and let it answer; C is chosen on a third of the training images.

    Args:
        kind: `softmax` or `svm`.
        features: of all pictures, (n, numbers); they are read as needed.
        labels: of all pictures, (n,).
        train, test: indices.
        generator: source of the inner split.

    Returns:
        Right answers, bool (test,), and the C that was taken.

    Raises:
        Problem: there is no such classifier; the message lists those that exist.
    """
    if kind not in CLASSIFIERS:
        raise unknown("classifier", kind, CLASSIFIERS)
    strength = chosen(kind, features, labels, train, generator=generator)
    return predicted(kind, features, labels, train, test, strength=strength) == labels[test], strength


def predicted(kind: str, features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    """Train a classifier with a given C and let it answer; else as in `answers`.

    Returns:
        Classes of the test pictures, (test,).
    """
    own, unseen = scaled(features, train, test)
    return CLASSIFIERS[kind](own, labels[train], unseen, strength=strength)


def chosen(kind: str, features: np.ndarray, labels: np.ndarray, train: np.ndarray, *, generator: np.random.Generator) -> float:
    """The C of `STRENGTHS` with the most right answers on held-out training images; of equal ones the smallest."""
    if np.bincount(labels[train])[np.unique(labels[train])].min() < 2:
        return USUAL
    kept, held = splits.split(train, labels, generator=generator)
    own, unseen = scaled(features, kept, held)
    right = [(CLASSIFIERS[kind](own, labels[kept], unseen, strength=c) == labels[held]).sum() for c in STRENGTHS]
    return STRENGTHS[int(np.argmax(right))]


def scaled(features: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The features of the training and of the test pictures, float32 in memory, scaled as the training features demand."""
    own, unseen = (np.asarray(features[indices], np.float32) for indices in (train, test))
    scaling = Scaling.of(own)
    return scaling(own), scaling(unseen)
