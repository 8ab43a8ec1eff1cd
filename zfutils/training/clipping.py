"""Filter clipping: whether it ever acts, and short runs at rising learning rates for data on which it does not at the paper's own."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from zfutils.core import keys, paths
from zfutils.core.profiles import Profile
from zfutils.data import registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import checkpoints, devices, recipes, shipped_answers
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Trained
from zfutils.training import run_folder, runs
from zfutils.training.trainer import TRAINING_VERSION, Diverged, Settings, Trainer

UNCLIPPED = "zfnet-unclipped"
RATES = (1, 2, 5)  # times the profile's first learning rate: .01, .02, .05 where that is the paper's
SHARE = 5  # such a run is a fifth of the profile's
_NEVER = (10**9,)  # the rate is not cut: the run is about its start


@dataclass(frozen=True)
class Trial(Trained):
    """A short run of zfnet at one learning rate.

    Attributes:
        rate: the learning rate.
        clips: whether filters were scaled back.
    """

    rate: float
    clips: bool

    def filters(self):
        """First-layer weights, (maps, 3, k, k)."""
        return self.net().conv1.weight.detach().numpy()


def acts(profile: Profile, *, seed: int = 0) -> bool:
    """Whether a filter was ever scaled back in the training of zfnet.

    Raises:
        Problem: zfnet is not trained yet.
    """
    return runs.trained(profile, "zfnet", seed=seed).card["clipped"] > 0


def unclipped(profile: Profile, *, seed: int = 0) -> Trained | Answered:
    """The net that was trained without clipping: where clipping never acted, that is zfnet itself, bit for bit.

    Returns:
        The net, or what ships of its answers.

    Raises:
        Problem: a net is not trained yet.
    """
    name = UNCLIPPED if acts(profile, seed=seed) else "zfnet"
    if not registry.is_prepared(profile, seed=seed) and (net := shipped_answers.of(profile.name, name, None, seed=seed)):
        return net  # a reader opens a chapter before anything is prepared: it has filters to look at
    return runs.answered(profile, name, seed=seed) or runs.trained(profile, name, seed=seed)


def rates(profile: Profile) -> tuple[float, ...]:
    """Learning rates at which clipping is tried: the profile's own and what comes after it."""
    return tuple(times * profile.learning_rate for times in RATES)


def first_that_acts(profile: Profile, prepared: PreparedSet, *, seed: int = 0) -> tuple[Trial, Trial] | None:
    """Find the first of `rates` at which clipping acts, by short runs; what was run before is read from disk.

    Args:
        profile: the sizes.
        prepared: the pictures.
        seed: of the runs.

    Returns:
        The runs with and without clipping at that rate; None when it acts at none of them, or when the run diverges.

    Raises:
        Problem: the disk is full.
    """
    for rate in rates(profile):
        try:
            clipped = _trial(profile, prepared, rate, clips=True, seed=seed)
            if clipped.log["clipped"].sum() > 0:
                return clipped, _trial(profile, prepared, rate, clips=False, seed=seed)
        except Diverged:  # the loss is not finite: this rate is too high, and so is the next
            return None
    return None


def _trial(profile: Profile, prepared: PreparedSet, rate: float, *, clips: bool, seed: int) -> Trial:
    """One run, unless it is on disk."""
    usual = runs.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed)
    name = f"zfnet at {rate:g}" + ("" if clips else " unclipped")
    settings = replace(usual, recipe=name, epochs=max(1, profile.epochs // SHARE), learning_rate=rate, clips=clips, lr_drops=_NEVER)
    key = keys.digest(settings, prepared.digest(), TRAINING_VERSION)
    folder = paths.data_dir() / profile.name / "trials" / f"{name.replace(' ', '-')}-{key[:8]}"
    run_folder.fill(folder, "net.safetensors", lambda: _run(settings, prepared, folder))
    return Trial(folder, rate, clips)


def _run(settings: Settings, prepared: PreparedSet, folder: Path) -> None:
    """Train to the end; write the log and the net."""
    device = devices.device()
    trainer = Trainer(settings, prepared, folder, device=device, dtype=devices.dtype(device))
    trainer.run()
    with paths.whole(folder / "log.csv") as fresh:
        pd.DataFrame(trainer.log).to_csv(fresh, index=False)
    card = {"recipe": settings.recipe, "seed": settings.seed}
    checkpoints.save(trainer.net, settings.architecture, folder / "net.safetensors", card=card)
