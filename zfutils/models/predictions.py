"""Predictions of a trained net and what they are worth: probabilities, error counts, intervals."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from zfutils.models import devices
from zfutils.models.crops import CENTRE, Crops
from zfutils.stats import intervals

TOPS = (1, 2, 5)  # guesses for which errors are counted


@torch.no_grad()
def probabilities(
    net: nn.Module, inputs: Crops, indices: np.ndarray, *, crops: tuple[int, ...] = (CENTRE,), batch: int = 250
) -> np.ndarray:
    """Class probabilities, averaged over crops.

    *Paper:* tables 2 and 3. The test protocol is not stated; ten crops averaged, as in Krizhevsky et al., is the likely one.

    Args:
        net: in evaluation mode, on the device of `inputs`.
        inputs: cuts the batches.
        indices: of the pictures.
        crops: numbers of the crops to average over.
        batch: images at once.

    Returns:
        float32 of shape (len(indices), classes); every row sums to 1.

    Raises:
        ValueError: the net is in training mode.
    """
    if net.training:
        raise ValueError("expected a net in evaluation mode; call net.eval() first")
    dtype = devices.dtype(inputs.device)
    net = net.to(memory_format=torch.channels_last)
    means = []
    for start in range(0, len(indices), batch):
        chosen = indices[start : start + batch]
        total = 0
        for crop in crops:
            with devices.autocast(inputs.device, dtype):
                logits = net(inputs.batch(chosen, crop))
            total = total + logits.float().softmax(1)
        means.append((total / len(crops)).cpu().numpy())
    return np.concatenate(means)


def wrong(probabilities: np.ndarray, labels: np.ndarray, *, top: int = 1) -> np.ndarray:
    """Whether the true class is missing among the `top` most probable ones; ties go to the lower class number.

    Args:
        probabilities: (n, classes).
        labels: (n,).
        top: how many guesses.

    Returns:
        bool of shape (n,).
    """
    guesses = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return ~(guesses == labels[:, None]).any(1)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative logarithm of the probability of the true class, nats; a probability below 1e-12 counts as that.

    Args:
        probabilities: (n, classes).
        labels: (n,).
    """
    likelihood = np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)
    return float(-np.log(likelihood).mean())


@dataclass(frozen=True)
class ErrorRate:
    """Wrong answers out of all, as counts.

    Attributes:
        wrong: number of wrong answers.
        n: number of answers.
    """

    wrong: int
    n: int

    @property
    def rate(self) -> float:
        """Share of wrong answers, in [0, 1]."""
        return self.wrong / self.n

    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate (Wilson)."""
        return intervals.share(self.wrong, self.n)


def error_rate(wrong: np.ndarray) -> ErrorRate:
    """Count the wrong answers of a bool array."""
    return ErrorRate(int(wrong.sum()), len(wrong))
