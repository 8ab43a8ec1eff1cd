"""From scratch: a net trained on nothing but the few pictures of a fold, until it fits them."""

import contextlib
import dataclasses
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from zfutils.core import keys, paths, shipped_files
from zfutils.core.errors import Problem
from zfutils.core.profiles import Profile
from zfutils.data import splits
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, devices, predictions, recipes
from zfutils.models.crops import Crops
from zfutils.training import run_folder, runs, scratch_answers
from zfutils.training.scratch_answers import Scratch
from zfutils.training.trainer import TRAINING_VERSION, Diverged, Settings, Trainer

RATES = (0.0003125, 0.000625, 0.00125, 0.0025, 0.005, 0.01)  # learning rates that may be tried, up to the paper's for many pictures
FIRST = (0.00125, 0.0025)  # the two that are tried first
BATCH = 16  # images a step: with so few pictures a batch of 128 would be most of them
ONLY_TRAINED = {"ONLY_TRAINED": "1"}  # in the environment: no net is trained, those that are there or whose answers ship are taken
RETRAIN = {"RETRAIN": "1"}  # in the environment: no answers that ship are taken
FROM_SCRATCH_VERSION = 2  # raised, beside TRAINING_VERSION, when the same pictures give another net or other answers


class NotTrained(Problem):
    """A net from scratch is not there, and this run trains none."""


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
    """Train a net on some pictures alone, or read what an earlier run left, or what ships of its answers where they are taken.

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
        NotTrained: it is not there, nor do its answers ship, and the run takes only what is (`ONLY_TRAINED`).
    """
    settings, view = _settings(profile, prepared, indices, rate, seed, recipe), _view(prepared, indices)
    pictures = prepared.digest(), keys.digest(mean.tobytes().hex()), indices.tolist(), test.tolist()
    key = keys.digest(settings, *pictures, TRAINING_VERSION, FROM_SCRATCH_VERSION)
    folder = paths.data_dir() / profile.name / "scratch" / f"{len(indices)}-images-{key[:8]}"
    named = keys.digest(settings, prepared.named, indices.tolist(), test.tolist(), TRAINING_VERSION, FROM_SCRATCH_VERSION)
    if not (folder / scratch_answers.LAST).exists():
        if takes_shipped(profile) and (there := scratch_answers.of_shipped(profile.name, named)):
            return there
        if only_trained():
            raise NotTrained("no net was trained from scratch; run without TRAINED=1 to train them")
    scratch_answers.name(folder, named)
    run_folder.fill(folder, scratch_answers.LAST, lambda: _run(settings, view, mean, test, folder))
    return scratch_answers.read(folder)


def folders(profile: str) -> list[Path]:
    """Where the nets from scratch of a profile, by its name, are kept, ended or not."""
    return sorted((paths.data_dir() / profile / "scratch").glob("[0-9]*-images-*"))


def only_trained() -> bool:
    """Whether this run trains no net from scratch (`ONLY_TRAINED` in the environment)."""
    return ONLY_TRAINED.items() <= os.environ.items()


def takes_shipped(profile: Profile) -> bool:
    """Whether answers that ship stand for nets that were not trained here: in a run that trains none, and where a profile's nets ship,
    unless it is to train anew (`RETRAIN` in the environment)."""
    return (only_trained() or profile.ships) and not RETRAIN.items() <= os.environ.items()


def note(profile: Profile, ships: Sequence[bool]) -> str:
    """A sentence, Markdown, that says of how many nets the answers came with the book, and how one trains one's own.

    Args:
        profile: the sizes.
        ships: of each net, whether they did.

    Returns:
        The sentence, after a space; empty where all were trained here.
    """
    if not any(ships):
        return ""
    whose = ("Its answers" if len(ships) == 1 else "Their answers") if all(ships) else f"The answers of {sum(ships)} of these {len(ships)}"
    again = f"make reproduce PROFILE={profile.name}" + (" RETRAIN=1" if profile.ships else "")
    return f" {whose} came with the book; `{again}` trains one's own."


def shipped_digest(profile: Profile) -> str:
    """Digest of the answers that ship of a profile's nets from scratch and that a run may take; empty where it takes none."""
    listed = shipped_files.index().get(scratch_answers.file_of(profile.name))
    return listed["sha256"] if listed and takes_shipped(profile) else ""


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
    scratch_answers.write(folder, test, correct)
    (folder / "state.pt").unlink(missing_ok=True)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
