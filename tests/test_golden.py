"""Golden numbers: what each declared version stands for. Where the arithmetic changes, raise its version or restore the numbers.

After a version was raised, `python -m tests.test_golden` writes the new numbers.
"""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.conftest import draw_tiny_set
from tests.layouts import jpeg
from tests.test_decode import encoded
from zfutils.attribution import topk
from zfutils.core import paths, profiles
from zfutils.data import decode, listings, registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.data.toybox import collection
from zfutils.models import architectures, cached_predictions, checkpoints, devices, filters, recipes
from zfutils.models.trained import Trained
from zfutils.training import from_scratch, trainer
from zfutils.training.trainer import Settings, Trainer
from zfutils.transfer import feature_cache

FILE = Path(__file__).with_name("golden.json")
AGAIN = "python -m tests.test_golden"
SIZE = {"width": 1 / 16, "image_size": 56, "fc_units": 16, "classes": 4}
# A version speaks for code: what a profile sets is part of the settings and named here, so that the numbers outlive another choice.
TINY = dataclasses.replace(profiles.profile("smoke"), image_size=56, width=1 / 16, fc_units=16, latest_drops=(0.7, 0.9))


def dropped(layer: nn.Dropout, x: Tensor) -> Tensor:
    """Dropout whose mask follows from the seed alone: what PyTorch draws differs between kinds of processors."""
    if not layer.training or layer.p == 0:
        return x
    drawn = np.random.default_rng(torch.initial_seed()).random(x.numel())
    return x * torch.from_numpy(drawn >= layer.p).view_as(x) / (1 - layer.p)


def spread(weights: dict[str, Tensor], before: dict[str, Tensor]) -> dict[str, float]:
    """Sizes of all weights and of what training has changed in them, by name."""
    sizes = {f"{name}, size": float(tensor.double().norm()) for name, tensor in weights.items()}
    return sizes | {f"{name}, change": float((tensor - before[name]).double().norm()) for name, tensor in weights.items()}


def largest_rms(net: nn.Module, layer: str) -> float:
    """A radius that clips the largest filter of a layer as soon as it grows."""
    return float(filters.rms(net.get_submodule(layer).weight.detach()).max())


def training(folder: Path) -> dict:
    """Seven steps of a net and of one with turned images and batch norm, with a rate at which filters are clipped."""
    pictures, numbers = draw_tiny_set(folder / "set"), {}
    for name, turned, clips in (("zfnet", False, True), ("zfnet-batch-norm-dropout", True, False)):
        architecture = architectures.scaled(recipes.recipe(name).paper, **SIZE)
        settings = Settings(name, architecture, 2, 3, clips, 0.05, (5, 6), 10, 0.9, turned)
        run = Trainer(settings, pictures, folder / name, device=torch.device("cpu"), dtype=torch.float32)
        run.radii = {layer: largest_rms(run.net, layer) for layer in run.radii}
        before = {key: tensor.clone() for key, tensor in run.net.state_dict().items()}
        seen = []
        for _ in range(7):
            seen += [f"{row} in crop {crop}" for row, crop in zip(*run.batch(), strict=True)]
            run.advance()
        numbers |= {f"{name}: {what}": value for what, value in spread(run.net.state_dict(), before).items()}
        numbers |= {f"{name}: images": seen, f"{name}: clipped": int(run.log[0]["clipped"] > 0)}
        numbers |= {f"{name}: {loss}": run.log[0][loss] for loss in ("train_loss", "dev_loss")}
    return numbers


def scratch(folder: Path) -> dict:
    """A few steps of a net from scratch."""
    pictures, rows, test = draw_tiny_set(folder / "set"), np.arange(20), np.arange(60, 72)
    profile = dataclasses.replace(TINY, transfer=dataclasses.replace(TINY.transfer, scratch_steps=6, scratch_drops=(0.7, 0.9)))
    made = from_scratch.train(profile, pictures, pictures.mean() + 3, rows, test, rate=0.01, seed=2)
    net = checkpoints.load(next((folder / "data").rglob("net.safetensors")))
    before = architectures.build(architectures.scaled(architectures.ZFNET, **SIZE), generator=torch.Generator().manual_seed(2))
    return spread(net.state_dict(), before.state_dict()) | {"steps": made.steps, "answers": len(made.correct)}


