"""What is timed: the paper's net at some width with initial weights, and smooth noise for it to look at."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.models import architectures


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
    made = architectures.build(scaled, generator=torch.Generator().manual_seed(seed)).eval().to(memory_format=torch.channels_last)
    for layer in made:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=torch.Generator().manual_seed(seed))
    return made


def images(count: int, *, size: int, seed: int) -> Tensor:
    """Smooth noise in ±120, (count, 3, size, size), channels last."""
    coarse = torch.randn(count, 3, size // 8, size // 8, generator=torch.Generator().manual_seed(seed)) * 60
    return F.interpolate(coarse, size=size, mode="bilinear").clamp(-120, 120).contiguous(memory_format=torch.channels_last)
