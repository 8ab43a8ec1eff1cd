"""The learning rate: a start, and drops when the development loss stalls."""

import math
from dataclasses import dataclass, field

PATIENCE = 0.15  # of the run, without a better development loss, before a cut
MARGIN = 0.01  # share by which a loss must be lower to count as better
LEARNING = 0.9  # of the loss of a guess: above it the net has not begun to learn


def has_begun(loss: float, classes: int) -> bool:
    """Whether a net with this loss (mean cross-entropy, nats) has begun to learn: it lies well below that of a guess, ln(classes)."""
    return bool(loss < LEARNING * math.log(classes))


@dataclass
class Schedule:
    """Learning rate of a run.

    *Paper:* section 3: .01 at the start, lowered by hand when the validation error levels off; factor and moments are not given.
    **Assumption**: cut, as often as `latest` has shares, when the development loss has not fallen by 1 % for 15 % of the run, at the
    latest after those shares of it. While the loss is still near that of a guess nothing is cut: such a net may stay there for its first
    epochs.

    Attributes:
        start: learning rate at step 0.
        steps: length of the run.
        classes: number of classes, which gives the loss of a guess.
        latest: shares of the run after which the drops come at the latest, so that every run ends at a low rate.
        given: steps of the drops when they are taken over from another run, else None.
        factor: what a drop multiplies the rate with.
        lr_drops: steps of the drops so far.
        best: lowest development loss so far.
        improved: the step at which it was reached.
    """

    start: float
    steps: int
    classes: int
    latest: tuple[float, ...]
    given: tuple[int, ...] | None = None
    factor: float = 0.1
    lr_drops: list[int] = field(default_factory=list)
    best: float = math.inf
    improved: int = 0

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return self.start * self.factor ** len(self.lr_drops)

    def after_step(self, step: int) -> None:
        """Cut where a cut is due by the number of steps done."""
        due = self.given if self.given is not None else [math.ceil(share * self.steps) for share in self.latest]
        if len(self.lr_drops) < len(due) and step >= due[len(self.lr_drops)]:
            self._drop(step)

    def after_epoch(self, step: int, dev_loss: float) -> None:
        """Cut where the development loss has stalled.

        Args:
            step: steps done.
            dev_loss: mean loss on the development split.
        """
        if self.given is not None or len(self.lr_drops) >= len(self.latest):
            return
        if dev_loss < (1 - MARGIN) * self.best or not has_begun(self.best, self.classes):
            self.best, self.improved = min(dev_loss, self.best), step
        elif step - self.improved >= PATIENCE * self.steps:
            self._drop(step)

    def _drop(self, step: int) -> None:
        self.lr_drops.append(step)
        self.improved = step

    def state(self) -> dict:
        """What a resumed run needs."""
        return {"lr_drops": list(self.lr_drops), "best": self.best, "improved": self.improved}

    def restore(self, state: dict) -> None:
        """Go on from `state()`."""
        self.lr_drops, self.best, self.improved = list(state["lr_drops"]), state["best"], state["improved"]
