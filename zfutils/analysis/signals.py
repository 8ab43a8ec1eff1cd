"""Sizes of the signals on their way up through a net, which its first weights decide (section 3)."""

import torch
from torch import Tensor, nn

from zfutils.attribution import activations

# Of the logits, root mean square. Below, no two classes differ in probability by more than about a thousandth of it; above, a net that has
# learnt nothing is nearly sure of one class.
DIES, EXPLODES = 1e-3, 10.0


@torch.no_grad()
def sizes(net: nn.Module, images: Tensor) -> dict[str, float]:
    """Root mean square of the output of every learned layer, before its ReLU.

    Args:
        net: in evaluation mode, with layers named `conv…` and `fc…`.
        images: (n, 3, side, side), as the net takes them.

    Returns:
        By layer, from the input on: `{"input": 60.1, "conv1": 7.3, …, "fc8": 0.02}`.
    """
    learned = [name for name, _ in net.named_children() if name.startswith(("conv", "fc"))]
    found = activations.run(net, images, take=dict.fromkeys(learned, size))
    return {"input": float(size(images)), **{name: float(found[name]) for name in learned}}


def size(values: Tensor) -> Tensor:
    """Root mean square of values of any shape, a single number."""
    return values.float().pow(2).mean().sqrt()


def gain(sizes: dict[str, float]) -> float:
    """By what a layer multiplies the signal on its way from the first learned layer to the logits: the geometric mean."""
    _, first, *_, last = sizes.values()
    return (last / first) ** (1 / (len(sizes) - 2))


def fate(logits: float) -> str:
    """What becomes of a signal, by the root mean square of the logits: `dies`, `lives` or `explodes`."""
    if logits < DIES:
        return "dies"
    return "explodes" if not logits <= EXPLODES else "lives"  # also where it is no number any more
