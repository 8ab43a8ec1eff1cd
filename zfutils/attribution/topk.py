"""The strongest activations of every map over many images, found in one pass (section 4, figures 2 and 4)."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import activations, units
from zfutils.core import keys, locks, paths, progress
from zfutils.core.errors import Problem
from zfutils.core.profiles import Profile
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import checkpoints
from zfutils.models.crops import CENTRE, Crops, overlap

NOBODY = int(np.iinfo(np.int64).max)  # index where fewer images than asked for make a map active: no array takes it
SCAN_VERSION = 2  # raised when the same net and pictures give other strongest activations


@dataclass(frozen=True)
class Top:
    """The strongest activations of every map of a layer, strongest first; all images of a map are different ones.

    Attributes:
        indices: of the images, (maps, k), int64; `NOBODY` where no further image makes the map active, which raises when used as an index.
        values: the activations, after the ReLU, (maps, k), float32; 0 there.
        positions: row and column of the activation in its map, (maps, k, 2), int64; 0 for a fully connected layer.
    """

    indices: np.ndarray
    values: np.ndarray
    positions: np.ndarray

    @property
    def alive(self) -> np.ndarray:
        """Which entries name an image, bool (maps, k); the first column tells the maps that are ever active."""
        return self.indices != NOBODY

    def active(self) -> np.ndarray:
        """Numbers of the maps that have as many winners as were asked for."""
        return np.flatnonzero(self.alive.all(1))

    def first(self, k: int) -> "Top":
        """The k strongest alone."""
        return Top(self.indices[:, :k], self.values[:, :k], self.positions[:, :k])

    def among(self, indices: np.ndarray) -> "Top":
        """The same with each image named by its place in ascending `indices`, which hold them all."""
        return Top(np.where(self.alive, np.searchsorted(indices, self.indices), NOBODY), self.values, self.positions)


def scan(
    net: nn.Module,
    images: Tensor | np.ndarray | Callable[[np.ndarray], Tensor],
    *,
    layers: Sequence[str],
    k: int = 9,
    indices: np.ndarray | None = None,
    batch: int = 128,
) -> dict[str, Top]:
    """Find the k images that make each map of some layers most active, in one pass over the images.

    Every image counts once a map, with its strongest position, so that the k winners are k images. Of equal activations the lower index
    wins, and within a map the first position. Only one batch is in memory.

    *Paper:* figure 2 shows the nine strongest on the validation images, figure 4 the strongest one on the training images. Whether two of
    the nine may come from one image is not said. **Assumption**: they do not.

    Args:
        net: any net, in evaluation mode.
        images: (n, channels, h, w); or a function from indices to images, with `indices`.
        layers: names of layers.
        k: winners a map.
        indices: images to look at, each once; None takes all of `images`.
        batch: images that run together.

    Returns:
        The winners, by layer.

    Raises:
        Problem: unknown layer, training mode, unfit images or indices, features that are not finite, fewer images than k.

    Example:
        >>> scan(net, images, layers=["conv5"])["conv5"].indices[17]  # doctest: +SKIP
    """
    units.check_eval(net)
    if indices is None and callable(images):
        raise Problem("expected the indices to look at, because the images come from a function; give indices=")
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    _check_counts(layers, indices, k, batch)
    _check_indices(indices, None if callable(images) else len(images))
    take = images if callable(images) else lambda wanted: torch.as_tensor(images[wanted])
    leaders = {layer: _Leaders(k) for layer in layers}
    starts = range(0, len(indices), batch)
    with torch.no_grad():
        for start in progress.each(starts, total=len(starts), text="looking for the strongest activations", unit="batches"):
            wanted = indices[start : start + batch]
            crops = take(wanted)
            if len(crops) != len(wanted):
                gave = f"the function that gives images gave {len(crops)} images for {len(wanted)} indices"
                raise Problem(f"{gave}; let it give one for each")
            if start == 0:  # reading every pixel of all batches would cost a tenth of a pass
                units.check_images(net, crops)
            _look(net, crops, wanted, leaders)
    return {layer: best.top() for layer, best in leaders.items()}


def scanned(
    profile: Profile,
    net: nn.Module,
    name: str,
    prepared: PreparedSet,
    split: str,
    *,
    layers: Sequence[str],
    k: int = 9,
    inputs: Crops | None = None,
) -> dict[str, Top]:
    """Scan the centre crops of a split, or read the result of an earlier scan.

    Args:
        profile: the sizes.
        net: the net, in evaluation mode, on its device.
        name: what tells it from other nets: the name of its folder, and of its checkpoint.
        prepared: the pictures.
        split: of the pictures.
        layers, k: as in `scan`.
        inputs: cuts the net's input; default the pictures minus their mean, as the book's nets take them.

    Raises:
        Problem: as `scan`; a kept result that cannot be read.
    """
    inputs = inputs or Crops(prepared, profile.image_size, device=next(net.parameters()).device)
    about = (name, checkpoints.digest(net), prepared.digest(), *inputs.scaling(), split, list(layers), k, inputs.size)

    def look() -> dict[str, Top]:
        return scan(net, lambda wanted: inputs.batch(wanted, CENTRE), layers=layers, k=k, indices=prepared.indices(split))

    return kept(paths.data_dir() / profile.name / "top", f"{name}-{split}-{k}", about, look)


def kept(folder: Path, name: str, about: Sequence[object], look: Callable[[], dict[str, Top]]) -> dict[str, Top]:
    """Read winners that were found before, or find them now and keep them.

    Args:
        folder: where they are kept.
        name: of the file, before the key.
        about: all that they depend on, plain values; the key is made of it.
        look: finds them.

    Raises:
        Problem: as `look`; a kept result that cannot be read.
    """
    path = folder / f"{name}-{keys.digest(*about, 'scan', SCAN_VERSION)[:8]}.npz"
    with locks.alone(path):
        if not path.exists():
            save(look(), path)
    return load(path)


def save(tops: dict[str, Top], path: Path) -> None:
    """Write winners into one small `.npz` file, whole or not at all."""
    arrays = {f"{layer}/{name}": getattr(top, name) for layer, top in tops.items() for name in ("indices", "values", "positions")}
    written = io.BytesIO()
    np.savez(written, **arrays)
    with paths.whole(path) as fresh:
        fresh.write_bytes(written.getbuffer())


def load(path: Path) -> dict[str, Top]:
    """Read winners.

    Raises:
        Problem: the file is absent or broken.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            layers = dict.fromkeys(name.split("/")[0] for name in arrays.files)
            return {layer: Top(*(arrays[f"{layer}/{name}"] for name in ("indices", "values", "positions"))) for layer in layers}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Problem(f"cannot read winners from {path} ({str(error).splitlines()[0]}); delete that file and run again") from None


