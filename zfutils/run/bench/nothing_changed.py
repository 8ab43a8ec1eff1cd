"""A run in which nothing changed: what it takes to see that all nets are there, with as many pictures as ImageNet has."""

import json
import os
import tempfile
from dataclasses import replace
from unittest import mock

import numpy as np
import pandas as pd
from torch import nn

from zfutils.core import paths
from zfutils.core.profiles import Profile
from zfutils.data import prepared_sets, registry
from zfutils.data.toybox import collection
from zfutils.models import checkpoints, recipes
from zfutils.run import chapters
from zfutils.run.bench import clock
from zfutils.training import runs, train_all

_IMAGES, _CLASSES = 1_300_000, 1000
_CARD = {"lr_drops": [70, 90], "clipped": 1, "seconds": 60.0, "val_wrong": 1, "val_n": 2}


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds until a full run, the extra chapters too, knows what is there of every net, against one opening of the set."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, DATA_DIR=folder):
        made_up = replace(profile, dataset="toybox")
        make_up(made_up, seed)
        ours, bare = (lambda: look(made_up, seed)), (lambda: _opened(made_up, seed))
        contestants = {"ours, all nets of a full run": ours, "one opening of the set": bare}
        return clock.compared(f"a run in which nothing changed, {_IMAGES} pictures", contestants, per=1, unit="run")


def look(profile: Profile, seed: int) -> None:
    """What a run asks of its nets, from a fresh start."""
    needed, rows = chapters.nets_of(chapters.chosen(extras=True, dataset=profile.dataset))
    _opened(profile, seed)
    train_all.table(profile, [*needed, *rows], seed=seed)
    train_all.make(profile, needed, rows, seed=seed, jobs=1)


def _opened(profile: Profile, seed: int) -> prepared_sets.PreparedSet:
    """Open the set as a process does that has not opened it before."""
    prepared_sets.opened_before.cache_clear()
    return registry.opened(profile, seed=seed)


def make_up(profile: Profile, seed: int) -> None:
    """Write a set without pixels, and a card of every net."""
    folder = collection.path(profile, "pretraining", seed=seed)
    folder.mkdir(parents=True)
    number = np.arange(_IMAGES)
    split = np.select([number % 20 == 0, number % 20 == 10], ["dev", "val"], "train")
    names = [f"n{label:08d}/picture-{n:08d}.JPEG" for n, label in enumerate(number % _CLASSES)]
    table = pd.DataFrame({"file": names, "split": split, "label": number % _CLASSES, "group": "made up"})
    table.to_csv(folder / "table.csv", index=False)
    with open(folder / "images.u8", "wb") as pixels:
        pixels.truncate(_IMAGES * 3)
    facts = {"size": 1, "count": _IMAGES, "key": "", "sha256": "", "classes": [f"class {n}" for n in range(_CLASSES)], "maps": []}
    with paths.whole(folder / "facts.json") as fresh:
        fresh.write_text(json.dumps(facts), encoding="utf-8")
    prepared, (needed, rows) = _opened(profile, seed), chapters.nets_of(chapters.chosen(extras=True, dataset=profile.dataset))
    for name in sorted([*needed, *rows], key=lambda name: bool(recipes.recipe(name).follows)):
        settings = runs.settings_of(profile, recipes.recipe(name), prepared, seed=seed)
        net = runs.folder_of(profile, settings, prepared) / "net.safetensors"
        checkpoints.save(nn.Linear(1, 1), settings.architecture, net, card={"recipe": name, **_CARD})
