"""Banks: the features of all pictures of a set at every layer of a frozen net, computed once and kept on disk."""

import contextlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import activations
from zfutils.core import keys, locks, paths, progress
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import checkpoints, devices
from zfutils.models.crops import CENTRE, Crops
from zfutils.models.trained import Earlier, Model, Trained

# What the next layer takes: after pool and norm where a layer has them.
LAYERS = {1: "norm1", 2: "norm2", 3: "relu3", 4: "relu4", 5: "pool5", 6: "relu6", 7: "relu7"}
SIDE = 6  # maps are pooled to at most 6 x 6: layer 1 of the paper's net would have 290,400 numbers an image
FEATURES_VERSION = 1  # raised when the same net and pictures give other features
_BATCH = 125
_LARGEST = float(np.finfo(np.float16).max)


def of(
    trained: Trained | Earlier | Model,
    prepared: PreparedSet,
    mean: np.ndarray | None = None,
    *,
    layers: dict[int, str] | None = None,
    side: int = SIDE,
    batch: int = _BATCH,
) -> dict[int, np.ndarray]:
    """Features of all pictures of a set, from their centre crops.

    *Paper:* section 5.2 and table 7, which do not say how maps become features. **Assumption**: maps larger than 6 x 6 are averaged over a
    6 x 6 grid, then flattened.

    Args:
        trained: the frozen net, of any kind.
        prepared: the pictures.
        mean: what is subtracted: the mean picture of the set that the net was trained on, (side, side, 3); default that of `prepared`,
            and always its own for a `Model`.
        layers: number and name of the layers; default `LAYERS`, those of the book's nets.
        side: maps are averaged over a grid of at most so many rows and columns.
        batch: images at once.

    Returns:
        For each layer a float16 memory map of shape (pictures, numbers), read from disk as it is used.

    Raises:
        Problem: pictures of another size than the net was trained on, an unknown layer, features beyond the range of float16, a full disk.
    """
    layers = LAYERS if layers is None else layers
    if mean is not None and prepared.images.shape[1:] != mean.shape:
        raise Problem(
            f"expected pictures of {mean.shape[0]} px as the net was trained on, got {prepared.facts['size']} px; prepare them anew"
        )
    inputs = trained.inputs(prepared, device=devices.device(), mean=mean)
    net, mean = trained.net(), prepared.mean() if mean is None else mean
    about = (checkpoints.digest(net), prepared.facts["sha256"], keys.digest(mean.tobytes().hex()), *inputs.scaling())
    key = keys.digest(*about, layers, side, FEATURES_VERSION)
    folder = trained.folder / "features" / f"{prepared.path.name}-{key[:8]}"
    files = {number: folder / f"layer{number}.npy" for number in layers}
    with locks.alone(folder):
        if not all(file.exists() for file in files.values()):
            _fill(net, inputs, prepared, layers, files, side, batch)
    return {number: np.load(file, mmap_mode="r") for number, file in files.items()}


def pooled(maps: Tensor, side: int = SIDE) -> Tensor:
    """Average maps over a grid of at most `side` x `side` and flatten; (n, maps, h, w) or (n, units) gives (n, numbers)."""
    if maps.ndim == 4 and max(maps.shape[2:]) > side:
        maps = F.adaptive_avg_pool2d(maps, side)
    return maps.flatten(1)


def batch_of(net: nn.Module, images: Tensor, layers: dict[int, str], side: int = SIDE) -> dict[str, Tensor]:
    """Pooled features of some images, float32, by name of the layer."""
    with torch.no_grad():
        return activations.run(net, images, take=dict.fromkeys(layers.values(), lambda maps: pooled(maps.float(), side)))


def _fill(
    net: nn.Module, inputs: Crops, prepared: PreparedSet, layers: dict[int, str], files: dict[int, Path], side: int, batch: int
) -> None:
    """Run the net over the whole set; the files appear when all are whole."""
    count = len(prepared.table)
    net = net.to(inputs.device, memory_format=torch.channels_last)
    with contextlib.ExitStack() as stack:
        # Written, not mapped: a full disk is then an error that can be told, and the system need not map every page.
        fresh = {number: stack.enter_context(open(stack.enter_context(paths.whole(file)), "wb")) for number, file in files.items()}
        starts = range(0, count, batch)
        for start in progress.each(starts, total=len(starts), text=f"features of {prepared.path.name}", unit="batches"):
            indices = np.arange(start, min(start + batch, count))
            features = batch_of(net, inputs.batch(indices, CENTRE), layers, side)
            for number, layer in layers.items():
                low, high = (float(value) for value in features[layer].aminmax())  # in float32: NumPy is slow on float16
                if not max(-low, high) <= _LARGEST:  # NaN shows in both
                    raise Problem(f"features of {layer} do not fit float16; name another layer")
                numbers = features[layer].half().cpu().contiguous().numpy()
                if start == 0:
                    np.lib.format.write_array_header_1_0(fresh[number], _header(count, numbers))
                fresh[number].write(numbers.data)


def _header(count: int, first: np.ndarray) -> dict:
    """What the head of a `.npy` file says of a bank, by its first rows."""
    return {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False, "shape": (count, *first.shape[1:])}
