"""Crops, mean and display."""

import numpy as np
import pytest
import torch

from zfutils.models import crops


def test_the_ten_crops_are_corners_and_centre_each_mirrored():
    corners = crops.crop_corners(256, 224)
    assert corners[:5] == [(0, 0, False), (0, 32, False), (32, 0, False), (32, 32, False), (16, 16, False)]
    assert corners[5:] == [(top, left, True) for top, left, _ in corners[:5]]
    assert corners[crops.CENTRE] == (16, 16, False)


def test_a_batch_is_the_crop_minus_the_mean_of_the_same_pixels(tiny_set):
    inputs = crops.Crops(tiny_set, 56, device=torch.device("cpu"))
    batch = inputs.batch(np.array([3, 3, 9]), np.array([1, 6, 4]))
    picture, mean = tiny_set.images[3].astype(np.float32), tiny_set.mean()
    np.testing.assert_array_equal(batch[0].permute(1, 2, 0), (picture - mean)[:56, 8:])
    np.testing.assert_array_equal(batch[1].permute(1, 2, 0), (picture - mean)[:56, 8:][:, ::-1])
    np.testing.assert_array_equal(batch[2].permute(1, 2, 0), (tiny_set.images[9] - mean)[4:60, 4:60])
    assert batch.shape == (3, 3, 56, 56) and batch.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_is_the_same_picture_by_picture_and_at_once(tiny_set):
    inputs, chosen = crops.Crops(tiny_set, 64, device=torch.device("cpu")), np.array([4, 9, 0, 5])
    pixels = torch.from_numpy(tiny_set.images[:4].copy())
    assert torch.equal(inputs._one_by_one(pixels, chosen), inputs._at_once(pixels, chosen))


def test_the_mean_is_taken_over_the_training_pictures_alone(tiny_set):
    expected = tiny_set.images[tiny_set.indices("train")].astype(np.float64).mean(0)
    np.testing.assert_allclose(tiny_set.mean(), expected, rtol=1e-6)


def test_zero_is_one_fixed_grey_and_the_scale_is_symmetric():
    x = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]).reshape(1, 1, 6).repeat(3, 0)
    shown = crops.to_display(x, scale=1.0)
    assert shown.shape == (1, 6, 3) and shown.dtype == np.uint8
    assert shown[0, :, 0].tolist() == [1, 1, 128, 192, 255, 255]
    with pytest.raises(ValueError, match="scale above 0"):
        crops.to_display(x, scale=0.0)


def test_crops_anywhere_are_the_ten_and_then_every_position_mirrored_or_not(tiny_set):
    ten, anywhere = (kind(tiny_set, 56, device=torch.device("cpu")) for kind in (crops.Crops, crops.AnyCrops))
    assert anywhere.drawn == (10, 10 + 2 * 9 * 9) and len(set(anywhere.corners[10:])) == 2 * 9 * 9
    chosen, every = np.array([3, 7, 9]), np.array([crops.CENTRE, 9, 2])
    assert torch.equal(anywhere.batch(chosen, every), ten.batch(chosen, every))
    number = anywhere.corners.index((5, 2, True), 10)
    expected = (tiny_set.images[3].astype(np.float32) - tiny_set.mean())[5:61, 2:58][:, ::-1]
    np.testing.assert_array_equal(anywhere.batch(np.array([3]), number)[0].permute(1, 2, 0), expected)
    pixels, drawn = torch.from_numpy(tiny_set.images[:3, :56, :56].copy()), np.array([number, 12, 100])
    assert torch.equal(anywhere._one_by_one(pixels, drawn), anywhere._at_once(pixels.clone(), drawn))
