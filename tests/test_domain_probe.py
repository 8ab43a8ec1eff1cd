"""Sources: the probe sees a difference in sharpness between two sources, and none where there is none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.oracles import domain_probe
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet

CLASSES = ["English springer", "beagle", "dingo"]


class Held(PreparedSet):
    """A prepared set whose pictures are in memory."""

    images = None  # replaced on each instance


def made(*, blur: bool, size: int = 16, per_class: int = 80) -> PreparedSet:
    """Noise pictures; the first class is of one source, the others of another, which may be blurred."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (3 * per_class, size, size, 3))
    labels = np.repeat([0, 1, 2], per_class)
    if blur:
        soft = (images + np.roll(images, 1, 1) + np.roll(images, 1, 2)) // 3
        images = np.where(labels[:, None, None, None] > 0, soft, images)
    split = np.where(np.arange(3 * per_class) % 2, "train", "val")
    table = pd.DataFrame({"label": labels, "split": split, "group": np.where(labels > 0, "imagewoof", "imagenette")})
    held = Held(Path("."), table, CLASSES, {"size": size})
    object.__setattr__(held, "images", images.astype(np.uint8))
    return held


def test_sources_of_the_same_making_are_near_chance():
    assert 0.35 <= domain_probe.source_probe(made(blur=False)) <= 0.65


def test_a_blurred_source_is_found():
    assert domain_probe.source_probe(made(blur=True)) > 0.95


def test_high_frequencies_of_a_checkerboard_are_in_the_highest_band_and_of_a_flat_picture_nowhere():
    checks = np.repeat((np.indices((16, 16)).sum(0) % 2 * 255)[None, ..., None], 3, axis=3).astype(np.uint8)
    energy = domain_probe.high_frequencies(np.concatenate([checks, np.full_like(checks, 90)]), [0, 1])
    assert energy.shape == (2, 8)
    assert energy[0].argmax() == 7 and energy[0, 7] > 5
    np.testing.assert_allclose(np.delete(energy[0], 7), 0, atol=1e-9)
    np.testing.assert_allclose(energy[1], 0, atol=1e-9)


def test_probe_wants_two_sources_and_a_known_class():
    prepared = made(blur=False)
    with pytest.raises(Problem, match="unknown class 'cat'; known: English springer"):
        domain_probe.source_probe(prepared, look_alike="cat")
    prepared.table["group"] = "one"
    with pytest.raises(Problem, match="joined of two sources"):
        domain_probe.source_probe(prepared)
