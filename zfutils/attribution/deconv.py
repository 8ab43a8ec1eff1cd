"""The deconvnet for any net: one activation brought down to pixels by autograd with the rules at ReLU, pool and norm exchanged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zfutils.attribution import activations, autograd_graph, units
from zfutils.attribution.rules import DECONVNET, Rules, middle
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models.local_response_norm import LocalResponseNorm


@dataclass(frozen=True)
class Projection:
    """A unit brought down to pixels.

    Attributes:
        pixels: (channels, h, w), in units of the input; 0 outside the receptive field.
        unit: what was projected.
        activation: its value at `at`, after a ReLU: not below 0.
        at: row and column in its map; empty for a fully connected layer.
    """

    pixels: Tensor
    unit: Unit
    activation: float
    at: tuple[int, ...]

    def __str__(self) -> str:
        position = f" at row {self.at[0]}, column {self.at[1]}" if self.at else ""
        if self.activation == 0:
            return f"{self.unit}{position}: not active here, so its projection is zero; take an image that it answers to, or give a seed"
        return f"{self.unit}{position}: activation {self.activation:.4g}"


def project(
    net: nn.Module, image: Tensor, *, unit: Unit, at: tuple[int, int] | None = None, rules: Rules = DECONVNET, seed: float | None = None
) -> Projection:
    """Bring one activation down to pixels.

    *Paper:* section 2.1, figures 2, 4 and 6. All other activations of the layer are zero; the signal goes down through un-pooling at the
    switches, rectification and the transposed filters. No bias takes part, and there is no ReLU on the pixels.

    It follows convolutions, linear layers, ReLU and ReLU6 in any form (module, function, in place, used twice), max and average pools,
    batch norm (as if folded into its convolution), contrast norms, dropout, sums and concatenations. The net is left as it was.

    Args:
        net: any net, in evaluation mode.
        image: (channels, h, w), or with a leading 1, as the net takes it and in the number type of its weights.
        unit: the map.
        at: row and column in the map; None takes that of the map's maximum, the first of several.
        rules: of the way down.
        seed: the value that is put into the layer; None takes the activation, which is 0 where the unit's value is below 0.

    Raises:
        Problem: unknown layer or map, a position outside the map, unfit image, training mode, NaN weights, a net that cannot be followed.

    Example:
        >>> project(net, image, unit=Unit("layer3.1.conv2", 17)).pixels  # doctest: +SKIP
    """
    image = image[None] if image.ndim == 3 else image
    if image.ndim == 4 and len(image) != 1:
        raise Problem(f"expected one image, got {len(image)}; for many at once take deconv.project_each")
    pixels, output = traced(net, image, unit.layer, rules)
    units.check_map(unit, output.shape[1])
    positions = None if at is None else torch.tensor([at])
    index = _index(output, torch.tensor([unit.map]), positions, unit.layer)
    activation = output[index].detach().clamp(min=0)
    down = _brought_down(output, pixels, index, activation if seed is None else seed)
    return Projection(down[0], unit, float(activation), tuple(int(part) for part in index[2:]))


def project_each(
    net: nn.Module,
    images: Tensor,
    *,
    layer: str,
    maps: Tensor,
    positions: Tensor | None = None,
    rules: Rules = DECONVNET,
    seed: float | None = None,
) -> Tensor:
    """Bring one activation of each of many images down to pixels, with one pass up and one down.

    Args:
        net: any net, in evaluation mode.
        images: (n, channels, h, w).
        layer: name of the layer.
        maps: the map for each image, integers of shape (n,).
        positions: row and column for each image, (n, 2); None takes the maximum of each map.
        rules: of the way down.
        seed: the value that is put into the layer for each; None takes the activations.

    Returns:
        (n, channels, h, w); zero for a unit that is not active.

    Raises:
        Problem: as `project`.
    """
    pixels, output = traced(net, images, layer, rules)
    for number in {int(maps.min()), int(maps.max())}:
        units.check_map(Unit(layer, number), output.shape[1])
    index = _index(output, maps, positions, layer)
    return _brought_down(output, pixels, index, output[index].detach().clamp(min=0) if seed is None else seed)


def _index(output: Tensor, maps: Tensor, positions: Tensor | None, layer: str) -> tuple[Tensor, ...]:
    """Where in a layer's output the one value of each image stands."""
    maps = maps.to(output.device)
    images = torch.arange(len(output), device=output.device)
    if output.ndim == 2:
        if positions is not None:
            raise Problem(f"{layer} is fully connected, its units have no position; leave at= out")
        return images, maps
    if output.ndim != 4:
        raise Problem(f"{layer} gives a tensor of shape {tuple(output.shape)}; expected maps (n, maps, h, w) or units (n, units)")
    height, width = output.shape[2:]
    if positions is None:
        first = output[images, maps].flatten(1).argmax(1)  # the first of several
        return images, maps, first // width, first % width
    rows, columns = positions.to(output.device).unbind(1)
    if positions.min() < 0 or rows.max() >= height or columns.max() >= width:
        raise Problem(f"expected a position within the {height} x {width} map of {layer}, got {tuple(positions.tolist()[0])}; count from 0")
    return images, maps, rows, columns


