"""Nets that ship with the book: half-precision weights with their model cards, checked against an index of digests; no pickle."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

from zfutils.core import paths
from zfutils.core.errors import Problem, unknown
from zfutils.core.shipped_files import checked, enlist, index
from zfutils.models import architectures, checkpoints

LICENCE = "MIT"
NET, _CHECKPOINTS = ".safetensors", ".checkpoints.safetensors"
DATA = {"photos": "imagenet200"}  # what the names of nets say of their pictures, where that is not the profile
_MEAN = "mean"  # of the training pictures, kept among the weights: without it the net cannot be shown a picture


def known() -> list[str]:
    """Names of the nets that ship, e.g. `zfnet-toybox`."""
    return [file.removesuffix(NET) for file in index() if file.endswith(NET) and not file.endswith(_CHECKPOINTS)]


def name_of(profile: str, recipe: str) -> str:
    """Under which name a net of a recipe ships that was trained in a profile, both by their names."""
    return f"{recipe}-{DATA.get(profile, profile)}"


def load(name: str) -> nn.Sequential:
    """Build a net that ships.

    Args:
        name: one of `known()`.

    Returns:
        The net on the CPU, in evaluation mode, float32.

    Raises:
        Problem: there is no such net; its file is absent, damaged or holds another net.

    Example:
        >>> net = shipped.load("zfnet-toybox")  # doctest: +SKIP
    """
    path = _net_file(name)
    net = _built(path)
    net.load_state_dict({part: tensor for part, tensor in safetensors.torch.load_file(path).items() if part != _MEAN})
    return net.eval()


def start(name: str) -> dict[str, torch.Tensor]:
    """Weights of all layers but the last, which knows other classes: where a net for other pictures may start.

    Raises:
        Problem: as `load`.
    """
    return {part: tensor for part, tensor in load(name).state_dict().items() if not part.startswith("fc8")}


def architecture(name: str) -> architectures.Architecture:
    """What a net that ships is.

    Raises:
        Problem: as `load`.
    """
    return checkpoints.architecture(_net_file(name))


def digest(name: str) -> str:
    """Of a net that ships: its name and the first digits of the digest of its file.

    Raises:
        Problem: as `load`.
    """
    return f"{name}@{index()[_net_file(name).name]['sha256'][:8]}"


def card(name: str) -> dict:
    """The model card: recipe, data and its digest, seed, steps, error with interval, licence.

    Raises:
        Problem: as `load`.
    """
    return checkpoints.card(_net_file(name))


def mean(name: str) -> np.ndarray:
    """Mean of the training pictures, float32 of shape (side, side, 3), in [0, 255]; its centre is subtracted from what the net sees.

    Raises:
        Problem: as `load`.
    """
    return safetensors.torch.load_file(_net_file(name))[_MEAN].numpy()


def epochs(name: str) -> list[int]:
    """Epochs, of the paper's 70, whose convolutional layers ship; empty where none do."""
    file = f"{name}{_CHECKPOINTS}"
    return checkpoints.card(checked(file))["epochs"] if file in index() else []


def checkpoint(name: str, paper_epoch: int) -> nn.Sequential:
    """The convolutional part of a net as it was at an epoch of the paper's 70. What stood before training is not among
    them: it follows from the seed.

    Raises:
        Problem: the net or that epoch does not ship; as `load`.
    """
    if paper_epoch not in epochs(name):
        raise unknown(f"epoch of {name}", paper_epoch, map(str, epochs(name) or ["none"]))
    tensors = safetensors.torch.load_file(checked(f"{name}{_CHECKPOINTS}"))
    net = _convolutional(_built(_net_file(name)))
    net.load_state_dict({part: tensors[f"{paper_epoch}/{part}"] for part in net.state_dict()})
    return net.eval()


def write(name: str, net: nn.Sequential, architecture: architectures.Architecture, mean: np.ndarray, *, card: dict) -> Path:
    """Write a net in half precision with its card, and list it.

    Args:
        name: under which it ships.
        net: the net; left as it is.
        architecture: what it is.
        mean: of the training pictures, (side, side, 3).
        card: what is known of it; plain values.
    """
    tensors = {**_halved(net), _MEAN: torch.from_numpy(np.array(mean, np.float32))}
    about = {"name": name, "licence": LICENCE, **card, "architecture": asdict(architecture)}
    return _written(f"{name}{NET}", tensors, about)


def write_checkpoints(name: str, nets: dict[int, nn.Sequential]) -> Path:
    """Write the convolutional layers of earlier epochs in half precision into one file, and list it."""
    tensors = {f"{epoch}/{part}": tensor for epoch, net in nets.items() for part, tensor in _halved(_convolutional(net)).items()}
    return _written(f"{name}{_CHECKPOINTS}", tensors, {"name": name, "licence": LICENCE, "epochs": list(nets)})


def rounded(net: nn.Sequential) -> nn.Sequential:
    """The net with the weights that ship, in place: rounded to half precision and back, so that errors are those of what ships."""
    net.load_state_dict(_halved(net))
    return net


def _net_file(name: str) -> Path:
    """The checked file of a net, which names the net it holds."""
    if name not in known():
        raise unknown("shipped net", name, known() or ["none"])
    path = checked(f"{name}{NET}")
    held = checkpoints.card(path).get("name")
    if held != name:
        raise Problem(f"{path} holds another net: expected {name}, found {held}; get it back: git checkout -- weights")
    return path


def _built(path: Path) -> nn.Sequential:
    return architectures.build(checkpoints.architecture(path), generator=torch.Generator().manual_seed(0))


def _convolutional(net: nn.Sequential) -> nn.Sequential:
    """The layers before the fully connected ones."""
    return net[: [name for name, _ in net.named_children()].index("flatten")]


def _halved(net: nn.Module) -> dict[str, torch.Tensor]:
    """All tensors of a net, its weights in half precision. What batch norms have gathered stays: variances go beyond what that can hold."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    weights = {name for name, _ in net.named_parameters()}
    return {name: tensor.half() if name in weights else tensor for name, tensor in tensors.items()}


def _written(file: str, tensors: dict[str, torch.Tensor], about: dict) -> Path:
    with paths.whole(paths.WEIGHTS / file) as fresh:
        fresh.write_bytes(safetensors.torch.save(tensors, metadata={"card": json.dumps(about)}))
    return enlist(paths.WEIGHTS / file)
