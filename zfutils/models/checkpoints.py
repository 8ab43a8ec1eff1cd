"""Weights on disk: safetensors files, read without pickle, each with a model card of how it was made."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.models import architectures
from zfutils.models.architectures import Architecture, Conv


def save(net: nn.Module, architecture: Architecture, path: Path, *, card: dict) -> None:
    """Write a net's weights and its model card into one file.

    Args:
        net: the net.
        architecture: what it is.
        path: the `.safetensors` file; written whole or not at all.
        card: recipe, data, seed, accuracy and what else is known; plain values.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    metadata = {"card": json.dumps({**card, "architecture": asdict(architecture)})}
    with paths.whole(path) as fresh:
        fresh.write_bytes(safetensors.torch.save(tensors, metadata=metadata))


def card(path: Path) -> dict:
    """Read the model card of a file.

    Raises:
        Problem: the file is absent, not a safetensors file, or has no card.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise Problem(f"no weights at {path}; train the net first: make train NET=…") from None
    except safetensors.SafetensorError as error:
        raise Problem(f"{path} is not a whole safetensors file ({error}); delete it and train the net again: make train NET=…") from None
    if "card" not in metadata:
        raise Problem(f"{path} has no model card, so it was not written by this book; load one that checkpoints.save wrote")
    return json.loads(metadata["card"])


def digest(net: nn.Module) -> str:
    """Digest of a net's weights, 16 hexadecimal digits, for the keys of what is kept of it: a net trained anew has the same name."""
    digest = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def architecture(path: Path) -> Architecture:
    """Read what net a file holds.

    Raises:
        Problem: as `card`.
    """
    return architecture_of(card(path))


def architecture_of(card: dict) -> Architecture:
    """Read what net a card is of."""
    fields = dict(card["architecture"])
    if "deviations" in fields:  # what cards called them before
        fields["stds"] = fields.pop("deviations")
    convs = tuple(Conv(**{**conv, "then": tuple(conv["then"])}) for conv in fields.pop("convs"))
    return Architecture(convs=convs, **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def load(path: Path) -> nn.Sequential:
    """Build the net of a file and fill it with the weights.

    Returns:
        The net on the CPU, in evaluation mode, float32.

    Raises:
        Problem: as `card`.
    """
    net = architectures.build(architecture(path), generator=torch.Generator().manual_seed(0))
    net.load_state_dict(safetensors.torch.load_file(path))
    return net.float().eval()
