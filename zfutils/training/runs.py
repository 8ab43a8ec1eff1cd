"""Trained nets of a profile: each recipe trained once in a folder of its own, found again by what it depends on."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from zfutils.core import keys, paths, profiles, progress
from zfutils.core.errors import Problem
from zfutils.data import registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, devices, predictions, recipes, shipped, shipped_answers
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Trained, of_shipped
from zfutils.training import run_folder, schedule
from zfutils.training.trainer import TRAINING_VERSION, Settings, Trainer

_MODERN_RATE, _MODERN_DECAY = 0.05, 5e-4  # of recipes that are `modern`, at the paper's batch
_MODERN_DROPS, _MODERN_FACTOR = (0.7, 0.9), 0.1  # they learn from the first step on, and need no early drop
_TUNING_RATE, _TUNING_SHARE = 0.1, 0.2  # of the profile's rate and length, where a net starts from one that ships
ANSWERS = "answers ship"  # the state of a net whose weights do not
_MEMBERS = 1000  # between the seeds of nets that differ in their seed only, so that no seed of a reader meets them


def settings_of(profile: profiles.Profile, recipe: recipes.Recipe, prepared: PreparedSet, *, seed: int = 0) -> Settings:
    """The numbers of a recipe in a profile. The drops of the recipe that it follows must be known: that net is trained before.

    Args:
        profile: the sizes.
        recipe: the net.
        prepared: the pictures of the profile, of which it may see a part only.
        seed: of everything that is drawn.
    """
    architecture = architectures.of_profile(profile, recipe.paper, recipe.classes or len(prepared.classes))
    images, seen = len(prepared.indices("train")), len(pictures_of(recipe, prepared, seed=seed).indices("train"))
    start = start_of(profile, recipe, architecture, images)
    lr_drops = None
    if recipe.follows:
        followed = settings_of(profile, recipes.recipe(recipe.follows), prepared, seed=seed)
        if bool(followed.start) == bool(start):  # else the two runs have other lengths, and steps of one say nothing of the other
            lr_drops = tuple(_to_follow(profile, followed, prepared, seed).card["lr_drops"])
    drawn = seed + _MEMBERS * recipe.member
    options = {"learning_rate": profile.learning_rate, "lr_drops": lr_drops, "batch": profile.batch, "turned": recipe.turned}
    options |= {"latest_drops": profile.latest_drops, "drop_factor": profile.drop_factor}
    if recipe.modern:
        options |= {"learning_rate": _MODERN_RATE * profile.batch / 128, **later_of(recipe)}
        options |= {"latest_drops": _MODERN_DROPS, "drop_factor": _MODERN_FACTOR}
    share = recipe.share
    if start:
        options |= {"learning_rate": _TUNING_RATE * profile.learning_rate, "start": shipped.digest(start)}
        share *= _TUNING_SHARE
    epochs = max(1, round(profile.epochs_of(images) * share * images / seen))  # whoever sees fewer images visits each as much more often
    return Settings(recipe.name, architecture, epochs, drawn, recipe.clips, **options)


def later_of(recipe: recipes.Recipe) -> dict[str, object]:
    """Settings, beside the rate, of what came after the paper; none for its own nets."""
    return {"weight_decay": _MODERN_DECAY, "anywhere": True} if recipe.modern else {}


def _to_follow(profile: profiles.Profile, followed: Settings, prepared: PreparedSet, seed: int) -> Trained:
    """The net whose learning-rate drops another takes over: the one trained here; else, in a profile whose nets ship, the one that does, if
    its run was as long."""
    here = Trained(folder_of(profile, followed, prepared))
    if not profile.ships or here.file.exists():
        return here
    net = of_shipped(profile.name, followed.recipe, seed=seed)
    steps = math.ceil(len(prepared.indices("train")) / followed.batch) * followed.epochs
    return net if net and net.card["steps"] == steps else here


def start_of(profile: profiles.Profile, recipe: recipes.Recipe, architecture: architectures.Architecture, images: int) -> str:
    """The net that ships from which a net of few pictures starts: its own, or that of the net which it follows and is built like.

    Args:
        profile: says from how many pictures on a net starts from random weights.
        recipe: of the net.
        architecture: of the net.
        images: of the training split.

    Returns:
        Its name; empty where there are pictures enough, or where no net of the same sizes ships.
    """
    alike = recipe.follows and recipes.recipe(recipe.follows).paper == recipe.paper
    name = shipped.name_of("photos", recipe.follows if alike else recipe.name)
    if recipe.scratch or images >= profile.scratch_from or name not in shipped.known():
        return ""
    held = shipped.architecture(name)
    return name if replace(held, classes=architecture.classes) == architecture else ""


def pictures_of(recipe: recipes.Recipe, prepared: PreparedSet, *, seed: int = 0) -> PreparedSet:
    """What a recipe is trained on: the whole set, or some classes of it, drawn by the seed so that fewer are among more.

    Raises:
        Problem: the set has fewer classes.
    """
    if not (recipe.classes or recipe.images):
        return prepared
    count = recipe.classes or len(prepared.classes)
    if why := too_few_classes(recipe, prepared):
        raise Problem(why)
    drawn = np.random.default_rng(int(keys.digest("classes", seed), 16)).permutation(len(prepared.classes))[:count]
    return prepared.restricted(sorted(drawn.tolist()), per_class=recipe.images // count if recipe.images else None)


def too_few_classes(recipe: recipes.Recipe, prepared: PreparedSet) -> str:
    """Why a recipe cannot be trained on a set that has fewer classes than it asks for; empty where it can."""
    if recipe.classes <= len(prepared.classes):
        return ""
    return f"{recipe.name} needs {recipe.classes} classes, this set has {len(prepared.classes)}; train it in a profile with more"


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
    if not _can_follow(profile, recipe, seed):
        train(profile, recipe.follows, seed=seed)
    settings = settings_of(profile, recipe, prepared, seed=seed)
    prepared = pictures_of(recipe, prepared, seed=seed)
    folder = folder_of(profile, settings, prepared)
    if retrain:
        run_folder.clear(folder)
    run_folder.fill(folder, "net.safetensors", lambda: _train(settings, prepared, folder))
    return folder


def _train(settings: Settings, prepared: PreparedSet, folder: Path) -> None:
    """Train to the end and write the net."""
    devices.join_group()
    device = devices.device()
    trainer = Trainer(settings, prepared, folder, device=device, dtype=devices.dtype(device))
    if trainer.rank == 0:
        progress.say(f"{settings.recipe}: {settings.epochs} epochs of {len(trainer.train)} images, {trainer.steps} steps")
    trainer.run()
    if trainer.rank == 0:
        _finish(trainer)
    devices.wait_for_all()  # the others read its card


def state(profile: profiles.Profile, name: str, *, seed: int = 0) -> str:
    """What is there of a net.

    Returns:
        `trained`, `ships`, `answers ship`, `at step 120 of 3756`, `missing`, or why its training stopped or cannot be.
    """
    if is_there(profile, name, seed=seed):
        return "trained" if is_trained(profile, name, seed=seed) else "ships"
    if answered(profile, name, seed=seed):
        return ANSWERS
    recipe, prepared = recipes.recipe(name), registry.opened(profile, seed=seed)
    if why := too_few_classes(recipe, prepared):
        return why
    if not _can_follow(profile, recipe, seed):
        return "missing"  # its learning-rate drops are not known yet
    folder = _folder(profile, name, seed)
    if why := run_folder.stopped(folder):
        return why
    file = folder / "state.pt"
    if not file.exists():
        return "missing"
    done = torch.load(file, map_location="cpu", weights_only=True, mmap=True)["step"]  # mapped: weights are not read
    settings, seen = settings_of(profile, recipe, prepared, seed=seed), len(pictures_of(recipe, prepared, seed=seed).indices("train"))
    return f"at step {done} of {math.ceil(seen / profile.batch) * settings.epochs}"


def trained(profile: profiles.Profile, name: str, *, seed: int = 0) -> Trained:
    """Find a net: the one that was trained here, else the one that ships.

    Raises:
        Problem: there is neither; the command that trains it is named.
    """
    if not is_trained(profile, name, seed=seed):
        if net := of_shipped(profile.name, recipes.recipe(name).name, seed=seed):
            return net
        command = f"make train NET={name} PROFILE={profile.name}" + (f" SEED={seed}" if seed else "")
        raise Problem(f"{name} is not trained in profile {profile.name}; run: {command}")
    return Trained(_folder(profile, name, seed))


def answered(profile: profiles.Profile, name: str, *, seed: int = 0) -> Trained | Answered | None:
    """Find a net as `trained` does, else what ships of its answers; None where there is nothing.

    What asks for no more than a card, a log and which pictures a net got wrong can take either.

    Raises:
        Problem: unknown recipe.
    """
    if is_there(profile, name, seed=seed):
        return trained(profile, name, seed=seed)
    if not registry.is_prepared(profile, seed=seed):
        return None
    found = shipped_answers.of(profile.name, name, registry.opened(profile, seed=seed), seed=seed)
    return found if found and _is_cut_alike(profile, found, seed) else None


def _is_cut_alike(profile: profiles.Profile, net: Answered, seed: int) -> bool:
    """Whether the learning rate of a net fell at the steps of the net at hand that it followed, if it followed one that is at hand."""
    followed = recipes.recipe(net.card["recipe"]).follows
    if not followed or not is_there(profile, followed, seed=seed):
        return True
    return trained(profile, followed, seed=seed).card["lr_drops"] == net.card["lr_drops"]


def is_there(profile: profiles.Profile, name: str, *, seed: int = 0) -> bool:
    """Whether `trained` finds a net: one that was trained here, or one that ships.

    Raises:
        Problem: unknown recipe.
    """
    return is_trained(profile, name, seed=seed) or of_shipped(profile.name, recipes.recipe(name).name, seed=seed) is not None


def is_trained(profile: profiles.Profile, name: str, *, seed: int = 0) -> bool:
    """Whether a net was trained here; without the pictures of the profile none was.

    Raises:
        Problem: unknown recipe.
    """
    recipe = recipes.recipe(name)
    if not registry.is_prepared(profile, seed=seed):
        return False
    if too_few_classes(recipe, registry.opened(profile, seed=seed)) or not _can_follow(profile, recipe, seed):
        return False
    return (_folder(profile, name, seed) / "net.safetensors").exists()


def starts_apart(profile: profiles.Profile, names: Iterable[str], *, seed: int = 0) -> str:
    """Why nets say nothing of their recipes beside each other: some were fine-tuned, others not.

    Args:
        profile: the sizes.
        names: of recipes; those that are not there have no say.
        seed: of the run.

    Returns:
        The reason; empty where all of them started alike.
    """
    there = {name: net for name in names if (net := answered(profile, name, seed=seed))}
    tuned = [name for name, net in there.items() if net.card["settings"].get("start")]
    others = [name for name in there if name not in tuned]
    words = f"{', '.join(tuned)} was fine-tuned from a net that ships, {', '.join(others)} trained from random weights"
    return words if tuned and others else ""


def _can_follow(profile: profiles.Profile, recipe: recipes.Recipe, seed: int) -> bool:
    """Whether the learning-rate drops that a recipe takes over are known, or it takes over none."""
    if not recipe.follows:
        return True
    prepared = registry.opened(profile, seed=seed)
    return _to_follow(profile, settings_of(profile, recipes.recipe(recipe.follows), prepared, seed=seed), prepared, seed).file.exists()


def _folder(profile: profiles.Profile, name: str, seed: int) -> Path:
    """Folder of a recipe's run; what it follows must be trained."""
    recipe, prepared = recipes.recipe(name), registry.opened(profile, seed=seed)
    return folder_of(profile, settings_of(profile, recipe, prepared, seed=seed), pictures_of(recipe, prepared, seed=seed))


