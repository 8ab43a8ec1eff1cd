"""From scratch: a net trained on nothing but the few pictures of a fold, until it fits them."""

import contextlib
import dataclasses
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zfutils.core import keys, paths
from zfutils.core.errors import Problem
from zfutils.core.profiles import Profile
from zfutils.data import splits
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, devices, predictions, recipes
from zfutils.models.crops import Crops
from zfutils.training import run_folder, runs
from zfutils.training.trainer import TRAINING_VERSION, Diverged, Settings, Trainer

RATES = (0.0003125, 0.000625, 0.00125, 0.0025, 0.005, 0.01)  # learning rates that may be tried, up to the paper's for many pictures
FIRST = (0.00125, 0.0025)  # the two that are tried first
BATCH = 16  # images a step: with so few pictures a batch of 128 would be most of them
ONLY_TRAINED = {"ONLY_TRAINED": "1"}  # in the environment: no net is trained, those that are there are taken
FROM_SCRATCH_VERSION = 2  # raised, beside TRAINING_VERSION, when the same pictures give another net or other answers


class NotTrained(Problem):
    """A net from scratch is not there, and this run trains none."""


@dataclass(frozen=True)
class Scratch:
    """A net that was trained from scratch.

    Attributes:
        correct: right answers to the test pictures, centre crop, bool (test,).
        train_error: share of wrong answers to its own training pictures, centre crop.
        steps: of its training.
        rate: its first learning rate.
        losses: step and mean training loss at the end of every epoch.
    """

    correct: np.ndarray
    train_error: float
    steps: int
    rate: float
    losses: tuple[tuple[int, float], ...] = ()

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch: `step`, `train_loss`."""
        return pd.DataFrame(self.losses, columns=["step", "train_loss"])


def train(
    profile: Profile,
    prepared: PreparedSet,
    mean: np.ndarray,
    indices: np.ndarray,
    test: np.ndarray,
    *,
    rate: float,
    seed: int,
    recipe: str = "zfnet",
) -> Scratch:
    """Train a net on some pictures alone, or read what an earlier run left.

    *Paper:* section 5.2: layers 1 to 7 are reset and everything is trained on the small set. Epochs mean nothing there: seventy would be a
    few hundred steps and leave the net at chance. So the profile's transfer plan says how many steps, or passes over its pictures, it runs
    for, and where its rate is cut by ten.

    Args:
        profile: the sizes.
        prepared: the pictures.
        mean: what is subtracted, (side, side, 3).
        indices: to train on.
        test: indices to answer.
        rate: first learning rate.
        seed: of weights, order, crops and dropout.
        recipe: whose layers it has, and whose crops and weight decay.

    Raises:
        Diverged: the loss is not finite, now or when it was tried before.
        NotTrained: it is not there, and the run takes only what is (`ONLY_TRAINED`).
    """
    settings, view = _settings(profile, prepared, indices, rate, seed, recipe), _view(prepared, indices)
    pictures = prepared.digest(), keys.digest(mean.tobytes().hex()), indices.tolist(), test.tolist()
    key = keys.digest(settings, *pictures, TRAINING_VERSION, FROM_SCRATCH_VERSION)
    folder = paths.data_dir() / profile.name / "scratch" / f"{len(indices)}-images-{key[:8]}"
    if only_trained() and not (folder / "answers.csv").exists():
        raise NotTrained("no net was trained from scratch; run without TRAINED=1 to train them")
    run_folder.fill(folder, "answers.csv", lambda: _run(settings, view, mean, test, folder))
    card, answers = checkpoints.card(folder / "net.safetensors"), pd.read_csv(folder / "answers.csv")
    losses = tuple((int(step), float(loss)) for step, loss in card["losses"])
    return Scratch(answers["correct"].to_numpy(bool), card["train_wrong"] / card["train_n"], card["steps"], rate, losses)


def only_trained() -> bool:
    """Whether this run trains no net from scratch (`ONLY_TRAINED` in the environment)."""
    return ONLY_TRAINED.items() <= os.environ.items()


def best_rate(
    profile: Profile, prepared: PreparedSet, mean: np.ndarray, indices: np.ndarray, *, seed: int, recipe: str = "zfnet"
) -> tuple[float, pd.DataFrame]:
    """Choose the learning rate on a third of the training pictures, which are held out.

    From the better of `FIRST` it goes on through `RATES` on that side for as long as each rate beats those before, so that the choice is no
    accident of where the search began.

    Args:
        profile, prepared, mean: as in `train`.
        indices: training indices. No test picture of their fold is looked at; where the rate serves other folds too, some of theirs are.
        seed: of the split and the nets.
        recipe: as in `train`.

    Returns:
        The rate with the most right answers to the held-out pictures (of equal ones the smallest), and a table of those that were tried,
        by rate: `rate`, `right` (-1 where it diverged), `of`, `train_error`.
    """
    kept, held = splits.split(indices, prepared.labels, generator=np.random.default_rng(seed))
    tried: dict[float, dict] = {}

    def right(rate: float) -> int:
        tried[rate] = {"rate": rate, "right": -1, "of": len(held), "train_error": math.nan}
        with contextlib.suppress(Diverged):
            scratch = train(profile, prepared, mean, kept, held, rate=rate, seed=seed, recipe=recipe)
            tried[rate] |= {"right": int(scratch.correct.sum()), "train_error": scratch.train_error}
        return tried[rate]["right"]

    low, high = FIRST
    onwards = RATES[RATES.index(high) + 1 :] if right(low) < right(high) else RATES[: RATES.index(low)][::-1]
    best = max(attempt["right"] for attempt in tried.values())
    for rate in onwards:
        before, best = best, max(best, right(rate))
        if best == before and best >= 0:  # where all have diverged so far, a smaller one may not
            break
    table = pd.DataFrame([tried[rate] for rate in sorted(tried)])
    return float(table.loc[table["right"].idxmax(), "rate"]), table


def _settings(profile: Profile, prepared: PreparedSet, indices: np.ndarray, rate: float, seed: int, name: str) -> Settings:
    """The numbers of one run."""
    recipe = recipes.recipe(name)
    architecture = architectures.of_profile(profile, recipe.paper, len(prepared.classes))
    plan, an_epoch = profile.transfer, math.ceil(len(indices) / BATCH)
    epochs = plan.scratch_epochs(len(indices), BATCH)
    lr_drops = tuple(math.ceil(share * epochs * an_epoch) for share in plan.scratch_drops)
    options = {"learning_rate": rate, "lr_drops": lr_drops, "batch": BATCH, **runs.later_of(recipe)}
    return Settings(f"{name} from scratch", architecture, epochs, seed, recipe.clips, **options)


def _view(prepared: PreparedSet, indices: np.ndarray) -> PreparedSet:
    """The set with only some pictures to train on; the others stand as dev, which a run must have and this one does not look at."""
    split = np.full(len(prepared.table), "dev", dtype=object)
    split[indices] = "train"
    return dataclasses.replace(prepared, table=prepared.table.assign(split=split))


def _run(settings: Settings, view: PreparedSet, mean: np.ndarray, test: np.ndarray, folder: Path) -> None:
    """Train, answer, write; the state of the run has then served."""
    device = devices.device()
    trainer = Trainer(settings, view, folder, device=device, dtype=devices.dtype(device))
    trainer.inputs = Crops(view, settings.architecture.image_size, device=device, mean=mean)
    trainer.dev = trainer.train[:1]  # what it measures after every epoch decides nothing: the drops are given
    trainer.run()
    net = trainer.net.eval()
    train_wrong = predictions.wrong(predictions.probabilities(net, trainer.inputs, trainer.train), view.labels[trainer.train])
    correct = ~predictions.wrong(predictions.probabilities(net, trainer.inputs, test), view.labels[test])
    card = {"recipe": settings.recipe, "seed": settings.seed, "steps": trainer.steps, "rate": settings.learning_rate}
    counts = {"train_wrong": int(train_wrong.sum()), "train_n": len(train_wrong)}
    counts["losses"] = [[epoch["step"], round(epoch["train_loss"], 5)] for epoch in trainer.log]
    checkpoints.save(net, settings.architecture, folder / "net.safetensors", card={**card, **counts})
    with paths.whole(folder / "answers.csv") as fresh:
        pd.DataFrame({"row": test, "correct": correct}).to_csv(fresh, index=False)
    (folder / "state.pt").unlink(missing_ok=True)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
