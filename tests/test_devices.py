"""Devices: every tool runs where its net lies and gives what it gives on the CPU; which device that is; number types."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests import made_up_device
from zfutils.analysis import correspondence, evolution, invariance, sanity
from zfutils.attribution import (
    activations,
    batched_deconv,
    deconv,
    occlusion,
    onnx_graphs,
    projections,
    receptive_field,
    rules,
    saliency,
    topk,
)
from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, devices, predictions, recipes
from zfutils.models.crops import CENTRE, Crops
from zfutils.models.rotated_crops import TurnedCrops
from zfutils.training.trainer import Settings, Trainer
from zfutils.transfer import feature_cache

ARCHITECTURE = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=32, classes=4)
CPU = torch.device("cpu")
MAPS = np.array([0, 2, 5])
PLACES = np.array([[1, 0], [1, 1], [0, 1]])


@dataclasses.dataclass
class Bench:
    """What a tool is given: a net, images and the way to cut them, all on one device."""

    net: nn.Sequential
    prepared: PreparedSet
    inputs: Crops
    device: torch.device

    def images(self, count: int = 3) -> Tensor:
        return self.inputs.batch(np.arange(count), CENTRE)


def bench(prepared, device: torch.device) -> Bench:
    net = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        for tensor in net.parameters():
            tensor.mul_(3)  # so that upper layers are active
    return Bench(net.to(device), prepared, Crops(prepared, 56, device=device), device)


def every_rule(subject: Bench) -> list[Tensor]:
    explicit = Deconvnet(subject.net)
    return [explicit.project(subject.images(), unit=Unit("conv4", 1), rules=way) for way in rules.NAMED.values()]


def by_autograd(subject: Bench) -> list[Tensor]:
    maps = torch.from_numpy(MAPS)
    return [deconv.project_each(subject.net, subject.images(), layer="conv4", maps=maps, rules=way) for way in rules.NAMED.values()]


def trained_for_two_steps(subject: Bench, recipe_turned: bool, folder) -> list:
    settings = Settings("zfnet", ARCHITECTURE, 2, batch=24, turned=recipe_turned)
    run = Trainer(settings, subject.prepared, folder, device=subject.device, dtype=torch.float32)
    for _ in range(2):
        run.advance()
    return [*run.net.parameters(), [run.log[0][name] for name in ("train_loss", "train_wrong", "dev_loss", "clipped")]]


TOOLS = {
    "activations.of": lambda b: activations.of(b.net, b.images(), ["conv2", "fc7"]),
    "deconv.project": lambda b: deconv.project(b.net, b.images()[0], unit=Unit("conv5", 1)),
    "deconv.project at a place": lambda b: deconv.project(b.net, b.images()[0], unit=Unit("conv5", 1), at=(1, 0)),
    "deconv.project of a class": lambda b: deconv.project(b.net, b.images()[0], unit=Unit("fc8", 1), seed=1.0),
    "deconv.project_each": by_autograd,
    "deconv.project_each at places": lambda b: deconv.project_each(
        b.net, b.images(), layer="conv4", maps=torch.from_numpy(MAPS), positions=torch.from_numpy(PLACES)
    ),
    "deconvnet": every_rule,
    "deconvnet at a place": lambda b: Deconvnet(b.net).project(b.images(), unit=Unit("conv4", 1), at=(1, 0)),
    "projections through switches that are drawn": lambda b: (
        projections.project(
            b.net,
            lambda wanted: b.inputs.batch(wanted, CENTRE),
            layer="conv4",
            indices=np.arange(3),
            maps=MAPS,
            positions=PLACES,
            generator=torch.Generator().manual_seed(0),
        ).pixels
    ),
    "batched_deconv of images": lambda b: batched_deconv.project(
        b.net, b.images(), layer="conv4", indices=np.arange(3), maps=MAPS, positions=PLACES
    ),
    "batched_deconv of crops": lambda b: batched_deconv.project(
        b.net,
        lambda indices: b.inputs.batch(indices, CENTRE),
        layer="conv4",
        indices=np.arange(3),
        maps=MAPS,
        positions=PLACES,
        rules=rules.GRADIENT,
    ),
    "topk.scan of images": lambda b: topk.scan(b.net, b.images(12), layers=["conv1", "conv4", "fc6"], k=3, batch=5),
    "topk.scan of crops": lambda b: topk.scan(
        b.net, lambda indices: b.inputs.batch(indices, CENTRE), layers=["pool1", "conv5"], k=3, indices=np.arange(20), batch=8
    ),
    "occlusion.sweep": lambda b: [
        occlusion.sweep(b.net, b.images()[0], stride=16, fill=fill)
        for fill in (occlusion.mean_grey, occlusion.image_mean, occlusion.blur, occlusion.noise)
    ],
    "occlusion.sweep without a layer": lambda b: occlusion.sweep(b.net, b.images()[0], stride=16, layer=None),
    "saliency.by_rules": lambda b: saliency.by_rules(b.net, b.images(), torch.tensor([0, 1, 3]), rules.GRADIENT),
    "saliency.grad_cam": lambda b: saliency.grad_cam(b.net, b.images(), torch.tensor([0, 1, 3])),
    "receptive_field.of": lambda b: receptive_field.of(b.net, b.images()[:1], "conv4"),
    "invariance.curves": lambda b: [
        invariance.curves(b.net, b.images(), np.array([0, 1, 3]), way, amounts[:3]) for way, amounts in invariance.amounts(56).values()
    ],
    "invariance.distances": lambda b: [
        invariance.typical_distances(b.net, b.images()),
        invariance.distances(b.net, b.images()[:1], b.images()),
    ],
    "correspondence.signs": lambda b: correspondence.signs(b.net, b.images(), PLACES * 10.0, 9, zone=0.01),
    "sanity.random_seed": lambda b: sanity.random_seed(b.net, b.images(), "conv4", generator=torch.Generator().manual_seed(1)),
    "sanity.randomised": lambda b: list(
        sanity.randomised(b.net, ["fc8", "conv5"], generator=torch.Generator().manual_seed(1)).state_dict().values()
    ),
    "evolution, activity": lambda b: evolution._activity(b.net, b.images(), ("conv2", "conv5")),
    "evolution, projections": lambda b: evolution._projections(
        b.net, b.images(), "conv4", MAPS, evolution._places(b.net, b.images(), "conv4", MAPS)
    ),
    "predictions": lambda b: predictions.probabilities(b.net, b.inputs, np.arange(7), crops=(0, CENTRE, 9), batch=4),
    "crops": lambda b: b.inputs.batch(np.arange(10), np.arange(10)),
    "turned crops": lambda b: TurnedCrops(b.prepared, 56, device=b.device).batch(np.arange(10), np.arange(10)),
    "feature_cache.batch_of": lambda b: feature_cache.batch_of(b.net, b.images(), feature_cache.LAYERS),
    "onnx_graphs.export": lambda b: np.frombuffer(onnx_graphs.export(b.net, 56).weights, np.float32),
    "checkpoints.digest": lambda b: checkpoints.digest(b.net),
}


def plain(result: object) -> object:
    """A tool's result with everything brought to the CPU."""
    if isinstance(result, Tensor):
        return result.detach().cpu()
    if dataclasses.is_dataclass(result):
        return {field.name: plain(getattr(result, field.name)) for field in dataclasses.fields(result)}
    if isinstance(result, dict):
        return {name: plain(value) for name, value in result.items()}
    return [plain(value) for value in result] if isinstance(result, list | tuple) else result