def folder_of(profile: profiles.Profile, settings: Settings, prepared: PreparedSet) -> Path:
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
    if not card["learned"]:
        guess, least = math.log(settings.architecture.classes), log["train_loss"].min()
        why = f"its training loss is {least:.2f}, that of a guess {guess:.2f}; give it more pictures or clearer classes"
        progress.say(f"{settings.recipe} has not learned in {trainer.steps} steps: {why}")
    checkpoints.save(trainer.net, settings.architecture, trainer.folder / "net.safetensors", card=card)
    (trainer.folder / "state.pt").unlink(missing_ok=True)


def _card(trainer: Trainer, log: pd.DataFrame) -> dict:
    """What is to be known of a trained net."""
    settings, prepared, last = trainer.settings, trainer.prepared, log.iloc[-1]
    indices = prepared.indices("val")
    guessed = predictions.probabilities(trainer.net.eval(), trainer.inputs, indices)
    error = predictions.error_rate(predictions.wrong(guessed, prepared.labels[indices]))
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
        "learned": schedule.has_begun(log["train_loss"].min(), settings.architecture.classes),
        "dtype": str(trainer.dtype).removeprefix("torch."),
        "device": devices.describe(trainer.device),
        "processes": trainer.world,
        "torch": torch.__version__,
    }
