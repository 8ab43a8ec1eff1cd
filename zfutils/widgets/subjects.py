"""Nets that one can explore: those that ship, those of this machine, torchvision's whose weights are here, and any other module."""

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from zfutils.attribution import shipped_winners
from zfutils.attribution.topk import Top
from zfutils.core import paths, profiles
from zfutils.core.errors import Problem, unknown
from zfutils.data import prepared_sets, samples
from zfutils.models import checkpoints, shipped

_LAYERS = (nn.Conv2d, nn.Linear)
_NEVER_RUN = nn.modules.linear.NonDynamicallyQuantizableLinear  # inside attention, which uses its weights and never calls it
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pixels that torchvision's nets take, in [0, 1]


@dataclass(frozen=True)
class Subject:
    """A net, and how it is shown a picture.

    Attributes:
        name: what the state calls it.
        net: in evaluation mode, on the CPU.
        side: of the square that a picture is brought to, pixels.
        size: of the centre that the net sees, pixels.
        normalise: from uint8 (n, size, size, 3) to what the net takes, (n, 3, size, size).
        classes: names, one a logit; empty where they are not known.
        says: what it is, one line.
        ends: a low layer and the last hidden one, whose distances are shown.
        winners: the strongest pictures of every unit and those pictures, where they ship.
        photographs: whether winners that do not ship are looked for among photographs; else among toys too.
    """

    name: str
    net: nn.Module
    side: int
    size: int
    normalise: Callable[[np.ndarray], Tensor]
    classes: tuple[str, ...]
    says: str
    ends: tuple[str, ...]
    winners: tuple[dict[str, Top], samples.Sample] | None = field(default=None, repr=False)
    photographs: bool = False

    @functools.cached_property
    def layers(self) -> dict[str, int]:
        """The layers whose units can be looked at, with the number of their units."""
        return {
            name: module.out_channels if isinstance(module, nn.Conv2d) else module.out_features
            for name, module in self.net.named_modules()
            if isinstance(module, _LAYERS) and not isinstance(module, _NEVER_RUN)
        }

    def cut(self, square: np.ndarray) -> np.ndarray:
        """What the net sees of a square picture of `side` pixels: uint8 (size, size, 3)."""
        start = (self.side - self.size) // 2
        return square[start : start + self.size, start : start + self.size]

    def input(self, cuts: Iterable[np.ndarray]) -> Tensor:
        """Pictures of `size` pixels as the net takes them, (n, 3, size, size)."""
        return self.normalise(np.stack(list(cuts)))

    def class_name(self, label: int) -> str:
        """Name of a class, or its number."""
        return self.classes[label] if label < len(self.classes) else f"class {label}"


def known() -> dict[str, Callable[[], Subject]]:
    """Every net that can be chosen without a download, by name: how it is loaded."""
    found = {name: functools.partial(of_shipped, name) for name in shipped.known()}
    found |= {name: functools.partial(of_folder, name, folder) for name, folder in _trained().items()}
    return found | {name: functools.partial(of_torchvision, name) for name in _torchvision()}


def preferred(profile: str = "") -> str:
    """The net that is shown first: of a profile the one that ships, else the one that was trained here, else any.

    Raises:
        Problem: there is no net at all; the command that trains one is named.
    """
    nets = known()
    if not nets:
        raise Problem("no net ships with this copy and none is trained here; train one: make train NET=zfnet")
    shipping = [name for name in shipped.known() if profile and shipped.card(name).get("profile") == profile]
    first = sorted(shipping, key=lambda name: shipped.card(name)["recipe"] != "zfnet")
    return next((name for name in (*first, f"{profile}/zfnet") if name in nets), next(iter(nets)))


def load(net: str | nn.Module) -> Subject:
    """Load a net by its name, or take any other module.

    Raises:
        Problem: there is no such net, its file is damaged, or what it needs is not here.
    """
    if isinstance(net, nn.Module):
        return of_module(net)
    nets = known()
    if net not in nets:
        raise unknown("net", net, nets or ["none; train one: make train NET=zfnet"])
    return nets[net]()


def of_shipped(name: str) -> Subject:
    """A net that ships, with the winners of its units where they ship too."""
    card, mean = shipped.card(name), shipped.mean(name)
    low, high = card["val_interval"]
    says = (
        f"{card['says']}; {card['val_wrong']} of {card['val_n']} val pictures wrong ({100 * low:.0f} to {100 * high:.0f} %), {card['data']}"
    )
    winners = shipped_winners.of(name) if shipped_winners.has(name) else None
    subject = _of_book(name, shipped.load(name), card["architecture"]["image_size"], mean, card["classes"], says)
    return dataclasses.replace(subject, winners=winners, photographs=winners is None)


