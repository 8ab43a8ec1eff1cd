"""What is timed: nets with initial weights, smooth noise for them to look at, and the bare pass that ours stands against."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.models import architectures
from zfutils.models.architectures import Architecture
from zfutils.models.crops import CENTRE, Crops


def initial(architecture: Architecture, *, seed: int) -> nn.Sequential:
    """A net with initial weights, in evaluation mode, channels last."""
    return architectures.build(architecture, generator=torch.Generator().manual_seed(seed)).eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def bare_pass(net: nn.Module, inputs: Crops, indices: np.ndarray, batch: int) -> None:
    """The net over the centre crops of some pictures, and nothing else."""
    for start in range(0, len(indices), batch):
        net(inputs.batch(indices[start : start + batch], CENTRE))


def net(*, size: int, width: float, fc_units: int, seed: int) -> nn.Sequential:
    """A net that is as active as a trained one: its initial weights are of He's size.

    Args:
        size: side of the input, pixels.
        width: share of the paper's maps.
        fc_units: units of the fully connected layers.
        seed: of the weights.

    Returns:
        The net, in evaluation mode, channels last.
    """
    scaled = architectures.scaled(architectures.ZFNET, width=width, image_size=size, fc_units=fc_units, classes=20)
    made = initial(scaled, seed=seed)
    for layer in made:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=torch.Generator().manual_seed(seed))
    return made


def images(count: int, *, size: int, seed: int) -> Tensor:
    """Smooth noise in ±120, (count, 3, size, size), channels last."""
    coarse = torch.randn(count, 3, size // 8, size // 8, generator=torch.Generator().manual_seed(seed)) * 60
    return F.interpolate(coarse, size=size, mode="bilinear").clamp(-120, 120).contiguous(memory_format=torch.channels_last)