def _brought_down(output: Tensor, pixels: Tensor, index: tuple[Tensor, ...], seeds: Tensor | float) -> Tensor:
    """Pixels for a signal that is zero but at one position an image."""
    signal = torch.zeros_like(output)
    signal[index] = seeds
    return torch.autograd.grad(output, pixels, signal)[0]


def traced(net: nn.Module, images: Tensor, layer: str, rules: Rules) -> tuple[Tensor, Tensor]:
    """Run a net with the rules in place.

    Args:
        net: any net, in evaluation mode; left as it was.
        images: (n, channels, h, w).
        layer: name of the layer.
        rules: of the way down.

    Returns:
        The images as a leaf of autograd, and the layer's output, whose gradient with respect to them obeys the rules in every step.

    Raises:
        Problem: as `project`.
    """
    units.check_eval(net)
    units.check_images(net, images)
    pixels = images.detach().requires_grad_(True)  # never written to: the net gets a copy
    with torch.enable_grad(), _obeying(net, rules):
        output = activations.run(net, pixels.clone(), take={layer: Tensor.clone})[layer]
    units.check_finite(net, output.detach(), layer=layer)
    autograd_graph.check(output, pixels, layer=layer)
    return pixels, output


@contextmanager
def _obeying(net: nn.Module, rules: Rules) -> Iterator[None]:
    """Exchange the rules of all that runs inside; gone afterwards, also after an error."""

    norms = [module for module in net.modules() if isinstance(module, LocalResponseNorm)]
    try:
        for module in norms:
            module.forward = partial(_normed, norm=module.forward, derived=rules.derived)
        with _Exchanged(rules):
            yield
    finally:
        for module in norms:
            vars(module).pop("forward", None)


