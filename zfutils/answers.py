"""Answers: what trained nets say to the pictures of a split, kept on disk beside the nets."""

import numpy as np

from zfutils import devices, keys, places, predictions, weights
from zfutils.images import CENTRE, Crops
from zfutils.sets import PreparedSet
from zfutils.trained import Trained

_CODE = ("answers", "predictions", "images")


def of(
    trained: Trained,
    prepared: PreparedSet,
    rows: np.ndarray,
    *,
    crops: tuple[int, ...] = (CENTRE,),
    mean: np.ndarray | None = None,
) -> np.ndarray:
    """Class probabilities of a trained net, averaged over crops; computed once.

    *Paper:* tables 2 and 3.

    Args:
        trained: the net.
        prepared: the pictures that it was trained on, or others.
        rows: rows of the set.
        crops: numbers of the crops to average over.
        mean: what is subtracted, where the net was trained on another set: the mean picture of that, (side, side, 3).

    Returns:
        float32 of shape (len(rows), classes); every row sums to 1.
    """
    other = None if mean is None else mean.tobytes().hex()
    net = trained.net()
    key = keys.digest(weights.digest(net), prepared.facts["sha256"], np.asarray(rows).tolist(), crops, other, keys.code_of(*_CODE))
    file = trained.folder / "answers" / f"{len(rows)}-images-{len(crops)}-crops-{key[:8]}.npy"
    if file.exists():
        return np.load(file)
    device = devices.device()
    cuts = Crops(prepared, trained.architecture.image_size, device=device, mean=mean)
    found = predictions.probabilities(net.to(device), cuts, rows, crops=crops)
    with places.whole(file) as fresh, fresh.open("wb") as out:
        np.save(out, found)
    return found


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
