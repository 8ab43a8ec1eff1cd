"""What `import zfutils as zf` gives: every name resolves and is documented, and the import itself is light."""

import inspect
import subprocess
import sys
import urllib.error

import pytest
import safetensors.torch
import torch
import torchvision

import zfutils as zf
from zfutils.core.errors import Problem
from zfutils.models import architectures, checkpoints

WANTED = (
    *("Unit", "activations", "correspondence", "deconv", "evolution", "invariance", "load", "occlusion"),
    *("plot", "receptive_field", "saliency", "top_nine", "topk"),
)


def test_the_names_that_readers_use_are_there():
    assert set(WANTED) <= set(zf.__all__) <= set(dir(zf))


@pytest.mark.parametrize("name", zf.__all__)
def test_a_public_name_resolves_and_is_documented(name):
    value = getattr(zf, name)
    assert inspect.getdoc(value) and f"| `{name}` |" in zf.__doc__
    if inspect.ismodule(value):
        public = [getattr(value, part) for part in getattr(value, "__all__", vars(value)) if not part.startswith("_")]
        own = [part for part in public if inspect.isroutine(part) and part.__module__.startswith(value.__name__)]
        assert own and all(inspect.getdoc(part) for part in own)


def test_no_other_name_is_there():
    with pytest.raises(AttributeError, match="no attribute 'deconvv'; public are: Model, Unit"):
        zf.deconvv  # noqa: B018


def test_the_import_loads_nothing_heavy_and_a_name_loads_what_it_needs():
    heavy = "{'torch', 'numpy', 'pandas', 'matplotlib'}"
    code = f"import sys, zfutils; assert not {heavy} & set(sys.modules); zfutils.topk; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_net_of_the_book_is_loaded_by_its_path(tmp_path, monkeypatch):
    plan = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4)
    net = architectures.build(plan, generator=torch.Generator().manual_seed(1))
    checkpoints.save(net, plan, tmp_path / "net.safetensors", card={})
    for given in (tmp_path / "net.safetensors", str(tmp_path / "net.safetensors")):
        assert torch.equal(zf.load(given).conv5.weight, net.conv5.weight) and not zf.load(given).training
    with pytest.raises(Problem, match="no weights at .*absent.safetensors"):
        zf.load(tmp_path / "absent.safetensors")


def test_a_net_of_torchvision_is_loaded_by_its_name(monkeypatch):
    whole = torchvision.models.get_model
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, weights: whole(name, weights=None))
    assert not zf.load("squeezenet1_1").training
    with pytest.raises(Problem, match="unknown net 'resnet19'; give a .safetensors file or a name: .*alexnet, "):
        zf.load("resnet19")


@pytest.mark.parametrize("error", [urllib.error.URLError("no route"), RuntimeError("invalid hash value"), TimeoutError("timed out")])
def test_weights_that_cannot_be_had_are_named_in_one_line(monkeypatch, error):
    def refuse(name, weights):
        raise error

    monkeypatch.setattr(torchvision.models, "get_model", refuse)
    with pytest.raises(Problem, match="weights of alexnet are neither cached nor reachable .*; go online once") as caught:
        zf.load("alexnet")
    assert "\n" not in str(caught.value)


def test_a_copy_of_weights_that_a_mirror_holds_is_kept_and_loaded_without_a_network(tmp_path, monkeypatch):
    from zfutils.data import download
    from zfutils.models import pretrained

    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    net = torchvision.models.squeezenet1_0(weights=None)
    safetensors.torch.save_file({key: value.half() for key, value in net.state_dict().items()}, mirror / "squeezenet1_0.safetensors")
    assert download.keep_weights(mirror, pretrained.copy_of("x").parent) == ["squeezenet1_0.safetensors"]
    loaded = zf.load("squeezenet1_0")
    assert not loaded.training and torch.equal(loaded.features[0].weight, net.features[0].weight.half().float())
    assert pretrained.origin("squeezenet1_0").startswith("a copy") and "SqueezeNet1_0" in pretrained.origin("squeezenet1_1").replace(
        "1_1", "1_0"
    )
    assert len(pretrained.categories("squeezenet1_0")) == 1000
    (mirror / "SHA256SUMS").write_text("0" * 64 + "  squeezenet1_0.safetensors\n", encoding="utf-8")
    with pytest.raises(Problem, match="wrong checksum of .*copy the file again"):
        download.keep_weights(mirror, tmp_path / "elsewhere")
    pretrained.copy_of("squeezenet1_0").write_bytes(b"no weights")
    with pytest.raises(Problem, match="expected weights of squeezenet1_0 in .*remove it"):
        zf.load("squeezenet1_0")
