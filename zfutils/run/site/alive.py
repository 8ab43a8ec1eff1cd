"""What the page Alive loads: nets that ship as graphs, the runtime that computes them in a browser, and a few pictures."""

import gzip
import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from zfutils.attribution import occlusion, onnx_graphs
from zfutils.attribution.rules import DECONVNET, GRADIENT, GUIDED, LINEAR
from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.models import shipped
from zfutils.widgets import pictures

NETS = ("zfnet-toybox", "zfnet-modern-imagenet200")
RULES = {"deconvnet": DECONVNET, "gradient": GRADIENT, "guided": GUIDED, "linear": LINEAR}
_SCRIPTS = paths.BOOK / "site" / "alive"
_RUNTIME = paths.BOOK / "site" / "vendor" / "onnxruntime-web-1.30.0.tar.xz"
_RUNTIME_SHA256 = "d12ad21e5ee9ac8733cf74bb04424c2ade487e884c3d9cd5337f58059d1f5431"
_BINARY = "ort-wasm-simd-threaded.wasm"
_PHOTOGRAPHS = ("chelsea", "coffee", "astronaut", "rocket")  # of scikit-image: CC0 or in the public domain
_STEPS = 2  # of the paper's steps in one, so that a map has 15 x 15 positions


def write(to: Path) -> dict:
    """Write all that the page loads into a folder.

    Args:
        to: the folder, which is made.

    Returns:
        What the page reads first: `nets`, `pictures`, `rules`, and `runtime`, the bytes of each of its files.

    Raises:
        Problem: the runtime is not the one that came with the book.
    """
    to.mkdir(parents=True)
    for script in sorted(_SCRIPTS.glob("*.js")):
        (to / script.name).write_bytes(script.read_bytes())
    runtime = _write_runtime(to / "runtime")
    nets = [_write_net(name, to / "nets" / name) for name in NETS if name in shipped.known()]
    index = {"nets": nets, "pictures": _write_pictures(to / "pictures"), "runtime": runtime, "rules": _rules()}
    (to / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return index


def first_load(index: dict) -> int:
    """Bytes of the runtime and of the net that the page shows first.

    Args:
        index: what `write` gave.
    """
    return sum(index["runtime"].values()) + sum(index["nets"][0]["files"].values())


def _rules() -> dict[str, dict[str, bool]]:
    """The rules of the way down as the graphs take them."""
    return {name: {flag: getattr(rules, flag) for flag in onnx_graphs.RULES} for name, rules in RULES.items()}


def _write_runtime(to: Path) -> dict[str, int]:
    """Unpack the runtime; its binary goes over the wire packed, which browsers undo. Returns the bytes to be loaded, by file."""
    if hashlib.sha256(_RUNTIME.read_bytes()).hexdigest() != _RUNTIME_SHA256:
        raise Problem(f"{_RUNTIME} is damaged or another version; get it back: git checkout -- book/site/vendor")
    to.mkdir()
    with tarfile.open(_RUNTIME) as archive:
        archive.extractall(to, filter="data")
    packed = to / f"{_BINARY}.packed"  # a name that no server takes for a file that it should unpack
    packed.write_bytes(gzip.compress((to / _BINARY).read_bytes(), compresslevel=6, mtime=0))
    (to / _BINARY).unlink()
    return {packed.name: packed.stat().st_size}


def _write_net(name: str, to: Path) -> dict:
    """The graphs of a net, the mean that is subtracted, and what is known of it."""
    card, net, mean = shipped.card(name), shipped.load(name), shipped.mean(name)
    size = card["architecture"]["image_size"]
    graphs = onnx_graphs.export(net, size)
    graphs.write(to)
    start = (len(mean) - size) // 2
    inside = np.ascontiguousarray(mean[start : start + size, start : start + size], np.float32)
    (to / "mean.bin").write_bytes(inside.tobytes())  # (size, size, 3)
    square, step = occlusion.scaled(size, steps=_STEPS)
    kind = "toy" if profiles.profile(card["profile"]).toys else "photograph"
    files = (onnx_graphs.UP, onnx_graphs.DOWN, onnx_graphs.WEIGHTS, "mean.bin")
    return {
        "name": name,
        "says": card["says"],
        "kind": kind,
        "data": f"{kind}s of {len(card['classes'])} classes",
        "wrong": card["val_wrong"],
        "of": card["val_n"],
        "classes": card["classes"],
        "side": len(mean),
        "size": size,
        "layers": graphs.layers,
        "kept": graphs.kept,
        "square": square,
        "step": step,
        "files": {file: (to / file).stat().st_size for file in files},
    }


def _write_pictures(to: Path) -> list[dict[str, str]]:
    """One toy of each class and some photographs, each as the square that a net's input is cut from, without loss."""
    to.mkdir()
    toys = {name.removesuffix("/0"): picture for name, picture in pictures.of_toys(pictures.toys()).items() if name.endswith("/0")}
    photographs = {name: picture for name, picture in pictures.bundled().items() if name in _PHOTOGRAPHS}
    for name, picture in (toys | photographs).items():
        Image.fromarray(picture.at(_side())).save(to / f"{name}.png", optimize=True)
    return [{"name": name, "kind": "photograph" if name in photographs else "toy"} for name in toys | photographs]


def _side() -> int:
    """Of the squares that the nets' inputs are cut from, pixels."""
    (side,) = {len(shipped.mean(name)) for name in NETS if name in shipped.known()}
    return side