def patches(prepared: PreparedSet, size: int, indices: np.ndarray, corners: np.ndarray, side: int) -> np.ndarray:
    """Cut what winners looked at out of the pictures: their receptive fields, padding included.

    Args:
        prepared: the pictures.
        size: side of the net's input, pixels.
        indices: of the pictures, (m,).
        corners: row and column of the field's top left pixel in the centre crop, (m, 2); may lie outside.
        side: of the field, pixels.

    Returns:
        uint8 of shape (m, side, side, 3); grey 128 beyond the border of the crop.
    """
    offset = (prepared.facts["size"] - size) // 2
    windows = np.full((len(indices), side, side, 3), 128, np.uint8)
    for window, index, corner in zip(windows, indices.tolist(), corners.tolist(), strict=True):
        inside, there = overlap(corner, side, (size, size))
        window[inside] = prepared.images[index, offset : offset + size, offset : offset + size][there]
    return windows


def _check_counts(layers: Sequence[str], indices: np.ndarray, k: int, batch: int) -> None:
    """Refuse counts with which nothing can be found.

    Raises:
        Problem: no layer, k or batch below 1, fewer images than k.
    """
    if not layers:
        raise Problem("got no layer; give layers=, e.g. layers=['conv5']")
    for name, count in (("k", k), ("batch", batch)):
        if count < 1:
            raise Problem(f"expected a {name} of at least 1, got {count}; give a larger one")
    if len(indices) < k:
        raise Problem(f"expected at least {k} images for {k} winners a map, got {len(indices)}; give more images or a smaller k")


def _check_indices(indices: np.ndarray, many: int | None) -> None:
    """Refuse indices that do not name images, each once.

    Args:
        indices: of images.
        many: how many images there are, if that is known.

    Raises:
        Problem: no whole numbers, an image twice, an index that does not exist.
    """
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise Problem(f"expected indices, got {indices.dtype} of shape {indices.shape}; of a mask take np.flatnonzero(mask)")
    numbers, times = np.unique(indices, return_counts=True)
    if (times > 1).any():
        raise Problem(f"expected indices that name each image once, got {numbers[times > 1][0]} twice; give np.unique(indices)")
    wrong = indices[(indices < 0) | (indices >= (NOBODY if many is None else many))]
    if len(wrong):
        upper = "" if many is None else f" to {many - 1}"
        raise Problem(f"expected indices from 0{upper}, got {wrong[0]}; leave it out")