def check_same(here: object, there: object) -> None:
    if isinstance(here, dict | list):
        pairs = [(here[name], there[name]) for name in here] if isinstance(here, dict) else zip(here, there, strict=True)
        for pair in pairs:
            check_same(*pair)
    elif isinstance(here, Tensor):
        torch.testing.assert_close(there, here, rtol=1e-4, atol=1e-5)
    elif isinstance(here, np.ndarray):
        np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)
    else:
        assert there == here or there == pytest.approx(here)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_runs_where_its_net_lies_and_gives_what_it_gives_on_the_cpu(name, tiny_set):
    here = plain(TOOLS[name](bench(tiny_set, CPU)))
    with made_up_device.present() as device:
        there = plain(TOOLS[name](bench(tiny_set, device)))
    check_same(here, there)


@pytest.mark.parametrize("turned", [False, True])
def test_training_runs_where_it_is_told_and_gives_what_it_gives_on_the_cpu(turned, tiny_set, tmp_path):
    here = plain(trained_for_two_steps(bench(tiny_set, CPU), turned, tmp_path / "here"))
    with made_up_device.present() as device:
        there = plain(trained_for_two_steps(bench(tiny_set, device), turned, tmp_path / "there"))
    check_same(here, there)


def test_the_made_up_device_refuses_what_a_gpu_refuses():
    with made_up_device.present() as device:
        far, near = torch.ones(3, device=device), torch.ones(3)
        index = torch.tensor([0, 2])
        assert (far[index] + torch.tensor(2.0)).cpu().tolist() == [3, 3]  # indices and single numbers may come from the CPU
        for wrong in (
            lambda: far + near,
            lambda: near[index.to(device)],
            lambda: far.gather(0, index),
            lambda: torch.cat([far, near]),
            lambda: torch.zeros(3).add_(far),
            lambda: far.numpy(),
            lambda: far.index_select(0, index),
        ):
            with pytest.raises(RuntimeError):
                wrong()
        assert copy.deepcopy(far).device == far.device


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that this machine has some CUDA GPUs."""

    def pretend(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    for variable in ("DEVICE", "RANK", "LOCAL_RANK", "CUDA_VISIBLE_DEVICES", "JOBS"):
        monkeypatch.delenv(variable, raising=False)
    pretend(0)
    return pretend


@pytest.mark.parametrize(
    ("asked", "count", "rank", "expected"),
    [
        ("", 0, None, "cpu"),
        ("", 2, None, "cuda:0"),
        ("", 2, "1", "cuda:1"),
        ("cpu", 2, None, "cpu"),
        ("cpu", 2, "1", "cpu"),
        ("cuda", 2, None, "cuda:0"),
        ("cuda", 2, "1", "cuda:1"),
        ("cuda:1", 2, None, "cuda:1"),
    ],
)
def test_the_variable_device_chooses_the_device(gpus, monkeypatch, asked, count, rank, expected):
    gpus(count)
    monkeypatch.setenv("DEVICE", asked)
    if rank:
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert devices.device() == torch.device(expected)


@pytest.mark.parametrize(
    ("asked", "count", "rank", "said"),
    [
        ("gpu", 1, None, "unknown DEVICE 'gpu'; known: cpu, cuda, cuda:1 .or another number., mps"),
        ("cuda", 0, None, "DEVICE=cuda: this machine has no CUDA GPU that torch can use; leave DEVICE out"),
        ("cuda:2", 2, None, "DEVICE=cuda:2: this machine has CUDA GPUs 0 to 1; leave DEVICE out"),
        ("mps", 0, None, "DEVICE=mps: this machine has no Apple GPU that torch can use; leave DEVICE out"),
        ("cuda:1", 2, "0", "DEVICE=cuda:1 is one device, and torchrun gives each process its own; give DEVICE=cuda"),
    ],
)
def test_a_device_that_is_not_there_is_named_in_one_line(gpus, monkeypatch, asked, count, rank, said):
    gpus(count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("DEVICE", asked)
    if rank:
        monkeypatch.setenv("RANK", rank)
    with pytest.raises(Problem, match=f"^{said}"):
        devices.device()


def test_float32_means_float32_once_a_device_is_chosen(gpus, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("high")
    devices.device()
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(
    ("count", "variables", "jobs", "expected"),
    [
        (0, {}, 3, [{}] * 3),
        (1, {}, 8, [{"CUDA_VISIBLE_DEVICES": "0"}]),
        (2, {}, 8, [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]),
        (2, {}, 1, [{"CUDA_VISIBLE_DEVICES": "0"}]),
        (2, {"CUDA_VISIBLE_DEVICES": "4,6"}, 8, [{"CUDA_VISIBLE_DEVICES": "4"}, {"CUDA_VISIBLE_DEVICES": "6"}]),
        (2, {"DEVICE": "cuda:1"}, 8, [{}]),
        (2, {"DEVICE": "cpu"}, 3, [{}] * 3),
    ],
)
def test_there_is_one_process_a_gpu_or_a_core(gpus, monkeypatch, count, variables, jobs, expected):
    gpus(count)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert devices.slots(jobs) == expected


def test_a_process_of_torchrun_joins_on_its_own_gpu(gpus, monkeypatch):
    done = []
    gpus(2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: done.append(device))
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend: done.append(backend))
    devices.join_group()
    assert done == []
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")
    devices.join_group()
    assert done == [torch.device("cuda", 1), "nccl"]


def test_batch_norms_are_synchronised_over_processes_or_refused(monkeypatch):
    normed = architectures.build(recipes.batch_normed(ARCHITECTURE, dropout=0.0), generator=torch.Generator().manual_seed(0))
    assert devices.replicated(normed) is normed
    monkeypatch.setattr(devices, "rank_and_world", lambda: (0, 2))
    monkeypatch.setattr(devices, "DistributedDataParallel", lambda net: net)
    with pytest.raises(Problem, match="train this net in one process, without torchrun"):
        devices.replicated(normed)
    before = dict(normed.state_dict())
    with made_up_device.present() as device:
        over = devices.replicated(normed.to(device))
    kinds = {type(module) for module in over.modules()}
    assert nn.SyncBatchNorm in kinds and nn.BatchNorm2d not in kinds
    assert list(over.state_dict()) == list(before), "a checkpoint must not tell how many processes made it"
