"""What nets from scratch answered: as their runs leave it on disk, and as it ships, one file a profile."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.core.shipped_files import checked, enlist, index
from zfutils.models import checkpoints, shipped
from zfutils.training import run_folder
from zfutils.training.trainer import Diverged

LAST = "answers.csv"  # what a run writes last
_NAMED, _WEIGHTS = "named.txt", "net.safetensors"
_CARD, _SHIPPED = "card", ".scratch.npz"


@dataclass(frozen=True)
class Scratch:
    """A net that was trained from scratch.

    Attributes:
        correct: right answers to the test pictures, centre crop, bool (test,).
        train_error: share of wrong answers to its own training pictures, centre crop.
        steps: of its training.
        rate: its first learning rate.
        losses: step and mean training loss at the end of every epoch.
        ships: whether it was not trained here, and these answers came with the book.
    """

    correct: np.ndarray
    train_error: float
    steps: int
    rate: float
    losses: tuple[tuple[int, float], ...] = ()
    ships: bool = False

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch: `step`, `train_loss`."""
        return pd.DataFrame(self.losses, columns=["step", "train_loss"])


def name(folder: Path, named: str) -> None:
    """Keep in the folder of a run what its net is found by where its pictures are other copies; do nothing where that is done.

    Args:
        folder: of the run.
        named: digest of the settings and of which pictures they are, by their names.
    """
    if (folder / _NAMED).exists():
        return
    with paths.whole(folder / _NAMED) as fresh:
        fresh.write_text(named, encoding="utf-8")


def write(folder: Path, test: np.ndarray, correct: np.ndarray) -> None:
    """Write what a net answered; its weights and card lie in the folder by then.

    Args:
        folder: of the run.
        test: indices of the test pictures, (test,).
        correct: which of them it got right, bool (test,).
    """
    with paths.whole(folder / LAST) as fresh:
        pd.DataFrame({"row": test, "correct": correct}).to_csv(fresh, index=False)


def read(folder: Path) -> Scratch:
    """What the net of a folder answered, whose run has ended."""
    card, answers = checkpoints.card(folder / _WEIGHTS), pd.read_csv(folder / LAST)
    return _scratch(card, answers["correct"].to_numpy(bool))


def of_shipped(profile: str, named: str) -> Scratch | None:
    """What a net answered whose answers came with the book; None where those of no such net did.

    Args:
        profile: its name.
        named: as in `name`.

    Raises:
        Diverged: that run diverged.
        Problem: the file is absent or damaged.
    """
    if file_of(profile) not in index():
        return None
    with np.load(checked(file_of(profile))) as arrays:
        card = json.loads(bytes(arrays[_CARD]).decode())["nets"].get(named)
        if card is None:
            return None
        if why := card.get("stopped"):
            raise Diverged(why)
        return _scratch(card, np.unpackbits(arrays[named], count=card["test_n"]).astype(bool), ships=True)


def ship(profile: str, folders: Iterable[Path]) -> Path:
    """Write the answers of some runs into `weights/` and list the file; runs that go on or bear no name are passed over.

    Args:
        profile: its name.
        folders: of the runs.

    Raises:
        Problem: there is no run that has ended.
    """
    cards, arrays = {}, {}
    for folder in sorted(folders):
        if not (folder / _NAMED).exists():
            continue
        named = (folder / _NAMED).read_text(encoding="utf-8")
        if why := run_folder.stopped(folder):
            cards[named] = {"stopped": why}
        elif (folder / LAST).exists():
            correct, card = read(folder).correct, checkpoints.card(folder / _WEIGHTS)
            kept = ("recipe", "seed", "steps", "rate", "train_wrong", "train_n", "losses")
            cards[named] = {fact: card[fact] for fact in kept} | {"test_n": len(correct)}
            arrays[named] = np.packbits(correct)
    if not cards:
        raise Problem(f"no net was trained from scratch in profile {profile}; run: make reproduce PROFILE={profile} ONLY=table4")
    card = {"profile": profile, "licence": shipped.LICENCE, "says": "answers of nets from scratch", "nets": cards}
    arrays[_CARD] = np.frombuffer(json.dumps(card).encode(), np.uint8)
    with paths.whole(file := paths.WEIGHTS / file_of(profile)) as fresh, fresh.open("wb") as out:
        np.savez_compressed(out, **arrays)
    return enlist(file)


def file_of(profile: str) -> str:
    """Name of the file of a profile in `weights/`, whether it ships or not."""
    return f"{shipped.DATA.get(profile, profile)}{_SHIPPED}"


def _scratch(card: dict, correct: np.ndarray, *, ships: bool = False) -> Scratch:
    """The net of a card."""
    losses = tuple((int(step), float(loss)) for step, loss in card["losses"])
    return Scratch(correct, card["train_wrong"] / card["train_n"], card["steps"], card["rate"], losses, ships)
