"""One process at a time writes a net, a list of strongest activations, features or answers; another waits and reads what it made."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import filelock
import numpy as np
import pytest
import torch

from zfutils.attribution import topk
from zfutils.core import locks, paths, profiles
from zfutils.core.errors import Problem
from zfutils.models import architectures, cached_predictions, checkpoints, predictions
from zfutils.models.trained import Trained
from zfutils.training import clipping, from_scratch, trainer
from zfutils.training.trainer import Diverged, Trainer
from zfutils.transfer import feature_cache

TINY = dataclasses.replace(profiles.profile("smoke"), image_size=56, width=1 / 16, fc_units=16, epochs=1)

# Trains zfnet, and is at it until the file `go` is there.
SLOW = """
import sys, time
from pathlib import Path
from tests.test_locks import TINY
from zfutils.data import prepared_sets, registry
from zfutils.training import runs
from zfutils.training.trainer import Trainer
folder, train = Path(sys.argv[1]), Trainer.run
def run(self):
    with open(folder / "started", "a") as file:
        file.write("once\\n")
    while not (folder / "go").exists():
        time.sleep(0.02)
    train(self)
Trainer.run = run
registry.opened = lambda *given, **options: prepared_sets.load(Path(sys.argv[2]), remedy="")
print(runs.train(TINY, "zfnet"))
"""


def is_held(path: Path) -> bool:
    """Whether some process holds the lock of a path."""
    try:
        with filelock.FileLock(path.with_name(f".{path.name}.lock"), blocking=False):
            return False
    except filelock.Timeout:
        return True


def until(happened, running: subprocess.Popen) -> None:
    """Wait for something that a living process brings about."""
    deadline = time.monotonic() + 120
    while not happened():
        assert running.poll() is None, f"ended with {running.returncode}: {running.communicate()[1]}"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_of_two_processes_that_train_the_same_net_the_second_waits_and_finds_it_trained(tiny_set, tmp_path):
    command = [sys.executable, "-c", SLOW, str(tmp_path), str(tiny_set.path)]
    piped = {"cwd": paths.REPOSITORY, "stdout": subprocess.PIPE, "text": True}
    first = subprocess.Popen(command, stderr=subprocess.PIPE, **piped)
    until((tmp_path / "started").exists, first)
    with open(tmp_path / "said", "w", encoding="utf-8") as said:
        second = subprocess.Popen(command, stderr=said, **piped)
        until(lambda: "waiting" in (tmp_path / "said").read_text(encoding="utf-8"), second)
    (tmp_path / "go").touch()
    folders = [running.communicate(timeout=120)[0].strip() for running in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0] and folders[0] == folders[1]
    assert (tmp_path / "started").read_text(encoding="utf-8") == "once\n", "the second trained too"
    assert (tmp_path / "said").read_text(encoding="utf-8") == f"{Path(folders[0]).name}: another process is making it; waiting for that\n"
    assert (Path(folders[0]) / "net.safetensors").exists()


def test_a_lock_ends_with_an_error_and_under_torchrun_the_first_process_holds_it_for_all(tmp_path, monkeypatch, capsys):
    with pytest.raises(ZeroDivisionError), locks.alone(tmp_path / "thing"):
        assert is_held(tmp_path / "thing")
        monkeypatch.setenv("RANK", "1")
        with locks.alone(tmp_path / "thing"):
            raise ZeroDivisionError
    assert not is_held(tmp_path / "thing") and capsys.readouterr().err == ""


@pytest.fixture
def trained(tmp_path) -> Trained:
    """A small net with random weights, as if it had been trained."""
    architecture = architectures.scaled(architectures.ZFNET, width=1 / 16, fc_units=16, image_size=56, classes=4)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(1))
    checkpoints.save(net, architecture, tmp_path / "net" / "net.safetensors", card={"recipe": "zfnet"})
    return Trained(tmp_path / "net")


def watched(monkeypatch, module, name: str, folder: Path) -> list[int]:
    """Let a function that computes for a file note how many locks below a folder are held meanwhile."""
    seen, work = [], getattr(module, name)

    def noted(*given, **options):
        there = list(folder.rglob(".*.lock"))
        seen.append(sum(is_held(file.with_name(file.name.removeprefix(".").removesuffix(".lock"))) for file in there))
        return work(*given, **options)

    monkeypatch.setattr(module, name, noted)
    return seen


def test_what_is_computed_once_is_computed_under_a_lock(trained, tiny_set, tmp_path, monkeypatch):
    rows = tiny_set.indices("val")
    answered = watched(monkeypatch, predictions, "probabilities", trained.folder)
    cached_predictions.of(trained, tiny_set, rows)
    filled = watched(monkeypatch, feature_cache, "_fill", trained.folder)
    feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})
    scanned = watched(monkeypatch, topk, "scan", paths.data_dir())
    topk.scanned(TINY, trained.net(), "zfnet", tiny_set, "val", layers=["conv1"])
    assert answered == filled == scanned == [1]


def test_trials_and_nets_from_scratch_are_trained_under_a_lock(tiny_set, monkeypatch):
    seen = watched(monkeypatch, Trainer, "run", paths.data_dir())
    from_scratch.train(TINY, tiny_set, tiny_set.mean(), np.arange(8), np.arange(60, 63), rate=0.0025, seed=0)
    clipping.first_that_acts(TINY, tiny_set)
    assert seen == [1] * 4


def test_a_run_that_diverged_is_not_tried_again(tiny_set, monkeypatch):
    tried = []

    def diverge(self):
        tried.append(self.settings.recipe)
        raise Diverged(f"the loss is not finite, run {len(tried)}")

    monkeypatch.setattr(Trainer, "run", diverge)
    for _ in range(2):
        with pytest.raises(Diverged, match="run 1$"):
            from_scratch.train(TINY, tiny_set, tiny_set.mean(), np.arange(8), np.arange(60, 63), rate=0.01, seed=0)
        assert clipping.first_that_acts(TINY, tiny_set) is None
    assert tried == ["zfnet from scratch", "zfnet at 0.01"]


def test_a_full_disk_is_no_learning_rate_that_is_too_high(tiny_set, monkeypatch):
    def full(self):
        raise Problem("no room to write")

    monkeypatch.setattr(trainer.Trainer, "run", full)
    with pytest.raises(Problem, match="no room to write"):
        clipping.first_that_acts(TINY, tiny_set)
