"""The deconvnet as the paper builds it: for every layer of the convnet one that runs the other way (section 2.1, figure 1)."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import units
from zfutils.attribution.rules import DECONVNET, Rules, middle
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models.local_response_norm import LocalResponseNorm


@dataclass(frozen=True)
class Ascent:
    """What the way down needs of the way up.

    Attributes:
        inputs: what entered each layer, by the layer's name.
        outputs: what left it.
        switches: for each pool, where in its input the maximum of each window lies: flat positions, integers of the shape of its output.
    """

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    switches: dict[str, Tensor]


class Deconvnet:
    """Runs a net backwards, layer by layer, with the net's own filters; nothing is learned.

    Args:
        net: a sequence of named convolutions, ReLUs, max pools, contrast or batch norms, flattening, linear layers and dropout, in
            evaluation mode.

    Raises:
        Problem: a layer of another kind, or training mode.

    Example:
        >>> Deconvnet(net).project(image[None], unit=Unit("conv3", 7))  # doctest: +SKIP
    """

    def __init__(self, net: nn.Sequential):
        units.check_eval(net)
        for name, layer in net.named_children():
            if type(layer) not in _DOWN:
                raise Problem(f"{name} is a {type(layer).__name__}, for which there is no explicit way down; take deconv.project instead")
        self.net = net

    @torch.no_grad()
    def up(self, images: Tensor) -> Ascent:
        """Run the net and keep what the way down needs.

        Args:
            images: (n, 3, h, w).
        """
        units.check_images(self.net, images)
        inputs, outputs, switches = {}, {}, {}
        for name, layer in self.net.named_children():
            inputs[name] = images
            if isinstance(layer, nn.MaxPool2d):
                images, switches[name] = F.max_pool2d(images, **_sizes(layer), ceil_mode=layer.ceil_mode, return_indices=True)
            elif isinstance(layer, nn.ReLU):
                images = images.clamp(min=0)  # not in place: what entered is still needed
            else:
                images = layer(images)
            outputs[name] = images
        return Ascent(inputs, outputs, switches)

    @torch.no_grad()
    def down(self, signal: Tensor, layer: str, ascent: Ascent, *, rules: Rules = DECONVNET) -> Tensor:
        """Bring a signal from the output of a layer to the pixels.

        Args:
            signal: of the shape of the layer's output.
            layer: its name.
            ascent: of the same images.
            rules: of the way down.

        Returns:
            (n, 3, h, w); no ReLU is applied to the pixels.
        """
        names = [name for name, _ in self.net.named_children()]
        for name in reversed(names[: names.index(layer) + 1]):
            module = self.net.get_submodule(name)
            signal = _DOWN[type(module)](module, signal, name, ascent, rules)
        return signal

    def project(
        self,
        images: Tensor,
        *,
        unit: Unit,
        at: tuple[int, int] | None = None,
        rules: Rules = DECONVNET,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Bring one activation of each image down to pixels, all others set to zero.

        Args:
            images: (n, 3, h, w).
            unit: the map.
            at: row and column in the map; None takes each image's maximum.
            rules: of the way down.
            generator: draws switches at random within their windows, which takes away what the picture told; None leaves the right ones.

        Returns:
            (n, 3, h, w).

        Raises:
            Problem: unknown layer or map, unfit images.
        """
        units.find(self.net, unit.layer)
        ascent = self.up(images)
        if generator is not None:
            drawn = {name: random_switches(self.net.get_submodule(name), ascent.inputs[name], generator) for name in ascent.switches}
            ascent = replace(ascent, switches=drawn)
        features = ascent.outputs[unit.layer]
        units.check_map(unit, features.shape[1])
        of_map = features[:, unit.map].reshape(len(images), -1)  # (n, h * w), or (n, 1) after a fully connected layer
        position = of_map.argmax(1, keepdim=True)
        if at is not None:
            position.fill_(at[0] * features.shape[3] + at[1])
        alone = torch.zeros_like(of_map).scatter_(1, position, of_map.gather(1, position).clamp(min=0))
        signal = torch.zeros_like(features)
        signal[:, unit.map] = alone.view_as(features[:, unit.map])
        return self.down(signal, unit.layer, ascent, rules=rules)


