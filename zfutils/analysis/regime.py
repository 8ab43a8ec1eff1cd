"""The regime of a trained net: how far its training came, and whether what it says can be compared."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zfutils.analysis import error_rates
from zfutils.core.profiles import Profile
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import cached_predictions, recipes
from zfutils.models.crops import CENTRE
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Trained
from zfutils.paper import numbers
from zfutils.training import runs
from zfutils.training.from_scratch import Scratch

LAST, FALL = 0.2, 0.1  # a loss that falls by more than a tenth in the last fifth of a run has not come to its end
FITS = 0.05  # training error below which there is nothing left to learn from the training images
_PAPERS = "table3/zf-fig3-none-as-in-fig-3/train_top1_error"  # of the net that the others are changes of


@dataclass(frozen=True)
class Regime:
    """How far the training of a net came.

    Attributes:
        name: of the recipe.
        steps: of the run.
        began: the step by which it had begun to learn; None where it never did.
        train_error: share of wrong answers to training images, centre crop, without dropout.
        printed: the training error that the paper prints for this net, or for the net that it is a change of.
        fall: share by which the training loss fell in the last fifth of the run.
    """

    name: str
    steps: int
    began: int | None
    train_error: float
    printed: float
    fall: float

    @property
    def under_trained(self) -> str:
        """Why its comparisons say nothing of the recipe; empty where they do. The same rule for every net."""
        if self.began is None:
            return f"{self.name} never left chance"
        if self.train_error > self.printed:
            return f"{self.name} errs on {self.train_error:.1%} of its training images, the paper's net on {self.printed:.1%}"
        if self.still_learned:
            return f"the training loss of {self.name} still fell by {self.fall:.1%} in the last fifth of its run"
        return ""

    @property
    def still_learned(self) -> bool:
        """Whether nothing else stands against it, but its loss still fell when its run ended."""
        return self.began is not None and FITS <= self.train_error <= self.printed and self.fall > FALL

    @property
    def words(self) -> str:
        """Steps, the step by which it began to learn, and its training error, in a few words."""
        return f"{self.steps} steps, learning from {self.began or 'never'}, training error {self.train_error:.1%}"


def of(trained: Trained | Answered, prepared: PreparedSet, *, name: str, seed: int, row: str = "") -> Regime:
    """The regime of a net.

    *Paper:* table 3 prints training errors and does not say how they were counted. **Assumption**: on the centre crop, after training.

    Args:
        trained: the net.
        prepared: the pictures that it was trained on.
        name: of its recipe.
        seed: of the draw of training images.
        row: of the paper's table 3 that prints its training error, as in `table3/<row>/train_top1_error`; default that of figure 3's net.
    """
    indices = training_images(prepared, seed=seed)
    wrong = cached_predictions.wrong(trained, prepared, indices, crops=(CENTRE,))
    printed = numbers.number(f"table3/{row}/train_top1_error" if row else _PAPERS)["paper"] / 100
    log = trained.log
    began = error_rates.left_chance(log, len(prepared.classes))
    return Regime(name, int(log["step"].iloc[-1]), began, float(wrong.mean()), printed, fall(log))


def of_scratch(net: Scratch, *, classes: int) -> Regime:
    """The regime of a net that was trained on nothing but the few pictures of a fold, by the rule for every net."""
    printed = numbers.number(_PAPERS)["paper"] / 100
    return Regime("zfnet from scratch", net.steps, error_rates.left_chance(net.log, classes), net.train_error, printed, fall(net.log))


def training_images(prepared: PreparedSet, *, seed: int) -> np.ndarray:
    """Indices of the training images that training errors are counted on: drawn by the seed, as many as there are in val."""
    train = prepared.indices("train")
    count = min(len(train), len(prepared.indices("val")))
    return np.sort(np.random.default_rng(seed).choice(train, size=count, replace=False))


def fall(log: pd.DataFrame) -> float:
    """Share by which the mean training loss of an epoch fell in the last fifth of a run; 0 for a run of one epoch."""
    before = log["train_loss"].iloc[max(0, math.floor((1 - LAST) * len(log)) - 1)]
    return float(1 - log["train_loss"].iloc[-1] / before) if before > 0 else 0.0


def of_seeds(profile: Profile, rows: dict[str, str], prepared: PreparedSet, *, seed: int) -> dict[str, Regime]:
    """The regimes of some recipes from every seed that is there.

    Args:
        profile: the sizes.
        rows: for the name of each recipe its row in the paper's table 3, as in `of`.
        prepared, seed: as in `of`.
    """
    named = [(other, row) for name, row in rows.items() for other in recipes.seeds_of(name)]
    nets = [(name, row, net) for name, row in named if (net := runs.answered(profile, name, seed=seed))]
    return {name: of(net, prepared, name=name, seed=seed, row=row) for name, row, net in nets}


def reasons(regimes: dict[str, Regime], names: Iterable[str]) -> str:
    """Why nets of recipes that are compared were under-trained, from any seed; those that still learned together, empty where none was."""
    nets = dict.fromkeys(other for name in names for other in recipes.seeds_of(name) if other in regimes)
    short = [regimes[name] for name in nets if regimes[name].under_trained]
    late = [own for own in short if own.still_learned]
    if len(late) < 2:
        return "; ".join(own.under_trained for own in short)
    falls = [own.fall for own in late]
    named, fell = ", ".join(own.name for own in late), f"{min(falls):.1%} to {max(falls):.1%}"
    together = f"the training losses of {named} still fell by {fell} in the last fifth of their runs"
    return "; ".join([*(own.under_trained for own in short if own not in late), together])
