"""Predictions of trained nets for the pictures of a split, kept on disk beside the nets."""

import numpy as np

from zfutils.core import keys, locks, paths
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import checkpoints, devices, predictions
from zfutils.models.crops import CENTRE
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Model, Trained

PREDICTIONS_VERSION = 1  # raised when the same net and pictures give other probabilities


def of(
    trained: Trained | Model,
    prepared: PreparedSet,
    indices: np.ndarray,
    *,
    crops: tuple[int, ...] = (CENTRE,),
    mean: np.ndarray | None = None,
) -> np.ndarray:
    """Class probabilities of a trained net, averaged over crops; computed once.

    *Paper:* tables 2 and 3.

    Args:
        trained: the net, of any kind.
        prepared: the pictures that it was trained on, or others.
        indices: of the pictures.
        crops: numbers of the crops to average over.
        mean: what is subtracted, where the net was trained on another set: the mean picture of that, (side, side, 3).

    Returns:
        float32 of shape (len(indices), classes); every row sums to 1.
    """
    net, device = trained.net(), devices.device()
    about = np.asarray(indices).tolist(), crops, None if mean is None else mean.tobytes().hex()
    inputs = trained.inputs(prepared, device=device, mean=mean)
    key = keys.digest(checkpoints.digest(net), prepared.facts["sha256"], *about, *inputs.scaling(), PREDICTIONS_VERSION)
    file = trained.folder / "answers" / f"{len(indices)}-images-{len(crops)}-crops-{key[:8]}.npy"
    with locks.alone(file.parent):
        if not file.exists():
            answers = predictions.probabilities(net.to(device), inputs, indices, crops=crops)
            with paths.whole(file) as fresh, fresh.open("wb") as out:
                np.save(out, answers)
    return np.load(file)


def wrong(trained: Trained | Answered, prepared: PreparedSet, indices: np.ndarray, *, crops: tuple[int, ...], top: int = 1) -> np.ndarray:
    """Which pictures a net gets wrong, bool (n,); also of a net of which only the answers ship.

    *Paper:* tables 2 and 3.

    Args:
        trained: the net.
        prepared: the pictures that it was trained on.
        indices: of the pictures, (n,).
        crops: numbers of the crops to average over.
        top: how many guesses.

    Raises:
        Problem: only answers ship, and they do not say this.
    """
    if isinstance(trained, Answered):
        return trained.wrong(prepared, indices, crops=crops, top=top)
    return predictions.wrong(of(trained, prepared, indices, crops=crops), prepared.labels[indices], top=top)


def averaged(probabilities: list[np.ndarray]) -> np.ndarray:
    """The answer of several nets together: their probabilities averaged, as Krizhevsky et al. did.

    *Paper:* table 2, rows (a) and (a) + (b).

    Args:
        probabilities: one array (n, classes) a net.

    Returns:
        (n, classes).

    Raises:
        ValueError: no net, or nets that answered other images.
    """
    if not probabilities or len({array.shape for array in probabilities}) > 1:
        raise ValueError(f"expected the answers of one or more nets to the same images, got {[a.shape for a in probabilities]}")
    return np.mean(probabilities, axis=0, dtype=np.float64).astype(np.float32)
