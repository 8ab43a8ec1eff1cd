"""Growth: time and memory of a training image with 1, 4 and 16 times the toys, each in a process of its own.

Neither should grow. The pictures were read once before, as in every epoch but the first: what the first reading takes is the disk's.
"""

import re
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from zfutils.core.profiles import Profile
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import devices, recipes
from zfutils.run.bench import clock
from zfutils.training import runs
from zfutils.training.trainer import Trainer

_TOYS, _TIMES, _CLASSES = 5000, (1, 4, 16), 20  # training pictures of the toys, and how many times as many
_ROUNDS, _STEPS = 3, 60


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds of the processor for a training image; the names tell the number of pictures and the anonymous memory."""
    told: dict[int, list[tuple[float, float]]] = {_TOYS * times: [] for times in _TIMES}
    for _ in range(_ROUNDS):  # in turn, so that a busy moment of the machine hits all
        for pictures, measured in told.items():
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                measured.append(process.submit(_trained, profile, pictures, _STEPS, seed).result())
    rows = [(pictures, *(statistics.median(kind) for kind in zip(*measured, strict=True))) for pictures, measured in told.items()]
    names = [f"ours, {pictures} training pictures, {megabytes:.0f} MB" for pictures, _, megabytes in rows]
    pairs = zip(names, rows, strict=True)
    return [clock.Row("growth", name, round(taken, 4), "image", round(taken / rows[0][1], 3)) for name, (_, taken, _) in pairs]


def _trained(profile: Profile, pictures: int, steps: int, seed: int) -> tuple[float, float]:
    """Milliseconds of the processor an image, and the largest anonymous memory in MB, over some steps of training."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        prepared, device = _black(Path(folder), pictures, profile.prepared_size), devices.device()
        _read_through(Path(folder) / "images.u8")
        settings = runs.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed)
        trainer = Trainer(settings, prepared, Path(folder) / "run", device=device, dtype=devices.dtype(device))
        taken, memory = [], []
        for trainer.step in range(steps):
            start = time.process_time()  # which, unlike the clock, a busy machine does not stretch
            trainer.backward()
            trainer.optimizer.step()
            taken.append(1000 * (time.process_time() - start) / settings.batch)
            memory.append(_anonymous())
    return statistics.median(taken), max(memory)


def _black(folder: Path, pictures: int, size: int) -> PreparedSet:
    """A made-up set of black pictures, whose file takes no room on the disk."""
    with open(folder / "images.u8", "wb") as file:
        file.truncate((pictures + _CLASSES) * size**2 * 3)
    np.save(folder / "mean.npy", np.zeros((size, size, 3), np.float32))
    number = range(pictures + _CLASSES)
    split = ["train"] * pictures + ["dev"] * _CLASSES
    table = pd.DataFrame({"file": [f"picture-{n}" for n in number], "split": split, "label": [n % _CLASSES for n in number]})
    return PreparedSet(folder, table, [f"class {n}" for n in range(_CLASSES)], {"size": size, "count": len(table), "maps": []})


def _read_through(file: Path) -> None:
    """Read a file to its end, so that the system keeps it in memory where there is room."""
    with open(file, "rb", buffering=0) as content:
        while content.read(1 << 24):
            pass


def _anonymous() -> float:
    """MB of this process that no file stands for; not a number where the system does not tell."""
    status = Path("/proc/self/status")
    told = re.search(r"RssAnon:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.exists() else None
    return int(told[1]) / 1000 if told else float("nan")
