"""Errors of several nets on the same pictures: counts, and bootstraps of what the nets of tables 2 and 3 say together."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from zfutils.core import shipped_files
from zfutils.core.profiles import Profile
from zfutils.data import registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import cached_predictions, predictions, recipes, shipped_answers
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Shipped, Trained
from zfutils.stats import bootstrap, seeds
from zfutils.stats.bootstrap import Interval
from zfutils.stats.seeds import Estimate
from zfutils.training import runs, schedule

Answers = tuple[np.ndarray, np.ndarray]  # wrong answers to validation and to training images


def missing(profile: Profile, names: list[str], *, seed: int = 0, answers: bool = False) -> dict[str, str]:
    """Nets that are neither trained nor ship, each with what is there of it.

    Args:
        profile: the sizes.
        names: of recipes.
        seed: of the nets.
        answers: whether a net of which only the answers ship (`models.shipped_answers`) counts as there.

    Returns:
        `{"zfnet-wide": "zfnet-wide is at step 120 of 5008", …}`, in the order of the names.

    Raises:
        Problem: unknown recipe or absent data.
    """
    states = {name: runs.state(profile, name, seed=seed) for name in names}
    there = ("trained", "ships", *([runs.ANSWERS] if answers else []))
    return {name: _reason(name, state) for name, state in states.items() if state not in there}


def missing_words(missing: Mapping[str, str], names: Iterable[str]) -> str:
    """Which of some nets are not there, in words, those of which nothing is there together; empty where all are.

    Args:
        missing: answer of `missing`.
        names: of recipes.
    """
    lacking = [name for name in names if name in missing]
    gone = [name for name in lacking if missing[name] == _reason(name, "missing")]
    together = [f"{', '.join(gone[:-1])} and {gone[-1]} are missing"] if len(gone) > 1 else [missing[name] for name in gone]
    return "; ".join([*together, *(missing[name] for name in lacking if name not in gone)])


def of_seeds(profile: Profile, name: str, prepared: PreparedSet, indices: np.ndarray, *, which: tuple[int, ...], seed: int) -> np.ndarray:
    """Wrong answers of a recipe from every seed that is there, bool (seeds, n).

    Args:
        profile: the sizes.
        name: of the recipe; its first seed must be there.
        prepared: the pictures.
        indices: (n,).
        which: crops to average over.
        seed: of the run.
    """
    nets = filter(None, (runs.answered(profile, other, seed=seed) for other in recipes.seeds_of(name)))
    return np.stack([cached_predictions.wrong(net, prepared, indices, crops=which) for net in nets])


def answered_together(profile: Profile, name: str, *, seed: int = 0) -> Answered | None:
    """What ships of the answers of several nets whose probabilities were averaged; whoever has trained the nets averages those.

    *Paper:* table 2, rows (a) and (a) + (b).

    Args:
        profile: the sizes.
        name: of the nets together, in `recipes.TOGETHER`.
        seed: of the run.

    Returns:
        The answers; None where none ship or no picture is prepared, where one of the nets was trained here, and where what ships of one
        does not count or is not what was averaged.
    """
    nets = {net: runs.answered(profile, net, seed=seed) for net in recipes.TOGETHER[name]}
    if not registry.is_prepared(profile, seed=seed) or not all(isinstance(net, Shipped | Answered) for net in nets.values()):
        return None
    found = shipped_answers.of(profile.name, name, registry.opened(profile, seed=seed), seed=seed)
    digests = {name: shipped_files.index()[net.file.name]["sha256"] for name, net in nets.items()}
    return found if found and found.card["nets"] == digests else None


def left_chance(log: pd.DataFrame, classes: int, *, loss: str = "train_loss") -> int | None:
    """The step by which a net had begun to learn.

    *Paper:* section 3 leads to small signals and gradients at first, so a net answers like a guess for a while.

    Args:
        log: of its training, one row an epoch, with `step` and its losses (mean cross-entropy, nats).
        classes: number of classes.
        loss: which of them. `train_loss` is the mean over an epoch, with dropout, and so comes late; `dev_loss`, measured at the end of
            the epoch, is what the learning-rate schedule looks at.

    Returns:
        The end of the first epoch whose loss lies below nine tenths of that of a guess, ln(classes); None where there was none.
    """
    below = log.loc[log[loss] < schedule.LEARNING * math.log(classes), "step"]
    return None if below.empty else int(below.iloc[0])


def counted(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Errors as counts and in percent, the interval of the top-1 error, and the mean log loss.

    *Paper:* tables 2 and 3 print percentages alone.

    Args:
        probabilities: (n, classes), every row sums to 1.
        labels: (n,), class numbers.

    Returns:
        `n`; `top-1 wrong` and `top-1 error %` with the ends of its 95 % interval (Wilson), `low %` and `high %`; the same counts and
        percentages for `top-2` and `top-5`; `mean log loss` in nats, where a probability below 1e-12 counts as that.
    """
    wrong = {top: predictions.wrong(probabilities, labels, top=top) for top in predictions.TOPS}
    return _counts(wrong, predictions.log_loss(probabilities, labels))


