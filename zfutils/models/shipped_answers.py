"""Answers that ship: which pictures nets got wrong whose weights do not ship, alone or averaged; the first layer where it is looked at."""

import functools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from zfutils.core import keys, paths
from zfutils.core.errors import Problem
from zfutils.core.shipped_files import checked, enlist, index
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, predictions, shipped
from zfutils.models.architectures import Architecture

ANSWERS = ".answers.npz"
_CARD, _FIRST = "card", "conv1"


@dataclass(frozen=True)
class Answered:
    """A net whose weights do not ship, known by its card, its log and the pictures that it got wrong.

    Of several nets whose probabilities were averaged there is neither log nor architecture nor layer, and to ask for one raises KeyError;
    their card has the digest of what ships of each (`nets`).

    Attributes:
        name: under which its answers ship, e.g. `zfnet-wide-imagenet200`.
    """

    name: str

    @property
    def file(self) -> Path:
        """Where its answers are."""
        return checked(f"{self.name}{ANSWERS}")

    @property
    def folder(self) -> Path:
        """What results name it by."""
        return paths.WEIGHTS / self.name

    @functools.cached_property
    def card(self) -> dict:
        """What is known of it, as of a net that was trained here."""
        return json.loads(bytes(self._arrays[_CARD]).decode())

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch, as of a net that was trained here."""
        return pd.DataFrame(self.card["log"])

    @property
    def architecture(self) -> Architecture:
        """What net it is."""
        return checkpoints.architecture_of(self.card)

    def first_layer(self) -> nn.Sequential:
        """Layer 1 alone, `conv1` with its weights, rounded to half precision, on the CPU: what figure 6 and its measures look at.

        Raises:
            Problem: it does not ship; the command that trains the net is named.
        """
        self._held(f"{_FIRST}.weight")
        net = architectures.build(self.architecture, generator=torch.Generator().manual_seed(0))[:1]
        net.conv1.load_state_dict({part: torch.from_numpy(self._arrays[f"{_FIRST}.{part}"]).float() for part in ("weight", "bias")})
        return net.eval()

    def log_loss(self, prepared: PreparedSet, indices: np.ndarray, *, crops: tuple[int, ...]) -> float:
        """Mean log loss for some pictures, nats; arguments and errors as of `wrong`."""
        self._held(key := _key(prepared, indices, crops, 1))
        return self.card["log_loss"][key]

    def wrong(self, prepared: PreparedSet, indices: np.ndarray, *, crops: tuple[int, ...], top: int = 1) -> np.ndarray:
        """Which pictures it got wrong, bool (n,).

        Args:
            prepared: the pictures that it was trained on.
            indices: of the pictures, (n,).
            crops: numbers of the crops that were averaged over.
            top: how many guesses.

        Raises:
            Problem: what ships does not say; the command that trains the net is named.
        """
        self._held(key := _key(prepared, indices, crops, top))
        return np.unpackbits(self._arrays[key], count=len(indices)).astype(bool)

    def _held(self, key: str) -> None:
        if key not in self._arrays:
            profile, nets = self.card["profile"], self.card.get("nets", [self.card["recipe"]])
            lacking = [net for net in nets if shipped.name_of(profile, net) not in shipped.known()]
            train = " && ".join(f"make train NET={net} PROFILE={profile}" for net in lacking)
            raise Problem(f"of {self.name} only the answers of tables 2 and 3 ship, its weights do not; train it: {train}")

    @functools.cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.file) as arrays:
            return dict(arrays)


def of(profile: str, recipe: str, prepared: PreparedSet | None, *, seed: int = 0) -> Answered | None:
    """The net of a recipe of which only answers ship; None where none do, or where they are to other pictures or of another run.

    Args:
        profile: its name.
        recipe: its name; or that of several nets that are averaged, of `recipes.TOGETHER`.
        prepared: the pictures of the profile at hand; None where there are none, so that only the card, the log and the first layer serve.
        seed: of the run.
    """
    name = shipped.name_of(profile, recipe)
    if f"{name}{ANSWERS}" not in index():
        return None
    net = Answered(name)
    same = prepared is None or net.card["pictures"] == prepared.named
    return net if same and net.card["run_seed"] == seed else None


def write(
    name: str,
    first_layer: nn.Conv2d | None,
    architecture: Architecture | None,
    answers: list[tuple[np.ndarray, tuple[int, ...], np.ndarray]],
    prepared: PreparedSet,
    *,
    card: dict,
) -> Path:
    """Write which pictures a net got wrong, or several together, with a card and perhaps a first layer, and list the file.

    Args:
        name: under which its answers ship.
        first_layer: of the net, left as it is; None where no chapter looks at it.
        architecture: what it is; None where several were averaged.
        answers: indices of some pictures, (n,), the crops that were averaged over, and the class probabilities, (n, classes).
        prepared: the pictures that it was trained on.
        card: what is known of it, of one net with its log; plain values.
    """
    arrays = {}
    if first_layer is not None:
        arrays = {f"{_FIRST}.{part}": tensor.detach().cpu().half().numpy() for part, tensor in first_layer.named_parameters()}
    log_loss = {}
    for indices, crops, probabilities in answers:
        log_loss[_key(prepared, indices, crops, 1)] = predictions.log_loss(probabilities, prepared.labels[indices])
        for top in predictions.TOPS:
            wrong = predictions.wrong(probabilities, prepared.labels[indices], top=top)
            arrays[_key(prepared, indices, crops, top)] = np.packbits(wrong)
    about = {"name": name, "licence": shipped.LICENCE, **card, "pictures": prepared.named, "log_loss": log_loss}
    if architecture is not None:
        about["architecture"] = asdict(architecture)
    arrays[_CARD] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with paths.whole(paths.WEIGHTS / f"{name}{ANSWERS}") as fresh, fresh.open("wb") as out:
        np.savez_compressed(out, **arrays)
    return enlist(paths.WEIGHTS / f"{name}{ANSWERS}")


def _key(prepared: PreparedSet, indices: np.ndarray, crops: tuple[int, ...], top: int) -> str:
    """Name of an array: which pictures, by their names, how many crops, how many guesses."""
    files = prepared.table["file"].to_numpy()[indices].tolist()
    return f"{keys.digest(files, crops)}-top-{top}"
