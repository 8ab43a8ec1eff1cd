"""Occlusion: our batched sweep against Captum's, in its default layout and number type and in ours; and the sweep of figure 7."""

import time

import numpy as np
import torch
from torch import Tensor, nn

from zfutils.analysis import heatmap_metrics
from zfutils.attribution import occlusion
from zfutils.core.profiles import Profile
from zfutils.models import devices
from zfutils.run.bench import clock, subject

_SIDE, _WIDTH = 224, 1.0  # the paper's net
_STRIDE = 29  # divides 224 - 50, so that both see the same 7 x 7 positions; they stand for the 900
_TRIED = (16, 32, 64)  # perturbations that Captum gets at once; the best is kept


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds a position, initial weights of He's size, 50 x 50 squares.

    Raises:
        AssertionError: the maps in float32 are not the same. How near the narrow one is stands in the name of the section.
    """
    device = devices.device()
    image = subject.images(1, size=_SIDE, seed=seed)[0].contiguous().to(device)
    net, ours_layout, half = (_net(seed, width, device) for width in (_WIDTH, _WIDTH, _WIDTH / 2))
    net = net.to(memory_format=torch.contiguous_format)  # the library's default
    label = int(net(image[None]).argmax())
    size = round(_SIDE * 50 / 224)
    narrow, plain = devices.dtype(device), _captum(net, image, label, size)
    exact = occlusion.sweep(ours_layout, image, layer=None, size=size, stride=_STRIDE)
    count = exact.labels.size
    _agree(exact, plain(max(_TRIED)), label)
    in_narrow = occlusion.sweep(ours_layout, image, layer=None, size=size, stride=_STRIDE, dtype=narrow)
    likeness = float(np.corrcoef(exact.probabilities[..., label].ravel(), in_narrow.probabilities[..., label].ravel())[0, 1])
    same = float((exact.labels == in_narrow.labels).mean())
    best = min(_TRIED, key=lambda many: _seconds(lambda: plain(many)))
    title = f"occlusion, {_SIDE} px, width {_WIDTH:g}, {count} positions (narrow: correlation {likeness:.5f}, same label {same:.1%})"

    def sweep(dtype: torch.dtype) -> None:
        occlusion.sweep(ours_layout, image, layer=None, size=size, stride=_STRIDE, dtype=dtype)

    def in_our_type() -> None:
        with devices.autocast(device, narrow):
            _captum(ours_layout, image, label, size)(best)

    occluded = image[None].repeat(occlusion.BATCH, 1, 1, 1).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def bare(dtype: torch.dtype, net: nn.Module = ours_layout, count: int = count) -> None:
        with devices.autocast(device, dtype):
            for start in range(0, count, occlusion.BATCH):
                net(occluded[: count - start])

    exact_rows = clock.compared(
        f"{title}, float32",
        {
            "ours": lambda: sweep(torch.float32),
            "bare pass": lambda: bare(torch.float32),
            f"Captum's Occlusion, {best} at once": lambda: plain(best),
        },
        per=count,
        unit="position",
    )
    narrow_rows = clock.compared(
        f"{title}, the number type of training, {str(narrow).removeprefix('torch.')}",  # apart, also where that is float32
        {
            "ours": lambda: sweep(narrow),
            "bare pass": lambda: bare(narrow),
            "Captum, default": lambda: plain(best),
            "Captum, our layout and type": in_our_type,
        },
        per=count,
        unit="position",
    )
    positions = ((_SIDE - size) // occlusion.scaled(_SIDE)[1] + 1) ** 2
    whole = clock.compared(
        "the sweep of figure 7, half width",
        {"ours": lambda: occlusion.sweep(half, image, dtype=narrow), "bare pass": lambda: bare(narrow, half, positions)},
        per=1,
        unit="sweep",
    )
    return [*exact_rows, *narrow_rows, *whole]


def _net(seed: int, width: float, device: torch.device) -> nn.Sequential:
    return subject.net(size=_SIDE, width=width, fc_units=round(4096 * width), seed=seed).requires_grad_(False).to(device)


def _captum(net: nn.Module, image: Tensor, label: int, size: int):
    """A function from perturbations at once to Captum's map of the drop in probability, (h, w)."""
    from captum.attr import Occlusion

    method = Occlusion(lambda images: net(images).float().softmax(1))
    options = {"sliding_window_shapes": (3, size, size), "strides": (3, _STRIDE, _STRIDE), "target": label, "baselines": 0}

    def run(many: int) -> np.ndarray:
        with torch.no_grad():
            return method.attribute(image[None], **options, perturbations_per_eval=many)[0, 0].cpu().numpy()

    return run


def _agree(ours: occlusion.Sweep, theirs: np.ndarray, label: int) -> None:
    """Captum gives every pixel the mean drop of the squares that cover it."""
    drops = ours.base_probabilities[label] - ours.probabilities[..., label]
    covered = ours.squares().any((0, 1))
    worst = float(np.abs(heatmap_metrics.spread(ours, drops) - theirs)[covered].max())
    assert worst < 1e-4, f"the maps differ by {worst:.1e}"


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