def counted_of(trained: Trained | Answered, prepared: PreparedSet, indices: np.ndarray, *, crops: tuple[int, ...]) -> dict[str, float]:
    """The same of one net, also where only its answers ship.

    Args:
        trained: the net.
        prepared: the pictures that it was trained on.
        indices: of the pictures, (n,).
        crops: numbers of the crops to average over.
    """
    if not isinstance(trained, Answered):
        return counted(cached_predictions.of(trained, prepared, indices, crops=crops), prepared.labels[indices])
    wrong = {top: trained.wrong(prepared, indices, crops=crops, top=top) for top in predictions.TOPS}
    return _counts(wrong, trained.log_loss(prepared, indices, crops=crops))


def ensemble_gain(together: np.ndarray, alone: np.ndarray, *, generator: np.random.Generator) -> Interval:
    """Error of several nets together minus the mean of their own errors, with a bootstrap over images.

    *Paper:* table 2, row (a).

    Args:
        together: bool of shape (n,): wrong answers of the averaged probabilities.
        alone: bool of shape (nets, n): wrong answers of each net.
        generator: source of the draws.

    Returns:
        The difference, below 0 where they are better together, and the ends of its 95 % interval, in [-1, 1].

    Raises:
        ValueError: they answered different numbers of images.
    """
    bootstrap.same_images(together, *alone)
    # Whole numbers until the end, so that images with equal answers are equal.
    gain = len(alone) * together.astype(np.int64) - np.sum(alone, axis=0, dtype=np.int64)  # (n,)
    samples = bootstrap.means(gain[:, None], generator=generator)[:, 0]
    return bootstrap.interval(gain.mean() / len(alone), samples / len(alone))


def gap_difference(ours: Answers, theirs: Answers, *, generator: np.random.Generator) -> Estimate:
    """Gap between validation and training error of one recipe minus that of another.

    *Paper:* table 3, section 5.1, on overfitting.

    Args:
        ours, theirs: bool of shapes (seeds, n) and (seeds, m): wrong answers to the validation and to the training images.
        generator: source of the draws.

    Returns:
        The difference, above 0 where our gap is wider, over seeds first and images of both splits second.
    """

    def measure(means: np.ndarray) -> np.ndarray:
        return (means[:, 0] - means[:, 1]) - (means[:, 2] - means[:, 3])

    return seeds.measured((*ours, *theirs), measure, generator=generator, apart=(0, 1, 0, 1))


def direction(interval: tuple[float, float], seeds: int = 2) -> str:
    """Whether a change of the error is `higher`, `lower`, or `undecided` where its interval covers 0; from one seed it `leans` only."""
    low, high = interval
    if low <= 0 <= high:
        return "undecided"
    return ("leans " if seeds < 2 else "") + ("higher" if low > 0 else "lower")


def _counts(wrong: Mapping[int, np.ndarray], log_loss: float) -> dict[str, float]:
    """A row of counts from wrong answers, bool (n,) for each number of guesses, and the mean log loss."""
    row = {"n": len(wrong[1])}
    for top, own in wrong.items():
        error = predictions.error_rate(own)
        row |= {f"top-{top} wrong": error.wrong, f"top-{top} error %": round(100 * error.rate, 2)}
        if top == 1:
            low, high = error.interval()
            row |= {"low %": round(100 * low, 2), "high %": round(100 * high, 2)}
    return {**row, "mean log loss": round(log_loss, 4)}


def _reason(name: str, state: str) -> str:
    """Why a net is not there; where its training stopped that says so itself, and what to do about it is left out."""
    if state == runs.ANSWERS:
        return f"of {name} only answers ship"
    said = state.partition(";")[0].strip()
    return said if name in said else f"{name} is {said}"
