"""The deconvnet of torchvision's squeezenet and resnet18, written out module by module; each part's way down comes with its way up."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock
from torchvision.models.squeezenet import Fire

Down = Callable[[Tensor], Tensor]


def ascend(module: nn.Module, x: Tensor) -> tuple[Tensor, Down]:
    """Output of a module, and the deconvnet's way from a signal at its output to one at its input."""
    if isinstance(module, nn.Conv2d):
        return module(x), lambda signal: _filtered(signal, module.weight, module, x)
    if isinstance(module, nn.ReLU):
        return x.clamp(min=0), lambda signal: signal.clamp(min=0)
    if isinstance(module, nn.MaxPool2d):
        sizes = (module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode)
        out, places = F.max_pool2d(x, *sizes, return_indices=True)
        return out, lambda signal: torch.zeros_like(x).flatten(2).scatter_add_(2, places.flatten(2), signal.flatten(2)).view_as(x)
    if isinstance(module, nn.BatchNorm2d):
        factor = (module.weight / (module.running_var + module.eps).sqrt())[None, :, None, None]
        return module(x), lambda signal: signal * factor  # the batch norm folded into the filters below
    if isinstance(module, nn.Sequential):
        return _in_turn(list(module), x)
    return _BLOCKS[type(module)](module, x)


def _filtered(signal: Tensor, weight: Tensor, conv: nn.Conv2d, x: Tensor) -> Tensor:
    """The transposed filters, by the linear map's own definition: <conv(x), signal> = <x, down>."""
    probe = torch.zeros_like(x, requires_grad=True)
    out = F.conv2d(probe, weight, None, conv.stride, conv.padding, conv.dilation, conv.groups)
    return torch.autograd.grad(out, probe, signal)[0]


def _in_turn(modules: list[nn.Module], x: Tensor) -> tuple[Tensor, Down]:
    ways = []
    for module in modules:
        x, down = ascend(module, x)
        ways.append(down)

    def through(signal: Tensor) -> Tensor:
        for down in reversed(ways):
            signal = down(signal)
        return signal

    return x, through


def _fire(block: Fire, x: Tensor) -> tuple[Tensor, Down]:
    """Squeeze, then two expansions side by side."""
    squeezed, below = _in_turn([block.squeeze, block.squeeze_activation], x)
    small, small_down = _in_turn([block.expand1x1, block.expand1x1_activation], squeezed)
    large, large_down = _in_turn([block.expand3x3, block.expand3x3_activation], squeezed)
    maps = small.shape[1]
    return torch.cat([small, large], 1), lambda signal: below(small_down(signal[:, :maps]) + large_down(signal[:, maps:]))


def _basic(block: BasicBlock, x: Tensor) -> tuple[Tensor, Down]:
    """Two convolutions and the shortcut, then a ReLU over the sum."""
    out, main = _in_turn([block.conv1, block.bn1, block.relu, block.conv2, block.bn2], x)
    short, shortcut = ascend(block.downsample, x) if block.downsample else (x, lambda signal: signal)
    return (out + short).clamp(min=0), lambda signal: main(signal.clamp(min=0)) + shortcut(signal.clamp(min=0))


_BLOCKS = {Fire: _fire, BasicBlock: _basic}