def of_folder(name: str, folder: Path) -> Subject:
    """A net that was trained on this machine; the mean of its pictures is taken from the set that it was trained on.

    Raises:
        Problem: that set is gone.
    """
    card = checkpoints.card(folder / "net.safetensors")
    data = folder.parent.parent / card["data"]
    prepared = prepared_sets.load(data, remedy=f"make it again: make data PROFILE={folder.parent.parent.name}")
    if prepared.facts["sha256"] != card["data_sha256"]:
        raise Problem(f"{data} holds other pictures than {name} was trained on; train it again: make train NET={card['recipe']}")
    says = f"trained here; {card['val_wrong']} of {card['val_n']} val pictures wrong, {card['data']}"
    net = checkpoints.load(folder / "net.safetensors")
    subject = _of_book(name, net, card["architecture"]["image_size"], prepared.mean(), card["classes"], says)
    return dataclasses.replace(subject, photographs=profiles.profile(folder.parent.parent.name).toys is None)


def of_torchvision(name: str) -> Subject:
    """A net of torchvision whose weights are on this machine; they are read without pickle's instructions."""
    import torchvision

    weights, file = _torchvision()[name]
    net = torchvision.models.get_model(name)
    net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    transforms = weights.transforms()
    side, size = (int(np.max(sizes)) for sizes in (transforms.resize_size, transforms.crop_size))
    classes = tuple(weights.meta["categories"])
    says = f"torchvision's, {weights.name}"
    return Subject(name, net.eval(), side, size, _standardised(transforms.mean, transforms.std), classes, says, _ends(net))


def of_module(net: nn.Module, *, name: str = "own net", size: int = 224) -> Subject:
    """Any classifier in evaluation mode, shown pictures as torchvision's nets are."""
    net = copy.deepcopy(net).cpu()
    if not [module for module in net.modules() if isinstance(module, _LAYERS)]:
        raise Problem(f"{name} has no convolution and no linear layer, so it has no units to look at; give another net")
    return Subject(name, net, size * 8 // 7, size, _standardised(_MEAN, _DEVIATION), (), "your own module", _ends(net))


def _of_book(name: str, net: nn.Module, size: int, mean: np.ndarray, classes: list[str], says: str) -> Subject:
    start = (len(mean) - size) // 2
    inside = mean[start : start + size, start : start + size]

    def normalise(cuts: np.ndarray) -> Tensor:
        return torch.from_numpy(cuts - inside).permute(0, 3, 1, 2).contiguous()

    ends = tuple(layer for layer in ("pool1", "relu7", "relu6", "relu5") if layer in dict(net.named_modules()))[:2]
    return Subject(name, net, len(mean), size, normalise, tuple(classes), says, ends)


def _standardised(mean: tuple[float, ...], deviation: tuple[float, ...]) -> Callable[[np.ndarray], Tensor]:
    def normalise(cuts: np.ndarray) -> Tensor:
        scaled = (cuts / np.float32(255) - np.float32(mean)) / np.float32(deviation)
        return torch.from_numpy(scaled).permute(0, 3, 1, 2).contiguous()

    return normalise


def _ends(net: nn.Module) -> tuple[str, ...]:
    """The first layer, and the last one before the logits where that is another."""
    names = [name for name, module in net.named_modules() if isinstance(module, _LAYERS)]
    return tuple(dict.fromkeys([names[0], *names[-2:-1]]))


def _trained() -> dict[str, Path]:
    """Folders of the nets that were trained here, as `toybox/zfnet`; of several runs the name says the seed and the key."""
    found: dict[str, Path] = {}
    for profile in profiles.PROFILES:
        folders = sorted(file.parent for file in (paths.data_dir() / profile / "nets").glob("*/net.safetensors"))
        recipes = [folder.name.split("-seed")[0] for folder in folders]
        for folder, recipe in zip(folders, recipes, strict=True):
            found[f"{profile}/{recipe if recipes.count(recipe) == 1 else folder.name}"] = folder
    return found


@functools.cache
def _torchvision() -> dict[str, tuple[object, Path]]:
    """Classifiers of torchvision whose weights are on this machine: the weights' own description and their file."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if not folder.is_dir():
        return {}  # nothing was ever fetched, and torchvision need not be loaded to know it
    import torchvision

    found = {}
    for name in torchvision.models.list_models(module=torchvision.models):
        for weights in torchvision.models.get_model_weights(name):
            file = folder / weights.url.rsplit("/", 1)[-1]
            if file.exists():
                found[name] = (weights, file)
    return found
