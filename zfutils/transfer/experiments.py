"""Transfer: the experiments of section 5.2 as tidy tables, one row a fold, with the answers that they rest on."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from zfutils.core import keys
from zfutils.core.profiles import Profile
from zfutils.data import manifests, splits
from zfutils.data.prepared_sets import PreparedSet
from zfutils.data.splits import Fold
from zfutils.stats import bootstrap, intervals, seeds
from zfutils.stats.seeds import Estimate
from zfutils.transfer import linear_probes


@dataclass
class Outcome:
    """What a method answered at every size in every fold.

    Attributes:
        method: its name.
        rows: one dict a size and fold: `method`, `size`, `fold`, `accuracy` (mean over classes, in [0, 1]), `answers` (their number),
            `trained` (number of images that it was trained on), more.
        correct: right answers by (size, fold), bool (test,).
        tested: indices of the test images, by (size, fold).
    """

    method: str
    rows: list[dict] = field(default_factory=list)
    correct: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    tested: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def add(self, size: int, number: int, fold: Fold, labels: np.ndarray, correct: np.ndarray, **known: object) -> None:
        """Take the answers of one run."""
        accuracy = splits.class_mean(correct, labels[fold.test])
        counts = {"answers": len(fold.test), "trained": size * len(fold.order)}
        self.rows.append({"method": self.method, "size": size, "fold": number, "accuracy": accuracy, **counts, **known})
        self.correct[size, number], self.tested[size, number] = correct, fold.test

    def images(self, size: int) -> int:
        """Number of test images of a size; one that is tested in several folds counts once."""
        return len(np.unique(np.concatenate([indices for (asked, _), indices in self.tested.items() if asked == size])))

    @property
    def frame(self) -> pd.DataFrame:
        """All rows as a table."""
        return pd.DataFrame(self.rows)


def draws(prepared: PreparedSet, profile: Profile, *, seed: int) -> list[Fold]:
    """The folds of a profile: every size and method is tested on the same images of a fold."""
    plan = profile.transfer
    largest = max((*plan.sizes, *plan.curve, *plan.layers, *plan.scratch_sizes))
    whole = max(1, int(np.bincount(prepared.labels).min()) - 1)  # a class always keeps one image to test
    return [
        splits.draw(prepared.labels, largest=min(largest, whole), test=plan.test, fold=number, seed=seed) for number in range(plan.folds)
    ]


def possible(prepared: PreparedSet, sizes: Sequence[int]) -> tuple[list[int], dict[int, str]]:
    """Which sizes every class has images for, and for the others why not, the first classes named."""
    fit, why = [], {}
    for size in sizes:
        short = splits.lacking(prepared.labels, prepared.classes, size)
        if short:
            named = ", ".join(short[:3]) + (f" and {len(short) - 3} more" if len(short) > 3 else "")
            why[size] = f"{size} training images and one to test are not there in {named}"
        else:
            fit.append(size)
    return fit, why


def probed(
    method: str, kind: str, features: np.ndarray, prepared: PreparedSet, drawn: Sequence[Fold], sizes: Sequence[int], *, seed: int
) -> Outcome:
    """Train a linear classifier on frozen features at every size in every fold.

    *Paper:* tables 4, 5 and 7, figure 9.

    Args:
        method: what the rows are called.
        kind: `softmax` or `svm`.
        features: of all pictures of the set, (n, numbers).
        prepared: the set.
        drawn: its folds.
        sizes: training images a class.
        seed: of the inner splits.
    """
    outcome = Outcome(method)
    for number, fold in enumerate(drawn):
        for size in sizes:
            generator = np.random.default_rng(int(keys.digest("inner", seed, number, size), 16))
            correct, strength = linear_probes.answers(kind, features, prepared.labels, fold.train(size), fold.test, generator=generator)
            outcome.add(size, number, fold, prepared.labels, correct, strength=strength)
    return outcome


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over folds of each method at each size, in percent.

    Args:
        frame: rows of outcomes.

    Returns:
        `method`, `size`, `accuracy`, `std` (over folds), `low` and `high` (95 % interval of the mean over folds that redraw from one
        pool, cut off at 0 and 100; these three are empty for one fold, which says nothing of its spread), `folds`, `answers` (of all folds
        together).
    """
    if frame.empty:
        return pd.DataFrame(columns=["method", "size", "accuracy", "std", "folds", "answers", "low", "high"])
    grouped = frame.groupby(["method", "size"], sort=False)
    summed = grouped.agg(accuracy=("accuracy", "mean"), std=("accuracy", "std"), folds=("accuracy", "size"), answers=("answers", "sum"))
    ratio = grouped["answers"].mean() / grouped["trained"].mean()
    summed["low"], summed["high"] = intervals.redrawn_folds(summed["accuracy"], summed["std"], summed["folds"], ratio)
    summed[["low", "high"]] = summed[["low", "high"]].clip(0, 1)  # two or three folds know so little that it would reach beyond
    summed[["accuracy", "std", "low", "high"]] *= 100
    return summed.reset_index()


