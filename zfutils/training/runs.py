"""Trained nets of a profile: each recipe trained once in a folder of its own, found again by what it depends on."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from zfutils.core import keys, paths, profiles
from zfutils.core.errors import Problem
from zfutils.data import registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, devices, predictions, recipes
from zfutils.models.trained import Trained
from zfutils.training.trainer import TRAINING_VERSION, Diverged, Settings, Trainer

_MEMBERS = 1000  # between the seeds of nets that differ in their seed only, so that no seed of a reader meets them
_STOPPED = "stopped.txt"  # why a run diverged


def settings_of(profile: profiles.Profile, recipe: recipes.Recipe, prepared: PreparedSet, *, seed: int = 0) -> Settings:
    """The numbers of a recipe in a profile. The drops of the recipe that it follows must be known: that net is trained before."""
    size = {"width": profile.width, "image_size": profile.image_size, "fc_units": profile.fc_units, "classes": len(prepared.classes)}
    architecture = architectures.scaled(recipe.paper, **size)
    lr_drops = None
    if recipe.follows:
        followed = _where(profile, settings_of(profile, recipes.recipe(recipe.follows), prepared, seed=seed), prepared)
        lr_drops = tuple(Trained(followed).card["lr_drops"])
    drawn = seed + _MEMBERS * recipe.member
    options = {"learning_rate": profile.learning_rate, "lr_drops": lr_drops, "batch": profile.batch, "turned": recipe.turned}
    return Settings(recipe.name, architecture, profile.epochs, drawn, recipe.clips, **options)


def train(profile: profiles.Profile, name: str, *, seed: int = 0, retrain: bool = False) -> Path:
    """Train a recipe in a profile, and the recipe that it follows before it; do nothing where that is done.

    Args:
        profile: the sizes.
        name: of the recipe.
        seed: of everything that is drawn.
        retrain: start anew although the net exists.

    Returns:
        The folder of the trained net.

    Raises:
        Diverged: the loss is not finite, now or when it was tried before.
        Problem: unknown recipe, absent data, a full disk.
    """
    recipe, prepared = recipes.recipe(name), registry.opened(profile, seed=seed)
    if recipe.follows:
        train(profile, recipe.follows, seed=seed)
    settings = settings_of(profile, recipe, prepared, seed=seed)
    folder = _where(profile, settings, prepared)
    if retrain:
        for file in ("net.safetensors", "state.pt", _STOPPED):
            (folder / file).unlink(missing_ok=True)
    if (folder / _STOPPED).exists():  # the same run would end the same way
        raise Diverged((folder / _STOPPED).read_text(encoding="utf-8"))
    if not (folder / "net.safetensors").exists():
        devices.join_group()
        device = devices.device()
        trainer = Trainer(settings, prepared, folder, device=device, dtype=devices.dtype(device))
        _run(trainer)
        if trainer.rank == 0:
            _finish(trainer)
    return folder


def _run(trainer: Trainer) -> None:
    """Train to the end; why a run diverged is kept beside its state."""
    try:
        trainer.run()
    except Diverged as stopped:
        with paths.whole(trainer.folder / _STOPPED) as fresh:
            fresh.write_text(str(stopped), encoding="utf-8")
        raise


def stopped(profile: profiles.Profile, name: str, *, seed: int = 0) -> str:
    """Why the training of a net diverged; empty where it did not. What it follows must be trained."""
    file = _folder(profile, name, seed) / _STOPPED
    return file.read_text(encoding="utf-8") if file.exists() else ""


def state(profile: profiles.Profile, name: str, *, seed: int = 0) -> str:
    """What is there of a net: `trained`, `at step 120 of 3756`, `missing`, or why its training stopped."""
    recipe, prepared = recipes.recipe(name), registry.opened(profile, seed=seed)
    if is_trained(profile, name, seed=seed):
        return "trained"
    if recipe.follows and not is_trained(profile, recipe.follows, seed=seed):
        return "missing"  # its learning-rate drops are not known yet
    if why := stopped(profile, name, seed=seed):
        return why
    file = _folder(profile, name, seed) / "state.pt"
    if not file.exists():
        return "missing"
    done = torch.load(file, map_location="cpu", weights_only=True)["step"]
    return f"at step {done} of {math.ceil(len(prepared.indices('train')) / profile.batch) * profile.epochs}"


def trained(profile: profiles.Profile, name: str, *, seed: int = 0) -> Trained:
    """Find a trained net.

    Raises:
        Problem: it is not trained yet; the command that does it is named.
    """
    if not is_trained(profile, name, seed=seed):
        command = f"make train NET={name} PROFILE={profile.name}" + (f" SEED={seed}" if seed else "")
        raise Problem(f"{name} is not trained in profile {profile.name}; run: {command}")
    return Trained(_folder(profile, name, seed))


def is_trained(profile: profiles.Profile, name: str, *, seed: int = 0) -> bool:
    """Whether a net is trained.

    Raises:
        Problem: unknown recipe or absent data.
    """
    recipe = recipes.recipe(name)
    if recipe.follows and not is_trained(profile, recipe.follows, seed=seed):
        return False
    return (_folder(profile, name, seed) / "net.safetensors").exists()


def _folder(profile: profiles.Profile, name: str, seed: int) -> Path:
    """Folder of a recipe's run; what it follows must be trained."""
    prepared = registry.opened(profile, seed=seed)
    return _where(profile, settings_of(profile, recipes.recipe(name), prepared, seed=seed), prepared)


