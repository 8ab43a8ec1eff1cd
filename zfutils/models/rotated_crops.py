"""Rotations: images turned by angles of their own, and crops that are turned for training (beyond the paper)."""

import numpy as np
import torch
from torch import Tensor

from zfutils.core import keys
from zfutils.models.crops import Crops, sampled


def turned(images: Tensor, angles: Tensor) -> Tensor:
    """Turn every image by an angle of its own, counter-clockwise, mean grey coming in at the corners.

    Args:
        images: (n, channels, side, side).
        angles: radians, (n,).
    """
    sine, cosine = angles.sin(), angles.cos()
    none = torch.zeros_like(sine)
    theta = torch.stack([torch.stack([cosine, -sine, none], 1), torch.stack([sine, cosine, none], 1)], 1)  # (n, 2, 3)
    return sampled(images, theta)


class TurnedCrops(Crops):
    """Crops for training, each turned about its middle by a random angle; centre crops for measuring stay upright.

    The angles follow from the indices and crops of a batch alone, so that a resumed run draws what an uninterrupted one does.
    """

    def batch(self, indices: np.ndarray, crops: np.ndarray | int) -> Tensor:
        """As `Crops.batch`; turned where a crop is given for each picture, as training does."""
        images = super().batch(indices, crops)
        if np.ndim(crops) == 0:
            return images
        generator = np.random.default_rng(int(keys.digest(indices.tolist(), crops.tolist()), 16))
        angles = torch.from_numpy(generator.uniform(0, 2 * np.pi, len(indices))).to(images)
        return turned(images, angles).contiguous(memory_format=torch.channels_last)
