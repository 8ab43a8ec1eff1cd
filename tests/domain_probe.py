"""Sources: a probe of whether two data sets that were joined into one can be told apart by how their files were made."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zfutils.core.errors import Problem, unknown
from zfutils.data.prepared_sets import PreparedSet

_BANDS = 8  # of spatial frequency
_LOWEST = 0.25  # cycles a pixel: the upper half of what a picture can hold along an axis
_BATCH = 256  # pictures whose spectra are computed at once


def source_probe(prepared: PreparedSet, *, look_alike: str = "English springer") -> float:
    """How well a linear classifier on high spatial frequencies separates a class of one source from look-alikes of the other.

    If the files of two sources went through different steps, their sharpness differs and a net could learn the source instead of the
    object. Here a class of the one is compared with all of the other source: for the photographs, the springers of Imagenette with the
    dogs of Imagewoof. Trained on train, measured on val.

    Args:
        prepared: a set whose table has the column `group`, with two groups.
        look_alike: name of the class that looks like those of the other source.

    Returns:
        Mean accuracy of the two sides, in [0, 1]; chance is .5, and at most .65 is taken as not separable.

    Raises:
        Problem: there is no such class, or there are not two sources.
    """
    if look_alike not in prepared.classes:
        raise unknown("class", look_alike, prepared.classes)
    groups = prepared.table["group"].to_numpy()
    if len(np.unique(groups)) != 2:
        raise Problem(f"expected a set joined of two sources, got {len(np.unique(groups))}; give the photos' pre-training set")
    ours = prepared.labels == prepared.classes.index(look_alike)
    chosen = ours | (groups != groups[ours][0])
    splits = {split: [row for row in prepared.indices(split) if chosen[row]] for split in ("train", "val")}
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    model.fit(high_frequencies(prepared.images, splits["train"]), ours[splits["train"]])
    right = model.predict(high_frequencies(prepared.images, splits["val"])) == ours[splits["val"]]
    return float(np.mean([right[ours[splits["val"]]].mean(), right[~ours[splits["val"]]].mean()]))


def high_frequencies(images: np.ndarray, rows: list[int]) -> np.ndarray:
    """Log energy of the grey pictures in bands of high spatial frequency.

    Args:
        images: uint8, (n, size, size, 3).
        rows: which of them.

    Returns:
        float64 of shape (len(rows), 8); bands of equal width from .25 cycles a pixel to the highest, .71.
    """
    size = images.shape[1]
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    edges = np.linspace(_LOWEST, np.sqrt(0.5) + 1e-9, _BANDS + 1)
    masks = [(radius >= low) & (radius < high) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    parts = []
    for start in range(0, len(rows), _BATCH):
        grey = images[rows[start : start + _BATCH]].mean(axis=3)  # (b, size, size)
        energy = np.abs(np.fft.rfft2(grey)) ** 2  # (b, size, size // 2 + 1)
        parts.append(np.stack([np.log(energy[:, mask].mean(axis=1) + 1) for mask in masks], axis=1))
    return np.concatenate(parts)
