"""The strongest activations: against a search through everything, ties, limits, several processes, files."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from tests.test_deconvnet import images, net_of
from zfutils.attribution import activations, receptive_field, topk
from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.models import architectures
from zfutils.models.crops import crop_corners

LAYERS = ("conv1", "conv2", "relu3", "pool5", "fc6")


def search(net: nn.Module, several: torch.Tensor, layer: str, k: int) -> list[list[tuple[float, int, int]]]:
    """For every map all (activation, row, place), sorted as the winners are to be."""
    found = activations.of(net, several, [layer])[layer].flatten(2 if layer[0] != "f" else 1).numpy()
    found = found[..., None] if layer[0] == "f" else found
    ranked = []
    for number in range(found.shape[1]):
        best = [(float(found[row, number].max()), row, int(found[row, number].argmax())) for row in range(len(several))]
        ranked.append(sorted((one for one in best if one[0] > 0), key=lambda one: (-one[0], one[1]))[:k])
    return ranked


@pytest.mark.parametrize("paper", [architectures.ZFNET, architectures.ALEXNET], ids=lambda paper: paper.name)
@pytest.mark.parametrize("batch", [5, 64])
def test_winners_are_those_of_a_search_through_everything(paper, batch):
    net, several = net_of(paper, 64), images(13, 64)
    several[7] = several[2]  # equal activations everywhere: the lower row is first
    found = topk.scan(net, several, layers=LAYERS, k=4, batch=batch)
    for layer in LAYERS:
        width = activations.of(net, several[:1], [layer])[layer].shape[-1] if layer[0] != "f" else 1
        for number, ranked in enumerate(search(net, several, layer, 4)):
            top = [(row, place) for row, place in zip(found[layer].rows[number], found[layer].places[number], strict=True) if row >= 0]
            assert [row for row, _ in top] == [row for _, row, _ in ranked]
            assert np.allclose(found[layer].values[number][: len(ranked)], [value for value, _, _ in ranked], rtol=1e-5)
            if layer[0] != "f":
                assert [int(place[0] * width + place[1]) for _, place in top] == [place for _, _, place in ranked]


def test_nine_winners_are_nine_images_and_a_silent_map_has_none():
    net = net_of()
    net.conv3.bias.data[2] = -1e6
    top = topk.scan(net, images(20), layers=["conv3"])["conv3"]
    assert (top.rows[2] == topk.NOBODY).all() and not top.values[2].any() and 2 not in top.active()
    for rows, values in zip(top.rows, top.values, strict=True):
        assert len(set(rows[rows >= 0])) == (rows >= 0).sum() and (np.diff(values) <= 0).all()
    assert len(top.active())


def test_maxima_come_from_the_pool_only_where_it_leaves_nothing_out():
    assert topk._pool_of(net_of(), "conv1") == topk._pool_of(net_of(), "relu1") == "pool1"
    assert topk._pool_of(net_of(architectures.ALEXNET), "conv1") == "", "a norm lies between"
    assert topk._pool_of(net_of(), "conv3") == topk._pool_of(net_of(), "fc6") == ""
    floor = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)).eval()
    assert topk._pool_of(floor, "0") == ""
    several = torch.randn(12, 3, 9, 9)
    found = topk.scan(floor, several, layers=["0", "2"], k=2)
    assert np.allclose(found["0"].values[:, 0], floor[0](several).amax((0, 2, 3)).detach().clamp(min=0))
    both = topk.scan(net_of(), images(9), layers=["conv1", "pool1"])
    assert np.array_equal(both["conv1"].rows, both["pool1"].rows) and not np.array_equal(both["conv1"].places, both["pool1"].places)


def test_layers_that_share_a_pool_are_each_seen():
    together = topk.scan(net_of(), images(9), layers=["conv1", "relu1", "conv2"], k=3)
    for layer, found in together.items():
        alone = topk.scan(net_of(), images(9), layers=[layer], k=3)[layer]
        for name in ("rows", "values", "places"):
            assert np.array_equal(getattr(found, name), getattr(alone, name)), (layer, name)


def test_rows_and_a_function_give_what_the_tensor_gives():
    net, several = net_of(), images(12)
    rows = np.array([3, 11, 7, 0, 5, 6, 8, 9, 1, 2])
    found = topk.scan(net, lambda some: several[torch.from_numpy(some)], layers=["conv4"], k=3, rows=rows, batch=4)["conv4"]
    part = topk.scan(net, several[np.sort(rows)], layers=["conv4"], k=3)["conv4"]
    assert np.array_equal(np.where(part.rows >= 0, np.sort(rows)[part.rows], -1), found.rows)
    assert set(found.rows.ravel()) <= {*rows.tolist(), -1}


def test_bad_input_is_named_and_the_net_is_left_alone():
    net, several = net_of(), images(9)
    for wrong, said in (
        ({"layers": ["conv9"]}, "unknown layer 'conv9'"),
        ({"layers": ["conv1"], "k": 10}, "at least 10 images for 10 winners a map, got 9"),
        ({"layers": []}, "got no layer; give layers="),
        ({"layers": ["conv1"], "k": 0}, "k of at least 1, got 0"),
        ({"layers": ["conv1"], "batch": 0}, "batch of at least 1, got 0"),
        ({"layers": ["conv1"], "k": 2, "rows": np.array([3, 4, 3])}, "each once, got 3 twice"),
        ({"layers": ["conv1"], "k": 2, "rows": np.array([3, -1])}, "row numbers from 0 to 8, got -1"),
        ({"layers": ["conv1"], "k": 2, "rows": np.array([3, 9])}, "row numbers from 0 to 8, got 9"),
        ({"layers": ["conv1"], "k": 2, "rows": np.arange(9) > 3}, "flatnonzero"),
    ):
        with pytest.raises(Problem, match=said):
            topk.scan(net, several, **wrong)
    with pytest.raises(Problem, match="give rows="):
        topk.scan(net, lambda rows: several, layers=["conv1"])
    with pytest.raises(Problem, match="gave 9 images for 4 rows"):
        topk.scan(net, lambda rows: several, layers=["conv1"], k=2, rows=np.arange(4))
    with pytest.raises(Problem, match=r"0 gives features of shape \(9, 4, 49\)"):
        topk.scan(nn.Sequential(nn.Flatten(2)).eval(), several[:, :, :7, :7].repeat(1, 2, 1, 1)[:, :4], layers=["0"])
    with pytest.raises(Problem, match="NaN"):
        topk.scan(net, several * torch.nan, layers=["conv1"])
    net.conv2.weight.data[0] = torch.nan
    with pytest.raises(Problem, match="conv2 gives NaN .*conv2.weight"):
        topk.scan(net, several, layers=["conv2"])
    with pytest.raises(Problem, match="net.eval"):
        topk.scan(net.train(), several, layers=["conv1"])
    assert not any(module._forward_hooks for module in net.modules())


def test_winners_are_kept_in_a_small_file_that_is_read_without_pickle(tmp_path):
    found = topk.scan(net_of(), images(9), layers=["conv2", "fc6"])
    topk.save(found, tmp_path / "top.npz")
    again = topk.load(tmp_path / "top.npz")
    assert list(again) == ["conv2", "fc6"] and np.array_equal(again["conv2"].rows, found["conv2"].rows)
    assert np.array_equal(again["fc6"].values, found["fc6"].values) and again["conv2"].places.dtype == np.int64
    (tmp_path / "top.npz").write_bytes((tmp_path / "top.npz").read_bytes()[:100])
    with pytest.raises(Problem, match="delete that file"):
        topk.load(tmp_path / "top.npz")


def test_a_scan_of_a_split_is_kept_until_what_it_depends_on_changes(tiny_set, monkeypatch):
    profile, net = dataclasses.replace(profiles.profile("smoke"), image_size=56), net_of(size=56).float()
    seen = []

    def counted(net, images, **options):
        seen.append(options["rows"].tolist())
        return scan(net, images, **options)

    scan = topk.scan
    monkeypatch.setattr(topk, "scan", counted)

    def ask(name: str = "net", split: str = "val", layer: str = "conv3", k: int = 3) -> topk.Top:
        return topk.scanned(profile, net, name, tiny_set, split, layers=[layer], k=k)[layer]

    first, again = ask(), ask()
    assert seen == [tiny_set.indices("val").tolist()] and set(first.rows.ravel()) <= {-1, *seen[0]}
    assert np.array_equal(first.rows, again.rows) and np.array_equal(first.places, again.places)
    for number, other in enumerate([{"name": "other"}, {"split": "dev"}, {"layer": "conv4"}, {"k": 2}], 2):
        ask(**other)
        assert len(seen) == number, other
    with torch.no_grad():
        net.conv1.weight.mul_(2)  # trained anew under the same name
    ask()
    assert len(seen) == 6
    monkeypatch.setattr(topk, "SCAN_VERSION", topk.SCAN_VERSION + 1)
    ask()
    assert len(seen) == 7
    for file in paths.data_dir().rglob("*.npz"):
        file.write_bytes(b"")
    with pytest.raises(Problem, match="delete that file"):
        ask()


def test_patches_are_the_receptive_fields_in_the_centre_crop(tiny_set):
    net = net_of(size=56)
    field = receptive_field.of(net, images(size=56), "conv2")
    (top, left, *_), side = field.box((0, 3)), field.size[0]
    cut = topk.patches(tiny_set, 56, np.array([5]), np.array([[top, left]]), side)[0]
    crop_top, crop_left, _ = crop_corners(64, 56)[4]
    crop = tiny_set.images[5, crop_top : crop_top + 56, crop_left : crop_left + 56]
    assert top < 0 < left and cut.shape == (27, 27, 3)
    assert (cut[:-top] == 128).all() and np.array_equal(cut[-top:], crop[: side + top, left : left + side])


SCRIPT = """
import resource, sys, numpy as np, torch
sys.path.insert(0, sys.argv[3])
from tests.test_deconvnet import net_of
from zfutils import devices, topk
devices.join_group()
pictures = np.memmap(sys.argv[1], np.uint8, "r").reshape(-1, 64, 64, 3)
net = net_of(size=64).float()
def take(rows):
    return torch.from_numpy(pictures[rows].astype(np.float32) - 128).permute(0, 3, 1, 2)
