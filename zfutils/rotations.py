"""Rotation as augmentation: what seeing turned images in training buys, and at what price (beyond the paper)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zfutils import devices, invariance, keys, places, recipes, training, weights
from zfutils.images import Crops
from zfutils.profiles import Profile
from zfutils.sets import PreparedSet

SHARE = 5  # the further run is a fifth of the profile's
RATE = 0.1  # of the first learning rate: weights that are trained already
_NEVER = (10**9,)  # the rate is not cut
_CODE = ("rotations", "invariance", "training", "schedule", "nets", "norm", "images")


class TurnedCrops(Crops):
    """Crops for training, each turned about its middle by a random angle; centre crops for measuring stay upright.

    The angles follow from the rows and crops of a batch alone, so that a resumed run draws what an uninterrupted one does.
    """

    def batch(self, rows: np.ndarray, crops: np.ndarray | int) -> Tensor:
        """As `Crops.batch`; turned where a crop is given for each row, as training does."""
        images = super().batch(rows, crops)
        if np.ndim(crops) == 0:
            return images
        generator = np.random.default_rng(int(keys.digest(rows.tolist(), crops.tolist()), 16))
        angles = torch.from_numpy(generator.uniform(0, 2 * np.pi, len(rows))).to(images)
        return invariance.turned(images, angles).contiguous(memory_format=torch.channels_last)


def further(profile: Profile, prepared: PreparedSet, *, turned: bool, seed: int = 0) -> nn.Sequential:
    """Train zfnet a fifth of its run longer, with turned or with upright images, unless that is on disk.

    Both go on from the same weights, see the same images in the same crops, and use a tenth of the first learning rate; so the upright one
    shows what more training alone does.

    Args:
        profile: the sizes.
        prepared: the pictures.
        turned: whether the images are turned.
        seed: of the run.

    Returns:
        The net, on the CPU, in evaluation mode.

    Raises:
        Problem: zfnet is not trained yet.
    """
    start = training.trained(profile, "zfnet", seed=seed)
    usual = training.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed)
    name = "zfnet-turned" if turned else "zfnet-upright"
    settings = replace(
        usual, recipe=name, epochs=max(1, profile.epochs // SHARE), learning_rate=RATE * usual.learning_rate, cuts=_NEVER, seed=seed + 1000
    )
    key = keys.digest(settings, start.folder.name, keys.code_of(*_CODE))
    folder = places.data_dir() / profile.name / "trials" / f"{name}-{key[:8]}"
    if not (folder / "net.safetensors").exists():
        _train(settings, prepared, folder, start, turned)
    return weights.load(folder / "net.safetensors")


def _train(settings: training.Settings, prepared: PreparedSet, folder: Path, start: training.Trained, turned: bool) -> None:
    """One run, from the weights of another."""
    device = devices.device()
    trainer = training.Trainer(settings, prepared, folder, device=device, number_type=devices.number_type(device))
    if trainer.step == 0:
        trainer.net.load_state_dict(start.net().state_dict())
    if turned:
        trainer.cuts = TurnedCrops(prepared, settings.architecture.image_size, device=device)
    trainer.run()
    with places.whole(folder / "log.csv") as fresh:
        pd.DataFrame(trainer.log).to_csv(fresh, index=False)
    weights.save(trainer.net, settings.architecture, folder / "net.safetensors", card={"recipe": settings.recipe, "seed": settings.seed})
