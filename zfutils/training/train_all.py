"""The trainings of a run: every net that its chapters need, one on each core or GPU, and what each is worth or will cost."""

import concurrent.futures
import os
import sys
import threading

import pandas as pd

from zfutils.core import cpu, progress
from zfutils.core.errors import Problem
from zfutils.core.profiles import Profile
from zfutils.core.subprocesses import STOPPED, Children
from zfutils.data import registry
from zfutils.models import architectures, devices, recipes
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Trained
from zfutils.training import clipping, runs
from zfutils.training.trainer import Diverged

LEADERS = tuple(dict.fromkeys(recipe.follows for recipe in recipes.RECIPES.values() if recipe.follows))  # trained before the others


def make(
    profile: Profile,
    needed: list[str],
    rows: list[str] | None = None,
    *,
    seed: int = 0,
    jobs: int | None = None,
    retrain: bool = False,
    only_trained: bool = False,
    beside: Children | None = None,
    begun: threading.Event | None = None,
) -> dict[str, Trained | Answered]:
    """Train what is not trained yet.

    Args:
        profile: the sizes.
        needed: recipes that must be there.
        rows: recipes that fill rows of tables; one that diverges is named and left out.
        seed: of everything that is drawn.
        jobs: trainings at once; default as many as there are cores, on GPUs one a GPU.
        retrain: train anew what is trained.
        only_trained: train no row, take those that are there; of the needed nets take those that ship, or whose answers
            do, where none was trained here.
        beside: the processes of a run, whose slots the trainings share with others; then each is a process of its own.
        begun: set once the nets that follow none are trained.

    Returns:
        Each net that is there in the end.

    Raises:
        Problem: a recipe that must be there diverged, or any training ended for another reason: no room, out of memory, killed. What was
            trained stays, and the same command, without `retrain`, goes on where it was.
    """
    names = _in_order([*needed, *(name for name in _possible(profile, rows or [], seed) if name not in needed)])
    nets = _shipped(profile, names, seed) if only_trained and not retrain else {}
    wanted = [
        name for name in names if name not in nets and (name in needed or not only_trained or runs.is_trained(profile, name, seed=seed))
    ]
    for wave in _waves(profile, wanted, seed, retrain):
        problems = _train_all(profile, wave, seed, beside or Children(devices.slots(jobs)), retrain, here=beside is None)
        for name, problem in problems.items():
            if name in needed or runs.state(profile, name, seed=seed) != problem:  # a full disk or a kill is no property of the net
                raise Problem(problem)
            progress.say(f"{problem}; its rows are marked as missing")
        if begun:
            begun.set()
    for name in wanted:
        if name == clipping.UNCLIPPED and not clipping.acts(profile, seed=seed):
            progress.say(f"{name}: not trained, clipping never acted in the training of zfnet, so it would be the same net")
            nets[name] = clipping.unclipped(profile, seed=seed)
        elif runs.is_trained(profile, name, seed=seed):
            nets[name] = runs.trained(profile, name, seed=seed)
    return nets


def begins_alone(profile: Profile, needed: list[str], *, seed: int = 0, retrain: bool = False, only_trained: bool = False) -> bool:
    """Whether `make` begins with a net that others follow, which it trains alone; arguments as there."""
    is_at_hand = runs.is_there if only_trained else runs.is_trained
    return retrain or not all(is_at_hand(profile, name, seed=seed) for name in LEADERS if name in needed)


def _possible(profile: Profile, rows: list[str], seed: int) -> list[str]:
    """The rows of tables for whose nets the pictures have classes enough; the others are named."""
    prepared = registry.opened(profile, seed=seed)
    why = {name: runs.too_few_classes(recipes.recipe(name), prepared) for name in rows}
    for said in filter(None, why.values()):
        progress.say(said)
    return [name for name in rows if not why[name]]


def _shipped(profile: Profile, names: list[str], seed: int) -> dict[str, Trained | Answered]:
    """Those nets that were not trained here and that ship, or whose answers do."""
    missing = [name for name in names if not runs.is_trained(profile, name, seed=seed)]
    nets = {name: net for name in missing if (net := runs.answered(profile, name, seed=seed))}
    for name, net in nets.items():
        what = f"the answers of {net.name}" if isinstance(net, Answered) else net.name
        progress.say(f"{name}: taken from what ships, {what}; with RETRAIN=1 it is trained here")
    return nets


