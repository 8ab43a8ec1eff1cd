"""Occlusion: our batched sweep against Captum's, in its default layout and number type and in ours; and the sweep of figure 7."""

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.analysis import heatmap_metrics
from zfutils.attribution import occlusion
from zfutils.core.profiles import Profile
from zfutils.models import architectures, devices
from zfutils.run.bench import clock

_SIDE, _WIDTH = 224, 1.0  # the paper's net
_STRIDE = 29  # divides 224 - 50, so that both see the same 7 x 7 positions; they stand for the 900
_TRIED = (16, 32, 64)  # perturbations that Captum gets at once; the best is kept


def measure(profile: Profile, *, seed: int = 0) -> list[clock.Row]:
    """Milliseconds a position, initial weights of He's size, 50 x 50 squares.

    Raises:
        AssertionError: the maps in float32 are not the same. How near the narrow one is stands in the name of the section.
    """
    image, net = _image(seed), _net(seed, _WIDTH)
    label = int(net(image[None]).argmax())
    size = round(_SIDE * 50 / 224)
    narrow = devices.dtype(image.device)
    plain, ours_layout = _captum(net, image, label, size), _net(seed, _WIDTH).to(memory_format=torch.channels_last)
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
        with torch.autocast(image.device.type, narrow, enabled=narrow != torch.float32):
            _captum(ours_layout, image.contiguous(), label, size)(best)

    exact_rows = clock.compared(
        f"{title}, float32",
        {"ours": lambda: sweep(torch.float32), f"Captum's Occlusion, {best} at once": lambda: plain(best)},
        per=count,
        unit="position",
    )
    narrow_rows = clock.compared(
        f"{title}, the number type of training, {str(narrow).removeprefix('torch.')}",  # apart, also where that is float32
        {"ours": lambda: sweep(narrow), "Captum, default": lambda: plain(best), "Captum, our layout and type": in_our_type},
        per=count,
        unit="position",
    )
    half = _net(seed, _WIDTH / 2).to(memory_format=torch.channels_last)
    whole = clock.compared(
        "the sweep of figure 7, half width", {"ours": lambda: occlusion.sweep(half, image, dtype=narrow)}, per=1, unit="sweep"
    )
    return [*exact_rows, *narrow_rows, *whole]


def _net(seed: int, width: float) -> nn.Sequential:
    scaled = architectures.scaled(architectures.ZFNET, width=width, image_size=_SIDE, fc_units=round(4096 * width), classes=20)
    net = architectures.build(scaled, generator=torch.Generator().manual_seed(seed)).eval()
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=torch.Generator().manual_seed(seed))
    return net.requires_grad_(False)


def _image(seed: int) -> Tensor:
    coarse = torch.randn(1, 3, _SIDE // 8, _SIDE // 8, generator=torch.Generator().manual_seed(seed)) * 60
    return F.interpolate(coarse, size=_SIDE, mode="bilinear").clamp(-120, 120)[0]


def _captum(net: nn.Module, image: Tensor, label: int, size: int):
    """A function from perturbations at once to Captum's map of the drop in probability, (h, w)."""
    from captum.attr import Occlusion

    method = Occlusion(lambda images: net(images).float().softmax(1))
    options = {"sliding_window_shapes": (3, size, size), "strides": (3, _STRIDE, _STRIDE), "target": label, "baselines": 0}

    def run(many: int) -> np.ndarray:
        with torch.no_grad():
            return method.attribute(image[None], **options, perturbations_per_eval=many)[0, 0].numpy()

    return run


def _agree(found: occlusion.Sweep, theirs: np.ndarray, label: int) -> None:
    """Captum gives every pixel the mean drop of the squares that cover it."""
    drops = found.base_probabilities[label] - found.probabilities[..., label]
    covered = found.squares().any((0, 1))
    worst = float(np.abs(heatmap_metrics.spread(found, drops) - theirs)[covered].max())
    assert worst < 1e-4, f"the maps differ by {worst:.1e}"


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
