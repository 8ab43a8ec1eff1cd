"""Features: what the layers of a net give for some images."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zfutils.attribution import units
from zfutils.core.errors import Problem


def of(net: nn.Module, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Run a net and keep the outputs of some layers.

    Args:
        net: in evaluation mode.
        images: (n, channels, h, w), as the net takes them.
        layers: names of modules.

    Returns:
        For each layer float32 of shape (n, maps, h, w) or (n, units), as the layer leaves it: what a later layer changes in place is not
        seen.

    Raises:
        Problem: unknown layer, training mode, unfit images, features that are not finite.
    """
    units.check_eval(net)
    units.check_images(net, images)
    with torch.no_grad():
        features = run(net, images, take=dict.fromkeys(layers, lambda output: output.float().clone()))
    for layer, values in features.items():
        units.check_finite(net, values, layer=layer)
    return features


def run(net: nn.Module, images: Tensor, *, take: dict[str, Callable[[Tensor], Tensor]]) -> dict[str, Tensor]:
    """Run a net as far as some layers need, and take something from the output of each.

    Args:
        net: any net.
        images: its input.
        take: for each layer, what is kept of its output, before anything later can change that in place.

    Raises:
        Problem: as `watched`; images of a size that the net does not take.
    """
    with watched(net, take) as taken:
        _as_far_as_needed(net, list(take))(images)
    return taken


@contextmanager
def watched(net: nn.Module, take: dict[str, Callable[[Tensor], Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Watch layers while the net runs once inside; the hooks are gone afterwards, also after an error.

    A pass of the same net in another thread, as sliders make it, is not watched.

    Args:
        net: any net.
        take: for each layer, what is kept of its output.

    Yields:
        A dict that holds what was taken once the net has run.

    Raises:
        Problem: unknown layer; a layer that is not reached, that runs more than once, or whose output is no tensor; images of a size that
            the net does not take.
    """
    taken: dict[str, Tensor] = {}
    thread = threading.get_ident()

    def keeper(layer: str) -> Callable:
        def keep(_module: nn.Module, _inputs: tuple, output: object) -> None:
            if threading.get_ident() != thread:
                return
            if layer in taken:
                raise Problem(f"{layer} runs more than once in a pass, so it names no single map; name a layer that runs once")
            if not isinstance(output, Tensor):
                raise Problem(f"{layer} gives a {type(output).__name__}, not a tensor; name a layer inside it")
            taken[layer] = take[layer](output)

        return keep

    hooks = [units.find(net, layer).register_forward_hook(keeper(layer)) for layer in take]
    try:
        yield taken
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise Problem(f"the net does not take these images ({str(error).splitlines()[0]}); use the size that it was made for") from error
    finally:
        for hook in hooks:
            hook.remove()
    if lacking := [layer for layer in take if layer not in taken]:
        raise Problem(f"{lacking[0]} is not reached when the net runs; name another layer")


def _as_far_as_needed(net: nn.Module, layers: Sequence[str]) -> nn.Module:
    """The net up to the last of some layers: cut short where that is safe, in a plain sequence of modules that are used once each."""
    if type(net) is not nn.Sequential:
        return net
    names = [name for name, _ in net.named_children()]  # a module that is used twice is listed once
    own = [layer.split(".")[0] for layer in layers]
    if len(names) < len(net) or not set(own) <= set(names):
        return net
    return net[: 1 + max(names.index(name) for name in own)]
