"""Weights that others trained on all of ImageNet: torchvision's, or a copy of them in the data folder."""

from pathlib import Path

import safetensors.torch
import torchvision
from torch import nn

from zfutils.core import paths, profiles
from zfutils.core.errors import Problem, unknown

DEFAULT = profiles.IMAGENET_NET


def names() -> list[str]:
    """Names of torchvision's classifiers."""
    return torchvision.models.list_models(module=torchvision.models)


def copy_of(name: str) -> Path:
    """Where a copy of a net's weights lies when `make data` was given one."""
    return paths.data_dir() / "weights" / f"{name}.safetensors"


def load(name: str) -> nn.Module:
    """Load one of torchvision's nets with weights of ImageNet, in evaluation mode, on the CPU.

    Args:
        name: one of `names()`.

    Raises:
        Problem: unknown name; weights that do not fit, or that are in no place and cannot be downloaded.
    """
    if name not in names():
        raise unknown("net", name, names())
    return _copied(name) if copy_of(name).exists() else _torchvisions(name)


def why_not(name: str) -> str:
    """Why a net's weights are not to be had; empty where they are, and for no net."""
    if not name or copy_of(name).exists():
        return ""
    try:
        _torchvisions(name)
    except Problem as problem:
        return str(problem)
    return ""


def origin(name: str) -> str:
    """Where the weights that `load` takes come from, in words for provenance."""
    return f"a copy, {copy_of(name).name}" if copy_of(name).exists() else f"torchvision's {_weights(name)}"


def categories(name: str) -> list[str]:
    """Names of the 1000 classes, in the order of the net's answers."""
    return list(_weights(name).meta["categories"])


def _weights(name: str) -> object:
    """The best weights that torchvision has of a net."""
    return torchvision.models.get_model_weights(name).DEFAULT


def _copied(name: str) -> nn.Module:
    """The net with the weights of the copy."""
    net = torchvision.models.get_model(name, weights=None)
    try:
        state = {key: value.float() for key, value in safetensors.torch.load_file(copy_of(name)).items()}
        net.load_state_dict(state)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        reason = " ".join(str(error).split())[:120]
        raise Problem(f"expected weights of {name} in {copy_of(name)}, got {reason}; put the right file there or remove it") from None
    return net.eval()


def _torchvisions(name: str) -> nn.Module:
    """The net with torchvision's weights, from the cache of torch or downloaded with their checksum."""
    try:
        return torchvision.models.get_model(name, weights=_weights(name)).eval()
    except (OSError, RuntimeError) as error:  # no network, no room, or a file that was cut off
        reason = " ".join(str(error).split())
        raise Problem(
            f"the weights of {name} are neither cached nor reachable ({reason}); go online once, or give a .safetensors file"
        ) from None