class _Leaders:
    """The best k of every map so far."""

    def __init__(self, k: int):
        self.k, self.indices, self.values, self.positions = k, None, None, None

    def see(self, maxima: np.ndarray, indices: np.ndarray, output: Tensor) -> None:
        """Take a batch in.

        Args:
            maxima: strongest activation of each image and map, (n, maps).
            indices: of the images.
            output: of the layer, in which the positions of the new leaders are looked up.
        """
        if self.indices is None:
            shape = (maxima.shape[1], self.k)
            self.indices, self.values = np.full(shape, NOBODY, np.int64), np.zeros(shape, np.float32)
            self.positions = np.zeros((*shape, 2), np.int64)
        moving = np.flatnonzero((maxima.T > 0).any(1) & (self.values[:, -1:] <= maxima.T).any(1))  # maps whose leaders may change
        maxima, batch = _strongest(maxima.T[moving], self.k)
        values = np.concatenate([self.values[moving], np.maximum(maxima, 0)], 1)  # (maps, k + those of the batch)
        numbers = np.concatenate([self.indices[moving], np.where(maxima > 0, indices[batch], NOBODY)], 1)
        order = np.lexsort((numbers, -values))[:, : self.k]  # equal ones by index
        self.values[moving], self.indices[moving] = np.take_along_axis(values, order, 1), np.take_along_axis(numbers, order, 1)
        known = np.concatenate([self.positions[moving], np.zeros((*maxima.shape, 2), np.int64)], 1)
        self.positions[moving] = np.take_along_axis(known, order[:, :, None], 1)
        leader, slot = np.nonzero((order >= self.k) & (self.indices[moving] != NOBODY))
        if output.ndim == 4 and len(leader):
            images = batch[leader, order[leader, slot] - self.k]
            self.positions[moving[leader], slot] = _first_positions(output, images, moving[leader])

    def top(self) -> Top:
        """The winners."""
        return Top(self.indices, self.values, self.positions)


def _look(net: nn.Module, images: Tensor, indices: np.ndarray, leaders: dict[str, _Leaders]) -> None:
    """Run a batch and let the leaders see it. Positions are looked up at once: a later layer may change an output in place."""
    outputs: dict[str, Tensor] = {}

    def keeper(layer: str) -> Callable[[Tensor], Tensor]:
        def keep(output: Tensor) -> Tensor:
            outputs[layer] = output
            return output.new_empty(0)  # so that nothing is held longer than needed

        return keep

    def reader(layer: str) -> Callable[[Tensor], Tensor]:
        def read(output: Tensor) -> Tensor:
            maxima = _maxima(output, layer)
            if not np.isfinite(maxima).all():
                units.check_images(net, images)  # before blaming the weights
                units.check_finite(net, output, layer=layer)
            leaders[layer].see(maxima, indices, outputs.pop(layer, output))
            return output.new_empty(0)

        return read

    take = {}
    for layer, pool in _pools(net, list(leaders)).items():
        take |= {layer: keeper(layer), pool: reader(layer)} if pool else {layer: reader(layer)}
    activations.run(net, images, take=take)


def _maxima(output: Tensor, layer: str) -> np.ndarray:
    """The strongest value of each image and map, float32 of shape (n, maps); a pool finds it several times faster than `amax`."""
    if output.ndim not in (2, 4):
        expected = "expected maps (n, maps, h, w) or units (n, units)"
        raise Problem(f"{layer} gives features of shape {tuple(output.shape)}, {expected}; name another layer")
    return (F.max_pool2d(output, output.shape[2:]).flatten(1) if output.ndim == 4 else output).float().cpu().numpy()


def _strongest(maxima: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest of each row and all that equal the k-th, unsorted, and their columns; to sort whole rows takes three times as long.

    Args:
        maxima: (maps, n). Of values up to 0 any may be left out: they lead nothing.
        k: how many.

    Returns:
        Values and columns, both (maps, m), with m from k to n.
    """
    if not maxima.size or maxima.shape[1] <= k:
        return maxima, np.broadcast_to(np.arange(maxima.shape[1]), maxima.shape)
    last = np.partition(maxima, -k, axis=1)[:, -k, None]
    many = max(k, int(((maxima >= last) & (maxima > 0)).sum(1).max()))
    columns = np.argpartition(maxima, -many, axis=1)[:, -many:]
    return np.take_along_axis(maxima, columns, 1), columns


def _first_positions(output: Tensor, images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Row and column of the maximum of some maps, the first of several: (m, 2)."""
    order = np.argsort(images, kind="stable")  # maps of one image lie side by side in memory
    chosen = (torch.from_numpy(numbers[order]).to(output.device) for numbers in (images, maps))
    flat = np.empty(len(order), np.int64)
    flat[order] = output[tuple(chosen)].flatten(1).argmax(1).cpu().numpy()
    return np.column_stack(np.divmod(flat, output.shape[3]))


def _pools(net: nn.Module, layers: list[str]) -> dict[str, str]:
    """For each layer the pool from which its maxima are read, or an empty string; a pool serves one layer, and is not itself a layer."""
    pools: dict[str, str] = {}
    for layer in layers:
        pool = _pool_of(net, layer)
        pools[layer] = "" if pool in layers or pool in pools.values() else pool
    return pools


def _pool_of(net: nn.Module, layer: str) -> str:
    """The max pool from whose output the maxima of a layer can be read: the same numbers, from a quarter of the values.

    It must follow in a plain sequence, with nothing but a ReLU between, and its windows must leave nothing out.
    """
    if type(net) is not nn.Sequential:
        return ""
    names = [name for name, _ in net.named_children()]
    if layer not in names or len(names) < len(net):
        return ""
    for name in names[names.index(layer) + 1 :]:
        module = net.get_submodule(name)
        if isinstance(module, nn.MaxPool2d):
            covers = module.ceil_mode and module.padding == 0 and module.dilation == 1 and module.stride <= module.kernel_size
            return name if covers else ""
        if not isinstance(module, nn.ReLU):
            return ""
    return ""
