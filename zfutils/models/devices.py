"""Where a net runs and in which number type: decided by what the hardware can do, never by a timing."""

import contextlib
import os
from collections.abc import Iterator

import torch
from torch import distributed

SHARED = 64  # images a step from which on threads share a batch; with 16 two are slower than one


def device() -> torch.device:
    """The device of this process: its CUDA GPU (by `LOCAL_RANK` under torchrun), else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype(device: torch.device) -> torch.dtype:
    """Number type of training: bfloat16 where the hardware computes it, else float32.

    On a CPU without AMX or AVX512-BF16 bfloat16 is emulated, about eight times slower than float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if can.get("amx_bf16") or can.get("avx512_bf16") else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Layers inside run in this number type; in float32 nothing is changed."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def synchronise(device: torch.device) -> None:
    """Wait until a device has done what was asked of it; the CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def describe(device: torch.device) -> str:
    """Name of the hardware, for the provenance."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


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
    """Join the other processes when started by torchrun; else do nothing."""
    if "RANK" in os.environ and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def rank_and_world() -> tuple[int, int]:
    """Number of this process and of all processes: (0, 1) when alone."""
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def summed(values: torch.Tensor) -> torch.Tensor:
    """Sum of a tensor over all processes; the tensor itself when alone."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
    return values