def table(profile: Profile, names: list[str], *, seed: int = 0) -> pd.DataFrame:
    """What is trained, what is missing, and what it will cost.

    Args:
        profile: the sizes.
        names: of recipes.
        seed: of the nets.

    Returns:
        One row a recipe: `net`, `state`, `parameters`, `multiply_adds` (of one image), `visits`, `seconds` (what it took, or is likely to
        take, by the speed of the nets that are trained; empty when none is), `val_error` (share, one crop).
    """
    prepared = registry.opened(profile, seed=seed)
    rows = [_row(profile, recipes.recipe(name), prepared, seed) for name in _in_order(names)]
    frame = pd.DataFrame(rows)
    done = frame[frame["state"] == "trained"]
    if len(done):
        pace = done["seconds"].sum() / (done["multiply_adds"] * done["visits"]).sum()
        likely = frame["multiply_adds"] * frame["visits"] * pace
        frame["seconds"] = frame["seconds"].fillna(likely)
    return frame.assign(seconds=pd.to_numeric(frame["seconds"]).round())


def _row(profile: Profile, recipe: recipes.Recipe, prepared: registry.PreparedSet, seed: int) -> dict:
    """One line of the table."""
    architecture = architectures.of_profile(profile, recipe.paper, recipe.classes or len(prepared.classes))
    same = recipe.name == clipping.UNCLIPPED and runs.is_there(profile, "zfnet", seed=seed) and not clipping.acts(profile, seed=seed)
    row = {
        "net": recipe.name,
        "state": "not needed: clipping never acted" if same else runs.state(profile, recipe.name, seed=seed),
        "parameters": sum(architectures.parameters(architecture).values()),
        "multiply_adds": sum(architectures.multiply_adds(architecture).values()),
        "visits": profile.epochs_of(images := len(prepared.indices("train"))) * images,
        "seconds": 0.0 if same else None,
        "val_error": None,
    }
    if net := runs.answered(profile, recipe.name, seed=seed):
        card = net.card
        row |= {"seconds": card.get("seconds"), "val_error": card["val_wrong"] / card["val_n"]}
    return row


def _in_order(names: list[str]) -> list[str]:
    """Each name once; a net that gives others its learning-rate drops comes before them."""
    followed = [recipes.recipe(name).follows for name in names]
    return sorted(dict.fromkeys([*(name for name in followed if name), *names]), key=lambda name: bool(recipes.recipe(name).follows))


def _waves(profile: Profile, names: list[str], seed: int, retrain: bool):
    """Nets to be trained at once: those that follow none, then those whose drops are known by then."""
    for follows in (False, True):
        wave = [name for name in names if bool(recipes.recipe(name).follows) == follows]
        if clipping.UNCLIPPED in wave and not clipping.acts(profile, seed=seed):
            wave.remove(clipping.UNCLIPPED)
        yield [name for name in wave if retrain or not runs.is_trained(profile, name, seed=seed)]


def _train_all(profile: Profile, names: list[str], seed: int, children: Children, retrain: bool, *, here: bool) -> dict[str, str]:
    """Train some nets, as many at once as there are slots, one by one in this process where it may be; return what went wrong, by name."""
    at_once = min(children.at_once, len(names))
    if here and at_once <= 1:
        return {name: problem for name in names if (problem := _train_here(profile, name, seed, retrain))}
    threads = max(1, cpu.available() // (at_once if here else children.at_once))
    with concurrent.futures.ThreadPoolExecutor(children.at_once) as pool, children:  # children end first
        started = {name: pool.submit(_train_in_child, children, profile, name, seed, threads, retrain) for name in names}
        return {name: problem for name, future in started.items() if (problem := future.result())}


def _train_here(profile: Profile, name: str, seed: int, retrain: bool) -> str:
    """Train one net in this process."""
    try:
        runs.train(profile, name, seed=seed, retrain=retrain)
    except Diverged as problem:
        return str(problem)
    return ""


def _train_in_child(children: Children, profile: Profile, name: str, seed: int, threads: int, retrain: bool) -> str:
    """Train one net in a process of its own, beside others."""
    command = [sys.executable, "-m", "zfutils", "train", "--net", name, "--profile", profile.name, "--seed", str(seed)]
    command += ["--retrain"] if retrain else []
    environment = {**os.environ, **cpu.threads(threads), **cpu.CALM}
    status, stderr = children.run(command, environment, begins=lambda: progress.say(f"{name}: training"))
    last = (stderr.strip().splitlines() or [""])[-1]
    if status < 0 or (status == STOPPED and not children.stopped):
        why = f"was killed (signal {-status}), or ran out of memory" if status < 0 else "was stopped from outside"
        return (
            f"training {name} {why}; the same command{' without RETRAIN=1' if retrain else ''} goes on where it was, with JOBS=1 one by one"
        )
    if status:
        return last.removeprefix("error: ") or f"training {name} ended with status {status}"
    progress.say(last)
    return ""
