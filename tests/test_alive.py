"""What the page Alive loads: the graphs say what the library says, and the files are those that the page counts on."""

import gzip
import json

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from zfutils.attribution import deconv, onnx_graphs
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models import architectures, recipes, shipped
from zfutils.run.site import alive

SMALL = {"width": 1 / 8, "image_size": 112, "fc_units": 64, "classes": 10}


def small(paper: architectures.Architecture) -> nn.Sequential:
    """A net of random weights whose batch norms have gathered something."""
    net = architectures.build(architectures.scaled(paper, **SMALL), generator=torch.Generator().manual_seed(1))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            drawn = torch.rand(4, module.num_features, generator=torch.Generator().manual_seed(2)) - 0.3
            module.running_mean, module.running_var = drawn[0], drawn[1].abs() + 0.1
            module.weight.data, module.bias.data = drawn[2], drawn[3]
    return net.eval()


NETS = {
    "zfnet": lambda: small(architectures.ZFNET),
    "alexnet": lambda: small(architectures.ALEXNET),
    "modern": lambda: small(recipes.recipe("zfnet-modern").paper),
    **{name: lambda name=name: shipped.load(name) for name in alive.NETS},
}


class Opened:
    """Both graphs of a net in the runtime for Python, as the page uses them in the browser."""

    def __init__(self, net: nn.Sequential, folder):
        self.graphs = onnx_graphs.export(net, 112)
        self.graphs.write(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.up, self.down = (
            onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
            for name in (onnx_graphs.UP, onnx_graphs.DOWN)
        )

    def ascent(self, images: torch.Tensor) -> dict[str, np.ndarray]:
        names = [value.name for value in self.up.get_outputs()]
        return dict(zip(names, self.up.run(None, {"images": images.numpy()}), strict=True))

    def project(self, ascent: dict[str, np.ndarray], layer: str, index: tuple[int, ...], rule: str) -> np.ndarray:
        signals = {f"{name}.signal": np.zeros((1, *shape), np.float32) for name, shape in self.graphs.layers.items()}
        signals[f"{layer}.signal"][(0, *index)] = max(0, ascent[layer][(0, *index)])
        kept = {name: ascent[name] for name in self.graphs.kept}
        flags = {name: np.array(on) for name, on in alive._rules()[rule].items()}
        return self.down.run(None, {**kept, **signals, **flags})[0][0]


@pytest.fixture(scope="module", params=NETS)
def opened(request, tmp_path_factory) -> tuple[nn.Sequential, Opened, torch.Tensor, dict]:
    net = NETS[request.param]()
    image = (60 * torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))).clamp(-200, 200)
    runtime = Opened(net, tmp_path_factory.mktemp("graphs"))
    return net, runtime, image, runtime.ascent(image)


def test_the_way_up_gives_the_librarys_numbers_also_for_many_pictures(opened):
    net, runtime, image, ascent = opened
    with torch.no_grad():
        np.testing.assert_allclose(ascent["logits"], net(image), rtol=1e-4, atol=1e-5 * np.abs(ascent["logits"]).max())
        both = torch.cat([image, image.flip(3)])
        np.testing.assert_allclose(runtime.ascent(both)["logits"], net(both), rtol=1e-4, atol=1e-5 * np.abs(ascent["logits"]).max())


@pytest.mark.parametrize("rule", alive.RULES)
def test_every_layer_comes_down_as_in_the_library(opened, rule):
    net, runtime, image, ascent = opened
    compared = 0
    for layer, shape in runtime.graphs.layers.items():
        strongest = np.unravel_index(ascent[layer].argmax(), ascent[layer].shape)[1:]
        for index in {tuple(map(int, strongest)), (shape[0] // 2, *(side // 2 for side in shape[1:]))}:
            at = index[1:] or None
            wanted = deconv.project(net, image, unit=Unit(layer, index[0]), at=at, rules=alive.RULES[rule]).pixels.numpy()
            found = runtime.project(ascent, layer, index, rule)
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
            compared += bool(np.abs(wanted).max())
    assert compared >= len(runtime.graphs.layers), "zeros alone prove nothing"


def test_rules_differ_so_that_the_comparison_can_fail(opened):
    _, runtime, _, ascent = opened
    index = tuple(map(int, np.unravel_index(ascent["relu5"].argmax(), ascent["relu5"].shape)[1:]))
    found = [runtime.project(ascent, "relu5", index, rule) for rule in alive.RULES]
    for n, one in enumerate(found):
        assert all(np.abs(one - other).max() > 1e-3 * np.abs(one).max() for other in found[:n])


def test_weights_are_kept_once_and_in_half_precision_where_that_is_exact(tmp_path):
    net = shipped.load("zfnet-toybox")
    graphs = onnx_graphs.export(net, 112)
    numbers = sum(weight.numel() for weight in net.parameters())
    assert 2 * numbers <= len(graphs.weights) < 2.1 * numbers
    assert graphs.up.ByteSize() + graphs.down.ByteSize() < 20_000
    drawn = small(architectures.ZFNET)
    full = 4 * sum(weight.numel() for name, weight in drawn.named_parameters() if name.endswith("weight"))
    assert len(onnx_graphs.export(drawn, 112).weights) > full


def test_a_net_that_has_no_explicit_way_down_is_refused():
    with pytest.raises(Problem, match="take deconv.project instead"):
        onnx_graphs.export(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU()).eval(), 112)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "alive"
    return folder, alive.write(folder)


def test_the_page_loads_what_was_written_and_little_at_first(written):
    folder, index = written
    assert json.loads((folder / "index.json").read_text(encoding="utf-8")) == json.loads(json.dumps(index))
    loaded = {folder / "runtime" / name: size for name, size in index["runtime"].items()}
    for net in index["nets"]:
        loaded |= {folder / "nets" / net["name"] / file: size for file, size in net["files"].items()}
    assert all(file.stat().st_size == size for file, size in loaded.items())
    assert alive.first_load(index) < 7_000_000
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 20_000_000
    assert [net["name"] for net in index["nets"]] == list(alive.NETS)
    kinds = {picture["name"]: picture["kind"] for picture in index["pictures"]}
    assert all((folder / "pictures" / f"{name}.png").exists() for name in kinds) and {"toy", "photograph"} == set(kinds.values())


def test_the_runtime_is_whole_and_has_its_licence(written, monkeypatch, tmp_path):
    folder, index = written
    (binary,) = index["runtime"]
    assert gzip.decompress((folder / "runtime" / binary).read_bytes())[:4] == b"\0asm"
    assert "MIT License" in (folder / "runtime" / "LICENSE").read_text(encoding="utf-8")
    (tmp_path / "other.tar.xz").write_bytes(b"another")
    monkeypatch.setattr(alive, "_RUNTIME", tmp_path / "other.tar.xz")
    with pytest.raises(Problem, match="git checkout -- book/site/vendor"):
        alive.write(tmp_path / "alive")


def test_no_script_asks_another_host(written):
    folder, _ = written
    scripts = sorted(folder.glob("*.js"))
    assert len(scripts) > 5
    for script in scripts:
        assert "//" not in script.read_text(encoding="utf-8").replace("// ", ""), script.name
