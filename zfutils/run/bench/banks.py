"""Features of every layer for transfer, written to disk, against a bare pass of the same net over the same memory map."""

import itertools
import tempfile
from pathlib import Path

import numpy as np

from zfutils.core.profiles import Profile
from zfutils.data import registry
from zfutils.models import checkpoints, devices, recipes
from zfutils.models.crops import Crops
from zfutils.models.trained import Trained
from zfutils.run.bench import clock, subject
from zfutils.training import runs
from zfutils.transfer import feature_cache

_BATCH = 125


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds an image, float32, over all pretraining pictures: the profile's net with initial weights."""
    prepared = registry.opened(profile, seed=seed)
    architecture = runs.settings_of(profile, recipes.recipe("zfnet"), prepared, seed=seed).architecture
    net = subject.initial(architecture, seed=seed)
    count, mean, device = len(prepared.table), prepared.mean(), devices.device()
    inputs = Crops(prepared, profile.image_size, device=device, mean=mean)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints.save(net, architecture, Path(folder) / "net.safetensors", card={"recipe": "zfnet"})
        trained, features = Trained(Path(folder)), Path(folder) / "features"
        net, earlier = net.to(device), itertools.count()

        def bare() -> None:
            subject.bare_pass(net, inputs, np.arange(count), _BATCH)

        def bank() -> None:
            if features.exists():  # put aside, for the time to delete it is not the cache's
                features.rename(Path(folder) / f"features-{next(earlier)}")
            feature_cache.of(trained, prepared, mean, batch=_BATCH)

        return clock.compared(
            f"features of seven layers, {architecture}", {"ours, on disk": bank, "bare pass": bare}, per=count, unit="image"
        )
