"""Where a net runs and in which number type: what `DEVICE` names, else what the hardware can do, never decided by a timing."""

import contextlib
import os
import re
from collections.abc import Iterator

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from zfutils.core import cpu
from zfutils.core.errors import Problem

SHARED = 64  # images a step from which on threads share a batch; with 16 two are slower than one


def device() -> torch.device:
    """The device of this process: the one that the variable `DEVICE` names (`cpu`, `cuda`, `cuda:1`, `mps`), else its CUDA GPU, else
    Apple's MPS, else the CPU. Under torchrun each process has the GPU of its `LOCAL_RANK`.

    From then on float32 means float32: the GPU's shorter TF32, which cuDNN takes unasked, is off.

    Raises:
        Problem: `DEVICE` names no device, or one that is not there.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    asked = os.environ.get("DEVICE") or _usual()
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", asked):
        raise Problem(f"unknown DEVICE {asked!r}; known: cpu, cuda, cuda:1 (or another number), mps")
    chosen = torch.device(asked)
    if asked == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    elif _several() and chosen.type != "cpu":
        raise Problem(f"DEVICE={asked} is one device, and torchrun gives each process its own; give DEVICE=cuda or DEVICE=cpu")
    _check_there(chosen, asked)
    return chosen


def _usual() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() and not _several() else "cpu"  # there is no summing over processes on MPS


def _several() -> bool:
    """Whether this process was started by torchrun."""
    return "RANK" in os.environ


def _check_there(chosen: torch.device, asked: str) -> None:
    """Refuse a device that this machine does not have."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if chosen.type == "cuda" and chosen.index >= gpus:
        there = f"has CUDA GPUs 0 to {gpus - 1}" if gpus else "has no CUDA GPU that torch can use"
        raise Problem(f"DEVICE={asked}: this machine {there}; leave DEVICE out to take what is there")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise Problem("DEVICE=mps: this machine has no Apple GPU that torch can use; leave DEVICE out to take what is there")


def slots(jobs: int | None = None) -> list[dict[str, str]]:
    """What each of the processes that run at once finds in its environment: one process a GPU, on a CPU as many as there are cores.

    Args:
        jobs: processes at most, as in `cpu.jobs`.

    Raises:
        Problem: as `device`, and for `jobs`.
    """
    chosen, count = device(), cpu.jobs(jobs)
    if chosen.type == "cpu":
        return [{}] * count
    if chosen.type == "mps" or ":" in os.environ.get("DEVICE", ""):
        return [{}]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(str(number) for number in range(torch.cuda.device_count()))
    return [{"CUDA_VISIBLE_DEVICES": name} for name in visible.split(",")[:count]]


def dtype(device: torch.device) -> torch.dtype:
    """Number type of training: bfloat16 where the hardware computes it, else float32.

    On a CPU without AMX or AVX512-BF16 bfloat16 is emulated, about eight times slower than float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if can.get("amx_bf16") or can.get("avx512_bf16") else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> contextlib.AbstractContextManager:
    """Compute the layers inside in a dtype; in float32 nothing is changed."""
    return contextlib.nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def synchronise(device: torch.device) -> None:
    """Wait until a device has done what was asked of it; the CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def describe(device: torch.device) -> str:
    """Name of the hardware, for the provenance."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


def seed(device: torch.device, number: int) -> None:
    """Seed what is drawn on a device: on a CPU its generator alone, because to seed those of all GPUs too takes half a millisecond."""
    (torch.default_generator if device.type == "cpu" else torch).manual_seed(number)


@contextlib.contextmanager
def threads_for(batch: int) -> Iterator[None]:
    """Train with one thread where a batch is too small to be shared out: there a second one only costs, and the last bits of a run, on
    which the rest of it may hang, would differ with the number of cores.

    Args:
        batch: images a step.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if batch < SHARED else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def join_group() -> None:
    """Join the other processes when started by torchrun, on the GPU of this one; else do nothing."""
    if not _several() or distributed.is_initialized():
        return
    chosen = device()
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)  # what names no device, as a barrier or objects that are gathered, would take the first for all
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")


def rank_and_world() -> tuple[int, int]:
    """Number of this process and of all processes: (0, 1) when alone."""
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def wait_for_all() -> None:
    """Go on when all processes are here; at once when alone."""
    if distributed.is_initialized():
        distributed.barrier()


def replicated(net: nn.Module) -> nn.Module:
    """A net whose gradients are averaged over all processes, and whose batch norms see the images of all; the net itself when alone.

    Args:
        net: on its device; its batch norms are exchanged in place.

    Raises:
        Problem: batch norm on a CPU, where PyTorch synchronises none: each process would normalise by its own few images.
    """
    if rank_and_world()[1] == 1:
        return net
    if any(isinstance(module, nn.BatchNorm2d) for module in net.modules()):
        if next(net.parameters()).device.type == "cpu":
            raise Problem("batch norm is the same over several processes on GPUs only; train this net in one process, without torchrun")
        net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    return DistributedDataParallel(net)


def summed(values: torch.Tensor) -> torch.Tensor:
    """Sum of a tensor over all processes; the tensor itself when alone."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
    return values