def over_folds(values: np.ndarray, frame: pd.DataFrame) -> tuple[float, float, float]:
    """Mean of a number that was computed in every fold, with the 95 % interval of folds that redraw from one pool.

    Args:
        values: one a fold, (folds,).
        frame: rows of an outcome at one size in the same folds, for how many pictures they trained and tested on.

    Returns:
        The mean and the ends of its interval, which reach from minus to plus infinity for one fold: it says nothing of its spread.
    """
    if len(values) < 2:
        return float(values.mean()), -math.inf, math.inf
    ratio = float((frame["answers"] / frame["trained"]).mean())
    return float(values.mean()), *map(float, intervals.redrawn_folds(values.mean(), values.std(ddof=1), len(values), ratio))


def gain(
    ours: Outcome, theirs: Outcome, size: int, prepared: PreparedSet, drawn: Sequence[Fold], *, seed: int
) -> tuple[float, float, float, int]:
    """Difference of two methods at one size over the folds that both ran on.

    Returns:
        The difference of accuracies, the ends of its 95 % interval, in [-1, 1], and the number of test images. The interval is that of
        folds which redraw from one pool; for one fold a bootstrap over test images within classes, which knows nothing of another draw.
    """
    both = [number for number in range(len(drawn)) if (size, number) in ours.correct and (size, number) in theirs.correct]
    tested = [drawn[number].test for number in both]
    answers = [[outcome.correct[size, number] for number in both] for outcome in (ours, theirs)]
    n = len(np.unique(np.concatenate(tested)))
    if len(both) == 1:
        return *bootstrap.class_mean_difference(tested, *answers, prepared.labels, generator=np.random.default_rng(seed)), n
    means = [[splits.class_mean(own, prepared.labels[test]) for own, test in zip(method, tested, strict=True)] for method in answers]
    gains = np.subtract(*means)
    ratio = np.mean([len(test) for test in tested]) / (size * len(prepared.classes))
    return float(gains.mean()), *map(float, intervals.redrawn_folds(gains.mean(), gains.std(ddof=1), len(gains), ratio)), n


def gain_over_seeds(
    ours: Sequence[Outcome], theirs: Outcome, size: int, prepared: PreparedSet, drawn: Sequence[Fold], *, seed: int
) -> tuple[Estimate, int]:
    """Difference of two methods of which ours rests on nets from several seeds; arguments as in `gain`, with one outcome a seed.

    Returns:
        The mean over the seeds, with an interval over folds and seeds together, and the number of test images. From one fold it is worth no
        more than from one seed: nets from scratch start anew in every fold, and of one start nothing is known of others.
    """
    gains = [gain(own, theirs, size, prepared, drawn, seed=seed) for own in ours]
    value, low, high = np.mean([own[:3] for own in gains], axis=0).tolist()
    folds = sum((size, number) in theirs.correct for number in range(len(drawn)))
    found = seeds.with_spread((value, low, high), [own[0] for own in gains], freedom=folds - 1 or math.inf)
    return replace(found, seeds=min(found.seeds, folds)), gains[0][3]


def present(prepared: PreparedSet) -> np.ndarray:
    """Which classes every picture shows, bool (n, classes): scenes of toys and PASCAL VOC list them."""
    names = list(prepared.classes)
    if "control" not in prepared.table:  # VOC lists folders, classes have names
        names = list(manifests.read("voc2012").classes)
    shown = [json.loads(listed) for listed in prepared.table["present"]]
    return np.array([[name in listed for name in names] for listed in shown])


def counted(prepared: PreparedSet) -> np.ndarray:
    """Which pictures count for every class, bool (n, classes): PASCAL VOC leaves out those that show it only in ways hard to see."""
    if "hard" not in prepared.table:
        return np.ones((len(prepared.table), len(prepared.classes)), bool)
    names = list(manifests.read("voc2012").classes)
    return np.array([[name not in listed for name in names] for listed in map(json.loads, prepared.table["hard"])])


def exclusive(features: np.ndarray, shown: np.ndarray, train: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    """The paper's protocol for pictures with several objects: a softmax, one exclusive prediction a picture.

    *Paper:* section 5.2, table 6. **Assumption**: in training a picture counts once for every class that it shows.

    Args:
        features: of all pictures, (n, numbers).
        shown: which classes each shows, bool (n, classes).
        train, test: indices.
        strength: C of the softmax.

    Returns:
        Probabilities, (test, classes); 0 for classes that no training picture shows.
    """
    own, unseen = linear_probes.scaled(features, train, test)
    shows, labels = np.nonzero(shown[train])
    scores = np.zeros((len(test), shown.shape[1]))
    if len(np.unique(labels)) > 1:
        scores[:, np.unique(labels)] = linear_probes.softmax(own[shows], labels, unseen, strength=strength)
    return scores


def independent(features: np.ndarray, shown: np.ndarray, train: np.ndarray, test: np.ndarray, *, strength: float) -> np.ndarray:
    """One logistic regression a class, for pictures with several objects (beyond the paper); arguments and answer as in `exclusive`."""
    own, unseen = linear_probes.scaled(features, train, test)
    return linear_probes.each_alone(own, shown[train], unseen, strength=strength)


def above_chance(right: np.ndarray, objects: np.ndarray, classes: int) -> np.ndarray:
    """Right answers corrected for guessing: a guess hits a picture of k objects with k / classes. 1 is right, 0 a guess on the average.

    Args:
        right: bool, (n,).
        objects: number of classes that each picture shows, (n,).
        classes: number of classes.
    """
    chance = objects / classes
    return (right - chance) / (1 - chance)
