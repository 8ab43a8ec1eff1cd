"""The search for pictures in common finds copies, brighter and smaller ones too, and nothing else."""

import dataclasses

import numpy as np
import pytest

from zfutils.data import near_duplicates


def with_pictures(prepared, images):
    """A set with other pictures."""
    made = dataclasses.replace(prepared, table=prepared.table.iloc[: len(images)])
    made.__dict__["images"] = images
    return made


def test_correlation_equals_a_loop_and_copies_are_found(tiny_set):
    generator = np.random.default_rng(0)
    theirs = generator.integers(0, 255, (6, 64, 64, 3)).astype(np.uint8)
    ours = generator.integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)
    ours[1] = (theirs[4] * 0.6 + 30).astype(np.uint8)  # a copy with other light
    found = near_duplicates.between(with_pictures(tiny_set, ours), with_pictures(tiny_set, theirs), np.array([1, 4, 5]))
    assert found.other[1] == 4 and found.correlation[1] > 0.99 and found.duplicates().tolist() == [1]

    def small(picture):
        grey = picture.astype(float).mean(-1).reshape(32, 2, 32, 2).mean((1, 3)).ravel()
        return grey

    for place, picture in enumerate(ours):
        slow = [np.corrcoef(small(picture), small(theirs[row]))[0, 1] for row in (1, 4, 5)]
        assert found.correlation[place] == pytest.approx(max(slow), abs=1e-5)
        assert found.other[place] == (1, 4, 5)[int(np.argmax(slow))]


def test_a_picture_without_contrast_is_like_none(tiny_set):
    flat = np.full((1, 64, 64, 3), 90, np.uint8)
    found = near_duplicates.between(with_pictures(tiny_set, flat), tiny_set, np.arange(4))
    assert np.isfinite(found.correlation).all() and found.correlation[0] == pytest.approx(0, abs=1e-3)


def test_a_set_of_any_size_is_compared_a_few_pictures_at_a_time(tiny_set, monkeypatch):
    generator = np.random.default_rng(1)
    theirs = with_pictures(tiny_set, generator.integers(0, 255, (23, 64, 64, 3)).astype(np.uint8))
    ours = with_pictures(tiny_set, np.concatenate([theirs.images[[20, 3]], generator.integers(0, 255, (9, 64, 64, 3)).astype(np.uint8)]))
    indices = np.arange(22, 0, -1)
    whole, made, held = near_duplicates.between(ours, theirs, indices), near_duplicates.thumbnails, []

    def watched(prepared, some):
        held.append(len(some) if prepared is theirs else 0)
        return made(prepared, some)

    monkeypatch.setattr(near_duplicates, "thumbnails", watched)
    monkeypatch.setattr(near_duplicates, "_HELD", 8)
    few = near_duplicates.between(ours, theirs, indices)
    assert max(held) == 8 and sum(held) == 22
    assert few.other.tolist() == whole.other.tolist() and few.other[:2].tolist() == [20, 3]
    np.testing.assert_allclose(few.correlation, whole.correlation, atol=1e-6)