def _where(profile: profiles.Profile, settings: Settings, prepared: PreparedSet) -> Path:
    """Folder of a run, named by all that the net depends on: the settings, the pictures with their classes, the code."""
    key = keys.digest("training", TRAINING_VERSION, settings, prepared.digest())
    return paths.data_dir() / profile.name / "nets" / f"{settings.recipe}-seed{settings.seed}-{key[:8]}"


def _finish(trainer: Trainer) -> None:
    """Write the log and the net with its card; then the state has served."""
    settings, log = trainer.settings, pd.DataFrame(trainer.log)
    with paths.whole(trainer.folder / "log.csv") as fresh:
        log.to_csv(fresh, index=False)
    with devices.threads_for(settings.batch):
        card = _card(trainer, log)
    checkpoints.save(trainer.net, settings.architecture, trainer.folder / "net.safetensors", card=card)
    (trainer.folder / "state.pt").unlink(missing_ok=True)


def _card(trainer: Trainer, log: pd.DataFrame) -> dict:
    """What is to be known of a trained net."""
    settings, prepared, last = trainer.settings, trainer.prepared, log.iloc[-1]
    rows = prepared.indices("val")
    guessed = predictions.probabilities(trainer.net.eval(), trainer.inputs, rows)
    error = predictions.error_rate(predictions.wrong(guessed, prepared.labels[rows]))
    visits, seconds = settings.epochs * len(trainer.train), float(log["seconds"].sum())
    return {
        "settings": json.loads(json.dumps({**asdict(settings), "architecture": str(settings.architecture)})),
        "recipe": settings.recipe,
        "seed": settings.seed,
        "data": prepared.path.name,
        "data_sha256": prepared.facts["sha256"],
        "classes": prepared.classes,
        "lr_drops": trainer.schedule.lr_drops,
        "steps": trainer.steps,
        "visits": visits,
        "multiply_adds": sum(architectures.multiply_adds(settings.architecture).values()),
        "seconds": seconds,
        "images_per_second": round(visits / seconds, 1),
        "dev_wrong": int(last["dev_wrong"]),
        "dev_n": int(last["dev_n"]),
        "val_wrong": error.wrong,
        "val_n": error.n,
        "clipped": int(log["clipped"].sum()),
        "dtype": str(trainer.dtype).removeprefix("torch."),
        "device": devices.describe(trainer.device),
        "processes": trainer.world,
        "torch": torch.__version__,
    }