def unpool(signal: Tensor, switches: Tensor, size: tuple[int, int]) -> Tensor:
    """Put every value where the maximum of its window was, zeros elsewhere; values that share a switch are added.

    *Paper:* section 2.1. The paper's windows overlap (3x3, stride 2), so one maximum may serve four of them: overwriting instead of adding,
    as `nn.MaxUnpool2d` does, loses signal.

    Args:
        signal: (n, maps, h, w).
        switches: flat positions in a map of the pool's input, integers of the same shape.
        size: height and width of the pool's input.

    Returns:
        (n, maps, *size); its sum is that of the signal.
    """
    down = signal.new_zeros(*signal.shape[:2], size[0] * size[1])
    return down.scatter_add_(2, switches.flatten(2), signal.flatten(2)).unflatten(2, size)


def random_switches(pool: nn.MaxPool2d, x: Tensor, generator: torch.Generator) -> Tensor:
    """Switches that point anywhere in their windows, each place that lies inside the map as likely as any other.

    Args:
        pool: the pool.
        x: what enters it, (n, maps, h, w).
        generator: source of the places, on the CPU.

    Returns:
        Flat positions in a map of `x`, int64 of the shape of the pool's output.
    """
    chances = torch.rand(x.shape, generator=generator).to(x.device)
    return F.max_pool2d(chances, **_sizes(pool), ceil_mode=pool.ceil_mode, return_indices=True)[1]


def _sizes(pool: nn.MaxPool2d) -> dict[str, int]:
    return {"kernel_size": pool.kernel_size, "stride": pool.stride, "padding": pool.padding, "dilation": pool.dilation}


def _conv(layer: nn.Conv2d, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    """Filter: the same filters, transposed; no bias."""
    size = ascent.inputs[name].shape[2:]
    plain = [
        (out - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
        for out, stride, padding, dilation, kernel in zip(
            signal.shape[2:], layer.stride, layer.padding, layer.dilation, layer.kernel_size, strict=True
        )
    ]
    rest = [side - made for side, made in zip(size, plain, strict=True)]  # pixels at the far border that no filter reached
    return F.conv_transpose2d(signal, layer.weight, None, layer.stride, layer.padding, rest, layer.groups, layer.dilation)


def _relu(layer: nn.ReLU, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    """Rectify."""
    return rules.through_relu(signal, ascent.inputs[name] > 0)


def _pool(layer: nn.MaxPool2d, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    """Un-pool."""
    size = tuple(ascent.inputs[name].shape[2:])
    switches = ascent.switches[name]
    if rules.centred:
        sizes = {"kernel": layer.kernel_size, "stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        rows, columns = (middle(side, **sizes, windows=windows) for side, windows in zip(size, signal.shape[2:], strict=True))
        switches = (rows[:, None] * size[1] + columns).to(signal.device).expand_as(switches)
    return unpool(signal, switches, size)


def norm_down(layer: LocalResponseNorm, signal: Tensor, x: Tensor) -> Tensor:
    """The true derivative of a contrast norm, for the rules that do not skip it.

    Of y = x s^-b, where s = k + a (sum of x^2 over near maps), it is s^-b R - 2 a b x (sum of R x s^(-b-1) over near maps).

    Args:
        layer: the norm.
        signal: R, (n, maps, h, w).
        x: what entered the norm on the way up, of the same shape.
    """
    band = layer.band.to(signal.dtype)  # holds a
    energy = layer.k + F.conv2d(x * x, band)
    near = F.conv2d(signal * x * energy ** (-layer.beta - 1), band)
    return signal * energy**-layer.beta - 2 * layer.beta * x * near


def _norm(layer: LocalResponseNorm, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    return norm_down(layer, signal, ascent.inputs[name]) if rules.derived else signal


def _batch_norm(layer: nn.BatchNorm2d, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    """As if folded into its convolution: the filters are scaled, the shift is a bias."""
    return signal * (layer.weight / (layer.running_var + layer.eps).sqrt())[:, None, None]


def _flatten(layer: nn.Flatten, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    return signal.view_as(ascent.inputs[name])


def _linear(layer: nn.Linear, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    return signal @ layer.weight


def _dropout(layer: nn.Dropout, signal: Tensor, name: str, ascent: Ascent, rules: Rules) -> Tensor:
    return signal


_DOWN = {
    nn.Conv2d: _conv,
    nn.ReLU: _relu,
    nn.MaxPool2d: _pool,
    LocalResponseNorm: _norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Flatten: _flatten,
    nn.Linear: _linear,
    nn.Dropout: _dropout,
}
