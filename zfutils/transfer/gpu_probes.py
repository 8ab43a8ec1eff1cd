"""The probes of `linear_probes` in torch, for a GPU: the same optima in float64, many small machines solved at once."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

_PAIRS = 2048  # machines of two classes that are solved at once
_TOLERANCE = 1e-3  # by which a machine may miss its optimality conditions, as in LIBSVM
_STEPS = 100_000


def softmax(train: Tensor, labels: Tensor, test: Tensor, *, strength: float) -> Tensor:
    """Fit a softmax with an unpunished bias and give class probabilities.

    Args:
        train: scaled training features, (n, numbers), on the device that computes.
        labels: their classes, (n,), 0 to classes - 1, each present.
        test: scaled test features, (m, numbers).
        strength: C.

    Returns:
        float64 (m, classes).
    """
    classes = int(labels.max()) + 1
    if classes == 2:  # scikit-learn fits one logistic regression, whose weights are punished twice as much
        strength /= 2
    return _fitted(train, test, lambda logits: F.cross_entropy(logits, labels), classes, strength).softmax(1)


def each_alone(train: Tensor, present: Tensor, test: Tensor, *, strength: float) -> Tensor:
    """Fit one logistic regression a class, all at once, and give probabilities; `present` is bool (n, classes), else as in `softmax`."""
    wanted, classes = present.double(), present.shape[1]
    return _fitted(train, test, lambda logits: classes * F.binary_cross_entropy_with_logits(logits, wanted), classes, strength).sigmoid()


def svm(train: Tensor, labels: Tensor, test: Tensor, *, strength: float) -> Tensor:
    """Fit linear support vector machines, one for every two classes, and give the classes with the most votes, the first of equals.

    Arguments as in `softmax`.

    Returns:
        Classes, (m,).
    """
    train, test, classes = train.double(), test.double(), int(labels.max()) + 1
    gram, members = train @ train.T, [torch.nonzero(labels == label)[:, 0] for label in range(classes)]
    pairs = torch.combinations(torch.arange(classes), 2)
    votes = torch.zeros(len(test), classes, dtype=torch.long, device=test.device)
    for batch in pairs.split(_PAIRS):
        both = [torch.cat([members[first], members[second]]) for first, second in batch.tolist()]
        indices = torch.nn.utils.rnn.pad_sequence(both, batch_first=True, padding_value=-1)  # (pairs, members)
        batch = batch.to(train.device)
        sides = torch.where(labels[indices] == batch[:, :1], 1.0, -1.0).double() * (indices >= 0)
        weights, bias = _solved(gram[indices[:, :, None], indices[:, None]], sides, strength)
        dense = torch.zeros(len(batch), len(train), dtype=torch.float64, device=train.device)
        dense.scatter_add_(1, indices.clamp(min=0), weights)
        first_wins = test @ (dense @ train).T + bias > 0  # (m, pairs)
        winners = torch.where(first_wins, batch[:, 0], batch[:, 1])
        votes.scatter_add_(1, winners, torch.ones_like(winners))
    return votes.argmax(1)


def _fitted(train: Tensor, test: Tensor, loss: Callable[[Tensor], Tensor], classes: int, strength: float) -> Tensor:
    """Logits of the test features under the weights that minimise the mean loss + |weights|^2 / (2 C n)."""
    train, test = train.double(), test.double()
    weight = torch.zeros(train.shape[1], classes, dtype=torch.float64, device=train.device, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, device=train.device, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=2000, tolerance_grad=1e-8, tolerance_change=0, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        search.zero_grad()
        total = loss(train @ weight + bias) + weight.square().sum() / (2 * strength * len(train))
        total.backward()
        return total

    with torch.enable_grad():
        search.step(closure)
    return (test @ weight + bias).detach()


def _solved(gram: Tensor, sides: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Solve many machines of two classes at once by sequential minimal optimisation, two multipliers of each at a time.

    The two are chosen as in LIBSVM (Fan, Chen and Lin 2005): the one that violates its condition most, and the one that gains most with it.

    Args:
        gram: inner products, (p, n, n).
        sides: 1 and -1, 0 where a machine has fewer members, (p, n).
        strength: C.

    Returns:
        Multipliers times sides, (p, n), and the biases, (p,).
    """
    weights, slack, own = torch.zeros_like(sides), sides.clone(), torch.arange(len(sides), device=sides.device)
    upper, lower = strength * (sides > 0), -strength * (sides < 0)  # of a multiplier times its side
    diagonal = gram.diagonal(dim1=1, dim2=2)
    for _ in range(_STEPS):
        rises, falls = weights < upper, weights > lower
        highest, i = slack.masked_fill(~rises, -torch.inf).max(1)
        lowest = slack.masked_fill(~falls, torch.inf).amin(1)
        open_ = highest - lowest > _TOLERANCE
        if not open_.any():
            break
        gap = highest[:, None] - slack
        curve = (diagonal[own, i][:, None] + diagonal - 2 * gram[own, i]).clamp(min=1e-12)
        j = (gap.square() / curve).masked_fill(~falls | (gap <= 0), -torch.inf).argmax(1)
        step = torch.minimum(gap[own, j] / curve[own, j], torch.minimum(upper[own, i] - weights[own, i], weights[own, j] - lower[own, j]))
        step = step * open_
        weights[own, i] += step
        weights[own, j] -= step
        slack -= step[:, None] * (gram[own, i] - gram[own, j])
    free = (weights > lower) & (weights < upper)
    middle = (slack * free).sum(1) / free.sum(1).clamp(min=1)
    return weights, torch.where(free.any(1), middle, (highest + lowest) / 2)