def scan(rows):
    return topk.scan(net, take, layers=["conv1", "conv4", "fc6"], k=5, rows=rows, batch=16)
scan(np.arange(64))  # libraries are loaded and their memory is taken
if sys.argv[4] != "0":
    held = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (held + int(sys.argv[4]),) * 2)
found = scan(np.arange(len(pictures)))
if devices.rank_and_world()[0] == 0:
    from pathlib import Path
    topk.save(found, Path(sys.argv[2]))
torch.distributed.is_initialized() and torch.distributed.destroy_process_group()
"""


def run_script(tmp_path, pictures: np.ndarray, name: str, *, world: int = 1, limit: int = 0) -> dict[str, topk.Top]:
    """Scan in processes of their own."""
    (tmp_path / "scan.py").write_text(SCRIPT, encoding="utf-8")
    pictures.tofile(tmp_path / f"{name}.u8")
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={world}"] if world > 1 else []
    arguments = [
        str(tmp_path / "scan.py"),
        str(tmp_path / f"{name}.u8"),
        str(tmp_path / f"{name}{world}.npz"),
        str(paths.REPOSITORY),
        str(limit),
    ]
    environment = {**os.environ, "PYTHONPATH": str(paths.REPOSITORY), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, *launch, *arguments], cwd=paths.REPOSITORY, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return topk.load(tmp_path / f"{name}{world}.npz")


def test_two_processes_give_what_one_gives_bit_for_bit(tmp_path):
    pictures = np.random.default_rng(9).integers(0, 256, (70, 64, 64, 3), np.uint8)
    one, two = (run_script(tmp_path, pictures, "some", world=world) for world in (1, 2))
    for layer in one:
        for name in ("rows", "values", "places"):
            assert np.array_equal(getattr(one[layer], name), getattr(two[layer], name)), (layer, name)


@pytest.mark.skipif(sys.platform != "linux", reason="limits on data memory and /proc are Linux's")
def test_memory_stays_below_the_size_of_the_data(tmp_path):
    pictures = np.zeros((9000, 64, 64, 3), np.uint8)  # 110 MB of bytes
    pictures[::50] = np.random.default_rng(10).integers(0, 256, (180, 64, 64, 3), np.uint8)
    found = run_script(tmp_path, pictures, "many", limit=30_000_000)
    assert (found["conv1"].values[:, 0] > 0).any()
