"""Log-odds of every class."""

import torch
from torch import Tensor


def log_odds(logits: Tensor) -> Tensor:
    """log p / (1 - p) of every class from logits (n, classes), exact where p is near 1.

    log(1 - p) is taken from p where that is at most about a half; for the largest, where it could be lost, from the other logits.
    """
    top = logits.argmax(1, keepdim=True)
    beside_top = logits.scatter(1, top, -torch.inf).logsumexp(1, keepdim=True)  # (n, 1)
    total = logits.logsumexp(1, keepdim=True)
    others = total + torch.log1p(-(logits - total).exp())  # (n, classes)
    return logits - others.scatter(1, top, beside_top)
