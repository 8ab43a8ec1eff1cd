"""Loading a net by the path of its weights or by its name."""

from pathlib import Path

import torchvision
from torch import nn

from zfutils.core.errors import Problem
from zfutils.models import checkpoints, shipped


def load(name_or_path: str | Path) -> nn.Module:
    """Load a trained net.

    Args:
        name_or_path: a net that ships, e.g. `zfnet-toybox`; a `.safetensors` file that the book wrote; or the name of one of torchvision's
            classifiers, whose best weights are taken from the cache of torch or downloaded once.

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
    names = torchvision.models.list_models(module=torchvision.models)
    if given not in names:
        few = [*shipped.known(), *names[:3]]
        raise Problem(
            f"unknown net {str(given)!r}; give a .safetensors file or a name: {', '.join(few)}, … (torchvision.models.list_models())"
        )
    try:
        return torchvision.models.get_model(given, weights="DEFAULT").eval()
    except (OSError, RuntimeError) as error:  # no network, no room, or a file that was cut off
        reason = " ".join(str(error).split())
        raise Problem(
            f"the weights of {given} are neither cached nor reachable ({reason}); go online once, or give a .safetensors file"
        ) from None