def means(pictures: np.ndarray) -> list[float]:
    """Means over 4 x 4 cells of some uint8 pictures, by colour."""
    n, size = len(pictures), pictures.shape[1]
    cells = pictures.reshape(n, 4, size // 4, 4, size // 4, -1).astype(np.float64)
    return cells.mean((2, 4)).ravel().tolist()


def toys(folder: Path) -> dict:
    """Three toys of every set, in bytes, with what the table says of them."""
    numbers = {}
    for which in collection.WHICH:
        rows = collection.table(TINY.toys, which).iloc[[0, 3, 5]].to_dict("records")
        context = {"seed": 4, "which": which, "size": 64, "difficulty": collection.DIFFICULTY}
        answers = collection.render(context, rows)
        numbers[f"{which}: pictures"] = means(np.stack([answer["image"] for answer in answers]))
        numbers[f"{which}: parts"] = [float((answer["parts"] > 0).mean()) for answer in answers]
        numbers[f"{which}: facts"] = [f"{answer['columns']['material']}, {answer['columns']['background']}" for answer in answers]
    return numbers


def photos(folder: Path) -> dict:
    """Photographs in odd modes, decoded, and the listing of a folder with a leak."""
    ramp = np.arange(60 * 44 * 4, dtype=np.uint32).reshape(44, 60, 4)
    image = Image.fromarray((ramp * 7 // 60 % 256).astype(np.uint8), "RGBA")
    grey = image.convert("L")
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "JPEG": jpeg(3),
        "grey JPEG": encoded(grey, "JPEG", quality=90),
        "CMYK": encoded(image.convert("RGB").convert("CMYK"), "JPEG", quality=95),
        "turned by its EXIF": encoded(image.convert("RGB"), "JPEG", quality=90, exif=turned),
        "transparent": encoded(image),
        "palette": encoded(image.convert("RGB").convert("P"), "GIF"),
        "16 bit": encoded(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)),
    }
    numbers = {name: means(decode.square(data, 32)[None]) for name, data in files.items()}
    for number in range(24):
        own = folder / "own" / ("val" if number % 4 == 0 else "train") / f"class-{number // 4 % 2}"
        own.mkdir(parents=True, exist_ok=True)
        (own / f"{number}.jpg").write_bytes(jpeg(number if number != 8 else 9))
    table = listings.with_dev(listings.without_leaks(listings.own_folder(folder / "own"))).table
    return numbers | {"listing": [f"{row.file} {row.split} {row.label}" for row in table.itertuples()]}


def lively(folder: Path) -> tuple[Trained, PreparedSet]:
    """A net that is as active as a trained one, and pictures."""
    architecture = architectures.scaled(architectures.ZFNET, **SIZE)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(0))
    for layer in net:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, generator=torch.Generator().manual_seed(5))
    net.fc8.weight.data /= 30
    checkpoints.save(net, architecture, folder / "net" / "net.safetensors", card={"recipe": "zfnet"})
    return Trained(folder / "net"), draw_tiny_set(folder / "set")


def features(folder: Path) -> dict:
    """Sums over the features of the pictures, weighted by their position, at every layer."""
    trained, pictures = lively(folder)
    banks = feature_cache.of(trained, pictures, pictures.mean() + 5)
    return {f"layer {number}": _weighted(np.asarray(bank, np.float64)) for number, bank in banks.items()}


def _weighted(values: np.ndarray) -> list[float]:
    """Sums of (n, numbers) over the numbers, which count from once to twice from the first to the last."""
    return (values @ np.linspace(1, 2, values.shape[1]))[::7].tolist()


