"""What a net that ships is worth on pictures of one's own: frozen, fine-tuned, and beside a net from random weights (section 5.2)."""

import numpy as np
import pandas as pd
import torch

from zfutils.core.profiles import Profile
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import crops, devices, predictions, shipped
from zfutils.training import from_scratch, runs
from zfutils.transfer import feature_cache, linear_probes

SCRATCH = "zfnet-scratch"  # the recipe that never starts from a net that ships
_BATCH = 125


def start_of(profile: Profile, *, seed: int = 0) -> str:
    """The net that ships from which `zfnet` of a profile was fine-tuned; empty where it was trained from random weights."""
    return runs.trained(profile, "zfnet", seed=seed).card["settings"].get("start", "").split("@")[0]


def compared(profile: Profile, prepared: PreparedSet, *, seed: int = 0) -> pd.DataFrame:
    """Errors on the val pictures of a frozen net with a new softmax, of the net fine-tuned, and of one from random weights.

    The frozen net's layer 7 feeds a softmax, whose constant is chosen on a third of the training pictures. The net from random weights is
    trained now where it was not before; with `TRAINED=1` it is not, and has no row.

    Args:
        profile: one whose nets start from a net that ships.
        prepared: its pictures.
        seed: of everything that is drawn.

    Returns:
        One row a way: `way`, `wrong`, `n`, `error`, `low`, `high` (shares, Wilson's interval of 95 %), `steps` of training.
    """
    val = prepared.indices("val")
    tuned = runs.trained(profile, "zfnet", seed=seed)
    ways = {
        "frozen, new softmax": (probed(start_of(profile, seed=seed), prepared, seed=seed) != prepared.labels[val], 0),
        "fine-tuned": (_wrong(tuned, prepared, val), tuned.card["steps"]),
    }
    if not from_scratch.only_trained():
        runs.train(profile, SCRATCH, seed=seed)
    if runs.is_trained(profile, SCRATCH, seed=seed):
        scratch = runs.trained(profile, SCRATCH, seed=seed)
        ways["from random weights"] = (_wrong(scratch, prepared, val), scratch.card["steps"])
    return pd.DataFrame([_row(way, wrong, steps) for way, (wrong, steps) in ways.items()])


def probed(name: str, prepared: PreparedSet, *, seed: int = 0) -> np.ndarray:
    """Classes that a new softmax on layer 7 of a frozen net gives the val pictures, (val,).

    Args:
        name: of a net that ships.
        prepared: the pictures; the softmax learns from the train split.
        seed: of the split on which its constant is chosen.
    """
    net, device = shipped.load(name), devices.device()
    inputs = crops.Crops(prepared, shipped.architecture(name).image_size, device=device, mean=shipped.mean(name))
    net.to(device)
    everything = np.arange(len(prepared.table))
    batches = [inputs.batch(everything[start : start + _BATCH], crops.CENTRE) for start in range(0, len(everything), _BATCH)]
    layer = {7: feature_cache.LAYERS[7]}
    features = torch.cat([feature_cache.batch_of(net, images, layer)[layer[7]].cpu() for images in batches]).numpy()
    train, val = prepared.indices("train"), prepared.indices("val")
    generator = np.random.default_rng(seed)
    return linear_probes.answers("softmax", features, prepared.labels, train, val, generator=generator)[0]


def _wrong(trained: runs.Trained, prepared: PreparedSet, indices: np.ndarray) -> np.ndarray:
    """Which pictures a net names wrongly from their centre crop, bool (n,)."""
    inputs = trained.inputs(prepared, device=devices.device())
    guessed = predictions.probabilities(trained.net().to(inputs.device), inputs, indices)
    return predictions.wrong(guessed, prepared.labels[indices])


def _row(way: str, wrong: np.ndarray, steps: int) -> dict:
    error = predictions.error_rate(wrong)
    low, high = error.interval()
    return {"way": way, "wrong": error.wrong, "n": error.n, "error": error.rate, "low": low, "high": high, "steps": steps}