class _Exchanged(TorchFunctionMode):
    """Takes over ReLUs, max pools and norms of the library, whichever way they are called.

    What it does not reach is found afterwards in the graph of autograd and refused (`autograd_graph.check`).
    """

    def __init__(self, rules: Rules):
        super().__init__()
        self.rules = rules

    def __torch_function__(self, function: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        ours = _OURS.get(function)
        return ours(function, self.rules, *args, **(kwargs or {})) if ours else function(*args, **(kwargs or {}))


def _relu(function: Callable, rules: Rules, input: Tensor, inplace: bool = False) -> Tensor:
    """A ReLU."""
    return _rectified(input, rules, float("inf"), inplace or function.__name__.endswith("_"))


def _relu6(function: Callable, rules: Rules, input: Tensor, inplace: bool = False) -> Tensor:
    """A ReLU that is cut off at 6."""
    return _rectified(input, rules, 6.0, inplace)


def _hardtanh(
    function: Callable, rules: Rules, input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """What the library makes of ReLU6; with another lower end it is no ReLU and stays what it is."""
    if min_val != 0:
        return function(input, min_val, max_val, inplace) if function is F.hardtanh else function(input, min_val, max_val)
    return _rectified(input, rules, max_val, inplace or function.__name__.endswith("_"))


def _rectified(x: Tensor, rules: Rules, ceiling: float, inplace: bool) -> Tensor:
    """The rectified values; in place, the tensor itself then holds them."""
    out = _Rectified.apply(x, rules, ceiling)
    return x.copy_(out) if inplace else out


def _max_pool(
    function: Callable,
    rules: Rules,
    input: Tensor,
    kernel_size: int | tuple,
    stride: int | tuple | None = None,
    padding: int | tuple = 0,
    dilation: int | tuple = 1,
    ceil_mode: bool = False,
    **options: bool,
) -> Tensor:
    """A max pool; with switches the library's own derivative is the un-pooling that adds."""
    if not rules.centred or options.get("return_indices"):
        return function(input, kernel_size, stride, padding, dilation, ceil_mode, **options)
    sizes = [(size, size) if isinstance(size, int) else tuple(size) for size in (kernel_size, stride or kernel_size, padding, dilation)]
    return _Centred.apply(input, *sizes, ceil_mode)


def _lrn(function: Callable, rules: Rules, input: Tensor, *args: object, **options: object) -> Tensor:
    """The library's contrast norm."""

    return _normed(input, norm=lambda x: function(x, *args, **options), derived=rules.derived)


def _normed(x: Tensor, *, norm: Callable[[Tensor], Tensor], derived: bool) -> Tensor:
    """A contrast norm, whose own steps are recorded apart, and only where its derivative is asked for."""
    below = x.detach().requires_grad_(derived)
    with torch.set_grad_enabled(derived):
        normed = norm(below)
    return _Normed.apply(x, normed.detach(), partial(torch.autograd.grad, normed, below, retain_graph=True) if derived else None)


_OURS = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), _relu),
    **dict.fromkeys((F.hardtanh, F.hardtanh_), _hardtanh),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _max_pool),
    F.relu6: _relu6,
    F.local_response_norm: _lrn,
}


class _Rectified(torch.autograd.Function):
    """A ReLU on the way up, the rule of the way down."""

    @staticmethod
    def forward(ctx, x: Tensor, rules: Rules, ceiling: float) -> Tensor:
        ctx.rules = rules
        if rules.masked:
            ctx.save_for_backward((x > 0) & (x < ceiling))
        return x.clamp(0, ceiling)

    @staticmethod
    def backward(ctx, signal: Tensor) -> tuple:
        return ctx.rules.through_relu(signal, *(ctx.saved_tensors or (None,))), None, None


class _Centred(torch.autograd.Function):
    """A max pool on the way up; on the way down every value goes to the middle of its window."""

    @staticmethod
    def forward(ctx, x: Tensor, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, ceil_mode: bool) -> Tensor:
        ctx.shape, ctx.sizes = x.shape, (kernel, stride, padding, dilation)
        return F.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)

    @staticmethod
    def backward(ctx, signal: Tensor) -> tuple:
        rows, columns = (
            middle(size, kernel=k, stride=s, padding=p, dilation=d, windows=n).to(signal.device)
            for size, k, s, p, d, n in zip(ctx.shape[2:], *ctx.sizes, signal.shape[2:], strict=True)
        )
        down = signal.new_zeros(ctx.shape)
        down.flatten(2).index_add_(2, (rows[:, None] * ctx.shape[3] + columns).flatten(), signal.flatten(2))
        return down, None, None, None, None, None


class _Normed(torch.autograd.Function):
    """A contrast norm on the way up; on the way down nothing, or its true derivative."""

    @staticmethod
    def forward(ctx, x: Tensor, normed: Tensor, derivative: Callable | None) -> Tensor:
        ctx.derivative = derivative
        return normed.clone()

    @staticmethod
    def backward(ctx, signal: Tensor) -> tuple:
        return ctx.derivative(grad_outputs=signal)[0] if ctx.derivative else signal, None, None
