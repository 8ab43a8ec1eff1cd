"""Rules of the way down: what a ReLU, a pool and a norm do with the signal that comes from above."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rules:
    """How a signal R comes down through the layers.

    *Paper:* section 2.1. The rules differ at the ReLU only; f is the value that entered it on the way up.

    Attributes:
        rectified: R becomes max(R, 0): the deconvnet's ReLU.
        masked: R is kept only where f > 0: the gradient's.
        centred: a pool puts R in the middle of its window; else where the maximum was, the switch.
        derived: a contrast norm multiplies by its true derivative; else it is skipped (as the ECCV text of the paper says).
    """

    rectified: bool
    masked: bool
    centred: bool = False
    derived: bool = False

    @property
    def name(self) -> str:
        """Its name in `NAMED`."""
        return next(name for name, rules in NAMED.items() if rules == self)

    def through_relu(self, signal: Tensor, passes: Tensor | None) -> Tensor:
        """Bring a signal down through a ReLU.

        Args:
            signal: from above, any shape.
            passes: where f > 0, bool of the same shape; None where the rules do not ask for it.
        """
        if self.rectified:
            signal = signal.clamp(min=0)
        return signal * passes if self.masked else signal


_RELU = {"deconvnet": (True, False), "gradient": (False, True), "guided": (True, True), "linear": (False, False)}
_POOL = {"": False, ", centre": True}
_NORM = {", norm skipped": False, ", norm derived": True}

NAMED: dict[str, Rules] = {
    f"{relu}{pool}{norm}": Rules(*flags, centred=centred, derived=derived)
    for relu, flags in _RELU.items()
    for pool, centred in _POOL.items()
    for norm, derived in _NORM.items()
}

DECONVNET = NAMED["deconvnet, norm skipped"]  # the paper
GRADIENT = NAMED["gradient, norm derived"]  # Simonyan et al. 2013
GUIDED = NAMED["guided, norm skipped"]  # Springenberg et al. 2014
LINEAR = NAMED["linear, norm skipped"]


def middle(size: int, *, kernel: int, stride: int, padding: int, dilation: int, windows: int) -> Tensor:
    """Where the middle of each window of a pool lies along one side.

    Args:
        size: side of the pool's input.
        kernel, stride, padding, dilation: of the pool.
        windows: side of its output.

    Returns:
        int64 of shape (windows,), within [0, size): a window that is cut off at the border keeps its middle inside.
    """
    return (torch.arange(windows) * stride - padding + kernel // 2 * dilation).clamp(0, size - 1)
