"""Loading a net by the path of its weights or by its name."""

from pathlib import Path

from torch import nn

from zfutils.core.errors import Problem
from zfutils.models import checkpoints, pretrained, shipped


def load(name_or_path: str | Path) -> nn.Module:
    """Load a trained net.

    Args:
        name_or_path: a net that ships, e.g. `zfnet-toybox`; a `.safetensors` file that the book wrote; or the name of one of torchvision's
            classifiers, whose best weights are taken from `make data`'s copy, from the cache of torch, or downloaded once.

    Returns:
        The net on the CPU, in evaluation mode, float32. A net of the book takes pixels of 0..255 minus the mean; one of torchvision takes
        (pixels - mean) / std, as `Model` gives them.

    Raises:
        Problem: no such file or name; weights that are neither in the cache nor to be had.

    Example:
        >>> load("resnet18")  # doctest: +SKIP
    """
    given = name_or_path
    if given in shipped.known():
        return shipped.load(str(given))
    if Path(given).suffix == ".safetensors":
        return checkpoints.load(Path(given))
    if given not in pretrained.names():
        few = [*shipped.known(), *pretrained.names()[:3]]
        raise Problem(
            f"unknown net {str(given)!r}; give a .safetensors file or a name: {', '.join(few)}, … (torchvision.models.list_models())"
        )
    return pretrained.load(str(given))