def strongest(folder: Path) -> dict:
    """The strongest activations of a split at three layers."""
    trained, pictures = lively(folder)
    tops = topk.scanned(TINY, trained.net(), "net", pictures, "train", layers=["conv1", "conv3", "fc6"], k=3)
    values = {f"{layer}: values": top.values.ravel().tolist() for layer, top in tops.items()}
    return values | {f"{layer}: images": [str(row) for row in top.indices[top.values > 0]] for layer, top in tops.items()}


def answers(folder: Path) -> dict:
    """Probabilities of the validation pictures, of the centre crop and of ten."""
    trained, pictures = lively(folder)
    asked = {"centre": (0,), "ten": tuple(range(10))}
    return {
        name: cached_predictions.of(trained, pictures, pictures.indices("val"), crops=crops).ravel().tolist()
        for name, crops in asked.items()
    }


# Where each version is declared, and the numbers that it stands for.
VERSIONS: dict[str, tuple[object, Callable[[Path], dict]]] = {
    "TRAINING_VERSION": (trainer, training),
    "FROM_SCRATCH_VERSION": (from_scratch, scratch),
    "TOYS_VERSION": (collection, toys),
    "PHOTOS_VERSION": (registry, photos),
    "FEATURES_VERSION": (feature_cache, features),
    "SCAN_VERSION": (topk, strongest),
    "PREDICTIONS_VERSION": (cached_predictions, answers),
}


def measured(name: str, folder: Path) -> dict:
    """The declared version and the numbers of today, in float32 on one thread of a CPU."""
    module, numbers = VERSIONS[name]
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(folder / "data"))
        patch.setattr(devices, "device", lambda: torch.device("cpu"))
        patch.setattr(devices, "dtype", lambda device: torch.float32)
        patch.setattr(nn.Dropout, "forward", dropped)
        torch.set_num_threads(1)
        found = numbers(folder)
        torch.set_num_threads(threads)
    return {
        "version": getattr(module, name),
        "numbers": json.loads(json.dumps(found), parse_float=lambda text: float(f"{float(text):.6g}")),
    }


def changed(kept: dict, now: dict) -> list[str]:
    """What differs by more than processors do: a thousandth, three tenths of a level of a pixel, what rounding leaves of a zero."""
    assert kept.keys() == now.keys(), f"other numbers are kept: run {AGAIN}"
    return [name for name in kept if not _same(np.atleast_1d(kept[name]), np.atleast_1d(now[name]))]


def _same(kept: np.ndarray, now: np.ndarray) -> bool:
    if kept.shape != now.shape or kept.dtype.kind in "US":
        return kept.tolist() == now.tolist()
    pixels = kept.size > 40 and kept.max() > 30  # a decoder may round them the other way
    return np.allclose(now, kept, rtol=1e-3, atol=0.3 if pixels else max(1e-6, 1e-3 * np.abs(kept).max()))


@pytest.mark.parametrize("name", VERSIONS)
def test_what_a_version_stands_for(name, tmp_path):
    kept, now = json.loads(FILE.read_text(encoding="utf-8"))[name], measured(name, tmp_path)
    assert kept["version"] == now["version"], f"{name} was raised: run {AGAIN}"
    others = changed(kept["numbers"], now["numbers"])
    assert not others, f"raise {name} or restore the numbers ({', '.join(others)})"


def main() -> None:
    """Write the numbers of versions that were raised; refuse numbers that changed under the same version."""
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            now = measured(name, Path(folder))
        if kept.get(name, {}).get("version") != now["version"]:
            kept[name] = now
        elif others := changed(kept[name]["numbers"], now["numbers"]):
            raise SystemExit(f"raise {name} or restore the numbers ({', '.join(others)})")
    with paths.whole(FILE) as fresh:
        fresh.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(known)}' for name, known in kept.items()) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
